package house

import (
	"context"

	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
	"belisha/internal/school/access"
	"belisha/internal/school/help"
	"belisha/internal/school/people"
)

// RowOf is what the filter is told of somebody behind an address.
func (h *House) RowOf(ctx context.Context, r access.Row) (subject.Row, error) {
	return h.gate.toRow(ctx, r)
}

// AskStanding has somebody else say how agreements stand.
func (h *House) AskStanding(f func(context.Context, people.ID) (string, error)) { h.gate.standing = f }

// ClosedOf is a block in the words of the page that explains it.
func ClosedOf(b porter.Block) help.Closed { return closedOf(b) }

// TellSettings writes what the filter must know besides its rules.
func (h *House) TellSettings(ctx context.Context) error { return h.gate.writeSettings(ctx) }
