package canon

import "strings"

// maxDecode bounds how often a path is decoded again for list matches.
const maxDecode = 2

// Path appends the one spelling of a path with query to dst, for matching
// lists only: lower case, unreserved letters decoded once, backslashes and
// double slashes folded, dot segments walked, the fragment cut off. The
// result begins with a slash. Escapes that are not %XX (as %u0073) and
// escaped reserved bytes stay as they are, in lower case.
func Path(dst []byte, raw string) []byte {
	start := len(dst)
	path, query := cut(raw)
	dst = append(dst, '/')
	for len(path) > 0 {
		var seg string
		seg, path = nextSegment(path)
		mark := len(dst)
		dst = appendDecoded(dst, seg)
		switch string(dst[mark:]) {
		case ".", "":
			dst = dst[:mark]
		case "..":
			dst = parent(dst, start, mark)
		default:
			if path != "" {
				dst = append(dst, '/')
			}
		}
	}
	if query != "" {
		dst = appendDecoded(dst, query)
	}
	return dst
}

// PathAgain appends the spelling of an already canonical path after one more
// decoding, in which %25, %2f and %5c are decoded too, and reports whether it
// differs. Lists are matched against it as well, since servers that decode
// twice exist.
func PathAgain(dst []byte, canonical string) ([]byte, bool) {
	cur := canonical
	for range maxDecode - 1 {
		cur = strings.NewReplacer("%25", "%", "%2f", "/", "%5c", "/").Replace(cur)
	}
	start := len(dst)
	dst = Path(dst, cur)
	return dst, string(dst[start:]) != canonical
}

// cut parts a raw request target into path and query (with its "?"), and
// drops the fragment, which is never sent by a browser.
func cut(raw string) (path, query string) {
	if i := strings.IndexByte(raw, '#'); i >= 0 {
		raw = raw[:i]
	}
	if i := strings.IndexByte(raw, '?'); i >= 0 {
		return raw[:i], raw[i:]
	}
	return raw, ""
}

// nextSegment returns the text to the next slash and what follows. The rest
// keeps a lone slash, so that "a/" and "a" can be told apart.
func nextSegment(path string) (seg, rest string) {
	for i := 0; i < len(path); i++ {
		if path[i] == '/' || path[i] == '\\' {
			rest = path[i+1:]
			if rest == "" && i > 0 {
				rest = "/"
			}
			return path[:i], rest
		}
	}
	return path, ""
}

// parent removes the segment before mark from dst, but never the first slash.
func parent(dst []byte, start, mark int) []byte {
	i := mark - 1
	for i > start && dst[i-1] != '/' {
		i--
	}
	if i <= start {
		i = start + 1
	}
	return dst[:i]
}

// appendDecoded appends s in lower case with unreserved escapes decoded, and
// bytes that a browser would escape escaped.
func appendDecoded(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) {
			if v, ok := unhex(s[i+1], s[i+2]); ok && unreserved(v) {
				dst = append(dst, lower(v))
				i += 2
				continue
			}
		}
		if c <= ' ' || c >= 0x7f {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
			continue
		}
		dst = append(dst, lower(c))
	}
	return dst
}

func unhex(a, b byte) (byte, bool) {
	h, ok1 := digit(a)
	l, ok2 := digit(b)
	return h<<4 | l, ok1 && ok2
}

func digit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Boundary reports whether a listed path may end before byte c of the path
// asked for: "a.com/sex" is found in "a.com/sex/x" and not in "a.com/sexton".
func Boundary(c byte) bool {
	return c == '/' || c == '?' || c == '&' || c == '=' || c == ';'
}
