package icap

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"belisha/internal/verdict"
)

// errInner says that an HTTP head within is none that a browser or an origin
// sends. ICAP's own framing is right then, so it is answered with a page.
var errInner = errors.New("the HTTP head within is malformed")

// asked is what an HTTP request within asks for.
type asked struct {
	http    *http.Request
	scheme  string // "http", "https"; "" for CONNECT
	host    string // canonical
	port    uint16
	path    string // with query; "" for CONNECT
	connect bool
	page    string // the whole address, for "go on"; "" for CONNECT
}

// parseRequest reads an HTTP request's head. Usual is the scheme of an address
// that does not say which. What is returned with an error is as much as could
// be read, and never nil.
func parseRequest(block []byte, usual string) (*asked, error) {
	a := &asked{http: &http.Request{Method: http.MethodGet, URL: &url.URL{}, Header: http.Header{}, Body: http.NoBody}}
	line, rest, ok := cutLine(block)
	method, after, ok1 := strings.Cut(string(line), " ")
	target, version, ok2 := strings.Cut(after, " ")
	if !ok || !ok1 || !ok2 || !isToken(method) || !isVersion(version) || !plainTarget(target) {
		return a, errInner
	}
	header, err := parseFields(rest, false)
	if err != nil {
		return a, errInner
	}
	hosts := header["Host"]
	delete(header, "Host")
	r := a.http
	r.Method, r.Proto, r.ProtoMajor, r.ProtoMinor, r.Header, r.RequestURI = method, "HTTP/1.1", 1, 1, header, target
	if len(hosts) > 0 {
		r.Host = hosts[0]
	}
	if r.ContentLength, ok = length(header["Content-Length"]); !ok || len(hosts) > 1 {
		return a, errInner
	}
	if !a.where(method, target, usual, hosts) {
		return a, errInner
	}
	return a, nil
}

func isVersion(v string) bool {
	number, ok := strings.CutPrefix(v, "HTTP/")
	return ok && len(number) >= 1 && len(number) <= 3 && strings.Trim(number, "0123456789.") == ""
}

// plainTarget refuses what could be read in two ways.
func plainTarget(t string) bool {
	for i := range len(t) {
		if t[i] <= ' ' || t[i] == 0x7f {
			return false
		}
	}
	return t != ""
}

// length reads Content-Length; -1 is none. Several must say the same.
func length(values []string) (int64, bool) {
	if len(values) == 0 {
		return -1, true
	}
	for _, v := range values[1:] {
		if v != values[0] {
			return 0, false
		}
	}
	if v := values[0]; v == "" || strings.Trim(v, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(values[0], 10, 64)
	return n, err == nil
}

// where finds the host, port and path that are asked for.
func (a *asked) where(method, target, scheme string, hosts []string) bool {
	if method == http.MethodConnect {
		a.connect = true
		var ok bool
		if a.host, a.port, ok = authority(target, 0); !ok || a.port == 0 {
			return false
		}
		a.http.URL = &url.URL{Host: target}
		return agrees(hosts, a.host)
	}
	said, rest, absolute := strings.Cut(target, "://")
	switch {
	case absolute && !strings.HasPrefix(target, "/"):
		scheme = said
	case !strings.HasPrefix(target, "/") || len(hosts) != 1:
		return false
	default: // an origin's form: some clients leave the address to Host
		rest = hosts[0] + target
		if strings.HasSuffix(hosts[0], ":443") {
			scheme = "https"
		}
	}
	usual := usualPort(scheme)
	if usual == 0 {
		return false
	}
	a.scheme = strings.ToLower(scheme)
	i := strings.IndexAny(rest, "/?#\\")
	if i < 0 {
		i = len(rest)
	}
	who, path := rest[:i], rest[i:]
	if at := strings.LastIndexByte(who, '@'); at >= 0 {
		who = who[at+1:] // a name and password, of no browser's
	}
	var ok bool
	if a.host, a.port, ok = authority(who, usual); !ok || strings.HasPrefix(path, "\\") {
		return false
	}
	path, _, _ = strings.Cut(path, "#")
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	a.path = path
	a.setURL(usual)
	return agrees(hosts, a.host)
}

// setURL writes the address in its one spelling.
func (a *asked) setURL(usual uint16) {
	host := a.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if a.port != usual {
		host += ":" + strconv.Itoa(int(a.port))
	}
	u, err := url.ParseRequestURI(a.path)
	if err != nil || u.Host != "" || strings.HasPrefix(a.path, "//") { // such as a stray percent sign
		raw, query, _ := strings.Cut(a.path, "?")
		u = &url.URL{Path: raw, RawQuery: query}
	}
	u.Scheme, u.Host = a.scheme, host
	a.http.URL = u
	a.page = a.scheme + "://" + host + a.path
}

// usualPort is the port of a scheme, 0 for one that is not taken.
func usualPort(scheme string) uint16 {
	switch strings.ToLower(scheme) {
	case "http", "ws":
		return 80
	case "https", "wss":
		return 443
	case "ftp":
		return 21
	}
	return 0
}

// authority reads "host" or "host:port".
func authority(text string, usual uint16) (host string, port uint16, ok bool) {
	raw, port := text, usual
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		n, err := strconv.ParseUint(text[i+1:], 10, 16)
		if err != nil || n == 0 || text[i+1] == '0' || text[i+1] == '+' {
			return "", 0, false
		}
		raw, port = text[:i], uint16(n)
	}
	host, _, err := verdict.CanonicalHost(raw)
	return host, port, err == nil
}

// agrees reports that a Host header names the host of the address too: of two
// names nobody knows which one is asked for.
func agrees(hosts []string, host string) bool {
	return !slices.ContainsFunc(hosts, func(h string) bool {
		named, _, ok := authority(h, 80)
		return !ok || named != host
	})
}

// webPort keeps other services from being spoken to in the guise of the web.
func webPort(port uint16) bool { return port == 80 || port == 443 || port >= 1024 }

// isAddress reports a host that is an IP address, and which.
func isAddress(host string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(host)
	return a, err == nil
}

// parseResponse reads an HTTP answer's head.
func parseResponse(block []byte, r *http.Request) (*http.Response, error) {
	line, rest, ok := cutLine(block)
	version, after, _ := strings.Cut(string(line), " ")
	code, reason, _ := strings.Cut(after, " ")
	status, err := strconv.Atoi(code)
	if !ok || !isVersion(version) || len(code) != 3 || err != nil || status < 100 {
		return nil, errInner
	}
	header, err := parseFields(rest, true)
	if err != nil {
		return nil, errInner
	}
	res := &http.Response{
		Status: code + " " + reason, StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: http.NoBody, ContentLength: -1, Request: r,
	}
	if n, ok := length(header["Content-Length"]); ok {
		res.ContentLength = n
	}
	return res, nil
}

// bodyOf is the request's or answer's body, and what is said of its length.
func bodyOf(b *body, said int64) (io.ReadCloser, int64) {
	if b == nil {
		return http.NoBody, 0
	}
	if said == 0 { // ICAP says that there is one, and it is ICAP that frames it
		said = -1
	}
	return b, said
}
