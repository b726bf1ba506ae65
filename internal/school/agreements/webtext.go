package agreements

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// textView is a sheet's text: the edition in force and the draft.
type textView struct {
	web.Base
	Told     web.Panel
	Links    []web.Link
	Drop     web.Action
	Parts    []partView
	Changes  []changeView
	Editions web.Table
}

type changeView struct {
	ID     string
	Pieces []Piece
}

var textPage = web.NewPage[textView](pages, "pages/text.html", "pages/part.html", "pages/change.html")

// textOf is the sheet of the page with its draft and both texts taken apart.
func (r *Room) textOf(c *web.Ctx) (s Sheet, d Draft, now Edition, old, next Body, err error) {
	s = Sheet(c.Param("sheet"))
	if d, err = r.Draft(c.Context(), s); err != nil {
		return s, d, now, old, next, err
	}
	k, err := r.load(c.Context())
	if err != nil {
		return s, d, now, old, next, err
	}
	now, _ = k.current(s)
	if next, err = ParseBody(d.Text); err != nil {
		return s, d, now, old, next, err
	}
	return s, d, now, before(s, now), next, nil
}

func (r *Room) textPage(c *web.Ctx) error {
	s, d, now, old, next, err := r.textOf(c)
	if err != nil {
		return err
	}
	shown := old
	v := textView{Base: web.Base{Title: s.Title(), Crumbs: []web.Crumb{deskCrumb}}}
	switch {
	case now.Number == 0:
		shown = next
		v.Told = web.Panel{Tone: "warn", Title: "Not published yet", Words: "Nobody can sign this yet. It is a text to begin with; make it your school's, then publish it."}
	case d.Version > 0:
		v.Told = web.Panel{Tone: "note", Title: "There is a draft", Words: "Below is what it changes. Nobody sees it until it is published."}
	}
	if now.Number > 0 {
		v.Lead = fmt.Sprintf("Edition %d, published %s.", now.Number, c.Words.Date(now.At))
		v.Changes = changeViews(old, next)
	}
	v.Parts = parts(shown, false)
	if c.May(MayEdit) {
		v.Links = append(v.Links, web.Link{Title: "Change the text", Path: textLink(s) + "/edit"})
		if d.Version > 0 {
			v.Drop = web.Action{Path: textLink(s) + "/drop", Title: "Throw the draft away", Grave: true, Hidden: []web.Hidden{{Name: "version", Value: strconv.FormatInt(d.Version, 10)}}}
		}
	}
	if c.May(MayPublish) && (now.Number == 0 || len(v.Changes) > 0 || next.Text() != now.Text) {
		v.Links = append(v.Links, web.Link{Title: "Publish it", Path: textLink(s) + "/publish"})
	}
	if c.May(MayTalk) && now.Number > 0 {
		v.Links = append(v.Links, web.Link{Title: "Poster", Path: "/agreements/poster/" + string(s)})
	}
	v.Editions, err = r.editionTable(c, s)
	if err != nil {
		return err
	}
	return textPage.Render(c, v)
}

func changeViews(old, next Body) []changeView {
	var out []changeView
	for _, ch := range Compare(old, next) {
		out = append(out, changeView(ch))
	}
	return out
}

func (r *Room) editionTable(c *web.Ctx, s Sheet) (web.Table, error) {
	t := web.Table{Caption: "Editions", Columns: []web.Column{{Title: "Edition", Numeric: true}, {Title: "Published"}, {Title: "To be signed from"}, {Title: "Why, and what was left out"}}}
	k, err := r.load(c.Context())
	if err != nil {
		return t, err
	}
	for _, e := range k.editions[s] {
		binds := e.Binds.Words()
		if e.Small {
			binds = "a small correction; signatures go on counting"
		}
		why := web.Cell{Text: e.Reason}
		if e.Lost != "" {
			why.Small = "left out: " + strings.ReplaceAll(e.Lost, " ", ", ")
		}
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{Text: words.Number(int(e.Number))}, {Text: c.Words.Date(e.At)}, {Text: binds}, why}})
	}
	return t, nil
}

func (r *Room) editView(c *web.Ctx) (formView, error) {
	s, d, _, _, next, err := r.textOf(c)
	if err != nil {
		return formView{}, err
	}
	v := formView{
		Base: web.Base{
			Title: "Change the " + inSentence(s), Crumbs: []web.Crumb{deskCrumb, {Title: s.Title(), Path: textLink(s)}}, Wide: true,
			Lead: "Each rule is a line that begins with “- ” and ends with its name in braces. Keep the names: a changed rule keeps its name, a new one gets a new one by itself.",
		},
		Path: textLink(s) + "/edit", Button: "Keep the draft", Cancel: web.Link{Title: "Leave without changing anything", Path: textLink(s)},
		Hidden: []web.Hidden{{Name: "version", Value: strconv.FormatInt(d.Version, 10)}},
		Fields: []web.Field{{Kind: web.LongField, Name: "body", Label: "The text", Value: next.Text(), Rows: 30, Max: maxBody}},
	}
	if s.forPupils() {
		v.Fields[0].Hint = fmt.Sprintf("As it stands it reads as for somebody of about %d. Short sentences and short words help.", ReadingAge(next))
	}
	return v, nil
}

func (r *Room) editPage(c *web.Ctx) error {
	v, err := r.editView(c)
	if err != nil {
		return err
	}
	return formPage.Render(c, v)
}

