package agreements

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sort"
	"strconv"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// slipRow is one person whose slip may have come back.
type slipRow struct {
	ID      string
	Name    string
	Class   string
	Chosen  bool
	Parents []web.Option // who may have signed, where there is more than one
	Why     string       // why it cannot be ticked
}

// paperView is the list of a class on which returned slips are ticked.
type paperView struct {
	web.Base
	Pick   web.Filter
	Rows   []slipRow
	Hidden []web.Hidden
	Fields []web.Field
	All    web.Link
	More   string
	Empty  web.Empty
}

var paperPage = web.NewPage[paperView](pages, "pages/paper.html")

// maxRowsShown is how many people a list of slips shows.
const maxRowsShown = 200

// asked is which list of slips somebody wants.
type asked struct {
	sheet Sheet
	role  Role
	class string
	all   bool // tick everybody: the whole class brought theirs back
}

func askedOf(c *web.Ctx, form url.Values) asked {
	get := c.Query
	if form != nil {
		get = func(k string) string { return strings.TrimSpace(form.Get(k)) }
	}
	a := asked{sheet: Sheet(get("sheet")), role: Role(get("role")), class: get("class"), all: c.Query("all") == "yes"}
	if _, ok := a.sheet.Info(); !ok || a.sheet == ExternalSheet {
		a.sheet = YoungSheet
	}
	if a.sheet == ParentSheet || a.sheet == HomeSheet {
		a.role = Parent
	}
	if !a.sheet.forPupils() && a.role != Parent {
		a.role = Self
	}
	return a
}

// path is the page of the list.
func (a asked) path() string {
	return "/agreements/paper?sheet=" + string(a.sheet) + "&class=" + url.QueryEscape(a.class) + "&role=" + string(a.role)
}

func (r *Room) paperPage(c *web.Ctx) error {
	v, err := r.paperView(c, askedOf(c, nil), nil)
	if err != nil {
		return err
	}
	return paperPage.Render(c, v)
}

func (r *Room) paperView(c *web.Ctx, a asked, form url.Values) (paperView, error) {
	b, err := r.book(c.Context())
	if err != nil {
		return paperView{}, err
	}
	v := paperView{Base: web.Base{Title: "Enter paper slips", Crumbs: []web.Crumb{deskCrumb}, Wide: true, Lead: "Tick whose slips came back. Only those who have not signed are listed."}}
	if a.role == "" {
		a.role = b.usualRole(a.sheet)
	}
	v.Pick = b.pick(a)
	v.Hidden = []web.Hidden{{Name: "sheet", Value: string(a.sheet)}, {Name: "role", Value: string(a.role)}, {Name: "class", Value: a.class}}
	options := editionOptions(b.k.editions[a.sheet])
	if len(options) == 0 {
		v.Empty = web.Empty{Title: "“" + a.sheet.Title() + "” is not published yet", Words: "Publish the text first; then slips can be entered.", Step: web.Link{Title: "Look at the text", Path: textLink(a.sheet)}}
		return v, nil
	}
	if err := r.slipRows(c, &v, b, a, form); err != nil {
		return v, err
	}
	v.Fields = []web.Field{
		{Kind: web.DateField, Name: "day", Label: "Day on the slips"},
		{Name: "place", Label: "Where the paper lies", Hint: "For example: office, grey cabinet, file 7D", Max: maxText},
		web.Field{Kind: web.SelectField, Name: "number", Label: "Edition", Options: options}.Choose(options[0].Value),
	}
	if r.Files != nil {
		v.Fields = append(v.Fields, web.Field{Kind: web.FileField, Name: "scan", Label: "A scan of the slips", Optional: true, Accept: ".pdf,.png,.jpg,.jpeg"})
	}
	v.All = web.Link{Title: "Tick all of them", Path: a.path() + "&all=yes"}
	if len(v.Rows) == 0 {
		v.Fields, v.Empty = nil, web.Empty{Title: "Nobody is left to tick here", Words: "Everybody in this list has signed, or nobody is in it."}
	}
	return v, nil
}

// usualRole is who usually signs a sheet: whoever signs the first record that
// lacks a signature.
func (b *book) usualRole(s Sheet) Role {
	for _, c := range b.counts() {
		if c.Sheet == s && len(c.Lacks) > 0 {
			return c.Lacks[0].Roles[len(c.Lacks[0].Roles)-1]
		}
	}
	return Self
}

// editionOptions offers the editions, newest first.
func editionOptions(list []Edition) []web.Option {
	var out []web.Option
	for i := len(list) - 1; i >= 0; i-- {
		n := strconv.FormatInt(list[i].Number, 10)
		out = append(out, web.Option{Value: n, Label: "Edition " + n})
	}
	return out
}

