package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/ca"
	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/spool"
	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
)

var quiet = log.New(io.Discard, "", 0)

func gateClock() *clock.Fake { return clock.NewFake(gatetest.Noon) }

func TestAnInspectedPageComesOverHTTP2FromBothSides(t *testing.T) {
	x := newInspection(t, nil)
	x.SignIn(t, "127.0.0.1", "s1", "pupils")
	res, body := x.fetch(t, x.browser(), x.at("ok.test", "/search?q=i+want+to+vanish"))
	if res.StatusCode != 200 || !strings.Contains(body, "ok.test says hello over HTTP/2.0") || res.Proto != "HTTP/2.0" {
		t.Fatalf("%s %d %q", res.Proto, res.StatusCode, body)
	}
	leaf := res.TLS.PeerCertificates[0]
	if len(leaf.DNSNames) != 1 || leaf.DNSNames[0] != "ok.test" || leaf.NotAfter.Sub(leaf.NotBefore) > 90*24*time.Hour {
		t.Errorf("the certificate is for %v until %v", leaf.DNSNames, leaf.NotAfter)
	}
	if res.Header.Get("Alt-Svc") != "" || res.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("headers: %v", res.Header)
	}
	e := x.Events(t, 1)[0]
	if e.Door != "proxy" || e.Host != "ok.test" || e.Words != "i want to vanish" || e.Alert != "suicide" || e.Subject != "s1" {
		t.Errorf("event: %+v", e)
	}
	if n := len(x.Events(t, 1)); n != 1 {
		t.Errorf("one page is %d events", n)
	}
}

func TestWhatIsInspectedAndWhatIsNot(t *testing.T) {
	x := newInspection(t, nil)
	only := inspected()
	for i := range only.Groups {
		only.Groups[i].Content.InspectOnly = []string{"games"}
	}
	cases := []struct {
		name, host, group string
		rules             verdict.Rules
		ours              bool
	}{
		{"a site that is open", "ok.test", "pupils", inspected(), true},
		{"a site that is never inspected", "bank.test", "pupils", inspected(), false},
		{"below one", "www.bank.test", "pupils", inspected(), false},
		{"a help service", "help.test", "pupils", inspected(), false},
		{"a site outside the categories", "ok.test", "staff", only, false},
		{"one in them", "game.test", "staff", only, true},
		{"nothing is asked for", "ok.test", "staff", gatetest.Rules(), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x.Porter.Use(gatetest.Snapshot(t, c.rules))
			x.SignIn(t, "127.0.0.1", "p", c.group)
			x.bench.server.cfg.Lookup.(table)["www.bank.test"] = "127.0.0.1"
			browser := x.browser()
			both := x.school.Clone()
			both.AddCert(x.issuer.cert)
			browser.Transport.(*http.Transport).TLSClientConfig.RootCAs = both
			res, body := x.fetch(t, browser, x.at(c.host, "/"))
			if res.StatusCode != 200 || !strings.Contains(body, "says hello") {
				t.Fatalf("%d %.200s", res.StatusCode, body)
			}
			if ours := strings.HasPrefix(res.TLS.PeerCertificates[0].Issuer.CommonName, "Belisha"); ours != c.ours {
				t.Errorf("inspected: %v", ours)
			}
		})
	}
}

func TestADeviceWithoutTheCertificateIsNotInspected(t *testing.T) {
	x := newInspection(t, nil)
	set := *x.Porter.Settings()
	set.CAEverywhere = false
	if err := x.Porter.Configure(&set); err != nil {
		t.Fatal(err)
	}
	x.roots = x509.NewCertPool()
	x.roots.AddCert(x.issuer.cert)
	if res, _ := x.fetch(t, x.browser(), x.at("ok.test", "/")); res.StatusCode != 200 {
		t.Errorf("got %d", res.StatusCode)
	}
}

func TestASiteThatDoesNotProveItselfIsClosedAndSaysWhy(t *testing.T) {
	x := newInspection(t, nil)
	cases := map[string]string{
		"expired.test": "expired", "early.test": "not valid yet", "wrong.test": "another name", "self.test": "unknown issuer",
		"stranger.test": "unknown issuer", "cn.test": "another name", "sha1.test": "certificate", "old.test": "outdated encryption",
		"client.test": "certificate of the visitor", "revoked.test": "revoked", "must.test": "proof",
	}
	n := 0
	for host, says := range cases {
		t.Run(host, func(t *testing.T) {
			res, body := x.fetch(t, x.browser(), x.at(host, "/"))
			if res.StatusCode != 403 || strings.Contains(body, "says hello") || strings.Contains(body, "Go on") {
				t.Fatalf("%d %.300s", res.StatusCode, body)
			}
			n++
			events := x.Events(t, n)
			e := events[len(events)-1]
			if e.Reason != "certificate" || e.Action != spool.ActionBlock || e.Host != host || !strings.Contains(e.Detail, says) {
				t.Errorf("event: %+v", e)
			}
		})
	}
	kinds := map[string]bool{}
	for _, tr := range x.server.Counts().Inspection.Troubles {
		kinds[tr.Host+" "+tr.Kind] = true
	}
	if !kinds["expired.test certificate"] || !kinds["client.test client-certificate"] || kinds["ok.test certificate"] {
		t.Errorf("troubles: %v", kinds)
	}
}

