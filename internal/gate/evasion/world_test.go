package evasion

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"belisha/internal/gate"
	"belisha/internal/gate/ca"
	"belisha/internal/gate/control"
	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
	"belisha/internal/verdict/scan"
	"belisha/internal/verdict/segment"
	"belisha/internal/verdict/snapfile"
	"belisha/lists"
)

// patience is how long anything may take before a case has failed.
const patience = 8 * time.Second

func now() time.Time { return clock.System{}.Now() }

type noSeal struct{}

func (noSeal) Seal(p []byte) ([]byte, error) { return append([]byte{1}, p...), nil }
func (noSeal) Open(p []byte) ([]byte, error) { return p[1:], nil }

// world is one real gate with sites, names and a scanner around it.
type world struct {
	t       testing.TB
	dir     string
	key     ed25519.PrivateKey
	state   control.State
	ctl     *control.Client
	rules   verdict.Rules
	refs    []snapfile.SegmentRef
	set     gate.Settings
	sites   *sites
	scanner *scanner
	school  *x509.CertPool // the school's certificate
	all     *x509.CertPool // and those of the sites
	log     *logBook
	bodies  map[string][]byte

	mu      sync.Mutex
	clients int
	rows    []subject.Row
	number  uint64
}

// logBook keeps what the gate writes to its own log.
type logBook struct {
	mu    sync.Mutex
	lines []byte
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, p...)
	return len(p), nil
}

func (l *logBook) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.lines)
}

// named are the names that lead to the sites of the cases.
var named = []string{
	"ok.test", "www.ok.test", "bad.test", "www.bad.test", "notbad.test", "bad.test.evil.example", "ok.test.bad.test", "a.b.c.bad.test",
	"other.test", "game.test", "bank.test", "under_score.test", "xn--bcher-bad-q9a.test", "xn--bd-8cd.test", "proxy.test", "help.test",
	"warn.test", "www.bing.com", "strict.bing.com", "www.youtube.com", "m.youtube.com", "youtube.com", "www.youtube-nocookie.com",
	"restrict.youtube.com", "chatgpt.com", "www.google.com", "forcesafesearch.google.com", "translate.google.com", "bad-test.translate.goog",
	"ok-test.translate.goog", "translate.yandex.com", "cloudflare-ech.com", "dns.google", "find.test", "login.microsoftonline.com", "accounts.google.com",
	"expired.test", "wrong.test", "self.test", "cn.test", "old.test", "client.test", "explicit.bing.net", "bing.com", "web.archive.org",
	"encrypted-tbn0.gstatic.com", "duckduckgo.com", "xn--bad-.test", "mixed.ok.test", "searx.test", "vpn.test", "remote.test", "never.test",
}

// listed are the names of the fixture's list.
var listed = map[string]string{
	"bad.test": "adult", "game.test": "games", "proxy.test": "proxy", "dns.google": "proxy", "searx.test": "search-without-lock",
	"explicit.bing.net": "adult", "vpn.test": "vpn", "remote.test": "remote-control", "never.test": "illegal",
	"xn--bcher-bad-q9a.test": "adult", "203.0.113.9": "adult",
}

func zone() []string {
	var out []string
	for _, n := range named {
		out = append(out, n+". 60 A 127.0.0.1")
	}
	return append(out,
		// Whatever nobody knows exists and is public, so that a name which the
		// gate does not answer is not taken for one that it closes.
		"*. 60 A 203.0.113.77", "*. 60 AAAA 2606:4700::77", "*. 60 HTTPS 1 . alpn=h2", "*. 60 SVCB 1 dns.google. alpn=dot", "*. 60 TXT \"words\"",
		"dead.test. 60 A 127.0.0.1",
		"rebind10.test. 0 A 10.0.0.1", "rebind127.test. 0 A 127.0.0.9", "meta.test. 0 A 169.254.169.254", "rebind6.test. 0 AAAA ::1",
		"rebindula.test. 0 AAAA fc00::1", "rebindmapped.test. 0 AAAA ::ffff:10.0.0.1", "rebind64.test. 0 AAAA 64:ff9b::a00:1",
		"rebindzero.test. 0 A 0.0.0.0", "rebindcgn.test. 0 A 100.64.0.1", "rebind6to4.test. 0 AAAA 2002:a00:1::", "rebindsite.test. 0 AAAA fec0::1",
		"rebindbench.test. 0 A 198.18.0.1", "rebindtop.test. 0 A 240.0.0.1", "metadata.google.internal. 0 A 169.254.169.254",
		"localtest.me. 0 A 127.0.0.1", "listedip.test. 60 A 203.0.113.9", "hinted.test. 60 HTTPS 1 . alpn=h2 ipv4hint=203.0.113.9",
		"alias.test. 60 CNAME bad.test.", "alias2.test. 60 CNAME alias.test.", "public.test. 60 A 203.0.113.1",
		"ok.test. 60 HTTPS 1 . alpn=h3,h2 ech=AEX+DQBB ipv4hint=203.0.113.1", "ok.test. 60 TXT \"words\"", "ok.test. 60 MX 10 mail.ok.test.",
		"svc.test. 60 SVCB 1 bad.test. alpn=h2", "hintprivate.test. 60 HTTPS 1 . ipv4hint=10.0.0.1",
	)
}

