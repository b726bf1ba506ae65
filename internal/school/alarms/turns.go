package alarms

import (
	"context"
	"fmt"
	"slices"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
)

// Task is the task that looks.
const Task = "alarms"

// Tasks is what happens by the clock.
func (r *Room) Tasks() []tasks.Task {
	return []tasks.Task{
		{Name: Task, Every: every, Limit: 2 * time.Minute, Run: func(ctx context.Context) error {
			return r.LookOnce(actor.With(ctx, actor.Belisha("alarms")))
		}},
		{Name: "alarms-retention", At: "03:50", Limit: 10 * time.Minute, Removes: true, Run: func(ctx context.Context) error {
			return r.Retain(actor.With(ctx, actor.Belisha("alarms")))
		}},
	}
}

// Duties are the alarms that nobody saw to: a task of the post that owns them,
// and of the head and the deputy head once they went up. A grave one that ended
// by itself is still to be looked at.
func (r *Room) Duties() []duty.Source {
	return []duty.Source{{Name: "alarms", Owed: func(ctx context.Context, now time.Time) ([]duty.Owed, error) {
		running, err := r.Running(ctx)
		if err != nil {
			return nil, err
		}
		ended, err := r.unseen(ctx, now.Add(-showEnded))
		if err != nil {
			return nil, err
		}
		var out []duty.Owed
		for _, a := range slices.Concat(running, ended) {
			if !a.Seen() {
				out = append(out, r.owed(ctx, a)...)
			}
		}
		return out, nil
	}}}
}

func (r *Room) owed(ctx context.Context, a Alarm) []duty.Owed {
	o := duty.Owed{
		ID: fmt.Sprintf("%s/%d", a.ID, a.Times), What: a.Words, Step: "See to it", Owner: string(a.Owner),
		Since: a.Since, Link: pathAlarms + "/" + a.ID, Risk: a.Risk,
	}
	if !a.Running() {
		o.What, o.Risk = a.Words+" (it ended by itself)", 1
	}
	out := []duty.Owed{o}
	if !r.Held(ctx, a.Owner) {
		out = nil
	}
	if a.UpAt.IsZero() {
		return out
	}
	for _, p := range heads {
		if p != a.Owner {
			o.ID, o.Owner = fmt.Sprintf("%s/%d/%s", a.ID, a.Times, p), string(p)
			out = append(out, o)
		}
	}
	return out
}

// Retain removes alarms that ended long ago, and figures that are no longer
// held against anything.
func (r *Room) Retain(ctx context.Context) error {
	now := r.now()
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := removeFigures(ctx, tx, now.Add(-(weeksBack+1)*7*day)); err != nil {
			return err
		}
		gone, err := endedBefore(ctx, tx, now.Add(-r.Live.Current().Duration(keyKeep)))
		if err != nil || len(gone) == 0 {
			return err
		}
		var rows []journal.Row
		for _, a := range gone {
			if err := deleteAlarm(ctx, tx, a.ID); err != nil {
				return err
			}
			rows = append(rows, journal.Row{Table: "alarms", ID: a.ID})
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbRemoved, Kind: "alarms", ID: "old", After: map[string]int{"alarms": len(gone)}, Rows: rows})
	})
}
