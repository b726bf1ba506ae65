package concerns

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
	"belisha/internal/kit/trend"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

// TrayTitle is all that a tray says of a concern.
const TrayTitle = "A concern waits for you"

// Waiting is the room's part of the tray. A line tells of nobody and nothing.
func (r *Room) Waiting(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	if a.Kind == actor.System && a.May(MayCount) {
		return r.countedItems(ctx)
	}
	if !person(a) {
		return nil, nil
	}
	ctx = actor.With(ctx, a)
	items, err := r.givenItems(ctx, a)
	if err != nil || !a.May(MayRead) {
		return items, err
	}
	rd, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	list, err := r.waitingCases(ctx, rd)
	if err != nil {
		return nil, err
	}
	now := r.now()
	for i := range list {
		items = append(items, caseItem(&list[i], now))
	}
	opened, err := r.forcedLately(ctx, rd)
	if err != nil {
		return nil, err
	}
	for _, f := range opened {
		items = append(items, web.Item{
			Key: "forced/" + f.ID, Title: "A concern was opened by somebody from whom it is kept", Step: "See who and why", Link: "/concerns/" + f.Concern,
			Risk: 3, Since: f.At, Room: "concerns",
		})
	}
	late, err := r.lateForHead(ctx, a)
	return append(items, late...), err
}

// countedItems are lines for Belisha's own reports, which only count them: how
// many wait and since when, without a way to any.
func (r *Room) countedItems(ctx context.Context) ([]web.Item, error) {
	list, err := r.countedCases(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]web.Item, 0, len(list))
	for i, c := range list {
		it := web.Item{Key: strconv.Itoa(i), Title: TrayTitle, Link: "/concerns", Risk: 2, Since: c.Reported, Room: "concerns"}
		if c.Risk >= 3 && c.Read.IsZero() {
			it.Risk = 3
		}
		items = append(items, it)
	}
	return items, nil
}

func caseItem(c *Case, now time.Time) web.Item {
	it := web.Item{Key: c.ID, Title: TrayTitle, Step: "Open it", Link: "/concerns/" + c.ID, Risk: c.Risk, Since: c.Reported, Room: "concerns"}
	switch {
	case c.State == CaseOpen:
		it.Title, it.Step, it.Risk = "A concern that is yours is open", "Go on with it", max(1, c.Risk-1)
	case c.late(now):
		it.Title, it.Risk = TrayTitle+" (late)", min(3, c.Risk+1)
	}
	return it
}

func (r *Room) givenItems(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	given, err := r.givenTo(ctx, people.ID(a.Person))
	if err != nil {
		return nil, err
	}
	var items []web.Item
	for _, x := range given {
		it := web.Item{Key: "action/" + x.ID, Title: "Something was given to you to do", Step: "Open it", Link: "/concern-given/" + x.ID, Risk: 1, Since: x.Made, Room: "concerns"}
		if r.now().After(x.Due) {
			it.Title, it.Risk = it.Title+" (late)", 2
		}
		items = append(items, it)
	}
	return items, nil
}

// unreadAfter is how long after its time somebody must act is over the head is
// told that something waits: not what.
const unreadAfter = time.Hour

func (r *Room) lateForHead(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	if !a.Holds(string(people.Headteacher)) {
		return nil, nil
	}
	w, err := r.WaitingTimes(ctx)
	if err != nil || w.Unread == 0 || w.Late == 0 || r.now().Sub(w.Oldest) < unreadAfter {
		return nil, err
	}
	return []web.Item{{
		Key: "unread", Title: "Concerns wait unread beyond their time", Step: "See who receives them", Link: "/posts", Risk: 2, Since: w.Oldest, Room: "concerns",
	}}, nil
}

// Duties is what the room asks of people by the calendar.
func (r *Room) Duties() []duty.Source {
	return []duty.Source{{Name: "concerns", Owed: r.owed}}
}

const (
	receiptTrends = "trends"
	receiptQuiet  = "quiet"
)

// owed: what waits beyond its time is acted on; after a quiet time somebody
// says whether there is nothing to record; and once in a while the head and the
// lead read the trends.
func (r *Room) owed(ctx context.Context, now time.Time) ([]duty.Owed, error) {
	if len(r.Closed(ctx)) > 0 {
		return nil, nil
	}
	out, err := r.owedQuiet(ctx, now)
	if err != nil {
		return nil, err
	}
	late, err := r.owedLate(ctx)
	if err != nil {
		return nil, err
	}
	out = append(out, late...)
	last, err := r.lastReported(ctx)
	if err != nil || last.IsZero() {
		return out, err
	}
	every := r.values().Duration(keyTrends)
	for _, p := range []people.Post{people.Headteacher, people.SafeguardingLead} {
		got, err := r.lastReceipt(ctx, receiptTrends, string(p))
		if err != nil {
			return nil, err
		}
		since := got.At
		if since.IsZero() {
			since = last
		}
		if due := since.Add(every); now.After(due.Add(-14 * oneDay)) {
			out = append(out, duty.Owed{
				ID: "trends/" + string(p) + "/" + due.UTC().Format("2006-01-02"), What: "Read the trends of concerns", Step: "Read them",
				Owner: string(p), Since: due.Add(-14 * oneDay), Due: due, Link: "/concerns/trends", Risk: 1,
			})
		}
	}
	return out, nil
}

