package probes

import (
	"bytes"
	"embed"
	"fmt"
	"strconv"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/csvio"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

const (
	pathList = "/filter/probes"
	pathRun  = "/filter/probes/"
)

// Section is the room's pages.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "probes", Title: "Trials of the filter",
		Menu: []web.MenuItem{{Title: "Trials of the filter", Path: pathList, Needs: MayRead, Area: "Filter"}},
		Routes: []web.Route{
			{Pattern: "GET " + pathList, Needs: MayRead, Do: r.listPage},
			{Pattern: "POST " + pathList, Needs: MayRun, Do: r.tryNow},
			{Pattern: "GET /filter/probes.csv", Needs: MayRead, Do: r.listCSV},
			{Pattern: "GET " + pathRun + "{id}", Needs: MayRead, Do: r.runPage},
			{Pattern: "GET /filter/probe-sites", Needs: MayRead, Do: r.sitesPage},
			{Pattern: "POST /filter/probe-sites", Needs: MayManage, Do: r.sitesPost},
			{Pattern: "POST /filter/probe-sites/{id}/end", Needs: MayManage, Do: r.siteEnd},
			{Pattern: "GET " + pathDevice, Needs: web.Open, Do: r.devicePage, People: true},
			{Pattern: "GET /probe/plan/{site}", Needs: web.Open, Do: r.devicePlan, People: true},
			{Pattern: "POST /probe/report/{site}", Needs: web.Open, Do: r.deviceReport, People: true, Body: mostTold},
		},
	}
}

type listView struct {
	web.Base
	State  web.Panel
	Stand  web.Table
	Strips []web.History
	Wrong  web.Table
	Now    web.Action
	MayNow bool
	Table  web.Table
	Sites  web.Link
}

type runView struct {
	web.Base
	Note    web.Panel
	Summary web.Summary
	Tables  []area
}

type area struct {
	Title string
	Table web.Table
}

var (
	listTemplate = web.NewPage[listView](pages, "pages/list.html")
	runTemplate  = web.NewPage[runView](pages, "pages/run.html")
)

// Bounds of the list page.
const (
	listDays  = 14
	listShown = 100
)

// stateOf is an answer's state as pages mark it.
func stateOf(s State) web.State {
	return web.State{Is: map[State]control.State{Right: control.Kept, Wrong: control.Broken, Unknown: control.Unknown, NotSo: control.NotApplicable}[s]}
}

func (r *Room) listPage(c *web.Ctx) error {
	list, err := r.Since(c.Context(), r.now().Add(-listDays*day), mostRuns)
	if err != nil {
		return err
	}
	v := listView{
		Base: web.Base{
			Title: "Trials of the filter", Wide: true,
			Lead:    "Each hour Belisha asks its own filter for made-up sites, searches and files, as somebody of each group would, and keeps what came of it. Nobody’s visits are in it.",
			Exports: []web.Download{{Title: "Take a copy", Path: "/filter/probes.csv", Kind: "CSV"}},
		},
		Now: web.Action{Path: pathList, Title: "Try it now"}, MayNow: c.May(MayRun),
		Sites: web.Link{Title: "Devices that try it from other sites", Path: "/filter/probe-sites"},
		Table: web.Table{
			Caption: "Trials", Columns: []web.Column{{Title: "When"}, {Title: "Where"}, {Title: "Came out"}, {Title: "Right", Numeric: true}, {Title: "Wrong", Numeric: true}, {Title: "Not asked", Numeric: true}, {Title: "Why"}},
			Empty: web.Empty{Title: "There is no trial yet", Words: "The first is made within an hour of the start."},
		},
	}
	for _, x := range list[:min(len(list), listShown)] {
		v.Table.Rows = append(v.Table.Rows, web.Row{Link: pathRun + x.ID, Cells: []web.Cell{
			{When: c.Near(x.At)},
			{Text: x.Site},
			{State: runState(x)},
			{Text: strconv.Itoa(x.Right)},
			{Text: strconv.Itoa(x.Wrong)},
			{Text: strconv.Itoa(x.Blind)},
			{Text: x.Kind.Words(), Small: x.Note},
		}})
	}
	if err := r.lastOf(c, list, &v); err != nil {
		return err
	}
	return listTemplate.Render(c, v)
}

