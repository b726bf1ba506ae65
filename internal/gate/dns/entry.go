package dns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"
	"weak"

	mdns "github.com/miekg/dns"

	"belisha/internal/verdict"
)

// entry is an answer that was found, cleaned and packed. What it answers is
// never changed. There are a hundred thousand of them: what few have is apart.
type entry struct {
	name    string
	more    *besides // nil: nothing
	wire    []byte   // whole message without EDNS record, and then where its TTLs are
	stored  int64    // Unix ms
	life    uint32   // ms that it holds
	serves  uint32   // ms that it serves while upstream is away
	whole   uint16   // how much of wire is the message
	nameEnd uint16   // end of the question
	kind    uint16
	has     trait
	// checked are the rules that are known to name none of its addresses. It
	// does not keep them.
	checked atomic.Pointer[weak.Pointer[verdict.Snapshot]]
}

// trait is one thing that is so of an entry.
type trait uint8

const (
	withDO  trait = 1 << iota // asked with these flags
	withCD                    //
	rebound                   // a public name that led nowhere but inside
	proved                    // upstream vouches for it
	stale                     // it is older, and upstream is away
)

// besides is what few entries have.
type besides struct {
	safe  string
	names []string     // it is an alias of, or leads to
	hints []netip.Addr // besides those of its records
	err   error        // there is no answer
}

var errLarge = errors.New("the answer is larger than any can be")

// entrySize is what an entry takes besides its bytes and what is apart.
const entrySize = 110

func (e *entry) size() int {
	n := entrySize + cap(e.wire) + len(e.name)
	if e.more != nil {
		n += 80 + len(e.more.safe) + 24*len(e.more.hints)
		for _, s := range e.more.names {
			n += 16 + len(s)
		}
	}
	return n
}

// keyed notes which question it answers.
func (e *entry) keyed(k *key) {
	e.name, e.kind = k.name, k.kind
	e.has &^= withDO | withCD
	if k.do {
		e.has |= withDO
	}
	if k.cd {
		e.has |= withCD
	}
	if k.safe != "" && (e.more == nil || e.more.safe != k.safe) { // an older one has it, and others read it
		e.apart().safe = k.safe
	}
}

func (e *entry) is(k *key) bool {
	return e.kind == k.kind && e.name == k.name && (e.has&withDO != 0) == k.do && (e.has&withCD != 0) == k.cd &&
		(e.more == nil && k.safe == "" || e.more != nil && e.more.safe == k.safe)
}

func (e *entry) apart() *besides {
	if e.more == nil {
		e.more = &besides{}
	}
	return e.more
}

// leads notes where an answer leads besides its records' addresses.
func (e *entry) leads(names []string, hints []netip.Addr) {
	if len(names) > 0 || len(hints) > 0 {
		b := e.apart()
		b.names, b.hints = names, hints
	}
}

func (e *entry) err() error {
	if e.more == nil {
		return nil
	}
	return e.more.err
}

func (e *entry) names() []string {
	if e.more == nil {
		return nil
	}
	return e.more.names
}

func (e *entry) ends() int64 { return e.stored + int64(e.life) }

// unnamedBy reports that these rules are known to name none of its addresses.
func (e *entry) unnamedBy(rules *verdict.Snapshot) bool {
	w := e.checked.Load()
	return w != nil && w.Value() == rules
}

// newEntry packs a clean answer for the cache.
func newEntry(m *mdns.Msg, now time.Time) (*entry, error) {
	ttl := uint32(maxTTL)
	if len(m.Answer) == 0 {
		ttl = maxNegative
		for _, rr := range m.Ns {
			if soa, ok := rr.(*mdns.SOA); ok {
				ttl = min(ttl, soa.Minttl, soa.Hdr.Ttl)
			}
		}
	}
	for _, list := range [][]mdns.RR{m.Answer, m.Ns} {
		for _, rr := range list {
			h := rr.Header()
			h.Ttl = min(h.Ttl, maxTTL)
			ttl = min(ttl, h.Ttl)
		}
	}
	e := &entry{stored: now.UnixMilli(), life: ttl * 1000, serves: ttl*1000 + uint32(staleFor.Milliseconds())}
	if m.AuthenticatedData {
		e.has |= proved
		m.AuthenticatedData = false // said to who understands it
	}
	m.Compress = true
	wire, err := m.Pack()
	if err != nil {
		return nil, err
	}
	if len(wire) > maxReply {
		return nil, errLarge
	}
	// A record that is cut off is read all the same, and cannot be read again
	// by whoever gets it.
	if err := new(mdns.Msg).Unpack(wire); err != nil {
		return nil, fmt.Errorf("%w: %w", errAnswer, err)
	}
	e.pack(wire)
	return e, nil
}

