package access

import (
	"fmt"
	"net/http"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"

	"rsc.io/qr"
)

// factorsView is the page of one's own second factors.
type factorsView struct {
	web.Base
	Told    web.Panel
	Intro   []string
	Factors []factorView
	Codes   string
	New     web.Action
	App     web.Link
	Name    web.Field
	Key     keyView
}

type factorView struct {
	Facts  web.Summary
	Remove web.Action
}

var factorsTemplate = web.NewPage[factorsView](pages, "pages/factors.html", "pages/passkey.html")

var factorKinds = map[string]string{FactorApp: "Codes of an app", FactorPasskey: "Passkey"}

func (r *Room) factorsPage(c *web.Ctx) error {
	st, err := r.sessionOf(c)
	if err != nil {
		return err
	}
	list, err := r.Factors(c.Context(), st.Account.ID)
	if err != nil {
		return err
	}
	v := factorsView{
		Base: web.Base{Title: "Your second factor", Crumbs: accountCrumb()},
		App:  web.Link{Title: "Add an app that shows codes", Path: factorPath + "/app"},
		Key:  r.newKeyButton(c),
		Name: web.Field{Name: "name", Label: "What you call it", Width: 24, Max: 60, Optional: true, Hint: "Such as “my phone”. Then press the button."},
	}
	v.Intro, v.Told = r.factorWords(c, st, len(list) > 0)
	for _, f := range list {
		v.Factors = append(v.Factors, viewOf(c, f))
	}
	if len(list) > 0 {
		left, err := r.CodesLeft(c.Context(), st.Account.ID)
		if err != nil {
			return err
		}
		v.Codes = fmt.Sprintf("%d of your recovery codes are unused. Each opens your account once, when the others are not at hand.", left)
		v.New = web.Action{Path: factorPath + "/codes", Title: "Make new recovery codes", Quiet: true}
	}
	return factorsTemplate.Render(c, v)
}

func accountCrumb() []web.Crumb { return []web.Crumb{{Title: "Your account", Path: "/account"}} }

func viewOf(c *web.Ctx, f Factor) factorView {
	v := factorView{Facts: web.Summary{Rows: []web.SummaryRow{
		{Key: "Name", Text: f.Name},
		{Key: "Is", Text: factorKinds[f.Kind]},
		{Key: "Added", When: c.Moment(f.MadeAt)},
		{Key: "Last used", When: c.Ago(f.UsedAt)},
	}}}
	if f.Site != "" {
		v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: "Works at", Text: f.Site})
	}
	v.Remove = web.Action{Path: factorPath + "/remove", Title: "Take “" + f.Name + "” away", Quiet: true, Grave: true, Hidden: []web.Hidden{{Name: "factor", Value: f.ID}}}
	return v
}

// factorWords say what is asked of the reader.
func (r *Room) factorWords(c *web.Ctx, st Standing, has bool) (intro []string, told web.Panel) {
	switch {
	case has:
		return []string{"Whoever learns your password still cannot sign in as you."}, told
	case st.MustEnrol:
		told = web.Panel{Tone: "warn", Title: "Your post needs a second factor", Words: "Add one to go on. It takes a minute, and afterwards your account opens as it did."}
	case !st.EnrolBy.IsZero() && r.Demo:
		told = web.Panel{Tone: "note", Title: "Not asked for in the demonstration", Words: "In a real school your post could not go on without one."}
	case !st.EnrolBy.IsZero():
		told = web.Panel{Tone: "warn", Title: "Your post needs a second factor", Words: "Add one by " + c.Words.Moment(st.EnrolBy) + ". After that nothing else opens until it is there."}
	}
	return []string{"With a second factor, whoever learns your password still cannot sign in as you. Use an app that shows codes, or a passkey of your phone or computer."}, told
}

// appView shows the picture that an app takes up.
type appView struct {
	formView
	Picture string
	Seed    string
}

var appTemplate = web.NewPage[appView](pages, "pages/app.html")

