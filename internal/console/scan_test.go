package console

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// program is the smallest thing that Windows would start: a stub, a pointer
// and a signature.
func program() []byte {
	b := make([]byte, 512)
	copy(b, "MZ")
	binary.LittleEndian.PutUint32(b[0x3c:], 0x80)
	copy(b[0x80:], "PE\x00\x00\x4c\x01")
	return b
}

func TestScanLooksAsTheFilterLooks(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, body []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("photo.jpg", program())
	write("frogs.html", []byte("<h1>Frogs</h1><p>Frogs are small animals that live near ponds."))
	write("page.html", []byte("<p>free p&#111;rn, hard<b>core</b> porn videos, porn"))
	run := func(stdin string, args ...string) (int, []map[string]any, string) {
		var o, e bytes.Buffer
		status := Run(context.Background(), Invocation{
			Args: append([]string{"--json", "scan"}, args...), Dir: dir, User: "test", Version: "9.9",
			Stdin: strings.NewReader(stdin), Stdout: &o, Stderr: &e,
		})
		var out []map[string]any
		d := json.NewDecoder(&o)
		for d.More() {
			var line map[string]any
			if err := d.Decode(&line); err != nil {
				t.Fatal(err)
			}
			out = append(out, line)
		}
		return status, out, e.String()
	}
	status, out, errOut := run("", "photo.jpg", "frogs.html", "page.html")
	if status != Done || len(out) != 3 {
		t.Fatalf("scan: %d %v %q", status, out, errOut)
	}
	if out[0]["action"] != "block" || out[0]["kind"] != "program" || out[0]["reason"] != "file" {
		t.Errorf("a program called a picture: %v", out[0])
	}
	if out[1]["action"] != "allow" || out[1]["kind"] != "page" || out[1]["score"] != 0.0 {
		t.Errorf("a page about frogs: %v", out[1])
	}
	if out[2]["action"] != "block" || out[2]["category"] != "adult" || out[2]["score"].(float64) <= out[2]["limit"].(float64) || len(out[2]["matches"].([]any)) == 0 {
		t.Errorf("a page over its limit: %v", out[2])
	}
	if status, out, _ := run("nothing of note", "--type", "text/plain"); status != Done || out[0]["action"] != "allow" || out[0]["kind"] != "text" {
		t.Errorf("standard input: %d %v", status, out)
	}
	if status, _, errOut := run("", "gone.html"); status != CouldNot || !strings.Contains(errOut, "gone.html cannot be read") {
		t.Errorf("a file that is not there: %d %q", status, errOut)
	}
	if status, _, errOut := run("x", "--group", "toast"); status == Done || !strings.Contains(errOut, "pupils, staff, guests") {
		t.Errorf("a group that is not there: %d %q", status, errOut)
	}
}
