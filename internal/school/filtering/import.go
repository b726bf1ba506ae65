package filtering

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/verdict"
	"belisha/internal/verdict/lists"
	"belisha/internal/verdict/snapfile"
)

// Options say which list to bring in and how.
type Options struct {
	Path     string
	Format   string            // "" finds it out
	Name     string            // what to call it; "" is the path's last part
	Category string            // of a list that does not name its own
	Map      map[string]string // the list's names for categories to ours
	// AllowShrink: a person has looked, and the list has really lost so much.
	AllowShrink bool
	// Of a list that is fetched: the checksum it must have, whether http or an
	// address inside will do, and why it is fetched.
	Sum     string
	Plain   bool
	Private bool
	Reason  string
	from    string // the address that phrases were fetched from
}

// Report is what an import did. State is "imported", "refused", or "unchanged"
// for a list of whose publisher there is nothing newer.
type Report struct {
	Source   string `json:"source"`
	Title    string `json:"title"`
	Path     string `json:"path"`
	State    string `json:"state"`
	Reason   string `json:"reason,omitempty"`
	Previous int64  `json:"previous"` // names of the last good one
	Version  int64  `json:"version,omitempty"`
	SourceMeta
}

const (
	stateImported = "imported"
	stateRefused  = "refused"
)

// Import takes a list up: it is read and built beside what is in force, held
// against the last good one, tried out with all other rules, and put in force.
// A list that is refused changes nothing; the Report and the error say why.
func (r *Room) Import(ctx context.Context, o Options) (Report, error) {
	if onWeb(o.Path) {
		return r.importWeb(ctx, o)
	}
	if o.Format == FormatPhrases {
		return r.importPhrasesAs(ctx, o)
	}
	return r.importFrom(ctx, o, o.Path)
}

// onWeb reports whether a list's path is an address.
func onWeb(path string) bool { return strings.Contains(path, "://") }

// importFrom is Import with the list in a file here, wherever it came from.
func (r *Room) importFrom(ctx context.Context, o Options, file string) (Report, error) {
	rep := Report{Path: o.Path, Title: strings.TrimSpace(o.Name), State: stateRefused}
	if rep.Title == "" {
		rep.Title = fromPath(o.Path)
	}
	rep.Source = slug(rep.Title)
	if err := r.mayImport(ctx, "import the list "+rep.Title); err != nil {
		return rep, err
	}
	if err := o.check(&rep); err != nil {
		return rep, err
	}
	have, err := getSource(ctx, r.d.DB, rep.Source)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return rep, fmt.Errorf("reading the list %s: %w", rep.Source, err)
	}
	rep.Previous = have.Names
	if err := snapfile.Prepare(r.d.Dir); err != nil {
		return rep, err
	}
	meta, err := r.d.Compile(ctx, file, CompileOptions{Format: o.Format, Category: o.Category, Map: o.Map}, snapfile.SegmentsDir(r.d.Dir))
	rep.SourceMeta = meta
	if err == nil && !o.AllowShrink {
		err = shrunk(have, meta, r.d.Live.Current().Int(keyShrink))
	}
	if err == nil {
		err = r.takeUp(ctx, o, &rep, have)
	}
	if err != nil {
		rep.Reason = err.Error()
		return rep, errors.Join(err, r.listRefused(ctx, rep, have), r.keepReport(ctx, rep))
	}
	rep.State = stateImported
	return rep, r.keepReport(ctx, rep)
}

func (o Options) check(rep *Report) error {
	if strings.TrimSpace(o.Path) == "" {
		return &Refused{Words: "say which file or folder the list is in"}
	}
	if o.Format != "" && !slices.Contains(lists.Formats, lists.Format(o.Format)) {
		return &Refused{Words: fmt.Sprintf("there is no format %q; use %s", o.Format, lists.FormatWords())}
	}
	if rep.Source == "" || rep.Source == starterID || len(rep.Source) > 60 {
		return &Refused{Words: "give the list a name of its own with letters or digits, at most 60"}
	}
	return nil
}

