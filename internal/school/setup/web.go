package setup

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

//go:embed pages/*.html
var pages embed.FS

type formView struct {
	web.Base
	Intro  []string
	Fields []web.Field
	Path   string
	Button string
	Skip   web.Link
	Done   web.Summary
}

type policyView struct {
	web.Base
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
			{Pattern: "GET /set-up/school", Needs: web.Open, Do: r.withCode(r.school)},
			{Pattern: "POST /set-up/school", Needs: web.Open, Do: r.withCode(r.nameSchool)},
			{Pattern: "GET /set-up/head", Needs: web.Open, Do: r.withCode(r.head)},
			{Pattern: "POST /set-up/head", Needs: web.Open, Do: r.withCode(r.addHead)},
			{Pattern: "GET /set-up/people", Needs: web.Open, Do: r.withCode(r.others)},
			{Pattern: "POST /set-up/people", Needs: web.Open, Do: r.withCode(r.addOther)},
			{Pattern: "GET /set-up/policy", Needs: web.Open, Do: r.withCode(r.policy)},
			{Pattern: "POST /set-up/policy", Needs: web.Open, Do: r.withCode(r.choose)},
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
		Base: web.Base{Title: "Set up Belisha"}, Path: "/set-up", Button: "Go on", Fields: codeFields(),
		Intro: []string{"You will name your school, make the first accounts and choose a policy. It takes about ten minutes, and everything can be changed later."},
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
	return c.Redirect("/set-up/school")
}

