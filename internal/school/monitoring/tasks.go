package monitoring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
)

// The tasks that may be asked for before their time.
const (
	TaskDraw  = "web activity: random sample"
	TaskErase = "web activity: erasures"
)

// Tasks is what the room does by itself.
func (r *Room) Tasks() []tasks.Task {
	return []tasks.Task{
		{Name: "web activity: retention", At: "02:10", Limit: 3 * time.Hour, Removes: true, Run: r.tidy},
		{Name: TaskDraw, Every: 5 * time.Minute, Run: r.DrawDue},
		{Name: TaskErase, Every: 10 * time.Minute, Limit: time.Hour, Run: r.erase},
		{Name: "web activity: misuse", Every: 15 * time.Minute, Run: r.watchJournal},
	}
}

// tidy settles the days that are over, removes what the school no longer
// keeps, and journals what was removed.
func (r *Room) tidy(ctx context.Context) error {
	ctx = actor.With(ctx, actor.Belisha("monitoring"))
	v, now := r.values(), r.d.Clock.Now()
	r.d.Memory.SetKeep(keepOf(v))
	removed, err := r.d.Memory.Enforce(ctx, now)
	// What was removed before a fault is journalled all the same.
	if noted := r.noteRemoved(ctx, removed); noted != nil {
		return noted
	}
	if err != nil {
		return fmt.Errorf("removing old web activity: %w", err)
	}
	if removed.Held != "" {
		return errors.New(removed.Held) // for the health page; the task comes again
	}
	err = r.d.DB.Write(ctx, func(tx *store.Tx) error {
		ids, err := removeSignals(ctx, tx, `closed_at < $1`, store.Millis(now.Add(-v.Duration(keyNames))))
		if err != nil || len(ids) == 0 {
			return err
		}
		return r.noteTidied(ctx, tx, "old", ids)
	})
	if err != nil {
		return err
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		ids, err := removeAlerts(ctx, tx, `closed_at < $1`, store.Millis(now.Add(-v.Duration(keyNames))))
		if err != nil || len(ids) == 0 {
			return err
		}
		return r.noteAlertsTidied(ctx, tx, "old", ids)
	})
}

func (r *Room) noteRemoved(ctx context.Context, removed activity.Removed) error {
	if len(removed.Days)+len(removed.Words)+removed.Totals+len(removed.Swept) == 0 {
		return nil
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbRemoved, Kind: "web activity", ID: "old",
			After: map[string]any{
				"days removed": removed.Days, "search words and pages removed from": removed.Words,
				"days of counts removed": removed.Totals, "cleaned after an erasure": removed.Swept,
			},
		})
	})
}
