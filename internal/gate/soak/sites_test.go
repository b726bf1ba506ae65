package soak

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

const (
	maxScan   = 1 << 20
	signature = "ringtailed lemur of the test"
)

// answer is what the sites say at a path, and what becomes of it on the way to
// a pupil.
type answer struct {
	kind, coding string
	body         []byte
	closed       bool // for what is in it
	words        bool // which is words: they are not weighed where a teacher has opened the site
	scanned      bool // and so is only open while there is a scanner
}

// paths are the same for all names.
func paths() map[string]answer {
	text := bytes.Repeat([]byte("<p>the water cycle has a page of its own\n"), 200)
	weighed := append(bytes.Clone(text), "<p>and here a badword stands"...)
	program := make([]byte, 2048)
	copy(program, "MZ")
	program[0x3c] = 0x80
	copy(program[0x80:], "PE\x00\x00\x64\x86")
	picture := append([]byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"), bytes.Repeat([]byte{7, 11, 13}, 250_000)...)
	data := bytes.Repeat([]byte{0, 1, 2, 3, 5, 8}, 10_000)
	return map[string]answer{
		"/page":    {kind: "text/html", body: text},
		"/packed":  {kind: "text/html", coding: "gzip", body: packed(text)},
		"/weighed": {kind: "text/html", body: weighed, closed: true, words: true},
		"/hidden":  {kind: "text/html", coding: "gzip", body: packed(weighed), closed: true, words: true},
		"/program": {kind: "image/jpeg", body: program, closed: true},
		"/virus":   {kind: "application/octet-stream", body: append(bytes.Clone(data), signature...), closed: true},
		"/file":    {kind: "application/octet-stream", body: data, scanned: true},
		"/large":   {kind: "application/octet-stream", body: bytes.Repeat(data, 20), closed: true},
		"/picture": {kind: "image/jpeg", body: picture},
		"/data":    {kind: "application/json", body: []byte(`{"cycle":"water"}`)},
	}
}

// chosen are the paths as often as they are asked for.
var chosen = []string{
	"/page", "/page", "/page", "/packed", "/packed", "/weighed", "/hidden", "/program", "/virus", "/file", "/file", "/large", "/picture", "/data", "/data",
}

func packed(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b) // into memory
	_ = z.Close()
	return out.Bytes()
}

// sites answer by path, under any name, plainly and over TLS.
type sites struct {
	issuer        *x509.Certificate
	plain, secure net.Listener
	answers       map[string]answer
}

func newSites(t *testing.T) *sites {
	t.Helper()
	s := &sites{answers: paths()}
	leaf := s.certificates(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.serve)
	mux.Handle("/socket", websocket.Server{Handler: func(c *websocket.Conn) { _, _ = io.Copy(c, c) }})
	quiet := log.New(io.Discard, "", 0)
	for _, at := range []*net.Listener{&s.plain, &s.secure} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		*at = ln
		srv := &http.Server{Handler: mux, ErrorLog: quiet, TLSConfig: &tls.Config{Certificates: []tls.Certificate{leaf}}}
		if at == &s.secure {
			go func() { _ = srv.ServeTLS(ln, "", "") }() // until it is closed
		} else {
			go func() { _ = srv.Serve(ln) }()
		}
		t.Cleanup(func() { _ = srv.Close() })
	}
	return s
}

func (s *sites) serve(w http.ResponseWriter, r *http.Request) {
	a, ok := s.answers[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	if a.coding != "" {
		w.Header().Set("Content-Encoding", a.coding)
	}
	if len(a.body)%2 == 0 { // some say how long they are
		w.Header().Set("Content-Length", fmt.Sprint(len(a.body)))
	}
	_, _ = w.Write(a.body) // whoever has gone away sees no more of it
}

func (s *sites) addresses() []string {
	return []string{s.plain.Addr().String(), s.secure.Addr().String()}
}

func (s *sites) port(secure bool) string {
	at := s.plain
	if secure {
		at = s.secure
	}
	_, port, _ := net.SplitHostPort(at.Addr().String())
	return port
}

// certificates makes an issuer and one certificate for all names.
func (s *sites) certificates(t *testing.T) tls.Certificate {
	t.Helper()
	keys := [2]*ecdsa.PrivateKey{}
	for i := range keys {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = key
	}
	issuer := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Issuer of the sites"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now().Add(-24 * time.Hour), NotAfter: now().Add(72 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "sites"}, DNSNames: names(), NotBefore: issuer.NotBefore, NotAfter: issuer.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, issuer, issuer, keys[0].Public(), keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if s.issuer, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if der, err = x509.CreateCertificate(rand.Reader, leaf, s.issuer, keys[1].Public(), keys[0]); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: keys[1]}
}

// scanner is Debian's clamd with one signature of our own.
type scanner struct {
	t       *testing.T
	program string
	dir     string
	socket  string
	cmd     *exec.Cmd
}

func newScanner(t *testing.T) *scanner {
	t.Helper()
	program, err := exec.LookPath("clamd")
	if err != nil {
		program = "/usr/sbin/clamd"
		if _, err := os.Stat(program); err != nil {
			t.Skip("needs Debian's clamav-daemon")
		}
	}
	s := &scanner{t: t, program: program, dir: t.TempDir()}
	s.socket = filepath.Join(s.dir, "s")
	for name, text := range map[string]string{
		"own.ndb": "Belisha.Test.Words:0:*:" + hex.EncodeToString([]byte(signature)) + "\n",
		"clamd.conf": strings.Join([]string{
			"LocalSocket " + s.socket, "DatabaseDirectory " + s.dir, "Foreground yes", "TemporaryDirectory " + s.dir, "AlertExceedsMax yes",
		}, "\n") + "\n",
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s
}

// start returns when it answers.
func (s *scanner) start() error {
	s.cmd = exec.Command(s.program, "--config-file="+filepath.Join(s.dir, "clamd.conf"))
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("starting the scanner: %w", err)
	}
	for stop := now().Add(patience); now().Before(stop); <-time.After(20 * time.Millisecond) {
		c, err := net.Dial("unix", s.socket)
		if err != nil {
			continue
		}
		_, _ = c.Write([]byte("zPING\x00")) // if not, nothing is answered
		_ = c.SetDeadline(now().Add(time.Second))
		said, _ := io.ReadAll(c)
		_ = c.Close()
		if strings.HasPrefix(string(said), "PONG") {
			return nil
		}
	}
	return fmt.Errorf("the scanner did not start within %s", patience)
}

func (s *scanner) kill() {
	_ = s.cmd.Process.Kill() // it may have gone
	_ = s.cmd.Wait()
	_ = os.Remove(s.socket)
}
