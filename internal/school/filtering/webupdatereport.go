package filtering

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"belisha/internal/kit/csvio"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

// reportRoutes are the pages that tell how a list was read.
func (r *Room) reportRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathLists + "/{id}/report", Needs: MayRead, Do: r.reportOne},
		{Pattern: "GET " + pathLists + "/{id}/faults.csv", Needs: MayRead, Do: r.reportCSV},
	}
}

type reportView struct {
	web.Base
	Note    web.Panel
	Summary web.Summary
	Told    []string
	Files   web.Table
	Faults  web.Table
}

var reportTemplate = web.NewPage[reportView](pages, "pages/report.html")

// reportOne is how the latest attempt to take a list up went.
func (r *Room) reportOne(c *web.Ctx) error {
	rep, at, err := getReport(c.Context(), r.d.DB, c.Param("id"))
	if err != nil {
		return err
	}
	v := reportView{Base: web.Base{
		Title: "How " + rep.Title + " was read", Lead: "What the latest attempt found, line by line.", Wide: true,
		Crumbs: slices.Concat(home, []web.Crumb{{Title: "Lists", Path: pathLists}}),
	}}
	if _, err := getSource(c.Context(), r.d.DB, rep.Source); err == nil {
		v.Crumbs = append(v.Crumbs, web.Crumb{Title: rep.Title, Path: pathLists + "/" + rep.Source})
	} else if !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("reading the list: %w", err)
	}
	if rep.State == stateRefused {
		v.Note = web.Panel{Tone: "warn", Title: "It was refused", Words: titleOf(rep.Reason) + ". What was in force stays."}
	}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "Read", When: c.Moment(at)},
		{Key: "From", Text: breakable(shownPath(rep.Path))},
		{Key: "Written as", Text: firstOf(rep.Format, "not found out")},
		{Key: "Lines", Text: words.Number(rep.Lines)},
		{Key: "Taken up", Text: rep.Counted()},
		{Key: "Not taken up", Text: rep.Lost()},
	}
	v.Told = rep.Suggests()
	v.Files = web.Table{Caption: "Files", Columns: []web.Column{{Title: "File"}, {Title: "Category"}, {Title: "Written as"}, {Title: "Lines", Numeric: true}, {Title: "Taken up", Numeric: true}, {Title: "Faults", Numeric: true}}}
	for _, f := range rep.Files[:min(len(rep.Files), 200)] {
		v.Files.Rows = append(v.Files.Rows, web.Row{Cells: []web.Cell{
			{Text: breakable(f.File)}, {Text: f.Category}, {Text: f.Format}, {Text: words.Number(f.Lines)}, {Text: words.Number(f.Accepted)}, {Text: words.Number(f.Invalid)},
		}})
	}
	v.Faults = web.Table{
		Caption: "The first lines that list nothing or could not be used", Columns: []web.Column{{Title: "File"}, {Title: "Line", Numeric: true}, {Title: "What it says"}, {Title: "Why"}},
		Empty: web.Empty{Title: "Every line was understood"},
	}
	for _, x := range rep.faults(shownFaults) {
		v.Faults.Rows = append(v.Faults.Rows, web.Row{Cells: []web.Cell{{Text: breakable(x.File)}, {Text: strconv.Itoa(x.Line)}, {Text: breakable(x.Text)}, {Text: titleOf(x.Reason)}}})
	}
	if len(v.Faults.Rows) > 0 {
		v.Exports = []web.Download{{Title: "Take a copy of the lines", Path: pathLists + "/" + rep.Source + "/faults.csv", Kind: "CSV"}}
	}
	return reportTemplate.Render(c, v)
}

func (r *Room) reportCSV(c *web.Ctx) error {
	rep, _, err := getReport(c.Context(), r.d.DB, c.Param("id"))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w, err := csvio.NewWriter(&out)
	if err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	if err := w.Row("file", "line", "text", "reason"); err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	for _, x := range rep.faults(keptFaults) {
		if err := w.Row(x.File, strconv.Itoa(x.Line), x.Text, x.Reason); err != nil {
			return fmt.Errorf("writing the copy: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	return c.Send("list-faults.csv", "text/csv; charset=utf-8", &out)
}
