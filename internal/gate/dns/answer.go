package dns

import (
	"context"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"time"

	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

// shortTTL is how long a device may believe that a name is closed.
const shortTTL = 30

// captiveTTL is how long a device may believe that its check finds us: who has
// just signed in must not wait for it.
const captiveTTL = 1

// maxUnblockTTL bounds how long a device may hold an answer that rests on a
// timed unblock; it never holds it beyond the end.
const maxUnblockTTL = 60

// answer answers one well-formed question. Without wait it reports false
// where upstream would have to be asked; nothing has been recorded then.
func (s *Server) answer(ctx context.Context, q *query, client netip.Addr, out []byte, wait bool) ([]byte, bool) {
	if q.class != classIN || q.kind == typeAXFR || q.kind == typeIXFR {
		return q.short(out, rcodeRefused, -1), true
	}
	set := s.cfg.Porter.Settings()
	if rcode, ok := special(q.name, set.Canaries); ok {
		return q.short(out, rcode, edeFor(rcode)), true
	}
	host, kind, err := verdict.CanonicalHost(q.name)
	switch {
	case q.name == "":
		return q.short(out, rcodeRefused, -1), true
	case err != nil:
		return q.short(out, rcodeFormat, -1), true
	case kind != verdict.HostName:
		return q.short(out, rcodeNoName, -1), true
	case slices.Contains(set.OwnHosts, host), set.PAC != "" && (host == "wpad" || strings.HasPrefix(host, "wpad.")):
		return s.own(q, out, set), true
	}
	who := s.cfg.Porter.Who(client, nil)
	decided := s.cfg.Porter.Judge(&who, porter.Question{Door: verdict.DoorDNS, Host: host})
	if set.Captive && porter.CaptiveHost(host) && captive(&decided, set) {
		s.cfg.Porter.Record(ctx, &decided)
		return addresses(q, out, set.Sink, -1, captiveTTL), true
	}
	if !decided.Allowed() {
		decided.Verdict.Action = verdict.Block // a warning cannot be shown here
		s.cfg.Porter.Record(ctx, &decided)
		return blocked(q, out, set.Sink), true
	}
	if q.kind == typeANY {
		s.cfg.Porter.Record(ctx, &decided)
		return minimal(q, out), true
	}
	return s.resolved(ctx, q, &decided, &who, out, wait)
}

// captive sees to the name of a device's check of whether it is online.
// It reports that the check is to find our own page, since somebody must sign
// in or sign the agreement. Where there is no such page the name resolves, for
// the proxy's sake: what is shown there is decided at that door.
func captive(a *porter.Answer, set *porter.Settings) bool {
	if a.Verdict.Action != verdict.Block {
		return a.SignsIn() && len(set.Sink) > 0
	}
	switch a.Verdict.Reason {
	case verdict.ReasonUnsigned, verdict.ReasonAgreement:
		if len(set.Sink) > 0 {
			return true
		}
	case verdict.ReasonUnlisted:
		if a.SignsIn() && len(set.Sink) > 0 {
			return true
		}
	default:
		return false
	}
	a.Verdict.Action, a.Verdict.Reason = verdict.Allow, verdict.ReasonEssential
	return false
}

// resolved answers an open name with what upstream says, if that is open too.
func (s *Server) resolved(ctx context.Context, q *query, decided *porter.Answer, who *subject.Found, out []byte, wait bool) ([]byte, bool) {
	k := key{name: decided.Host, kind: q.kind, do: q.do}
	if target, ok := decided.SafeTarget(); ok {
		k.safe, k.do = target, false
	}
	r, now := s.cfg.Resolver, s.cfg.Porter.Now()
	e := r.cache.get(k, now)
	if e == nil {
		if !wait {
			return nil, false
		}
		var err error
		if e, err = r.find(ctx, k); err != nil {
			s.cfg.Porter.Record(ctx, decided)
			return q.short(out, rcodeServer, edeNetwork), true
		}
	}
	if k.safe == "" && len(e.names) > 0 && !explicit(decided.Verdict.Reason) {
		if bad, closed := s.chain(who, e.names); closed {
			bad.Verdict.Action = verdict.Block
			bad.Host = decided.Host // the name that was asked for, by the rule of the name behind it
			s.cfg.Porter.Record(ctx, &bad)
			return blocked(q, out, s.cfg.Porter.Settings().Sink), true
		}
	}
	s.cfg.Porter.Record(ctx, decided)
	return e.answer(q, out, now, s.mayHold(decided)), true
}

// mayHold is how many seconds a device may hold an answer: no longer than
// until a time of the week at which it may be closed, and under an unblock a
// minute and never beyond its end.
func (s *Server) mayHold(decided *porter.Answer) uint32 {
	left := min(uint32(decided.Holds()/time.Second), maxTTL)
	until := decided.Verdict.Until
	if until == 0 {
		return left
	}
	ends := (until - s.cfg.Porter.High().UnixMilli()) / 1000
	return min(left, uint32(max(min(ends, maxUnblockTTL), 0)))
}

// explicit reports a decision about this very name, which holds whatever the
// name is an alias of.
func explicit(r verdict.Reason) bool {
	switch r {
	case verdict.ReasonHelp, verdict.ReasonOurs, verdict.ReasonEssential, verdict.ReasonOwnAllow, verdict.ReasonUnblock:
		return true
	}
	return false
}

// chain judges the names that a name is an alias of.
func (s *Server) chain(who *subject.Found, names []string) (porter.Answer, bool) {
	for _, n := range names {
		host, kind, err := verdict.CanonicalHost(n)
		if err != nil || kind != verdict.HostName {
			continue
		}
		a := s.cfg.Porter.Judge(who, porter.Question{Door: verdict.DoorDNS, Host: host})
		// A name nobody lists is only where the listed one lives.
		if !a.Allowed() && a.Verdict.Reason != verdict.ReasonUnlisted {
			return a, true
		}
	}
	return porter.Answer{}, false
}

// blocked says that a name is closed: an address gets our own, if there is
// one, or does not exist; everything else is empty.
func blocked(q *query, out []byte, sink []netip.Addr) []byte {
	if q.kind != typeA && q.kind != typeAAAA {
		return q.short(out, rcodeOK, edeBlocked)
	}
	if len(sink) == 0 {
		return q.short(out, rcodeNoName, edeBlocked)
	}
	return addresses(q, out, sink, edeBlocked, shortTTL)
}

// own answers for the names of the people's pages.
func (s *Server) own(q *query, out []byte, set *porter.Settings) []byte {
	at := set.Sink
	if len(at) == 0 {
		at = s.here()
	}
	if q.kind != typeA && q.kind != typeAAAA {
		return q.short(out, rcodeOK, -1)
	}
	return addresses(q, out, at, -1, shortTTL)
}

// here is the address this door listens on, or loopback where it is all.
func (s *Server) here() []netip.Addr {
	a := s.Addr().Addr().Unmap()
	if a.IsUnspecified() {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	return []netip.Addr{a}
}

func addresses(q *query, out []byte, list []netip.Addr, ede int, ttl byte) []byte {
	n := 0
	for _, a := range list {
		if a.Is4() == (q.kind == typeA) {
			n++
		}
	}
	out = q.header(out, rcodeOK, n)
	for _, a := range list {
		if a.Is4() != (q.kind == typeA) {
			continue
		}
		raw := a.AsSlice()
		out = append(out, 0xc0, headerSize, byte(q.kind>>8), byte(q.kind), 0, classIN, 0, 0, 0, ttl)
		out = binary.BigEndian.AppendUint16(out, uint16(len(raw)))
		out = append(out, raw...)
	}
	return q.closing(out, rcodeOK, ede)
}

// minimal answers ANY as RFC 8482 says: with next to nothing.
func minimal(q *query, out []byte) []byte {
	const hinfo = 13
	out = q.header(out, rcodeOK, 1)
	out = append(out, 0xc0, headerSize, 0, hinfo, 0, classIN, 0, 0, 0, shortTTL, 0, 9, 7)
	out = append(out, "RFC8482"...)
	out = append(out, 0)
	return q.closing(out, rcodeOK, -1)
}

// special answers the names by which software asks whether the school minds
// that it goes round the school's DNS. It does.
func special(name string, more []string) (rcode int, ok bool) {
	switch name {
	case "use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com", "mask-canary.icloud.com", "mask-api.icloud.com":
		return rcodeNoName, true
	}
	switch {
	case under(name, "resolver.arpa"):
		return rcodeOK, true // no resolver of ours speaks another way: empty
	case under(name, "local"), under(name, "onion"), under(name, "invalid"), under(name, "localhost"):
		return rcodeNoName, true // never to be asked of anybody else
	}
	for _, c := range more {
		if under(name, c) {
			return rcodeNoName, true
		}
	}
	return 0, false
}

func edeFor(rcode int) int {
	if rcode == rcodeNoName {
		return edeBlocked
	}
	return -1
}

func under(name, zone string) bool {
	return name == zone || strings.HasSuffix(name, zone) && name[len(name)-len(zone)-1] == '.'
}
