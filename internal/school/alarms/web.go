package alarms

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

const pathAlarms = "/filter/alarms"

// Section is the room's pages.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "alarms", Title: "Alarms of the filter",
		Menu: []web.MenuItem{{Title: "Alarms of the filter", Path: pathAlarms, Needs: MayRead, Area: "Filter"}},
		Routes: []web.Route{
			{Pattern: "GET " + pathAlarms, Needs: MayRead, Do: r.listPage},
			{Pattern: "POST " + pathAlarms, Needs: MaySee, Do: r.lookNow},
			{Pattern: "GET /filter/alarms.csv", Needs: MayRead, Do: r.listCSV},
			{Pattern: "GET " + pathAlarms + "/{id}", Needs: MayRead, Do: r.onePage},
			{Pattern: "POST " + pathAlarms + "/{id}", Needs: MaySee, Do: r.seeTo},
		},
	}
}

type listView struct {
	web.Base
	Running web.Table
	Now     web.Action
	MayNow  bool
	Kinds   web.Table
	Ended   web.Table
	Pager   web.Pager
}

type oneView struct {
	web.Base
	Summary web.Summary
	Path    string
	Hidden  []web.Hidden
	Fields  []web.Field
	May     bool
}

var (
	listTemplate = web.NewPage[listView](pages, "pages/list.html")
	oneTemplate  = web.NewPage[oneView](pages, "pages/one.html")
)

func riskTag(risk int) web.Tag {
	switch {
	case risk >= 3:
		return web.Tag{Words: "urgent", Tone: "bad"}
	case risk == 2:
		return web.Tag{Words: "high", Tone: "warn"}
	}
	return web.Tag{Words: "normal"}
}

const perPage = 50

func (r *Room) listPage(c *web.Ctx) error {
	running, err := r.Running(c.Context())
	if err != nil {
		return err
	}
	at, err := strconv.Atoi(c.Query("page"))
	if err != nil || at < 1 {
		at = 1
	}
	ended, total, err := r.Ended(c.Context(), perPage, (min(at, mostPages)-1)*perPage)
	if err != nil {
		return err
	}
	_, looked := r.Last()
	v := listView{
		Base: web.Base{
			Title: "Alarms of the filter", Wide: true, Exports: []web.Download{{Title: "Take a copy", Path: "/filter/alarms.csv", Kind: "CSV"}},
			Lead: "What Belisha noticed by itself. It looks every few minutes; an alarm ends by itself when all is well again. No person is named.",
		},
		Now: web.Action{Path: pathAlarms, Title: "Look now", Quiet: true}, MayNow: c.May(MaySee),
		Running: web.Table{
			Caption: "Alarms that go on", Columns: []web.Column{{Title: "What"}, {Title: "Risk"}, {Title: "Since"}, {Title: "Whose"}, {Title: "Seen to"}},
			Empty: web.Empty{Title: "There is no alarm", Words: lastLook(c, looked) + " No alarm does not mean that all is well: trials of the filter and promises say more."},
		},
		Kinds: r.kindsTable(c, running),
		Ended: web.Table{
			Caption: "Alarms that ended", Columns: []web.Column{{Title: "What"}, {Title: "Since"}, {Title: "Ended"}, {Title: "What was done"}},
			Empty: web.Empty{Title: "None ended yet"},
		},
	}
	for _, a := range running {
		v.Running.Rows = append(v.Running.Rows, r.runningRow(c, a))
	}
	for _, a := range ended {
		v.Ended.Rows = append(v.Ended.Rows, r.endedRow(c, a))
	}
	if total > perPage {
		v.Pager.Words = words.Count(total, "alarm ended", "alarms ended")
	}
	if at > 1 {
		v.Pager.Before = fmt.Sprintf("%s?page=%d", pathAlarms, at-1)
	}
	if at*perPage < total {
		v.Pager.After = fmt.Sprintf("%s?page=%d", pathAlarms, at+1)
	}
	return listTemplate.Render(c, v)
}

// mostPages bounds what is leafed through.
const mostPages = 10_000

func lastLook(c *web.Ctx, at time.Time) string {
	if at.IsZero() {
		return "Nobody has looked since the start; the first look comes within a few minutes."
	}
	return "Last looked " + c.Near(at).Words + "."
}

func (r *Room) runningRow(c *web.Ctx, a Alarm) web.Row {
	row := web.Row{Link: pathAlarms + "/" + a.ID, Cells: []web.Cell{
		{Text: a.Words, Small: timesWords(a)}, {Tag: riskTag(a.Risk)}, {When: c.Near(a.Since)}, {Text: a.Owner.Title()}, {Text: "not yet"},
	}}
	switch {
	case a.Seen():
		row.Cells[4] = web.Cell{When: c.Near(a.SeenAt), Small: r.Name(c.Context(), a.SeenBy)}
	case !a.UpAt.IsZero():
		row.Cells[4].Small = "went to the head"
	}
	return row
}

func (r *Room) endedRow(c *web.Ctx, a Alarm) web.Row {
	done := web.Cell{Text: a.Note}
	if !a.Seen() {
		done.Text = "nobody saw to it"
	}
	return web.Row{Link: pathAlarms + "/" + a.ID, Faint: true, Cells: []web.Cell{{Text: a.Words, Small: timesWords(a)}, {When: c.Near(a.Since)}, {When: c.Near(a.EndedAt)}, done}}
}

func timesWords(a Alarm) string {
	if a.Times < 2 {
		return ""
	}
	return fmt.Sprintf("it came %d times", a.Times)
}

