package concerns

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/store"
)

// lateOn counts the cases of a route that wait beyond their time, and says when
// the first of them was due.
func (r *Room) lateOn(ctx context.Context, route Route) (n int, due time.Time, err error) {
	var at store.Time
	err = r.d.DB.QueryRowContext(ctx, "SELECT count(*), COALESCE(min(due_at), 0) FROM concerns WHERE state = $1 AND first_at = 0 AND due_at < $2 AND route = $3",
		CaseNew, store.Millis(r.now()), string(route)).Scan(&n, &at)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("counting what waits: %w", err)
	}
	return n, at.Time, nil
}
