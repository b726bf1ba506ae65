package gate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate/ca"
	"belisha/internal/gate/control"
	"belisha/internal/gate/gatetest"
	"belisha/internal/kit/clock"
)

type plainSeal struct{}

func (plainSeal) Seal(p []byte) ([]byte, error) { return append([]byte{1}, p...), nil }
func (plainSeal) Open(p []byte) ([]byte, error) { return p[1:], nil }

// secureDoors runs a gate that answers names over TLS and HTTPS with a
// certificate of the school's own authority.
func secureDoors(t *testing.T) (control.State, *x509.CertPool, string) {
	t.Helper()
	s := newSchool(t)
	s.publish(t, gatetest.Rules())
	authority, err := ca.Create(filepath.Join(s.dir, "ca"), "Hill School", plainSeal{}, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	s.cfg.Seal = plainSeal{}
	s.cfg.Doors.DoT, s.cfg.Doors.DoH = "127.0.0.1:0", "127.0.0.1:0"
	st, _, _ := s.run(t)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM())
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, authority.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return st, roots, file
}

func TestNamesOverTLSAreAnsweredAsOverUDP(t *testing.T) {
	st, roots, _ := secureDoors(t)
	c := &mdns.Client{Net: "tcp-tls", Timeout: 5 * time.Second, TLSConfig: &tls.Config{RootCAs: roots, ServerName: gatetest.OwnHost}}
	conn, err := c.Dial(st.More["dot"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for name, want := range map[string]int{"update.test": mdns.RcodeSuccess, "bad.test": mdns.RcodeNameError, "help.test": mdns.RcodeSuccess} {
		m := new(mdns.Msg)
		m.SetQuestion(name+".", mdns.TypeA)
		m.SetEdns0(1232, false)
		got, _, err := c.ExchangeWithConn(m, conn)
		if err != nil || got.Rcode != want {
			t.Fatalf("%s: %v, %v", name, got, err)
		}
	}
	// By the address alone, as a phone finds it.
	other := &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
	if raw, err := tls.Dial("tcp", st.More["dot"], other); err != nil {
		t.Errorf("by its address: %v", err)
	} else {
		raw.Close()
	}
	if raw, err := tls.Dial("tcp", st.More["dot"], &tls.Config{RootCAs: roots, ServerName: "bank.test"}); err == nil {
		raw.Close()
		t.Error("the door proved to be a bank")
	}
}

func TestNamesOverHTTPS(t *testing.T) {
	st, roots, _ := secureDoors(t)
	m := new(mdns.Msg)
	m.SetQuestion("bad.test.", mdns.TypeA)
	m.Id = 0
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	get := "/dns-query?dns=" + base64.RawURLEncoding.EncodeToString(wire)
	const kind = "application/dns-message"
	for _, h2 := range []bool{false, true} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: gatetest.OwnHost}, ForceAttemptHTTP2: h2}
		t.Cleanup(tr.CloseIdleConnections)
		web := &http.Client{Transport: tr, Timeout: 5 * time.Second}
		for _, c := range []struct {
			name, method, path, kind string
			body                     []byte
			want                     int
		}{
			{"GET", "GET", get, "", nil, 200},
			{"POST", "POST", "/dns-query", kind, wire, 200},
			{"another path", "POST", "/", kind, wire, 404},
			{"another type", "POST", "/dns-query", "text/plain", wire, 415},
			{"another method", "PUT", "/dns-query", kind, wire, 405},
			{"no question", "GET", "/dns-query", "", nil, 400},
			{"two questions", "GET", get + "&dns=AAAA", "", nil, 400},
			{"not base64", "GET", "/dns-query?dns=%21%21", "", nil, 400},
			{"too long to read", "POST", "/dns-query", kind, make([]byte, 5000), 413},
			{"too long to read, in the address", "GET", "/dns-query?dns=" + strings.Repeat("A", 6000), "", nil, 414},
			{"an answer", "POST", "/dns-query", kind, append(append([]byte(nil), wire[:2]...), append([]byte{0x80}, wire[3:]...)...), 400},
			{"five bytes", "POST", "/dns-query", kind, wire[:5], 400},
		} {
			req, err := http.NewRequest(c.method, "https://"+st.More["doh"]+c.path, bytes.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", c.kind)
			req.Header.Set("X-Forwarded-For", "192.0.2.1")
			res, err := web.Do(req)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			body, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != c.want || h2 != (res.ProtoMajor == 2) {
				t.Errorf("%s: %s %s", c.name, res.Proto, res.Status)
			}
			if c.want != 200 {
				continue
			}
			got := new(mdns.Msg)
			if err := got.Unpack(body); err != nil || got.Rcode != mdns.RcodeNameError || res.Header.Get("Content-Type") != kind ||
				res.Header.Get("Cache-Control") != "private, max-age=30" {
				t.Errorf("%s: %v %v %v", c.name, err, got, res.Header)
			}
		}
	}
}

