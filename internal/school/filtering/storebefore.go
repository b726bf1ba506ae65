package filtering

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"belisha/internal/kit/store"
)

// putBefore keeps what a list was before.
func putBefore(ctx context.Context, tx *store.Tx, b before) error {
	text, err := json.Marshal(b.Was)
	if err != nil {
		return fmt.Errorf("keeping what the list %s was before: %w", b.Was.ID, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO filter_before (id, was, undone) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET was = excluded.was, undone = excluded.undone`, b.Was.ID, string(text), b.Undone)
	if err != nil {
		return fmt.Errorf("keeping what the list %s was before: %w", b.Was.ID, err)
	}
	return nil
}

// getBefore is what a list was before; store.ErrNotFound where nothing is
// known of it.
func getBefore(ctx context.Context, q store.Querier, id string) (before, error) {
	var b before
	var text string
	err := q.QueryRowContext(ctx, "SELECT was, undone FROM filter_before WHERE id = $1", id).Scan(&text, &b.Undone)
	if errors.Is(err, sql.ErrNoRows) {
		return b, store.ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &b.Was)
	}
	if err != nil {
		return b, fmt.Errorf("reading what the list %s was before: %w", id, err)
	}
	return b, nil
}
