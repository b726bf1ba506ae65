package alarms

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strconv"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
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
			{Pattern: "GET " + pathAlarms + "/{id}", Needs: MayRead, Do: r.onePage},
			{Pattern: "POST " + pathAlarms + "/{id}", Needs: MaySee, Do: r.seeTo},
		},
	}
}

type listView struct {
	web.Base
	Running web.Table
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
	ended, total, err := r.Ended(c.Context(), perPage, (at-1)*perPage)
	if err != nil {
		return err
	}
	v := listView{
		Base: web.Base{Title: "Alarms of the filter", Lead: "What Belisha noticed by itself. It looks every few minutes; an alarm ends by itself when all is well again. No person is named.", Wide: true},
		Running: web.Table{
			Caption: "Alarms that go on", Columns: []web.Column{{Title: "What"}, {Title: "Risk"}, {Title: "Since"}, {Title: "Whose"}, {Title: "Seen to"}},
			Empty: web.Empty{Title: "There is no alarm", Words: "Last looked just now or a few minutes ago. No alarm does not mean that all is well: trials of the filter and promises say more."},
		},
		Ended: web.Table{
			Caption: "Alarms that ended", Columns: []web.Column{{Title: "What"}, {Title: "Since"}, {Title: "Ended"}, {Title: "What was done"}},
			Empty: web.Empty{Title: "None ended yet"},
		},
	}
	for _, a := range running {
		row := web.Row{Link: pathAlarms + "/" + a.ID, Cells: []web.Cell{{Text: a.Words}, {Tag: riskTag(a.Risk)}, {When: c.Near(a.Since)}, {Text: a.Owner.Title()}, {Text: "not yet"}}}
		if !a.SeenAt.IsZero() {
			row.Cells[4] = web.Cell{When: c.Near(a.SeenAt), Small: r.Name(c.Context(), a.SeenBy)}
		}
		v.Running.Rows = append(v.Running.Rows, row)
	}
	for _, a := range ended {
		v.Ended.Rows = append(v.Ended.Rows, web.Row{Link: pathAlarms + "/" + a.ID, Faint: true, Cells: []web.Cell{{Text: a.Words}, {When: c.Near(a.Since)}, {When: c.Near(a.EndedAt)}, {Text: a.Note}}})
	}
	v.Pager.Words = words.Count(total, "alarm ended", "alarms ended")
	if at > 1 {
		v.Pager.Before = fmt.Sprintf("%s?page=%d", pathAlarms, at-1)
	}
	if at*perPage < total {
		v.Pager.After = fmt.Sprintf("%s?page=%d", pathAlarms, at+1)
	}
	return listTemplate.Render(c, v)
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
		Path: pathAlarms + "/" + a.ID, May: a.SeenAt.IsZero() && c.May(MaySee),
		Hidden: []web.Hidden{{Name: "version", Value: strconv.FormatInt(a.Version, 10)}},
		Fields: []web.Field{{Kind: web.LongField, Name: "note", Label: "What you found or did", Hint: "Do not name a pupil.", Rows: 3, Max: mostNote}},
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
	if !a.SeenAt.IsZero() {
		v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "Seen to", Text: a.Note, Lines: []string{r.Name(c.Context(), a.SeenBy)}, When: c.Moment(a.SeenAt)})
	}
	if a.Running() {
		v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "Ends", Text: "by itself, when all is well again"})
	} else {
		v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "Ended", When: c.Moment(a.EndedAt)})
	}
	return v, nil
}

func (r *Room) seeTo(c *web.Ctx) error {
	n, err := strconv.ParseInt(c.Value("version"), 10, 64)
	if err != nil {
		return store.ErrStale
	}
	err = r.SeeTo(actor.With(c.Context(), c.Actor), c.Param("id"), n, c.Value("note"))
	if bad, wrong := web.Wrong(err); wrong {
		form, ferr := c.Form()
		v, verr := r.one(c)
		if ferr != nil || verr != nil {
			return errors.Join(ferr, verr)
		}
		v.Errors = web.Refill(form, store.Invalid(bad), &v.Fields[0])
		return oneTemplate.Status(422).Render(c, v)
	}
	if err != nil {
		return err
	}
	c.Notice("Noted. It ends by itself when all is well again.")
	return c.Redirect(pathAlarms)
}

// Waiting are the alarms that the reader's post owns and nobody saw to.
func (r *Room) Waiting(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	if !a.May(MaySee) {
		return nil, nil
	}
	running, err := r.Running(ctx)
	if err != nil {
		return nil, err
	}
	var out []web.Item
	for _, x := range running {
		if x.SeenAt.IsZero() && (a.Holds(string(x.Owner)) || x.Risk >= 3 && a.Holds(string(people.Headteacher))) {
			out = append(out, web.Item{Key: x.ID, Title: x.Words, Step: "See to it", Link: pathAlarms + "/" + x.ID, Risk: x.Risk, Since: x.Since, Room: "alarms"})
		}
	}
	return out, nil
}
