package classroom

import (
	"context"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/tasks"
)

// Tasks is what happens by the clock.
func (r *Room) Tasks() []tasks.Task {
	return []tasks.Task{{Name: "classroom-ends", Every: time.Minute, Limit: time.Minute, Run: func(ctx context.Context) error {
		return r.Settle(actor.With(ctx, actor.Belisha("classroom")))
	}}}
}
