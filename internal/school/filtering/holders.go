package filtering

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Holders is a list of who may change the filter, as the head confirmed it.
type Holders struct {
	ID     string
	At     time.Time // zero: none was ever confirmed
	By     string
	People []people.ID
}

// Has reports whether the person is on the list.
func (h Holders) Has(id people.ID) bool { return slices.Contains(h.People, id) }

// Holders is the confirmed list in force.
func (r *Room) Holders(ctx context.Context) (Holders, error) {
	h, err := latestHolders(ctx, r.d.DB)
	if err != nil {
		return h, fmt.Errorf("reading who may change the filter: %w", err)
	}
	return h, nil
}

// Candidates are those who hold the post of filter manager now.
func (r *Room) Candidates(ctx context.Context) ([]people.Office, error) {
	return r.d.People.HoldersAt(ctx, people.FilterManager, r.now())
}

// ConfirmHolders makes the list of those who may change the filter. read is
// the list that the head had before them: if the posts have changed since, it
// is refused.
func (r *Room) ConfirmHolders(ctx context.Context, read []people.ID) error {
	a := actor.From(ctx)
	if !a.May(MayGrant) || a.Audience == actor.Pupil {
		return store.ErrForbidden
	}
	offices, err := r.Candidates(ctx)
	if err != nil {
		return err
	}
	var now []people.ID
	for _, o := range offices {
		if !slices.Contains(now, o.Person.ID) {
			now = append(now, o.Person.ID)
		}
	}
	slices.Sort(now)
	read = slices.Clone(read)
	slices.Sort(read)
	if !slices.Equal(now, read) {
		return store.ErrStale
	}
	h := Holders{ID: store.NewID(r.now()), At: r.now(), By: a.ID, People: now}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		was, err := latestHolders(ctx, tx)
		if err != nil {
			return err
		}
		if err := insertHolders(ctx, tx, h); err != nil {
			return fmt.Errorf("keeping who may change the filter: %w", err)
		}
		c := Change{
			ID: store.NewID(r.now()), At: h.At, Actor: a.ID, Kind: kindHolders, Ref: h.ID, What: "The head confirmed who may change the filter.",
			Was: words.Count(len(was.People), "person", "people"), Becomes: words.Count(len(h.People), "person", "people"),
		}
		if err := insertChange(ctx, tx, c); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbHolders, Kind: "filter", ID: h.ID, Before: was.People, After: h.People,
			Rows: []journal.Row{{Table: "filter_holders", ID: h.ID}, {Table: "filter_changes", ID: c.ID}},
		})
	})
}

// mayChange refuses everybody but confirmed holders of filter management. An
// attempt is journalled.
func (r *Room) mayChange(ctx context.Context, what string) error {
	a := actor.From(ctx)
	if a.Kind == actor.Person && a.Audience != actor.Pupil && a.May(MayChange) {
		h, err := r.Holders(ctx)
		if err != nil {
			return err
		}
		if h.Has(people.ID(a.Person)) {
			return nil
		}
		if err := r.refuse(ctx, what, "not on the list that the head confirmed"); err != nil {
			return err
		}
		return &Refused{Words: "The head has not confirmed you as somebody who may change the filter. Ask the head to confirm the list on the page of filter managers."}
	}
	if err := r.refuse(ctx, what, "not a holder of filter management"); err != nil {
		return err
	}
	return store.ErrForbidden
}

// refuse writes down that somebody tried.
func (r *Room) refuse(ctx context.Context, what, why string) error {
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbRefused, Kind: "filter", ID: "change", After: told{what}, Reason: why})
	})
}

// personOf is the person behind an actor's id, "" if there is none.
func personOf(actorID string) people.ID {
	id, ok := strings.CutPrefix(actorID, "person:")
	if !ok {
		return ""
	}
	return people.ID(id)
}