// fixture are the rules of the catalogue: what is listed is closed for pupils,
// programs and the like are closed, and so are pages that weigh more than 60.
func fixture(scanned bool) verdict.Rules {
	look := verdict.Content{Inspect: true, Phrases: 60, TooLarge: verdict.Block, Chat: true, Files: map[string]verdict.Action{}}
	if scanned {
		look.Viruses = "closed"
		look.MaxScan = 2 << 20
	}
	for _, k := range verdict.FileKinds() {
		if k != "archive" {
			look.Files[k] = verdict.Block
		}
	}
	staff := look
	staff.Viruses = map[bool]string{true: "open"}[scanned]
	staff.Files, staff.Phrases = nil, 0
	r := gatetest.Rules()
	r.Groups = []verdict.Group{
		{Slug: "pupils", Audience: "pupil", Content: &look},
		{Slug: "staff", Audience: "staff", AddressesOpen: true, Content: &staff},
	}
	r.Categories = append(r.Categories,
		verdict.Category{Slug: "proxy", Title: "Ways round the filter"}, verdict.Category{Slug: "vpn", Title: "VPN"},
		verdict.Category{Slug: "search-without-lock", Title: "Search without a lock"}, verdict.Category{Slug: "remote-control", Title: "Remote control"},
		verdict.Category{Slug: "illegal", Title: "Illegal"},
	)
	r.Lines[0].Categories = append(r.Lines[0].Categories, "proxy", "vpn", "search-without-lock", "remote-control")
	r.Locked.Categories = []string{"illegal"}
	r.Own = append(r.Own, verdict.Own{ID: "o3", Text: "ok.test/secret", Act: verdict.Block}, verdict.Own{ID: "o4", Text: "never.test", Act: verdict.Allow})
	r.Splice.Hosts = []string{"bank.test"}
	r.Safe = []verdict.SafeService{
		{Name: "bing", Hosts: []string{"www.bing.com"}, Strict: "strict.bing.com"},
		{Name: "google", Hosts: []string{"www.google.com"}, Strict: "forcesafesearch.google.com"},
		{Name: "youtube", Hosts: []string{"www.youtube.com", "youtube.com", "m.youtube.com", "www.youtube-nocookie.com"}, Strict: "restrict.youtube.com"},
	}
	r.Headers = []verdict.Header{
		{Name: "X-GoogApps-Allowed-Domains", Value: "hill.sch.uk", Hosts: []string{"accounts.google.com"}},
		{Name: "Restrict-Access-To-Tenants", Value: "hill.sch.uk", Hosts: []string{"login.microsoftonline.com"}},
	}
	return r
}

func phraseFile(t testing.TB) []byte {
	b := scan.NewBuilder(scan.Options{})
	for _, l := range []scan.Line{
		{Parts: []string{" badword "}, Weight: 100, Category: "adult"},
		{Parts: []string{" halfword ", " otherhalf "}, Weight: 100, Category: "adult"},
		{Parts: []string{"плохое"}, Weight: 100, Category: "adult"},
		{Parts: []string{"悪語悪語"}, Weight: 100, Category: "adult"},
	} {
		if _, err := b.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	file, _, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// newWorld opens everything.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "gate"), log: new(logBook), school: x509.NewCertPool(), bodies: map[string][]byte{}}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.key, w.sites, w.scanner = key, newSites(t), newScanner(t)
	authority, err := ca.Create(filepath.Join(w.dir, "ca"), "Hill School", noSeal{}, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	w.school.AppendCertsFromPEM(authority.PEM())
	w.all = w.school.Clone()
	w.all.AddCert(w.sites.issuer.cert)
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.sites.issuer.cert.Raw})
	if err := os.WriteFile(filepath.Join(w.dir, "ca", "roots.pem"), roots, 0o600); err != nil {
		t.Fatal(err)
	}
	w.rules = fixture(w.scanner != nil)
	w.fillLists()
	w.publish(nil)
	w.set = gate.Settings{Site: "main", SchoolName: "Hill School", OwnHosts: []string{gatetest.OwnHost}, Themes: map[string][]string{"suicide": {"want to vanish"}}}
	if err := gate.WriteSettings(w.dir, w.set); err != nil {
		t.Fatal(err)
	}
	w.run(public)
	return w
}

