package proxy

import (
	"context"
	"crypto"
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
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"belisha/internal/gate/ca"
	"belisha/internal/gate/gatetest"
	"belisha/internal/verdict"
)

// issuer gives certificates to the sites of a test.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newIssuer(t testing.TB, name string) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: gatetest.Noon.AddDate(-3, 0, 0), NotAfter: gatetest.Noon.AddDate(3, 0, 0), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{cert, key}
}

// sign gives a certificate; change may spoil it.
func (i *issuer) sign(t testing.TB, host string, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: gatetest.Noon.AddDate(0, -1, 0), NotAfter: gatetest.Noon.AddDate(0, 1, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(tmpl)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, i.cert, key.Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// selfSigned vouches for itself.
func selfSigned(t testing.TB, host string) tls.Certificate {
	i := newIssuer(t, host)
	i.cert.DNSNames = []string{host}
	tmpl := *i.cert
	der, err := x509.CreateCertificate(rand.Reader, &tmpl, &tmpl, i.key.Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: i.key}
}

// revoked has the site itself prove that its certificate was taken back.
func (i *issuer) revoked(t testing.TB, host string) tls.Certificate {
	c := i.sign(t, host, nil)
	var err error
	c.OCSPStaple, err = ocsp.CreateResponse(i.cert, i.cert, ocsp.Response{
		Status: ocsp.Revoked, SerialNumber: c.Leaf.SerialNumber, RevokedAt: gatetest.Noon.Add(-time.Hour),
		ThisUpdate: gatetest.Noon.Add(-time.Hour), NextUpdate: gatetest.Noon.Add(time.Hour), IssuerHash: crypto.SHA1,
	}, i.key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// inspection is a bench whose rules end TLS, with sites of every kind behind
// one address.
type inspection struct {
	*bench
	ca     *ca.CA
	issuer *issuer
	sites  *httptest.Server
	school *x509.CertPool
}

// inspected are the fixture's rules with inspection for everybody.
func inspected() verdict.Rules {
	r := gatetest.Rules()
	for i := range r.Groups {
		r.Groups[i].Content = &verdict.Content{Inspect: true}
	}
	r.Splice.Hosts = []string{"bank.test"}
	return r
}

func newInspection(t testing.TB, change func(*Config, table)) *inspection {
	t.Helper()
	x := &inspection{issuer: newIssuer(t, "Issuer of the test"), school: x509.NewCertPool()}
	x.startSites(t)
	authority, err := ca.Create(t.TempDir()+"/ca", "Hill School", seal{}, gateClock())
	if err != nil {
		t.Fatal(err)
	}
	x.ca = authority
	x.school.AppendCertsFromPEM(authority.PEM())
	x.bench = newBench(t, func(c *Config, names table) {
		c.Leaves, c.Roots = authority, x509.NewCertPool()
		c.Roots.AddCert(x.issuer.cert)
		c.Guard.exact = append(c.Guard.exact, netip.MustParseAddrPort(x.sites.Listener.Addr().String()))
		for _, n := range []string{
			"bank.test", "expired.test", "wrong.test", "self.test", "stranger.test", "cn.test", "sha1.test", "old.test", "client.test",
			"revoked.test", "must.test", "plain.test", "early.test", "www.youtube.com", "www.bing.com", "bing.com", "restrict.test",
		} {
			names[n] = "127.0.0.1"
		}
		if change != nil {
			change(c, names)
		}
	})
	x.roots = x.school
	x.Porter.Use(gatetest.Snapshot(t, inspected()))
	set := *x.Porter.Settings()
	set.CAEverywhere = true
	if err := x.Porter.Configure(&set); err != nil {
		t.Fatal(err)
	}
	return x
}

// startSites opens the sites, each with its own way of being wrong.
func (x *inspection) startSites(t testing.TB) {
	stranger := newIssuer(t, "Nobody knows")
	wrong := map[string]func() *tls.Config{
		"expired.test": x.spoilt(t, func(c *x509.Certificate) { c.NotAfter = gatetest.Noon.Add(-time.Hour) }),
		"early.test":   x.spoilt(t, func(c *x509.Certificate) { c.NotBefore = gatetest.Noon.Add(time.Hour) }),
		"wrong.test":   x.spoilt(t, func(c *x509.Certificate) { c.DNSNames = []string{"another.test"} }),
		"cn.test":      x.spoilt(t, func(c *x509.Certificate) { c.DNSNames = nil }),
		"sha1.test":    x.spoilt(t, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 }),
		"must.test": func() *tls.Config {
			return &tls.Config{Certificates: []tls.Certificate{x.issuer.sign(t, "must.test", func(c *x509.Certificate) {
				c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{48, 3, 2, 1, 5}}}
			})}}
		},
		"self.test": func() *tls.Config { return &tls.Config{Certificates: []tls.Certificate{selfSigned(t, "self.test")}} },
		"stranger.test": func() *tls.Config {
			return &tls.Config{Certificates: []tls.Certificate{stranger.sign(t, "stranger.test", nil)}}
		},
		"revoked.test": func() *tls.Config {
			return &tls.Config{Certificates: []tls.Certificate{x.issuer.revoked(t, "revoked.test")}}
		},
		"old.test": func() *tls.Config {
			return &tls.Config{Certificates: []tls.Certificate{x.issuer.sign(t, "old.test", nil)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
		},
		"client.test": func() *tls.Config {
			return &tls.Config{Certificates: []tls.Certificate{x.issuer.sign(t, "client.test", nil)}, ClientAuth: tls.RequireAnyClientCert}
		},
		"plain.test": func() *tls.Config {
			return &tls.Config{Certificates: []tls.Certificate{x.issuer.sign(t, "plain.test", nil)}, NextProtos: []string{"http/1.1"}}
		},
	}
	made := map[string]*tls.Config{}
	for name, f := range wrong {
		c := f()
		c.Time = gateClock().Now
		if c.NextProtos == nil {
			c.NextProtos = []string{"h2", "http/1.1"}
		}
		made[name] = c
	}
	sites := httptest.NewUnstartedServer(http.HandlerFunc(x.answer))
	sites.EnableHTTP2 = true
	sites.TLS = &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if c := made[h.ServerName]; c != nil {
			return c, nil
		}
		return &tls.Config{
			Certificates: []tls.Certificate{x.issuer.sign(t, h.ServerName, nil)}, NextProtos: []string{"h2", "http/1.1"}, Time: gateClock().Now,
		}, nil
	}}
	sites.Config.ErrorLog = quiet
	sites.StartTLS()
	t.Cleanup(sites.Close)
	x.sites = sites
}

func (x *inspection) spoilt(t testing.TB, change func(*x509.Certificate)) func() *tls.Config {
	return func() *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{x.issuer.sign(t, "spoilt.test", func(c *x509.Certificate) {
			c.DNSNames = []string{"expired.test", "early.test", "sha1.test"}
			change(c)
		})}}
	}
}

