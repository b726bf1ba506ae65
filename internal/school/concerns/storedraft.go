package concerns

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	"belisha/internal/kit/store"
)

// putDraft keeps a draft. It is nobody's record yet, so it has no line in the
// journal.
func (r *Room) putDraft(ctx context.Context, id string, loose bool, form url.Values) error {
	sealed, err := r.seal(ctx, "concern_drafts", id, form)
	if err != nil {
		return err
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO concern_drafts (id, loose, at, sealed) VALUES ($1, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET at = excluded.at, sealed = excluded.sealed`, id, loose, store.At(r.now()), sealed)
		if err != nil {
			return fmt.Errorf("keeping a draft: %w", err)
		}
		return nil
	})
}

func (r *Room) getDraft(ctx context.Context, id string, since time.Time) (url.Values, error) {
	var sealed string
	err := r.d.DB.QueryRowContext(ctx, "SELECT sealed FROM concern_drafts WHERE id = $1 AND at >= $2", id, store.Millis(since)).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // no draft is no fault
	}
	if err != nil {
		return nil, fmt.Errorf("reading a draft: %w", err)
	}
	var form url.Values
	return form, r.unseal(ctx, "concern_drafts", id, sealed, &form)
}

func (r *Room) removeDraft(ctx context.Context, id string) error {
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM concern_drafts WHERE id = $1", id); err != nil {
			return fmt.Errorf("forgetting a draft: %w", err)
		}
		return nil
	})
}

func (r *Room) countLoose(ctx context.Context, since time.Time) (int, error) {
	var n int
	err := r.d.DB.QueryRowContext(ctx, "SELECT count(*) FROM concern_drafts WHERE loose AND at >= $1", store.Millis(since)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting drafts: %w", err)
	}
	return n, nil
}

// tidyDrafts forgets drafts that nobody came back for.
func (r *Room) tidyDrafts(ctx context.Context) error {
	now := r.now()
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM concern_drafts WHERE at < $1 OR (loose AND at < $2)",
			store.Millis(now.Add(-draftStays)), store.Millis(now.Add(-looseStays)))
		if err != nil {
			return fmt.Errorf("forgetting old drafts: %w", err)
		}
		return nil
	})
}
