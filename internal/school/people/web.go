package people

import (
	"embed"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"belisha/internal/kit/csvio"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

// Section is the room's part of the pages.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "people", Title: "People",
		Menu: []web.MenuItem{
			{Title: "People", Path: "/people", Needs: MayRead, Icon: "people", Area: "People"},
			{Title: "Posts", Path: "/posts", Needs: MayRead, Icon: "shield", Area: "People"},
			{Title: "Calendar", Path: "/calendar", Needs: MayRead, Icon: "calendar", Area: "People"},
		},
		Routes: []web.Route{
			{Pattern: "GET /people", Needs: MayRead, Do: r.listPage},
			{Pattern: "GET /people/export", Needs: MayRead, Do: r.exportPage},
			{Pattern: "GET /people/new", Needs: MayManage, Do: r.newPage},
			{Pattern: "POST /people/new", Needs: MayManage, Do: r.addPerson},
			{Pattern: "GET /people/import", Needs: MayImport, Do: r.importPage},
			{Pattern: "POST /people/import", Needs: MayImport, Do: r.importRoll, Body: maxZip + 1<<20},
			{Pattern: "GET /imports/{id}", Needs: MayImport, Do: r.importedPage},
			{Pattern: "GET /people/{id}", Needs: MayRead, Do: r.personPage},
			{Pattern: "GET /people/{id}/edit", Needs: MayManage, Do: r.editPage},
			{Pattern: "POST /people/{id}/edit", Needs: MayManage, Do: r.changePerson},
			{Pattern: "GET /people/{id}/leave", Needs: MayManage, Do: r.leavePage},
			{Pattern: "POST /people/{id}/leave", Needs: MayManage, Do: r.leavePerson},
			{Pattern: "GET /people/{id}/family", Needs: MayManage, Do: r.familyPage},
			{Pattern: "POST /people/{id}/family", Needs: MayManage, Do: r.tieFamily},
			{Pattern: "POST /people/{id}/family/end", Needs: MayManage, Do: r.untieFamily},
			{Pattern: "GET /posts", Needs: MayRead, Do: r.postsPage},
			{Pattern: "GET /posts/new", Needs: MayAppoint, Do: r.newPostPage},
			{Pattern: "POST /posts/new", Needs: MayAppoint, Do: r.appoint},
			{Pattern: "GET /posts/{id}", Needs: MayAppoint, Do: r.postPage},
			{Pattern: "POST /posts/{id}", Needs: MayAppoint, Do: r.changePostPage},
			{Pattern: "POST /posts/{id}/end", Needs: MayAppoint, Do: r.endPostPage},
			{Pattern: "GET /calendar", Needs: MayRead, Do: r.calendarPage},
			{Pattern: "GET /calendar/{site}/edit", Needs: MayManage, Do: r.editCalendarPage},
			{Pattern: "POST /calendar/{site}/edit", Needs: MayManage, Do: r.changeCalendar},
		},
	}
}

// listView is a page of people.
type listView struct {
	web.Base
	Filter web.Filter
	List   web.Table
	Pager  web.Pager
	Links  []web.Link
	Export web.Download
}

var listPage = web.NewPage[listView](pages, "pages/list.html")

// perPage is how many people a page lists.
const perPage = 50

func (r *Room) listPage(c *web.Ctx) error {
	f := filterOf(c)
	list, total, err := r.List(c.Context(), f)
	if err != nil {
		return err
	}
	classes, err := r.Classes(c.Context())
	if err != nil {
		return err
	}
	today, err := r.Today(c.Context(), MainSite)
	if err != nil {
		return err
	}
	v := listView{
		Base:   web.Base{Title: "People", Wide: true},
		Filter: filterView(f, classes, total), List: peopleTable(list, today), Pager: pager(c, f, len(list), total),
		Export: web.Download{Title: "This list", Path: "/people/export?" + query(f, 0), Kind: "CSV"},
	}
	if c.May(MayManage) {
		v.Links = append(v.Links, web.Link{Title: "Add a person", Path: "/people/new"})
	}
	if c.May(MayImport) {
		v.Links = append(v.Links, web.Link{Title: "Import a roll", Path: "/people/import"})
		v.List.Empty.Step = web.Link{Title: "Import a roll", Path: "/people/import"}
	}
	return listPage.Render(c, v)
}

func filterOf(c *web.Ctx) Filter {
	f := Filter{
		Words: c.Query("words"), Kind: Kind(c.Query("kind")), Year: Year(c.Query("year")), Class: c.Query("class"),
		When: When(c.Query("when")), Limit: perPage,
	}
	if n, err := strconv.Atoi(c.Query("from")); err == nil && n > 0 && n < 1_000_000 {
		f.Offset = n
	}
	return f
}

// query writes a filter into an address.
func query(f Filter, offset int) string {
	q := url.Values{}
	for k, v := range map[string]string{"words": f.Words, "kind": string(f.Kind), "year": string(f.Year), "class": f.Class, "when": string(f.When)} {
		if v != "" {
			q.Set(k, v)
		}
	}
	if offset > 0 {
		q.Set("from", strconv.Itoa(offset))
	}
	return q.Encode()
}

