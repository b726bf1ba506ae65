package icap

import (
	"bytes"
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
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
)

const (
	download = 50 << 20
	event    = "data: first\n\n"
)

// network is a school with Squid of its own: origins, our door, and a browser
// that goes through Squid.
type network struct {
	t       *testing.T
	world   *gatetest.World
	server  *Server
	dir     string
	plain   string // ports of the origins
	secure  string
	browser *http.Client
	proxy   string
}

// squidConf is what doc/icap.md tells schools to write, and what a test needs
// besides.
const squidConf = `
http_port %[1]s ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=4MB tls-cert=%[2]s/ca.pem
sslcrtd_program /usr/lib/squid/security_file_certgen -s %[2]s/certs -M 4MB
acl step1 at_step SslBump1
ssl_bump peek step1
ssl_bump bump all
tls_outgoing_options cafile=%[2]s/origin.pem

icap_enable on
icap_preview_enable on
adaptation_send_client_ip on
adaptation_send_username on
icap_206_enable on
icap_persistent_connections on
icap_service_failure_limit 100000
icap_service belisha_req reqmod_precache bypass=%[4]d icap://%[3]s/reqmod
icap_service belisha_resp respmod_precache bypass=%[4]d icap://%[3]s/respmod
acl connect method CONNECT
acl shut dstdomain shut.test
adaptation_access belisha_req deny connect !shut
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
workers %[5]d
netdb_filename none
pinger_enable off
`

func TestARealSquidAsksUs(t *testing.T) {
	if testing.Short() {
		t.Skip("squid-openssl takes a while")
	}
	if _, err := exec.LookPath("squid"); err != nil {
		t.Skip("squid-openssl is not installed")
	}
	for _, c := range []struct {
		name            string
		bypass, workers int
	}{{"one process", 0, 1}, {"two workers", 0, 2}, {"one process, with bypass", 1, 1}} {
		t.Run(c.name, func(t *testing.T) {
			n := openNetwork(t, c.bypass, c.workers)
			n.pages()
			n.events()
			n.large()
			n.changed()
			n.killed(c.bypass == 1)
		})
	}
}

