package concerns

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

type reportView struct {
	web.Base
	Form     web.Field
	Ref      web.Field
	Danger   web.Field
	Kind     web.Field
	People   []whoField
	Unknown  web.Field
	Account  web.Field
	When     web.Field
	Place    web.Field
	Done     web.Field
	Also     web.Field
	Seen     web.Panel
	Confirm  web.Field
	NotSure  bool
	Says     web.Panel
	Draft    bool
	Evening  string
	Confides string
}

type whoField struct{ Who, Role web.Field }

var reportPage = web.NewPage[reportView](pages, "pages/report.html")

// cookieLoose keeps the secret of a text that was sent after the session had
// ended.
const cookieLoose = "belisha-draft"

func (r *Room) reportView(c *web.Ctx, ref string) (reportView, error) {
	v := reportView{Base: web.Base{
		Title: "Report a concern", Crumbs: []web.Crumb{{Title: "Concerns", Path: "/concerns"}},
		Lead: "A minute is enough. Write facts and the child's own words; leave out what you think of it.",
	}}
	v.Form = web.Field{Kind: web.HiddenField, Name: "form", Value: store.NewID(c.Now())}
	v.Ref = web.Field{Kind: web.HiddenField, Name: "ref", Value: ref}
	v.Danger = web.Field{
		Kind: web.RadiosField, Name: "danger", Label: "Is anybody in danger now?", Inline: true,
		Hint: "If yes: ring 999 first, and tell the safeguarding lead in person. Do not wait for this form.",
		Options: []web.Option{
			{Value: "yes", Label: "Yes"}, {Value: "no", Label: "No", Chosen: true},
		},
	}
	v.Kind = web.Field{Kind: web.SelectField, Name: "kind", Label: "What is it about?", Options: kindOptions()}
	for i := 1; i <= 3; i++ {
		v.People = append(v.People, newWho(i))
	}
	v.Unknown = web.Field{Kind: web.CheckField, Name: "unknown", Label: "I do not know who it is about"}
	v.Account = web.Field{Kind: web.LongField, Name: "account", Label: "What happened?", Rows: 8, Max: maxAccount, Hint: "In their words where you can. What you saw, heard, were told, and by whom."}
	v.When = web.Field{Name: "when", Label: "When?", Optional: true, Max: maxShort, Hint: "Such as: today at break, about 10:40"}
	v.Place = web.Field{Name: "place", Label: "Where?", Optional: true, Max: maxShort, Hint: "A room, a device, a site or an app"}
	v.Done = web.Field{Kind: web.LongField, Name: "done", Label: "What have you done already, and whom have you told?", Optional: true, Rows: 3, Max: maxLong}
	v.Also = web.Field{Kind: web.ChecksField, Name: "also", Label: "It is also", Optional: true, Options: options(Also)}
	v.Confirm = web.Field{Kind: web.LongField, Name: "confirm", Label: "How do you know that it was the person you name?", Optional: true, Rows: 2, Max: maxLong}
	e, err := r.Evening(c.Context())
	if err != nil {
		return v, err
	}
	v.Evening = e.Words(c.Words)
	v.Confides = "Read by those it goes to: for a child the safeguarding lead and the deputies; for conduct of staff the head alone; about the head the chair of governors. You will see whether it was received, is looked at, or is closed."
	return v, r.fillSeen(c, &v, ref)
}

func newWho(i int) whoField {
	n := strconv.Itoa(i)
	label := "Who is it about?"
	if i > 1 {
		label = "Somebody else in it"
	}
	return whoField{
		Who:  web.Field{Name: "who" + n, Label: label, Optional: i > 1, Max: maxShort, Hint: map[bool]string{true: "A name, a username or a number"}[i == 1], Autocomplete: "off"},
		Role: web.Field{Kind: web.SelectField, Name: "role" + n, Label: "Who", Options: options(Roles)},
	}
}

