package tasks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

// row is a task as the database has it.
type row struct {
	next, leaseUntil     store.Time
	started, ended, kept store.Time
	leaseBy, error       string
	failures             int
}

const columns = "next_run, lease_by, lease_until, started_at, ended_at, kept_at, failures, error"

func readRow(ctx context.Context, q store.Querier, name string) (row, bool, error) {
	var w row
	err := q.QueryRowContext(ctx, "SELECT "+columns+" FROM tasks WHERE name = $1", name).
		Scan(&w.next, &w.leaseBy, &w.leaseUntil, &w.started, &w.ended, &w.kept, &w.failures, &w.error)
	if errors.Is(err, sql.ErrNoRows) {
		return w, false, nil
	}
	if err != nil {
		return w, false, fmt.Errorf("reading task %s: %w", name, err)
	}
	return w, true, nil
}

// due returns the tasks to run now and how long it is until the next one.
func (r *Runner) due(ctx context.Context) ([]string, time.Duration, error) {
	now := r.clock.Now()
	wait := longest
	var names []string
	for _, name := range r.order {
		if r.runs(name) {
			continue
		}
		at, err := r.dueAt(ctx, r.tasks[name], now)
		if err != nil {
			return names, wait, err
		}
		if !at.After(now) {
			names = append(names, name)
			continue
		}
		wait = min(wait, at.Sub(now))
	}
	return names, wait, nil
}

// dueAt returns when t is due. A task never seen is due at its first turn;
// one whose turn lies further ahead than any turn can (the clock went back)
// is brought back to its turn counted from now. One that removes, and whose
// turn was missed by more than a day, waits for another day.
func (r *Runner) dueAt(ctx context.Context, t *Task, now time.Time) (time.Time, error) {
	w, ok, err := readRow(ctx, r.db, t.Name)
	if err != nil {
		return now, err
	}
	if !ok {
		at := now // an interval starts with a run
		if t.At != "" {
			at = t.next(now, r.zone())
		}
		return at, r.setNext(ctx, t.Name, at)
	}
	if r.leased(w, t, now) {
		return w.leaseUntil.Time, nil
	}
	latest := t.next(now, r.zone())
	if t.Removes {
		latest = t.next(now.Add(waits), r.zone())
	}
	if w.next.After(latest) || t.Removes && now.Sub(w.next.Time) > waits {
		return latest, r.setNext(ctx, t.Name, latest)
	}
	return w.next.Time, nil
}

// leased reports whether another process runs t. A lease that ends later than
// any lease taken now would was written by a clock that has gone back since.
func (r *Runner) leased(w row, t *Task, now time.Time) bool {
	return w.leaseBy != "" && w.leaseBy != r.by &&
		w.leaseUntil.After(now) && !w.leaseUntil.After(now.Add(t.Limit+slack))
}

func (r *Runner) setNext(ctx context.Context, name string, at time.Time) error {
	return r.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO tasks (name, `+columns+`)
			VALUES ($1, $2, '', 0, 0, 0, 0, 0, '')
			ON CONFLICT (name) DO UPDATE SET next_run = excluded.next_run`, name, store.At(at))
		if err != nil {
			return fmt.Errorf("setting when task %s is due: %w", name, err)
		}
		return nil
	})
}

// takeLease marks t as running, unless another process runs it.
func (r *Runner) takeLease(ctx context.Context, t *Task) (took bool, err error) {
	now := r.clock.Now()
	err = r.db.Write(ctx, func(tx *store.Tx) error {
		w, ok, err := readRow(ctx, tx, t.Name)
		if err != nil {
			return err
		}
		if ok && r.leased(w, t, now) {
			return nil
		}
		// next_run stands for the run under way: if the program dies in it,
		// the task is due again when the lease ends.
		_, err = tx.ExecContext(ctx, `INSERT INTO tasks (name, `+columns+`)
			VALUES ($1, $2, $3, $4, $2, 0, 0, 0, '')
			ON CONFLICT (name) DO UPDATE SET next_run = excluded.next_run, lease_by = excluded.lease_by,
				lease_until = excluded.lease_until, started_at = excluded.started_at`,
			t.Name, store.At(now), r.by, store.At(now.Add(t.Limit+slack)))
		took = err == nil
		return err
	})
	if err != nil {
		return false, fmt.Errorf("starting task %s: %w", t.Name, err)
	}
	return took, nil
}

// finish keeps what came of a run and when the next is due.
func (r *Runner) finish(ctx context.Context, t *Task, failed error) error {
	now := r.clock.Now()
	err := r.db.Write(ctx, func(tx *store.Tx) error {
		w, _, err := readRow(ctx, tx, t.Name)
		if err != nil {
			return err
		}
		next, kept := t.next(now, r.zone()), store.At(now)
		w.failures++
		if failed == nil {
			w.failures = 0
		} else {
			kept = w.kept
			if soon := now.Add(backoff(w.failures)); soon.Before(next) {
				next = soon
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE tasks SET next_run = $1, lease_by = '', lease_until = 0, ended_at = $2,
			kept_at = $3, failures = $4, error = $5 WHERE name = $6`,
			store.At(next), store.At(now), kept, w.failures, short(failed), t.Name)
		return err
	})
	if err != nil {
		return fmt.Errorf("ending task %s: %w", t.Name, err)
	}
	return nil
}

// Health returns how every task stands, by name.
func (r *Runner) Health(ctx context.Context) ([]Result, error) {
	now := r.clock.Now()
	out := make([]Result, 0, len(r.order))
	for _, name := range r.order {
		t := r.tasks[name]
		w, _, err := readRow(ctx, r.db, name)
		if err != nil {
			return nil, err
		}
		out = append(out, Result{
			Name: name, Every: t.Every, At: t.At, Started: w.started.Time, Ended: w.ended.Time, Kept: w.kept.Time,
			Next: w.next.Time, Failures: w.failures, Error: w.error,
			Running: w.leaseBy != "" && w.leaseUntil.After(now),
		})
	}
	return out, nil
}
