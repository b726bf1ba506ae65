//go:build linux

package stories_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// street is the internet of a story: every name leads to one web server,
// which says which site it is.
type street struct {
	dns    string // host:port of the name server
	led    int    // redirections so far
	plain  string // host:port of the sites without TLS
	secure string // with TLS

	authority *authority

	mu      sync.Mutex
	special map[string]string // name → address
	offered map[string]offer  // host and path → what the site has there
	close   func()
}

// innerAddress is of a machine in the school's own network.
const innerAddress = "127.0.66.1"

func newStreet() (*street, error) {
	n := &street{special: map[string]string{}, offered: map[string]offer{}}
	page := http.HandlerFunc(n.page)
	plain := httptest.NewServer(page)
	n.plain = plain.Listener.Addr().String()
	// The same again at an address that no filter may lead to.
	_, port, _ := net.SplitHostPort(n.plain)
	inside, err := net.Listen("tcp", net.JoinHostPort(innerAddress, port))
	if err != nil {
		return nil, err
	}
	inner := &http.Server{Handler: page, ReadHeaderTimeout: time.Minute}
	go func() { _ = inner.Serve(inside) }()
	if n.authority, err = newAuthority(); err != nil {
		return nil, err
	}
	secure := httptest.NewUnstartedServer(page)
	secure.TLS = &tls.Config{GetCertificate: n.authority.certificate}
	secure.StartTLS()
	n.secure = secure.Listener.Addr().String()
	udp, tcp, err := sameport()
	if err != nil {
		return nil, err
	}
	n.dns = udp.LocalAddr().String()
	over := []*dns.Server{{PacketConn: udp, Handler: n}, {Listener: tcp, Handler: n}}
	for _, s := range over {
		go func() { _ = s.ActivateAndServe() }()
	}
	n.close = func() {
		plain.Close()
		secure.Close()
		_ = inner.Close()
		for _, s := range over {
			_ = s.Shutdown()
		}
	}
	return n, nil
}

// sameport listens on one port for both transports.
func sameport() (udp net.PacketConn, tcp net.Listener, err error) {
	for range 20 {
		if udp, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			return nil, nil, err
		}
		if tcp, err = net.Listen("tcp", udp.LocalAddr().String()); err == nil {
			return udp, tcp, nil
		}
		_ = udp.Close()
	}
	return nil, nil, err
}

// ServeDNS answers every name with the street's own address.
func (n *street) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(q)
	name := strings.TrimSuffix(strings.ToLower(q.Question[0].Name), ".")
	n.mu.Lock()
	to, ok := n.special[name]
	n.mu.Unlock()
	if !ok {
		to = "127.0.0.1"
	}
	if q.Question[0].Qtype == dns.TypeA {
		m.Answer = append(m.Answer, &dns.A{
			Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: net.ParseIP(to),
		})
	}
	_ = w.WriteMsg(m)
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "The real site"},
		NotBefore: time.Now().AddDate(0, 0, -1), NotAfter: time.Now().AddDate(0, 1, 0), DNSNames: []string{"real.example", "localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// site says where a name leads: site NAME ADDRESS.
func site(s *story, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: site NAME ADDRESS")
	}
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	s.net.special[args[0]] = args[1]
	return nil
}

func readSome(r io.Reader) string {
	b, _ := io.ReadAll(io.LimitReader(r, 1<<20)) // what came is what is looked at
	return string(b)
}
