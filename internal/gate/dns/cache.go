package dns

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	mdns "github.com/miekg/dns"
)

const (
	cacheShards = 32
	maxEntries  = 2000 // in one shard
	maxTTL      = 300  // a change of rules must reach devices soon
	maxNegative = 60
)

// key is a question. Who asks is no part of it: the decision is made above
// the cache, for each asker.
type key struct {
	name string
	kind uint16
	do   bool
	safe string // the safe name it is answered as, where that is so
}

// entry is an answer that was found, cleaned and packed. It is never changed.
type entry struct {
	wire    []byte // whole message without EDNS record
	ttls    []int  // where the TTLs are in wire
	nameEnd int    // end of the question
	names   []string
	stored  time.Time
	ends    time.Time
	rebound bool // a public name that led nowhere but inside
}

type cache struct {
	seed   maphash.Seed
	shards [cacheShards]struct {
		mu sync.RWMutex
		m  map[key]*entry
	}
}

func newCache() *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].m = make(map[key]*entry)
	}
	return c
}

func (c *cache) get(k key, now time.Time) *entry {
	s := &c.shards[maphash.Comparable(c.seed, k)%cacheShards]
	s.mu.RLock()
	e := s.m[k]
	s.mu.RUnlock()
	if e == nil || !now.Before(e.ends) || now.Before(e.stored) {
		return nil
	}
	return e
}

func (c *cache) put(k key, e *entry) {
	if !e.ends.After(e.stored) {
		return
	}
	s := &c.shards[maphash.Comparable(c.seed, k)%cacheShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.m) >= maxEntries {
		n := 0
		for old := range s.m { // any eighth: the hot ones come back at once
			delete(s.m, old)
			if n++; n > maxEntries/8 {
				break
			}
		}
	}
	s.m[k] = e
}

// clean takes out of an answer what would lead past the filter: private
// addresses of public names, encrypted names, HTTP/3 hints. It reports whether
// only private addresses were there.
func clean(m *mdns.Msg, allowed func(netip.Addr) bool) (rebound bool) {
	var had, kept int
	touched := false
	out := m.Answer[:0:0]
	for _, rr := range m.Answer {
		switch r := rr.(type) {
		case *mdns.A:
			had++
			if a, ok := netip.AddrFromSlice(r.A); !ok || !allowed(a.Unmap()) {
				continue
			}
			kept++
		case *mdns.AAAA:
			had++
			if a, ok := netip.AddrFromSlice(r.AAAA); !ok || !allowed(a) {
				continue
			}
			kept++
		case *mdns.HTTPS:
			touched = cleanService(&r.SVCB, allowed) || touched
		case *mdns.SVCB:
			touched = cleanService(r, allowed) || touched
		}
		out = append(out, rr)
	}
	m.Answer = out
	if touched || kept < had {
		m.Answer = withoutSignatures(m.Answer)
	}
	ns := m.Ns[:0:0]
	for _, rr := range m.Ns {
		if rr.Header().Rrtype == typeSOA {
			ns = append(ns, rr)
		}
	}
	m.Ns, m.Extra = ns, nil
	m.AuthenticatedData, m.Authoritative, m.RecursionAvailable, m.Truncated = false, false, true, false
	return had > 0 && kept == 0
}

func cleanService(r *mdns.SVCB, allowed func(netip.Addr) bool) (touched bool) {
	out := r.Value[:0:0]
	for _, v := range r.Value {
		switch p := v.(type) {
		case *mdns.SVCBECHConfig:
			touched = true
			continue
		case *mdns.SVCBAlpn:
			kept := p.Alpn[:0:0]
			for _, a := range p.Alpn {
				if len(a) < 2 || a[:2] != "h3" {
					kept = append(kept, a)
				}
			}
			if len(kept) != len(p.Alpn) {
				touched = true
				if len(kept) == 0 {
					continue
				}
				v = &mdns.SVCBAlpn{Alpn: kept}
			}
		case *mdns.SVCBIPv4Hint, *mdns.SVCBIPv6Hint:
			if !hintsAllowed(v, allowed) {
				touched = true
				continue
			}
		}
		out = append(out, v)
	}
	r.Value = out
	return touched
}

func hintsAllowed(v mdns.SVCBKeyValue, allowed func(netip.Addr) bool) bool {
	var raw [][]byte
	switch p := v.(type) {
	case *mdns.SVCBIPv4Hint:
		for _, ip := range p.Hint {
			raw = append(raw, ip)
		}
	case *mdns.SVCBIPv6Hint:
		for _, ip := range p.Hint {
			raw = append(raw, ip)
		}
	}
	for _, b := range raw {
		if a, ok := netip.AddrFromSlice(b); !ok || !allowed(a.Unmap()) {
			return false
		}
	}
	return true
}

func withoutSignatures(in []mdns.RR) []mdns.RR {
	out := in[:0:0]
	for _, rr := range in {
		if rr.Header().Rrtype != typeRRSIG {
			out = append(out, rr)
		}
	}
	return out
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
	e := &entry{stored: now}
	for _, list := range [][]mdns.RR{m.Answer, m.Ns} {
		for _, rr := range list {
			h := rr.Header()
			h.Ttl = min(h.Ttl, maxTTL)
			ttl = min(ttl, h.Ttl)
		}
	}
	for _, rr := range m.Answer {
		if c, ok := rr.(*mdns.CNAME); ok {
			e.names = append(e.names, lowerName(c.Target))
		}
	}
	e.ends = now.Add(time.Duration(ttl) * time.Second)
	m.Compress = true
	wire, err := m.Pack()
	if err != nil {
		return nil, err
	}
	e.wire = wire
	e.index()
	return e, nil
}

func lowerName(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	if n := len(b); n > 0 && b[n-1] == '.' {
		b = b[:n-1]
	}
	return string(b)
}

// index finds the question's end and the TTLs in a message we packed.
func (e *entry) index() {
	at := skipName(e.wire, headerSize) + 4
	e.nameEnd = at
	count := int(binary.BigEndian.Uint16(e.wire[6:])) + int(binary.BigEndian.Uint16(e.wire[8:])) + int(binary.BigEndian.Uint16(e.wire[10:]))
	for range count {
		at = skipName(e.wire, at)
		e.ttls = append(e.ttls, at+4)
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

// answer writes the entry as the answer to q: its number, its case, and how
// much longer it holds, which is at most so many seconds.
func (e *entry) answer(q *query, out []byte, now time.Time, most uint32) []byte {
	start := len(out)
	out = append(out, e.wire...)
	b := out[start:]
	binary.BigEndian.PutUint16(b, q.id)
	b[2] = b[2]&^1 | byte(q.flags>>8)&1
	b[3] = b[3]&^0x10 | byte(q.flags)&0x10
	copy(b[headerSize:e.nameEnd], q.question)
	age := uint32(now.Sub(e.stored) / time.Second)
	for _, at := range e.ttls {
		ttl := binary.BigEndian.Uint32(b[at:])
		binary.BigEndian.PutUint32(b[at:], min(ttl-min(age, ttl), most))
	}
	return q.closing(out, rcodeOK, -1)
}
