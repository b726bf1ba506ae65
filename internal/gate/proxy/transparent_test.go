package proxy

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/spool"
)

// redirection is a door whose connections were meant for what the test says.
type redirection struct {
	*Transparent
	meant atomic.Value // netip.AddrPort
	done  chan error
}

func redirect(t *testing.T, s *Server, own func(netip.Addr) bool) *redirection {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &redirection{done: make(chan error, 1)}
	r.Transparent = s.Redirected(ln, Redirects{Own: own, Destination: func(net.Conn) (netip.AddrPort, error) {
		if at, ok := r.meant.Load().(netip.AddrPort); ok && at.IsValid() {
			return at, nil
		}
		return netip.AddrPort{}, errors.New("not known")
	}})
	go func() { r.done <- r.Serve() }()
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// say opens a redirected connection, says text and reads one answer.
func (r *redirection) say(t *testing.T, meant, text string) (*http.Response, string) {
	t.Helper()
	r.meant.Store(netip.MustParseAddrPort(meant))
	conn, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(systemNow().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err.Error()
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	return res, string(body)
}

func nobody(netip.Addr) bool { return false }

func TestPlainRequestsThatTheNetworkRedirectedAreJudgedByTheirHost(t *testing.T) {
	b := newBench(t, nil)
	b.SignIn(t, "127.0.0.1", "s1", "pupils")
	r := redirect(t, b.server, nobody)
	p := port(b.plain)
	meant := fmt.Sprintf("203.0.113.9:%d", p) // nothing is there: only the name's own address answers
	get := func(host, path string) string {
		return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\n\r\n", path, host, p)
	}
	cases := []struct {
		name, meant, text string
		status            int
		says, not         string
	}{
		{"an open site", meant, get("ok.test", "/a"), 200, "origin says hello to ok.test", ""},
		{"a closed site", meant, get("bad.test", "/"), 403, "not for school", "hello"},
		{"a closed site at an open site's address", meant, get("bad.test", "/ok.test"), 403, "not for school", "hello"},
		{"two slashes are a path and no host", meant, get("ok.test", "//bad.test/x"), 200, "hello to ok.test", ""},
		{"a whole address goes before Host", meant, fmt.Sprintf("GET http://bad.test:%d/ HTTP/1.1\r\nHost: ok.test\r\nConnection: close\r\n\r\n", p), 403, "not for school", "hello"},
		{"and the other way", meant, fmt.Sprintf("GET http://ok.test:%d/ HTTP/1.1\r\nHost: bad.test\r\nConnection: close\r\n\r\n", p), 200, "hello to ok.test", ""},
		{"two hosts", meant, "GET / HTTP/1.1\r\nHost: ok.test\r\nHost: bad.test\r\n\r\n", 400, "", "hello"},
		{"no host", meant, "GET / HTTP/1.1\r\n\r\n", 400, "", "hello"},
		{"a host with an at sign", meant, "GET / HTTP/1.1\r\nHost: ok.test@bad.test\r\n\r\n", 400, "", "hello"},
		{"before HTTP/1.1 the address is the host", meant, "GET / HTTP/1.0\r\n\r\n", 403, "", "hello"},
		{"another port than the connection's", meant, "GET / HTTP/1.1\r\nHost: ok.test:8081\r\nConnection: close\r\n\r\n", 400, "", "hello"},
		{"no path", meant, "OPTIONS * HTTP/1.1\r\nHost: ok.test\r\nConnection: close\r\n\r\n", 400, "", "hello"},
		{"a tunnel", meant, fmt.Sprintf("CONNECT ok.test:%d HTTP/1.1\r\nHost: ok.test\r\n\r\n", port(b.secure)), 403, "", "hello"},
		{"another scheme", meant, "GET ftp://ok.test/ HTTP/1.1\r\nHost: ok.test\r\n\r\n", 400, "", "hello"},
		{"a name that leads inside", meant, strings.ReplaceAll(get("inside.test", "/"), "inside.test:"+fmt.Sprint(p), "inside.test:"+fmt.Sprint(p)), 403, "", "hello"},
		{"plain words to the port for TLS", "203.0.113.9:443", "GET / HTTP/1.1\r\nHost: ok.test\r\n\r\n", 400, "https://", "hello"},
		{"what has come round", meant, strings.Replace(get("ok.test", "/"), "Connection: close", "Via: 1.1 "+b.server.name+"\r\nConnection: close", 1), http.StatusLoopDetected, "circle", "hello"},
		{"the people's pages", "203.0.113.9:80", "GET /ask HTTP/1.1\r\nHost: " + gatetest.OwnHost + "\r\nConnection: close\r\n\r\n", 503, "", "hello"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			res, body := r.say(t, c.meant, c.text)
			if res == nil || res.StatusCode != c.status || !strings.Contains(body, c.says) || c.not != "" && strings.Contains(body, c.not) {
				t.Errorf("%v %.400s", res, body)
			}
		})
	}
}

func TestWhatWasDecidedOfARedirectedRequestIsWrittenDown(t *testing.T) {
	b := newBench(t, nil)
	b.SignIn(t, "127.0.0.1", "s1", "pupils")
	r := redirect(t, b.server, nobody)
	r.say(t, "203.0.113.9:80", "GET /x HTTP/1.1\r\nHost: bad.test\r\nConnection: close\r\n\r\n")
	e := b.Events(t, 1)[0]
	if e.Action != spool.ActionBlock || e.Host != "bad.test" || e.Path != "/x" || e.Subject != "s1" {
		t.Errorf("got %+v", e)
	}
	r.say(t, "203.0.113.9:443", "SSH-2.0-OpenSSH_9.2\r\n")
	if e := b.Events(t, 2)[1]; e.Action != spool.ActionBlock || e.Reason != "not-tls" && e.Reason != "notls" && !strings.Contains(e.Reason, "tls") {
		t.Errorf("not TLS: %+v", e)
	}
}

func TestRedirectedTLSIsInspectedPassedOrClosedAsInATunnel(t *testing.T) {
	x := newInspection(t, nil)
	x.SignIn(t, "127.0.0.1", "s1", "pupils")
	r := redirect(t, x.server, nobody)
	meant := netip.AddrPortFrom(netip.MustParseAddr("203.0.113.9"), uint16(x.port()))
	both := x.school.Clone()
	both.AddCert(x.issuer.cert)
	ask := func(host, inner string) (issuer, answer string) {
		r.meant.Store(meant)
		conn, err := tls.Dial("tcp", r.Addr().String(), &tls.Config{ServerName: host, RootCAs: both, Time: x.Clock.Now})
		if err != nil {
			return "", err.Error()
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\n\r\n", inner, x.port())
		got, _ := io.ReadAll(conn)
		return conn.ConnectionState().PeerCertificates[0].Issuer.CommonName, string(got)
	}
	cases := []struct{ name, host, inner, issuer, says string }{
		{"an open site is inspected", "ok.test", "ok.test", "Belisha", "HTTP/1.1 200"},
		{"a closed one shows why", "bad.test", "bad.test", "Belisha", "HTTP/1.1 403"},
		{"a closed one behind an open name", "ok.test", "bad.test", "Belisha", "HTTP/1.1 403"},
		{"a bank is let through as it is", "bank.test", "bank.test", x.issuer.cert.Subject.CommonName, "HTTP/1.1 200"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			issuer, got := ask(c.host, c.inner)
			if !strings.HasPrefix(issuer, c.issuer) || !strings.HasPrefix(got, c.says) {
				t.Errorf("from %q: %.200q", issuer, got)
			}
		})
	}
	r.meant.Store(meant)
	if _, err := tls.Dial("tcp", r.Addr().String(), &tls.Config{InsecureSkipVerify: true}); err == nil {
		t.Error("without a name it is let in")
	}
	r.meant.Store(netip.MustParseAddrPort("203.0.113.9:80"))
	if _, err := tls.Dial("tcp", r.Addr().String(), &tls.Config{ServerName: "ok.test", InsecureSkipVerify: true}); err == nil {
		t.Error("TLS to the port for plain pages is let in")
	}
}

func TestARedirectedTunnelIsClosedWhenTheRulesCloseIt(t *testing.T) {
	b := newBench(t, nil)
	b.SignIn(t, "127.0.0.1", "s1", "staff")
	r := redirect(t, b.server, nobody)
	r.meant.Store(netip.AddrPortFrom(netip.MustParseAddr("203.0.113.9"), uint16(port(b.secure))))
	conn, err := tls.Dial("tcp", r.Addr().String(), &tls.Config{ServerName: "game.test", InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n := b.server.tunnels.len(); n != 1 {
		t.Fatalf("%d tunnels", n)
	}
	b.SignIn(t, "127.0.0.1", "s1", "pupils")
	if n := b.server.Recheck(t.Context()); n != 1 {
		t.Errorf("%d were closed", n)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("it goes on")
	}
}

func TestOurOwnConnectionsThatComeBackAreRefused(t *testing.T) {
	b := newBench(t, nil)
	b.SignIn(t, "127.0.0.1", "s1", "pupils")
	r := redirect(t, b.server, nobody)
	r.meant.Store(netip.AddrPortFrom(netip.MustParseAddr("203.0.113.9"), uint16(port(b.secure))))
	// The site's address leads here again, as if the network redirected us.
	back, _, err := net.SplitHostPort(r.Addr().String())
	if err != nil || back != "127.0.0.1" {
		t.Fatal(back, err)
	}
	guard, err := NewGuard([]string{r.Addr().String()}, b.Clock)
	if err != nil {
		t.Fatal(err)
	}
	b.server.dial.guard = guard
	r.meant.Store(netip.AddrPortFrom(netip.MustParseAddr("203.0.113.9"), r.Addr().Port()))
	set := *b.Porter.Settings()
	set.ConnectPorts = []uint16{r.Addr().Port()}
	if err := b.Porter.Configure(&set); err != nil {
		t.Fatal(err)
	}
	if _, err := tls.Dial("tcp", r.Addr().String(), &tls.Config{ServerName: "ok.test", InsecureSkipVerify: true}); err == nil {
		t.Error("it came through")
	}
	if n := b.server.tunnels.len(); n > 1 {
		t.Errorf("it went round %d times", n)
	}
	if b.server.Counts().Refused == 0 {
		t.Error("nothing was refused")
	}
}

func TestWhereTheDestinationIsLostTheProtocolSaysThePort(t *testing.T) {
	b := newBench(t, nil)
	b.SignIn(t, "127.0.0.1", "s1", "pupils")
	r := redirect(t, b.server, netip.Addr.IsLoopback)
	here := r.Addr().String()
	res, body := r.say(t, here, "GET / HTTP/1.1\r\nHost: bad.test\r\nConnection: close\r\n\r\n")
	if res == nil || res.StatusCode != 403 {
		t.Errorf("a closed site: %v %.200s", res, body)
	}
	res, body = r.say(t, here, fmt.Sprintf("GET / HTTP/1.1\r\nHost: ok.test:%d\r\nConnection: close\r\n\r\n", port(b.plain)))
	if res == nil || res.StatusCode != 200 {
		t.Errorf("an open one: %v %.200s", res, body)
	}
	if res, body := r.say(t, here, "\x00\x01\x02\x03"); res == nil || res.StatusCode != 400 {
		t.Errorf("neither: %v %.200s", res, body)
	}
}

func TestTheDoorEndsWithEverythingThatCameIn(t *testing.T) {
	b := newBench(t, nil)
	r := redirect(t, b.server, nobody)
	r.meant.Store(netip.MustParseAddrPort("203.0.113.9:443"))
	conn, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte{recordHandshake}); err != nil { // and no more
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-r.done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
	if n := b.server.Counts().Conns; n != 0 {
		t.Errorf("%d connections are left", n)
	}
}
