// Package text takes the words out of a page that somebody would read: as the
// browser decodes its letters, without markup, code and what cannot be seen,
// with words joined again that markup took apart. What comes out is in lower
// case, in one spelling, with one space between words, so that phrases can be
// found in it.
package text

import (
	"bytes"
)

// Kind is what a body is read as.
type Kind uint8

// The kinds.
const (
	None   Kind = iota // not text
	HTML               // a page
	XML                // also XHTML, SVG and feeds
	Plain              // as it stands
	JSON               // the values that are strings
	Script             // JavaScript: what stands in strings
	Style              // CSS: what stands in strings
	Events             // a stream of events, with JSON or text in its data
)

// Markup reports what has tags.
func (k Kind) Markup() bool { return k == HTML || k == XML }

// Bounds of what is read.
const (
	maxDepth = 3        // pages in attributes and strings of pages
	maxData  = 1 << 20  // bytes of a page that is in an address or packed in a string
	maxOut   = 16 << 20 // bytes of one view
)

// Extractor takes words out of bodies. It keeps its buffers, and is for one
// goroutine at a time.
type Extractor struct {
	main, side folder // what is read in its place; attributes and strings
	hidden     folder // what is not shown where it stands
	folded     []byte
	scratch    [maxDepth + 1][]byte
	decoded    []byte
	depth      int
	bodies     int // read since Begin
	active     bool
	open       bool // the last word was ended for a view, and may go on
	answering  bool // it is an AI service's answer
	css        bool // strings are those of a style sheet
	tail       int  // where what is read again begins; 0: there is none
}

// Views are two readings of a page, valid until the Extractor is used again.
// Smart is the text; Bare is the text in which accents, look-alike letters and
// letters that stand apart were put into plain letters. Bare is nil where it
// would be the same. Beside is what came beside an AI service's answer.
type Views struct{ Smart, Bare, Beside []byte }

// Extract takes the words out of a body in UTF-8.
func (x *Extractor) Extract(kind Kind, body []byte) Views {
	x.Begin()
	x.Add(kind, body)
	return x.Views()
}

// Begin forgets what was read before.
func (x *Extractor) Begin() {
	x.main.reset()
	x.side.reset()
	x.hidden.reset()
	x.bodies = 0
	x.depth, x.active, x.open, x.css, x.answering, x.tail = 0, false, false, false, false, 0
}

// Active reports that what was read since Begin may do something by itself: a
// script stands in it, or an address that holds data.
func (x *Extractor) Active() bool { return x.active }

// Add reads one more body; its words do not join with those before it.
func (x *Extractor) Add(kind Kind, body []byte) {
	x.cutTail()
	x.bodies++
	x.open, x.css = false, kind == Style
	switch kind {
	case HTML, XML:
		x.markup(&x.main, body, kind == XML)
	case Plain:
		x.plain(&x.main, body)
	case JSON:
		if looksLikeJSON(body) {
			x.json(&x.main, body)
		} else {
			x.plain(&x.main, body)
		}
	case Script, Style:
		x.active = true
		if looksLikeCode(body) {
			x.script(&x.main, body)
		} else {
			x.plain(&x.main, body)
		}
	case Events:
		x.events(&x.main, body)
	}
	x.main.space()
}

// Len is how much text there is.
func (x *Extractor) Len() int { return x.end() + len(x.side.out) + len(x.hidden.out) }

// end is where the text ends and what is read again begins.
func (x *Extractor) end() int {
	if x.tail > 0 {
		return x.tail
	}
	return len(x.main.out)
}

// cutTail takes what is read again off.
func (x *Extractor) cutTail() {
	x.main.out, x.tail = x.main.out[:x.end()], 0
}

// Views gives what was read since Begin.
func (x *Extractor) Views() Views {
	x.cutTail()
	f := &x.main
	x.open = x.open || f.last == 0
	for _, other := range [...]*folder{&x.hidden, &x.side} {
		if len(other.out) > 1 && !x.answering {
			f.space()
			f.out = append(f.out, other.out[1:]...)
			f.last = other.last
			f.foreign = f.foreign || other.foreign
			other.reset()
			x.open = false
		}
	}
	f.space()
	if n := len(f.out); n < maxOut {
		if f.out = again(f.out, f.out); len(f.out) > n {
			x.tail = n
		}
	}
	v := Views{Smart: f.out}
	if x.answering && len(x.side.out) > 1 {
		x.side.space()
		v.Beside = x.side.out
	}
	if f.foreign {
		x.folded = fold(x.folded[:0], f.out)
		if !bytes.Equal(x.folded, f.out) {
			v.Bare = x.folded
		}
	}
	return v
}

// Keep cuts the text read so far to about its last n bytes, for a stream that
// is read in windows.
func (x *Extractor) Keep(n int) {
	x.Views()
	x.cutTail()
	for _, f := range [...]*folder{&x.main, &x.side} {
		if len(f.out) <= n {
			continue
		}
		cut := len(f.out) - n
		if i := bytes.IndexByte(f.out[cut:], ' '); i >= 0 {
			cut += i
		}
		f.out = append(f.out[:0], f.out[cut:]...)
	}
}

// Free gives back buffers that one large page made.
func (x *Extractor) Free() {
	const usual = 1 << 20
	for _, b := range []*[]byte{&x.main.out, &x.side.out, &x.hidden.out, &x.folded, &x.decoded, &x.scratch[0], &x.scratch[1], &x.scratch[2], &x.scratch[3]} {
		if cap(*b) > usual {
			*b = nil
		}
	}
}

// plain reads text without markup.
func (x *Extractor) plain(f *folder, s []byte) {
	for len(s) > 0 {
		n := f.ascii(s)
		if s = s[n:]; len(s) == 0 {
			return
		}
		s = s[f.other(s):]
	}
}

// run reads text with character references.
func (x *Extractor) run(f *folder, s []byte) {
	for len(s) > 0 {
		n := f.ascii(s)
		if s = s[n:]; len(s) == 0 {
			return
		}
		if s[0] == '&' {
			s = s[f.reference(s):]
			continue
		}
		s = s[f.other(s):]
	}
}
