package monitoring

import (
	"bytes"
	"io"

	"belisha/internal/kit/csvio"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

// releasesView is what leaders asked for: to each their own, to monitors all.
func (r *Room) releasesView(c *web.Ctx) (sheetView, error) {
	v := sheetView{Base: web.Base{
		Title: "Parts of the record asked for",
		Lead:  "A senior leader asks for a person and some days, and says what for. A monitor answers. What is released can be fetched for seven days, marked with who asked; each fetching is noted.",
	}}
	counted, err := r.countedOnly(c)
	if err != nil {
		return v, err
	}
	v.Panels = []web.Panel{counted}
	all, err := r.releasesSince(c.Context(), c.Now().Add(-followedBack))
	if err != nil {
		return v, err
	}
	t := web.Table{Caption: "Asked for", Columns: []web.Column{{Title: "Asked by"}, {Title: "When"}, {Title: "For"}, {Title: "State"}}, Empty: web.Empty{Title: "Nothing was asked for"}}
	for _, x := range all {
		if !c.May(MayRead) && x.AskedBy != c.Actor.ID {
			continue
		}
		by, err := r.actorName(c, x.AskedBy)
		if err != nil {
			return v, err
		}
		t.Rows = append(t.Rows, web.Row{Link: pathReleases + "/" + x.ID, Cells: []web.Cell{{Text: by}, {When: c.Near(x.Asked)}, {Text: sentence(titleOf(purposes, x.Purpose))}, {Tag: releaseTag(x)}}})
	}
	v.Tables = []web.Table{t}
	if c.May(MayAsk) {
		v.Forms = []sheetForm{{
			Title: "Ask for a part", Path: pathReleases, Button: "Ask the monitors",
			Fields: []web.Field{
				{Name: "who", Label: "Whose record", Max: 100},
				r.purposeField(),
				{Kind: web.LongField, Name: "why", Label: "What it is needed for", Rows: 2, Max: maxReason},
				{Kind: web.DayField, Name: "from", Label: "From"},
				{Kind: web.DayField, Name: "to", Label: "To"},
			},
		}}
	}
	return v, nil
}

func releaseTag(x Release) web.Tag {
	switch x.State {
	case ReleaseGiven:
		return web.Tag{Words: "released", Tone: "green"}
	case ReleaseRefused:
		return web.Tag{Words: "not released", Tone: "red"}
	default:
		return web.Tag{Words: "waits for a monitor", Tone: "amber"}
	}
}

func (r *Room) askRelease(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	id, err := r.anybody(c.Context(), form.Get("who"))
	if err == nil {
		_, err = r.AskRelease(c.Context(), Release{
			Person: id, Purpose: form.Get("purpose"), Why: form.Get("why"), From: dayOf(form.Get("from")), To: dayOf(form.Get("to")),
		})
	}
	if bad, ok := web.Wrong(err); ok && bad["person"] != "" {
		bad["who"] = bad["person"]
		delete(bad, "person")
	}
	return r.done(c, err, r.releasesView, 0, pathReleases, "Asked. The monitors see it in their trays.")
}

func (r *Room) releaseView(c *web.Ctx) (sheetView, error) {
	x, err := r.release(c.Context(), c.Param("id"))
	if err != nil {
		return sheetView{}, err
	}
	mine := x.AskedBy == c.Actor.ID
	if !mine {
		if err := r.allowed(c.Context(), c.Actor); err != nil {
			return sheetView{}, err
		}
	}
	v := sheetView{Base: web.Base{Title: "A part of the record", Crumbs: []web.Crumb{{Title: "Asked for", Path: pathReleases}}, Marking: marking}}
	name, err := r.display(c.Context(), x.Person)
	if err != nil {
		return v, err
	}
	by, err := r.actorName(c, x.AskedBy)
	if err != nil {
		return v, err
	}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "Whose", Text: name},
		{Key: "Days", Text: x.From.Words() + " to " + x.To.Words()},
		{Key: "For", Text: sentence(titleOf(purposes, x.Purpose)), Lines: []string{x.Why}},
		{Key: "Asked by", Text: by, When: c.Moment(x.Asked)},
		{Key: "State", Tags: []web.Tag{releaseTag(x)}},
	}
	if x.State != ReleaseAsked {
		answered, err := r.actorName(c, x.SaidBy)
		if err != nil {
			return v, err
		}
		v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "Answered by", Text: answered, When: c.Moment(x.Said)})
	}
	if mine && x.State == ReleaseGiven && c.Now().Before(x.Until) {
		v.Exports = []web.Download{{Title: "Fetch it", Path: pathReleases + "/" + x.ID + "/rows.csv", Kind: "CSV, noted in the journal, until " + c.Words.Moment(x.Until)}}
	}
	if !mine && x.State == ReleaseAsked && string(x.Person) != c.Actor.Person {
		v.Forms = []sheetForm{
			{Title: "Release it", Lead: "Whoever asked can fetch these days of this person for seven days.", Path: pathReleases + "/" + x.ID, Hidden: []web.Hidden{{Name: "give", Value: "yes"}}, Button: "Release it"},
			{Title: "Do not release it", Path: pathReleases + "/" + x.ID, Hidden: []web.Hidden{{Name: "give", Value: "no"}}, Button: "Do not release it", Quiet: true},
		}
	}
	return v, nil
}

func (r *Room) answerRelease(c *web.Ctx) error {
	give := c.Value("give") == "yes"
	err := r.AnswerRelease(c.Context(), c.Param("id"), give)
	return r.done(c, err, r.releaseView, 0, pathReleases, "Your answer is kept.")
}

func (r *Room) fetchRelease(c *web.Ctx) error {
	x, rows, cut, err := r.Fetch(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	note := "Released to " + c.Actor.Name + " on " + c.Words.Moment(c.Now()) + " for: " + titleOf(purposes, x.Purpose) + ", number " + x.ID + ". " + marking
	if cut {
		note += " Not everything: only the newest " + words.Number(len(rows)) + " rows."
	}
	out, err := copyOf(c, rows, note)
	if err != nil {
		return err
	}
	return c.Send("released-web-activity.csv", "text/csv; charset=utf-8", out)
}

// copyOf writes rows as a file. note stands in every row, so that no part of
// it can be passed on without saying whose it is.
func copyOf(c *web.Ctx, rows []Seen, note string) (io.Reader, error) {
	var out bytes.Buffer
	w, err := csvio.NewWriter(&out)
	if err != nil {
		return nil, err
	}
	if err := w.Row("time", "who", "how sure", "group", "where", "site", "page", "search words", "decision", "kind of site", "rule", "found inside", "times", "taken by"); err != nil {
		return nil, err
	}
	for i := range rows {
		s := &rows[i]
		err := w.Row(s.At.In(c.Words.Zone()).Format("2006-01-02 15:04:05"), s.Name, s.How, s.Group, s.Where, s.Host, s.Path, s.Words,
			titleOf(decisions, s.Action.String()), s.Category, s.Rule, s.Found, words.Number(s.Times), note)
		if err != nil {
			return nil, err
		}
	}
	if len(rows) == 0 {
		if err := w.Row("", "", "", "", "", "", "", "", "", "", "", "", "", note); err != nil {
			return nil, err
		}
	}
	return &out, w.Close()
}
