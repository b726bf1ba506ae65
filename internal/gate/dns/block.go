package dns

import (
	"encoding/binary"
	"net/netip"
	"time"

	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

const (
	// shortTTL is how long a device may believe that a name is closed.
	shortTTL = 30
	// soonTTL is the same where it opens as soon as somebody signs in.
	soonTTL = 5
	// captiveTTL is how long a device may believe that its check finds us: who
	// has just signed in must not wait for it.
	captiveTTL = 1
)

// edeOf is the extended error of a block: one for what the law closes, one
// for who may not ask yet, and one for everything else.
func edeOf(r verdict.Reason) ede {
	switch r {
	case verdict.ReasonLocked:
		return edeCensored
	case verdict.ReasonUnsigned, verdict.ReasonAgreement, verdict.ReasonPaused, verdict.ReasonUnsupervised:
		return edeProhibited
	}
	return edeBlocked
}

// blockTTL is how long a block may be held: not beyond a time of the week at
// which the name may be opened.
func blockTTL(a *porter.Answer) uint32 {
	ttl := uint32(shortTTL)
	if edeOf(a.Verdict.Reason).code == edeProhibited.code {
		ttl = soonTTL
	}
	return min(ttl, uint32(max(a.Holds()/time.Second, 0)))
}

// blocked says that a name is closed: an address gets our own, if there is
// one, or does not exist; everything else is empty.
func blocked(q *query, out []byte, a *porter.Answer, sink []netip.Addr) []byte {
	ttl, e := blockTTL(a), edeOf(a.Verdict.Reason)
	switch {
	case q.kind != typeA && q.kind != typeAAAA:
		return q.nothing(out, rcodeOK, ttl, e)
	case len(sink) == 0:
		return q.nothing(out, rcodeNoName, ttl, e)
	}
	return addresses(q, out, sink, ttl, e)
}

// nothing is an answer without records, with the SOA record that lets a device
// hold it for a bounded time (RFC 2308).
func (q *query) nothing(out []byte, rcode int, ttl uint32, e ede) []byte {
	out = q.header(out, rcode, 0, 1)
	out = append(out, 0xc0, headerSize, 0, typeSOA, 0, classIN)
	out = binary.BigEndian.AppendUint32(out, ttl)
	out = append(out, 0, 22, 0, 0) // no server and nobody to write to
	for _, n := range [...]uint32{1, 3600, 600, 86400, ttl} {
		out = binary.BigEndian.AppendUint32(out, n)
	}
	return q.closing(out, rcode, e)
}

// addresses answers with those of a list that are of the kind asked for.
func addresses(q *query, out []byte, list []netip.Addr, ttl uint32, e ede) []byte {
	n := 0
	for _, a := range list {
		if a.Is4() == (q.kind == typeA) {
			n++
		}
	}
	if n == 0 {
		return q.nothing(out, rcodeOK, ttl, e)
	}
	out = q.header(out, rcodeOK, n, 0)
	for _, a := range list {
		if a.Is4() != (q.kind == typeA) {
			continue
		}
		raw := a.As16()
		data := raw[:]
		if a.Is4() {
			data = raw[12:]
		}
		out = append(out, 0xc0, headerSize, byte(q.kind>>8), byte(q.kind), 0, classIN)
		out = binary.BigEndian.AppendUint32(out, ttl)
		out = binary.BigEndian.AppendUint16(out, uint16(len(data)))
		out = append(out, data...)
	}
	return q.closing(out, rcodeOK, e)
}

// minimal answers ANY as RFC 8482 says: with next to nothing.
func minimal(q *query, out []byte) []byte {
	const hinfo = 13
	out = q.header(out, rcodeOK, 1, 0)
	out = append(out, 0xc0, headerSize, 0, hinfo, 0, classIN, 0, 0, 0, shortTTL, 0, 9, 7)
	out = append(out, "RFC8482"...)
	out = append(out, 0)
	return q.closing(out, rcodeOK, noEDE)
}
