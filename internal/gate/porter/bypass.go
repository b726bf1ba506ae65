package porter

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"belisha/internal/gate/subject"
)

// Bypass is a way in which a device tries to go round the filter.
type Bypass uint8

// The ways.
const (
	BypassCanary  Bypass = iota // a browser asks whether it may use names of its own
	BypassRelay                 // a relay that hides where the web goes
	BypassForeign               // name services outside the school
	BypassTunnel                // data in the names themselves
	BypassHidden                // a connection that does not say, or hides, which site it is for
	bypassKinds
)

// Bypasses is how often a device tried since the first time within the last
// day. Browsers and phones ask the canary and relay names by themselves, once
// in a while; somebody who insists shows in the others.
type Bypasses struct {
	Address netip.Addr `json:"address"`
	Device  string     `json:"device,omitempty"`
	Subject string     `json:"subject,omitempty"` // "" where only counts are kept
	First   time.Time  `json:"first"`
	Last    time.Time  `json:"last"`
	Canary  uint64     `json:"canary,omitempty"`
	Relay   uint64     `json:"relay,omitempty"`
	Foreign uint64     `json:"foreign,omitempty"`
	Tunnel  uint64     `json:"tunnel,omitempty"`
	Hidden  uint64     `json:"hidden,omitempty"`
}

const (
	maxBypasses = 2048
	bypassFor   = 24 * time.Hour
)

type bypasses struct {
	mu sync.Mutex
	by map[netip.Addr]*Bypasses
}

// Bypassed counts one try. It is kept in memory alone.
func (p *Porter) Bypassed(who *subject.Found, kind Bypass) {
	now := p.clock.Now()
	b := &p.bypasses
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.by[who.Address]
	if e == nil || now.Sub(e.First) > bypassFor || now.Before(e.First) {
		if e == nil && len(b.by) >= maxBypasses {
			b.forget()
		}
		e = &Bypasses{Address: who.Address, First: now}
		if b.by == nil {
			b.by = make(map[netip.Addr]*Bypasses)
		}
		b.by[who.Address] = e
	}
	e.Last, e.Device = now, who.Device
	if !p.Settings().CountOnly {
		e.Subject = who.Subject
	}
	*e.count(kind)++
}

func (e *Bypasses) count(kind Bypass) *uint64 {
	return [bypassKinds]*uint64{&e.Canary, &e.Relay, &e.Foreign, &e.Tunnel, &e.Hidden}[kind]
}

// forget makes room: the quarter that tried longest ago goes.
func (b *bypasses) forget() {
	all := make([]*Bypasses, 0, len(b.by))
	for _, e := range b.by {
		all = append(all, e)
	}
	slices.SortFunc(all, func(x, y *Bypasses) int { return x.Last.Compare(y.Last) })
	for _, e := range all[:len(all)/4] {
		delete(b.by, e.Address)
	}
}

// Bypasses lists who tried to go round the filter within a day, last first.
func (p *Porter) Bypasses() []Bypasses {
	now := p.clock.Now()
	b := &p.bypasses
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Bypasses
	for _, e := range b.by {
		if now.Sub(e.First) <= bypassFor {
			out = append(out, *e)
		}
	}
	slices.SortFunc(out, func(x, y Bypasses) int { return y.Last.Compare(x.Last) })
	return out
}
