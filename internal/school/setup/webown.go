package setup

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// rollBytes is the largest roll that the set-up takes.
const rollBytes = 64 << 20

func (r *Room) schoolView(ctx context.Context) (formView, error) {
	v := formView{
		Base: web.Base{Title: "Your school"},
		StepView: StepView{
			Button: "Save and go on",
			Fields: []web.Field{
				{Name: "school", Label: "Name of the school", Max: 120, Autocomplete: "organization"},
				{
					Name: "host", Label: "Short address of the pupils' pages", Value: DefaultHost, Max: 200, Width: 30,
					Hint: "Where “why is this closed?” is found from any device behind the filter. It needs a dot and exists only in your school.",
				},
				{Name: "zone", Label: "Time zone", Value: people.DefaultZone, Max: 60, Width: 20},
				{Kind: web.LongField, Name: "sites", Label: "Other sites of the school", Optional: true, Rows: 3, Max: 2000, Hint: "One a line, such as Lower School. Each has a calendar of its own."},
			},
		},
	}
	s, err := r.School(ctx)
	if err != nil || s.Name == "" {
		return v, err
	}
	v.Fields[0].Value, v.Fields[1].Value = s.Name, s.Host
	cal, err := r.d.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return v, err
	}
	v.Fields[2].Value = cal.Zone
	names, err := r.siteNames(ctx)
	v.Fields[3].Value = strings.Join(names, "\n")
	return v, err
}

