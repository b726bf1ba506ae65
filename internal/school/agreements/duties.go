package agreements

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/store"
	"belisha/internal/kit/trend"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

// chaseEvery is how many school days the unsigned are left before somebody
// has to remind them, and again after each reminder.
const chaseEvery = 10

// Waiting is what somebody has to sign or to read, and for teachers the class
// that has not talked about the rules.
func (r *Room) Waiting(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	if a.Kind != actor.Person || a.Person == "" {
		return nil, nil
	}
	me, err := r.People.Present(ctx, people.ID(a.Person))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	items, err := r.Items(ctx, me)
	if err != nil {
		return nil, err
	}
	var out []web.Item
	for _, it := range items {
		if !it.Done {
			out = append(out, web.Item{
				Key: "sign", Title: "There are rules for you to sign", Step: "Read and sign", Link: "/agreement", Risk: 1,
				Since: it.Binds.Time(time.UTC), Room: "agreements",
			})
			break
		}
	}
	l, err := r.lens(ctx)
	if err != nil {
		return nil, err
	}
	behind, err := r.unread(ctx, l, me)
	if err != nil {
		return nil, err
	}
	if behind != isRead {
		p, _, err := r.policy(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, web.Item{Key: "policy", Title: "Read the policy in force, and say so", Step: "Read it", Link: "/agreement/policy", Risk: 1, Since: p.Since, Room: "agreements"})
	}
	more, err := r.talksOf(ctx, me, l)
	return append(out, more...), err
}

// talksOf are the classes of a teacher that have not talked about the rules.
func (r *Room) talksOf(ctx context.Context, me people.Person, l lens) ([]web.Item, error) {
	if me.Kind != people.Staff {
		return nil, nil
	}
	classes, err := r.People.ClassesOf(ctx, me.ID)
	if err != nil || len(classes) == 0 {
		return nil, err
	}
	year := schoolYear(l.today)
	held, err := talks(ctx, r.DB, year)
	if err != nil {
		return nil, err
	}
	var out []web.Item
	for _, class := range classes[:min(len(classes), 10)] {
		if held[class] != nil {
			continue
		}
		_, n, err := r.People.List(ctx, people.Filter{Kind: people.Pupil, Class: class, Limit: 1})
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out = append(out, web.Item{
				Key: "talk/" + class, Title: "Class " + class + " has not talked about the rules yet", Step: "Record it", Link: talkLink(class), Risk: 1,
				Since: people.Day(year + "-09-01").Time(time.UTC), Room: "agreements",
			})
		}
	}
	return out, nil
}

func talkLink(class string) string { return "/agreements/talks/" + url.PathEscape(class) }

// Duties are what somebody has to do about agreements by when.
func (r *Room) Duties() []duty.Source {
	return []duty.Source{{Name: "agreements", Owed: r.owed}}
}

// owes is what was owed a moment ago: every page of staff asks.
type owes struct {
	at     time.Time
	turn   int
	number uint64
	list   []duty.Owed
}

// owesHolds is how long a change of the roll may take to be noticed here. What
// this room writes is noticed at once.
const owesHolds = 20 * time.Second

func (r *Room) owed(ctx context.Context, now time.Time) ([]duty.Owed, error) {
	number := r.values().Number()
	r.mu.Lock()
	was, turn := r.owes, r.turn
	r.mu.Unlock()
	if age := now.Sub(was.at); was.turn == turn && was.number == number && !was.at.IsZero() && age >= 0 && age < owesHolds {
		return was.list, nil
	}
	list, err := r.worksOut(ctx, now)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.owes = owes{now, turn, number, list}
	return list, nil
}

// worksOut is what is owed now.
func (r *Room) worksOut(ctx context.Context, now time.Time) ([]duty.Owed, error) {
	b, err := r.book(ctx)
	if err != nil {
		return nil, err
	}
	cal, err := r.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return nil, err
	}
	var out []duty.Owed
	for _, c := range b.counts() {
		if c.Scope == 0 {
			continue
		}
		if c.Number == 0 {
			out = append(out, b.owedText(c, cal))
			continue
		}
		last, err := chased(ctx, r.DB, c.Sheet)
		if err != nil {
			return nil, err
		}
		out = append(out, b.owedReview(c, now)...)
		out = append(out, b.owedChase(c, cal, last, now)...)
	}
	more, err := r.owedTalks(ctx, b, cal)
	return append(out, more...), err
}

func inSentence(s Sheet) string {
	t := s.Title()
	return strings.ToLower(t[:1]) + t[1:]
}

// owedText: a sheet that people must sign has to be published.
func (b *book) owedText(c Count, cal *people.Calendar) duty.Owed {
	since := b.since(cal.Location())
	return duty.Owed{
		ID: "publish/" + string(c.Sheet), What: "Publish the " + inSentence(c.Sheet), Step: "Look at the text", Owner: string(people.Headteacher),
		Since: since, Due: cal.AddSchoolDays(since, chaseEvery), Link: textLink(c.Sheet), Risk: 1,
	}
}

// since is when the first of those who are here came on the roll.
func (b *book) since(loc *time.Location) time.Time {
	first := b.today
	for _, p := range b.people {
		if d := madeOn(p.ID); d != "" && d < first {
			first = d
		}
	}
	return first.Time(loc)
}

