package concerns

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sort"
	"strings"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

type caseView struct {
	web.Base
	Says    web.Panel
	Missing web.Panel
	Summary web.Summary
	People  web.Table
	Story   []told
	Files   []web.Link
	First   web.Link // the one next step
	Steps   []web.Link
	Acts    []web.Link
	Plans   []plan
	Full    bool
	// Copy is a printed copy for somebody.
	Copy     bool
	CheckSum string
}

// told is one piece of the story as shown.
type told struct {
	Ref     string
	When    web.When
	Who     string
	Title   string
	Paras   []string
	Reason  string
	Amended bool
	Of      string // the entry that this amends
	Amend   web.Link
}

// plan is an action that is still to be done.
type plan struct {
	Title, Words string
	To           string
	Due          web.When
	Late         bool
	Finish       web.Link
}

var casePage = web.NewPage[caseView](pages, "pages/case.html")

// casePage shows a case. What stands between it and the reader leads to the
// page that says so.
func (r *Room) casePage(c *web.Ctx) error {
	id := c.Param("id")
	w, err := r.Open(c.Context(), id)
	switch {
	case errors.Is(err, ErrKept):
		return c.Redirect("/concerns/" + id + "/break")
	case errors.Is(err, ErrPurpose):
		return c.Redirect("/concerns/" + id + "/look")
	case err != nil:
		return err
	}
	return casePage.Render(c, r.caseView(c, w))
}

func (r *Room) caseView(c *web.Ctx, w *Whole) caseView {
	v := caseView{Base: web.Base{
		// The title stands in the browser's history: it tells nothing.
		Title: "Concern " + w.Ref(), Wide: true, Marking: marking, SeenBy: r.seenBy(c.Context(), w), Crumbs: []web.Crumb{{Title: "Concerns", Path: "/concerns"}},
		Lead: w.kind().Title + ". Opening this is noted in the journal.",
	}, Full: w.Full}
	if k := w.kind(); k.Says != "" {
		v.Says = web.Panel{Tone: "warn", Title: "What to do", Words: k.Says}
	}
	if w.Images {
		v.Says = web.Panel{Tone: "bad", Title: "Nothing may be attached to this concern", List: imageAdvice}
	}
	if m := r.Missing(w); len(m) > 0 && w.live() && w.Full {
		v.Missing = web.Panel{Tone: "note", Title: "Before it can be closed", List: m}
	}
	v.Summary = r.summary(c, w)
	v.People = r.peopleTable(w)
	v.Story = r.story(c, w)
	for _, f := range w.Files {
		v.Files = append(v.Files, web.Link{Title: f.Name + " (" + words.Size(f.Bytes) + ")", Path: "/concerns/" + w.ID + "/files/" + f.ID})
	}
	v.Plans = r.plans(c, w)
	r.fillSteps(w, &v)
	return v
}

// seenBy says who may see the case, at the top of its page.
func (r *Room) seenBy(ctx context.Context, w *Whole) string {
	var names []string
	switch w.Sight {
	case SightLeadAndHead, SightHead:
		names = append(names, strings.ToLower(optionTitle(sights, w.Sight)))
	default:
		for _, o := range w.Receivers {
			names = append(names, o.Person.Name())
		}
	}
	now := r.now()
	for _, s := range w.Sights {
		if s.Kind != sightLook && !s.Ended && s.Until.After(now) {
			names = append(names, r.nameOf(ctx, string(s.Person))+" until "+people.DayOf(s.Until).Words())
		}
	}
	if len(names) == 0 {
		return "nobody holds the post that it goes to"
	}
	return words.And(names)
}

func (r *Room) nameOf(ctx context.Context, id string) string {
	if p, err := r.d.Roll.Get(ctx, people.ID(id)); err == nil {
		return p.Name()
	}
	return "somebody no longer on the roll"
}

// actorName says who acted.
func (r *Room) actorName(ctx context.Context, id string) string {
	if who, ok := strings.CutPrefix(id, "person:"); ok {
		return r.nameOf(ctx, who)
	}
	return ""
}

