package filtering

import (
	"context"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

// Waiting is what waits for the reader: sites that are asked for lessons, and
// lists that could not be fetched or were refused.
func (r *Room) Waiting(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	out, err := r.waitingUnblocks(ctx, a)
	if err != nil || a.Kind != actor.Person || !a.May(MayChange) {
		return out, err
	}
	h, err := r.Holders(ctx)
	if err != nil || !h.Has(people.ID(a.Person)) {
		return out, err
	}
	all, err := r.Supplies(ctx)
	if err != nil {
		return nil, err
	}
	told := map[string]bool{}
	for _, s := range all {
		if s.trouble() {
			told[s.Supply.ID] = true
			out = append(out, web.Item{Key: "list-" + s.Supply.ID, Title: "A list of sites could not be fetched", Step: "Look at it", Link: pathSupplies + "/" + s.Supply.ID, Risk: 1, Since: s.Since, Room: "filtering"})
		}
	}
	licensed, err := r.LicensedLists(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range licensed {
		if l.Stale {
			out = append(out, web.Item{Key: "licensed-" + l.ID, Title: "A licensed list is too old", Step: "Bring the newest one in", Link: pathLicensed + "/" + l.ID, Risk: 2, Since: l.Well.Add(licensedFresh), Room: "filtering"})
		}
	}
	refused, err := r.refusedLists(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range refused {
		what, page := "A list of sites was refused", pathLists
		if s.Format == FormatPhrases {
			what, page = "A phrase list was refused", pathPhrases
		}
		if !told[s.ID] {
			out = append(out, web.Item{Key: "list-" + s.ID, Title: what, Step: "Look at it", Link: page + "/" + s.ID, Risk: 1, Since: s.TriedAt, Room: "filtering"})
		}
	}
	return out, nil
}
