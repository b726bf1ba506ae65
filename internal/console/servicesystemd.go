package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"belisha/internal/house"
)

// thisProgram is the path of the running binary.
func thisProgram() (string, error) {
	p, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	p, err = filepath.EvalSymlinks(p)
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	return p, nil
}

// systemd installs a unit. What it asks of the machine goes through run and
// the folders below root, so that a test can look.
type systemd struct {
	root string // "" is the machine's own
	uid  int
	run  func(ctx context.Context, name string, args ...string) ([]byte, error)
	// account returns the ids of the account that Belisha runs as, and
	// whether there is one.
	account func() (uid, gid int, ok bool)
	own     func(path string, uid, gid int) error
	stop    func(ctx context.Context, data string) error
}

// newSystemd is the machine's own.
func newSystemd() *systemd {
	return &systemd{
		uid: os.Geteuid(), run: runProgram, own: os.Lchown, stop: house.StopGate,
		account: func() (int, int, bool) {
			u, err := user.Lookup(serviceName)
			if err != nil {
				return 0, 0, false
			}
			uid, uerr := strconv.Atoi(u.Uid)
			gid, gerr := strconv.Atoi(u.Gid)
			return uid, gid, uerr == nil && gerr == nil
		},
	}
}

// runProgram runs a program of the system; its error holds what it said.
func runProgram(ctx context.Context, name string, args ...string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return out, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return out, nil
}

const unitPath = "/etc/systemd/system/" + serviceName + ".service"

// quoteUnit writes one word of a unit file: percent signs are specifiers
// there, and in a command line dollar signs are variables.
func quoteUnit(s string, command bool) string {
	s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(s)
	if command {
		s = strings.ReplaceAll(s, "$", "$$")
	}
	return `"` + s + `"`
}

// text is the unit. The filter outlives a restart of the pages (KillMode),
// the whole disk but the data folder is read only, and the one privilege is
// to listen on ports such as 53.
func (m *systemd) text(s serviceSpec) (string, error) {
	command := quoteUnit(s.Program, false)
	for _, a := range s.args() {
		command += " " + quoteUnit(a, true)
	}
	home, private := "yes", "yes"
	if s.below("/home/", "/root/", "/run/user/") {
		home = "read-only"
	}
	// A folder too deep for the name of a socket has its sockets in the
	// temporary folder, which must then be the same for everybody.
	if len(s.Data) > 80 || s.below("/tmp/", "/var/tmp/") {
		private = "no"
	}
	return fmt.Sprintf(unitText, command, quoteUnit(s.Data, false), home, private), nil
}

// below reports whether anything of it lies in one of the folders.
func (s serviceSpec) below(folders ...string) bool {
	for _, p := range []string{s.Program, s.Data, s.Config} {
		for _, f := range folders {
			if strings.HasPrefix(p, f) {
				return true
			}
		}
	}
	return false
}

const unitText = `# Written by "belisha service install"; it writes it anew.
[Unit]
Description=Belisha: the school's filter and its records
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
User=belisha
Group=belisha
ExecStart=%s
Restart=on-failure
RestartSec=2
# The filter goes on while the pages are stopped or replaced.
KillMode=process
TimeoutStopSec=60
LimitNOFILE=65536
UMask=0077
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=%s
ProtectHome=%s
PrivateTmp=%s
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
`

// here refuses where the machine cannot do it, in a sentence.
func (m *systemd) here() error {
	if m.uid != 0 {
		return errors.New("what starts with this machine is changed by root alone: run the same command with sudo")
	}
	if _, err := os.Stat(m.root + "/run/systemd/system"); err != nil {
		return errNoManager
	}
	return nil
}

