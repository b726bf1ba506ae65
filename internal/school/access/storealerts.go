package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/store"
)

const alertColumns = "id, account, kind, says, at, reviewed_at, reviewed_by, note"

// alerts reads alerts, the latest first.
func alerts(ctx context.Context, q store.Querier, rest string, args ...any) ([]Alert, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+alertColumns+" FROM account_alerts "+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading alerts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Alert
	for rows.Next() {
		var a Alert
		var at, reviewed store.Time
		if err := rows.Scan(&a.ID, &a.Account, &a.Kind, &a.Says, &at, &reviewed, &a.By, &a.Note); err != nil {
			return nil, fmt.Errorf("reading alerts: %w", err)
		}
		a.At, a.ReviewedAt = at.Time, reviewed.Time
		out = append(out, a)
	}
	return out, rows.Err()
}

func insertAlert(ctx context.Context, tx *store.Tx, a Alert) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO account_alerts ("+alertColumns+") VALUES ($1,$2,$3,$4,$5,0,'','')", a.ID, a.Account, a.Kind, a.Says, store.Millis(a.At))
	if err != nil {
		return fmt.Errorf("keeping an alert: %w", err)
	}
	return nil
}

func reviewAlert(ctx context.Context, tx *store.Tx, a Alert) error {
	res, err := tx.ExecContext(ctx, "UPDATE account_alerts SET reviewed_at = $1, reviewed_by = $2, note = $3 WHERE id = $4 AND reviewed_at = 0", store.Millis(a.ReviewedAt), a.By, a.Note, a.ID)
	if err != nil {
		return fmt.Errorf("keeping what was said of an alert: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return store.ErrStale
	}
	return nil
}

// signInsSince counts the sign-ins since a moment.
func signInsSince(ctx context.Context, q store.Querier, since time.Time) (n int, err error) {
	if err := q.QueryRowContext(ctx, "SELECT count(*) FROM sessions WHERE started_at >= $1", store.Millis(since)).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting sign-ins: %w", err)
	}
	return n, nil
}

// lastReview is the latest review of rights, the zero one where there is none.
func lastReview(ctx context.Context, q store.Querier) (RightsReview, error) {
	var v RightsReview
	var at store.Time
	var ids string
	err := q.QueryRowContext(ctx, "SELECT id, at, by_actor, people FROM rights_reviews ORDER BY at DESC, id DESC LIMIT 1").Scan(&v.ID, &at, &v.By, &ids)
	if errors.Is(err, sql.ErrNoRows) {
		return RightsReview{}, nil
	}
	if err != nil {
		return v, fmt.Errorf("reading the review of rights: %w", err)
	}
	v.At, v.People = at.Time, strings.Fields(ids)
	return v, nil
}

func insertReview(ctx context.Context, tx *store.Tx, v RightsReview) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO rights_reviews (id, at, by_actor, people) VALUES ($1,$2,$3,$4)", v.ID, store.Millis(v.At), v.By, strings.Join(v.People, " "))
	if err != nil {
		return fmt.Errorf("keeping the review of rights: %w", err)
	}
	return nil
}
