package dns

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	mdns "github.com/miekg/dns"

	"belisha/internal/verdict"
)

const (
	cacheShards = 32
	maxEntries  = 6000    // in one shard
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

// entry is an answer that was found, cleaned and packed. What it answers is
// never changed.
type entry struct {
	key     key
	wire    []byte   // whole message without EDNS record
	ttls    []uint16 // where the TTLs are in wire
	nameEnd uint16   // end of the question
	rebound bool     // a public name that led nowhere but inside
	proved  bool     // upstream vouches for it
	stale   bool
	names   []string     // it is an alias of, or leads to
	hints   []netip.Addr // besides those of its records
	stored  int64        // Unix ms
	ends    int64
	serves  int64 // until when, while upstream is away
	err     error // there is no answer
	// checked are the rules that are known to name none of its addresses. It
	// does not keep them.
	checked atomic.Pointer[weak.Pointer[verdict.Snapshot]]
}

// unnamedBy reports that these rules are known to name none of its addresses.
func (e *entry) unnamedBy(rules *verdict.Snapshot) bool {
	w := e.checked.Load()
	return w != nil && w.Value() == rules
}

func (e *entry) unnamed(rules *verdict.Snapshot) {
	w := weak.Make(rules)
	e.checked.Store(&w)
}

func (e *entry) size() int { return len(e.wire) + 2*len(e.ttls) + 230 }

type shard struct {
	mu    sync.RWMutex
	m     map[uint64]*entry // by the key's sum: of two alike the later stays
	bytes int
}

type cache struct {
	seed   maphash.Seed
	shards [cacheShards]shard
}

func newCache() *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].m = make(map[uint64]*entry)
	}
	return c
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
	if e == nil || at >= e.ends || at < e.stored {
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
	if e == nil || e.key != k {
		return nil
	}
	return e
}

func (c *cache) put(k key, e *entry) {
	if e.ends <= e.stored || e.size() > maxCached {
		return
	}
	e.key = k
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

// newEntry packs a clean answer for the cache.
func newEntry(m *mdns.Msg, now time.Time) (*entry, error) {
	ttl := uint32(maxTTL)
	if len(m.Answer) == 0 {
		ttl = maxNegative
		for _, rr := range m.Ns {
			if soa, ok := rr.(*mdns.SOA); ok {
				ttl = min(ttl, soa.Minttl, soa.Hdr.Ttl)
			}
		}
	}
	for _, list := range [][]mdns.RR{m.Answer, m.Ns} {
		for _, rr := range list {
			h := rr.Header()
			h.Ttl = min(h.Ttl, maxTTL)
			ttl = min(ttl, h.Ttl)
		}
	}
	at := now.UnixMilli()
	e := &entry{stored: at, ends: at + int64(ttl)*1000, serves: at + int64(ttl)*1000 + staleFor.Milliseconds(), proved: m.AuthenticatedData}
	m.AuthenticatedData = false // said to who understands it
	m.Compress = true
	wire, err := m.Pack()
	if err != nil {
		return nil, err
	}
	e.wire = append(make([]byte, 0, len(wire)), wire...)
	e.index()
	return e, nil
}

// failure is remembered for a moment, so that a dead server is not asked by
// everybody at once.
func failure(err error, now time.Time) *entry {
	return &entry{err: err, stored: now.UnixMilli(), ends: now.Add(failedFor).UnixMilli()}
}

// older is the answer of before, for as long as upstream is away and at most
// an hour; nil where that is over.
func (e *entry) older(now time.Time) *entry {
	if e == nil || e.err != nil || now.UnixMilli() >= e.serves || now.UnixMilli() < e.stored {
		return nil
	}
	return &entry{
		key: e.key, wire: e.wire, ttls: e.ttls, nameEnd: e.nameEnd, rebound: e.rebound, proved: e.proved,
		names: e.names, hints: e.hints, serves: e.serves,
		stale: true, stored: now.UnixMilli(), ends: now.Add(staleAgain).UnixMilli(),
	}
}

// index finds the question's end and the TTLs in a message we packed.
func (e *entry) index() {
	at := skipName(e.wire, headerSize) + 4
	e.nameEnd = uint16(at)
	count := int(binary.BigEndian.Uint16(e.wire[6:])) + int(binary.BigEndian.Uint16(e.wire[8:])) + int(binary.BigEndian.Uint16(e.wire[10:]))
	e.ttls = make([]uint16, 0, count)
	for range count {
		at = skipName(e.wire, at)
		e.ttls = append(e.ttls, uint16(at+4))
		at += 10 + int(binary.BigEndian.Uint16(e.wire[at+8:]))
	}
}

func skipName(b []byte, at int) int {
	for {
		switch size := int(b[at]); {
		case size == 0:
			return at + 1
		case size >= 0xc0:
			return at + 2
		default:
			at += size + 1
		}
	}
}

// addresses calls do for every address that the answer leads to, until it
// says that it is enough.
func (e *entry) addresses(do func(netip.Addr) bool) {
	for _, at := range e.ttls {
		data := e.wire[at+6:]
		var a netip.Addr
		switch kind, size := binary.BigEndian.Uint16(e.wire[at-4:]), binary.BigEndian.Uint16(e.wire[at+4:]); {
		case kind == typeA && size == 4:
			a = netip.AddrFrom4([4]byte(data))
		case kind == typeAAAA && size == 16:
			a = netip.AddrFrom16([16]byte(data)).Unmap()
		default:
			continue
		}
		if !do(a) {
			return
		}
	}
	for _, a := range e.hints {
		if !do(a) {
			return
		}
	}
}

// answer writes the entry as the answer to q: its number, its case, and how
// much longer it holds, which is at most so many seconds.
func (e *entry) answer(q *query, out []byte, now time.Time, most uint32) []byte {
	out = append(out, e.wire...)
	binary.BigEndian.PutUint16(out, q.id)
	out[2] = out[2]&^1 | byte(q.flags>>8)&1
	out[3] = out[3]&^0x30 | byte(q.flags)&0x10
	if e.proved && q.wantsAD() {
		out[3] |= 0x20
	}
	copy(out[headerSize:e.nameEnd], q.question)
	said := noEDE
	age := uint32(max(now.UnixMilli()-e.stored, 0) / 1000)
	if e.stale {
		age, most, said = 0, min(most, staleTTL), edeStale
	}
	if e.rebound {
		said = edeBlocked
	}
	for _, at := range e.ttls {
		ttl := binary.BigEndian.Uint32(out[at:])
		binary.BigEndian.PutUint32(out[at:], min(ttl-min(age, ttl), most))
	}
	return q.closing(out, int(out[3]&15), said)
}
