package monitoring

import (
	"fmt"
	"net/url"
	"strconv"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

// shownRows is how many rows of a sample one page holds.
const shownRows = 10

type sampleView struct {
	web.Base
	Panels  []web.Panel
	Summary web.Summary
	Path    string
	Hidden  []web.Hidden
	Rows    []sampleRow
	Button  string
	Pager   web.Pager
}

type sampleRow struct {
	Title   string
	Facts   web.Summary
	Open    bool
	Hidden  []web.Hidden
	Finding web.Field
	Log     web.Link
}

var samplePage = web.NewPage[sampleView](pages, "pages/sample.html")

// samples lists the turns and their samples, without a row.
func (r *Room) samplesView(c *web.Ctx) (sheetView, error) {
	v := sheetView{Base: web.Base{
		Title: "Random samples", Lead: "Once every " + r.values().Choice(keyDrawEvery) + ", at a moment that nobody knows, " +
			words.Count(int(r.values().Int(keyDrawSize)), "row", "rows") + " of web activity in school hours are drawn. A monitor judges each of them, and nobody is named before a row needs it.",
	}}
	counted, err := r.countedOnly(c)
	if err != nil {
		return v, err
	}
	v.Panels = []web.Panel{counted}
	t := web.Table{
		Caption: "Samples", Columns: []web.Column{{Title: "Sample of"}, {Title: "Drawn"}, {Title: "Judged"}, {Title: "State"}},
		Empty: web.Empty{Title: "No sample was drawn yet", Words: "The first one is drawn by itself, once names are recorded."},
	}
	since, on, err := r.RecordingSince(c.Context())
	if err != nil {
		return v, err
	}
	if on {
		turns, err := r.turns(c.Context(), c.Now(), since, r.values().Choice(keyDrawEvery))
		if err != nil {
			return v, err
		}
		for _, x := range turns {
			t.Rows = append(t.Rows, turnRow(c, x))
		}
	}
	v.Tables = []web.Table{t}
	v.Texts = []sheetText{{
		"How a sample is drawn", "When a sample is planned a secret number is chosen, and its SHA-256 digest goes into the journal. When the sample is drawn the number is told there as well. Row i follows from HMAC-SHA256 of the number and i, so anybody can work out that nobody picked the rows by hand. What went to the safeguarding lead, and visits to help services, are never drawn.",
	}}
	return v, nil
}

func turnRow(c *web.Ctx, x sampleTurn) web.Row {
	row := web.Row{Cells: []web.Cell{{Text: x.period.Words()}, {Text: "not yet"}, {}, {}}}
	tag := web.Tag{Words: "to be drawn"}
	switch {
	case x.missed:
		tag = web.Tag{Words: "missed", Tone: "red"}
		row.Cells[1].Text = "never"
	case x.draw.Drawn.IsZero():
	default:
		row.Cells[1] = web.Cell{When: c.Near(x.draw.Drawn)}
		row.Cells[2] = web.Cell{Text: fmt.Sprintf("%d of %d", x.draw.Judged, x.draw.Rows)}
		tag = web.Tag{Words: "to be judged", Tone: "amber"}
		row.Cells[3].Small = "by " + c.Words.Date(x.due)
		if x.draw.Complete() && x.draw.Rows == 0 {
			tag = web.Tag{Words: "nothing to draw from", Tone: "amber"}
		} else if x.draw.Complete() {
			tag = web.Tag{Words: "complete", Tone: "green"}
		} else if x.late {
			tag = web.Tag{Words: "late", Tone: "red"}
		}
		if c.May(MayRead) {
			row.Link = pathDraws + "/" + x.draw.ID
		}
	}
	row.Cells[3].Tag = tag
	return row
}

func (r *Room) sampleView(c *web.Ctx) (sampleView, error) {
	after, _ := strconv.Atoi(c.Query("after"))
	id := c.Param("id")
	d, rows, p, err := r.OpenDraw(c.Context(), id, max(after, 0), shownRows+1)
	if err != nil {
		return sampleView{}, err
	}
	path := pathDraws + "/" + url.PathEscape(id)
	v := sampleView{
		Base: web.Base{
			Title: "A random sample", Lead: "Judge what was asked for, not who asked. A name is shown only where a row needs it, with how sure the record is of the person.",
			Crumbs: []web.Crumb{{Title: "Random samples", Path: pathDraws}}, Marking: marking,
		},
		Path: path, Hidden: []web.Hidden{{Name: "after", Value: strconv.Itoa(after)}},
		Panels: []web.Panel{{Title: "You are looking for: " + titleOf(purposes, p.Purpose), Words: "This counts until " + c.Words.Clock(p.Until) + ".", Tone: "note"}},
	}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "Drawn", When: c.Moment(d.Drawn)},
		{Key: "From", Text: words.Number(d.Pool) + " visits in school hours, " + c.Words.Date(d.From) + " to " + c.Words.Date(d.To)},
		{Key: "Judged", Text: fmt.Sprintf("%d of %d", d.Judged, d.Rows)},
		{Key: "Secret number", Text: d.Seed},
	}
	if len(rows) > shownRows {
		rows = rows[:shownRows]
		v.Pager.After = path + "?after=" + strconv.Itoa(rows[shownRows-1].Place)
	}
	if after > 0 {
		v.Pager.Before = path + "?after=" + strconv.Itoa(max(after-shownRows, 0))
	}
	for i := range rows {
		v.Rows = append(v.Rows, r.sampleRow(c, &rows[i], d.Complete()))
		if v.Rows[i].Open {
			v.Button = "Keep what I found"
		}
	}
	return v, nil
}

