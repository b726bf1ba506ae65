//go:build linux

package stories_test

import (
	"bufio"
	"crypto/md5" //nolint:gosec // the format of the scanner's signatures
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// eicar is the file by which every scanner is tried; in two pieces, so that no
// scanner stumbles over this one.
const eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-` + `ANTIVIRUS-TEST-FILE!$H+H*`

// scanner is about the virus scanner of the story's school, which is Debian's
// with one signature of our own: scanner set before the school says where it
// is, scanner start and scanner stop do it.
func scanner(s *story, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: scanner set|start|stop")
	}
	socket := filepath.Join(s.work, "clamd", "socket")
	switch args[0] {
	case "set":
		return writeConfig(s.config, s.net, fmt.Sprintf("[clamd]\naddress = %q\n", "unix:"+socket))
	case "start":
		return s.startScanner(socket)
	case "stop":
		return s.stopScanner()
	}
	return fmt.Errorf("a scanner does not %s", args[0])
}

func (s *story) stopScanner() error {
	if s.scanner == nil {
		return errors.New("no scanner runs")
	}
	_ = s.scanner.Process.Kill()
	_ = s.scanner.Wait() // it was killed
	s.scanner = nil
	return nil
}

func (s *story) startScanner(socket string) error {
	program, err := exec.LookPath("clamd")
	if err != nil {
		program = "/usr/sbin/clamd"
		if _, err := os.Stat(program); err != nil {
			s.t.Skip("needs Debian's clamav-daemon")
		}
	}
	dir := filepath.Dir(socket)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	sum := md5.Sum([]byte(eicar)) //nolint:gosec // as above
	conf := strings.Join([]string{"LocalSocket " + socket, "DatabaseDirectory " + dir, "TemporaryDirectory " + dir, "Foreground yes", "LogFile " + filepath.Join(dir, "log")}, "\n") + "\n"
	for name, text := range map[string]string{
		"own.hdb": fmt.Sprintf("%s:%d:Story.Test.File\n", hex.EncodeToString(sum[:]), len(eicar)), "clamd.conf": conf,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	_ = os.Remove(filepath.Join(dir, "log")) // one that was killed holds it no longer
	s.scanner = exec.Command(program, "--config-file="+filepath.Join(dir, "clamd.conf"))
	if err := s.scanner.Start(); err != nil {
		s.scanner = nil
		return err
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if scannerAnswers(socket) {
			return nil
		}
	}
	return errors.New("clamd does not start")
}

func scannerAnswers(socket string) bool {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_, _ = c.Write([]byte("zPING\x00"))
	said, _ := bufio.NewReader(c).ReadString(0)
	return strings.HasPrefix(said, "PONG")
}
