package dns

import (
	"encoding/binary"
)

const (
	headerSize = 12
	classIN    = 1
	maxUDP     = 1232 // what fits everywhere without fragments
	minUDP     = 512
)

// The response codes used here.
const (
	rcodeOK       = 0
	rcodeFormat   = 1
	rcodeServer   = 2
	rcodeNoName   = 3
	rcodeNotBuilt = 4
	rcodeRefused  = 5
	rcodeBadVers  = 16
)

// The types that are treated apart.
const (
	typeA     = 1
	typeCNAME = 5
	typeSOA   = 6
	typeAAAA  = 28
	typeOPT   = 41
	typeRRSIG = 46
	typeSVCB  = 64
	typeHTTPS = 65
	typeIXFR  = 251
	typeAXFR  = 252
	typeANY   = 255
)

// Extended errors (RFC 8914).
const (
	edeBlocked = 15
	edeNetwork = 23
)

// query is what a question asks, read without any allocation but its name.
type query struct {
	id       uint16
	flags    uint16
	name     string // lower case, dots between labels, none at the end
	question []byte // as sent: name in the sender's case, type, class
	kind     uint16
	class    uint16
	edns     bool
	version  uint8
	do       bool
	size     int // how big an answer over UDP may be
}

// parse reads a question. Drop means that no answer is due: it is no question
// at all. Otherwise rcode says what is wrong with it.
func parse(b []byte) (q query, rcode int, drop bool) {
	if len(b) < headerSize {
		return q, 0, true
	}
	q.id, q.flags = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	q.size = minUDP
	if q.flags&0x8000 != 0 {
		return q, 0, true // an answer: talking back would make a loop
	}
	if q.flags>>11&15 != 0 {
		return q, rcodeNotBuilt, false
	}
	if binary.BigEndian.Uint16(b[4:]) != 1 || binary.BigEndian.Uint16(b[6:]) != 0 || binary.BigEndian.Uint16(b[8:]) != 0 {
		return q, rcodeFormat, false
	}
	end, ok := q.readName(b)
	if !ok || len(b) < end+4 {
		q.question = nil
		return q, rcodeFormat, false
	}
	q.kind, q.class = binary.BigEndian.Uint16(b[end:]), binary.BigEndian.Uint16(b[end+2:])
	q.question = b[headerSize : end+4]
	if !q.readExtra(b[end+4:], int(binary.BigEndian.Uint16(b[10:]))) {
		return q, rcodeFormat, false
	}
	if q.edns && q.version != 0 {
		return q, rcodeBadVers, false
	}
	return q, rcodeOK, false
}

// readName reads the question's name, which is never compressed.
func (q *query) readName(b []byte) (end int, ok bool) {
	var text [256]byte
	n, at := 0, headerSize
	for {
		if at >= len(b) {
			return 0, false
		}
		size := int(b[at])
		at++
		if size == 0 {
			break
		}
		if size > 63 || at+size > len(b) || at+size-headerSize > 254 {
			return 0, false
		}
		if n > 0 {
			text[n] = '.'
			n++
		}
		for _, c := range b[at : at+size] {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			if c == '.' {
				c = 0 // a dot inside a label is no name that any page has
			}
			text[n] = c
			n++
		}
		at += size
	}
	q.name = string(text[:n])
	return at, true
}

// readExtra reads the additional records: at most one OPT is understood, and
// a signature (TSIG) or anything else is stepped over.
func (q *query) readExtra(b []byte, count int) bool {
	for range count {
		name := 0
		for name < len(b) && b[name] != 0 {
			if b[name] > 63 {
				return false
			}
			name += int(b[name]) + 1
		}
		if name+11 > len(b) {
			return false
		}
		fixed := b[name+1:]
		kind, size := binary.BigEndian.Uint16(fixed), int(binary.BigEndian.Uint16(fixed[8:]))
		if len(fixed) < 10+size {
			return false
		}
		if kind == typeOPT {
			if q.edns || name != 0 {
				return false
			}
			q.edns = true
			q.size = min(max(int(binary.BigEndian.Uint16(fixed[2:])), minUDP), maxUDP)
			q.version = fixed[5]
			q.do = fixed[6]&0x80 != 0
		}
		b = fixed[10+size:]
	}
	return true
}

// header begins an answer: the question comes back as it was sent, in its own
// case, and nothing claims to be authenticated.
func (q *query) header(out []byte, rcode int, answers int) []byte {
	flags := uint16(0x8080) | q.flags&0x0110 // answer, recursion; RD and CD as asked
	flags |= uint16(rcode & 15)
	out = binary.BigEndian.AppendUint16(out, q.id)
	out = binary.BigEndian.AppendUint16(out, flags)
	questions := uint16(0)
	if q.question != nil {
		questions = 1
	}
	out = binary.BigEndian.AppendUint16(out, questions)
	out = binary.BigEndian.AppendUint16(out, uint16(answers))
	out = append(out, 0, 0, 0, 0)
	return append(out, q.question...)
}

// closing ends an answer with the EDNS record where the question had one.
func (q *query) closing(out []byte, rcode, ede int) []byte {
	if !q.edns {
		return out
	}
	out[11]++ // additional records: there are none yet or few
	out = append(out, 0, 0, typeOPT, maxUDP>>8, maxUDP&0xff, byte(rcode>>4), 0, 0, 0)
	if q.do {
		out[len(out)-2] = 0x80
	}
	if ede < 0 {
		return append(out, 0, 0)
	}
	return append(out, 0, 6, 0, 15, 0, 2, byte(ede>>8), byte(ede))
}

// short is an answer without records.
func (q *query) short(out []byte, rcode, ede int) []byte {
	return q.closing(q.header(out, rcode, 0), rcode, ede)
}

// truncated asks to come again over TCP.
func (q *query) truncated(out []byte) []byte {
	out = q.short(out, rcodeOK, -1)
	out[2] |= 2
	return out
}
