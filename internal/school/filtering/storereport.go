package filtering

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

// maxReport bounds what is kept of one attempt.
const maxReport = 1 << 20

// keepReport keeps how the latest attempt went, for the list's page.
func (r *Room) keepReport(ctx context.Context, rep Report) error {
	text, err := json.Marshal(rep.short())
	if err != nil {
		return fmt.Errorf("keeping the report of the list %s: %w", rep.Source, err)
	}
	if len(text) > maxReport {
		rep.Files, rep.Ignored = nil, nil
		if text, err = json.Marshal(rep); err != nil {
			return fmt.Errorf("keeping the report of the list %s: %w", rep.Source, err)
		}
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO filter_reports (id, made_at, report) VALUES ($1, $2, $3)
			ON CONFLICT (id) DO UPDATE SET made_at = excluded.made_at, report = excluded.report`, rep.Source, store.At(r.now()), string(text))
		if err != nil {
			return fmt.Errorf("keeping the report of the list %s: %w", rep.Source, err)
		}
		return nil
	})
}

// getReport is how the latest attempt went; store.ErrNotFound for a list that
// none was made for.
func getReport(ctx context.Context, q store.Querier, id string) (Report, time.Time, error) {
	var rep Report
	var at store.Time
	var text string
	err := q.QueryRowContext(ctx, "SELECT made_at, report FROM filter_reports WHERE id = $1", id).Scan(&at, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return rep, time.Time{}, store.ErrNotFound
	}
	if err != nil {
		return rep, time.Time{}, fmt.Errorf("reading the report of the list %s: %w", id, err)
	}
	if err := json.Unmarshal([]byte(text), &rep); err != nil {
		return rep, time.Time{}, fmt.Errorf("reading the report of the list %s: %w", id, err)
	}
	return rep, at.Time, nil
}
