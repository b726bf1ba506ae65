package evasion

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// authority gives the sites their certificates.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now().AddDate(-1, 0, 0), NotAfter: now().AddDate(1, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{t, cert, key}
}

// sign makes a certificate for a host, spoilt as the host's name says.
func (a *authority) sign(host string) *tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Error(err)
		return nil
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(now().UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: now().Add(-time.Hour), NotAfter: now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	parent, by := a.cert, a.key
	switch host {
	case "expired.test":
		tmpl.NotAfter = now().Add(-time.Minute)
	case "wrong.test":
		tmpl.DNSNames = []string{"another.test"}
	case "cn.test":
		tmpl.DNSNames = nil
	case "self.test":
		parent, by = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), by)
	if err != nil {
		a.t.Error(err)
		return nil
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// reply is what the sites say to a case.
type reply struct {
	head   []string // header lines
	status string   // "200 OK"
	body   []byte
	raw    []byte // in place of all that
	pieces int    // bytes of the body at once; 0: as they fit
	chunk  bool   // no length is said
	hold   bool   // the connection stays open afterwards
	h2     bool   // over TLS the site speaks HTTP/2 only
}

// bytes is the reply as HTTP/1.1 has it.
func (r *reply) bytes() []byte {
	if r.raw != nil {
		return r.raw
	}
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 " + r.status + "\r\n")
	for _, h := range r.head {
		b.WriteString(h + "\r\n")
	}
	if !r.chunk {
		b.WriteString("Content-Length: " + strconv.Itoa(len(r.body)) + "\r\nConnection: close\r\n\r\n")
		b.Write(r.body)
		return b.Bytes()
	}
	b.WriteString("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
	step := max(r.pieces, 1)
	for at := 0; at < len(r.body); at += step {
		part := r.body[at:min(at+step, len(r.body))]
		b.WriteString(strconv.FormatInt(int64(len(part)), 16) + "\r\n")
		b.Write(part)
		b.WriteString("\r\n")
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}

const hello = "the site says hello"

func greeting() *reply {
	return &reply{status: "200 OK", head: []string{"Content-Type: text/plain"}, body: []byte(hello)}
}

// sites answer on one plain and one secure address whatever they are asked, as
// the case at hand says, and keep what they were asked.
type sites struct {
	issuer        *authority
	plain, secure net.Listener
	quiet         *log.Logger

	mu    sync.Mutex
	reply *reply
	got   bytes.Buffer
	paths []string // of the requests that were understood
	conns map[net.Conn]bool
	made  map[string]*tls.Certificate
	wg    sync.WaitGroup
}

func newSites(t testing.TB) *sites {
	t.Helper()
	s := &sites{
		issuer: newAuthority(t, "Issuer of the cases"), reply: greeting(), conns: map[net.Conn]bool{}, made: map[string]*tls.Certificate{},
		quiet: log.New(io.Discard, "", 0),
	}
	for _, at := range []*net.Listener{&s.plain, &s.secure} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		*at = ln
		t.Cleanup(func() { ln.Close() })
	}
	s.wg.Go(func() { s.accept(s.plain, s.serve) })
	s.wg.Go(func() { s.accept(s.secure, s.serveTLS) })
	t.Cleanup(s.hangUp)
	return s
}

func (s *sites) addresses() []string {
	return []string{s.plain.Addr().String(), s.secure.Addr().String()}
}

func (s *sites) ports() (plain, secure string) {
	return strconv.Itoa(s.plain.Addr().(*net.TCPAddr).Port), strconv.Itoa(s.secure.Addr().(*net.TCPAddr).Port)
}

func (s *sites) accept(ln net.Listener, serve func(net.Conn)) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.mu.Unlock()
		go func() {
			serve(c)
			c.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		}()
	}
}

// hangUp ends all connections and forgets what was asked.
func (s *sites) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
}

func (s *sites) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = greeting()
	s.got.Reset()
	s.paths = nil
}

func (s *sites) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.String()
}

func (s *sites) now() *reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := *s.reply
	return &r
}

func (s *sites) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got.WriteString(text)
}

// serve reads requests and answers each.
func (s *sites) serve(c net.Conn) {
	r := bufio.NewReader(io.TeeReader(c, noting{s}))
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.paths = append(s.paths, req.Host+req.URL.Path)
		s.mu.Unlock()
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		now := s.now()
		if err := writePieces(c, now.bytes(), now.pieces); err != nil || !now.hold {
			return
		}
	}
}

type noting struct{ s *sites }

func (n noting) Write(p []byte) (int, error) { n.s.note(string(p)); return len(p), nil }

func writePieces(w io.Writer, b []byte, n int) error {
	if n <= 0 || len(b) > 64<<10 {
		n = len(b)
	}
	for at := 0; at < len(b); at += n {
		if _, err := w.Write(b[at:min(at+n, len(b))]); err != nil {
			return err
		}
	}
	return nil
}

func (s *sites) serveTLS(c net.Conn) {
	now := s.now()
	protos := []string{"http/1.1"}
	if now.h2 {
		protos = []string{"h2"}
	}
	cfg := &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		s.note("sni=" + h.ServerName + "\n")
		out := &tls.Config{Certificates: []tls.Certificate{*s.certificate(h.ServerName)}, NextProtos: protos}
		if h.ServerName == "old.test" {
			out.MinVersion, out.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}
		if h.ServerName == "client.test" {
			out.ClientAuth = tls.RequireAnyClientCert
		}
		return out, nil
	}}
	conn := tls.Server(c, cfg)
	if conn.Handshake() != nil {
		return
	}
	if !now.h2 {
		s.serve(conn)
		return
	}
	//lint:ignore SA1019 one connection that was accepted by hand has no listener
	(&http2.Server{}).ServeConn(conn, &http2.ServeConnOpts{Handler: http.HandlerFunc(s.answer), BaseConfig: &http.Server{ErrorLog: s.quiet}})
}

// answer is serve for HTTP/2.
func (s *sites) answer(w http.ResponseWriter, r *http.Request) {
	var got bytes.Buffer
	_ = r.Write(&got) // a buffer takes all
	s.note(got.String())
	now := s.now()
	for _, line := range now.head {
		name, value, _ := strings.Cut(line, ":")
		w.Header().Add(name, strings.TrimSpace(value))
	}
	code, _ := strconv.Atoi(strings.Fields(now.status)[0])
	w.WriteHeader(code)
	_, _ = w.Write(now.body) // whoever has gone away sees no more of it
}

func (s *sites) certificate(host string) *tls.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.made[host]; c != nil {
		return c
	}
	if host == "" {
		host = "nameless.test"
	}
	c := s.issuer.sign(host)
	if c == nil {
		c = new(tls.Certificate)
	}
	s.made[host] = c
	return c
}