// pages goes through what everyday use is.
func (n *network) pages() {
	t := n.t
	for _, c := range []struct {
		name, address string
		status        int
		says          string
	}{
		{"an open page", "http://ok.test:" + n.plain + "/page", 200, "a page of ok.test"},
		{"an open page that is read whole", "http://ok.test:" + n.plain + "/whole", 200, "a page of ok.test"},
		{"one whose head is changed", "http://ok.test:" + n.plain + "/edit", 200, "a page of ok.test"},
		{"a page without a body", "http://ok.test:" + n.plain + "/empty", 204, ""},
		{"a closed page", "http://bad.test:" + n.plain + "/page", 403, "Hill School"},
		{"a page closed by what is in it", "http://ok.test:" + n.plain + "/found", 403, "Hill School"},
		{"a large file closed by its first bytes", "http://ok.test:" + n.plain + "/large-found", 403, "Hill School"},
		{"an open page under TLS", "https://ok.test:" + n.secure + "/page", 200, "a page of ok.test"},
		{"a closed page under TLS", "https://bad.test:" + n.secure + "/page", 403, "Hill School"},
		{"one closed by what is in it", "https://ok.test:" + n.secure + "/found", 403, "Hill School"},
	} {
		for range 5 {
			status, head, body, err := n.get(c.address)
			if err != nil || status != c.status || !strings.Contains(body, c.says) {
				t.Fatalf("%s: %d, %v, %.300q", c.name, status, err, body)
			}
			if strings.HasSuffix(c.address, "/edit") != (head.Get("X-Changed") == "yes") || strings.HasSuffix(c.address, "/edit") && head.Get("Alt-Svc") != "" {
				t.Errorf("%s: %v", c.name, head)
			}
		}
	}
	// A tunnel that is not looked into is judged by its name.
	_, _, _, err := n.get("https://shut.test:" + n.secure + "/page")
	if err == nil || !strings.Contains(err.Error(), "Forbidden") {
		t.Errorf("a closed tunnel: %v", err)
	}
	form := bytes.Repeat([]byte("water cycle "), 500_000)
	for _, path := range []string{"/count", "/whole-count"} {
		res, err := n.browser.Post("http://ok.test:"+n.plain+path, "application/octet-stream", bytes.NewReader(form))
		if err != nil {
			t.Fatalf("an upload to %s: %v", path, err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(got) != strconv.Itoa(len(form)) {
			t.Errorf("an upload to %s: %q, %v", path, got, err)
		}
	}
}

// events reads what a site says now and then, without waiting for its end.
func (n *network) events() {
	res, err := n.browser.Get("http://ok.test:" + n.plain + "/events")
	if err != nil {
		n.t.Fatalf("events: %v", err)
	}
	defer res.Body.Close()
	first := make([]byte, len(event))
	if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != event {
		n.t.Errorf("the first event: %q, %v", first, err)
	}
}

// large fetches what is far larger than anything that is held, in the ways in
// which it can pass.
func (n *network) large() {
	for _, path := range []string{"/large", "/large-watched", "/large-edit", "/large-whole"} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		res, err := n.browser.Get("http://ok.test:" + n.plain + path)
		if err != nil {
			n.t.Fatalf("%s: %v", path, err)
		}
		got, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err != nil || got != download {
			n.t.Errorf("%s: %d bytes, %v", path, got, err)
		}
		runtime.ReadMemStats(&after)
		if grew := after.TotalAlloc - before.TotalAlloc; grew > 8<<20 && path != "/large-whole" {
			n.t.Errorf("%s: %d bytes were taken while 50 MB went through", path, grew)
		}
	}
}

// changed closes a site, which holds at once.
func (n *network) changed() {
	address := "http://later.test:" + n.plain + "/page"
	if status, _, _, err := n.get(address); err != nil || status != 200 {
		n.t.Fatalf("before: %d, %v", status, err)
	}
	rules := gatetest.Rules()
	rules.Own = append(rules.Own, verdict.Own{ID: "o9", Text: "later.test", Act: verdict.Block})
	n.world.Porter.Use(gatetest.Snapshot(n.t, rules))
	if status, _, body, err := n.get(address); err != nil || status != 403 || !strings.Contains(body, "Hill School") {
		n.t.Errorf("after: %d, %v", status, err)
	}
}

// killed ends our door. Without bypass nothing opens any more; with it
// everything does, which is why schools must not set it.
func (n *network) killed(bypass bool) {
	if err := n.server.Close(); err != nil {
		n.t.Fatal(err)
	}
	n.browser.CloseIdleConnections()
	status, _, body, err := n.get("http://bad.test:" + n.plain + "/page")
	switch {
	case bypass && (err != nil || status != 200):
		n.t.Errorf("with bypass: %d, %v", status, err)
	case !bypass && (err == nil && status < 500 || strings.Contains(body, "a page of")):
		n.t.Errorf("without us a closed page is %d: %.200q", status, body)
	}
	if !bypass {
		if status, _, body, err := n.get("http://ok.test:" + n.plain + "/page"); err == nil && status < 500 || strings.Contains(body, "a page of") {
			n.t.Errorf("without us an open page is %d: %.200q", status, body)
		}
	}
}

func (n *network) get(address string) (status int, head http.Header, body string, err error) {
	res, err := n.browser.Get(address)
	if err != nil {
		return 0, nil, "", err
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(all), err
}

// looking is a look inside that does what the path says.
func looking(dir string) porter.Content {
	return inside{
		request: func(_ *porter.Answer, r *http.Request) *porter.Finding {
			if r.URL.Path == "/whole-count" {
				all, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(all))
			}
			return nil
		},
		response: func(a *porter.Answer, r *http.Request, res *http.Response) *porter.Finding {
			switch r.URL.Path {
			case "/large-whole": // as for a scanner, which is given a file
				file, err := os.CreateTemp(dir, "")
				if err != nil {
					return &porter.Finding{Action: verdict.Block}
				}
				_, _ = io.Copy(file, res.Body)
				_, _ = file.Seek(0, io.SeekStart)
				res.Body = file
			case "/whole":
				return outcomes["read whole and clean"](a, r, res)
			case "/edit", "/large-edit":
				res.Header.Set("X-Changed", "yes")
			case "/large-watched":
				return outcomes["looked at as it comes"](a, r, res)
			case "/large-found":
				_, _ = io.ReadFull(res.Body, make([]byte, 512))
				return outcomes["closed by its first bytes"](a, r, res)
			case "/found":
				return outcomes["closed after all of it"](a, r, res)
			}
			return nil
		},
	}
}

// origin is a web server of any name.
func origin(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.Host)
	switch r.URL.Path {
	case "/empty":
		w.WriteHeader(http.StatusNoContent)
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, event)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // the next is for later
	case "/count", "/whole-count":
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	case "/large", "/large-watched", "/large-edit", "/large-whole", "/large-found":
		piece := make([]byte, 64<<10)
		w.Header().Set("Content-Length", strconv.Itoa(download))
		for range download / len(piece) {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	default:
		w.Header().Set("Alt-Svc", `h3=":443"`)
		fmt.Fprintf(w, "<!doctype html><title>x</title><p>a page of %s %s", host, strings.Repeat("and more ", 2000))
	}
}

