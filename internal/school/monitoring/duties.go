package monitoring

import (
	"context"
	"fmt"
	"sync"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/trend"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

// Duties are what somebody must do by when in this room.
func (r *Room) Duties() []duty.Source {
	return []duty.Source{
		{Name: "samples", Owed: r.owedSamples},
		{Name: "watchers", Owed: r.owedWatchers},
		{Name: "assessment", Owed: r.owedAssessment},
		{Name: "bases", Owed: r.owedBases},
	}
}

// owedSamples: each sample is judged within five school days.
func (r *Room) owedSamples(ctx context.Context, now time.Time) ([]duty.Owed, error) {
	c, err := r.d.Roll.Calendar(ctx, people.MainSite)
	if err != nil {
		return nil, err
	}
	draws, err := r.draws(ctx, now.Add(-200*oneDay))
	if err != nil {
		return nil, err
	}
	var out []duty.Owed
	for _, d := range draws {
		if d.Drawn.IsZero() || d.Complete() {
			continue
		}
		out = append(out, duty.Owed{
			ID: d.ID, What: "Judge a random sample of web activity", Step: "Open the sample", Owner: string(people.Monitor),
			Since: d.Drawn, Due: c.AddSchoolDays(d.Drawn, judgeWithin), Link: pathDraws + "/" + d.ID, Risk: 1,
		})
	}
	return out, nil
}

// owedWatchers: who looked is reviewed; what the head looked at is for the
// chair of governors.
func (r *Room) owedWatchers(ctx context.Context, now time.Time) ([]duty.Owed, error) {
	owed, err := r.knownReviews(ctx, now, r.values().Choice(keyReviewed))
	if err != nil {
		return nil, err
	}
	var out []duty.Owed
	for _, o := range owed {
		end := o.period.end(o.zone)
		one := duty.Owed{
			What: "Review who looked at web activity, " + o.period.Words(), Step: "Open the review", Since: end, Due: o.due, Link: o.link(), Risk: 1,
		}
		if o.looks > o.heads {
			one.ID, one.Owner = o.period.Key(), string(people.Headteacher)
			out = append(out, one)
		}
		if o.heads > 0 {
			one.ID, one.Owner = o.period.Key()+"/head", string(people.ChairOfGovernors)
			one.What = "Review what the head looked at of web activity, " + o.period.Words()
			out = append(out, one)
		}
	}
	return out, nil
}

// reviewsKnown is how long what is owed of reviews is remembered: every page
// asks for it, and a period ends once a week at most.
const reviewsKnown = time.Minute

// owedMemo is what was owed of reviews a moment ago.
type owedMemo struct {
	mu     sync.Mutex
	at     time.Time
	rhythm string
	owed   []owedReview
}

// forget has the next question asked anew: a review was signed.
func (m *owedMemo) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = time.Time{}
}

// knownReviews is owedReviews, a minute old at most.
func (r *Room) knownReviews(ctx context.Context, now time.Time, rhythm string) ([]owedReview, error) {
	m := &r.owed
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rhythm == rhythm && !m.at.IsZero() && now.Sub(m.at) < reviewsKnown && !now.Before(m.at) {
		return m.owed, nil
	}
	owed, err := r.owedReviews(ctx, now, rhythm)
	if err != nil {
		return nil, err
	}
	m.at, m.rhythm, m.owed = now, rhythm, owed
	return owed, nil
}

// owedAssessment: the impact assessment is looked at again on its day.
func (r *Room) owedAssessment(ctx context.Context, now time.Time) ([]duty.Owed, error) {
	since, on, err := r.RecordingSince(ctx)
	if err != nil || !on {
		return nil, err
	}
	x, err := r.standing(ctx)
	if err != nil {
		return nil, err
	}
	c, err := r.d.Roll.Calendar(ctx, people.MainSite)
	if err != nil {
		return nil, err
	}
	if x.Number == 0 { // names were recorded before the text was kept here
		return []duty.Owed{{
			ID: "first", What: "Keep the impact assessment of monitoring here", Step: "Read the draft", Owner: string(people.Headteacher),
			Since: since, Due: c.AddSchoolDays(since, 10), Link: pathAssess, Risk: 1,
		}}, nil
	}
	due := x.Review.Time(c.Location())
	if now.Before(due.Add(-30 * oneDay)) {
		return nil, nil
	}
	return []duty.Owed{{
		ID: fmt.Sprintf("%d/%s", x.Number, x.Review), What: "Look at the impact assessment of monitoring again", Step: "Open it",
		Owner: string(people.Headteacher), Since: due.Add(-30 * oneDay), Due: due, Link: pathAssess, Risk: 1,
	}}, nil
}