// fillSeen shows the row that a report is made from.
func (r *Room) fillSeen(c *web.Ctx, v *reportView, ref string) error {
	if ref == "" {
		return nil
	}
	s, err := r.seen(c.Context(), ref)
	if err != nil {
		return err
	}
	v.Seen = web.Panel{Tone: "note", Title: "What the record of web use says", Words: s.Words, List: []string{c.Words.Moment(s.At), seenWords(&s)}}
	v.Account.Value = ""
	if s.Certainty != Sure || s.Person == "" {
		v.NotSure = true
		return nil
	}
	p, err := r.d.Roll.Get(c.Context(), s.Person)
	if err != nil {
		return err
	}
	v.Seen.List = append(v.Seen.List, "It was "+p.Name()+", who was signed in. Their name goes with the concern.")
	v.People[0].Who.Optional = true
	return nil
}

// newPage is the form, with what was typed before.
func (r *Room) newPage(c *web.Ctx) error {
	if k, err := c.R.Cookie(web.CookieName(cookieLoose, c.Secure())); err == nil {
		if err := r.TakeLoose(c.Context(), k.Value); err != nil {
			return err
		}
		setLoose(c, "", -1)
	}
	draft, err := r.Draft(c.Context())
	if err != nil {
		return err
	}
	ref := c.Query("from")
	switch {
	case ref == "none": // they report it without the row after all
		ref = ""
		if draft != nil {
			draft.Del("ref")
		}
	case ref == "" && draft != nil:
		ref = draft.Get("ref")
	}
	v, err := r.seenView(c, ref)
	if err != nil {
		return err
	}
	if draft != nil && ref == draft.Get("ref") {
		v.Draft = true
		v.refill(draft, store.Invalid{})
	}
	return reportPage.Render(c, v)
}

// seenView is the form with the row that it comes from. Where that is gone, or
// may not be opened just now, what was typed is still shown.
func (r *Room) seenView(c *web.Ctx, ref string) (reportView, error) {
	v, err := r.reportView(c, ref)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrForbidden) {
		v, err = r.reportView(c, "")
		v.Ref.Value = ref
		v.Seen = web.Panel{Tone: "warn", Title: "The row that this comes from cannot be shown just now", Words: "Give a purpose on the page of web activity again, or report it without the row.", Link: web.Link{Title: "Report it without the row", Path: "/concerns/new?from=none"}}
	}
	return v, err
}

func setLoose(c *web.Ctx, value string, age int) {
	http.SetCookie(c.W, &http.Cookie{
		Name: web.CookieName(cookieLoose, c.Secure()), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: c.Secure(), SameSite: http.SameSiteStrictMode,
	})
}

// refill puts back what was typed.
func (v *reportView) refill(form url.Values, bad store.Invalid) {
	fields := []*web.Field{&v.Danger, &v.Kind}
	for i := range v.People {
		fields = append(fields, &v.People[i].Who, &v.People[i].Role)
	}
	fields = append(fields, &v.Unknown, &v.Account, &v.When, &v.Place, &v.Done, &v.Also, &v.Confirm)
	v.Errors = web.Refill(form, bad, fields...)
	if f := form.Get("form"); f != "" && len(f) <= 64 {
		v.Form.Value = f
	}
	if k, ok := KindOf(v.Kind.Value); ok && k.Says != "" {
		v.Says = web.Panel{Tone: "warn", Title: k.Title, Words: k.Says}
	}
}

