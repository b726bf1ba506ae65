package house

import (
	"context"
	"slices"
	"strings"

	"belisha/internal/gate/control"
	kitcontrol "belisha/internal/kit/control"
	"belisha/internal/school/review"
)

// namesHealth says whether those answer whom the filter asks for names.
func (h *House) namesHealth(ctx context.Context) []review.Check {
	st, err := h.gate.status(ctx)
	if err != nil {
		return nil // the filter's own line says so
	}
	return []review.Check{namesCheck(st)}
}

func namesCheck(st control.Status) review.Check {
	k := review.Check{Name: "Names of sites", State: kitcontrol.Kept, Words: "The servers that the filter asks for names answer."}
	own := slices.DeleteFunc(slices.Clone(st.Mute), func(z string) bool { return z == "." })
	switch {
	case len(own) < len(st.Mute):
		k.State = kitcontrol.Broken
		k.Words = "The upstream resolvers did not answer the last questions, so sites that were not looked up lately cannot be found. Nothing opens by it."
		k.Todo = "Look whether the line is up, then at upstream-dns under [gate]."
	case len(own) > 0:
		k.State = kitcontrol.AtRisk
		k.Words = "The servers of " + strings.Join(own, ", ") + " did not answer the last questions, so computers may not find what they sign in to."
		k.Todo = "Look whether those servers run, then at own-zones under [gate]."
	case st.Questions == 0 && st.Requests == 0:
		k.State, k.Words = kitcontrol.Unknown, "Nobody has asked yet."
	}
	return k
}
