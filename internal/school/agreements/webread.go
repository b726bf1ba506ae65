package agreements

import (
	"errors"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

// policyView is the page on which staff say that they have read the policy.
type policyView struct {
	web.Base
	Told    web.Panel
	Policy  web.Link
	Title   string
	Version string
	Fields  []web.Field
	Done    bool
}

var policyPage = web.NewPage[policyView](pages, "pages/policy.html")

func (r *Room) policyView(c *web.Ctx) (policyView, error) {
	me, err := r.me(c.Context())
	if err != nil {
		return policyView{}, err
	}
	p, ok, err := r.policy(c.Context())
	if err != nil {
		return policyView{}, err
	}
	if !ok || me.Kind != people.Staff {
		return policyView{}, store.ErrNotFound
	}
	done, err := hasRead(c.Context(), r.DB, me.ID, p.Title, p.edition())
	if err != nil {
		return policyView{}, err
	}
	return policyView{
		Base:   web.Base{Title: "The school's policy", Crumbs: []web.Crumb{{Title: "Rules to sign", Path: "/agreement"}}, Lead: p.Title + ", version " + p.Version + ", in force since " + c.Words.Date(p.Since)},
		Policy: web.Link{Title: "Read the policy", Path: p.Link}, Title: p.Title, Version: p.edition(), Done: done,
		Fields: []web.Field{
			{Kind: web.CheckField, Name: "understood", Label: "I have read this policy and understood it"},
			{Name: "name", Label: "Type your full name", Max: maxName, Autocomplete: "off"},
		},
	}, nil
}

func (r *Room) policyPage(c *web.Ctx) error {
	v, err := r.policyView(c)
	if err != nil {
		return err
	}
	return policyPage.Render(c, v)
}

func (r *Room) policyForm(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	err = r.ReadPolicy(c.Context(), form.Get("title"), form.Get("version"), form.Get("name"), form.Get("understood") == "yes")
	bad, wrong := web.Wrong(err)
	newer := errors.Is(err, ErrNewer)
	if err == nil {
		c.Notice("Thank you. It is noted that you have read the policy.")
		return c.Redirect("/agreement")
	}
	if !wrong && !newer {
		return err
	}
	v, verr := r.policyView(c)
	if verr != nil {
		return verr
	}
	if newer {
		v.Told = web.Panel{Tone: "warn", Title: "Another version is in force now", Words: "Please read it, then tick the box."}
		form.Del("understood")
	}
	v.Errors = web.Refill(form, bad, pointers(v.Fields)...)
	return policyPage.Status(badForm).Render(c, v)
}
