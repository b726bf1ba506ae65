package verdict

import (
	"net/netip"

	"belisha/internal/verdict/canon"
)

// NamesAddresses reports whether any list or rule names addresses: only then
// is it of use to ask about those that a name leads to.
func (s *Snapshot) NamesAddresses() bool {
	if len(s.places.ranges) > 0 {
		return true
	}
	for i := range s.sources {
		if s.sources[i].ranges {
			return true
		}
	}
	return false
}

// PlainAddress is an address as an Ask needs it: an IPv4 address that is
// wrapped in an IPv6 one comes out.
func PlainAddress(a netip.Addr) string { return canon.Unwrap(a).String() }
