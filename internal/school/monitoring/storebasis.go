package monitoring

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

func insertBasis(ctx context.Context, tx *store.Tx, b Basis, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO monitoring_bases (id, activity, basis, note, reviewer, reviewed_on, next_on, kept_at, kept_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		b.ID, b.Activity, b.Basis, b.Note, b.Reviewer, string(b.On), string(b.Next), store.At(at), b.By)
	if err != nil {
		return fmt.Errorf("keeping a lawful basis: %w", err)
	}
	return nil
}

// bases are the newest entry of each activity.
func (r *Room) bases(ctx context.Context) (map[string]Basis, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT id, activity, basis, note, reviewer, reviewed_on, next_on, kept_by FROM monitoring_bases b
		WHERE NOT EXISTS (SELECT 1 FROM monitoring_bases n WHERE n.activity = b.activity AND (n.kept_at > b.kept_at OR (n.kept_at = b.kept_at AND n.id > b.id)))`)
	if err != nil {
		return nil, fmt.Errorf("reading the lawful bases: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]Basis{}
	for rows.Next() {
		var b Basis
		if err := rows.Scan(&b.ID, &b.Activity, &b.Basis, &b.Note, &b.Reviewer, &b.On, &b.Next, &b.By); err != nil {
			return nil, fmt.Errorf("reading a lawful basis: %w", err)
		}
		out[b.Activity] = b
	}
	return out, rows.Err()
}

func insertGap(ctx context.Context, tx *store.Tx, e Explanation) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO log_gaps (id, site, from_at, to_at, why, said_by, said_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		e.ID, e.Site, store.At(e.From), store.At(e.To), e.Why, e.By, store.At(e.At))
	if err != nil {
		return fmt.Errorf("keeping why nothing was recorded: %w", err)
	}
	return nil
}

// explanations are those of gaps that ended since a moment.
func (r *Room) explanations(ctx context.Context, since time.Time) ([]Explanation, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT id, site, from_at, to_at, why, said_by, said_at FROM log_gaps
		WHERE to_at >= $1 ORDER BY from_at DESC, id DESC LIMIT 500`, store.Millis(since))
	if err != nil {
		return nil, fmt.Errorf("reading why nothing was recorded: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Explanation
	for rows.Next() {
		var e Explanation
		var from, to, at store.Time
		if err := rows.Scan(&e.ID, &e.Site, &from, &to, &e.Why, &e.By, &at); err != nil {
			return nil, fmt.Errorf("reading why nothing was recorded: %w", err)
		}
		e.From, e.To, e.At = from.Time, to.Time, at.Time
		all = append(all, e)
	}
	return all, rows.Err()
}
