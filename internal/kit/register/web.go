package register

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"belisha/internal/kit/csvio"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

type listView struct {
	web.Base
	Filter web.Filter
	New    web.Link
	Export web.Download
	Table  web.Table
	Pager  web.Pager
}

type formView struct {
	web.Base
	Note   web.Panel
	Path   string
	Hidden []web.Hidden
	Fields []web.Field
	Button string
	Cancel web.Link
}

type showView struct {
	web.Base
	Edit    web.Link
	Facts   web.Summary
	Actions []web.Action
	Void    web.Link
	History web.Table
}

type voidView struct {
	web.Base
	Confirm web.Confirm
}

var (
	listPage = web.NewPage[listView](pages, "pages/list.html")
	formPage = web.NewPage[formView](pages, "pages/form.html")
	showPage = web.NewPage[showView](pages, "pages/show.html")
	voidPage = web.NewPage[voidView](pages, "pages/void.html")
)

func (m *Room[T, P]) path(parts ...string) string {
	p := "/registers/" + m.Name
	for _, x := range parts {
		p += "/" + x
	}
	return p
}

// Section is the register's pages.
func (m *Room[T, P]) Section() web.Section {
	one := m.path("{id}")
	return web.Section{
		Name: "registers." + m.Name, Title: m.Title,
		Menu: []web.MenuItem{{Title: m.Title, Path: m.path(), Needs: m.May("read"), Icon: "register", Area: "Records"}},
		Routes: []web.Route{
			{Pattern: "GET " + m.path(), Needs: m.May("read"), Do: m.showList},
			{Pattern: "POST " + m.path(), Needs: m.May("write"), Do: m.create},
			{Pattern: "GET " + m.path("new"), Needs: m.May("write"), Do: m.newForm},
			{Pattern: "GET " + m.path("export.csv"), Needs: m.May("export"), Do: m.export},
			{Pattern: "GET " + one, Needs: m.May("read"), Do: m.show},
			{Pattern: "POST " + one, Needs: m.May("write"), Do: m.save},
			{Pattern: "GET " + one + "/edit", Needs: m.May("write"), Do: m.editForm},
			{Pattern: "POST " + one + "/close", Needs: m.May("write"), Do: m.closeOne},
			{Pattern: "POST " + one + "/review", Needs: m.May("review"), Do: m.reviewOne},
			{Pattern: "GET " + one + "/void", Needs: m.May("review"), Do: m.voidForm},
			{Pattern: "POST " + one + "/void", Needs: m.May("review"), Do: m.voidOne},
		},
	}
}

const pageSize = 50

// query reads a list's query from the address.
func (m *Room[T, P]) query(c *web.Ctx) Query {
	page, err := strconv.Atoi(c.Query("page"))
	if err != nil || page < 1 || page > 1_000_000 {
		page = 1
	}
	q := Query{
		Words: c.Query("q"), State: State(c.Query("state")), Sort: c.Query("sort"), Up: c.Query("order") == "up",
		Only: map[string]string{}, Limit: pageSize, Offset: (page - 1) * pageSize,
	}
	if q.State != Open && q.State != Closed && q.State != Void {
		q.State = ""
	}
	if len(q.Words) > 100 {
		q.Words = q.Words[:100]
	}
	for _, f := range m.Fields {
		if f.kind == choiceKind {
			q.Only[f.Name] = c.Query(f.Name)
		}
	}
	return q
}

func (m *Room[T, P]) address(to string, q Query, page int) string {
	v := url.Values{}
	set := func(k, s string) {
		if s != "" {
			v.Set(k, s)
		}
	}
	set("q", q.Words)
	set("state", string(q.State))
	set("sort", q.Sort)
	if q.Up {
		v.Set("order", "up")
	}
	for k, s := range q.Only {
		set(k, s)
	}
	if page > 1 {
		v.Set("page", strconv.Itoa(page))
	}
	if len(v) == 0 {
		return to
	}
	return to + "?" + v.Encode()
}

func (m *Room[T, P]) showList(c *web.Ctx) error {
	q := m.query(c)
	all, total, err := m.List(c.Context(), q)
	if err != nil {
		return err
	}
	n := m.namer(c)
	v := listView{
		Base: web.Base{Title: m.Title, Lead: m.Lead, Wide: true, Marking: m.Marking}, Filter: m.filter(q, total),
		Table: web.Table{Caption: m.Title, Columns: m.columns(q), Empty: web.Empty{
			Title: "There is nothing here",
			Words: "Nothing was recorded, or nothing matches what you asked for.",
		}},
		Pager: m.pager(q, total),
	}
	if c.May(m.May("write")) {
		v.New = web.Link{Title: "Record a " + m.One, Path: m.path("new")}
	}
	if c.May(m.May("export")) {
		v.Export = web.Download{Title: "Export as a spreadsheet", Path: m.address(m.path("export.csv"), q, 1), Kind: "CSV"}
	}
	for _, r := range all {
		row := web.Row{Link: m.path(P(r).entry().ID), Faint: P(r).entry().State != Open}
		for _, f := range m.Fields {
			if f.opt.listed {
				row.Cells = append(row.Cells, n.cell(f.show(r, m.Zone())))
			}
		}
		row.Cells = append(row.Cells, web.Cell{Tag: stateTag(*P(r).entry())})
		v.Table.Rows = append(v.Table.Rows, row)
	}
	if n.err != nil {
		return n.err
	}
	return listPage.Render(c, v)
}

