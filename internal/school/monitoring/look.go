package monitoring

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// maxNamed is how many people the words of a name may fit.
const maxNamed = 20

// Asked is a question to the record, as a form says it.
type Asked struct {
	Who      string    // parts of a name
	Person   people.ID // or the person
	Device   string
	Address  string
	Group    string
	Host     string
	Category string
	Action   string // "", "block", "allow", "warn"
	Text     string
	From     people.Day // "" is seven days back
	To       people.Day // "" is today
	Cursor   string
}

// Seen is one row of the record as it may be shown to whoever asks.
type Seen struct {
	At       time.Time
	Person   people.ID // "" where it is not known who
	Name     string
	How      string // how sure: "signed in", "probably", "not known who"
	Group    string
	Where    string // device, address, site
	Host     string
	Path     string
	Words    string
	Engine   string
	Category string
	Rule     string
	Reason   string
	Found    string // what weighed how much inside it, in the school's own lists' words
	Action   activity.Action
	Times    int
	Flagged  bool // a signal's row; shown to the safeguarding lead alone

	Ref       string // how another room refers to the row
	Device    string
	Certainty string // "sure", "likely" or "unknown"
	Theme     string // what a signal is about; only for safeguarding leads
}

// Answer is one page of what was found.
type Answer struct {
	Rows    []Seen
	Next    string
	Partial bool
	// SearchedTo is how far back a partial search came.
	SearchedTo time.Time
	// Said is the question in words.
	Said string
	// Nobody: the name fits nobody, so nothing was asked.
	Nobody bool
	// Counted: names are not recorded, so rows are not kept at all.
	Counted bool
	// Purpose is what the look counts under.
	Purpose Purpose
}

// Search answers one page of the record to a listed monitor with a purpose,
// and journals that it did.
func (r *Room) Search(ctx context.Context, a Asked) (Answer, error) {
	p, err := r.purpose(ctx)
	if err != nil {
		return Answer{}, err
	}
	q, said, err := r.query(ctx, a)
	if err != nil {
		return Answer{}, err
	}
	out := Answer{Said: said, Purpose: p}
	on, err := r.Recording(ctx)
	if err != nil {
		return Answer{}, err
	}
	out.Counted = !on
	if (a.Who != "" || a.Person != "") && len(q.Subjects) == 0 {
		out.Nobody = true
		return out, r.look(ctx, p, lookSearch, 0, a.asked())
	}
	page, err := r.d.Memory.Search(ctx, q)
	if err != nil {
		return Answer{}, refusal(err)
	}
	if err := r.look(ctx, p, lookSearch, len(page.Events), a.asked()); err != nil {
		return Answer{}, err
	}
	out.Rows = r.shape(ctx, page.Events)
	out.Next, out.Partial, out.SearchedTo = page.Next, page.Partial, page.SearchedTo
	return out, nil
}

// refusal makes the memory's sentence one that a form shows.
func refusal(err error) error {
	if errors.Is(err, activity.ErrQuery) {
		return store.Invalid{"": err.Error()}
	}
	return err
}

// asked is the question for the journal's detail.
func (a Asked) asked() map[string]string {
	return map[string]string{
		"name": a.Who, "person": string(a.Person), "device": a.Device, "address": a.Address, "group": a.Group, "site": a.Host,
		"category": a.Category, "decision": a.Action, "words": a.Text, "from": string(a.From), "to": string(a.To),
	}
}

// Day is one person's day of the record.
type Day struct {
	Person  people.Person
	Day     people.Day
	Rows    []Seen
	Cut     bool // there are more rows than are shown
	Purpose Purpose
	Counted bool
}

// Timeline answers one person's day to a listed monitor with a purpose, and
// journals that it did.
func (r *Room) Timeline(ctx context.Context, id people.ID, day people.Day) (Day, error) {
	p, err := r.purpose(ctx)
	if err != nil {
		return Day{}, err
	}
	person, err := r.d.Roll.Get(ctx, id)
	if err != nil {
		return Day{}, err
	}
	zone, err := r.zone(ctx)
	if err != nil {
		return Day{}, err
	}
	if !day.Valid() {
		day = people.DayOf(r.d.Clock.Now().In(zone))
	}
	out := Day{Person: person, Day: day, Purpose: p}
	on, err := r.Recording(ctx)
	if err != nil {
		return Day{}, err
	}
	out.Counted = !on
	events, err := r.eventsOf(ctx, id, day.Time(zone), day.End(zone))
	if err != nil {
		return Day{}, err
	}
	// What was found to be no concern is not held against anybody.
	gone, err := r.unconcerned(ctx, day.Time(zone), day.End(zone))
	if err != nil {
		return Day{}, err
	}
	events = without(events, gone)
	asked := map[string]string{"person": string(id), "from": string(day)}
	if err := r.look(ctx, p, lookTimeline, len(events), asked); err != nil {
		return Day{}, err
	}
	if out.Cut = len(events) > maxShown; out.Cut {
		events = events[:maxShown]
	}
	out.Rows = r.shape(ctx, events)
	return out, r.unflag(ctx, id, out.Rows)
}

// maxShown is how many rows of one day a page shows.
const maxShown = 2000

