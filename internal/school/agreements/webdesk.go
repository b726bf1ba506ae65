package agreements

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// groupsView is the page of outside groups.
func (r *Room) groupsView(c *web.Ctx) (formView, error) {
	v := formView{
		Base: web.Base{Title: "Outside groups", Crumbs: []web.Crumb{deskCrumb}, Lead: "Whoever leads a group signs for it on paper before it uses the school's kit or network."},
		Path: "/agreements/groups", Button: "Enter the slip",
		Fields: []web.Field{
			{Name: "party", Label: "Group", Max: maxText},
			{Name: "leader", Label: "Signed by", Max: maxText, Hint: "The name as it stands on the paper"},
			{Kind: web.DateField, Name: "day", Label: "Day on the slip"},
			{Kind: web.DateField, Name: "until", Label: "The group's last day here"},
			{Name: "place", Label: "Where the paper lies", Max: maxText},
		},
	}
	v.Below = web.Table{Caption: "Groups that have signed", Columns: []web.Column{{Title: "Group"}, {Title: "Signed by"}, {Title: "On"}, {Title: "Until"}}}
	list, err := r.Groups(c.Context())
	if err != nil {
		return v, err
	}
	for _, s := range list {
		v.Below.Rows = append(v.Below.Rows, web.Row{Link: signatureLink(s.ID), Cells: []web.Cell{{Text: s.Party}, {Text: s.Name}, {Text: s.Day.Words()}, {Text: s.Until.Words()}}})
	}
	return v, nil
}

func (r *Room) groupsPage(c *web.Ctx) error {
	v, err := r.groupsView(c)
	if err != nil {
		return err
	}
	return formPage.Render(c, v)
}

func (r *Room) groupsForm(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	err = r.RecordGroup(c.Context(), Group{
		Party: form.Get("party"), Leader: form.Get("leader"), Place: form.Get("place"),
		Day: people.Day(web.DateText(form, "day")), Until: people.Day(web.DateText(form, "until")),
	})
	if err != nil {
		v, verr := r.groupsView(c)
		if verr != nil {
			return verr
		}
		return again(c, v, form, err)
	}
	c.Notice("The group's slip is entered.")
	return c.Redirect("/agreements/groups")
}

// modeView is the page on which it is decided what happens to people who have
// not signed. It shows first how many.
func (r *Room) modeView(c *web.Ctx, from people.Day) (formView, error) {
	audience := c.Param("audience")
	if keyOf(audience) == "" {
		return formView{}, store.ErrNotFound
	}
	b, err := r.book(c.Context())
	if err != nil {
		return formView{}, err
	}
	now := b.mode(audience)
	if !from.Valid() || from < b.today || from > b.today.Add(maxWait) {
		from = b.today
	}
	on := *b
	on.today = from
	cut := on.cut(audience)
	v := formView{
		Base: web.Base{Title: "People who have not signed: " + audienceWords(audience), Crumbs: []web.Crumb{deskCrumb}, Lead: "Now: " + strings.ToLower(modeWords(now)) + "."},
		Path: "/agreements/hold/" + audience, Button: "Decide", Cancel: web.Link{Title: "Leave it as it is", Path: "/agreements"},
		Hidden: []web.Hidden{{Name: "seen", Value: strconv.Itoa(cut.Now)}},
		Told: web.Panel{
			Tone: "warn", Title: fmt.Sprintf("Holding them would cut off %s %s", words.Count(cut.Now, "person", "people"), onDay(from, b.today)),
			Words: "Help, our own pages and the school's essentials stay open to them, and they go on the moment they sign, here or on paper.",
		},
	}
	if cut.Later > 0 {
		v.Told.List = append(v.Told.List, words.Count(cut.Later, "more has only just come, and is reminded so far", "more have only just come, and are reminded so far"))
	}
	if r.Strangers() {
		v.Told.List = append(v.Told.List, "Whoever is not signed in is let on to the web here, with the strictest rules. Somebody who is held can sign out and go on so, until the policy closes the web to whoever is not signed in.")
	}
	v.Fields = modeFields(now, from)
	v.Below = classTable(cut)
	if p := b.v.Get(keyOf(audience)); p.Confirmed {
		v.Told.List = append(v.Told.List, "The policy says “"+p.Raw+"” (clause "+p.Clause+"). Less than that cannot be chosen here.")
	}
	if !c.Actor.Holds(string(people.Headteacher)) {
		v.Told.List = append(v.Told.List, "Holding people is for the head to decide: what you choose is sent to the head for approval.")
	}
	return v, nil
}

