package text

import (
	"bytes"
	"encoding/binary"
)

// Bounds of words that are read again.
const (
	maxRespelt = 32 << 10 // of all of them
	longWord   = 32       // of one
	longRun    = 24       // letters that stand apart; more are an alphabet
)

// respelt reads the words of a text again that somebody spelt so that they are
// not found: with figures for letters, "b4dw0rd", and with letters that stand
// apart, "b a d w o r d". They stand behind the text, each between the words
// that were around it.
type respelt struct {
	s, out  []byte
	end     int // of the last one, in s; 0: none yet
	waiting bool
}

// again appends what is to be read again to out, and takes nothing away.
func again(out, s []byte) []byte {
	r := respelt{s: s, out: out}
	for i := 0; i+8 <= len(s) && len(r.out)-len(out) < maxRespelt; {
		spaces, figures := suspicious(binary.LittleEndian.Uint64(s[i:]))
		if spaces|figures == 0 {
			i += 7 // what is looked for are two bytes side by side, or three
			continue
		}
		i = r.look(i)
	}
	r.close()
	return r.out
}

// suspicious tells spaces that are two apart, and figures behind a letter,
// among eight bytes of a text at once.
func suspicious(w uint64) (spaces, figures uint64) {
	const ones = 0x0101010101010101
	space := zeros(w ^ ' '*ones)
	digit := zeros(w&(0xf0*ones) ^ '0'*ones)
	letter := w << 1 &^ w & (0x80 * ones)
	return space & (space >> 16), digit & (letter << 8)
}

// zeros marks the bytes that are zero.
func zeros(w uint64) uint64 {
	const low = 0x7f7f7f7f7f7f7f7f
	return ^((w&low + low) | w | low)
}

// look takes the words that the eight bytes at i are of, and gives the place
// from which to go on.
func (r *respelt) look(i int) int {
	s := r.s
	at := bytes.LastIndexByte(s[:i+1], ' ') + 1
	if s[i] == ' ' {
		at = i + 1
	}
	stop := min(i+8, len(s))
	for at < stop {
		b := wordEnd(s, at)
		if n := r.run(at); n > 0 {
			at += n
			continue
		}
		if b-at >= 3 && b-at <= longWord && figured(s[at:b]) {
			r.word(at, b)
		}
		at = b + 1
	}
	return max(at-1, i+1)
}

func wordEnd(s []byte, at int) int {
	if n := bytes.IndexByte(s[at:], ' '); n >= 0 {
		return at + n
	}
	return len(s)
}

// figured reports a word with figures within it that may stand for letters,
// and with no others.
func figured(w []byte) bool {
	letters, within := 0, false
	for i, c := range w {
		switch {
		case letter(c):
			letters++
			within = within || i > 1 && !letter(w[i-1]) && letters > 1
		case c >= 0x80 || figures[c] == 0:
			return false
		}
	}
	return within && letters*3 >= len(w)
}

// single reports a letter, or a figure that may stand for one, that stands
// alone.
func single(s []byte, at int) bool {
	return at < len(s) && (letter(s[at]) || s[at] < 0x80 && figures[s[at]] != 0) && (at+1 == len(s) || s[at+1] == ' ')
}

// run takes letters that stand alone, three and more, and says how much of the
// text they are.
func (r *respelt) run(at int) (n int) {
	letters := 0
	if at+4 < len(r.s) && (string(r.s[at:at+4]) == "i m " || string(r.s[at:at+4]) == "i d ") {
		return 0 // "I'm a …"
	}
	for single(r.s, at+n) {
		if letter(r.s[at+n]) {
			letters++
		}
		n += 2
	}
	if n < 6 || letters < 2 || n > 2*longRun {
		if n > 2*longRun {
			return n
		}
		return 0
	}
	var joined [longRun]byte
	w := joined[:0]
	for i := 0; i < n; i += 2 {
		w = append(w, plainFigure(r.s[at+i], 'i'))
	}
	r.before(at)
	r.put(w)
	// "a" and "i" are words of their own as well.
	if c := w[0]; c == 'a' || c == 'i' {
		r.put(w[1:])
	}
	if c := w[len(w)-1]; c == 'a' || c == 'i' {
		r.put(w[:len(w)-1])
	}
	r.after(at + n - 1)
	return n
}

// word takes one word with figures in it.
func (r *respelt) word(a, b int) {
	var plain [longWord]byte
	r.before(a)
	for _, one := range [...]byte{'i', 'l'} {
		w := plain[:0]
		for _, c := range r.s[a:b] {
			w = append(w, plainFigure(c, one))
		}
		r.put(w)
		if bytes.IndexByte(r.s[a:b], '1') < 0 {
			break
		}
	}
	r.after(b)
}

func plainFigure(c, one byte) byte {
	switch {
	case c == '1':
		return one
	case c < 0x80 && figures[c] != 0:
		return figures[c]
	}
	return c
}

func (r *respelt) put(w []byte) {
	r.out = append(append(r.out, w...), ' ')
}

// before writes the word in front of one at a, where it is not there already.
func (r *respelt) before(a int) {
	if r.waiting && a == r.end+1 {
		return
	}
	from := bytes.LastIndexByte(r.s[:max(a-1, 0)], ' ') + 1
	if r.waiting && from != r.end+1 {
		r.close()
	}
	if a-1 > from && a-1-from <= longWord {
		r.put(r.s[from : a-1])
	}
}

// after notes that the word that ends at b was written; the one behind it
// follows when it is known that it is not one of them.
func (r *respelt) after(b int) { r.end, r.waiting = b, true }

// close writes the word behind the last one.
func (r *respelt) close() {
	if !r.waiting {
		return
	}
	r.waiting = false
	if r.end+1 < len(r.s) {
		if b := wordEnd(r.s, r.end+1); b-r.end-1 <= longWord && b > r.end+1 {
			r.put(r.s[r.end+1 : b])
		}
	}
}
