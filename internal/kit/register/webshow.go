package register

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/web"
)

// shown is a field's value on its way to a reader.
type shown struct {
	text   string
	person string
	at     time.Time
}

// show returns the value for readers; a person still has to be named.
func (f *Field[T]) show(r *T, zone *time.Location) shown { return f.showText(f.text(r, zone), zone) }

// showText is show for the text that a form or the journal has.
func (f *Field[T]) showText(s string, zone *time.Location) shown {
	switch f.kind {
	case personKind:
		return shown{person: s}
	case choiceKind:
		return shown{text: f.titleOf(s)}
	case momentKind:
		if t, err := time.ParseInLocation(momentForm, s, zone); err == nil {
			return shown{at: t}
		}
	case dayKind:
		if t, err := time.Parse(time.DateOnly, s); err == nil {
			return shown{text: t.Format("2 January 2006")}
		}
	}
	return shown{text: s}
}

// namer names people, each once, and remembers the first error.
type namer struct {
	c     *web.Ctx
	from  People
	known map[string]string
	err   error
}

func (m *Room[T, P]) namer(c *web.Ctx) *namer {
	return &namer{c: c, from: m.People, known: map[string]string{}}
}

func (n *namer) name(id string) string {
	if id == "" {
		return ""
	}
	if s, ok := n.known[id]; ok {
		return s
	}
	s, ok, err := n.from.Person(n.c.Context(), id)
	if err != nil && n.err == nil {
		n.err = err
	}
	if !ok {
		s = "somebody no longer on the roll"
	}
	n.known[id] = s
	return s
}

func (n *namer) cell(s shown) web.Cell {
	if !s.at.IsZero() {
		return web.Cell{When: n.c.Near(s.at)}
	}
	return web.Cell{Text: s.text + n.name(s.person)}
}

func (n *namer) plain(s shown) string {
	if !s.at.IsZero() {
		return s.at.In(n.c.Words.Zone()).Format("2006-01-02 15:04")
	}
	return s.text + n.name(s.person)
}

func (m *Room[T, P]) found(c *web.Ctx) (*T, error) { return m.Get(c.Context(), c.Param("id")) }

func (m *Room[T, P]) show(c *web.Ctx) error {
	r, err := m.found(c)
	if err != nil {
		return err
	}
	e, n := P(r).entry(), m.namer(c)
	v := showView{Base: web.Base{
		Title: strings.ToUpper(m.One[:1]) + m.One[1:], Marking: m.Marking,
		Crumbs: []web.Crumb{{Title: m.Title, Path: m.path()}},
	}}
	for _, f := range m.Fields {
		s := f.show(r, m.Zone())
		row := web.SummaryRow{Key: f.Label, Text: s.text + n.name(s.person)}
		switch {
		case !s.at.IsZero():
			row.When = c.Moment(s.at)
		case row.Text == "":
			row.Text = "not filled in"
		}
		v.Facts.Rows = append(v.Facts.Rows, row)
	}
	v.Facts.Rows = append(v.Facts.Rows, entryRows(c, e)...)
	m.actions(c, &v, e)
	if v.History, err = m.history(c, n, e.ID); err != nil {
		return err
	}
	if n.err != nil {
		return n.err
	}
	return showPage.Render(c, v)
}

func entryRows(c *web.Ctx, e *Entry) []web.SummaryRow {
	rows := []web.SummaryRow{
		{Key: "State", Tags: []web.Tag{stateTag(*e)}},
		{Key: "Recorded by", Text: e.MadeName + ",", When: c.Moment(e.MadeAt)},
	}
	if !e.ReviewedAt.IsZero() {
		rows = append(rows, web.SummaryRow{Key: "Signed off by", Text: e.ReviewedName + ",", When: c.Moment(e.ReviewedAt)})
	}
	if e.State == Void {
		rows = append(rows, web.SummaryRow{Key: "Void because", Text: e.VoidReason})
	}
	return rows
}

// actions are the buttons that this reader may use on this record now.
func (m *Room[T, P]) actions(c *web.Ctx, v *showView, e *Entry) {
	if e.State == Void {
		return
	}
	version := []web.Hidden{{Name: "version", Value: strconv.FormatInt(e.Version, 10)}}
	if c.May(m.May("write")) {
		v.Edit = web.Link{Title: "Change this record", Path: m.path(e.ID, "edit")}
		if e.State == Open {
			v.Actions = append(v.Actions, web.Action{Path: m.path(e.ID, "close"), Title: m.CloseTitle, Hidden: version})
		}
	}
	if c.May(m.May("review")) {
		if e.ReviewedAt.IsZero() && e.MadeBy != c.Actor.ID {
			v.Actions = append(v.Actions, web.Action{Path: m.path(e.ID, "review"), Title: "Sign it off", Quiet: true, Hidden: version})
		}
		v.Void = web.Link{Title: "This was recorded by mistake", Path: m.path(e.ID, "void")}
	}
}

// history is what the journal tells of the record.
func (m *Room[T, P]) history(c *web.Ctx, n *namer, id string) (web.Table, error) {
	t := web.Table{Caption: "What happened to this record", Columns: []web.Column{{Title: "When"}, {Title: "Who"}, {Title: "What"}}}
	lines, err := m.Journal.List(c.Context(), journal.Filter{Kind: m.Name, ID: id, Limit: 100})
	if err != nil {
		return t, err
	}
	for _, l := range lines {
		what := strings.TrimPrefix(string(l.Verb), m.Name+".")
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{
			{When: c.Moment(l.At)},
			{Text: m.who(n, l.Actor)},
			{Text: what, Small: m.changes(n, l.Detail)},
		}})
	}
	return t, nil
}

func (m *Room[T, P]) who(n *namer, id string) string {
	person, ok := strings.CutPrefix(id, "person:")
	if !ok || m.People == nil {
		return id
	}
	return n.name(person)
}

// changes tells a line's detail field by field.
func (m *Room[T, P]) changes(n *namer, detail json.RawMessage) string {
	var d struct {
		Before, After map[string]string
		Reason        string
	}
	if len(detail) == 0 || json.Unmarshal(detail, &d) != nil {
		return ""
	}
	var out []string
	for _, f := range m.Fields {
		now, changed := d.After[f.Name]
		if !changed {
			continue
		}
		s := f.Label + ": " + n.plain(f.showText(now, m.Zone()))
		if was := d.Before[f.Name]; was != "" {
			s += " (was: " + n.plain(f.showText(was, m.Zone())) + ")"
		}
		out = append(out, s)
	}
	if d.Reason != "" {
		out = append(out, d.Reason)
	}
	return strings.Join(out, "; ")
}
