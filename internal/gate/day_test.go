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
	"net/url"
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

// endless begins a download that never ends by itself, and returns what ends
// when it is cut off.
func (s *school) endless(t *testing.T, st control.State, host string) <-chan time.Time {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: st.Proxy})}}
	res, err := c.Get(fmt.Sprintf("http://%s:%d/endless", host, portOf(s.origin)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != 200 {
		t.Fatalf("%s: %d", host, res.StatusCode)
	}
	return ended(res.Body)
}

func ended(r io.Reader) <-chan time.Time {
	out := make(chan time.Time, 1)
	go func() {
		_, _ = io.Copy(io.Discard, r)
		out <- clock.System{}.Now()
	}()
	return out
}

// TestWhatRunsIsClosedWithinASecond has a tunnel and a download run when they
// become closed.
func TestWhatRunsIsClosedWithinASecond(t *testing.T) {
	unblocked := func(until time.Time) verdict.Rules {
		r := dayRules()
		r.Unblocks = []verdict.Unblock{{
			ID: "u1", Hosts: []string{"game.test"}, Who: verdict.Who{Groups: []string{"pupils"}, Classes: []string{"class:7B"}},
			Span: verdict.Span{From: 1, Until: until.UnixMilli()},
		}}
		return r
	}
	inClass := func(r *subject.Row) { r.Classes = []string{"class:7B"} }
	for _, c := range []struct {
		name string
		end  func(t *testing.T, s *school, c *control.Client, until time.Time) time.Time
	}{
		{"when the time of an unblock is over", func(_ *testing.T, _ *school, _ *control.Client, until time.Time) time.Time { return until }},
		{"when an unblock is taken back", func(t *testing.T, s *school, _ *control.Client, _ time.Time) time.Time {
			from := clock.System{}.Now()
			s.publish(t, dayRules())
			return from
		}},
		{"when the person signs out", func(t *testing.T, s *school, c *control.Client, _ time.Time) time.Time {
			from := clock.System{}.Now()
			signIn(t, c)
			return from
		}},
		{"when the person is held for the agreement", func(t *testing.T, s *school, c *control.Client, _ time.Time) time.Time {
			from := clock.System{}.Now()
			signIn(t, c, s.person("p", func(r *subject.Row) { inClass(r); r.Agreement = subject.AgreementHold }))
			return from
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSchool(t)
			secure := s.secureOrigin(t)
			wait := time.Minute
			if c.name == "when the time of an unblock is over" {
				wait = 3 * time.Second
			}
			until := clock.System{}.Now().Add(wait)
			s.publish(t, unblocked(until))
			st, client, _ := s.run(t)
			if _, err := connect(st, "game.test", portOf(secure)); err == nil {
				t.Error("it is open to who is in no class")
			}
			signIn(t, client, s.person("p", inClass))
			conn, err := connect(st, "game.test", portOf(secure))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(conn, "GET /endless HTTP/1.1\r\nHost: game.test\r\n\r\n")
			tunnel, download := ended(conn), s.endless(t, st, "game.test")
			other := s.endless(t, st, "update.test")
			from := c.end(t, s, client, until)
			for what, end := range map[string]<-chan time.Time{"tunnel": tunnel, "download": download} {
				select {
				case at := <-end:
					if late := at.Sub(from); late > time.Second || late < 0 {
						t.Errorf("the %s was cut off %s after", what, late)
					}
				case <-time.After(10 * time.Second):
					t.Errorf("the %s still runs", what)
				}
			}
			if got, _ := s.get(t, st, "game.test"); got != 403 {
				t.Errorf("asked again: %d", got)
			}
			select {
			case <-other:
				t.Error("what is open was cut off too")
			default:
			}
		})
	}
}

func TestAGrantIsInForceForNewRequestsWithinASecond(t *testing.T) {
	s := newSchool(t)
	s.publish(t, dayRules())
	st, c, _ := s.run(t)
	signIn(t, c, s.person("p", func(r *subject.Row) { r.Classes = []string{"class:7B"} }))
	if got, _ := s.get(t, st, "game.test"); got != 403 {
		t.Fatalf("before: %d", got)
	}
	if got := resolve(t, st, "game.test"); got != "NXDOMAIN" {
		t.Fatalf("before, by DNS: %s", got)
	}
	var worst time.Duration
	for i := range 5 {
		closed, open := dayRules(), dayRules()
		open.Unblocks = []verdict.Unblock{{
			ID: fmt.Sprint("u", i), Hosts: []string{"game.test"}, Who: verdict.Who{Classes: []string{"class:7B"}},
			Span: verdict.Span{From: 1, Until: clock.System{}.Now().Add(time.Minute).UnixMilli()},
		}}
		s.publish(t, open)
		from := clock.System{}.Now()
		until(t, "the grant", func() bool { got, _ := s.get(t, st, "game.test"); return got == 200 })
		worst = max(worst, clock.System{}.Now().Sub(from))
		answer := resolveOver(t, "udp", st.DNS, "game.test")
		if len(answer.Answer) != 1 || answer.Answer[0].Header().Ttl > 60 {
			t.Errorf("by DNS: %v", answer)
		}
		n := s.publish(t, closed)
		until(t, "the end", func() bool { now, _ := c.Status(context.Background()); return now.RulesNumber == n })
		if got, _ := s.get(t, st, "game.test"); got != 403 {
			t.Errorf("after it was taken back: %d", got)
		}
	}
	t.Logf("from the swap of the rules to the first open request, at worst of five: %s", worst)
	if worst > time.Second {
		t.Errorf("a grant took %s", worst)
	}
}

func TestTheFileThatNamesTheProxyIsServedUnderEveryName(t *testing.T) {
	s := newSchool(t)
	s.cfg.Sink = "127.0.0.1:0"
	s.publish(t, gatetest.Rules())
	st, c, _ := s.run(t)
	const text = "function FindProxyForURL(url, host) { return \"PROXY 10.0.0.2:3128\"; }\n"
	ask := func(what, at, host, path, want string) {
		t.Helper()
		res := direct(t, at, host, path)
		body, _ := io.ReadAll(res.Body)
		switch {
		case want == "" && res.StatusCode != http.StatusNotFound:
			t.Errorf("%s: %d, want none", what, res.StatusCode)
		case want != "" && (res.StatusCode != 200 || string(body) != want || res.Header.Get("Content-Type") != "application/x-ns-proxy-autoconfig"):
			t.Errorf("%s: %d %v %.60s", what, res.StatusCode, res.Header, body)
		}
	}
	walk := func(want string) {
		for _, at := range []string{st.Proxy, st.Sink} {
			ask("our own pages", at, gatetest.OwnHost, "/proxy.pac", want)
			ask("our own pages", at, gatetest.OwnHost, "/wpad.dat", want)
			ask("wpad", at, "wpad", "/wpad.dat", want)
			ask("wpad in a domain", at, "wpad.hill.sch.uk", "/wpad.dat", want)
			ask("wpad, something else", at, "wpad.hill.sch.uk", "/other", "")
		}
	}
	walk("")
	set := Settings{Site: "main", OwnHosts: []string{gatetest.OwnHost}, PAC: text}
	if err := WriteSettings(s.dir, set); err != nil {
		t.Fatal(err)
	}
	if err := c.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	walk(text)
	for _, name := range []string{"wpad", "wpad.hill.sch.uk"} {
		got := resolveOver(t, "udp", st.DNS, name)
		if len(got.Answer) != 1 || got.Answer[0].(*mdns.A).A.String() != "127.0.0.1" {
			t.Errorf("%s by DNS: %v", name, got)
		}
	}
	set.PAC = strings.Repeat("x", 65<<10)
	if err := WriteSettings(s.dir, set); err != nil {
		t.Fatal(err)
	}
	if err := c.Reload(context.Background()); err == nil {
		t.Error("a file too long was taken without a word")
	}
	walk(text)
}

func TestADevicesCheckLeadsToSignInAndThenPasses(t *testing.T) {
	s := newSchool(t)
	s.cfg.Sink = "127.0.0.1:0"
	s.publish(t, unsignedClosed())
	set := Settings{
		Site: "main", OwnHosts: []string{gatetest.OwnHost}, Captive: true,
		Sink: []netip.Addr{netip.MustParseAddr("10.1.1.1")},
	}
	if err := WriteSettings(s.dir, set); err != nil {
		t.Fatal(err)
	}
	st, c, _ := s.run(t)
	signIn(t, c)
	to := func(want string) {
		t.Helper()
		for _, check := range [][2]string{
			{"captive.apple.com", "/hotspot-detect.html"},
			{"www.apple.com", "/library/test/success.html"},
			{"connectivitycheck.gstatic.com", "/generate_204"},
			{"clients3.google.com", "/generate_204"},
			{"www.msftconnecttest.com", "/connecttest.txt"},
			{"www.msftncsi.com", "/ncsi.txt"},
			{"detectportal.firefox.com", "/success.txt"},
		} {
			for _, at := range []string{st.Proxy, st.Sink} {
				res := direct(t, at, check[0], check[1])
				if res.StatusCode != http.StatusFound || res.Header.Get("Location") != want {
					t.Errorf("%s at %s: %d %s", check[0], at, res.StatusCode, res.Header.Get("Location"))
				}
			}
		}
	}
	to("http://" + gatetest.OwnHost + "/sign-in")
	if res := direct(t, st.Sink, "www.apple.com", "/shop"); res.StatusCode != http.StatusForbidden {
		t.Errorf("another page of the same host: %d", res.StatusCode)
	}
	if got := resolveOver(t, "udp", st.DNS, "captive.apple.com"); len(got.Answer) != 1 || got.Answer[0].(*mdns.A).A.String() != "10.1.1.1" || got.Answer[0].Header().Ttl > 1 {
		t.Errorf("by DNS: %v", got)
	}
	signIn(t, c, s.person("p", func(r *subject.Row) { r.Agreement = subject.AgreementHold }))
	to("http://" + gatetest.OwnHost + "/agreement")
	signIn(t, c, s.person("p", nil))
	// The fixture's resolver knows no such name, so that a check which is
	// passed on ends there and not at sign-in.
	if res := direct(t, st.Proxy, "captive.apple.com", "/"); res.StatusCode != http.StatusBadGateway {
		t.Errorf("signed in: %d", res.StatusCode)
	}
	set.Captive = false
	if err := WriteSettings(s.dir, set); err != nil {
		t.Fatal(err)
	}
	if err := c.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	signIn(t, c)
	if res := direct(t, st.Proxy, "captive.apple.com", "/"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("switched off: %d", res.StatusCode)
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
