package gate

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate/control"
	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
	"belisha/internal/verdict/snapfile"
)

// school is a folder with a key, origins and a resolver, and no gate yet.
type school struct {
	dir    string
	public ed25519.PublicKey
	key    ed25519.PrivateKey
	origin *httptest.Server
	cfg    Config
}

func newSchool(t *testing.T) *school {
	t.Helper()
	s := &school{dir: filepath.Join(t.TempDir(), "gate")}
	var err error
	if s.public, s.key, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	s.origin = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "origin") }))
	t.Cleanup(s.origin.Close)
	var zone []string
	for _, n := range []string{"ok", "bad", "game", "help", "update"} {
		zone = append(zone, n+".test. 60 A 127.0.0.1")
	}
	s.cfg = Config{
		Dir: s.dir, Version: "test", Proxy: "127.0.0.1:0", DNS: "127.0.0.1:0", PublicKey: s.public,
		UpstreamDNS:  []string{gatetest.Upstream(t, zone...)},
		AllowPrivate: []string{s.origin.Listener.Addr().String()},
		Log:          slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if err := WriteSettings(s.dir, Settings{
		Site: "main", OwnHosts: []string{gatetest.OwnHost},
		HelpHosts: []string{gatetest.HelpHost}, Essentials: []string{"update.test"},
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *school) publish(t *testing.T, r verdict.Rules) uint64 {
	t.Helper()
	if err := snapfile.Prepare(s.dir); err != nil {
		t.Fatal(err)
	}
	_, hash := gatetest.Segment(t, snapfile.SegmentsDir(s.dir))
	n, err := snapfile.Publish(s.dir, s.key, clock.System{}.Now(), r, []snapfile.SegmentRef{{Source: "starter", Title: "starter list", Hash: hash}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// run starts the gate and returns what it says of itself and how it ended.
func (s *school) run(t *testing.T) (control.State, *control.Client, <-chan error) {
	t.Helper()
	up, ended := make(chan control.State, 1), make(chan error, 1)
	cfg := s.cfg
	cfg.ReportedListen = func(st control.State) { up <- st }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		ended <- Run(ctx, cfg)
		close(done)
	}()
	t.Cleanup(func() { cancel(); <-done })
	select {
	case st := <-up:
		return st, control.NewClient(st.Control), ended
	case err := <-ended:
		t.Fatal(err)
	case <-time.After(10 * time.Second):
		t.Fatal("the gate did not open")
	}
	panic("not reached")
}

func (s *school) get(t *testing.T, st control.State, host string) (int, string) {
	t.Helper()
	c := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: st.Proxy}), DisableKeepAlives: true,
	}}
	res, err := c.Get(fmt.Sprintf("http://%s:%d/", host, s.origin.Listener.Addr().(*net.TCPAddr).Port))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(body)
}

func resolve(t *testing.T, st control.State, name string) string {
	t.Helper()
	m := new(mdns.Msg)
	m.SetQuestion(name+".", mdns.TypeA)
	c := &mdns.Client{Timeout: 5 * time.Second}
	got, _, err := c.Exchange(m, st.DNS)
	if err != nil {
		t.Fatal(err)
	}
	return mdns.RcodeToString[got.Rcode]
}

// until waits for something that the gate does by itself.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 400 {
		if ok() {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatalf("it never came: %s", what)
}

func TestWithoutRulesTheGateIsClosedAndHelpIsOpenAtEveryDoor(t *testing.T) {
	s := newSchool(t)
	st, c, _ := s.run(t)
	for host, want := range map[string]int{"ok.test": 403, "bad.test": 403, "help.test": 200, "update.test": 200} {
		if got, _ := s.get(t, st, host); got != want {
			t.Errorf("%s by the proxy: %d, want %d", host, got, want)
		}
	}
	if got := resolve(t, st, "ok.test"); got != "NXDOMAIN" {
		t.Errorf("ok.test by DNS: %s", got)
	}
	status, err := c.Status(context.Background())
	if err != nil || status.HasRules || status.RulesNumber != 0 {
		t.Errorf("status %+v, %v", status, err)
	}
	n := s.publish(t, gatetest.Rules())
	until(t, "the first rules", func() bool { now, _ := c.Status(context.Background()); return now.RulesNumber == n })
	if got, body := s.get(t, st, "ok.test"); got != 200 || body != "origin" {
		t.Errorf("with rules: %d %s", got, body)
	}
}

