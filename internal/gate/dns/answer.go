package dns

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"belisha/internal/gate/dns/upstream"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/probe"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

// maxUnblockTTL bounds how long a device may hold an answer that rests on a
// timed unblock; it never holds it beyond the end.
const maxUnblockTTL = 60

// foreign is the category of name services outside the school.
const foreign = "foreign-dns"

// answer answers one well-formed question. Without wait it reports false
// where upstream would have to be asked; nothing has been recorded then.
func (s *Server) answer(ctx context.Context, q *query, client netip.Addr, out []byte, wait bool) ([]byte, bool) {
	if q.class != classIN || meta(q.kind) || q.name == "" && q.kind == typeANY {
		return q.short(out, rcodeRefused, edeNotMade), true
	}
	if q.name == "" {
		return s.root(ctx, q, out, wait)
	}
	set := s.cfg.Porter.Settings()
	if designates(q, set) {
		return s.designated(q, out, set), true
	}
	if rcode, kind, counts, ok := special(q.name, set.Canaries); ok && s.cfg.Resolver.zone(q.name) == nil {
		e := noEDE
		if counts {
			who := s.cfg.Porter.Who(client, nil)
			s.cfg.Porter.Bypassed(&who, kind)
			e = edeBlocked
		}
		return q.nothing(out, rcode, shortTTL, e), true
	}
	host, kind, err := verdict.CanonicalHost(q.name)
	switch {
	case err != nil:
		return q.short(out, rcodeFormat, noEDE), true
	case kind != verdict.HostName:
		return q.nothing(out, rcodeNoName, shortTTL, noEDE), true
	case slices.Contains(set.OwnHosts, host), host == probe.Here, set.PAC != "" && (host == "wpad" || strings.HasPrefix(host, "wpad.")):
		return s.own(q, out, set), true
	}
	return s.judged(ctx, q, host, client, out, wait)
}

// judged answers a question after a name that pages could have.
func (s *Server) judged(ctx context.Context, q *query, host string, client netip.Addr, out []byte, wait bool) ([]byte, bool) {
	set := s.cfg.Porter.Settings()
	who := s.cfg.Porter.Who(client, nil)
	decided := s.cfg.Porter.Judge(&who, porter.Question{Door: verdict.DoorDNS, Host: host})
	if s.cfg.Resolver.zone(host) != nil || proves(q.kind) {
		soften(&decided)
	}
	if set.Captive && porter.CaptiveHost(host) && captive(&decided, set) {
		s.cfg.Porter.Note(&decided)
		return addresses(q, out, set.Sink, captiveTTL, noEDE), true
	}
	if !decided.Allowed() {
		return s.close(q, &decided, &who, out, set), true
	}
	if host != q.name {
		// Letters that are not ASCII are judged as the name they stand for, but
		// on the wire no name is spelled with them: who means it asks as xn--.
		s.cfg.Porter.Note(&decided)
		return q.nothing(out, rcodeNoName, shortTTL, noEDE), true
	}
	if q.kind == typeANY {
		s.cfg.Porter.Note(&decided)
		return minimal(q, out), true
	}
	if probe.Serves(host) { // leads to us, and nobody upstream is asked
		s.cfg.Porter.Note(&decided)
		return s.own(q, out, set), true
	}
	return s.resolved(ctx, q, &decided, &who, out, wait)
}

// root answers what is asked after the root of all names, which no rule can
// mean: who checks signatures begins there, and so do other resolvers that ask
// us for what they do not know.
func (s *Server) root(ctx context.Context, q *query, out []byte, wait bool) ([]byte, bool) {
	r, k, now := s.cfg.Resolver, key{kind: q.kind, do: q.do, cd: q.cd()}, s.cfg.Porter.Now()
	e := r.cache.get(k, now)
	if e == nil {
		if !wait {
			return nil, false
		}
		var err error
		if e, err = r.find(ctx, k); err != nil {
			e = failed(err)
		}
	}
	if e.err() != nil {
		return q.short(out, rcodeServer, edeFor(e.err())), true
	}
	return e.answer(q, out, now, maxTTL), true
}

// proves reports the types by which the names above one that is open prove
// it. They lead nowhere.
func proves(kind uint16) bool { return kind == typeDS || kind == typeDNSKEY }

// meta reports types that are no question after a record.
func meta(kind uint16) bool {
	return kind == typeOPT || kind >= typeTKEY && kind < typeANY || kind == 0
}

