package console

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bench is a machine in a folder.
type bench struct {
	*systemd
	ran   []string
	owned int
	gate  []string // data folders whose filter was ended
	known bool     // the account is there
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{}
	root := t.TempDir()
	for _, d := range []string{"/run/systemd/system", "/etc/systemd/system"} {
		if err := os.MkdirAll(root+d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b.systemd = &systemd{
		root: root, uid: 0,
		run: func(_ context.Context, name string, args ...string) ([]byte, error) {
			b.ran = append(b.ran, name+" "+strings.Join(args, " "))
			b.known = b.known || name == "useradd"
			return nil, nil
		},
		account: func() (int, int, bool) { return 990, 990, b.known },
		own: func(string, int, int) error {
			b.owned++
			return nil
		},
		stop: func(_ context.Context, data string) error {
			b.gate = append(b.gate, data)
			return nil
		},
	}
	return b
}

func spec() serviceSpec {
	return serviceSpec{Program: "/usr/local/bin/belisha", Data: "/var/lib/belisha", Listen: []string{"--listen-proxy", "10.0.0.5:3128"}}
}

func TestInstallingTwiceIsInstallingOnce(t *testing.T) {
	b := newBench(t)
	did, err := b.install(t.Context(), spec())
	if err != nil {
		t.Fatal(err)
	}
	if s := strings.Join(did, " "); !strings.Contains(s, "Made the account belisha") || !strings.Contains(s, "Wrote /etc/systemd/system/belisha.service") {
		t.Errorf("it says: %s", s)
	}
	want := []string{"systemctl daemon-reload", "systemctl enable belisha.service", "systemctl restart belisha.service"}
	if !slices.Equal(b.ran[1:], want) || !strings.HasPrefix(b.ran[0], "useradd --system") {
		t.Errorf("ran %q", b.ran)
	}
	if b.owned != 1 {
		t.Errorf("gave away %d files, want the empty data folder", b.owned)
	}
	b.ran = nil
	if did, err = b.install(t.Context(), spec()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.ran, []string{"systemctl enable belisha.service", "systemctl start belisha.service"}) {
		t.Errorf("the second time ran %q", b.ran)
	}
	if s := strings.Join(did, " "); !strings.Contains(s, "is as it should be") {
		t.Errorf("the second time it says: %s", s)
	}
	if did, err = b.remove(t.Context(), spec()); err != nil || len(did) < 3 {
		t.Fatalf("removing: %q, %v", did, err)
	}
	if _, err := os.Stat(b.root + unitPath); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the unit is still there: %v", err)
	}
	if _, err := os.Stat(b.root + "/var/lib/belisha"); err != nil {
		t.Errorf("the data folder went with it: %v", err)
	}
	if len(b.gate) != 1 {
		t.Error("the filter goes on after the service was removed")
	}
	if did, err = b.remove(t.Context(), spec()); err != nil || len(did) != 1 || !strings.Contains(did[0], "does not start with this machine") {
		t.Errorf("removing twice: %q, %v", did, err)
	}
}

func TestInstallingIsRefusedInASentence(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, b *bench)
		says   string
	}{
		"without root": {func(_ *testing.T, b *bench) { b.uid = 1000 }, "sudo"},
		"without systemd": {func(t *testing.T, b *bench) {
			if err := os.RemoveAll(b.root + "/run"); err != nil {
				t.Fatal(err)
			}
		}, "not run by systemd"},
		"on somebody else's folder": {func(t *testing.T, b *bench) {
			if err := os.MkdirAll(b.root+"/var/lib/belisha/photos", 0o755); err != nil {
				t.Fatal(err)
			}
		}, "holds something else"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			c.change(t, b)
			_, err := b.install(t.Context(), spec())
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
			if len(b.ran) > 0 || b.owned > 0 {
				t.Errorf("something was done: %q, %d", b.ran, b.owned)
			}
		})
	}
}

func TestTheUnitHoldsWhatItMust(t *testing.T) {
	b := newBench(t)
	s := spec()
	s.Data, s.Config = `/srv/a "quoted" 100% $HOME folder`, "/home/it/belisha.toml"
	text, err := b.text(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`ExecStart="/usr/local/bin/belisha" "serve" "--data" "/srv/a \"quoted\" 100%% $$HOME folder" "--config" "/home/it/belisha.toml" "--listen-proxy" "10.0.0.5:3128"`,
		`ReadWritePaths="/srv/a \"quoted\" 100%% $HOME folder"`, "User=belisha", "KillMode=process", "AmbientCapabilities=CAP_NET_BIND_SERVICE",
		"ProtectSystem=strict", "ProtectHome=read-only", "Restart=on-failure", "NoNewPrivileges=yes", "WantedBy=multi-user.target",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no line %s in\n%s", want, text)
		}
	}
	if text, err = b.text(spec()); err != nil || !strings.Contains(text, "ProtectHome=yes\n") || !strings.Contains(text, "PrivateTmp=yes\n") {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestSystemdTakesTheUnit asks systemd itself where it is installed.
func TestSystemdTakesTheUnit(t *testing.T) {
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd is not installed here: the lines of the unit are looked at above")
	}
	s := spec()
	if s.Program, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	text, err := newBench(t).text(s)
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "belisha.service")
	if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), verify, "verify", "--recursive-errors=no", unit).CombinedOutput()
	if strings.Contains(string(out), "belisha.service") || err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
