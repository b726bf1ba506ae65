package classroom

import (
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

//go:embed pages/*.html
var pages embed.FS

const (
	pathHome      = "/classroom"
	pathClass     = "/classroom/class"
	pathBegin     = "/classroom/begin"
	pathSupervise = "/classroom/supervise"
	pathSites     = "/classroom/sites"
	pathLists     = "/classroom/lists"
	pathLog       = "/classroom/log"
	pathHomework  = "/homework"
)

// Section is the room's pages: teachers reach them through the filter too.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "classroom", Title: "My class",
		Menu: []web.MenuItem{{Title: "My class", Path: pathHome, Needs: MayLead, Icon: "people", Area: "Filter"}},
		Routes: append(r.hideRoutes(), []web.Route{
			{Pattern: "GET " + pathHome, Needs: MayLead, Do: r.home, People: true},
			{Pattern: "GET " + pathClass, Needs: MayLead, Do: r.classPage, People: true},
			{Pattern: "POST " + pathBegin, Needs: MayLead, Do: r.begin, People: true},
			{Pattern: "POST " + pathHome + "/{id}/end", Needs: MayLead, Do: r.end, People: true},
			{Pattern: "GET " + pathSupervise, Needs: MayLead, Do: r.superviseForm, People: true},
			{Pattern: "GET " + pathSites, Needs: MayLead, Do: r.sitesPage, People: true},
			{Pattern: "GET " + pathSites + ".csv", Needs: MayLead, Do: r.sitesCSV, People: true},
			{Pattern: "GET " + pathSites + "/look", Needs: MayLead, Do: r.lookForm, People: true},
			{Pattern: "POST " + pathSites + "/look", Needs: MayLead, Do: r.looked, People: true},
			{Pattern: "GET " + pathSites + "/one", Needs: MayLead, Do: r.sitePage, People: true},
			{Pattern: "GET " + pathLists, Needs: MayLead, Do: r.listsPage, People: true},
			{Pattern: "GET " + pathLists + "/new", Needs: MayLead, Do: r.listForm, People: true},
			{Pattern: "POST " + pathLists + "/new", Needs: MayLead, Do: r.listKept, People: true},
			{Pattern: "POST " + pathLists + "/{id}/end", Needs: MayLead, Do: r.listEnd, People: true},
			{Pattern: "GET " + pathLog, Needs: MayCheck, Do: r.logPage},
			{Pattern: "GET " + pathLog + ".csv", Needs: MayCheck, Do: r.logCSV},
			{Pattern: "GET " + pathHomework, Needs: web.Open, Do: r.homework, People: true},
		}...),
	}
}

type listView struct {
	web.Base
	Note   web.Panel
	Links  []web.Link
	Filter web.Filter
	Table  web.Table
	More   web.Table
	Pager  web.Pager
	Ends   []web.Action
}

type formView struct {
	web.Base
	Note   web.Panel
	Path   string
	Button string
	Cancel string
	Hidden []web.Hidden
	Fields []web.Field
}

// part is one thing that a teacher can set, with its form.
type part struct {
	Ref, Title, Words, Button string
	Open                      bool
	Hidden                    []web.Hidden
	Fields                    []web.Field
}

type running struct {
	Says string
	Not  bool // not in force yet
	End  web.Action
}

type classView struct {
	web.Base
	Path    string
	Running []running
	Parts   []part
	Who     web.Table
	Sites   web.Table
	Seen    string
	Links   []web.Link
}

var (
	listTemplate  = web.NewPage[listView](pages, "pages/list.html")
	formTemplate  = web.NewPage[formView](pages, "pages/form.html")
	classTemplate = web.NewPage[classView](pages, "pages/class.html")
)

func classPath(name string) string { return pathClass + "?" + url.Values{"name": {name}}.Encode() }

