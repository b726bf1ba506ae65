//go:build linux

package stories_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"belisha/internal/gate/identity/kdctest"
)

// inRealm lets a story start a realm as a test does.
type inRealm struct {
	*story
}

func (r inRealm) Helper()          {}
func (r inRealm) TempDir() string  { return filepath.Join(r.work, "realm") }
func (r inRealm) Skip(args ...any) { r.t.Skip(args...) }
func (r inRealm) Fatal(args ...any) {
	r.t.Fatal(args...)
}
func (r inRealm) Fatalf(format string, args ...any) { r.t.Fatal(fmt.Sprintf(format, args...)) }
func (r inRealm) Cleanup(f func())                  { r.later = append(r.later, f) }

// realm starts the school's domain with these people, whose passwords are their
// names, and writes the proxy's keytab: realm FILE USER….
func realm(s *story, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: realm FILE USER…")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		s.t.Skip("needs curl")
	}
	in := inRealm{s}
	if err := os.MkdirAll(in.TempDir(), 0o700); err != nil {
		return err
	}
	s.realm = kdctest.Start(in, args[1:]...)
	raw, err := os.ReadFile(s.realm.Keytab(in, "HTTP/localhost"))
	if err != nil {
		return err
	}
	return os.WriteFile(s.ts.MkAbs(args[0]), raw, 0o600)
}

// ticket is the header with which somebody's computer answers a proxy that
// asks who they are: curl makes it, as it would for the filter.
func (s *story) ticket(user string) (string, error) {
	if s.realm == nil {
		return "", errors.New("the story has no realm")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	cmd := exec.Command("curl", "-s", "--max-time", "20", "--proxy-negotiate", "--proxy-user", ":",
		"--proxy", fmt.Sprintf("http://localhost:%d", ln.Addr().(*net.TCPAddr).Port), "http://site.test/")
	cmd.Env = s.realm.SignIn(inRealm{s}, user, "1h")
	if err := cmd.Start(); err != nil {
		return "", err
	}
	defer func() { _ = cmd.Wait() }() // it ends with its connection
	if err := ln.(*net.TCPListener).SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return "", err
	}
	conn, err := ln.Accept()
	if err != nil {
		return "", err
	}
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return "", err
	}
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	return r.Header.Get("Proxy-Authorization"), nil
}