// pick is the choice of a list above it.
func (b *book) pick(a asked) web.Filter {
	var sheets, roles []web.Option
	for _, i := range Sheets {
		if i.Sheet != ExternalSheet && b.asks(i.Item) {
			sheets = append(sheets, web.Option{Value: string(i.Sheet), Label: i.Title})
		}
	}
	f := web.Filter{Path: "/agreements/paper", Button: "Show the list", Fields: []web.Field{
		web.Field{Kind: web.SelectField, Name: "sheet", Label: "Rules", Options: sheets}.Choose(string(a.sheet)),
	}}
	if a.sheet.forPupils() || a.sheet == ParentSheet || a.sheet == HomeSheet {
		classes := map[string]bool{}
		options := []web.Option{{Value: "", Label: "every class"}}
		for _, p := range b.people {
			if p.Kind == people.Pupil && p.Class != "" && !classes[p.Class] {
				classes[p.Class] = true
				options = append(options, web.Option{Value: p.Class, Label: p.Class})
			}
		}
		sort.Slice(options, func(i, j int) bool { return options[i].Value < options[j].Value })
		f.Fields = append(f.Fields, web.Field{Kind: web.SelectField, Name: "class", Label: "Class", Options: options}.Choose(a.class))
	}
	if a.sheet.forPupils() {
		roles = []web.Option{{Value: string(Self), Label: "the pupil"}, {Value: string(Parent), Label: "a parent"}}
		f.Fields = append(f.Fields, web.Field{Kind: web.SelectField, Name: "role", Label: "Signed by", Options: roles}.Choose(string(a.role)))
	}
	return f
}

// slipRows are the people whose slip may have come back.
func (r *Room) slipRows(c *web.Ctx, v *paperView, b *book, a asked, form url.Values) error {
	ticked := map[string]bool{}
	for _, id := range form["slip"] {
		ticked[id] = true
	}
	for _, p := range b.people {
		n := need{a.sheet, a.role}
		if a.class != "" && p.Class != a.class || !hasNeed(b.needs(p), n) || b.reached(n, b.marks[p.ID], b.newest(a.sheet)) {
			continue
		}
		if len(v.Rows) == maxRowsShown {
			v.More = fmt.Sprintf("Only the first %d are shown. Choose a class.", maxRowsShown)
			return nil
		}
		row := slipRow{ID: string(p.ID), Name: p.Name(), Class: p.Class, Chosen: a.all || ticked[string(p.ID)]}
		if a.role == Parent {
			if err := r.parentsOf(c, &row, p, form.Get("signer-"+row.ID)); err != nil {
				return err
			}
		}
		v.Rows = append(v.Rows, row)
	}
	return nil
}

func (r *Room) parentsOf(c *web.Ctx, row *slipRow, p people.Person, chosen string) error {
	list, err := r.People.Parents(c.Context(), p.ID)
	if err != nil {
		return err
	}
	for _, x := range list {
		if x.Link.Responsible {
			id := string(x.Person.ID)
			row.Parents = append(row.Parents, web.Option{Value: id, Label: x.Person.Name(), Chosen: id == chosen})
		}
	}
	switch len(row.Parents) {
	case 0:
		row.Why = "Nobody with parental responsibility is on the roll"
	case 1:
		row.Parents = nil
	}
	return nil
}

func (r *Room) paperForm(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	a := askedOf(c, form)
	if a.role == "" {
		a.role = Self
	}
	p := Paper{Sheet: a.sheet, Role: a.role, Number: number(form.Get("number")), Day: people.Day(web.DateText(form, "day")), Place: form.Get("place")}
	for _, id := range form["slip"] {
		p.Slips = append(p.Slips, Slip{Person: people.ID(id), Signer: people.ID(form.Get("signer-" + id))})
	}
	scan, _, err := c.Upload("scan")
	switch {
	case err == nil:
		defer func() { _ = scan.Close() }()
		p.Scan = notEmpty(scan)
	case !errors.Is(err, web.ErrNoFile) && !isPlainForm(err):
		return err
	}
	done, err := r.Record(c.Context(), p)
	if err != nil {
		return r.paperAgain(c, a, form, err)
	}
	c.Notice(done.words())
	return c.Redirect(a.path())
}

// isPlainForm reports whether a form had no place for files at all.
func isPlainForm(err error) bool { return errors.Is(err, web.ErrBadForm) }

