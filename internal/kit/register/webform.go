package register

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

var webKinds = map[kind]web.FieldKind{
	textKind: web.TextField, longKind: web.LongField, choiceKind: web.RadiosField, dayKind: web.DateField,
	momentKind: web.MomentField, numberKind: web.NumberField, flagKind: web.CheckField, personKind: web.SearchField,
}

// fields are the form's questions, filled from r.
func (m *Room[T, P]) fields(c *web.Ctx, r *T) ([]web.Field, error) {
	n := m.namer(c)
	var out []web.Field
	for _, f := range m.Fields {
		w := web.Field{
			Kind: webKinds[f.kind], Name: f.Name, Label: f.Label, Hint: f.opt.hint, Max: f.opt.max,
			Optional: !f.opt.required && f.kind != flagKind,
		}
		s := f.text(r, m.Zone())
		switch f.kind {
		case choiceKind:
			for _, o := range f.choices {
				w.Options = append(w.Options, web.Option{Value: o.Value, Label: o.Title})
			}
			w = w.Choose(s)
		case dayKind:
			if len(s) == len("2026-11-23") {
				w.Year, w.Month, w.Day = s[:4], s[5:7], s[8:]
			}
		case personKind:
			w.Value = n.name(s)
			if w.Hint == "" {
				w.Hint = "A name or a username."
			}
		default:
			w.Value = s
		}
		out = append(out, w)
	}
	return out, n.err
}

// read puts what was posted into r. A name that several people have comes
// back as a choice of them, in choices.
func (m *Room[T, P]) read(ctx context.Context, form url.Values, r *T) (bad store.Invalid, choices map[string][]web.Option, err error) {
	bad, choices = store.Invalid{}, map[string][]web.Option{}
	for _, f := range m.Fields {
		s := strings.TrimSpace(strings.ReplaceAll(form.Get(f.Name), "\r\n", "\n"))
		switch f.kind {
		case dayKind:
			s = web.DateText(form, f.Name)
		case personKind:
			var why string
			s, choices[f.Name], why, err = m.person(ctx, s, f.text(r, m.Zone()))
			if err != nil {
				return bad, choices, err
			}
			if why != "" {
				bad[f.Name] = why
				continue
			}
		}
		if why := f.parse(r, s, m.Zone()); why != "" {
			bad[f.Name] = why
		}
	}
	return bad, choices, nil
}

// person finds whom somebody meant: an id chosen from a list, the name that
// stood there before, or words that fit one person only.
func (m *Room[T, P]) person(ctx context.Context, said, was string) (id string, several []web.Option, why string, err error) {
	if said == "" {
		return "", nil, "", nil
	}
	if _, ok, err := m.People.Person(ctx, said); err != nil || ok {
		return said, nil, "", err
	}
	if was != "" {
		if name, _, err := m.People.Person(ctx, was); err != nil || name == said {
			return was, nil, "", err
		}
	}
	found, err := m.People.FindPeople(ctx, said, 11)
	if err != nil {
		return "", nil, "", err
	}
	switch n := len(found); {
	case n == 0:
		return "", nil, "Nobody on the roll is called " + said + ".", nil
	case n == 1:
		return found[0].ID, nil, "", nil
	case n > 10:
		return "", nil, "Many people match " + said + "; type more of the name.", nil
	}
	for _, p := range found {
		several = append(several, web.Option{Value: p.ID, Label: p.Name})
	}
	return "", several, "Several people match; choose one.", nil
}

// again is what a form that came back is shown with.
type again struct {
	note    web.Panel
	bad     store.Invalid
	choices map[string][]web.Option
	form    url.Values // what was posted; nil shows the record itself
}

func (m *Room[T, P]) newForm(c *web.Ctx) error { return m.form(c, new(T), formPage, again{}) }

func (m *Room[T, P]) editForm(c *web.Ctx) error {
	r, err := m.found(c)
	if err != nil {
		return err
	}
	if P(r).entry().State == Void {
		return store.ErrStale
	}
	return m.form(c, r, formPage, again{})
}

// form shows the form of r.
func (m *Room[T, P]) form(c *web.Ctx, r *T, page web.Page[formView], a again) error {
	e := P(r).entry()
	v := formView{
		Base: web.Base{Title: "Record a " + m.One, Crumbs: []web.Crumb{{Title: m.Title, Path: m.path()}}}, Note: a.note,
		Path: m.path(), Button: "Keep the record", Cancel: web.Link{Title: "Leave it", Path: m.path()},
	}
	if e.ID != "" {
		v.Title, v.Path, v.Cancel.Path = "Change the record of a "+m.One, m.path(e.ID), m.path(e.ID)
		v.Hidden = []web.Hidden{{Name: "version", Value: strconv.FormatInt(e.Version, 10)}}
	}
	var err error
	if v.Fields, err = m.fields(c, r); err != nil {
		return err
	}
	v.Errors = web.Refill(a.form, a.bad, refs(v.Fields, a.choices)...)
	return page.Render(c, v)
}

// refs are the fields for web.Refill; one that several answers fit becomes a
// choice of them.
func refs(fields []web.Field, choices map[string][]web.Option) []*web.Field {
	out := make([]*web.Field, len(fields))
	for i := range fields {
		out[i] = &fields[i]
		if several := choices[fields[i].Name]; len(several) > 0 {
			out[i].Kind, out[i].Options = web.RadiosField, several
		}
	}
	return out
}

