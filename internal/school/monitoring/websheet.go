package monitoring

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

// sheetView is the page of most records in this room: what there is, and what
// can be done.
type sheetView struct {
	web.Base
	Panels  []web.Panel
	Summary web.Summary
	Texts   []sheetText
	Tables  []web.Table
	Forms   []sheetForm
	Links   []web.Link
}

// sheetText is a heading with a paragraph.
type sheetText struct{ Title, Words string }

// sheetForm is one thing that can be done.
type sheetForm struct {
	Title  string
	Lead   string
	Path   string
	Hidden []web.Hidden
	Fields []web.Field
	Button string
	Quiet  bool
}

var sheetPage = web.NewPage[sheetView](pages, "pages/sheet.html")

// again shows a sheet whose form i came back with what is wrong.
func (v sheetView) again(c *web.Ctx, i int, form url.Values, bad store.Invalid) error {
	if i >= len(v.Forms) {
		return bad
	}
	fields := v.Forms[i].Fields
	ptrs := make([]*web.Field, 0, len(fields))
	for n := range fields {
		ptrs = append(ptrs, &fields[n])
	}
	v.Errors = web.Refill(form, bad, ptrs...)
	return sheetPage.Status(422).Render(c, v)
}

// done shows what came of a post: the form again with what is wrong, or the
// next page with a sentence.
func (r *Room) done(c *web.Ctx, err error, view func(*web.Ctx) (sheetView, error), form int, to, said string) error {
	if bad, ok := web.Wrong(err); ok {
		v, err := view(c)
		if err != nil {
			return err
		}
		posted, err := c.Form()
		if err != nil {
			return err
		}
		return v.again(c, form, posted, bad)
	}
	if err != nil {
		return r.ask(c, err)
	}
	c.Notice(said)
	return c.Redirect(to)
}

// sheet answers with a sheet; without a purpose where one is needed, with the
// page that asks for it.
func (r *Room) sheet(view func(*web.Ctx) (sheetView, error)) web.Handler {
	return func(c *web.Ctx) error {
		v, err := view(c)
		if err != nil {
			return r.ask(c, err)
		}
		return sheetPage.Render(c, v)
	}
}

// radios asks for one of some options.
func radios(name, label string, options []setting.Option) web.Field {
	f := web.Field{Kind: web.RadiosField, Name: name, Label: label}
	for _, o := range options {
		f.Options = append(f.Options, web.Option{Value: o.Value, Label: sentence(o.Title)})
	}
	return f
}

// purposeField asks for one of the school's purposes.
func (r *Room) purposeField() web.Field {
	f := web.Field{Kind: web.SelectField, Name: "purpose", Label: "What it is needed for", Options: []web.Option{{Label: "Choose"}}}
	for _, p := range r.values().Items(keyPurposes) {
		f.Options = append(f.Options, web.Option{Value: p, Label: sentence(titleOf(purposes, p))})
	}
	return f
}

// anybody finds the one person, here or gone, that words mean.
func (r *Room) anybody(ctx context.Context, words string) (people.ID, error) {
	words = strings.TrimSpace(words)
	if words == "" {
		return "", store.Invalid{"who": "Say who is meant."}
	}
	list, _, err := r.d.Roll.List(ctx, people.Filter{Words: words, When: people.WhenAll, Limit: 50})
	if err != nil {
		return "", fmt.Errorf("looking for a person: %w", err)
	}
	var exact []people.ID
	for _, p := range list {
		if strings.EqualFold(p.Name(), words) || strings.EqualFold(p.Username, words) || string(p.ID) == words {
			exact = append(exact, p.ID)
		}
	}
	switch {
	case len(exact) == 1:
		return exact[0], nil
	case len(exact) == 0 && len(list) == 1:
		return list[0].ID, nil
	case len(list) == 0:
		return "", store.Invalid{"who": "Nobody of that name is on the roll."}
	default:
		return "", store.Invalid{"who": "More than one person fits. Write the whole name, or the username."}
	}
}

// ignoreMissing ignores that something is not there.
func ignoreMissing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// dateField fills the three boxes of a date.
func dateField(name, label string, d people.Day) web.Field {
	f := web.Field{Kind: web.DateField, Name: name, Label: label}
	if d.Valid() {
		f.Year, f.Month, f.Day = string(d[:4]), string(d[5:7]), string(d[8:])
	}
	return f
}
