package proxy

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/identity"
	"belisha/internal/gate/identity/kdctest"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
)

// roll knows who names mean, as the parent does.
type roll map[string]string // name to group

func (r roll) ByName(_ context.Context, in control.NameRequest) (subject.Row, bool, error) {
	group, ok := r[in.Name]
	return subject.Row{
		ID: "row-" + in.Name, Subject: in.Name, Certainty: spool.Sure, Groups: []string{group},
		SignedUntil: gatetest.Noon.Add(time.Hour), Ends: gatetest.Noon.Add(time.Hour),
	}, ok, nil
}

// ticketed is a bench whose proxy proves people by a realm of its own. The
// bench's clock and the machine's are apart, so that Kerberos has the
// machine's.
type ticketed struct {
	*bench
	kdc   *kdctest.KDC
	names *identity.Names
	proof *identity.Kerberos
}

func newTicketed(t *testing.T, c clock.Clock) *ticketed {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	b := &ticketed{kdc: kdctest.Start(t, "mia", "mrhill", "stranger")}
	keytab := b.kdc.Keytab(t, "HTTP/localhost")
	b.bench = newBench(t, func(cfg *Config, _ table) {
		b.names = identity.NewNames(roll{"mia": "pupils", "mrhill": "staff"}, b.now)
		b.proof = identity.NewKerberos(keytab, b.names, c, cfg.Log)
		cfg.Kerberos = b.proof
	})
	return b
}

func (b *ticketed) now() time.Time { return gatetest.Noon }

// curl asks as somebody with a ticket, and returns status and page.
func (b *ticketed) curl(t *testing.T, env []string, args ...string) (status, page string) {
	t.Helper()
	args = append([]string{
		"-s", "-S", "--max-time", "20", "-w", "\n%{http_code} %{http_connect}", "--proxy-negotiate", "--proxy-user", ":",
		"--proxy", fmt.Sprintf("http://localhost:%d", b.server.Addr().Port()),
	}, args...)
	cmd := exec.Command("curl", args...)
	cmd.Env = env
	out, _ := cmd.CombinedOutput() // a refused tunnel is an error of curl's, and what came is looked at
	text := string(out)
	i := strings.LastIndexByte(text, '\n')
	return text[i+1:], text[:i]
}

func (b *ticketed) site(path string) string {
	return fmt.Sprintf("http://game.test:%d%s", port(b.plain), path)
}

func TestABrowserWithATicketIsSurelyItsOwner(t *testing.T) {
	b := newTicketed(t, clock.System{})
	mia, hill := b.kdc.SignIn(t, "mia", "1h"), b.kdc.SignIn(t, "mrhill", "1h")
	if status, page := b.curl(t, hill, b.site("/")); status != "200 000" || !strings.Contains(page, "origin says hello") {
		t.Fatalf("a teacher: %s\n%s", status, page)
	}
	if b.seen.Load().Header.Get("Proxy-Authorization") != "" {
		t.Error("the ticket was sent on")
	}
	if status, page := b.curl(t, mia, b.site("/")); status != "403 000" || !strings.Contains(page, "Games are closed") {
		t.Errorf("a pupil: %s\n%s", status, page)
	}
	got := b.Events(t, 2)
	who := map[string]spool.Event{}
	for _, e := range got {
		who[e.Subject] = e
	}
	if who["mrhill"].Certainty != spool.Sure || who["mia"].Certainty != spool.Sure {
		t.Errorf("%+v", got)
	}
	// Somebody of the realm whom the school does not know is nobody.
	if status, _ := b.curl(t, b.kdc.SignIn(t, "stranger", "1h"), b.site("/")); status != "403 000" {
		t.Errorf("a stranger: %s", status)
	}
	if e := b.Events(t, 3)[2]; e.Subject != "" || e.Certainty != spool.Unknown {
		t.Errorf("a stranger is %+v", e)
	}
	if s := b.proof.Status(); !s.OK || s.Proved != 3 || len(s.Refused) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestATunnelIsOpenedForWhoeverHasTheTicket(t *testing.T) {
	b := newTicketed(t, clock.System{})
	site := fmt.Sprintf("https://game.test:%d/", port(b.secure))
	if status, page := b.curl(t, b.kdc.SignIn(t, "mrhill", "1h"), "-k", site); status != "200 200" {
		t.Errorf("a teacher: %s\n%s", status, page)
	}
	if status, _ := b.curl(t, b.kdc.SignIn(t, "mia", "1h"), "-k", site); status != "000 403" {
		t.Errorf("a pupil: %s", status)
	}
	for _, e := range b.Events(t, 2) {
		if e.Subject == "" || e.Certainty != spool.Sure {
			t.Errorf("%+v", e)
		}
	}
}

// header is a Proxy-Authorization header with a ticket of somebody's.
func (b *ticketed) header(t *testing.T, env []string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	cmd := exec.Command("curl", "-s", "--max-time", "20", "--proxy-negotiate", "--proxy-user", ":",
		"--proxy", fmt.Sprintf("http://localhost:%d", ln.Addr().(*net.TCPAddr).Port), "http://ok.test/")
	cmd.Env = env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }() // it ends with its connection
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	return r.Header.Get("Proxy-Authorization")
}

