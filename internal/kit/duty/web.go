package duty

import (
	"embed"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

// MaySee is who has tasks at all: staff, governors and contractors.
const MaySee actor.Capability = "tasks.see"

type listView struct {
	web.Base
	Failed web.Panel
	Mine   []line
	Nobody string // said when nothing waits
	All    web.Table
	Pager  web.Pager
	Whole  bool // the head's list of all
}

// line is one task with what can be done about it in one step.
type line struct {
	Title string
	Risk  string
	Due   string
	Who   string
	Tag   web.Tag
	Open  web.Link
	More  web.Link
	Done  web.Action
}

type oneView struct {
	web.Base
	Facts  web.Summary
	Open   web.Link
	Done   taskForm
	Give   taskForm
	Excuse taskForm
}

// taskForm is one thing that can be said about the task; Path "" is none.
type taskForm struct {
	Path   string
	Hidden []web.Hidden
	Fields []web.Field
}

type feedView struct {
	web.Base
	Since   web.When
	Has     bool
	Address string // shown once
}

var (
	listPage = web.NewPage[listView](pages, "pages/list.html")
	onePage  = web.NewPage[oneView](pages, "pages/one.html")
	feedPage = web.NewPage[feedView](pages, "pages/feed.html")
)

// Section is the pages of tasks.
func (b *Book) Section() web.Section {
	return web.Section{
		Name: "tasks", Title: "Tasks",
		Menu: []web.MenuItem{{Title: "Tasks", Path: "/tasks", Needs: MaySee, Icon: "calendar", Area: "Home"}},
		Routes: []web.Route{
			{Pattern: "GET /tasks", Needs: MaySee, Do: b.list},
			{Pattern: "GET /tasks/one", Needs: MaySee, Do: b.one},
			{Pattern: "POST /tasks/done", Needs: MaySee, Do: b.postDone},
			{Pattern: "POST /tasks/give", Needs: MaySee, Do: b.postGive},
			{Pattern: "POST /tasks/excuse", Needs: MaySee, Do: b.postExcuse},
			{Pattern: "GET /tasks/calendar", Needs: MaySee, Do: b.feed},
			{Pattern: "POST /tasks/calendar", Needs: MaySee, Do: b.postFeed},
			{Pattern: "POST /tasks/calendar/close", Needs: MaySee, Do: b.postNoFeed},
			// The address itself is the key: a calendar program cannot sign in.
			{Pattern: "GET /calendar/{file}", Needs: web.Open, Do: b.serveFeed},
		},
	}
}

// onePageOf is how many tasks a page shows.
const onePageOf = 50

func (b *Book) list(c *web.Ctx) error {
	all, failed, err := b.All(c.Context())
	if err != nil {
		return err
	}
	v := listView{Base: web.Base{Title: "Tasks", Wide: true, Lead: "What somebody must do by when. What is late goes up: to the head teacher after two school days, to the chair of governors after ten."}}
	v.Failed = failedPanel(failed)
	v.Whole = c.Actor.Holds(b.Excuses) && c.Query("all") != ""
	from, err := strconv.Atoi(c.Query("from"))
	if err != nil || from < 0 || from > len(all) {
		from = 0
	}
	if v.Whole {
		return b.whole(c, v, all, from)
	}
	var mine []Duty
	for _, d := range all {
		if d.sees(c.Actor) {
			mine = append(mine, d)
		}
	}
	from = min(from, len(mine))
	for _, d := range mine[from:min(len(mine), from+onePageOf)] {
		v.Mine = append(v.Mine, b.line(c, d))
	}
	v.Nobody = "You owe nothing; last checked " + c.Words.Stamp(c.Now()) + "."
	v.Pager = pager("/tasks?from=", from, len(mine))
	if c.Actor.Holds(b.Excuses) {
		v.Exports = append(v.Exports, web.Download{Title: "Everybody's tasks", Path: "/tasks?all=1"})
	}
	v.Exports = append(v.Exports, web.Download{Title: "In your calendar", Path: "/tasks/calendar"})
	return listPage.Render(c, v)
}

func failedPanel(failed []Failure) web.Panel {
	if len(failed) == 0 {
		return web.Panel{}
	}
	p := web.Panel{Tone: "warn", Title: "Some tasks could not be worked out", Words: "What follows may lack some. Nothing here says that they are done."}
	for _, f := range failed {
		p.List = append(p.List, f.Source)
	}
	return p
}

func pager(path string, from, total int) web.Pager {
	p := web.Pager{}
	if total <= onePageOf {
		return p
	}
	p.Words = words.Number(from+1) + " to " + words.Number(min(total, from+onePageOf)) + " of " + words.Number(total)
	if from > 0 {
		p.Before = path + strconv.Itoa(max(0, from-onePageOf))
	}
	if from+onePageOf < total {
		p.After = path + strconv.Itoa(from+onePageOf)
	}
	return p
}

// whole is everybody's tasks, for whoever may excuse them.
func (b *Book) whole(c *web.Ctx, v listView, all []Duty, from int) error {
	v.Title, v.Crumbs = "Everybody's tasks", []web.Crumb{{Title: "Tasks", Path: "/tasks"}}
	v.All = web.Table{
		Caption: "Everybody's tasks", Columns: []web.Column{{Title: "What"}, {Title: "Whose"}, {Title: "Due"}, {Title: "State"}},
		Empty: web.Empty{Title: "Nobody owes anything just now"},
	}
	for _, d := range all[from:min(len(all), from+onePageOf)] {
		v.All.Rows = append(v.All.Rows, web.Row{Link: oneLink(d.Key), Cells: []web.Cell{
			{Text: d.What}, {Text: b.whose(c, d)}, {Text: dueWords(c, d)}, {Tag: tagOf(d)},
		}})
	}
	v.Pager = pager("/tasks?all=1&from=", from, len(all))
	return listPage.Render(c, v)
}

func oneLink(key string) string { return "/tasks/one?key=" + url.QueryEscape(key) }

func (b *Book) line(c *web.Ctx, d Duty) line {
	l := line{
		Title: d.What, Due: dueWords(c, d), Tag: tagOf(d), Risk: web.TrayLine{Risk: d.Risk}.RiskWord(),
		Open: web.Link{Title: d.Step, Path: d.Link}, More: web.Link{Title: "Give it, or say more", Path: oneLink(d.Key)},
	}
	if !d.owns(c.Actor) {
		l.Who = "Owed by " + b.whose(c, d)
	}
	if d.owns(c.Actor) && d.ByWord {
		l.Done = web.Action{Path: "/tasks/done", Title: "It is done", Quiet: true, Hidden: []web.Hidden{{Name: "key", Value: d.Key}}}
	}
	return l
}

func (b *Book) whose(c *web.Ctx, d Duty) string {
	if d.State == Given && b.People != nil {
		staff, err := b.People.Staff(c.Context())
		if err == nil {
			for _, s := range staff {
				if s.ID == d.GivenTo {
					return s.Name + ", for the " + b.Title(d.Owner)
				}
			}
		}
	}
	return "the " + b.Title(d.Owner)
}

func dueWords(c *web.Ctx, d Duty) string {
	if d.Due.IsZero() {
		return "no day is set"
	}
	return "due " + c.Words.Near(d.Due)
}

func tagOf(d Duty) web.Tag {
	if d.Late {
		return web.Tag{Words: "late", Tone: "red"}
	}
	return web.Tag{}
}

// seen returns a task that the actor may know of.
func (b *Book) seen(c *web.Ctx, key string) (Duty, error) {
	d, err := b.find(c.Context(), key)
	if err == nil && !d.sees(c.Actor) && !c.Actor.Holds(d.Owner) && !c.Actor.Holds(b.Excuses) {
		return d, store.ErrNotFound
	}
	return d, err
}

func (b *Book) one(c *web.Ctx) error {
	d, err := b.seen(c, c.Query("key"))
	if err != nil {
		return err
	}
	v, err := b.view(c, d)
	if err != nil {
		return err
	}
	return onePage.Render(c, v)
}

func (b *Book) view(c *web.Ctx, d Duty) (oneView, error) {
	v := oneView{
		Base: web.Base{Title: d.What, Crumbs: []web.Crumb{{Title: "Tasks", Path: "/tasks"}}},
		Open: web.Link{Title: d.Step, Path: d.Link},
	}
	v.Facts.Rows = []web.SummaryRow{{Key: "Whose", Text: b.whose(c, d)}, {Key: "Due", Text: dueWords(c, d), Tags: late(d)}}
	if !d.Since.IsZero() {
		v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: "Since", When: c.Moment(d.Since)})
	}
	if d.Note != "" {
		v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: "What was said", Text: d.Note, When: c.Moment(d.At)})
	}
	for _, p := range d.Raised {
		v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: "Went up to", Text: "the " + b.Title(p)})
	}
	hidden := []web.Hidden{{Name: "key", Value: d.Key}}
	note := web.Field{Kind: web.LongField, Name: "note", Label: "Note", Optional: true, Rows: 2, Max: maxNote}
	if d.owns(c.Actor) && d.ByWord {
		v.Done = taskForm{Path: "/tasks/done", Hidden: hidden, Fields: []web.Field{note}}
	}
	if b.People != nil && (d.sees(c.Actor) || c.Actor.Holds(d.Owner)) {
		field, err := b.staffField(c)
		if err != nil {
			return v, err
		}
		v.Give = taskForm{Path: "/tasks/give", Hidden: hidden, Fields: []web.Field{field, note}}
	}
	if b.mayExcuse(d, c.Actor) {
		reason := note
		reason.Label, reason.Optional = "Why it need not be done", false
		v.Excuse = taskForm{Path: "/tasks/excuse", Hidden: hidden, Fields: []web.Field{
			{Kind: web.DateField, Name: "until", Label: "Until when", Hint: "Then it comes back."}, reason,
		}}
	}
	return v, nil
}

