package policies

import (
	"context"
	"strings"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/policies/document"
)

var policyCrumb = web.Crumb{Title: "Policy", Path: "/policies"}

func controlLink(slug string) string { return "/policies/controls/" + slug }

// evidenceOf is a control's card.
func evidenceOf(c *web.Ctx, s ControlState) web.Evidence {
	e := web.Evidence{Title: s.Title, State: web.State{Is: s.State}, Figure: s.Figure, Rule: s.Rule, Source: s.Source, By: s.By,
		Owner: ownerTitle(s.Owner), Todo: s.Todo, Reason: s.Reason, Link: web.Link{Title: s.Title, Path: controlLink(s.Slug)}}
	if s.At != nil {
		e.When = c.Ago(*s.At)
	}
	if s.Reason != "" && s.Review != "" {
		e.Reason += ". Looked at again on " + s.Review + "."
	}
	return e
}

// ownerTitle says a post as a page does: "Network manager".
func ownerTitle(post string) string {
	if post == "" {
		return ""
	}
	w := strings.ReplaceAll(post, "-", " ")
	return strings.ToUpper(w[:1]) + w[1:]
}

type notKeptView struct {
	web.Base
	Ways []web.Link
	Said string
	List web.Table
}

var notKeptFile = web.NewPage[notKeptView](pages, "pages/notkept.html", "pages/ways.html")

func (r *Room) notKeptPage(c *web.Ctx) error {
	s, err := r.Status(c.Context())
	if err != nil {
		return err
	}
	v := notKeptView{Base: web.Base{Title: "What is not being kept", Crumbs: []web.Crumb{policyCrumb}, Wide: true}, Ways: ways(c), Said: saidCounts(s.Counts)}
	v.List = web.Table{Caption: "Clauses that are not kept, worst first",
		Columns: []web.Column{{Title: "Clause"}, {Title: "State"}, {Title: "Why"}, {Title: "What to do"}, {Title: "Who owns it"}},
		Empty:   web.Empty{Title: "Every clause that can be looked at is kept", Words: "Looked at " + c.Words.Near(r.now()) + ". Clauses that are words only are not among them."}}
	if s.Policy == nil {
		v.Said = "No policy is in force."
		v.List.Empty = r.noPolicy(c)
	}
	for _, want := range []control.State{control.Broken, control.AtRisk, control.Unknown} {
		for _, cl := range s.Clauses {
			if cl.State != want {
				continue
			}
			w := worstOf(cl)
			v.List.Rows = append(v.List.Rows, web.Row{Link: clauseLink(cl.ID), Cells: []web.Cell{
				{Text: cl.Text, Small: cl.Heading}, {State: web.State{Is: cl.State}}, {Text: w.Figure}, {Text: w.Todo}, {Text: ownerTitle(w.Owner)}}})
		}
	}
	return notKeptFile.Render(c, v)
}

type clauseView struct {
	web.Base
	Text     []document.Run
	Mark     web.State
	Settings web.Table
	Cards    []web.Evidence
	WordsTo  web.Panel // for a clause without a control
	Asks     []string  // what the ledger asks
	Propose  web.Link
	Back     web.Link
}

var clauseFile = web.NewPage[clauseView](pages, "pages/clause.html", "pages/prose.html")

func (r *Room) clausePage(c *web.Ctx) error {
	s, err := r.Status(c.Context())
	if err != nil {
		return err
	}
	for _, cl := range s.Clauses {
		if cl.ID == c.Param("id") {
			return clauseFile.Render(c, r.clauseViewOf(c, s.doc, cl))
		}
	}
	return known(storeNotFound)
}

func (r *Room) clauseViewOf(c *web.Ctx, doc *document.Doc, cl ClauseState) clauseView {
	v := clauseView{Base: web.Base{Title: cl.Heading, Crumbs: []web.Crumb{policyCrumb}},
		Text: clauseRuns(doc.Blocks, cl.ID), Mark: web.State{Is: cl.State}, Back: web.Link{Title: "Read it in the policy", Path: "/policies#clause-" + cl.ID}}
	if v.Title == "" {
		v.Title = "Clause"
	}
	for _, st := range cl.Controls {
		v.Cards = append(v.Cards, evidenceOf(c, st))
	}
	v.WordsTo = wordsOnlyPanel(cl)
	v.Settings = clauseSettings(cl)
	dc, _ := doc.Clause(cl.ID)
	seen := map[string]bool{}
	for _, id := range r.checks.covers(dc) {
		if req, ok := r.ledger.Get(id); ok && !seen[id] {
			seen[id] = true
			v.Asks = append(v.Asks, id+": "+req.Words)
		}
	}
	if c.May(MayEdit) {
		v.Propose = web.Link{Title: "Propose a new version", Path: "/policies/propose"}
	}
	return v
}

