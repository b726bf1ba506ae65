package console

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
)

// typed runs a command line in an empty folder.
func typed(t *testing.T, args ...string) (status int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	status = Run(context.Background(), Invocation{
		Args: args, Dir: t.TempDir(), User: "test", Version: "9.9", Stdin: strings.NewReader(""), Stdout: &o, Stderr: &e,
	})
	return status, o.String(), e.String()
}

func TestWhatIsNotBuiltSaysSoAndEndsWithTwo(t *testing.T) {
	for _, line := range []string{
		"classify", "assets import f.csv", "images check a.jpg", "images clean a.jpg",
		"records move --to postgres://x", "gate --snapshot-from http://x --token-file f",
	} {
		status, out, errOut := typed(t, strings.Fields(line)...)
		if status != WrongUse || out != "" || !strings.Contains(errOut, "not built yet") || strings.Count(errOut, "\n") != 1 {
			t.Errorf("belisha %s: %d, %q, %q", line, status, out, errOut)
		}
	}
}

func TestWrongUseIsOneSentenceAndTwo(t *testing.T) {
	for _, line := range []string{"frobnicate", "decide --frob x", "policy", "people import", "decide --group pupils --as x http://a.test"} {
		status, _, errOut := typed(t, strings.Fields(line)...)
		if status != WrongUse || !strings.HasPrefix(errOut, "belisha: ") || strings.Count(strings.TrimSpace(errOut), "\n") != 0 {
			t.Errorf("belisha %s: %d, %q", line, status, errOut)
		}
	}
}

func TestAWrongFolderIsNotMadeByLookingAtIt(t *testing.T) {
	for _, line := range []string{"journal verify", "backup list", "doctor"} {
		status, _, errOut := typed(t, strings.Fields(line)...)
		if status != CouldNot || !strings.Contains(errOut, "no data folder") {
			t.Errorf("belisha %s: %d, %q", line, status, errOut)
		}
	}
}

func TestTheVersionAndEveryRequirementAreSaid(t *testing.T) {
	if status, out, _ := typed(t, "version"); status != Done || strings.TrimSpace(out) != "belisha 9.9" {
		t.Errorf("version: %d %q", status, out)
	}
	status, out, errOut := typed(t, "requirements", "--json")
	if status != Done {
		t.Fatalf("requirements: %d %q", status, errOut)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 397 {
		t.Fatalf("%d requirements, want 397", len(lines))
	}
	for _, l := range lines {
		var q struct {
			ID, State string
			By, Tests []string
		}
		if err := json.Unmarshal([]byte(l), &q); err != nil || q.ID == "" {
			t.Fatalf("line %q: %v", l, err)
		}
		claimed := q.State != "missing"
		if claimed != (len(q.By) > 0 && len(q.Tests) > 0) {
			t.Errorf("%s is %s by %v, tested by %v", q.ID, q.State, q.By, q.Tests)
		}
	}
}

func TestAFreshFolderDecidesByTheSafeDefaults(t *testing.T) {
	for group, want := range map[string]string{"pupils": "block", "staff": "allow", "guests": "block"} {
		status, out, errOut := typed(t, "decide", "--json", "--group", group, "https://www.facebook.com/x")
		var a struct{ Action, Reason, Group string }
		if err := json.Unmarshal([]byte(out), &a); status != Done || err != nil {
			t.Fatalf("%s: %d %q %v", group, status, errOut, err)
		}
		if group != "guests" && a.Action != want || a.Group != group {
			t.Errorf("%s: %+v", group, a)
		}
	}
}

func TestFramesCarryBothStreamsAndTheInput(t *testing.T) {
	var wire bytes.Buffer
	mu := &sync.Mutex{}
	if _, err := (frameWriter{mu, &wire, frameOutput}).Write([]byte(strings.Repeat("x", maxFrame+10))); err != nil {
		t.Fatal(err)
	}
	if _, err := (frameWriter{mu, &wire, frameError}).Write([]byte("trouble")); err != nil {
		t.Fatal(err)
	}
	if err := writeFrame(&wire, frameExit, []byte{3}); err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	if got := receive(&wire, Invocation{Stdout: &o, Stderr: &e}); got != 3 || o.Len() != maxFrame+10 || e.String() != "trouble" {
		t.Errorf("status %d, %d bytes out, %q", got, o.Len(), e.String())
	}
	sendInput(&wire, strings.NewReader("line one\nline two\n"))
	b, err := io.ReadAll(&inputReader{r: &wire})
	if err != nil || string(b) != "line one\nline two\n" {
		t.Errorf("input %q, %v", b, err)
	}
}

func TestAServerThatVanishesIsSaidPlainly(t *testing.T) {
	var e bytes.Buffer
	if got := receive(strings.NewReader("o\x00\x00"), Invocation{Stdout: io.Discard, Stderr: &e}); got != CouldNot || !strings.Contains(e.String(), "stopped before") {
		t.Errorf("status %d, %q", got, e.String())
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("o\x00\x00\x00\x01ax\x00\x00\x00\x01\x00"))
	f.Add([]byte("i\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		receive(bytes.NewReader(b), Invocation{Stdout: io.Discard, Stderr: io.Discard})
		_, _ = io.Copy(io.Discard, &inputReader{r: bytes.NewReader(b)})
	})
}
