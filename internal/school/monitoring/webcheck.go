package monitoring

import (
	"errors"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

type checkView struct {
	web.Base
	Answer web.Panel
	Path   string
	Code   web.Field
}

var checkPage = web.NewPage[checkView](pages, "pages/check.html")

// checkBadge tells anybody whether the person in front of them may look, by
// the code on their badge. It lists nobody.
func (r *Room) checkBadge(c *web.Ctx) error {
	v := checkView{
		Base: web.Base{
			Title: "May this person look?",
			Lead:  "Somebody asks for your device, or wants to see what you did online. You may check first. Type the code on their badge; until it says yes you need not hand anything over.",
		},
		Path: pathCheck, Code: web.Field{Name: "code", Label: "Code on the badge", Value: c.Query("code"), Max: 20, Width: 20},
	}
	if c.Query("code") == "" {
		return checkPage.Render(c, v)
	}
	name, may, err := r.CheckBadge(c.Context(), c.Query("code"))
	switch {
	case errors.Is(err, store.ErrNotFound):
		v.Answer = web.Panel{Tone: "bad", Title: "No", Words: "This code is nobody's. Ask in the school office."}
	case err != nil:
		return err
	case may:
		v.Answer = web.Panel{Tone: "good", Title: "Yes, now", Words: name + " is on the list that the head confirmed. Asked at " + c.Words.Clock(c.Now()) + "."}
	default:
		v.Answer = web.Panel{Tone: "bad", Title: "No", Words: name + " is not on the list of those who may look now. Ask in the school office."}
	}
	return checkPage.Render(c, v)
}

// newBadge makes a code for the reader's own badge, or for anybody's where the
// head asks.
func (r *Room) newBadge(c *web.Ctx) error {
	id := people.ID(c.Value("person"))
	if id == "" {
		id = people.ID(c.Actor.Person)
	}
	b, err := r.NewBadge(c.Context(), id)
	if err != nil {
		return err
	}
	c.Notice("The code is " + b.Code + ". An older one no longer counts.")
	return c.Redirect(pathMonitors)
}

func (r *Room) proposeList(c *web.Ctx) error {
	err := r.ProposeList(c.Context(), c.Value("why"))
	if bad, ok := web.Wrong(err); ok {
		c.Notice(bad["why"])
		return c.Redirect(pathMonitors)
	}
	if err != nil {
		return err
	}
	c.Notice("Asked. The head has it in the tray.")
	return c.Redirect(pathMonitors)
}