func wordsOnlyPanel(cl ClauseState) web.Panel {
	switch {
	case len(cl.Controls) > 0:
		return web.Panel{}
	case len(cl.Settings) > 0:
		return web.Panel{Tone: "note", Title: "Set here, and no control looks at it",
			Words: "The value below is in force. Nothing in Belisha shows whether the promise is kept."}
	}
	return web.Panel{Tone: "note", Title: "Words only", Words: "People keep this promise. Nothing in Belisha enforces it or looks at it."}
}

func clauseSettings(cl ClauseState) web.Table {
	t := web.Table{Caption: "What this clause sets", ShowCaption: true,
		Columns: []web.Column{{Title: "Setting"}, {Title: "Value"}, {Title: "Where"}}}
	for _, s := range cl.Settings {
		value := web.Cell{Text: s.Words, Small: s.Advice}
		if s.Reason != "" {
			value.Small = s.Reason
		}
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{Text: s.Title, Small: s.Key}, value, {Text: wholeSchool(s.Where)}}})
	}
	return t
}

func wholeSchool(where string) string {
	if where == "" {
		return "the whole school"
	}
	return where
}

// clauseRuns finds the words of a clause with their marks.
func clauseRuns(blocks []document.Block, id string) []document.Run {
	for _, b := range blocks {
		if b.Clause != nil && b.Clause.ID == id {
			if b.Kind != document.RowBlock {
				return b.Runs
			}
			var all []document.Run
			for i, cell := range b.Cells {
				if i > 0 {
					all = append(all, document.Run{Text: " · "})
				}
				all = append(all, cell...)
			}
			return all
		}
		if r := clauseRuns(b.Children, id); r != nil {
			return r
		}
	}
	return nil
}

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
	v := controlsView{Base: web.Base{Title: "Controls", Crumbs: []web.Crumb{policyCrumb}, Wide: true,
		Lead: "What Belisha looks at to say whether a promise is being kept. A control that is not built yet is unknown, never kept."}, Ways: ways(c)}
	v.List = web.Table{Caption: "Controls", Columns: []web.Column{{Title: "What must be true"}, {Title: "State"}, {Title: "Figure"}, {Title: "Last looked at"}, {Title: "In the policy"}}}
	for _, cat := range catalogue {
		s := states[cat.slug]
		row := web.Row{Link: controlLink(cat.slug), Faint: s.At == nil, Cells: []web.Cell{
			{Text: s.Title, Small: s.Number + " " + s.Slug}, {State: web.State{Is: s.State}}, {Text: s.Figure}, {}, {Text: words.Count(named[cat.slug], "clause", "clauses")}}}
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
	slug, ok := r.known[strings.ToLower(c.Param("slug"))]
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
	v := controlView{Base: web.Base{Title: st.Title, Crumbs: []web.Crumb{policyCrumb, {Title: "Controls", Path: "/policies/controls"}}},
		Card: evidenceOf(c, st), Rows: findingRows(c, st.finding)}
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
	for _, id := range catalogueBySlug(slug).requirements {
		if req, ok := r.ledger.Get(id); ok {
			v.Asks = append(v.Asks, id+": "+req.Words)
		}
	}
	if _, built := r.checks.built[slug]; built {
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

const stripDays = 30

// strip is the worst state of each of the last days.
func (r *Room) strip(c *web.Ctx, slug string) (web.History, error) {
	today := r.now().In(c.Words.Zone())
	first := time.Date(today.Year(), today.Month(), today.Day()-stripDays+1, 0, 0, 0, 0, c.Words.Zone())
	found, err := findingsSince(c.Context(), r.d.DB, slug, first)
	if err != nil {
		return web.History{}, err
	}
	h := web.History{Caption: "The worst state of each day, 30 days"}
	for i := range stripDays {
		from := first.AddDate(0, 0, i)
		h.Points = append(h.Points, web.HistoryPoint{Label: c.Words.ShortDate(from), State: web.State{Is: worstBetween(found, from, from.AddDate(0, 0, 1))},
			Link: "/policies?on=" + from.Format(time.DateOnly)})
	}
	return h, nil
}

// worstBetween is unknown where nothing was found.
func worstBetween(found []Found, from, to time.Time) control.State {
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
	slug, ok := r.known[strings.ToLower(c.Param("slug"))]
	if _, built := r.checks.built[slug]; !ok || !built {
		return storeNotFound
	}
	if err := r.RunControls(c.Context(), slug); err != nil {
		return err
	}
	c.Notice("Looked at again just now.")
	return c.Redirect(controlLink(slug))
}

type settingsView struct {
	web.Base
	Ways []web.Link
	List web.Table
}

var settingsFile = web.NewPage[settingsView](pages, "pages/controls.html", "pages/ways.html")

func (r *Room) settingsPage(c *web.Ctx) error {
	values := r.d.Live.Current()
	_, ver, err := r.inForce(c.Context(), r.d.DB)
	if err != nil && known(err) != storeNotFound {
		return err
	}
	doc := docOf(ver)
	v := settingsView{Base: web.Base{Title: "Settings", Crumbs: []web.Crumb{policyCrumb}, Wide: true,
		Lead: "What is in force, and the sentence that says so. A setting that no sentence decides has its safe default, and nobody has confirmed it."}, Ways: ways(c)}
	v.List = web.Table{Caption: "Settings", Columns: []web.Column{{Title: "Setting"}, {Title: "Value"}, {Title: "Where"}, {Title: "Who says so"}}}
	for _, key := range values.Book().Keys() {
		s, _ := values.Book().Get(key)
		all := values.All(key)
		for i, val := range all {
			if !val.Confirmed && i > 0 && all[i-1].Scope == (setting.Scope{}) {
				continue // the default behind a confirmed value for the whole school
			}
			v.List.Rows = append(v.List.Rows, web.Row{Cells: []web.Cell{
				{Text: s.Title, Small: key}, {Text: said(val), Small: s.Advice}, {Text: wholeSchool(document.ScopeWords(val.Scope))}, sayer(doc, val)}})
		}
	}
	return settingsFile.Render(c, v)
}

// sayer is the clause that says a value.
func sayer(doc *document.Doc, val setting.Value) web.Cell {
	switch cl, ok := doc.Clause(val.Clause); {
	case !val.Confirmed:
		return web.Cell{Text: "Safe default, unconfirmed", Tag: web.Tag{Words: "unconfirmed"}}
	case ok:
		return web.Cell{Text: cl.Text, Link: clauseLink(cl.ID)}
	}
	return web.Cell{Text: "The first lines of the policy", Link: "/policies"}
}

type journalView struct {
	web.Base
	Ways  []web.Link
	List  web.Table
	Pager web.Pager
}

var journalFile = web.NewPage[journalView](pages, "pages/journal.html", "pages/ways.html")

const journalLines = 100

func (r *Room) journalPage(c *web.Ctx) error {
	f := journal.Filter{Limit: journalLines, Before: readSeq(c.Query("before"))}
	for _, verb := range Verbs {
		f.Verbs = append(f.Verbs, verb.Verb)
	}
	lines, err := r.d.Journal.List(c.Context(), f)
	if err != nil {
		return err
	}
	v := journalView{Base: web.Base{Title: "What changed", Crumbs: []web.Crumb{policyCrumb}, Wide: true,
		Lead: "Texts proposed, approved and put in force; settings that changed; promises whose state turned."}, Ways: ways(c)}
	v.List = web.Table{Caption: "Lines of the journal", Columns: []web.Column{{Title: "What"}, {Title: "About"}, {Title: "Before and after"}, {Title: "Who"}, {Title: "When"}},
		Empty: web.Empty{Title: "Nothing has changed yet"}}
	for _, l := range lines {
		v.List.Rows = append(v.List.Rows, web.Row{Cells: []web.Cell{{Text: l.Says}, {Text: aboutLine(l)}, {Text: saidDetail(l.Detail)}, {Text: l.Actor}, {When: c.Near(l.At)}}})
	}
	if len(lines) == journalLines {
		v.Pager.After = "/policies/journal?before=" + seqWords(lines[len(lines)-1].Seq)
	}
	return journalFile.Render(c, v)
}
