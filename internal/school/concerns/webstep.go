package concerns

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

// step is one thing that is done to a case, on a page of its own.
type step struct {
	title, lead, button, said string
	grave                     bool
	fields                    func(r *Room, c *web.Ctx, w *Whole) []web.Field
	do                        func(r *Room, c *web.Ctx, id string, version int64, form url.Values) error
}

// steps are all of them, by the end of their address.
func steps() map[string]step {
	return map[string]step{
		"triage": {
			title: "Decide how to go on", button: "Go on like this", said: "Decided.", fields: (*Room).triageFields, do: (*Room).doTriage,
			lead: "What it is about decides which way it goes. Sent another way, it may no longer be yours to see.",
		},
		"note":    {title: "Add a note", button: "Add it", said: "Added.", fields: (*Room).noteFields, do: (*Room).doNote},
		"amend":   {title: "Amend what was written", button: "Amend it", said: "Amended. What it said before still stands beside it.", fields: (*Room).amendFields, do: (*Room).doAmend},
		"person":  {title: "Put somebody into it", button: "Put them in", said: "Put in.", fields: (*Room).personFields, do: (*Room).doPerson, lead: "Whoever is in a case, and their close family, cannot see it."},
		"takeout": {title: "Take somebody out of it", button: "Take them out", said: "Taken out. It stays to be read that they were in it.", fields: (*Room).reasonField, do: (*Room).doTakeOut},
		"act":     {title: "Set down an action", button: "Set it down", said: "Set down.", fields: (*Room).actFields, do: (*Room).doAct},
		"lift":    {title: "Give the web back", button: "Give it back now", said: "Given back.", fields: (*Room).liftFields, do: (*Room).doLift, lead: "It comes back by itself at the end. Given back early, it needs a reason."},
		"finish":  {title: "What came of it?", button: "Keep it", said: "Kept.", fields: (*Room).finishFields, do: (*Room).doFinish},
		"sight":   {title: "Who may see it", button: "Change it", said: "Changed.", fields: (*Room).sightFields, do: (*Room).doSight},
		"name":    {title: "Name somebody for it", button: "Let them see it", said: "They may see it until that day.", fields: (*Room).nameFields, do: (*Room).doName, lead: "They see the whole case and may add notes; they decide nothing."},
		"unname":  {title: "End somebody's leave to see it", button: "End it", said: "Ended.", fields: (*Room).unnameFields, do: (*Room).doUnname},
		"hold":    {title: "Legal hold", button: "Keep it", said: "Kept.", fields: (*Room).holdFields, do: (*Room).doHold, lead: "Under a hold a case is kept beyond its time."},
		"reply":   {title: "Answer whoever raised it", button: "Send the answer", said: "They read it when they come back to it.", fields: (*Room).noteFields, do: (*Room).doReply, lead: "They read this, and where it stands, and nothing else. Write no name of another child."},
		"close":   {title: "Close it", button: "Close it", said: "Closed.", fields: (*Room).closeFields, do: (*Room).doClose},
		"reopen":  {title: "Open it again", button: "Open it", said: "Open again.", fields: (*Room).reasonField, do: (*Room).doReopen},
		"void":    {title: "Entered in error", button: "Mark it", said: "Marked. It stays to be read.", grave: true, fields: (*Room).reasonField, do: (*Room).doVoid, lead: "Nothing is deleted. It is marked as entered in error, with your reason, and counts nowhere."},
		"copy":    {title: "Make a copy for somebody", button: "Make it", fields: (*Room).copyFields},
	}
}

// stepView shows a step's form.
func (r *Room) stepView(c *web.Ctx, name string, s step, w *Whole) askView {
	v := askView{
		Base: web.Base{Title: s.title, Lead: s.lead, Marking: marking, Crumbs: []web.Crumb{{Title: "Concerns", Path: "/concerns"}, {Title: w.Ref(), Path: "/concerns/" + w.ID}}},
		Path: "/concerns/" + w.ID + "/" + name, Button: s.button, Grave: s.grave, Cancel: web.Link{Title: "Back to the concern", Path: "/concerns/" + w.ID},
		Fields: s.fields(r, c, w), Hidden: []web.Hidden{{Name: "version", Value: strconv.FormatInt(w.Version, 10)}},
	}
	if name == "copy" {
		v.Path = "/concerns/" + w.ID + "/export"
	}
	if name == "act" {
		k, _ := actionKind(c.Query("kind") + c.Value("kind"))
		v.Title, v.Lead = k.Title, k.Says
	}
	return v
}

