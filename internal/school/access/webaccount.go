package access

import (
	"net/url"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

type accountView struct {
	web.Base
	Facts    web.Summary
	Told     web.Panel
	Acts     []web.Action
	Sessions []sessionView
	EndAll   web.Action
	Links    []web.Link
}

// sessionView is one session with the button that ends it.
type sessionView struct {
	Facts web.Summary
	End   web.Action
}

var accountTemplate = web.NewPage[accountView](pages, "pages/account.html")

func (r *Room) accountPage(c *web.Ctx) error {
	a, p, err := r.ownAccount(c.Context(), personOf(c))
	if err != nil {
		return err
	}
	v := accountView{Base: web.Base{Title: "Your account"}}
	v.Facts.Rows = []web.SummaryRow{
		{Key: "Name", Text: p.Name()},
		{Key: "Username", Text: a.Username},
		{Key: "Password", Text: "changed", When: c.Ago(a.PasswordAt), Link: web.Link{Title: "Change", Path: changePath}},
	}
	if err := r.factorRow(c, a, &v); err != nil {
		return err
	}
	if len(c.Actor.Posts) > 0 {
		v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: "Posts", Lines: postTitles(c.Actor.Posts)})
	}
	if c.Actor.Audience != actor.Pupil && c.Actor.Audience != actor.Parent {
		v.Links = append(v.Links, web.Link{Title: "Mails about what waits for me", Path: "/account/mails"})
	}
	v.Links = append(v.Links, web.Link{Title: "Somebody may know my password", Path: "/account/compromised"})
	v.Acts = []web.Action{{Path: lockPath, Title: "Lock now", Quiet: true}}
	if c.May(MayClass) && r.values().Bool(KeyTeachersGive) {
		v.Links = append(v.Links, web.Link{Title: "Passwords of my class", Path: classPath})
	}
	if c.May(MayTokens) {
		v.Links = append(v.Links, web.Link{Title: "Tokens for programs", Path: "/account/tokens"})
	}
	if v.Sessions, err = r.sessionViews(c, p.ID, "/account/sessions/end"); err != nil {
		return err
	}
	if len(v.Sessions) > 1 {
		v.EndAll = web.Action{Path: "/account/sessions/end", Title: "End all the others", Quiet: true}
	}
	return accountTemplate.Render(c, v)
}

// factorRow says what second factor there is, and whether somebody took one
// away.
func (r *Room) factorRow(c *web.Ctx, a Account, v *accountView) error {
	list, err := r.Factors(c.Context(), a.ID)
	if err != nil {
		return err
	}
	row := web.SummaryRow{Key: "Second factor", Text: "none", Link: web.Link{Title: "Add one", Path: factorPath}}
	if len(list) > 0 {
		row.Text, row.Link.Title = "", "Look at it"
		for _, f := range list {
			row.Lines = append(row.Lines, f.Name)
		}
	}
	if !r.atDeskDoor(c.R) {
		row.Link = web.Link{}
	}
	v.Facts.Rows = append(v.Facts.Rows, row)
	resets, err := r.Resets(c.Context(), a.ID)
	if err != nil || len(resets) == 0 {
		return err
	}
	v.Told = web.Panel{
		Tone: "warn", Title: "Your second factor was taken away " + c.Words.Near(resets[0].At),
		Words: "The reason given was: " + resets[0].Reason + " If you did not ask for it, tell the head teacher at once.",
	}
	return nil
}

func postTitles(posts []string) []string {
	out := make([]string, 0, len(posts))
	for _, p := range posts {
		out = append(out, people.Post(p).Title())
	}
	return out
}

