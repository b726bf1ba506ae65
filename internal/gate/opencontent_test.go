package gate

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/spool"
	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
	"belisha/internal/verdict/scan"
	"belisha/internal/verdict/snapfile"
)

const signed = "ringtailed lemur of the test"

// clamdHere starts Debian's clamd with one signature of our own.
func clamdHere(t *testing.T) (address string) {
	t.Helper()
	program, err := exec.LookPath("clamd")
	if err != nil {
		if program = "/usr/sbin/clamd"; func() error { _, err := os.Stat(program); return err }() != nil {
			t.Skip("needs Debian's clamav-daemon")
		}
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	for name, text := range map[string]string{
		"own.ndb":    "Belisha.Test.Words:0:*:" + hex.EncodeToString([]byte(signed)) + "\n",
		"clamd.conf": "LocalSocket " + socket + "\nDatabaseDirectory " + dir + "\nForeground yes\nTemporaryDirectory " + dir + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "--config-file="+filepath.Join(dir, "clamd.conf"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	until(t, "clamd answers", func() bool {
		c, err := net.Dial("unix", socket)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return "unix:" + socket
}

// publishInside puts rules in force under which pupils' pages are weighed and
// their files looked into.
func (s *school) publishInside(t *testing.T) {
	t.Helper()
	b := scan.NewBuilder(scan.Options{})
	if _, err := b.Add(scan.Line{Parts: []string{" badword "}, Weight: 100, Category: "adult"}); err != nil {
		t.Fatal(err)
	}
	file, _, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	phrases, err := snapfile.PutPhrases(s.dir, file)
	if err != nil {
		t.Fatal(err)
	}
	_, hash := gatetest.Segment(t, snapfile.SegmentsDir(s.dir))
	rules := gatetest.Rules()
	rules.Groups[0].Content = &verdict.Content{Phrases: 60, Viruses: "closed", TooLarge: verdict.Block, Files: map[string]verdict.Action{"program": verdict.Block}}
	refs := []snapfile.SegmentRef{{Source: "starter", Title: "starter list", Hash: hash}, phrases}
	if _, err := snapfile.Publish(s.dir, s.key, clock.System{}.Now(), rules, refs); err != nil {
		t.Fatal(err)
	}
}

func packed(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.String()
}

func TestTheFilterLooksInsideWhatPassesIt(t *testing.T) {
	s := newSchool(t)
	program := make([]byte, 1024)
	copy(program, "MZ")
	program[0x3c] = 0x80
	copy(program[0x80:], "PE\x00\x00\x64\x86")
	answers := map[string]struct{ typ, coding, body string }{
		"/page":    {"text/html", "", "<p>a badword here"},
		"/packed":  {"text/html", "gzip", packed("<p>a badword here")},
		"/fine":    {"text/html", "gzip", packed("<p>a kind word here")},
		"/program": {"image/jpeg", "", string(program)},
		"/virus":   {"application/octet-stream", "", "\x00 " + signed},
		"/file":    {"application/octet-stream", "", "\x00 nothing in it"},
	}
	s.origin.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := answers[r.URL.Path]
		w.Header().Set("Content-Type", a.typ)
		if a.coding != "" {
			w.Header().Set("Content-Encoding", a.coding)
		}
		_, _ = io.WriteString(w, a.body)
	})
	s.cfg.Doors.Clamd = []string{clamdHere(t)}
	s.publishInside(t)
	st, control, _ := s.run(t)
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: st.Proxy}), DisableCompression: true,
	}}
	t.Cleanup(client.CloseIdleConnections)
	for path, want := range map[string]int{"/page": 403, "/packed": 403, "/fine": 200, "/program": 403, "/virus": 403, "/file": 200} {
		res, err := client.Get(fmt.Sprintf("http://ok.test:%d%s", s.origin.Listener.Addr().(*net.TCPAddr).Port, path))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != want || want == 200 && string(body) != answers[path].body || want == 403 && strings.Contains(string(body), "badword") {
			t.Errorf("%s: %d, %v\n%s", path, res.StatusCode, err, body)
		}
	}
	status, err := control.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c := status.Content; c.Pages != 3 || c.Closed != 4 || c.Scanned < 2 || len(c.Scanners) != 1 || !c.Scanners[0].OK {
		t.Errorf("status %+v", c)
	}
	reader, err := spool.OpenReader(filepath.Join(s.dir, "spool"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	until(t, "the blocks are written down", func() bool {
		events, _, err := reader.Next(1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Reason != "" && e.Action == spool.ActionBlock {
				found[e.Reason] = e.Detail
			}
		}
		return len(found) == 3
	})
	for reason, detail := range map[string]string{"phrases": "phrases 100 of 60: adult", "file": "file program: Windows program", "virus": "virus Belisha.Test.Words"} {
		if !strings.HasPrefix(found[reason], detail) {
			t.Errorf("%s: %q", reason, found[reason])
		}
	}
}
