package filtering

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"belisha/internal/verdict"
)

// tried marks the groups that only try the filter out. A group made for a key
// stage follows the one that it was made from.
func (r *Room) tried(ctx context.Context, rules verdict.Rules) (verdict.Rules, error) {
	if r.d.TryOut == nil {
		return rules, nil
	}
	trying, err := r.d.TryOut(ctx)
	if err != nil {
		return rules, fmt.Errorf("asking which groups try the filter out: %w", err)
	}
	rules.Groups = slices.Clone(rules.Groups)
	for i, g := range rules.Groups {
		base, _, _ := strings.Cut(g.Slug, "-")
		until, ok := trying[base]
		rules.Groups[i].TryOut, rules.Groups[i].TryOutUntil = ok, until
	}
	return rules, nil
}

func anyTried(rules verdict.Rules) bool {
	return slices.ContainsFunc(rules.Groups, func(g verdict.Group) bool { return g.TryOut })
}

// acted is what a verdict does, or would do were its group not only trying.
func acted(v verdict.Verdict) verdict.Action {
	if v.TryOut {
		return v.Tried
	}
	return v.Action
}

// PeopleOf counts who is in each group.
func (r *Room) PeopleOf(ctx context.Context) (map[string]int, error) { return r.counts(ctx) }
