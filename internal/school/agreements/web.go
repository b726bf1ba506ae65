package agreements

import (
	"embed"
	"errors"
	"net/url"
	"strings"

	"belisha/internal/kit/csvio"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

//go:embed pages/*.html
var pages embed.FS

// badForm is the status of a form that came back.
const badForm = 422

// Section is the room's pages: the people's, on which everybody signs, and
// the desk's.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "agreements", Title: "Agreements",
		Menu: []web.MenuItem{
			{Title: "Agreements", Path: "/agreements", Needs: MayRead, Icon: "pencil", Area: "Policy"},
			{Title: "Class talks", Path: "/agreements/talks", Needs: MayTalk, Icon: "people", Area: "Policy"},
		},
		Routes: append(append(r.peopleRoutes(), r.deskRoutes()...), r.talkRoutes()...),
	}
}

func (r *Room) peopleRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /agreement", Needs: web.SignedIn, Do: r.mine, People: true},
		{Pattern: "GET " + toldPath, Needs: web.SignedIn, Do: r.toldPage, People: true},
		{Pattern: "POST " + toldPath, Needs: web.SignedIn, Do: r.toldForm, People: true},
		{Pattern: "GET /agreement/sign/{sheet}", Needs: web.SignedIn, Do: r.signPage, People: true},
		{Pattern: "POST /agreement/sign/{sheet}", Needs: web.SignedIn, Do: r.signForm, People: true},
		{Pattern: "GET /agreement/sign/{sheet}/{person}", Needs: web.SignedIn, Do: r.signPage, People: true},
		{Pattern: "POST /agreement/sign/{sheet}/{person}", Needs: web.SignedIn, Do: r.signForm, People: true},
		{Pattern: "GET /agreement/signed/{id}", Needs: web.SignedIn, Do: r.ownCopy, People: true},
		{Pattern: "GET /agreement/policy", Needs: web.SignedIn, Do: r.policyPage, People: true},
		{Pattern: "POST /agreement/policy", Needs: web.SignedIn, Do: r.policyForm, People: true},
	}
}

func (r *Room) deskRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /agreements", Needs: MayRead, Do: r.overview},
		{Pattern: "GET /agreements/list/{sheet}", Needs: MayRead, Do: r.listPage},
		{Pattern: "GET /agreements/list/{sheet}/export", Needs: MayRead, Do: r.export},
		{Pattern: "POST /agreements/list/{sheet}/chase", Needs: MayRecord, Do: r.chase},
		{Pattern: "GET /agreements/text/{sheet}", Needs: MayRead, Do: r.textPage},
		{Pattern: "GET /agreements/text/{sheet}/edit", Needs: MayEdit, Do: r.editPage},
		{Pattern: "POST /agreements/text/{sheet}/edit", Needs: MayEdit, Do: r.editForm},
		{Pattern: "POST /agreements/text/{sheet}/drop", Needs: MayEdit, Do: r.dropDraft},
		{Pattern: "GET /agreements/text/{sheet}/publish", Needs: MayPublish, Do: r.publishPage},
		{Pattern: "POST /agreements/text/{sheet}/publish", Needs: MayPublish, Do: r.publishForm},
		{Pattern: "GET /agreements/poster/{sheet}", Needs: MayTalk, Do: r.poster},
		{Pattern: "GET /agreements/slips", Needs: MayRecord, Do: r.slipsPage},
		{Pattern: "GET /agreements/paper", Needs: MayRecord, Do: r.paperPage},
		{Pattern: "POST /agreements/paper", Needs: MayRecord, Do: r.paperForm, Body: maxScan + 1<<20},
		{Pattern: "GET /agreements/person/{id}", Needs: MayRead, Do: r.personPage},
		{Pattern: "GET /agreements/signature/{id}", Needs: MayRead, Do: r.signaturePage},
		{Pattern: "POST /agreements/signature/{id}/void", Needs: MayRecord, Do: r.voidForm},
		{Pattern: "GET /agreements/scan/{batch}", Needs: MayRecord, Do: r.scan, Reads: string(VerbScanRead)},
		{Pattern: "GET /agreements/import", Needs: MayRecord, Do: r.importPage},
		{Pattern: "POST /agreements/import", Needs: MayRecord, Do: r.importForm, Body: 17 << 20},
		{Pattern: "GET /agreements/groups", Needs: MayRecord, Do: r.groupsPage},
		{Pattern: "POST /agreements/groups", Needs: MayRecord, Do: r.groupsForm},
		{Pattern: "GET /agreements/hold/{audience}", Needs: MayEdit, Do: r.modePage},
		{Pattern: "POST /agreements/hold/{audience}", Needs: MayEdit, Do: r.modeForm},
	}
}