func (w *world) fillLists() {
	if err := snapfile.Prepare(w.dir); err != nil {
		w.t.Fatal(err)
	}
	b := segment.NewBuilder()
	for name, category := range listed {
		kind := segment.Name
		if _, err := netip.ParseAddr(name); err == nil {
			kind = segment.AddressRange
		}
		if err := b.Add(kind, name, category); err != nil {
			w.t.Fatal(name, err)
		}
	}
	if err := b.Add(segment.URL, "other.test/secret", "adult"); err != nil {
		w.t.Fatal(err)
	}
	hash, _, err := b.Write(snapfile.SegmentsDir(w.dir))
	if err != nil {
		w.t.Fatal(err)
	}
	ref, err := snapfile.PutPhrases(w.dir, phraseFile(w.t))
	if err != nil {
		w.t.Fatal(err)
	}
	w.refs = []snapfile.SegmentRef{{Source: "starter", Title: "starter list", Hash: hash}, ref}
}

// publish puts the fixture's rules in force, changed where change is given,
// and waits until the gate has them.
func (w *world) publish(change func(*verdict.Rules)) {
	w.t.Helper()
	r := w.rules
	r.Own = append([]verdict.Own(nil), r.Own...)
	if change != nil {
		change(&r)
	}
	n, err := snapfile.Publish(w.dir, w.key, now(), r, w.refs)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.ctl != nil {
		w.until("the rules", func() bool { return w.status().RulesNumber == n })
	}
}

func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for stop := now().Add(patience); !ok(); <-time.After(5 * time.Millisecond) {
		if now().After(stop) {
			w.t.Fatalf("it never came: %s", what)
		}
	}
}

func (w *world) run(public ed25519.PublicKey) {
	engines, err := lists.SearchEngines()
	if err != nil {
		w.t.Fatal(err)
	}
	services, err := lists.AIServices()
	if err != nil {
		w.t.Fatal(err)
	}
	up, ended := make(chan control.State, 1), make(chan error, 1)
	cfg := gate.Config{
		Dir: w.dir, Version: "evasion", Proxy: "127.0.0.1:0", DNS: "127.0.0.1:0", Sink: "127.0.0.1:0", PublicKey: public, Seal: noSeal{},
		UpstreamDNS: []string{gatetest.Upstream(w.t, zone()...)}, AllowPrivate: w.sites.addresses(),
		Searcher: lists.NewSearcher(engines), Chats: lists.NewChats(services), DNSPerClient: 10_000,
		Doors:          gate.Doors{ICAP: "127.0.0.1:0", DoT: "127.0.0.1:0", DoH: "127.0.0.1:0", Going: gate.Going{Peers: []string{"127.9.0.0/16"}}},
		Log:            slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		ReportedListen: func(s control.State) { up <- s },
	}
	if w.scanner != nil {
		cfg.Doors.Clamd = []string{w.scanner.address()}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { ended <- gate.Run(ctx, cfg); close(done) }()
	w.t.Cleanup(func() { cancel(); <-done })
	select {
	case w.state = <-up:
		w.ctl = control.NewClient(w.state.Control)
	case err := <-ended:
		w.t.Fatal(err)
	case <-time.After(patience):
		w.t.Fatal("the gate did not open")
	}
	// Devices of 127.2 and 127.4 have the school's certificate.
	if err := w.ctl.SetDevices(context.Background(), []subject.Device{
		{ID: "with", Addresses: []netip.Prefix{netip.MustParsePrefix("127.2.0.0/16"), netip.MustParsePrefix("127.4.0.0/16")}, CA: true},
	}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) status() control.Status {
	s, err := w.ctl.Status(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// client is a fresh address with somebody behind it.
func (w *world) client(second byte, group string) (netip.Addr, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clients++
	addr := netip.AddrFrom4([4]byte{127, second, byte(w.clients >> 8), byte(w.clients)})
	name := fmt.Sprintf("s%d", w.clients)
	w.number++
	row := subject.Row{
		ID: name, Address: addr, Subject: name, Certainty: spool.Sure, Groups: []string{group},
		SignedUntil: now().Add(time.Hour), Ends: now().Add(time.Hour),
	}
	if err := w.ctl.Push(context.Background(), subject.Push{Number: w.number, Rows: []subject.Row{row}}); err != nil {
		w.t.Fatal(err)
	}
	w.rows = append(w.rows, row)
	return addr, name
}

// events are all that was written down so far, by whom it is of.
func (w *world) events() map[string][]spool.Event {
	r, err := spool.OpenReader(filepath.Join(w.dir, "spool"))
	if err != nil {
		w.t.Fatal(err)
	}
	all, _, err := r.Next(1_000_000)
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string][]spool.Event{}
	for _, e := range all {
		out[e.Subject] = append(out[e.Subject], e)
	}
	return out
}

// dialFrom opens a connection from a client's address.
func dialFrom(from netip.Addr, to string) (net.Conn, error) {
	d := net.Dialer{Timeout: patience, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
	c, err := d.Dial("tcp", to)
	if err != nil {
		return nil, fmt.Errorf("opening a connection to %s: %w", to, err)
	}
	return c, c.SetDeadline(now().Add(patience))
}

var _ io.Writer = (*logBook)(nil)
