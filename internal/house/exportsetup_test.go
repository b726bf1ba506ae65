package house

import (
	"context"
	"path/filepath"

	"belisha/internal/school/setup"
)

// Examples is what the set-up is plugged into.
func (h *House) Examples() setup.Policies { return examples{h.Policies} }

// WithWay is a configuration with what was decided on pages.
func WithWay(cfg Config, dir string) Config { return withWay(cfg, dir) }

// WayFile is where that is kept for the filter.
func WayFile(dir string) string { return filepath.Join(gateDir(dir), wayFile) }

// WriteWay writes it.
func (h *House) WriteWay(ctx context.Context) (bool, error) {
	changed, _, err := h.writeWay(ctx)
	return changed, err
}

// SameAddress is how a running filter's address is told from another.
var SameAddress = sameAddress
