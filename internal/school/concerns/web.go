package concerns

import (
	"embed"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

//go:embed pages/*.html
var pages embed.FS

// marking is printed on every page of a case.
const marking = "Safeguarding: keep locked away."

// maxForm is the largest report form, with its text.
const maxBody = 512 << 10

// Section is the room's pages: those of staff, and the one for everybody.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "concerns", Title: "Concerns",
		Menu: []web.MenuItem{{Title: "Concerns", Path: "/concerns", Needs: MayReport, Icon: "shield", Area: "Safeguarding"}},
		Routes: append(r.tellRoutes(), []web.Route{
			{Pattern: "GET /concerns", Needs: MayReport, Do: r.ready(r.home)},
			{Pattern: "POST /concerns", Needs: MayRead, Do: r.ready(r.search)},
			{Pattern: "GET /concerns/new", Needs: MayReport, Do: r.ready(r.newPage)},
			// Open: whoever's session has ended meanwhile keeps what they typed.
			{Pattern: "POST /concerns/new", Needs: web.Open, Do: r.ready(r.report), Body: maxBody},
			{Pattern: "GET /concerns/{id}/receipt", Needs: MayReport, Do: r.ready(r.sentPage)},
			{Pattern: "GET /concerns/trends", Needs: MayCount, Do: r.ready(r.trendsPage)},
			{Pattern: "POST /concerns/trends", Needs: MayCount, Do: r.ready(r.readTrends)},
			{Pattern: "GET /concerns/quiet", Needs: MayRead, Do: r.ready(r.quietPage)},
			{Pattern: "POST /concerns/quiet", Needs: MayRead, Do: r.ready(r.sayQuiet)},
			{Pattern: "GET /concern-given/{id}", Needs: MayReport, Do: r.ready(r.givenPage)},
			{Pattern: "POST /concern-given/{id}", Needs: MayReport, Do: r.ready(r.finishGiven)},
			{Pattern: "GET /concerns/{id}", Needs: MayReport, Do: r.ready(r.casePage)},
			{Pattern: "GET /concerns/{id}/look", Needs: MayReport, Do: r.ready(r.lookPage)},
			{Pattern: "POST /concerns/{id}/look", Needs: MayReport, Do: r.ready(r.giveLook)},
			{Pattern: "GET /concerns/{id}/break", Needs: MayRead, Do: r.ready(r.breakPage)},
			{Pattern: "POST /concerns/{id}/break", Needs: MayRead, Do: r.ready(r.force)},
			{Pattern: "GET /concerns/{id}/attach", Needs: MayReport, Do: r.ready(r.attachPage)},
			{Pattern: "POST /concerns/{id}/attach", Needs: MayReport, Do: r.ready(r.answerImages)},
			{Pattern: "POST /concerns/{id}/file", Needs: MayReport, Do: r.ready(r.attach), Body: maxFile + 64<<10},
			{Pattern: "GET /concerns/{id}/files/{file}", Needs: MayReport, Do: r.ready(r.filePage)},
			{Pattern: "POST /concerns/{id}/export", Needs: MayRead, Do: r.ready(r.export)},
			{Pattern: "GET /concerns/{id}/{step}", Needs: MayReport, Do: r.ready(r.stepPage)},
			{Pattern: "POST /concerns/{id}/{step}", Needs: MayReport, Do: r.ready(r.takeStep), Body: maxBody},
		}...),
	}
}

type closedView struct {
	web.Base
	Reasons []string
	Adult   string
}

var closedPage = web.NewPage[closedView](pages, "pages/closed.html")

// ready stands before every page of staff: while something that keeps concerns
// safe is missing, it says what, and whom to tell in person.
func (r *Room) ready(do web.Handler) web.Handler {
	return func(c *web.Ctx) error {
		if why := r.Closed(c.Context()); len(why) > 0 {
			return r.showClosed(c, why)
		}
		err := do(c)
		if errors.Is(err, ErrClosed) {
			return r.showClosed(c, r.Closed(c.Context()))
		}
		return err
	}
}

func (r *Room) showClosed(c *web.Ctx, why []string) error {
	return closedPage.Status(http.StatusLocked).Render(c, closedView{
		Base:    web.Base{Title: "Concerns cannot be kept here yet"},
		Reasons: why, Adult: r.d.Adult(c.Context()),
	})
}

