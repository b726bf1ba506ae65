//go:build linux

package stories_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// smallDisk mounts a disk of its own, where the machine lets the test.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a disk of its own needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return dir
}

// fill leaves no room on the disk that dir lies on.
func fillDisk(t *testing.T, dir string) (filler string) {
	t.Helper()
	filler = filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for size := 1 << 20; size >= 1; size /= 4 {
		block := make([]byte, size)
		for {
			if _, err := f.Write(block); err != nil {
				break
			}
		}
	}
	return filler
}

// sentence checks that what a command said is one plain sentence.
func sentence(t *testing.T, what, out string, code int) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	last := lines[len(lines)-1]
	if code != 3 {
		t.Errorf("%s ended with %d:\n%s", what, code, out)
	}
	if !strings.HasPrefix(last, "belisha: ") || strings.Count(last, ": ") > 4 {
		t.Errorf("%s is no plain sentence: %s", what, last)
	}
	for _, u := range ugly {
		if strings.Contains(last, u) {
			t.Errorf("%s has %q in it: %s", what, u, last)
		}
	}
}

func TestAFullDiskIsSaidInOneSentenceAndLosesNothing(t *testing.T) {
	disk := smallDisk(t, "48m")
	data := filepath.Join(disk, "data")
	roll := filepath.Join(t.TempDir(), "roll.csv")
	rows := "Kind,Forename,Surname,Admission number\n"
	for i := range 3000 {
		rows += "pupil,Ada,Long-Family-Name-" + strings.Repeat("x", i%40) + "," + string(rune('a'+i%26)) + strings.Repeat("1", 1+i%7) + "-" + strings.Repeat("9", i/26%12) + "\n"
	}
	if err := os.WriteFile(roll, []byte("Kind,Forename,Surname,Admission number\npupil,Poppy,Reed,1001\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := belisha(t, data, "people", "import", roll); code != 0 {
		t.Fatalf("the roll: %d %s", code, out)
	}
	if err := os.WriteFile(roll, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	filler := fillDisk(t, disk)
	for _, args := range [][]string{{"people", "import", "--partial", roll}, {"backup", "run"}, {"policy", "activate", "village-primary"}} {
		out, code := belisha(t, data, args...)
		if !strings.Contains(out, "disk") && !strings.Contains(out, "room") {
			t.Errorf("%v does not speak of the disk: %s", args, out)
		}
		sentence(t, strings.Join(args, " "), out, code)
	}
	out, code := belisha(t, data, "serve", "--listen-pages", "127.0.0.1:0", "--listen-proxy", "127.0.0.1:0", "--listen-dns", "127.0.0.1:0", "--listen-admin", "127.0.0.1:0")
	sentence(t, "serve", out, code)
	endFilter(data)

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if out, code := belisha(t, data, "journal", "verify"); code != 0 {
		t.Errorf("after room was made: %d %s", code, out)
	}
	if out, code := belisha(t, data, "people", "import", "--partial", roll); code != 0 {
		t.Errorf("the roll after room was made: %d %s", code, out)
	}
}

func TestAFolderThatCannotBeWrittenIsSaidInOneSentence(t *testing.T) {
	disk := smallDisk(t, "16m")
	data := filepath.Join(disk, "data")
	if out, code := belisha(t, data, "policy", "status"); code != 0 {
		t.Fatalf("%d %s", code, out)
	}
	if err := syscall.Mount("none", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("remounting: %v", err)
	}
	for _, args := range [][]string{{"policy", "status"}, {"backup", "run"}, {"serve", "--listen-pages", "127.0.0.1:0"}} {
		out, code := belisha(t, data, args...)
		sentence(t, strings.Join(args, " "), out, code)
		if !strings.Contains(out, "read-only") {
			t.Errorf("%v does not say why: %s", args, out)
		}
	}
	out, code := belisha(t, filepath.Join(disk, "new"), "serve", "--listen-pages", "127.0.0.1:0")
	sentence(t, "serve on a fresh folder", out, code)
}
