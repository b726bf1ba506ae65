package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// spoken is a site that says what it is told to, connection by connection and
// request by request.
type spoken struct {
	at    string
	conns atomic.Int32
	asked atomic.Int32
}

func speak(t *testing.T, say func(conn, request int, c net.Conn) (goOn bool)) *spoken {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	s := &spoken{at: ln.Addr().String()}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			n := int(s.conns.Add(1))
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for i := 1; ; i++ {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					s.asked.Add(1)
					if !say(n, i, c) {
						return
					}
				}
			}()
		}
	}()
	return s
}

func newAskerTest(t *testing.T) *asker {
	t.Helper()
	p := newAsker(&http.Transport{DialContext: new(net.Dialer).DialContext, DisableCompression: true})
	t.Cleanup(p.close)
	return p
}

func (p *asker) fetch(t *testing.T, ctx context.Context, method, at string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+at+"/page", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.Status + " " + string(body), err
}

func answer(body string) string {
	return "HTTP/1.1 200 OK\r\nContent-Length: " + string(rune('0'+len(body))) + "\r\n\r\n" + body
}

func TestAConnectionToASiteIsUsedAgainOnlyWhereNothingElseCanBeOnIt(t *testing.T) {
	for _, c := range []struct {
		name, method, says string
		again              bool // the next request goes over the same connection
		want               string
	}{
		{"a whole answer", "GET", answer("hello"), true, "200 OK hello"},
		{"an answer in chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", true, "200 OK hello"},
		{"no body", "GET", "HTTP/1.1 204 No Content\r\n\r\n", true, "204 No Content "},
		{"an answer that is announced", "GET", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer("hello"), true, "200 OK hello"},
		{"a head alone", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, "200 OK "},
		{"a head with a body", "HEAD", answer("forge"), false, "200 OK "},
		{"two answers", "GET", answer("hello") + answer("forge"), false, "200 OK hello"},
		{"no body and another answer", "GET", "HTTP/1.1 204 No Content\r\n\r\n" + answer("forge"), false, "204 No Content "},
		{"a site that says it closes", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", false, "200 OK hello"},
		{"an old site", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, "200 OK hello"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := speak(t, func(_, _ int, conn net.Conn) bool {
				_, err := io.WriteString(conn, c.says)
				return err == nil
			})
			p := newAskerTest(t)
			for range 2 {
				if got, err := p.fetch(t, t.Context(), c.method, s.at); err != nil || got != c.want {
					t.Fatalf("got %q, %v", got, err)
				}
			}
			if n, want := s.conns.Load(), int32(1); c.again != (n == want) {
				t.Errorf("%d connections were made", n)
			}
		})
	}
}