type homeView struct {
	web.Base
	Reads  bool
	Filter web.Filter
	Who    web.Field
	Cases  web.Table
	Pager  web.Pager
	Given  web.Table
	Mine   web.Table
	Warned []string // what is not in order although concerns are open
	Hint   web.Panel
	Links  []web.Link
}

var homePage = web.NewPage[homeView](pages, "pages/home.html")

// home is the list of what comes to the reader, of what they were given to do,
// and of what they have reported.
func (r *Room) home(c *web.Ctx) error {
	in := Asked{State: c.Query("state"), Area: Area(c.Query("area")), From: people.Day(c.Query("from")), To: people.Day(c.Query("to"))}
	if n, err := strconv.Atoi(c.Query("at")); err == nil {
		in.Offset = min(max(n, 0), 1_000_000)
	}
	if in.State != "" && in.State != "all" && !hasOption(states, in.State) {
		in.State = ""
	}
	v, err := r.homeView(c, in)
	if err != nil {
		return err
	}
	return homePage.Render(c, v)
}

func (r *Room) homeView(c *web.Ctx, in Asked) (homeView, error) {
	v := homeView{Base: web.Base{Title: "Concerns", Wide: true, Marking: marking}}
	rd, err := r.reader(c.Context())
	if err != nil {
		return v, err
	}
	v.Reads = rd.any()
	v.Who = web.Field{Kind: web.SearchField, Name: "who", Label: "Concerns about a person", Hint: "A name, a username or a number. What happened is sealed and cannot be searched by its words."}
	v.Warned = r.Warned(c.Context())
	v.Hint = web.Panel{Tone: "note", Title: "If somebody is in danger now", Words: "Ring 999 first. Then tell the safeguarding lead in person, and write it here afterwards."}
	if v.Reads {
		if err := r.fillCases(c, in, &v); err != nil {
			return v, err
		}
	}
	if c.May(MayCount) {
		v.Links = append(v.Links, web.Link{Title: "Trends", Path: "/concerns/trends"})
	}
	return v, r.fillOwn(c, &v)
}

func (r *Room) fillCases(c *web.Ctx, in Asked, v *homeView) error {
	p, err := r.List(c.Context(), in)
	if err != nil {
		return err
	}
	v.Filter = listFilter(in, p.Total)
	v.Cases = caseTable(c, p)
	path := func(at int) string {
		return "/concerns?state=" + in.State + "&area=" + string(in.Area) + "&from=" + string(in.From) + "&to=" + string(in.To) + "&at=" + strconv.Itoa(at)
	}
	if in.Person == "" && p.Total > pageSize {
		v.Pager.Words = words.Number(p.From) + " to " + words.Number(p.From+len(p.Lines)-1) + " of " + words.Count(p.Total, "concern", "concerns")
		if in.Offset > 0 {
			v.Pager.Before = path(max(0, in.Offset-pageSize))
		}
		if p.More {
			v.Pager.After = path(in.Offset + pageSize)
		}
	}
	return nil
}

func listFilter(in Asked, total int) web.Filter {
	state := web.Field{Kind: web.SelectField, Name: "state", Label: "Which", Options: []web.Option{{Value: "", Label: "new and open"}, {Value: "all", Label: "all"}}}
	for _, s := range states {
		state.Options = append(state.Options, web.Option{Value: s.Value, Label: s.Title})
	}
	area := web.Field{Kind: web.SelectField, Name: "area", Label: "About", Options: []web.Option{{Value: "", Label: "everything"}}}
	for _, a := range Areas {
		area.Options = append(area.Options, web.Option{Value: string(a.Area), Label: strings.ToLower(a.Title)})
	}
	return web.Filter{
		Path: "/concerns", Matches: words.Count(total, "concern that you may open", "concerns that you may open"),
		Fields: []web.Field{
			state.Choose(in.State), area.Choose(string(in.Area)),
			{Kind: web.DayField, Name: "from", Label: "From", Value: string(in.From), Optional: true},
			{Kind: web.DayField, Name: "to", Label: "To", Value: string(in.To), Optional: true},
		},
	}
}

