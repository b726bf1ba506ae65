package dns

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"net/netip"
	"time"
)

// ede is an extended error (RFC 8914): a number, and the same few words for
// everybody. It never says why a name is closed: who reads it may not be who
// asked.
type ede struct {
	code int
	text string
}

var (
	noEDE         = ede{code: -1}
	edeStale      = ede{3, "upstream is away: an older answer"}
	edeBlocked    = ede{15, "closed by the school's filter"}
	edeCensored   = ede{16, "closed by law for everybody"}
	edeProhibited = ede{18, "closed until somebody signs in or the web is given back"}
	edeBusy       = ede{0, "too many questions wait"}
	edeNoneAnswer = ede{22, "upstream could not find it"}
	edeNetwork    = ede{23, "upstream cannot be reached"}
	edeNotMade    = ede{21, "not answered here"}
)

// unproved says that upstream knows an answer that DNSSEC does not bear out,
// and in its number how.
const unproved = "upstream could not prove it: DNSSEC"

// closing ends an answer with the EDNS record where the question had one.
func (q *query) closing(out []byte, rcode int, e ede) []byte {
	if !q.edns {
		return out
	}
	out[11]++ // additional records: there are none yet or few
	out = append(out, 0, 0, typeOPT, maxUDP>>8, maxUDP&0xff, byte(rcode>>4), 0, 0, 0, 0, 0)
	if q.do {
		out[len(out)-4] = 0x80
	}
	at := len(out)
	if e.code >= 0 {
		out = appendOption(out, optEDE, 2+len(e.text))
		out = binary.BigEndian.AppendUint16(out, uint16(e.code))
		out = append(out, e.text...)
	}
	if q.replied {
		out = appendOption(out, optCookie, clientCookie+len(q.reply))
		out = append(out, q.cookie[:clientCookie]...)
		out = append(out, q.reply[:]...)
	}
	if q.stays && q.idle > 0 { // RFC 7828
		out = appendOption(out, optKeepalive, 2)
		out = binary.BigEndian.AppendUint16(out, q.idle)
	}
	if q.secure && q.padding {
		gap := (padTo - (len(out)+4)%padTo) % padTo
		out = appendOption(out, optPadding, gap)
		out = append(out, make([]byte, gap)...)
	}
	binary.BigEndian.PutUint16(out[at-2:], uint16(len(out)-at))
	return out
}

func appendOption(out []byte, code, size int) []byte {
	out = binary.BigEndian.AppendUint16(out, uint16(code))
	return binary.BigEndian.AppendUint16(out, uint16(size))
}

// cookies are DNS cookies (RFC 7873, laid out as RFC 9018): who brings back
// one of ours has proved that its address is its own. The secret lives as
// long as the process.
type cookies struct{ secret [32]byte }

const (
	cookieAge   = time.Hour       // how long one is believed
	cookieAhead = 5 * time.Minute // and how far its time may be ahead of ours
)

func newCookies() *cookies {
	c := &cookies{}
	rand.Read(c.secret[:]) // never fails
	return c
}

// see answers the cookie of a question, and reports whether it held a good one
// of ours.
func (c *cookies) see(q *query, client netip.Addr, now time.Time) (known bool) {
	if q.cookie == nil {
		return false
	}
	if len(q.cookie) == clientCookie+len(q.reply) {
		var want [16]byte
		copy(want[:8], q.cookie[clientCookie:])
		c.sign(&want, q.cookie[:clientCookie], client)
		made := time.Unix(int64(binary.BigEndian.Uint32(want[4:])), 0)
		age := now.Sub(made)
		known = subtle.ConstantTimeCompare(want[:], q.cookie[clientCookie:]) == 1 && age < cookieAge && age > -cookieAhead
	}
	q.reply = [16]byte{1}
	binary.BigEndian.PutUint32(q.reply[4:], uint32(now.Unix()))
	c.sign(&q.reply, q.cookie[:clientCookie], client)
	q.replied = true
	return known
}

// sign writes the last half of a server's cookie.
func (c *cookies) sign(to *[16]byte, client []byte, from netip.Addr) {
	var b [32 + clientCookie + 8 + 16]byte
	copy(b[:], c.secret[:])
	copy(b[32:], client)
	copy(b[40:], to[:8])
	a := from.As16()
	copy(b[48:], a[:])
	sum := sha256.Sum256(b[:])
	copy(to[8:], sum[:8])
}