// sentence begins an error with a capital letter and ends it with a stop.
func sentence(err error) string {
	s := err.Error()
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func schoolView() formView {
	return formView{
		Base: web.Base{Title: "Your school"}, Path: "/set-up/school", Button: "Save and go on",
		Fields: []web.Field{
			{Name: "school", Label: "Name of the school", Max: 120, Autocomplete: "organization"},
			{
				Name: "host", Label: "Short address of the pupils' pages", Value: "belisha.school", Max: 200, Width: 30,
				Hint: "Where \"why is this closed?\" is found from any device behind the filter. It needs a dot and exists only in your school.",
			},
			{Name: "zone", Label: "Time zone", Value: people.DefaultZone, Max: 60, Width: 20},
		},
	}
}

func (r *Room) school(c *web.Ctx) error {
	s, err := r.School(c.Context())
	if err != nil {
		return err
	}
	v := schoolView()
	if s.Name != "" {
		v.Fields[0].Value, v.Fields[1].Value = s.Name, s.Host
	}
	return formPage.Render(c, v)
}

func (r *Room) nameSchool(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	err = r.SetName(c.Context(), Name{School: form.Get("school"), Host: form.Get("host"), Zone: strings.TrimSpace(form.Get("zone"))})
	if err != nil {
		return again(c, schoolView(), form, err)
	}
	return c.Redirect("/set-up/head")
}

// again shows a form that came back, or passes on what no form can mend.
func again(c *web.Ctx, v formView, form url.Values, err error) error {
	bad, ok := web.Wrong(err)
	if !ok {
		return err
	}
	fields := make([]*web.Field, len(v.Fields))
	for i := range v.Fields {
		fields[i] = &v.Fields[i]
	}
	v.Errors = web.Refill(form, bad, fields...)
	return formPage.Status(http.StatusUnprocessableEntity).Render(c, v)
}

func personFields() []web.Field {
	return []web.Field{
		{Name: "given", Label: "First name", Max: 60, Autocomplete: "off"},
		{Name: "family", Label: "Family name", Max: 60, Autocomplete: "off"},
		{Name: "username", Label: "User name", Max: 60, Width: 20, Autocomplete: "off", Hint: "What the person types to sign in, such as a.quist"},
		{Kind: web.PasswordField, Name: "password", Label: "Password", Autocomplete: "new-password", Hint: "At least 12 characters; three random words are good."},
	}
}

func first(form url.Values, posts ...people.Post) First {
	return First{
		Posts: posts, Given: strings.TrimSpace(form.Get("given")), Family: strings.TrimSpace(form.Get("family")),
		Username: strings.TrimSpace(form.Get("username")), Password: form.Get("password"),
	}
}

func headView() formView {
	return formView{
		Base: web.Base{Title: "The head teacher's account"}, Path: "/set-up/head", Button: "Make the account", Fields: personFields(),
		Intro: []string{"The head approves, names who may change the filter and who may look at web activity, and sees every promise that is not being kept."},
	}
}

func (r *Room) head(c *web.Ctx) error { return formPage.Render(c, headView()) }

func (r *Room) addHead(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if err := r.AddFirst(c.Context(), first(form, people.Headteacher)); err != nil {
		return again(c, headView(), form, err)
	}
	c.Notice("The head teacher's account is made.")
	return c.Redirect("/set-up/people")
}

// firstPosts are the posts that the set-up asks for, besides the head.
var firstPosts = []people.Post{
	people.SafeguardingLead, people.DeputySafeguardingLead, people.FilterManager, people.NetworkManager,
	people.OnlineSafetyLead, people.Monitor,
}

func (r *Room) othersView(ctx context.Context) (formView, error) {
	v := formView{
		Base: web.Base{Title: "Who does what"}, Path: "/set-up/people", Button: "Make the account",
		Skip: web.Link{Title: "Go on to the policy", Path: "/set-up/policy"},
		Intro: []string{
			"One person may hold several posts. Until a safeguarding lead and a deputy are named, what the filter closes is blocked but not watched.",
		},
	}
	posts := web.Field{Kind: web.ChecksField, Name: "posts", Label: "Posts"}
	for _, p := range firstPosts {
		info, _ := p.Info()
		posts.Options = append(posts.Options, web.Option{Value: string(p), Label: info.Title, Hint: info.Says})
		holders, err := r.d.People.HoldersAt(ctx, p, r.d.Clock.Now())
		if err != nil {
			return v, err
		}
		row := web.SummaryRow{Key: info.Title, Text: "Nobody yet"}
		var names []string
		for _, h := range holders {
			names = append(names, h.Person.Name())
		}
		if len(names) > 0 {
			row.Text = words.And(names)
		}
		v.Done.Rows = append(v.Done.Rows, row)
	}
	v.Fields = append([]web.Field{posts}, personFields()...)
	return v, nil
}

func (r *Room) others(c *web.Ctx) error {
	v, err := r.othersView(c.Context())
	if err != nil {
		return err
	}
	return formPage.Render(c, v)
}

func (r *Room) addOther(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v, err := r.othersView(c.Context())
	if err != nil {
		return err
	}
	f := first(form)
	for _, p := range firstPosts {
		for _, asked := range form["posts"] {
			if asked == string(p) {
				f.Posts = append(f.Posts, p)
			}
		}
	}
	if len(f.Posts) == 0 {
		return again(c, v, form, store.Invalid{"posts": "Choose at least one post"})
	}
	if err := r.AddFirst(c.Context(), f); err != nil {
		return again(c, v, form, err)
	}
	c.Notice("The account is made. Make another, or go on to the policy.")
	return c.Redirect("/set-up/people")
}

func (r *Room) policy(c *web.Ctx) error {
	ex, err := r.d.Policies.Examples(c.Context())
	if err != nil {
		return err
	}
	v := policyView{Base: web.Base{
		Title: "Choose a policy to begin with",
		Lead:  "It runs at once and is marked as not yet approved until your school's approvers have approved it. You can edit every sentence later.",
	}}
	for _, e := range ex {
		effects, err := r.d.Policies.Effects(c.Context(), e.Name)
		if err != nil {
			return err
		}
		v.Examples = append(v.Examples, exampleView{
			Title: e.Title, Words: e.Words, Effects: effects,
			Choose: web.Action{Path: "/set-up/policy", Title: "Begin with this one", Hidden: []web.Hidden{{Name: "policy", Value: e.Name}}},
		})
	}
	return policyPage.Render(c, v)
}

func (r *Room) choose(c *web.Ctx) error {
	name := c.Value("policy")
	if err := r.d.Policies.Activate(c.Context(), name); err != nil {
		return err
	}
	if err := r.Finish(c.Context()); err != nil {
		if bad, ok := web.Wrong(err); ok {
			c.Notice(bad[""] + ".")
			return c.Redirect("/set-up/head")
		}
		return err
	}
	http.SetCookie(c.W, &http.Cookie{Name: web.CookieName(codeCookie, c.Secure()), Path: "/", MaxAge: -1, HttpOnly: true, Secure: c.Secure(), SameSite: http.SameSiteStrictMode})
	c.Notice("Your school is set up. Sign in to see what is being kept.")
	return c.Redirect("/sign-in")
}