// home lists the classes, the reader's own first, and what is set now.
func (r *Room) home(c *web.Ctx) error {
	mine, others, err := r.Classes(c.Context())
	if err != nil {
		return err
	}
	set, err := r.Running(c.Context())
	if err != nil {
		return err
	}
	says := map[string]string{}
	for _, s := range set {
		if s.Class != "" {
			says[s.Class] = strings.TrimSpace(says[s.Class] + " " + s.says(c.Words))
		}
	}
	rows := func(classes []string) (out []web.Row) {
		for _, name := range classes {
			now := says[name]
			if now == "" {
				now = "nothing set"
			}
			out = append(out, web.Row{Link: classPath(name), Cells: []web.Cell{{Text: "Class " + name}, {Text: now}}})
		}
		return out
	}
	columns := []web.Column{{Title: "Class"}, {Title: "Now"}}
	v := listView{
		Base: web.Base{Title: "My class", Lead: "Pause the web for a class, or keep it on the sites of a lesson. It ends by itself, and nothing that is closed is opened by it."},
		Links: []web.Link{
			{Title: "Sites looked at", Path: pathSites}, {Title: "Lists of sites", Path: pathLists}, {Title: "Supervise a room", Path: pathSupervise},
		},
		Table: web.Table{Caption: "Classes you teach", ShowCaption: true, Columns: columns, Rows: rows(mine), Empty: web.Empty{
			Title: "You are not down as the teacher of a class", Words: "The roll says who teaches what. You can choose another class below, and say why.",
		}},
		More: web.Table{Caption: "Other classes", ShowCaption: true, Columns: columns, Rows: rows(others)},
	}
	for _, s := range set {
		if s.Place != "" {
			v.Note.List = append(v.Note.List, s.says(c.Words))
			v.Ends = append(v.Ends, r.endAction(s))
		}
	}
	if len(v.Note.List) > 0 {
		v.Note.Title, v.Note.Tone = "Rooms that are supervised", "note"
	}
	if c.May(MayCheck) {
		v.Links = append(v.Links, web.Link{Title: "What was set", Path: pathLog})
	}
	return listTemplate.Render(c, v)
}

func (r *Room) endAction(s Set) web.Action {
	title := map[Kind]string{Pause: "Give the web back", Focus: "Open the web again", Supervise: "I have stopped supervising"}[s.Kind]
	return web.Action{Path: pathHome + "/" + s.ID + "/end", Title: title, Quiet: s.Kind == Supervise}
}

// minuteOptions are how long something may be set; to the lesson's end first.
func (r *Room) minuteOptions(now time.Time, l Lesson) []web.Option {
	longest := r.values().Duration(keyLongest)
	var out []web.Option
	if !l.Ends.IsZero() {
		left := int((l.Ends.Sub(now) + time.Minute - 1) / time.Minute)
		if time.Duration(left)*time.Minute <= longest && left >= leastMinutes {
			out = append(out, web.Option{Value: strconv.Itoa(left), Label: "To the end of " + l.Name + ", " + words.Count(left, "minute", "minutes"), Chosen: true})
		}
	}
	for _, n := range []int{5, 10, 15, 20, 30, 40, 50, 60, 90, 120, 180, 240} {
		if time.Duration(n)*time.Minute <= longest {
			out = append(out, web.Option{Value: strconv.Itoa(n), Label: words.Length(time.Duration(n) * time.Minute)})
		}
	}
	return out
}

