package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"belisha/internal/activity"
	"belisha/internal/school/people"
)

// Days of the story, counted in school days back from the last one.
const (
	namesFrom  = 60 // the head confirms that names are recorded
	gapDay     = 3  // the record has a gap that nobody explained
	gapFrom    = 11*60 + 25
	gapUntil   = 11*60 + 51
	checkEvery = 6 // how often the controls look, in days
)

// live goes through the school days: what people do in the morning, the day's
// web, what it raises, what people do after school.
func (f *filling) live(ctx context.Context) error {
	f.devices = kit()
	acts, err := f.acts()
	if err != nil {
		return err
	}
	for i, d := range f.days {
		ago := len(f.days) - 1 - i
		todays := append(acts[ago], f.worries(d, ago)...)
		slices.SortStableFunc(todays, func(a, b act) int { return a.minute - b.minute })
		if err := f.perform(ctx, todays, d, 0, 9*60); err != nil {
			return err
		}
		if err := f.surf(ctx, d, ago); err != nil {
			return fmt.Errorf("the web on %s: %w", d, err)
		}
		if err := f.perform(ctx, todays, d, 9*60, 24*60); err != nil {
			return err
		}
		if err := f.evening(ctx, d, ago); err != nil {
			return err
		}
		if ago%checkEvery == 0 || ago < 3 {
			f.at(d, 17*60+40)
			if err := f.h.Policies.RunControls(ctx); err != nil {
				return fmt.Errorf("looking at the controls: %w", err)
			}
		}
		f.latest = f.c.Now()
	}
	return nil
}

// evening is what happens by the clock when the day is over.
func (f *filling) evening(ctx context.Context, d people.Day, ago int) error {
	f.at(d, 17*60+35)
	if err := f.manyConcerns(ctx, d, ago); err != nil {
		return err
	}
	for _, settle := range []func(context.Context) error{f.h.Filtering.SettleUnblocks, f.h.Filtering.SettlePermits, f.h.Classroom.Settle} {
		if err := settle(ctx); err != nil {
			return err
		}
	}
	return f.draw(ctx, d, ago)
}

// at sets the clock to a minute of the day, never past the present, and never
// back before what was done already.
func (f *filling) at(d people.Day, minute int) {
	t := f.cal.On(d, minute)
	if t.Before(f.latest) {
		t = f.latest
	}
	if t.After(f.now) {
		t = f.now
	}
	f.c.travel(t)
}

// minuteNow is the minute of the day at the present.
func (f *filling) minuteNow() int { return int(f.cal.MinuteOfWeek(f.now)) % (24 * 60) }

// act is something that somebody does.
type act struct {
	minute int
	part   string // who does it; "" is Belisha itself
	do     func(ctx context.Context) error
}

// perform does the acts of a part of the day. What would lie ahead of the
// present has not been done.
func (f *filling) perform(ctx context.Context, acts []act, d people.Day, from, until int) error {
	for _, a := range acts {
		if a.minute < from || a.minute >= until || f.cal.On(d, a.minute).After(f.now) {
			continue
		}
		f.at(d, a.minute)
		who := ctx
		if a.part != "" {
			var err error
			if who, err = f.as(ctx, a.part); err != nil {
				return err
			}
		}
		if err := a.do(who); err != nil {
			return fmt.Errorf("on %s at %d:%02d: %w", d, a.minute/60, a.minute%60, err)
		}
		f.latest = f.c.Now()
	}
	return nil
}

// surf makes a day's events and keeps them as the house would.
func (f *filling) surf(ctx context.Context, d people.Day, ago int) error {
	named := ago <= namesFrom
	visits := f.size.Visits * (70 + f.rand.IntN(31)) / 100
	events, err := f.day(ctx, d, visits, named)
	if err != nil {
		return err
	}
	if ago == gapDay {
		events = f.without(events, d, gapFrom, gapUntil)
	}
	f.at(d, 17*60+30)
	if named {
		err = f.h.Memory().Append(ctx, events)
	} else {
		err = f.h.Memory().Count(ctx, events)
	}
	if err != nil {
		return err
	}
	return f.beat(ctx, d, events, ago)
}

// without drops what falls into a stretch of the day.
func (f *filling) without(events []activity.Event, d people.Day, from, until int) []activity.Event {
	a, b := f.cal.On(d, from), f.cal.On(d, until)
	out := events[:0]
	for _, e := range events {
		if e.At.Before(a) || !e.At.Before(b) {
			out = append(out, e)
		}
	}
	return out
}

// beat notes the filter's sign of life where school hours were quiet for some
// minutes, so that quiet is not taken for a gap.
func (f *filling) beat(ctx context.Context, d people.Day, events []activity.Event, ago int) error {
	if ago > 25 {
		return nil // no control looks so far back
	}
	busy := map[int64]bool{}
	for _, e := range events {
		busy[e.At.Unix()/60] = true
	}
	hours := f.cal.Hours[d.Weekday()]
	quiet := 0
	for m := hours.From; m < hours.Until; m++ {
		at := f.cal.On(d, m)
		if busy[at.Unix()/60] || (ago == gapDay && m >= gapFrom && m < gapUntil) || at.After(f.now) {
			quiet = 0
			continue
		}
		if quiet++; quiet%4 != 1 {
			continue
		}
		if err := f.h.Memory().Heartbeat(ctx, gate, people.MainSite, at.Add(20*time.Second), 0); err != nil {
			return err
		}
	}
	return nil
}

