package accounting

import (
	"net/netip"
	"strings"
	"sync"
	"time"
)

// ledger remembers for a while what was answered, which sessions run and which
// are over: packets are sent again, and arrive in any order. What it forgets
// ends later, or is said anew.
type ledger struct {
	mu   sync.Mutex
	seen map[seenKey]answered
	over map[string]ended
	runs map[string]running
	next time.Time
}

// ended is a session that is over.
type ended struct {
	at    time.Time
	until time.Time // until when it is remembered
}

// running is a session that goes on.
type running struct {
	nas   nas
	began time.Time
	heard time.Time
	gap   time.Duration // the longest between two updates
	until time.Time     // until when it is remembered
}

type seenKey struct {
	from          netip.AddrPort
	id            byte
	authenticator [16]byte
}

type answered struct {
	reply []byte // nil: it is being taken
	until time.Time
}

const (
	seenFor   = 30 * time.Second
	overFor   = 30 * time.Minute
	maxLedger = 20_000
	sameTime  = 2 * time.Second // packets of one moment may come in any order
)

func newLedger() ledger {
	return ledger{seen: make(map[seenKey]answered), over: make(map[string]ended), runs: make(map[string]running)}
}

// begin reports what was answered to the same packet before, or that it is
// being taken just now.
func (l *ledger) begin(k seenKey, now time.Time) (reply []byte, running bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tidy(now)
	if have, ok := l.seen[k]; ok && now.Before(have.until) {
		return have.reply, have.reply == nil
	}
	l.seen[k] = answered{until: now.Add(seenFor)}
	return nil, false
}

func (l *ledger) done(k seenKey, reply []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if have, ok := l.seen[k]; ok {
		l.seen[k] = answered{reply, have.until}
	}
}

func (l *ledger) forget(k seenKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.seen, k)
}

// stop writes down that a session is over.
func (l *ledger) stop(session string, at, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tidy(now)
	delete(l.runs, session)
	l.over[session] = ended{at: at, until: now.Add(overFor)}
}

// stopped reports that what is said was so before the session's end. A number
// that begins after it is used for another session: some access points count
// from one again.
func (l *ledger) stopped(session string, m *message, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	x, ok := l.over[session]
	if !ok || !now.Before(x.until) {
		return false
	}
	if m.status == statusStart && m.said(now).Sub(x.at) > sameTime {
		delete(l.over, session)
		return false
	}
	return true
}

// goesOn writes down that a session runs, and returns until when it does
// without another word: where updates come, three of them may fail.
func (l *ledger) goesOn(session string, m *message, began, now time.Time) (ends time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tidy(now)
	x, had := l.runs[session]
	ends = now.Add(lasts)
	if had && m.status == statusInterim {
		x.gap = max(x.gap, now.Sub(x.heard))
		if at := now.Add(max(silent, 3*x.gap)); at.Before(ends) {
			ends = at
		}
	}
	x.nas, x.heard, x.until = m.nas, now, ends
	if !had || m.status == statusStart {
		x.began = began
	}
	l.runs[session] = x
	return ends
}

// later reports a session that began after a moment.
func (l *ledger) later(session string, than time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	x, ok := l.runs[session]
	return ok && x.began.Sub(than) > sameTime
}

// began ends the sessions of an access point that starts or stops altogether,
// by any of its names, and returns them. Their numbers are free again.
func (l *ledger) began(ofPeer, ofNAS string, n nas) (gone []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for session := range l.over {
		if strings.HasPrefix(session, ofNAS) {
			delete(l.over, session)
		}
	}
	for session, x := range l.runs {
		if strings.HasPrefix(session, ofNAS) || strings.HasPrefix(session, ofPeer) && x.nas.is(n) {
			gone = append(gone, session)
			delete(l.runs, session)
		}
	}
	return gone
}

// tidy forgets what is over, and everything where that is not enough.
func (l *ledger) tidy(now time.Time) {
	if now.Before(l.next) && len(l.seen) < maxLedger && len(l.over) < maxLedger && len(l.runs) < maxLedger {
		return
	}
	l.next = now.Add(seenFor)
	for k, a := range l.seen {
		if !now.Before(a.until) {
			delete(l.seen, k)
		}
	}
	for k, x := range l.over {
		if !now.Before(x.until) {
			delete(l.over, k)
		}
	}
	for k, x := range l.runs {
		if !now.Before(x.until) {
			delete(l.runs, k)
		}
	}
	if len(l.seen) >= maxLedger {
		clear(l.seen)
	}
	if len(l.over) >= maxLedger {
		clear(l.over)
	}
	if len(l.runs) >= maxLedger {
		clear(l.runs)
	}
}
