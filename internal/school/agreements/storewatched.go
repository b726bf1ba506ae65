package agreements

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// insertAcknowledgement keeps that somebody was told, and says whether that
// is new.
func insertAcknowledgement(ctx context.Context, tx *store.Tx, id string, person people.ID, version string, at time.Time) (fresh bool, err error) {
	res, err := tx.ExecContext(ctx, "INSERT INTO notice_acknowledgements (id, person, version, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
		id, string(person), version, store.At(at))
	if err != nil {
		return false, fmt.Errorf("keeping that somebody was told: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("keeping that somebody was told: %w", err)
	}
	return n > 0, nil
}

func acknowledged(ctx context.Context, q store.Querier, person people.ID, version string) (bool, error) {
	var n int
	err := q.QueryRowContext(ctx, "SELECT count(*) FROM notice_acknowledgements WHERE person = $1 AND version = $2", string(person), version).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("reading who was told: %w", err)
	}
	return n > 0, nil
}

// acknowledgers are by version the people who said that they were told.
func acknowledgers(ctx context.Context, q store.Querier, versions ...string) (map[string]map[people.ID]bool, error) {
	out := map[string]map[people.ID]bool{}
	for _, v := range versions {
		out[v] = map[people.ID]bool{}
		rows, err := q.QueryContext(ctx, "SELECT person FROM notice_acknowledgements WHERE version = $1", v)
		if err != nil {
			return nil, fmt.Errorf("reading who was told: %w", err)
		}
		for rows.Next() {
			var id people.ID
			if err = rows.Scan(&id); err != nil {
				break
			}
			out[v][id] = true
		}
		if err == nil {
			err = rows.Err()
		}
		_ = rows.Close()
		if err != nil {
			return nil, fmt.Errorf("reading who was told: %w", err)
		}
	}
	return out, nil
}
