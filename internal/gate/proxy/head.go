package proxy

import (
	"bytes"
	"errors"
	"strings"
)

// net/http is forgiving where two programs could understand one request in two
// ways. A filter must not be: what it judged and what it sent on have to be
// the same. So each request head is checked here before net/http sees it.

// framing is how a request's body is delimited.
type framing struct {
	connect bool
	chunked bool
	length  int64
	// other is what Host says where the target names another host.
	other string
}

// errHead says why a head is refused; it is counted, never sent.
type errHead string

func (e errHead) Error() string { return "refused request head: " + string(e) }

const (
	errLine      errHead = "request line"
	errBareCR    errHead = "carriage return or line feed alone"
	errControl   errHead = "control character"
	errFold      errHead = "folded header"
	errName      errHead = "header name"
	errHostField errHead = "host"
	errLength    errHead = "content length"
	errTransfer  errHead = "transfer encoding"
	errBoth      errHead = "content length and transfer encoding"
	errTarget    errHead = "target"
	errVersion   errHead = "version"
	errTypes     errHead = "two content types"
	errTwoHosts  errHead = "target and host differ"
	errOurs      errHead = "a header of the filter's own"
)

// checkHead checks a whole head, with the empty line that ends it, and
// returns how the body that follows is delimited.
func checkHead(head []byte) (framing, error) {
	line, rest, ok := cutLine(head)
	if !ok {
		return framing{}, errBareCR
	}
	method, target, minor, err := requestLine(line)
	if err != nil {
		return framing{}, err
	}
	f := framing{connect: method == "CONNECT"}
	h := headFields{minor: minor}
	for {
		line, rest, ok = cutLine(rest)
		if !ok {
			return framing{}, errBareCR
		}
		if len(line) == 0 {
			break
		}
		if err := h.add(line); err != nil {
			return framing{}, err
		}
	}
	if err := h.check(&f); err != nil {
		return framing{}, err
	}
	if f.connect && (f.chunked || f.length > 0) {
		return framing{}, errLength
	}
	f.other = otherHost(method, target, h.host)
	return f, checkTarget(method, target)
}

// cutLine cuts at CR LF and refuses either alone.
func cutLine(b []byte) (line, rest []byte, ok bool) {
	i := bytes.IndexByte(b, '\n')
	if i < 1 || b[i-1] != '\r' {
		return nil, nil, false
	}
	line = b[:i-1]
	return line, b[i+1:], bytes.IndexByte(line, '\r') < 0
}

func requestLine(line []byte) (method, target string, minor byte, err error) {
	m, rest, ok := strings.Cut(string(line), " ")
	t, version, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 || !isToken(m) || t == "" {
		return "", "", 0, errLine
	}
	switch version {
	case "HTTP/1.1":
		minor = 1
	case "HTTP/1.0":
	default:
		return "", "", 0, errVersion
	}
	for i := range len(t) {
		if t[i] <= ' ' || t[i] == 0x7f {
			return "", "", 0, errTarget
		}
	}
	return m, t, minor, nil
}

// checkTarget refuses targets whose host could be read in two ways. What the
// host may be is decided where it is judged.
func checkTarget(method, target string) error {
	if method == "CONNECT" {
		if strings.ContainsAny(target, "/@?#\\%") || !strings.Contains(target, ":") {
			return errTarget
		}
		return nil
	}
	if strings.HasPrefix(target, "/") || target == "*" {
		return nil
	}
	_, after, ok := strings.Cut(target, "://")
	if !ok {
		return errTarget
	}
	authority := after
	if i := strings.IndexAny(after, "/?#"); i >= 0 {
		authority = after[:i]
	}
	if authority == "" || strings.ContainsAny(authority, "\\") {
		return errTarget
	}
	return nil
}

// otherHost is what Host says where a target with a host of its own names
// another. The target's is the one that counts; that they differ is noted.
func otherHost(method, target, host string) string {
	_, after, ok := strings.Cut(target, "://")
	if !ok || method == "CONNECT" || target[0] == '/' || host == "" {
		return ""
	}
	if i := strings.IndexAny(after, "/?#"); i >= 0 {
		after = after[:i]
	}
	after = after[strings.LastIndexByte(after, '@')+1:]
	if strings.EqualFold(strings.TrimSuffix(after, ":80"), strings.TrimSuffix(host, ":80")) {
		return ""
	}
	return host
}

// noteHeader is how the strict reader tells what reads the request later that
// its Host said something else. Nobody may send it.
const noteHeader = "X-Belisha-Other-Host"

type headFields struct {
	host                    string
	minor                   byte
	hosts, lengths, codings int
	types                   int
	length                  int64
	badLength, badCoding    bool
	badHost                 bool
}

func (h *headFields) add(line []byte) error {
	if line[0] == ' ' || line[0] == '\t' {
		return errFold
	}
	i := bytes.IndexByte(line, ':')
	if i < 1 || !isTokenBytes(line[:i]) {
		return errName
	}
	value := line[i+1:]
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return errControl
		}
	}
	switch {
	case equalFold(line[:i], "host"):
		h.hosts++
		h.host = string(bytes.Trim(value, " \t"))
		h.badHost = h.badHost || !goodHostValue(h.host)
	case equalFold(line[:i], "content-type"):
		if h.types++; h.types > 1 {
			return errTypes
		}
	case equalFold(line[:i], "content_length"), equalFold(line[:i], "transfer_encoding"):
		return errName // some programs take the line below for a hyphen
	case equalFold(line[:i], "x-belisha-other-host"):
		return errOurs
	case equalFold(line[:i], "content-length"):
		h.lengths++
		h.length, h.badLength = contentLength(value)
	case equalFold(line[:i], "transfer-encoding"):
		h.codings++
		h.badCoding = h.badCoding || !equalFold(bytes.Trim(value, " \t"), "chunked")
	}
	return nil
}

func (h *headFields) check(f *framing) error {
	switch {
	case h.hosts > 1 || h.badHost || h.hosts == 0 && h.minor == 1:
		return errHostField
	case h.lengths > 0 && h.codings > 0:
		return errBoth
	case h.lengths > 1 || h.badLength:
		return errLength
	case h.codings > 1 || h.badCoding || h.codings > 0 && h.minor == 0:
		return errTransfer
	}
	f.chunked, f.length = h.codings > 0, h.length
	return nil
}

// contentLength takes digits only, without leading zero, after at most one
// space: "+5", "5, 5", "0x5" and "  5" all mean something else to somebody.
func contentLength(v []byte) (n int64, bad bool) {
	v = bytes.TrimPrefix(v, []byte(" "))
	if len(v) == 0 || len(v) > 18 || len(v) > 1 && v[0] == '0' {
		return 0, true
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, true
		}
		n = n*10 + int64(c-'0')
	}
	return n, false
}

func goodHostValue(v string) bool {
	return v != "" && !strings.ContainsAny(v, " \t,@/\\?#%<>\"'{}|^`")
}

func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func isToken(s string) bool { return isTokenBytes([]byte(s)) }

func isTokenBytes(b []byte) bool {
	for _, c := range b {
		if !tokenByte(c) {
			return false
		}
	}
	return len(b) > 0
}

func tokenByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// isRefused reports an error that the strict reading of a request gave.
func isRefused(err error) bool {
	var e errHead
	return errors.As(err, &e)
}
