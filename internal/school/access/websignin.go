package access

import (
	"errors"
	"net/http"
	"net/url"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

func (r *Room) signInView(c *web.Ctx, st Standing) formView {
	v := formView{
		Base: web.Base{Title: "Sign in"}, Path: "/sign-in", Button: "Sign in",
		Hidden: []web.Hidden{{Name: "to", Value: c.Back("")}},
		Fields: []web.Field{
			{Name: "username", Label: "Username", Width: 24, Max: 60, Autocomplete: "username", Focus: true},
			{Kind: web.PasswordField, Name: "password", Label: "Password", Width: 24, Autocomplete: "current-password"},
		},
	}
	if st.Locked {
		v.Title = "This session has locked itself"
		v.Intro = []string{"It was left for a while. Type the name and the password to go on where you were."}
	}
	if r.Doors.web(c.R) {
		v.Intro = append(v.Intro, "When you have signed in, this device counts as yours on the web until you sign out.")
	}
	if r.Notice != nil {
		v.Foot = r.Notice()
	}
	switch {
	case !r.mayBeTyped(c):
		v.Told = web.Panel{Tone: "bad", Title: "Not on this address", Words: plainWords}
	case r.Doors.secure(c.R):
		v.Intro = append(v.Intro, "This connection is protected: what you type is read by Belisha alone.")
	default:
		v.Intro = append(v.Intro, "This page is open on the machine that Belisha runs on, so what you type does not leave it.")
	}
	return v
}

const plainWords = "A password must not travel without protection. Open this page by its https address, or on the machine that Belisha runs on."

// mayBeTyped reports whether a password may be sent over this connection:
// over TLS, or on the machine itself.
func (r *Room) mayBeTyped(c *web.Ctx) bool {
	return r.Doors.secure(c.R) || r.Doors.address(c.R).IsLoopback()
}

func (r *Room) signInPage(c *web.Ctx) error {
	st, err := r.Stand(c.Context(), r.token(c.R))
	if err != nil {
		return err
	}
	if st.AskFactor {
		return c.Redirect(secondPath + "?to=" + url.QueryEscape(c.Back("/")))
	}
	if st.Actor.SignedIn() {
		return c.Redirect(r.after(c, st))
	}
	return formPage.Render(c, r.signInView(c, st))
}

// after is where somebody goes who has signed in.
func (r *Room) after(c *web.Ctx, st Standing) string {
	switch {
	case st.AskFactor:
		return secondPath + "?to=" + url.QueryEscape(c.Back(""))
	case st.MustChange:
		return changePath
	case st.MustEnrol && r.atDeskDoor(c.R):
		return factorPath
	case r.Doors.web(c.R) && !(r.Doors.desk(c.R) && atDesk(st.Actor.Audience)):
		return r.onward(c, st.Session.Person, c.Back("/signed-in"))
	default:
		return r.onward(c, st.Session.Person, c.Back("/"))
	}
}

// onward is to, or what comes first for whoever is on the way there.
func (r *Room) onward(c *web.Ctx, person people.ID, to string) string {
	if r.Onward == nil || person == "" {
		return to
	}
	return r.Onward(c.Context(), person, to)
}

// atDesk reports whether people of this kind have work at the desk.
func atDesk(k people.Kind) bool {
	return k == people.Staff || k == people.Governor || k == people.Contractor
}

func (r *Room) signInPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	old := r.token(c.R)
	st, err := r.Stand(c.Context(), old)
	if err != nil {
		return err
	}
	if !r.mayBeTyped(c) {
		return formPage.Status(http.StatusForbidden).Render(c, r.signInView(c, st))
	}
	_, token, err := r.SignIn(c.Context(), Attempt{
		Username: form.Get("username"), Password: form.Get("password"), From: r.Doors.address(c.R),
		Device: c.R.UserAgent(), Web: r.Doors.web(c.R), Cookie: old,
	})
	var no Refused
	if errors.As(err, &no) {
		return again(c, r.signInView(c, st), form, store.Invalid{"username": no.Words})
	}
	if errors.Is(err, ErrBusy) {
		return web.ErrBusy
	}
	if err != nil {
		return err
	}
	setCookie(c, r.Doors.secure(c.R), token)
	now, err := r.Stand(c.Context(), token)
	if err != nil {
		return err
	}
	return c.Redirect(r.after(c, now))
}