func onDay(from, today people.Day) string {
	if from == today {
		return "today"
	}
	return "on " + from.Words()
}

func modeFields(now string, from people.Day) []web.Field {
	day := web.Field{Kind: web.DateField, Name: "from", Label: "From", Hint: "Choose a day on which somebody is there to help."}
	day.Year, day.Month, day.Day = string(from[:4]), string(from[5:7]), string(from[8:])
	return []web.Field{
		web.Field{Kind: web.RadiosField, Name: "mode", Label: "What happens on the web to those who have not signed", Options: []web.Option{
			{Value: Off, Label: "Nothing"},
			{Value: Remind, Label: "They are reminded", Hint: "Once a day a page asks them to sign. They go on with one press."},
			{Value: Hold, Label: "They are held until they sign"},
		}}.Choose(now),
		day,
	}
}

func classTable(cut Cut) web.Table {
	t := web.Table{Caption: "Classes that would be cut off", Columns: []web.Column{{Title: "Class"}, {Title: "Pupils", Numeric: true}}}
	for _, k := range cut.Classes {
		name := k.Class
		if name == "" {
			name = "in no class"
		}
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{Text: name}, {Text: words.Number(k.N)}}})
	}
	return t
}

func (r *Room) modePage(c *web.Ctx) error {
	v, err := r.modeView(c, "")
	if err != nil {
		return err
	}
	return formPage.Render(c, v)
}

func (r *Room) modeForm(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	m := ModeChange{Audience: c.Param("audience"), Mode: form.Get("mode"), From: people.Day(web.DateText(form, "from")), Seen: int(number(form.Get("seen")))}
	asked, err := r.SetMode(c.Context(), m)
	if err != nil {
		v, verr := r.modeView(c, m.From)
		if verr != nil {
			return verr
		}
		return again(c, v, form, err)
	}
	c.Notice("Decided.")
	if asked {
		c.Notice("The head has been asked. Nothing changes until then.")
	}
	return c.Redirect("/agreements")
}

// talksPage lists the classes.
func (r *Room) talksPage(c *web.Ctx) error {
	list, err := r.Talks(c.Context())
	if err != nil {
		return err
	}
	today, err := r.today(c.Context())
	if err != nil {
		return err
	}
	v := tableView{Base: web.Base{
		Title: "Class talks about the rules", Lead: "Each school year every class talks about the rules, by " + talkDue(r.values(), schoolYear(today)).Words() + ".",
	}}
	v.List = web.Table{
		Caption: "Classes", Columns: []web.Column{{Title: "Class"}, {Title: "Talked on"}, {Title: "With"}, {Title: "Still to catch up", Numeric: true}},
		Empty: web.Empty{Title: "No class is on the roll", Words: "Classes come with the roll."},
	}
	for _, k := range list {
		row := web.Row{Link: talkLink(k.Class), Cells: []web.Cell{{Text: k.Class}, {Text: "not yet"}, {}, {}}}
		if t := k.Talk; t != nil {
			row.Cells[1].Text, row.Cells[2].Text, row.Cells[3].Text = t.Day.Words(), t.Teacher, words.Number(t.Open())
		}
		v.List.Rows = append(v.List.Rows, row)
	}
	return tablePage.Render(c, v)
}