func (r *Room) editForm(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	s := Sheet(c.Param("sheet"))
	if err := r.SaveDraft(c.Context(), s, form.Get("body"), number(form.Get("version"))); err != nil {
		v, verr := r.editView(c)
		if verr != nil {
			return verr
		}
		if errors.Is(err, store.ErrStale) {
			err = store.Invalid{"body": "Somebody else changed the draft meanwhile. Your text is still here: copy it, open this page again, and put the two together."}
			v.Hidden[0].Value = form.Get("version")
		}
		return again(c, v, form, err)
	}
	c.Notice("The draft is kept. Nobody signs it until it is published.")
	return c.Redirect(textLink(s))
}

func number(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func (r *Room) dropDraft(c *web.Ctx) error {
	s := Sheet(c.Param("sheet"))
	if err := r.DropDraft(c.Context(), s, number(c.Value("version"))); err != nil {
		return err
	}
	c.Notice("The draft is thrown away.")
	return c.Redirect(textLink(s))
}

// publishView is what publishing does, before it is done.
type publishView struct {
	web.Base
	Changes []changeView
	Lost    []Clause
	Confirm web.Confirm
}

var publishPage = web.NewPage[publishView](pages, "pages/publish.html", "pages/change.html")

func (r *Room) publishView(c *web.Ctx) (publishView, error) {
	s, _, now, old, next, err := r.textOf(c)
	if err != nil {
		return publishView{}, err
	}
	counts, err := r.Counts(c.Context())
	if err != nil {
		return publishView{}, err
	}
	x := Count{}
	for _, k := range counts {
		if k.Sheet == s {
			x = k
		}
	}
	v := publishView{
		Base: web.Base{Title: "Publish the " + inSentence(s), Crumbs: []web.Crumb{deskCrumb, {Title: s.Title(), Path: textLink(s)}}},
		Lost: Lost(s, old, next),
	}
	if now.Number > 0 {
		v.Changes = changeViews(old, next)
	}
	v.Confirm = web.Confirm{
		What:   fmt.Sprintf("Edition %d of the %s is put before people. Its words can never be changed afterwards.", now.Number+1, inSentence(s)),
		Whom:   words.Count(x.Scope, "record needs", "records need") + " a signature under it.",
		Action: web.Action{Path: textLink(s) + "/publish", Title: "Publish", Hidden: []web.Hidden{{Name: "hash", Value: Hash(next.Text())}}},
		Cancel: web.Link{Title: "Do not publish yet", Path: textLink(s)},
		Fields: publishFields(now.Number > 0, len(v.Lost) > 0),
	}
	if now.Number > 0 {
		v.Confirm.Whom = words.Count(x.Signed, "person has", "people have") + " signed so far. They sign anew, unless this is a small correction."
	}
	return v, nil
}

func publishFields(again, lost bool) []web.Field {
	var out []web.Field
	if again {
		out = append(out, web.Field{Kind: web.RadiosField, Name: "small", Label: "What is it?", Options: []web.Option{
			{Value: "anew", Label: "People sign anew", Hint: "Signatures on the edition before count until the day below."},
			{Value: "small", Label: "A small correction", Hint: "It changes nothing that anybody agreed to. Signatures go on counting. Say why below."},
		}}.Choose("anew"))
	}
	reason := web.Field{Kind: web.LongField, Name: "reason", Label: "Why", Rows: 3, Max: maxReason, Optional: !lost}
	if lost {
		reason.Hint = "Rules are left out, so a reason is needed. It is kept with the edition."
	}
	return append(out, web.Field{Kind: web.DateField, Name: "binds", Label: "To be signed from", Hint: "Leave empty for today.", Optional: true}, reason)
}

func (r *Room) publishPage(c *web.Ctx) error {
	v, err := r.publishView(c)
	if err != nil {
		return err
	}
	return publishPage.Render(c, v)
}

func (r *Room) publishForm(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	s := Sheet(c.Param("sheet"))
	e, err := r.Publish(c.Context(), Publishing{
		Sheet: s, Hash: form.Get("hash"), Small: form.Get("small") == "small", Binds: people.Day(web.DateText(form, "binds")), Reason: form.Get("reason"),
	})
	if err == nil {
		c.Notice(fmt.Sprintf("Edition %d is published.", e.Number))
		return c.Redirect(textLink(s))
	}
	return r.publishAgain(c, form, err)
}

func (r *Room) publishAgain(c *web.Ctx, form url.Values, err error) error {
	bad, ok := web.Wrong(err)
	if !ok {
		return err
	}
	v, verr := r.publishView(c)
	if verr != nil {
		return verr
	}
	v.Errors = web.Refill(form, bad, pointers(v.Confirm.Fields)...)
	return publishPage.Status(badForm).Render(c, v)
}

// posterView is a text for the wall.
type posterView struct {
	web.Base
	Parts []partView
}

var posterPage = web.NewPage[posterView](pages, "pages/poster.html", "pages/part.html")

func (r *Room) poster(c *web.Ctx) error {
	k, err := r.load(c.Context())
	if err != nil {
		return err
	}
	e, ok := k.current(Sheet(c.Param("sheet")))
	if !ok {
		return store.ErrNotFound
	}
	b := e.Body()
	return posterPage.Render(c, posterView{Base: web.Base{Title: b.Title}, Parts: parts(b, false)})
}
