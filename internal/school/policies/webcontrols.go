package policies

import (
	"context"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/policies/watch"
)

type controlsView struct {
	web.Base
	Ways []web.Link
	List web.Table
}

var controlsFile = web.NewPage[controlsView](pages, "pages/controls.html", "pages/ways.html")

func (r *Room) controlsPage(c *web.Ctx) error {
	states, named, err := r.allStates(c.Context())
	if err != nil {
		return err
	}
	v := controlsView{Base: web.Base{
		Title: "Controls", Crumbs: []web.Crumb{policyCrumb}, Wide: true,
		Lead: "What Belisha looks at to say whether a promise is being kept. A control that is not built yet is unknown, never kept.",
	}, Ways: ways(c)}
	v.List = web.Table{Caption: "Controls", Columns: []web.Column{{Title: "What must be true"}, {Title: "State"}, {Title: "Figure"}, {Title: "Last looked at"}, {Title: "In the policy"}}}
	for _, cat := range watch.Catalogue() {
		s := states[cat.Slug]
		row := web.Row{Link: controlLink(cat.Slug), Faint: s.At == nil, Cells: []web.Cell{
			{Text: s.Title, Small: s.Number + " " + s.Slug}, {State: web.State{Is: s.State}}, {Text: s.Figure}, {}, {Text: words.Count(named[cat.Slug], "clause", "clauses")},
		}}
		if s.At != nil {
			row.Cells[3].When = c.Ago(*s.At)
		}
		v.List.Rows = append(v.List.Rows, row)
	}
	return controlsFile.Render(c, v)
}

// allStates are all controls as they stand now, and in how many clauses each
// is named.
func (r *Room) allStates(ctx context.Context) (map[string]ControlState, map[string]int, error) {
	s, err := r.Status(ctx)
	if err != nil {
		return nil, nil, err
	}
	states, err := r.controlStates(ctx, s.doc, r.d.Live.Current(), r.now(), time.Time{})
	named := map[string]int{}
	for _, cl := range s.Clauses {
		for _, cs := range cl.Controls {
			named[cs.Slug]++
		}
	}
	return states, named, err
}

type controlView struct {
	web.Base
	Card    web.Evidence
	Rows    web.Table
	More    string
	History web.History
	Clauses []web.Link
	Asks    []string
	Look    web.Action
}

var controlFile = web.NewPage[controlView](pages, "pages/control.html")

func (r *Room) controlPage(c *web.Ctx) error {
	slug, ok := watch.Find(c.Param("slug"))
	if !ok {
		return storeNotFound
	}
	s, err := r.Status(c.Context())
	if err != nil {
		return err
	}
	states, err := r.controlStates(c.Context(), s.doc, r.d.Live.Current(), r.now(), time.Time{})
	if err != nil {
		return err
	}
	st := states[slug]
	v := controlView{
		Base: web.Base{Title: st.Title, Crumbs: []web.Crumb{policyCrumb, {Title: "Controls", Path: "/policies/controls"}}},
		Card: evidenceOf(c, st), Rows: findingRows(c, st.finding),
	}
	v.Card.Title, v.Card.Link = "What was found", web.Link{}
	if n := st.finding.Total - len(st.finding.Rows); n > 0 {
		v.More = words.Count(n, "more row is not shown.", "more rows are not shown.")
	}
	for _, cl := range s.Clauses {
		for _, cs := range cl.Controls {
			if cs.Slug == slug {
				v.Clauses = append(v.Clauses, web.Link{Title: cl.Text, Path: clauseLink(cl.ID)})
			}
		}
	}
	for _, id := range watch.BySlug(slug).Requirements {
		if req, ok := r.ledger.Get(id); ok {
			v.Asks = append(v.Asks, id+": "+req.Words)
		}
	}
	if r.watch.Built(slug) {
		v.Look = web.Action{Path: controlLink(slug) + "/look", Title: "Look again now", Quiet: true}
		if v.History, err = r.strip(c, slug); err != nil {
			return err
		}
	}
	return controlFile.Render(c, v)
}

func findingRows(c *web.Ctx, f control.Finding) web.Table {
	t := web.Table{Caption: "The evidence", ShowCaption: true, Columns: []web.Column{{Title: "What"}, {Title: "State"}, {Title: "When"}}}
	for _, row := range f.Rows {
		cells := []web.Cell{{Text: row.What}, {State: web.State{Is: row.State}}, {}}
		if !row.At.IsZero() {
			cells[2].When = c.Near(row.At)
		}
		t.Rows = append(t.Rows, web.Row{Link: web.SafePath(row.Link), Cells: cells})
	}
	return t
}

const stripDays = 21

// strip is the worst state of each of the last days.
func (r *Room) strip(c *web.Ctx, slug string) (web.History, error) {
	today := r.now().In(c.Words.Zone())
	first := time.Date(today.Year(), today.Month(), today.Day()-stripDays+1, 0, 0, 0, 0, c.Words.Zone())
	found, err := r.watch.Since(c.Context(), slug, first)
	if err != nil {
		return web.History{}, err
	}
	h := web.History{Caption: "The worst state of each day, three weeks"}
	for i := range stripDays {
		from := first.AddDate(0, 0, i)
		h.Points = append(h.Points, web.HistoryPoint{
			Label: c.Words.ShortDate(from), State: web.State{Is: worstBetween(found, from, from.AddDate(0, 0, 1))},
			Link: "/policies?on=" + from.Format(time.DateOnly),
		})
	}
	return h, nil
}

// worstBetween is unknown where nothing was found.
func worstBetween(found []watch.Found, from, to time.Time) control.State {
	var states []control.State
	for _, f := range found {
		if f.Since.Before(to) && !f.Seen.Before(from) {
			states = append(states, f.Finding.State)
		}
	}
	if len(states) == 0 {
		return control.Unknown
	}
	return control.Worst(states)
}

func (r *Room) lookAgain(c *web.Ctx) error {
	slug, ok := watch.Find(c.Param("slug"))
	if !ok || !r.watch.Built(slug) {
		return storeNotFound
	}
	if err := r.RunControls(c.Context(), slug); err != nil {
		return err
	}
	c.Notice("Looked at again just now.")
	return c.Redirect(controlLink(slug))
}
