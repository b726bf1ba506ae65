// Package watch looks at the controls again and again and keeps what they
// find, so that the state of any past day can be told. Stale evidence, a check
// that fails, and what is switched off without a written reason all count as
// unknown, never as kept.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
)

const day = 24 * time.Hour

// Every is the time between two runs of all controls.
const Every = 3 * time.Minute

const (
	checkLimit = time.Minute
	// defaultMaxAge is how old evidence may be where a control does not say.
	defaultMaxAge = day
	maxRows       = 200
	keepFindings  = 3 * 365 * day
)

// Turned is the journal's verb for a control that found another state.
const Turned journal.Verb = "control.changed"

// Deps is what a Watch needs.
type Deps struct {
	DB       *store.DB
	Journal  *journal.Journal
	Clock    clock.Clock
	Log      *slog.Logger
	Live     *setting.Live
	Controls []control.Control
}

// Watch looks at controls.
type Watch struct {
	d        Deps
	controls []control.Control // built ones, in the catalogue's order
	running  sync.Mutex        // one run at a time
	newest   store.Memo[map[string]Found]
}

// New returns a watch over the controls. One that is not in the catalogue, or
// stands there under another number, is a mistake of the program.
func New(d Deps) (*Watch, error) {
	w := &Watch{d: d}
	built := map[string]control.Control{}
	for _, c := range d.Controls {
		if e := BySlug(c.Slug); e.Slug == "" || e.Number != c.Number {
			return nil, fmt.Errorf("control %s %s is not in the catalogue", c.Number, c.Slug)
		}
		if _, twice := built[c.Slug]; twice {
			return nil, fmt.Errorf("two rooms declare the control %s", c.Slug)
		}
		built[c.Slug] = c
	}
	for _, e := range catalogue {
		if c, ok := built[e.Slug]; ok {
			w.controls = append(w.controls, c)
		}
	}
	return w, nil
}

// Controls are the controls that are built, in the catalogue's order.
func (w *Watch) Controls() []control.Control { return append([]control.Control(nil), w.controls...) }

// Built reports whether the control is built.
func (w *Watch) Built(slug string) bool {
	for _, c := range w.controls {
		if c.Slug == slug {
			return true
		}
	}
	return false
}

func (w *Watch) now() time.Time { return w.d.Clock.Now().UTC() }

// Found is a finding of one control with the time for which it stood.
type Found struct {
	Slug    string
	Finding control.Finding
	Since   time.Time // the state began, or the day
	Seen    time.Time // it was last found so
}

