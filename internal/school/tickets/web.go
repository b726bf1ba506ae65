package tickets

import (
	"embed"
	"errors"
	"net/netip"
	"net/url"
	"strconv"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

//go:embed pages/*.html
var pages embed.FS

// Where people report and read their answers, and where they are answered.
const (
	pathNew    = "/tickets/new"
	pathThanks = "/tickets/thanks"
	pathMine   = "/tickets/mine"
	pathDesk   = "/tickets"
)

// Section is the room's pages.
func (r *Room) Section() web.Section {
	one, mine := pathDesk+"/{id}", pathMine+"/{id}"
	return web.Section{
		Name: "tickets", Title: "Reports",
		Menu: []web.MenuItem{{Title: "Reports about the filter", Path: pathDesk, Needs: MayRead, Area: "Filter"}},
		Routes: []web.Route{
			{Pattern: "GET " + pathNew, Needs: web.Open, Do: r.newPage, People: true},
			{Pattern: "POST " + pathNew, Needs: web.Open, Do: r.newPost, People: true, Body: 16 << 10},
			{Pattern: "GET " + pathThanks, Needs: web.Open, Do: r.thanks, People: true},
			{Pattern: "GET " + pathMine, Needs: web.SignedIn, Do: r.mineList, People: true},
			{Pattern: "GET " + mine, Needs: web.SignedIn, Do: r.mineOne, People: true},
			{Pattern: "POST " + mine + "/reopen", Needs: web.SignedIn, Do: r.mineReopen, People: true, Body: 16 << 10},
			{Pattern: "GET " + pathDesk, Needs: MayRead, Do: r.deskList},
			{Pattern: "GET /tickets.csv", Needs: MayRead, Do: r.deskCSV},
			{Pattern: "GET " + one, Needs: MayRead, Do: r.deskOne},
			{Pattern: "POST " + one + "/take", Needs: MayAnswer, Do: r.deskTake},
			{Pattern: "POST " + one + "/reply", Needs: MayAnswer, Do: r.deskReply},
			{Pattern: "POST " + one + "/close", Needs: MayAnswer, Do: r.deskClose},
		},
	}
}

type newView struct {
	web.Base
	Path   string
	Fields []web.Field
	Button string
	Child  bool
	Mine   bool
	Tell   string
}

type thanksView struct {
	web.Base
	Child bool
	Mine  bool
}

type listView struct {
	web.Base
	Note   web.Panel
	Add    web.Link
	Filter web.Filter
	Table  web.Table
	Pager  web.Pager
}

type mineView struct {
	web.Base
	Summary web.Summary
	Story   web.Timeline
	Again   bool
	Path    string
	Field   web.Field
}

var (
	newTemplate    = web.NewPage[newView](pages, "pages/new.html")
	thanksTemplate = web.NewPage[thanksView](pages, "pages/thanks.html")
	listTemplate   = web.NewPage[listView](pages, "pages/list.html")
	mineTemplate   = web.NewPage[mineView](pages, "pages/mine.html")
)

// child reports whether the page speaks to a child: whoever is not known is
// taken for one.
func child(a actor.Actor) bool {
	return !a.SignedIn() || a.Audience == actor.Pupil
}

// newForm is the page on which somebody reports.
func (r *Room) newForm(c *web.Ctx) newView {
	v := newView{
		Base: web.Base{Title: "Tell us about the filter", Lead: "Whoever looks after the filter reads it and answers you."},
		Path: pathNew, Button: "Send it", Child: child(c.Actor), Mine: c.Actor.SignedIn(), Tell: r.Tell(),
	}
	kinds := []web.Option{
		{Value: string(Over), Label: "A site is closed and should be open"},
		{Value: string(Under), Label: "A site is open and should be closed"},
		{Value: string(Wrong), Label: "Something else is wrong"},
	}
	said := web.Field{Kind: web.LongField, Name: "said", Label: "What we should know", Hint: "What you need it for, or what you saw.", Rows: 3, Max: mostSaid, Optional: true}
	if v.Child {
		v.Lead = "A grown-up who looks after the filter reads it."
		kinds[0].Label, kinds[1].Label = "A page is closed and I need it", "A page opened that should not"
		said.Label, said.Hint = "Tell us more", "A few words are enough. You do not have to write your name."
	}
	v.Fields = []web.Field{
		{Kind: web.RadiosField, Name: "kind", Label: "What is it?", Options: kinds},
		{Name: "site", Label: "Which site", Hint: "Such as example.com. Leave it empty if it is about none.", Max: mostSite, Optional: true},
		said,
	}
	return v
}

func (r *Room) newPage(c *web.Ctx) error {
	v := r.newForm(c)
	kind := Kind(c.Query("kind"))
	if kind == Over || kind == Under || kind == Wrong {
		v.Fields[0] = v.Fields[0].Choose(string(kind))
	}
	if host := oneLine(c.Query("host")); len([]rune(host)) <= mostSite {
		v.Fields[1].Value = host
	}
	return newTemplate.Render(c, v)
}

func (r *Room) newPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	var from netip.Addr
	if at, err := netip.ParseAddrPort(c.R.RemoteAddr); err == nil {
		from = at.Addr().Unmap()
	}
	_, err = r.Report(c.Context(), Ticket{Kind: Kind(form.Get("kind")), Site: form.Get("site"), Said: form.Get("said")}, from)
	bad, wrong := web.Wrong(err)
	if errors.Is(err, ErrOften) {
		bad, wrong = store.Invalid{"": err.Error() + "."}, true
	}
	if wrong {
		v := r.newForm(c)
		v.Errors = web.Refill(form, bad, &v.Fields[0], &v.Fields[1], &v.Fields[2])
		return newTemplate.Status(422).Render(c, v)
	}
	if err != nil {
		return err
	}
	return c.Redirect(pathThanks)
}

