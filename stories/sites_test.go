//go:build linux

package stories_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// authority vouches for the sites of a story's internet. The filter believes
// it where the story has the school say so.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	site *ecdsa.PrivateKey // one for all sites, so that a browser can be told of it
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	site, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "The authority of the story"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().AddDate(0, 0, -30), NotAfter: time.Now().AddDate(1, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{cert, key, site}, err
}

// certificate is a site's own, whatever its name.
func (a *authority) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	t := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "The real site"},
		NotBefore: time.Now().AddDate(0, 0, -30), NotAfter: time.Now().AddDate(0, 3, 0), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if t.DNSNames = []string{hello.ServerName}; hello.ServerName == "" {
		t.DNSNames = []string{"localhost"}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, &a.site.PublicKey, a.key)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.site}, err
}

// believedIn has the filter of a fresh folder believe the story's sites, as it
// believes everybody's whom the machine knows.
func (a *authority) believedIn(data string) error {
	dir := filepath.Join(data, "gate", "ca")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	pems := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	return os.WriteFile(filepath.Join(dir, "roots.pem"), pems, 0o600)
}

// offer is what a site has at an address.
type offer struct {
	kind string
	body []byte
	to   string // it leads there, with another token each time
}

// page is what the street's sites answer: what was offered, else which site
// it is.
func (n *street) page(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	n.mu.Lock()
	o, ok := n.offered[host+r.URL.Path]
	n.led++
	token := n.led
	n.mu.Unlock()
	if ok && o.to != "" {
		http.Redirect(w, r, fmt.Sprintf("%s?token=%d", o.to, token), http.StatusFound)
		return
	}
	if ok {
		w.Header().Set("Content-Type", o.kind)
		_, _ = w.Write(o.body)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, "<title>x</title><p>Welcome to %s, the real site.", host)
}

func (n *street) offer(host, path string, o offer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.offered[host+path] = o
}

// offers puts a file on a site, or takes another one up: offers URL FILE [TYPE].
func offers(s *story, args []string) error {
	if len(args) < 2 || len(args) > 3 {
		return errors.New("usage: offers URL FILE [TYPE]")
	}
	u, err := url.Parse(args[0])
	if err != nil {
		return err
	}
	o := offer{kind: "text/html; charset=utf-8", body: []byte(s.ts.ReadFile(args[1]))}
	if len(args) == 3 {
		o.kind = args[2]
	}
	s.net.offer(u.Host, u.Path, o)
	return nil
}

// leads has an address lead to a path of its site, with another token each
// time: leads URL PATH.
func leads(s *story, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: leads URL PATH")
	}
	u, err := url.Parse(args[0])
	if err != nil {
		return err
	}
	s.net.offer(u.Host, u.Path, offer{to: args[1]})
	return nil
}

// craft makes a file that no script can hold: craft program|eicar FILE.
func craft(s *story, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: craft program|eicar FILE")
	}
	var body []byte
	switch args[0] {
	case "program":
		body = make([]byte, 2048)
		copy(body, "MZ")
		body[0x3c] = 0x80
		copy(body[0x80:], "PE\x00\x00\x64\x86")
	case "eicar":
		body = []byte(eicar)
	default:
		return fmt.Errorf("nobody makes a %s here", args[0])
	}
	name := s.ts.MkAbs(args[1])
	return errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, body, 0o600))
}