// Run looks at the evidence of the controls named (all when none is)
// and keeps what they find. A check that fails is a finding: unknown, with its
// sentence.
func (w *Watch) Run(ctx context.Context, slugs ...string) error {
	w.running.Lock()
	defer w.running.Unlock()
	wanted := map[string]bool{}
	for _, s := range slugs {
		slug, _ := Find(s)
		wanted[slug] = true
	}
	for _, c := range w.controls {
		if len(slugs) > 0 && !wanted[c.Slug] {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		now := w.now()
		if err := w.keepFinding(ctx, c, w.look(ctx, c, now), now); err != nil {
			return err
		}
	}
	return nil
}

// look runs one check. Neither an error nor a panic in it stops the others,
// and neither ever counts as kept.
func (w *Watch) look(ctx context.Context, c control.Control, now time.Time) (f control.Finding) {
	ctx, stop := context.WithTimeout(ctx, checkLimit)
	defer stop()
	defer func() {
		if p := recover(); p != nil {
			w.d.Log.Error("a control's check failed", "control", c.Slug, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			f = unknown(now, "the check itself failed", "Tell whoever looks after Belisha.")
		}
	}()
	f, err := c.Check(ctx, now, w.d.Live.Current())
	if err != nil {
		w.d.Log.Error("a control could not be checked", "control", c.Slug, "err", err)
		return unknown(now, "it could not be looked at: "+err.Error(), "Put right what the sentence says, or tell whoever looks after Belisha.")
	}
	if f.At.IsZero() {
		f.At = now
	}
	switch f.State {
	case control.Kept, control.AtRisk, control.Broken, control.Unknown, control.NotApplicable:
	default:
		return unknown(now, "the check gave no answer", "Tell whoever looks after Belisha.")
	}
	if f.State == control.Kept && f.Source == "" {
		return unknown(now, "the check did not say where its evidence comes from", "Tell whoever looks after Belisha.")
	}
	if f.Total < len(f.Rows) {
		f.Total = len(f.Rows)
	}
	if len(f.Rows) > maxRows {
		f.Rows = f.Rows[:maxRows]
	}
	return f
}

func unknown(now time.Time, figure, todo string) control.Finding {
	return control.Finding{State: control.Unknown, Figure: figure, At: now, Todo: todo}
}

// keepFinding lengthens the row of the last finding while its state and the
// day are the same, and begins a new one otherwise. A new state is journalled.
func (w *Watch) keepFinding(ctx context.Context, c control.Control, f control.Finding, now time.Time) error {
	last, lastID, err := lastFinding(ctx, w.d.DB, c.Slug, time.Time{})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	first := errors.Is(err, store.ErrNotFound)
	turnedNow := first || last.Finding.State != f.State
	return w.d.DB.Write(ctx, func(tx *store.Tx) error {
		if !turnedNow && sameDay(last.Since, now) {
			return lengthenFinding(ctx, tx, lastID, f, now)
		}
		if err := insertFinding(ctx, tx, store.NewID(now), c.Slug, f, now); err != nil || !turnedNow {
			return err
		}
		type side struct {
			State  control.State `json:"state,omitempty"`
			Figure string        `json:"figure,omitempty"`
		}
		return w.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: Turned, Kind: "control", ID: c.Slug,
			Before: side{last.Finding.State, last.Finding.Figure}, After: side{f.State, f.Figure},
		})
	})
}

func sameDay(a, b time.Time) bool {
	return a.UTC().Format(time.DateOnly) == b.UTC().Format(time.DateOnly)
}

// Settled is a finding as it counts at a moment: stale evidence, and what does
// not apply without a written reason or past its review, is unknown.
func Settled(c control.Control, found Found, at time.Time, why OffReason) control.Finding {
	f := found.Finding
	age := c.MaxAge
	if age <= 0 {
		age = defaultMaxAge
	}
	if at.Sub(found.Seen) > age || at.Sub(f.At) > age+Every {
		old := at.Sub(f.At)
		f.Figure = fmt.Sprintf("the last evidence is %s old and no longer counts (it was: %s)", roughly(old), f.Figure)
		f.State, f.Todo = control.Unknown, "Look at it again now; if that does not help, see the health page."
		return f
	}
	if f.State != control.NotApplicable {
		return f
	}
	if f.Reason == "" {
		f.Reason = why.Reason
	}
	if f.Review.IsZero() {
		f.Review = why.Review
	}
	switch {
	case f.Reason == "" || f.Review.IsZero():
		f.State = control.Unknown
		f.Figure = "switched off without a written reason and a review date"
		f.Todo = "Write reason=\"…\" and review=… beside the value in the policy."
	case at.After(f.Review):
		f.State = control.Unknown
		f.Figure = "switched off, and that was to be looked at again on " + f.Review.Format("2 January 2006")
		f.Todo = "Decide again, and give a new review date in the policy."
	}
	return f
}

// roughly says a length of time.
func roughly(d time.Duration) string {
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	default:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
}

// OffReason is why the policy switches something off, and the day on which
// that is looked at again.
type OffReason struct {
	Reason string
	Review time.Time
}

// Forget drops findings past the years for which a state can be asked.
func (w *Watch) Forget(ctx context.Context) error {
	return w.d.DB.Write(ctx, func(tx *store.Tx) error {
		return deleteFindings(ctx, tx, w.now().Add(-keepFindings))
	})
}
