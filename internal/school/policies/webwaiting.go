package policies

import (
	"context"
	"errors"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

// most bounds the texts that are looked at for the tray.
const mostWaiting = 20

// Waiting is what waits for somebody: a text that they may approve, and, for
// whoever may put one in force, a text that has all its approvals.
func (r *Room) Waiting(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	if !a.May(MayApprove) && !a.May(MayActivate) {
		return nil, nil
	}
	versions, inForce, err := r.openVersions(ctx)
	if err != nil {
		return nil, err
	}
	var out []web.Item
	for _, v := range versions {
		item, waits, err := r.waiting(ctx, a, v, v.ID == inForce)
		if err != nil {
			return nil, err
		}
		if waits {
			out = append(out, item)
		}
	}
	return out, nil
}

// openVersions are the texts proposed since the one in force, and that one.
func (r *Room) openVersions(ctx context.Context) ([]Version, string, error) {
	act, _, err := r.inForce(ctx, r.d.DB)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, "", err
	}
	all, err := r.Versions(ctx)
	if err != nil {
		return nil, "", err
	}
	var out []Version
	for _, v := range all {
		if (v.ID == act.Version || v.ProposedAt.After(act.At)) && len(out) < mostWaiting {
			out = append(out, v)
		}
	}
	return out, act.Version, nil
}

func (r *Room) waiting(ctx context.Context, a actor.Actor, v Version, inForce bool) (web.Item, bool, error) {
	item := web.Item{Key: "policies." + v.ID, Risk: 1, Since: v.ProposedAt, Room: "policies", Link: versionLink(v.ID)}
	if inForce {
		item.Risk = 2 // it runs without their word
	}
	roles, err := r.OwnRoles(ctx, v, a)
	if err != nil {
		return item, false, err
	}
	if a.May(MayApprove) && len(roles) > 0 && v.ProposedBy != a.ID {
		item.Title, item.Step = "A policy text waits for your approval", "Read it"
		return item, true, nil
	}
	lacks, err := r.Missing(ctx, v)
	if err != nil || len(lacks) > 0 || inForce || !a.May(MayActivate) {
		return item, false, err
	}
	item.Title, item.Step, item.Link = "A policy text is approved and not in force", "See what it would change", versionLink(v.ID)+"/activate"
	return item, true, nil
}
