package access

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

// The pages of the second factor.
const (
	secondPath = "/sign-in/second"
	provePath  = "/account/prove"
	factorPath = "/account/second-factor"
)

// keyView is the button for a passkey, which needs a script.
type keyView struct {
	Begin, Finish string // where the script asks and answers; "" for no button
	Make          bool   // a new one rather than one that is there
	To            string
	Title         string
	Why           string // why there is no button
	Script        string
}

// secondView asks for a second factor.
type secondView struct {
	formView
	Key keyView
	Out web.Action
}

var secondPageFile = web.NewPage[secondView](pages, "pages/second.html", "pages/passkey.html")

// sessionOf is the open session of whoever asks, shown by its cookie. The
// second factor may still be missing.
func (r *Room) sessionOf(c *web.Ctx) (Standing, error) {
	st, err := r.Stand(c.Context(), r.token(c.R))
	if err != nil {
		return Standing{}, err
	}
	if st.Session.ID == "" || st.Locked {
		return Standing{}, web.ErrSignIn
	}
	return st, nil
}

// site is the name that passkeys of this request belong to, "" where the
// browser gives none: they need a name, and a protected connection or this
// very machine.
func (r *Room) site(req *http.Request) (name, origin string) {
	host := strings.ToLower(req.Host)
	u, err := url.Parse("//" + host)
	if err != nil {
		return "", ""
	}
	name = u.Hostname()
	if _, err := netip.ParseAddr(name); err == nil || name == "" {
		return "", ""
	}
	switch {
	case r.Doors.secure(req):
		return name, "https://" + host
	case name == "localhost":
		return name, "http://" + host
	}
	return "", ""
}

func (r *Room) secondView(c *web.Ctx, st Standing, path string) (secondView, error) {
	v := secondView{formView: formView{
		Base: web.Base{Title: "Your second factor"}, Path: path, Button: "Go on",
		Hidden: []web.Hidden{{Name: "to", Value: c.Back("")}},
		Fields: []web.Field{{
			Name: "code", Label: "Code", Width: 24, Max: 40, Autocomplete: "one-time-code", Focus: true,
			Hint: "The six figures that your app shows now, or one of your recovery codes",
		}},
	}}
	list, err := r.Factors(c.Context(), st.Account.ID)
	if err != nil {
		return v, err
	}
	v.Key = r.keyButton(c, list)
	return v, nil
}

// keyButton offers the passkeys that work at this address.
func (r *Room) keyButton(c *web.Ctx, list []Factor) keyView {
	site, _ := r.site(c.R)
	any := false
	for _, f := range list {
		if f.Kind != FactorPasskey {
			continue
		}
		any = true
		if f.Site == site {
			return keyView{
				Begin: secondPath + "/key/begin", Finish: secondPath + "/key", To: c.Back(""),
				Title: "Use your passkey", Script: web.AssetPath("passkey.js"),
			}
		}
	}
	if any {
		return keyView{Why: "Your passkey was made for another address of these pages. Open them there, or type a code."}
	}
	return keyView{}
}

// secondPage asks whoever typed a right password for the second factor.
func (r *Room) secondPage(c *web.Ctx) error {
	st, err := r.sessionOf(c)
	if err != nil {
		return c.Redirect("/sign-in?to=" + url.QueryEscape(c.Back("")))
	}
	if !st.AskFactor {
		return c.Redirect(r.after(c, st))
	}
	v, err := r.secondView(c, st, secondPath)
	if err != nil {
		return err
	}
	v.Out = web.Action{Path: "/sign-out", Title: "Begin again", Quiet: true}
	return secondPageFile.Render(c, v)
}

func (r *Room) secondPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	st, err := r.sessionOf(c)
	if errors.Is(err, web.ErrSignIn) {
		return c.Redirect("/sign-in?to=" + url.QueryEscape(c.Back("")))
	}
	if err != nil {
		return err
	}
	if !st.AskFactor {
		return c.Redirect(r.after(c, st))
	}
	if err := r.mayTry(c); err != nil {
		return err
	}
	if err := r.ProveCode(c.Context(), st.Session, form.Get("code")); err != nil {
		return r.secondAgain(c, st, secondPath, form, err)
	}
	now, err := r.Stand(c.Context(), r.token(c.R))
	if err != nil {
		return err
	}
	return c.Redirect(r.after(c, now))
}

