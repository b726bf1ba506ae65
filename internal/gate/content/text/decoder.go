package text

import (
	"bytes"

	"golang.org/x/text/transform"
)

// Decoder puts a body into UTF-8 that comes in pieces. It chooses the charset
// as UTF8 does, once there is enough to choose by.
type Decoder struct {
	typ    Type
	kind   Kind
	held   []byte // what is not decoded yet
	dec    transform.Transformer
	looked int // how much there was when the head was looked at
	chosen bool
	begun  bool // something was decoded
}

// NewDecoder returns a Decoder for a body of this type.
func NewDecoder(t Type, kind Kind) *Decoder { return &Decoder{typ: t, kind: kind} }

// Append appends to out what the next piece is in UTF-8; last says that there
// is no more.
func (d *Decoder) Append(out, piece []byte, last bool) []byte {
	if !d.chosen {
		d.held = append(d.held, piece...)
		if piece = d.held; !last && !d.enough() {
			return out
		}
		d.chosen, d.held = true, nil
		if name := Charset(d.typ, d.kind, piece); name != "utf-8" {
			if enc := encodingOf(name); enc != nil {
				d.dec = enc.NewDecoder()
			}
		}
	} else if len(d.held) > 0 {
		piece = append(d.held, piece...)
		d.held = nil
	}
	from := len(out)
	if d.dec == nil {
		out = append(out, piece...)
	} else {
		var rest []byte
		out, rest = decodeTo(out, d.dec, piece, last)
		d.held = append([]byte(nil), rest...)
	}
	if !d.begun && len(out) > from {
		d.begun = true
		if bytes.HasPrefix(out[from:], []byte("\ufeff")) {
			out = append(out[:from], out[from+3:]...)
		}
	}
	return out
}

// enough reports whether a browser would choose by now.
func (d *Decoder) enough() bool {
	n := len(d.held)
	switch {
	case n < 4:
		return false
	case known(d.typ.Charset) != "":
		return true
	case d.kind.Markup():
		return n >= headLen || n >= prescan && n >= d.looked+prescan/4 && d.headEnded()
	case d.kind == Plain:
		return n >= prescan
	}
	return true
}

// headEnded reports that the head of a page is over, or has said its charset.
func (d *Decoder) headEnded() bool {
	d.looked = len(d.held)
	head := headOf(d.held)
	return len(head) < len(d.held) || known(metaCharset(head[:bytes.LastIndexByte(head, '>')+1])) != ""
}
