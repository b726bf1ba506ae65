package soak

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/spool"
)

// ledger takes what was written down, as the parent does, and holds it
// against the rules that it says it was decided by.
type ledger struct {
	*world
	reader  *spool.Reader
	last    uint64
	records uint64
	events  uint64
	of      map[string]uint64 // by who, repeats included
	pending []spool.Event     // by rules whose number is not known yet
	checked uint64
	why     map[string]map[string]int // what was closed for somebody
}

func newLedger(w *world) *ledger {
	r, err := spool.OpenReader(filepath.Join(w.dir, "spool"))
	if err != nil {
		w.t.Fatal(err)
	}
	return &ledger{world: w, reader: r, of: map[string]uint64{}, why: map[string]map[string]int{}}
}

// drain takes all there is by now.
func (l *ledger) drain() {
	for {
		events, cursor, err := l.reader.Next(5000)
		if err != nil {
			l.fail("the spool: %v", err)
			return
		}
		if err := l.reader.Ack(cursor); err != nil {
			l.fail("the spool: %v", err)
			return
		}
		waiting := l.pending
		l.pending = nil
		for i := range waiting {
			l.hold(&waiting[i])
		}
		for i := range events {
			l.take(&events[i])
		}
		if len(events) == 0 {
			return
		}
	}
}

func (l *ledger) take(e *spool.Event) {
	if e.ID != l.last+1 {
		l.fail("after event %d comes %d", l.last, e.ID)
	}
	l.last = e.ID
	l.records++
	if e.Kind != spool.Decision {
		return
	}
	l.events += uint64(e.Count)
	l.of[e.Subject] += uint64(e.Count)
	if e.Action == spool.ActionBlock {
		if l.why[e.Subject] == nil {
			l.why[e.Subject] = map[string]int{}
		}
		l.why[e.Subject][e.Reason+" "+e.Detail] += int(e.Count)
	}
	l.hold(e)
}

// hold sees that an event is what its rules say.
func (l *ledger) hold(e *spool.Event) {
	if l.newer(e.RulesNumber) {
		if len(l.pending) < 100_000 {
			l.pending = append(l.pending, *e)
		}
		return
	}
	closed, known := l.oracle.byRules(e.RulesNumber, e.Host)
	if !known || e.Subject == "" {
		return
	}
	l.checked++
	byName := e.Reason == "own-block" || e.Reason == "category"
	blocked := e.Action == spool.ActionBlock
	if closed && (!blocked || e.Reason == "" || byName && (e.Group == "" || e.Rule == "")) || !closed && blocked && byName {
		l.fail("by rules %d %s is closed: %v; written down is %+v", e.RulesNumber, e.Host, closed, *e)
	}
}

func (l *ledger) newer(number uint64) bool {
	l.oracle.mu.Lock()
	defer l.oracle.mu.Unlock()
	_, known := l.oracle.number[number]
	return !known && number > 0
}

// check holds the sums against each other: what the gate says it decided,
// what came out of the spool, and what was asked.
func (l *ledger) check(s control.Status, all []*client) {
	decided := s.Decisions.Allowed + s.Decisions.Blocked + s.Decisions.Support + s.Decisions.Tried
	l.t.Logf("%d decisions, %d events in %d records taken from the spool, %d held against their rules; %d written late", decided, l.events, l.records, l.checked, s.Spool.Late)
	if decided != s.Spool.Events || l.events != s.Spool.Events || s.Spool.Dropped+s.Spool.Lost+s.Spool.Failures != 0 || s.Decisions.Unrecorded > s.Spool.Late {
		l.t.Errorf("%d decisions were taken (%d not recorded), the spool took %+v, and %d came out", decided, s.Decisions.Unrecorded, s.Spool, l.events)
	}
	if l.reader.Damaged() != 0 || len(l.pending) != 0 {
		l.t.Errorf("%d segments are damaged; %d events are by rules that nobody knows", l.reader.Damaged(), len(l.pending))
	}
	for _, c := range all {
		have := l.of[c.name]
		if l.t.Failed() || len(l.wrong) > 0 {
			l.t.Logf("%s: closed for %v", c.name, l.why[c.name])
		}
		exact := c.kind == "pages" || c.kind == "movers" || strings.HasPrefix(c.kind, "names")
		if exact && (have < c.asked || have > max(c.asked+1, c.tries.Load())+c.either) { // the last may have been under way
			l.t.Errorf("%s asked %d times (%d tries, %d while the rules changed), and %d events are written down", c.name, c.asked, c.tries.Load(), c.either, have)
		}
	}
}

