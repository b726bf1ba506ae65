package icap

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/clock"
)

func FuzzEncapsulated(f *testing.F) {
	for _, s := range []string{
		"req-hdr=0, null-body=81", "req-hdr=0, res-hdr=81, res-body=160", "null-body=0", "opt-body=0", "REQ-HDR=0,req-body=1", "req-hdr=-1", "=", ",",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parts, err := parseEncapsulated(s)
		if err != nil {
			return
		}
		last := -1
		for _, p := range parts {
			if p.at <= last || p.at-max(last, 0) > maxBlock {
				t.Fatalf("%q gives %v", s, parts)
			}
			last = p.at
		}
		if n := len(parts); n == 0 || n > maxParts || parts[0].at != 0 || !strings.HasSuffix(parts[n-1].name, "-body") {
			t.Fatalf("%q gives %v", s, parts)
		}
	})
}

// FuzzRequestHead looks for heads by which two readers would see two hosts.
func FuzzRequestHead(f *testing.F) {
	for _, s := range []string{
		get("http://ok.test/a?b=c"), "CONNECT ok.test:443 HTTP/1.1\r\nHost: ok.test\r\n\r\n", "GET /x HTTP/1.0\r\nHost: a\r\n\r\n",
		"GET http://a@b:80/ HTTP/1.1\r\n\r\n", "GET https://[::1]:8443//x HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parseRequest(b, "http")
		if err != nil {
			return
		}
		if a.host == "" || a.port == 0 || a.connect != (a.path == "") || strings.ContainsAny(a.host, "/@\\ ?#") {
			t.Fatalf("%q is %+v", b, a)
		}
		if h := a.http.Host; h != "" && !agrees([]string{h}, a.host) {
			t.Fatalf("%q names %q and %q", b, h, a.host)
		}
		head, edited := editHead(b, a.http.Header, a.http.Header)
		if edited || !bytes.Equal(head, b) {
			t.Fatalf("%q is %q when nothing has changed", b, head)
		}
	})
}

func FuzzBody(f *testing.F) {
	for _, s := range []string{"3\r\nabc\r\n0\r\n\r\n", "0; ieof\r\n\r\n", "0\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n", "fffffffffffffff\r\n"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, preview bool) {
		goOn := 0
		x := &body{from: bufio.NewReaderSize(bytes.NewReader(b), buffer), goOn: func() error { goOn++; return nil }, preview: preview}
		if preview && x.load(4096, nil) != nil {
			return
		}
		got, err := io.ReadAll(x)
		if len(got) > len(b) || goOn > 1 || goOn > 0 && !preview || err == nil && !x.all() {
			t.Fatalf("%d bytes of %d, %d times 100, %v", len(got), len(b), goOn, err)
		}
	})
}

// FuzzConnection sends anything at all to a whole server. Whatever comes back
// is ICAP, and no panic is behind it.
func FuzzConnection(f *testing.F) {
	for _, s := range []string{
		reqmod(get("http://ok.test/"), "Allow: 204\r\n"), respmod(get("http://bad.test/"), pageHead, "Preview: 4\r\n") + chunk("abcd") + last,
		"OPTIONS icap://f/reqmod ICAP/1.0\r\n\r\n", respmod(get("http://ok.test/"), pageHead, "Preview: 4\r\n") + chunk("abcd") + last + chunk("x") + last,
		respmod(get("http://ok.test/"), pageHead, "") + chunk("abcd") + last + reqmod(get("http://ok.test/"), ""),
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", strings.Replace(reqmod("GET /a HTTP/1.1\r\nHost: ok.test:443\r\n\r\n", "X-Forwarded-Proto: https\r\nX-Authenticated-Groups: V2luTlQ6Ly9ISUxML0E=\r\n"), "/reqmod", "/", 1),
		respmod(get("http://ok.test/"), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "Preview: 0\r\nAllow: 204, 206\r\n") + last + chunk("abcd") + "0\r\nX-Sum: 1\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	_, s := open(f, func(c *Config) { c.Content = inside{response: outcomes["read whole and clean"]} })
	f.Fuzz(func(t *testing.T, b []byte) {
		near, far := net.Pipe()
		if err := far.SetDeadline(clock.System{}.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		c := newConn(s, whole{far}, netip.MustParseAddr("127.0.0.1"))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			defer far.Close()
			c.serve()
		}()
		go func() {
			_, _ = near.Write(b)
			_, _ = near.Write([]byte("\r\n\r\n")) // so that no head waits for its end
			near.SetReadDeadline(clock.System{}.Now().Add(50 * time.Millisecond))
		}()
		got, _ := io.ReadAll(near)
		near.Close()
		<-ended
		if len(got) > 0 && !bytes.HasPrefix(got, []byte("ICAP/1.0 ")) {
			t.Fatalf("%q gives %q", b, got)
		}
		if n := s.Counts().Faults; n > 0 {
			t.Fatalf("%q: %d faults inside", b, n)
		}
	})
}

// whole is a connection whose time is over once and for all.
type whole struct{ net.Conn }

func (whole) SetReadDeadline(time.Time) error  { return nil }
func (whole) SetWriteDeadline(time.Time) error { return nil }