func (r *Room) talkRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /agreements/talks", Needs: MayTalk, Do: r.talksPage},
		{Pattern: "GET /agreements/talks/{class}", Needs: MayTalk, Do: r.talkPage},
		{Pattern: "POST /agreements/talks/{class}", Needs: MayTalk, Do: r.talkForm},
		{Pattern: "POST /agreements/talks/{class}/caught", Needs: MayTalk, Do: r.caughtForm},
	}
}

func listLink(s Sheet) string        { return "/agreements/list/" + string(s) }
func textLink(s Sheet) string        { return "/agreements/text/" + string(s) }
func personLink(id people.ID) string { return "/agreements/person/" + string(id) }
func signatureLink(id string) string { return "/agreements/signature/" + id }

var deskCrumb = web.Crumb{Title: "Agreements", Path: "/agreements"}

// formView is a page with one form.
type formView struct {
	web.Base
	Told   web.Panel
	Path   string
	Files  bool
	Hidden []web.Hidden
	Fields []web.Field
	Button string
	Cancel web.Link
	Below  web.Table
}

var formPage = web.NewPage[formView](pages, "pages/form.html")

// again shows a form that came back, or passes on what no form can mend.
func again(c *web.Ctx, v formView, form url.Values, err error) error {
	var changed CountChanged
	bad, ok := web.Wrong(err)
	switch {
	case errors.As(err, &changed):
		bad = map[string]string{"": sentence(err.Error())}
	case !ok:
		return err
	}
	v.Errors = web.Refill(form, bad, pointers(v.Fields)...)
	return formPage.Status(badForm).Render(c, v)
}

