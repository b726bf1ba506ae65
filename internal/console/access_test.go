package console

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestTheMachineIsTheWayBackWhenNoHeadIsLeft(t *testing.T) {
	dir := t.TempDir()
	say := func(args ...string) (status int, out, errOut string) {
		t.Helper()
		var o, e bytes.Buffer
		status = Run(context.Background(), Invocation{
			Args: append([]string{"--data", "school"}, args...), Dir: dir, User: "caretaker", Version: "9.9", Stdin: strings.NewReader(""), Stdout: &o, Stderr: &e,
		})
		return status, o.String(), e.String()
	}
	roll := "Kind,Given,Family,Username\nstaff,Amira,Quist,a.quist\nstaff,Tomos,Bellweather,t.bell\n"
	if err := os.WriteFile(filepath.Join(dir, "roll.csv"), []byte(roll), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, out, errOut := say("people", "import", "--partial", "roll.csv"); status != Done {
		t.Fatalf("%d %s %s", status, out, errOut)
	}
	status, _, errOut := say("access", "reset", "--head")
	if status != CouldNot || !strings.Contains(errOut, "access appoint") {
		t.Errorf("with no head: %d %q", status, errOut)
	}
	if status, _, errOut = say("access", "reset"); status != WrongUse || strings.Count(errOut, "\n") != 1 {
		t.Errorf("without saying whose: %d %q", status, errOut)
	}
	password := regexp.MustCompile(`[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}`)
	status, out, errOut := say("access", "appoint", "--head", "a.quist")
	if status != Done || !strings.Contains(out, "Amira Quist is head teacher now") || !password.MatchString(out) {
		t.Fatalf("appointing: %d %q %q", status, out, errOut)
	}
	if status, _, errOut = say("access", "appoint", "--head", "t.bell"); status != CouldNot || !strings.Contains(errOut, "--end") {
		t.Errorf("a second head: %d %q", status, errOut)
	}
	status, out, errOut = say("access", "reset", "--head")
	if status != Done || !strings.Contains(out, "signs in as a.quist") || !password.MatchString(out) || !strings.Contains(out, "in the journal") {
		t.Errorf("reset: %d %q %q", status, out, errOut)
	}
	if status, _, errOut = say("access", "reset", "--head", "--user", "t.bell"); status != CouldNot || !strings.Contains(errOut, "no account") {
		t.Errorf("somebody else: %d %q", status, errOut)
	}
	if status, out, _ = say("access", "appoint", "--head", "t.bell", "--end"); status != Done || !strings.Contains(out, "Tomos Bellweather is head") {
		t.Errorf("the next head: %d %q", status, out)
	}
	status, _, errOut = say("access", "reset", "--head", "--user", "a.quist")
	if status != CouldNot || !strings.Contains(errOut, "not the account of somebody who is head") {
		t.Errorf("the former head: %d %q", status, errOut)
	}
	if status, _, errOut = say("access", "status"); status != NotSo || !strings.Contains(errOut, "head teacher") {
		t.Errorf("status: %d %q", status, errOut)
	}
	status, out, _ = say("journal", "export")
	for _, verb := range []string{"account.rescued", "post.appointed", "console:caretaker"} {
		if status != Done || !strings.Contains(out, verb) {
			t.Errorf("the journal does not have %s", verb)
		}
	}
}
