package monitoring

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// Gap is a time in school hours in which nothing was recorded at a site.
type Gap struct {
	Site     string
	From, To time.Time
	Open     bool   // it goes on
	Why      string // "" is not explained
	By       string
}

// Explanation is somebody's word on why nothing was recorded for a time.
type Explanation struct {
	ID       string
	Site     string
	From, To time.Time
	Why      string
	By       string
	At       time.Time
}

// covers says whether the explanation is of the whole gap.
func (e Explanation) covers(g Gap) bool {
	return e.Site == g.Site && !e.From.After(g.From) && !e.To.Before(g.To)
}

// explain finds the word on each gap.
func explain(gaps []Gap, words []Explanation) {
	for i := range gaps {
		for _, w := range words {
			if w.covers(gaps[i]) {
				gaps[i].Why, gaps[i].By = w.Why, w.By
				break
			}
		}
	}
}

// ExplainGap keeps why nothing was recorded in a gap that is there and is
// over. A gap that goes on cannot be explained away.
func (r *Room) ExplainGap(ctx context.Context, site string, from, to time.Time, why string) error {
	a := actor.From(ctx)
	if !a.May(MayExplain) || isPupil(a) {
		return fmt.Errorf("%w: the head and the network manager explain gaps", store.ErrForbidden)
	}
	now := r.d.Clock.Now()
	sum, _, err := r.gaps(ctx, now, r.values())
	if err != nil {
		return err
	}
	why = strings.TrimSpace(why)
	bad := store.Invalid{}
	if n := utf8.RuneCountInString(why); n < minReason || n > maxReason {
		bad["why"] = fmt.Sprintf("Say in %d to %d letters why nothing was recorded, and what is done about it.", minReason, maxReason)
	}
	found := false
	for _, g := range sum.gaps {
		if g.Site == site && g.From.Equal(from) && g.To.Equal(to) {
			found = true
			if g.Open {
				bad["gap"] = "This gap goes on. Mend the filter first; then say why it was silent."
			}
			if g.Why != "" {
				return store.ErrStale
			}
		}
	}
	if !found {
		bad["gap"] = "There is no such gap. Open the list again."
	}
	if err := bad.OrNil(); err != nil {
		return err
	}
	e := Explanation{ID: store.NewID(now), Site: site, From: from, To: to, Why: why, By: a.ID, At: now}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertGap(ctx, tx, e); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbExplained, Kind: "gap", ID: e.ID, Reason: why,
			After: map[string]any{"site": site, "from": from, "to": to}, Rows: []journal.Row{{Table: "log_gaps", ID: e.ID}},
		})
	})
}