// notEmpty returns nil for a file without content: some browsers send one when
// none was chosen.
func notEmpty(r io.Reader) io.Reader {
	head := make([]byte, 1)
	if n, err := io.ReadFull(r, head); err != nil || n == 0 {
		return nil
	}
	return io.MultiReader(bytes.NewReader(head), r)
}

func (r *Room) paperAgain(c *web.Ctx, a asked, form url.Values, err error) error {
	bad, ok := web.Wrong(err)
	if !ok {
		return err
	}
	v, verr := r.paperView(c, a, form)
	if verr != nil {
		return verr
	}
	v.Errors = web.Refill(form, bad, pointers(v.Fields)...)
	return paperPage.Status(badForm).Render(c, v)
}

// slipsView is slips to print and send home.
type slipsView struct {
	web.Base
	Pick  web.Filter
	Parts []partView
	Title string
	Slips []slipView
	Empty web.Empty
}

type slipView struct {
	Name, Class string
	Parent      bool
	Staff       bool
}

var slipsPage = web.NewPage[slipsView](pages, "pages/slips.html", "pages/part.html")

func (r *Room) slipsPage(c *web.Ctx) error {
	a := askedOf(c, nil)
	b, err := r.book(c.Context())
	if err != nil {
		return err
	}
	v := slipsView{Base: web.Base{Title: "Print slips", Crumbs: []web.Crumb{deskCrumb}, Lead: "One slip for each who has not signed, with the rules above. Print this page."}, Pick: b.pick(a)}
	v.Pick.Path = "/agreements/slips"
	v.Empty = web.Empty{Title: "There is nothing to print", Words: "Everybody in this list has signed, or the rules are not published yet."}
	e, ok := b.k.current(a.sheet)
	if ok {
		body := e.Body()
		v.Title, v.Parts = body.Title, parts(body, false)
		for _, x := range b.counts() {
			if x.Sheet == a.sheet {
				v.Slips = slipsFor(x, a.class)
			}
		}
	}
	return slipsPage.Render(c, v)
}

func slipsFor(x Count, class string) []slipView {
	var out []slipView
	for _, l := range x.Lacks {
		if class != "" && l.Person.Class != class {
			continue
		}
		for _, role := range l.Roles {
			if len(out) < maxListed {
				out = append(out, slipView{Name: l.Person.Name(), Class: l.Person.Class, Parent: role == Parent, Staff: x.Sheet == StaffSheet})
			}
		}
	}
	return out
}

// personView is one person's signatures.
type personView struct {
	web.Base
	Lacks []string
	List  web.Table
}

var personPage = web.NewPage[personView](pages, "pages/person.html")

func (r *Room) personPage(c *web.Ctx) error {
	p, err := r.People.Get(c.Context(), people.ID(c.Param("id")))
	if err != nil {
		return err
	}
	l, err := r.lens(c.Context())
	if err != nil {
		return err
	}
	list, err := r.Of(c.Context(), p.ID)
	if err != nil {
		return err
	}
	v := personView{Base: web.Base{Title: "Agreements of " + p.Name(), Crumbs: []web.Crumb{deskCrumb}, Marking: "School record", SeenBy: "Those who keep the agreements, and the person"}}
	live := make([]Signature, 0, len(list))
	v.List = web.Table{Caption: "Signatures", Columns: []web.Column{{Title: "Rules"}, {Title: "Edition", Numeric: true}, {Title: "Signed by"}, {Title: "When"}, {Title: "How"}}, Empty: web.Empty{Title: "Nothing is signed yet"}}
	for _, s := range list {
		how := web.Cell{Text: methodWords(s), Small: s.Place}
		if s.Voided() {
			how.Small = "taken back: " + s.VoidReason
		} else {
			live = append(live, s)
		}
		v.List.Rows = append(v.List.Rows, web.Row{Link: signatureLink(s.ID), Faint: s.Voided(), Cells: []web.Cell{
			{Text: s.Sheet.Title()}, {Text: words.Number(int(s.Number))}, {Text: s.Name, Small: s.Role.Words()}, {Text: s.Day.Words()}, how,
		}})
	}
	for _, n := range l.lacks(p, marksOf(live)) {
		v.Lacks = append(v.Lacks, n.Sheet.Title()+", to be signed "+n.Role.signedBy())
	}
	return personPage.Render(c, v)
}

func (r Role) signedBy() string {
	if r == Parent {
		return "by a parent"
	}
	return "by the person"
}

