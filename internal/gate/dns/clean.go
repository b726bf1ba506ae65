package dns

import (
	"net/netip"
	"slices"
	"strings"

	mdns "github.com/miekg/dns"
)

const (
	maxChain   = 16  // names behind a name
	maxRecords = 256 // of one answer
	maxHints   = 16
)

// trim keeps of an answer what was asked for: the records of the name, and of
// the names it is an alias of one after the other. A resolver, or somebody in
// between, may have added others, and nobody asked for those. It returns the
// names behind the name. Everything is spelled in small letters.
func trim(m *mdns.Msg, name string, kind uint16, do bool) (names []string) {
	for _, list := range [][]mdns.RR{m.Answer, m.Ns} {
		for _, rr := range list {
			rr.Header().Name = strings.ToLower(rr.Header().Name)
		}
	}
	at := mdns.Fqdn(strings.ToLower(name))
	seen := map[string]bool{at: true}
	var kept []mdns.RR
	for range maxChain {
		next, add := step(m.Answer, at, kind, do)
		kept = append(kept, add...)
		if next == "" || seen[next] {
			break
		}
		seen[next] = true
		at = next
		names = append(names, strings.TrimSuffix(next, "."))
	}
	m.Answer = kept[:min(len(kept), maxRecords)]
	m.Ns = authority(m.Ns, at, do && len(kept) < maxRecords)
	m.Extra = nil
	m.Question = []mdns.Question{{Name: mdns.Fqdn(name), Qtype: kind, Qclass: classIN}}
	return names
}

// step takes the records of one name, and tells the name behind it.
func step(list []mdns.RR, at string, kind uint16, do bool) (next string, kept []mdns.RR) {
	found := false
	for _, rr := range list {
		h := rr.Header()
		if h.Class != classIN {
			continue
		}
		switch r := rr.(type) {
		case *mdns.CNAME:
			if h.Name != at {
				continue
			}
			r.Target = strings.ToLower(r.Target)
			switch {
			case kind == typeCNAME:
				found = true
			case next != "" && next != r.Target:
				continue // a name is an alias of one: a second would go unjudged
			default:
				next = r.Target
			}
		case *mdns.DNAME:
			if h.Name == at && kind == h.Rrtype {
				break
			}
			head, below := strings.CutSuffix(at, "."+h.Name)
			if !below {
				continue
			}
			r.Target = strings.ToLower(r.Target)
			to := head + "." + strings.TrimPrefix(r.Target, ".") // below the root there is one dot only
			if next != "" && next != to {
				continue
			}
			next = to
		case *mdns.RRSIG:
			covers := h.Name == at && (r.TypeCovered == kind || r.TypeCovered == typeCNAME) ||
				r.TypeCovered == mdns.TypeDNAME && strings.HasSuffix(at, "."+h.Name)
			if (!do || !covers) && (h.Name != at || kind != typeRRSIG) {
				continue
			}
		default:
			if h.Name != at || h.Rrtype != kind {
				continue
			}
			found = true
		}
		kept = append(kept, rr)
	}
	if found {
		next = ""
	}
	return next, kept
}

// authority keeps what says why there is nothing, and its proof where somebody
// checks.
func authority(list []mdns.RR, at string, do bool) (kept []mdns.RR) {
	for _, rr := range list {
		h := rr.Header()
		zone := h.Name == "." || h.Name == at || strings.HasSuffix(at, "."+h.Name)
		switch rr.(type) {
		case *mdns.SOA:
			if !zone {
				continue
			}
		case *mdns.NSEC, *mdns.NSEC3, *mdns.RRSIG:
			if !do {
				continue
			}
		default:
			continue
		}
		if len(kept) < maxRecords {
			kept = append(kept, rr)
		}
	}
	return kept
}

// cleaned says what became of an answer.
type cleaned struct {
	rebound bool // only private addresses were there
	changed bool // nobody can vouch for it any more
	names   []string
	hints   []netip.Addr
}

