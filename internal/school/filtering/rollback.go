package filtering

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// decided is what filter managers decided, as a version keeps it to go back to.
type decided struct {
	Own       []string   `json:"own"`
	Overrides []Override `json:"overrides"`
}

func (st *state) decided() decided {
	d := decided{Overrides: st.overrides}
	for _, o := range st.own {
		d.Own = append(d.Own, o.ID)
	}
	return d
}

// RollBack goes back to what filter managers had decided at a version, as a
// new version. What the policy decides stays as it is.
func (r *Room) RollBack(ctx context.Context, number int64, reason string) error {
	if err := r.mayChange(ctx, fmt.Sprintf("go back to version %d", number)); err != nil {
		return err
	}
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > maxReason {
		return store.Invalid{"reason": "Write why, in a sentence."}
	}
	v, err := versionByNumber(ctx, r.d.DB, number)
	if err != nil {
		return err
	}
	body, err := loadBody(ctx, r.d.DB, v.StateHash)
	if errors.Is(err, store.ErrNotFound) {
		return &Refused{Words: fmt.Sprintf("Version %d is too old to go back to.", number)}
	}
	if err != nil {
		return fmt.Errorf("reading version %d: %w", number, err)
	}
	var old decided
	if err := json.Unmarshal(body, &old); err != nil {
		return fmt.Errorf("reading version %d: %w", number, err)
	}
	b := &back{room: r, old: old, by: actor.From(ctx).ID}
	c := Change{
		Kind: kindBack, Ref: v.ID, Reason: reason, What: fmt.Sprintf("The filter went back to what was decided in version %d.", number),
		Becomes: fmt.Sprintf("own entries and categories as in version %d", number),
	}
	return r.apply(ctx, &edit{change: c, alter: func(st *state) error { return b.alter(ctx, st) }, write: b.write})
}

// back is what going back ends and begins again.
type back struct {
	room       *Room
	old        decided
	by         string
	endOwn     []string
	newOwn     []Own
	endDecided []string
	newDecided []Override
}

func (b *back) alter(ctx context.Context, st *state) error {
	now := b.room.now()
	var kept []Own
	for _, o := range st.own {
		if slices.Contains(b.old.Own, o.ID) {
			kept = append(kept, o)
		} else {
			b.endOwn = append(b.endOwn, o.ID)
		}
	}
	for _, id := range b.old.Own {
		if slices.ContainsFunc(kept, func(o Own) bool { return o.ID == id }) {
			continue
		}
		o, err := getOwn(ctx, b.room.d.DB, id)
		if err != nil {
			return err
		}
		o.ID, o.AddedAt, o.AddedBy, o.EndedAt, o.EndedBy = store.NewID(now), now, b.by, time.Time{}, ""
		if o.live(now) {
			b.newOwn = append(b.newOwn, o)
		}
	}
	st.own = append(kept, b.newOwn...)
	b.overrides(st)
	return nil
}

func (b *back) overrides(st *state) {
	now := b.room.now()
	var kept []Override
	for _, o := range st.overrides {
		if slices.ContainsFunc(b.old.Overrides, func(x Override) bool { return x.ID == o.ID }) {
			kept = append(kept, o)
		} else {
			b.endDecided = append(b.endDecided, o.ID)
		}
	}
	for _, o := range b.old.Overrides {
		if slices.ContainsFunc(kept, func(x Override) bool { return x.ID == o.ID }) {
			continue
		}
		o.ID, o.AddedAt, o.AddedBy, o.EndedBy = store.NewID(now), now, b.by, ""
		b.newDecided = append(b.newDecided, o)
	}
	st.overrides = append(kept, b.newDecided...)
}

func (b *back) write(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
	var rows []journal.Row
	for table, ids := range map[string][]string{"filter_own": b.endOwn, "filter_categories": b.endDecided} {
		for _, id := range ids {
			if err := endRow(ctx, tx, table, id, b.by, b.room.now()); err != nil {
				return nil, err
			}
			rows = append(rows, journal.Row{Table: table, ID: id})
		}
	}
	for _, o := range b.newOwn {
		if err := insertOwn(ctx, tx, o); err != nil {
			return nil, err
		}
		rows = append(rows, journal.Row{Table: "filter_own", ID: o.ID})
	}
	for _, o := range b.newDecided {
		if err := insertOverride(ctx, tx, o); err != nil {
			return nil, err
		}
		rows = append(rows, journal.Row{Table: "filter_categories", ID: o.ID})
	}
	return rows, nil
}
