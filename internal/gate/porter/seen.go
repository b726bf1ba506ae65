package porter

import (
	"net/netip"
	"sort"
	"sync"
	"time"

	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

// Seen is the last time something was asked from an address. It is kept in
// memory alone and says nothing of what was asked: it tells the network
// manager that a device reaches the filter, and as what.
type Seen struct {
	Address netip.Addr `json:"address"`
	At      time.Time  `json:"at"`
	Door    string     `json:"door"`
	Device  string     `json:"device,omitempty"`
	Groups  []string   `json:"groups,omitempty"` // none: the strictest rules
	Signed  bool       `json:"signed,omitempty"`
}

// Bounds of what is remembered: addresses in all, and for how long.
const (
	seenShards   = 16
	seenPerShard = 2048
	seenFor      = 24 * time.Hour
)

// seen is split, so that busy doors do not wait for one another.
type seen struct{ shards [seenShards]seenShard }

type seenShard struct {
	mu sync.Mutex
	by map[netip.Addr]Seen
}

func newSeen() *seen {
	s := &seen{}
	for i := range s.shards {
		s.shards[i].by = make(map[netip.Addr]Seen)
	}
	return s
}

func (s *seen) shard(a netip.Addr) *seenShard {
	b := a.As16()
	return &s.shards[(b[15]^b[14]^b[7])%seenShards]
}

// saw notes who asked. A full shard forgets what is old, then anything: the
// device asks again.
func (s *seen) saw(who *subject.Found, door verdict.Door, now time.Time) {
	if door == verdict.DoorNone || !who.Address.IsValid() {
		return
	}
	x := s.shard(who.Address)
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, known := x.by[who.Address]; !known && len(x.by) >= seenPerShard {
		x.forget(now)
	}
	x.by[who.Address] = Seen{Address: who.Address, At: now, Door: doorName(door), Device: who.Device, Groups: who.Groups, Signed: who.Signed}
}

func (x *seenShard) forget(now time.Time) {
	for a, e := range x.by {
		if now.Sub(e.At) > seenFor {
			delete(x.by, a)
		}
	}
	// A quarter at once, so that a flood of addresses does not go through the
	// shard for each of them.
	for a := range x.by {
		if len(x.by) < seenPerShard*3/4 {
			return
		}
		delete(x.by, a)
	}
}

// Visited notes that somebody opened one of the school's own pages, which no
// judge is asked about.
func (p *Porter) Visited(address netip.Addr) {
	who := p.Who(address, nil)
	p.seen.saw(&who, verdict.DoorProxy, p.clock.Now())
}

// Seen returns who asked within a day, newest first.
func (p *Porter) Seen() []Seen {
	now := p.clock.Now()
	var out []Seen
	for i := range p.seen.shards {
		x := &p.seen.shards[i]
		x.mu.Lock()
		for _, e := range x.by {
			if now.Sub(e.At) <= seenFor {
				out = append(out, e)
			}
		}
		x.mu.Unlock()
	}
	sort.Slice(out, func(i, j int) bool { return out[i].At.After(out[j].At) })
	return out
}