func runState(x Run) web.State {
	return stateOf(x.State())
}

// lastOf shows how each site stands, and what is wrong there.
func (r *Room) lastOf(c *web.Ctx, list []Run, v *listView) error {
	stand, err := r.Standing(c.Context())
	if err != nil {
		return err
	}
	v.Stand = web.Table{Caption: "How each site stands", Columns: []web.Column{{Title: "Where"}, {Title: "Stands"}, {Title: "Last trial"}}}
	v.Wrong = web.Table{Caption: "What came out wrong in the newest trials", Columns: []web.Column{{Title: "Where"}, {Title: "Group"}, {Title: "What must be so"}, {Title: "What happened, and what to do"}}}
	wrong, blind := 0, 0
	var late []string
	for _, x := range stand {
		row := web.Row{Cells: []web.Cell{{Text: x.Site}, {State: stateOf(x.State())}, {Text: "none yet"}}}
		if x.Last.ID != "" {
			row.Link, row.Cells[2] = pathRun+x.Last.ID, web.Cell{When: c.Near(x.Last.At)}
		}
		if x.Overdue {
			row.Cells[2].Small = x.overdueWords(r.now())
			late = append(late, x.Site)
		}
		v.Stand.Rows = append(v.Stand.Rows, row)
		v.Strips = append(v.Strips, r.strip(c, x.Site, list))
		wrong, blind = wrong+x.Last.Wrong, blind+x.Last.Blind
		if err := r.wrongRows(c, x, &v.Wrong); err != nil {
			return err
		}
	}
	v.State = standPanel(stand, wrong, blind, late)
	return nil
}

// wrongRows adds what was not right in the newest trial of a site.
func (r *Room) wrongRows(c *web.Ctx, x Stand, t *web.Table) error {
	if x.Last.ID == "" || x.Last.Wrong+x.Last.Blind == 0 {
		return nil
	}
	answers, err := r.Answers(c.Context(), x.Last.ID)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if (a.State == Wrong || a.State == Unknown) && len(t.Rows) < listShown {
			t.Rows = append(t.Rows, web.Row{Link: pathRun + x.Last.ID, Cells: []web.Cell{{Text: x.Site}, {Text: a.Group}, {Text: a.What, State: stateOf(a.State)}, {Text: a.Said}}})
		}
	}
	return nil
}

// standPanel says in one sentence how all of it stands.
func standPanel(stand []Stand, wrong, blind int, late []string) web.Panel {
	switch {
	case len(stand) == 1 && stand[0].Last.ID == "":
		return web.Panel{Tone: "note", Title: "Nothing was tried yet"}
	case wrong > 0:
		return web.Panel{Tone: "bad", Title: words.Count(wrong, "question", "questions") + " came out wrong", Words: "Below it says which, and what to do."}
	case len(late) > 0:
		return web.Panel{Tone: "warn", Title: "Nobody tries it any more at " + words.And(late), Words: "What is not tried is not known. Look whether the device there is on and runs the file each hour."}
	case blind > 0:
		return web.Panel{Tone: "warn", Title: words.Count(blind, "question", "questions") + " could not be asked", Words: "What was not asked is not known. Nothing that was asked came out wrong."}
	}
	for _, x := range stand {
		if x.Last.ID == "" {
			return web.Panel{Tone: "note", Title: "Everything that was tried came out right", Words: "At " + x.Site + " nothing was tried yet."}
		}
	}
	return web.Panel{Tone: "good", Title: "Everything came out right", Words: "In the newest trial of " + words.Count(len(stand), "site", "sites") + ". What nobody tried is not known: this says what the filter does for whoever comes to it."}
}