// mayImport lets holders of filter management import, and whoever may run the
// program at the machine itself; both stand in the change log.
func (r *Room) mayImport(ctx context.Context, what string) error {
	if k := actor.From(ctx).Kind; k == actor.Console || k == actor.System {
		return nil
	}
	return r.mayChange(ctx, what)
}

// shrunk refuses a list that lost more of its names than the school lets pass,
// as a whole or in one category.
func shrunk(have Source, meta SourceMeta, percent int64) error {
	if have.Segment == "" {
		return nil
	}
	if lost(have.Names, meta.Names) > percent {
		return &Refused{Words: fmt.Sprintf("it has %d names and the last good one had %d: it lost more than %d %%. The last good list stays. If it is really so, look at it and import it with --allow-shrink", meta.Names, have.Names, percent)}
	}
	now := map[string]int64{}
	for _, c := range meta.Categories {
		now[c.Slug] = c.Names
	}
	const few = 100 // a small category may lose what it likes
	for _, c := range have.Categories {
		if c.Names >= few && lost(c.Names, now[c.Slug]) > percent {
			return &Refused{Words: fmt.Sprintf("its category %s has %d names and had %d: it lost more than %d %%. The last good list stays. If it is really so, look at it and import it with --allow-shrink", c.Slug, now[c.Slug], c.Names, percent)}
		}
	}
	return nil
}

// lost is how much of was is gone, in per cent rounded up.
func lost(was, is int64) int64 {
	if was <= 0 || is >= was {
		return 0
	}
	return ((was-is)*100 + was - 1) / was
}

// takeUp puts the new list in force.
func (r *Room) takeUp(ctx context.Context, o Options, rep *Report, have Source) error {
	now := r.now()
	s := Source{
		ID: rep.Source, Title: rep.Title, Path: o.Path, Format: rep.Format, Category: o.Category, Map: o.Map, Segment: rep.Segment,
		Names: rep.Names, Categories: rep.Categories, ImportedAt: now, ImportedBy: actor.From(ctx).ID, DatedAt: time.UnixMilli(rep.Dated).UTC(), TriedAt: now,
		Enabled: have.Enabled || have.Version == 0, Version: have.Version,
	}
	if rep.Dated == 0 || s.DatedAt.After(now) {
		s.DatedAt = now
	}
	if s.Map == nil {
		s.Map = map[string]string{}
	}
	e := &edit{change: Change{Kind: kindList, Ref: s.ID, What: "A list was taken up.", Becomes: s.Title + ": " + words.Count(int(s.Names), "name", "names")}}
	if have.Version > 0 {
		e.change.Was = have.Title + ": " + words.Count(int(have.Names), "name", "names")
	}
	e.alter = func(st *state) error {
		st.sources = slices.DeleteFunc(st.sources, func(x Source) bool { return x.ID == s.ID })
		if len(st.sources) >= maxSources {
			return &Refused{Words: fmt.Sprintf("there are %d lists already and no more fit", maxSources)}
		}
		st.sources = append(st.sources, s)
		slices.SortFunc(st.sources, func(a, b Source) int { return strings.Compare(a.ID, b.ID) })
		if n := len(categoriesOf(r.stock, st.sources)); n > verdict.MaxCategories {
			return &Refused{Words: fmt.Sprintf("with it there would be %d categories, and %d fit; map some of its categories to ours with --map", n, verdict.MaxCategories)}
		}
		rep.Version = st.version.Number + 1
		return nil
	}
	replaces := have.Version > 0 && have.Segment != "" && have.Segment != s.Segment
	e.write = func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
		if replaces {
			if err := putBefore(ctx, tx, before{Was: have}); err != nil {
				return nil, err
			}
		}
		return []journal.Row{{Table: "filter_sources", ID: s.ID}}, putSource(ctx, tx, s)
	}
	if !replaces {
		return r.apply(ctx, e)
	}
	return r.swap(ctx, have, func() error { return r.apply(ctx, e) })
}

