package soak

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
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
)

// icapFrom is the address of the proxies that ask over ICAP. The clients have
// others: what comes from a listed proxy is nobody's own.
const icapFrom = "127.0.0.1"

// patience is how long anything may take.
const patience = 20 * time.Second

// Names that the rules open and close: own entries, lists that are exchanged,
// and unblocks that begin and end by the clock.
const (
	owns     = 12
	swapped  = 8
	timed    = 4
	segments = 4
	padding  = 200_000 // more names in each list
)

func ownName(i int) string     { return fmt.Sprintf("own%d.test", i) }
func swappedName(i int) string { return fmt.Sprintf("swapped%d.test", i) }
func timedName(i int) string   { return fmt.Sprintf("timed%d.test", i) }

// names are all that lead to the sites.
func names() []string {
	out := []string{"ok.test", "bad.test", "game.test"}
	for i := range owns {
		out = append(out, ownName(i))
	}
	for i := range swapped {
		out = append(out, swappedName(i))
	}
	for i := range timed {
		out = append(out, timedName(i))
	}
	return out
}

// world is one gate with sites, names and a scanner around it.
type world struct {
	t       *testing.T
	dir     string
	key     ed25519.PrivateKey
	refs    [segments]snapfile.SegmentRef
	phrases snapfile.SegmentRef
	oracle  *oracle
	sites   *sites
	scanner *scanner
	child   *process
	state   control.State
	ctl     *control.Client
	roots   *x509.CertPool // the school's and the sites'

	mu     sync.Mutex
	pushes uint64
	rows   []subject.Row
	wrong  []string
	stop   context.CancelFunc
}

// fail says that something came out otherwise; the first of them end it all.
func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
	if len(w.wrong) >= 5 && w.stop != nil {
		w.stop()
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "gate"), oracle: newOracle(), sites: newSites(t), scanner: newScanner(t)}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.key = key
	w.authority()
	w.lists()
	first := w.plan(0)
	w.oracle.begin(first.rules)
	n, err := snapfile.Publish(w.dir, w.key, now(), first.text, first.refs)
	if err != nil {
		t.Fatal(err)
	}
	w.oracle.settle(n)
	if err := gate.WriteSettings(w.dir, gate.Settings{Site: "main", SchoolName: "Hill School", OwnHosts: []string{gatetest.OwnHost}}); err != nil {
		t.Fatal(err)
	}
	var zone []string
	for _, n := range names() {
		zone = append(zone, n+". 60 A 127.0.0.1")
	}
	w.child = startChild(t, settings{
		Dir: w.dir, Upstream: gatetest.Upstream(t, zone...), Private: w.sites.addresses(), Public: public, Clamd: "unix:" + w.scanner.socket,
	})
	if w.state, err = control.ReadState(w.dir); err != nil {
		t.Fatal(err)
	}
	w.ctl = control.NewClient(w.state.Control)
	with := []netip.Prefix{netip.MustParsePrefix("127.2.0.0/16")}
	if err := w.ctl.SetDevices(t.Context(), []subject.Device{{ID: "with", Addresses: with, CA: true}}); err != nil {
		t.Fatal(err)
	}
	return w
}

