package concerns

import (
	"errors"
	"net/http"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

type tellView struct {
	web.Base
	Step     string // about, what, write, sent, answer, closed
	About    []setting.Option
	Whats    []What
	Hidden   []web.Hidden
	Evening  string
	Danger   bool
	Adult    string
	Readers  string
	First    string // the signed-in child's first name
	Text     web.Field
	UseName  web.Field
	Name     web.Field
	Contact  web.Field
	Keep     web.Field
	NowHelp  web.Field
	Family   bool
	Code     web.Field
	GotCode  string
	Status   string
	Replies  []reply
	Says     web.Panel
	Images   bool
	WhatSaid string
}

var tellPage = web.NewPage[tellView](pages, "pages/tell.html")

func (r *Room) tellRoutes() []web.Route {
	const small = 64 << 10
	return []web.Route{
		{Pattern: "GET /tell", Needs: web.Open, Do: r.tellAbout, People: true},
		{Pattern: "POST /tell/what", Needs: web.Open, Do: r.tellWhat, People: true, Body: small},
		{Pattern: "POST /tell/write", Needs: web.Open, Do: r.tellWrite, People: true, Body: small},
		{Pattern: "POST /tell", Needs: web.Open, Do: r.tellSend, People: true, Body: 256 << 10},
		{Pattern: "GET /tell/answer", Needs: web.Open, Do: r.answerPage, People: true},
		{Pattern: "POST /tell/answer", Needs: web.Open, Do: r.showAnswer, People: true, Body: small},
	}
}

// tellView is what every step shows: who can be told in person, and when this
// is read.
func (r *Room) tellView(c *web.Ctx, step, title string) (tellView, error) {
	v := tellView{Base: web.Base{Title: title}, Step: step, Adult: r.d.Adult(c.Context())}
	if len(r.Closed(c.Context())) > 0 {
		v.Step, v.Title = "closed", "Tell someone"
		return v, nil
	}
	e, err := r.Evening(c.Context())
	if err != nil {
		return v, err
	}
	v.Evening = e.Words(c.Words)
	if v.Evening != "" && !strings.HasSuffix(v.Evening, "999.") {
		v.Evening += " In danger, ring 999. To talk to someone now, ring Childline, 0800 1111."
	}
	return v, nil
}

func (r *Room) tellAbout(c *web.Ctx) error {
	v, err := r.tellView(c, "about", "Tell someone")
	if err != nil {
		return err
	}
	v.About = aboutsFor(c.Actor.Audience)
	v.Hidden = siteHidden(c.Query("site"))
	return tellPage.Render(c, v)
}

// siteHidden carries the site along that somebody hid, from step to step. What
// is no name of a site is left out.
func siteHidden(site string) []web.Hidden {
	if site == "" || len(site) > 253 || strings.Trim(strings.ToLower(site), "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		return nil
	}
	return []web.Hidden{{Name: "site", Value: site}}
}

func (r *Room) tellWhat(c *web.Ctx) error {
	v, err := r.tellView(c, "what", "What is it about?")
	if err != nil {
		return err
	}
	about := c.Value("about")
	if about == "danger" {
		v.Danger, about = true, "me"
	}
	if v.Step != "closed" && !hasOption(Abouts, about) {
		return c.Redirect("/tell")
	}
	v.Whats = Whats
	v.Hidden = append(siteHidden(c.Value("site")), web.Hidden{Name: "about", Value: about})
	if v.Danger {
		v.Hidden = append(v.Hidden, web.Hidden{Name: "danger", Value: "yes"})
	}
	return tellPage.Render(c, v)
}

func (r *Room) tellWrite(c *web.Ctx) error {
	v, err := r.tellView(c, "write", "Tell us, if you want to")
	if err != nil {
		return err
	}
	w, ok := whatOf(c.Value("what"))
	if v.Step != "closed" && (!ok || !hasOption(Abouts, c.Value("about"))) {
		return c.Redirect("/tell")
	}
	if err := r.fillWrite(c, &v, w, store.NewID(c.Now())); err != nil {
		return err
	}
	return tellPage.Render(c, v)
}

// fillWrite makes the last step's form.
func (r *Room) fillWrite(c *web.Ctx, v *tellView, w What, form string) error {
	about := c.Value("about")
	v.WhatSaid = w.Title
	v.Hidden = []web.Hidden{{Name: "about", Value: about}, {Name: "what", Value: w.Value}, {Name: "form", Value: form}}
	v.Danger = c.Value("danger") == "yes"
	v.NowHelp = web.Field{Kind: web.CheckField, Name: "danger", Label: "Somebody is in danger now"}
	if v.Danger {
		v.NowHelp.Value = "yes"
	}
	v.Text = web.Field{Kind: web.LongField, Name: "text", Label: "What happened?", Optional: true, Rows: 6, Max: maxTold, Hint: "You can leave this empty. You are not in trouble for telling."}
	for _, h := range siteHidden(c.Value("site")) {
		v.Text.Value = "It was on the site " + h.Value + "."
	}
	v.Family = about == "child" || about == "else"
	k, _ := KindOf(w.Kind)
	if v.Images = k.Images; k.Images {
		v.Says = web.Panel{Tone: "note", Title: "Do not send the picture", Words: "You cannot attach anything here, and you must not. If it is a picture of you and you are under 18, Report Remove can have it taken down."}
	}
	if c.Actor.SignedIn() && c.Actor.Person != "" {
		p, err := r.d.Roll.Get(c.Context(), people.ID(c.Actor.Person))
		if err == nil {
			v.First = p.First()
			v.UseName = web.Field{
				Kind: web.RadiosField, Name: "usename", Label: "May we know that it was you, " + p.First() + "?", Hint: "If you are not " + p.First() + ", choose no.",
				Options: []web.Option{{Value: "yes", Label: "Yes, use my name"}, {Value: "no", Label: "No, leave my name out"}},
			}
		}
	}
	v.Name = web.Field{Name: "name", Label: "Your name", Optional: true, Max: maxShort, Autocomplete: "off"}
	v.Contact = web.Field{Name: "contact", Label: "How can we reach you?", Optional: true, Max: maxShort, Hint: "A telephone number or an address. Without one, the code that you get is the way back.", Autocomplete: "off"}
	return r.fillReaders(c, v, k)
}

// fillReaders says who reads it, and lets a child keep one of them from it.
func (r *Room) fillReaders(c *web.Ctx, v *tellView, k Kind) error {
	posts := r.chain(toldRoute(k))[0]
	v.Keep = web.Field{Kind: web.ChecksField, Name: "keep", Label: "Is there one of them who should not read it?", Optional: true, Hint: "Then it goes to somebody else."}
	var names []string
	for _, p := range posts {
		who, err := r.holders(c.Context(), []people.Post{p})
		if err != nil {
			return err
		}
		label := strings.ToLower(p.Title()[:1]) + p.Title()[1:]
		for _, o := range who {
			if o.Holder.Public { // only those may be named to whoever stands here
				label = o.Person.Name() + " (" + label + ")"
			}
			break
		}
		if len(who) > 0 {
			names = append(names, "the "+strings.TrimPrefix(label, "the "))
			v.Keep.Options = append(v.Keep.Options, web.Option{Value: string(p), Label: capital(label)})
		}
	}
	v.Readers = readers(names)
	return nil
}

func readers(names []string) string {
	if len(names) == 0 {
		return "Whoever looks after this at school reads it."
	}
	for i := range names {
		if strings.Contains(names[i], "(") {
			names[i] = strings.TrimPrefix(names[i], "the ")
		}
	}
	return "This is read by " + strings.Join(names, " and ") + ". They may have to tell others to keep somebody safe; they will try to tell you first."
}

func (r *Room) tellSend(c *web.Ctx) error {
	v, err := r.tellView(c, "sent", "Thank you for telling us")
	if err != nil {
		return err
	}
	if v.Step == "closed" {
		return tellPage.Status(http.StatusLocked).Render(c, v)
	}
	form, err := c.Form()
	if err != nil {
		return err
	}
	in := Telling{
		Form: form.Get("form"), About: form.Get("about"), What: form.Get("what"), Danger: form.Get("danger") == "yes", Text: form.Get("text"),
		UseName: form.Get("usename") == "yes", Name: form.Get("name"), Contact: form.Get("contact"), Keep: form["keep"],
	}
	var got Receipt
	if !r.pace.allow(address(c), c.Now()) {
		err = store.Invalid{"": ErrPace.Error()}
	} else {
		got, err = r.Tell(c.Context(), in)
	}
	if bad, ok := web.Wrong(err); ok {
		return r.tellAgain(c, &v, in, bad)
	}
	if err != nil {
		return err
	}
	v.Danger, v.GotCode = in.Danger, got.Code
	if w, ok := whatOf(in.What); ok {
		k, _ := KindOf(w.Kind)
		v.Images = k.Images
	}
	return tellPage.Render(c, v)
}

// tellAgain shows the last step once more, with everything that was typed.
func (r *Room) tellAgain(c *web.Ctx, v *tellView, in Telling, bad store.Invalid) error {
	w, ok := whatOf(in.What)
	if !ok || !hasOption(Abouts, in.About) || in.Form == "" {
		w, in.Form = Whats[len(Whats)-1], store.NewID(c.Now())
	}
	v.Step, v.Title = "write", "Tell us, if you want to"
	if err := r.fillWrite(c, v, w, in.Form); err != nil {
		return err
	}
	form, err := c.Form()
	if err != nil {
		return err
	}
	v.Errors = web.Refill(form, bad, &v.Text, &v.UseName, &v.Name, &v.Contact, &v.Keep, &v.NowHelp)
	return tellPage.Status(http.StatusUnprocessableEntity).Render(c, *v)
}

func codeField() web.Field {
	return web.Field{Name: "code", Label: "Your code", Hint: "Such as A1B2C-D3E4F-01234-56789", Max: 40, Autocomplete: "off"}
}

// answerPage asks for the code of something told. Being signed in is not
// enough: a tablet is left and taken up by the next child, and a teacher can
// give a pupil a new password. Whoever told with their name is spoken to in
// person.
func (r *Room) answerPage(c *web.Ctx) error {
	v, err := r.tellView(c, "answer", "Is there an answer?")
	if err != nil {
		return err
	}
	v.Code = codeField()
	return tellPage.Render(c, v)
}

func (v *tellView) setAnswer(c *web.Ctx, a Answer) {
	v.Status = map[string]string{
		"received": "It has arrived. Nobody has read it yet.", "being looked at": "It has been read. Somebody is looking at it.", "closed": "It has been looked at and is closed.",
	}[a.Status]
	for _, x := range a.Replies {
		v.Replies = append(v.Replies, reply{c.Near(x.At), paras(x.Told.Text)})
	}
}

func (r *Room) showAnswer(c *web.Ctx) error {
	v, err := r.tellView(c, "answer", "Is there an answer?")
	if err != nil {
		return err
	}
	v.Code = codeField()
	if v.Step == "closed" {
		return tellPage.Render(c, v)
	}
	form, err := c.Form()
	if err != nil {
		return err
	}
	var a Answer
	if !r.pace.allow(address(c), c.Now()) {
		err = store.Invalid{"code": ErrPace.Error()}
	} else if a, err = r.Answered(c.Context(), form.Get("code")); errors.Is(err, store.ErrNotFound) {
		err = store.Invalid{"code": "This code is not known here. Look at it again."}
	}
	if bad, ok := web.Wrong(err); ok {
		v.Errors = web.Refill(form, bad, &v.Code)
		return tellPage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if err != nil {
		return err
	}
	v.setAnswer(c, a)
	return tellPage.Render(c, v)
}

// aboutsFor leaves out what is for grown-ups when a child is signed in: fewer
// words to read.
func aboutsFor(a actor.Audience) []setting.Option {
	if a == actor.Pupil {
		return Abouts[:3]
	}
	return Abouts
}
