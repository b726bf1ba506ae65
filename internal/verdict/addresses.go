package verdict

import (
	"net/netip"
	"runtime"
	"slices"

	"belisha/internal/verdict/canon"
)

// NamesAddress reports whether any list or rule names the address: only then
// is it of use to ask about it where a name leads to it.
func (s *Snapshot) NamesAddress(a netip.Addr) (named bool) {
	defer runtime.KeepAlive(s) // the tables are outside the collector's sight
	a = canon.Unwrap(a)
	if slices.ContainsFunc(s.places.ranges, func(r rangeTargets) bool { return r.prefix.Contains(a) }) {
		return true
	}
	for i := range s.sources {
		if s.sources[i].ranges && !named {
			s.sources[i].segment.FindAddress(a, func(uint32, netip.Prefix) { named = true })
		}
	}
	if !named && len(s.licensed) > 0 {
		f := facts{address: a}
		s.lookLicensed(a.String(), &f, nil)
		named = f.licence != 0
	}
	return named
}

// PlainAddress is an address as an Ask needs it: an IPv4 address that is
// wrapped in an IPv6 one comes out.
func PlainAddress(a netip.Addr) string { return canon.Unwrap(a).String() }
