package policies

import (
	"context"

	"belisha/internal/school/policies/document"
	"belisha/internal/school/policies/ledger"
)

// Requirements returns every id of the ledger with what Belisha does for it,
// in the ledger's order.
func (r *Room) Requirements() []ledger.Coverage { return r.ledger.Coverage() }

// Requirement returns one requirement of the ledger.
func (r *Room) Requirement(id string) (ledger.Requirement, bool) { return r.ledger.Get(id) }

// Diff compares two texts: words, and settings.
func (r *Room) Diff(old, next string) document.Difference {
	a, _ := document.Parse(canonical(old))
	b, _ := document.Parse(canonical(next))
	return document.Diff(a, b)
}

// Export returns the text of a version, or of the one in force for "".
func (r *Room) Export(ctx context.Context, version string) (string, error) {
	var v Version
	var err error
	if version == "" {
		_, v, err = r.inForce(ctx, r.d.DB)
	} else {
		v, err = r.Version(ctx, version)
	}
	if err != nil {
		return "", err
	}
	return document.Normal(v.Text), nil
}
