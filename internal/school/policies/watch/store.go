package watch

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/store"
)

func insertFinding(ctx context.Context, tx *store.Tx, id, slug string, f control.Finding, now time.Time) error {
	b, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("writing a finding: %w", err)
	}
	var last int64
	if err := tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(seq), 0) FROM control_findings WHERE slug = $1", slug).Scan(&last); err != nil {
		return fmt.Errorf("keeping a finding: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO control_findings (id, slug, seq, found_at, seen_at, state, finding)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, id, slug, last+1, store.Millis(now), store.Millis(now), string(f.State), string(b))
	if err != nil {
		return fmt.Errorf("keeping a finding: %w", err)
	}
	return nil
}

func lengthenFinding(ctx context.Context, tx *store.Tx, id string, f control.Finding, now time.Time) error {
	b, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("writing a finding: %w", err)
	}
	_, err = tx.ExecContext(ctx, "UPDATE control_findings SET seen_at = $1, finding = $2 WHERE id = $3", store.Millis(now), string(b), id)
	if err != nil {
		return fmt.Errorf("keeping a finding: %w", err)
	}
	return nil
}

// lastFinding is the newest finding of a control before a moment; the zero
// time is now.
func lastFinding(ctx context.Context, q store.Querier, slug string, at time.Time) (Found, string, error) {
	limit := int64(1) << 62
	if !at.IsZero() {
		limit = store.Millis(at)
	}
	var id string
	f, err := scanFinding(q.QueryRowContext(ctx, `SELECT slug, found_at, seen_at, finding, id FROM control_findings
		WHERE slug = $1 AND found_at <= $2 ORDER BY seq DESC LIMIT 1`, slug, limit), &id)
	return f, id, err
}

// Last are the newest findings of all controls before a moment, by
// slug; the zero time is now.
// Nobody changes what is answered.
func (w *Watch) Last(ctx context.Context, at time.Time) (map[string]Found, error) {
	if !at.IsZero() {
		return w.lastBefore(ctx, store.Millis(at))
	}
	return w.newest.Get(w.d.DB, func() (map[string]Found, error) { return w.lastBefore(ctx, int64(1)<<62) })
}

func (w *Watch) lastBefore(ctx context.Context, limit int64) (map[string]Found, error) {
	rows, err := w.d.DB.QueryContext(ctx, `SELECT f.slug, f.found_at, f.seen_at, f.finding, f.id FROM control_findings f
		JOIN (SELECT slug, MAX(seq) AS seq FROM control_findings WHERE found_at <= $1 GROUP BY slug) l ON l.slug = f.slug AND l.seq = f.seq`, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the findings: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]Found{}
	for rows.Next() {
		var id string
		f, err := scanFinding(rows, &id)
		if err != nil {
			return nil, err
		}
		out[f.Slug] = f
	}
	return out, rows.Err()
}

// noRow turns "no row" into store.ErrNotFound.
func noRow(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	return fmt.Errorf("reading a finding: %w", err)
}

func scanFinding(row interface{ Scan(...any) error }, id *string) (Found, error) {
	var f Found
	var since, seen store.Time
	var text string
	if err := row.Scan(&f.Slug, &since, &seen, &text, id); err != nil {
		return f, noRow(err)
	}
	if err := json.Unmarshal([]byte(text), &f.Finding); err != nil {
		return f, fmt.Errorf("reading a finding: %w", err)
	}
	f.Since, f.Seen = since.Time, seen.Time
	return f, nil
}

// Since returns a control's findings from a moment on, oldest first,
// at most 1000.
func (w *Watch) Since(ctx context.Context, slug string, from time.Time) ([]Found, error) {
	rows, err := w.d.DB.QueryContext(ctx, `SELECT slug, found_at, seen_at, finding, id FROM control_findings
		WHERE slug = $1 AND seen_at >= $2 ORDER BY seq LIMIT 1000`, slug, store.Millis(from))
	if err != nil {
		return nil, fmt.Errorf("reading the findings: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Found
	for rows.Next() {
		var id string
		f, err := scanFinding(rows, &id)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

func deleteFindings(ctx context.Context, tx *store.Tx, before time.Time) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM control_findings WHERE seen_at < $1", store.Millis(before))
	if err != nil {
		return fmt.Errorf("dropping old findings: %w", err)
	}
	return nil
}

// LastLook is when controls were last looked at within a span of time, or its
// end when they were not.
func (w *Watch) LastLook(ctx context.Context, from, to time.Time) (time.Time, error) {
	var at store.Time
	err := w.d.DB.QueryRowContext(ctx, "SELECT COALESCE(MAX(seen_at), 0) FROM control_findings WHERE seen_at >= $1 AND seen_at < $2",
		store.Millis(from), store.Millis(to)).Scan(&at)
	if err != nil {
		return to, fmt.Errorf("reading the findings: %w", err)
	}
	if at.IsZero() {
		return to.Add(-time.Millisecond), nil
	}
	return at.Time, nil
}

// LastSeen is when any control was last looked at, the zero time for never.
func (w *Watch) LastSeen(ctx context.Context) (time.Time, error) {
	var at store.Time
	if err := w.d.DB.QueryRowContext(ctx, "SELECT COALESCE(MAX(seen_at), 0) FROM control_findings").Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("reading the findings: %w", err)
	}
	return at.Time, nil
}
