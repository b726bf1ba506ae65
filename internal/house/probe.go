package house

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"belisha/internal/gate/probe"
	"belisha/internal/gate/subject"
	"belisha/internal/school/filtering"

	"github.com/miekg/dns"
)

// Probes ask the real DNS door, as somebody of each group would. Each group
// has a loopback address of its own, which the filter's device table puts into
// that group; what probes ask is left out of web activity.

// probeAddress is the address that probes of a group ask from.
func probeAddress(group string) (netip.Addr, bool) {
	for i, g := range filtering.Groups() {
		if g == group && i < 250 {
			return netip.AddrFrom4([4]byte{127, 77, 1, byte(i + 1)}), true
		}
	}
	return netip.Addr{}, false
}

// probeDevices are the lines of the device table that probes stand behind.
func probeDevices() []subject.Device {
	var out []subject.Device
	for _, g := range filtering.Groups() {
		if a, ok := probeAddress(g); ok {
			out = append(out, subject.Device{
				ID: probe.Device(g), Addresses: []netip.Prefix{netip.PrefixFrom(a, 32)}, Groups: []string{g}, Shared: true, Attended: true,
			})
		}
	}
	return out
}

func isProbe(device string) bool { return probe.IsDevice(device) }

// errNoDoor says that the DNS door cannot be asked.
var errNoDoor = errors.New("the filter's DNS does not answer")

// SafeAs asks the DNS door what a search service is answered as for a group.
// It implements filtering.Prober.
func (g *gateDoor) SafeAs(ctx context.Context, group, host string) (string, error) {
	g.mu.Lock()
	door, known := g.facts.DNS, g.known
	g.mu.Unlock()
	if !known {
		st, err := g.status(ctx)
		if err != nil {
			return "", errNoDoor
		}
		door = st.DNS
	}
	from, ok := probeAddress(group)
	if !ok {
		return "", fmt.Errorf("there is no group %s", group)
	}
	ctx, stop := context.WithTimeout(ctx, soon)
	defer stop()
	in, err := askName(ctx, door, from, host)
	if err != nil {
		return "", err
	}
	for _, rr := range in.Answer {
		if n, ok := rr.(*dns.CNAME); ok {
			return strings.TrimSuffix(strings.ToLower(n.Target), "."), nil
		}
	}
	if closedBy(in) {
		return "", filtering.ErrClosed
	}
	if in.Rcode != dns.RcodeSuccess {
		return "", fmt.Errorf("the filter's DNS answered %s for %s", dns.RcodeToString[in.Rcode], host)
	}
	return "", nil
}

// closedBy reports an answer that the filter gave of its own accord, because
// the rules close the name.
func closedBy(in *dns.Msg) bool {
	o := in.IsEdns0()
	if o == nil {
		return false
	}
	for _, x := range o.Option {
		if e, ok := x.(*dns.EDNS0_EDE); ok && e.InfoCode == dns.ExtendedErrorCodeBlocked {
			return true
		}
	}
	return false
}
