package policies

import (
	"strings"

	"belisha/internal/kit/control"
	"belisha/internal/kit/web"
	"belisha/internal/school/policies/document"
)

var policyCrumb = web.Crumb{Title: "Policy", Path: "/policies"}

func controlLink(slug string) string { return "/policies/controls/" + slug }

// evidenceOf is a control's card.
func evidenceOf(c *web.Ctx, s ControlState) web.Evidence {
	e := web.Evidence{
		Title: s.Title, State: web.State{Is: s.State}, Figure: s.Figure, Rule: s.Rule, Source: s.Source, By: s.By,
		Owner: ownerTitle(s.Owner), Todo: s.Todo, Reason: s.Reason, Link: web.Link{Title: s.Title, Path: controlLink(s.Slug)},
	}
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
	v.List = web.Table{
		Caption: "Clauses that are not kept, worst first",
		Columns: []web.Column{{Title: "Clause"}, {Title: "State"}, {Title: "Why"}, {Title: "What to do"}, {Title: "Who owns it"}},
		Empty:   web.Empty{Title: "Every clause that can be looked at is kept", Words: "Looked at " + c.Words.Near(r.now()) + ". Clauses that are words only are not among them."},
	}
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
				{Text: cl.Text, Small: cl.Heading}, {State: web.State{Is: cl.State}}, {Text: w.Figure}, {Text: w.Todo}, {Text: ownerTitle(w.Owner)},
			}})
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
	v := clauseView{
		Base: web.Base{Title: cl.Heading, Crumbs: []web.Crumb{policyCrumb}},
		Text: clauseRuns(doc.Blocks, cl.ID), Mark: web.State{Is: cl.State}, Back: web.Link{Title: "Read it in the policy", Path: "/policies#clause-" + cl.ID},
	}
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
	for _, id := range r.text.Covers(dc) {
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
		return web.Panel{
			Tone: "note", Title: "Set here, and no control looks at it",
			Words: "The value below is in force. Nothing in Belisha shows whether the promise is kept.",
		}
	}
	return web.Panel{Tone: "note", Title: "Words only", Words: "People keep this promise. Nothing in Belisha enforces it or looks at it."}
}

func clauseSettings(cl ClauseState) web.Table {
	t := web.Table{
		Caption: "What this clause sets", ShowCaption: true,
		Columns: []web.Column{{Title: "Setting"}, {Title: "Value"}, {Title: "Where"}},
	}
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
