package agreements

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/csvio"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// importFields are the columns of a file of earlier signatures.
var importFields = []csvio.Field{
	{Name: "person", Names: []string{"username", "user", "id", "upn", "pupil", "mis", "email"}},
	{Name: "rules", Names: []string{"sheet", "agreement", "audience"}},
	{Name: "version", Names: []string{"edition", "number"}},
	{Name: "date", Names: []string{"signed", "signed on", "day"}},
	{Name: "method", Names: []string{"how"}},
	{Name: "signer", Names: []string{"signed by", "parent"}},
	{Name: "place", Names: []string{"where", "where the paper lies", "file"}},
}

// Refusal is a row that was not taken.
type Refusal struct {
	Line   int
	Reason string
}

// ImportReport is what became of a file of earlier signatures.
type ImportReport struct {
	Rows    int
	New     int
	Already int
	Refused []Refusal
}

// Import takes in signatures from before: who (username, number or id), which
// edition, on which day, how. Rows that are wrong are reported with their line
// and left out; the others are kept in one transaction.
func (r *Room) Import(ctx context.Context, file io.Reader) (ImportReport, error) {
	f, err := csvio.Read(file, csvio.Limits{Bytes: 16 << 20, Rows: 50_000, Field: 1_000, Cells: 100})
	if err != nil {
		return ImportReport{}, store.Invalid{"file": err.Error()}
	}
	at := csvio.Match(f.Header, importFields)
	for _, must := range []string{"person", "date"} {
		if _, ok := at[must]; !ok {
			return ImportReport{}, store.Invalid{"file": "the file has no column “" + must + "”; its columns are person, rules, version, date, method, signer and place"}
		}
	}
	im := importer{room: r, ctx: ctx, at: at, batch: store.NewID(r.Clock.Now())}
	if im.l, err = r.lens(ctx); err != nil {
		return ImportReport{}, err
	}
	if err := im.index(); err != nil {
		return ImportReport{}, err
	}
	rep := ImportReport{Rows: len(f.Rows)}
	for _, x := range f.Faults {
		rep.Refused = append(rep.Refused, Refusal{x.Line, x.Reason})
	}
	list := im.rows(f.Rows, &rep)
	return r.importAll(ctx, list, rep, im.batch)
}

func (r *Room) importAll(ctx context.Context, list []Signature, rep ImportReport, batch string) (ImportReport, error) {
	if len(list) == 0 {
		return rep, nil
	}
	out := Entered{}
	err := r.DB.Write(ctx, func(tx *store.Tx) error {
		out = Entered{Batch: batch}
		if err := r.enter(ctx, tx, list, &out, VerbRecorded); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbImported, Kind: "agreement", ID: batch,
			After: map[string]any{"rows": rep.Rows, "new": out.New, "already": out.Already, "refused": len(rep.Refused)},
		})
	})
	if err != nil {
		return ImportReport{}, err
	}
	rep.New, rep.Already = out.New, out.Already
	r.Everybody()
	return rep, nil
}

type importer struct {
	room  *Room
	ctx   context.Context
	l     lens
	at    map[string]int
	batch string
	by    map[string]people.Person // username, number or id, as the file may say it
}

// index finds people by whatever the file calls them. What two people share
// finds nobody.
func (im *importer) index() error {
	im.by = map[string]people.Person{}
	twice := map[string]bool{}
	err := im.room.People.Each(im.ctx, people.Filter{When: people.WhenAll}, func(p people.Person) error {
		for _, k := range []string{p.Username, p.UPN, p.MIS, p.Sourced, p.Email, string(p.ID)} {
			k = strings.ToLower(k)
			if old, had := im.by[k]; had && old.ID != p.ID {
				twice[k] = true
			}
			if k != "" {
				im.by[k] = p
			}
		}
		return nil
	})
	for k := range twice {
		delete(im.by, k)
	}
	return err
}

func (im *importer) rows(rows []csvio.Row, rep *ImportReport) []Signature {
	var list []Signature
	for _, row := range rows {
		s, err := im.row(row)
		if err != nil {
			rep.Refused = append(rep.Refused, Refusal{row.Line, err.Error()})
			continue
		}
		list = append(list, s)
	}
	return list
}

