package lists

import (
	"errors"
	"strings"
)

// maxPath is the longest path that a compiled list can hold.
const maxPath = 1024

var (
	errPort = errors.New("what follows the colon is no port")
	errPath = errors.New("the path is longer than 1024 characters")
)

// location is a line that may hold scheme, user, port and path, taken apart.
type location struct {
	host string // canonical name or address
	path string // canonical, without the slash at either end; empty for a whole host
	addr bool
}

// splitLocation reads "[scheme://][user@]host[:port][/path][?query]". Entries
// of URL lists are compared after the same treatment of the request: no
// scheme, no port, no "www." and no slash at the end, letter case ignored.
func splitLocation(s string) (location, error) {
	rest := s
	if _, after, ok := strings.Cut(rest, "://"); ok && schemeOnly(rest) {
		rest = after
	}
	cut := strings.IndexAny(rest, "/?#")
	host, path := rest, ""
	if cut >= 0 {
		host, path = rest[:cut], rest[cut:]
	}
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	host, err := dropPort(host)
	if err != nil {
		return location{}, err
	}
	loc := location{path: canonicalPath(path)}
	if len(loc.path) >= maxPath {
		return location{}, errPath
	}
	if a, ok := canonicalAddress(host); ok {
		loc.host, loc.addr = a, true
		return loc, nil
	}
	loc.host, err = Canonical(host)
	if err != nil {
		return location{}, err
	}
	if loc.path != "" {
		loc.host = dropWWW(loc.host)
	}
	return loc, nil
}

// schemeOnly reports whether what stands before "://" can be a scheme.
func schemeOnly(s string) bool {
	scheme, _, _ := strings.Cut(s, "://")
	if scheme == "" || len(scheme) > 16 {
		return false
	}
	for i := 0; i < len(scheme); i++ {
		c := scheme[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(scheme[i]))) {
			return false
		}
	}
	return true
}

func dropPort(host string) (string, error) {
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return "", errBadCharacter
		}
		return host[:end+1], nil
	}
	name, port, ok := strings.Cut(host, ":")
	if !ok {
		return host, nil
	}
	if port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "" {
		return "", errPort
	}
	return name, nil
}

// dropWWW removes one leading label www, web or ftp with any digits after it,
// as squidGuard does on both sides, but never makes a name of one label.
func dropWWW(host string) string {
	label, rest, ok := strings.Cut(host, ".")
	if !ok || !strings.Contains(rest, ".") {
		return host
	}
	switch strings.TrimRight(label, "0123456789") {
	case "www", "web", "ftp":
		return rest
	}
	return host
}

// canonicalPath lower-cases the path, undoes the escapes that mean nothing,
// escapes what must be, and drops the fragment and the slashes at both ends.
func canonicalPath(p string) string {
	p, _, _ = strings.Cut(p, "#")
	query := strings.HasPrefix(p, "?")
	p = strings.TrimLeft(p, "/")
	const hex = "0123456789abcdef"
	var b strings.Builder
	b.Grow(len(p))
	for i := 0; i < len(p); i++ {
		c := p[i]
		if c == '%' && i+2 < len(p) {
			v, ok := unhex(p[i+1], p[i+2])
			if ok && unreserved(v) {
				c, i = v, i+2
			}
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c > ' ' && c < 0x7f {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	out := strings.TrimRight(b.String(), "/")
	if query && out == "?" {
		return ""
	}
	return out
}

func unhex(a, b byte) (byte, bool) {
	x, okA := hexDigit(a)
	y, okB := hexDigit(b)
	return x<<4 | y, okA && okB
}

func hexDigit(c byte) (byte, bool) {
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

// unreserved are the characters whose escape means the same as themselves.
func unreserved(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return c == '-' || c == '.' || c == '_' || c == '~'
}

// text is the location as an entry's text.
func (l location) text() string {
	host := l.host
	if l.addr && strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + "/" + l.path
}
