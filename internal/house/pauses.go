package house

import (
	"context"
	"log/slog"

	"belisha/internal/school/concerns"
	"belisha/internal/school/filtering"
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

// heldBack asks the filter itself for whom it pauses the web. Of whoever is
// known with each request, by a password or a ticket, or by an access point, it
// is compared what the filter remembers of them; of whom it has forgotten it
// asks anew.
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
		id := rowID(r.Subject, r.Address)
		if r.Address.IsUnspecified() {
			if until, known := st.Known[id]; known {
				out = append(out, concerns.Held{Person: r.Person, Until: until})
			}
			continue
		}
		out = append(out, concerns.Held{Person: r.Person, Until: st.Paused[id]})
		delete(st.Paused, id)
	}
	for _, until := range st.Paused {
		out = append(out, concerns.Held{Until: until})
	}
	return out, nil
}

// strangers reports whether whoever is not signed in goes on to the web.
func (h *House) strangers() bool { return h.live.Current().Choice(filtering.KeyStrangers) != "closed" }