func TestDevicesAreToldOfTheDoorsOverTLS(t *testing.T) {
	st, _, _ := secureDoors(t)
	for _, name := range []string{"_dns.resolver.arpa.", "_dns." + gatetest.OwnHost + "."} {
		m := new(mdns.Msg)
		m.SetQuestion(name, mdns.TypeSVCB)
		got, _, err := (&mdns.Client{Timeout: 5 * time.Second}).Exchange(m, st.DNS)
		if err != nil || len(got.Answer) != 2 {
			t.Fatalf("%s: %v, %v", name, got, err)
		}
		for i, door := range []string{"doh", "dot"} {
			text := got.Answer[i].String()
			at := netip.MustParseAddrPort(st.More[door])
			for _, want := range []string{gatetest.OwnHost + ".", `ipv4hint="127.0.0.1"`, `port="` + strings.TrimPrefix(st.More[door], at.Addr().String()+":") + `"`} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: %s is missing %s", name, text, want)
				}
			}
		}
		if !strings.Contains(got.Answer[0].String(), `dohpath="/dns-query{?dns}"`) {
			t.Errorf("%s", got.Answer[0])
		}
	}
	m := new(mdns.Msg)
	m.SetQuestion("_dns.resolver.arpa.", mdns.TypeA)
	if got, _, err := (&mdns.Client{Timeout: 5 * time.Second}).Exchange(m, st.DNS); err != nil || got.Rcode != 0 || len(got.Answer) != 0 {
		t.Errorf("another type: %v, %v", got, err)
	}
}

func TestWithoutACertificateTheDoorsOverTLSStayClosedAndNobodyIsToldOfThem(t *testing.T) {
	s := newSchool(t)
	s.cfg.Doors.DoT, s.cfg.Doors.DoH = "127.0.0.1:0", "127.0.0.1:0"
	st, _, _ := s.run(t)
	if len(st.More) != 0 {
		t.Errorf("%v", st.More)
	}
	m := new(mdns.Msg)
	m.SetQuestion("_dns.resolver.arpa.", mdns.TypeSVCB)
	if got, _, err := (&mdns.Client{Timeout: 5 * time.Second}).Exchange(m, st.DNS); err != nil || len(got.Answer) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestACertificateThatComesLaterOpensTheDoorsOverTLS(t *testing.T) {
	s := newSchool(t)
	s.publish(t, gatetest.Rules())
	dir := t.TempDir()
	s.cfg.Doors.DoT = "127.0.0.1:0"
	s.cfg.Doors.CertFile, s.cfg.Doors.KeyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	st, _, _ := s.run(t)
	told := func() int {
		m := new(mdns.Msg)
		m.SetQuestion("_dns.resolver.arpa.", mdns.TypeSVCB)
		got, _, err := (&mdns.Client{Timeout: 5 * time.Second}).Exchange(m, st.DNS)
		if err != nil {
			t.Fatal(err)
		}
		return len(got.Answer)
	}
	if raw, err := tls.Dial("tcp", st.More["dot"], &tls.Config{InsecureSkipVerify: true}); err == nil {
		raw.Close()
		t.Fatal("there is a certificate")
	}
	if told() != 0 {
		t.Fatal("devices are told of a door that proves nothing")
	}
	cert, key := pairFor(t, gatetest.OwnHost)
	for name, text := range map[string][]byte{s.cfg.Doors.KeyFile: key, s.cfg.Doors.CertFile: cert} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(20 * time.Second); told() != 1; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody is told of the door")
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	raw, err := tls.Dial("tcp", st.More["dot"], &tls.Config{RootCAs: roots, ServerName: gatetest.OwnHost})
	if err != nil {
		t.Fatal(err)
	}
	raw.Close()
}

// pairFor makes a certificate that signs itself.
func pairFor(t *testing.T, host string) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := clock.System{}.Now()
	like := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true, DNSNames: []string{host}}
	der, err := x509.CreateCertificate(rand.Reader, like, like, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// TestARealResolverOnADevice asks with the programs that administrators use.
func TestARealResolverOnADevice(t *testing.T) {
	st, _, file := secureDoors(t)
	_, plain, _ := net.SplitHostPort(st.DNS)
	_, dot, _ := net.SplitHostPort(st.More["dot"])
	_, doh, _ := net.SplitHostPort(st.More["doh"])
	proof := []string{"+tls-ca=" + file, "+tls-hostname=" + gatetest.OwnHost, "+time=5", "+retry=0"}
	for _, c := range []struct {
		name, program, pkg string
		args               []string
		want               []string
	}{
		{"dig with a cookie", "dig", "bind9-dnsutils", []string{"-p", plain, "bad.test"}, []string{"status: NXDOMAIN", "(good)", "EDE: 15 (Blocked)", "SOA"}},
		{"dig with DNSSEC over TCP", "dig", "bind9-dnsutils", []string{"-p", plain, "+tcp", "+dnssec", "update.test"}, []string{"status: NOERROR", "do; udp: 1232"}},
		{"dig with EDNS of another version", "dig", "bind9-dnsutils", []string{"-p", plain, "+edns=1", "+noednsneg", "update.test"}, []string{"status: BADVERS"}},
		{"dig ANY", "dig", "bind9-dnsutils", []string{"-p", plain, "update.test", "ANY"}, []string{"RFC8482"}},
		{"kdig over TLS", "kdig", "knot-dnsutils", append([]string{"-p", dot, "+tls", "+padding", "bad.test"}, proof...), []string{"NXDOMAIN", "TLS1.3"}},
		{"kdig over HTTPS by POST", "kdig", "knot-dnsutils", append([]string{"-p", doh, "+https", "bad.test"}, proof...), []string{"NXDOMAIN", "HTTP/2-POST"}},
		{"kdig over HTTPS by GET", "kdig", "knot-dnsutils", append([]string{"-p", doh, "+https-get", "update.test"}, proof...), []string{"NOERROR", "HTTP/2-GET"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, err := exec.LookPath(c.program)
			if err != nil {
				t.Skipf("%s is not installed (Debian: %s)", c.program, c.pkg)
			}
			out, err := exec.Command(path, append([]string{"@127.0.0.1"}, c.args...)...).CombinedOutput()
			if err != nil {
				t.Fatalf("%s %v: %v\n%s", c.program, c.args, err, out)
			}
			for _, want := range c.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("%s is missing in\n%s", want, out)
				}
			}
		})
	}
}