func (r *Room) sampleRow(c *web.Ctx, d *DrawnRow, whole bool) sampleRow {
	n := strconv.Itoa(d.Place)
	row := sampleRow{Title: "Row " + n, Open: !whole && !d.Own}
	s := &d.Seen
	add := func(key, text string) {
		if text != "" {
			row.Facts.Rows = append(row.Facts.Rows, web.SummaryRow{Key: key, Text: text})
		}
	}
	if d.Gone {
		add("Row", "No longer kept: its time is over.")
	} else {
		row.Facts.Rows = append(row.Facts.Rows, web.SummaryRow{Key: "When", When: c.Moment(s.At)}, web.SummaryRow{Key: "Decision", Tags: []web.Tag{decided(s.Action)}})
		add("Asked for", s.Host+s.Path)
		if s.written() {
			add("Wrote", s.Words)
		} else {
			add("Searched for", s.Words)
		}
		add("Kind of site", kindOf(s.Category))
		add("What was inside", s.Found)
		add("Group", s.Group)
	}
	if d.named() {
		add("Who", orUnknown(s.Name)+", "+s.How)
		add("Where", s.Where)
	}
	add("Found", titleOf(Findings, d.Finding))
	if d.Own {
		add("Yours", "This row is yours, so another monitor judges it.")
	}
	row.Hidden = []web.Hidden{{Name: "row-" + n, Value: d.ID}, {Name: "version-" + n, Value: strconv.FormatInt(d.Version, 10)}}
	row.Finding = radios("finding-"+n, "What did you find in row "+n+"?", Findings).Choose(d.Finding)
	row.Finding.Inline = true
	switch {
	case d.Case != "":
		row.Log = web.Link{Title: "The case that began from this row", Path: d.Case}
	case d.named() && r.d.Cases != nil && !d.Gone:
		row.Log = web.Link{Title: "Log a concern from this row", Path: concernFrom(d.Ref())}
	}
	return row
}

func orUnknown(name string) string {
	if name == "" {
		return "Nobody"
	}
	return name
}

// concernFrom is where a concern begins from a row, a signal or a drawn row.
func concernFrom(ref string) string { return "/concerns/new?from=" + url.QueryEscape(ref) }

func (r *Room) sample(c *web.Ctx) error {
	v, err := r.sampleView(c)
	if err != nil {
		return r.ask(c, err)
	}
	return samplePage.Render(c, v)
}

// judge keeps what was found on one page of a sample.
func (r *Room) judge(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	after, _ := strconv.Atoi(form.Get("after"))
	kept := 0
	for n := max(after, 0) + 1; n <= max(after, 0)+shownRows; n++ {
		i := strconv.Itoa(n)
		finding, row := form.Get("finding-"+i), form.Get("row-"+i)
		if finding == "" || row == "" {
			continue
		}
		version, err := strconv.ParseInt(form.Get("version-"+i), 10, 64)
		if err != nil {
			return store.ErrStale
		}
		changed, err := r.judgeChanged(c, row, finding, version)
		if err != nil {
			return r.ask(c, err)
		}
		if changed {
			kept++
		}
	}
	d, err := r.drawByID(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	c.Notice(words.Count(kept, "row", "rows") + " judged. " + words.Count(d.Unjudged, "row waits", "rows wait") + ".")
	to := pathDraws + "/" + url.PathEscape(d.ID)
	if after > 0 {
		to += "?after=" + strconv.Itoa(after)
	}
	return c.Redirect(to)
}

// judgeChanged judges a row unless that is what was found already.
func (r *Room) judgeChanged(c *web.Ctx, row, finding string, version int64) (bool, error) {
	rows, err := r.drawRows(c.Context(), `WHERE id = $1 AND draw = $2`, row, c.Param("id"))
	if err != nil || len(rows) == 0 {
		return false, err
	}
	if rows[0].Finding == finding {
		return false, nil
	}
	_, err = r.Judge(c.Context(), row, finding, version)
	return err == nil, err
}
