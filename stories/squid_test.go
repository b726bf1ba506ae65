//go:build linux

package stories_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// squidConf is what doc/icap.md has a school write, and what a story needs
// besides: where names lead, and no cache of its own.
const squidConf = `
http_port %[1]s
icap_enable on
icap_preview_enable on
adaptation_send_client_ip on
icap_206_enable on
icap_service_failure_limit 100000
icap_service belisha_req reqmod_precache bypass=0 icap://%[3]s/reqmod
icap_service belisha_resp respmod_precache bypass=0 icap://%[3]s/respmod
adaptation_access belisha_req allow all
adaptation_access belisha_resp allow all
http_access allow all
cache deny all
hosts_file %[2]s/hosts
dns_nameservers 127.0.0.1
visible_hostname squid.ashdown
pid_filename %[2]s/squid.pid
coredump_dir %[2]s
cache_log %[2]s/cache.log
access_log none
cache_mem 8 MB
shutdown_lifetime 0 seconds
netdb_filename none
pinger_enable off
`

// squidOf is a school's own proxy, as Debian has it, that asks Belisha by
// ICAP: squid ICAP-ADDRESS HOST…. From then on devices go through it. The hosts
// are those whose addresses it knows.
func squidOf(s *story, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: squid ICAP-ADDRESS HOST…")
	}
	program, err := exec.LookPath("squid")
	if err != nil {
		program = "/usr/sbin/squid"
		if _, err := os.Stat(program); err != nil {
			s.t.Skip("needs Debian's squid-openssl")
		}
	}
	dir, err := os.MkdirTemp("", "story-squid-")
	if err != nil {
		return err
	}
	s.later = append(s.later, func() { _ = os.RemoveAll(dir) })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	at := ln.Addr().String()
	_ = ln.Close() // free for Squid
	for name, text := range map[string]string{
		"hosts": "127.0.0.1 " + strings.Join(args[1:], " ") + "\n", "squid.conf": fmt.Sprintf(squidConf, at, dir, args[0]),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := giveToSquid(dir); err != nil {
		return err
	}
	cmd := exec.Command(program, "-N", "-f", filepath.Join(dir, "squid.conf"), "-n", "story"+strconv.Itoa(os.Getpid()))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.later = append(s.later, func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() // it was killed
	})
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", at); err == nil {
			s.ts.Setenv("PROXY", at)
			return c.Close()
		}
	}
	log, _ := os.ReadFile(filepath.Join(dir, "cache.log"))
	return fmt.Errorf("squid does not start:\n%s", log)
}

// giveToSquid gives a folder to the user as whom Squid runs, where it changes
// to one.
func giveToSquid(dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("proxy")
	if err != nil {
		return fmt.Errorf("squid-openssl has no user of its own here: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, uid, -1))
	})
}