// listRefused writes down that a list was refused. The last good one stays.
func (r *Room) listRefused(ctx context.Context, rep Report, have Source) error {
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		var rows []journal.Row
		if have.Version > 0 {
			have.TriedAt, have.Problem = r.now(), rep.Reason
			if err := putSource(ctx, tx, have); err != nil {
				return fmt.Errorf("noting that the list was refused: %w", err)
			}
			rows = append(rows, journal.Row{Table: "filter_sources", ID: have.ID})
		}
		c := Change{
			ID: store.NewID(r.now()), At: r.now(), Actor: actor.From(ctx).ID, Kind: kindList, Ref: rep.Source,
			What: "A list was refused: " + rep.Title + ".", Reason: rep.Reason,
		}
		if err := insertChange(ctx, tx, c); err != nil {
			return err
		}
		rows = append(rows, journal.Row{Table: "filter_changes", ID: c.ID})
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbListFailed, Kind: "list", ID: rep.Source, After: told{rep.Path}, Reason: rep.Reason, Rows: rows})
	})
}

// Update imports every list in use anew from where it came, a path or an
// address. What one list refuses does not keep the others.
func (r *Room) Update(ctx context.Context) ([]Report, error) {
	sources, err := r.Sources(ctx)
	if err != nil {
		return nil, err
	}
	var out []Report
	var all error
	for _, s := range sources {
		if !s.Enabled || onWeb(s.Path) || strings.HasPrefix(s.Path, uploadMark) {
			continue
		}
		rep, err := r.Import(ctx, Options{Path: s.Path, Format: s.Format, Name: s.Title, Category: s.Category, Map: s.Map})
		out = append(out, rep)
		if err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", s.Title, err))
		}
	}
	supplies, err := r.Supplies(ctx)
	if err != nil {
		return out, errors.Join(all, err)
	}
	for _, s := range supplies {
		if err := r.mayImport(ctx, "fetch the list "+s.Title); err != nil {
			return out, errors.Join(all, err)
		}
		rep, err := r.fetchOne(ctx, s.Supply, false)
		out = append(out, rep)
		if err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", s.Title, err))
		}
	}
	return out, all
}

// updateNewer imports those lists anew whose files are newer than what was
// taken up. A list whose path is not there (a stick that was taken out) is left
// alone: its age tells.
func (r *Room) updateNewer(ctx context.Context) error {
	sources, err := r.Sources(ctx)
	if err != nil {
		return err
	}
	var all error
	for _, s := range sources {
		if !s.Enabled || onWeb(s.Path) || dated(s.Path) <= s.DatedAt.UnixMilli() {
			continue
		}
		if back, err := r.goneBackFrom(ctx, s); back || err != nil {
			all = errors.Join(all, err)
			continue
		}
		if _, err := r.Import(ctx, Options{Path: s.Path, Format: s.Format, Name: s.Title, Category: s.Category, Map: s.Map}); err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", s.Title, err))
		}
	}
	return all
}

// Sources are the imported lists.
func (r *Room) Sources(ctx context.Context) ([]Source, error) {
	list, err := listSources(ctx, r.d.DB)
	if err != nil {
		return nil, fmt.Errorf("reading the lists: %w", err)
	}
	return list, nil
}

// SwitchList takes a list into use or out of it.
func (r *Room) SwitchList(ctx context.Context, id string, use bool, reason string) error {
	if err := r.mayChange(ctx, "switch the list "+id); err != nil {
		return err
	}
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > maxReason {
		return store.Invalid{"reason": "Write why, in a sentence."}
	}
	s, err := getSource(ctx, r.d.DB, id)
	if err != nil {
		return err
	}
	if s.Enabled == use {
		return nil
	}
	word := map[bool]string{true: "in use", false: "not in use"}
	s.Enabled = use
	return r.apply(ctx, &edit{
		change: Change{Kind: kindSwitch, Ref: id, Reason: reason, What: "The list " + s.Title + " is " + word[use] + " now.", Was: word[!use], Becomes: word[use]},
		alter: func(st *state) error {
			for i := range st.sources {
				if st.sources[i].ID == id {
					st.sources[i].Enabled = use
				}
			}
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			return []journal.Row{{Table: "filter_sources", ID: id}}, putSource(ctx, tx, s)
		},
	})
}
