package tickets

import (
	"sync"
	"time"
)

// How often somebody may report.
const (
	perHour     = 10  // one person or one address
	perHourAnon = 120 // all addresses where nobody is signed in
	mostKeys    = 4096
	sameWithin  = 10 * time.Minute // the same again within this is the same report
)

// sent is one report that was taken, for the limit and for a button that was
// pressed twice.
type sent struct {
	at   time.Time
	what string // kind and site and words
	id   string
}

// limiter bounds how often one person or address reports. It remembers an hour
// and forgets with the process.
type limiter struct {
	mu   sync.Mutex
	by   map[string][]sent
	anon []time.Time
}

func newLimiter() *limiter { return &limiter{by: map[string][]sent{}} }

// before returns the report that the same key made of the same lately.
func (l *limiter) before(key, what string, now time.Time) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.by[key] {
		if s.what == what && !now.Before(s.at) && now.Sub(s.at) < sameWithin {
			return s.id, true
		}
	}
	return "", false
}

// allow reports whether the key may report once more, and counts it.
func (l *limiter) allow(key string, anon bool, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(now)
	if len(l.by[key]) >= perHour || anon && len(l.anon) >= perHourAnon {
		return false
	}
	if _, known := l.by[key]; !known && len(l.by) >= mostKeys {
		return false
	}
	l.by[key] = append(l.by[key], sent{at: now})
	if anon {
		l.anon = append(l.anon, now)
	}
	return true
}

// took notes what the last report of the key was.
func (l *limiter) took(key, what, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if list := l.by[key]; len(list) > 0 {
		list[len(list)-1].what, list[len(list)-1].id = what, id
	}
}

// forget drops what is older than an hour, or from a clock since put back.
func (l *limiter) forget(now time.Time) {
	old := func(at time.Time) bool { return now.Before(at) || now.Sub(at) >= time.Hour }
	for key, list := range l.by {
		keep := list[:0]
		for _, s := range list {
			if !old(s.at) {
				keep = append(keep, s)
			}
		}
		if len(keep) == 0 {
			delete(l.by, key)
			continue
		}
		l.by[key] = keep
	}
	keep := l.anon[:0]
	for _, at := range l.anon {
		if !old(at) {
			keep = append(keep, at)
		}
	}
	l.anon = keep
}
