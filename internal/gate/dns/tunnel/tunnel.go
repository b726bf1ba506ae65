// Package tunnel notices data that is carried in names: many long, random
// names under one parent, or types that carry free bytes. What pages use is
// short and comes again, and is answered from memory; only what had to be
// asked upstream is weighed here.
package tunnel

import (
	"math/bits"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	window     = time.Minute
	limit      = 3000 // weight of one parent for one client in a window
	closedFor  = 10 * time.Minute
	maxWatched = 8192
	usual      = 24 // characters below the parent that weigh nothing
	oddType    = 32 // a type that carries bytes
	random     = 16 // a name that no person would choose
)

// Watch remembers who asked for how much. It is safe for several goroutines.
type Watch struct {
	mu   sync.Mutex
	seen map[pair]*load
}

type pair struct {
	client netip.Addr
	parent string
}

type load struct {
	began  time.Time
	closed time.Time // until when
	weight int
}

// New returns an empty watch.
func New() *Watch { return &Watch{seen: make(map[pair]*load)} }

// Ask weighs a question that must be asked upstream. Over says that the parent
// of the name carries data for this client; first, that this was noticed just
// now.
func (w *Watch) Ask(client netip.Addr, name string, kind uint16, now time.Time) (over, first bool) {
	parent, sub := split(name)
	weight := weigh(parent, sub, kind)
	k := pair{client, parent}
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.seen[k]
	if l == nil {
		if weight == 0 {
			return false, false
		}
		if len(w.seen) >= maxWatched {
			w.forget(now)
		}
		l = &load{began: now}
		k.parent = strings.Clone(parent)
		w.seen[k] = l
	}
	if now.Before(l.closed) {
		return true, false
	}
	if now.Sub(l.began).Abs() >= window {
		l.began, l.weight = now, 0
	}
	if l.weight += weight; l.weight < limit {
		return false, false
	}
	l.closed, l.weight = now.Add(closedFor), 0
	return true, true
}

// forget drops what is over, and then whatever it must.
func (w *Watch) forget(now time.Time) {
	for k, l := range w.seen {
		if now.Sub(l.began).Abs() >= window && !now.Before(l.closed) {
			delete(w.seen, k)
		}
	}
	for k, l := range w.seen {
		if len(w.seen) < maxWatched*3/4 {
			return
		}
		if !now.Before(l.closed) {
			delete(w.seen, k)
		}
	}
	if len(w.seen) >= maxWatched {
		clear(w.seen)
	}
}

// split cuts a name into the part that somebody may have registered and what
// is below it. Short labels under an ending of two letters, as in co.uk,
// belong to the ending.
func split(name string) (parent, sub string) {
	at := strings.LastIndexByte(name, '.')
	if at < 0 {
		return name, ""
	}
	next := strings.LastIndexByte(name[:at], '.')
	if len(name)-at-1 == 2 && at-next-1 <= 3 && next >= 0 {
		next = strings.LastIndexByte(name[:next], '.')
	}
	if next < 0 {
		return name, ""
	}
	return name[next+1:], name[:next]
}

// weigh says how much a name under its parent looks like data.
func weigh(parent, sub string, kind uint16) int {
	if strings.HasSuffix(parent, ".arpa") || known(parent) {
		return 0 // addresses turned round are long by nature
	}
	w := max(len(sub)-usual, 0)
	if carries(kind) {
		w += oddType
	}
	if len(sub) >= usual && spread(sub) {
		w += random
	}
	return w
}

// carries reports types whose answers hold free bytes and that no page asks
// for: NULL, TXT, KEY, and the ones for private use; and DS and DNSKEY, which
// are answered where other types are not, and of which a zone has one each.
func carries(kind uint16) bool {
	switch kind {
	case 10, 16, 25, 43, 48:
		return true
	}
	return kind >= 65280 && kind < 65535
}

// spread reports a name with many different characters and with figures among
// its letters, as encoded bytes have.
func spread(sub string) bool {
	var seen uint64
	figures := 0
	for i := range len(sub) {
		c := sub[i]
		seen |= 1 << (c & 63)
		if '0' <= c && c <= '9' {
			figures++
		}
	}
	return bits.OnesCount64(seen) >= 14 && figures >= len(sub)/10
}