func (r *Room) thanks(c *web.Ctx) error {
	return thanksTemplate.Render(c, thanksView{Base: web.Base{Title: "Thank you for telling us"}, Child: child(c.Actor), Mine: c.Actor.SignedIn()})
}

// page is which stretch of a long list is shown.
type page struct{ at, size int }

func pageOf(c *web.Ctx) page {
	n, err := strconv.Atoi(c.Query("page"))
	if err != nil || n < 1 || n > 100_000 {
		n = 1
	}
	return page{at: n, size: 50}
}

func (p page) offset() int { return (p.at - 1) * p.size }

func (p page) pager(path string, total int, q url.Values) web.Pager {
	link := func(n int) string {
		q.Set("page", strconv.Itoa(n))
		return path + "?" + q.Encode()
	}
	out := web.Pager{}
	last := min(p.offset()+p.size, total)
	if total > p.size {
		out.Words = words.Number(p.offset()+1) + " to " + words.Number(last) + " of " + words.Number(total) + " reports"
	}
	if p.at > 1 {
		out.Before = link(p.at - 1)
	}
	if last < total {
		out.After = link(p.at + 1)
	}
	return out
}

// stateTag says where a report stands.
func (r *Room) stateTag(t Ticket) web.Tag {
	switch {
	case t.State == Closed:
		return web.Tag{Words: "answered", Tone: "green"}
	case t.Late(r.now()):
		return web.Tag{Words: "late", Tone: "red"}
	case !t.AnsweredAt.IsZero():
		return web.Tag{Words: "answered, not decided", Tone: "teal"}
	case t.State == Taken:
		return web.Tag{Words: "somebody sees to it", Tone: "teal"}
	}
	return web.Tag{Words: "waits", Tone: "brown"}
}

func about(t Ticket) string {
	if t.Site == "" {
		return t.Kind.Words()
	}
	return t.Site + ": " + t.Kind.Words()
}