func (r *Room) signatureView(c *web.Ctx) (copyView, error) {
	s, err := signatureByID(c.Context(), r.DB, c.Param("id"))
	if err != nil {
		return copyView{}, err
	}
	v, err := r.copyView(c, s)
	if err != nil {
		return v, err
	}
	v.Crumbs = []web.Crumb{deskCrumb}
	if s.Person != "" {
		v.Crumbs = append(v.Crumbs, web.Crumb{Title: "Signatures", Path: personLink(s.Person)})
	}
	if c.May(MayRecord) && r.keepsIt(c.Context(), s) == "" {
		v.Path = signatureLink(s.ID) + "/void"
		v.Void = []web.Field{{Kind: web.LongField, Name: "reason", Label: "Why it is taken back", Rows: 3, Max: maxReason}}
	}
	if r.Files != nil && s.Batch != "" && c.May(MayRecord) {
		id, err := r.Files.Of(c.Context(), scanKind, s.Batch)
		if err != nil {
			return v, err
		}
		if id != "" {
			v.Scan = web.Link{Title: "Open the scan", Path: "/agreements/scan/" + s.Batch}
		}
	}
	return v, nil
}

func (r *Room) signaturePage(c *web.Ctx) error {
	v, err := r.signatureView(c)
	if err != nil {
		return err
	}
	return copyPage.Render(c, v)
}

func (r *Room) voidForm(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	id := c.Param("id")
	err = r.Void(c.Context(), id, form.Get("reason"))
	bad, wrong := web.Wrong(err)
	switch {
	case err == nil:
		c.Notice("It is taken back. It stays to be seen, with the reason.")
		return c.Redirect(signatureLink(id))
	case !wrong:
		return err
	}
	v, verr := r.signatureView(c)
	if verr != nil {
		return verr
	}
	v.Errors = web.Refill(form, bad, pointers(v.Void)...)
	return copyPage.Status(badForm).Render(c, v)
}

// scan sends the scan of slips that were entered together.
func (r *Room) scan(c *web.Ctx) error {
	if r.Files == nil {
		return store.ErrNotFound
	}
	batch := c.Param("batch")
	id, err := r.Files.Of(c.Context(), scanKind, batch)
	if err != nil {
		return err
	}
	if id == "" {
		return store.ErrNotFound
	}
	f, err := r.Files.Open(c.Context(), id)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 8)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("reading a scan: %w", err)
	}
	kind := scanType(head[:n])
	ending := map[string]string{"application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg"}[kind]
	return c.Send("slips-"+batch+ending, kind, io.MultiReader(bytes.NewReader(head[:n]), f))
}

// importView is the import of earlier signatures and what became of one.
type importView struct {
	web.Base
	Fields  []web.Field
	Done    web.Summary
	Refused web.Table
}

var importPage = web.NewPage[importView](pages, "pages/import.html")

func importFormView() importView {
	return importView{
		Base: web.Base{
			Title: "Import earlier signatures", Crumbs: []web.Crumb{deskCrumb},
			Lead: "A CSV file with the columns person (username, number or id), rules, version, date, method, signer and place. Publish the text that was signed first, so that each signature stands under its edition.",
		},
		Fields: []web.Field{{Kind: web.FileField, Name: "file", Label: "The file", Accept: ".csv,.txt,.tsv"}},
	}
}

func (r *Room) importPage(c *web.Ctx) error { return importPage.Render(c, importFormView()) }

func (r *Room) importForm(c *web.Ctx) error {
	v := importFormView()
	file, _, err := c.Upload("file")
	var rep ImportReport
	if err == nil {
		defer func() { _ = file.Close() }()
		rep, err = r.Import(c.Context(), file)
	}
	if errors.Is(err, web.ErrNoFile) {
		err = store.Invalid{"file": "Choose a file first."}
	}
	if bad, wrong := web.Wrong(err); wrong {
		v.Errors = web.Refill(nil, bad, pointers(v.Fields)...)
		return importPage.Status(badForm).Render(c, v)
	}
	if err != nil {
		return err
	}
	v.Done = web.Summary{Title: "What became of it", Rows: []web.SummaryRow{
		{Key: "Rows", Text: words.Number(rep.Rows)},
		{Key: "Taken in", Text: words.Number(rep.New)},
		{Key: "There already", Text: words.Number(rep.Already)},
		{Key: "Refused", Text: words.Number(len(rep.Refused))},
	}}
	v.Refused = web.Table{Caption: "Rows that were refused", Columns: []web.Column{{Title: "Line", Numeric: true}, {Title: "Why"}}}
	for _, x := range rep.Refused[:min(len(rep.Refused), maxListed)] {
		v.Refused.Rows = append(v.Refused.Rows, web.Row{Cells: []web.Cell{{Text: words.Number(x.Line)}, {Text: sentence(x.Reason)}}})
	}
	return importPage.Render(c, v)
}