// strip is how each of the last days came out at a site.
func (r *Room) strip(c *web.Ctx, site string, list []Run) web.History {
	h := web.History{Caption: fmt.Sprintf("%s, the last %d days", site, listDays)}
	zone := c.Words.Zone()
	type sum struct{ n, wrong, blind int }
	days := map[string]sum{}
	for _, x := range list {
		if x.Site != site {
			continue
		}
		on := x.At.In(zone).Format(time.DateOnly)
		d := days[on]
		d.n++
		switch x.State() {
		case Wrong:
			d.wrong++
		case Unknown:
			d.blind++
		}
		days[on] = d
	}
	for i := listDays - 1; i >= 0; i-- {
		at := r.now().In(zone).AddDate(0, 0, -i)
		d, state := days[at.Format(time.DateOnly)], control.Unknown
		switch {
		case d.wrong > 0:
			state = control.Broken
		case d.n > 0 && d.blind == 0:
			state = control.Kept
		case d.n > d.blind:
			state = control.AtRisk
		}
		h.Points = append(h.Points, web.HistoryPoint{Label: at.Format("2 January"), State: web.State{Is: state}})
	}
	return h
}

func (r *Room) tryNow(c *web.Ctx) error {
	run, err := r.Try(actor.With(c.Context(), c.Actor), Asked)
	if err == ErrTrying { //nolint:errorlint // ours, never wrapped
		c.Notice(ErrTrying.Error())
		return c.Redirect(pathList)
	}
	if err != nil {
		return err
	}
	c.Notice("Tried: " + words.Count(run.Right, "question", "questions") + " came out right, " + strconv.Itoa(run.Wrong) + " wrong.")
	return c.Redirect(pathRun + run.ID)
}

func (r *Room) runPage(c *web.Ctx) error {
	x, err := r.run(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	answers, err := r.Answers(c.Context(), x.ID)
	if err != nil {
		return err
	}
	v := runView{
		Base: web.Base{Title: "Trial of the filter", Wide: true, Crumbs: []web.Crumb{{Title: "Trials of the filter", Path: pathList}}},
		Summary: web.Summary{Rows: []web.SummaryRow{
			{Key: "Came out", State: runState(x)},
			{Key: "When", When: c.Moment(x.At)},
			{Key: "Where", Text: x.Site},
			{Key: "Why", Text: x.Kind.Words()},
			{Key: "Right", Text: strconv.Itoa(x.Right)},
			{Key: "Wrong", Text: strconv.Itoa(x.Wrong)},
			{Key: "Could not be asked", Text: strconv.Itoa(x.Blind)},
			{Key: "Not asked for by the rules", Text: strconv.Itoa(x.NotSo)},
		}},
	}
	if x.Note != "" {
		v.Note = web.Panel{Tone: "warn", Words: x.Note}
	} else if len(answers) < x.Right+x.Wrong+x.Blind+x.NotSo {
		v.Note = web.Panel{Tone: "note", Words: "Single answers that were right are kept for a week. Only what was not right is shown here."}
	}
	for _, k := range Areas {
		t := web.Table{Caption: k.Title(), Columns: []web.Column{{Title: "Group"}, {Title: "What must be so"}, {Title: "Came out"}, {Title: "What happened"}}}
		for _, a := range answers {
			if a.Area == k {
				t.Rows = append(t.Rows, web.Row{Faint: a.State == NotSo, Cells: []web.Cell{{Text: a.Group}, {Text: a.What}, {State: stateOf(a.State)}, {Text: a.Said}}})
			}
		}
		if len(t.Rows) > 0 {
			v.Tables = append(v.Tables, area{Title: k.Title(), Table: t})
		}
	}
	return runTemplate.Render(c, v)
}

// listCSV is the trials with what was not right in them.
func (r *Room) listCSV(c *web.Ctx) error {
	list, err := r.Since(c.Context(), time.Time{}, 5*mostRuns)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w, err := csvio.NewWriter(&out)
	if err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	if err := w.Row("when", "where", "why", "right", "wrong", "not asked", "not asked for", "note"); err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	for _, x := range list {
		err := w.Row(x.At.UTC().Format(time.RFC3339), x.Site, x.Kind.Words(), strconv.Itoa(x.Right), strconv.Itoa(x.Wrong), strconv.Itoa(x.Blind), strconv.Itoa(x.NotSo), x.Note)
		if err != nil {
			return fmt.Errorf("writing the copy: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	return c.Send("trials-of-the-filter.csv", "text/csv; charset=utf-8", &out)
}
