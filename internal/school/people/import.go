package people

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/csvio"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// Format is the sort of roll file.
type Format string

// The formats that are read.
const (
	FormatAuto      Format = "auto"
	FormatCSV       Format = "csv"
	FormatOneRoster Format = "oneroster"
	FormatSDS       Format = "sds"
	FormatCTF       Format = "ctf"
)

// Options say which roll to bring in and how.
type Options struct {
	Path   string
	Data   []byte // the file itself, where there is no path (an upload)
	Name   string // what to call the file in reports; "" is the path's last part
	Format Format // "" is FormatAuto
	Map    string // a mapping file, "" for none
	DryRun bool
	// AllowLeavers: a person has looked, and so many have really left.
	AllowLeavers bool
	// Partial: the file is only a part of the roll; nobody leaves by it.
	Partial bool
	// Now is the moment of the import; zero is the clock's.
	Now time.Time
}

func (o Options) name() string {
	if o.Name != "" {
		return o.Name
	}
	return filepath.Base(o.Path)
}

// Result is what an import did, or in a dry run would do.
type Result struct {
	ID        string    `json:"id,omitempty"`
	DryRun    bool      `json:"dry_run"`
	Format    string    `json:"format"`
	Encoding  string    `json:"encoding"`
	Delimiter string    `json:"delimiter"`
	Joiners   []Named   `json:"joiners"`
	Leavers   []Named   `json:"leavers"`
	Changed   []Change  `json:"changed"`
	Unchanged int       `json:"unchanged"`
	LeftOut   int       `json:"left_already"` // rows about people who had left before they were ever here
	Refused   []Refusal `json:"refused"`
	Warnings  []Refusal `json:"warnings"`
	// Held says why nothing was changed although the file could be read.
	Held string `json:"held,omitempty"`
	// Columns is how a CSV file's columns were read: field to column.
	Columns map[string]string `json:"columns,omitempty"`
	Digest  string            `json:"digest"`
}

// Held is the error of an import that needs a person's word first. The
// Result beside it shows what it would do.
type Held string

func (h Held) Error() string { return string(h) }

// DemoRefuses is the sentence for a real roll in a demonstration school.
const DemoRefuses = "this folder is a demonstration with invented people and takes no real roll; start Belisha on another folder without --demo and import it there"

// Import brings a roll in: everything that can be read goes in, in one
// transaction with one journal line, and every row that cannot is in the
// Result. An error means that nothing was changed.
func (r *Room) Import(ctx context.Context, o Options) (Result, error) {
	if r.demo {
		return Result{}, store.Invalid{"": DemoRefuses}
	}
	if !slices.Contains([]Format{"", FormatAuto, FormatCSV, FormatOneRoster, FormatSDS, FormatCTF}, o.Format) {
		return Result{}, store.Invalid{"format": fmt.Sprintf("“%s” is not a format that is read here yet; csv, oneroster, sds and ctf are", cut(string(o.Format), 20))}
	}
	if o.Now.IsZero() {
		o.Now = r.clock.Now()
	}
	var lookup error
	known, err := r.past(ctx, &lookup)
	if err != nil {
		return Result{}, err
	}
	rl, err := openRoll(o, known)
	if lookup != nil {
		return Result{}, lookup
	}
	if err != nil {
		return Result{}, store.Invalid{"": err.Error()}
	}
	rl.partial = rl.partial || o.Partial
	if o.DryRun {
		return r.rehearse(ctx, rl, o)
	}
	return r.bringIn(ctx, rl, o)
}

// rehearse works out what an import would do.
func (r *Room) rehearse(ctx context.Context, rl *roll, o Options) (Result, error) {
	pl, err := r.planOf(ctx, r.db, rl, o)
	if err != nil {
		return Result{}, err
	}
	if err := r.missingChildren(ctx, rl, pl); err != nil {
		return Result{}, err
	}
	res := report(rl, pl)
	res.DryRun = true
	if !o.AllowLeavers {
		res.Held = pl.held()
	}
	return res, nil
}

func (r *Room) planOf(ctx context.Context, q store.Querier, rl *roll, o Options) (*plan, error) {
	cal, err := r.Calendar(ctx, MainSite)
	if err != nil {
		return nil, err
	}
	people, err := r.people(ctx, q, " ORDER BY id")
	if err != nil {
		return nil, err
	}
	links, err := r.readLinks(ctx, q, "")
	if err != nil {
		return nil, err
	}
	return newPlan(rl, people, links, cal.Day(o.Now)), nil
}

