package concerns

import (
	"net/http"
	"slices"
	"strconv"

	"belisha/internal/kit/store"
	"belisha/internal/kit/trend"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

type trendsView struct {
	web.Base
	Bars    []web.Bars
	Waits   web.Summary
	Guarded bool
	Read    bool
	Policy  []told
}

var trendsPage = web.NewPage[trendsView](pages, "pages/trends.html")

// trendsPage shows what became more and what less in twelve months, without
// anybody's name. Small numbers of children are hidden from whoever does not
// read cases.
func (r *Room) trendsPage(c *web.Ctx) error {
	now := c.Now()
	list, err := r.Trends(c.Context(), now.AddDate(-1, 1, 0), now)
	if err != nil {
		return err
	}
	v := trendsView{Base: web.Base{
		Title: "Trends of concerns", Wide: true, Lead: "What was reported in the last twelve months, by what it was about. Nobody is named, and what was entered in error is not counted.",
		Crumbs: []web.Crumb{{Title: "Concerns", Path: "/concerns"}},
	}}
	rd, err := r.reader(c.Context())
	if err != nil {
		return err
	}
	v.Guarded = !slices.Contains(rd.sees[ChildProtection], 0)
	for _, t := range list {
		if v.Guarded {
			t = t.Guarded()
		}
		v.Bars = append(v.Bars, barsOf(t))
	}
	w, err := r.WaitingTimes(c.Context())
	if err != nil {
		return err
	}
	oldest := web.When{Words: "nothing waits"}
	if !w.Oldest.IsZero() {
		oldest = c.Ago(w.Oldest)
	}
	v.Waits = web.Summary{Title: "What waits", Rows: []web.SummaryRow{
		{Key: "Not opened by anybody yet", Text: words.Number(w.Unread)}, {Key: "The oldest of them came", When: oldest}, {Key: "Beyond the time to act", Text: words.Number(w.Late)},
	}}
	v.Read = rd.head || rd.lead
	return trendsPage.Render(c, v)
}

func barsOf(t trend.Trend) web.Bars {
	var points []web.Point
	for _, p := range t.Points {
		x := web.Point{Label: p.Label, Value: float64(p.N)}
		if p.N < 0 {
			x.Value, x.Said = 0, "under 5"
		}
		points = append(points, x)
	}
	return web.NewBars(t.Title, t.Unit, points)
}

func (r *Room) readTrends(c *web.Ctx) error {
	if err := r.ReadTrends(c.Context()); err != nil {
		return err
	}
	c.Notice("Noted that you have read them.")
	return c.Redirect("/concerns/trends")
}

// quietPage asks whether there is nothing to record.
func (r *Room) quietPage(c *web.Ctx) error {
	return askPage.Render(c, askView{
		Base: web.Base{
			Title: "Is there nothing to record?", Crumbs: []web.Crumb{{Title: "Concerns", Path: "/concerns"}},
			Lead: "No concern has come for some time. A quiet log may mean that all is well, or that nobody writes. Ask in the staffroom before you answer.",
		},
		Path: "/concerns/quiet", Button: "There was nothing to record", Cancel: web.Link{Title: "Report something", Path: "/concerns/new"},
	})
}

func (r *Room) sayQuiet(c *web.Ctx) error {
	if err := r.NothingToRecord(c.Context()); err != nil {
		return err
	}
	c.Notice("Noted.")
	return c.Redirect("/concerns")
}

func givenView(c *web.Ctx, a Action) askView {
	k, _ := actionKind(a.Kind)
	v := askView{
		Base: web.Base{
			Title: "Given to you: " + k.Title, Marking: marking, Crumbs: []web.Crumb{{Title: "Concerns", Path: "/concerns"}},
			Lead: "Due " + c.Words.Near(a.Due) + ". You see this action's own words, and nothing else of the concern.",
		},
		Panel: web.Panel{Tone: "note", List: paras(a.says())},
		Path:  "/concern-given/" + a.ID, Cancel: web.Link{Title: "Back", Path: "/concerns"},
	}
	if a.State == Planned {
		v.Button, v.Fields = "Keep it", outcomeFields()
		v.Hidden = []web.Hidden{{Name: "version", Value: strconv.FormatInt(a.Version, 10)}}
	}
	return v
}

func (r *Room) givenPage(c *web.Ctx) error {
	a, err := r.Given(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	v := givenView(c, a)
	if a.Kind == actInvestigation {
		v.Lead = "Due " + c.Words.Near(a.Due) + ". You may see the concern while you investigate."
		v.Panel.Link = web.Link{Title: "Open the concern", Path: "/concerns/" + a.Concern}
	}
	return askPage.Render(c, v)
}

func (r *Room) finishGiven(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	a, err := r.Given(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	version, err := strconv.ParseInt(form.Get("version"), 10, 64)
	if err != nil {
		return store.ErrStale
	}
	err = r.Finish(c.Context(), a.ID, version, form.Get("state"), form.Get("outcome"))
	if bad, ok := web.Wrong(err); ok && a.State == Planned {
		v := givenView(c, a)
		v.Errors = web.Refill(form, bad, &v.Fields[0], &v.Fields[1])
		return askPage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if err != nil {
		return err
	}
	c.Notice("Kept. Thank you.")
	return c.Redirect("/concerns")
}