// sessionViews lists a person's open sessions; path takes the form that ends
// one.
func (r *Room) sessionViews(c *web.Ctx, person people.ID, path string) ([]sessionView, error) {
	list, err := r.Sessions(c.Context(), person)
	if err != nil {
		return nil, err
	}
	var out []sessionView
	for _, s := range list {
		v := sessionView{End: web.Action{Path: path, Title: "End this session", Quiet: true, Hidden: []web.Hidden{{Name: "session", Value: s.ID}}}}
		v.Facts.Rows = []web.SummaryRow{
			{Key: "Device", Text: s.Device},
			{Key: "Address", Text: addressText(s.Address)},
			{Key: "Since", When: c.Moment(s.StartedAt)},
			{Key: "Last used", When: c.Ago(s.UsedAt)},
		}
		tags := []web.Tag{}
		if s.ID == c.Actor.Session {
			tags = append(tags, web.Tag{Words: "this one", Tone: "teal"})
			v.End = web.Action{Path: "/sign-out", Title: "Sign out", Quiet: true}
		}
		if !s.LockedAt.IsZero() {
			tags = append(tags, web.Tag{Words: "locked"})
		}
		v.Facts.Rows[0].Tags = tags
		out = append(out, v)
	}
	return out, nil
}

// endOwnPost ends one session of one's own, or all but this one.
func (r *Room) endOwnPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if id := form.Get("session"); id != "" {
		err = r.EndSession(c.Context(), personOf(c), id, "ended by its owner")
	} else {
		err = r.EndSessions(c.Context(), personOf(c), c.Actor.Session, "ended by its owner")
	}
	if err != nil {
		return err
	}
	c.Notice("Ended.")
	return c.Redirect("/account")
}

type tokensView struct {
	web.Base
	Form   formView
	Told   web.Panel
	Secret string
	List   web.Table
	Ends   []web.Action
}

var tokensTemplate = web.NewPage[tokensView](pages, "pages/tokens.html")

func (r *Room) tokensView(c *web.Ctx) (tokensView, error) {
	may := web.Field{Kind: web.ChecksField, Name: "may", Label: "What the program may do", Hint: "It never may more than you may at that moment."}
	for _, x := range c.Actor.Capabilities() {
		if !forbiddenToken(x) {
			may.Options = append(may.Options, web.Option{Value: string(x), Label: string(x)})
		}
	}
	lasts := web.Field{Kind: web.RadiosField, Name: "lasts", Label: "For how long", Options: []web.Option{
		{Value: "168h", Label: "A week"}, {Value: "720h", Label: "30 days"}, {Value: "2160h", Label: "90 days"}, {Value: "8760h", Label: "A year"},
	}}
	v := tokensView{
		Base: web.Base{Title: "Tokens for programs", Crumbs: []web.Crumb{{Title: "Your account", Path: "/account"}}, Lead: "A token lets a program read or do things here in your name. Whoever has it may do the same, so give each program its own."},
		Form: formView{Path: "/account/tokens", Button: "Make a token", Fields: []web.Field{
			{Name: "name", Label: "What it is for", Max: 80}, may, lasts.Choose("720h"),
		}},
		List: web.Table{Caption: "Your tokens", Columns: []web.Column{{Title: "For"}, {Title: "May"}, {Title: "Made"}, {Title: "Until"}, {Title: "Last used"}}},
	}
	list, err := r.Tokens(c.Context(), personOf(c))
	if err != nil {
		return v, err
	}
	for _, t := range list {
		live := t.Live(c.Now())
		until := web.Cell{When: c.Moment(t.Expires)}
		if !t.RevokedAt.IsZero() {
			until = web.Cell{Text: "ended"}
		}
		v.List.Rows = append(v.List.Rows, web.Row{Faint: !live, Cells: []web.Cell{
			{Text: t.Name}, {Text: capabilityWords(t.May)}, {When: c.Moment(t.MadeAt)}, until, {When: c.Ago(t.UsedAt)},
		}})
		if live {
			v.Ends = append(v.Ends, web.Action{Path: "/account/tokens/end", Title: "End “" + t.Name + "”", Quiet: true, Grave: true, Hidden: []web.Hidden{{Name: "token", Value: t.ID}}})
		}
	}
	return v, nil
}