func (m *systemd) install(ctx context.Context, s serviceSpec) (did []string, err error) {
	if err := m.here(); err != nil {
		return nil, err
	}
	if err := ourFolder(m.root + s.Data); err != nil {
		return nil, err
	}
	text, err := m.text(s)
	if err != nil {
		return nil, err
	}
	said, err := m.prepare(ctx, s)
	did = append(did, said...)
	if err != nil {
		return did, err
	}
	same, err := m.write(text)
	if err != nil {
		return did, err
	}
	if same {
		did = append(did, "The unit "+unitPath+" is as it should be.")
	} else {
		did = append(did, "Wrote "+unitPath+".")
		if _, err := m.run(ctx, "systemctl", "daemon-reload"); err != nil {
			return did, err
		}
	}
	if _, err := m.run(ctx, "systemctl", "enable", serviceName+".service"); err != nil {
		return did, err
	}
	start := "restart"
	if same {
		start = "start"
	}
	if _, err := m.run(ctx, "systemctl", start, serviceName+".service"); err != nil {
		return did, err
	}
	return append(did, "Belisha runs, and starts with this machine.",
		"The address and the one-time code of the set-up: journalctl -u "+serviceName+" -n 30"), nil
}

// prepare makes the account and gives it the data folder.
func (m *systemd) prepare(ctx context.Context, s serviceSpec) (did []string, err error) {
	uid, gid, ok := m.account()
	if !ok {
		if _, err := m.run(ctx, "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", s.Data, "--shell", "/usr/sbin/nologin", serviceName); err != nil {
			return nil, err
		}
		if uid, gid, ok = m.account(); !ok {
			return nil, errors.New("the account belisha was made and is not there; look at /etc/passwd, then run this again")
		}
		did = append(did, "Made the account belisha, which nobody can sign in with.")
	}
	if err := os.MkdirAll(m.root+s.Data, 0o700); err != nil {
		return did, fmt.Errorf("making the data folder: %w", err)
	}
	given := 0
	err = filepath.WalkDir(m.root+s.Data, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		given++
		return m.own(path, uid, gid)
	})
	if err != nil {
		return did, fmt.Errorf("giving the data folder to the account belisha: %w", err)
	}
	return append(did, "The data folder "+s.Data+" belongs to the account belisha."), nil
}

// ourFolder refuses to give away a folder that is not a data folder.
func ourFolder(dir string) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(list) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking into the data folder: %w", err)
	}
	for _, e := range list {
		if e.Name() == "folder.json" || e.Name() == "belisha.toml" {
			return nil
		}
	}
	return fmt.Errorf("%s holds something else: name an empty folder or Belisha's own with --data, such as /var/lib/belisha", dir)
}

// write writes the unit, whole or not at all, and reports whether it stood
// there already.
func (m *systemd) write(text string) (same bool, err error) {
	path := m.root + unitPath
	have, err := os.ReadFile(path)
	if err == nil && string(have) == text {
		return true, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("reading the unit: %w", err)
	}
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil { //nolint:gosec // a unit is read by everybody
		return false, fmt.Errorf("writing the unit: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return false, fmt.Errorf("writing the unit: %w", err)
	}
	return false, nil
}

func (m *systemd) remove(ctx context.Context, s serviceSpec) (did []string, err error) {
	if err := m.here(); err != nil {
		return nil, err
	}
	path := m.root + unitPath
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return []string{"Belisha does not start with this machine."}, nil
	}
	if _, err := m.run(ctx, "systemctl", "disable", "--now", serviceName+".service"); err != nil {
		return nil, err
	}
	did = append(did, "The pages are stopped.")
	if err := m.stop(ctx, m.root+s.Data); err != nil {
		return did, fmt.Errorf("ending the filter: %w", err)
	}
	did = append(did, "The filter is stopped: devices that are sent to it reach nothing until they are sent elsewhere.")
	if err := os.Remove(path); err != nil {
		return did, fmt.Errorf("removing the unit: %w", err)
	}
	if _, err := m.run(ctx, "systemctl", "daemon-reload"); err != nil {
		return did, err
	}
	return append(did, "Belisha no longer starts with this machine. The data folder "+s.Data+" and the account belisha stay."), nil
}