// missingChildren tells a dry run which children are neither on the roll nor
// in the file.
func (r *Room) missingChildren(ctx context.Context, rl *roll, pl *plan) error {
	coming := map[string]bool{}
	for _, t := range pl.touched {
		for _, id := range []string{t.after.UPN, t.after.MIS, t.after.Sourced} {
			coming[upper(id)] = true
		}
	}
	known, err := r.pupils(ctx, r.db)
	if err != nil {
		return err
	}
	for _, t := range pl.touched {
		for _, c := range t.row.children {
			if !coming[upper(c.ref)] && known.find(c.ref) == "" {
				rl.noChild(t.row, c)
			}
		}
	}
	return nil
}

// noChild refuses a tie to a child who is not on the roll.
func (r *roll) noChild(row *rollRow, c childRef) {
	r.refuse(row.file, row.line, "children", "no pupil on the roll has the number “%s”; import the pupils first", cut(c.ref, 40))
}

func (r *Room) bringIn(ctx context.Context, rl *roll, o Options) (Result, error) {
	var res Result
	err := r.db.Write(ctx, func(tx *store.Tx) error {
		pl, err := r.planOf(ctx, tx, rl, o)
		if err != nil {
			return err
		}
		if why := pl.held(); why != "" && !o.AllowLeavers {
			res = report(rl, pl)
			res.Held = why
			return Held(why)
		}
		if err := r.carryOut(ctx, tx, rl, pl); err != nil {
			return fmt.Errorf("bringing in the roll: %w", err)
		}
		if err := r.keepRoster(ctx, tx, rl); err != nil {
			return err
		}
		res = report(rl, pl)
		res.ID = store.NewID(o.Now)
		return r.recordImport(ctx, tx, rl, res, o)
	})
	return res, err
}

// recordImport keeps the report, the way the file was read and the journal's
// one line: counts and the file's digest, no names.
func (r *Room) recordImport(ctx context.Context, tx *store.Tx, rl *roll, res Result, o Options) error {
	if rl.profile != nil && len(res.Joiners)+len(res.Changed)+res.Unchanged > 0 {
		if err := r.saveProfile(ctx, tx, rl.fingerprint(), rl.profile); err != nil {
			return err
		}
	}
	kept := Imported{ID: res.ID, At: o.Now, Actor: actor.From(ctx).ID, File: cut(clean(o.name()), 200), Format: rl.format, Digest: rl.digest, Result: res}
	if err := r.keepImport(ctx, tx, kept); err != nil {
		return err
	}
	return r.journal.Write(ctx, tx, journal.Entry{Verb: VerbImported, Kind: "import", ID: res.ID, After: map[string]any{
		"file": kept.File, "format": rl.format, "digest": rl.digest, "joiners": len(res.Joiners), "leavers": len(res.Leavers),
		"changed": len(res.Changed), "unchanged": res.Unchanged, "refused": len(res.Refused), "leavers_allowed": o.AllowLeavers, "partial": rl.partial,
	}})
}

// fingerprint tells files with these columns from others.
func (r *roll) fingerprint() string { return csvio.Fingerprint(r.header) }

func report(rl *roll, pl *plan) Result {
	res := Result{
		Format: rl.format, Encoding: rl.encoding, Delimiter: rl.delimiter, Digest: rl.digest,
		Joiners: []Named{}, Leavers: []Named{}, Changed: []Change{}, Unchanged: pl.same, LeftOut: pl.past,
		Refused: append([]Refusal{}, rl.refused...), Warnings: append([]Refusal{}, rl.warnings...),
	}
	if rl.profile != nil {
		res.Columns = rl.profile.Columns
	}
	for _, j := range pl.add {
		n := named(j.after, j.row.line)
		n.ID = j.row.person.ID
		if j.back {
			n.ID = j.after.ID
		}
		res.Joiners = append(res.Joiners, n)
	}
	for _, p := range pl.leave {
		res.Leavers = append(res.Leavers, named(p, 0))
	}
	for _, c := range pl.change {
		res.Changed = append(res.Changed, Change{named(c.after, c.row.line), c.fields})
	}
	return res
}

// Fill puts invented people into a demonstration school or a test: they are
// checked like any others, and one journal line tells of all. The ids come
// back in order.
func (r *Room) Fill(ctx context.Context, tx *store.Tx, people []Person) ([]ID, error) {
	ids := make([]ID, 0, len(people))
	for _, p := range people {
		p = p.Normal()
		if err := p.Check(); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name(), err)
		}
		p.ID, p.Version = ID(store.NewID(r.clock.Now())), 1
		if err := r.insert(ctx, tx, p); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name(), err)
		}
		ids = append(ids, p.ID)
	}
	return ids, r.journal.Write(ctx, tx, journal.Entry{Verb: VerbFilled, Kind: "import", ID: "fill", After: map[string]any{"people": len(ids)}})
}
