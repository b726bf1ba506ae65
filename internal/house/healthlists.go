package house

import (
	"context"
	"fmt"
	"strings"

	"belisha/internal/kit/control"
	"belisha/internal/kit/words"
	"belisha/internal/school/review"
)

// listHealth says whether the lists of sites come in as they should. How old
// they are is for the policy to judge, and no matter of the machine.
func (h *House) listHealth(ctx context.Context) review.Check {
	k := review.Check{Name: "Lists of sites", State: control.Kept}
	supplies, err := h.Filtering.Supplies(ctx)
	if err != nil {
		k.State, k.Words = control.Unknown, err.Error()
		return k
	}
	trouble, err := h.Filtering.Trouble(ctx)
	switch {
	case err != nil:
		k.State, k.Words = control.Unknown, err.Error()
	case len(trouble) > 0:
		k.State, k.Words = control.AtRisk, strings.Join(trouble, ". ")+". The last good ones are in force."
		k.Todo = "Look on the page of lists. Where a server cannot be reached from here at all, fetch the list elsewhere and run belisha lists import PATH."
	case len(supplies) == 0:
		k.Words = "None is fetched from the web; none was refused."
	default:
		k.Words = fmt.Sprintf("%s fetched from the web without trouble.", words.Count(len(supplies), "list is", "lists are"))
	}
	return k
}