// mineList is what the reader reported.
func (r *Room) mineList(c *web.Ctx) error {
	v := listView{
		Base: web.Base{Title: "What you told us", Lead: "What you reported about the filter, and the answers."},
		Add:  web.Link{Title: "Tell us something", Path: pathNew},
		Table: web.Table{
			Caption: "Your reports", Columns: []web.Column{{Title: "About"}, {Title: "Is"}, {Title: "Sent"}},
			Empty: web.Empty{Title: "You have not told us anything yet"},
		},
	}
	if c.Actor.Person == "" {
		return listTemplate.Render(c, v)
	}
	p := pageOf(c)
	list, total, err := r.List(c.Context(), Filter{By: people.ID(c.Actor.Person), Limit: p.size, Offset: p.offset()})
	if err != nil {
		return err
	}
	for _, t := range list {
		v.Table.Rows = append(v.Table.Rows, web.Row{Link: pathMine + "/" + t.ID, Cells: []web.Cell{{Text: about(t)}, {Tag: r.stateTag(t)}, {When: c.Near(t.AskedAt)}}})
	}
	v.Pager = p.pager(pathMine, total, url.Values{})
	return listTemplate.Render(c, v)
}

// mineOne is one report of the reader's, with the answer.
func (r *Room) mineOne(c *web.Ctx) error {
	v, err := r.mineOf(c)
	if err != nil {
		return err
	}
	return mineTemplate.Render(c, v)
}

func (r *Room) mineOf(c *web.Ctx) (mineView, error) {
	t, err := r.mine(c.Context(), r.DB, c.Param("id"))
	if err != nil {
		return mineView{}, err
	}
	list, err := events(c.Context(), r.DB, t.ID)
	if err != nil {
		return mineView{}, err
	}
	v := mineView{
		Base: web.Base{Title: "What you told us", Lead: about(t), Crumbs: []web.Crumb{{Title: "What you told us", Path: pathMine}}},
		Path: pathMine + "/" + t.ID + "/reopen", Again: t.State == Closed && t.Reopened == 0,
		Field: web.Field{Kind: web.LongField, Name: "said", Label: "What is still not right", Rows: 3, Max: mostSaid},
	}
	v.Summary.Rows = []web.SummaryRow{{Key: "Is", Tags: []web.Tag{r.stateTag(t)}}}
	if t.Outcome != "" {
		v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "What was done", Text: t.Outcome.Words()})
	}
	if t.AnsweredAt.IsZero() {
		v.Summary.Rows = append(v.Summary.Rows, web.SummaryRow{Key: "Answered by", When: c.Moment(t.DueAt)})
	}
	for _, e := range list {
		// Who answered is not told by name: it is the school that answers.
		v.Story.Events = append(v.Story.Events, web.Event{When: c.Near(e.At), Words: told(e, t)})
	}
	return v, nil
}

// told is an event as a page says it.
func told(e Event, t Ticket) string {
	switch e.What {
	case "reported":
		if t.Said == "" {
			return "Reported."
		}
		return "Reported: " + t.Said
	case "taken":
		return "Somebody sees to it."
	case "replied", "closed":
		return "Answer: " + e.Said
	}
	return "Not right yet: " + e.Said
}

func (r *Room) mineReopen(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	err = r.Reopen(c.Context(), c.Param("id"), form.Get("said"))
	bad, wrong := web.Wrong(err)
	if errors.Is(err, ErrOnce) {
		bad, wrong = store.Invalid{"": err.Error() + "."}, true
	}
	if wrong {
		v, err := r.mineOf(c)
		if err != nil {
			return err
		}
		v.Errors = web.Refill(form, bad, &v.Field)
		return mineTemplate.Status(422).Render(c, v)
	}
	if err != nil {
		return err
	}
	c.Notice("Sent. It is looked at again.")
	return c.Redirect(pathMine + "/" + c.Param("id"))
}
