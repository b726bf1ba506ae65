package approval

import (
	"context"
	"embed"
	"errors"
	"net/url"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

type listView struct {
	web.Base
	Waiting web.Table
	Mine    web.Table
}

type showView struct {
	web.Base
	Facts  web.Summary
	Link   web.Link
	Decide []decideForm
	Take   web.Action
	Mine   bool
}

// decideForm asks one decider.
type decideForm struct {
	Heading string
	Path    string
	Answer  web.Field
	Note    web.Field
	Body    bool
	On      web.Field
	Minute  web.Field
	Hidden  []web.Hidden
}

var (
	listPage = web.NewPage[listView](pages, "pages/list.html")
	showPage = web.NewPage[showView](pages, "pages/show.html")
)

// Section is the pages of approvals: everybody sees what they asked for and
// what they may decide, and nothing else.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "approvals", Title: "Approvals",
		Routes: []web.Route{
			{Pattern: "GET /approvals", Needs: web.SignedIn, Do: r.showList},
			{Pattern: "GET /approvals/{id}", Needs: web.SignedIn, Do: r.showOne},
			{Pattern: "POST /approvals/{id}/decide", Needs: web.SignedIn, Do: r.decide},
			{Pattern: "POST /approvals/{id}/withdraw", Needs: web.SignedIn, Do: r.withdraw},
		},
	}
}

// Waiting returns what the actor may decide now, for the tray.
func (r *Room) Waiting(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	open, err := r.decidable(ctx, a)
	items := make([]web.Item, 0, len(open))
	for _, x := range open {
		items = append(items, web.Item{
			Key: x.ID, Title: "Approval asked: " + x.Title, Step: "Decide",
			Link: "/approvals/" + x.ID, Risk: 1, Since: x.AskedAt, Room: "approvals",
		})
	}
	return items, err
}

// decidable are the open requests of which the actor may decide a part.
func (r *Room) decidable(ctx context.Context, a actor.Actor) ([]Approval, error) {
	if len(a.Posts) == 0 {
		return nil, nil
	}
	all, err := r.list(ctx, "state = $1", string(Open))
	if err != nil {
		return nil, err
	}
	var out []Approval
	for _, x := range all {
		places, err := r.places(ctx, x, a)
		if err != nil {
			return nil, err
		}
		if x.State == Open && len(places) > 0 {
			out = append(out, x)
		}
	}
	return out, nil
}

// places are the open parts that the actor may decide.
func (r *Room) places(ctx context.Context, x Approval, a actor.Actor) ([]int, error) {
	var out []int
	for i, p := range x.Parts {
		if p.Decision != "" {
			continue
		}
		err := r.mayDecide(ctx, x, p, a)
		switch {
		case err == nil:
			out = append(out, i)
		case !errors.Is(err, store.ErrForbidden):
			return nil, err
		}
	}
	return out, nil
}

func (r *Room) showList(c *web.Ctx) error {
	waiting, err := r.decidable(c.Context(), c.Actor)
	if err != nil {
		return err
	}
	mine, err := r.list(c.Context(), "asked_by = $1", c.Actor.ID)
	if err != nil {
		return err
	}
	return listPage.Render(c, listView{
		Base:    web.Base{Title: "Approvals", Wide: true},
		Waiting: r.table(c, "Waiting for you", waiting, "Nothing waits for your decision"),
		Mine:    r.table(c, "What you asked for", mine, "You have asked for nothing"),
	})
}

func (r *Room) table(c *web.Ctx, caption string, all []Approval, empty string) web.Table {
	t := web.Table{
		Caption: caption, Empty: web.Empty{Title: empty},
		Columns: []web.Column{{Title: "What"}, {Title: "Asked"}, {Title: "Still to decide"}, {Title: "State"}},
	}
	for _, x := range all {
		t.Rows = append(t.Rows, web.Row{Link: "/approvals/" + x.ID, Faint: x.State != Open, Cells: []web.Cell{
			{Text: x.Title, Small: "by " + x.AskedName}, {When: c.Near(x.AskedAt)}, {Text: words.And(r.Missing(x))}, {Tag: tag(x.State)},
		}})
	}
	return t
}

func tag(s State) web.Tag {
	tone := map[State]string{Open: "amber", Granted: "green", Refused: "red"}[s]
	return web.Tag{Words: string(s), Tone: tone}
}

// seen returns the request if the actor asked for it, may decide it, or
// decided a part of it. To anybody else it does not exist.
func (r *Room) seen(c *web.Ctx) (Approval, []int, error) {
	x, err := r.Get(c.Context(), c.Param("id"))
	if err != nil {
		return x, nil, err
	}
	places, err := r.places(c.Context(), x, c.Actor)
	if err != nil {
		return x, nil, err
	}
	sees := x.AskedBy == c.Actor.ID || len(places) > 0
	for _, p := range x.Parts {
		sees = sees || p.By == c.Actor.ID
	}
	if !sees {
		return x, nil, store.ErrNotFound
	}
	return x, places, nil
}