// worryDay is a day on which something is put in the safeguarding lead's
// tray.
type worryDay struct {
	minute  int
	pupil   int // counted among the older pupils; -1 is a shared computer
	outcome string
	said    string
	opened  int // minutes until somebody looked; 0: nobody has yet
	// chat: it was written to an AI service.
	chat bool
}

func worryDays() map[int]worryDay {
	return map[int]worryDay{
		44: {11*60 + 42, 17, "no-concern", "A link in an article about social media that the class was reading.", 12, false},
		31: {14*60 + 3, 61, "spoken", "We talked over lunch. Home knows, and we meet again on Friday.", 9, false},
		17: {10*60 + 15, -1, "no-concern", "The library computer, a Year 8 group researching for PSHE.", 55, false},
		9:  {13*60 + 2, 104, "raised", "A concern was opened from it; the deputy lead is informed.", 6, false},
		6:  {10*60 + 38, 52, "spoken", "It was for a story in English, and not only. We talked, and talk again on Monday.", 8, true},
		1:  {15*60 + 12, 33, "", "", 0, false},
		0:  {9*60 + 21, 88, "", "", 0, false},
	}
}

// worries are the acts of a day's signal: it is raised in the way the house
// does, and the safeguarding lead looks at it and says what came of it.
func (f *filling) worries(d people.Day, ago int) []act {
	w, ok := worryDays()[ago]
	if !ok || f.cal.On(d, w.minute).After(f.now.Add(-3*time.Minute)) {
		return nil
	}
	key := ""
	acts := []act{{w.minute, "", func(ctx context.Context) (err error) {
		if w.chat {
			key, err = f.raiseChat(ctx, f.cal.On(d, w.minute), w)
			return err
		}
		key, err = f.raise(ctx, f.cal.On(d, w.minute), worries()[ago%3], w)
		return err
	}}}
	if w.outcome == "" {
		return acts
	}
	return append(acts,
		act{w.minute + w.opened, "dsl", func(ctx context.Context) error {
			_, err := f.h.Monitoring.OpenSignal(ctx, key)
			return err
		}},
		act{w.minute + w.opened + 115, "dsl", func(ctx context.Context) error {
			s, err := f.h.Monitoring.OpenSignal(ctx, key)
			if err != nil {
				return err
			}
			if w.outcome == "raised" {
				if err := f.raised(ctx, s.ID); err != nil {
					return err
				}
			}
			return f.h.Monitoring.CloseSignal(ctx, s.ID, w.outcome, w.said, s.Version)
		}})
}

// raise has the filter meet a page that worries, and answers the key of what
// then waits for the safeguarding lead.
func (f *filling) raise(ctx context.Context, at time.Time, p page, w worryDay) (string, error) {
	v := deviceAt(f.devices[4])
	if w.pupil >= 0 {
		older := f.older()
		v = f.pupilAt(older[w.pupil%len(older)])
	}
	e, err := f.event(ctx, v, p, at, true)
	if err != nil {
		return "", err
	}
	return f.met(ctx, e)
}

// met keeps an event by itself, and answers the key of what it puts before the
// safeguarding lead.
func (f *filling) met(ctx context.Context, e activity.Event) (string, error) {
	f.events++
	e.ID = f.events
	if e.Alert == "" {
		return "", fmt.Errorf("%s%s raises nothing", e.Host, e.Path)
	}
	if err := f.h.Memory().Append(ctx, []activity.Event{e}); err != nil {
		return "", err
	}
	before, err := f.waiting(ctx)
	if err != nil {
		return "", err
	}
	if err := f.h.Monitoring.Saw(ctx, []activity.Event{e}); err != nil {
		return "", err
	}
	after, err := f.waiting(ctx)
	for key := range after {
		if !before[key] {
			return key, err
		}
	}
	return "", errors.Join(err, errors.New("a signal was raised and does not wait"))
}

// older are the pupils of years 8 to 10 without a part in the cast.
func (f *filling) older() []int {
	var out []int
	for i, p := range f.pupils {
		if (p.year == "8" || p.year == "9" || p.year == "10") && p.id != f.cast["pupil10"] {
			out = append(out, i)
		}
	}
	return out
}

// waiting are the keys of what waits for the safeguarding lead.
func (f *filling) waiting(ctx context.Context) (map[string]bool, error) {
	a, err := f.h.Access.ActorOf(ctx, f.cast["dsl"])
	if err != nil {
		return nil, err
	}
	items, err := f.h.Monitoring.Waiting(ctx, a)
	out := map[string]bool{}
	for _, it := range items {
		out[it.Key] = true
	}
	return out, err
}