// kindsTable is everything that is looked at, with when it is an alarm and how
// it stood at the last look.
func (r *Room) kindsTable(c *web.Ctx, running []Alarm) web.Table {
	look, at := r.Last()
	t := web.Table{
		Caption: "What is looked at", Columns: []web.Column{{Title: "What"}, {Title: "It is an alarm when"}, {Title: "At the last look"}},
		Empty: web.Empty{Title: "Nothing is looked at here", Words: "This program serves no school just now."},
	}
	bad := map[string]bool{}
	for _, s := range look.Bad {
		bad[s.Kind] = true
	}
	for _, k := range r.Kinds {
		cell := web.Cell{Text: "well"}
		switch {
		case slices.ContainsFunc(running, func(a Alarm) bool { return a.Kind == k.Kind }):
			cell.Text = "alarm"
		case bad[k.Kind]:
			cell.Text, cell.Small = "not well", "an alarm when it stays so"
		case at.IsZero():
			cell.Text = "not looked at yet"
		case look.Why[k.Kind] != "" || !slices.Contains(look.Looked, k.Kind):
			cell.Text, cell.Small = "not known", look.Why[k.Kind]
		}
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{Text: k.Title}, {Text: k.When}, cell}})
	}
	return t
}

// lookNow looks at once.
func (r *Room) lookNow(c *web.Ctx) error {
	if err := r.LookOnce(actor.With(c.Context(), c.Actor)); err != nil {
		return err
	}
	c.Notice("Looked. What is not well becomes an alarm when it stays so.")
	return c.Redirect(pathAlarms)
}

func (r *Room) onePage(c *web.Ctx) error {
	v, err := r.one(c)
	if err != nil {
		return err
	}
	return oneTemplate.Render(c, v)
}

func (r *Room) one(c *web.Ctx) (oneView, error) {
	a, err := get(c.Context(), r.DB, c.Param("id"))
	if err != nil {
		return oneView{}, err
	}
	v := oneView{
		Base: web.Base{Title: "Alarm", Lead: a.Words, Crumbs: []web.Crumb{{Title: "Alarms of the filter", Path: pathAlarms}}},
		Path: pathAlarms + "/" + a.ID, May: !a.Seen() && c.May(MaySee),
		Hidden: []web.Hidden{{Name: "version", Value: strconv.FormatInt(a.Version, 10)}},
		Fields: seeFields(),
		Summary: web.Summary{Rows: []web.SummaryRow{
			{Key: "What it may mean", Text: a.May},
			{Key: "What to do", Text: a.Todo},
			{Key: "Risk", Tags: []web.Tag{riskTag(a.Risk)}},
			{Key: "Since", When: c.Moment(a.Since)},
			{Key: "Whose", Text: a.Owner.Title()},
		}},
	}
	if a.Link != "" {
		v.Summary.Rows[1].Link = web.Link{Title: "Go there", Path: a.Link}
	}
	v.Summary.Rows = append(v.Summary.Rows, r.courseRows(c, a)...)
	return v, nil
}

// courseRows say what became of an alarm.
func (r *Room) courseRows(c *web.Ctx, a Alarm) []web.SummaryRow {
	var rows []web.SummaryRow
	if a.Times > 1 {
		rows = append(rows, web.SummaryRow{Key: "Came", Text: fmt.Sprintf("%d times, each within a day of its last end", a.Times)})
	}
	if !a.UpAt.IsZero() {
		rows = append(rows, web.SummaryRow{Key: "Went to the head", When: c.Moment(a.UpAt)})
	}
	switch {
	case a.Seen():
		rows = append(rows, web.SummaryRow{Key: "Seen to", Text: a.Note, Lines: []string{r.Name(c.Context(), a.SeenBy)}, When: c.Moment(a.SeenAt)})
		if a.Running() {
			rows = append(rows, web.SummaryRow{Key: "A task again", Text: "if it still goes on then", When: c.Moment(a.BackAt)})
		}
	case a.Note != "":
		rows = append(rows, web.SummaryRow{Key: "Said before", Text: a.Note, Lines: []string{r.Name(c.Context(), a.SeenBy)}})
	}
	if a.Running() {
		return append(rows, web.SummaryRow{Key: "Ends", Text: "by itself, when all is well again"})
	}
	return append(rows, web.SummaryRow{Key: "Ended", When: c.Moment(a.EndedAt)})
}

func seeFields() []web.Field {
	return []web.Field{
		{Kind: web.LongField, Name: "note", Label: "What you found or did", Hint: "Do not name a pupil.", Rows: 3, Max: mostNote},
		{
			Kind: web.SelectField, Name: "days", Label: "If it still goes on, make it a task again", Value: "1",
			Options: []web.Option{{Value: "1", Label: "tomorrow"}, {Value: "7", Label: "in a week"}, {Value: "30", Label: "in a month"}},
		},
	}
}

func (r *Room) seeTo(c *web.Ctx) error {
	n, err := strconv.ParseInt(c.Value("version"), 10, 64)
	if err != nil {
		return store.ErrStale
	}
	days, err := strconv.Atoi(c.Value("days"))
	if err != nil {
		days = 0 // refused beside the question
	}
	err = r.SeeTo(actor.With(c.Context(), c.Actor), c.Param("id"), n, c.Value("note"), days)
	if bad, wrong := web.Wrong(err); wrong {
		form, ferr := c.Form()
		v, verr := r.one(c)
		if ferr != nil || verr != nil {
			return errors.Join(ferr, verr)
		}
		v.Errors = web.Refill(form, store.Invalid(bad), &v.Fields[0], &v.Fields[1])
		return oneTemplate.Status(422).Render(c, v)
	}
	if err != nil {
		return err
	}
	c.Notice("Noted. It ends by itself when all is well again.")
	return c.Redirect(pathAlarms)
}