func (r *Room) summary(c *web.Ctx, w *Whole) web.Summary {
	s := web.Summary{}
	add := func(key, text string, when web.When) {
		if text != "" || when.Words != "" {
			s.Rows = append(s.Rows, web.SummaryRow{Key: key, Text: text, When: when})
		}
	}
	add("Urgency", severityTitle(w.Risk), web.When{})
	add("Where it stands", optionTitle(states, w.State), web.When{})
	add("Way", w.Route.title(), web.When{})
	if w.Owner != "" {
		add("Whose it is", r.nameOf(c.Context(), string(w.Owner)), web.When{})
	}
	add("Reported by", r.reporterWords(c.Context(), w), web.When{})
	add("Reported", "", c.Moment(w.Reported))
	if w.First.IsZero() {
		add("Somebody acts by", "", c.Moment(w.Due))
	} else {
		add("First acted on", "", c.Moment(w.First))
	}
	if !w.ReferralDue.IsZero() && w.Decided.IsZero() {
		add("Police or social care: decided by", "", c.Moment(w.ReferralDue))
	}
	add("When", w.About.When, web.When{})
	add("Where", w.About.Place, web.When{})
	add("Done already", w.About.Done, web.When{})
	add("Told as", w.About.Words, web.When{})
	add("To be reached at", w.About.Contact, web.When{})
	var also []string
	for _, a := range w.Also {
		also = append(also, optionTitle(Also, a))
	}
	add("Also", words.And(also), web.When{})
	if w.Danger {
		add("Danger", "Whoever reported it said that somebody was in danger.", web.When{})
	}
	if w.Care {
		add("Sanctions", "None may come of this: it is about distress, health, identity, abuse or an accident.", web.When{})
	}
	for i := range w.Pauses {
		if p := &w.Pauses[i]; p.live(r.now()) {
			add("Web withdrawn", p.Words.Name+", until the end of "+people.DayOf(p.Until.In(c.Words.Zone())).Words(), web.When{})
		}
	}
	keep := "closed, until the end of " + words1(w.KeepFrom+int(r.values().Int(keyKeep)))
	if w.Hold {
		keep = "under a legal hold"
	}
	add("Kept", keep, web.When{})
	return s
}

