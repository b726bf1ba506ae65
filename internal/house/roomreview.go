package house

import (
	"context"
	"time"

	"belisha/internal/kit/approval"
	"belisha/internal/school/policies"
)

// policyApprovals are the approvals of policies, which that room keeps itself.
func (h *House) policyApprovals(ctx context.Context, since time.Time) ([]approval.Decided, error) {
	if h.Policies == nil {
		return nil, nil
	}
	versions, err := h.Policies.Versions(ctx)
	if err != nil {
		return nil, err
	}
	var out []approval.Decided
	for _, v := range versions {
		given, err := h.Policies.Approvals(ctx, v.ID)
		if err != nil {
			return nil, err
		}
		for _, g := range given {
			if g.On.Before(since) {
				continue
			}
			d := approval.Decided{
				What: "Policy, version " + v.Number + ", as " + g.Role, Asker: v.ProposedBy, By: g.By,
				Posts: policies.PostsFor(g.Role), At: g.On, Paper: g.Paper,
			}
			if g.Paper {
				d.By = "" // whoever entered it did not decide
			}
			out = append(out, d)
		}
	}
	return out, nil
}
