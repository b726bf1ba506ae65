package proxy

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/clock"
)

func TestChromiumProvesItsOwnerByItself(t *testing.T) {
	if testing.Short() {
		t.Skip("make test opens pages in a browser; make check needs only Go")
	}
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("no chromium on PATH: install chromium to run the browser tests")
	}
	b := newTicketed(t, clock.System{})
	open := func(env []string, address string) string {
		t.Helper()
		home := t.TempDir()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
			"--user-data-dir="+filepath.Join(home, "profile"), fmt.Sprintf("--proxy-server=http://localhost:%d", b.server.Addr().Port()),
			"--proxy-bypass-list=<-loopback>", "--dump-dom", address)
		cmd.Env = append(env[:len(env):len(env)], "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)
		cmd.WaitDelay = 5 * time.Second
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		return string(out)
	}
	for who, want := range map[string]string{"mrhill": "origin says hello", "mia": "Games are closed"} {
		if got := open(b.kdc.SignIn(t, who, "1h"), b.site("/")); !strings.Contains(got, want) {
			t.Errorf("%s: %.600s", who, got)
		}
	}
	if s := b.proof.Status(); s.Proved < 2 || s.Refused["NTLM"] != 0 {
		t.Errorf("%+v", s)
	}
}
