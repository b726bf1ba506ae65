package monitoring

import (
	"fmt"
	"strconv"

	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// assessView is the impact assessment, to read and to save a new version of.
func (r *Room) assessView(c *web.Ctx) (sheetView, error) {
	v := sheetView{Base: web.Base{
		Title:  "Impact assessment of monitoring",
		Lead:   "Before names are recorded the school writes down what is done, why, and what could go wrong. This is Belisha's draft with your school's settings in it, until you save your own.",
		Crumbs: []web.Crumb{{Title: "Recording of names", Path: pathRecord}},
	}}
	x, err := r.standing(c.Context())
	if err != nil {
		return v, err
	}
	review := x.Review
	if x.Number == 0 {
		review = people.DayOf(c.Now().In(c.Words.Zone())).Add(365)
		v.Panels = []web.Panel{{Tone: "note", Title: "This is the draft", Words: "Read it, change what is different at your school, and save it. It is not legal advice."}}
	} else {
		by, err := r.actorName(c, x.By)
		if err != nil {
			return v, err
		}
		v.Summary.Rows = []web.SummaryRow{
			{Key: "Version", Text: strconv.Itoa(x.Number)},
			{Key: "Saved", Text: by, When: c.Moment(x.Saved)},
			{Key: "Who was asked", Text: x.Consulted},
			{Key: "Looked at again by", Text: x.Review.Words()},
		}
	}
	f := sheetForm{Title: "The text", Path: pathAssess, Button: "Save as a new version"}
	for _, p := range x.Parts {
		f.Fields = append(f.Fields, web.Field{Kind: web.LongField, Name: p.Key, Label: p.Title, Value: p.Text, Rows: 6, Max: maxPart})
	}
	f.Fields = append(f.Fields,
		web.Field{Kind: web.LongField, Name: "consulted", Label: "Who was asked", Value: x.Consulted, Rows: 2, Max: maxReason, Hint: "Governors, staff, pupils, parents, the data protection officer."},
		dateField("review", "When is it looked at again?", review))
	v.Forms = []sheetForm{f}
	all, err := r.assessments(c.Context())
	if err != nil || len(all) == 0 {
		return v, err
	}
	t := web.Table{Caption: "Versions", ShowCaption: true, Columns: []web.Column{{Title: "Version", Numeric: true}, {Title: "Saved"}, {Title: "Who was asked"}}}
	for _, a := range all {
		t.Rows = append(t.Rows, web.Row{Link: pathAssess + "/" + strconv.Itoa(a.Number), Cells: []web.Cell{{Text: strconv.Itoa(a.Number)}, {When: c.Near(a.Saved)}, {Text: a.Consulted}}})
	}
	v.Tables = []web.Table{t}
	return v, nil
}

func (r *Room) saveAssessment(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	parts := r.Draft()
	for i := range parts {
		parts[i].Text = form.Get(parts[i].Key)
	}
	x, err := r.SaveAssessment(c.Context(), parts, form.Get("consulted"), dayOf(web.DateText(form, "review")))
	return r.done(c, err, r.assessView, 0, pathAssess, fmt.Sprintf("Saved as version %d.", x.Number))
}

// assessedView is one version, to read and print.
func (r *Room) assessedView(c *web.Ctx) (sheetView, error) {
	n, err := strconv.Atoi(c.Param("number"))
	if err != nil {
		n = -1
	}
	x, err := r.assessment(c.Context(), `WHERE number = $1`, n)
	if err != nil {
		return sheetView{}, err
	}
	by, err := r.actorName(c, x.By)
	if err != nil {
		return sheetView{}, err
	}
	v := sheetView{Base: web.Base{
		Title: "Impact assessment, version " + strconv.Itoa(x.Number), Crumbs: []web.Crumb{{Title: "Impact assessment", Path: pathAssess}},
	}}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "Saved", Text: by, When: c.Moment(x.Saved)}, {Key: "Who was asked", Text: x.Consulted}, {Key: "Looked at again by", Text: x.Review.Words()},
	}
	for _, p := range x.Parts {
		v.Texts = append(v.Texts, sheetText{p.Title, p.Text})
	}
	return v, nil
}

