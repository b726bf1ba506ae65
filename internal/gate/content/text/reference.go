package text

import (
	"html"
	"unicode/utf8"
)

// longest is the longest name of a character reference, with its ends.
const longest = 34

// reference reads one character reference at the beginning of s, and says how
// long it was; one that is none is an ampersand.
func (f *folder) reference(s []byte) int {
	if len(s) > 2 && s[1] == '#' {
		return f.number(s)
	}
	n := 1
	for n < len(s) && n < longest && (s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || s[n] >= '0' && s[n] <= '9') {
		n++
	}
	if n == 1 {
		f.space()
		return 1
	}
	if n < len(s) && s[n] == ';' {
		n++
	}
	switch string(s[:n]) {
	case "&nbsp;":
		f.blank()
	case "&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&copy;", "&mdash;", "&ndash;", "&rsquo;", "&lsquo;", "&hellip;", "&middot;":
		f.space()
	case "&shy;", "&zwnj;", "&zwj;", "&ZeroWidthSpace;", "&NoBreak;":
	default:
		f.named(s[:n])
	}
	return n
}

// named looks the name up, in full or as far as old pages write it.
func (f *folder) named(s []byte) {
	for rest := html.UnescapeString(string(s)); rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		rest = rest[n:]
		f.rune(r)
	}
}

// number reads &#120; and &#x78;, with and without the end.
func (f *folder) number(s []byte) int {
	i, base := 2, rune(10)
	if s[2]|0x20 == 'x' {
		i, base = 3, 16
	}
	start, r := i, rune(0)
	for ; i < len(s); i++ {
		d := digit(s[i])
		if d < 0 || d >= base {
			break
		}
		if r = r*base + d; r > utf8.MaxRune {
			r = utf8.MaxRune + 1
		}
	}
	if i == start {
		f.space()
		return 1
	}
	if i < len(s) && s[i] == ';' {
		i++
	}
	switch {
	case r >= 0x80 && r <= 0x9f:
		r = windows1252[r-0x80] // what old pages mean, and browsers show
	case r == 0 || !utf8.ValidRune(r):
		r = utf8.RuneError
	}
	if r == utf8.RuneError {
		f.space()
	} else {
		f.rune(r)
	}
	return i
}

func digit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}

// windows1252 are the characters of that set at 80 to 9F (hex).
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}
