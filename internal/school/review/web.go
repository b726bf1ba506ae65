package review

import (
	"embed"
	"time"

	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

type homeView struct {
	web.Base
	Tray     []web.TrayLine
	Nothing  string // said when nothing waits
	More     web.Link
	Failed   web.Panel
	Promises []web.SummaryRow
	Policy   string
	Sees     bool // may see the promises
	NoPolicy web.Panel
}

type journalView struct {
	web.Base
	Filter web.Filter
	Table  web.Table
	Pager  web.Pager
}

type lineView struct {
	web.Base
	Summary web.Summary
	Detail  string
	Erased  bool
	Hidden  bool // the detail is for the head teacher
}

type healthView struct {
	web.Base
	Table web.Table
}

var (
	homePage    = web.NewPage[homeView](pages, "pages/home.html")
	journalPage = web.NewPage[journalView](pages, "pages/journal.html")
	linePage    = web.NewPage[lineView](pages, "pages/line.html")
	healthPage  = web.NewPage[healthView](pages, "pages/health.html")
)

// Section is the room's pages.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "review", Title: "Home",
		Menu: []web.MenuItem{
			{Title: "Home", Path: "/", Needs: web.SignedIn, Icon: "home", Area: "Home"},
			{Title: "The head’s page", Path: "/head", Needs: MayReadHead, Icon: "clock", Area: "Home"},
			{Title: "Governors", Path: "/governors", Needs: MayReadBoard, Icon: "house", Area: "Home"},
			{Title: "Journal", Path: "/journal", Needs: MayReadJournal, Icon: "history", Area: "Records"},
			{Title: "Health", Path: "/health", Needs: MayReadHealth, Icon: "activity", Area: "Machine"},
		},
		Routes: []web.Route{
			{Pattern: "GET /{$}", Needs: web.SignedIn, Do: r.home},
			{Pattern: "GET /head", Needs: MayReadHead, Do: r.headPage},
			{Pattern: "GET /governors", Needs: MayReadBoard, Do: r.boardPage},
			{Pattern: "GET /governors.csv", Needs: MayReadBoard, Do: r.boardCSV},
			{Pattern: "GET /governors.html", Needs: MayReadBoard, Do: r.boardAlone},
			{Pattern: "GET /reports", Needs: MayReadBoard, Do: r.reportList},
			{Pattern: "GET /reports/{id}", Needs: MayReadBoard, Do: r.reportPage},
			{Pattern: "POST /reports/{id}/sign", Needs: MayReadBoard, Do: r.signReport},
			{Pattern: "GET /reports/{id}/report.csv", Needs: MayReadBoard, Do: r.reportCSV},
			{Pattern: "GET /reports/{id}/report.html", Needs: MayReadBoard, Do: r.reportAlone},
			{Pattern: "GET /journal", Needs: MayReadJournal, Do: r.journal},
			{Pattern: "GET /journal/{seq}", Needs: MayReadJournal, Do: r.line},
			{Pattern: "GET /journal.csv", Needs: MayReadJournal, Do: r.export},
			{Pattern: "GET /health", Needs: MayReadHealth, Do: r.health},
		},
	}
}

// mostShown is how many lines of the tray stand on the home page; the rest are
// one press away.
const mostShown = 12

func (r *Room) home(c *web.Ctx) error {
	items, failed, err := r.tray(c.Context(), c.Actor)
	if err != nil && len(failed) == 0 {
		return err
	}
	p, err := r.d.Promises(c.Context())
	if err != nil {
		return err
	}
	v := homeView{Base: web.Base{Title: "What needs you"}, Sees: c.May("evidence.read"), Policy: p.Policy}
	v.Failed = failedPanel(failed)
	shown := items
	if len(items) > mostShown && c.Query("all") == "" {
		shown = items[:mostShown]
		v.More = web.Link{Title: "Show all " + words.Number(len(items)), Path: "/?all=1"}
	}
	for _, i := range shown {
		v.Tray = append(v.Tray, trayLine(c, i))
	}
	v.Nothing = "Nothing waits for you; last checked " + c.Words.Stamp(c.Now()) + "."
	if len(failed) > 0 {
		v.Nothing = ""
	}
	if p.Policy == "" {
		v.NoPolicy = web.Panel{
			Tone: "warn", Title: "No policy is in force",
			Words: "The filter works by its safe defaults, and nothing here is confirmed by your school yet.",
			Link:  web.Link{Title: "Choose a policy", Path: "/policies"},
		}
	}
	v.Promises = promiseRows(p)
	return homePage.Render(c, v)
}

// trayLine is one line of the tray as shown.
func trayLine(c *web.Ctx, i web.Item) web.TrayLine {
	l := web.TrayLine{Title: i.Title, Step: i.Step, Link: i.Link, Risk: i.Risk, Since: c.Ago(i.Since)}
	l.Since.Words = since(c, i.Since)
	return l
}

// since says how long something waits, as a school says it: "since Friday
// 16:10".
func since(c *web.Ctx, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	l := t.In(c.Words.Zone())
	today := c.Now().In(c.Words.Zone())
	midnight := time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, c.Words.Zone())
	switch {
	case !l.Before(midnight):
		return "since " + c.Words.Clock(l)
	case !l.Before(midnight.AddDate(0, 0, -6)):
		return "since " + l.Weekday().String() + " " + c.Words.Clock(l)
	}
	return "since " + c.Words.ShortDate(l)
}

func failedPanel(failed []string) web.Panel {
	if len(failed) == 0 {
		return web.Panel{}
	}
	return web.Panel{
		Tone: "bad", Title: "Not everything could be looked at",
		Words: "What waits in " + words.And(failed) + " could not be found out just now. Open that part itself, or try again in a minute.",
	}
}

func promiseRows(p Promises) []web.SummaryRow {
	row := func(key string, n int, path string) web.SummaryRow {
		return web.SummaryRow{
			Key: key, Text: words.Count(n, "promise", "promises"),
			Link: web.Link{Title: "Show", Path: path},
		}
	}
	return []web.SummaryRow{
		row("Not being kept", p.Broken, "/policies/not-kept"),
		row("Unknown", p.Unknown, "/policies/not-kept"),
		row("At risk", p.AtRisk, "/policies/not-kept"),
		row("Kept", p.Kept, "/policies"),
		row("Words only", p.Words, "/policies"),
	}
}

func (r *Room) health(c *web.Ctx) error {
	v := healthView{Base: web.Base{
		Title: "Health", Wide: true,
		Lead: "How the machine is, looked at just now.",
	}}
	v.Table = web.Table{
		Caption: "What was looked at",
		Columns: []web.Column{{Title: "What"}, {Title: "State"}, {Title: "What is so"}, {Title: "What to do"}},
	}
	for _, k := range r.d.Health(c.Context()) {
		v.Table.Rows = append(v.Table.Rows, web.Row{Cells: []web.Cell{
			{Text: k.Name}, {State: web.State{Is: k.State}}, {Text: k.Words}, {Text: k.Todo},
		}})
	}
	return healthPage.Render(c, v)
}
