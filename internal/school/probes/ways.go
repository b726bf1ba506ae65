package probes

import (
	"net/netip"
	"slices"
	"strings"
)

// Way is one way past the filter that a device tries: by what, and where to.
type Way struct {
	By string // "udp", "tcp": names asked of port 53; "tls"; "https"; "quic"; "port": only connected to
	To netip.AddrPort
}

// Case names the way in plans and reports: "udp/1.1.1.1:53".
func (w Way) Case() string { return w.By + "/" + w.To.String() }

// ways by which a name service outside is tried.
var nameWays = []struct {
	by   string
	port uint16
	says string
}{
	{"udp", 53, "names asked over UDP"}, {"tcp", 53, "names asked over TCP"}, {"tls", 853, "names asked over TLS"}, {"https", 443, "HTTPS"}, {"quic", 443, "QUIC"},
}

func (w Way) says() string {
	for _, x := range nameWays {
		if x.by == w.By {
			return x.says
		}
	}
	return "a connection"
}

// mostPast bounds the addresses that devices try.
const mostPast = 6

// Ways are the ways that devices try; what cannot be read is unread.
func (r *Room) Ways() (ways []Way, unread []string) {
	places := 0
	for _, t := range strings.FieldsFunc(r.Live.Current().Get(keyDirect).Text, func(c rune) bool { return c == ',' || c == ';' || c == ' ' || c == '\n' }) {
		var list []Way
		if a, err := netip.ParseAddr(t); err == nil && a.Zone() == "" {
			for _, x := range nameWays {
				list = append(list, Way{x.by, netip.AddrPortFrom(a, x.port)})
			}
		} else if ap, err := netip.ParseAddrPort(t); err == nil && ap.Port() != 0 {
			list = []Way{{"port", ap}}
		}
		switch {
		case t == "and":
		case list == nil || places == mostPast:
			unread = append(unread, t)
		case !slices.Contains(ways, list[0]):
			places++
			ways = append(ways, list...)
		}
	}
	return ways, unread
}

// directAnswers are what the device found of the ways past the filter.
func (r *Room) directAnswers(by map[string]string) []Answer {
	var out []Answer
	ways, _ := r.Ways()
	for _, w := range ways {
		a := Answer{Case: "past the filter by " + w.Case(), Area: Direct, What: "A device does not get past the filter to " + w.To.String() + " by " + w.says()}
		switch by[w.Case()] {
		case "refused":
			a.State, a.Said = Right, "It did not get there."
		case "ours":
			a.State, a.Said = Right, "The filter answered in its place."
		case "reached":
			a.State, a.Said = Wrong, "It got there: the firewall lets devices out by themselves. Under Devices, “Rules for your firewall or router” has the rules that close it."
		case "untried":
			a.State, a.Said = NotSo, "The device has no program by which this can be tried."
		default:
			a.State, a.Said = Unknown, "It was not tried."
		}
		out = append(out, a)
	}
	return out
}
