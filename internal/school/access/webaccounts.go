package access

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

type accountsView struct {
	web.Base
	Filter web.Filter
	List   web.Table
	Pager  web.Pager
	New    web.Link
	Links  []web.Link
}

var accountsTemplate = web.NewPage[accountsView](pages, "pages/accounts.html")

const perPage = 50

func (r *Room) accountsPage(c *web.Ctx) error {
	f := ListFilter{Words: c.Query("words"), State: c.Query("state")}
	if n, err := strconv.Atoi(c.Query("from")); err == nil && n > 0 && n < 1_000_000 {
		f.Offset = n
	}
	list, total, err := r.List(c.Context(), f)
	if err != nil {
		return err
	}
	state := web.Field{Kind: web.SelectField, Name: "state", Label: "Which", Options: []web.Option{
		{Value: "", Label: "All accounts"}, {Value: StateTemporary, Label: "With a temporary password"}, {Value: StateResting, Label: "Resting after wrong tries"}, {Value: StateClosed, Label: "Closed"},
	}}
	whole := ""
	if f.Words != "" || f.State != "" {
		whole = "/accounts"
	}
	v := accountsView{
		Base: web.Base{Title: "Accounts", Wide: true}, Links: r.accountLinks(c), New: web.Link{Title: "Make an account", Path: "/accounts/new"},
		Filter: web.Filter{Path: "/accounts", Button: "Show", Clear: whole, Matches: countWords(total), Fields: []web.Field{
			{Kind: web.SearchField, Name: "words", Label: "Name or username", Value: f.Words, Max: 60}, state.Choose(f.State),
		}},
		List: web.Table{
			Caption: "Accounts", Columns: []web.Column{{Title: "Name"}, {Title: "Username"}, {Title: "Who"}, {Title: "State"}, {Title: "Last signed in"}},
			Empty: web.Empty{Title: "No account fits", Words: "An account is made for somebody who is on the roll."},
		},
	}
	for _, x := range list {
		v.List.Rows = append(v.List.Rows, web.Row{Link: "/accounts/" + x.Account.ID, Faint: x.Account.Disabled, Cells: []web.Cell{
			{Text: x.Name}, {Text: x.Account.Username}, {Text: sentence(string(x.Kind))}, {Tag: r.stateTag(x.Account)}, {When: c.Ago(x.Account.LastIn)},
		}})
	}
	v.Pager = r.pager(f, len(list), total)
	return accountsTemplate.Render(c, v)
}

// accountLinks lead to what is looked at about all accounts.
func (r *Room) accountLinks(c *web.Ctx) []web.Link {
	out := []web.Link{{Title: "Alerts about accounts", Path: alertsPath}}
	if c.May(MayRights) {
		out = append(out, web.Link{Title: "Who has the most rights", Path: rightsPath})
	}
	if c.May(MayHeadFactor) {
		out = append(out, web.Link{Title: "The head teacher lost the second factor", Path: "/account/head-factor"})
	}
	return out
}

func (r *Room) pager(f ListFilter, shown, total int) web.Pager {
	if total == 0 {
		return web.Pager{}
	}
	at := func(offset int) string {
		return "/accounts?" + url.Values{"words": {f.Words}, "state": {f.State}, "from": {strconv.Itoa(offset)}}.Encode()
	}
	p := web.Pager{Words: fmt.Sprintf("%d to %d of %s", min(f.Offset+1, total), f.Offset+shown, countWords(total))}
	if f.Offset > 0 {
		p.Before = at(max(f.Offset-perPage, 0))
	}
	if f.Offset+shown < total {
		p.After = at(f.Offset + perPage)
	}
	return p
}

func (r *Room) stateTag(a Account) web.Tag {
	switch {
	case a.Disabled:
		return web.Tag{Words: "closed"}
	case a.LockedUntil.After(r.Clock.Now()):
		return web.Tag{Words: "resting", Tone: "red"}
	case a.password == "":
		return web.Tag{Words: "needs a password", Tone: "brown"}
	case a.Temporary():
		return web.Tag{Words: "temporary password", Tone: "brown"}
	default:
		return web.Tag{Words: "open", Tone: "green"}
	}
}