func pointers(fields []web.Field) []*web.Field {
	out := make([]*web.Field, len(fields))
	for i := range fields {
		out[i] = &fields[i]
	}
	return out
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// overviewView is how everything stands.
type overviewView struct {
	web.Base
	Links  []web.Link
	Sheets web.Table
	Modes  web.Table
	Policy web.Summary
}

var overviewPage = web.NewPage[overviewView](pages, "pages/overview.html")

func (r *Room) overview(c *web.Ctx) error {
	b, err := r.book(c.Context())
	if err != nil {
		return err
	}
	v := overviewView{
		Base:   web.Base{Title: "Agreements", Lead: "Who has signed the rules, and who has not.", Wide: true},
		Sheets: sheetTable(b.counts()), Modes: modeTable(c, b),
	}
	if b.inUse {
		n, all := b.readers()
		v.Policy = web.Summary{Title: "The policy itself", Rows: []web.SummaryRow{
			{Key: b.policy.Title + ", version " + b.policy.Version, Text: words.Number(n) + " of " + words.Number(all) + " staff have said that they read and understood it"},
		}}
	}
	if c.May(MayRecord) {
		v.Links = append(v.Links, web.Link{Title: "Enter paper slips", Path: "/agreements/paper"}, web.Link{Title: "Print slips", Path: "/agreements/slips"},
			web.Link{Title: "Outside groups", Path: "/agreements/groups"}, web.Link{Title: "Import earlier signatures", Path: "/agreements/import"})
	}
	return overviewPage.Render(c, v)
}

func (b *book) readers() (read, all int) {
	for _, p := range b.people {
		if p.Kind == people.Staff {
			all++
			if b.read[p.ID] {
				read++
			}
		}
	}
	return read, all
}

func sheetTable(list []Count) web.Table {
	t := web.Table{
		Caption: "The rules and who has signed them",
		Columns: []web.Column{{Title: "Rules"}, {Title: "Edition"}, {Title: "Signed", Numeric: true}, {Title: "Of", Numeric: true}, {Title: "Not yet", Numeric: true}, {Title: "Text"}},
		Empty:   web.Empty{Title: "Nobody has to sign", Words: "The policy says who signs."},
	}
	for _, x := range list {
		edition := "not published yet"
		if x.Number > 0 {
			edition = "number " + words.Number(int(x.Number))
		}
		info, _ := x.Sheet.Info()
		t.Rows = append(t.Rows, web.Row{Link: listLink(x.Sheet), Cells: []web.Cell{
			{Text: info.Title, Small: info.Who},
			{Text: edition},
			{Text: words.Number(x.Signed)},
			{Text: words.Number(x.Scope)},
			{Text: words.Number(len(x.Lacks))},
			{Text: "Look at the text", Link: textLink(x.Sheet)},
		}})
	}
	return t
}

func modeTable(c *web.Ctx, b *book) web.Table {
	t := web.Table{Caption: "What happens on the web to people who have not signed", Columns: []web.Column{{Title: "Who"}, {Title: "Now"}, {Title: "Have not signed", Numeric: true}}}
	for _, g := range gates {
		mode := b.mode(g.Audience)
		cut := b.cut(g.Audience)
		cell := web.Cell{Text: modeWords(mode)}
		if d, later := b.k.coming(g.Audience, b.today); later {
			cell.Small = modeWords(d.Mode) + " from " + d.From.Words()
		}
		row := web.Row{Cells: []web.Cell{{Text: g.Title}, cell, {Text: words.Number(cut.Now + cut.Later)}}}
		if c.May(MayEdit) {
			row.Link = "/agreements/hold/" + g.Audience
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func modeWords(mode string) string {
	switch mode {
	case Remind:
		return "They are reminded once a day"
	case Hold:
		return "They are held until they sign"
	}
	return "Nothing happens"
}

// listView is who has not signed one sheet.
type listView struct {
	web.Base
	Filter web.Filter
	List   web.Table
	Chase  web.Action
	Chased string
	Links  []web.Link
}

var listPage = web.NewPage[listView](pages, "pages/list.html")

// maxListed is how many rows a page shows; the export has them all.
const maxListed = 500

func (r *Room) countOf(c *web.Ctx) (Count, SheetInfo, error) {
	s := Sheet(c.Param("sheet"))
	info, ok := s.Info()
	if !ok {
		return Count{}, info, errNotFound
	}
	list, err := r.Counts(c.Context())
	if err != nil {
		return Count{}, info, err
	}
	for _, x := range list {
		if x.Sheet == s {
			return x, info, nil
		}
	}
	return Count{Sheet: s}, info, nil
}

func (r *Room) listPage(c *web.Ctx) error {
	x, info, err := r.countOf(c)
	if err != nil {
		return err
	}
	class := c.Query("class")
	v := listView{Base: web.Base{
		Title: "Who has not signed: " + inSentence(x.Sheet), Crumbs: []web.Crumb{deskCrumb}, Wide: true,
		Lead: words.Number(x.Signed) + " of " + words.Number(x.Scope) + " have signed.", Marking: "School record",
		Exports: []web.Download{{Title: "Download the list", Path: listLink(x.Sheet) + "/export?class=" + url.QueryEscape(class), Kind: "CSV"}},
	}}
	v.List = lackTable(x, class)
	v.Filter = classFilter(x, class)
	v.Links = []web.Link{{Title: "Look at the text", Path: textLink(x.Sheet)}}
	if c.May(MayRecord) {
		q := "?sheet=" + string(x.Sheet) + "&class=" + url.QueryEscape(class)
		v.Links = append(v.Links, web.Link{Title: "Enter paper slips", Path: "/agreements/paper" + q}, web.Link{Title: "Print slips", Path: "/agreements/slips" + q})
		if x.Asked && len(x.Lacks) > 0 {
			v.Chase = web.Action{Path: listLink(x.Sheet) + "/chase", Title: "Remind them by e-mail"}
		}
		last, err := chased(c.Context(), r.DB, x.Sheet)
		if err != nil {
			return err
		}
		if !last.IsZero() {
			v.Chased = "Last reminded " + c.Words.Near(last) + "."
		}
	}
	if x.Number == 0 {
		v.Lead = "These rules are not published yet, so nobody of " + info.Who + " can have signed."
	}
	return listPage.Render(c, v)
}

func lackTable(x Count, class string) web.Table {
	t := web.Table{
		Caption: "Who has not signed", Columns: []web.Column{{Title: "Name"}, {Title: "Class"}, {Title: "Is to sign"}, {Title: "Note"}},
		Empty: web.Empty{Title: "Everybody here has signed", Words: "New people appear here as they come."},
	}
	for _, l := range x.Lacks {
		if class != "" && l.Person.Class != class {
			continue
		}
		if len(t.Rows) == maxListed {
			t.Caption = "The first " + words.Number(maxListed) + "; the download has them all"
			t.ShowCaption = true
			break
		}
		grace := ""
		if l.Grace {
			grace = "has only just come"
		}
		t.Rows = append(t.Rows, web.Row{Link: personLink(l.Person.ID), Cells: []web.Cell{{Text: l.Person.Name()}, {Text: l.Person.Class}, {Text: whoSigns(l)}, {Text: grace}}})
	}
	return t
}

func whoSigns(l Lack) string {
	var out []string
	for _, r := range l.Roles {
		if r == Parent {
			out = append(out, "a parent")
			continue
		}
		out = append(out, "themselves")
	}
	return words.And(out)
}

// classFilter offers the classes in which somebody has not signed.
func classFilter(x Count, class string) web.Filter {
	f := web.Filter{Path: listLink(x.Sheet), Button: "Show"}
	seen := map[string]bool{}
	options := []web.Option{{Value: "", Label: "every class"}}
	for _, l := range x.Lacks {
		if k := l.Person.Class; k != "" && !seen[k] {
			seen[k] = true
			options = append(options, web.Option{Value: k, Label: k})
		}
	}
	if len(options) > 1 {
		f.Fields = []web.Field{web.Field{Kind: web.SelectField, Name: "class", Label: "Class", Options: sortOptions(options)}.Choose(class)}
	}
	if class != "" {
		f.Said, f.Clear = "Class "+class, f.Path
	}
	f.Matches = words.Count(len(x.Lacks), "person has", "people have") + " not signed"
	return f
}

func (r *Room) export(c *web.Ctx) error {
	x, _, err := r.countOf(c)
	if err != nil {
		return err
	}
	class := c.Query("class")
	var out strings.Builder
	w, err := csvio.NewWriter(&out)
	if err != nil {
		return err
	}
	if err := w.Row("Name", "Class", "Year", "Username", "Is to sign", "Rules", "Edition"); err != nil {
		return err
	}
	for _, l := range x.Lacks {
		if class != "" && l.Person.Class != class {
			continue
		}
		err := w.Row(l.Person.Name(), l.Person.Class, string(l.Person.Year), l.Person.Username, whoSigns(l), x.Sheet.Title(), words.Number(int(x.Number)))
		if err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Send("not-signed-"+string(x.Sheet)+".csv", "text/csv; charset=utf-8", strings.NewReader(out.String()))
}

func (r *Room) chase(c *web.Ctx) error {
	s := Sheet(c.Param("sheet"))
	done, err := r.Chase(c.Context(), s)
	if err != nil {
		return err
	}
	said := words.Count(done.Mailed, "person is", "people are") + " reminded by e-mail"
	if done.Unmailed > 0 {
		said += "; for " + words.Count(done.Unmailed, "record", "records") + " there is nobody with an address, so print slips for them"
	}
	c.Notice(sentence(said))
	return c.Redirect(listLink(s))
}
