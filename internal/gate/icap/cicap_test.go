package icap

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTheClientOfCICAPUnderstandsUs goes through what Debian's c-icap-client
// can ask, with and without previews, 204 and 206.
func TestTheClientOfCICAPUnderstandsUs(t *testing.T) {
	if _, err := exec.LookPath("c-icap-client"); err != nil {
		t.Skip("c-icap is not installed")
	}
	_, s := open(t, func(c *Config) { c.Content = looking(t.TempDir()) })
	dir := t.TempDir()
	body := bytes.Repeat([]byte("a page of ok.test. "), 3000)
	file := filepath.Join(dir, "page.html")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, service string, args ...string) (text, out string) {
		t.Helper()
		to := filepath.Join(t.TempDir(), "out")
		args = append([]string{"-i", "127.0.0.1", "-p", strconv.Itoa(int(s.Addr().Port())), "-s", service, "-o", to, "-v"}, args...)
		said, err := exec.Command("c-icap-client", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		got, _ := os.ReadFile(to) // there is none after 204
		return string(said), string(got)
	}
	if said, _ := run(t, "respmod"); !strings.Contains(said, "Allow 204: Yes") || !strings.Contains(said, "Preview: 0") || !strings.Contains(said, `ISTag: "belisha-`) {
		t.Errorf("its options: %s", said)
	}
	options := map[string][]string{
		"as it comes": nil, "without preview": {"-nopreview"}, "without 204": {"-no204"}, "neither": {"-nopreview", "-no204"},
		"with 206": {"-206"}, "206 and no 204": {"-206", "-no204"}, "a small preview": {"-w", "10"}, "an empty preview": {"-w", "0"},
	}
	for name, opts := range options {
		for path, changed := range map[string]bool{"/page": false, "/whole": false, "/edit": true} {
			t.Run(name+" "+path, func(t *testing.T) {
				said, out := run(t, "respmod", append(opts, "-f", file, "-resp", "http://ok.test"+path)...)
				if strings.Contains(said, "ICAP/1.0 206 ") && changed {
					return // it reads no head that comes in place of the rest of a preview, see below
				}
				whole := strings.Contains(out, string(body)) || strings.Contains(said, "No modification needed")
				if !whole || changed != strings.Contains(said, "X-Changed: yes") {
					t.Errorf("%d bytes came of %d: %s", len(out), len(body), said)
				}
			})
		}
		t.Run(name+", closed", func(t *testing.T) {
			for _, address := range []string{"http://bad.test/", "http://ok.test/found"} {
				if address == "http://bad.test/" && !slices.Contains(opts, "-nopreview") {
					continue // nor a page
				}
				said, out := run(t, "respmod", append(opts, "-f", file, "-resp", address)...)
				if !strings.Contains(out, "Hill School") || !strings.Contains(said, "403 Forbidden") {
					t.Errorf("%s: %s", address, said)
				}
			}
		})
		t.Run(name+", a request", func(t *testing.T) {
			said, out := run(t, "reqmod", append(opts, "-f", file, "-req", "http://ok.test/whole-count", "-method", "POST")...)
			if !strings.Contains(out, string(body)) && !strings.Contains(said, "No modification needed") {
				t.Errorf("%d bytes came: %s", len(out), said)
			}
			if _, out := run(t, "reqmod", append(opts, "-req", "http://bad.test/")...); !strings.Contains(out, "Hill School") {
				t.Errorf("a closed request: %s", out)
			}
		})
	}
}