func late(d Duty) []web.Tag {
	if d.Late {
		return []web.Tag{tagOf(d)}
	}
	return nil
}

func (b *Book) staffField(c *web.Ctx) (web.Field, error) {
	f := web.Field{Kind: web.SelectField, Name: "person", Label: "Who does it", Options: []web.Option{{Value: "", Label: "Choose somebody"}}}
	staff, err := b.People.Staff(c.Context())
	for _, s := range staff {
		if s.ID != c.Actor.Person {
			f.Options = append(f.Options, web.Option{Value: s.ID, Label: s.Name})
		}
	}
	return f, err
}

func (b *Book) postDone(c *web.Ctx) error {
	return b.say(c, "Thank you. It is kept as done.", func(key string) error { return b.Done(c.Context(), key, c.Value("note")) })
}

func (b *Book) postGive(c *web.Ctx) error {
	return b.say(c, "The task was given.", func(key string) error { return b.Give(c.Context(), key, c.Value("person"), c.Value("note")) })
}

func (b *Book) postExcuse(c *web.Ctx) error {
	return b.say(c, "The task was excused until that day.", func(key string) error {
		form, err := c.Form()
		if err != nil {
			return err
		}
		until, err := time.ParseInLocation(time.DateOnly, web.DateText(form, "until"), c.Words.Zone())
		if err != nil {
			return store.Invalid{"until": "Give a day to come, such as 4 12 2026."}
		}
		return b.Excuse(c.Context(), key, c.Value("note"), until)
	})
}

