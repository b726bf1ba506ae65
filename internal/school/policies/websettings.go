package policies

import (
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/web"
	"belisha/internal/school/policies/document"
)

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
	doc := r.reading.of(ver)
	v := settingsView{Base: web.Base{
		Title: "Settings", Crumbs: []web.Crumb{policyCrumb}, Wide: true,
		Lead: "What is in force, and the sentence that says so. A setting that no sentence decides has its safe default, and nobody has confirmed it.",
	}, Ways: ways(c)}
	v.List = web.Table{Caption: "Settings", Columns: []web.Column{{Title: "Setting"}, {Title: "Value"}, {Title: "Who says so"}}}
	for _, key := range values.Book().Keys() {
		s, _ := values.Book().Get(key)
		all := values.All(key)
		for i, val := range all {
			if !val.Confirmed && i > 0 && all[i-1].Scope == (setting.Scope{}) {
				continue // the default behind a confirmed value for the whole school
			}
			v.List.Rows = append(v.List.Rows, web.Row{Cells: []web.Cell{
				{Text: s.Title, Small: key}, {Text: saidWhere(val), Small: s.Advice}, sayer(doc, val),
			}})
		}
	}
	return settingsFile.Render(c, v)
}

// saidWhere is a value with the people or the place that it is narrowed to.
func saidWhere(val setting.Value) string {
	if where := document.ScopeWords(val.Scope); where != "" {
		return said(val) + " (" + where + " only)"
	}
	return said(val)
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
	v := journalView{Base: web.Base{
		Title: "What changed", Crumbs: []web.Crumb{policyCrumb}, Wide: true,
		Lead: "Texts proposed, approved and put in force; settings that changed; promises whose state turned.",
	}, Ways: ways(c)}
	v.List = web.Table{
		Caption: "Lines of the journal", Columns: []web.Column{{Title: "What"}, {Title: "About"}, {Title: "Before and after"}, {Title: "Who"}, {Title: "When"}},
		Empty: web.Empty{Title: "Nothing has changed yet"},
	}
	for _, l := range lines {
		v.List.Rows = append(v.List.Rows, web.Row{Cells: []web.Cell{{Text: l.Says}, {Text: aboutLine(l)}, {Text: saidDetail(l.Detail)}, {Text: r.name(c, l.Actor)}, {When: c.Near(l.At)}}})
	}
	if len(lines) == journalLines {
		v.Pager.After = "/policies/journal?before=" + seqWords(lines[len(lines)-1].Seq)
	}
	return journalFile.Render(c, v)
}