// failed is an entry without an answer.
func failed(err error) *entry { return &entry{more: &besides{err: err}} }

// failure is remembered for a moment, so that a dead server is not asked by
// everybody at once.
func failure(err error, now time.Time) *entry {
	e := failed(err)
	e.stored, e.life = now.UnixMilli(), uint32(failedFor.Milliseconds())
	return e
}

// older is the answer of before, for as long as upstream is away and at most
// an hour; nil where that is over.
func (e *entry) older(now time.Time) *entry {
	at := now.UnixMilli()
	if e == nil || e.err() != nil || at < e.stored || at >= e.stored+int64(e.serves) {
		return nil
	}
	return &entry{
		name: e.name, kind: e.kind, more: e.more, wire: e.wire, whole: e.whole, nameEnd: e.nameEnd, has: e.has | stale,
		stored: at, life: uint32(staleAgain.Milliseconds()), serves: uint32(e.stored + int64(e.serves) - at),
	}
}

// pack keeps a message that we packed, with the question's end and where the
// TTLs are.
func (e *entry) pack(wire []byte) {
	count := int(binary.BigEndian.Uint16(wire[6:])) + int(binary.BigEndian.Uint16(wire[8:])) + int(binary.BigEndian.Uint16(wire[10:]))
	at := skipName(wire, headerSize) + 4
	e.nameEnd, e.whole = uint16(at), uint16(len(wire))
	e.wire = append(make([]byte, 0, len(wire)+2*count), wire...)
	for range count {
		at = skipName(wire, at)
		e.wire = binary.BigEndian.AppendUint16(e.wire, uint16(at+4))
		at += 10 + int(binary.BigEndian.Uint16(wire[at+8:]))
	}
}

// eachTTL calls do with the place of every record's TTL in the message, until
// it says that it is enough.
func (e *entry) eachTTL(do func(at int) bool) bool {
	for list := e.wire[e.whole:]; len(list) > 0; list = list[2:] {
		if !do(int(binary.BigEndian.Uint16(list))) {
			return false
		}
	}
	return true
}

func skipName(b []byte, at int) int {
	for {
		switch size := int(b[at]); {
		case size == 0:
			return at + 1
		case size >= 0xc0:
			return at + 2
		default:
			at += size + 1
		}
	}
}

// addresses calls do for every address that the answer leads to, until it
// says that it is enough.
func (e *entry) addresses(do func(netip.Addr) bool) {
	all := e.eachTTL(func(at int) bool {
		data := e.wire[at+6:]
		switch kind, size := binary.BigEndian.Uint16(e.wire[at-4:]), binary.BigEndian.Uint16(e.wire[at+4:]); {
		case kind == typeA && size == 4:
			return do(netip.AddrFrom4([4]byte(data)))
		case kind == typeAAAA && size == 16:
			return do(netip.AddrFrom16([16]byte(data)).Unmap())
		}
		return true
	})
	if !all || e.more == nil {
		return
	}
	for _, a := range e.more.hints {
		if !do(a) {
			return
		}
	}
}

// answer writes the entry as the answer to q: its number, its case, and how
// much longer it holds, which is at most so many seconds.
func (e *entry) answer(q *query, out []byte, now time.Time, most uint32) []byte {
	out = append(out, e.wire[:e.whole]...)
	binary.BigEndian.PutUint16(out, q.id)
	out[2] = out[2]&^1 | byte(q.flags>>8)&1
	out[3] = out[3]&^0x30 | byte(q.flags)&0x10
	if e.has&proved != 0 && q.wantsAD() {
		out[3] |= 0x20
	}
	copy(out[headerSize:e.nameEnd], q.question)
	said := noEDE
	age := uint32(max(now.UnixMilli()-e.stored, 0) / 1000)
	if e.has&stale != 0 {
		age, most, said = 0, min(most, staleTTL), edeStale
	}
	if e.has&rebound != 0 {
		said = edeBlocked
	}
	for list := e.wire[e.whole:]; len(list) > 0; list = list[2:] {
		at := binary.BigEndian.Uint16(list)
		ttl := binary.BigEndian.Uint32(out[at:])
		binary.BigEndian.PutUint32(out[at:], min(ttl-min(age, ttl), most))
	}
	return q.closing(out, int(out[3]&15), said)
}
