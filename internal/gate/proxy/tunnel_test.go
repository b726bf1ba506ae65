package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/ca"
	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/spool"
	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
)

func (b *bench) tunnel(t testing.TB, connect, name string) (*tls.Conn, error) {
	t.Helper()
	conn, err := net.Dial("tcp", b.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(systemNow().Add(5 * time.Second))
	fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n", connect)
	head := make([]byte, len("HTTP/1.1 200 Connection established\r\n\r\n"))
	if _, err := io.ReadFull(conn, head); err != nil || !strings.Contains(string(head), " 200 ") {
		return nil, fmt.Errorf("CONNECT: %q %v", head, err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(b.secure.Certificate())
	c := tls.Client(conn, &tls.Config{ServerName: name, RootCAs: roots, InsecureSkipVerify: true})
	return c, c.Handshake()
}

func TestTunnels(t *testing.T) {
	b := newBench(t, nil)
	p := ":" + strconv.Itoa(port(b.secure))
	cases := []struct {
		name, connect, server string
		open                  bool
		reason                string
	}{
		{"an open name is let through", "ok.test" + p, "ok.test", true, "unlisted"},
		{"case does not matter", "OTHER.test" + p, "oTHer.TEST", true, "unlisted"},
		{"a blocked server name behind an open one is closed", "ok.test" + p, "bad.test", false, "mismatch"},
		{"a blocked name is closed whatever the server name", "bad.test" + p, "ok.test", false, "category"},
		{"no server name is closed", "ok.test" + p, "", false, "no-name"},
		{"a help service is open", "help.test" + p, "help.test", true, "help"},
		{"an inside address behind a public name is closed", "inside.test" + p, "inside.test", false, "private"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := len(b.Events(t, 0))
			conn, err := b.tunnel(t, c.connect, c.server)
			if (err == nil) != c.open {
				t.Fatalf("open: %v", err)
			}
			if c.open {
				io.WriteString(conn, "GET /t HTTP/1.1\r\nHost: "+c.server+"\r\nConnection: close\r\n\r\n")
				if got, _ := io.ReadAll(conn); !strings.Contains(string(got), "origin says hello") {
					t.Errorf("got %.200q", got)
				}
			}
			events := b.Events(t, before+1)
			if e := events[len(events)-1]; e.Reason != c.reason || (e.Action == spool.ActionBlock) == c.open {
				t.Errorf("event: %+v", e)
			}
		})
	}
	t.Run("what is not TLS is closed", func(t *testing.T) {
		got := b.raw(t, "CONNECT ok.test"+p+" HTTP/1.1\r\nHost: x\r\n\r\nSSH-2.0-x\r\n")
		if !strings.Contains(got, " 200 ") || strings.Count(got, "\r\n") > 2 {
			t.Errorf("got %q", got)
		}
	})
}

// seal leaves the key as it is: the vault is not what is tried here.
type seal struct{}

func (seal) Seal(p []byte) ([]byte, error) { return p, nil }
func (seal) Open(p []byte) ([]byte, error) { return p, nil }

func TestWithTheCertificateABlockedHTTPSSiteShowsThePage(t *testing.T) {
	authority, err := ca.Create(t.TempDir()+"/ca", "Hill School", seal{}, clock.NewFake(gatetest.Noon))
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(c *Config, _ table) { c.Leaves = authority })
	b.roots = x509.NewCertPool()
	b.roots.AppendCertsFromPEM(authority.PEM())
	bad := fmt.Sprintf("https://bad.test:%d/x", port(b.secure))
	if _, err := b.client(nil).Get(bad); err == nil {
		t.Error("a device that has not installed the certificate was shown one of ours")
	}
	set := *b.Porter.Settings()
	set.CAEverywhere = true
	b.Porter.Configure(&set)
	status, body := b.get(t, bad)
	if status != 403 || !strings.Contains(body, "This page is not for school.") {
		t.Errorf("got %d %.200s", status, body)
	}
	// An open site keeps its own certificate, which our root does not know.
	if _, err := b.client(nil).Get(fmt.Sprintf("https://ok.test:%d/", port(b.secure))); err == nil {
		t.Error("the gate spoke for a site that is let through")
	}
	// And a blocked name behind an open CONNECT gets the page for that name.
	conn, err := b.tunnel(t, fmt.Sprintf("ok.test:%d", port(b.secure)), "bad.test")
	if err != nil {
		t.Fatal(err)
	}
	if got := conn.ConnectionState().PeerCertificates[0].DNSNames[0]; got != "bad.test" {
		t.Errorf("the certificate is for %s", got)
	}
}

func TestARunningTunnelClosesWhenTheRulesDo(t *testing.T) {
	b := newBench(t, nil)
	conn, err := b.tunnel(t, fmt.Sprintf("other.test:%d", port(b.secure)), "other.test")
	if err != nil {
		t.Fatal(err)
	}
	b.Events(t, 1)
	if n := b.server.Recheck(context.Background()); n != 0 {
		t.Fatalf("%d tunnels were closed though nothing changed", n)
	}
	r := gatetest.Rules()
	r.Own = append(r.Own, verdict.Own{ID: "new", Text: "other.test", Act: verdict.Block})
	b.Porter.Use(gatetest.Snapshot(t, r))
	if n := b.server.Recheck(context.Background()); n != 1 {
		t.Fatalf("%d tunnels were closed", n)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the tunnel still speaks")
	}
	events := b.Events(t, 2)
	if e := events[len(events)-1]; e.Host != "other.test" || e.Action != spool.ActionBlock || e.Rule != "new" {
		t.Errorf("event: %+v", e)
	}
}
