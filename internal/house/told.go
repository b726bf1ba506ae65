package house

import (
	"context"

	"belisha/internal/school/people"
)

// toldText tells staff, or everybody else in a pupil's words, that use is
// monitored; "" before there are rooms to ask.
func (h *House) toldText(staff bool) string {
	if h.Agreements == nil {
		return ""
	}
	return h.Agreements.Notice(!staff).Text
}

// onward leads whoever has just signed in to the notice first, where they have
// not said that they read it.
func (h *House) onward(ctx context.Context, person people.ID, to string) string {
	if h.Agreements == nil {
		return to
	}
	return h.Agreements.Onward(ctx, person, to)
}