func capabilityWords(list []actor.Capability) string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = string(c)
	}
	return strings.Join(out, ", ")
}

func forbiddenToken(c actor.Capability) bool {
	for _, n := range neverToken {
		if n == c {
			return true
		}
	}
	return false
}

func (r *Room) tokensPage(c *web.Ctx) error {
	v, err := r.tokensView(c)
	if err != nil {
		return err
	}
	return tokensTemplate.Render(c, v)
}

func (r *Room) issuePost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	// A token needs no second factor when it is used, so it is asked for here.
	if err := r.Prove(c, proofLasts); err != nil {
		return err
	}
	var may []actor.Capability
	for _, m := range form["may"] {
		may = append(may, actor.Capability(m))
	}
	lasts, err := time.ParseDuration(form.Get("lasts"))
	if err != nil {
		lasts = 0
	}
	t, secret, err := r.Issue(c.Context(), form.Get("name"), may, lasts)
	v, verr := r.tokensView(c)
	if verr != nil {
		return verr
	}
	if err != nil {
		return tokensAgain(c, v, form, err)
	}
	v.Secret = secret
	v.Told = web.Panel{Tone: "good", Title: "The token for “" + t.Name + "”", Words: "Copy it now: it is shown this once, and only its digest is kept."}
	return tokensTemplate.Render(c, v)
}

func tokensAgain(c *web.Ctx, v tokensView, form url.Values, err error) error {
	bad, ok := web.Wrong(err)
	if !ok {
		return err
	}
	v.Errors = web.Refill(form, shown(bad), &v.Form.Fields[0], &v.Form.Fields[1], &v.Form.Fields[2])
	return tokensTemplate.Status(422).Render(c, v)
}

func (r *Room) revokePost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if err := r.Revoke(c.Context(), personOf(c), form.Get("token")); err != nil {
		return err
	}
	c.Notice("The token was ended.")
	return c.Redirect("/account/tokens")
}

// slipView is a temporary password, shown once.
type slipView struct {
	web.Base
	Facts web.Summary
	Words []string
	Back  web.Link
}

var slipTemplate = web.NewPage[slipView](pages, "pages/slip.html")

func (r *Room) slip(c *web.Ctx, p people.Person, a Account, temporary string) error {
	return slipTemplate.Render(c, r.slipOf(c, p, a, temporary))
}

func (r *Room) slipOf(c *web.Ctx, p people.Person, a Account, temporary string) slipView {
	v := slipView{
		Base:  web.Base{Title: "A temporary password for " + p.Name(), Marking: "Give this only to " + p.Name()},
		Facts: web.Summary{Rows: []web.SummaryRow{{Key: "Username", Text: a.Username}, {Key: "Temporary password", Text: temporary}, {Key: "Good until", When: c.Moment(a.TemporaryUntil)}}},
		Words: []string{"This is shown once. Print it or read it out, and hand it to nobody else."},
		Back:  web.Link{Title: "Back to the account", Path: "/accounts/" + a.ID},
	}
	if a.MustChange {
		v.Words = append(v.Words, "At the first sign-in a new password is asked for.")
	}
	return v
}

// mayReset refuses to give a new password to somebody who may do what oneself
// may not: whoever knows a person's password is that person. The head may, and
// so may whoever stands at the machine.
func (r *Room) mayReset(c *web.Ctx, person people.ID) error {
	target, err := r.ActorOf(c.Context(), person)
	if ignoreNotFound(err) != nil {
		return err
	}
	if err != nil || c.Actor.Holds(string(people.Headteacher)) {
		return nil // somebody who is not here may do nothing
	}
	for _, x := range target.Capabilities() {
		if !c.Actor.May(x) {
			return store.Invalid{"": "this person may do things here that you may not (" + string(x) + "), so the head teacher gives them a new password"}
		}
	}
	return nil
}

func countWords(n int) string { return words.Count(n, "account", "accounts") }
