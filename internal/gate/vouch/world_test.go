package vouch

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"belisha/internal/kit/clock"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// signer is an issuer of the test, or a site.
type signer struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// world has a web server that answers for issuers.
type world struct {
	t     *testing.T
	clock *clock.Fake
	root  *signer
	web   *httptest.Server
	asked atomic.Int64
	mu    sync.Mutex
	says  map[string][]byte
	next  int64
	check *Verifier
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, clock: clock.NewFake(noon), says: map[string][]byte{}}
	w.web = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		w.mu.Lock()
		body, ok := w.says[r.URL.Path]
		w.mu.Unlock()
		if !ok {
			http.NotFound(rw, r)
			return
		}
		_, _ = rw.Write(body)
	}))
	t.Cleanup(w.web.Close)
	w.root = w.issue(nil, func(c *x509.Certificate) { c.IsCA, c.Subject.CommonName = true, "Root" })
	w.begin(http.DefaultTransport)
	return w
}

// begin has nothing remembered any more.
func (w *world) begin(by http.RoundTripper) {
	roots := x509.NewCertPool()
	roots.AddCert(w.root.cert)
	w.check = New(Options{Roots: roots, Now: w.clock.Now, Transport: by})
	w.t.Cleanup(w.check.Close)
}

func (w *world) say(path string, body []byte) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.says[path] = body
	return w.web.URL + path
}

// issue signs a certificate; by nil vouches for itself.
func (w *world) issue(by *signer, change func(*x509.Certificate)) *signer {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.issueFor(key, by, change)
}

func (w *world) issueFor(key crypto.Signer, by *signer, change func(*x509.Certificate)) *signer {
	w.t.Helper()
	w.next++
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(w.next), Subject: pkix.Name{CommonName: "Somebody"}, BasicConstraintsValid: true,
		NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	change(tmpl)
	if by == nil {
		by = &signer{tmpl, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, by.cert, key.Public(), by.key)
	if err != nil {
		w.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		w.t.Fatal(err)
	}
	return &signer{cert, key}
}

func (w *world) between(by *signer, name string, change func(*x509.Certificate)) *signer {
	return w.issue(by, func(c *x509.Certificate) {
		c.IsCA, c.Subject.CommonName = true, name
		if change != nil {
			change(c)
		}
	})
}

func (w *world) site(by *signer, change func(*x509.Certificate)) *signer {
	return w.issue(by, func(c *x509.Certificate) { asSite(c); change(c) })
}

func asSite(c *x509.Certificate) {
	c.DNSNames, c.ExtKeyUsage, c.KeyUsage = []string{"site.test"}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, x509.KeyUsageDigitalSignature
}

func shown(staple []byte, chain ...*signer) *tls.ConnectionState {
	c := &tls.ConnectionState{OCSPResponse: staple}
	for _, s := range chain {
		c.PeerCertificates = append(c.PeerCertificates, s.cert)
	}
	return c
}

func (w *world) verify(c *tls.ConnectionState) error {
	return w.check.Check(context.Background(), "site.test", c)
}

func (w *world) list(by *signer, serials ...*big.Int) []byte {
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: noon.Add(-time.Hour), NextUpdate: noon.Add(24 * time.Hour)}
	for _, s := range serials {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: s, RevocationTime: noon.Add(-time.Hour)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, l, by.cert, by.key)
	if err != nil {
		w.t.Fatal(err)
	}
	return der
}

func (w *world) staple(by, of *signer, status int, from, until time.Time) []byte {
	b, err := ocsp.CreateResponse(by.cert, by.cert, ocsp.Response{
		Status: status, SerialNumber: of.cert.SerialNumber, RevokedAt: noon.Add(-time.Hour), ThisUpdate: from, NextUpdate: until, IssuerHash: crypto.SHA1,
	}, by.key)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func weakKey(t *testing.T) crypto.Signer {
	k, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// silent never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, io.ErrUnexpectedEOF
}
