package alarms

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Bounds of alarms.
const (
	every       = 3 * time.Minute
	usualAfter  = 2       // looks that must find it bad
	goodBefore  = 3       // looks that must find it well before it ends
	mostOfKind  = 10      // alarms of one kind that run at a time
	mostPending = 500     // things that were bad and are no alarm yet
	again       = 3 * day // how long nobody saw to it before it is told again
	mostNote    = 1000
	sameWithin  = day     // what comes again within this is the same alarm
	showEnded   = 7 * day // how long a grave one that ended unseen is a task
)

// LookOnce looks at everything once: what stayed bad becomes an alarm, what is
// well again ends one.
func (r *Room) LookOnce(ctx context.Context) error {
	r.looking.Lock()
	defer r.looking.Unlock()
	now := r.now()
	look, err := r.Look(ctx, now)
	if err != nil {
		return fmt.Errorf("looking for alarms: %w", err)
	}
	r.mu.Lock()
	r.last, r.at = look, now
	r.mu.Unlock()
	return r.Take(ctx, look)
}

// Take does what follows from one look.
func (r *Room) Take(ctx context.Context, look Look) error {
	r.taking.Lock()
	defer r.taking.Unlock()
	now := r.now()
	running, err := r.Running(ctx)
	if err != nil {
		return err
	}
	bad := map[string]Signal{}
	for _, s := range look.Bad {
		bad[s.key()] = s
	}
	perKind := map[string]int{}
	for _, a := range running {
		perKind[a.Kind]++
		key := a.Kind + "\n" + a.Subject
		s, still := bad[key]
		delete(bad, key)
		if still {
			delete(r.good, a.ID)
			err = r.goesOn(ctx, a, s, now)
		} else if slices.Contains(look.Looked, a.Kind) {
			err = r.well(ctx, a, now)
		}
		if err != nil {
			return err
		}
	}
	return r.count(ctx, look, bad, perKind, now)
}

// well notes that an alarm's thing was well at one more look, and ends the
// alarm when it was so often enough.
func (r *Room) well(ctx context.Context, a Alarm, now time.Time) error {
	if r.good[a.ID]++; r.good[a.ID] < goodBefore {
		return nil
	}
	delete(r.good, a.ID)
	return r.end(ctx, a, now)
}

// count notes what is bad and no alarm yet, and raises what was bad often
// enough.
func (r *Room) count(ctx context.Context, look Look, bad map[string]Signal, perKind map[string]int, now time.Time) error {
	for key := range r.bad {
		kind, _, _ := strings.Cut(key, "\n")
		if _, still := bad[key]; !still && slices.Contains(look.Looked, kind) {
			delete(r.bad, key)
		}
	}
	for _, s := range look.Bad { // in order, so that the first are raised first
		key := s.key()
		if _, fresh := bad[key]; !fresh {
			continue
		}
		delete(bad, key)
		c := r.bad[key]
		if c == nil {
			if len(r.bad) >= mostPending {
				continue
			}
			c = &count{since: now}
			r.bad[key] = c
		}
		c.n++
		after := s.After
		if after == 0 {
			after = usualAfter
		}
		if c.n < after || perKind[s.Kind] >= mostOfKind {
			continue
		}
		perKind[s.Kind]++
		delete(r.bad, key)
		if err := r.raise(ctx, s, c.since, now); err != nil {
			return err
		}
	}
	return nil
}

// schoolTime is how much of the school's hours lies between two moments, up to
// a bound.
func schoolTime(school SchoolHour, from, to time.Time, most time.Duration) time.Duration {
	const step = 5 * time.Minute
	if oldest := to.Add(-30 * day); from.Before(oldest) {
		from = oldest
	}
	var sum time.Duration
	for at := from; at.Add(step).Compare(to) <= 0 && sum < most; at = at.Add(step) {
		if school(at) {
			sum += step
		}
	}
	return sum
}
