// Package demo fills a fresh folder with an invented school, so that every
// page of a demonstration has something worth looking at: people and their
// posts, a policy in force, a filter that was changed and why, a term of web
// activity, and what people made of it.
//
// Nothing is painted on. The school lives through its last months: the
// demonstration's clock is set back, the rooms are asked to do what people
// would have asked them, each decision of the filter is the filter's own, and
// then the clock is the machine's again. What stands in the journal stands
// there because it was done.
//
// Everybody is invented, and the same people come every time.
package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/school/agreements"
	"belisha/internal/school/people"
	"belisha/internal/school/setup"
)

// School is what the invented school is called, and Host the short address of
// its pupils' pages.
const (
	School = "Ashdown Vale School"
	Host   = "belisha.ashdown"
)

// Size is how large the school is.
type Size struct {
	Pupils, Staff, Parents, Governors, Contractors, ShortStay int
	// Days is how many school days of web activity there are, Visits how many
	// visits to the web a day has at most.
	Days, Visits int
	// Concerns is how many concerns there are besides those of the story.
	Concerns int
}

// Village is the school of the demonstration.
func Village() Size {
	return Size{Pupils: 420, Staff: 44, Parents: 380, Governors: 9, Contractors: 2, ShortStay: 3, Days: 70, Visits: 260}
}

// Large is a school of five thousand people and twenty thousand concerns, on
// which pages are timed.
func Large() Size {
	s := Village()
	s.Pupils, s.Staff, s.Parents, s.Governors = 2400, 240, 2346, 12
	s.Concerns = 20_000
	return s
}

// Errors of Fill.
var (
	// ErrFilled: the folder has people already.
	ErrFilled = errors.New("this folder is filled already")
	// ErrHalf: an earlier filling did not come to its end.
	ErrHalf = errors.New("the demonstration school in this folder was left half made; remove the folder, or name another with --data, and start again")
)

// Clock is the clock of a demonstration: the machine's, save while Fill lives
// through the past. It is safe for several goroutines.
type Clock struct {
	mu   sync.Mutex
	past time.Time   // zero: the present
	real clock.Clock // nil: the machine's
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.past.IsZero() {
		return c.past
	}
	if c.real != nil {
		return c.real.Now()
	}
	return clock.System{}.Now()
}

// travel sets the clock to t; the zero time is the present.
func (c *Clock) travel(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.past = t
}

// Done reports whether the house was filled, ErrHalf where that was begun and
// never ended.
func Done(ctx context.Context, h *house.House) (bool, error) {
	s, err := h.Setup.School(ctx)
	if err != nil {
		return false, err
	}
	if !s.Done.IsZero() {
		return true, nil
	}
	n, err := h.People.Counts(ctx)
	if err != nil {
		return false, err
	}
	if len(n) > 0 {
		return false, ErrHalf
	}
	return false, nil
}

// Fill makes the village school in a fresh house whose clock is a *Clock.
func Fill(ctx context.Context, h *house.House) error { return FillSize(ctx, h, Village()) }

// FillSize is Fill for a school of another size.
func FillSize(ctx context.Context, h *house.House, size Size) (err error) {
	c, ok := h.Clock().(*Clock)
	if !ok {
		return errors.New("a demonstration needs a house with the demonstration's clock")
	}
	done, err := Done(ctx, h)
	if err != nil {
		return err
	}
	if done {
		return ErrFilled
	}
	f := newFilling(h, c, size)
	defer c.travel(time.Time{})
	if err := f.run(ctx); err != nil {
		return fmt.Errorf("making the demonstration school: %w", err)
	}
	return nil
}

// filling is one school in the making.
type filling struct {
	h    *house.House
	c    *Clock
	size Size
	// rand is seeded with a fixed number: the same school every time, which no
	// secret depends on.
	rand *rand.Rand
	now  time.Time // the present
	cal  *people.Calendar
	// latest is when the last act was done.
	latest time.Time
	days   []people.Day // the school days with web activity, oldest first

	cast    map[string]people.ID // the people with a part, by the name of the part
	pupils  []pupil
	staff   []people.ID
	devices []device

	governors []people.ID
	usernames map[people.ID]string          // of staff
	clauses   map[agreements.Sheet][]string // of the rules that were published
	samples   int                           // how many were judged
	// sampleCase is the concern from a row of a sample.
	sampleCase caseRun
	kept       map[string]string // the newest report of each kind

	alerts   map[string]string // category: what a block in it alerts to
	decided  map[string]decision
	subjects map[string]string // person and year: pseudonym
	events   uint64            // the last event's number
}

func newFilling(h *house.House, c *Clock, size Size) *filling {
	return &filling{
		h: h, c: c, size: size, rand: rand.New(rand.NewPCG(1934, 11)), //nolint:gosec // invented people
		now: c.Now(), cast: map[string]people.ID{}, alerts: map[string]string{}, decided: map[string]decision{}, subjects: map[string]string{},
		clauses: map[agreements.Sheet][]string{}, kept: map[string]string{}, usernames: map[people.ID]string{},
	}
}

// run does everything in the order in which a school would.
func (f *filling) run(ctx context.Context) error {
	ctx = actor.With(ctx, actor.New(actor.Belisha("demo"), f.h.Capabilities()...))
	for _, step := range []func(context.Context) error{
		f.name, f.enrol, f.appoint, f.open, f.live, f.finish,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// name sets the calendar and the school's name, some weeks before the first
// day that is recorded.
func (f *filling) name(ctx context.Context) error {
	cal, err := calendar(f.now)
	if err != nil {
		return err
	}
	f.cal = cal
	f.days = lastSchoolDays(cal, f.now, f.size.Days)
	f.c.travel(f.begin())
	if err := f.h.Setup.SetName(ctx, setup.Name{School: School, Host: Host, Zone: cal.Zone}); err != nil {
		return err
	}
	old, err := f.h.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return err
	}
	next := *cal
	next.Version = old.Version
	return f.h.People.SetCalendar(ctx, next)
}

// begin is when the school took up Belisha: early enough for one password to
// be too old by now.
func (f *filling) begin() time.Time {
	first := f.days[0].Add(-7)
	if latest := f.cal.Day(f.now).Add(-101); first > latest {
		first = latest
	}
	return f.cal.On(first, 9*60+10)
}

// finish tidies the record, makes a backup, which nobody has tried to bring
// back yet, and closes the set-up: a folder without this mark was left half
// made.
func (f *filling) finish(ctx context.Context) error {
	f.c.travel(time.Time{})
	if _, err := f.h.Memory().Enforce(ctx, f.now); err != nil {
		return err
	}
	if _, err := f.h.Backup.Run(ctx); err != nil {
		return fmt.Errorf("making the first backup: %w", err)
	}
	if err := f.h.Policies.RunControls(ctx); err != nil {
		return fmt.Errorf("looking at the controls: %w", err)
	}
	return f.h.Setup.Finish(ctx)
}

// as acts for one of the cast, with what their posts let them do now.
func (f *filling) as(ctx context.Context, part string) (context.Context, error) {
	a, err := f.h.Access.ActorOf(ctx, f.cast[part])
	if err != nil {
		return ctx, fmt.Errorf("acting as the %s: %w", part, err)
	}
	return actor.With(ctx, a), nil
}

// asPerson is as for anybody of the school.
func (f *filling) asPerson(ctx context.Context, id people.ID) (context.Context, error) {
	a, err := f.h.Access.ActorOf(ctx, id)
	if err != nil {
		return ctx, fmt.Errorf("acting as somebody: %w", err)
	}
	return actor.With(ctx, a), nil
}
