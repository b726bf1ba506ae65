package gate

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate/control"
	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
)

// dayRules are the fixture's, with 7B in class and a secure site to open.
func dayRules() verdict.Rules {
	r := gatetest.Rules()
	r.Classes = []string{"class:7B"}
	return r
}

// secureOrigin adds an origin that speaks TLS and never ends an answer to
// /endless by itself.
func (s *school) secureOrigin(t *testing.T) *httptest.Server {
	t.Helper()
	endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/endless" {
			io.WriteString(w, "origin")
			return
		}
		for {
			if _, err := w.Write([]byte("more ")); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	s.origin.Config.Handler = endless
	tlsOrigin := httptest.NewTLSServer(endless)
	t.Cleanup(tlsOrigin.Close)
	s.cfg.AllowPrivate = append(s.cfg.AllowPrivate, tlsOrigin.Listener.Addr().String())
	return tlsOrigin
}

func portOf(o *httptest.Server) int { return o.Listener.Addr().(*net.TCPAddr).Port }

// connect opens a tunnel and shakes hands; the error says that it is closed.
func connect(st control.State, host string, port int) (*tls.Conn, error) {
	conn, err := net.Dial("tcp", st.Proxy)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(clock.System{}.Now().Add(10 * time.Second)); err != nil {
		return nil, err
	}
	fmt.Fprintf(conn, "CONNECT %s:%d HTTP/1.1\r\nHost: x\r\n\r\n", host, port)
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(res.Body)
		return nil, fmt.Errorf("%d: %s", res.StatusCode, body)
	}
	c := tls.Client(conn, &tls.Config{ServerName: host, InsecureSkipVerify: true})
	return c, c.Handshake()
}