// owedLate asks of those a route goes to that they act. Nobody owes what they
// may not know of: the lead whom a case about staff is kept from would learn
// by the task that there is one.
func (r *Room) owedLate(ctx context.Context) ([]duty.Owed, error) {
	var out []duty.Owed
	for _, x := range Routes {
		if x.Route == HeadComplaint { // it would go up to the head
			continue
		}
		n, due, err := r.lateOn(ctx, x.Route)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue
		}
		o := duty.Owed{
			ID: "late/" + due.UTC().Format("2006-01-02T15"), What: "Act on concerns that wait beyond their time", Step: "Open the list",
			Owner: string(r.chain(x.Route)[0][0]), Since: due, Due: due, Link: "/concerns", Risk: 2,
		}
		same := slices.IndexFunc(out, func(y duty.Owed) bool { return y.Owner == o.Owner })
		switch {
		case same < 0:
			if o.Owner != string(people.SafeguardingLead) {
				o.ID = "late/" + o.Owner + "/" + due.UTC().Format("2006-01-02T15")
			}
			out = append(out, o)
		case due.Before(out[same].Due):
			out[same].ID, out[same].Since, out[same].Due = strings.TrimSuffix(out[same].ID, out[same].Due.UTC().Format("2006-01-02T15"))+due.UTC().Format("2006-01-02T15"), due, due
		}
	}
	return out, nil
}

// owedQuiet asks after a quiet time whether there is nothing to record. The
// time counts from the latest concern, or from the last answer.
func (r *Room) owedQuiet(ctx context.Context, now time.Time) ([]duty.Owed, error) {
	after := r.values().Duration(keyQuiet)
	if after == 0 {
		return nil, nil
	}
	cal, err := r.calendar(ctx)
	if err != nil || !cal.SchoolDay(now) {
		return nil, err
	}
	last, err := r.lastReported(ctx)
	if err != nil {
		return nil, err
	}
	said, err := r.lastReceipt(ctx, receiptQuiet, "")
	if err != nil {
		return nil, err
	}
	if said.At.After(last) {
		last = said.At
	}
	if last.IsZero() || now.Sub(last) < after {
		return nil, nil
	}
	since := last.Add(after)
	return []duty.Owed{{
		ID: "quiet/" + since.UTC().Format("2006-01-02"), What: "Say whether there is nothing to record: no concern has come for some time", Step: "Answer",
		Owner: string(people.SafeguardingLead), Since: since, Due: cal.AddSchoolDays(since, 5), Link: "/concerns/quiet", Risk: 1,
	}}, nil
}

// NothingToRecord says that nothing happened in a quiet time that should have
// been recorded.
func (r *Room) NothingToRecord(ctx context.Context) error {
	if !actor.From(ctx).May(MayRead) {
		return store.ErrForbidden
	}
	return r.keepReceipt(ctx, VerbQuiet, receiptQuiet, "")
}

// ReadTrends writes down that whoever asks has read the trends, for each post
// that owes it.
func (r *Room) ReadTrends(ctx context.Context) error {
	a := actor.From(ctx)
	for _, p := range []people.Post{people.Headteacher, people.SafeguardingLead} {
		if !a.Holds(string(p)) {
			continue
		}
		if err := r.keepReceipt(ctx, VerbTrends, receiptTrends, string(p)); err != nil {
			return err
		}
	}
	return nil
}

// Trends are the concerns by risk area and month. What is about staff and
// security is not about pupils; how children's small numbers are hidden is for
// whoever shows it.
func (r *Room) Trends(ctx context.Context, from, to time.Time) ([]trend.Trend, error) {
	cal, err := r.calendar(ctx)
	if err != nil {
		return nil, err
	}
	months := monthsOf(from.In(cal.Location()), to.In(cal.Location()))
	if len(months) == 0 {
		return nil, nil
	}
	counts, err := r.monthCounts(ctx, months[0].key, months[len(months)-1].key)
	if err != nil {
		return nil, err
	}
	var out []trend.Trend
	for _, a := range Areas {
		t := trend.Trend{Title: "Concerns: " + a.Title, Unit: "concerns", Pupils: a.Pupils, Link: "/concerns/trends"}
		for _, m := range months {
			n := 0
			for _, c := range counts {
				if k, _ := KindOf(c.Kind); k.Area == a.Area && c.Month == m.key {
					n += c.N
				}
			}
			t.Points = append(t.Points, trend.Point{Label: m.label, N: n})
		}
		// How often staff are reported is for nobody but the head: in a small
		// school a count tells who.
		if t.Pupils || a.Area == Security {
			out = append(out, t)
		}
	}
	return out, nil
}

type month struct{ key, label string }

// monthsOf are the months from one moment to another, at most three years.
func monthsOf(from, to time.Time) []month {
	var out []month
	at := time.Date(from.Year(), from.Month(), 1, 12, 0, 0, 0, from.Location())
	for n := 0; !at.After(to) && n < 36; n++ {
		out = append(out, month{at.Format("2006-01"), at.Format("January 2006")})
		at = at.AddDate(0, 1, 0)
	}
	return out
}

// Tasks is what the room does by the clock.
func (r *Room) Tasks() []tasks.Task {
	return []tasks.Task{
		{Name: "concerns.drafts", Every: time.Hour, Run: r.tidyDrafts},
		{Name: "concerns.keep", At: "03:40", Removes: true, Run: r.keepNoLonger},
	}
}

// keepNoLonger removes closed cases whose time is over, one by one.
func (r *Room) keepNoLonger(ctx context.Context) error {
	year := r.now().UTC().Year() - int(r.values().Int(keyKeep))
	list, err := r.over(ctx, year)
	if err != nil {
		return err
	}
	for _, id := range list {
		if err := r.remove(ctx, id); err != nil {
			return fmt.Errorf("removing what is kept no longer: %w", err)
		}
	}
	return nil
}