// owedBases: each kind of monitoring has its lawful basis.
func (r *Room) owedBases(ctx context.Context, now time.Time) ([]duty.Owed, error) {
	since, on, err := r.RecordingSince(ctx)
	if err != nil || !on {
		return nil, err
	}
	doing, err := r.activities(ctx)
	if err != nil {
		return nil, err
	}
	have, err := r.bases(ctx)
	if err != nil {
		return nil, err
	}
	c, err := r.d.Roll.Calendar(ctx, people.MainSite)
	if err != nil {
		return nil, err
	}
	var out []duty.Owed
	for _, a := range doing {
		b, ok := have[a]
		one := duty.Owed{
			ID: a + "/" + string(b.Next), What: "Record the lawful basis of: " + titleOf(Activities, a), Step: "Open the record",
			Owner: string(people.Headteacher), Since: since, Due: c.AddSchoolDays(since, 10), Link: pathBases, Risk: 1,
		}
		if ok {
			one.Due = b.Next.Time(c.Location())
			one.Since = one.Due.Add(-30 * oneDay)
			if now.Before(one.Since) {
				continue
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// waitingAlerts is the tray's part of alerts and of what leaders asked for:
// never whose.
func (r *Room) waitingAlerts(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	var items []web.Item
	monitor := a.May(MayRead) && !isPupil(a)
	head := a.May(MayReview) && !isPupil(a)
	if !monitor && !head {
		return nil, nil
	}
	open, err := r.openAlerts(ctx)
	if err != nil {
		return nil, err
	}
	mine, err := r.selves(ctx, a)
	if err != nil {
		return nil, err
	}
	for _, x := range open {
		if !x.isFor(a, mine) {
			continue
		}
		items = append(items, web.Item{
			Key: "alert/" + x.ID, Title: "Something may be misuse: " + titleOf(Rules, x.Rule), Step: "Look at it",
			Link: pathAlerts + "/" + x.ID, Risk: 1, Since: x.Raised, Room: "monitoring",
		})
	}
	if !monitor {
		return items, nil
	}
	asked, err := r.releases(ctx, `WHERE state = $1 ORDER BY asked_at LIMIT 100`, ReleaseAsked)
	if err != nil {
		return nil, err
	}
	for _, x := range asked {
		if x.AskedBy != a.ID && string(x.Person) != a.Person {
			items = append(items, web.Item{
				Key: "release/" + x.ID, Title: "A part of the record is asked for", Step: "Answer", Link: pathReleases + "/" + x.ID,
				Risk: 1, Since: x.Asked, Room: "monitoring",
			})
		}
	}
	return items, nil
}

// maxTrend bounds the months of a trend.
const maxTrend = 36

// Trends are signals, alerts and findings by month. What was no concern is not
// counted.
func (r *Room) Trends(ctx context.Context, from, to time.Time) ([]trend.Trend, error) {
	zone, err := r.zone(ctx)
	if err != nil {
		return nil, err
	}
	var out []trend.Trend
	for _, t := range []struct {
		trend trend.Trend
		count func(context.Context, time.Time, time.Time) (int, error)
	}{
		{trend.Trend{Title: "Signals to the safeguarding lead", Unit: "signals", Pupils: true}, r.countSignals},
		{trend.Trend{Title: "Alerts about misuse", Unit: "alerts", Pupils: true}, r.countAlerts},
		{trend.Trend{Title: "Rows of random samples found inappropriate", Unit: "rows", Pupils: true, Link: pathDraws}, r.countFindings},
	} {
		month := time.Date(from.In(zone).Year(), from.In(zone).Month(), 1, 0, 0, 0, 0, zone)
		for range maxTrend {
			if !month.Before(to) {
				break
			}
			next := month.AddDate(0, 1, 0)
			n, err := t.count(ctx, month, next)
			if err != nil {
				return nil, err
			}
			t.trend.Points = append(t.trend.Points, trend.Point{Label: month.Format("January 2006"), N: n})
			month = next
		}
		out = append(out, t.trend)
	}
	return out, nil
}
