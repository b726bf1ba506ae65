package upstream

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"belisha/internal/kit/clock"
)

// serve listens on UDP and TCP at one port.
func serve(t *testing.T, h func(w mdns.ResponseWriter, r *mdns.Msg)) string {
	t.Helper()
	pc, ln := sockets(t)
	for _, s := range []*mdns.Server{{PacketConn: pc, Handler: mdns.HandlerFunc(h)}, {Listener: ln, Handler: mdns.HandlerFunc(h)}} {
		go s.ActivateAndServe()
		t.Cleanup(func() { s.Shutdown() })
	}
	return pc.LocalAddr().String()
}

// sockets are of one port, which may be taken for one of the two.
func sockets(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for tries := 0; ; tries++ {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln, err := net.Listen("tcp", pc.LocalAddr().String())
		if err == nil {
			return pc, ln
		}
		pc.Close()
		if tries == 50 {
			t.Fatal(err)
		}
	}
}

func answer(r *mdns.Msg, address string) *mdns.Msg {
	m := new(mdns.Msg)
	m.SetReply(r)
	m.Answer = []mdns.RR{&mdns.A{Hdr: mdns.RR_Header{Name: r.Question[0].Name, Rrtype: mdns.TypeA, Class: mdns.ClassINET, Ttl: 60}, A: net.ParseIP(address).To4()}}
	return m
}

func overTCP(w mdns.ResponseWriter) bool { return w.RemoteAddr().Network() == "tcp" }

