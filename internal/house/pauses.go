package house

import (
	"context"
	"log/slog"

	"belisha/internal/school/concerns"
	"belisha/internal/school/people"
)

// tellOf tells the filter at once what it must know anew of somebody. A filter
// that cannot be told now is told everything soon. Why is not logged: what
// changed may be a secret of the case log.
func (h *House) tellOf(ctx context.Context, person people.ID) {
	if err := h.gate.personChanged(context.WithoutCancel(ctx), person); err != nil {
		h.log.WarnContext(ctx, "the filter could not be told of a person and is told again", slog.Any("err", err))
		h.gate.changed()
	}
}

// heldBack asks the filter itself for whom it pauses the web. Whoever is known
// by their browser's password with each request stands in none of its rows:
// what holds for them is asked for with each password, and is not compared.
func (h *House) heldBack(ctx context.Context) ([]concerns.Held, error) {
	st, err := h.gate.status(ctx)
	if err != nil {
		h.log.DebugContext(ctx, "the filter was asked whom it holds back and did not answer", slog.Any("err", err))
		return nil, concerns.ErrFilterAway
	}
	list, err := h.Access.Behind(ctx)
	if err != nil {
		return nil, err
	}
	var out []concerns.Held
	for _, r := range list {
		if r.Address.IsUnspecified() {
			continue
		}
		id := rowID(r.Subject, r.Address)
		out = append(out, concerns.Held{Person: r.Person, Until: st.Paused[id]})
		delete(st.Paused, id)
	}
	for _, until := range st.Paused {
		out = append(out, concerns.Held{Until: until})
	}
	return out, nil
}
