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
	var held activity.Held
	if len(subjects) > 0 {
		if held, err = r.d.Memory.Held(ctx, subjects, now.Add(-heldDays*oneDay), now.Add(oneDay)); err != nil {
			return nil, refusal(err)
		}
	}
	zone, err := r.zone(ctx)
	if err != nil {
		return nil, err
	}
	given, err := r.holdsReleases(ctx, id, zone)
	if err != nil || held.Rows == 0 {
		return given, err
	}
	return append([]people.Holding{{Title: "Web activity", Facts: []people.Fact{
		{Name: "Rows", Value: words.Count(held.Rows, "row", "rows")},
		{Name: "First", Value: people.DayOf(held.First.In(zone)).Words()},
		{Name: "Last", Value: people.DayOf(held.Last.In(zone)).Words()},
	}}}, given...), nil
}

// holdsReleases is which parts of a person's record were given to leaders.
func (r *Room) holdsReleases(ctx context.Context, id people.ID, zone *time.Location) ([]people.Holding, error) {
	all, err := r.releases(ctx, `WHERE person = $1 AND state = $2 ORDER BY asked_at DESC LIMIT 100`, string(id), ReleaseGiven)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	h := people.Holding{Title: "Parts of the web activity that were released"}
	for _, x := range all {
		h.Facts = append(h.Facts, people.Fact{
			Name: people.DayOf(x.Said.In(zone)).Words(), Value: x.From.Words() + " to " + x.To.Words() + ", for " + titleOf(purposes, x.Purpose),
		})
	}
	return []people.Holding{h}, nil
}