// report takes the form. If the session has ended meanwhile, the text is kept
// sealed and comes back after signing in.
func (r *Room) report(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if !c.May(MayReport) {
		return r.keepLoose(c, form)
	}
	if form.Get("later") != "" {
		if err := r.KeepDraft(c.Context(), form); err != nil {
			return err
		}
		c.Notice("Kept for two weeks, for you alone. Nothing was sent.")
		return c.Redirect("/concerns")
	}
	got, err := r.Report(c.Context(), reportOf(form))
	if err != nil && !errors.Is(err, store.ErrForbidden) {
		if err := r.KeepDraft(c.Context(), form); err != nil { // whatever went wrong, nothing typed is lost
			return err
		}
	}
	if bad, ok := web.Wrong(err); ok {
		v, err := r.seenView(c, form.Get("ref"))
		if err != nil {
			return err
		}
		v.refill(form, bad)
		return reportPage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if err != nil {
		return err
	}
	if err := r.DropDraft(c.Context()); err != nil {
		return err
	}
	return c.Redirect("/concerns/" + got.ID + "/receipt")
}

func (r *Room) keepLoose(c *web.Ctx, form url.Values) error {
	if len(form) == 0 || clean(form.Get("account")) == "" || !r.pace.allow(address(c), c.Now()) {
		return web.ErrSignIn
	}
	secret, err := r.KeepLoose(c.Context(), form)
	if err != nil {
		return err
	}
	setLoose(c, secret, int(looseStays.Seconds()))
	c.Notice("You were signed out meanwhile. What you typed is kept; sign in and send it.")
	return c.Redirect("/sign-in?to=" + url.QueryEscape("/concerns/new"))
}

func reportOf(form url.Values) Report {
	in := Report{
		Form: form.Get("form"), Kind: form.Get("kind"), Also: form["also"], Danger: form.Get("danger") == "yes", NotKnown: form.Get("unknown") == "yes",
		Account: form.Get("account"), Place: form.Get("place"), When: form.Get("when"), Done: form.Get("done"),
		Ref: form.Get("ref"), Confirm: form.Get("confirm"),
	}
	for i := 1; i <= maxPeople; i++ {
		n := strconv.Itoa(i)
		if who := form.Get("who" + n); who != "" {
			in.People = append(in.People, Mentioned{Who: who, Role: form.Get("role" + n)})
		} else if i <= 3 {
			in.People = append(in.People, Mentioned{})
		}
	}
	return in
}

type sentView struct {
	web.Base
	Ref, Status string
	When        web.When
	Evening     string
	Attach      web.Link
	Images      bool
	Advice      []string
	Replies     []reply
}

type reply struct {
	When  web.When
	Paras []string
}

var sentPage = web.NewPage[sentView](pages, "pages/sent.html")

// sentPage is a reporter's receipt: where it stands, and no more.
func (r *Room) sentPage(c *web.Ctx) error {
	own, err := r.ownReport(c.Context(), r.d.DB, c.Param("id"))
	if err != nil {
		return err
	}
	a, err := r.answerOf(c.Context(), &own)
	if err != nil {
		return err
	}
	v := sentView{
		Base: web.Base{Title: "Your report " + own.Ref(), Crumbs: []web.Crumb{{Title: "Concerns", Path: "/concerns"}}},
		Ref:  own.Ref(), Status: own.Status(), When: c.Ago(own.Reported), Images: own.Images,
	}
	for _, x := range a.Replies {
		v.Replies = append(v.Replies, reply{c.Near(x.At), paras(x.Told.Text)})
	}
	if own.live() {
		if e, err := r.Evening(c.Context()); err == nil {
			v.Evening = e.Words(c.Words)
		}
		if !own.Images {
			v.Attach = web.Link{Title: "Attach a file", Path: "/concerns/" + own.ID + "/attach"}
		}
	}
	if own.Images {
		v.Advice = imageAdvice
	}
	return sentPage.Render(c, v)
}

// imageAdvice is what to do where an image may show a child in a sexual way.
var imageAdvice = []string{
	"Do not look at it any further. Do not copy, print, send or photograph it, not even to show somebody.",
	"Keep the device as it is, switched on if it is on, and take it to the safeguarding lead.",
	"Tell the safeguarding lead in person, now. The lead decides with the police and children's social care.",
	"Do not ask the child to show it, and do not delete it. Tell the child that they are not in trouble for telling you.",
	"Somebody under 18 can have an image of themselves taken down: Report Remove, by Childline and the Internet Watch Foundation.",
}

// findAll looks for somebody among all who were ever here.
func (r *Room) findAll(c context.Context, who string) (people.Person, string) {
	if p, why := r.find(c, who); why == "" {
		return p, ""
	}
	list, _, err := r.d.Roll.List(c, people.Filter{Words: who, Limit: 2, When: people.WhenAll})
	if err == nil && len(list) == 1 {
		return list[0], ""
	}
	_, why := r.find(c, who)
	return people.Person{}, why
}
