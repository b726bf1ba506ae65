package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// rough is a site that answers each request with the same bytes.
func rough(t *testing.T, answer string) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					if _, err := io.WriteString(conn, answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return netip.MustParseAddrPort(ln.Addr().String())
}

// TestAnAnswerThatCouldBeTwoIsOne has the browser ask twice on one connection:
// whatever a site answers, the second answer is the second request's.
func TestAnAnswerThatCouldBeTwoIsOne(t *testing.T) {
	const ghost = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nghost"
	cases := []struct{ name, method, answer string }{
		{"a line break in a header", "GET", "HTTP/1.1 200 OK\r\nX-A: a\nContent-Length: 0\r\n\r\n" + ghost},
		{"a carriage return in a header", "GET", "HTTP/1.1 200 OK\r\nX-A: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n" + ghost},
		{"two lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 43\r\n\r\n" + ghost},
		{"length and coding", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + ghost},
		{"a body where none is", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 43\r\n\r\n" + ghost},
		{"a body after nothing new", "GET", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + ghost},
		{"a body after a head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n" + ghost},
		{"more than its length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + ghost},
		{"a status with a break", "GET", "HTTP/1.1 200 OK\rX: y\r\nContent-Length: 0\r\n\r\n" + ghost},
		{"no HTTP", "GET", "SSH-2.0-x\r\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			site := rough(t, c.answer)
			b := newBench(t, func(cfg *Config, _ table) { cfg.Guard.exact = append(cfg.Guard.exact, site) })
			conn, err := net.Dial("tcp", b.server.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(systemNow().Add(5 * time.Second)); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(conn)
			fmt.Fprintf(conn, "%s http://ok.test:%d/ HTTP/1.1\r\nHost: ok.test:%d\r\n\r\n", c.method, site.Port(), site.Port())
			first, err := http.ReadResponse(r, &http.Request{Method: c.method})
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(first.Body)
			if strings.Contains(string(body), "ghost") || first.Header.Get("Set-Cookie") != "" {
				t.Errorf("the first answer is %d %q", first.StatusCode, body)
			}
			if first.Close {
				return
			}
			fmt.Fprintf(conn, "GET http://bad.test/ HTTP/1.1\r\nHost: bad.test\r\nConnection: close\r\n\r\n")
			second, err := http.ReadResponse(r, nil)
			if err != nil {
				return // it was hung up on, which is safe too
			}
			body, _ = io.ReadAll(second.Body)
			if second.StatusCode != 403 || strings.Contains(string(body), "ghost") {
				t.Errorf("the second answer is %d %.100q", second.StatusCode, body)
			}
		})
	}
}