func client(t *testing.T, list ...string) *Client {
	t.Helper()
	c, err := New(list, nil, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func ask(t *testing.T, c *Client) string {
	t.Helper()
	m, err := c.Exchange(t.Context(), Question{Name: "some.example.test", Kind: mdns.TypeA})
	if err != nil {
		return "error: " + err.Error()
	}
	return m.Answer[0].(*mdns.A).A.String()
}

func TestEveryQuestionHasASpellingAndAPortOfItsOwn(t *testing.T) {
	var mu sync.Mutex
	names, ports := map[string]bool{}, map[string]bool{}
	c := client(t, serve(t, func(w mdns.ResponseWriter, r *mdns.Msg) {
		mu.Lock()
		names[r.Question[0].Name], ports[w.RemoteAddr().String()] = true, true
		mu.Unlock()
		w.WriteMsg(answer(r, "203.0.113.5"))
	}))
	for range 20 {
		if got := ask(t, c); got != "203.0.113.5" {
			t.Fatal(got)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(names) < 15 || len(ports) < 15 {
		t.Errorf("%d spellings and %d ports in 20 questions", len(names), len(ports))
	}
}

func TestAnAnswerInAnotherSpellingIsOnlyBelievedOverTCP(t *testing.T) {
	c := client(t, serve(t, func(w mdns.ResponseWriter, r *mdns.Msg) {
		if overTCP(w) {
			w.WriteMsg(answer(r, "203.0.113.5"))
			return
		}
		m := answer(r, "203.0.113.66") // a guess: everything right but the spelling
		m.Question[0].Name = strings.ToLower(m.Question[0].Name)
		w.WriteMsg(m)
	}))
	if got := ask(t, c); got != "203.0.113.5" {
		t.Errorf("the guess was believed: %s", got)
	}
}

func TestAServerThatGivesNoSpellingBackIsAskedPlainly(t *testing.T) {
	var tcp atomic.Int32
	c := client(t, serve(t, func(w mdns.ResponseWriter, r *mdns.Msg) {
		if overTCP(w) {
			tcp.Add(1)
		}
		m := answer(r, "203.0.113.5")
		m.Question[0].Name = strings.ToLower(m.Question[0].Name)
		w.WriteMsg(m)
	}))
	for range 5 {
		if got := ask(t, c); got != "203.0.113.5" {
			t.Fatal(got)
		}
	}
	if n := tcp.Load(); n != 1 {
		t.Errorf("TCP was needed %d times, want once", n)
	}
}

func TestWhatDoesNotFitIsAskedForOverTCP(t *testing.T) {
	c := client(t, serve(t, func(w mdns.ResponseWriter, r *mdns.Msg) {
		m := answer(r, "203.0.113.5")
		if !overTCP(w) {
			m.Truncated, m.Answer = true, nil
		}
		w.WriteMsg(m)
	}))
	if got := ask(t, c); got != "203.0.113.5" {
		t.Error(got)
	}
}

func TestADeadServerCostsTimeOnlyUntilItIsKnown(t *testing.T) {
	dead, err := net.ListenPacket("udp", "127.0.0.1:0") // takes questions and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	c := client(t, dead.LocalAddr().String(), serve(t, func(w mdns.ResponseWriter, r *mdns.Msg) { w.WriteMsg(answer(r, "203.0.113.5")) }))
	if got := ask(t, c); got != "203.0.113.5" {
		t.Fatal(got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), firstTry/2)
	defer cancel()
	if _, err := c.Exchange(ctx, Question{Name: "other.test", Kind: mdns.TypeA}); err != nil {
		t.Errorf("the second question went to the dead server first: %v", err)
	}
}

func TestWhatUpstreamCouldNotFindIsNotTakenForAFault(t *testing.T) {
	var n atomic.Int32
	c := client(t, serve(t, func(w mdns.ResponseWriter, r *mdns.Msg) {
		n.Add(1)
		m := new(mdns.Msg)
		m.SetRcode(r, mdns.RcodeServerFailure)
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []mdns.EDNS0{&mdns.EDNS0_EDE{InfoCode: 6}}
		w.WriteMsg(m)
	}))
	_, err := c.Exchange(t.Context(), Question{Name: "bogus.test", Kind: mdns.TypeA})
	var said *Failed
	if !errors.As(err, &said) || said.Rcode != mdns.RcodeServerFailure || said.Info != 6 {
		t.Errorf("%v", err)
	}
	if n.Load() != 1 {
		t.Errorf("it was asked %d times", n.Load())
	}
}

func TestDOAndCDAreHandedOn(t *testing.T) {
	var do, cd atomic.Bool
	c := client(t, serve(t, func(w mdns.ResponseWriter, r *mdns.Msg) {
		do.Store(r.IsEdns0() != nil && r.IsEdns0().Do())
		cd.Store(r.CheckingDisabled)
		w.WriteMsg(answer(r, "203.0.113.5"))
	}))
	for _, q := range []Question{{}, {DO: true}, {CD: true}, {DO: true, CD: true}} {
		q.Name, q.Kind = "a.test", mdns.TypeA
		if _, err := c.Exchange(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		if do.Load() != q.DO || cd.Load() != q.CD {
			t.Errorf("%+v: asked with DO %v, CD %v", q, do.Load(), cd.Load())
		}
	}
}

func TestOverTLSTheServerProvesItsName(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := clock.System{}.Now()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		DNSNames: []string{"dns.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	var conns atomic.Int32
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	s := &mdns.Server{Listener: counted{ln, &conns}, Handler: mdns.HandlerFunc(func(w mdns.ResponseWriter, r *mdns.Msg) { w.WriteMsg(answer(r, "203.0.113.5")) })}
	go s.ActivateAndServe()
	t.Cleanup(func() { s.Shutdown() })
	for _, c := range []struct {
		name, server string
		roots        *x509.CertPool
		ok           bool
	}{
		{"by its name", "tls://" + ln.Addr().String() + "#dns.example", roots, true},
		{"by its address", "tls://" + ln.Addr().String(), roots, true},
		{"by another name", "tls://" + ln.Addr().String() + "#other.example", roots, false},
		{"signed by a stranger", "tls://" + ln.Addr().String() + "#dns.example", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			one, err := New([]string{c.server}, c.roots, clock.System{})
			if err != nil {
				t.Fatal(err)
			}
			defer one.Close()
			before := conns.Load()
			for range 3 {
				if got := ask(t, one); (got == "203.0.113.5") != c.ok {
					t.Fatalf("%s", got)
				}
			}
			if n := conns.Load() - before; c.ok && n != 1 {
				t.Errorf("%d connections for three questions", n)
			}
		})
	}
}

type counted struct {
	net.Listener
	n *atomic.Int32
}

func (c counted) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}

func TestHowServersAreWritten(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1:53", "192.0.2.1:5353": "192.0.2.1:5353", "2001:db8::1": "[2001:db8::1]:53",
		"tls://192.0.2.1": "192.0.2.1:853", "tls://192.0.2.1#dns.example": "192.0.2.1:853", "tls://[2001:db8::1]:8853#dns.example": "[2001:db8::1]:8853",
		"": "", "resolver": "", "tls://": "", "tls://#x": "",
	} {
		s, err := parse(text)
		if (err != nil) != (want == "") || err == nil && s.address != want {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
}

func TestAServerThatDoesNotKnowEDNSIsAskedWithoutIt(t *testing.T) {
	for name, bare := range map[string]bool{"it repeats the question": false, "it says nothing but that it cannot read": true} {
		t.Run(name, func(t *testing.T) {
			var with, without atomic.Int32
			c := client(t, serve(t, func(w mdns.ResponseWriter, r *mdns.Msg) {
				if r.IsEdns0() == nil {
					without.Add(1)
					w.WriteMsg(answer(r, "203.0.113.5"))
					return
				}
				with.Add(1)
				m := new(mdns.Msg)
				m.SetRcode(r, mdns.RcodeFormatError)
				if bare {
					m.Question = nil
				}
				w.WriteMsg(m)
			}))
			for range 3 {
				if got := ask(t, c); got != "203.0.113.5" {
					t.Fatal(got)
				}
			}
			if with.Load() != 1 || without.Load() != 3 {
				t.Errorf("asked %d times with EDNS and %d times without", with.Load(), without.Load())
			}
		})
	}
}

func TestAServerThatKnowsEDNSAndFindsFaultIsNotAskedAgain(t *testing.T) {
	var n atomic.Int32
	c := client(t, serve(t, func(w mdns.ResponseWriter, r *mdns.Msg) {
		n.Add(1)
		m := new(mdns.Msg)
		m.SetRcode(r, mdns.RcodeFormatError)
		m.SetEdns0(1232, false)
		w.WriteMsg(m)
	}))
	if got := ask(t, c); !strings.Contains(got, "FORMERR") || n.Load() != 1 {
		t.Errorf("%s after %d questions", got, n.Load())
	}
}
