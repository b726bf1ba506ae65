package dns

import (
	"encoding/binary"
)

const (
	headerSize = 12
	classIN    = 1
	maxUDP     = 1232 // what fits everywhere without fragments
	minUDP     = 512
	padTo      = 468 // RFC 8467: answers over TLS grow to a multiple of this
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
	typeA      = 1
	typeCNAME  = 5
	typeSOA    = 6
	typeNULL   = 10
	typeTXT    = 16
	typeKEY    = 25
	typeAAAA   = 28
	typeOPT    = 41
	typeDS     = 43
	typeRRSIG  = 46
	typeDNSKEY = 48
	typeSVCB   = 64
	typeHTTPS  = 65
	typeTKEY   = 249
	typeTSIG   = 250
	typeIXFR   = 251
	typeAXFR   = 252
	typeANY    = 255
)

// EDNS options that are understood.
const (
	optCookie    = 10
	optKeepalive = 11
	optPadding   = 12
	optEDE       = 15
)

const (
	clientCookie = 8
	minCookie    = 16 // client's and the shortest server's
	maxCookie    = 40
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
	secure   bool // it came over TLS
	padding  bool
	stays    bool     // the asker would like to know how long its connection may rest
	idle     uint16   // that, in tenths of a second; 0 where there is no connection of its own
	size     int      // how big an answer over UDP may be
	cookie   []byte   // as sent: the client's, and perhaps one of ours; nil for none
	reply    [16]byte // our part of it, once it is made
	replied  bool
}

// cd reports that the asker wants answers that upstream could not validate.
func (q *query) cd() bool { return q.flags&0x10 != 0 }

// wantsAD reports that the asker understands "authenticated" (RFC 6840 5.7).
func (q *query) wantsAD() bool { return q.do || q.flags&0x20 != 0 }

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
			if q.version == 0 && !q.readOptions(fixed[10:10+size]) {
				return false
			}
		}
		b = fixed[10+size:]
	}
	return true
}

// readOptions reads what an OPT record carries. What is not known is stepped
// over, the client's network among it: it is nobody's business upstream.
func (q *query) readOptions(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 4 {
			return false
		}
		code, size := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < 4+size {
			return false
		}
		value := b[4 : 4+size]
		switch code {
		case optCookie:
			if size != clientCookie && (size < minCookie || size > maxCookie) {
				return false // RFC 7873 5.2.2
			}
			q.cookie = value
		case optPadding:
			q.padding = true
		case optKeepalive:
			q.stays = true
		}
		b = b[4+size:]
	}
	return true
}

// header begins an answer: the question comes back as it was sent, in its own
// case, and nothing claims to be authenticated.
func (q *query) header(out []byte, rcode, answers, authority int) []byte {
	flags := uint16(0x8080) | q.flags&0x7910 // answer, recursion; opcode, RD and CD as asked
	flags |= uint16(rcode & 15)
	out = binary.BigEndian.AppendUint16(out, q.id)
	out = binary.BigEndian.AppendUint16(out, flags)
	questions := uint16(0)
	if q.question != nil {
		questions = 1
	}
	out = binary.BigEndian.AppendUint16(out, questions)
	out = binary.BigEndian.AppendUint16(out, uint16(answers))
	out = binary.BigEndian.AppendUint16(out, uint16(authority))
	out = append(out, 0, 0)
	return append(out, q.question...)
}

// short is an answer without records.
func (q *query) short(out []byte, rcode int, e ede) []byte {
	return q.closing(q.header(out, rcode, 0, 0), rcode, e)
}

// truncated asks to come again over TCP.
func (q *query) truncated(out []byte) []byte {
	out = q.short(out, rcodeOK, noEDE)
	out[2] |= 2
	return out
}
