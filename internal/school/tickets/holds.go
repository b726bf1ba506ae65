package tickets

import (
	"context"
	"fmt"

	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// mostHeld is how many records about a person are named one by one.
const mostHeld = 500

// Holds is what this room keeps about a person: what they reported.
func (r *Room) Holds(ctx context.Context, id people.ID) ([]people.Holding, error) {
	list, total, err := r.List(ctx, Filter{By: id, Limit: mostHeld})
	if err != nil || total == 0 {
		return nil, err
	}
	cal, err := r.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return nil, fmt.Errorf("reading the calendar: %w", err)
	}
	w := words.In(cal.Location(), r.now())
	h := people.Holding{Title: "Reports about the filter", Facts: []people.Fact{{Name: "Sent", Value: fmt.Sprint(total)}}}
	for _, t := range list {
		value := fmt.Sprintf("report %d, %s", t.Number, about(t))
		if t.Said != "" {
			value += ": " + t.Said
		}
		h.Facts = append(h.Facts, people.Fact{Name: w.Moment(t.AskedAt), Value: value})
	}
	return []people.Holding{h}, nil
}
