package text

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// folder writes letters and digits in lower case with one space between
// words. It begins and ends with a space, so that the edges of the text are
// the edges of words.
type folder struct {
	out     []byte
	last    byte // 1 after a space
	foreign bool // there is something that may be read in two ways
	apart   int  // letters in a row that stand alone
}

func (f *folder) reset() {
	f.out = append(f.out[:0], ' ')
	f.last, f.foreign, f.apart = 1, false, 0
}

// The table of ASCII: what a byte becomes, 0 for one that needs a closer look.
var ascii = asciiTable()

func asciiTable() (t [256]byte) {
	for c := range 0x80 {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			t[c] = byte(c)
		case c >= 'A' && c <= 'Z':
			t[c] = byte(c) + 'a' - 'A'
		case c >= ' ' && c < 0x7f, c == '\t', c == '\n', c == '\f', c == '\r':
			t[c] = ' '
		}
	}
	t['&'] = 0
	return t
}

// ascii takes what is plain at the beginning of s, and says how much that was.
func (f *folder) ascii(s []byte) int {
	n := len(f.out)
	if n+len(s) > maxOut {
		return len(s)
	}
	f.grow(len(s) + 1)
	out := f.out[:n+len(s)]
	last := f.last
	i := 0
	for ; i < len(s); i++ {
		k := ascii[s[i]]
		if k == 0 {
			break
		}
		out[n] = k
		// A space after a space is written over by what follows.
		space := (k ^ ' ' - 1) >> 7
		n += int(1 &^ (space & last))
		last = space
	}
	f.last = last
	f.out = out[:n]
	return i
}

func (f *folder) grow(n int) {
	if cap(f.out)-len(f.out) < n {
		f.out = append(make([]byte, 0, max(2*cap(f.out), len(f.out)+n, 16<<10)), f.out...)
	}
}

func (f *folder) space() {
	if f.last == 0 {
		f.out = append(f.out, ' ')
		f.last = 1
	}
}

// other takes one character that is not plain, and says how long it was.
func (f *folder) other(s []byte) int {
	if s[0] < 0x80 {
		if s[0] == '&' {
			f.space()
		}
		return 1 // others here are not seen
	}
	r, n := utf8.DecodeRune(s)
	if r == utf8.RuneError && n == 1 {
		f.space()
		return 1
	}
	f.rune(r)
	return n
}

// rune writes one character.
func (f *folder) rune(r rune) {
	if len(f.out) > maxOut {
		return
	}
	if r < 0x80 {
		switch k := ascii[r]; k {
		case 0:
			if r == '&' {
				f.space()
			}
		case ' ':
			f.space()
		default:
			f.out = append(f.out, k)
			f.last = 0
		}
		return
	}
	t := tables()
	if r > 0xffff {
		f.high(r, t)
		return
	}
	switch k := t.text[r]; k {
	case asItIs:
		f.put(r, t)
	case drop:
	case gap:
		f.blank()
	case mark:
		f.mark(r, t)
	case spell:
		f.spelt(r, t)
	default:
		f.put(rune(k), t)
	}
}

func (f *folder) put(r rune, t *table) {
	if r < 0x80 {
		f.rune(r)
		return
	}
	f.foreign = f.foreign || t.plain[r] != 0
	f.out = utf8.AppendRune(f.out, r)
	f.last = 0
}

// high writes a character outside the first plane.
func (f *folder) high(r rune, t *table) {
	if ignorable(r) {
		return
	}
	if k := enclosed(r); k != 0 {
		f.rune(k)
		return
	}
	r = unicode.ToLower(r)
	var b [utf8.UTFMax]byte
	s := b[:utf8.EncodeRune(b[:], r)]
	if p := norm.NFKC.Properties(s); p.Decomposition() != nil && !norm.NFKC.IsNormal(s) {
		f.spelt(r, t)
		return
	}
	f.out = append(f.out, s...)
	f.last = 0
}

// spelt writes what a character stands for: a ligature, a letter in a circle.
func (f *folder) spelt(r rune, t *table) {
	var b [utf8.UTFMax]byte
	var long [64]byte
	for rest := norm.NFKC.Append(long[:0], b[:utf8.EncodeRune(b[:], r)]...); len(rest) > 0; {
		c, n := utf8.DecodeRune(rest)
		rest = rest[n:]
		switch {
		case c < 0x80:
			f.rune(c)
		case c == r || c > 0xffff:
			f.out = utf8.AppendRune(f.out, c)
			f.last = 0
		case t.text[c] == spell:
			f.out = utf8.AppendRune(f.out, c)
			f.last = 0
		default:
			f.rune(c)
		}
	}
}

// mark joins a combining mark with the letter before it where there is one
// character for both. Else a mark on a letter of ours is nothing that a reader
// goes by; in other scripts it is part of the word.
func (f *folder) mark(r rune, t *table) {
	before, n := utf8.DecodeLastRune(f.out)
	if f.last == 1 || before == utf8.RuneError {
		return
	}
	if before >= 0x370 && !general(r) {
		f.put(r, t)
		return
	}
	var b [2 * utf8.UTFMax]byte
	s := utf8.AppendRune(utf8.AppendRune(b[:0], before), r)
	var joined [16]byte
	both := norm.NFC.Append(joined[:0], s...)
	if one, size := utf8.DecodeRune(both); size == len(both) && one != before {
		f.out = f.out[:len(f.out)-n]
		f.put(one, t)
	}
}

// blank writes a space for a character that is not of ASCII. Letters that
// stand apart by such are a word that somebody pulled apart.
func (f *folder) blank() {
	if n := len(f.out); n > 1 && f.last == 0 && f.out[n-2] == ' ' {
		if f.apart++; f.apart > 1 {
			f.foreign = true
		}
	} else {
		f.apart = 0
	}
	f.space()
}

// fold puts accents and look-alikes into plain letters, and joins letters
// that stand apart.
func fold(out, s []byte) []byte {
	t := tables()
	for i := 0; i < len(s); {
		if c := s[i]; c < 0x80 {
			out = append(out, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		i += n
		if r <= 0xffff && t.plain[r] != 0 {
			out = utf8.AppendRune(out, rune(t.plain[r]))
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return joinApart(out)
}

// joinApart joins three and more letters that stand alone: "b a d" is read as
// "bad".
func joinApart(s []byte) []byte {
	w := 0
	for i := 0; i < len(s); {
		end := i
		for end+1 < len(s) && s[end] == ' ' && letter(s[end+1]) && (end+2 == len(s) || s[end+2] == ' ') {
			end += 2
		}
		if end-i < 6 {
			w += copy(s[w:], s[i:max(end, i+1)])
			i = max(end, i+1)
			continue
		}
		s[w] = ' '
		w++
		for ; i < end; i += 2 {
			s[w] = s[i+1]
			w++
		}
	}
	return s[:w]
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' }