func (r *Room) begin(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	kind := form.Get("kind")
	if kind == widenKind {
		return r.widen(c, form)
	}
	get := func(name string) string { return form.Get(kind + "-" + name) }
	in := Begun{Kind: Kind(kind), Class: form.Get("class"), Place: get("place"), Note: get("note"), Looked: get("looked") == "yes"}
	in.Minutes, _ = strconv.Atoi(get("minutes")) // 0 is refused with a sentence
	in.Hosts = strings.Fields(strings.ReplaceAll(get("hosts"), ",", " "))
	if id := get("list"); id != "" {
		l, err := getList(c.Context(), r.d.DB, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		in.Hosts = append(in.Hosts, l.Hosts...)
	}
	s, err := r.Begin(c.Context(), in)
	if bad, ok := web.Wrong(err); ok {
		bad = named(in.Kind, bad)
		if in.Place != "" || in.Class == "" {
			return r.superviseAgain(c, form, bad)
		}
		return r.classAgain(c, in, form, bad)
	}
	return r.done(c, s, err, s.says(c.Words))
}

// done says what came of it: also that something is not in force yet.
func (r *Room) done(c *web.Ctx, s Set, err error, says string) error {
	switch {
	case errors.Is(err, ErrLater):
		c.Notice("Not in force yet. " + sentence(ErrLater))
	case err != nil:
		return err
	default:
		c.Notice(says)
	}
	if s.Class == "" {
		return c.Redirect(pathHome)
	}
	return c.Redirect(classPath(s.Class))
}

func (r *Room) end(c *web.Ctx) error {
	s, err := r.End(c.Context(), c.Param("id"))
	return r.done(c, s, err, "It is over.")
}

func (r *Room) classPage(c *web.Ctx) error {
	v, err := r.classView(c, c.Query("name"))
	if err != nil {
		return err
	}
	return classTemplate.Render(c, v)
}

// classAgain shows the page once more, with what was typed and what is wrong
// with it.
func (r *Room) classAgain(c *web.Ctx, in Begun, form url.Values, bad store.Invalid) error {
	v, err := r.classView(c, in.Class)
	if errors.Is(err, store.ErrNotFound) {
		v := listView{Base: web.Base{Title: "My class", Lead: "There is no such class any more."}, Links: []web.Link{{Title: "Back", Path: pathHome}}}
		return listTemplate.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if err != nil {
		return err
	}
	v.Errors = web.Refill(form, bad) // where the form is not there any more
	for i := range v.Parts {
		if v.Parts[i].Ref != string(in.Kind) {
			continue
		}
		var fields []*web.Field
		for j := range v.Parts[i].Fields {
			fields = append(fields, &v.Parts[i].Fields[j])
		}
		v.Parts[i].Open = true
		v.Errors = web.Refill(form, bad, fields...)
	}
	return classTemplate.Status(http.StatusUnprocessableEntity).Render(c, v)
}

func (r *Room) classView(c *web.Ctx, name string) (classView, error) {
	x, err := r.Class(c.Context(), name)
	if err != nil {
		return classView{}, err
	}
	v := classView{
		Base: web.Base{
			Title: "Class " + x.Name, Crumbs: []web.Crumb{{Title: "My class", Path: pathHome}}, Wide: true,
			Lead: fmt.Sprintf("%d of %d signed in on the web.", x.Signed, len(x.Pupils)),
		},
		Path: pathBegin,
	}
	for _, s := range x.Running {
		v.Running = append(v.Running, running{Says: s.says(c.Words), Not: s.Kind != Supervise && !r.d.InForce(s.ID), End: r.endAction(s)})
	}
	if v.Parts, err = r.parts(c, x); err != nil {
		return v, err
	}
	v.Who = whoTable(c, x)
	return v, r.fillSites(c, &v, x)
}

func whoTable(c *web.Ctx, x Class) web.Table {
	t := web.Table{Caption: "Who is signed in", ShowCaption: true, Columns: []web.Column{{Title: "Pupil"}, {Title: "Signed in"}, {Title: "Until"}}}
	for _, p := range x.Pupils {
		row := web.Row{Cells: []web.Cell{{Text: p.Person.Name()}, {Text: "no"}, {}}, Faint: len(p.Devices) == 0}
		for i, d := range p.Devices {
			if i > 0 {
				row.Cells[1].Text += ", "
			} else {
				row.Cells[1].Text, row.Cells[2].When = "", c.Near(d.Until)
			}
			row.Cells[1].Text += d.Device
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// fillSites adds which sites the class opened, where the reader may see them.
func (r *Room) fillSites(c *web.Ctx, v *classView, x Class) error {
	since := "the last hour"
	if x.Lesson.Name != "" {
		since = x.Lesson.Name + ", since " + c.Words.Clock(x.Lesson.Began)
	}
	seen, err := r.Seen(c.Context(), x)
	switch {
	case errors.Is(err, store.ErrForbidden):
		v.Seen = "Which sites a class opens is shown to whoever teaches it, or has set something for it."
		return nil
	case err != nil:
		return err
	case seen.Counted:
		v.Seen = "The school does not record who opened what, so nothing can be said of one class."
		return nil
	}
	v.Seen = "Sites of " + since + ". Help services and what is private to a pupil are left out. That you looked is written down."
	names := r.values().Bool(keyNames)
	v.Sites = web.Table{
		Caption: "Sites of this lesson", Columns: []web.Column{{Title: "Site"}, {Title: "Pupils", Numeric: true}, {Title: "Times", Numeric: true}, {Title: "Closed", Numeric: true}, {Title: "Last"}},
		Empty: web.Empty{Title: "No site yet", Words: "It takes a few seconds until a site stands here."},
	}
	if names {
		v.Sites.Columns = append(v.Sites.Columns, web.Column{Title: "Who"})
	}
	called := map[people.ID]string{}
	for _, p := range x.Pupils {
		called[p.Person.ID] = p.Person.Name()
	}
	for _, h := range seen.Hosts {
		row := web.Row{Cells: []web.Cell{{Text: h.Host}, {Text: strconv.Itoa(len(h.Who))}, {Text: strconv.Itoa(h.Times)}, {Text: strconv.Itoa(h.Blocked)}, {When: c.Near(h.Last)}}}
		if names {
			var who []string
			for _, id := range h.Who {
				who = append(who, called[id])
			}
			row.Cells = append(row.Cells, web.Cell{Text: strings.Join(who, ", ")})
		}
		v.Sites.Rows = append(v.Sites.Rows, row)
	}
	return r.offerMore(c, v, x, seen)
}