// close answers and records a block. A warning cannot be shown here, and is
// one too.
func (s *Server) close(q *query, decided *porter.Answer, who *subject.Found, out []byte, set *porter.Settings) []byte {
	decided.Verdict.Action = verdict.Block
	if c, ok := decided.Names().Category(decided.Verdict.Category); ok && c.Slug == foreign {
		s.cfg.Porter.Bypassed(who, porter.BypassForeign)
	}
	s.cfg.Porter.Note(decided)
	return blocked(q, out, decided, set.Sink)
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
	k := key{name: decided.Host, kind: q.kind, do: q.do, cd: q.cd()}
	if target, ok := decided.SafeTarget(); ok && safeKind(q.kind) {
		k = key{name: k.name, kind: k.kind, safe: target}
	}
	r, now := s.cfg.Resolver, s.cfg.Porter.Now()
	e := r.cache.get(k, now)
	if e == nil {
		if !wait {
			return nil, false
		}
		if s.tunnels(q, decided, who, now) {
			decided.Verdict.Reason, decided.Verdict.Rule, decided.Verdict.Until = verdict.ReasonBypass, 0, 0
			return s.close(q, decided, who, out, s.cfg.Porter.Settings()), true
		}
		var err error
		if e, err = r.find(ctx, k); err != nil {
			e = failed(err)
		}
	}
	if e.err() != nil {
		s.cfg.Porter.Note(decided)
		return q.short(out, rcodeServer, edeFor(e.err())), true
	}
	if k.safe == "" && (!explicit(decided.Verdict.Reason) || r.zone(k.name) != nil) {
		if bad, closed := s.behind(who, e); closed {
			bad.Host = decided.Host // the name that was asked for, by the rule of what is behind it
			return s.close(q, &bad, who, out, s.cfg.Porter.Settings()), true
		}
	}
	s.cfg.Porter.Note(decided)
	return e.answer(q, out, now, s.mayHold(decided)), true
}

// tunnels reports names that carry data out of the school, and counts them.
func (s *Server) tunnels(q *query, decided *porter.Answer, who *subject.Found, now time.Time) bool {
	if explicit(decided.Verdict.Reason) && !proves(q.kind) {
		return false
	}
	over, first := s.tunnel.Ask(who.Address, decided.Host, q.kind, now)
	if !over {
		return false
	}
	s.cfg.Porter.Bypassed(who, porter.BypassTunnel)
	if first {
		s.cfg.Log.Warn("a device carries data in names", "device", who.Device)
	}
	return !s.cfg.Porter.Settings().TunnelsOpen
}

// edeFor says how upstream failed.
func edeFor(err error) ede {
	said := (*upstream.Failed)(nil)
	switch {
	case errors.Is(err, errBusy):
		return edeBusy
	case !errors.As(err, &said):
		return edeNetwork
	case said.Bogus():
		return ede{said.Info, unproved}
	}
	return edeNoneAnswer
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

// behind judges what a name is an alias of or leads to: names, and addresses
// where any list or rule names some.
func (s *Server) behind(who *subject.Found, e *entry) (bad porter.Answer, closed bool) {
	for _, n := range e.names() {
		host := nearest(n)
		bad, closed = s.judge(who, porter.Question{Door: verdict.DoorDNS, Host: host})
		if closed && s.cfg.Resolver.zone(host) != nil {
			soften(&bad)
			closed = !bad.Allowed()
		}
		if closed {
			return bad, true
		}
	}
	rules := s.cfg.Porter.Snapshot()
	if e.unnamedBy(rules) {
		return bad, false
	}
	n, named := 0, false
	e.addresses(func(a netip.Addr) bool {
		n++
		if !rules.NamesAddress(a) {
			return n < maxChain
		}
		named = true
		// As a name: that it is an address is no fault here, and the resolver
		// has seen to private ones.
		bad, closed = s.judge(who, porter.Question{Door: verdict.DoorDNS, Host: verdict.PlainAddress(a), PrivateOpen: true})
		return !closed && n < maxChain
	})
	if !named {
		e.checked.Store(s.cfg.Resolver.cache.weakly(rules))
	}
	return bad, closed
}

func (s *Server) judge(who *subject.Found, q porter.Question) (a porter.Answer, closed bool) {
	if q.Host == "" {
		return a, false
	}
	a = s.cfg.Porter.Judge(who, q)
	// What nobody lists, or no lesson names, is only where the named one lives.
	return a, !a.Allowed() && a.Verdict.Reason != verdict.ReasonUnlisted && a.Verdict.Reason != verdict.ReasonFocus
}

// nearest is the canonical name, or of one that no page could have the
// nearest parent that could be listed.
func nearest(name string) string {
	for name != "" {
		if host, kind, err := verdict.CanonicalHost(name); err == nil && kind == verdict.HostName {
			return host
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return ""
}
