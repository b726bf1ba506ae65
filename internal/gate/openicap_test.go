package gate

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/ca"
	"belisha/internal/gate/gatetest"
	"belisha/internal/kit/clock"
)

func TestICAPIsAnsweredFromTheSameRulesAndFollowsThem(t *testing.T) {
	s := newSchool(t)
	s.cfg.Doors.ICAP = "127.0.0.1:0"
	s.publish(t, gatetest.Rules())
	st, _, _ := s.run(t)
	at := st.More["icap"]
	if at == "" {
		t.Fatalf("it is not said where ICAP is: %+v", st.More)
	}
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(clock.System{}.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	ask := func(host string) string {
		head := fmt.Sprintf("GET http://%s/ HTTP/1.1\r\nHost: %s\r\n\r\n", host, host)
		fmt.Fprintf(c, "REQMOD icap://f/reqmod ICAP/1.0\r\nAllow: 204\r\nX-Client-IP: 10.0.0.7\r\nEncapsulated: req-hdr=0, null-body=%d\r\n\r\n%s", len(head), head)
		return answered(t, r)
	}
	if got := ask("ok.test"); !strings.HasPrefix(got, "ICAP/1.0 204") {
		t.Errorf("an open site: %.200q", got)
	}
	if got := ask("bad.test"); !strings.HasPrefix(got, "ICAP/1.0 200") || !strings.Contains(got, "HTTP/1.1 403") || !strings.Contains(got, "<!doctype html>") {
		t.Errorf("a closed one: %.400q", got)
	}
	if got := ask(gatetest.HelpHost); !strings.HasPrefix(got, "ICAP/1.0 204") {
		t.Errorf("help: %.200q", got)
	}
	rules := gatetest.Rules()
	rules.Own[0].Text = "ok.test"
	n := s.publish(t, rules)
	until(t, "the new rules", func() bool { return strings.HasPrefix(ask("ok.test"), "ICAP/1.0 200") })
	if n == 0 {
		t.Error("nothing was published")
	}
}

func TestICAPOverTLSProvesItselfAndKnowsTheSameRules(t *testing.T) {
	s := newSchool(t)
	s.cfg.Doors.ICAP, s.cfg.Doors.ICAPS = "127.0.0.1:0", "127.0.0.1:0"
	s.cfg.Seal = plainSeal{}
	s.publish(t, gatetest.Rules())
	authority, err := ca.Create(filepath.Join(s.dir, "ca"), "Hill School", plainSeal{}, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	st, ctl, _ := s.run(t)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM())
	c, err := tls.Dial("tcp", st.More["icaps"], &tls.Config{RootCAs: roots}) // by its address
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(clock.System{}.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	for host, want := range map[string]string{"ok.test": "ICAP/1.0 204", "bad.test": "ICAP/1.0 200"} {
		head := fmt.Sprintf("GET http://%s/ HTTP/1.1\r\nHost: %s\r\n\r\n", host, host)
		fmt.Fprintf(c, "REQMOD icaps://f/reqmod ICAP/1.0\r\nAllow: 204\r\nX-Client-IP: 10.0.0.7\r\nEncapsulated: req-hdr=0, null-body=%d\r\n\r\n%s", len(head), head)
		if got := answered(t, r); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %.200q", host, got)
		}
	}
	status, err := ctl.Status(t.Context())
	if err != nil || status.ICAP == nil || status.ICAP.Requests != 2 || status.ICAP.Blocked != 1 {
		t.Errorf("%+v, %v", status.ICAP, err)
	}
}

func TestICAPOverTLSWithoutACertificateStaysShutAndTheOthersOpen(t *testing.T) {
	s := newSchool(t)
	s.cfg.Doors.ICAPS = "127.0.0.1:0"
	s.publish(t, gatetest.Rules())
	st, _, _ := s.run(t)
	if at, open := st.More["icaps"]; open || st.Proxy == "" {
		t.Errorf("it is at %q, the proxy at %q", at, st.Proxy)
	}
}

func TestGroupsOfOtherProxiesAreWrittenAsPairs(t *testing.T) {
	got, err := peerGroups([]string{`HILL\Year 7 = pupils`, "Teachers=staff", "LDAP://dc/CN=Sixth Form,OU=Groups=pupils"})
	if err != nil || got["year 7"] != "pupils" || got["teachers"] != "staff" || got["sixth form"] != "pupils" {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range [][]string{{"Teachers"}, {"=staff"}, {"Teachers="}, {"Teachers=staff and others"}, {"A,B=staff"}, {"Teachers=staff", "teachers=pupils"}} {
		if got, err := peerGroups(bad); err == nil {
			t.Errorf("%q is taken as %v", bad, got)
		}
	}
}

// answered reads one reply whole.
func answered(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	var out strings.Builder
	line := func() string {
		text, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(text)
		return text
	}
	for line() != "\r\n" {
	}
	if !strings.Contains(out.String(), "res-body") {
		return out.String()
	}
	for line() != "\r\n" {
	}
	for {
		var n int64
		if _, err := fmt.Sscanf(line(), "%x", &n); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(&out, r, n+2); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return out.String()
		}
	}
}

func TestPeersThatAreNoAddressesAreRefusedInOneSentence(t *testing.T) {
	for text, want := range map[string]string{
		"10.1.0.9": "10.1.0.9/32", " 10.1.0.9/28 ": "10.1.0.0/28", "fd00::1": "fd00::1/128", "::ffff:10.1.0.9": "10.1.0.9/32", "squid.test": "", "10.2.0.0/16": "",
	} {
		got, err := peerRanges([]string{text})
		switch {
		case want == "" && (err == nil || !strings.Contains(err.Error(), text)):
			t.Errorf("%q: %v, %v", text, got, err)
		case want != "" && (err != nil || len(got) != 1 || got[0].String() != want):
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
