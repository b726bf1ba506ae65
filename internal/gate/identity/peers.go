package identity

import (
	"context"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/subject"
)

const maxHops = 32

// Peers are the proxies that are believed when they say who asks.
type Peers struct {
	Ranges []netip.Prefix
	Names  *Names // may be nil: no name means anybody
	Now    func() time.Time

	mu    sync.Mutex
	heard map[netip.Addr]*control.Proxy
}

// maxPeers bounds how many listed proxies are counted apart.
const maxPeers = 256

// Note counts a request of a listed proxy, which said who asks or did not. One
// that never says it may be no proxy at all.
func (p *Peers) Note(at netip.Addr, said bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x := p.heard[at]
	if x == nil {
		if len(p.heard) >= maxPeers {
			return
		}
		if p.heard == nil {
			p.heard = map[netip.Addr]*control.Proxy{}
		}
		x = &control.Proxy{Address: at.String()}
		p.heard[at] = x
	}
	x.Asked++
	x.Last = p.Now()
	if !said {
		x.Silent++
	}
}

// Status is who of the listed ones asked, by address.
func (p *Peers) Status() (out []control.Proxy) {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, at := range slices.SortedFunc(maps.Keys(p.heard), netip.Addr.Compare) {
		out = append(out, *p.heard[at])
	}
	return out
}

// Has reports a listed proxy.
func (p *Peers) Has(at netip.Addr) bool {
	return p != nil && slices.ContainsFunc(p.Ranges, func(r netip.Prefix) bool { return r.Contains(at) })
}

// Client is the address of whoever asked the listed proxy at, as its headers
// say: the last hop that is not such a proxy itself. Without one it is not
// valid, and nobody is known: the proxy's own address is not the browser's.
// What was before that hop is the browser's own word.
func (p *Peers) Client(h http.Header) netip.Addr {
	said, one := hops(h["X-Forwarded-For"]), hops(h["X-Client-Ip"])
	direct := netip.Addr{}
	if len(one) == 1 {
		direct = addressIn(one[0])
	}
	switch {
	case len(one) > 1:
		return netip.Addr{}
	case len(said) == 0:
		return direct
	}
	last := p.lastHop(said)
	if len(one) == 1 && direct != last {
		return netip.Addr{} // they do not agree, so one of them is made up
	}
	return last
}

func (p *Peers) lastHop(said []string) netip.Addr {
	for i := len(said) - 1; i >= 0 && i >= len(said)-maxHops; i-- {
		a := addressIn(said[i])
		if !a.IsValid() || !p.Has(a) {
			return a
		}
	}
	return netip.Addr{}
}

// hops are the entries of a header's lines, in order.
func hops(lines []string) []string {
	var out []string
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			out = append(out, strings.TrimSpace(part))
		}
	}
	return out
}

// addressIn reads "10.0.0.7", "10.0.0.7:5123", "2001:db8::7" and
// "[2001:db8::7]:5123".
func addressIn(s string) netip.Addr {
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return a.Unmap().WithZone("")
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// Who is the person whom a listed proxy says that somebody signed in as, nil
// where it names none. A name that means nobody, and two people, are nobody.
func (p *Peers) Who(ctx context.Context, h http.Header, client netip.Addr) *subject.Row {
	values := h["X-Authenticated-User"]
	var row *subject.Row
	named := false
	for i, value := range values {
		list := Spellings(value, false)
		if len(list) == 0 {
			continue
		}
		named = true
		r := p.one(ctx, list, client)
		if r == nil || i >= maxHops || row != nil && row.Subject != r.Subject {
			return Nobody(p.Now())
		}
		row = r
	}
	if named && row == nil {
		return Nobody(p.Now())
	}
	return row
}

func (p *Peers) one(ctx context.Context, spellings []string, client netip.Addr) *subject.Row {
	if p.Names == nil {
		return nil
	}
	for _, name := range spellings {
		if row, ok := p.Names.ByName(ctx, name, client); ok {
			return row
		}
	}
	return nil
}
