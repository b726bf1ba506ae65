package house_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
)

// authority is somebody who makes certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T, now time.Time) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Known"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	a := authority{key: key, pool: x509.NewCertPool()}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

var serialNumber int64 = 10

// write puts a certificate for a name into dir, valid from and until.
func (a authority) write(t *testing.T, dir, name string, from, until time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serialNumber++
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(serialNumber), DNSNames: []string{name}, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	k, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "pages.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	put(t, filepath.Join(dir, "pages.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: k}))
}

func put(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// pages serves a house's pages and returns their address.
func pages(t *testing.T, h *house.House, roots *x509.CertPool) string {
	t.Helper()
	ctx, stop := context.WithCancel(actor.With(context.Background(), actor.Belisha("test")))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve, err := h.PagesOn(ctx, l, roots)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve() }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serving ended with %v", err)
		}
	})
	return l.Addr().String()
}

// visitor is a browser that finds every name at the address and trusts pool.
func visitor(addr string, pool *x509.CertPool, max uint16) *http.Client {
	return &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
			},
			ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: max, MinVersion: tls.VersionTLS10}, //nolint:gosec // the test's point
		},
	}
}

func TestPagesOffLoopbackSpeakTLSByTheSchoolsOwnAuthority(t *testing.T) {
	h := open(t, house.Config{Listen: house.Listen{Pages: "0.0.0.0:8443"}, File: house.File{Pages: house.PagesFile{Names: []string{"belisha.ashdown.lan"}}}})
	addr := pages(t, h, x509.NewCertPool())
	ours, err := h.SchoolCertificate()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ours)
	for _, name := range []string{"belisha.ashdown.lan", "localhost", "127.0.0.1"} {
		res, err := visitor(addr, pool, 0).Get("https://" + name + "/sign-in")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != 200 || res.ProtoMajor != 2 || !strings.Contains(string(body), "This connection is protected") {
			t.Errorf("%s: %d over %s: %.300s", name, res.StatusCode, res.Proto, body)
		}
		if res.Header.Get("Strict-Transport-Security") != "" {
			t.Error("browsers are bound to a certificate that they do not know")
		}
		if left := time.Until(res.TLS.PeerCertificates[0].NotAfter); left > 15*24*time.Hour {
			t.Errorf("the certificate lasts %s", left)
		}
	}
	if _, err := visitor(addr, pool, 0).Get("https://elsewhere.example/sign-in"); err == nil {
		t.Error("a certificate is made for any name")
	}
	if _, err := visitor(addr, pool, tls.VersionTLS11).Get("https://localhost/sign-in"); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	k := h.CertificateHealth()
	if len(k) != 1 || k[0].State != control.Kept || !strings.Contains(k[0].Words, "belisha.ashdown.lan") {
		t.Errorf("health %+v", k)
	}
	if ok, why := h.PagesProtected(); !ok {
		t.Error(why)
	}
}

func TestWithoutTLSAPageLeadsToTLSAndNothingIsTaken(t *testing.T) {
	h := open(t, house.Config{Listen: house.Listen{Pages: "0.0.0.0:8443"}, File: house.File{Pages: house.PagesFile{Names: []string{"belisha.ashdown.lan"}}}})
	addr := pages(t, h, x509.NewCertPool())
	v := visitor(addr, nil, 0)
	res, err := v.Get("http://belisha.ashdown.lan:8443/sign-in?to=%2Faccount")
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Header.Get("Location"); res.StatusCode != 308 || got != "https://belisha.ashdown.lan:8443/sign-in?to=%2Faccount" {
		t.Errorf("%d to %q", res.StatusCode, got)
	}
	res, err = v.Post("http://belisha.ashdown.lan:8443/sign-in", "application/x-www-form-urlencoded", strings.NewReader("username=a&password=b"))
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(res.Body); res.StatusCode != 403 || !strings.Contains(string(body), "without protection") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, err = v.Get("http://evil.example/"); err != nil || res.StatusCode != 421 {
		t.Errorf("a foreign name: %v %v", res, err)
	}
	// Whoever says nothing, or nonsense, holds nobody else up.
	silent, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	nonsense, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(nonsense, "\x16\x03\x01 and now nonsense that is no hello at all\r\n\r\n")
	_, _ = bufio.NewReader(nonsense).ReadByte()
	_ = nonsense.Close()
	if res, err = v.Get("http://localhost/"); err != nil || res.StatusCode != 308 {
		t.Errorf("after that: %v %v", res, err)
	}
}