func words1(year int) string { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006") }

// reporterWords says who reported it; a name that was sealed stays so.
func (r *Room) reporterWords(ctx context.Context, w *Whole) string {
	source := optionTitle(sources, w.Source)
	switch {
	case w.Confidential:
		return source + "; the name stays sealed"
	case w.About.Reporter != "":
		return r.nameOf(ctx, string(w.About.Reporter)) + ", " + source
	case w.About.Name != "":
		return source + ", who wrote the name " + w.About.Name
	}
	return source + ", without a name"
}

func (r *Room) peopleTable(w *Whole) web.Table {
	t := web.Table{
		Caption: "People in it", ShowCaption: true, Columns: []web.Column{{Title: "Who"}, {Title: "How"}, {Title: "How it is known"}, {Title: "Change"}},
		Empty: web.Empty{Words: "It is not known who."},
	}
	for _, p := range w.People {
		role := optionTitle(Roles, p.Role)
		if p.Role == roleKept {
			role = "must not read it"
		}
		cells := []web.Cell{{Text: p.Named.Name}, {Text: role}, {Text: p.Named.How}, {}}
		if p.Gone {
			cells[1].Text, cells[2].Text = "taken out", p.Named.Gone
		} else if w.Full && p.Role != roleKept {
			cells[3] = web.Cell{Text: "Take out", Link: "/concerns/" + w.ID + "/takeout?who=" + p.ID}
		}
		t.Rows = append(t.Rows, web.Row{Cells: cells, Faint: p.Gone})
	}
	return t
}

// story is everything that happened, in time order.
func (r *Room) story(c *web.Ctx, w *Whole) []told {
	amended := map[string]bool{}
	for _, e := range w.Entries {
		amended[e.Amends] = true
	}
	var out []told
	at := map[string]time.Time{}
	for _, e := range w.Entries {
		t := told{Ref: e.ID, When: c.Moment(e.At), Who: r.actorName(c.Context(), e.Told.By), Title: optionTitle(entryTitles, e.Kind), Paras: paras(e.Told.Text), Reason: e.Told.Reason, Amended: amended[e.ID], Of: e.Amends}
		if e.Told.To != "" {
			t.Paras = append(t.Paras, "For: "+e.Told.To, "Check sum: "+e.Told.Seal)
		}
		if w.Full && (e.Kind == EntryAccount || e.Kind == EntryNote || e.Kind == EntryAmendment) && w.live() {
			t.Amend = web.Link{Title: "Amend", Path: "/concerns/" + w.ID + "/amend?entry=" + e.ID}
		}
		out, at[e.ID] = append(out, t), e.At
	}
	for i := range w.Actions {
		a := &w.Actions[i]
		if a.State == Planned {
			continue
		}
		k, _ := actionKind(a.Kind)
		t := told{Ref: a.ID, When: c.Moment(a.Done), Who: r.actorName(c.Context(), a.Words.DoneBy), Title: k.Title, Paras: paras(a.says())}
		if a.State == Dropped {
			t.Title += ": not needed"
		}
		if !a.Until.IsZero() {
			t.Paras = append(t.Paras, "Ends on "+people.DayOf(a.Until).Words()+".")
		}
		out, at[a.ID] = append(out, t), a.Done
	}
	sort.SliceStable(out, func(i, j int) bool { return at[out[i].Ref].Before(at[out[j].Ref]) })
	return out
}

func (r *Room) plans(c *web.Ctx, w *Whole) []plan {
	var out []plan
	for i := range w.Actions {
		a := &w.Actions[i]
		if a.State != Planned {
			continue
		}
		k, _ := actionKind(a.Kind)
		p := plan{Title: k.Title, Words: a.says(), Due: c.Near(a.Due), Late: c.Now().After(a.Due)}
		if a.GivenTo != "" {
			p.To = r.nameOf(c.Context(), string(a.GivenTo))
		}
		if w.Full {
			p.Finish = web.Link{Title: "Say what came of it", Path: "/concerns/" + w.ID + "/finish?action=" + a.ID}
		}
		out = append(out, p)
	}
	return out
}

// fillSteps offers what the reader may do now.
func (r *Room) fillSteps(w *Whole, v *caseView) {
	link := func(title, step string) web.Link {
		return web.Link{Title: title, Path: "/concerns/" + w.ID + "/" + step}
	}
	v.Steps = append(v.Steps, link("Add a note", "note"))
	if !w.Images && w.live() {
		v.Steps = append(v.Steps, link("Attach a file", "attach"))
	}
	if !w.Full {
		return
	}
	if w.live() {
		v.First = link("Decide how to go on", "triage")
		if w.State == CaseOpen {
			v.First, v.Steps = v.Steps[0], append([]web.Link{v.First}, v.Steps[1:]...)
		}
		v.Steps = append(v.Steps, link("Put somebody into it", "person"), link("Answer whoever raised it", "reply"), link("Close it", "close"), link("Entered in error", "void"))
		for _, k := range ActionKinds {
			v.Acts = append(v.Acts, link(k.Title, "act?kind="+k.Value))
		}
	} else {
		v.Steps = append(v.Steps, link("Open it again", "reopen"))
	}
	for i := range w.Pauses {
		if p := &w.Pauses[i]; p.live(r.now()) {
			v.Steps = append(v.Steps, link("Give the web back to "+p.Words.Name, "lift?pause="+p.ID))
		}
	}
	v.Steps = append(v.Steps, link("Who may see it", "sight"), link("Name somebody for it", "name"), link("End somebody's leave to see it", "unname"), link("Legal hold", "hold"), link("Make a copy for somebody", "copy"))
}

// paras splits what was typed at its empty lines and line ends.
func paras(s string) []string {
	var out []string
	for _, p := range strings.Split(s, "\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// filePage hands out a file. It is never shown in the page.
func (r *Room) filePage(c *web.Ctx) error {
	f, body, err := r.OpenFile(c.Context(), c.Param("id"), c.Param("file"))
	if errors.Is(err, ErrKept) {
		return c.Redirect("/concerns/" + c.Param("id") + "/break")
	}
	if err != nil {
		return err
	}
	err = c.Send(f.Name, f.Type, body)
	return errors.Join(err, body.Close())
}

type askView struct {
	web.Base
	Panel  web.Panel
	Path   string
	Fields []web.Field
	Hidden []web.Hidden
	Button string
	Grave  bool
	Cancel web.Link
	Upload bool // the form carries a file
}

var askPage = web.NewPage[askView](pages, "pages/ask.html")

func (r *Room) lookView(id string) askView {
	return askView{
		Base: web.Base{Title: "This concern is closed", Lead: "Say what you open it for. It stays open to you for half an hour, and the look is noted.", Crumbs: []web.Crumb{{Title: "Concerns", Path: "/concerns"}}},
		Path: "/concerns/" + id + "/look", Button: "Open it", Cancel: web.Link{Title: "Back to the list", Path: "/concerns"},
		Fields: []web.Field{{Kind: web.RadiosField, Name: "purpose", Label: "What do you open it for?", Options: options(Purposes)}},
	}
}

// lookPage asks for the purpose. It says nothing of the case.
func (r *Room) lookPage(c *web.Ctx) error { return askPage.Render(c, r.lookView(c.Param("id"))) }

func (r *Room) giveLook(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	err = r.GivePurpose(c.Context(), c.Param("id"), form.Get("purpose"))
	if bad, ok := web.Wrong(err); ok {
		v := r.lookView(c.Param("id"))
		v.Errors = web.Refill(form, bad, &v.Fields[0])
		return askPage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if err != nil {
		return err
	}
	return c.Redirect("/concerns/" + c.Param("id"))
}

func (r *Room) breakView(id string) askView {
	return askView{
		Base: web.Base{Title: "This concern is kept from you", Crumbs: []web.Crumb{{Title: "Concerns", Path: "/concerns"}}},
		Panel: web.Panel{
			Tone: "bad", Title: "Only if a child would come to harm by waiting",
			Words: "You may open it for an hour. The safeguarding lead and the head are told at once that you did, and your reason stands in the case.",
		},
		Path: "/concerns/" + id + "/break", Button: "Open it, and tell them", Grave: true, Cancel: web.Link{Title: "Leave it closed", Path: "/concerns"},
		Fields: []web.Field{{Kind: web.LongField, Name: "reason", Label: "Why can it not wait for somebody who may see it?", Rows: 4, Max: maxLong}},
	}
}

func (r *Room) breakPage(c *web.Ctx) error {
	rd, err := r.reader(c.Context())
	if err != nil {
		return err
	}
	how, err := r.standing(c.Context(), r.d.DB, rd, c.Param("id"))
	if err != nil {
		return err
	}
	if how != outside {
		return store.ErrNotFound
	}
	if _, err := r.caseOf(c.Context(), r.d.DB, c.Param("id")); err != nil {
		return err
	}
	return askPage.Render(c, r.breakView(c.Param("id")))
}

func (r *Room) force(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	err = r.Force(c.Context(), c.Param("id"), form.Get("reason"))
	if bad, ok := web.Wrong(err); ok {
		v := r.breakView(c.Param("id"))
		v.Errors = web.Refill(form, bad, &v.Fields[0])
		return askPage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if err != nil {
		return err
	}
	c.Notice("Open to you for an hour. The safeguarding lead and the head have been told.")
	return c.Redirect("/concerns/" + c.Param("id"))
}

type attachView struct {
	web.Base
	Path   string
	Shows  web.Field
	File   web.Field
	Asked  bool
	Advice []string
	Back   web.Link
}

var attachPage = web.NewPage[attachView](pages, "pages/attach.html")

func (r *Room) attachView(c *web.Ctx) attachView {
	id := c.Param("id")
	return attachView{
		Base: web.Base{Title: "Attach a file"}, Path: "/concerns/" + id, Back: web.Link{Title: "Back without a file", Path: "/concerns"},
		Shows: web.Field{
			Kind: web.RadiosField, Name: "shows", Label: "Does what you want to attach show a child undressed or in a sexual way?", Heading: true,
			Hint: "Drawn or made by a machine counts as well.",
			Options: []web.Option{
				{Value: ShowsYes, Label: "Yes"}, {Value: ShowsUnsure, Label: "I am not sure"}, {Value: ShowsNo, Label: "No"},
			},
		},
		File: web.Field{Kind: web.FileField, Name: "file", Label: "The file", Hint: "PDF, PNG, JPEG or plain text, up to 10 MB. It is kept sealed.", Accept: ".pdf,.png,.jpg,.jpeg,.txt"},
	}
}

// attachPage asks the question that comes before any file.
func (r *Room) attachPage(c *web.Ctx) error {
	err := r.Attachable(c.Context(), c.Param("id"))
	v := r.attachView(c)
	if errors.Is(err, ErrImages) {
		v.Title, v.Advice = "Nothing can be attached to this concern", imageAdvice
		return attachPage.Render(c, v)
	}
	if err != nil {
		return err
	}
	return attachPage.Render(c, v)
}

func (r *Room) answerImages(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v := r.attachView(c)
	err = r.Answer(c.Context(), c.Param("id"), form.Get("shows"))
	if bad, ok := web.Wrong(err); ok {
		v.Errors = web.Refill(form, bad, &v.Shows)
		return attachPage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if errors.Is(err, ErrImages) || (err == nil && form.Get("shows") != ShowsNo) {
		v.Title, v.Advice = "Nothing can be attached to this concern", imageAdvice
		return attachPage.Render(c, v)
	}
	if err != nil {
		return err
	}
	v.Asked = true
	return attachPage.Render(c, v)
}

func (r *Room) attach(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v := r.attachView(c)
	file, name, err := c.Upload("file")
	if errors.Is(err, web.ErrNoFile) {
		err = store.Invalid{"file": "Choose a file first."}
	} else if err == nil {
		err = r.Attach(c.Context(), c.Param("id"), form.Get("shows"), name, io.Reader(file))
		err = errors.Join(err, file.Close())
	}
	if bad, ok := web.Wrong(err); ok {
		v.Asked = true
		v.Errors = web.Refill(nil, bad, &v.File)
		return attachPage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if errors.Is(err, ErrImages) {
		v.Title, v.Advice = "Nothing can be attached to this concern", imageAdvice
		return attachPage.Status(http.StatusForbidden).Render(c, v)
	}
	if err != nil {
		return err
	}
	c.Notice("Attached, and sealed.")
	if _, err := r.ownReport(c.Context(), r.d.DB, c.Param("id")); err == nil {
		return c.Redirect("/concerns/" + c.Param("id") + "/receipt")
	}
	return c.Redirect("/concerns/" + c.Param("id"))
}
