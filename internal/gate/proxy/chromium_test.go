package proxy

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/ca"
	"belisha/internal/kit/clock"
)

// dom opens an address in Chromium, in which nothing is installed but the
// school's certificate, and returns the page that it shows.
func dom(t *testing.T, home, proxy, address string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--user-data-dir="+filepath.Join(home, "profile"), "--proxy-server=http://"+proxy, "--proxy-bypass-list=<-loopback>",
		"--virtual-time-budget=4000", "--dump-dom", address)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return string(out)
}

func TestChromiumTakesTheInspectedPageOverHTTP2(t *testing.T) {
	if testing.Short() {
		t.Skip("make test opens pages in a browser; make check needs only Go")
	}
	for program, pkg := range map[string]string{"chromium": "chromium", "certutil": "libnss3-tools"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("no " + program + " on PATH: install " + pkg + " to run the browser tests")
		}
	}
	home := t.TempDir()
	authority, err := ca.Create(filepath.Join(home, "ca"), "Hill School", seal{}, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	nss := filepath.Join(home, ".pki", "nssdb")
	pem := filepath.Join(home, "school.pem")
	if err := os.MkdirAll(nss, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pem, authority.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-N", "--empty-password"}, {"-A", "-t", "C,,", "-n", "school", "-i", pem}} {
		if out, err := exec.Command("certutil", append([]string{"-d", "sql:" + nss}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("certutil %v: %v %s", args, err, out)
		}
	}
	x := newInspection(t, func(c *Config, _ table) { c.Leaves = authority })
	proxy := x.server.Addr().String()
	for _, c := range []struct{ name, address, want string }{
		{"an open site", x.at("ok.test", "/html"), "</script>h2 and over HTTP/2.0"},
		{"a closed one", x.at("bad.test", "/"), "This page is not for school."},
		{"one that does not prove itself", x.at("expired.test", "/"), "This site cannot show who it is"},
		{"one that leads to a closed one", x.at("ok.test", "/to/?u=https://bad.test/"), "This page is closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := dom(t, home, proxy, c.address); !strings.Contains(got, c.want) {
				t.Errorf("got %.600s", got)
			}
		})
	}
}
