package notice

import (
	"context"
	"slices"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// Agreed is one stretch of the week in which somebody agreed to look at urgent
// things: every week, in the holidays too, until they end it.
type Agreed struct {
	ID      string
	Person  string
	Weekday int // 0 is Monday
	From    int // minutes after midnight
	Until   int
	At      time.Time // when they agreed
}

// looks reports whether somebody agreed to look at t.
func looks(all []Agreed, person string, t time.Time, zone *time.Location) bool {
	l := t.In(zone)
	day, minute := (int(l.Weekday())+6)%7, l.Hour()*60+l.Minute()
	return slices.ContainsFunc(all, func(a Agreed) bool {
		return a.Person == person && a.Weekday == day && minute >= a.From && minute < a.Until
	})
}

// mostHours is how many stretches one person may agree to.
const mostHours = 21

// Agree keeps the actor's agreement to look at urgent things at stated hours.
// Nobody can agree for somebody else.
func (o *Outbox) Agree(ctx context.Context, weekday, from, until int) error {
	a := actor.From(ctx)
	if a.Person == "" || !slices.ContainsFunc(o.Watch, a.Holds) {
		return store.ErrForbidden
	}
	mine, err := o.agreed(ctx, a.Person)
	if err != nil {
		return err
	}
	if err := checkHours(mine, weekday, from, until); err != nil {
		return err
	}
	now := o.Clock.Now().UTC()
	h := Agreed{ID: store.NewID(now), Person: a.Person, Weekday: weekday, From: from, Until: until, At: now}
	return o.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertHours(ctx, tx, h); err != nil {
			return err
		}
		return o.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbAgreed, Kind: "hours", ID: h.ID, After: map[string]any{"weekday": weekday, "from": from, "until": until},
			Rows: []journal.Row{{Table: "notice_hours", ID: h.ID}},
		})
	})
}

// checkHours says what is wrong with a stretch of the week beside those that
// somebody has agreed to already.
func checkHours(mine []Agreed, weekday, from, until int) error {
	bad := store.Invalid{}
	if weekday < 0 || weekday > 6 {
		bad["day"] = "Choose a day of the week."
	}
	if from < 0 || from >= 24*60 {
		bad["from"] = "Give the time it begins, such as 17:00."
	}
	if until <= from || until > 24*60 {
		bad["until"] = "Give the time it ends, on the same day and after it begins, such as 20:00."
	}
	if len(mine) >= mostHours {
		bad["day"] = "You have agreed to twenty-one times a week already; end one first."
	}
	for _, m := range mine {
		if m.Weekday == weekday && from < m.Until && m.From < until {
			bad["from"] = "This overlaps with a time you have agreed to already; end that one first."
		}
	}
	return bad.OrNil()
}

// End ends one of the actor's agreements, at once.
func (o *Outbox) End(ctx context.Context, id string) error {
	a := actor.From(ctx)
	if a.Person == "" {
		return store.ErrForbidden
	}
	return o.DB.Write(ctx, func(tx *store.Tx) error {
		if err := endHours(ctx, tx, id, a.Person, o.Clock.Now().UTC()); err != nil {
			return err
		}
		return o.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbEnded, Kind: "hours", ID: id, Rows: []journal.Row{{Table: "notice_hours", ID: id}},
		})
	})
}

// Hold returns the agreements that hold, of people who are still at the school
// and still hold a post that looks.
func (o *Outbox) Hold(ctx context.Context) ([]Agreed, error) {
	all, err := o.agreed(ctx, "")
	if err != nil {
		return nil, err
	}
	can, err := o.watchers(ctx, o.Clock.Now(), o.Watch)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(a Agreed) bool { return !can[a.Person] }), nil
}

// watchers are those who hold one of the posts at a moment.
func (o *Outbox) watchers(ctx context.Context, at time.Time, posts []string) (map[string]bool, error) {
	out := map[string]bool{}
	for _, p := range posts {
		held, err := o.People.Holders(ctx, p, at)
		if err != nil {
			return nil, err
		}
		for _, h := range held {
			out[h] = true
		}
	}
	return out, nil
}

// Reading says whether somebody who holds one of the posts is told of an
// urgent thing at once: in school hours, or because they agreed to these hours
// and can be reached by mail. Otherwise next is when somebody is. It promises
// no more than that they are told: pages that a child sees must say next.
func (o *Outbox) Reading(ctx context.Context, at time.Time, posts ...string) (now bool, next time.Time, err error) {
	hours := o.Hours(ctx)
	can, err := o.watchers(ctx, at, posts)
	if err != nil {
		return false, time.Time{}, err
	}
	if len(can) == 0 {
		return false, hours.NextOpening(at), nil
	}
	if hours.SchoolHours(at) {
		return true, at, nil
	}
	next = hours.NextOpening(at)
	reach, err := o.reachable(ctx, can)
	if err != nil {
		return false, next, err
	}
	for _, a := range reach {
		begins := a.next(at, hours.Zone())
		if !begins.After(at) {
			return true, at, nil
		}
		if begins.Before(next) {
			next = begins
		}
	}
	return false, next, nil
}

