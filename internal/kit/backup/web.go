package backup

import (
	"embed"

	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

type pageView struct {
	web.Base
	Facts  web.Summary
	Note   web.Panel
	Run    web.Action
	Verify web.Action
	May    bool
	Stored web.Table
	Log    web.Table
}

var page = web.NewPage[pageView](pages, "pages/backup.html")

// Section is the backup page.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "backup", Title: "Backup",
		Menu: []web.MenuItem{{Title: "Backup", Path: "/backup", Needs: MayRead, Icon: "backup", Area: "Machine"}},
		Routes: []web.Route{
			{Pattern: "GET /backup", Needs: MayRead, Do: r.show},
			{Pattern: "POST /backup/run", Needs: MayRun, Do: r.askRun},
			{Pattern: "POST /backup/verify", Needs: MayRun, Do: r.askVerify},
		},
	}
}

func (r *Room) show(c *web.Ctx) error {
	stored, err := r.List()
	if err != nil {
		return err
	}
	log, err := r.Log(c.Context(), 50)
	if err != nil {
		return err
	}
	v := pageView{
		Base: web.Base{Title: "Backup", Wide: true, Lead: "An encrypted copy of everything, made by the clock and proved by restoring it."},
		May:  c.May(MayRun), Facts: r.facts(c), Note: r.note(),
		Run:    web.Action{Path: "/backup/run", Title: "Back up now"},
		Verify: web.Action{Path: "/backup/verify", Title: "Check the newest backup", Quiet: true},
		Stored: storedTable(c, stored), Log: logTable(c, log),
	}
	return page.Render(c, v)
}

func (r *Room) facts(c *web.Ctx) web.Summary {
	now := r.Live.Current()
	return web.Summary{Rows: []web.SummaryRow{
		{Key: "A backup is made every", Text: words.Length(now.Duration(KeyEvery))},
		{Key: "One is proved by restoring it every", Text: words.Length(now.Duration(KeyDrill))},
		{Key: "Backups are kept for", Text: words.Length(now.Duration(KeyKeep)), Lines: []string{"The two newest always stay."}},
		{Key: "They lie in", Text: r.Target},
		{Key: "They open with", Text: "the school key, or its printed recovery words"},
	}}
}

// note is shown while the backups would be lost together with the records.
func (r *Room) note() web.Panel {
	if !r.SameDisk {
		return web.Panel{}
	}
	return web.Panel{
		Tone: "warn", Title: "The backups lie on the same disk as the records",
		Words: "If this disk is lost, both are lost. Name a folder on another disk or another machine in the configuration file.",
	}
}

func storedTable(c *web.Ctx, all []Stored) web.Table {
	t := web.Table{
		Caption: "Backups in the folder",
		Columns: []web.Column{{Title: "Made"}, {Title: "File"}, {Title: "Size", Numeric: true}},
		Empty:   web.Empty{Title: "There is no backup yet", Words: "The first one is made within ten minutes of the start."},
	}
	for _, s := range all {
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{When: c.Moment(s.Made)}, {Text: s.File}, {Text: words.Size(s.Bytes)}}})
	}
	return t
}

func logTable(c *web.Ctx, all []Result) web.Table {
	t := web.Table{
		Caption: "What was done",
		Columns: []web.Column{{Title: "When"}, {Title: "What"}, {Title: "How it ended"}},
		Empty:   web.Empty{Title: "Nothing was done yet"},
	}
	for _, x := range all {
		tag := web.Tag{Words: "Done", Tone: "green"}
		if x.Result == Failed {
			tag = web.Tag{Words: "Failed", Tone: "red"}
		}
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{When: c.Moment(x.Ended)}, {Text: x.words(), Small: x.File}, {Tag: tag}}})
	}
	return t
}

func (r *Room) askRun(c *web.Ctx) error {
	r.asked.Store(true)
	return r.ask(c, TaskRun, "The backup has begun. It shows below when it is done; look at this page again in a minute.")
}

func (r *Room) askVerify(c *web.Ctx) error {
	r.wanted.Store(true)
	return r.ask(c, TaskDrill, "The check has begun. It shows below when it is done; look at this page again in a minute.")
}

// ask has the task do the work, so that nobody waits on a page for it.
func (r *Room) ask(c *web.Ctx, task, said string) error {
	if r.Ask == nil {
		if err := r.here(c, task); err != nil {
			return err
		}
		said = "Done. What came of it is below."
	} else if err := r.Ask(c.Context(), task); err != nil {
		return err
	}
	c.Notice(said)
	return c.Redirect("/backup")
}

func (r *Room) here(c *web.Ctx, task string) error {
	if task == TaskRun {
		return r.runIfDue(c.Context())
	}
	return r.drillIfDue(c.Context())
}