// basesView is the record of lawful bases.
func (r *Room) basesView(c *web.Ctx) (sheetView, error) {
	v := sheetView{Base: web.Base{
		Title: "Lawful bases of monitoring",
		Lead:  "For each kind of monitoring: what lets the school do it, who looked at that, and when it is looked at again. This is somebody's word; Belisha gives no legal advice.",
	}}
	have, err := r.bases(c.Context())
	if err != nil {
		return v, err
	}
	doing, err := r.activities(c.Context())
	if err != nil {
		return v, err
	}
	done := map[string]bool{}
	for _, a := range doing {
		done[a] = true
	}
	t := web.Table{Caption: "Kinds of monitoring", Columns: []web.Column{{Title: "Kind"}, {Title: "Basis"}, {Title: "Looked at"}, {Title: "Again by"}, {Title: "State"}}}
	today := people.DayOf(c.Now().In(c.Words.Zone()))
	for _, a := range Activities {
		b, ok := have[a.Value]
		tag := web.Tag{Words: "nothing recorded"}
		switch {
		case !ok && done[a.Value]:
			tag = web.Tag{Words: "done, without a basis", Tone: "red"}
		case ok && b.Next < today:
			tag = web.Tag{Words: "to be looked at again", Tone: "red"}
		case ok:
			tag = web.Tag{Words: "recorded", Tone: "green"}
		}
		row := web.Row{Cells: []web.Cell{{Text: sentence(a.Title)}, {Text: titleOf(Bases, b.Basis), Small: b.Note}, {}, {}, {Tag: tag}}}
		if ok {
			row.Cells[2] = web.Cell{Text: b.On.Words(), Small: "by " + b.Reviewer}
			row.Cells[3].Text = b.Next.Words()
		}
		t.Rows = append(t.Rows, row)
	}
	v.Tables = []web.Table{t}
	kind := web.Field{Kind: web.SelectField, Name: "activity", Label: "Kind of monitoring", Options: []web.Option{{Label: "Choose"}}}
	for _, a := range Activities {
		kind.Options = append(kind.Options, web.Option{Value: a.Value, Label: sentence(a.Title)})
	}
	v.Forms = []sheetForm{{
		Title: "Record a basis", Path: pathBases, Button: "Keep it",
		Fields: []web.Field{
			kind, radios("basis", "What it rests on", Bases),
			{Kind: web.LongField, Name: "note", Label: "Why this fits, or where that is written", Rows: 3, Max: maxReason},
			{Name: "reviewer", Label: "Who looked at it", Max: 120},
			dateField("on", "When was it looked at?", ""), dateField("next", "When is it looked at again?", ""),
		},
	}}
	return v, nil
}

func (r *Room) saveBasis(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	err = r.SaveBasis(c.Context(), Basis{
		Activity: form.Get("activity"), Basis: form.Get("basis"), Note: form.Get("note"), Reviewer: form.Get("reviewer"),
		On: dayOf(web.DateText(form, "on")), Next: dayOf(web.DateText(form, "next")),
	})
	return r.done(c, err, r.basesView, 0, pathBases, "Recorded.")
}

// gapsView is the times in school hours in which nothing was recorded.
func (r *Room) gapsView(c *web.Ctx) (sheetView, error) {
	v := sheetView{Base: web.Base{
		Title: "Gaps in the record",
		Lead:  "Times in school hours of more than " + words.Length(r.values().Duration(keyGap)) + " without a sign of the filter. A gap that is explained is no longer counted as one that nobody can explain.",
	}}
	sum, _, err := r.gaps(c.Context(), c.Now(), r.values())
	if err != nil {
		return v, err
	}
	t := web.Table{
		Caption: "Gaps", Columns: []web.Column{{Title: "Where"}, {Title: "From"}, {Title: "To"}, {Title: "Why"}},
		Empty: web.Empty{Title: "There is no gap", Words: "The last seven days are looked at."},
	}
	pick := web.Field{Kind: web.SelectField, Name: "gap", Label: "Which gap", Options: []web.Option{{Label: "Choose"}}}
	for _, g := range sum.gaps {
		row := web.Row{Cells: []web.Cell{{Text: g.Site}, {When: c.Moment(g.From)}, {When: c.Moment(g.To)}, {Text: g.Why}}}
		switch {
		case g.Open:
			row.Cells[3].Tag = web.Tag{Words: "goes on", Tone: "red"}
		case g.Why == "":
			row.Cells[3].Tag = web.Tag{Words: "not explained", Tone: "amber"}
			pick.Options = append(pick.Options, web.Option{Value: gapValue(g), Label: g.words()})
		default:
			by, err := r.actorName(c, g.By)
			if err != nil {
				return v, err
			}
			row.Cells[3].Small = "by " + by
		}
		t.Rows = append(t.Rows, row)
	}
	v.Tables = []web.Table{t}
	if len(pick.Options) > 1 {
		v.Forms = []sheetForm{{Title: "Explain a gap", Path: pathGaps, Button: "Keep the explanation", Fields: []web.Field{
			pick, {Kind: web.LongField, Name: "why", Label: "Why nothing was recorded, and what is done about it", Rows: 3, Max: maxReason},
		}}}
	}
	said, err := r.explanations(c.Context(), c.Now().Add(-followedBack))
	if err != nil || len(said) == 0 {
		return v, err
	}
	old := web.Table{Caption: "Explained in the last year", ShowCaption: true, Columns: []web.Column{{Title: "Where"}, {Title: "From"}, {Title: "To"}, {Title: "Why"}}}
	for _, e := range said {
		by, err := r.actorName(c, e.By)
		if err != nil {
			return v, err
		}
		old.Rows = append(old.Rows, web.Row{Cells: []web.Cell{{Text: e.Site}, {When: c.Moment(e.From)}, {When: c.Moment(e.To)}, {Text: e.Why, Small: "by " + by}}})
	}
	v.Tables = append(v.Tables, old)
	return v, nil
}