// opened opens a case for a step; what stands in between leads to its page.
func (r *Room) opened(c *web.Ctx) (*Whole, error) {
	id := c.Param("id")
	w, err := r.Open(c.Context(), id)
	switch {
	case errors.Is(err, ErrKept):
		return nil, web.SeeOther{To: "/concerns/" + id + "/break"}
	case errors.Is(err, ErrPurpose):
		return nil, web.SeeOther{To: "/concerns/" + id + "/look"}
	}
	return w, err
}

func (r *Room) stepPage(c *web.Ctx) error {
	s, known := steps()[c.Param("step")]
	if !known {
		return store.ErrNotFound
	}
	w, err := r.opened(c)
	if err != nil {
		return err
	}
	if !w.Full && c.Param("step") != "note" {
		return store.ErrForbidden
	}
	return askPage.Render(c, r.stepView(c, c.Param("step"), s, w))
}

func (r *Room) takeStep(c *web.Ctx) error {
	name := c.Param("step")
	s, known := steps()[name]
	if !known || s.do == nil {
		return store.ErrNotFound
	}
	form, err := c.Form()
	if err != nil {
		return err
	}
	version, err := strconv.ParseInt(form.Get("version"), 10, 64)
	if err != nil {
		return store.ErrStale
	}
	id := c.Param("id")
	err = s.do(r, c, id, version, form)
	if bad, ok := web.Wrong(err); ok {
		w, err := r.opened(c)
		if err != nil {
			return err
		}
		v := r.stepView(c, name, s, w)
		var fields []*web.Field
		for i := range v.Fields {
			fields = append(fields, &v.Fields[i])
		}
		v.Errors = web.Refill(form, bad, fields...)
		return askPage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if errors.Is(err, ErrKept) {
		return c.Redirect("/concerns/" + id + "/break")
	}
	if errors.Is(err, ErrPurpose) {
		return c.Redirect("/concerns/" + id + "/look")
	}
	if err != nil {
		return err
	}
	c.Notice(s.said)
	return r.backTo(c, id)
}

// backTo leads to the case, or to the list where it is no longer the reader's
// to see.
func (r *Room) backTo(c *web.Ctx, id string) error {
	rd, err := r.reader(c.Context())
	if err != nil {
		return err
	}
	how, err := r.standing(c.Context(), r.d.DB, rd, id)
	if err != nil || how < named {
		return errors.Join(err, c.Redirect("/concerns"))
	}
	return c.Redirect("/concerns/" + id)
}

func choose(list []web.Option, value string) []web.Option {
	for i := range list {
		list[i].Chosen = list[i].Value == value
	}
	return list
}

func (r *Room) triageFields(_ *web.Ctx, w *Whole) []web.Field {
	route := web.Field{Kind: web.RadiosField, Name: "route", Label: "Which way does it go?"}
	for _, x := range Routes {
		route.Options = append(route.Options, web.Option{Value: string(x.Route), Label: x.Title, Hint: x.Says, Chosen: x.Route == w.Route})
	}
	owner := web.Field{Kind: web.SelectField, Name: "owner", Label: "Whose is it?", Options: []web.Option{{Value: "", Label: "Nobody's yet"}}}
	for _, o := range w.Receivers {
		owner.Options = append(owner.Options, web.Option{Value: string(o.Person.ID), Label: o.Person.Name(), Chosen: o.Person.ID == w.Owner})
	}
	also := web.Field{Kind: web.ChecksField, Name: "also", Label: "It is also", Optional: true, Options: options(Also)}
	for i := range also.Options {
		for _, a := range w.Also {
			also.Options[i].Chosen = also.Options[i].Chosen || also.Options[i].Value == a
		}
	}
	return []web.Field{
		{Kind: web.SelectField, Name: "kind", Label: "What is it about?", Options: choose(kindOptions(), w.Kind)},
		{Kind: web.RadiosField, Name: "risk", Label: "How urgent is it?", Inline: true, Options: choose(options(Severities), strconv.Itoa(w.Risk))},
		route, owner, also,
		{Kind: web.LongField, Name: "note", Label: "Why", Optional: true, Rows: 3, Max: maxLong},
	}
}

func (r *Room) doTriage(c *web.Ctx, id string, version int64, form url.Values) error {
	risk, _ := strconv.Atoi(form.Get("risk"))
	_, err := r.Triage(c.Context(), id, version, Triage{
		Kind: form.Get("kind"), Also: form["also"], Risk: risk, Route: Route(form.Get("route")), Owner: people.ID(form.Get("owner")), Note: form.Get("note"),
	})
	return err
}

func (r *Room) noteFields(*web.Ctx, *Whole) []web.Field {
	return []web.Field{{Kind: web.LongField, Name: "text", Label: "What you write", Rows: 8, Max: maxAccount, Hint: "Facts, the child's own words, what was decided and why."}}
}

func (r *Room) doNote(c *web.Ctx, id string, version int64, form url.Values) error {
	return r.Note(c.Context(), id, version, form.Get("text"))
}

func (r *Room) doReply(c *web.Ctx, id string, version int64, form url.Values) error {
	return r.Reply(c.Context(), id, version, form.Get("text"))
}

func (r *Room) amendFields(c *web.Ctx, w *Whole) []web.Field {
	entry := c.Query("entry") + c.Value("entry")
	text := ""
	for _, e := range w.Entries {
		if e.ID == entry {
			text = e.Told.Text
		}
	}
	return []web.Field{
		{Kind: web.HiddenField, Name: "entry", Value: entry},
		{Kind: web.LongField, Name: "text", Label: "What it says now", Value: text, Rows: 8, Max: maxAccount},
		{Kind: web.LongField, Name: "reason", Label: "Why it is amended", Rows: 2, Max: maxLong},
	}
}

func (r *Room) doAmend(c *web.Ctx, id string, version int64, form url.Values) error {
	return r.Amend(c.Context(), id, version, form.Get("entry"), form.Get("text"), form.Get("reason"))
}

func (r *Room) personFields(*web.Ctx, *Whole) []web.Field {
	return []web.Field{
		{Name: "who", Label: "Who?", Hint: "A name, a username or a number", Max: maxShort, Autocomplete: "off"},
		{Kind: web.RadiosField, Name: "role", Label: "How are they in it?", Options: options(Roles)},
		{Kind: web.LongField, Name: "how", Label: "How is it known that it was them?", Optional: true, Rows: 2, Max: maxLong},
	}
}

func (r *Room) doPerson(c *web.Ctx, id string, version int64, form url.Values) error {
	return r.AddPerson(c.Context(), id, version, form.Get("who"), form.Get("role"), form.Get("how"))
}

// reasonField asks for a reason, and carries which thing it is about.
func (r *Room) reasonField(c *web.Ctx, _ *Whole) []web.Field {
	return []web.Field{
		{Kind: web.HiddenField, Name: "who", Value: c.Query("who") + c.Value("who")},
		{Kind: web.LongField, Name: "reason", Label: "Why?", Rows: 3, Max: maxLong},
	}
}

func (r *Room) doTakeOut(c *web.Ctx, id string, version int64, form url.Values) error {
	return r.TakeOut(c.Context(), id, version, form.Get("who"), form.Get("reason"))
}

func (r *Room) doReopen(c *web.Ctx, id string, version int64, form url.Values) error {
	return r.Reopen(c.Context(), id, version, form.Get("reason"))
}

func (r *Room) doVoid(c *web.Ctx, id string, version int64, form url.Values) error {
	return r.Void(c.Context(), id, version, form.Get("reason"))
}

func (r *Room) actFields(c *web.Ctx, w *Whole) []web.Field {
	kind := c.Query("kind") + c.Value("kind")
	k, _ := actionKind(kind)
	out := []web.Field{{Kind: web.HiddenField, Name: "kind", Value: kind}}
	what := web.Field{Kind: web.LongField, Name: "what", Label: "What?", Rows: 4, Max: maxLong}
	switch {
	case k.Decides:
		what.Label, what.Optional = "What was said", true
		return append(out,
			web.Field{Kind: web.RadiosField, Name: "decision", Label: "Were they told?", Inline: true, Options: []web.Option{{Value: "yes", Label: "Yes"}, {Value: "no", Label: "No"}}},
			web.Field{Name: "who", Label: "If yes: who was told, when, how, and by whom?", Optional: true, Max: maxLong},
			web.Field{Name: "ref", Label: "Their reference", Optional: true, Max: maxShort},
			web.Field{Kind: web.LongField, Name: "reason", Label: "If no: why not?", Optional: true, Rows: 2, Max: maxLong}, what)
	case kind == actSanction:
		what.Optional = true
		return append(append(out, r.sanctionFields(c, w)...), what)
	}
	out = append(out, what)
	if kind == actInvestigation {
		return append(out, web.Field{Kind: web.DayField, Name: "due", Label: "By when?", Optional: true})
	}
	return append(out,
		web.Field{Kind: web.RadiosField, Name: "done", Label: "Is it done?", Inline: true, Options: []web.Option{{Value: "yes", Label: "Yes, this was done"}, {Value: "no", Label: "No, it is to be done"}}},
		web.Field{Name: "given", Label: "If not: who does it?", Optional: true, Max: maxShort, Hint: "They read this action's words, and nothing else of the concern.", Autocomplete: "off"},
		web.Field{Kind: web.DayField, Name: "due", Label: "By when?", Optional: true})
}

func (r *Room) doAct(c *web.Ctx, id string, version int64, form url.Values) error {
	bad := store.Invalid{}
	due, until := r.dayEnd(c, form.Get("due"), "due", bad), r.dayEnd(c, form.Get("until"), "until", bad)
	if err := bad.OrNil(); err != nil {
		return err
	}
	return r.Act(c.Context(), id, version, Doing{
		Kind: form.Get("kind"), What: form.Get("what"), Done: form.Get("done") == "yes", GivenTo: form.Get("given"), Due: due,
		Decision: form.Get("decision"), Who: form.Get("who"), Ref: form.Get("ref"), Reason: form.Get("reason"),
		Grade: form.Get("grade"), Approver: form.Get("approver"), Clause: form.Get("clause"), Until: until,
		Whose: form.Get("whose"), Coursework: form.Get("coursework"), Arranged: form.Get("arranged"),
	})
}

// dayEnd reads a day as its last moment at the school; "" is none.
func (r *Room) dayEnd(c *web.Ctx, text, field string, bad store.Invalid) time.Time {
	d, err := people.ParseDay(strings.TrimSpace(text))
	if err != nil {
		bad[field] = err.Error()
		return time.Time{}
	}
	if d == "" {
		return time.Time{}
	}
	return d.End(c.Words.Zone()).Add(-time.Minute)
}

func (r *Room) finishFields(c *web.Ctx, w *Whole) []web.Field {
	id := c.Query("action") + c.Value("action")
	version := ""
	for i := range w.Actions {
		if w.Actions[i].ID == id {
			version = strconv.FormatInt(w.Actions[i].Version, 10)
		}
	}
	return append([]web.Field{{Kind: web.HiddenField, Name: "action", Value: id}, {Kind: web.HiddenField, Name: "actionversion", Value: version}}, outcomeFields()...)
}

func outcomeFields() []web.Field {
	return []web.Field{
		{Kind: web.RadiosField, Name: "state", Label: "Is it done?", Options: []web.Option{{Value: Done, Label: "Yes"}, {Value: Dropped, Label: "It is not needed any more"}}},
		{Kind: web.LongField, Name: "outcome", Label: "What came of it, or why is it not needed?", Rows: 5, Max: maxLong},
	}
}

func (r *Room) doFinish(c *web.Ctx, id string, _ int64, form url.Values) error {
	version, err := strconv.ParseInt(form.Get("actionversion"), 10, 64)
	if err != nil {
		return store.ErrStale
	}
	a, err := r.action(c.Context(), r.d.DB, form.Get("action"))
	if err != nil {
		return err
	}
	if a.Concern != id {
		return store.ErrNotFound
	}
	return r.Finish(c.Context(), a.ID, version, form.Get("state"), form.Get("outcome"))
}

func (r *Room) sightFields(_ *web.Ctx, w *Whole) []web.Field {
	return []web.Field{
		{Kind: web.RadiosField, Name: "sight", Label: "Who may see it?", Options: choose(options(sights), w.Sight)},
		{Kind: web.LongField, Name: "reason", Label: "Why?", Rows: 3, Max: maxLong},
	}
}

func (r *Room) doSight(c *web.Ctx, id string, version int64, form url.Values) error {
	return r.SetSight(c.Context(), id, version, form.Get("sight"), form.Get("reason"))
}

func (r *Room) nameFields(*web.Ctx, *Whole) []web.Field {
	return []web.Field{
		{Name: "who", Label: "Who?", Hint: "A member of staff or a governor", Max: maxShort, Autocomplete: "off"},
		{Kind: web.DayField, Name: "until", Label: "Until which day?"},
		{Kind: web.LongField, Name: "reason", Label: "Why do they need to see it?", Rows: 3, Max: maxLong},
	}
}

func (r *Room) doName(c *web.Ctx, id string, version int64, form url.Values) error {
	bad := store.Invalid{}
	until := r.dayEnd(c, form.Get("until"), "until", bad)
	if err := bad.OrNil(); err != nil {
		return err
	}
	return r.Name(c.Context(), id, version, form.Get("who"), until, form.Get("reason"))
}

func (r *Room) unnameFields(c *web.Ctx, w *Whole) []web.Field {
	f := web.Field{Kind: web.RadiosField, Name: "sighting", Label: "Whose?"}
	for _, s := range w.Sights {
		if s.Kind != sightLook && !s.Ended && s.Until.After(c.Now()) {
			f.Options = append(f.Options, web.Option{Value: s.ID, Label: r.nameOf(c.Context(), string(s.Person)) + ", until " + people.DayOf(s.Until).Words()})
		}
	}
	return []web.Field{f}
}

func (r *Room) doUnname(c *web.Ctx, id string, version int64, form url.Values) error {
	if form.Get("sighting") == "" {
		return store.Invalid{"sighting": "Choose whose leave ends."}
	}
	return r.Unname(c.Context(), id, version, form.Get("sighting"))
}

func (r *Room) holdFields(_ *web.Ctx, w *Whole) []web.Field {
	return []web.Field{
		{Kind: web.RadiosField, Name: "hold", Label: "Is it under a legal hold?", Inline: true, Options: choose([]web.Option{{Value: "yes", Label: "Yes"}, {Value: "no", Label: "No"}}, map[bool]string{true: "yes", false: "no"}[w.Hold])},
		{Kind: web.LongField, Name: "reason", Label: "Why?", Rows: 3, Max: maxLong},
	}
}

func (r *Room) doHold(c *web.Ctx, id string, version int64, form url.Values) error {
	return r.SetHold(c.Context(), id, version, form.Get("hold") == "yes", form.Get("reason"))
}

func (r *Room) closeFields(*web.Ctx, *Whole) []web.Field {
	return []web.Field{
		{Kind: web.RadiosField, Name: "outcome", Label: "What came of it?", Options: options(Outcomes)},
		{Kind: web.LongField, Name: "text", Label: "In your words", Rows: 5, Max: maxLong, Hint: "What was done, what was decided and why."},
		{Kind: web.LongField, Name: "policy", Label: "Should the policy, the filter or the teaching change?", Optional: true, Rows: 3, Max: maxLong},
	}
}

func (r *Room) doClose(c *web.Ctx, id string, version int64, form url.Values) error {
	return r.Close(c.Context(), id, version, Ending{Outcome: form.Get("outcome"), Text: form.Get("text"), Policy: form.Get("policy")})
}

func (r *Room) copyFields(*web.Ctx, *Whole) []web.Field {
	return []web.Field{
		{Name: "to", Label: "Who gets it?", Hint: "Such as the lead of the child's next school, by name", Max: maxShort},
		{Kind: web.LongField, Name: "reason", Label: "What for?", Rows: 3, Max: maxLong},
	}
}

// export shows the copy, to be printed. It is made by the POST that journals
// it, so that no copy comes without its line.
func (r *Room) export(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	version, err := strconv.ParseInt(form.Get("version"), 10, 64)
	if err != nil {
		return store.ErrStale
	}
	w, sum, err := r.Export(c.Context(), c.Param("id"), version, form.Get("to"), form.Get("reason"))
	if bad, ok := web.Wrong(err); ok {
		w, err := r.opened(c)
		if err != nil {
			return err
		}
		v := r.stepView(c, "copy", steps()["copy"], w)
		v.Errors = web.Refill(form, bad, &v.Fields[0], &v.Fields[1])
		return askPage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if err != nil {
		return err
	}
	v := r.caseView(c, w)
	v.Title, v.Copy, v.CheckSum = "Copy of concern "+w.Ref(), true, sum
	v.Lead = w.kind().Title + ". For " + clean(form.Get("to")) + ". " + clean(form.Get("reason"))
	v.Steps, v.Acts, v.Missing, v.First = nil, nil, web.Panel{}, web.Link{}
	for i := range v.Story {
		v.Story[i].Amend = web.Link{}
	}
	return casePage.Render(c, v)
}
