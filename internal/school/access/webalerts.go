package access

import (
	"context"
	"slices"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

// alertsView is what waits to be looked into, and what was.
type alertsView struct {
	web.Base
	Open  []alertView
	Empty web.Empty
	Past  web.Table
}

type alertView struct {
	Facts web.Summary
	Form  formView
}

var alertsTemplate = web.NewPage[alertsView](pages, "pages/alerts.html")

func (r *Room) alertsView(c *web.Ctx) (alertsView, error) {
	v := alertsView{
		Base:  web.Base{Title: "Alerts about accounts", Crumbs: []web.Crumb{{Title: "Accounts", Path: "/accounts"}}},
		Empty: web.Empty{Title: "Nothing waits", Words: "An account that seems to be used by two people comes here, and what its owner reports."},
		Past:  web.Table{Caption: "Looked into in the last 90 days", ShowCaption: true, Columns: []web.Column{{Title: "Account"}, {Title: "What"}, {Title: "When"}, {Title: "What it was"}}},
	}
	list, err := r.Alerts(c.Context(), true)
	if err != nil {
		return v, err
	}
	for _, a := range list {
		acc, err := r.AccountByID(c.Context(), a.Account)
		if err != nil {
			return v, err
		}
		if !a.ReviewedAt.IsZero() {
			v.Past.Rows = append(v.Past.Rows, web.Row{Cells: []web.Cell{{Text: acc.Username, Link: accountLink(acc.ID)}, {Text: a.Says}, {When: c.Near(a.At)}, {Text: a.Note}}})
			continue
		}
		v.Open = append(v.Open, alertView{
			Facts: web.Summary{Rows: []web.SummaryRow{
				{Key: "Account", Text: acc.Username, Link: web.Link{Title: "Look at it", Path: accountLink(acc.ID)}},
				{Key: "What", Text: a.Says},
				{Key: "When", When: c.Near(a.At)},
			}},
			Form: formView{
				Path: alertsPath, Button: "Looked into", Hidden: []web.Hidden{{Name: "alert", Value: a.ID}},
				Fields: []web.Field{{Name: "note-" + a.ID, Label: "What it was, and what was done", Max: 500}},
			},
		})
	}
	return v, nil
}

func (r *Room) alertsPage(c *web.Ctx) error {
	v, err := r.alertsView(c)
	if err != nil {
		return err
	}
	return alertsTemplate.Render(c, v)
}

func (r *Room) alertPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	id := form.Get("alert")
	err = r.Review(c.Context(), id, form.Get("note-"+id))
	if err == nil {
		c.Notice("Kept.")
		return c.Redirect(alertsPath)
	}
	bad, ok := web.Wrong(err)
	if !ok {
		return err
	}
	v, verr := r.alertsView(c)
	if verr != nil {
		return verr
	}
	for i := range v.Open {
		f := &v.Open[i].Form
		if f.Hidden[0].Value == id {
			v.Errors = web.Refill(form, shown(store.Invalid{"note-" + id: bad["note"]}), &f.Fields[0])
		}
	}
	return alertsTemplate.Status(422).Render(c, v)
}

// Waiting is what waits for whoever looks after accounts.
func (r *Room) Waiting(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	if !a.May(MayManage) || a.Kind != actor.Person {
		return nil, nil
	}
	list, err := r.Alerts(ctx, false)
	if err != nil {
		return nil, err
	}
	var out []web.Item
	for _, x := range list {
		acc, err := r.AccountByID(ctx, x.Account)
		if err != nil {
			return nil, err
		}
		if string(acc.Person) == a.Person {
			continue // somebody else looks into it
		}
		item := web.Item{Key: x.ID, Title: "An account may be used by two people", Step: "Look into it", Link: alertsPath, Risk: 1, Since: x.At, Room: "access"}
		if x.Kind == AlertCompromised {
			item.Title, item.Risk = "An account may be known to another", 3
		}
		out = append(out, item)
	}
	return out, nil
}

// rightsView is the list of those with the most rights, for the head's look.
type rightsView struct {
	web.Base
	Told web.Panel
	List web.Table
	Say  web.Action
}

var rightsTemplate = web.NewPage[rightsView](pages, "pages/rights.html")

