//go:build linux

package stories_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"belisha/internal/gate/control"
)

func filterPID(dir string) (int, error) {
	st, err := control.ReadState(filepath.Join(dir, "gate"))
	if err != nil {
		return 0, err
	}
	if err := syscall.Kill(st.PID, 0); err != nil {
		return 0, fmt.Errorf("the filter %d is gone", st.PID)
	}
	return st.PID, nil
}

// filterIs speaks of the filter's process: filter note; then filter same, new
// or gone; filter kill ends it, filter alone starts it without a server.
func filterIs(s *story, args []string) error {
	pid, err := filterPID(s.data)
	switch args[0] {
	case "gone":
		if err == nil {
			return fmt.Errorf("the filter %d runs", pid)
		}
		return nil
	case "note":
		s.filter = pid
	case "same":
		if pid != s.filter {
			return fmt.Errorf("the filter is %d and was %d", pid, s.filter)
		}
	case "new":
		if pid == s.filter {
			return fmt.Errorf("the filter is still %d", pid)
		}
	case "alone":
		return s.filterAlone()
	case "kill":
		return errors.Join(err, syscall.Kill(pid, syscall.SIGKILL))
	}
	return err
}

// filterAlone starts the filter by itself, as the server does, with no server
// there to mend anything.
func (s *story) filterAlone() error {
	cmd := exec.Command(s.program, "gate", "--data", s.data, "--config", s.config, "--listen-proxy", s.doors[0], "--listen-dns", s.doors[1],
		"--upstream-dns", s.net.dns, "--allow-private", "127.0.0.1/32", "--allow-private", s.net.secure)
	cmd.Env = append(os.Environ(), clockFile+"="+s.ts.Getenv(clockFile))
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if pid, err := filterPID(s.data); err == nil && pid == cmd.Process.Pid {
			s.ts.Setenv("PROXY", s.doors[0])
			s.ts.Setenv("DNS", s.doors[1])
			return nil
		}
	}
	return errors.New("the filter does not start alone")
}

// endFilter ends a filter that a story left running.
func endFilter(dir string) {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	_ = control.NewClient(control.SocketPath(filepath.Join(dir, "gate"))).Stop(ctx) // none runs: nothing to end
}