// watch looks each second how large the gate is, and drains its spool.
type watch struct {
	*world
	ledger  *ledger
	samples []sample
	before  figures // when nobody had asked anything
}

type sample struct {
	at                           time.Duration
	rss, heap, goroutines, files float64
}

// begin waits until the gate has said how it is when nobody asks.
func (m *watch) begin() {
	for stop := now().Add(patience); m.child.told.Load() == nil && now().Before(stop); {
		wait(context.Background(), 50*time.Millisecond)
	}
	if f := m.child.told.Load(); f != nil {
		m.before = *f
	}
}

// settled sees that nothing goes on when nobody asks any more, but for what is
// kept for the next who asks.
func (m *watch) settled() {
	const kept = 150 // connections to sites and resolvers, and what waits on them
	var f figures
	for stop := now().Add(patience); now().Before(stop); wait(context.Background(), 200*time.Millisecond) {
		if f = *m.child.told.Load(); f.Goroutines <= m.before.Goroutines+kept {
			break
		}
	}
	m.t.Logf("goroutines: %d before anybody asked, %d when all had gone", m.before.Goroutines, f.Goroutines)
	if f.Goroutines > m.before.Goroutines+kept {
		m.fail("%d goroutines are left of %d at the beginning", f.Goroutines, m.before.Goroutines)
	}
}

func (m *watch) run(ctx, load context.Context) {
	began := now()
	for wait(ctx, time.Second) {
		m.ledger.drain()
		told := m.child.told.Load()
		if told == nil || load.Err() != nil {
			continue
		}
		m.samples = append(m.samples, sample{
			now().Sub(began), resident(m.state.PID), float64(told.Heap) / (1 << 20), float64(told.Goroutines), openFiles(m.state.PID),
		})
	}
}

// resident is the process's own memory in megabytes; lists are mapped files.
func resident(pid int) float64 {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(raw)) {
		var kb float64
		if _, err := fmt.Sscanf(line, "RssAnon: %f kB", &kb); err == nil {
			return kb / 1024
		}
	}
	return 0
}

func openFiles(pid int) float64 {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return float64(len(list))
}

// check sees that nothing grew over the last two thirds. What is allowed is
// far less than a leak of one thing for each hundredth request would come to.
func (m *watch) check(lasted time.Duration) {
	if len(m.samples) < 6 {
		return
	}
	late := m.samples[len(m.samples)/3:]
	m.t.Logf("%-22s %9s %9s %9s", "over the last 2/3", "begins", "ends", "most")
	for _, of := range []struct {
		name  string
		value func(sample) float64
		share float64 // by which it may grow
		more  float64 // and besides
	}{
		{"own memory MB", func(s sample) float64 { return s.rss }, 0.15, 8},
		{"heap MB", func(s sample) float64 { return s.heap }, 0.15, 3},
		{"goroutines", func(s sample) float64 { return s.goroutines }, 0.1, 15},
		{"open files", func(s sample) float64 { return s.files }, 0.1, 15},
	} {
		from, to, most := line(late, of.value)
		m.t.Logf("%-22s %9.1f %9.1f %9.1f", of.name, from, to, most)
		if lasted >= time.Minute && to > from*(1+of.share)+of.more {
			m.t.Errorf("%s grew from %.1f to %.1f within %s", of.name, from, to, (late[len(late)-1].at - late[0].at).Round(time.Second))
		}
	}
}

// line is where the straight line through the samples begins and ends.
func line(all []sample, value func(sample) float64) (from, to, most float64) {
	var n, x, y, xx, xy float64
	for _, s := range all {
		at, v := s.at.Seconds(), value(s)
		n, x, y, xx, xy = n+1, x+at, y+v, xx+at*at, xy+at*v
		most = max(most, v)
	}
	slope := (n*xy - x*y) / (n*xx - x*x)
	base := (y - slope*x) / n
	return base + slope*all[0].at.Seconds(), base + slope*all[len(all)-1].at.Seconds(), most
}
