package devices

import (
	"context"
	"fmt"
	"slices"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
)

// How long a group may try the filter out. Nothing is closed meanwhile, so it
// ends by itself.
const (
	TryOutDays  = 7
	mostTryOut  = 28
	tryOutTask  = "devices.try-out-ends"
	tryOutEvery = time.Minute
	tryOutLimit = 5 * time.Minute
)

// TryOut is one group's time of trying.
type TryOut struct {
	ID      string
	Group   string
	From    time.Time
	Until   time.Time
	BegunBy string
	EndedAt time.Time
	EndedBy string
}

// Running reports whether nothing is closed for the group at a moment.
func (t TryOut) Running(now time.Time) bool { return t.EndedAt.IsZero() && now.Before(t.Until) }

// BeginTryOut has the groups try the filter out for some days. It is never
// offered where no other filter stands behind this one.
func (r *Room) BeginTryOut(ctx context.Context, groups []string, days int) error {
	if days < 1 || days > mostTryOut {
		return store.Invalid{"days": fmt.Sprintf("Write a number of days from 1 to %d", mostTryOut)}
	}
	known, err := r.d.Groups(ctx)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if !slices.ContainsFunc(known, func(k Group) bool { return k.Slug == g }) {
			return store.Invalid{"groups": fmt.Sprintf("There is no group “%.30s”", g)}
		}
	}
	now := r.now()
	err = r.d.DB.Write(ctx, func(tx *store.Tx) error {
		b, err := r.besideOf(ctx, tx)
		if err != nil {
			return err
		}
		if b.Kind != Behind {
			return store.Invalid{"": "Nothing is tried out without another filter behind Belisha: children would be unfiltered meanwhile"}
		}
		running, err := r.tryOutsOf(ctx, tx)
		if err != nil {
			return err
		}
		for _, g := range groups {
			if slices.ContainsFunc(running, func(t TryOut) bool { return t.Group == g && t.Running(now) }) {
				continue // asked twice: the first stands
			}
			t := TryOut{ID: store.NewID(now), Group: g, From: now, Until: now.AddDate(0, 0, days), BegunBy: actor.From(ctx).ID}
			if err := r.putTryOut(ctx, tx, t); err != nil {
				return err
			}
			e := journal.Entry{Verb: VerbTryOut, Kind: "try-out", ID: t.ID, After: map[string]any{"group": g, "until": t.Until}, Rows: []journal.Row{{Table: "try_outs", ID: t.ID}}}
			if err := r.d.Journal.Write(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.d.Changed(ctx)
}

// MakeReal ends a group's try-out: from now on the rules close.
func (r *Room) MakeReal(ctx context.Context, group string) error {
	now := r.now()
	found := false
	err := r.d.DB.Write(ctx, func(tx *store.Tx) error {
		list, err := r.tryOutsOf(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range list {
			if t.Group != group || !t.Running(now) {
				continue
			}
			found = true
			if err := r.endTryOut(ctx, tx, t.ID, now, actor.From(ctx).ID); err != nil {
				return err
			}
			e := journal.Entry{Verb: VerbReal, Kind: "try-out", ID: t.ID, After: map[string]any{"group": group}, Rows: []journal.Row{{Table: "try_outs", ID: t.ID}}}
			if err := r.d.Journal.Write(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !found {
		return store.ErrNotFound
	}
	return r.d.Changed(ctx)
}

// endAllTx ends every running try-out; the caller writes the journal line of
// the rows.
func (r *Room) endAllTx(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
	now := r.now()
	list, err := r.tryOutsOf(ctx, tx)
	if err != nil {
		return nil, err
	}
	var rows []journal.Row
	for _, t := range list {
		if !t.Running(now) {
			continue
		}
		if err := r.endTryOut(ctx, tx, t.ID, now, actor.From(ctx).ID); err != nil {
			return nil, err
		}
		rows = append(rows, journal.Row{Table: "try_outs", ID: t.ID})
	}
	return rows, nil
}

// Trying are the groups for which nothing is closed now, with the end of each.
func (r *Room) Trying(ctx context.Context) (map[string]time.Time, error) {
	list, err := r.tryOutsOf(ctx, r.d.DB)
	if err != nil {
		return nil, err
	}
	now, out := r.now(), map[string]time.Time{}
	for _, t := range list {
		if t.Running(now) {
			out[t.Group] = t.Until
		}
	}
	return out, nil
}

// Tasks is what the room does by the clock: a try-out ends on its day although
// nobody presses anything.
func (r *Room) Tasks() []tasks.Task {
	return []tasks.Task{{Name: tryOutTask, Every: tryOutEvery, Limit: tryOutLimit, Run: r.endByClock}}
}

// endByClock ends what is over and has the filter take it.
func (r *Room) endByClock(ctx context.Context) error {
	now := r.now()
	list, err := r.tryOutsOf(ctx, r.d.DB)
	if err != nil {
		return err
	}
	over := slices.DeleteFunc(list, func(t TryOut) bool { return !t.EndedAt.IsZero() || now.Before(t.Until) })
	if len(over) == 0 {
		return nil
	}
	err = r.d.DB.Write(ctx, func(tx *store.Tx) error {
		for _, t := range over {
			if err := r.endTryOut(ctx, tx, t.ID, t.Until, actor.From(ctx).ID); err != nil {
				return err
			}
			e := journal.Entry{Verb: VerbReal, Kind: "try-out", ID: t.ID, After: map[string]any{"group": t.Group}, Rows: []journal.Row{{Table: "try_outs", ID: t.ID}}}
			if err := r.d.Journal.Write(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.d.Changed(ctx)
}
