package dns

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	mdns "github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"belisha/internal/gate/dns/upstream"
	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

const (
	maxZones = 64
	// zoneIs is how a zone of the school's own is written.
	zoneIs = "write it as ashdown.internal=10.0.0.2,10.0.0.3"
)

// ownZone is a zone of the school's own, such as the one its computers sign in
// to, with the servers that know it.
type ownZone struct {
	name string
	up   *upstream.Client
	mute mute
}

// CheckZones reports what is wrong with the school's own zones.
func CheckZones(list []string) error {
	if len(list) > maxZones {
		return fmt.Errorf("there are %d own zones and at most %d are known", len(list), maxZones)
	}
	seen := make(map[string]bool)
	for _, text := range list {
		name, servers, err := readZone(text)
		if err != nil {
			return err
		}
		for _, s := range servers {
			if err := upstream.Check(s); err != nil {
				return fmt.Errorf("the own zone %s: %w", name, err)
			}
		}
		if seen[name] {
			return fmt.Errorf("the own zone %s is there twice: give its servers once, with commas between them", name)
		}
		seen[name] = true
	}
	return nil
}

// readZone reads "ashdown.internal=10.0.0.2,10.0.0.3".
func readZone(text string) (name string, servers []string, err error) {
	head, tail, ok := strings.Cut(text, "=")
	name, kind, err := verdict.CanonicalHost(strings.TrimSpace(head))
	if !ok || err != nil || kind != verdict.HostName {
		return "", nil, fmt.Errorf("the own zone %q is no name with its servers: %s", text, zoneIs)
	}
	if everybodys(name) {
		return "", nil, fmt.Errorf("the own zone %s is not the school's alone: name the school's part of it", name)
	}
	for s := range strings.SplitSeq(tail, ",") {
		if s = strings.TrimSpace(s); s != "" {
			servers = append(servers, s)
		}
	}
	if len(servers) == 0 {
		return "", nil, fmt.Errorf("the own zone %s has no servers: %s", name, zoneIs)
	}
	return name, servers, nil
}

// everybodys reports a zone that others have a part in: with it, half the
// internet would be the school's own.
func everybodys(name string) bool {
	if suffix, icann := publicsuffix.PublicSuffix("a.b." + name); icann && len(suffix) > len(name) {
		return true // sch.uk: whatever is right below it is somebody's
	}
	suffix, icann := publicsuffix.PublicSuffix(name)
	return icann && suffix == name && strings.Count(name, ".") < 2 || name == "arpa" || name == "in-addr.arpa" || name == "ip6.arpa"
}

// Own sets the zones of the school's own, before anybody asks. Their servers
// are asked for what is in them, and nobody else is; what they answer may lie
// inside the school.
func (r *Resolver) Own(list []string) error {
	if err := CheckZones(list); err != nil {
		return err
	}
	for _, text := range list {
		name, servers, err := readZone(text)
		if err != nil {
			return err
		}
		up, err := upstream.New(servers, nil, r.clock)
		if err != nil {
			return fmt.Errorf("the own zone %s: %w", name, err)
		}
		r.zones = append(r.zones, &ownZone{name: name, up: up})
	}
	return nil
}

// Own sets the zones of the school's own, before the door serves; see
// Resolver.Own.
func (s *Server) Own(list []string) error { return s.cfg.Resolver.Own(list) }

// Mute are the zones whose servers did not answer the last questions, "." for the
// upstream resolvers.
func (s *Server) Mute() (out []string) {
	r := s.cfg.Resolver
	if r.mute.is() {
		out = append(out, ".")
	}
	for _, z := range r.zones {
		if z.mute.is() {
			out = append(out, z.name)
		}
	}
	return out
}

// zone is the nearest zone of the school's own that a name is in; nil for none.
func (r *Resolver) zone(name string) (z *ownZone) {
	for _, one := range r.zones {
		if under(name, one.name) && (z == nil || len(one.name) > len(z.name)) {
			z = one
		}
	}
	return z
}

// exchange asks whoever knows the name, and cleans what is said of what may
// not come out of such a name.
func (r *Resolver) exchange(ctx context.Context, q upstream.Question) (m *mdns.Msg, allowed func(netip.Addr) bool, err error) {
	z := r.zone(q.Name)
	if z == nil {
		m, err = r.up.Exchange(ctx, q)
		return m, r.allowed, err
	}
	m, err = z.up.Exchange(ctx, q)
	return m, func(a netip.Addr) bool { return within(a) || r.allowed(a) }, err
}

// within reports an address that a school's own machine may have.
func within(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsPrivate() || shared.Contains(a)
}

var shared = netip.MustParsePrefix("100.64.0.0/10")

// waits reports a block that is only until somebody signs in, or because
// nobody listed the name.
func waits(r verdict.Reason) bool {
	switch r {
	case verdict.ReasonUnlisted, verdict.ReasonFocus, verdict.ReasonUnsigned, verdict.ReasonAgreement, verdict.ReasonPaused, verdict.ReasonUnsupervised:
		return true
	}
	return false
}

// soften opens what is only waiting: what a computer needs of the school's own
// network before anybody can sign in, and what proves an open name.
func soften(a *porter.Answer) {
	if a.Verdict.Action == verdict.Block && waits(a.Verdict.Reason) {
		a.Verdict.Action, a.Verdict.Reason = verdict.Allow, verdict.ReasonEssential
	}
}
