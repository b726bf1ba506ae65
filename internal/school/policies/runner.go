package policies

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
)

const (
	runEvery   = 3 * time.Minute
	checkLimit = time.Minute
	// defaultMaxAge is how old evidence may be where a control does not say.
	defaultMaxAge = day
	maxRows       = 200
	keepFindings  = 3 * 365 * day
)

// Found is a finding of one control with the time for which it stood.
type Found struct {
	Slug    string
	Finding control.Finding
	Since   time.Time // the state began, or the day
	Seen    time.Time // it was last found so
}

// Tasks are the room's tasks.
func (r *Room) Tasks() []tasks.Task {
	return []tasks.Task{
		{Name: "policies.controls", Every: runEvery, Run: func(ctx context.Context) error { return r.RunControls(ctx) }},
		{Name: "policies.history", At: "03:40", Run: r.forget},
	}
}

// RunControls looks at the evidence of the controls named (all when none is)
// and keeps what they find. A check that fails is a finding: unknown, with its
// sentence.
func (r *Room) RunControls(ctx context.Context, slugs ...string) error {
	r.running.Lock()
	defer r.running.Unlock()
	defer r.light.drop()
	wanted := map[string]bool{}
	for _, s := range slugs {
		wanted[r.known[strings.ToLower(s)]] = true
	}
	for _, c := range r.controls {
		if len(slugs) > 0 && !wanted[c.Slug] {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		now := r.now()
		if err := r.keepFinding(ctx, c, r.look(ctx, c, now), now); err != nil {
			return err
		}
	}
	return nil
}

// look runs one check. Neither an error nor a panic in it stops the others,
// and neither ever counts as kept.
func (r *Room) look(ctx context.Context, c control.Control, now time.Time) (f control.Finding) {
	ctx, stop := context.WithTimeout(ctx, checkLimit)
	defer stop()
	defer func() {
		if p := recover(); p != nil {
			r.d.Log.Error("a control's check failed", "control", c.Slug, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			f = unknown(now, "the check itself failed", "Tell whoever looks after Belisha.")
		}
	}()
	f, err := c.Check(ctx, now, r.d.Live.Current())
	if err != nil {
		r.d.Log.Error("a control could not be checked", "control", c.Slug, "err", err)
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
func (r *Room) keepFinding(ctx context.Context, c control.Control, f control.Finding, now time.Time) error {
	last, lastID, err := lastFinding(ctx, r.d.DB, c.Slug, time.Time{})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	first := errors.Is(err, store.ErrNotFound)
	turnedNow := first || last.Finding.State != f.State
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
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
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: turned, Kind: "control", ID: c.Slug,
			Before: side{last.Finding.State, last.Finding.Figure}, After: side{f.State, f.Figure}})
	})
}

func sameDay(a, b time.Time) bool {
	return a.UTC().Format(time.DateOnly) == b.UTC().Format(time.DateOnly)
}

// settled is a finding as it counts at a moment: stale evidence, and what does
// not apply without a written reason or past its review, is unknown.
func (r *Room) settled(c control.Control, found Found, at time.Time, why offReason) control.Finding {
	f := found.Finding
	age := c.MaxAge
	if age <= 0 {
		age = defaultMaxAge
	}
	if at.Sub(found.Seen) > age || at.Sub(f.At) > age+runEvery {
		old := at.Sub(f.At)
		f.Figure = fmt.Sprintf("the last evidence is %s old and no longer counts (it was: %s)", roughly(old), orNothing(f.Figure))
		f.State, f.Todo = control.Unknown, "Look at it again now; if that does not help, see the health page."
		return f
	}
	if f.State != control.NotApplicable {
		return f
	}
	if f.Reason == "" {
		f.Reason = why.reason
	}
	if f.Review.IsZero() {
		f.Review = why.review
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

// offReason is why the policy switches something off.
type offReason struct {
	reason string
	review time.Time
}

// forget drops findings past the years for which a state can be asked.
func (r *Room) forget(ctx context.Context) error {
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		return deleteFindings(ctx, tx, r.now().Add(-keepFindings))
	})
}

// applied is the values of a moment, for a control's dependence on settings.
func applied(v *setting.Values, keys []string) []setting.Value {
	var out []setting.Value
	for _, k := range keys {
		if _, ok := v.Book().Get(k); ok {
			out = append(out, v.Get(k))
		}
	}
	return out
}
