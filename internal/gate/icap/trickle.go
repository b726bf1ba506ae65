package icap

import (
	"errors"
	"net/http"
	"os"
	"sync"
	"time"
)

// Squid up to 6.13 may stop reading from the origin when 65,535 bytes of an
// answer have gone to us and none has come back, and goes on only when some
// does (its bug 5352). A file that must be looked at whole would never arrive.
// So where such a client falls silent, the head of the answer and a byte of it
// at a time are given out early, far from enough to be of any use. What is
// found then ends the connection; a page is no longer possible.
const (
	stallFrom  = 60_000 // bytes: with fewer it is the origin that is slow
	stallFor   = 300 * time.Millisecond
	teaseEvery = 16 << 10 // bytes, once it has begun
	teaseMost  = 8 << 10
)

// trickle is what is given out early of one answer, by whoever reads it.
type trickle struct {
	mu   sync.Mutex
	over bool
	head []byte // HTTP head
	of   *body
	said []byte // the first bytes of the body
	sent int
	from int64 // of the body, when the latest was given out
}

// watch has the answer given out early where the client falls silent, until
// the returned function is called. Somebody may still be reading then.
func (x *exchange) watch(head []byte) (done func()) {
	t := &x.early
	t.head, t.of = head, x.body
	x.body.keep = t.keep
	tease := x.tease
	x.c.net.stalled.Store(&tease)
	return func() {
		x.c.net.stalled.Store(nil)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.over = true
	}
}

// keep remembers the first bytes of the body.
func (t *trickle) keep(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := teaseMost - len(t.said); room > 0 && !t.over {
		t.said = append(t.said, b[:min(room, len(b))]...)
	}
}

// tease gives out a byte. Silent says that nothing has come for a while.
func (x *exchange) tease(silent bool) error {
	t := &x.early
	t.mu.Lock()
	defer t.mu.Unlock()
	begun := t.sent > 0
	if t.over || t.of.given < stallFrom || !silent && !begun || begun && !silent && t.of.given-t.from < teaseEvery || t.sent >= len(t.said) {
		return nil
	}
	if !x.began {
		if err := x.message(http.StatusOK, resHead, t.head, true); err != nil {
			return err
		}
	}
	if err := x.writeChunk(t.said[t.sent : t.sent+1]); err != nil {
		return err
	}
	t.sent, t.from = t.sent+1, t.of.given
	return x.c.w.Flush()
}

// patient reads, and calls stalled between times while nothing comes.
func (t *timedConn) patient(p []byte) (int, error) {
	silent := false
	for waited := time.Duration(0); ; waited += stallFor {
		tell := t.stalled.Load()
		if tell == nil {
			return t.within(p, max(t.read-waited, 0))
		}
		if err := (*tell)(silent); err != nil {
			return 0, err
		}
		n, err := t.within(p, min(stallFor, t.read))
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || waited >= t.read || t.ended.Load() {
			return n, err
		}
		silent = true
	}
}
