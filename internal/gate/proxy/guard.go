package proxy

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
)

// Guard says which addresses may be reached at all, whatever name led to
// them: nothing private, nothing of this machine, unless the school opened it;
// and the desk, admin and API pages never.
type Guard struct {
	clock     clock.Clock
	prefixes  []netip.Prefix
	exact     []netip.AddrPort
	forbidden atomic.Pointer[[]netip.AddrPort]
	own       atomic.Pointer[ownAddresses]
}

type ownAddresses struct {
	read time.Time
	set  map[netip.Addr]bool
}

const ownAge = 30 * time.Second

// NewGuard takes what may be reached although it is private: "10.1.0.0/16",
// "192.168.1.9" or "127.0.0.1:8443".
func NewGuard(allow []string, c clock.Clock) (*Guard, error) {
	g := &Guard{clock: c}
	for _, s := range allow {
		s = strings.TrimSpace(s)
		if p, err := netip.ParsePrefix(s); err == nil {
			g.prefixes = append(g.prefixes, p.Masked())
		} else if a, err := netip.ParseAddr(s); err == nil {
			g.prefixes = append(g.prefixes, netip.PrefixFrom(a, a.BitLen()))
		} else if ap, err := netip.ParseAddrPort(s); err == nil {
			g.exact = append(g.exact, ap)
		} else {
			return nil, fmt.Errorf("allow-private %q is not an address range such as 10.1.0.0/16", s)
		}
	}
	g.Forbid(nil)
	return g, nil
}

// Forbid sets the addresses of desk, admin and API pages.
func (g *Guard) Forbid(list []netip.AddrPort) { g.forbidden.Store(&list) }

// Address reports whether an address may come out of a name at all.
func (g *Guard) Address(a netip.Addr) bool {
	a = a.Unmap()
	if g.opened(a) || slices.ContainsFunc(g.exact, func(ap netip.AddrPort) bool { return ap.Addr() == a }) {
		return true
	}
	return !verdict.PrivateAddress(a) && !g.isOwn(a)
}

func (g *Guard) opened(a netip.Addr) bool {
	return slices.ContainsFunc(g.prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// PrivateOpen reports whether a private address was opened by the school.
func (g *Guard) PrivateOpen(a netip.Addr, port uint16) bool {
	return verdict.PrivateAddress(a) && g.May(netip.AddrPortFrom(a, port))
}

// May reports whether a connection may be made. It is asked about the very
// address that is then dialled.
func (g *Guard) May(to netip.AddrPort) bool {
	a := to.Addr().Unmap()
	own := a.IsLoopback() || a.IsUnspecified() || g.isOwn(a)
	for _, f := range *g.forbidden.Load() {
		if f.Port() == to.Port() && (own || f.Addr().Unmap() == a) {
			return false
		}
	}
	if g.opened(a) || slices.Contains(g.exact, netip.AddrPortFrom(a, to.Port())) {
		return true
	}
	return !verdict.PrivateAddress(a) && !own
}

// Port reports whether the school named a private address with this port.
func (g *Guard) Port(port uint16) bool {
	return slices.ContainsFunc(g.exact, func(ap netip.AddrPort) bool { return ap.Port() == port })
}

// isOwn reports an address of this machine, of which there may be public ones.
func (g *Guard) isOwn(a netip.Addr) bool {
	now := g.clock.Now()
	have := g.own.Load()
	if have == nil || now.Sub(have.read).Abs() > ownAge {
		have = &ownAddresses{read: now, set: make(map[netip.Addr]bool)}
		list, err := net.InterfaceAddrs()
		if err == nil {
			for _, n := range list {
				if p, err := netip.ParsePrefix(n.String()); err == nil {
					have.set[p.Addr().Unmap()] = true
				}
			}
		}
		g.own.Store(have)
	}
	return have.set[a]
}
