package classroom

import (
	"context"
	"fmt"

	"belisha/internal/school/people"
)

// Holds is what this room keeps about a person: what they set for classes.
func (r *Room) Holds(ctx context.Context, id people.ID) ([]people.Holding, error) {
	list, err := latestSets(ctx, r.d.DB, string(id), 500)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	w := r.words(ctx)
	h := people.Holding{Title: "Set for classes", Facts: []people.Fact{{Name: "Times", Value: fmt.Sprint(len(list))}}}
	for _, s := range list {
		h.Facts = append(h.Facts, people.Fact{Name: w.Moment(s.From), Value: s.says(w)})
	}
	return []people.Holding{h}, nil
}