func TestTheGateStartsFromTheLastRulesWithNobodyElseThere(t *testing.T) {
	s := newSchool(t)
	s.publish(t, gatetest.Rules())
	st, c, ended := s.run(t)
	if got, _ := s.get(t, st, "ok.test"); got != 200 {
		t.Errorf("ok.test: %d", got)
	}
	if got, _ := s.get(t, st, "bad.test"); got != 403 {
		t.Errorf("bad.test: %d", got)
	}
	kept, err := control.ReadState(s.dir)
	if err != nil || kept.Proxy != st.Proxy || kept.PID != os.Getpid() {
		t.Errorf("gate.json: %+v, %v", kept, err)
	}
	if fi, err := os.Stat(filepath.Join(s.dir, "gate.json")); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("gate.json can be read by others: %v %v", fi.Mode(), err)
	}
	if b, err := c.Latest(context.Background(), netip.MustParseAddr("127.0.0.1")); err != nil || b.Host != "bad.test" {
		t.Errorf("latest: %+v, %v", b, err)
	}
	if _, err := c.Latest(context.Background(), netip.MustParseAddr("10.0.0.1")); !errors.Is(err, control.ErrNone) {
		t.Errorf("nothing was blocked there, yet: %v", err)
	}
	if d, err := c.Decide(context.Background(), control.DecideRequest{URL: "http://game.test/"}); err != nil || d.Action != "block" || d.Why.Category != "games" {
		t.Errorf("decide: %+v, %v", d, err)
	}
	if err := c.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	r, _ := spool.OpenReader(filepath.Join(s.dir, "spool"))
	got, _, _ := r.Next(100)
	var kinds []string
	for _, e := range got {
		kinds = append(kinds, fmt.Sprintf("%d:%s:%d", e.Kind, e.Host, e.Action))
	}
	all := strings.Join(kinds, " ")
	for _, want := range []string{"1::0", "0:ok.test:1", "0:bad.test:0"} {
		if !strings.Contains(all, want) {
			t.Errorf("the spool lacks %s: %s", want, all)
		}
	}
}

func TestDamagedOrForeignRulesNeverReplaceThoseInForce(t *testing.T) {
	s := newSchool(t)
	first := s.publish(t, gatetest.Rules())
	st, c, _ := s.run(t)
	r := gatetest.Rules()
	r.Own = append(r.Own, verdict.Own{ID: "x", Text: "ok.test", Act: verdict.Block})
	_, foreign, _ := ed25519.GenerateKey(rand.Reader)
	if _, err := snapfile.Publish(s.dir, foreign, clock.System{}.Now(), r, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Reload(context.Background()); err == nil {
		t.Error("reload took foreign rules without a word")
	}
	if got, _ := s.get(t, st, "ok.test"); got != 200 {
		t.Errorf("ok.test: %d", got)
	}
	status, _ := c.Status(context.Background())
	if status.RulesNumber != first || status.RulesError == "" {
		t.Errorf("status: rules %d, error %q", status.RulesNumber, status.RulesError)
	}
}

func TestPresenceIsPushedKeptAndEndsTunnels(t *testing.T) {
	s := newSchool(t)
	s.publish(t, gatetest.Rules())
	st, c, _ := s.run(t)
	now := clock.System{}.Now()
	row := subject.Row{
		ID: "r1", Address: netip.MustParseAddr("127.0.0.1"), Subject: "t1", Certainty: spool.Sure,
		Groups: []string{"staff"}, SignedUntil: now.Add(time.Hour), Ends: now.Add(time.Hour),
	}
	if got, _ := s.get(t, st, "game.test"); got != 403 {
		t.Errorf("nobody known: %d", got)
	}
	if err := c.Push(context.Background(), subject.Push{Number: 1, Rows: []subject.Row{row}}); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.get(t, st, "game.test"); got != 200 {
		t.Errorf("staff: %d", got)
	}
	again := subject.New(nil)
	if err := again.Load(filepath.Join(s.dir, "presence"), now); err != nil || again.Number() != 1 {
		t.Errorf("after a restart: number %d, %v", again.Number(), err)
	}
	if err := c.Push(context.Background(), subject.Push{Number: 7}); err == nil {
		t.Error("a gap in the stream was taken")
	}
	if err := c.SetDevices(context.Background(), []subject.Device{{ID: "d", Shared: true, Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}}); err != nil {
		t.Fatal(err)
	}
	s.get(t, st, "bad.test")
	if b, _ := c.Latest(context.Background(), row.Address); b.Subject != "t1" {
		t.Errorf("latest: %+v", b)
	}
}

func TestAnAddressInUseIsOnePlainSentence(t *testing.T) {
	s := newSchool(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, set := range []func(*Config){func(c *Config) { c.Proxy = ln.Addr().String() }, func(c *Config) { c.DNS = ln.Addr().String() }} {
		cfg := s.cfg
		set(&cfg)
		err := Run(context.Background(), cfg)
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), ln.Addr().String()) || !strings.Contains(err.Error(), "--listen-") {
			t.Errorf("got %v", err)
		}
	}
}

