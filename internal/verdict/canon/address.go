package canon

import "net/netip"

var (
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
	sixTo = netip.MustParsePrefix("2002::/16")
	// compat holds the old IPv4-compatible addresses; :: and ::1 are in it
	// and are not unwrapped.
	compat = netip.MustParsePrefix("::/96")
	// siit is what translators that keep no state make of IPv4 (RFC 2765).
	siit = netip.MustParsePrefix("::ffff:0:0:0/96")
)

// Unwrap returns the IPv4 address that an IPv6 address carries (mapped,
// compatible, translated, NAT64, 6to4), or the address itself, without a zone.
func Unwrap(a netip.Addr) netip.Addr {
	a = a.WithZone("").Unmap()
	if !a.Is6() {
		return a
	}
	b := a.As16()
	switch {
	case nat64.Contains(a), siit.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixTo.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	case compat.Contains(a) && a != netip.IPv6Unspecified() && a != netip.IPv6Loopback():
		return netip.AddrFrom4([4]byte(b[12:16]))
	}
	return a
}

// special holds the ranges that netip's own questions do not cover and that
// are never a public site.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("64:ff9b:1::/48"), // NAT64 for local use
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001:2::/48"), // benchmark, as 198.18 is
	netip.MustParsePrefix("2001::/32"),   // Teredo: a tunnel to any IPv4 address
}

// Private reports whether a (or the IPv4 address in it) is an address that
// nobody reaches through the filter: private, loopback, link-local (with the
// cloud metadata address), shared, benchmark, reserved, multicast, none.
func Private(a netip.Addr) bool {
	if !a.IsValid() {
		return true
	}
	a = Unwrap(a)
	if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return true
	}
	for _, p := range special {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