// siteNames are the names of the sites besides the main one.
func (r *Room) siteNames(ctx context.Context) ([]string, error) {
	sites, err := r.d.People.Sites(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, s := range sites {
		if s == people.MainSite {
			continue
		}
		cal, err := r.d.People.Calendar(ctx, s)
		if err != nil {
			return nil, err
		}
		out = append(out, cal.Name)
	}
	return out, nil
}

func (r *Room) school(c *web.Ctx) error {
	v, err := r.schoolView(c.Context())
	if err != nil {
		return err
	}
	return r.show(c, "school", v, http.StatusOK)
}

func (r *Room) nameSchool(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v, err := r.schoolView(c.Context())
	if err != nil {
		return err
	}
	n := Name{School: form.Get("school"), Host: form.Get("host"), Zone: strings.TrimSpace(form.Get("zone"))}
	for _, s := range strings.Split(form.Get("sites"), "\n") {
		if s = strings.TrimSpace(s); s != "" {
			n.Sites = append(n.Sites, s)
		}
	}
	if err = r.SetName(c.Context(), n); err != nil {
		return r.wrong(c, "school", v, form, err)
	}
	return r.onward(c, "school")
}

func personFields() []web.Field {
	return []web.Field{
		{Name: "given", Label: "First name", Max: 60, Autocomplete: "off"},
		{Name: "family", Label: "Family name", Max: 60, Autocomplete: "off"},
		{Name: "username", Label: "User name", Max: 60, Width: 20, Autocomplete: "off", Hint: "What the person types to sign in, such as a.quist. Somebody of the staff whom the roll has under this name is taken from there."},
		{Kind: web.PasswordField, Name: "password", Label: "Password", Autocomplete: "new-password", Hint: "At least 12 characters; three random words are good."},
	}
}

func first(form url.Values, posts ...people.Post) First {
	return First{
		Posts: posts, Given: strings.TrimSpace(form.Get("given")), Family: strings.TrimSpace(form.Get("family")),
		Username: strings.TrimSpace(form.Get("username")), Password: form.Get("password"),
	}
}

// headView asks for the head's account, or says whose it is: a form that was
// sent twice, or from two browsers, makes no second head.
func (r *Room) headView(ctx context.Context) (formView, bool, error) {
	v := formView{
		Base: web.Base{Title: "The head teacher's account"},
		StepView: StepView{
			Button: "Make the account", Fields: personFields(),
			Intro: []string{"The head approves, names who may change the filter and who may look at web activity, and sees every promise that is not being kept."},
		},
	}
	heads, err := r.d.People.HoldersAt(ctx, people.Headteacher, r.d.Clock.Now())
	if err != nil || len(heads) == 0 {
		return v, false, err
	}
	v.Fields, v.Button = nil, "Go on"
	v.Facts.Rows = []web.SummaryRow{{Key: "Head teacher", Text: heads[0].Person.Name()}}
	return v, true, nil
}

func (r *Room) head(c *web.Ctx) error {
	v, _, err := r.headView(c.Context())
	if err != nil {
		return err
	}
	return r.show(c, "head", v, http.StatusOK)
}

func (r *Room) addHead(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v, there, err := r.headView(c.Context())
	if err != nil {
		return err
	}
	if there {
		return r.onward(c, "head")
	}
	if err := r.AddFirst(c.Context(), first(form, people.Headteacher)); err != nil {
		return r.wrong(c, "head", v, form, err)
	}
	c.Notice("The head teacher's account is made.")
	return r.onward(c, "head")
}

func rollView() formView {
	return formView{
		Base: web.Base{Title: "Your people, from the office's system"},
		StepView: StepView{
			Intro: []string{
				"The filter knows people by the roll: which class and key stage a pupil is in, who is staff. Export it from the office's system and give it here; or do it later under People.",
				"It is read as CSV or OneRoster. What cannot be read is said row by row, and nobody is lost by importing twice.",
			},
			Fields: []web.Field{{Kind: web.FileField, Name: "roll", Label: "The roll", Accept: ".csv,.zip"}},
			Button: "Bring it in and go on",
		},
		Upload: true, Skip: later("roll", "Later: go on without it"),
	}
}

func (r *Room) roll(c *web.Ctx) error { return r.show(c, "roll", rollView(), http.StatusOK) }

func (r *Room) takeRoll(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if form.Get("pass") != "" {
		return r.onward(c, "roll")
	}
	f, name, err := c.Upload("roll")
	if errors.Is(err, web.ErrNoFile) {
		return r.wrong(c, "roll", rollView(), nil, store.Invalid{"roll": "Choose the file, or go on without it"})
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	res, err := r.d.People.Import(c.Context(), people.Options{Data: data, Name: name})
	var held people.Held
	if errors.As(err, &held) {
		err = store.Invalid{"roll": held.Error()}
	}
	if bad, ok := web.Wrong(err); ok {
		return r.wrong(c, "roll", rollView(), nil, store.Invalid{"roll": firstWord(bad)})
	}
	if err != nil {
		return err
	}
	said := words.Count(len(res.Joiners), "person joined", "people joined")
	if n := len(res.Refused); n > 0 {
		said += "; " + words.Count(n, "row was", "rows were") + " refused: line " + strconv.Itoa(res.Refused[0].Line) + ", " + res.Refused[0].Reason
	}
	c.Notice(said + ". The whole report is under People, Import.")
	return r.onward(c, "roll")
}

// firstWord is one of the sentences about a file.
func firstWord(bad store.Invalid) string {
	for _, s := range bad {
		return s
	}
	return "It cannot be read"
}

// firstPosts are the posts that the set-up asks for, besides the head.
var firstPosts = []people.Post{
	people.SafeguardingLead, people.DeputySafeguardingLead, people.FilterManager, people.NetworkManager,
	people.OnlineSafetyLead, people.Monitor,
}

func (r *Room) othersView(ctx context.Context) (formView, error) {
	v := formView{
		Base: web.Base{Title: "Who does what"}, Skip: later("people", "That is everybody: go on"), Also: "Another account",
		StepView: StepView{
			Button: "Make the account",
			Intro: []string{
				"One person may hold several posts. Until a safeguarding lead and a deputy are named, what the filter closes is blocked but not watched.",
			},
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
	return r.show(c, "people", v, http.StatusOK)
}

func (r *Room) addOther(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if form.Get("pass") != "" {
		return r.onward(c, "people")
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
		return r.wrong(c, "people", v, form, store.Invalid{"posts": "Choose at least one post"})
	}
	if err := r.AddFirst(c.Context(), f); err != nil {
		return r.wrong(c, "people", v, form, err)
	}
	c.Notice("The account is made. Make another, or go on.")
	return c.Redirect("/set-up/people")
}

func (r *Room) calendarView(ctx context.Context) (formView, error) {
	cal, err := r.d.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return formView{}, err
	}
	t := cal.Text()
	return formView{
		Base: web.Base{Title: "The school's calendar"}, Skip: later("calendar", "Later: every weekday counts as a school day"),
		StepView: StepView{
			Button: "Save and go on",
			Intro:  []string{"What is due is counted in school days, and “no one at school will read this before” is said by these hours. One line for each: its name, a colon, and the days or times."},
			Fields: []web.Field{
				{Kind: web.HiddenField, Name: "version", Value: strconv.FormatInt(cal.Version, 10)},
				{Kind: web.LongField, Name: "terms", Label: "Terms", Value: t.Terms, Rows: 4, Max: 20_000, Optional: true, Hint: "Autumn term: 2/9/2026 to 18/12/2026"},
				{Kind: web.LongField, Name: "closures", Label: "Closed days in the terms", Value: t.Closures, Rows: 4, Max: 20_000, Optional: true, Hint: "Half term: 26/10/2026 to 30/10/2026"},
				{Kind: web.LongField, Name: "hours", Label: "School hours", Value: t.Hours, Rows: 5, Max: 2_000, Hint: "Monday: 8:30 to 15:30. A day that is not here is never a school day."},
			},
		},
	}, nil
}

func (r *Room) calendar(c *web.Ctx) error {
	v, err := r.calendarView(c.Context())
	if err != nil {
		return err
	}
	return r.show(c, "calendar", v, http.StatusOK)
}

func (r *Room) setCalendar(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if form.Get("pass") != "" {
		return r.onward(c, "calendar")
	}
	v, err := r.calendarView(c.Context())
	if err != nil {
		return err
	}
	version, err := strconv.ParseInt(form.Get("version"), 10, 64)
	if err != nil {
		return store.ErrStale
	}
	t := people.CalendarText{Terms: form.Get("terms"), Closures: form.Get("closures"), Hours: form.Get("hours")}
	if err := r.SetCalendar(c.Context(), t, version); err != nil {
		return r.wrong(c, "calendar", v, form, err)
	}
	return r.onward(c, "calendar")
}

func (r *Room) unlistedView(ctx context.Context) (formView, error) {
	have, err := r.Unlisted(ctx)
	f := web.Field{Kind: web.RadiosField, Name: "unlisted", Label: "Which sites may pupils open?", Options: []web.Option{
		{Value: UnlistedOpen, Label: "All but those that a list closes", Hint: "No list has every site: what is new or small is open until somebody lists it."},
		{Value: UnlistedYoungest, Label: "For the youngest (key stage 1) only sites that somebody has looked at", Hint: "Everybody else opens all but what a list closes."},
		{Value: UnlistedAll, Label: "For all pupils only sites that somebody has looked at", Hint: "The safest, and the most work: each site is opened by name."},
	}}
	return formView{
		Base: web.Base{Title: "Sites that stand on no list"},
		StepView: StepView{
			Button: "Save and go on", Fields: []web.Field{f.Choose(have)},
			Intro: []string{"The policy that you choose next will say so in a sentence. The sentence can be changed later, as every other."},
		},
	}, err
}

func (r *Room) unlisted(c *web.Ctx) error {
	v, err := r.unlistedView(c.Context())
	if err != nil {
		return err
	}
	return r.show(c, "unlisted", v, http.StatusOK)
}

func (r *Room) setUnlisted(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v, err := r.unlistedView(c.Context())
	if err != nil {
		return err
	}
	if err := r.SetUnlisted(c.Context(), form.Get("unlisted")); err != nil {
		return r.wrong(c, "unlisted", v, form, err)
	}
	return r.onward(c, "unlisted")
}

func (r *Room) policy(c *web.Ctx) error {
	unlisted, err := r.Unlisted(c.Context())
	if err != nil {
		return err
	}
	ex, err := r.d.Policies.Examples(c.Context())
	if err != nil {
		return err
	}
	v := policyView{Base: web.Base{
		Title: "Choose a policy to begin with",
		Lead:  "It runs at once and is marked as not yet approved until your school's approvers have approved it. You can edit every sentence later.",
	}}
	if v.Way, err = r.way(c, "policy"); err != nil {
		return err
	}
	for _, e := range ex {
		effects, err := r.d.Policies.Effects(c.Context(), e.Name, unlisted)
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
	unlisted, err := r.Unlisted(c.Context())
	if err != nil {
		return err
	}
	if err := r.d.Policies.Activate(c.Context(), c.Value("policy"), unlisted); err != nil {
		return err
	}
	return r.onward(c, "policy")
}
