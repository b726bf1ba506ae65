package filtering

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/verdict"
	"belisha/internal/verdict/snapfile"
)

// inForce is what this process last saw in force.
type inForce struct {
	number   uint64 // of the folder
	snapshot *verdict.Snapshot
	segments []snapfile.SegmentRef
}

// kinds of change, for the change log.
const (
	kindPolicy   = "policy"
	kindOwn      = "own entry"
	kindLeft     = "left alone"
	kindCategory = "category"
	kindMust     = "must"
	kindList     = "list"
	kindDevice   = "device"
	kindSwitch   = "list use"
	kindBack     = "roll back"
	kindProgram  = "program"
	kindHolders  = "holders"
	kindUnblock  = "unblock"
	// kindUnblockEnd closes what an unblock opened: everybody who may do so is
	// not a holder, since it is the stricter way.
	kindUnblockEnd = "unblock end"
	// kindLesson is what a teacher set for a class: it closes and opens nothing
	// that was closed.
	kindLesson = "lesson"
)

// Start brings the filter's folder to what the records and settings say: at
// the first start, after a crash between keeping and publishing, and after the
// program or the calendar changed. If the rules cannot be made, the last
// version stays in force, and the error says why.
func (r *Room) Start(ctx context.Context) error {
	ctx = actor.With(ctx, actor.Belisha("filtering"))
	if err := snapfile.Prepare(r.d.Dir); err != nil {
		return err
	}
	if err := r.readPlaces(ctx); err != nil {
		return err
	}
	err := r.catchUp(ctx)
	if err == nil {
		err = errors.Join(r.SettleUnblocks(ctx), r.SettlePermits(ctx))
	}
	if err != nil && !errors.Is(err, errNoVersion) {
		err = fmt.Errorf("the filter's rules could not be made anew and the last ones stay in force: %w", err)
	}
	if perr := r.Publish(ctx); perr != nil && !errors.Is(perr, errNoVersion) {
		return errors.Join(err, perr)
	}
	return err
}

// errNoVersion: no rules were ever made.
var errNoVersion = errors.New("no rules of the filter have been made yet")

// catchUp keeps a new version if what is decided gives other rules than the
// newest one.
func (r *Room) catchUp(ctx context.Context) error {
	return r.catchUpBy(ctx, Change{Kind: kindProgram, What: "Belisha made the rules anew: the program, the calendar or an address of the school's changed."})
}

func (r *Room) catchUpBy(ctx context.Context, c Change) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	st, err := r.load(ctx)
	if err != nil {
		return err
	}
	v := r.d.Live.Current()
	if st.version.Settings > v.Number() {
		return nil // newer settings are being put in force at this moment
	}
	d, err := r.draft(ctx, v, st)
	if err != nil {
		return err
	}
	if !d.changes() {
		return nil
	}
	if st.version.Number == 0 {
		c.Kind = kindProgram
		c.What = "The first rules of the filter: the safe defaults and the starter list."
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error { return r.keep(ctx, tx, d, c, nil, c.What) })
}

