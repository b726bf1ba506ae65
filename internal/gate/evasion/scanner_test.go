package evasion

import (
	"bufio"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// scanner is Debian's clamd with a signature of our own, behind a relay that
// can be told to misbehave as networks and overloaded machines do.
type scanner struct {
	socket string
	ln     net.Listener
	mu     sync.Mutex
	mode   string // "", "away", "error", "reset", "silent", "limit"
}

// newScanner returns nil where clamd is not installed.
func newScanner(t testing.TB) *scanner {
	t.Helper()
	program, err := exec.LookPath("clamd")
	if err != nil {
		program = "/usr/sbin/clamd"
		if _, err := os.Stat(program); err != nil {
			return nil
		}
	}
	dir := t.TempDir()
	s := &scanner{socket: filepath.Join(dir, "s")}
	sum := md5.Sum([]byte(eicar))
	files := map[string]string{
		"own.hdb": fmt.Sprintf("%s:%d:Belisha.Test.File\n", hex.EncodeToString(sum[:]), len(eicar)),
		"clamd.conf": strings.Join([]string{
			"LocalSocket " + s.socket, "DatabaseDirectory " + dir, "Foreground yes", "TemporaryDirectory " + dir, "LogFile " + filepath.Join(dir, "log"),
			"AlertExceedsMax yes", "AlertEncrypted yes",
		}, "\n") + "\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "--config-file="+filepath.Join(dir, "clamd.conf"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if s.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.ln.Close() })
	s.wait(t)
	go s.relay()
	return s
}

func (s *scanner) wait(t testing.TB) {
	for stop := now().Add(30 * time.Second); now().Before(stop); <-time.After(20 * time.Millisecond) {
		c, err := net.Dial("unix", s.socket)
		if err != nil {
			continue
		}
		_, _ = c.Write([]byte("zPING\x00"))
		said, _ := bufio.NewReader(c).ReadString(0)
		c.Close()
		if strings.HasPrefix(said, "PONG") {
			return
		}
	}
	t.Fatal("clamd did not start")
}

func (s *scanner) address() string { return s.ln.Addr().String() }

func (s *scanner) behave(mode string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode = mode
}

func (s *scanner) relay() {
	for {
		c, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		mode := s.mode
		s.mu.Unlock()
		go s.one(c, mode)
	}
}

func (s *scanner) one(c net.Conn, mode string) {
	defer c.Close()
	if mode == "away" {
		return
	}
	if mode != "" {
		misbehave(c, mode)
		return
	}
	d, err := net.Dial("unix", s.socket)
	if err != nil {
		return
	}
	defer d.Close()
	done := make(chan struct{})
	go func() { _, _ = io.Copy(d, c); d.Close(); close(done) }() // either end may go first
	_, _ = io.Copy(c, d)
	c.Close()
	<-done
}

// misbehave takes the file and answers as a scanner in trouble does.
func misbehave(c net.Conn, mode string) {
	buf := make([]byte, 4096)
	n, _ := c.Read(buf)
	if strings.HasPrefix(string(buf[:n]), "zPING") || strings.HasPrefix(string(buf[:n]), "zVERSION") {
		_, _ = c.Write([]byte("PONG\x00"))
		return
	}
	switch mode {
	case "reset":
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
		return
	case "limit":
		_, _ = c.Write([]byte("INSTREAM size limit exceeded. ERROR\x00"))
	case "error":
		_, _ = c.Write([]byte("stream: Can't allocate memory ERROR\x00"))
	case "nonsense":
		_, _ = c.Write([]byte("stream: OKAY then\x00"))
	}
	_, _ = io.Copy(io.Discard, c)
}