// authority makes the school's, and gives the gate and the clients what they
// believe.
func (w *world) authority() {
	school, err := ca.Create(filepath.Join(w.dir, "ca"), "Hill School", noSeal{}, clock.System{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.roots = x509.NewCertPool()
	w.roots.AppendCertsFromPEM(school.PEM())
	w.roots.AddCert(w.sites.issuer)
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.sites.issuer.Raw})
	if err := os.WriteFile(filepath.Join(w.dir, "ca", "roots.pem"), roots, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// listedIn reports whether a list holds a swapped name.
func listedIn(list, name int) bool { return (name>>list)&1 == 1 || name == list }

// lists writes the lists that are exchanged, and the phrases.
func (w *world) lists() {
	if err := snapfile.Prepare(w.dir); err != nil {
		w.t.Fatal(err)
	}
	for list := range segments {
		entries := map[string]string{"bad.test": "adult", "game.test": "games"}
		for i := range timed {
			entries[timedName(i)] = "games"
		}
		for i := range swapped {
			if listedIn(list, i) {
				entries[swappedName(i)] = "adult"
			}
		}
		for i := range padding {
			entries[fmt.Sprintf("n%d.list%d.example", i, list)] = "adult"
		}
		b := segment.NewBuilder()
		for name, category := range entries {
			if err := b.Add(segment.Name, name, category); err != nil {
				w.t.Fatal(err)
			}
		}
		hash, _, err := b.Write(snapfile.SegmentsDir(w.dir))
		if err != nil {
			w.t.Fatal(err)
		}
		w.refs[list] = snapfile.SegmentRef{Source: "starter", Title: "starter list", Hash: hash}
	}
	b := scan.NewBuilder(scan.Options{})
	if _, err := b.Add(scan.Line{Parts: []string{" badword "}, Weight: 100, Category: "adult"}); err != nil {
		w.t.Fatal(err)
	}
	file, _, err := b.Build()
	if err != nil {
		w.t.Fatal(err)
	}
	if w.phrases, err = snapfile.PutPhrases(w.dir, file); err != nil {
		w.t.Fatal(err)
	}
}

// planned is one set of rules.
type planned struct {
	text  verdict.Rules
	refs  []snapfile.SegmentRef
	rules rules
}

// plan makes the rules of a round. Unblocks begin and end within seconds.
func (w *world) plan(round int) planned {
	p := planned{text: gatetest.Rules(), rules: rules{closed: map[string]bool{"ok.test": false, "bad.test": true}, unblocks: map[string]verdict.Span{}}}
	look := verdict.Content{
		Inspect: true, Phrases: 60, Viruses: "closed", MaxScan: maxScan, TooLarge: verdict.Block, Chat: true,
		Files: map[string]verdict.Action{"program": verdict.Block},
	}
	p.text.Groups[0].Content = &look
	for i := range owns {
		if closed := mix(round, i)%3 == 0; closed {
			p.text.Own = append(p.text.Own, verdict.Own{ID: fmt.Sprint("x", i), Text: ownName(i), Act: verdict.Block})
			p.rules.closed[ownName(i)] = true
		} else {
			p.rules.closed[ownName(i)] = false
		}
	}
	list := (round / 3) % segments // a new one every third time
	p.refs = []snapfile.SegmentRef{w.refs[list], w.phrases}
	for i := range swapped {
		p.rules.closed[swappedName(i)] = listedIn(list, i)
	}
	for i := range timed {
		from := now().Add(time.Duration(mix(round, 100+i)%1500-700) * time.Millisecond)
		span := verdict.Span{From: from.UnixMilli(), Until: from.Add(time.Duration(200+mix(round, 200+i)%900) * time.Millisecond).UnixMilli()}
		p.text.Unblocks = append(p.text.Unblocks, verdict.Unblock{ID: fmt.Sprint("u", i), Hosts: []string{timedName(i)}, Span: span})
		p.rules.unblocks[timedName(i)] = span
	}
	return p
}

// mix is a number that looks like any, and is the same each time.
func mix(a, b int) int {
	x := uint64(a)*0x9e3779b97f4a7c15 + uint64(b)*0xbf58476d1ce4e5b9
	x ^= x >> 31
	x *= 0x94d049bb133111eb
	return int((x ^ x>>29) >> 2 & 0xffffff)
}

// push sends who came and who left.
func (w *world) push(gone []string, rows ...subject.Row) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pushes++
	for _, r := range rows {
		if at := slices.IndexFunc(w.rows, func(have subject.Row) bool { return have.ID == r.ID }); at >= 0 {
			w.rows[at] = r
		} else {
			w.rows = append(w.rows, r)
		}
	}
	w.rows = slices.DeleteFunc(w.rows, func(r subject.Row) bool { return slices.Contains(gone, r.ID) })
	p := subject.Push{Number: w.pushes, Rows: rows, Gone: gone}
	if w.pushes%50 == 0 {
		p = subject.Push{Number: w.pushes, Full: true, Rows: w.rows}
	}
	if err := w.ctl.Push(context.Background(), p); err != nil {
		w.wrong = append(w.wrong, fmt.Sprint("telling who is there: ", err))
	}
}

func row(name string, address netip.Addr, group string) subject.Row {
	ends := now().Add(12 * time.Hour)
	return subject.Row{ID: name, Address: address, Subject: name, Certainty: spool.Sure, Groups: []string{group}, SignedUntil: ends, Ends: ends}
}