// posted reads the form into r, saves it with keep, and shows the form again
// when something is wrong with it.
func (m *Room[T, P]) posted(c *web.Ctx, r *T, keep func() error) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	bad, choices, err := m.read(c.Context(), form, r)
	if err != nil {
		return err
	}
	if len(bad) > 0 {
		// The other fields' mistakes are told in the same answer.
		if more, ok := web.Wrong(m.validate(c.Context(), r)); ok {
			maps.Copy(more, bad)
			bad = more
		}
		return m.form(c, r, formPage.Status(422), again{bad: bad, choices: choices, form: form})
	}
	err = keep()
	if wrong, ok := web.Wrong(err); ok {
		return m.form(c, r, formPage.Status(422), again{bad: wrong, choices: choices, form: form})
	}
	if errors.Is(err, store.ErrStale) && P(r).entry().ID != "" {
		return m.stale(c, r, form)
	}
	if err != nil {
		return err
	}
	c.Notice("The record was kept.")
	return c.Redirect(m.path(P(r).entry().ID))
}

func (m *Room[T, P]) create(c *web.Ctx) error {
	r := new(T)
	return m.posted(c, r, func() error { return m.Create(c.Context(), r) })
}

func (m *Room[T, P]) save(c *web.Ctx) error {
	r, err := m.found(c)
	if err != nil {
		return err
	}
	version, err := m.version(c)
	if err != nil {
		return err
	}
	return m.posted(c, r, func() error {
		P(r).entry().Version = version
		return m.Save(c.Context(), r)
	})
}

// stale shows what was typed beside what the record says now. Nothing typed is
// lost, and nothing of the other's is replaced unread.
func (m *Room[T, P]) stale(c *web.Ctx, typed *T, form url.Values) error {
	now, err := m.found(c)
	if err != nil {
		return err
	}
	before, _ := m.diff(now, typed)
	n := m.namer(c)
	note := web.Panel{
		Tone: "warn", Title: "Somebody else changed this record while you were typing",
		Words: fmt.Sprintf("%s changed it %s. Nothing of yours was saved. Where it differs from what you typed, it says now:",
			P(now).entry().ChangedName, c.Words.Near(P(now).entry().ChangedAt)),
	}
	for _, f := range m.Fields {
		if s, differs := before[f.Name]; differs {
			note.List = append(note.List, f.Label+": "+n.plain(f.showText(s, m.Zone())))
		}
	}
	if n.err != nil {
		return n.err
	}
	*P(typed).entry() = *P(now).entry()
	return m.form(c, typed, formPage.Status(409),
		again{note: note, bad: store.Invalid{"": "Look at what changed, then send it again."}, form: form})
}

func (m *Room[T, P]) version(c *web.Ctx) (int64, error) {
	v, err := strconv.ParseInt(c.Value("version"), 10, 64)
	if err != nil {
		return 0, web.ErrBadForm
	}
	return v, nil
}

func (m *Room[T, P]) closeOne(c *web.Ctx) error {
	err := m.act(c, m.CloseRecord, "The record is closed.")
	bad, ok := web.Wrong(err)
	if !ok {
		return err
	}
	r, err := m.found(c)
	if err != nil {
		return err
	}
	// What stands in the way is filled in on the form.
	return m.form(c, r, formPage.Status(422), again{note: web.Panel{Tone: "note", Title: "Fill this in first, then close it"}, bad: bad})
}

func (m *Room[T, P]) reviewOne(c *web.Ctx) error { return m.act(c, m.Review, "You signed it off.") }

// act does one thing to the record of the address.
func (m *Room[T, P]) act(c *web.Ctx, do func(context.Context, string, int64) error, said string) error {
	version, err := m.version(c)
	if err != nil {
		return err
	}
	if err := do(c.Context(), c.Param("id"), version); err != nil {
		return err
	}
	c.Notice(said)
	return c.Redirect(m.path(c.Param("id")))
}

func (m *Room[T, P]) voidForm(c *web.Ctx) error { return m.voidView(c, voidPage, "") }

func (m *Room[T, P]) voidView(c *web.Ctx, page web.Page[voidView], wrong string) error {
	r, err := m.found(c)
	if err != nil {
		return err
	}
	e := P(r).entry()
	return page.Render(c, voidView{
		Base: web.Base{Title: "Recorded by mistake", Crumbs: []web.Crumb{{Title: m.Title, Path: m.path()}}},
		Confirm: web.Confirm{
			What: "The record stays, marked as void, with your reason. It no longer counts and cannot be changed.", When: "At once.",
			Action: web.Action{
				Path: m.path(e.ID, "void"), Title: "Mark as void", Grave: true,
				Hidden: []web.Hidden{{Name: "version", Value: strconv.FormatInt(e.Version, 10)}},
			},
			Cancel: web.Link{Title: "Leave it", Path: m.path(e.ID)},
			Fields: []web.Field{{Kind: web.LongField, Name: "reason", Label: "Why", Rows: 3, Max: 1000, Value: c.Value("reason"), Error: wrong}},
		},
	})
}

func (m *Room[T, P]) voidOne(c *web.Ctx) error {
	version, err := m.version(c)
	if err != nil {
		return err
	}
	err = m.Void(c.Context(), c.Param("id"), version, c.Value("reason"))
	if bad, ok := web.Wrong(err); ok {
		return m.voidView(c, voidPage.Status(422), bad["reason"])
	}
	if err != nil {
		return err
	}
	c.Notice("The record is void.")
	return c.Redirect(m.path(c.Param("id")))
}
