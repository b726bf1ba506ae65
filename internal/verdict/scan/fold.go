package scan

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// folds is the form of every ASCII byte: letters small, digits and a few signs
// as they are, everything else a space. The signs are those that e2guardian
// leaves, angle brackets excepted.
var folds = func() (t [utf8.RuneSelf]byte) {
	for c := range t {
		switch {
		case c >= 'A' && c <= 'Z':
			t[c] = byte(c) + 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '/', c >= '{' && c <= '~':
			t[c] = byte(c)
		default:
			t[c] = ' '
		}
	}
	return t
}()

// AppendFolded appends the UTF-8 text in src to dst in the form that phrases
// are compiled to: small letters in composed form, punctuation as spaces,
// spaces single, what cannot be seen left out. It pads nothing: a view begins
// with a space before it and ends with one after it.
func AppendFolded(dst, src []byte) []byte {
	return appendFolded(dst, src, false)
}

func appendFolded(dst, src []byte, composed bool) []byte {
	from := len(dst)
	for i := 0; i < len(src); {
		c := src[i]
		if c < utf8.RuneSelf {
			i++
			if f := folds[c]; f != ' ' || len(dst) == 0 || dst[len(dst)-1] != ' ' {
				dst = append(dst, f)
			}
			continue
		}
		r, n := utf8.DecodeRune(src[i:])
		if !composed && unicode.Is(unicode.Mn, r) && !hidden(r) {
			return appendFolded(dst[:from], norm.NFC.Bytes(src), true)
		}
		i += n
		switch {
		case hidden(r):
		case r == utf8.RuneError || spaced(r):
			if len(dst) == 0 || dst[len(dst)-1] != ' ' {
				dst = append(dst, ' ')
			}
		default:
			dst = utf8.AppendRune(dst, unicode.ToLower(r))
		}
	}
	return dst
}

// hidden reports a character that nobody sees and that takes no room.
func hidden(r rune) bool {
	switch {
	case r == 0xad || r == 0x34f || r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0:
		return true
	case r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return unicode.Is(unicode.Cf, r)
}

// spaced reports a character that separates words. Other symbols stay: some
// lists have pictures in their phrases.
func spaced(r rune) bool {
	return r < 0xa0 || r == 0x2800 || unicode.IsSpace(r) || unicode.In(r, unicode.Z, unicode.P, unicode.Sm, unicode.Sc, unicode.Sk)
}
