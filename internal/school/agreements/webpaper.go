package agreements

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"

	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

// slipRow is one slip that may have come back. Where a child has two parents
// who may sign there is a row for each.
type slipRow struct {
	Ref    string // of the box
	Value  string // whose slip it is, and after a stroke who signed it
	Label  string
	Chosen bool
}

// paperView is the list of a class on which returned slips are ticked.
type paperView struct {
	web.Base
	Pick   web.Filter
	Rows   []slipRow
	Hidden []web.Hidden
	Fields []web.Field
	All    web.Link
	Cannot []string // who is on the list and cannot be ticked
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
	for _, p := range b.people {
		n := need{a.sheet, a.role}
		if a.class != "" && p.Class != a.class || !hasNeed(b.needs(p), n) || b.reached(n, b.marks[p.ID], b.newest(a.sheet)) {
			continue
		}
		if len(v.Rows)+len(v.Cannot) >= maxRowsShown {
			v.More = fmt.Sprintf("Only the first %d are shown. Choose a class.", maxRowsShown)
			break
		}
		row := slipRow{Ref: "slip-" + string(p.ID), Value: string(p.ID), Label: p.Name(), Chosen: a.all}
		if p.Class != "" {
			row.Label += ", " + p.Class
		}
		rows := []slipRow{row}
		if a.role == Parent {
			var err error
			if rows, err = r.rowsByParent(c, row, p); err != nil {
				return err
			}
			if len(rows) == 0 {
				v.Cannot = append(v.Cannot, row.Label)
			}
		}
		v.Rows = append(v.Rows, rows...)
	}
	for i := range v.Rows {
		v.Rows[i].Chosen = v.Rows[i].Chosen || slices.Contains(form["slip"], v.Rows[i].Value)
	}
	return nil
}

// rowsByParent are the rows of a child for whom a parent signs: one where only
// one may, none where nobody may.
func (r *Room) rowsByParent(c *web.Ctx, row slipRow, p people.Person) ([]slipRow, error) {
	list, err := r.People.Parents(c.Context(), p.ID)
	if err != nil {
		return nil, err
	}
	var out []slipRow
	for _, x := range list {
		if x.Link.Responsible {
			out = append(out, slipRow{
				Ref: row.Ref + "-" + string(x.Person.ID), Value: row.Value + "/" + string(x.Person.ID), Label: row.Label + ", signed by " + x.Person.Name(),
			})
		}
	}
	if len(out) == 1 {
		return []slipRow{row}, nil
	}
	return out, nil
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
	for _, v := range form["slip"] {
		child, parent, _ := strings.Cut(v, "/")
		p.Slips = append(p.Slips, Slip{Person: people.ID(child), Signer: people.ID(parent)})
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