func (im *importer) cell(row csvio.Row, field string) string {
	if i, ok := im.at[field]; ok && i < len(row.Cells) {
		return clean(row.Cells[i])
	}
	return ""
}

// row makes a signature of a row, or says in a sentence why it cannot.
func (im *importer) row(row csvio.Row) (Signature, error) {
	key := im.cell(row, "person")
	who, ok := im.by[strings.ToLower(key)]
	if !ok {
		return Signature{}, fmt.Errorf("nobody on the roll is “%s”, or more than one person is", short(key))
	}
	sheet, err := importSheet(im.cell(row, "rules"), who)
	if err != nil {
		return Signature{}, err
	}
	e, err := im.edition(sheet, im.cell(row, "version"))
	if err != nil {
		return Signature{}, err
	}
	on, err := people.ParseDay(im.cell(row, "date"))
	if err != nil {
		return Signature{}, err
	}
	if on == "" || on > im.l.today {
		return Signature{}, errors.New("the day of the signature is missing or still to come")
	}
	s := Signature{
		ID: store.NewID(im.room.Clock.Now()), Sheet: sheet, Number: e.Number, Hash: e.Hash, Person: who.ID, Role: Self, Signer: who.ID, Name: who.Name(),
		Method: Imported, Day: on, At: im.room.Clock.Now(), Class: who.Class, Place: short(im.cell(row, "place")), Batch: im.batch, By: actor.From(im.ctx).ID,
	}
	return im.signer(s, who, im.cell(row, "signer"))
}

// signer sets who signed: the person, or the parent whom the row names.
func (im *importer) signer(s Signature, who people.Person, named string) (Signature, error) {
	needs := im.l.needs(who)
	if named == "" && hasNeed(needs, need{s.Sheet, Self}) {
		return s, nil
	}
	if !hasNeed(needs, need{s.Sheet, Parent}) {
		return s, fmt.Errorf("“%s” are not for %s, or not to be signed so", s.Sheet.Title(), who.Name())
	}
	by := people.ID("")
	if named != "" {
		p, ok := im.by[strings.ToLower(named)]
		if !ok {
			return s, fmt.Errorf("nobody on the roll is “%s”, who is said to have signed", short(named))
		}
		by = p.ID
	}
	parent, err := im.room.responsible(im.ctx, who, by)
	if err != nil {
		var bad store.Invalid
		if errors.As(err, &bad) {
			return s, errors.New(bad["slips"])
		}
		return s, err
	}
	s.Role, s.Signer, s.Name = Parent, parent.ID, parent.Name()
	return s, nil
}

// importSheet finds the sheet that a row means: by its name, else the
// person's own.
func importSheet(name string, p people.Person) (Sheet, error) {
	if name == "" {
		if s := sheetOf(p); s != "" {
			return s, nil
		}
		return "", fmt.Errorf("%s has no rules of their own to sign; say which rules are meant", p.Name())
	}
	w := csvio.Plain(name)
	for _, i := range Sheets {
		if i.Sheet != ExternalSheet && (w == csvio.Plain(string(i.Sheet)) || w == csvio.Plain(i.Title)) {
			return i.Sheet, nil
		}
	}
	if w == "pupil" || w == "pupils" {
		return sheetOf(p), nil
	}
	return "", fmt.Errorf("there are no rules called “%s”", short(name))
}

// edition finds the edition that a row means; none named is the one in force.
func (im *importer) edition(s Sheet, version string) (Edition, error) {
	if version == "" {
		if e, ok := im.l.k.current(s); ok {
			return e, nil
		}
		return Edition{}, fmt.Errorf("“%s” is not published here yet; publish the text that was signed first", s.Title())
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(strings.ToLower(version), "v"), 10, 64)
	if err == nil {
		if e, ok := im.l.k.edition(s, n); ok {
			return e, nil
		}
	}
	return Edition{}, fmt.Errorf("there is no edition “%s” of “%s” here; publish the text that was signed first", short(version), s.Title())
}