// tableView is a page with one list.
type tableView struct {
	web.Base
	List web.Table
}

var tablePage = web.NewPage[tableView](pages, "pages/table.html")

// talkView is the page of one class.
func (r *Room) talkView(c *web.Ctx) (formView, error) {
	class := c.Param("class")
	members, err := r.members(c.Context(), class)
	if err != nil {
		return formView{}, err
	}
	today, err := r.today(c.Context())
	if err != nil {
		return formView{}, err
	}
	held, err := talks(c.Context(), r.DB, schoolYear(today))
	if err != nil {
		return formView{}, err
	}
	v := formView{
		Base: web.Base{Title: "Class " + class, Crumbs: []web.Crumb{{Title: "Class talks", Path: "/agreements/talks"}}},
		Path: talkLink(class), Button: "Record the talk", Cancel: web.Link{Title: "Leave without recording", Path: "/agreements/talks"},
	}
	t := held[class]
	if t == nil {
		v.Lead = "Talk the pupils' rules through with the class, then record it here."
		v.Fields = []web.Field{
			{Kind: web.DateField, Name: "day", Label: "Day of the talk"},
			{Name: "teacher", Label: "Held by", Value: c.Actor.Name, Max: maxName},
			{Kind: web.NumberField, Name: "present", Label: "How many were there", Width: 4, Hint: "The class has " + words.Count(len(members), "pupil", "pupils") + "."},
			{Kind: web.ChecksField, Name: "absent", Label: "Who was away", Optional: true, Options: memberOptions(members, nil)},
		}
		return v, nil
	}
	v.Lead = fmt.Sprintf("Talked on %s with %s; %s there.", t.Day.Words(), t.Teacher, words.Count(t.Present, "pupil was", "pupils were"))
	open := map[people.ID]bool{}
	for _, a := range t.Absent {
		if a.Caught == "" {
			open[a.Person] = true
		}
	}
	if len(open) > 0 {
		v.Path, v.Button = talkLink(class)+"/caught", "They have caught up"
		v.Fields = []web.Field{{Kind: web.ChecksField, Name: "absent", Label: "Who has had the talk meanwhile", Options: memberOptions(members, open)}}
	}
	return v, nil
}

func memberOptions(members []people.Person, only map[people.ID]bool) []web.Option {
	var out []web.Option
	for _, p := range members {
		if only == nil || only[p.ID] {
			out = append(out, web.Option{Value: string(p.ID), Label: p.Name()})
		}
	}
	return out
}

func (r *Room) talkPage(c *web.Ctx) error {
	v, err := r.talkView(c)
	if err != nil {
		return err
	}
	return formPage.Render(c, v)
}

func (r *Room) talkForm(c *web.Ctx) error {
	return r.talkPosted(c, "The talk is recorded.", func(form url.Values) error {
		t := Talk{Class: c.Param("class"), Day: people.Day(web.DateText(form, "day")), Teacher: form.Get("teacher"), Present: int(number(form.Get("present")))}
		for _, id := range form["absent"] {
			t.Absent = append(t.Absent, Absence{Person: people.ID(id)})
		}
		return r.RecordTalk(c.Context(), t)
	})
}

func (r *Room) caughtForm(c *web.Ctx) error {
	return r.talkPosted(c, "It is recorded.", func(form url.Values) error {
		var who []people.ID
		for _, id := range form["absent"] {
			who = append(who, people.ID(id))
		}
		return r.CatchUp(c.Context(), c.Param("class"), who)
	})
}

// talkPosted does what a form of a class's page asks, and shows it again when
// something is wrong.
func (r *Room) talkPosted(c *web.Ctx, done string, do func(url.Values) error) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if err := do(form); err != nil {
		v, verr := r.talkView(c)
		if verr != nil {
			return verr
		}
		return again(c, v, form, err)
	}
	c.Notice(done)
	return c.Redirect("/agreements/talks")
}
