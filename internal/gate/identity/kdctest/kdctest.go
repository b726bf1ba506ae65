// Package kdctest starts a Kerberos realm of its own for a test: Debian's
// krb5-kdc in a folder of the test, on ports that it takes itself, with people
// whose passwords are their names.
package kdctest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Realm is the realm's name.
const Realm = "HILL.TEST"

// T is what a test gives: a *testing.T, or a story.
type T interface {
	Helper()
	TempDir() string
	Skip(args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Cleanup(f func())
}

// KDC is a running realm.
type KDC struct {
	Dir string
	env []string
}

// programs are where Debian has them.
func program(t T, name, pkg string) string {
	t.Helper()
	for _, at := range []string{"/usr/sbin/" + name, "/usr/bin/" + name} {
		if _, err := os.Stat(at); err == nil {
			return at
		}
	}
	t.Skip(pkg + " is not installed")
	return ""
}

// Start starts a realm with these people.
func Start(t T, people ...string) *KDC {
	t.Helper()
	server, util := program(t, "krb5kdc", "krb5-kdc"), program(t, "kdb5_util", "krb5-kdc")
	program(t, "kadmin.local", "krb5-admin-server")
	program(t, "kinit", "krb5-user")
	k := &KDC{Dir: t.TempDir()}
	port := free(t)
	k.write(t, "krb5.conf", fmt.Sprintf(`[libdefaults]
 default_realm = %[1]s
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 qualify_shortname = ""
[realms]
 %[1]s = {
  kdc = 127.0.0.1:%[2]d
 }
[domain_realm]
 localhost = %[1]s
`, Realm, port))
	k.write(t, "kdc.conf", fmt.Sprintf(`[kdcdefaults]
 kdc_listen = 127.0.0.1:%[2]d
 kdc_tcp_listen = 127.0.0.1:%[2]d
[realms]
 %[1]s = {
  database_name = %[3]s/principal
  key_stash_file = %[3]s/stash
  acl_file = %[3]s/acl
  max_life = 10h
 }
`, Realm, port, k.Dir))
	k.env = append(os.Environ(), "KRB5_CONFIG="+k.Dir+"/krb5.conf", "KRB5_KDC_PROFILE="+k.Dir+"/kdc.conf", "LC_ALL=C")
	k.run(t, "", util, "create", "-s", "-P", "master", "-r", Realm)
	for _, p := range people {
		k.Admin(t, "addprinc -pw "+p+" "+p)
	}
	cmd := exec.Command(server, "-n", "-r", Realm, "-P", k.Dir+"/pid")
	cmd.Env = k.env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended already
		_ = cmd.Wait()
	})
	k.await(t, port)
	return k
}

// await waits until the realm answers.
func (k *KDC) await(t T, port int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			conn.Close()
			return
		}
		<-tick.C
	}
	t.Fatal("the realm does not answer")
}

func (k *KDC) write(t T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(k.Dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Admin runs one command of kadmin.
func (k *KDC) Admin(t T, command string) {
	t.Helper()
	k.run(t, "", program(t, "kadmin.local", "krb5-admin-server"), "-r", Realm, "-q", command)
}

// Keytab makes a service with a key in a file of its own.
func (k *KDC) Keytab(t T, service string) string {
	t.Helper()
	path := filepath.Join(k.Dir, strings.ReplaceAll(service, "/", "-")+".keytab")
	k.Admin(t, "addprinc -randkey "+service)
	k.Admin(t, "ktadd -k "+path+" "+service)
	return path
}

// SignIn gets somebody's ticket, as their computer does, and returns the
// environment in which their programs run. Life is as kinit has it: "5m".
func (k *KDC) SignIn(t T, person, life string) []string {
	t.Helper()
	env := append(k.env[:len(k.env):len(k.env)], "KRB5CCNAME=FILE:"+filepath.Join(k.Dir, "cache-"+person))
	cmd := exec.Command(program(t, "kinit", "krb5-user"), "-l", life, person+"@"+Realm)
	cmd.Env, cmd.Stdin = env, strings.NewReader(person+"\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kinit: %v\n%s", err, out)
	}
	return env
}

func (k *KDC) run(t T, stdin, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Stdin = k.env, strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(name), err, out)
	}
}

func free(t T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}
