package evasion

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate/spool"
)

// run is one case in one mode with one value put in.
type run struct {
	*world
	t      testing.TB
	c      *tried
	mode   string
	value  string
	addr   netip.Addr
	who    string
	values map[string]string

	conn      net.Conn // the last one opened
	r         *bufio.Reader
	all       []net.Conn
	answer    *http.Response
	body      []byte
	bodyErr   error
	ended     string // how the connection ended where no answer came
	said      []byte // raw, by "read"
	inspected bool
	two       *h2
	names     *mdns.Msg
	silent    bool

	wants  []string // lines about what is written down
	exact  bool
	closed bool // something was blocked: it must be written down
}

func newRun(w *world, t testing.TB, c *tried, mode, value string) *run {
	second := byte(1)
	if mode == "M" {
		second = 2
	}
	r := &run{world: w, t: t, c: c, mode: mode, value: value}
	r.addr, r.who = w.client(second, c.group)
	plain, secure := w.sites.ports()
	r.values = map[string]string{
		c.each: value, "plain": plain, "tls": secure, "proxy": w.state.Proxy, "dns": w.state.DNS, "icap": w.state.More["icap"],
		"sink": w.state.Sink, "dot": w.state.More["dot"], "doh": w.state.More["doh"], "me": r.addr.String(), "port": plain,
		"dnsport": w.state.DNS[strings.LastIndexByte(w.state.DNS, ':')+1:], "proxyport": w.state.Proxy[strings.LastIndexByte(w.state.Proxy, ':')+1:],
	}
	r.values["PAGE"] = `"<html><body><p>here is a badword to read, badword again</p></body></html>"`
	r.values["CYRILLIC"] = `"<html><body><p>вот плохое слово, плохое</p></body></html>"`
	r.values["META"] = `"<html><head><meta charset=windows-1251></head><body><p>вот плохое слово</p></body></html>"`
	r.values["JAPANESE"] = `"<html><body><p>悪語悪語</p></body></html>"`
	r.values["quoted"] = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)
	switch c.each { // parts of messages that say how long they are
	case "url":
		r.values["head"] = "GET " + value + ` HTTP/1.1\r\nHost: ok.test\r\n\r\n`
		fallthrough
	case "head":
		text, err := unescape(r.values["head"])
		if err != nil {
			t.Fatal(err)
		}
		r.values["len"] = strconv.Itoa(len(text))
	case "body":
		r.values["chunk"] = strconv.FormatInt(int64(len(value)), 16) + `\r\n` + value + `\r\n0\r\n\r\n`
	}
	if mode != "plain" {
		r.values["port"] = secure
	}
	return r
}

// do runs the steps and says what went otherwise than expected.
func (r *run) do() error {
	r.sites.begin()
	defer r.close()
	for _, s := range r.c.steps {
		if err := verbs[s.verb](r, fill(s.args, r.values)); err != nil {
			return fmt.Errorf("line %d, %s %.80s: %w", s.line, s.verb, s.args, err)
		}
	}
	return nil
}

func (r *run) close() {
	for _, c := range r.all {
		c.Close()
	}
	r.sites.hangUp()
	if r.scanner != nil {
		r.scanner.behave("")
	}
}

// checkEvents says what is written down otherwise than expected.
func (r *run) checkEvents(all map[string][]spool.Event) error {
	events := all[r.who]
	if r.closed && !slices.ContainsFunc(events, func(e spool.Event) bool {
		return e.Action == spool.ActionBlock && e.Reason != "" && (e.Group != "" || e.Reason == "malformed")
	}) {
		return fmt.Errorf("no block with its reason and group is written down: %+v", events)
	}
	for _, e := range events {
		if strings.ContainsFunc(e.Host+e.Path+e.Words+e.Detail+e.Door+e.Engine, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return fmt.Errorf("a control character is written down: %+v", e)
		}
	}
	for _, want := range r.wants {
		if want == "none" {
			if len(events) > 0 {
				return fmt.Errorf("something is written down: %+v", events)
			}
			continue
		}
		if !slices.ContainsFunc(events, func(e spool.Event) bool { return matches(e, want) }) {
			return fmt.Errorf("%q is not written down: %+v", want, events)
		}
	}
	if r.exact && len(events) != len(r.wants) {
		return fmt.Errorf("%d rows are written down, want %d: %+v", len(events), len(r.wants), events)
	}
	return nil
}

func matches(e spool.Event, want string) bool {
	fields := map[string]string{
		"host": e.Host, "reason": e.Reason, "category": e.Category, "door": e.Door, "path": e.Path, "words": e.Words, "engine": e.Engine,
		"detail": e.Detail, "alert": e.Alert, "group": e.Group, "action": []string{"block", "allow", "warn", "support"}[e.Action],
	}
	for part := range strings.FieldsSeq(want) {
		name, value, has := strings.Cut(part, "=")
		if !has {
			name, value = "action", part
		}
		value = strings.ReplaceAll(value, "_", " ")
		have, known := fields[name]
		if have = strings.ReplaceAll(have, "_", " "); !known {
			return false
		}
		if rest, part := strings.CutPrefix(value, "~"); part && !strings.Contains(have, rest) || !part && have != value {
			return false
		}
	}
	return true
}

