package setup

import (
	"embed"
	"errors"
	"net/http"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

//go:embed pages/*.html
var pages embed.FS

type formView struct {
	web.Base
	StepView
	Way    wayView
	Path   string
	Upload bool // the form has a file
	Skip   web.Action
	Done   web.Summary
	Also   string // heading above the form, where something is done already
}

type policyView struct {
	web.Base
	Way      wayView
	Examples []exampleView
}

type exampleView struct {
	Title, Words string
	Effects      []string
	Choose       web.Action
}

var (
	formPage   = web.NewPage[formView](pages, "pages/form.html")
	policyPage = web.NewPage[policyView](pages, "pages/policy.html")
)

// Section is the room's pages. They are open because nobody can sign in yet;
// each asks for the code.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "setup", Title: "Set-up",
		Routes: []web.Route{
			{Pattern: "GET /set-up", Needs: web.Open, Do: r.start},
			{Pattern: "POST /set-up", Needs: web.Open, Do: r.code},
			{Pattern: "GET /set-up/steps", Needs: web.Open, Do: r.withCode(r.steps)},
			{Pattern: "GET /set-up/school", Needs: web.Open, Do: r.withCode(r.school)},
			{Pattern: "POST /set-up/school", Needs: web.Open, Do: r.withCode(r.nameSchool)},
			{Pattern: "GET /set-up/head", Needs: web.Open, Do: r.withCode(r.head)},
			{Pattern: "POST /set-up/head", Needs: web.Open, Do: r.withCode(r.addHead)},
			{Pattern: "GET /set-up/roll", Needs: web.Open, Do: r.withCode(r.roll)},
			{Pattern: "POST /set-up/roll", Needs: web.Open, Do: r.withCode(r.takeRoll), Body: rollBytes},
			{Pattern: "GET /set-up/people", Needs: web.Open, Do: r.withCode(r.others)},
			{Pattern: "POST /set-up/people", Needs: web.Open, Do: r.withCode(r.addOther)},
			{Pattern: "GET /set-up/calendar", Needs: web.Open, Do: r.withCode(r.calendar)},
			{Pattern: "POST /set-up/calendar", Needs: web.Open, Do: r.withCode(r.setCalendar)},
			{Pattern: "GET /set-up/unlisted", Needs: web.Open, Do: r.withCode(r.unlisted)},
			{Pattern: "POST /set-up/unlisted", Needs: web.Open, Do: r.withCode(r.setUnlisted)},
			{Pattern: "GET /set-up/policy", Needs: web.Open, Do: r.withCode(r.policy)},
			{Pattern: "POST /set-up/policy", Needs: web.Open, Do: r.withCode(r.choose)},
			{Pattern: "GET /set-up/finish", Needs: web.Open, Do: r.withCode(r.ready)},
			{Pattern: "POST /set-up/finish", Needs: web.Open, Do: r.withCode(r.finish)},
			{Pattern: "GET /set-up/file/{name}", Needs: web.Open, Do: r.withCode(r.file)},
			{Pattern: "GET /set-up/{slug}", Needs: web.Open, Do: r.withCode(r.otherStep)},
			{Pattern: "POST /set-up/{slug}", Needs: web.Open, Do: r.withCode(r.otherSave)},
		},
	}
}

const codeCookie = "belisha-set-up"

// withCode lets through who has typed the code.
func (r *Room) withCode(next web.Handler) web.Handler {
	return func(c *web.Ctx) error {
		k, err := c.R.Cookie(web.CookieName(codeCookie, c.Secure()))
		if err != nil {
			return c.Redirect("/set-up")
		}
		if err := r.checkHash(c.Context(), k.Value); err != nil {
			if errors.Is(err, ErrDone) {
				return c.Redirect("/sign-in")
			}
			return c.Redirect("/set-up")
		}
		c.R = c.R.WithContext(actor.With(c.R.Context(), owner()))
		return next(c)
	}
}

func codeFields() []web.Field {
	return []web.Field{{
		Name: "code", Label: "Set-up code", Width: 20, Max: 40, Autocomplete: "one-time-code",
		Hint: "Three groups of four letters and digits. It stands in the window where Belisha was started.",
	}}
}

func (r *Room) startView() formView {
	return formView{
		Base: web.Base{Title: "Set up Belisha"}, Path: "/set-up",
		StepView: StepView{
			Button: "Go on", Fields: codeFields(),
			Intro: []string{"You will name your school, say which filter it has, make the first accounts, choose a policy and send the first device through. It takes about fifteen minutes, can be left and taken up again, and everything can be changed later."},
		},
	}
}

func (r *Room) start(c *web.Ctx) error {
	s, err := r.School(c.Context())
	if err != nil {
		return err
	}
	if !s.Done.IsZero() {
		return c.Redirect("/sign-in")
	}
	return formPage.Render(c, r.startView())
}

func (r *Room) code(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	code := form.Get("code")
	err = r.Check(c.Context(), code)
	switch {
	case errors.Is(err, ErrDone):
		return c.Redirect("/sign-in")
	case err != nil:
		v := r.startView()
		v.Errors = web.Refill(nil, store.Invalid{"code": sentence(err)}, &v.Fields[0])
		return formPage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	http.SetCookie(c.W, &http.Cookie{
		Name: web.CookieName(codeCookie, c.Secure()), Value: hashCode(code), Path: "/",
		HttpOnly: true, Secure: c.Secure(), SameSite: http.SameSiteStrictMode, MaxAge: int(codeHolds.Seconds()),
	})
	return c.Redirect("/set-up/steps")
}

// sentence begins an error with a capital letter and ends it with a stop.
func sentence(err error) string {
	s := err.Error()
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
