package filtering

import (
	"context"
	"errors"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/tasks"
)

// Tasks is what happens by the clock.
func (r *Room) Tasks() []tasks.Task {
	return []tasks.Task{
		{Name: "filter-rules", Every: 5 * time.Minute, Limit: 2 * time.Minute, Run: func(ctx context.Context) error {
			return r.Refresh(actor.With(ctx, actor.Belisha("filtering")))
		}},
		{Name: "filter-unblocks", Every: time.Minute, Limit: time.Minute, Run: func(ctx context.Context) error {
			return r.SettleUnblocks(actor.With(ctx, actor.Belisha("filtering")))
		}},
		{Name: "filter-permits", Every: time.Minute, Limit: time.Minute, Run: func(ctx context.Context) error {
			return r.SettlePermits(actor.With(ctx, actor.Belisha("filtering")))
		}},
		{Name: "filter-fetch", Every: time.Minute, Limit: time.Hour, Run: func(ctx context.Context) error {
			ctx = actor.With(ctx, actor.Belisha("filtering"))
			return errors.Join(r.licensedDue(ctx), r.fetchDue(ctx))
		}},
		{Name: "filter-lists", Every: day, At: "03:40", Limit: 30 * time.Minute, Run: func(ctx context.Context) error {
			return r.updateNewer(actor.With(ctx, actor.Belisha("filtering")))
		}},
	}
}
