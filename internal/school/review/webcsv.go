package review

import (
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/csvio"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

// sendCSV sends the figures of a report.
func sendCSV(c *web.Ctx, rep Report) error {
	var b strings.Builder
	w, err := csvio.NewWriter(&b)
	if err != nil {
		return err
	}
	for _, row := range append(standingRows(rep), otherRows(rep)...) {
		if err := w.Row(row...); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Send("belisha-"+rep.Kind+"-"+rep.MadeAt.Format(time.DateOnly)+".csv", "text/csv; charset=utf-8", strings.NewReader(b.String()))
}

// standingRows are what must be known, and how the promises stand.
func standingRows(rep Report) [][]string {
	rows := [][]string{
		{"part", "what", "now", "before", "note"},
		{"about", title(rep.Kind), rep.MadeAt.Format(time.RFC3339), "", policyWords(rep.Standing)},
	}
	for _, s := range rep.School.Statements {
		rows = append(rows, []string{"must be known", s, "", "", ""})
	}
	for _, a := range rep.Areas {
		rows = append(rows, []string{"promises", a.Name, "", "", line(a.Counts)})
	}
	for _, s := range []control.State{control.Broken, control.AtRisk, control.Unknown} {
		for _, p := range rep.Standing.In(s) {
			rows = append(rows, []string{"promises " + s.Words(), p.Text, p.Figure, "", p.Todo})
		}
	}
	return rows
}

// otherRows are the counts and the posts.
func otherRows(rep Report) [][]string {
	var rows [][]string
	for _, x := range rep.School.Waits {
		rows = append(rows, []string{"waits in safeguarding", x.Title, few(x.Count), "", ""})
	}
	for _, m := range rep.Trends {
		for _, p := range m.Points {
			rows = append(rows, []string{"counts", m.Title + ", " + p.Label, few(p.N), "", m.Unit})
		}
	}
	for _, f := range rep.Filter {
		rows = append(rows, []string{"changes of the filter", f.What, words.Number(f.Now), words.Number(f.Before), ""})
	}
	for _, p := range rep.School.Posts {
		rows = append(rows, []string{"posts", p.Post, p.Holder, "", p.Deputies})
	}
	return append(rows, []string{"journal", fmt.Sprint(rep.Journal.Seq), rep.Journal.Hash, "", ""})
}