// with asks for a site of staff with a header, on a connection of its own.
func (b *ticketed) with(t *testing.T, conn net.Conn, header string) *http.Response {
	t.Helper()
	if header != "" {
		header = "Proxy-Authorization: " + header + "\r\n"
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: game.test:%d\r\n%s\r\n", b.site("/"), port(b.plain), header)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res
}

func (b *ticketed) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", b.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(systemNow().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestAProofIsForOneRequestAndNeverForItsConnection(t *testing.T) {
	b := newTicketed(t, clock.System{})
	hill := b.kdc.SignIn(t, "mrhill", "1h")
	first, second := b.header(t, hill), b.header(t, hill)
	conn := b.dial(t)
	if res := b.with(t, conn, first); res.StatusCode != 200 {
		t.Fatalf("with a ticket: %d", res.StatusCode)
	} else if reply := res.Header.Get("Proxy-Authenticate"); !strings.HasPrefix(reply, "Negotiate o") {
		t.Errorf("our own proof is %q", reply)
	}
	if res := b.with(t, conn, ""); res.StatusCode != 407 || res.Header.Get("Proxy-Authenticate") != "Negotiate" {
		t.Errorf("the next on the same connection: %d %v", res.StatusCode, res.Header)
	}
	if res := b.with(t, conn, first); res.StatusCode != 407 {
		t.Errorf("the same token again: %d", res.StatusCode)
	}
	if res := b.with(t, conn, second); res.StatusCode != 200 {
		t.Errorf("a new token: %d", res.StatusCode)
	}
	if s := b.proof.Status(); s.Refused["replay"] != 1 || s.Proved != 2 {
		t.Errorf("%+v", s)
	}
}

func TestWhereSeveralPeopleProveThemselvesAnAddressIsNobodys(t *testing.T) {
	b := newTicketed(t, clock.System{})
	hill, mia := b.kdc.SignIn(t, "mrhill", "1h"), b.kdc.SignIn(t, "mia", "1h")
	b.SignIn(t, "127.0.0.1", "mrhill", "staff") // on the people's pages
	conn := b.dial(t)
	if res := b.with(t, conn, ""); res.StatusCode != 200 {
		t.Fatalf("signed in: %d", res.StatusCode)
	}
	if res := b.with(t, conn, b.header(t, mia)); res.StatusCode != 403 {
		t.Errorf("a pupil's ticket at a teacher's address: %d", res.StatusCode)
	}
	if res := b.with(t, b.dial(t), b.header(t, hill)); res.StatusCode != 200 {
		t.Errorf("the teacher's: %d", res.StatusCode)
	}
	if res := b.with(t, b.dial(t), ""); res.StatusCode != 407 {
		t.Errorf("whoever has none there now: %d", res.StatusCode)
	}
}

func TestTicketsThatProveNothing(t *testing.T) {
	now := clock.NewFake(clock.System{}.Now())
	b := newTicketed(t, now)
	hill := b.kdc.SignIn(t, "mrhill", "2h")
	b64 := base64.StdEncoding.EncodeToString
	other := b.kdc.Keytab(t, "HTTP/other")
	b.SignIn(t, "127.0.0.1", "mia", "pupils")
	for _, c := range []struct {
		name   string
		header func() string
		after  time.Duration
		why    string
	}{
		{"a token of long ago", func() string { return b.header(t, hill) }, 6 * time.Minute, "clock skew"},
		{"a clock that is behind", func() string { return b.header(t, hill) }, -6 * time.Minute, "a ticket that is not valid yet"},
		{"an expired ticket", func() string { return b.header(t, hill) }, 3 * time.Hour, "an expired ticket"},
		{"NTLM", func() string { return "NTLM " + b64([]byte("NTLMSSP\x00\x01\x00\x00\x00")) }, 0, "NTLM"},
		{"NTLM as Negotiate", func() string { return "Negotiate " + b64([]byte("NTLMSSP\x00\x01\x00\x00\x00")) }, 0, "NTLM"},
		{"no token", func() string { return "Negotiate" }, 0, "malformed"},
		{"no base64", func() string { return "Negotiate ***" }, 0, "malformed"},
		{"as much as a domain with many groups sends", func() string { return "Negotiate " + b64(make([]byte, 45_000)) }, 0, "malformed"},
		{"half a token", func() string { return b.header(t, hill)[:200] }, 0, "malformed"},
		{"a token with a byte changed", func() string {
			raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(b.header(t, hill), "Negotiate "))
			if err != nil {
				t.Fatal(err)
			}
			raw[len(raw)-3] ^= 1
			return "Negotiate " + b64(raw)
		}, 0, "a ticket that is somebody else's"},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := c.header()
			now.Advance(c.after)
			defer now.Advance(-c.after)
			before := b.proof.Status().Refused[c.why]
			if p := b.proof.Prove(t.Context(), header, netip.MustParseAddr("127.0.0.1")); p.Row != nil || p.Reply != "" {
				t.Fatalf("it proves %+v", p.Row)
			}
			if s := b.proof.Status(); s.Refused[c.why] != before+1 {
				t.Errorf("it is counted as %v", s.Refused)
			}
			if res := b.with(t, b.dial(t), header); res.StatusCode != 403 {
				t.Errorf("the strictest of who is there does not hold: %d", res.StatusCode)
			}
		})
	}
	wrong := identity.NewKerberos(other, b.names, now, b.Log)
	if p := wrong.Prove(t.Context(), b.header(t, hill), netip.MustParseAddr("127.0.0.1")); p.Row != nil {
		t.Error("with another service's keytab it is believed")
	}
	if s := wrong.Status(); s.Refused["a ticket under a key that the keytab does not have"] != 1 {
		t.Errorf("%v", s.Refused)
	}
	missing := identity.NewKerberos(other+".none", b.names, now, b.Log)
	if s := missing.Status(); missing.Ready() || s.OK || s.Why == "" {
		t.Errorf("a keytab that is not there: %+v", s)
	}
}