func stateTag(e Entry) web.Tag {
	switch {
	case e.State == Void:
		return web.Tag{Words: "void", Tone: "red"}
	case !e.ReviewedAt.IsZero():
		return web.Tag{Words: string(e.State) + ", signed off", Tone: "green"}
	case e.State == Open:
		return web.Tag{Words: "open", Tone: "amber"}
	}
	return web.Tag{Words: string(e.State)}
}

func (m *Room[T, P]) columns(q Query) []web.Column {
	var out []web.Column
	for _, f := range m.Fields {
		if !f.opt.listed {
			continue
		}
		col := web.Column{Title: f.Label, Numeric: f.kind == numberKind}
		if f.kind != personKind {
			next := q
			next.Sort, next.Up = f.Name, q.Sort != f.Name || !q.Up
			col.Sort = m.address(m.path(), next, 1)
			if q.Sort == f.Name {
				col.Sorted = map[bool]string{true: "ascending", false: "descending"}[q.Up]
			}
		}
		out = append(out, col)
	}
	return append(out, web.Column{Title: "State"})
}

func (m *Room[T, P]) filter(q Query, total int) web.Filter {
	state := web.Field{Kind: web.SelectField, Name: "state", Label: "State", Options: []web.Option{
		{Value: "", Label: "All but void"}, {Value: string(Open), Label: "Open"}, {Value: string(Closed), Label: "Closed"}, {Value: string(Void), Label: "Void"},
	}}
	f := web.Filter{
		Path: m.path(), Button: "Show", Matches: words.Count(total, m.One, m.One+"s"), Clear: m.path(),
		Fields: []web.Field{{Kind: web.SearchField, Name: "q", Label: "Words or a name", Value: q.Words, Max: 100}, state.Choose(string(q.State))},
	}
	for _, x := range m.Fields {
		if x.kind != choiceKind {
			continue
		}
		sel := web.Field{Kind: web.SelectField, Name: x.Name, Label: x.Label, Options: []web.Option{{Value: "", Label: "Any"}}}
		for _, o := range x.choices {
			sel.Options = append(sel.Options, web.Option{Value: o.Value, Label: o.Title})
		}
		f.Fields = append(f.Fields, sel.Choose(q.Only[x.Name]))
	}
	if q.Sort != "" {
		f.Hidden = []web.Hidden{{Name: "sort", Value: q.Sort}, {Name: "order", Value: map[bool]string{true: "up"}[q.Up]}}
	}
	return f
}

func (m *Room[T, P]) pager(q Query, total int) web.Pager {
	if total <= pageSize {
		return web.Pager{}
	}
	page := q.Offset/pageSize + 1
	p := web.Pager{Words: fmt.Sprintf("%s to %s of %s", words.Number(min(q.Offset+1, total)), words.Number(min(q.Offset+pageSize, total)), words.Number(total))}
	if page > 1 {
		p.Before = m.address(m.path(), q, page-1)
	}
	if q.Offset+pageSize < total {
		p.After = m.address(m.path(), q, page+1)
	}
	return p
}

const maxExport = 50_000 // rows

// export journals that it happens, and then sends what the list shows.
func (m *Room[T, P]) export(c *web.Ctx) error {
	q := m.query(c)
	_, total, err := m.List(c.Context(), q)
	if err != nil {
		return err
	}
	if total > maxExport {
		return store.Invalid{"": "This is more than one spreadsheet holds. Narrow the list and export it in parts."}
	}
	where, args, err := m.where(c.Context(), q)
	if err != nil {
		return err
	}
	err = m.DB.Write(c.Context(), func(tx *store.Tx) error {
		return m.Journal.Write(c.Context(), tx, journal.Entry{
			Verb: m.verb("exported"), Kind: m.Name + ".list",
			After: map[string]any{"rows": total, "words": q.Words, "state": q.State, "only": q.Only},
		})
	})
	if err != nil {
		return err
	}
	// Written whole before it is sent: a fault gives a page that says so, not
	// half a spreadsheet.
	var out bytes.Buffer
	if err := m.writeCSV(c, &out, where+m.order(q), args); err != nil {
		return err
	}
	return c.Send(m.Name+"-"+c.Now().In(m.Zone()).Format("2006-01-02")+".csv", "text/csv; charset=utf-8", &out)
}

func (m *Room[T, P]) writeCSV(c *web.Ctx, to io.Writer, tail string, args []any) error {
	w, err := csvio.NewWriter(to)
	if err != nil {
		return err
	}
	head := []string{"Number", "State", "Recorded", "Recorded by", "Signed off by", "Void because"}
	for _, f := range m.Fields {
		head = append(head, f.Label)
	}
	if err := w.Row(head...); err != nil {
		return err
	}
	n := m.namer(c)
	err = m.each(c.Context(), tail, args, func(r *T) error {
		e := P(r).entry()
		row := []string{e.ID, string(e.State), e.MadeAt.In(m.Zone()).Format("2006-01-02 15:04"), e.MadeName, e.ReviewedName, e.VoidReason}
		for _, f := range m.Fields {
			row = append(row, n.plain(f.show(r, m.Zone())))
		}
		if n.err != nil {
			return n.err
		}
		return w.Row(row...)
	})
	if err != nil {
		return err
	}
	return w.Close()
}
