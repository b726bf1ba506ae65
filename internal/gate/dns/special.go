package dns

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"

	"belisha/internal/gate/porter"
)

// special answers the names by which software asks whether the school minds
// that it goes round the school's DNS. It does.
func special(name string, more []string) (rcode int, kind porter.Bypass, counts, ok bool) {
	switch name {
	case "use-application-dns.net":
		return rcodeNoName, porter.BypassCanary, true, true
	case "mask.icloud.com", "mask-h2.icloud.com", "mask-canary.icloud.com", "mask-api.icloud.com", "mask-t.apple-dns.net":
		return rcodeNoName, porter.BypassRelay, true, true
	case "dns-tunnel-check.googlezip.net":
		// Every Chrome asks it by itself: without it, pages that were fetched
		// ahead through Google are asked for here before they are shown.
		return rcodeNoName, 0, false, true
	}
	switch {
	case under(name, "mask.apple-dns.net"):
		return rcodeNoName, porter.BypassRelay, true, true
	case under(name, "resolver.arpa"):
		return rcodeOK, 0, false, true // no resolver but ours is told of
	case under(name, "local"), under(name, "onion"), under(name, "invalid"), under(name, "localhost"):
		return rcodeNoName, 0, false, true // never to be asked of anybody else
	}
	for _, c := range more {
		if under(name, c) {
			return rcodeNoName, porter.BypassCanary, true, true
		}
	}
	return 0, 0, false, false
}

func under(name, zone string) bool {
	return name == zone || strings.HasSuffix(name, zone) && name[len(name)-len(zone)-1] == '.'
}

// Offered are the doors that answer over TLS, as devices that look for them
// are told (RFC 9462). A zero one is not there.
type Offered struct {
	DoT, DoH netip.AddrPort
	// Proves says whether they can prove just now who they are; nil: always.
	Proves func() bool
}

// Offer tells devices of the doors over TLS from now on.
func (s *Server) Offer(o Offered) { s.offered.Store(&o) }

// designates reports a question after our own resolver over TLS, by the name
// that stands for whoever is asked or by ours.
func designates(q *query, set *porter.Settings) bool {
	if q.kind != typeSVCB || len(set.OwnHosts) == 0 {
		return false
	}
	host, ok := strings.CutPrefix(q.name, "_dns.")
	return ok && (host == "resolver.arpa" || slices.Contains(set.OwnHosts, host))
}

// Parameters of SVCB records.
const (
	svcALPN    = 1
	svcPort    = 3
	svcHint4   = 4
	svcHint6   = 6
	svcDoHPath = 7
)

// DoHPath is where questions over HTTPS are taken.
const DoHPath = "/dns-query"

// designated answers with our doors over TLS; a device believes it only where
// their certificate proves it.
func (s *Server) designated(q *query, out []byte, set *porter.Settings) []byte {
	o := s.offered.Load()
	if o == nil || !o.DoT.IsValid() && !o.DoH.IsValid() || o.Proves != nil && !o.Proves() {
		return q.nothing(out, rcodeOK, shortTTL, noEDE)
	}
	n := 0
	for _, at := range []netip.AddrPort{o.DoH, o.DoT} {
		if at.IsValid() {
			n++
		}
	}
	out = q.header(out, rcodeOK, n, 0)
	priority := uint16(0)
	record := func(at netip.AddrPort, alpn, path string) {
		if !at.IsValid() {
			return
		}
		priority++
		out = append(out, 0xc0, headerSize, 0, typeSVCB, 0, classIN, 0, 0, 0, shortTTL, 0, 0)
		start := len(out)
		out = binary.BigEndian.AppendUint16(out, priority)
		out = appendName(out, set.OwnHosts[0])
		out = parameter(out, svcALPN, append([]byte{byte(len(alpn))}, alpn...))
		out = parameter(out, svcPort, binary.BigEndian.AppendUint16(nil, at.Port()))
		out = s.hint(out, at, set)
		if path != "" {
			out = parameter(out, svcDoHPath, []byte(path))
		}
		binary.BigEndian.PutUint16(out[start-2:], uint16(len(out)-start))
	}
	record(o.DoH, "h2", DoHPath+"{?dns}")
	record(o.DoT, "dot", "")
	return q.closing(out, rcodeOK, noEDE)
}

// hint says where the door is, for devices that would else ask again.
func (s *Server) hint(out []byte, at netip.AddrPort, set *porter.Settings) []byte {
	list := []netip.Addr{at.Addr().Unmap()}
	if list[0].IsUnspecified() {
		list = s.ownAddresses(set)
	}
	var four, six []byte
	for _, a := range list {
		if a.Is4() {
			four = append(four, a.AsSlice()...)
		} else {
			six = append(six, a.AsSlice()...)
		}
	}
	if len(four) > 0 {
		out = parameter(out, svcHint4, four)
	}
	if len(six) > 0 {
		out = parameter(out, svcHint6, six)
	}
	return out
}

func parameter(out []byte, key int, value []byte) []byte {
	out = appendOption(out, key, len(value))
	return append(out, value...)
}

// appendName writes a canonical name.
func appendName(out []byte, name string) []byte {
	for label := range strings.SplitSeq(name, ".") {
		out = append(out, byte(len(label)))
		out = append(out, label...)
	}
	return append(out, 0)
}

// own answers for the names of the people's pages.
func (s *Server) own(q *query, out []byte, set *porter.Settings) []byte {
	if q.kind != typeA && q.kind != typeAAAA {
		return q.nothing(out, rcodeOK, shortTTL, noEDE)
	}
	return addresses(q, out, s.ownAddresses(set), shortTTL, noEDE)
}

// ownAddresses are where devices find us: as the school set it, else the
// address this door listens on, or loopback where it is all.
func (s *Server) ownAddresses(set *porter.Settings) []netip.Addr {
	if len(set.Sink) > 0 {
		return set.Sink
	}
	a := s.Addr().Addr().Unmap()
	if a.IsUnspecified() {
		a = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return []netip.Addr{a}
}