// owedReview: an edition is looked at again in time.
func (b *book) owedReview(c Count, now time.Time) []duty.Owed {
	e, _ := b.k.current(c.Sheet)
	due := e.At.Add(b.v.Duration(KeyReview))
	if now.Before(due.Add(-30 * day)) {
		return nil
	}
	return []duty.Owed{{
		ID: "review/" + string(c.Sheet) + "/" + due.UTC().Format(time.DateOnly), What: "Look again at the " + inSentence(c.Sheet), Step: "Look at the text",
		Owner: string(people.OnlineSafetyLead), Since: due.Add(-30 * day), Due: due, Link: textLink(c.Sheet), Risk: 1,
	}}
}

// owedChase: those who have not signed are reminded, again and again.
func (b *book) owedChase(c Count, cal *people.Calendar, last, now time.Time) []duty.Owed {
	late := false
	for _, l := range c.Lacks {
		late = late || !l.Grace
	}
	if !c.Asked || !late {
		return nil
	}
	e, _ := b.k.edition(c.Sheet, b.k.bound(c.Sheet, b.today))
	since := e.Binds.Time(cal.Location())
	if last.After(since) {
		since = last
	}
	since = cal.AddSchoolDays(since, chaseEvery)
	if now.Before(since) {
		return nil
	}
	return []duty.Owed{{
		ID: "chase/" + string(c.Sheet) + "/" + since.UTC().Format(time.DateOnly), What: "Remind those who have not signed: " + inSentence(c.Sheet), Step: "See who",
		Owner: owner, Since: since, Due: cal.AddSchoolDays(since, 5), Link: listLink(c.Sheet), Risk: 1,
	}}
}

// owedTalks: every class talks about the rules each school year.
func (r *Room) owedTalks(ctx context.Context, b *book, cal *people.Calendar) ([]duty.Owed, error) {
	list, err := r.Talks(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if c.Talk != nil && c.Talk.Open() == 0 {
			continue
		}
		year := schoolYear(b.today)
		since := people.Day(year + "-09-01").Time(cal.Location())
		if came := b.since(cal.Location()); came.After(since) {
			since = came
		}
		due := talkDue(b.v, year).End(cal.Location())
		if soonest := cal.AddSchoolDays(since, chaseEvery); due.Before(soonest) {
			due = soonest // the roll came after the day was over
		}
		return []duty.Owed{{
			ID: "talks/" + year, What: "Have every class talk about the rules", Step: "See which have not", Owner: string(people.OnlineSafetyLead),
			Since: since, Due: due, Link: "/agreements/talks", Risk: 1,
		}}, nil
	}
	return nil, nil
}

// Trends is the share that had signed, at the end of each month.
func (r *Room) Trends(ctx context.Context, from, to time.Time) ([]trend.Trend, error) {
	b, err := r.book(ctx)
	if err != nil {
		return nil, err
	}
	b.people = nil
	err = r.People.Each(ctx, people.Filter{When: people.WhenAll}, func(p people.Person) error {
		b.people = append(b.people, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	at := map[Sheet]int{}
	var out []trend.Trend
	for _, c := range b.counts() {
		if c.Number > 0 {
			at[c.Sheet] = len(out)
			out = append(out, trend.Trend{Title: c.Sheet.Title() + ": signed", Unit: "per cent", Level: true, Link: listLink(c.Sheet)})
		}
	}
	for _, d := range monthEnds(from, to, b.today) {
		for _, c := range b.on(d).counts() {
			if i, ok := at[c.Sheet]; ok {
				out[i].Points = append(out[i].Points, trend.Point{Label: d.Time(time.UTC).Format("January"), N: c.Percent()})
			}
		}
	}
	return out, nil
}

// on is the book as it was at the end of a day: who was here, and what had
// been signed.
func (b *book) on(d people.Day) *book {
	out := &book{lens: b.lens, marks: map[people.ID][]mark{}}
	out.today = d
	for _, p := range b.people {
		if !p.Here(d) {
			continue
		}
		out.people = append(out.people, p)
		for _, m := range b.marks[p.ID] {
			if m.day <= d {
				out.marks[p.ID] = append(out.marks[p.ID], m)
			}
		}
	}
	return out
}

// maxMonths bounds a trend.
const maxMonths = 24

// monthEnds are the last days of the months from from to to, the last of them
// no later than today.
func monthEnds(from, to time.Time, today people.Day) []people.Day {
	var out []people.Day
	m := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC)
	for !m.After(to) && len(out) < maxMonths {
		end := people.DayOf(m.AddDate(0, 1, -1))
		if end > today {
			end = today
		}
		if len(out) == 0 || out[len(out)-1] < end {
			out = append(out, end)
		}
		m = m.AddDate(0, 1, 0)
	}
	return out
}

// Holds is what the room keeps about a person.
func (r *Room) Holds(ctx context.Context, id people.ID) ([]people.Holding, error) {
	list, err := r.Of(ctx, id)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	h := people.Holding{Title: "Agreements"}
	for _, s := range list {
		words := s.Day.Words() + ", " + methodWords(s)
		if s.Voided() {
			words += ", taken back"
		}
		h.Facts = append(h.Facts, people.Fact{Name: s.Sheet.Title(), Value: words})
	}
	return []people.Holding{h}, nil
}

func methodWords(s Signature) string {
	switch s.Method {
	case OnScreen:
		return "on screen"
	case OnPaper:
		return "on paper"
	default:
		return "taken over from before"
	}
}
