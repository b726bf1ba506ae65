package icap

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// Bounds of what is remembered of requests until their answers come.
const (
	maxPairs = 8192
	pairFor  = 10 * time.Minute
)

// pairs remembers which requests were let through and written down, so that
// their answers are not written down again. It decides nothing: an answer is
// judged on its own.
type pairs struct {
	seed maphash.Seed
	mu   sync.Mutex
	by   map[pairKey]*pair
	ring []pairKey // in the order in which they came
	at   int
}

type pairKey struct {
	client netip.Addr
	hash   uint64
}

type pair struct {
	count int
	at    time.Time
}

func newPairs() *pairs {
	return &pairs{seed: maphash.MakeSeed(), by: make(map[pairKey]*pair), ring: make([]pairKey, 0, maxPairs)}
}

func (p *pairs) key(client netip.Addr, method, address string) pairKey {
	var h maphash.Hash
	h.SetSeed(p.seed)
	// Writing to a hash does not fail.
	_, _ = h.WriteString(method)
	_ = h.WriteByte(' ')
	_, _ = h.WriteString(address)
	return pairKey{client, h.Sum64()}
}

// asked notes a request that was let through.
func (p *pairs) asked(client netip.Addr, method, address string, now time.Time) {
	k := p.key(client, method, address)
	p.mu.Lock()
	defer p.mu.Unlock()
	if have := p.by[k]; have != nil {
		have.count, have.at = have.count+1, now
		return
	}
	if len(p.ring) < maxPairs {
		p.ring = append(p.ring, k)
	} else {
		delete(p.by, p.ring[p.at])
		p.ring[p.at] = k
		p.at = (p.at + 1) % maxPairs
	}
	p.by[k] = &pair{1, now}
}

// answered reports whether the request of an answer was written down, once
// for each.
func (p *pairs) answered(client netip.Addr, method, address string, now time.Time) bool {
	k := p.key(client, method, address)
	p.mu.Lock()
	defer p.mu.Unlock()
	have := p.by[k]
	if have == nil || have.count == 0 || now.Sub(have.at) > pairFor {
		return false
	}
	have.count--
	return true
}
