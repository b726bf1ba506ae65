package review

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/csvio"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

// journalFilter reads the filter from the address.
func journalFilter(c *web.Ctx) journal.Filter {
	f := journal.Filter{Kind: c.Query("kind"), ID: c.Query("id"), Actor: c.Query("actor"), Limit: 50}
	if v := c.Query("verb"); v != "" {
		f.Verbs = []journal.Verb{journal.Verb(v)}
	}
	if d, err := time.ParseInLocation("2006-01-02", c.Query("from"), c.Words.Zone()); err == nil {
		f.From = d
	}
	if d, err := time.ParseInLocation("2006-01-02", c.Query("to"), c.Words.Zone()); err == nil {
		f.To = d.AddDate(0, 0, 1)
	}
	if n, err := strconv.ParseInt(c.Query("before"), 10, 64); err == nil {
		f.Before = n
	}
	return f
}

func (r *Room) journal(c *web.Ctx) error {
	f := journalFilter(c)
	lines, err := r.d.Journal.List(c.Context(), f)
	if err != nil {
		return err
	}
	v := journalView{
		Base: web.Base{
			Title: "Journal", Wide: true,
			Lead:    "Who did, saw or decided what. Lines are chained: none can be changed or taken out unnoticed.",
			Exports: []web.Download{{Title: "Export these lines", Path: "/journal.csv?" + c.R.URL.RawQuery, Kind: "CSV"}},
		},
	}
	v.Filter = web.Filter{
		Path: "/journal", Button: "Show", Clear: "/journal",
		Fields: []web.Field{
			{Kind: web.DayField, Name: "from", Label: "From", Value: c.Query("from"), Optional: true},
			{Kind: web.DayField, Name: "to", Label: "To", Value: c.Query("to"), Optional: true},
			{Name: "verb", Label: "What happened", Hint: "Such as policy.activated", Value: c.Query("verb"), Optional: true},
			{Name: "kind", Label: "About", Hint: "Such as account or policy", Value: c.Query("kind"), Optional: true},
		},
	}
	if len(lines) == f.Limit {
		q := c.R.URL.Query()
		q.Set("before", strconv.FormatInt(lines[len(lines)-1].Seq, 10))
		v.Pager = web.Pager{After: "/journal?" + q.Encode(), Words: "Older lines follow"}
	}
	v.Table = r.lines(c, visible(c.Actor, lines))
	return journalPage.Render(c, v)
}

func (r *Room) lines(c *web.Ctx, lines []journal.Line) web.Table {
	t := web.Table{
		Caption: "Lines of the journal, newest first",
		Columns: []web.Column{{Title: "Line", Numeric: true}, {Title: "What happened"}, {Title: "Who"}, {Title: "When"}},
		Empty:   web.Empty{Title: "No line fits", Words: "Widen the dates, or clear the filter."},
	}
	for _, l := range lines {
		said := l.Says
		if said == "" {
			said = string(l.Verb)
		}
		t.Rows = append(t.Rows, web.Row{
			Link: "/journal/" + strconv.FormatInt(l.Seq, 10),
			Cells: []web.Cell{
				{Text: words.Number(int(l.Seq))},
				{Text: said, Small: l.Kind},
				{Text: r.d.Names(c.Context(), l.Actor)},
				{When: c.Near(l.At)},
			},
		})
	}
	return t
}

func (r *Room) line(c *web.Ctx) error {
	n, err := strconv.ParseInt(c.Param("seq"), 10, 64)
	if err != nil || n < 1 {
		return store.ErrNotFound
	}
	lines, err := r.d.Journal.List(c.Context(), journal.Filter{Before: n + 1, Limit: 1})
	if err != nil {
		return err
	}
	if len(lines) != 1 || lines[0].Seq != n || len(visible(c.Actor, lines)) == 0 {
		return store.ErrNotFound
	}
	l := lines[0]
	v := lineView{
		Base:   web.Base{Title: "Line " + words.Number(int(n)), Crumbs: []web.Crumb{{Title: "Journal", Path: "/journal"}}},
		Erased: l.Erased,
	}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "What happened", Text: l.Says, Lines: []string{string(l.Verb)}},
		{Key: "Who", Text: r.d.Names(c.Context(), l.Actor)},
		{Key: "When", When: c.Moment(l.At)},
		{Key: "About", Text: l.Kind + " " + l.ID},
		{Key: "Chain", Text: l.Hash[:16]},
	}
	if l.OnBehalf != "" {
		v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "On behalf of", Text: r.d.Names(c.Context(), l.OnBehalf)})
	}
	if v.Hidden = r.hidden(c.Actor, l); !v.Hidden {
		v.Detail = pretty(l.Detail)
	}
	return linePage.Render(c, v)
}

func pretty(raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "{}" {
		return ""
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return string(raw)
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the template escapes
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return string(raw)
	}
	return b.String()
}

// mostExported bounds an export of the journal from a page; the command line
// exports it whole.
const mostExported = 10_000

func (r *Room) export(c *web.Ctx) error {
	f := journalFilter(c)
	f.Limit = 500
	var b strings.Builder
	w, err := csvio.NewWriter(&b)
	if err != nil {
		return err
	}
	if err := w.Row("line", "at", "actor", "verb", "says", "kind", "record", "detail", "hash"); err != nil {
		return err
	}
	for n := 0; n < mostExported; n += f.Limit {
		lines, err := r.d.Journal.List(c.Context(), f)
		if err != nil {
			return err
		}
		full := len(lines) == f.Limit
		for _, l := range lines {
			f.Before = l.Seq
		}
		for _, l := range visible(c.Actor, lines) {
			if r.hidden(c.Actor, l) {
				l.Detail = nil
			}
			row := []string{fmt.Sprint(l.Seq), l.At.Format(time.RFC3339), l.Actor, string(l.Verb), l.Says, l.Kind, l.ID, string(l.Detail), l.Hash}
			if err := w.Row(row...); err != nil {
				return err
			}
		}
		if !full {
			break
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Send("journal.csv", "text/csv; charset=utf-8", io.Reader(strings.NewReader(b.String())))
}