// say does what a form asks, and shows the form again with what is wrong.
func (b *Book) say(c *web.Ctx, said string, do func(key string) error) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	key := c.Value("key")
	err = do(key)
	if bad, ok := web.Wrong(err); ok {
		d, err := b.seen(c, key)
		if err != nil {
			return err
		}
		v, err := b.view(c, d)
		if err != nil {
			return err
		}
		v.Errors = refill(&v, c.R.URL.Path, form, bad)
		return onePage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if errors.Is(err, store.ErrNotFound) && b.wasDone(c, key) {
		c.Notice("Somebody has said already that this is done.")
		return c.Redirect("/tasks")
	}
	if err != nil {
		return err
	}
	c.Notice(said)
	return c.Redirect("/tasks")
}

// wasDone reports whether the actor, who may have sent a form twice, had said
// that it is done.
func (b *Book) wasDone(c *web.Ctx, key string) bool {
	all, err := b.said(c.Context())
	return err == nil && all[key].State == Done && all[key].By == c.Actor.ID
}

// refill puts what was typed back into the form it came from.
func refill(v *oneView, path string, form url.Values, bad store.Invalid) web.Errors {
	for _, f := range []*taskForm{&v.Done, &v.Give, &v.Excuse} {
		if f.Path != path {
			continue
		}
		var fields []*web.Field
		for i := range f.Fields {
			fields = append(fields, &f.Fields[i])
		}
		return web.Refill(form, bad, fields...)
	}
	return web.Refill(form, bad)
}