// Watching is who of the posts' holders has agreed to look just now and can be
// mailed, and until when; "" for nobody. A page may name them to whoever sends
// something urgent out of hours: nobody else may be named.
func (o *Outbox) Watching(ctx context.Context, at time.Time, posts ...string) (person string, until time.Time, err error) {
	can, err := o.watchers(ctx, at, posts)
	if err != nil || len(can) == 0 {
		return "", time.Time{}, err
	}
	reach, err := o.reachable(ctx, can)
	if err != nil {
		return "", time.Time{}, err
	}
	zone := o.Hours(ctx).Zone()
	for _, a := range reach {
		if !looks([]Agreed{a}, a.Person, at, zone) {
			continue
		}
		l := at.In(zone)
		if end := time.Date(l.Year(), l.Month(), l.Day(), a.Until/60, a.Until%60, 0, 0, zone); end.After(until) {
			person, until = a.Person, end
		}
	}
	return person, until, nil
}

// reachable are the agreements of those who can be mailed just now.
func (o *Outbox) reachable(ctx context.Context, can map[string]bool) ([]Agreed, error) {
	if o.Mailer == nil || o.Trouble() != "" {
		return nil, nil
	}
	all, err := o.agreed(ctx, "")
	if err != nil {
		return nil, err
	}
	var out []Agreed
	for _, a := range all {
		if !can[a.Person] {
			continue
		}
		r, err := o.People.Reader(ctx, a.Person)
		if err == nil && r.Email != "" {
			out = append(out, a)
		}
	}
	return out, nil
}

// next is when the stretch is on next: t itself within it.
func (a Agreed) next(t time.Time, zone *time.Location) time.Time {
	l := t.In(zone)
	for d := range 8 {
		day := l.AddDate(0, 0, d)
		if (int(day.Weekday())+6)%7 != a.Weekday {
			continue
		}
		from := time.Date(day.Year(), day.Month(), day.Day(), a.From/60, a.From%60, 0, 0, zone)
		until := time.Date(day.Year(), day.Month(), day.Day(), a.Until/60, a.Until%60, 0, 0, zone)
		if t.Before(until) {
			return maxTime(t, from)
		}
	}
	return t.AddDate(0, 0, 8) // every weekday comes within eight days
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Wish keeps whether the actor wants gathered mails. Holders of the posts that
// must be told cannot switch them off.
func (o *Outbox) Wish(ctx context.Context, gathered bool) error {
	a := actor.From(ctx)
	if a.Person == "" {
		return store.ErrForbidden
	}
	if !gathered && slices.ContainsFunc(o.Required, a.Holds) {
		return store.Invalid{"gathered": "Your post must be told, so these mails cannot be switched off while you hold it."}
	}
	now := o.Clock.Now().UTC()
	return o.DB.Write(ctx, func(tx *store.Tx) error {
		if err := saveWish(ctx, tx, a.Person, gathered, now); err != nil {
			return err
		}
		return o.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbWish, Kind: "notices", ID: a.Person, After: map[string]bool{"gathered": gathered},
		})
	})
}

// Trouble says why no mail can be sent just now, "" for none.
func (o *Outbox) Trouble() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.trouble
}

// State is how telling people by mail stands, for the health page.
type State struct {
	On      bool      // a mail server is named
	Trouble string    // why it cannot be reached
	Since   time.Time // of the trouble
	Waiting int       // notices not yet told to everybody
	Oldest  time.Time // of those
	Lost    int       // mails of the last month that never arrived
	// Unreachable are people by id who must be told and have no address.
	Unreachable []string
}

// State looks at how telling people stands.
func (o *Outbox) State(ctx context.Context) (State, error) {
	now := o.Clock.Now()
	s := State{On: o.Mailer != nil}
	var err error
	if s.Waiting, s.Oldest, s.Lost, err = o.counts(ctx, now); err != nil {
		return s, err
	}
	o.mu.Lock()
	s.Trouble, s.Since = o.trouble, o.since
	o.mu.Unlock()
	must, err := o.watchers(ctx, now, o.Required)
	if err != nil {
		return s, err
	}
	for p := range must {
		if r, err := o.People.Reader(ctx, p); err == nil && r.Email == "" {
			s.Unreachable = append(s.Unreachable, p)
		}
	}
	slices.Sort(s.Unreachable)
	return s, nil
}
