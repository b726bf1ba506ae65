package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
	"time"
)

// A record in a segment is: length of the payload (4 bytes), its CRC-32C
// (4 bytes), the payload. All numbers are little-endian or varints.
const (
	recordHead    = 8
	maxPayload    = 64 << 10
	maxText       = 8 << 10
	maxCategories = 64
)

// The first byte of a payload.
const (
	payloadEvent byte = 1
	payloadTally byte = 2
)

var (
	errDamaged = errors.New("the record is damaged")
	crcTable   = crc32.MakeTable(crc32.Castagnoli)
)

// record is what a payload holds: an event, or the running count of repeats
// of an earlier one. A tally is only needed when the gate dies before it
// could write the repeats as an event of their own.
type record struct {
	event  Event
	closes uint64 // the event whose repeats this one counts
	tally  bool
	of     uint64
	count  uint32
	bytes  uint64
}

func appendRecord(dst []byte, payload func([]byte) []byte) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	dst = payload(dst)
	body := dst[start+recordHead:]
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(body)))
	binary.LittleEndian.PutUint32(dst[start+4:], crc32.Checksum(body, crcTable))
	return dst
}

func appendTally(dst []byte, of uint64, count uint32, bytes uint64) []byte {
	dst = append(dst, payloadTally)
	dst = binary.AppendUvarint(dst, of)
	dst = binary.AppendUvarint(dst, uint64(count))
	return binary.AppendUvarint(dst, bytes)
}

func appendEvent(dst []byte, e *Event, closes uint64) []byte {
	dst = append(dst, payloadEvent, byte(e.Kind), byte(e.Certainty), e.Action)
	dst = binary.AppendUvarint(dst, e.ID)
	dst = binary.AppendVarint(dst, e.At.UnixMilli())
	dst = binary.AppendUvarint(dst, closes)
	dst = binary.AppendUvarint(dst, uint64(e.Count))
	dst = binary.AppendUvarint(dst, e.Bytes)
	dst = binary.AppendUvarint(dst, e.RulesNumber)
	dst = binary.AppendUvarint(dst, e.Dropped)
	dst = appendText(dst, string(e.Address.AsSlice()))
	for _, s := range e.texts() {
		dst = appendText(dst, *s)
	}
	n := min(len(e.Categories), maxCategories)
	dst = binary.AppendUvarint(dst, uint64(n))
	for _, c := range e.Categories[:n] {
		dst = appendText(dst, c)
	}
	// Last, and only where there is something to say, so that what was written
	// before these were there reads the same.
	if e.Tried != NotTried || e.Detail != "" {
		dst = append(dst, byte(e.Tried))
	}
	if e.Detail != "" {
		dst = appendText(dst, e.Detail)
	}
	return dst
}

// texts are the event's plain strings in the order they are written.
func (e *Event) texts() [14]*string {
	return [14]*string{
		&e.Site, &e.Door, &e.Subject, &e.Device, &e.Group, &e.KeyStage, &e.Host, &e.Path,
		&e.Category, &e.Rule, &e.Reason, &e.Engine, &e.Words, &e.Alert,
	}
}

func appendText(dst []byte, s string) []byte {
	if len(s) > maxText {
		s = s[:maxText]
	}
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// decodePayload reads one payload. Every length is checked: a segment may
// have been cut or altered by a failing disk.
func decodePayload(p []byte) (record, error) {
	d := decoder{rest: p}
	var r record
	switch d.byte() {
	case payloadTally:
		r.tally = true
		r.of, r.count, r.bytes = d.uvarint(), uint32(d.uvarint()), d.uvarint()
	case payloadEvent:
		d.event(&r)
	default:
		d.bad = true
	}
	if d.bad {
		return record{}, errDamaged
	}
	return r, nil
}

type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) event(r *record) {
	e := &r.event
	e.Kind, e.Certainty, e.Action = Kind(d.byte()), Certainty(d.byte()), d.byte()
	e.ID = d.uvarint()
	e.At = time.UnixMilli(d.varint()).UTC()
	r.closes = d.uvarint()
	e.Count = uint32(d.uvarint())
	e.Bytes, e.RulesNumber, e.Dropped = d.uvarint(), d.uvarint(), d.uvarint()
	if raw := d.text(); raw != "" {
		a, ok := netip.AddrFromSlice([]byte(raw))
		d.bad = d.bad || !ok
		e.Address = a
	}
	for _, s := range e.texts() {
		*s = d.text()
	}
	n := d.uvarint()
	if n > maxCategories {
		d.bad = true
		return
	}
	for range n {
		e.Categories = append(e.Categories, d.text())
	}
	if len(d.rest) > 0 && !d.bad {
		e.Tried = Tried(d.byte())
	}
	if len(d.rest) > 0 && !d.bad {
		e.Detail = d.text()
	}
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.bad = true
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > maxText || n > uint64(len(d.rest)) {
		d.bad, d.rest = true, nil
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}
