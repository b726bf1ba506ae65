package filtering

import (
	"context"
	"database/sql"
	"errors"

	"belisha/internal/kit/store"
)

const leftColumns = "id, host, reason, added_at, added_by, ended_at, ended_by"

func scanLeft(scan func(...any) error) (Left, error) {
	var l Left
	var added, ended store.Time
	err := scan(&l.ID, &l.Host, &l.Reason, &added, &l.AddedBy, &ended, &l.EndedBy)
	l.AddedAt, l.EndedAt = added.Time, ended.Time
	return l, err
}

func leftRows(ctx context.Context, q store.Querier, query string, args ...any) ([]Left, error) {
	var out []Left
	rows, err := q.QueryContext(ctx, query, args...)
	err = each(rows, err, func(scan func(...any) error) error {
		l, err := scanLeft(scan)
		out = append(out, l)
		return err
	})
	return out, err
}

// liveLeft are the sites that are left alone now, by name.
func liveLeft(ctx context.Context, q store.Querier) ([]Left, error) {
	return leftRows(ctx, q, "SELECT "+leftColumns+" FROM filter_left WHERE ended_at = 0 ORDER BY host, id")
}

func getLeft(ctx context.Context, q store.Querier, id string) (Left, error) {
	l, err := scanLeft(q.QueryRowContext(ctx, "SELECT "+leftColumns+" FROM filter_left WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return l, store.ErrNotFound
	}
	return l, err
}

func insertLeft(ctx context.Context, tx *store.Tx, l Left) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO filter_left ("+leftColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7)",
		l.ID, l.Host, l.Reason, store.At(l.AddedAt), l.AddedBy, store.At(l.EndedAt), l.EndedBy)
	return err
}