// clean takes out of an answer what would lead past the filter: private
// addresses of public names, encrypted names, HTTP/3 hints.
func clean(m *mdns.Msg, allowed func(netip.Addr) bool) (c cleaned) {
	var had, kept int
	out := m.Answer[:0:0]
	for _, rr := range m.Answer {
		switch r := rr.(type) {
		case *mdns.A:
			had++
			if a, ok := netip.AddrFromSlice(r.A); !ok || !allowed(a.Unmap()) {
				continue
			}
			kept++
		case *mdns.AAAA:
			had++
			if a, ok := netip.AddrFromSlice(r.AAAA); !ok || !allowed(a) {
				continue
			}
			kept++
		case *mdns.HTTPS:
			c.service(&r.SVCB, allowed)
		case *mdns.SVCB:
			c.service(r, allowed)
		}
		out = append(out, rr)
	}
	m.Answer = out
	c.changed = c.changed || kept < had
	if c.changed {
		m.Answer, m.Ns = withoutProofs(m.Answer), withoutProofs(m.Ns)
		m.AuthenticatedData = false
	}
	m.Authoritative, m.RecursionAvailable, m.Truncated, m.CheckingDisabled = false, true, false, false
	c.rebound = had > 0 && kept == 0
	return c
}

// service cleans one HTTPS or SVCB record, and notes where it leads.
func (c *cleaned) service(r *mdns.SVCB, allowed func(netip.Addr) bool) {
	if r.Target = strings.ToLower(r.Target); r.Target != "." && len(c.names) < maxChain {
		c.names = append(c.names, strings.TrimSuffix(r.Target, "."))
	}
	out, gone := r.Value[:0:0], map[mdns.SVCBKey]bool{}
	for _, v := range r.Value {
		kept := c.parameter(v, allowed)
		if kept == nil {
			gone[v.Key()] = true
			continue
		}
		out = append(out, kept)
	}
	if gone[mdns.SVCB_ALPN] { // it says something of the list that is gone
		out = slices.DeleteFunc(out, func(v mdns.SVCBKeyValue) bool { return v.Key() == mdns.SVCB_NO_DEFAULT_ALPN })
		gone[mdns.SVCB_NO_DEFAULT_ALPN] = true
	}
	// What is mandatory and gone would make the record of no use to anybody.
	for i, v := range out {
		if must, ok := v.(*mdns.SVCBMandatory); ok && len(gone) > 0 {
			left := &mdns.SVCBMandatory{}
			for _, k := range must.Code {
				if !gone[k] {
					left.Code = append(left.Code, k)
				}
			}
			if out[i] = left; len(left.Code) == 0 {
				out = append(out[:i], out[i+1:]...)
			}
			break
		}
	}
	r.Value = out
}

// parameter returns what is left of one parameter, or nil.
func (c *cleaned) parameter(v mdns.SVCBKeyValue, allowed func(netip.Addr) bool) mdns.SVCBKeyValue {
	switch p := v.(type) {
	case *mdns.SVCBECHConfig:
		c.changed = true
		return nil
	case *mdns.SVCBAlpn:
		kept := p.Alpn[:0:0]
		for _, a := range p.Alpn {
			if !strings.HasPrefix(a, "h3") {
				kept = append(kept, a)
			}
		}
		if len(kept) == len(p.Alpn) {
			return v
		}
		c.changed = true
		if len(kept) == 0 {
			return nil
		}
		return &mdns.SVCBAlpn{Alpn: kept}
	case *mdns.SVCBIPv4Hint:
		kept := hints(c, p.Hint, allowed)
		if len(kept) == 0 {
			return nil
		}
		return &mdns.SVCBIPv4Hint{Hint: kept}
	case *mdns.SVCBIPv6Hint:
		kept := hints(c, p.Hint, allowed)
		if len(kept) == 0 {
			return nil
		}
		return &mdns.SVCBIPv6Hint{Hint: kept}
	}
	return v
}

func hints[T ~[]byte](c *cleaned, list []T, allowed func(netip.Addr) bool) (kept []T) {
	for _, raw := range list {
		a, ok := netip.AddrFromSlice(raw)
		if !ok || !allowed(a.Unmap()) || len(c.hints) >= maxHints {
			c.changed = true
			continue
		}
		kept = append(kept, raw)
		c.hints = append(c.hints, a.Unmap())
	}
	return kept
}

// withoutProofs takes out what vouches for an answer that is another now.
func withoutProofs(in []mdns.RR) []mdns.RR {
	out := in[:0:0]
	for _, rr := range in {
		switch rr.Header().Rrtype {
		case typeRRSIG, mdns.TypeNSEC, mdns.TypeNSEC3:
			continue
		}
		out = append(out, rr)
	}
	return out
}