func TestWhatASiteSaysUnaskedIsNoAnswer(t *testing.T) {
	later := make(chan struct{})
	s := speak(t, func(n, _ int, c net.Conn) bool {
		if n > 1 {
			_, err := io.WriteString(c, answer("true"))
			return err == nil
		}
		_, _ = io.WriteString(c, answer("first"))
		<-later // the visitor has it
		_, _ = io.WriteString(c, answer("forge"))
		later <- struct{}{}
		return true
	})
	p := newAskerTest(t)
	if got, err := p.fetch(t, t.Context(), "GET", s.at); err != nil || got != "200 OK first" {
		t.Fatalf("got %q, %v", got, err)
	}
	later <- struct{}{}
	<-later
	p.mu.Lock()
	c := p.idle[s.at][0]
	p.mu.Unlock()
	for stop := systemNow().Add(5 * time.Second); untouched(c.Conn) && systemNow().Before(stop); { // until it is on our side
	}
	if got, err := p.fetch(t, t.Context(), "GET", s.at); err != nil || got != "200 OK true" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestARequestIsAskedAgainOnlyWhereNobodyAnswered(t *testing.T) {
	t.Run("the site had closed the connection", func(t *testing.T) {
		s := speak(t, func(n, request int, c net.Conn) bool {
			if n == 1 && request == 2 {
				return false // it ends without a word
			}
			_, err := io.WriteString(c, answer("hello"))
			return err == nil
		})
		p := newAskerTest(t)
		for range 2 {
			if got, err := p.fetch(t, t.Context(), "GET", s.at); err != nil || got != "200 OK hello" {
				t.Fatalf("got %q, %v", got, err)
			}
		}
		if s.conns.Load() != 2 {
			t.Errorf("%d connections were made", s.conns.Load())
		}
	})
	t.Run("the site breaks off in its answer", func(t *testing.T) {
		s := speak(t, func(_, request int, c net.Conn) bool {
			if request == 2 {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConte")
				return false
			}
			_, err := io.WriteString(c, answer("hello"))
			return err == nil
		})
		p := newAskerTest(t)
		if _, err := p.fetch(t, t.Context(), "GET", s.at); err != nil {
			t.Fatal(err)
		}
		if got, err := p.fetch(t, t.Context(), "GET", s.at); err == nil {
			t.Errorf("half a head is an answer: %q", got)
		}
		if s.asked.Load() != 2 {
			t.Errorf("it was asked %d times", s.asked.Load())
		}
	})
	t.Run("a new connection says nothing", func(t *testing.T) {
		s := speak(t, func(int, int, net.Conn) bool { return false })
		if got, err := newAskerTest(t).fetch(t, t.Context(), "GET", s.at); err == nil || s.asked.Load() != 1 {
			t.Errorf("got %q, asked %d times", got, s.asked.Load())
		}
	})
}

func TestAnswersThatAreNoneAreRefused(t *testing.T) {
	for name, says := range map[string]string{
		"a head without end":     "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("a", 1000)+"\r\n", 300),
		"announced without end":  strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: "+strings.Repeat("a", 1000)+"\r\n\r\n", 300),
		"another protocol":       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
		"a status that is none":  "HTTP/1.1 099 Low\r\n\r\n" + answer("hello"),
		"two lengths":            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"something else":         "SSH-2.0-x\r\n",
		"chunks that are none":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
		"less than was promised": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
	} {
		t.Run(name, func(t *testing.T) {
			s := speak(t, func(_, _ int, c net.Conn) bool {
				_, _ = io.WriteString(c, says)
				return false
			})
			p := newAskerTest(t)
			if got, err := p.fetch(t, t.Context(), "GET", s.at); err == nil {
				t.Errorf("got %q", got)
			}
			if p.all != 0 {
				t.Error("its connection is kept")
			}
		})
	}
}

func TestARequestEndsWithItsVisitor(t *testing.T) {
	for _, c := range []struct{ name, says string }{{"before the answer", ""}, {"in the answer", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"}} {
		t.Run(c.name, func(t *testing.T) {
			began, over := make(chan struct{}), make(chan struct{})
			s := speak(t, func(_, _ int, conn net.Conn) bool {
				_, _ = io.WriteString(conn, c.says)
				close(began)
				_, _ = conn.Read(make([]byte, 1)) // until it is closed from there
				close(over)
				return false
			})
			ctx, stop := context.WithCancel(t.Context())
			go func() { <-began; stop() }()
			p := newAskerTest(t)
			if _, err := p.fetch(t, ctx, "GET", s.at); err == nil {
				t.Error("it went on")
			} else if c.says == "" && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			<-over
		})
	}
}

func TestABodyThatIsClosedEndsWhoeverReadsIt(t *testing.T) {
	over := make(chan struct{})
	s := speak(t, func(_, _ int, c net.Conn) bool {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
		_, _ = c.Read(make([]byte, 1))
		close(over)
		return false
	})
	p := newAskerTest(t)
	r, _ := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.at+"/", nil)
	res, err := p.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() {
		_, err := io.ReadAll(res.Body)
		read <- err
	}()
	res.Body.Close()
	<-read
	<-over
	if n, err := res.Body.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("it is read after it was closed")
	}
}

func TestIdleConnectionsAreBoundedAndEnd(t *testing.T) {
	p := newAskerTest(t)
	for i := range plainIdleHost + 10 {
		a, b := net.Pipe()
		defer b.Close()
		p.put(&plainConn{Conn: a, to: "site.test:80"})
		if want := min(i+1, plainIdleHost); p.all != want {
			t.Fatalf("%d are kept, not %d", p.all, want)
		}
	}
	for _, c := range p.idle["site.test:80"] {
		c.since = c.since.Add(-plainIdleFor)
	}
	p.sweep()
	if p.all != 0 || len(p.idle) != 0 {
		t.Errorf("%d are kept although they are old", p.all)
	}
	p.close()
	a, b := net.Pipe()
	defer b.Close()
	p.put(&plainConn{Conn: a, to: "site.test:80"})
	if p.all != 0 {
		t.Error("one is kept after the end")
	}
}
