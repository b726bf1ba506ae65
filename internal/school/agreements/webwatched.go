package agreements

import (
	"errors"

	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

// toldView is the page that tells somebody that use is monitored.
type toldView struct {
	web.Base
	Told    web.Panel
	Text    string
	Path    string
	Hidden  []web.Hidden
	Done    bool
	Onward  web.Link
	Contact string
}

var toldPage = web.NewPage[toldView](pages, "pages/told.html")

func (r *Room) toldView(c *web.Ctx) (toldView, error) {
	me, err := r.me(c.Context())
	if err != nil {
		return toldView{}, err
	}
	n := r.Notice(me.Kind == people.Pupil)
	done, err := acknowledged(c.Context(), r.DB, me.ID, n.Version)
	if err != nil {
		return toldView{}, err
	}
	to := c.Back("/")
	return toldView{
		Base: web.Base{Title: "You are told"}, Text: n.Text, Path: toldPath, Done: done, Onward: web.Link{Title: "Go on", Path: to},
		Hidden:  []web.Hidden{{Name: "version", Value: n.Version}, {Name: "to", Value: to}},
		Contact: r.values().Get(KeyContact).Text,
	}, nil
}

func (r *Room) toldPage(c *web.Ctx) error {
	v, err := r.toldView(c)
	if err != nil {
		return err
	}
	return toldPage.Render(c, v)
}

func (r *Room) toldForm(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	err = r.Acknowledge(c.Context(), form.Get("version"))
	if errors.Is(err, ErrNewer) {
		v, err := r.toldView(c)
		if err != nil {
			return err
		}
		v.Told = web.Panel{Tone: "note", Title: "The words have changed", Words: "Please read them again."}
		return toldPage.Status(badForm).Render(c, v)
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.Back("/"))
}
