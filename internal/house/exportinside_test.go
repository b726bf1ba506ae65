package house

import (
	"context"

	"belisha/internal/school/filtering"
)

// TryContent is what the filter makes of a file or a text.
func (h *House) TryContent(ctx context.Context, s filtering.Sample) (filtering.Weighed, error) {
	return h.tryContent(ctx, s)
}

// Inside is how the running filter looks inside.
func (h *House) Inside(ctx context.Context) (filtering.Inside, error) { return h.inside(ctx) }