func filterView(f Filter, classes []string, total int) web.Filter {
	kind := web.Field{Kind: web.SelectField, Name: "kind", Label: "Who", Options: []web.Option{{Value: "", Label: "Everybody"}}}
	for _, k := range Kinds {
		kind.Options = append(kind.Options, web.Option{Value: string(k), Label: KindTitle(k)})
	}
	year := web.Field{Kind: web.SelectField, Name: "year", Label: "Year", Options: []web.Option{{Value: "", Label: "Any year"}}}
	for _, y := range Years {
		year.Options = append(year.Options, web.Option{Value: string(y), Label: y.Words()})
	}
	class := web.Field{Kind: web.SelectField, Name: "class", Label: "Class", Options: []web.Option{{Value: "", Label: "Any class"}}}
	for _, x := range classes {
		class.Options = append(class.Options, web.Option{Value: x, Label: x})
	}
	when := web.Field{Kind: web.SelectField, Name: "when", Label: "When", Options: []web.Option{
		{Value: "", Label: "Here today"}, {Value: string(WhenLeft), Label: "Left"}, {Value: string(WhenLater), Label: "Coming later"}, {Value: string(WhenAll), Label: "All times"},
	}}
	whole := ""
	if query(f, 0) != "" {
		whole = "/people"
	}
	return web.Filter{
		Path: "/people", Button: "Show", Said: saidFilter(f), Clear: whole, Matches: words.Count(total, "person", "people"),
		Fields: []web.Field{
			{Kind: web.SearchField, Name: "words", Label: "Name, username or number", Value: f.Words, Max: 100},
			kind.Choose(string(f.Kind)), year.Choose(string(f.Year)), class.Choose(f.Class), when.Choose(string(f.When)),
		},
	}
}

// saidFilter says a filter in words: "Pupils, Year 5, here today".
func saidFilter(f Filter) string {
	var parts []string
	if f.Kind == "" {
		parts = append(parts, "Everybody")
	} else {
		parts = append(parts, KindTitle(f.Kind))
	}
	for _, p := range []string{f.Year.Words(), f.Class} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	switch f.When {
	case WhenLeft:
		parts = append(parts, "who have left")
	case WhenLater:
		parts = append(parts, "coming later")
	case WhenAll:
		parts = append(parts, "at any time")
	default:
		parts = append(parts, "here today")
	}
	if f.Words != "" {
		parts = append(parts, "matching “"+cut(f.Words, 40)+"”")
	}
	return strings.Join(parts, ", ")
}

func peopleTable(list []Person, today Day) web.Table {
	t := web.Table{
		Caption: "People", Columns: []web.Column{{Title: "Name"}, {Title: "Who"}, {Title: "Year"}, {Title: "Class"}, {Title: "Username"}, {Title: "Here"}},
		Empty: web.Empty{Title: "Nobody fits", Words: "People come in with the school's roll, or one by one by hand."},
	}
	for _, p := range list {
		t.Rows = append(t.Rows, web.Row{Link: "/people/" + string(p.ID), Faint: p.Left(today), Cells: []web.Cell{
			{Text: p.Family + ", " + p.First()}, {Text: kindWord(p.Kind)}, {Text: p.Year.Words()}, {Text: p.Class}, {Text: p.Username}, {Text: hereWords(p, today)},
		}})
	}
	return t
}

func kindWord(k Kind) string {
	if k == "" {
		return ""
	}
	return strings.ToUpper(string(k[:1])) + string(k[1:])
}

// hereWords says from when to when somebody is here.
func hereWords(p Person, today Day) string {
	switch {
	case p.Left(today):
		return "left " + p.Until.Words()
	case p.From > today:
		return "from " + p.From.Words()
	case p.Until != "":
		return "until " + p.Until.Words()
	default:
		return ""
	}
}

func pager(c *web.Ctx, f Filter, shown, total int) web.Pager {
	p := web.Pager{}
	if total == 0 {
		return p
	}
	p.Words = fmt.Sprintf("%s to %s of %s", words.Number(min(f.Offset+1, total)), words.Number(f.Offset+shown), words.Count(total, "person", "people"))
	if f.Offset > 0 {
		p.Before = c.R.URL.Path + "?" + query(f, max(f.Offset-perPage, 0))
	}
	if f.Offset+shown < total {
		p.After = c.R.URL.Path + "?" + query(f, f.Offset+perPage)
	}
	return p
}

// exportPage sends the list as CSV.
func (r *Room) exportPage(c *web.Ctx) error {
	var b strings.Builder
	w, err := csvio.NewWriter(&b)
	if err != nil {
		return err
	}
	if err := w.Row("Kind", "Family name", "Given name", "Preferred name", "Year", "Class", "Username", "Email", "UPN", "MIS id", "Site", "From", "Until"); err != nil {
		return err
	}
	err = r.Each(c.Context(), filterOf(c), func(p Person) error {
		return w.Row(string(p.Kind), p.Family, p.Given, p.Preferred, p.Year.Words(), p.Class, p.Username, p.Email, p.UPN, p.MIS, p.Site, string(p.From), string(p.Until))
	})
	if err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Send("people.csv", "text/csv; charset=utf-8", strings.NewReader(b.String()))
}

// shown makes what a check says into sentences for a page.
func shown(bad store.Invalid) store.Invalid {
	out := store.Invalid{}
	for k, v := range bad {
		out[k] = sentence(v)
	}
	return out
}

// sentence begins with a capital letter.
func sentence(s string) string {
	r := []rune(s)
	if len(r) == 0 {
		return s
	}
	return strings.ToUpper(string(r[0])) + string(r[1:])
}

const badForm = http.StatusUnprocessableEntity
