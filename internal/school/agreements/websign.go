package agreements

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

var errNotFound = store.ErrNotFound

func sortOptions(list []web.Option) []web.Option {
	slices.SortStableFunc(list, func(a, b web.Option) int { return strings.Compare(a.Value, b.Value) })
	return list
}

// mineView is what somebody has to sign and has signed.
type mineView struct {
	web.Base
	Todo    []todoView
	Done    web.Table
	Nothing bool
}

type todoView struct{ Title, Words, Link, Step string }

var minePage = web.NewPage[mineView](pages, "pages/mine.html")

func (r *Room) mine(c *web.Ctx) error {
	me, err := r.me(c.Context())
	if err != nil {
		return err
	}
	items, err := r.Items(c.Context(), me)
	if err != nil {
		return err
	}
	v := mineView{Base: web.Base{Title: "Rules to sign"}}
	v.Done = web.Table{Caption: "What is signed", Columns: []web.Column{{Title: "Rules"}, {Title: "For"}, {Title: "When"}}}
	for _, it := range items {
		whose := "you"
		if it.Role == Parent {
			whose = it.Person.First()
		}
		if it.Done {
			v.Done.Rows = append(v.Done.Rows, web.Row{Link: "/agreement/signed/" + it.Signed.ID, Cells: []web.Cell{
				{Text: peopleTitle(it.Sheet)}, {Text: whose}, {Text: it.Signed.Day.Words() + ", " + methodWords(it.Signed)},
			}})
			continue
		}
		v.Todo = append(v.Todo, todo(it, whose))
	}
	if err := r.addPolicy(c, &v, me); err != nil {
		return err
	}
	v.Nothing = len(v.Todo) == 0
	return minePage.Render(c, v)
}

func todo(it Item, whose string) todoView {
	t := todoView{Title: peopleTitle(it.Sheet), Link: "/agreement/sign/" + string(it.Sheet), Step: "Read and sign", Words: "Please read these rules and sign them."}
	if it.Role == Parent {
		t.Link += "/" + string(it.Person.ID)
		t.Words = "Please read this and sign it for " + whose + "."
	}
	if it.Changed {
		t.Words = "These rules have changed. " + t.Words
	}
	return t
}

// addPolicy puts the policy among what staff have to do, as long as they have
// not read it.
func (r *Room) addPolicy(c *web.Ctx, v *mineView, me people.Person) error {
	l, err := r.lens(c.Context())
	if err != nil {
		return err
	}
	behind, err := r.unread(c.Context(), l, me)
	if err != nil || behind == isRead {
		return err
	}
	v.Todo = append(v.Todo, todoView{Title: "The school's policy", Words: "Please read the policy in force, and say that you have.", Link: "/agreement/policy", Step: "Read it"})
	return nil
}

// peopleTitle is what a sheet is called to those who sign it.
func peopleTitle(s Sheet) string {
	switch s {
	case YoungSheet, OlderSheet:
		return "Pupils' rules"
	case ExternalSheet:
		return s.Title()
	}
	return s.Title()
}

// partView is a part of a text as it is read, with boxes where each clause is
// ticked.
type partView struct {
	Heading string
	Prose   []string
	Clauses []string
	Ticks   []web.Field
}

type signView struct {
	web.Base
	Told    web.Panel
	Path    string
	Number  string
	Parts   []partView
	Fields  []web.Field
	Button  string
	Contact string
}

var signPage = web.NewPage[signView](pages, "pages/sign.html")

func (r *Room) signPage(c *web.Ctx) error {
	v, _, _, err := r.signView(c)
	if err != nil {
		return err
	}
	return signPage.Render(c, v)
}

// signView is the page on which one sheet is signed by whoever is signed in.
func (r *Room) signView(c *web.Ctx) (v signView, e Edition, role Role, err error) {
	sheet := Sheet(c.Param("sheet"))
	me, whose, role, err := r.signers(c.Context(), Signing{Sheet: sheet, Person: people.ID(c.Param("person"))})
	if err != nil {
		return v, e, role, err
	}
	l, err := r.lens(c.Context())
	if err != nil {
		return v, e, role, err
	}
	e, ok := l.k.current(sheet)
	if !ok || !slices.Contains(l.needs(whose), need{sheet, role}) {
		return v, e, role, store.ErrNotFound
	}
	b := e.Body()
	v = signView{
		Base: web.Base{Title: b.Title, Crumbs: []web.Crumb{{Title: "Rules to sign", Path: "/agreement"}}},
		Path: c.R.URL.Path, Number: strconv.FormatInt(e.Number, 10), Parts: parts(b, sheet.ticked()), Fields: signFields(sheet, role, me, whose),
		Button:  "Sign these rules",
		Contact: r.values().Get(KeyContact, setting.Scope{Audience: string(me.Kind)}).Text,
	}
	if role == Parent {
		v.Lead = "For " + whose.Name()
		if whose.Class != "" {
			v.Lead += ", class " + whose.Class
		}
	}
	return v, e, role, nil
}

func parts(b Body, ticked bool) []partView {
	var out []partView
	for _, p := range b.Parts {
		q := partView{Heading: p.Heading, Prose: p.Prose}
		for _, c := range p.Clauses {
			if ticked {
				q.Ticks = append(q.Ticks, web.Field{Kind: web.CheckField, Name: tickPrefix + c.ID, Label: c.Text})
				continue
			}
			q.Clauses = append(q.Clauses, c.Text)
		}
		out = append(out, q)
	}
	return out
}

const tickPrefix = "tick-"

