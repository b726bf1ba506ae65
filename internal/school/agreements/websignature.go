package agreements

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

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