func (r *run) open(to string) error {
	c, err := dialFrom(r.addr, to)
	if err != nil {
		return err
	}
	r.use(c)
	return nil
}

func (r *run) use(c net.Conn) {
	r.conn, r.r, r.two = c, bufio.NewReaderSize(c, 64<<10), nil
	r.all = append(r.all, c)
}

// send writes; a peer that has hung up meanwhile is found out by reading.
func (r *run) send(b []byte, pieces int) {
	if pieces <= 0 {
		pieces = len(b)
	}
	for at := 0; at < len(b); at += pieces {
		if _, err := r.conn.Write(b[at:min(at+pieces, len(b))]); err != nil {
			return
		}
	}
}

// read takes one HTTP answer with its body, or notes how the connection ended.
func (r *run) read(method string) {
	r.answer, r.body, r.bodyErr, r.ended = nil, nil, nil, ""
	first, err := r.r.Peek(1)
	switch {
	case err != nil && len(first) == 0:
		r.ended = why(err)
		return
	case first[0] == 21:
		r.ended = "alert"
		return
	}
	res, err := http.ReadResponse(r.r, &http.Request{Method: method})
	if err != nil {
		r.ended = why(err)
		return
	}
	r.answer = res
	if res.StatusCode == http.StatusSwitchingProtocols || method == http.MethodConnect && res.StatusCode == 200 {
		return
	}
	r.body, r.bodyErr = io.ReadAll(io.LimitReader(res.Body, 256<<20))
}

func why(err error) string {
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		return "late"
	}
	return "closed"
}

// handshake speaks TLS on the connection.
func (r *run) handshake(name string, protos ...string) error {
	conn := tls.Client(r.conn, &tls.Config{
		ServerName: name, NextProtos: protos, InsecureSkipVerify: true, // looked at below, with both issuers in mind
		VerifyConnection: func(s tls.ConnectionState) error {
			leaf := s.PeerCertificates[0]
			r.inspected = strings.HasPrefix(leaf.Issuer.CommonName, "Belisha")
			_, err := leaf.Verify(x509.VerifyOptions{Roots: r.all2(), DNSName: name})
			return err
		},
	})
	if err := conn.Handshake(); err != nil {
		r.ended = "closed"
		return fmt.Errorf("speaking TLS: %w", err)
	}
	r.use(conn)
	return nil
}

func (r *run) all2() *x509.CertPool { return r.world.all }

// tunnel asks for a tunnel and reads the answer.
func (r *run) tunnel(to string) error {
	if err := r.open(r.state.Proxy); err != nil {
		return err
	}
	r.send([]byte("CONNECT "+to+" HTTP/1.1\r\nHost: "+to+"\r\n\r\n"), 0)
	r.read(http.MethodConnect)
	return nil
}

// framed finds a field that says how long a body is, or that somebody could
// take for one.
var framed = regexp.MustCompile(`(?i)content[-_]length|transfer[-_]encoding`)

// request is a method, an address without scheme, and "| Header: value" parts.
func (r *run) request(method, args, body string) error {
	parts := strings.Split(args, " | ")
	host, path, _ := strings.Cut(strings.TrimSpace(parts[0]), "/")
	path = "/" + path
	at := host
	if !strings.Contains(strings.TrimPrefix(host, "["), ":") || strings.HasSuffix(host, "]") {
		at += ":" + r.values["port"]
	}
	head := ""
	for _, h := range parts[1:] {
		text, err := unescape(strings.TrimSpace(h))
		if err != nil {
			return err
		}
		head += text + "\r\n"
	}
	// A case that says itself how long its body is, is not helped.
	if (body != "" || method == "POST") && !framed.MatchString(head) {
		head += "Content-Length: " + strconv.Itoa(len(body)) + "\r\n"
	}
	target := path
	if r.mode == "plain" {
		if err := r.open(r.state.Proxy); err != nil {
			return err
		}
		target = "http://" + at + path
	} else {
		if err := r.tunnel(at); err != nil {
			return err
		}
		if r.answer == nil || r.answer.StatusCode != 200 {
			return nil
		}
		if err := r.handshake(strings.TrimSuffix(host, ":"+r.values["tls"]), "http/1.1"); err != nil {
			r.answer = nil
			return nil
		}
		if r.inspected != (r.mode == "M") && !strings.HasPrefix(host, "bank.") && host != "help.test" && r.sites.asked() != "" {
			return fmt.Errorf("looked into: %v", r.inspected)
		}
	}
	r.send([]byte(method+" "+target+" HTTP/1.1\r\nHost: "+at+"\r\n"+head+"\r\n"+body), 0)
	r.read(method)
	return nil
}

// isPage reports a page in place of a closed site.
func (r *run) isPage() bool {
	return r.answer != nil && r.answer.StatusCode == 403 && bytes.Contains(bytes.ToLower(r.body[:min(len(r.body), 64)]), []byte("<!doctype html>")) &&
		strings.Contains(r.answer.Header.Get("Content-Security-Policy"), "default-src 'none'")
}

func (r *run) shape() string {
	switch {
	case r.answer != nil:
		return fmt.Sprintf("%d %v, %d bytes %.200q (%v)", r.answer.StatusCode, r.answer.Header, len(r.body), r.body, r.bodyErr)
	case r.ended != "":
		return "no answer, " + r.ended
	}
	return "nothing"
}
