package clamd_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"belisha/internal/gate/clamd"
	"belisha/internal/kit/clock"
)

// eicar is the test string, put together here so that no scanner of a
// developer's machine takes this file away.
func eicar() []byte {
	return []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}` + `$EICAR-STANDARD-` + `ANTIVIRUS-TEST-FILE!$H+H*`)
}

// daemon is Debian's clamd with one signature of our own.
type daemon struct {
	t       *testing.T
	dir     string
	program string
	cmd     *exec.Cmd
	done    chan struct{}
}

func start(t *testing.T, more ...string) *daemon {
	t.Helper()
	program, err := exec.LookPath("clamd")
	if err != nil {
		if _, err := os.Stat("/usr/sbin/clamd"); err != nil {
			t.Skip("needs Debian's clamav-daemon")
		}
		program = "/usr/sbin/clamd"
	}
	d := &daemon{t: t, dir: t.TempDir(), program: program}
	sum := md5.Sum(eicar())
	d.write("db/own.hdb", fmt.Sprintf("%s:%d:Belisha.Test.File\n", hex.EncodeToString(sum[:]), len(eicar())))
	d.write("db/own.ndb", "Belisha.Test.Words:0:*:"+hex.EncodeToString([]byte("ringtailed lemur of the test"))+"\n")
	conf := []string{"LocalSocket " + d.socket(), "DatabaseDirectory " + filepath.Join(d.dir, "db"), "Foreground yes", "StreamMaxLength 40M", "MaxFileSize 40M", "MaxScanSize 200M", "TemporaryDirectory " + d.dir, "LogFile " + filepath.Join(d.dir, "log"), "AlertExceedsMax yes", "AlertEncrypted yes", "ReadTimeout 20"}
	d.write("clamd.conf", strings.Join(append(more, conf...), "\n")+"\n")
	t.Cleanup(d.stop)
	d.begin()
	return d
}

func (d *daemon) socket() string { return filepath.Join(d.dir, "s") }

func (d *daemon) address() string { return "unix:" + d.socket() }

func (d *daemon) write(name, text string) {
	d.t.Helper()
	p := filepath.Join(d.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// begin starts the daemon, and returns when it answers.
func (d *daemon) begin() {
	d.t.Helper()
	d.cmd = exec.Command(d.program, "--config-file="+filepath.Join(d.dir, "clamd.conf"))
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.done = make(chan struct{})
	go func(c *exec.Cmd, done chan struct{}) { _ = c.Wait(); close(done) }(d.cmd, d.done)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		if c, err := net.Dial("unix", d.socket()); err == nil {
			_, _ = c.Write([]byte("zPING\x00"))
			said, _ := bufio.NewReader(c).ReadString(0)
			_ = c.Close()
			if said == "PONG\x00" {
				return
			}
		}
		select {
		case <-d.done:
			log, _ := os.ReadFile(filepath.Join(d.dir, "log"))
			d.t.Fatalf("clamd ended: %s", log)
		case <-tick.C:
		}
	}
	d.t.Fatal("clamd does not answer")
}

func (d *daemon) stop() {
	if d.cmd != nil && d.cmd.Process != nil {
		_ = d.cmd.Process.Kill()
		<-d.done
	}
	_ = os.Remove(d.socket())
}

func pool(t *testing.T, o clamd.Options, addresses ...string) *clamd.Pool {
	t.Helper()
	p, err := clamd.New(addresses, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDebiansClamd(t *testing.T) {
	d := start(t)
	p := pool(t, clamd.Options{}, d.address())
	scan := func(r io.Reader) string {
		res := p.Scan(context.Background(), r)
		return strings.TrimSpace(res.Status.String() + " " + res.Name + res.Why)
	}
	words := []byte("the ringtailed lemur of the test lives here")
	for _, c := range []struct {
		name string
		r    io.Reader
		want string
	}{
		{"a clean file", strings.NewReader("hello"), "clean"},
		{"nothing at all", strings.NewReader(""), "clean"},
		{"the test string", bytes.NewReader(eicar()), "found Belisha.Test.File.UNOFFICIAL"},
		{"the test string a byte at a time", iotest.OneByteReader(bytes.NewReader(eicar())), "found Belisha.Test.File.UNOFFICIAL"},
		{"words that a signature names", bytes.NewReader(words), "found Belisha.Test.Words.UNOFFICIAL"},
		{"30 MB with the words at the end", bytes.NewReader(append(bytes.Repeat([]byte("frogs and toads "), 30<<16), words...)), "found Belisha.Test.Words.UNOFFICIAL"},
		{"more than it takes", bytes.NewReader(make([]byte, 50<<20)), "unscanned larger than the virus scanner takes"},
		{"a file that cannot be read", iotest.ErrReader(errors.New("gone")), "unscanned the file could not be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := scan(c.r); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	t.Run("the shared cases", func(t *testing.T) {
		dir := "../../../../shared/data/eicar"
		if _, err := os.Stat(dir); err != nil {
			t.Skip("../shared not there")
		}
		for _, name := range []string{"eicar.com.b64", "eicar.zip.b64", "eicar_nested.zip.b64"} {
			raw, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(raw)))
			if err != nil {
				t.Fatal(err)
			}
			if got := scan(bytes.NewReader(b)); got != "found Belisha.Test.File.UNOFFICIAL" {
				t.Errorf("%s: %q", name, got)
			}
		}
		for _, name := range []string{"mail_plain_attachment.eml", "mail_zip_attachment.eml"} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if got := scan(bytes.NewReader(b)); got != "found Belisha.Test.File.UNOFFICIAL" {
				t.Errorf("%s: %q", name, got)
			}
		}
	})
	t.Run("its state", func(t *testing.T) {
		p.Check(context.Background())
		s := p.State()[0]
		if !s.OK || !strings.HasPrefix(s.Version, "ClamAV ") || !s.Stale {
			t.Errorf("state %+v: it should answer, and with no signatures of ClamAV's be stale", s)
		}
	})
	t.Run("many at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				if got := scan(bytes.NewReader(eicar())); got != "found Belisha.Test.File.UNOFFICIAL" {
					t.Errorf("%q", got)
				}
			})
		}
		wg.Wait()
	})
}

func TestMoreThanItScansIsNotClean(t *testing.T) {
	d := start(t, "MaxFileSize 5M")
	p := pool(t, clamd.Options{}, d.address())
	file := append(bytes.Repeat([]byte("frogs and toads "), 8<<16), "the ringtailed lemur of the test"...)
	if res := p.Scan(context.Background(), bytes.NewReader(file)); res.Status != clamd.Unscanned {
		t.Errorf("a file beyond MaxFileSize: %+v", res)
	}
}

func TestReloadingItsSignaturesLetsNothingThrough(t *testing.T) {
	d := start(t)
	p := pool(t, clamd.Options{}, d.address())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if res := p.Scan(context.Background(), bytes.NewReader(eicar())); res.Status == clamd.Clean {
					t.Errorf("while it reloads: %+v", res)
				}
			}
		})
	}
	for i := range 5 {
		d.write(fmt.Sprintf("db/more%d.ndb", i), fmt.Sprintf("Belisha.Test.More%d:0:*:%s\n", i, hex.EncodeToString([]byte(fmt.Sprintf("nobody writes this %d", i)))))
		c, err := net.Dial("unix", d.socket())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "zRELOAD\x00")
		_, _ = io.ReadAll(c)
		_ = c.Close()
	}
	wg.Wait()
	if res := p.Scan(context.Background(), bytes.NewReader(eicar())); res.Status != clamd.Found {
		t.Errorf("afterwards: %+v", res)
	}
}

// dying is a file during whose sending something happens.
type dying struct {
	r    *bytes.Reader
	at   int64
	do   func()
	once sync.Once
}

func (d *dying) Read(b []byte) (int, error) {
	if d.r.Size()-int64(d.r.Len()) >= d.at {
		d.once.Do(d.do)
	}
	return d.r.Read(b)
}

type seeking struct{ *dying }

func (s seeking) Seek(off int64, whence int) (int64, error) { return s.r.Seek(off, whence) }

func TestClamdIsKilledAndComesBack(t *testing.T) {
	d := start(t)
	now := clock.NewFake(clock.System{}.Now())
	p := pool(t, clamd.Options{Clock: now}, d.address())
	res := p.Scan(context.Background(), &dying{r: bytes.NewReader(make([]byte, 20<<20)), at: 5 << 20, do: d.stop})
	if res.Status != clamd.Unscanned || p.OK() {
		t.Fatalf("killed half-way: %+v, ok %v", res, p.OK())
	}
	if res := p.Scan(context.Background(), strings.NewReader("x")); res.Status != clamd.Unscanned || res.Why != "the virus scanner does not answer" {
		t.Fatalf("away: %+v", res)
	}
	d.begin()
	now.Advance(20 * time.Second)
	if res := p.Scan(context.Background(), bytes.NewReader(eicar())); res.Status != clamd.Found || !p.OK() {
		t.Fatalf("back again: %+v, ok %v", res, p.OK())
	}
}

func TestTheNextScannerTakesOver(t *testing.T) {
	first, second := start(t), start(t)
	p := pool(t, clamd.Options{}, first.address(), second.address())
	file := append(bytes.Repeat([]byte("frogs and toads "), 20<<16), "the ringtailed lemur of the test"...)
	src := seeking{&dying{r: bytes.NewReader(file), at: 5 << 20, do: first.stop}}
	res := p.Scan(context.Background(), src)
	if res.Status != clamd.Found || res.Address != second.address() {
		t.Fatalf("the first died half-way: %+v", res)
	}
	if res := p.Scan(context.Background(), bytes.NewReader(eicar())); res.Status != clamd.Found || res.Address != second.address() {
		t.Fatalf("the first is away: %+v", res)
	}
	if s := p.State(); s[0].OK || !s[1].OK {
		t.Errorf("states %+v", s)
	}
}

// scanner is a listener that answers as it is told.
func scanner(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = c.Close() }()
				do(c)
			})
		}
	})
	return l.Addr().String()
}

// swallow reads one INSTREAM to its end, or n pieces of it.
func swallow(c net.Conn, pieces int) bool {
	r := bufio.NewReader(c)
	if s, err := r.ReadString(0); err != nil || s != "zINSTREAM\x00" {
		return false
	}
	for i := 0; pieces < 0 || i < pieces; i++ {
		var h [4]byte
		if _, err := io.ReadFull(r, h[:]); err != nil {
			return false
		}
		n := binary.BigEndian.Uint32(h[:])
		if n == 0 {
			return true
		}
		if _, err := io.CopyN(io.Discard, r, int64(n)); err != nil {
			return false
		}
	}
	return true
}

func say(answer string) func(net.Conn) {
	return func(c net.Conn) {
		if swallow(c, -1) {
			_, _ = io.WriteString(c, answer)
		}
	}
}

func TestOnlyAWholeOKIsClean(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(net.Conn)
		want clamd.Status
		why  string
	}{
		{"OK", say("stream: OK\x00"), clamd.Clean, ""},
		{"OK cut off before its end", say("stream: OK"), clamd.Unscanned, "the virus scanner hung up"},
		{"an error", say("stream: Can't allocate memory ERROR\x00"), clamd.Unscanned, "the virus scanner reports an error"},
		{"no answer", func(c net.Conn) { swallow(c, -1) }, clamd.Unscanned, "the virus scanner hung up"},
		{"a reset in the middle", func(c net.Conn) {
			swallow(c, 2)
			_ = c.(*net.TCPConn).SetLinger(0)
		}, clamd.Unscanned, "the virus scanner hung up"},
		{"OK before it had all", func(c net.Conn) {
			swallow(c, 1)
			_, _ = io.WriteString(c, "stream: OK\x00")
			_ = c.(*net.TCPConn).CloseWrite()
			_ = c.(*net.TCPConn).SetLinger(0)
		}, clamd.Unscanned, "the virus scanner hung up"},
		{"a size limit", say("INSTREAM size limit exceeded. ERROR\x00"), clamd.Unscanned, "larger than the virus scanner takes"},
		{"a limit inside", say("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\x00"), clamd.Unscanned, "more is inside than the virus scanner opens"},
		{"a password", say("stream: Heuristics.Encrypted.Zip FOUND\x00"), clamd.Unscanned, "the virus scanner needs a password"},
		{"found", say("stream: Win.Test.EICAR_HDB-1 FOUND\x00"), clamd.Found, ""},
		{"something else", say("HTTP/1.1 200 OK\r\n\r\n\x00"), clamd.Unscanned, "the virus scanner hung up"},
		{"without end", func(c net.Conn) {
			if swallow(c, -1) {
				_, _ = c.Write(bytes.Repeat([]byte("OK "), 1<<16))
			}
		}, clamd.Unscanned, "the virus scanner hung up"},
		{"silence", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, clamd.Unscanned, "the virus scanner took too long"},
		{"reads nothing", nil, clamd.Unscanned, "the virus scanner took too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := t.Context()
			do := c.do
			if c.name == "reads nothing" {
				do = func(net.Conn) { <-ctx.Done() }
			}
			size := 32 << 20
			if c.name == "silence" {
				size = 1000 // the larger the file, the longer it may think
			}
			p := pool(t, clamd.Options{Idle: 300 * time.Millisecond}, scanner(t, do))
			res := p.Scan(context.Background(), bytes.NewReader(make([]byte, size)))
			if res.Status != c.want || res.Why != c.why {
				t.Errorf("%+v, want %v %q", res, c.want, c.why)
			}
		})
	}
}

func TestAFullPoolSaysSo(t *testing.T) {
	came, leave := make(chan struct{}), make(chan struct{})
	a := scanner(t, func(c net.Conn) {
		close(came)
		<-leave
		say("stream: OK\x00")(c)
	})
	p := pool(t, clamd.Options{Scans: 1, Idle: 5 * time.Second}, a)
	var wg sync.WaitGroup
	wg.Go(func() {
		if res := p.Scan(context.Background(), strings.NewReader("x")); res.Status != clamd.Clean {
			t.Errorf("the first: %+v", res)
		}
	})
	<-came
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if res := p.Scan(ctx, strings.NewReader("x")); res.Status != clamd.Unscanned || res.Why != "the virus scanner is busy" {
		t.Errorf("the second: %+v", res)
	}
	close(leave)
	wg.Wait()
}

// clamav says who it is, and something to every file.
func clamav(version, answer string) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		command, _ := r.Peek(9)
		if string(command) == "zVERSION\x00" {
			_, _ = io.WriteString(c, version)
			return
		}
		if _, err := r.ReadString(0); err != nil {
			return
		}
		for {
			var h [4]byte
			if _, err := io.ReadFull(r, h[:]); err != nil {
				return
			}
			n := binary.BigEndian.Uint32(h[:])
			if n == 0 {
				_, _ = io.WriteString(c, answer)
				return
			}
			if _, err := io.CopyN(io.Discard, r, int64(n)); err != nil {
				return
			}
		}
	}
}

func TestAScannerThatCannotScanIsNotWell(t *testing.T) {
	web := func(c net.Conn) {
		if _, err := bufio.NewReader(c).ReadByte(); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request")
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c)
		}
	}
	for _, c := range []struct {
		name string
		do   func(net.Conn)
		why  string
	}{
		{"its folder is full", clamav("ClamAV 1.4.3\x00", "stream: Can't create temporary file ERROR\x00"), "does not scan: the virus scanner reports an error"},
		{"it takes hardly anything", clamav("ClamAV 1.4.3\x00", "INSTREAM size limit exceeded. ERROR\x00"), "does not scan: larger than the virus scanner takes"},
		{"a web server has its port", web, "does not answer as ClamAV does"},
		{"well", clamav("ClamAV 1.4.3\x00", "stream: OK\x00"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := pool(t, clamd.Options{}, scanner(t, c.do))
			p.Check(context.Background())
			if s := p.State()[0]; s.OK != (c.why == "") || s.Why != c.why {
				t.Errorf("after the check: %+v", s)
			}
			res := p.Scan(context.Background(), bytes.NewReader(make([]byte, 1000)))
			if (res.Status == clamd.Clean) != (c.why == "") || res.Status == clamd.Found {
				t.Errorf("a file: %+v", res)
			}
			if s := p.State()[0]; s.OK != (c.why == "") {
				t.Errorf("after a file: %+v", s)
			}
		})
	}
}

func TestAWebServerInItsPlaceLeavesTheNextOneToScan(t *testing.T) {
	first := scanner(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n")
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	})
	p := pool(t, clamd.Options{}, first, scanner(t, say("stream: Win.Test FOUND\x00")))
	for range 3 {
		if res := p.Scan(context.Background(), bytes.NewReader(make([]byte, 1000))); res.Status != clamd.Found {
			t.Errorf("%+v", res)
		}
	}
	if s := p.State(); s[0].OK || s[0].Why != "does not answer as ClamAV does" || !s[1].OK {
		t.Errorf("%+v", s)
	}
}

func TestSignaturesAndTheirAge(t *testing.T) {
	now := clock.NewFake(time.Date(2026, 9, 10, 8, 0, 0, 0, time.UTC))
	a := scanner(t, clamav("ClamAV 1.4.3/27700/Tue Sep  8 08:31:00 2026\x00", "stream: OK\x00"))
	l, err := net.Listen("tcp", "127.0.0.1:0") // whose address then is nobody's
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	_ = l.Close()
	p := pool(t, clamd.Options{Clock: now, Idle: time.Hour * 24 * 3650, Total: time.Hour * 24 * 3650}, a, gone)
	p.Check(context.Background())
	s := p.State()
	if !s[0].OK || s[0].Number != "27700" || s[0].Stale || !s[0].Made.Equal(time.Date(2026, 9, 8, 8, 31, 0, 0, time.UTC)) {
		t.Errorf("%+v", s[0])
	}
	if s[1].OK || s[1].Why != "does not answer" || !s[1].Since.Equal(now.Now()) {
		t.Errorf("%+v", s[1])
	}
	now.Advance(48 * time.Hour)
	if s := p.State(); !s[0].Stale {
		t.Errorf("four days later: %+v", s[0])
	}
}

func TestAddressesThatCannotBe(t *testing.T) {
	for _, list := range [][]string{nil, {"unix:relative"}, {"localhost"}, {":3310"}, {"host:"}, make([]string, 17)} {
		if _, err := clamd.New(list, clamd.Options{}); err == nil {
			t.Errorf("%q was taken", list)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("stream: OK\x00"))
	f.Add([]byte("stream: a FOUND\x00"))
	f.Add([]byte("INSTREAM size limit exceeded. ERROR\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if res := clamd.Judge(b); res.Status == clamd.Clean && !bytes.HasPrefix(b, []byte("stream: OK\x00")) && strings.TrimSpace(strings.TrimPrefix(string(b[:bytes.IndexByte(b, 0)]), "stream: ")) != "OK" {
			t.Errorf("%q is clean", b)
		}
	})
}