func (r *Room) rightsPage(c *web.Ctx) error {
	list, err := r.Admins(c.Context())
	if err != nil {
		return err
	}
	last, err := lastReview(c.Context(), r.DB)
	if err != nil {
		return err
	}
	v := rightsView{
		Base: web.Base{
			Title: "Who has the most rights", Wide: true, Crumbs: []web.Crumb{{Title: "Accounts", Path: "/accounts"}},
			Lead: "These people may change accounts, posts, the filter or the policy. Is each of them still the right one?",
		},
		Told: web.Panel{Tone: "note", Title: "Nobody has looked at this list yet"},
		List: web.Table{
			Caption: "People with the most rights", Columns: []web.Column{{Title: "Name"}, {Title: "Posts"}, {Title: "Since"}, {Title: "Looked at"}},
			Empty: web.Empty{Title: "Nobody", Words: "No post that gives these rights is held."},
		},
	}
	if !last.At.IsZero() {
		v.Told.Title = "Last looked at " + c.Words.Near(last.At)
	}
	var ids []string
	for _, a := range list {
		row := web.Row{Link: "/people/" + string(a.Person.ID), Cells: []web.Cell{{Text: a.Person.Name()}, {Text: strings.Join(a.Posts, ", ")}, {When: c.Near(a.Since)}, {Text: "yes"}}}
		if !slices.Contains(last.People, string(a.Person.ID)) {
			row.Cells[3] = web.Cell{Tag: web.Tag{Words: "not yet", Tone: "brown"}}
		}
		v.List.Rows = append(v.List.Rows, row)
		ids = append(ids, string(a.Person.ID))
	}
	if len(ids) > 0 {
		v.Say = web.Action{Path: rightsPath, Title: "I have looked at the list, and it is right", Hidden: []web.Hidden{{Name: "people", Value: strings.Join(ids, " ")}}}
	}
	return rightsTemplate.Render(c, v)
}

func (r *Room) rightsPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if err := r.Prove(c, proofLasts); err != nil {
		return err
	}
	if err := r.ReviewRights(c.Context(), strings.Fields(form.Get("people"))); err != nil {
		return err
	}
	c.Notice("Kept: the list was looked at.")
	return c.Redirect(rightsPath)
}

func compromisedView() formView {
	return formView{
		Base: web.Base{Title: "Somebody may know my password", Crumbs: accountCrumb()}, Path: "/account/compromised", Button: "End everything now",
		Intro: []string{
			"Every session and every token of yours ends at once, this one too. The network manager and the head teacher are told.",
			"With a second factor you sign in again and choose a new password. Without one your account stays shut until you are given a temporary password.",
		},
		Cancel: web.Link{Title: "Leave it", Path: "/account"},
	}
}

func (r *Room) compromisedPage(c *web.Ctx) error { return formPage.Render(c, compromisedView()) }

func (r *Room) compromisedPost(c *web.Ctx) error {
	shut, err := r.Compromised(c.Context(), personOf(c))
	if err != nil {
		return err
	}
	setCookie(c, r.Doors.secure(c.R), "")
	v := signedInView{
		Base:  web.Base{Title: "Your sessions have ended"},
		Words: []string{"Sign in again. You are asked for your second factor, and for a new password."},
		Out:   web.Action{Path: "/sign-out", Title: "Go to the sign-in page"},
	}
	if shut {
		v.Words = []string{"Your account is shut. Ask whoever looks after accounts for a temporary password, in person."}
	}
	return signedInTemplate.Render(c, v)
}

// lockPost locks one's own session at once, for somebody who leaves a machine.
func (r *Room) lockPost(c *web.Ctx) error {
	if err := r.LockNow(c.Context(), c.Actor.Session); err != nil {
		return err
	}
	return c.Redirect("/sign-in?to=" + queryEscape(cameFrom(c)))
}

// classView lists a teacher's pupils with a button each.
type classView struct {
	web.Base
	Told    web.Panel
	Classes []classPupils
}

type classPupils struct {
	Name string
	Acts []web.Action
}

var classTemplate = web.NewPage[classView](pages, "pages/class.html")

func (r *Room) classPage(c *web.Ctx) error {
	v := classView{Base: web.Base{Title: "Passwords of my class", Lead: "A pupil who forgot a password gets a temporary one, and chooses a new one at the next sign-in."}}
	if !r.values().Bool(KeyTeachersGive) {
		v.Told = web.Panel{Tone: "note", Title: "Not in this school", Words: "The school's policy does not let teachers give passwords. Ask whoever looks after accounts."}
		return classTemplate.Render(c, v)
	}
	classes, err := r.People.ClassesOf(c.Context(), personOf(c))
	if err != nil {
		return err
	}
	for _, name := range classes {
		list, err := r.People.Members(c.Context(), name, false)
		if err != nil {
			return err
		}
		cl := classPupils{Name: name}
		for _, p := range list {
			if p.Kind == people.Pupil {
				cl.Acts = append(cl.Acts, web.Action{Path: classPath, Title: "New password for " + p.Name(), Quiet: true, Hidden: []web.Hidden{{Name: "pupil", Value: string(p.ID)}}})
			}
		}
		v.Classes = append(v.Classes, cl)
	}
	if len(v.Classes) == 0 {
		v.Told = web.Panel{Tone: "note", Title: "No class", Words: "The roll names no class that you teach."}
	}
	return classTemplate.Render(c, v)
}

func (r *Room) classPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	p, a, temporary, err := r.ResetPupil(c.Context(), personOf(c), people.ID(form.Get("pupil")))
	if err != nil {
		return err
	}
	v := r.slipOf(c, p, a, temporary)
	v.Back = web.Link{Title: "Back to the class", Path: classPath}
	return slipTemplate.Render(c, v)
}