func (r *Room) showOne(c *web.Ctx) error {
	x, places, err := r.seen(c)
	if err != nil {
		return err
	}
	return showPage.Render(c, r.view(c, x, places))
}

func (r *Room) view(c *web.Ctx, x Approval, places []int) showView {
	v := showView{
		Base: web.Base{Title: x.Title, Crumbs: []web.Crumb{{Title: "Approvals", Path: "/approvals"}}},
		Link: web.Link{Title: "Look at what it is about", Path: x.Link},
		Mine: x.AskedBy == c.Actor.ID && x.State == Open,
		Take: web.Action{Path: "/approvals/" + x.ID + "/withdraw", Title: "Take it back", Quiet: true},
	}
	v.Facts.Rows = []web.SummaryRow{
		{Key: "State", Tags: []web.Tag{tag(x.State)}},
		{Key: "Asked by", Text: x.AskedName, When: c.Moment(x.AskedAt)},
		{Key: "Why", Text: x.Why},
		{Key: "Can be decided until", When: c.Moment(x.Expires)},
	}
	for _, p := range x.Parts {
		v.Facts.Rows = append(v.Facts.Rows, r.partRow(c, p))
	}
	if x.State != Open {
		return v
	}
	if len(places) > 0 { // somebody with two of the posts decides one after the other
		v.Decide = []decideForm{r.form(x, places[0])}
	}
	return v
}

func (r *Room) partRow(c *web.Ctx, p Part) web.SummaryRow {
	row := web.SummaryRow{Key: r.name(p.Decider)}
	if p.Decision == "" {
		row.Text = "has not decided"
		return row
	}
	row.Text = map[State]string{Granted: "yes, ", Refused: "no, "}[p.Decision] + p.Name
	row.When = c.Moment(p.At)
	if p.Paper {
		row.Lines = append(row.Lines, "Given on paper on "+p.On+", entered here.")
	}
	if p.Minute != "" {
		row.Lines = append(row.Lines, "Minute "+p.Minute+" of "+p.On+".")
	}
	if p.Note != "" {
		row.Lines = append(row.Lines, p.Note)
	}
	return row
}

func (r *Room) form(x Approval, i int) decideForm {
	p := x.Parts[i]
	return decideForm{
		Heading: "Decide as " + r.name(p.Decider), Path: "/approvals/" + x.ID + "/decide", Body: p.Body != "",
		Answer: web.Field{
			Kind: web.RadiosField, Name: "answer", Label: "Do you approve this?", Inline: true,
			Options: []web.Option{{Value: "yes", Label: "Yes"}, {Value: "no", Label: "No"}},
		},
		Note:   web.Field{Kind: web.LongField, Name: "note", Label: "Note", Hint: "Needed if the answer is no.", Optional: true, Rows: 3, Max: maxText},
		On:     web.Field{Kind: web.DateField, Name: "on", Label: "Day of the meeting"},
		Minute: web.Field{Name: "minute", Label: "Minute", Hint: "Its number in the minutes.", Max: 200, Width: 20},
		Hidden: []web.Hidden{{Name: "place", Value: string(rune('0' + i))}},
	}
}

func (r *Room) decide(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	x, places, err := r.seen(c)
	if err != nil {
		return err
	}
	place := placeOf(form)
	d := Decision{Place: place, Yes: form.Get("answer") == "yes", Note: form.Get("note"), Minute: form.Get("minute"), On: web.DateText(form, "on")}
	if a := form.Get("answer"); a != "yes" && a != "no" {
		err = store.Invalid{"answer": "Choose yes or no."}
	} else {
		x, err = r.Decide(c.Context(), x.ID, d)
	}
	if bad, ok := web.Wrong(err); ok {
		return r.again(c, x, places, form, bad)
	}
	if err != nil {
		return err
	}
	c.Notice("Your decision was kept.")
	return c.Redirect("/approvals/" + x.ID)
}

// placeOf reads which part a form is about; -1 is none.
func placeOf(form url.Values) int {
	s := form.Get("place")
	if len(s) != 1 || s[0] < '0' || s[0] >= '0'+maxDeciders {
		return -1
	}
	return int(s[0] - '0')
}

// again shows the form that came back with what is wrong.
func (r *Room) again(c *web.Ctx, x Approval, places []int, form url.Values, bad store.Invalid) error {
	v := r.view(c, x, places)
	for i := range v.Decide {
		f := &v.Decide[i]
		if f.Hidden[0].Value == form.Get("place") {
			v.Errors = web.Refill(form, bad, &f.Answer, &f.Note, &f.On, &f.Minute)
		}
	}
	if len(v.Errors.List) == 0 {
		return bad
	}
	return showPage.Status(422).Render(c, v)
}

func (r *Room) withdraw(c *web.Ctx) error {
	x, _, err := r.seen(c)
	if err != nil {
		return err
	}
	if err := r.Withdraw(c.Context(), x.ID); err != nil {
		return err
	}
	c.Notice("You took it back.")
	return c.Redirect("/approvals")
}
