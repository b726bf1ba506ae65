package icap

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Bounds of what is read before anything is decided.
const (
	maxHead    = 64 << 10 // the ICAP head
	maxBlock   = 64 << 10 // each HTTP head within
	maxLine    = 1 << 10  // of a chunk
	maxTrailer = 8 << 10
	maxPreview = 1 << 20
)

// fault is what the client did wrong, as ICAP has it.
type fault struct {
	code int
	why  string
}

// Error implements error.
func (f *fault) Error() string { return fmt.Sprintf("ICAP %d: %s", f.code, f.why) }

func bad(why string) error { return &fault{http.StatusBadRequest, why} }

// errLine is returned by everything that reads lines.
var errLine = errors.New("a line does not end as lines do")

// message is the head of an ICAP request.
type message struct {
	method  string
	service string // path, without what follows a question mark
	query   string
	header  http.Header
	parts   []part
	preview int // -1: none is offered
	allow   struct{ unchanged, partial, trailers bool }
	close   bool
}

// parseMessage reads a whole head, with the empty line that ends it.
func parseMessage(head []byte) (*message, error) {
	line, rest, ok := cutLine(head)
	if !ok {
		return nil, bad("the first line does not end as lines do")
	}
	m := &message{preview: -1}
	if err := m.first(string(line)); err != nil {
		return nil, err
	}
	var err error
	if m.header, err = parseFields(rest, false); err != nil {
		return nil, bad(err.Error())
	}
	if err := m.framing(); err != nil {
		return nil, err
	}
	return m, nil
}

// first reads "METHOD icap://host/service?query ICAP/1.0".
func (m *message) first(line string) error {
	method, rest, ok := strings.Cut(line, " ")
	target, version, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 || !isToken(method) || target == "" || strings.ContainsRune(version, ' ') {
		return bad("the first line is not METHOD address ICAP/1.0")
	}
	name, number, ok := strings.Cut(version, "/")
	switch {
	case !ok || name != "ICAP":
		return bad("this is not ICAP")
	case number != "1.0":
		return &fault{http.StatusHTTPVersionNotSupported, "only ICAP/1.0 is spoken here"}
	}
	m.method = method
	path, ok := servicePath(target)
	if !ok {
		return bad("the address is not icap://host/service")
	}
	m.service, m.query, _ = strings.Cut(path, "?")
	m.service = strings.TrimRight(m.service, "/")
	return nil
}

// servicePath is the path of an address, with what follows a question mark.
func servicePath(target string) (string, bool) {
	for i := range len(target) {
		if target[i] <= ' ' || target[i] == 0x7f {
			return "", false
		}
	}
	if target == "*" || strings.HasPrefix(target, "/") {
		return target, true
	}
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok || !strings.EqualFold(scheme, "icap") && !strings.EqualFold(scheme, "icaps") {
		return "", false
	}
	i := strings.IndexAny(rest, "/?")
	if i < 0 {
		return "/", rest != ""
	}
	return rest[i:], i > 0
}

// framing reads what says how the rest of the message is laid out.
func (m *message) framing() error {
	if list := m.header["Preview"]; len(list) > 0 {
		n, err := strconv.ParseUint(list[0], 10, 32)
		if len(list) > 1 || err != nil || n > maxPreview {
			return bad("Preview is not a number that can be")
		}
		m.preview = int(n)
	}
	for word := range listed(m.header["Allow"]) {
		switch strings.ToLower(word) {
		case "204":
			m.allow.unchanged = true
		case "206":
			m.allow.partial = true
		case "trailers":
			m.allow.trailers = true
		}
	}
	for word := range listed(m.header["Connection"]) {
		m.close = m.close || strings.EqualFold(word, "close")
	}
	list := m.header["Encapsulated"]
	switch {
	case len(list) == 0 && m.method == methodOptions:
		return nil
	case len(list) != 1:
		return bad("there must be one Encapsulated header")
	}
	var err error
	if m.parts, err = parseEncapsulated(list[0]); err != nil {
		return err
	}
	return nil
}

// listed goes through the words of headers that hold lists.
func listed(values []string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, v := range values {
			for word := range strings.SplitSeq(v, ",") {
				if word = strings.TrimSpace(word); word != "" && !yield(word) {
					return
				}
			}
		}
	}
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

// parseFields reads header lines up to and with the empty line that must end
// them. What an origin sends may hold odd bytes in values: those are what the
// browser gets from any other proxy too.
func parseFields(block []byte, origin bool) (http.Header, error) {
	h := make(http.Header, 12)
	for {
		line, rest, ok := cutLine(block)
		if !ok {
			return nil, errLine
		}
		if len(line) == 0 {
			if len(rest) > 0 {
				return nil, errors.New("something follows the empty line of a head")
			}
			return h, nil
		}
		block = rest
		i := bytes.IndexByte(line, ':')
		if i < 1 || !isToken(string(line[:i])) {
			return nil, errors.New("a header has no name that can be")
		}
		value := bytes.Trim(line[i+1:], " \t")
		for _, c := range value {
			if c == 0 || !origin && (c < ' ' && c != '\t' || c == 0x7f) {
				return nil, errors.New("a header holds a control character")
			}
		}
		name := http.CanonicalHeaderKey(string(line[:i]))
		h[name] = append(h[name], string(value))
	}
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
