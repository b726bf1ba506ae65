package probes

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

const runColumns = "id, at, site, kind, took, well, wrong, blind, notso, note"

func insertRun(ctx context.Context, tx *store.Tx, r Run) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO probe_runs ("+runColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		r.ID, store.At(r.At), r.Site, string(r.Kind), r.Took.Milliseconds(), r.Right, r.Wrong, r.Blind, r.NotSo, r.Note)
	if err != nil {
		return fmt.Errorf("keeping a trial: %w", err)
	}
	return nil
}

func insertAnswer(ctx context.Context, tx *store.Tx, run string, n int, a Answer) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO probe_answers (run_id, number, name, area, grp, what, state, said) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		run, n, a.Case, string(a.Area), a.Group, a.What, string(a.State), a.Said)
	if err != nil {
		return fmt.Errorf("keeping what a trial found: %w", err)
	}
	return nil
}

func scanRun(into func(...any) error) (r Run, err error) {
	var at store.Time
	var took int64
	err = into(&r.ID, &at, &r.Site, &r.Kind, &took, &r.Right, &r.Wrong, &r.Blind, &r.NotSo, &r.Note)
	r.At, r.Took = at.Time, time.Duration(took)*time.Millisecond
	return r, err
}

func runs(ctx context.Context, q store.Querier, rest string, args ...any) (out []Run, err error) {
	rows, err := q.QueryContext(ctx, "SELECT "+runColumns+" FROM probe_runs "+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading trials: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		r, err := scanRun(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading trials: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Since are the trials since a moment, newest first, up to a bound.
func (r *Room) Since(ctx context.Context, from time.Time, most int) ([]Run, error) {
	return runs(ctx, r.DB, "WHERE at >= $1 ORDER BY at DESC, id DESC LIMIT $2", store.At(from), most)
}

// Last is the last trial of a site; the zero Run if there was none. Whole asks
// for the last with files.
func (r *Room) Last(ctx context.Context, site string, whole bool) (Run, error) {
	rest := "WHERE site = $1 ORDER BY at DESC, id DESC LIMIT 1"
	if whole {
		rest = "WHERE site = $1 AND kind <> 'hourly' ORDER BY at DESC, id DESC LIMIT 1"
	}
	list, err := runs(ctx, r.DB, rest, site)
	if err != nil || len(list) == 0 {
		return Run{}, err
	}
	return list[0], nil
}

func (r *Room) run(ctx context.Context, id string) (Run, error) {
	x, err := scanRun(r.DB.QueryRowContext(ctx, "SELECT "+runColumns+" FROM probe_runs WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return x, store.ErrNotFound
	}
	return x, err
}

// Answers are what a trial found, what is wrong first.
func (r *Room) Answers(ctx context.Context, run string) (out []Answer, err error) {
	rows, err := r.DB.QueryContext(ctx, `SELECT name, area, grp, what, state, said FROM probe_answers WHERE run_id = $1
		ORDER BY CASE state WHEN 'wrong' THEN 0 WHEN 'unknown' THEN 1 WHEN 'right' THEN 2 ELSE 3 END, number`, run)
	if err != nil {
		return nil, fmt.Errorf("reading what a trial found: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var a Answer
		if err := rows.Scan(&a.Case, &a.Area, &a.Group, &a.What, &a.State, &a.Said); err != nil {
			return nil, fmt.Errorf("reading what a trial found: %w", err)
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

func removeRight(ctx context.Context, tx *store.Tx, before time.Time) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM probe_answers WHERE state IN ('right', 'not so') AND run_id IN (SELECT id FROM probe_runs WHERE at < $1)", store.At(before))
	if err != nil {
		return fmt.Errorf("removing what trials found: %w", err)
	}
	return nil
}

func removeRuns(ctx context.Context, tx *store.Tx, before time.Time) (int64, error) {
	_, err := tx.ExecContext(ctx, "DELETE FROM probe_answers WHERE run_id IN (SELECT id FROM probe_runs WHERE at < $1)", store.At(before))
	if err != nil {
		return 0, fmt.Errorf("removing what old trials found: %w", err)
	}
	res, err := tx.ExecContext(ctx, "DELETE FROM probe_runs WHERE at < $1", store.At(before))
	if err != nil {
		return 0, fmt.Errorf("removing old trials: %w", err)
	}
	return res.RowsAffected()
}
