package soak

import (
	"sync"
	"time"

	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
)

func now() time.Time { return clock.System{}.Now() }

// outcomes are what may come of a request.
type outcomes struct{ open, closed bool }

func (o *outcomes) add(closed bool) {
	if closed {
		o.closed = true
		return
	}
	o.open = true
}

// stretch is a time: something may have held from its beginning to its end,
// and certainly did between the two where no other stretch touches it.
type stretch struct{ from, until time.Time }

func (s stretch) touches(from, until time.Time) bool {
	return !s.from.After(until) && (s.until.IsZero() || !s.until.Before(from))
}

// rules are what one set of rules closes, of the names that change.
type rules struct {
	closed   map[string]bool
	unblocks map[string]verdict.Span // names that are closed but in this time
}

// era is a set of rules with when it may have been in force.
type era struct {
	stretch
	number uint64
	rules  rules
}

// shift is by how much the gate's clock may have been ahead.
type shift struct {
	stretch
	by time.Duration
}

// oracle knows what must come of a request, by all that may have held within
// it. What is long over is forgotten.
type oracle struct {
	mu     sync.Mutex
	eras   []era
	shifts []shift
	groups map[string][]groupEra // of clients that move, by address
	away   []stretch             // the scanner
	number map[uint64]rules
}

type groupEra struct {
	stretch
	staff bool
}

func newOracle() *oracle {
	return &oracle{groups: map[string][]groupEra{}, number: map[uint64]rules{}, shifts: []shift{{stretch{from: now()}, 0}}}
}

const keepFor = 2 * time.Minute

// begin says that rules are being put in force, and settle that they are.
func (o *oracle) begin(r rules) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.eras) > 2 && !o.eras[0].until.IsZero() && now().Sub(o.eras[0].until) > keepFor {
		o.eras = o.eras[1:]
	}
	o.eras = append(o.eras, era{stretch: stretch{from: now()}, rules: r})
}

func (o *oracle) settle(number uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	last := len(o.eras) - 1
	o.eras[last].number = number
	o.number[number] = o.eras[last].rules
	for i := range last {
		if o.eras[i].until.IsZero() {
			o.eras[i].until = now()
		}
	}
}

// moving says that the clock is being put to by ahead; moved that it is.
func (o *oracle) moving(by time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shifts = append(o.shifts, shift{stretch{from: now()}, by})
}

func (o *oracle) moved() {
	o.mu.Lock()
	defer o.mu.Unlock()
	last := len(o.shifts) - 1
	o.shifts[last-1].until = now()
	if len(o.shifts) > 50 {
		o.shifts = o.shifts[len(o.shifts)-50:]
	}
}

// times are the times of the gate's clock within a request, and the latest
// ones that it may have seen by then.
func (o *oracle) times(from, until time.Time) (clocks, highs [][2]time.Time) {
	var lowHigh, highHigh time.Time
	later := func(a *time.Time, b time.Time) {
		if b.After(*a) {
			*a = b
		}
	}
	for _, s := range o.shifts {
		if s.from.After(until) {
			continue
		}
		end := until
		if !s.until.IsZero() && s.until.Before(until) {
			end = s.until
		}
		later(&highHigh, end.Add(s.by))
		sure := from
		if !s.until.IsZero() && s.until.Before(from) {
			sure = s.until
		}
		// What the clock said is known to the gate when it looks, which it
		// does several times a second.
		if s.from.Before(sure) {
			later(&lowHigh, sure.Add(s.by-time.Second))
		}
		if s.touches(from, until) {
			clocks = append(clocks, [2]time.Time{from.Add(s.by), until.Add(s.by)})
		}
	}
	return clocks, [][2]time.Time{{lowHigh, highHigh}}
}

// within adds whether a span is running at some of the times, and whether it
// is not at some.
func within(span verdict.Span, times [][2]time.Time) (in, out bool) {
	for _, t := range times {
		from, until := t[0].UnixMilli()-5, t[1].UnixMilli()+5
		if from < span.Until && until >= span.From {
			in = true
		}
		if from < span.From || until >= span.Until {
			out = true
		}
	}
	return in, out
}

// of is what may come of a name asked for between two times.
func (o *oracle) of(host string, from, until time.Time) (all outcomes) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.eras {
		e := &o.eras[i]
		if !e.touches(from, until) {
			continue
		}
		span, timed := e.rules.unblocks[host]
		if !timed {
			all.add(e.rules.closed[host])
			continue
		}
		clocks, highs := o.times(from, until)
		in, out := within(span, clocks)
		highIn, highOut := within(span, highs)
		all.open = all.open || in && highIn
		all.closed = all.closed || out || highOut
	}
	return all
}

// joins says that a client moves to the staff's group or back.
func (o *oracle) joins(address string, staff bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.groups[address]
	if len(list) > 10 {
		list = list[len(list)-10:]
	}
	o.groups[address] = append(list, groupEra{stretch{from: now()}, staff})
}

func (o *oracle) joined(address string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.groups[address]
	for i := range len(list) - 1 {
		if list[i].until.IsZero() {
			list[i].until = now()
		}
	}
}

// game is what may come of a name that is closed for all but staff.
func (o *oracle) game(address string, from, until time.Time) (all outcomes) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, g := range o.groups[address] {
		if g.touches(from, until) {
			all.add(!g.staff)
		}
	}
	return all
}

// goes says that the scanner is about to be away, and back that it is there
// again: for as long as it was away at most it may be left alone still.
func (o *oracle) goes() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.away) > 20 {
		o.away = o.away[10:]
	}
	o.away = append(o.away, stretch{from: now()})
}

func (o *oracle) back() {
	o.mu.Lock()
	defer o.mu.Unlock()
	last := &o.away[len(o.away)-1]
	last.until = now().Add(2*now().Sub(last.from) + 2*time.Second)
}

// unscanned reports that a file may not have been scanned.
func (o *oracle) unscanned(from, until time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.away {
		if s.touches(from, until) {
			return true
		}
	}
	return false
}

// byRules is what the rules of a number said of a name at no particular time.
func (o *oracle) byRules(number uint64, host string) (closed, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r, ok := o.number[number]
	if !ok {
		return false, false
	}
	if _, timed := r.unblocks[host]; timed {
		return false, false
	}
	closed, known = r.closed[host]
	return closed, known
}
