package setup

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

// wayView says where in the set-up a page is.
type wayView struct {
	Said string // "Step 3 of 13"
	Back web.Link
	All  web.Link
}

type stepsView struct {
	web.Base
	Table web.Table
	On    web.Link
}

var stepsPage = web.NewPage[stepsView](pages, "pages/steps.html")

// steps lists the pages with how far each is: the set-up can be left at any
// time and taken up here.
func (r *Room) steps(c *web.Ctx) error {
	plan, err := r.plan(c.Context())
	if err != nil {
		return err
	}
	v := stepsView{
		Base:  web.Base{Title: "Set up your school", Lead: "You can stop after any step and go on later, from any browser, with the code. After a day, or when Belisha was started again, it is the new one that Belisha prints then."},
		Table: web.Table{Caption: "Steps", Columns: []web.Column{{Title: "Step"}, {Title: "State"}}},
	}
	for i, p := range plan {
		state := web.Cell{Text: "to do"}
		if p.Done {
			state = web.Cell{Tag: web.Tag{Words: "done", Tone: "green"}}
		}
		v.Table.Rows = append(v.Table.Rows, web.Row{Link: p.Path(), Cells: []web.Cell{{Text: strconv.Itoa(i+1) + ". " + p.Title}, state}})
		if !p.Done && v.On.Path == "" {
			v.On = web.Link{Title: "Go on: " + p.Title, Path: p.Path()}
		}
	}
	return stepsPage.Render(c, v)
}

// way is where a page stands among the others.
func (r *Room) way(c *web.Ctx, slug string) (wayView, error) {
	plan, err := r.plan(c.Context())
	if err != nil {
		return wayView{}, err
	}
	_, place := next(plan, slug)
	w := wayView{Said: "Step " + strconv.Itoa(place) + " of " + strconv.Itoa(len(plan)), All: web.Link{Title: "All steps", Path: "/set-up/steps"}}
	if place > 1 {
		before := plan[place-2]
		w.Back = web.Link{Title: "Back: " + before.Title, Path: before.Path()}
	}
	return w, nil
}

// onward marks a page as done and leads to the next.
func (r *Room) onward(c *web.Ctx, slug string) error {
	if err := r.passed(c.Context(), slug); err != nil {
		return err
	}
	plan, err := r.plan(c.Context())
	if err != nil {
		return err
	}
	after, _ := next(plan, slug)
	return c.Redirect(after.Path())
}

// later is the button that passes a page by.
func later(slug, title string) web.Action {
	return web.Action{Path: "/set-up/" + slug, Title: title, Quiet: true, Hidden: []web.Hidden{{Name: "pass", Value: "yes"}}}
}

// show renders a form of the set-up in its place.
func (r *Room) show(c *web.Ctx, slug string, v formView, status int) error {
	w, err := r.way(c, slug)
	if err != nil {
		return err
	}
	v.Way, v.Path = w, "/set-up/"+slug
	return formPage.Status(status).Render(c, v)
}

// wrong shows a form again with what is to be put right, or passes on what no
// form can mend. A form that is older than what stands is shown anew, with a
// word about it.
func (r *Room) wrong(c *web.Ctx, slug string, v formView, form url.Values, err error) error {
	bad, ok := web.Wrong(err)
	if !ok {
		return err
	}
	fields := make([]*web.Field, len(v.Fields))
	for i := range v.Fields {
		fields[i] = &v.Fields[i]
	}
	v.Errors = web.Refill(form, bad, fields...)
	return r.show(c, slug, v, http.StatusUnprocessableEntity)
}

// otherStep shows a page that another room brings.
func (r *Room) otherStep(c *web.Ctx) error {
	s, v, err := r.otherView(c)
	if err != nil {
		return err
	}
	return r.show(c, s.Slug, v, http.StatusOK)
}

func (r *Room) otherView(c *web.Ctx) (Step, formView, error) {
	s, ok := r.step(c.Param("slug"))
	if !ok {
		return s, formView{}, store.ErrNotFound
	}
	got, err := s.View(c.Context())
	if err != nil {
		return s, formView{}, err
	}
	v := formView{Base: web.Base{Title: s.Title, Wide: len(got.Table.Columns) > 0}, StepView: got}
	if v.Button == "" {
		v.Button = "Go on"
	} else {
		v.Skip = later(s.Slug, "Later: go on without it")
	}
	return s, v, nil
}

// otherSave takes the answer to another room's page.
func (r *Room) otherSave(c *web.Ctx) error {
	s, v, err := r.otherView(c)
	if err != nil {
		return err
	}
	form, err := c.Form()
	if err != nil {
		return err
	}
	if s.Save != nil && form.Get("pass") == "" {
		if err := s.Save(c.Context(), form); err != nil {
			return r.wrong(c, s.Slug, v, form, err)
		}
		// What was found out on the way, such as that another filter does not
		// answer, is said before going on.
		after, err := s.View(c.Context())
		if err != nil {
			return err
		}
		if after.Note.Title != "" && after.Note.Tone == "warn" {
			c.Notice(after.Note.Title + ". " + after.Note.Words)
		}
	}
	return r.onward(c, s.Slug)
}

// file gives a file for a device.
func (r *Room) file(c *web.Ctx) error {
	f, err := r.d.File(c.Context(), c.Param("name"))
	if err != nil {
		return err
	}
	return c.Send(f.Name, f.Type, bytes.NewReader(f.Body))
}

type readyView struct {
	web.Base
	Way   wayView
	Open  []string // what is still to do
	Facts web.Summary
	End   web.Action
}

var readyPage = web.NewPage[readyView](pages, "pages/ready.html")

// ready says what is done and what was left for later, and closes the set-up.
func (r *Room) ready(c *web.Ctx) error {
	v := readyView{Base: web.Base{Title: ownLast.Title}, End: web.Action{Path: "/set-up/finish", Title: "Finish and sign in"}}
	plan, err := r.plan(c.Context())
	if err != nil {
		return err
	}
	if v.Way, err = r.way(c, ownLast.Slug); err != nil {
		return err
	}
	for _, p := range plan[:len(plan)-1] {
		if !p.Done {
			v.Open = append(v.Open, p.Title)
		}
	}
	in, err := r.d.Policies.InForce(c.Context())
	if err != nil {
		return err
	}
	if in == "" {
		in = "None yet"
	}
	v.Facts.Rows = []web.SummaryRow{{Key: "Policy in force", Text: in}}
	return readyPage.Render(c, v)
}

func (r *Room) finish(c *web.Ctx) error {
	err := r.Finish(c.Context())
	if bad, ok := web.Wrong(err); ok {
		c.Notice(bad[""] + ".")
		return c.Redirect("/set-up/steps")
	}
	if err != nil {
		return err
	}
	http.SetCookie(c.W, &http.Cookie{Name: web.CookieName(codeCookie, c.Secure()), Path: "/", MaxAge: -1, HttpOnly: true, Secure: c.Secure(), SameSite: http.SameSiteStrictMode})
	c.Notice("Your school is set up. Sign in to see what is being kept.")
	return c.Redirect("/sign-in")
}