// mayTry refuses a code on a connection where a password would be refused.
func (r *Room) mayTry(c *web.Ctx) error {
	if !r.mayBeTyped(c) {
		return store.ErrForbidden
	}
	return nil
}

func (r *Room) secondAgain(c *web.Ctx, st Standing, path string, form url.Values, err error) error {
	bad, ok := web.Wrong(err)
	if !ok {
		return err
	}
	v, verr := r.secondView(c, st, path)
	if verr != nil {
		return verr
	}
	form.Del("code") // a code that did not fit is of no use
	v.Errors = web.Refill(form, shown(bad), &v.Fields[0])
	return secondPageFile.Status(http.StatusUnprocessableEntity).Render(c, v)
}

// proofLasts is how long a proof counts on pages that ask for a fresh one.
const proofLasts = 10 * time.Minute

// Prove returns nil where whoever asks proved lately who they are, and else
// the way to the page that asks them again and leads back here. A page whose
// act is grave calls it first.
func (r *Room) Prove(c *web.Ctx, within time.Duration) error {
	ok, err := r.Fresh(c.Context(), within)
	if err != nil || ok {
		return err
	}
	to := asked(c.R)
	if c.R.Method != http.MethodGet {
		if u, err := url.Parse(c.R.Referer()); err == nil && u.Host == c.R.Host && web.SafePath(u.RequestURI()) != "" {
			to = u.RequestURI()
		}
	}
	return web.SeeOther{To: provePath + "?to=" + url.QueryEscape(to)}
}

func (r *Room) proveView(c *web.Ctx) (secondView, Standing, bool, error) {
	st, err := r.sessionOf(c)
	if err != nil {
		return secondView{}, st, false, err
	}
	has, err := r.HasFactor(c.Context(), st.Account.ID)
	if err != nil {
		return secondView{}, st, false, err
	}
	v, err := r.secondView(c, st, provePath)
	v.Title = "Is it still you?"
	v.Intro = []string{"What you are about to do needs a proof from the last minutes."}
	v.Cancel = web.Link{Title: "Leave it", Path: "/account"}
	if !has {
		v.Fields = []web.Field{{Kind: web.PasswordField, Name: "current", Label: "Your password", Width: 24, Autocomplete: "current-password", Focus: true}}
	}
	return v, st, has, err
}

func (r *Room) provePage(c *web.Ctx) error {
	v, _, _, err := r.proveView(c)
	if err != nil {
		return err
	}
	return secondPageFile.Render(c, v)
}

func (r *Room) provePost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v, st, has, err := r.proveView(c)
	if err != nil {
		return err
	}
	if err := r.mayTry(c); err != nil {
		return err
	}
	if has {
		err = r.ProveCode(c.Context(), st.Session, form.Get("code"))
	} else {
		err = r.provePassword(c, st, form.Get("current"))
	}
	if err != nil {
		bad, ok := web.Wrong(err)
		if !ok {
			return err
		}
		form.Del("code")
		v.Errors = web.Refill(form, shown(bad), &v.Fields[0])
		return secondPageFile.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	return c.Redirect(c.Back("/account"))
}

func (r *Room) provePassword(c *web.Ctx, st Standing, password string) error {
	err := r.checkPresent(c.Context(), st.Account, password)
	if errors.Is(err, ErrBusy) {
		return web.ErrBusy
	}
	if err != nil {
		return err
	}
	return r.DB.Write(c.Context(), func(tx *store.Tx) error {
		if err := provedByPassword(c.Context(), tx, st.Session.ID, r.Clock.Now()); err != nil {
			return err
		}
		return r.Journal.Write(c.Context(), tx, journal.Entry{Verb: VerbProved, Kind: "session", ID: st.Session.ID, After: map[string]any{"by": "password"}})
	})
}
