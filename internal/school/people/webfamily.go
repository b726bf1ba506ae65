package people

import (
	"net/url"
	"strconv"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

// invalid turns a plain map into the error of a form, nil for none.
func invalid(bad map[string]string) error { return store.Invalid(bad).OrNil() }

type confirmView struct {
	web.Base
	Confirm web.Confirm
}

var confirmPage = web.NewPage[confirmView](pages, "pages/confirm.html")

func (r *Room) leavePage(c *web.Ctx) error {
	p, err := r.Get(c.Context(), ID(c.Param("id")))
	if err != nil {
		return err
	}
	v, err := r.leaveView(c, p)
	if err != nil {
		return err
	}
	return confirmPage.Render(c, v)
}

func (r *Room) leaveView(c *web.Ctx, p Person) (confirmView, error) {
	today, err := r.Today(c.Context(), p.Site)
	if err != nil {
		return confirmView{}, err
	}
	at := "/people/" + string(p.ID)
	return confirmView{
		Base: web.Base{Title: p.Name() + " leaves", Crumbs: []web.Crumb{peopleCrumb, {Title: p.Name(), Path: at}}},
		Confirm: web.Confirm{
			What: "From the day after the last one, " + p.Name() + " cannot sign in, holds no post and is behind no device.",
			Whom: "The record stays, so that what was written about this person keeps its name.",
			Undo: "You can clear the last day again on the Edit page.",
			Fields: []web.Field{
				{Name: "until", Label: "Last day", Value: dayText(today), Width: 12, Hint: "Write yesterday's date to end everything at once."},
				{Name: "reason", Label: "Why", Optional: true, Max: 200},
			},
			Action: web.Action{
				Path: at + "/leave", Title: "Mark as left", Grave: true,
				Hidden: []web.Hidden{{Name: "version", Value: strconv.FormatInt(p.Version, 10)}},
			},
			Cancel: web.Link{Title: "Leave as it is", Path: at},
		},
	}, nil
}

func (r *Room) leavePerson(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	id := ID(c.Param("id"))
	last, err := ParseDay(form.Get("until"))
	if err != nil || last == "" {
		err = store.Invalid{"until": "write the last day as 23/11/2026"}
	} else {
		err = r.Leave(c.Context(), id, last, number(form.Get("version")), cut(clean(form.Get("reason")), 200))
	}
	bad, wrong := web.Wrong(err)
	if !wrong {
		if err != nil {
			return err
		}
		c.Notice("Saved: the last day is " + last.Words() + ".")
		return c.Redirect("/people/" + string(id))
	}
	p, err := r.Get(c.Context(), id)
	if err != nil {
		return err
	}
	v, err := r.leaveView(c, p)
	if err != nil {
		return err
	}
	v.Errors = web.Refill(form, shown(bad), &v.Confirm.Fields[0], &v.Confirm.Fields[1])
	return confirmPage.Status(badForm).Render(c, v)
}

func (r *Room) familyPage(c *web.Ctx) error {
	v, err := r.familyView(c)
	if err != nil {
		return err
	}
	return formPage.Render(c, v)
}

func (r *Room) familyView(c *web.Ctx) (formView, error) {
	p, err := r.Get(c.Context(), ID(c.Param("id")))
	if err != nil {
		return formView{}, err
	}
	at := "/people/" + string(p.ID)
	v := formView{
		Base: web.Base{Title: "Parents and children", Lead: p.Name(), Crumbs: []web.Crumb{peopleCrumb, {Title: p.Name(), Path: at}}},
		Path: at + "/family", Button: "Tie them", Cancel: web.Link{Title: "Back", Path: at},
	}
	who := "Username, number or full name of the child"
	load := r.Children
	if p.Kind == Pupil {
		who, load = "Username, number or full name of the parent or carer", r.Parents
	}
	v.Fields = []web.Field{
		{Name: "who", Label: who, Max: 100, Hint: "They must be on the roll already."},
		{Name: "relation", Label: "Relation", Max: 60, Optional: true, Hint: "Mother, foster carer, grandfather …"},
		{Kind: web.CheckField, Name: "responsible", Label: "Holds parental responsibility"},
		{Name: "order", Label: "Order of contact", Width: 3, Optional: true, Hint: "1 is asked first"},
	}
	if v.Below, err = r.familyTable(c, p); err != nil {
		return v, err
	}
	list, err := load(c.Context(), p.ID)
	if err != nil {
		return v, err
	}
	for _, x := range list {
		v.Acts = append(v.Acts, web.Action{
			Path: at + "/family/end", Title: "End the tie with " + x.Person.Name(), Quiet: true, Grave: true,
			Hidden: []web.Hidden{{Name: "parent", Value: string(x.Link.Parent)}, {Name: "child", Value: string(x.Link.Child)}},
		})
	}
	return v, nil
}

func (r *Room) tieFamily(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	l, err := r.linkFrom(c, form)
	if err == nil {
		err = r.Tie(c.Context(), l)
	}
	if err != nil {
		v, ferr := r.familyView(c)
		if ferr != nil {
			return ferr
		}
		if bad, ok := web.Wrong(err); ok && bad["child"] != "" {
			err = store.Invalid{"who": bad["child"]}
		}
		return again(c, v, form, err)
	}
	c.Notice("Tied.")
	return c.Redirect("/people/" + c.Param("id") + "/family")
}

func (r *Room) linkFrom(c *web.Ctx, form url.Values) (Link, error) {
	p, err := r.Get(c.Context(), ID(c.Param("id")))
	if err != nil {
		return Link{}, err
	}
	pupil := p.Kind != Pupil // the other one is
	other, err := r.find(c.Context(), form.Get("who"), func(x Person) bool { return (x.Kind == Pupil) == pupil })
	if err != nil {
		return Link{}, err
	}
	l := Link{Parent: p.ID, Child: other.ID, Relation: form.Get("relation"), Responsible: form.Get("responsible") != ""}
	if p.Kind == Pupil {
		l.Parent, l.Child = other.ID, p.ID
	}
	if s := strings.TrimSpace(form.Get("order")); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 99 {
			return Link{}, store.Invalid{"order": "the order of contact is a number from 1 to 99"}
		}
		l.Order = n
	}
	return l, nil
}

func (r *Room) untieFamily(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	parent, child, here := ID(form.Get("parent")), ID(form.Get("child")), ID(c.Param("id"))
	if parent != here && child != here {
		return store.ErrNotFound
	}
	if err := r.Untie(c.Context(), parent, child, ""); err != nil {
		return err
	}
	c.Notice("The tie was ended.")
	return c.Redirect("/people/" + string(here) + "/family")
}
