package stories_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is the built binary.
var program string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

// buildAndRun builds the program as it ships, once for all stories.
func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "belisha-stories-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "belisha")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	cmd := exec.Command("go", "build", "-o", program, "../cmd/belisha")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building belisha: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// server is one running `belisha serve`.
type server struct {
	Dir                      string
	Pages, Proxy, DNS, Admin string
	Scheme                   string // of the pages: http or https
	Code                     string // of the set-up, "" when it is done
	cmd                      *exec.Cmd
	out                      *tail
	ended                    chan struct{}
}

// tail keeps what a program printed and lets others wait for it.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.WriteString(line + "\n")
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

var (
	pagesLine = regexp.MustCompile(`(?m)^\s*pages\s+(https?)://(\S+?)/?$`)
	proxyLine = regexp.MustCompile(`(?m)^\s*proxy\s+(\S+)$`)
	dnsLine   = regexp.MustCompile(`(?m)^\s*DNS\s+(\S+)`)
	adminLine = regexp.MustCompile(`(?m)^\s*admin\s+http://(\S+?)/?$`)
	codeLine  = regexp.MustCompile(`(?m)code:?\s+([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})`)
)

// launch starts `belisha serve` on free ports and waits until it says where it
// listens. extra are more flags. Whoever launches it stops it.
func launch(dir string, extra ...string) (*server, error) {
	return launchAs(program, nil, dir, extra...)
}

// launchAs starts another build of the program, with more in its environment.
func launchAs(bin string, env []string, dir string, extra ...string) (*server, error) {
	args := append([]string{
		"serve", "--data", dir, "--listen-pages", "127.0.0.1:0", "--listen-proxy", "127.0.0.1:0",
		"--listen-dns", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0",
	}, extra...)
	s := &server{Dir: dir, cmd: exec.Command(bin, args...), out: &tail{}, ended: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), env...)
	pr, pw := io.Pipe()
	s.cmd.Stdout, s.cmd.Stderr = pw, pw
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go s.read(pr, ready)
	go func() {
		_ = s.cmd.Wait()
		_ = pw.Close()
		close(s.ended)
	}()
	select {
	case <-ready:
		return s, nil
	case <-s.ended:
		return nil, fmt.Errorf("belisha serve ended:\n%s", s.out)
	case <-time.After(90 * time.Second):
		s.Stop(syscall.SIGINT)
		return nil, fmt.Errorf("belisha serve did not get ready:\n%s", s.out)
	}
}

// read watches the output until the last address line.
func (s *server) read(r io.Reader, ready chan struct{}) {
	done := false
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 1<<16), 1<<20)
	for sc.Scan() {
		s.out.add(sc.Text())
		if done || !strings.Contains(sc.Text(), "Ready") {
			continue
		}
		done = true
		text := s.out.String()
		if m := pagesLine.FindStringSubmatch(text); m != nil {
			s.Scheme, s.Pages = m[1], m[2]
		}
		s.Proxy, s.DNS, s.Admin = firstOf(proxyLine, text), firstOf(dnsLine, text), firstOf(adminLine, text)
		s.Code = firstOf(codeLine, text)
		close(ready)
	}
}

func firstOf(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// Stop sends a signal and waits for the end. SIGINT ends the filter too.
func (s *server) Stop(sig syscall.Signal) {
	select {
	case <-s.ended:
		return
	default:
	}
	_ = s.cmd.Process.Signal(sig)
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// Command runs another belisha command on the same folder and returns what it
// printed and its exit status.
func (s *server) Command(tb testing.TB, args ...string) (string, int) {
	tb.Helper()
	return belisha(tb, s.Dir, args...)
}

func belisha(tb testing.TB, dir string, args ...string) (string, int) {
	tb.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, program, append([]string{"--data", dir}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		tb.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// client is somebody with a browser on the pages.
type client struct {
	tb   testing.TB
	http *http.Client
	base string
}

// Client returns a reader of the pages with cookies of their own.
func (s *server) Client(tb testing.TB) *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return &client{tb: tb, base: "http://" + s.Pages, http: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// Get opens a page and returns its status and text.
func (c *client) Get(path string) (int, string) {
	c.tb.Helper()
	r, err := c.http.Get(c.base + path)
	return c.answer(r, err)
}

// Post sends a form as the page would.
func (c *client) Post(path string, form url.Values) (int, string) {
	c.tb.Helper()
	req, err := http.NewRequest(http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	r, err := c.http.Do(req)
	return c.answer(r, err)
}

func (c *client) answer(r *http.Response, err error) (int, string) {
	c.tb.Helper()
	if err != nil {
		c.tb.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		c.tb.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// SignIn signs in on the sign-in page.
func (c *client) SignIn(username, password string) {
	c.tb.Helper()
	code, body := c.Post("/sign-in", url.Values{"username": {username}, "password": {password}})
	if code != 200 || strings.Contains(body, `name="password"`) {
		c.tb.Fatalf("signing in as %s: %d\n%s", username, code, body)
	}
}

// Through returns a client that goes through the filter.
func (s *server) Through() *http.Client {
	proxy := &url.URL{Scheme: "http", Host: s.Proxy}
	return &http.Client{
		Timeout:   15 * time.Second,
		Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true},
	}
}
