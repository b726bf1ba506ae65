package text

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// unescape undoes the escapes of JavaScript and JSON strings.
func unescape(out, s []byte) []byte {
	for i := 0; i < len(s); {
		j := bytes.IndexByte(s[i:], '\\')
		if j < 0 {
			return append(out, s[i:]...)
		}
		out = append(out, s[i:i+j]...)
		i += j + 1
		if i >= len(s) {
			break
		}
		c := s[i]
		i++
		switch c {
		case 'n', 't', 'r', 'b', 'f', 'v':
			out = append(out, ' ')
		case '\n', '\r':
		case 'x':
			r, n := hexRune(s[i:], 2)
			out, i = utf8.AppendRune(out, r), i+n
		case 'u':
			r, n := escapedRune(s[i:])
			out, i = utf8.AppendRune(out, r), i+n
		default:
			out = append(out, c)
		}
	}
	return out
}

// escapedRune reads what follows \u: four digits, two such halves, or digits
// in braces.
func escapedRune(s []byte) (rune, int) {
	if len(s) > 0 && s[0] == '{' {
		end := bytes.IndexByte(s[:min(len(s), 10)], '}')
		if end < 0 {
			return ' ', 1
		}
		r, _ := hexRune(s[1:end], end-1)
		return r, end + 1
	}
	r, n := hexRune(s, 4)
	if r >= 0xd800 && r < 0xdc00 && len(s) >= 10 && s[4] == '\\' && s[5] == 'u' {
		if low, m := hexRune(s[6:], 4); low >= 0xdc00 && low < 0xe000 {
			return (r-0xd800)<<10 | (low - 0xdc00) + 0x10000, n + 2 + m
		}
	}
	return r, n
}

// hexRune reads up to n digits.
func hexRune(s []byte, n int) (r rune, used int) {
	for used < n && used < len(s) {
		d := digit(s[used])
		if d < 0 {
			break
		}
		r = r<<4 | d
		used++
	}
	if used == 0 {
		return ' ', 0
	}
	return r, used
}

// unescapeStyle undoes the escapes of CSS: up to six hexadecimal digits and the
// space that ends them, or the character itself.
func unescapeStyle(out, s []byte) []byte {
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			i++
			continue
		}
		i++
		r, n := hexRune(s[i:], 6)
		switch {
		case n > 0:
			out, i = utf8.AppendRune(out, r), i+n
			if i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n') {
				i++
			}
		case s[i] == '\n':
			i++
		default:
			out = append(out, s[i])
			i++
		}
	}
	return out
}

// isPercents reports a text that was written in percents so that it cannot be
// read: it begins so, or holds markup so.
func isPercents(s []byte) bool {
	i := bytes.IndexByte(s, '%')
	if i < 0 || i+2 >= len(s) || len(s) > maxData {
		return false
	}
	return i == 0 && (digit(s[1]) >= 0 || s[1] == 'u') || bytes.Contains(s, []byte("%3C")) || bytes.Contains(s, []byte("%3c")) || bytes.Contains(s, []byte("%u00"))
}

// percents undoes %41 and %u0041, and leaves what is neither. Bytes that are no
// UTF-8 are taken as the letters of old pages.
func percents(out, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+5 < len(s) && s[i+1] == 'u' {
			if r, n := hexRune(s[i+2:], 4); n == 4 {
				out, i = utf8.AppendRune(out, r), i+5
				continue
			}
		}
		if i+2 < len(s) {
			if r, n := hexRune(s[i+1:], 2); n == 2 {
				out, i = append(out, byte(r)), i+2
				continue
			}
		}
		out = append(out, '%')
	}
	return out
}

// base64Text is what base64 stands for, in either alphabet, as far as it is
// some; nil where that is no text.
func base64Text(s []byte) []byte {
	plain := make([]byte, 0, len(s))
	for _, c := range s {
		switch c {
		case '-':
			c = '+'
		case '_':
			c = '/'
		case '=', ' ', '\n', '\r', '\t':
			continue
		}
		plain = append(plain, c)
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(plain)))
	n, _ := base64.RawStdEncoding.Decode(out, plain) // what came before an error counts
	out = out[:n]
	if noText(out[:min(n, SniffLen)]) && widthOf(out[:min(n, SniffLen)]) == "" {
		return nil
	}
	return out
}