func TestACertificateFromFilesIsTakenUpHotAndABadOneNever(t *testing.T) {
	now := time.Now()
	c := clock.NewFake(now)
	a := newAuthority(t, now)
	dir := t.TempDir()
	file := house.PagesFile{Names: []string{"belisha.ashdown.lan"}, CertFile: filepath.Join(dir, "pages.pem"), KeyFile: filepath.Join(dir, "pages.key")}
	a.write(t, dir, "belisha.ashdown.lan", now.Add(-time.Hour), now.Add(90*24*time.Hour))
	h := open(t, house.Config{Clock: c, Listen: house.Listen{Pages: "0.0.0.0:8443"}, File: house.File{Pages: file}})
	addr := pages(t, h, a.pool)
	shown := func() *big.Int {
		t.Helper()
		v := visitor(addr, a.pool, 0)
		res, err := v.Get("https://belisha.ashdown.lan/sign-in")
		if err != nil {
			t.Fatal(err)
		}
		if res.Header.Get("Strict-Transport-Security") == "" {
			t.Error("browsers are not told to come over TLS only")
		}
		return res.TLS.PeerCertificates[0].SerialNumber
	}
	health := func() (control.State, string) {
		t.Helper()
		k := h.CertificateHealth()
		if len(k) != 1 {
			t.Fatalf("health %+v", k)
		}
		return k[0].State, k[0].Words
	}
	first := shown()
	if s, w := health(); s != control.Kept || !strings.Contains(w, "89 days left") {
		t.Errorf("%s: %s", s, w)
	}
	bad := []struct {
		what, says string
		write      func()
	}{
		{"half a file", "cannot be used", func() { put(t, file.CertFile, []byte("-----BEGIN CERTIFICATE-----\nMIIB")) }},
		{"another's key", "cannot be used", func() {
			a.write(t, dir, "belisha.ashdown.lan", now.Add(-time.Hour), now.Add(time.Hour))
			other := t.TempDir()
			a.write(t, other, "belisha.ashdown.lan", now.Add(-time.Hour), now.Add(time.Hour))
			b, _ := os.ReadFile(filepath.Join(other, "pages.key"))
			put(t, file.KeyFile, b)
		}},
		{"one that ended", "ended on", func() { a.write(t, dir, "belisha.ashdown.lan", now.Add(-48*time.Hour), now.Add(-time.Hour)) }},
		{"one for later", "is not valid before", func() { a.write(t, dir, "belisha.ashdown.lan", now.Add(48*time.Hour), now.Add(72*time.Hour)) }},
		{"one for another name", "is not for belisha.ashdown.lan", func() { a.write(t, dir, "mail.ashdown.lan", now.Add(-time.Hour), now.Add(99*24*time.Hour)) }},
		{"no file", "cannot be used", func() { _ = os.Remove(file.CertFile) }},
	}
	for _, b := range bad {
		b.write()
		h.LookAgain()
		if shown().Cmp(first) != 0 {
			t.Errorf("%s took the place of a good certificate", b.what)
		}
		if s, w := health(); s != control.AtRisk || !strings.Contains(w, b.says) {
			t.Errorf("%s: %s: %s", b.what, s, w)
		}
	}
	a.write(t, dir, "belisha.ashdown.lan", now.Add(-time.Hour), now.Add(20*24*time.Hour))
	h.LookAgain()
	if shown().Cmp(first) == 0 {
		t.Error("a good new certificate is not used")
	}
	if s, w := health(); s != control.AtRisk {
		t.Errorf("20 days before the end: %s: %s", s, w)
	}
	owed := h.Owed(t, "certificate")
	if len(owed) != 1 || owed[0].Owner != "network-manager" {
		t.Errorf("nobody's task: %+v", owed)
	}
	c.Advance(21 * 24 * time.Hour)
	if s, w := health(); s != control.Broken || !strings.Contains(w, "ended on") {
		t.Errorf("after the end: %s: %s", s, w)
	}
	if ok, _ := h.PagesProtected(); ok {
		t.Error("an ended certificate counts as protection")
	}
}

func TestABadCertificateAtTheStartIsOneSentence(t *testing.T) {
	dir := t.TempDir()
	file := house.PagesFile{CertFile: filepath.Join(dir, "pages.pem"), KeyFile: filepath.Join(dir, "pages.key")}
	h := open(t, house.Config{File: house.File{Pages: file}})
	_, err := h.PagesOn(actor.With(context.Background(), actor.Belisha("test")), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "pages.pem") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}
