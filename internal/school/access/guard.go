package access

import (
	"net/netip"
	"sync"
	"time"
)

// guard slows down an address that tries one account after another. A whole
// class may sit behind one address, so it takes many more wrong tries than an
// account does. What it remembers is bounded: the oldest address is forgotten
// first. What the filter asks about passwords comes from no address: it bounds
// each device by itself, and one device must not close the way for all.
type guard struct {
	mu    sync.Mutex
	tries map[netip.Addr]*addressTries
}

type addressTries struct {
	failed int
	since  time.Time
	until  time.Time
}

// Bounds of the guard.
const (
	maxAddresses = 10_000
	classFactor  = 20 // times the tries that an account has
)

func newGuard() *guard { return &guard{tries: map[netip.Addr]*addressTries{}} }

// key is what counts as one address: a network of IPv6 is one household.
func guardKey(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// closed reports whether the address must wait.
func (g *guard) closed(a netip.Addr, now time.Time, rest time.Duration) bool {
	if a.IsUnspecified() {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.tries[guardKey(a)]
	if t == nil || !now.Before(t.until) {
		return false
	}
	if t.until.Sub(now) > rest { // the clock went back
		t.until = now.Add(rest)
	}
	return true
}

// failed counts a wrong try.
func (g *guard) failed(a netip.Addr, now time.Time, tries int64, rest time.Duration) {
	if a.IsUnspecified() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	k := guardKey(a)
	t := g.tries[k]
	if t == nil {
		g.makeRoom(now, rest)
		t = &addressTries{since: now}
		g.tries[k] = t
	}
	if now.Sub(t.since) > rest || now.Before(t.since) {
		t.failed, t.since = 0, now
	}
	t.failed++
	if int64(t.failed) >= tries*classFactor {
		t.until, t.failed, t.since = now.Add(rest), 0, now
	}
}

// makeRoom drops what is over, and if that is not enough the oldest.
func (g *guard) makeRoom(now time.Time, rest time.Duration) {
	if len(g.tries) < maxAddresses {
		return
	}
	var oldest netip.Addr
	var at time.Time
	for a, t := range g.tries {
		if now.Sub(t.since) > rest && !now.Before(t.until) {
			delete(g.tries, a)
			continue
		}
		if !now.Before(t.until) && (at.IsZero() || t.since.Before(at)) {
			oldest, at = a, t.since
		}
	}
	if len(g.tries) < maxAddresses {
		return
	}
	if at.IsZero() { // all of them wait: forget any one
		for a := range g.tries {
			oldest = a
			break
		}
	}
	delete(g.tries, oldest)
}

// failures gathers wrong tries into few journal lines: the first of a quarter
// of an hour at once, the others as one count. Memory and lines are bounded.
type failures struct {
	mu   sync.Mutex
	open map[string]*failureCount // account id, or "unknown"
}

type failureCount struct {
	since time.Time
	more  int
}

const (
	maxFailures    = 2000
	failuresWindow = 15 * time.Minute
)

func newFailures() *failures { return &failures{open: map[string]*failureCount{}} }

// note counts a try and reports whether a line is to be written for it.
func (f *failures) note(key string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.open[key]; c != nil {
		c.more++
		return false
	}
	if len(f.open) >= maxFailures {
		key = "unknown"
		if c := f.open[key]; c != nil {
			c.more++
			return false
		}
	}
	f.open[key] = &failureCount{since: now}
	return true
}

// due returns and forgets the counts whose time is over.
func (f *failures) due(now time.Time) map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]int{}
	for k, c := range f.open {
		if now.Sub(c.since) >= failuresWindow || now.Before(c.since) {
			if c.more > 0 {
				out[k] = c.more
			}
			delete(f.open, k)
		}
	}
	return out
}

// restore puts counts back that could not be written.
func (f *failures) restore(key string, n int, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.open[key]; c != nil {
		c.more += n
		return
	}
	f.open[key] = &failureCount{since: now.Add(-failuresWindow), more: n}
}