// keep writes a draft as the next version with its line in the change log and
// the journal. rows are the protected rows that the change itself wrote.
func (r *Room) keep(ctx context.Context, tx *store.Tx, d *draft, c Change, rows []journal.Row, summary string) error {
	latest, err := latestNumber(ctx, tx)
	if err != nil {
		return err
	}
	if latest != d.state.version.Number {
		return store.ErrStale
	}
	now := r.now()
	body, err := json.Marshal(d.state.decided())
	if err != nil {
		return fmt.Errorf("writing what was decided: %w", err)
	}
	v := Version{
		ID: store.NewID(now), Number: latest + 1, MadeAt: now, MadeBy: actor.From(ctx).ID, Reason: c.Reason, Summary: summary,
		RulesHash: d.hash, Segments: d.segments, StateHash: hashOf(body), Settings: d.settings,
	}
	c.ID, c.At, c.Actor, c.Version = store.NewID(now), now, v.MadeBy, v.Number
	if err := insertVersion(ctx, tx, v, d.body, body); err != nil {
		return err
	}
	if err := insertChange(ctx, tx, c); err != nil {
		return err
	}
	verb := VerbChanged
	switch c.Kind {
	case kindBack:
		verb = VerbRolledBack
	case kindPolicy, kindProgram:
		verb = VerbPublished
	case kindList:
		verb = VerbImported
	}
	rows = append(rows, journal.Row{Table: "filter_versions", ID: v.ID}, journal.Row{Table: "filter_changes", ID: c.ID})
	return r.d.Journal.Write(ctx, tx, journal.Entry{
		Verb: verb, Kind: "filter", ID: fmt.Sprint(v.Number),
		Before: told{c.Was}, After: told{c.Becomes}, Reason: c.Reason, Rows: rows,
	})
}

// told is what a change log line says, in the journal's detail.
type told struct {
	Says string `json:"says,omitempty"`
}

// Publish puts the newest version in force. It may be repeated: what is in
// force already stays.
func (r *Room) Publish(ctx context.Context) error {
	v, err := latestVersion(ctx, r.d.DB)
	if err != nil {
		return err
	}
	if v.Number == 0 {
		return errNoVersion
	}
	// Whoever a permit is for has its label by the time presence is sent anew.
	if err := r.readPermits(ctx); err != nil {
		return err
	}
	public, _ := r.d.Key.Public().(ed25519.PublicKey)
	if n, err := snapfile.Current(r.d.Dir); err == nil {
		if m, _, err := snapfile.Read(r.d.Dir, public, n); err == nil && v.same(m.Rules, m.Segments) {
			return r.take(m)
		}
	}
	body, err := loadBody(ctx, r.d.DB, v.RulesHash)
	if err != nil {
		return fmt.Errorf("reading the rules of version %d: %w", v.Number, err)
	}
	var rules verdict.Rules
	if err := json.Unmarshal(body, &rules); err != nil {
		return fmt.Errorf("reading the rules of version %d: %w", v.Number, err)
	}
	n, err := snapfile.Publish(r.d.Dir, r.d.Key, r.now(), rules, v.Segments)
	if err != nil {
		return fmt.Errorf("putting the rules in force: %w", err)
	}
	m, _, err := snapfile.Read(r.d.Dir, public, n)
	if err != nil {
		return fmt.Errorf("reading what was put in force: %w", err)
	}
	if err := r.take(m); err != nil {
		return err
	}
	r.d.Changed()
	return nil
}

// take opens what is in force for this process's own questions.
func (r *Room) take(m snapfile.Manifest) error {
	r.mu.Lock()
	same := r.lastNow.snapshot != nil && r.lastNow.number == m.Number
	r.mu.Unlock()
	if same {
		return nil
	}
	s, err := r.loader.Load()
	if err != nil {
		return fmt.Errorf("opening the rules in force: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lastNow = inForce{number: s.Number(), snapshot: s, segments: m.Segments}
	return nil
}

// ours are the host names of the people's pages.
func (r *Room) ours() []string {
	if h := r.d.Host(); h != "" {
		return []string{h}
	}
	return nil
}

// Refresh makes the rules anew where something that they depend on changed:
// the calendar, the name of the people's pages, an entry that ended. House
// calls it after such a change; a task does so every few minutes.
func (r *Room) Refresh(ctx context.Context) error {
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	return r.Publish(ctx)
}

// Number is the number of the rules that the folder has in force.
func (r *Room) Number(_ context.Context) (uint64, error) {
	n, err := snapfile.Current(r.d.Dir)
	if err != nil {
		return 0, fmt.Errorf("finding the filter's rules: %w", err)
	}
	return n, nil
}

// Snapshot is the rules in force, nil before Start.
func (r *Room) Snapshot() *verdict.Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lastNow.snapshot
}
