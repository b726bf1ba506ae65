package spool

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

const (
	mergeFor   = time.Minute
	shards     = 16
	maxWindows = 2000 // in one shard: beyond it events are written one by one
)

// mergeKey says which events are repeats of each other: same person or
// device, same name, same verdict, same words searched for, the same found inside.
type mergeKey struct {
	subject, device, door, host, category, rule, reason, group, words, alert, detail string
	address                                                                          netip.Addr
	action                                                                           uint8
	tried                                                                            Tried
}

func keyOf(e *Event) mergeKey {
	return mergeKey{
		subject: e.Subject, device: e.Device, door: e.Door, host: e.Host, category: e.Category, rule: e.Rule,
		reason: e.Reason, group: e.Group, words: e.Words, alert: e.Alert, detail: e.Detail, address: e.Address, action: e.Action, tried: e.Tried,
	}
}

// window is a minute in which repeats of one event are only counted.
type window struct {
	event Event // the first one, already written; its key is the window's
	ends  time.Time
	count uint32 // repeats after the first
	bytes uint64
	dirty bool // count or bytes grew since the last tally
}

type shard struct {
	mu    sync.Mutex
	open  map[uint64]*window // by the key's sum: of two alike one is written singly
	dirty []*window
}

// merger finds repeats. It only counts; the Writer writes.
type merger struct {
	seed   maphash.Seed
	shards [shards]shard
}

func newMerger() *merger {
	m := &merger{seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].open = make(map[uint64]*window)
	}
	return m
}

// shard goes through the key once, for the shard and the place in it.
func (m *merger) shard(k *mergeKey) (s *shard, sum uint64) {
	sum = maphash.Comparable(m.seed, *k)
	return &m.shards[sum%shards], sum
}

// running is the window of k.
func (s *shard) running(sum uint64, k *mergeKey) *window {
	if w := s.open[sum]; w != nil && keyOf(&w.event) == *k {
		return w
	}
	return nil
}

// repeat counts e into its running window. It reports false where there is
// none that still runs: then e must be written, and the ended window, if any,
// is returned to be closed.
func (m *merger) repeat(k mergeKey, e *Event) (merged bool, ended *window) {
	s, sum := m.shard(&k)
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.running(sum, &k)
	if w == nil {
		return false, nil
	}
	// A clock that jumped back closes the window too.
	if !e.At.Before(w.ends) || e.At.Before(w.event.At) {
		delete(s.open, sum)
		return false, w
	}
	w.count += e.Count
	w.bytes += e.Bytes
	s.mark(w)
	return true, nil
}

// addBytes counts bytes that passed after the decision was recorded.
func (m *merger) addBytes(k mergeKey, n uint64) bool {
	s, sum := m.shard(&k)
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.running(sum, &k)
	if w == nil {
		return false
	}
	w.bytes += n
	s.mark(w)
	return true
}

func (s *shard) mark(w *window) {
	if !w.dirty {
		w.dirty = true
		s.dirty = append(s.dirty, w)
	}
}

// begin opens a window for an event that has just been written.
func (m *merger) begin(k mergeKey, e *Event) {
	s, sum := m.shard(&k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= maxWindows || s.open[sum] != nil {
		return
	}
	ends := e.At.Add(mergeFor)
	if next := e.At.Truncate(time.Minute).Add(time.Minute); e.Action == ActionBlock && next.Before(ends) {
		ends = next
	}
	s.open[sum] = &window{event: *e, ends: ends}
}

// takeDirty returns the windows that counted since the last call, with what
// they have counted by now.
func (m *merger) takeDirty() []tallyOf {
	var out []tallyOf
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		for _, w := range s.dirty {
			w.dirty = false
			out = append(out, tallyOf{w.event.ID, w.count, w.bytes})
		}
		s.dirty = s.dirty[:0]
		s.mu.Unlock()
	}
	return out
}

type tallyOf struct {
	id    uint64
	count uint32
	bytes uint64
}

// takeEnded removes and returns the windows that ended by now; all of them
// when the writer closes.
func (m *merger) takeEnded(now time.Time, all bool) []*window {
	var out []*window
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		for k, w := range s.open {
			if all || !now.Before(w.ends) || now.Before(w.event.At) {
				delete(s.open, k)
				out = append(out, w)
			}
		}
		s.mu.Unlock()
	}
	return out
}