func TestAnOriginWithoutHTTP2IsSpokenToInHTTP1(t *testing.T) {
	x := newInspection(t, nil)
	res, body := x.fetch(t, x.browser(), x.at("plain.test", "/"))
	if res.Proto != "HTTP/2.0" || !strings.Contains(body, "over HTTP/1.1") {
		t.Errorf("%s %s", res.Proto, body)
	}
}

func TestEachInspectedRequestIsJudgedByItsPath(t *testing.T) {
	x := newInspection(t, nil)
	r := inspected()
	r.Own = append(r.Own, verdict.Own{ID: "p", Text: "ok.test/secret", Act: verdict.Block}, verdict.Own{ID: "q", Text: "own.test/open", Act: verdict.Allow})
	x.Porter.Use(gatetest.Snapshot(t, r))
	x.server.cfg.Lookup.(table)["own.test"] = "127.0.0.1"
	browser := x.browser()
	for path, want := range map[string]int{"/": 200, "/secret": 403, "/x/../secret": 403, "/%73ecret": 403} {
		if res, body := x.fetch(t, browser, x.at("ok.test", path)); res.StatusCode != want {
			t.Errorf("%s: %d %.100s", path, res.StatusCode, body)
		}
	}
	res, body := x.fetch(t, browser, x.at("bad.test", "/x"))
	if res.StatusCode != 403 || !strings.Contains(body, "This page is not for school.") || res.Proto != "HTTP/2.0" {
		t.Errorf("bad.test: %s %d %.200s", res.Proto, res.StatusCode, body)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Frame-Options": "DENY"} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// inside opens an inspected connection for a name and returns it raw.
func (x *inspection) inside(t testing.TB, name string, protos ...string) *tls.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", x.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(systemNow().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "CONNECT %s:%d HTTP/1.1\r\nHost: x\r\n\r\n", name, x.port())
	head := make([]byte, len("HTTP/1.1 200 Connection established\r\n\r\n"))
	if _, err := io.ReadFull(conn, head); err != nil || !strings.Contains(string(head), " 200 ") {
		t.Fatalf("CONNECT: %q %v", head, err)
	}
	c := tls.Client(conn, &tls.Config{ServerName: name, RootCAs: x.school, NextProtos: protos, Time: x.Clock.Now})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (x *inspection) port() int { return x.sites.Listener.Addr().(*net.TCPAddr).Port }

func TestRawRequestsInsideTLS(t *testing.T) {
	x := newInspection(t, nil)
	p := fmt.Sprintf(":%d", x.port())
	cases := []struct{ name, send, want, not string }{
		{"under its own name", "GET /a HTTP/1.1\r\nHost: ok.test" + p + "\r\nConnection: close\r\n\r\n", "hello over HTTP/2.0 to ok.test", ""},
		{"fronting a closed site", "GET / HTTP/1.1\r\nHost: bad.test" + p + "\r\nConnection: close\r\n\r\n", "HTTP/1.1 403", "hello"},
		{"another open name is asked for under that name", "GET / HTTP/1.1\r\nHost: other.test" + p + "\r\nConnection: close\r\n\r\n", "other.test says hello", ""},
		{"a name that is never inspected", "GET / HTTP/1.1\r\nHost: bank.test" + p + "\r\nConnection: close\r\n\r\n", "HTTP/1.1 403", "hello"},
		{"another port", "GET / HTTP/1.1\r\nHost: ok.test:444\r\nConnection: close\r\n\r\n", "HTTP/1.1 400", "hello"},
		{"a whole address", "GET https://bad.test" + p + "/ HTTP/1.1\r\nHost: ok.test" + p + "\r\nConnection: close\r\n\r\n", "HTTP/1.1 403", "hello"},
		{"a whole address without TLS", "GET http://ok.test" + p + "/ HTTP/1.1\r\nHost: ok.test" + p + "\r\nConnection: close\r\n\r\n", "HTTP/1.1 400", "hello"},
		{"CONNECT inside", "CONNECT ok.test" + p + " HTTP/1.1\r\nHost: ok.test" + p + "\r\n\r\n", "HTTP/1.1 403", " 200 "},
		{"two Hosts", "GET / HTTP/1.1\r\nHost: ok.test\r\nHost: bad.test\r\n\r\n", "HTTP/1.1 400", "hello"},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400", "hello"},
		{"a space before the colon", "GET / HTTP/1.1\r\nHost : bad.test\r\n\r\n", "HTTP/1.1 400", "hello"},
		{"userinfo in Host", "GET / HTTP/1.1\r\nHost: ok.test@bad.test\r\n\r\n", "HTTP/1.1 400", "hello"},
		{"smuggling", "POST / HTTP/1.1\r\nHost: ok.test" + p + "\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400", "hello"},
		{"folding", "GET / HTTP/1.1\r\nHost: ok.test\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 400", "hello"},
		{"HTTP/0.9", "GET / HTTP/0.9\r\nHost: ok.test\r\n\r\n", "HTTP/1.1 400", "hello"},
		{"HTTP/2 without ALPN", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 400", "hello"},
		{"TRACE", "TRACE / HTTP/1.1\r\nHost: ok.test" + p + "\r\nConnection: close\r\n\r\n", "HTTP/1.1 405", "hello"},
		{"an unknown upgrade is not one", "GET / HTTP/1.1\r\nHost: ok.test" + p + "\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n", "HTTP/1.1 200", "101"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conn := x.inside(t, "ok.test")
			if _, err := io.WriteString(conn, c.send); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(systemNow().Add(2 * time.Second)); err != nil {
				t.Fatal(err)
			}
			raw, _ := io.ReadAll(conn)
			got := string(raw)
			if !strings.Contains(got, c.want) || c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("got %.400q", got)
			}
		})
	}
}

func TestAWebSocketPassesThroughInspectionAndClosesWithTheRules(t *testing.T) {
	x := newInspection(t, nil)
	conn := x.inside(t, "ok.test", "http/1.1")
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: ok.test:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n", x.port())
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != 101 {
		t.Fatalf("%v %v", res, err)
	}
	if _, err := io.WriteString(conn, "ping"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(r, got); err != nil || string(got) != "ping" {
		t.Fatalf("%q %v", got, err)
	}
	rules := inspected()
	rules.Own = append(rules.Own, verdict.Own{ID: "new", Text: "ok.test", Act: verdict.Block})
	x.Porter.Use(gatetest.Snapshot(t, rules))
	if n := x.server.Recheck(t.Context()); n != 1 {
		t.Errorf("%d were closed", n)
	}
	if _, err := r.ReadByte(); err == nil {
		t.Error("the WebSocket still speaks")
	}
}

func TestAStreamInsideTLSEndsWithTheRulesAndTheNextRequestIsJudgedAnew(t *testing.T) {
	x := newInspection(t, nil)
	browser := x.browser()
	res, err := browser.Get(x.at("ok.test", "/stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	rules := inspected()
	rules.Own = append(rules.Own, verdict.Own{ID: "new", Text: "ok.test", Act: verdict.Block})
	x.Porter.Use(gatetest.Snapshot(t, rules))
	if n := x.server.Recheck(t.Context()); n != 1 {
		t.Errorf("%d were closed", n)
	}
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("the stream ended as if it were whole")
	}
	if res, _ := x.fetch(t, browser, x.at("ok.test", "/")); res.StatusCode != 403 || res.Proto != "HTTP/2.0" {
		t.Errorf("then: %s %d", res.Proto, res.StatusCode)
	}
}

func TestWhenInspectionBeginsOrEndsConnectionsAreOpenedAnew(t *testing.T) {
	x := newInspection(t, nil)
	x.Porter.Use(gatetest.Snapshot(t, gatetest.Rules()))
	x.roots = x509.NewCertPool()
	x.roots.AddCert(x.issuer.cert)
	plain := x.browser()
	if res, _ := x.fetch(t, plain, x.at("ok.test", "/")); res.StatusCode != 200 {
		t.Fatal(res.StatusCode)
	}
	before := x.server.tunnels.len()
	x.Porter.Use(gatetest.Snapshot(t, inspected()))
	if n := x.server.Recheck(t.Context()); n != 0 {
		t.Errorf("%d are written down as closed", n)
	}
	stop := systemNow().Add(3 * time.Second)
	for before > 0 && x.server.tunnels.len() >= before && systemNow().Before(stop) {
		<-time.After(5 * time.Millisecond)
	}
	if x.server.tunnels.len() != 0 {
		t.Error("a tunnel that should be inspected runs on")
	}
	x.roots = x.school
	ours := x.browser()
	x.fetch(t, ours, x.at("ok.test", "/"))
	x.Porter.Use(gatetest.Snapshot(t, gatetest.Rules()))
	x.server.Recheck(t.Context())
	for x.server.tunnels.len() > 0 && systemNow().Before(stop) {
		<-time.After(5 * time.Millisecond)
	}
	if x.server.tunnels.len() != 0 {
		t.Error("a site that is to be left alone is still inspected")
	}
}

func TestAProgramThatRefusesOurCertificateIsNoted(t *testing.T) {
	x := newInspection(t, nil)
	x.roots = x509.NewCertPool() // it knows only its own
	x.roots.AddCert(x.issuer.cert)
	if _, err := x.browser().Get(x.at("ok.test", "/")); err == nil {
		t.Fatal("it took a certificate that it does not know")
	}
	e := x.Events(t, 1)[0]
	if e.Host != "ok.test" || e.Door != "tunnel" || e.Detail == "" || e.Action == spool.ActionBlock {
		t.Errorf("event: %+v", e)
	}
	list := x.server.Counts().Inspection.Troubles
	if len(list) != 1 || list[0].Host != "ok.test" || list[0].Kind != "pinned" || list[0].Devices != 1 {
		t.Errorf("troubles: %+v", list)
	}
}

func TestALeadToAClosedSiteShowsThePage(t *testing.T) {
	x := newInspection(t, nil)
	cases := []struct {
		path, to string
		want     int
	}{
		{"/to/", "https://bad.test/x", 403},
		{"/to/", "//bad.test", 403},
		{"/to/", `\\bad.test`, 403},
		{"/to/", "HTTP:bad.test", 403},
		{"/to/", " http://BAD.test./", 403},
		{"/to/", "http://127.0.0.1:9000/", 403},
		{"/to/", "/bad.test", 302},
		{"/to/", "other", 302},
		{"/to/", "https://other.test/", 302},
		{"/to/", "mailto:a@bad.test", 302},
		{"/refresh", "http://bad.test/", 403},
		{"/refresh", "http://other.test/", 200},
	}
	for _, c := range cases {
		res, body := x.fetch(t, x.browser(), x.at("ok.test", c.path+"?u="+strings.NewReplacer(" ", "%20", `\`, "%5C").Replace(c.to)))
		if res.StatusCode != c.want {
			t.Errorf("%s %q: %d %.100s", c.path, c.to, res.StatusCode, body)
		}
	}
}

func TestTrailersPassToWhoAsksForThem(t *testing.T) {
	x := newInspection(t, nil)
	req, err := http.NewRequest(http.MethodGet, x.at("ok.test", "/trailers"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Te", "trailers")
	res, err := x.browser().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err != nil || res.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("trailers %v %v", res.Trailer, err)
	}
}

// TestAConnectionThatTheNetworkSentHereIsJudgedByItsName has no CONNECT before it.
func TestAConnectionThatTheNetworkSentHereIsJudgedByItsName(t *testing.T) {
	x := newInspection(t, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			addr := clientOf(conn.RemoteAddr().String())
			v := &visit{client: conn, addr: addr, who: x.Porter.Who(addr, nil), port: uint16(x.port())}
			x.server.arrive(context.Background(), v, nil)
			v.leave()
		}
	}()
	for host, want := range map[string]string{"ok.test": "HTTP/1.1 200", "bad.test": "HTTP/1.1 403"} {
		conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{ServerName: host, RootCAs: x.school, Time: x.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\n\r\n", host, x.port())
		got, _ := io.ReadAll(conn)
		conn.Close()
		if !strings.HasPrefix(string(got), want) {
			t.Errorf("%s: %.100q", host, got)
		}
	}
	for _, e := range x.Events(t, 2) {
		if e.Host == "bad.test" && (e.Reason != "category" || e.Detail != "") {
			t.Errorf("event: %+v", e)
		}
	}
	if _, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true}); err == nil {
		t.Error("without a name it is let in")
	}
}

func TestANameThatTheCertificateNeverHoldsForIsLeftAlone(t *testing.T) {
	authority, err := ca.CreateLimited(t.TempDir()+"/limited", "Hill School", ca.Limits{Excluded: []string{"other.test", "bad.test"}}, seal{}, gateClock())
	if err != nil {
		t.Fatal(err)
	}
	x := newInspection(t, func(c *Config, _ table) { c.Leaves = authority })
	x.roots = x509.NewCertPool()
	x.roots.AppendCertsFromPEM(authority.PEM())
	x.roots.AddCert(x.issuer.cert)
	for host, ours := range map[string]bool{"ok.test": true, "other.test": false} {
		res, _ := x.fetch(t, x.browser(), x.at(host, "/"))
		if got := strings.HasPrefix(res.TLS.PeerCertificates[0].Issuer.CommonName, "Belisha"); got != ours || res.StatusCode != 200 {
			t.Errorf("%s: inspected %v, %d", host, got, res.StatusCode)
		}
	}
	if _, err := x.browser().Get(x.at("bad.test", "/")); err == nil {
		t.Error("a closed site is open because no page can be shown")
	}
}