func caseTable(c *web.Ctx, p Page) web.Table {
	t := web.Table{
		Caption: "Concerns", Columns: []web.Column{{Title: "About"}, {Title: "Who"}, {Title: "Urgency"}, {Title: "Where it stands"}, {Title: "Came"}},
		Empty: web.Empty{Title: "Nothing here; last checked " + c.Words.Clock(c.Now()), Words: "That is no proof that all is well: it only means that nobody has reported anything that comes to you."},
	}
	for _, l := range p.Lines {
		var who []string
		for _, x := range l.People {
			if x.Role != roleKept {
				who = append(who, x.Named.Name)
			}
		}
		text := strings.Join(who, "; ")
		if text == "" {
			text = "not known who"
		}
		tag := web.Tag{Words: optionTitle(states, l.State)}
		if l.late(c.Now()) {
			tag = web.Tag{Words: "late", Tone: "red"}
		}
		t.Rows = append(t.Rows, web.Row{Link: "/concerns/" + l.ID, Faint: !l.live(), Cells: []web.Cell{
			{Text: l.kind().Title, Small: l.Ref()}, {Text: text}, {Text: severityTitle(l.Risk)}, {Tag: tag}, {When: c.Ago(l.Reported)},
		}})
	}
	return t
}

// fillOwn adds what the reader was given to do and what they have reported.
func (r *Room) fillOwn(c *web.Ctx, v *homeView) error {
	given, err := r.givenTo(c.Context(), people.ID(c.Actor.Person))
	if err != nil {
		return err
	}
	v.Given = web.Table{Caption: "Given to you to do", ShowCaption: true, Columns: []web.Column{{Title: "What"}, {Title: "Due"}}, Empty: web.Empty{}}
	for _, a := range given {
		k, _ := actionKind(a.Kind)
		v.Given.Rows = append(v.Given.Rows, web.Row{Link: "/concern-given/" + a.ID, Cells: []web.Cell{{Text: k.Title}, {When: c.Near(a.Due)}}})
	}
	mine, err := r.Mine(c.Context())
	if err != nil {
		return err
	}
	v.Mine = web.Table{
		Caption: "What you have reported", ShowCaption: true, Columns: []web.Column{{Title: "Number"}, {Title: "Reported"}, {Title: "Where it stands"}},
		Empty: web.Empty{Words: "What you report is listed here, with where it stands. You do not see more of it."},
	}
	for i := range mine {
		m := &mine[i]
		v.Mine.Rows = append(v.Mine.Rows, web.Row{Link: "/concerns/" + m.ID + "/receipt", Cells: []web.Cell{{Text: m.Ref()}, {When: c.Ago(m.Reported)}, {Text: m.Status()}}})
	}
	return nil
}

// search shows the concerns about one person. The name is posted, so that it
// stands in no address and no history.
func (r *Room) search(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	p, why := people.Person{}, "Write a name, a username or a number."
	if who := clean(form.Get("who")); who != "" {
		p, why = r.findAll(c.Context(), who)
	}
	if why != "" {
		v, err := r.homeView(c, Asked{})
		if err != nil {
			return err
		}
		v.Errors = web.Refill(form, store.Invalid{"who": why}, &v.Who)
		return homePage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	v, err := r.homeView(c, Asked{Person: p.ID, State: "all"})
	if err != nil {
		return err
	}
	v.Title, v.Lead = "Concerns about one person", "Concerns about "+p.Name()+"." // the title stands in the browser's history
	v.Who.Value = form.Get("who")
	v.Crumbs = []web.Crumb{{Title: "Concerns", Path: "/concerns"}}
	return homePage.Render(c, v)
}

// options turns a list of the room into choices of a form.
func options(list []setting.Option) []web.Option {
	out := make([]web.Option, 0, len(list))
	for _, o := range list {
		out = append(out, web.Option{Value: o.Value, Label: capital(o.Title)})
	}
	return out
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// kindOptions are all kinds, by area.
func kindOptions() []web.Option {
	out := []web.Option{{Value: "", Label: "Choose"}}
	for _, a := range Areas {
		for _, k := range Kinds {
			if k.Area == a.Area {
				out = append(out, web.Option{Value: k.Value, Label: a.Title + ": " + k.Title})
			}
		}
	}
	return out
}

// address is where a request comes from, for bounding how much is sent.
func address(c *web.Ctx) netip.Addr {
	at, err := netip.ParseAddrPort(c.R.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}
