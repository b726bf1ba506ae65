package canon

import (
	"strconv"
	"strings"
)

const maxURL = 64 << 10

// Parts are the parts of a URL that a decision needs. Userinfo is dropped:
// it decides nothing and must not be kept.
type Parts struct {
	Scheme string // "http" or "https"
	Host   string // canonical
	Kind   Kind
	Port   uint16
	Path   string // path and query as written, without fragment; "" if none
}

// URL reads what a person would write or a browser would follow: a whole http
// or https URL, or the same without a scheme ("example.com/page", "//host").
// As browsers do, it leaves out tabs and line ends and decodes escapes in the
// host once; a door, which gets its host from a client that has done all
// that, uses Host, which does not. Decide on Host: the name after the last
// "@".
func URL(raw string) (Parts, error) {
	if len(raw) > maxURL {
		return Parts{}, ErrURLLength
	}
	s := strings.Trim(noBreaks.Replace(raw), " ")
	p := Parts{Scheme: "http", Port: 80}
	rest, err := p.scheme(strings.TrimLeft(s, "/\\"))
	if err != nil {
		return Parts{}, err
	}
	end := strings.IndexAny(rest, "/\\?#")
	if end < 0 {
		end = len(rest)
	}
	authority := rest[:end]
	p.Path, _, _ = strings.Cut(rest[end:], "#")
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	host, err := p.port(authority)
	if err != nil {
		return Parts{}, err
	}
	p.Host, p.Kind, err = Host(unescape(host))
	return p, err
}

var noBreaks = strings.NewReplacer("\t", "", "\r", "", "\n", "")

// unescape decodes the escapes of a host once. What they may not stand for is
// refused by Host afterwards.
func unescape(host string) string {
	if strings.IndexByte(host, '%') < 0 || host[0] == '[' {
		return host
	}
	out := make([]byte, 0, len(host))
	for i := 0; i < len(host); i++ {
		if host[i] == '%' && i+2 < len(host) {
			if v, ok := unhex(host[i+1], host[i+2]); ok {
				out = append(out, v)
				i += 2
				continue
			}
		}
		out = append(out, host[i])
	}
	return string(out)
}

// scheme takes the scheme off. As in browsers, any number of slashes of
// either kind may follow it.
func (p *Parts) scheme(s string) (string, error) {
	head, rest, ok := strings.Cut(s, ":")
	if !ok {
		return s, nil
	}
	switch strings.ToLower(head) {
	case "http", "ws":
	case "https", "wss":
		p.Scheme, p.Port = "https", 443
	default:
		if otherScheme(head) || strings.HasPrefix(rest, "//") && !strings.ContainsAny(head, "/?#.@[") {
			return "", ErrScheme
		}
		return s, nil
	}
	return strings.TrimLeft(rest, "/\\"), nil
}

// otherScheme knows the schemes that browsers open without "//".
func otherScheme(s string) bool {
	switch strings.ToLower(s) {
	case "data", "blob", "javascript", "view-source", "file", "about", "mailto", "ftp", "gopher":
		return true
	}
	return false
}

func (p *Parts) port(authority string) (host string, err error) {
	i := strings.LastIndexByte(authority, ':')
	if i < 0 || strings.HasSuffix(authority, "]") || strings.Count(authority, ":") > 1 && authority[0] != '[' {
		return authority, nil
	}
	digits := authority[i+1:]
	if digits == "" {
		return authority[:i], nil
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 || strings.Trim(digits, "0123456789") != "" {
		return "", ErrPort
	}
	p.Port = uint16(n)
	return authority[:i], nil
}
