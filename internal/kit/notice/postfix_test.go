package notice_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/notice"
	"belisha/internal/kit/store/storetest"
)

// postfix is a throw-away instance of the mail server that Debian ships.
type postfix struct {
	t    *testing.T
	bin  string
	dir  string
	port int
}

func newPostfix(t *testing.T) *postfix {
	t.Helper()
	bin, err := exec.LookPath("postfix")
	if err != nil {
		bin = "/usr/sbin/postfix"
	}
	owner, uerr := user.Lookup("postfix")
	if _, err := os.Stat(bin); err != nil || uerr != nil || os.Getuid() != 0 {
		t.Skip("no Postfix that could be started here: make test installs it, as root")
	}
	dir, err := os.MkdirTemp("", "belisha-postfix-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postfix{t: t, bin: bin, dir: dir, port: l.Addr().(*net.TCPAddr).Port}
	_ = l.Close()
	uid, err := strconv.Atoi(owner.Uid)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"config", "queue", "data", "mail"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"data", "mail"} {
		if err := os.Chown(filepath.Join(dir, d), uid, -1); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p.write("config/main.cf", fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mail.ashdown.test
mydestination =
smtpd_relay_restrictions = reject_unauth_destination
virtual_mailbox_domains = ashdown.test
virtual_mailbox_base = %[1]s/mail
virtual_mailbox_maps = inline:{ {wren@ashdown.test=wren} }
virtual_uid_maps = static:%[2]d
virtual_gid_maps = static:%[2]d
virtual_minimum_uid = 1
smtpd_tls_security_level = none
`, dir, uid))
	p.write("config/master.cf", fmt.Sprintf(`127.0.0.1:%d inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`, p.port))
	return p
}

func (p *postfix) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *postfix) do(verb string) {
	p.t.Helper()
	out, err := exec.Command(p.bin, "-c", filepath.Join(p.dir, "config"), verb).CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
		p.t.Fatalf("postfix %s: %v\n%s%s", verb, err, out, log)
	}
}

// box waits for the mailbox to hold n mails and returns it.
func (p *postfix) box(n int) string {
	p.t.Helper()
	for range 200 {
		b, err := os.ReadFile(filepath.Join(p.dir, "mail", "wren"))
		if err == nil && strings.Count("\n"+string(b), "\nFrom ") >= n {
			return string(b)
		}
		time.Sleep(50 * time.Millisecond) // another program's file: there is nothing to wait on
	}
	log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
	p.t.Fatalf("the mailbox does not hold %d mails:\n%s", n, log)
	return ""
}

func TestARealMailServerTakesWhatWeSend(t *testing.T) {
	p := newPostfix(t)
	p.do("start")
	running := true
	defer func() {
		if running {
			p.do("stop")
		}
	}()
	d := newDesk(t, storetest.SQLite(t, schemas...))
	d.staff.mails = map[string]string{"wren": "wren@ashdown.test", "dove": "nobody@ashdown.test", "lark": "lark@elsewhere.test"}
	d.out = d.open(notice.Server{Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)), From: "belisha@ashdown.test"})
	d.send(notice.Notice{Key: "a", To: []string{"wren", "dove", "lark"}, What: "A café’s “report” waits – twice", Risk: 1})
	d.at(monday)
	box := p.box(1)
	for _, want := range []string{"Subject: Something waits for you at Belisha (Ashdown Vale)", "To: \"wren\" <wren@ashdown.test>", "Auto-Submitted: auto-generated"} {
		if !strings.Contains(box, want) {
			t.Errorf("the mail that arrived lacks %q:\n%s", want, box)
		}
	}
	st, err := d.out.State(context.Background())
	d.must(err)
	if st.Lost != 2 {
		t.Errorf("an unknown box and a foreign domain were not told as lost: %+v", st)
	}
	p.do("stop")
	running = false
	d.send(notice.Notice{Key: "b", To: []string{"wren"}, Risk: 3})
	d.at(monday.Add(time.Minute))
	if d.out.Trouble() == "" {
		t.Fatal("the server is away and nobody is told")
	}
	p.do("start")
	running = true
	d.at(monday.Add(5 * time.Minute))
	if box := p.box(2); !strings.Contains(box, "Subject: Urgent: something waits") || d.out.Trouble() != "" {
		t.Errorf("once it was back: trouble %q\n%s", d.out.Trouble(), box)
	}
}
