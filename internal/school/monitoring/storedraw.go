package monitoring

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/store"
)

func insertDraw(ctx context.Context, tx *store.Tx, d Draw) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO draws (id, period, planned_at, seed, size_n, drawn_at, from_at, to_at, pool_n)
		VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0)`, d.ID, d.Period, store.At(d.Planned), d.Seed, d.Size)
	if err != nil {
		return fmt.Errorf("planning a draw: %w", err)
	}
	return nil
}

// updateDrawn notes that a draw was made, once.
func updateDrawn(ctx context.Context, tx *store.Tx, d Draw) error {
	done, err := tx.ExecContext(ctx, `UPDATE draws SET drawn_at = $1, from_at = $2, to_at = $3, pool_n = $4
		WHERE id = $5 AND drawn_at = 0`, store.At(d.Drawn), store.At(d.From), store.At(d.To), d.Pool, d.ID)
	return changedOne(done, err, "keeping a draw")
}

func insertDrawRow(ctx context.Context, tx *store.Tx, id, draw string, place int, k rowKey) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO draw_rows (id, draw, place, gate, number, at, verdict, judged_by, judged_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, '', '', 0, 1)`, id, draw, place, k.gate, int64(k.number), store.At(k.at)) //nolint:gosec // compared for equality only
	if err != nil {
		return fmt.Errorf("keeping a drawn row: %w", err)
	}
	return nil
}

func judgeRow(ctx context.Context, tx *store.Tx, d DrawnRow, at time.Time) error {
	done, err := tx.ExecContext(ctx, `UPDATE draw_rows SET verdict = $1, judged_by = $2, judged_at = $3, version = version + 1
		WHERE id = $4 AND version = $5`, d.Finding, d.By, store.At(at), d.ID, d.Version)
	return changedOne(done, err, "keeping what was found")
}

// changedOne makes a change that met no row a stale one.
func changedOne(done interface{ RowsAffected() (int64, error) }, err error, doing string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if n != 1 {
		return store.ErrStale
	}
	return nil
}

const drawQuery = `SELECT d.id, d.period, d.planned_at, d.seed, d.size_n, d.drawn_at, d.from_at, d.to_at, d.pool_n,
	(SELECT COUNT(*) FROM draw_rows w WHERE w.draw = d.id), (SELECT COUNT(*) FROM draw_rows w WHERE w.draw = d.id AND w.verdict <> ''),
	(SELECT COALESCE(MAX(w.judged_at), 0) FROM draw_rows w WHERE w.draw = d.id) FROM draws d `

func scanDraw(scan func(...any) error) (Draw, error) {
	var d Draw
	var planned, drawn, from, to, last store.Time
	err := scan(&d.ID, &d.Period, &planned, &d.Seed, &d.Size, &drawn, &from, &to, &d.Pool, &d.Rows, &d.Judged, &last)
	if err != nil {
		return Draw{}, fmt.Errorf("reading a draw: %w", found(err))
	}
	d.Planned, d.Drawn, d.From, d.To, d.Last = planned.Time, drawn.Time, from.Time, to.Time, last.Time
	d.Unjudged = d.Rows - d.Judged
	return d, nil
}

func (r *Room) drawOfPeriod(ctx context.Context, key string) (Draw, error) {
	return scanDraw(r.d.DB.QueryRowContext(ctx, drawQuery+`WHERE d.period = $1`, key).Scan)
}

func (r *Room) drawByID(ctx context.Context, id string) (Draw, error) {
	return scanDraw(r.d.DB.QueryRowContext(ctx, drawQuery+`WHERE d.id = $1`, id).Scan)
}

// draws are those planned since a moment, newest first.
func (r *Room) draws(ctx context.Context, since time.Time) ([]Draw, error) {
	rows, err := r.d.DB.QueryContext(ctx, drawQuery+`WHERE d.planned_at >= $1 ORDER BY d.planned_at DESC LIMIT 200`, store.Millis(since))
	if err != nil {
		return nil, fmt.Errorf("reading the draws: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Draw
	for rows.Next() {
		d, err := scanDraw(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, rows.Err()
}

func (r *Room) drawRows(ctx context.Context, rest string, args ...any) ([]DrawnRow, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT id, draw, place, gate, number, at, verdict, judged_by, version FROM draw_rows `+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the drawn rows: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []DrawnRow
	for rows.Next() {
		var d DrawnRow
		var number int64
		var at store.Time
		if err := rows.Scan(&d.ID, &d.Draw, &d.Place, &d.key.gate, &number, &at, &d.Finding, &d.By, &d.Version); err != nil {
			return nil, fmt.Errorf("reading a drawn row: %w", err)
		}
		d.key.number, d.key.at = uint64(number), at.Time //nolint:gosec // stored the same way
		all = append(all, d)
	}
	return all, rows.Err()
}

// inappropriate are the rows found to be so since a moment.
func (r *Room) inappropriate(ctx context.Context, since time.Time) ([]DrawnRow, error) {
	return r.drawRows(ctx, `WHERE verdict = $1 AND judged_at >= $2 ORDER BY judged_at, id LIMIT 1000`, FoundInappropriate, store.Millis(since))
}

// unconcerned are the rows of a time that monitors found to be no concern.
func (r *Room) unconcerned(ctx context.Context, from, to time.Time) (map[string]bool, error) {
	rows, err := r.drawRows(ctx, `WHERE verdict = $1 AND at >= $2 AND at < $3 LIMIT 5000`, FoundNoConcern, store.Millis(from), store.Millis(to))
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for i := range rows {
		out[rows[i].key.ref()] = true
	}
	return out, nil
}

// without takes the rows that were found to be no concern.
func without(events []activity.Event, gone map[string]bool) []activity.Event {
	if len(gone) == 0 {
		return events
	}
	out := events[:0]
	for i := range events {
		if !gone[keyOf(&events[i]).ref()] {
			out = append(out, events[i])
		}
	}
	return out
}