// direct asks the proxy's address as if it were the site itself.
func direct(t *testing.T, at, host, path string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(clock.System{}.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func (s *school) person(name string, change func(*subject.Row)) subject.Row {
	now := clock.System{}.Now()
	r := subject.Row{
		ID: name, Address: netip.MustParseAddr("127.0.0.1"), Subject: name, Certainty: spool.Sure,
		Groups: []string{"pupils"}, SignedUntil: now.Add(time.Hour), Ends: now.Add(time.Hour),
	}
	if change != nil {
		change(&r)
	}
	return r
}

func signIn(t *testing.T, c *control.Client, rows ...subject.Row) {
	t.Helper()
	if err := c.Push(context.Background(), subject.Push{Number: 1, Full: true, Rows: rows}); err != nil {
		t.Fatal(err)
	}
}

func resolveOver(t *testing.T, network, at, name string) *mdns.Msg {
	t.Helper()
	m := new(mdns.Msg)
	m.SetQuestion(name+".", mdns.TypeA)
	got, _, err := (&mdns.Client{Net: network, Timeout: 5 * time.Second}).Exchange(m, at)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// states are those in which children meet the filter, from the best to the
// worst. A nil rules func publishes none.
var states = []struct {
	name  string
	rules func() verdict.Rules
	row   func(*subject.Row) // nil: nobody is signed in
	open  bool               // ok.test
}{
	{"a pupil under the rules", gatetest.Rules, func(*subject.Row) {}, true},
	{"nobody signed in, and the strictest rules hold", gatetest.Rules, nil, true},
	{"nobody signed in, and that is closed", unsignedClosed, nil, false},
	{"the agreement is not signed and the web waits for it", gatetest.Rules, func(r *subject.Row) { r.Agreement = subject.AgreementHold }, false},
	{"a reminder to sign is due", gatetest.Rules, func(r *subject.Row) { r.Agreement = subject.AgreementRemind }, true},
	{"the web is paused", gatetest.Rules, func(r *subject.Row) { r.PausedUntil = r.Ends }, false},
	{"the group is being tried out", triedOut, func(*subject.Row) {}, true},
	{"only sites that were opened", previewedOnly, func(*subject.Row) {}, false},
	{"the help service is on a list, an own block and among the locked hosts", helpBlocked, func(*subject.Row) {}, true},
	{"there are no rules", nil, nil, false},
	{"there are no rules and somebody is held", nil, func(r *subject.Row) { r.Agreement = subject.AgreementHold }, false},
}

func unsignedClosed() verdict.Rules {
	r := gatetest.Rules()
	r.UnsignedClosed = true
	return r
}

func triedOut() verdict.Rules {
	r := gatetest.Rules()
	for i := range r.Groups {
		r.Groups[i].TryOut = true
	}
	return r
}

func previewedOnly() verdict.Rules {
	r := gatetest.Rules()
	for i := range r.Groups {
		r.Groups[i].UnlistedClosed = true
	}
	return r
}

func helpBlocked() verdict.Rules {
	r := gatetest.Rules()
	r.Own = append(r.Own, verdict.Own{ID: "h", Text: gatetest.HelpHost, Act: verdict.Block})
	r.Locked.Hosts = []string{gatetest.HelpHost}
	return r
}

// TestTheHelpFloorIsOpenAtEveryDoorInEveryState walks plain pages, tunnels and
// names over UDP and TCP.
func TestTheHelpFloorIsOpenAtEveryDoorInEveryState(t *testing.T) {
	for _, state := range states {
		t.Run(state.name, func(t *testing.T) {
			s := newSchool(t)
			secure := s.secureOrigin(t)
			if state.rules != nil {
				s.publish(t, state.rules())
			}
			st, c, _ := s.run(t)
			if state.row != nil {
				signIn(t, c, s.person("p", state.row))
			}
			if got, body := s.get(t, st, gatetest.HelpHost); got != 200 || body != "origin" {
				t.Errorf("by the proxy: %d %.80s", got, body)
			}
			conn, err := connect(st, gatetest.HelpHost, portOf(secure))
			if err != nil {
				t.Errorf("by a tunnel: %v", err)
			} else {
				conn.Close()
			}
			for _, network := range []string{"udp", "tcp"} {
				if got := resolveOver(t, network, st.DNS, gatetest.HelpHost); len(got.Answer) != 1 || got.Rcode != mdns.RcodeSuccess {
					t.Errorf("by DNS over %s: %v", network, got)
				}
			}
			// And the state is what it says, or the walk proves nothing.
			want := map[bool]int{true: 200, false: 403}[state.open]
			if got, _ := s.get(t, st, "ok.test"); got != want {
				t.Errorf("an ordinary page: %d, want %d", got, want)
			}
		})
	}
}

func TestWhoIsHeldReachesOnlyWhatMustBeOpenAndASignatureOpensAtOnce(t *testing.T) {
	s := newSchool(t)
	secure := s.secureOrigin(t)
	s.publish(t, gatetest.Rules())
	st, c, _ := s.run(t)
	signIn(t, c, s.person("p", func(r *subject.Row) { r.Agreement = subject.AgreementHold }))
	for host, want := range map[string]int{"ok.test": 403, "bad.test": 403, "help.test": 200, "update.test": 200} {
		if got, _ := s.get(t, st, host); got != want {
			t.Errorf("%s: %d, want %d", host, got, want)
		}
	}
	_, page := s.get(t, st, "ok.test")
	for _, want := range []string{"sign", "http://" + gatetest.OwnHost + "/agreement"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q: %s", want, page)
		}
	}
	if _, err := connect(st, "ok.test", portOf(secure)); err == nil || !strings.Contains(err.Error(), "/agreement") {
		t.Errorf("a tunnel: %v", err)
	}
	for name, want := range map[string]string{"ok.test": "NXDOMAIN", "help.test": "NOERROR", "update.test": "NOERROR", gatetest.OwnHost: "NOERROR"} {
		if got := resolve(t, st, name); got != want {
			t.Errorf("%s by DNS: %s, want %s", name, got, want)
		}
	}
	if b, err := c.Latest(context.Background(), netip.MustParseAddr("127.0.0.1")); err != nil || b.Reason != "agreement" {
		t.Errorf("the page that explains it reads %+v, %v", b, err)
	}
	signIn(t, c, s.person("p", nil))
	if got, _ := s.get(t, st, "ok.test"); got != 200 {
		t.Errorf("after the signature: %d", got)
	}
}

func TestAGroupThatIsTriedOutIsLetThroughAndCountedWithoutAnybody(t *testing.T) {
	s := newSchool(t)
	r := triedOut()
	r.Locked.Categories = []string{"adult"}
	s.publish(t, r)
	st, c, _ := s.run(t)
	signIn(t, c, s.person("p", nil))
	for _, host := range []string{"game.test", "bad.test"} {
		if got, _ := s.get(t, st, host); got != 200 {
			t.Errorf("%s: %d", host, got)
		}
	}
	if err := c.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	reader, err := spool.OpenReader(s.dir + "/spool")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	until(t, "both events", func() bool {
		got, _, err := reader.Next(100)
		if err != nil {
			t.Fatal(err)
		}
		seen = 0
		for _, e := range got {
			if e.Kind != spool.Decision || e.Host == "" {
				continue
			}
			seen++
			if e.Tried != spool.TriedBlock || e.Action != spool.ActionAllow || e.Category == "" || e.Subject+e.Device+e.Path != "" || e.Address.IsValid() {
				t.Errorf("event %+v", e)
			}
		}
		return seen == 2
	})
}

// TestAClockPutBackOpensNothing moves the gate's clock back an hour.
func TestAClockPutBackOpensNothing(t *testing.T) {
	s := newSchool(t)
	secure := s.secureOrigin(t)
	start := clock.System{}.Now()
	fake := clock.NewFake(start)
	s.cfg.Clock = fake
	r := dayRules()
	r.Unblocks = []verdict.Unblock{{
		ID: "u", Hosts: []string{"game.test"}, Who: verdict.Who{Classes: []string{"class:7B"}},
		Span: verdict.Span{From: start.Add(-2 * time.Hour).UnixMilli(), Until: start.Add(10 * time.Minute).UnixMilli()},
	}}
	s.publish(t, r)
	st, c, _ := s.run(t)
	in := func(row *subject.Row) { row.Classes = []string{"class:7B"} }
	signIn(t, c, s.person("p", in), s.person("q", func(row *subject.Row) {
		row.Address, row.Groups = netip.MustParseAddr("127.0.0.2"), []string{"staff"}
		row.SignedUntil, row.Ends = start.Add(10*time.Minute), start.Add(10*time.Minute)
	}))
	conn, err := connect(st, "game.test", portOf(secure))
	if err != nil {
		t.Fatal(err)
	}
	fake.Advance(11 * time.Minute)
	select {
	case <-ended(conn):
	case <-time.After(10 * time.Second):
		t.Fatal("the tunnel outlived the unblock")
	}
	fake.Advance(-time.Hour)
	if got, _ := s.get(t, st, "game.test"); got != 403 {
		t.Errorf("the unblock that had ended: %d", got)
	}
	if got := resolve(t, st, "game.test"); got != "NXDOMAIN" {
		t.Errorf("by DNS: %s", got)
	}
	d, err := c.Decide(context.Background(), control.DecideRequest{URL: "http://game.test/", Address: netip.MustParseAddr("127.0.0.2")})
	if err != nil || d.Action != "block" {
		t.Errorf("who had gone is back: %+v, %v", d, err)
	}
	if got, _ := s.get(t, st, "ok.test"); got != 200 {
		t.Errorf("what is open anyway: %d", got)
	}
}