// eventsOf is what the record knows of a person in a time, oldest first,
// without what the asker may not see.
func (r *Room) eventsOf(ctx context.Context, id people.ID, from, to time.Time) ([]activity.Event, error) {
	subjects, err := r.d.Names.Subjects(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("joining a name to the record: %w", err)
	}
	tray := actor.From(ctx).May(MayTray)
	var all []activity.Event
	for _, s := range subjects {
		events, err := r.d.Memory.Person(ctx, s, from, to)
		if err != nil {
			return nil, refusal(err)
		}
		for _, e := range events {
			// Nobody is named by a row that does not know who it was.
			if e.Certainty != activity.Unknown && (tray || e.Alert == "") {
				all = append(all, e)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b activity.Event) int { return a.At.Compare(b.At) })
	return all, nil
}

// unflag takes the mark from rows that a safeguarding lead found to be no
// concern.
func (r *Room) unflag(ctx context.Context, id people.ID, rows []Seen) error {
	if !slices.ContainsFunc(rows, func(s Seen) bool { return s.Flagged }) {
		return nil
	}
	subjects, err := r.d.Names.Subjects(ctx, id)
	if err != nil {
		return fmt.Errorf("joining a name to the record: %w", err)
	}
	for _, subject := range subjects {
		signals, err := r.unworrying(ctx, subject)
		if err != nil {
			return err
		}
		for _, s := range signals {
			for i := range rows {
				if !rows[i].At.Before(s.First) && !rows[i].At.After(s.Last) {
					rows[i].Flagged = false
				}
			}
		}
	}
	return nil
}

// Around is what a safeguarding lead sees with a signal: the rows of that
// person or device in the hour before and after. OpenSignal journals it.
func (r *Room) Around(ctx context.Context, s Signal) ([]Seen, error) {
	if err := mayTray(actor.From(ctx)); err != nil {
		return nil, err
	}
	from, to := s.First.Add(-aroundSignal), s.Last.Add(aroundSignal)
	q := activity.Query{From: from, To: to, Limit: activity.MaxLimit}
	switch {
	case s.Subject != "":
		q.Subjects = []string{s.Subject}
	case s.Device != "":
		q.Device = s.Device
	case s.Address.IsValid():
		q.Address = s.Address
	default:
		return nil, nil
	}
	page, err := r.d.Memory.Search(ctx, q)
	if err != nil {
		return nil, refusal(err)
	}
	slices.Reverse(page.Events)
	return r.shape(ctx, page.Events), nil
}

// Blocked is what the filter closed most often, without anybody's name.
type Blocked struct {
	Days       int
	Hosts      []activity.Count
	Categories []activity.Count
	Support    uint64 // visits to help services: a count and nothing else
}

// Blocked answers what was closed most often in the last days. It names
// nobody, and needs a place on the list but no purpose.
func (r *Room) Blocked(ctx context.Context, days int) (Blocked, error) {
	if err := r.allowed(ctx, actor.From(ctx)); err != nil {
		return Blocked{}, err
	}
	days = min(max(days, 1), 90)
	now := r.d.Clock.Now()
	from := now.Add(-time.Duration(days-1) * oneDay)
	out := Blocked{Days: days}
	var err error
	if out.Hosts, err = r.d.Memory.Top(ctx, from, now, activity.ByHost, activity.Block, 20); err != nil {
		return out, refusal(err)
	}
	if out.Categories, err = r.d.Memory.Top(ctx, from, now, activity.ByCategory, activity.Block, 20); err != nil {
		return out, refusal(err)
	}
	if !actor.From(ctx).May(MayTray) {
		if err := r.withoutAlerts(ctx, from, now, &out); err != nil {
			return out, err
		}
	}
	totals, err := r.d.Memory.Totals(ctx, from, now, activity.PerDay)
	if err != nil {
		return out, refusal(err)
	}
	for _, t := range totals {
		if t.Action == activity.Support {
			out.Support += t.N
		}
	}
	return out, nil
}

// withoutAlerts takes from the kinds of site what is for the safeguarding
// lead: in a small school even a count could tell who.
func (r *Room) withoutAlerts(ctx context.Context, from, to time.Time, b *Blocked) error {
	alerts, err := r.d.Memory.Top(ctx, from, to, activity.ByAlert, activity.Block, 1000)
	if err != nil {
		return refusal(err)
	}
	for _, a := range alerts {
		for i := range b.Categories {
			if c := &b.Categories[i]; c.Key == a.Key {
				c.N -= min(a.N, c.N)
			}
		}
	}
	b.Categories = slices.DeleteFunc(b.Categories, func(c activity.Count) bool { return c.N == 0 })
	slices.SortStableFunc(b.Categories, func(x, y activity.Count) int { return cmp.Compare(y.N, x.N) })
	return nil
}

// maxCopied is how many rows one copy holds.
const maxCopied = 20_000

// Copied is a copy of a part of the record.
type Copied struct {
	Rows    []Seen
	Cut     bool
	Purpose Purpose
}

// Copy answers everything that a search finds, up to maxCopied rows, for a
// file; it is journalled before it is handed out.
func (r *Room) Copy(ctx context.Context, a Asked) (Copied, error) {
	if !actor.From(ctx).May(MayExport) {
		return Copied{}, fmt.Errorf("%w: only some monitors may take a copy", store.ErrForbidden)
	}
	p, err := r.purpose(ctx)
	if err != nil {
		return Copied{}, err
	}
	a.Cursor = ""
	q, _, err := r.query(ctx, a)
	if err != nil {
		return Copied{}, err
	}
	q.Limit = activity.MaxLimit
	out := Copied{Purpose: p}
	asksNobody := (a.Who != "" || a.Person != "") && len(q.Subjects) == 0
	for !asksNobody {
		page, err := r.d.Memory.Search(ctx, q)
		if err != nil {
			return Copied{}, refusal(err)
		}
		out.Rows = append(out.Rows, r.shape(ctx, page.Events)...)
		q.Cursor = page.Next
		if out.Cut = len(out.Rows) >= maxCopied && page.Next != ""; out.Cut || page.Next == "" {
			break
		}
	}
	return out, r.look(ctx, p, lookExport, len(out.Rows), a.asked())
}
