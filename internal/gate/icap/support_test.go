package icap

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/blockpage"
	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
)

// desk is the part of the browsers' door that pages come from.
type desk struct {
	own      func(http.ResponseWriter, *http.Request, netip.Addr)
	password func(string) *subject.Row
	warned   bool // who is warned has read it
}

func (d *desk) Passes(a *porter.Answer) bool {
	return a.Allowed() || d.warned && a.Explain().Reason == "own-block"
}

func (d *desk) View(a *porter.Answer, target string) blockpage.View {
	b := a.Explain()
	return blockpage.View{Reason: b.Reason, Host: b.Host, Pupil: b.Pupil, School: "Hill School", At: a.At, GoOn: target}
}

func (d *desk) Own(w http.ResponseWriter, r *http.Request, client netip.Addr) { d.own(w, r, client) }

func (d *desk) Captive(http.ResponseWriter, *http.Request, *porter.Answer) bool { return false }

// Steer sets what the rules set, and makes one engine's searches safe.
func (d *desk) Steer(_ http.ResponseWriter, r *http.Request, a *porter.Answer) bool {
	a.Headers(func(name, value string) {
		r.Header.Del(name)
		if value != "" {
			r.Header.Set(name, value)
		}
	})
	if a.Host == "find.test" && r.URL.RawQuery != "" {
		r.URL.RawQuery += "&safe=active"
	}
	return false
}

func (d *desk) Password(_ context.Context, header string, _ netip.Addr) *subject.Row {
	if d.password == nil {
		return nil
	}
	return d.password(header)
}

// opened is a guard by which this machine's own web servers may be reached.
type opened struct{}

func (opened) PrivateOpen(a netip.Addr, _ uint16) bool { return a.IsLoopback() }
func (opened) Port(port uint16) bool                   { return port >= 8443 }

// inside is a look inside, made of two functions.
type inside struct {
	request  func(*porter.Answer, *http.Request) *porter.Finding
	response func(*porter.Answer, *http.Request, *http.Response) *porter.Finding
}

func (i inside) Request(_ context.Context, a *porter.Answer, r *http.Request) *porter.Finding {
	if i.request == nil {
		return nil
	}
	return i.request(a, r)
}

func (i inside) Response(_ context.Context, a *porter.Answer, r *http.Request, res *http.Response) *porter.Finding {
	if i.response == nil {
		return nil
	}
	return i.response(a, r, res)
}

// open opens the door with the fixture's rules. Change, which may be nil,
// changes what it is opened with.
func open(t testing.TB, change func(*Config)) (*gatetest.World, *Server) {
	t.Helper()
	w := gatetest.New(t)
	pages, err := blockpage.New()
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Porter: w.Porter, Front: &desk{}, Guard: opened{}, Pages: pages, Clock: w.Clock, Log: w.Log}
	if change != nil {
		change(&cfg)
	}
	s, err := Listen("127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return w, s
}

// wire is a client that knows only sockets.
type wire struct {
	t testing.TB
	c net.Conn
	r *bufio.Reader
}

func dial(t testing.TB, s *Server) *wire {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(clock.System{}.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &wire{t, c, bufio.NewReaderSize(c, 64<<10)}
}

func (w *wire) send(s string) {
	w.t.Helper()
	if _, err := io.WriteString(w.c, s); err != nil {
		w.t.Fatalf("sending: %v", err)
	}
}

// reply is what came back.
type reply struct {
	code     int
	header   textproto.MIMEHeader
	req, res string // HTTP heads
	body     string
	hasBody  bool
	original int // use-original-body, -1 for none
	trailer  string
}

func (w *wire) reply() reply {
	w.t.Helper()
	r, err := w.tryReply()
	if err != nil {
		w.t.Fatalf("reading the reply: %v", err)
	}
	return r
}

func (w *wire) tryReply() (reply, error) {
	out := reply{original: -1}
	tp := textproto.NewReader(w.r)
	line, err := tp.ReadLine()
	if err != nil {
		return out, err
	}
	if _, err := fmt.Sscanf(line, "ICAP/1.0 %d", &out.code); err != nil {
		return out, fmt.Errorf("%q: %w", line, err)
	}
	if out.header, err = tp.ReadMIMEHeader(); err != nil {
		return out, err
	}
	return out, w.parts(&out)
}

func (w *wire) parts(out *reply) error {
	text := out.header.Get("Encapsulated")
	if text == "" {
		return nil
	}
	parts, err := parseEncapsulated(text)
	if err != nil {
		return err
	}
	for i, p := range parts[:len(parts)-1] {
		block := make([]byte, parts[i+1].at-p.at)
		if _, err := io.ReadFull(w.r, block); err != nil {
			return err
		}
		if !bytes.HasSuffix(block, []byte("\r\n\r\n")) || bytes.Index(block, []byte("\r\n\r\n")) != len(block)-4 {
			return fmt.Errorf("the head does not end where Encapsulated says: %q", block)
		}
		if p.name == reqHead {
			out.req = string(block)
		} else {
			out.res = string(block)
		}
	}
	if parts[len(parts)-1].name == nullBody {
		return nil
	}
	out.hasBody = true
	var b strings.Builder
	err = w.chunks(out, &b)
	out.body = b.String()
	return err
}

func (w *wire) chunks(out *reply, b io.Writer) error {
	for {
		line, err := w.r.ReadString('\n')
		if err != nil {
			return err
		}
		digits, extension, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), ";")
		n, err := strconv.ParseInt(digits, 16, 64)
		if err != nil {
			return err
		}
		if n == 0 {
			if _, at, ok := strings.Cut(extension, "use-original-body="); ok {
				if out.original, err = strconv.Atoi(at); err != nil {
					return err
				}
			}
			break
		}
		if _, err := io.CopyN(b, w.r, n); err != nil {
			return err
		}
		if _, err := w.r.Discard(2); err != nil {
			return err
		}
	}
	for {
		line, err := w.r.ReadString('\n')
		if err != nil {
			return err
		}
		if line == "\r\n" {
			return nil
		}
		out.trailer += line
	}
}

// heads of the fixture's requests and answers.
func get(address string) string {
	host := strings.TrimPrefix(strings.TrimPrefix(address, "http://"), "https://")
	host, _, _ = strings.Cut(host, "/")
	return "GET " + address + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: test\r\n\r\n"
}

const pageHead = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"

// reqmod is a request without a body.
func reqmod(head, more string) string {
	return fmt.Sprintf("REQMOD icap://filter/reqmod ICAP/1.0\r\nHost: filter\r\nX-Client-IP: 10.0.0.7\r\n%sEncapsulated: req-hdr=0, null-body=%d\r\n\r\n%s", more, len(head), head)
}

// respmod is all of an answer but its body.
func respmod(head, answer, more string) string {
	return fmt.Sprintf("RESPMOD icap://filter/respmod ICAP/1.0\r\nHost: filter\r\nX-Client-IP: 10.0.0.7\r\n%sEncapsulated: req-hdr=0, res-hdr=%d, res-body=%d\r\n\r\n%s%s",
		more, len(head), len(head)+len(answer), head, answer)
}

func chunk(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("%x\r\n%s\r\n", len(s), s)
}

const last = "0\r\n\r\n"

// waitByte waits so long for a byte that should not come.
func waitByte(w *wire, d time.Duration) (byte, error) {
	now := clock.System{}.Now()
	_ = w.c.SetReadDeadline(now.Add(d))
	defer func() { _ = w.c.SetReadDeadline(now.Add(20 * time.Second)) }()
	return w.r.ReadByte()
}
