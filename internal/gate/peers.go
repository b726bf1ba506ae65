package gate

import (
	"fmt"
	"net/netip"
	"strings"
)

// The widest ranges of proxies that are taken: 256 addresses. Who is listed is
// believed about who asks, so a network with pupils in it must not be.
const (
	widest4 = 24
	widest6 = 120
)

// peerRanges reads the addresses and ranges of listed proxies and clients.
func peerRanges(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		p, err := peerRange(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func peerRange(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, aerr := netip.ParseAddr(text)
		if aerr != nil {
			return p, fmt.Errorf("peers has %q, which is no address or range such as 10.1.0.9 or 10.1.0.0/24", text)
		}
		a = a.Unmap().WithZone("")
		p = netip.PrefixFrom(a, a.BitLen())
	}
	p = p.Masked()
	widest := widest6
	switch a := p.Addr(); {
	case a.Is4():
		widest = widest4
	case a.Is4In6():
		return p, fmt.Errorf("peers has %q, which is written as an address of IPv6: write it as one of IPv4, such as 10.1.0.9", text)
	}
	if p.Bits() < widest && !(p.Addr().IsLoopback() && p.Bits() >= 8) {
		return p, fmt.Errorf("peers has %q, a whole network, and whoever is listed is believed about who asks: list the proxies themselves, such as 10.1.0.9, or a range of at most 256 addresses without other devices in it", text)
	}
	return p, nil
}