func signFields(s Sheet, role Role, me, whose people.Person) []web.Field {
	var out []web.Field
	if role == Parent && s != HomeSheet {
		out = append(out, web.Field{Kind: web.CheckField, Name: "discussed", Label: "I have talked the rules through with " + whose.First()})
	}
	if !s.ticked() {
		label := "I have read these rules, and I agree to them"
		if s == YoungSheet && role == Self {
			label = "I have read these rules, or somebody read them to me. I will keep them."
		}
		out = append(out, web.Field{Kind: web.CheckField, Name: "agree", Label: label})
	}
	name := web.Field{Name: "name", Label: "Type your full name", Max: maxName, Autocomplete: "off"}
	if me.Kind == people.Pupil {
		name.Label = "Type your own name"
	}
	out = append(out, name)
	if s == StaffSheet {
		out = append(out, web.Field{Name: "job", Label: "Your job title", Max: maxName, Autocomplete: "organization-title"})
	}
	return out
}

func (r *Room) signForm(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	s := Signing{
		Sheet: Sheet(c.Param("sheet")), Person: people.ID(c.Param("person")), Name: form.Get("name"), Job: form.Get("job"),
		Discussed: form.Get("discussed") == "yes", Ticks: ticksOf(form),
	}
	s.Number, err = strconv.ParseInt(form.Get("number"), 10, 64)
	if err != nil {
		return web.ErrBadForm
	}
	if _, err := r.Sign(c.Context(), s); err != nil {
		return r.signAgain(c, s, form, err)
	}
	c.Notice("Thank you. It is signed.")
	return c.Redirect("/agreement")
}

func ticksOf(form url.Values) []string {
	var out []string
	if form.Get("agree") == "yes" {
		out = append(out, agreeAll)
	}
	for k := range form {
		if id, ok := strings.CutPrefix(k, tickPrefix); ok && form.Get(k) == "yes" && len(out) <= maxClauses {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// signAgain shows the page again with everything that was typed. Where the
// text has changed meanwhile, boxes stay ticked only beside rules that have
// not.
func (r *Room) signAgain(c *web.Ctx, s Signing, form url.Values, err error) error {
	bad, wrong := web.Wrong(err)
	newer := errors.Is(err, ErrNewer)
	if !wrong && !newer {
		return err
	}
	v, e, _, verr := r.signView(c)
	if verr != nil {
		return verr
	}
	status := badForm
	if newer {
		status = 409
		v.Told = web.Panel{Tone: "warn", Title: "The rules have changed", Words: sentence(ErrNewer.Error()) + " What you typed is kept."}
		if err := r.untick(c, s, e, form); err != nil {
			return err
		}
	}
	fields := pointers(v.Fields)
	for i := range v.Parts {
		fields = append(pointers(v.Parts[i].Ticks), fields...)
	}
	v.Errors = web.Refill(form, bad, fields...)
	return signPage.Status(status).Render(c, v)
}

func (r *Room) untick(c *web.Ctx, s Signing, e Edition, form url.Values) error {
	k, err := r.load(c.Context())
	if err != nil {
		return err
	}
	form.Del("agree")
	read, ok := k.edition(s.Sheet, s.Number)
	for _, ch := range Compare(read.Body(), e.Body()) {
		form.Del(tickPrefix + ch.ID)
	}
	if !ok {
		for key := range form {
			if strings.HasPrefix(key, tickPrefix) {
				form.Del(key)
			}
		}
	}
	return nil
}

// copyView is a text as it was signed, with the signature.
type copyView struct {
	web.Base
	Facts web.Summary
	Parts []partView
	Void  []web.Field
	Path  string
	Scan  web.Link
}

var copyPage = web.NewPage[copyView](pages, "pages/copy.html", "pages/part.html")

// ownCopy shows somebody what they have signed, or what was signed for them or
// their child.
func (r *Room) ownCopy(c *web.Ctx) error {
	me, err := r.me(c.Context())
	if err != nil {
		return err
	}
	s, err := signatureByID(c.Context(), r.DB, c.Param("id"))
	if err != nil {
		return err
	}
	if s.Person != me.ID && s.Signer != me.ID {
		if _, _, _, err := r.signers(c.Context(), Signing{Person: s.Person}); err != nil || s.Person == "" {
			return store.ErrNotFound
		}
	}
	v, err := r.copyView(c, s)
	if err != nil {
		return err
	}
	v.Crumbs = []web.Crumb{{Title: "Rules to sign", Path: "/agreement"}}
	return copyPage.Render(c, v)
}

func (r *Room) copyView(c *web.Ctx, s Signature) (copyView, error) {
	k, err := r.load(c.Context())
	if err != nil {
		return copyView{}, err
	}
	e, ok := k.edition(s.Sheet, s.Number)
	if !ok {
		return copyView{}, store.ErrNotFound
	}
	b := e.Body()
	v := copyView{Base: web.Base{Title: b.Title, Marking: "Signed copy"}, Parts: parts(b, false)}
	add := func(key, text string) {
		if text != "" {
			v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: key, Text: text})
		}
	}
	if s.Person != "" {
		p, err := r.People.Get(c.Context(), s.Person)
		if err != nil {
			return copyView{}, err
		}
		add("For", p.Name())
	}
	add("Group", s.Party)
	add("Signed by", s.Name)
	add("Job title", s.Job)
	add("Class", s.Class)
	add("Day", s.Day.Words())
	add("How", methodWords(s))
	if s.Discussed {
		add("Talked through", "yes, with the child")
	}
	add("Where the paper lies", s.Place)
	add("Edition", strconv.FormatInt(s.Number, 10)+", published "+c.Words.Date(e.At))
	add("Mark of the text", s.Hash[:min(16, len(s.Hash))])
	if s.Voided() {
		add("Taken back", c.Words.Moment(s.VoidedAt)+": "+s.VoidReason)
	}
	return v, nil
}