func (r *Room) appView(c *web.Ctx) (appView, error) {
	st, err := r.sessionOf(c)
	if err != nil {
		return appView{}, err
	}
	e, err := r.StartApp(c.Context(), st.Session, r.schoolName(c))
	if err != nil {
		return appView{}, err
	}
	v := appView{Seed: spaced(e.Seed), Picture: factorPath + "/app/picture.png", formView: formView{
		Base: web.Base{Title: "Add an app", Crumbs: append(accountCrumb(), web.Crumb{Title: "Second factor", Path: factorPath})},
		Path: factorPath + "/app", Button: "Add it", Cancel: web.Link{Title: "Leave it", Path: factorPath},
		Fields: []web.Field{
			{Name: "code", Label: "The code that the app shows", Width: 8, Max: 12, Autocomplete: "one-time-code"},
			{Name: "name", Label: "What you call it", Width: 24, Max: 60, Optional: true, Hint: "Such as “my phone”"},
		},
	}}
	return v, nil
}

func (r *Room) schoolName(c *web.Ctx) string {
	if r.School == nil {
		return ""
	}
	return r.School(c.Context())
}

// spaced puts a seed into groups of four for typing.
func spaced(s string) string {
	var out []string
	for len(s) > 4 {
		out, s = append(out, s[:4]), s[4:]
	}
	return strings.Join(append(out, s), " ")
}

func (r *Room) appPage(c *web.Ctx) error {
	if err := r.Prove(c, proofLasts); err != nil {
		return err
	}
	v, err := r.appView(c)
	if err != nil {
		return err
	}
	return appTemplate.Render(c, v)
}

// appPicture is the seed as a picture. No page of ours is kept by browsers, and
// neither is this.
func (r *Room) appPicture(c *web.Ctx) error {
	if err := r.Prove(c, proofLasts); err != nil {
		return err
	}
	st, err := r.sessionOf(c)
	if err != nil {
		return err
	}
	e, err := r.StartApp(c.Context(), st.Session, r.schoolName(c))
	if err != nil {
		return err
	}
	code, err := qr.Encode(e.URL, qr.M)
	if err != nil {
		return fmt.Errorf("drawing the seed: %w", err)
	}
	code.Scale = 5
	c.W.Header().Set("Content-Type", "image/png")
	_, _ = c.W.Write(code.PNG()) // the reader may have gone away
	return nil
}

func (r *Room) appPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if err := r.Prove(c, proofLasts); err != nil {
		return err
	}
	if err := r.mayTry(c); err != nil {
		return err
	}
	st, err := r.sessionOf(c)
	if err != nil {
		return err
	}
	codes, err := r.FinishApp(c.Context(), st.Session, form.Get("name"), form.Get("code"))
	if err != nil {
		bad, ok := web.Wrong(err)
		if !ok {
			return err
		}
		v, verr := r.appView(c)
		if verr != nil {
			return verr
		}
		form.Del("code")
		v.Errors = web.Refill(form, shown(bad), &v.Fields[0], &v.Fields[1])
		return appTemplate.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	c.Notice("The app is your second factor now. Every other session of yours has ended.")
	return c.Redirect(r.showCodes(c, codes))
}

// showCodes lays new recovery codes out for the next page, which shows them
// once.
func (r *Room) showCodes(c *web.Ctx, codes []string) string {
	if len(codes) == 0 {
		return factorPath
	}
	r.waiting.put("codes "+c.Actor.Session, c.Now(), []byte(strings.Join(codes, "\n")))
	return factorPath + "/codes"
}

type codesView struct {
	web.Base
	Codes []string
	Words []string
	Next  web.Link
}

var codesTemplate = web.NewPage[codesView](pages, "pages/codes.html")

func (r *Room) codesPage(c *web.Ctx) error {
	raw, ok := r.waiting.take("codes "+c.Actor.Session, c.Now())
	if !ok {
		return c.Redirect(factorPath)
	}
	v := codesView{
		Base:  web.Base{Title: "Your recovery codes", Marking: "Keep these where nobody else looks"},
		Codes: strings.Split(string(raw), "\n"),
		Words: []string{
			"Each opens your account once, after your password, when your phone or key is lost. They are shown this once: print them, or write them down.",
			"Without any of them, the head teacher can take your second factor away, and you take a new one.",
		},
		Next: web.Link{Title: "I have kept them; go on", Path: "/"},
	}
	return codesTemplate.Render(c, v)
}

