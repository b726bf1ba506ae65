package lists

import (
	"errors"
	"strings"

	"belisha/internal/verdict/canon"
)

// maxPath is the longest path that a compiled list can hold.
const maxPath = 1024

var (
	errPort  = errors.New("what follows the colon is no port")
	errPath  = errors.New("the path is longer than 1024 characters")
	errLabel = errors.New("a part of the name is empty or longer than 63 characters")
)

// location is a line that may hold scheme, user, port and path, taken apart.
type location struct {
	host string // canonical name or address
	path string // canonical, without the slash at either end; empty for a whole host
	addr bool
}

// splitLocation reads "[scheme://][user@]host[:port][/path][?query]" as the
// doors read an address, so that an entry written as the address itself closes
// it. Entries of URL lists are compared after the same treatment of the
// request: no scheme, no port, no "www." and no slash at the end, letter case
// ignored.
func splitLocation(s string) (location, error) {
	scheme, after, ok := strings.Cut(s, "://")
	ok = ok && schemeOnly(s)
	switch low := strings.ToLower(scheme); {
	case !ok && (s[0] == '/' || s[0] == '\\'):
		return location{}, errEmptyName // a path alone
	case ok && low != "http" && low != "https":
		s = after // ftp:// and what else there is: the site is meant
	}
	url, err := canon.URL(s)
	if err != nil {
		return location{}, siteFault(err)
	}
	loc := location{host: url.Host, addr: url.Kind == canon.Address, path: canonicalPath(url.Path)}
	if len(loc.path) >= maxPath {
		return location{}, errPath
	}
	if loc.path != "" && !loc.addr {
		loc.host = dropWWW(loc.host)
	}
	return loc, nil
}

// siteFault is a sentence for a list instead of one for somebody who typed.
func siteFault(err error) error {
	for _, x := range []struct{ is, says error }{
		{canon.ErrEmpty, errEmptyName},
		{canon.ErrCharacter, errBadCharacter},
		{canon.ErrPort, errPort},
		{canon.ErrTooLong, errNameTooLong},
		{canon.ErrLabel, errLabel},
		{canon.ErrAddress, errBadAddress},
	} {
		if errors.Is(err, x.is) {
			return x.says
		}
	}
	return err
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

// canonicalPath is the path as the doors spell it, without the slashes at both
// ends; a question mark with nothing behind it asks nothing.
func canonicalPath(p string) string {
	if p == "" {
		return ""
	}
	out := strings.Trim(string(canon.Path(nil, p)), "/")
	if out == "?" {
		return ""
	}
	return out
}

// text is the location as an entry's text.
func (l location) text() string {
	host := l.host
	if l.addr && strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + "/" + l.path
}
