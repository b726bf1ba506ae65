package monitoring

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

func (r *Room) countOf(ctx context.Context, query string, args ...any) (int, error) {
	n := 0
	if err := r.d.DB.QueryRowContext(ctx, query, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting for the trends: %w", err)
	}
	return n, nil
}

// countSignals counts those of a time that were not found to be no concern.
func (r *Room) countSignals(ctx context.Context, from, to time.Time) (int, error) {
	return r.countOf(ctx, `SELECT COUNT(*) FROM signals WHERE raised_at >= $1 AND raised_at < $2 AND outcome <> $3`,
		store.Millis(from), store.Millis(to), outcomeNoConcern)
}

func (r *Room) countAlerts(ctx context.Context, from, to time.Time) (int, error) {
	return r.countOf(ctx, `SELECT COUNT(*) FROM alerts WHERE raised_at >= $1 AND raised_at < $2 AND outcome <> 'harmless' AND rule <> $3`,
		store.Millis(from), store.Millis(to), ruleExport)
}

func (r *Room) countFindings(ctx context.Context, from, to time.Time) (int, error) {
	return r.countOf(ctx, `SELECT COUNT(*) FROM draw_rows WHERE judged_at >= $1 AND judged_at < $2 AND verdict = $3`,
		store.Millis(from), store.Millis(to), FoundInappropriate)
}