func (r *Room) oneAccountPage(c *web.Ctx) error {
	a, err := r.AccountByID(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	p, err := r.People.Get(c.Context(), a.Person)
	if err != nil {
		return err
	}
	at := "/accounts/" + a.ID
	version := []web.Hidden{{Name: "version", Value: strconv.FormatInt(a.Version, 10)}}
	v := accountView{Base: web.Base{Title: "Account of " + p.Name(), Crumbs: []web.Crumb{{Title: "Accounts", Path: "/accounts"}}}}
	v.Facts.Rows = []web.SummaryRow{
		{Key: "Username", Text: a.Username, Tags: []web.Tag{r.stateTag(a)}},
		{Key: "Is", Text: people.KindWords(p.Kind)},
		{Key: "Password changed", When: c.Ago(a.PasswordAt)},
		{Key: "Last signed in", When: c.Ago(a.LastIn)},
		{Key: "Made", When: c.Moment(a.MadeAt)},
	}
	if a.LockedUntil.After(c.Now()) {
		v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: "Rests until", When: c.Near(a.LockedUntil)})
	}
	if err := r.mayReset(c, a.Person); err != nil {
		bad, ok := web.Wrong(err)
		if !ok {
			return err
		}
		v.Told = web.Panel{Tone: "note", Title: "Only the head teacher", Words: sentence(bad[""]) + "."}
	} else {
		v.Acts = []web.Action{{Path: at + "/reset", Title: "Give a temporary password", Hidden: version}}
	}
	has, err := r.HasFactor(c.Context(), a.ID)
	if err != nil {
		return err
	}
	v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: "Second factor", Text: map[bool]string{true: "there is one", false: "none"}[has]})
	if has && c.May(MayFactors) && c.Actor.Person != string(a.Person) {
		v.Links = append(v.Links, web.Link{Title: "Take the second factor away", Path: at + "/second-factor"})
	}
	if a.Disabled {
		v.Acts = append(v.Acts, web.Action{Path: at + "/open", Title: "Open the account again", Quiet: true, Hidden: version})
	} else {
		v.Acts = append(v.Acts, web.Action{Path: at + "/close", Title: "Close the account", Quiet: true, Grave: true, Hidden: version})
	}
	if v.Sessions, err = r.sessionViews(c, p.ID, at+"/sessions/end"); err != nil {
		return err
	}
	if len(v.Sessions) > 0 {
		v.EndAll = web.Action{Path: at + "/sessions/end", Title: "End all sessions", Quiet: true}
	}
	return accountTemplate.Render(c, v)
}

func newAccountView(who string) formView {
	return formView{
		Base: web.Base{Title: "Make an account", Crumbs: []web.Crumb{{Title: "Accounts", Path: "/accounts"}}}, Path: "/accounts/new", Button: "Make the account",
		Intro: []string{"The account gets a temporary password, which is shown once for a slip."},
		Fields: []web.Field{
			{Name: "who", Label: "Whose", Value: who, Max: 100, Hint: "The name, the username or the number of somebody on the roll"},
			{Name: "username", Label: "Username", Width: 24, Max: 60, Optional: true, Autocomplete: "off", Hint: "Leave it empty to take the one of the roll."},
		},
		Cancel: web.Link{Title: "Leave without making one", Path: "/accounts"},
	}
}

func (r *Room) newAccountPage(c *web.Ctx) error {
	return formPage.Render(c, newAccountView(c.Query("who")))
}

func (r *Room) newAccountPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v := newAccountView("")
	p, err := r.People.Find(c.Context(), form.Get("who"))
	if err == nil {
		err = r.mayReset(c, p.ID)
	}
	temporary := ""
	if err == nil {
		temporary, err = r.CreateAccount(c.Context(), NewAccount{Person: p.ID, Username: form.Get("username")})
	}
	if err != nil {
		bad, ok := web.Wrong(err)
		if ok && bad["person"] != "" {
			err = store.Invalid{"who": bad["person"]}
		}
		return again(c, v, form, err)
	}
	a, err := r.AccountOf(c.Context(), p.ID)
	if err != nil {
		return err
	}
	return r.slip(c, p, a, temporary)
}

func (r *Room) resetPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	a, err := r.AccountByID(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	if a.Version != number(form.Get("version")) {
		return store.ErrStale
	}
	if err := r.mayReset(c, a.Person); err != nil {
		return err
	}
	temporary, err := r.Reset(c.Context(), a.Username)
	if errors.Is(err, ErrBusy) {
		return web.ErrBusy
	}
	if err != nil {
		return err
	}
	p, err := r.People.Get(c.Context(), a.Person)
	if err != nil {
		return err
	}
	if a, err = r.AccountByID(c.Context(), a.ID); err != nil {
		return err
	}
	return r.slip(c, p, a, temporary)
}

func (r *Room) closePost(c *web.Ctx) error { return r.setClosed(c, true) }

func (r *Room) openPost(c *web.Ctx) error { return r.setClosed(c, false) }

func (r *Room) setClosed(c *web.Ctx, closed bool) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if err := r.SetDisabled(c.Context(), c.Param("id"), closed, number(form.Get("version")), ""); err != nil {
		return err
	}
	if closed {
		c.Notice("The account is closed, and its sessions have ended.")
	} else {
		c.Notice("The account is open again.")
	}
	return c.Redirect("/accounts/" + c.Param("id"))
}

func (r *Room) endOthersPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	a, err := r.AccountByID(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	if id := form.Get("session"); id != "" {
		err = r.EndSession(c.Context(), a.Person, id, "ended by whoever looks after accounts")
	} else {
		err = r.EndSessions(c.Context(), a.Person, c.Actor.Session, "ended by whoever looks after accounts")
	}
	if err != nil {
		return err
	}
	c.Notice("Ended.")
	return c.Redirect("/accounts/" + a.ID)
}
