package soak

import (
	"bytes"
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
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// squidConf is what doc/icap.md tells schools to write, and what a test needs
// besides.
const squidConf = `
http_port %[1]s ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=4MB tls-cert=%[2]s/ca.pem
sslcrtd_program /usr/lib/squid/security_file_certgen -s %[2]s/certs -M 4MB
acl step1 at_step SslBump1
ssl_bump peek step1
ssl_bump bump all
tls_outgoing_options cafile=%[2]s/issuer.pem
icap_enable on
icap_preview_enable on
adaptation_send_client_ip on
adaptation_send_username on
icap_206_enable on
icap_persistent_connections on
icap_service_failure_limit 100000
icap_service belisha_req reqmod_precache bypass=0 icap://%[3]s/reqmod
icap_service belisha_resp respmod_precache bypass=0 icap://%[3]s/respmod
acl connect method CONNECT
adaptation_access belisha_req deny connect
adaptation_access belisha_req allow all
adaptation_access belisha_resp allow all
http_access allow all
cache deny all
hosts_file %[2]s/hosts
dns_nameservers 127.0.0.1
visible_hostname squid.test
pid_filename %[2]s/squid.pid
coredump_dir %[2]s
cache_log %[2]s/cache.log
access_log none
cache_mem 8 MB
shutdown_lifetime 0 seconds
netdb_filename none
pinger_enable off
`

// TestASquidHasItsAnswersLookedInto puts the gate behind a school's own Squid:
// what comes of each page and file is the same as through our own proxy.
func TestASquidHasItsAnswersLookedInto(t *testing.T) {
	if testing.Short() {
		t.Skip("squid-openssl takes a while")
	}
	if _, err := exec.LookPath("squid"); err != nil {
		t.Skip("squid-openssl is not installed")
	}
	w := newWorld(t)
	w.push(nil, row("behind-squid", behindSquid, "pupils"))
	s := openSquid(w)
	for _, port := range []string{w.sites.port(false), w.sites.port(true)} {
		scheme := map[bool]string{true: "https", false: "http"}[port == w.sites.port(true)]
		for path, a := range w.sites.answers {
			for range 3 {
				s.expect(scheme+"://ok.test:"+port+path, nil, a.body, a.closed)
			}
		}
		s.expect(scheme+"://bad.test:"+port+"/page", nil, nil, true)
		s.expect(scheme+"://ok.test:"+port+"/page", []byte("a poem about the water cycle"), w.sites.answers["/page"].body, false)
		s.expect(scheme+"://ok.test:"+port+"/page", []byte("\x00 "+signature), nil, true)
	}
	w.scanner.kill()
	address := "http://ok.test:" + w.sites.port(false)
	s.expect(address+"/file", nil, nil, true)
	s.expect(address+"/page", nil, w.sites.answers["/page"].body, false)
	if err := w.scanner.start(); err != nil {
		t.Fatal(err)
	}
	for stop := now().Add(patience); ; <-time.After(50 * time.Millisecond) {
		if status, body, err := s.get(address+"/file", nil); err == nil && status == 200 && bytes.Equal(body, w.sites.answers["/file"].body) {
			break
		}
		if now().After(stop) {
			t.Fatal("the scanner is there again, and files do not come through")
		}
	}
	if left, _ := filepath.Glob(filepath.Join(w.dir, "looking", "*")); len(left) > 0 {
		t.Errorf("files that were looked into are left: %v", left)
	}
}

// behindSquid is where the browser is.
var behindSquid = netip.AddrFrom4([4]byte{127, 1, 99, 1})

// squid is one that asks the gate over ICAP, with a browser behind it.
type squid struct {
	*world
	dir     string
	browser *http.Client
}

func (s *squid) get(address string, send []byte) (status int, body []byte, err error) {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if send != nil {
		req, err = http.NewRequest(http.MethodPost, address, bytes.NewReader(send))
	}
	if err != nil {
		return 0, nil, err
	}
	if send != nil {
		req.Header.Set("Content-Type", "application/octet-stream")
		s.browser.CloseIdleConnections() // what is sent is not sent twice where Squid has just closed
	}
	res, err := s.browser.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

func (s *squid) expect(address string, send, want []byte, closed bool) {
	s.t.Helper()
	status, body, err := s.get(address, send)
	switch {
	case err != nil:
		s.t.Errorf("%s: %v", address, err)
	case closed && (status != http.StatusForbidden || !bytes.Contains(body, []byte("Hill School")) || bytes.Contains(body, []byte("badword"))):
		s.t.Errorf("%s is not closed: %d, %.200q", address, status, body)
	case !closed && (status != http.StatusOK || !bytes.Equal(body, want)):
		s.t.Errorf("%s did not come as it is: %d, %d bytes of %d, %.200q", address, status, len(body), len(want), body)
	}
}

func (s *squid) write(name string, text []byte) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), text, 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func openSquid(w *world) *squid {
	t := w.t
	t.Helper()
	s := &squid{world: w, dir: t.TempDir()}
	ca := s.authority()
	s.write("issuer.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.sites.issuer.Raw}))
	s.write("hosts", []byte("127.0.0.1 "+strings.Join(names(), " ")+"\n"))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := ln.Addr().String()
	_ = ln.Close()
	s.write("squid.conf", fmt.Appendf(nil, squidConf, at, s.dir, w.state.More["icap"]))
	if out, err := exec.Command("/usr/lib/squid/security_file_certgen", "-c", "-s", filepath.Join(s.dir, "certs"), "-M", "4MB").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.hand()
	cmd := exec.Command("squid", "-N", "-f", filepath.Join(s.dir, "squid.conf"), "-n", "soak"+strconv.Itoa(os.Getpid()))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // with what it started
		_ = cmd.Wait()
		if t.Failed() {
			raw, _ := os.ReadFile(filepath.Join(s.dir, "cache.log"))
			t.Logf("squid's log: %s", raw[max(0, len(raw)-3000):])
		}
	})
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	s.browser = &http.Client{Timeout: patience, Transport: &http.Transport{
		DialContext: (&net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(behindSquid, 0))}).DialContext,
		Proxy:       http.ProxyURL(&url.URL{Scheme: "http", Host: at}), TLSClientConfig: &tls.Config{RootCAs: roots}, DisableCompression: true,
	}}
	t.Cleanup(s.browser.CloseIdleConnections)
	for stop := now().Add(patience); ; <-time.After(50 * time.Millisecond) {
		status, _, err := s.get("http://ok.test:"+w.sites.port(false)+"/data", nil)
		if err == nil && status == http.StatusOK {
			return s
		}
		if now().After(stop) {
			t.Fatalf("squid does not answer: %d, %v", status, err)
		}
	}
}

// authority is Squid's own.
func (s *squid) authority() *x509.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	x := &x509.Certificate{
		SerialNumber: big.NewInt(now().UnixNano()), Subject: pkix.Name{CommonName: "Squid's"}, NotBefore: now().Add(-time.Hour), NotAfter: now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, x, x, key.Public(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("ca.pem", append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})...))
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		s.t.Fatal(err)
	}
	return cert
}

// hand gives the folder to the user as whom Squid runs, where it changes to
// one.
func (s *squid) hand() {
	if os.Getuid() != 0 {
		return
	}
	u, err := user.Lookup("proxy")
	if err != nil {
		s.t.Skip("squid-openssl has no user of its own here")
	}
	uid, _ := strconv.Atoi(u.Uid) // numbers, where Squid is installed
	gid, _ := strconv.Atoi(u.Gid)
	err = filepath.WalkDir(s.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, uid, gid)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for dir := filepath.Dir(s.dir); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
}
