package monitoring

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// heldDays bounds how far back Holds counts, whatever the policy keeps.
const heldDays = 370

// Holds is what the room keeps about a person: how much of the record names
// them, and from when to when. The rows themselves are taken as a copy, with
// the purpose of answering a request. Signals are left out: what a school's
// safeguarding records hold is answered for by the safeguarding lead.
func (r *Room) Holds(ctx context.Context, id people.ID) ([]people.Holding, error) {
	subjects, err := r.d.Names.Subjects(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("joining a name to the record: %w", err)
	}
	now := r.d.Clock.Now()
	rows := 0
	var first, last time.Time
	for _, s := range subjects {
		events, err := r.d.Memory.Person(ctx, s, now.Add(-heldDays*oneDay), now.Add(oneDay))
		if err != nil {
			return nil, refusal(err)
		}
		rows += len(events)
		if len(events) == 0 {
			continue
		}
		if a := events[0].At; first.IsZero() || a.Before(first) {
			first = a
		}
		if z := events[len(events)-1].At; z.After(last) {
			last = z
		}
	}
	if rows == 0 {
		return nil, nil
	}
	zone, err := r.zone(ctx)
	if err != nil {
		return nil, err
	}
	count := words.Count(rows, "row", "rows")
	if rows >= activity.MaxTimeline {
		count = "more than " + words.Number(activity.MaxTimeline) + " rows"
	}
	return []people.Holding{{Title: "Web activity", Facts: []people.Fact{
		{Name: "Rows", Value: count},
		{Name: "First", Value: people.DayOf(first.In(zone)).Words()},
		{Name: "Last", Value: people.DayOf(last.In(zone)).Words()},
	}}}, nil
}
