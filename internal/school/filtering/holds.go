package filtering

import (
	"context"
	"fmt"
	"strings"

	"belisha/internal/school/people"
)

// mostHeld is how many records about a person are named one by one.
const mostHeld = 500

// Holds is what this room keeps about a person: what they asked to have opened
// for a lesson, and the files they asked for.
func (r *Room) Holds(ctx context.Context, id people.ID) ([]people.Holding, error) {
	list, total, err := findUnblocks(ctx, r.d.DB, unblockFilter{By: id, page: page{at: 1, size: mostHeld}})
	if err != nil {
		return nil, fmt.Errorf("reading what somebody asked for lessons: %w", err)
	}
	files, asked, err := findPermits(ctx, r.d.DB, permitFilter{By: id, page: page{at: 1, size: mostHeld}})
	if err != nil {
		return nil, fmt.Errorf("reading which files somebody asked for: %w", err)
	}
	w := r.words(ctx)
	var out []people.Holding
	if total > 0 {
		h := people.Holding{Title: "Sites asked for lessons", Facts: []people.Fact{{Name: "Asked", Value: fmt.Sprint(total)}}}
		for _, u := range list {
			h.Facts = append(h.Facts, people.Fact{
				Name:  w.Moment(u.AskedAt),
				Value: strings.Join(u.Hosts, ", ") + " for " + forWords(u.For) + ", " + string(u.State) + ": " + u.Purpose,
			})
		}
		out = append(out, h)
	}
	if asked > 0 {
		h := people.Holding{Title: "Files asked for", Facts: []people.Fact{{Name: "Asked", Value: fmt.Sprint(asked)}}}
		for _, p := range files {
			h.Facts = append(h.Facts, people.Fact{Name: w.Moment(p.AskedAt), Value: p.Address() + ", " + string(p.State) + ": " + p.Purpose})
		}
		out = append(out, h)
	}
	return out, nil
}
