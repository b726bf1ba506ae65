package monitoring

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

const alertColumns = `id, rule, subject, about, first_at, last_at, times, state, raised_at, closed_at, closed_by, outcome, version`

func (r *Room) scanAlert(ctx context.Context, scan func(...any) error) (Alert, error) {
	var a Alert
	var about string
	var first, last, raised, closed store.Time
	err := scan(&a.ID, &a.Rule, &a.Subject, &about, &first, &last, &a.Times, &a.State, &raised, &closed, &a.By, &a.Outcome, &a.Version)
	if err != nil {
		return Alert{}, fmt.Errorf("reading an alert: %w", found(err))
	}
	a.First, a.Last, a.Raised, a.Closed = first.Time, last.Time, raised.Time, closed.Time
	plain, err := r.unsealBytes(ctx, "alerts", a.ID, about)
	if err != nil {
		return Alert{}, err
	}
	var x aboutAlert
	if err := json.Unmarshal(plain, &x); err != nil {
		return Alert{}, fmt.Errorf("reading an alert: %w", err)
	}
	a.Device, a.Account, a.Watcher, a.Note = x.Device, x.Account, x.Watcher, x.Note
	return a, nil
}

func (r *Room) alert(ctx context.Context, id string) (Alert, error) {
	return r.scanAlert(ctx, r.d.DB.QueryRowContext(ctx, `SELECT `+alertColumns+` FROM alerts WHERE id = $1`, id).Scan)
}

func (r *Room) openAlertOf(ctx context.Context, q store.Querier, who, rule string, since time.Time) (Alert, error) {
	return r.scanAlert(ctx, q.QueryRowContext(ctx, `SELECT `+alertColumns+` FROM alerts
		WHERE who = $1 AND rule = $2 AND state = $3 AND last_at >= $4 ORDER BY last_at DESC LIMIT 1`,
		who, rule, SignalOpen, store.Millis(since)).Scan)
}

// alertedSince says whether one of this rule and person was raised since a
// moment, open or closed: what the journal still tells is no new misuse.
func (r *Room) alertedSince(ctx context.Context, a Alert, since time.Time) bool {
	n := 0
	err := r.d.DB.QueryRowContext(ctx, `SELECT COUNT(*) FROM alerts WHERE who = $1 AND rule = $2 AND last_at >= $3`,
		a.joins(), a.Rule, store.Millis(since)).Scan(&n)
	return err == nil && n > 0
}

func (r *Room) insertAlert(ctx context.Context, tx *store.Tx, a Alert) error {
	about, err := r.sealAlert(ctx, a)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO alerts (`+alertColumns+`, who)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, '', '', 1, $10)`,
		a.ID, a.Rule, a.Subject, about, store.At(a.First), store.At(a.Last), a.Times, a.State, store.At(a.Raised), a.joins())
	if err != nil {
		return fmt.Errorf("keeping an alert: %w", err)
	}
	return nil
}

func (r *Room) updateAlert(ctx context.Context, tx *store.Tx, a Alert) error {
	about, err := r.sealAlert(ctx, a)
	if err != nil {
		return err
	}
	done, err := tx.ExecContext(ctx, `UPDATE alerts SET about = $1, last_at = $2, times = $3, state = $4, closed_at = $5, closed_by = $6,
		outcome = $7, version = version + 1 WHERE id = $8 AND version = $9`,
		about, store.At(a.Last), a.Times, a.State, store.At(a.Closed), a.By, a.Outcome, a.ID, a.Version)
	return changedOne(done, err, "changing an alert")
}

func (r *Room) alerts(ctx context.Context, rest string, args ...any) ([]Alert, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT `+alertColumns+` FROM alerts `+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the alerts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Alert
	for rows.Next() {
		a, err := r.scanAlert(ctx, rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// openAlerts are those that wait, longest first.
func (r *Room) openAlerts(ctx context.Context) ([]Alert, error) {
	return r.alerts(ctx, `WHERE state = $1 ORDER BY raised_at, id LIMIT 500`, SignalOpen)
}

// copiesSince sums the rows that each watcher took as copies.
func (r *Room) copiesSince(ctx context.Context, since time.Time) (map[string]int, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT actor, SUM(rows_n) FROM monitoring_looks
		WHERE looked_at >= $1 AND kind IN ($2, $3) GROUP BY actor`, store.Millis(since), lookExport, lookRelease)
	if err != nil {
		return nil, fmt.Errorf("summing up the copies: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]int{}
	for rows.Next() {
		var who string
		var n int
		if err := rows.Scan(&who, &n); err != nil {
			return nil, fmt.Errorf("summing up the copies: %w", err)
		}
		out[who] = n
	}
	return out, rows.Err()
}

// removeAlerts takes the closed alerts of which the condition on $1 holds, and
// answers their ids.
func removeAlerts(ctx context.Context, tx *store.Tx, condition string, arg any) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id FROM alerts WHERE `+condition+` AND state = $2 ORDER BY id LIMIT 1000`, arg, SignalClosed)
	if err != nil {
		return nil, fmt.Errorf("finding old alerts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("finding old alerts: %w", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("finding old alerts: %w", err)
	}
	for _, id := range ids {
		if _, err := tx.ExecContext(ctx, `DELETE FROM alerts WHERE id = $1`, id); err != nil {
			return nil, fmt.Errorf("removing an old alert: %w", err)
		}
	}
	return ids, nil
}