func TestASecondGateOnTheFolderSaysSo(t *testing.T) {
	s := newSchool(t)
	s.run(t)
	if err := Run(context.Background(), s.cfg); err == nil || !strings.Contains(err.Error(), "already runs") {
		t.Errorf("got %v", err)
	}
}

func TestTheGateEndsWhenItsFolderHasVanished(t *testing.T) {
	s := newSchool(t)
	s.cfg.VanishedAfter = time.Second
	_, _, ended := s.run(t)
	if err := os.Rename(s.dir, s.dir+".away"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "vanished") {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it goes on without a folder")
	}
}

func TestTheGateEndsWhenAnotherFolderStandsInPlaceOfItsOwn(t *testing.T) {
	s := newSchool(t)
	s.cfg.VanishedAfter = time.Second
	_, _, ended := s.run(t)
	if err := os.Rename(s.dir, s.dir+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it said nothing of it")
		}
	case <-time.After(10 * time.Second):
		t.Error("it goes on where nobody can reach it")
	}
}

func TestPasswordsAreCheckedOverThePeoplesSocket(t *testing.T) {
	now := clock.System{}.Now
	path := filepath.Join(t.TempDir(), "p.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	check := func(_ context.Context, user, password string) (subject.Row, bool, error) {
		return subject.Row{Subject: "s-" + user}, password == "right", nil
	}
	go http.Serve(ln, control.VerifyHandler(check, func() string { return "secret" }, now))
	good := control.NewPeople(func() string { return path }, "secret", now)
	if row, ok, err := good.Verify(context.Background(), "a", "right"); err != nil || !ok || row.Subject != "s-a" {
		t.Errorf("got %+v %v %v", row, ok, err)
	}
	if _, ok, err := good.Verify(context.Background(), "a", "wrong"); err != nil || ok {
		t.Errorf("a wrong password: %v %v", ok, err)
	}
	if _, _, err := control.NewPeople(func() string { return path }, "guessed", now).Verify(context.Background(), "a", "right"); err == nil {
		t.Error("anybody may ask")
	}
}

func TestASocketLeftByAKilledGateIsReplaced(t *testing.T) {
	s := newSchool(t)
	path := control.SocketPath(s.dir)
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	ln.Close()
	_, c, _ := s.run(t)
	if _, err := c.Status(context.Background()); err != nil {
		t.Error(err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("others may open the socket: %v, %v", fi, err)
	}
}

func TestWithoutUsableSettingsNobodyIsWrittenDown(t *testing.T) {
	for name, text := range map[string]string{"no file": "", "a damaged file": "{", "a zone that does not exist": `{"timeZone":"Mars/North"}`} {
		t.Run(name, func(t *testing.T) {
			s := newSchool(t)
			file := filepath.Join(s.dir, SettingsFile)
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if text != "" {
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s.publish(t, gatetest.Rules())
			st, c, _ := s.run(t)
			row := subject.Row{
				ID: "r", Address: netip.MustParseAddr("127.0.0.1"), Subject: "s1", Groups: []string{"pupils"},
				SignedUntil: (clock.System{}).Now().Add(time.Hour), Ends: (clock.System{}).Now().Add(time.Hour),
			}
			if err := c.Push(context.Background(), subject.Push{Number: 1, Rows: []subject.Row{row}}); err != nil {
				t.Fatal(err)
			}
			if code, _ := s.get(t, st, "bad.test"); code != 403 {
				t.Fatalf("bad.test: %d", code)
			}
			r, err := spool.OpenReader(filepath.Join(s.dir, "spool"))
			if err != nil {
				t.Fatal(err)
			}
			events, _, err := r.Next(100)
			if err != nil {
				t.Fatal(err)
			}
			counted := 0
			for _, e := range events {
				if e.Subject+e.Path != "" || e.Address.IsValid() {
					t.Errorf("somebody is written down: %+v", e)
				}
				if e.Host == "bad.test" {
					counted++
				}
			}
			if counted != 1 {
				t.Errorf("the block was counted %d times", counted)
			}
		})
	}
}