func openNetwork(t *testing.T, bypass, workers int) *network {
	n := &network{t: t, dir: t.TempDir()}
	n.world, n.server = open(t, func(c *Config) { c.Content = looking(n.dir) })
	rules := gatetest.Rules()
	rules.Own = append(rules.Own, verdict.Own{ID: "o8", Text: "shut.test", Act: verdict.Block})
	n.world.Porter.Use(gatetest.Snapshot(t, rules))
	plain := httptest.NewServer(http.HandlerFunc(origin))
	t.Cleanup(plain.Close)
	n.plain = plain.URL[strings.LastIndexByte(plain.URL, ':')+1:]
	cert := n.certificate("origin.pem", "")
	secure := httptest.NewUnstartedServer(http.HandlerFunc(origin))
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	n.secure = secure.URL[strings.LastIndexByte(secure.URL, ':')+1:]
	n.squid(bypass, workers)
	return n
}

// certificate writes one that is its own authority, with its key where a file
// is given for both.
func (n *network) certificate(file, withKey string) tls.Certificate {
	t := n.t
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := clock.System{}.Now()
	x := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: file}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"ok.test", "bad.test", "shut.test"},
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, x, x, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if withKey != "" {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})...)
	}
	n.write(file, string(out))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (n *network) write(name, text string) {
	n.t.Helper()
	if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o644); err != nil {
		n.t.Fatal(err)
	}
}

// squid starts Squid, and gives the browser its way through it.
func (n *network) squid(bypass, workers int) {
	t := n.t
	t.Helper()
	ca := n.certificate("ca.pem", "ca.pem")
	n.write("hosts", "127.0.0.1 ok.test bad.test shut.test later.test\n")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.proxy = ln.Addr().String()
	ln.Close()
	n.write("squid.conf", fmt.Sprintf(squidConf, n.proxy, n.dir, n.server.Addr(), bypass, workers))
	if out, err := exec.Command("/usr/lib/squid/security_file_certgen", "-c", "-s", filepath.Join(n.dir, "certs"), "-M", "4MB").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	n.hand()
	service := "b" + strconv.Itoa(os.Getpid()) + "w" + strconv.Itoa(workers) + "b" + strconv.Itoa(bypass)
	args := []string{"--foreground", "-f", filepath.Join(n.dir, "squid.conf"), "-n", service}
	if workers == 1 {
		args[0] = "-N"
	}
	cmd := exec.Command("squid", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		n.end(cmd, ended)
		left, _ := filepath.Glob("/run/squid/" + service + "-*.ipc") // of its workers
		for _, file := range left {
			_ = os.Remove(file)
		}
	})
	roots := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(ca.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(leaf)
	transport := &http.Transport{
		Proxy:           http.ProxyURL(&url.URL{Scheme: "http", Host: n.proxy}),
		TLSClientConfig: &tls.Config{RootCAs: roots}, DisableCompression: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	n.browser = &http.Client{Transport: transport, Timeout: 20 * time.Second}
	n.wait(ended)
}

// hand gives the folder to the user as whom Squid runs, where it changes to
// one.
func (n *network) hand() {
	if os.Getuid() != 0 {
		return
	}
	u, err := user.Lookup("proxy")
	if err != nil {
		n.t.Skip("squid-openssl has no user of its own here")
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	err = filepath.WalkDir(n.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, uid, gid)
	})
	if err != nil {
		n.t.Fatal(err)
	}
	for dir := filepath.Dir(n.dir); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			n.t.Fatal(err)
		}
	}
}

// wait is over when Squid answers and has asked our door for its options.
func (n *network) wait(ended <-chan error) {
	stop := time.After(30 * time.Second)
	for {
		status, _, _, err := n.get("http://ok.test:" + n.plain + "/page")
		if err == nil && status == 200 && n.server.Counts().Requests >= 3 {
			return
		}
		select {
		case <-ended:
			n.t.Fatalf("squid ended: %s", n.log())
		case <-stop:
			n.t.Fatalf("squid does not answer: %d, %v: %s", status, err, n.log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (n *network) log() string {
	raw, _ := os.ReadFile(filepath.Join(n.dir, "cache.log"))
	return string(raw[max(0, len(raw)-3000):])
}

// end stops Squid and all that it started.
func (n *network) end(cmd *exec.Cmd, ended <-chan error) {
	group := -cmd.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	if n.t.Failed() {
		n.t.Logf("squid's log: %s", n.log())
	}
}