func (r *Room) signOutPost(c *web.Ctx) error {
	st, err := r.Stand(c.Context(), r.token(c.R))
	if err != nil {
		return err
	}
	if st.Session.ID != "" {
		ctx := actor.With(c.Context(), actor.Actor{ID: "person:" + string(st.Session.Person), Kind: actor.Person})
		if err := r.EndSession(ctx, st.Session.Person, st.Session.ID, "signed out"); err != nil {
			return err
		}
	}
	setCookie(c, r.Doors.secure(c.R), "")
	return c.Redirect("/sign-in")
}

type signedInView struct {
	web.Base
	Words []string
	Out   web.Action
	Links []web.Link
}

var signedInTemplate = web.NewPage[signedInView](pages, "pages/signedin.html")

func (r *Room) signedInPage(c *web.Ctx) error {
	p, err := r.People.Get(c.Context(), personOf(c))
	if err != nil {
		return err
	}
	// A first name only: enough for somebody to say "that isn't me", and
	// nothing for whoever looks over the shoulder.
	v := signedInView{
		Base:  web.Base{Title: "Hello " + p.First()},
		Words: []string{"You are signed in, and this device counts as yours on the web.", "Sign out before you leave it, so that nobody else is taken for you."},
		Out:   web.Action{Path: "/sign-out", Title: "Sign out"},
		Links: []web.Link{{Title: "Your account", Path: "/account"}},
	}
	return signedInTemplate.Render(c, v)
}

func (r *Room) passwordView(c *web.Ctx) (formView, error) {
	st, err := r.Stand(c.Context(), r.token(c.R))
	if err != nil {
		return formView{}, err
	}
	v := formView{
		Base: web.Base{Title: "Change your password"}, Path: changePath, Button: "Change the password",
		Hidden: []web.Hidden{{Name: "to", Value: c.Back("")}},
		Fields: []web.Field{
			{Kind: web.PasswordField, Name: "current", Label: "Present password", Width: 24, Autocomplete: "current-password"},
			{
				Kind: web.PasswordField, Name: "password", Label: "New password", Width: 24, Autocomplete: "new-password",
				Hint: "Three or four words that only you put together are long and easy to remember.",
			},
			{Kind: web.PasswordField, Name: "again", Label: "The new password again", Width: 24, Autocomplete: "new-password"},
		},
		Cancel: web.Link{Title: "Leave it as it is", Path: "/account"},
	}
	if st.MustChange {
		v.Cancel = web.Link{}
		v.Intro = []string{"Your password has grown older than the school allows. Choose a new one to go on."}
		if st.Account.Temporary() {
			v.Intro = []string{"The password you have was given to you. Choose one that only you know to go on."}
			v.Fields[0].Label = "The password you were given"
		}
	}
	return v, nil
}

func (r *Room) passwordPage(c *web.Ctx) error {
	v, err := r.passwordView(c)
	if err != nil {
		return err
	}
	return formPage.Render(c, v)
}

func (r *Room) passwordPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v, err := r.passwordView(c)
	if err != nil {
		return err
	}
	if !r.mayBeTyped(c) {
		return store.ErrForbidden
	}
	if form.Get("password") != form.Get("again") {
		return again(c, v, form, store.Invalid{"again": "the two are not the same; type the new password twice"})
	}
	if err := r.ChangePassword(c.Context(), personOf(c), c.Actor.Session, form.Get("current"), form.Get("password")); err != nil {
		return again(c, v, form, err)
	}
	c.Notice("Your password was changed. Every other session of yours has ended.")
	return c.Redirect(r.onward(c, personOf(c), c.Back("/account")))
}