// answer is what every site says: how it was asked.
func (x *inspection) answer(w http.ResponseWriter, r *http.Request) {
	if x.bench != nil {
		x.seen.Store(r.Clone(context.Background()))
	}
	w.Header().Set("Alt-Svc", `h3=":443"`)
	w.Header().Set("Strict-Transport-Security", "max-age=60")
	switch {
	case r.URL.Path == "/ws":
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: %s\r\n\r\n", r.Header.Get("Sec-WebSocket-Extensions"))
		_, _ = io.Copy(conn, rw)
	case r.URL.Path == "/says":
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		for _, m := range r.URL.Query()["m"] {
			_, _ = conn.Write(wsFrame(0x81, strings.ReplaceAll(m, "{long}", strings.Repeat("word ", 30_000)), false))
		}
		_, _ = io.Copy(io.Discard, rw)
	case r.URL.Path == "/stream":
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case r.URL.Path == "/html":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<p>asked over <script>document.write(performance.getEntriesByType("navigation")[0].nextHopProtocol)</script> and over %s</p>`, r.Proto)
	case r.URL.Path == "/trailers":
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = io.WriteString(w, "body")
		w.Header().Set("Grpc-Status", "0")
	case strings.HasPrefix(r.URL.Path, "/to/"):
		w.Header().Set("Location", r.URL.Query().Get("u"))
		w.WriteHeader(http.StatusFound)
	case strings.HasPrefix(r.URL.Path, "/refresh"):
		w.Header().Set("Refresh", "0; URL='"+r.URL.Query().Get("u")+"'")
	default:
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s says hello over %s to %s %s", r.TLS.ServerName, r.Proto, r.Host, body)
	}
}

// at is an address of one of the sites.
func (x *inspection) at(host, path string) string {
	return fmt.Sprintf("https://%s:%d%s", host, x.sites.Listener.Addr().(*net.TCPAddr).Port, path)
}

// browser speaks HTTP/2 where it is offered, as browsers do.
func (x *inspection) browser() *http.Client {
	c := x.client(nil)
	c.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// open fetches a page and returns how it came.
func (x *inspection) fetch(t testing.TB, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return res, string(body)
}