func (r *Room) codesPost(c *web.Ctx) error {
	if err := r.Prove(c, proofLasts); err != nil {
		return err
	}
	codes, err := r.NewCodes(c.Context(), personOf(c))
	if err != nil {
		return err
	}
	return c.Redirect(r.showCodes(c, codes))
}

func (r *Room) removeFactorPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if err := r.Prove(c, proofLasts); err != nil {
		return err
	}
	if err := r.RemoveFactor(c.Context(), personOf(c), form.Get("factor")); err != nil {
		return err
	}
	c.Notice("It was taken away.")
	return c.Redirect(factorPath)
}

func resetView(c *web.Ctx, name, path string) formView {
	return formView{
		Base:   web.Base{Title: "Take away the second factor of " + name},
		Path:   path,
		Button: "Take it away",
		Intro: []string{
			"Do this when a phone or a key is lost. Their sessions end, the password alone opens the account, and where their post needs it a new second factor is asked for at once.",
			"They are told that you did it, and why. Be sure that it is really they who ask.",
		},
		Fields: []web.Field{{Kind: web.LongField, Name: "reason", Label: "Why", Rows: 3, Max: 500}},
		Cancel: web.Link{Title: "Leave it", Path: c.Back("/accounts")},
	}
}

func (r *Room) resetFactorPage(c *web.Ctx) error {
	if err := r.Prove(c, proofLasts); err != nil {
		return err
	}
	a, err := r.AccountByID(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	p, err := r.People.Get(c.Context(), a.Person)
	if err != nil {
		return err
	}
	return formPage.Render(c, resetView(c, p.Name(), "/accounts/"+a.ID+"/second-factor"))
}

func (r *Room) resetFactorPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if err := r.Prove(c, proofLasts); err != nil {
		return err
	}
	a, err := r.AccountByID(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	p, err := r.People.Get(c.Context(), a.Person)
	if err != nil {
		return err
	}
	if err := r.ResetFactor(c.Context(), a.Person, form.Get("reason")); err != nil {
		return again(c, resetView(c, p.Name(), "/accounts/"+a.ID+"/second-factor"), form, err)
	}
	c.Notice("The second factor was taken away, and their sessions have ended.")
	return c.Redirect("/accounts/" + a.ID)
}

func (r *Room) headFactorView(c *web.Ctx) (formView, error) {
	heads, err := r.heads(c.Context())
	if err != nil {
		return formView{}, err
	}
	who := web.Field{Kind: web.RadiosField, Name: "head", Label: "Whose"}
	for _, p := range heads {
		who.Options = append(who.Options, web.Option{Value: string(p.ID), Label: p.Name()})
	}
	v := formView{
		Base: web.Base{Title: "The head teacher lost the second factor"}, Path: "/account/head-factor", Button: "Ask the other of the two",
		Intro:  []string{"Two people do this together: the network manager and the chair of governors. One asks here, the other decides under Approvals. Be sure that it is really the head who asks."},
		Fields: []web.Field{who, {Kind: web.LongField, Name: "reason", Label: "Why", Rows: 3, Max: 500}},
		Cancel: web.Link{Title: "Leave it", Path: "/"},
	}
	return v, nil
}

func (r *Room) headFactorPage(c *web.Ctx) error {
	v, err := r.headFactorView(c)
	if err != nil {
		return err
	}
	if len(v.Fields[0].Options) == 0 {
		v.Told = web.Panel{Tone: "note", Title: "Nobody to do it for", Words: "No head teacher has a second factor now."}
	}
	return formPage.Render(c, v)
}

func (r *Room) headFactorPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v, err := r.headFactorView(c)
	if err != nil {
		return err
	}
	for _, o := range v.Fields[0].Options {
		if o.Value != form.Get("head") {
			continue
		}
		if err := r.AskHeadFactor(c.Context(), personID(o.Value), form.Get("reason")); err != nil {
			return again(c, v, form, err)
		}
		c.Notice("Asked. The other of the two finds it under Approvals.")
		return c.Redirect("/account/head-factor")
	}
	return again(c, v, form, store.Invalid{"head": "choose whose"})
}
