package dns

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"belisha/internal/verdict"
)

const (
	cacheShards = 32
	maxEntries  = 3500    // in one shard
	maxBytes    = 1 << 20 // and of its answers
	maxCached   = 8 << 10 // longer answers are asked for again
	maxTTL      = 300     // a change of rules must reach devices soon
	maxNegative = 60
	staleFor    = time.Hour       // how long an answer serves while upstream is away
	staleTTL    = 30              // and how long a device may hold it then
	staleAgain  = 5 * time.Second // until upstream is asked again
	failedFor   = 2 * time.Second
)

// key is a question. Who asks is no part of it: the decision is made above
// the cache, for each asker.
type key struct {
	name   string
	kind   uint16
	do, cd bool
	safe   string // the safe name it is answered as, where that is so
}

type shard struct {
	mu    sync.RWMutex
	m     map[uint64]*entry // by the key's sum: of two alike the later stays
	bytes int
}

type cache struct {
	seed   maphash.Seed
	shards [cacheShards]shard
	rules  atomic.Pointer[weak.Pointer[verdict.Snapshot]] // one for all entries
}

func newCache() *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].m = make(map[uint64]*entry)
	}
	return c
}

// weakly is a hold on rules that does not keep them.
func (c *cache) weakly(rules *verdict.Snapshot) *weak.Pointer[verdict.Snapshot] {
	if w := c.rules.Load(); w != nil && w.Value() == rules {
		return w
	}
	w := weak.Make(rules)
	c.rules.Store(&w)
	return &w
}

// sum finds a key without going through it twice.
func (c *cache) sum(k *key) uint64 {
	n := uint64(k.kind) << 2
	if k.do {
		n |= 1
	}
	if k.cd {
		n |= 2
	}
	if k.safe != "" {
		n ^= maphash.String(c.seed, k.safe)
	}
	return maphash.String(c.seed, k.name) ^ n*0x9e3779b97f4a7c15
}

// get returns an answer that still holds.
func (c *cache) get(k key, now time.Time) *entry {
	e, at := c.any(k), now.UnixMilli()
	if e == nil || at >= e.ends() || at < e.stored {
		return nil
	}
	return e
}

// any returns whatever is remembered.
func (c *cache) any(k key) *entry {
	h := c.sum(&k)
	s := &c.shards[h%cacheShards]
	s.mu.RLock()
	e := s.m[h]
	s.mu.RUnlock()
	if e == nil || !e.is(&k) {
		return nil
	}
	return e
}

func (c *cache) put(k key, e *entry) {
	e.keyed(&k)
	if e.life == 0 || e.size() > maxCached {
		return
	}
	h := c.sum(&k)
	s := &c.shards[h%cacheShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.m[h]; old != nil {
		s.bytes -= old.size()
	} else if len(s.m) >= maxEntries || s.bytes >= maxBytes {
		s.makeRoom()
	}
	s.m[h] = e
	s.bytes += e.size()
}

func (s *shard) makeRoom() {
	n := len(s.m) / 8
	for k, old := range s.m { // any eighth: the hot ones come back at once
		delete(s.m, k)
		s.bytes -= old.size()
		if n--; n < 0 {
			return
		}
	}
}
