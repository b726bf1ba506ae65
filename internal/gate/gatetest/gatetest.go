// Package gatetest is the fixture that every door of the gate is tried with:
// a small set of rules, an upstream resolver and web servers that really
// listen, and a porter whose spool can be read back.
package gatetest

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate/porter"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
	"belisha/internal/verdict/segment"
)

// Noon is when the fixture's clock stands: a Monday.
var Noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Help and own hosts of the fixture.
const (
	HelpHost = "help.test"
	OwnHost  = "belisha.test"
)

// Rules are the fixture's: pupils reach neither adult nor self-harm nor the
// school's own blocks; staff reach games.
func Rules() verdict.Rules {
	return verdict.Rules{
		Version: verdict.RulesVersion, School: "Hill School",
		Groups: []verdict.Group{{Slug: "pupils", Audience: "pupil"}, {Slug: "staff", Audience: "staff", AddressesOpen: true}},
		Categories: []verdict.Category{
			{Slug: "adult", Title: "Adult", Pupil: "This page is not for school.", Teacher: "Sexual content."},
			{Slug: "games", Title: "Games", Pupil: "Games are closed at school.", Teacher: "Games of all kinds."},
			{Slug: "self-harm", Title: "Self-harm", Alert: "selfharm", Pupil: "This page is not for school."},
		},
		Lines: []verdict.Line{
			{ID: "l1", Categories: []string{"adult", "self-harm"}, Act: verdict.Block},
			{ID: "l2", Who: verdict.Who{Groups: []string{"pupils"}}, Categories: []string{"games"}, Act: verdict.Block},
		},
		Own: []verdict.Own{
			{ID: "o1", Text: "own.test", Act: verdict.Block},
			{ID: "o2", Text: "warn.test", Act: verdict.Warn},
		},
		Help: []string{HelpHost}, Ours: []string{OwnHost}, Essentials: []string{"update.test"},
		Safe: []verdict.SafeService{{Name: "search", Hosts: []string{"www.search.test"}, Strict: "safe.search.test"}},
	}
}

// Segment writes the fixture's list and opens it.
func Segment(t testing.TB, dir string) (seg *segment.Segment, hash string) {
	t.Helper()
	b := segment.NewBuilder()
	for name, category := range map[string]string{
		"bad.test": "adult", "game.test": "games", "harm.test": "self-harm", "cdn.bad-cdn.test": "adult",
	} {
		if err := b.Add(segment.Name, name, category); err != nil {
			t.Fatal(err)
		}
	}
	hash, _, err := b.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	seg, err = segment.Open(segment.FileName(dir, hash))
	if err != nil {
		t.Fatal(err)
	}
	return seg, hash
}

// Snapshot compiles rules with the fixture's list.
func Snapshot(t testing.TB, r verdict.Rules) *verdict.Snapshot {
	t.Helper()
	seg, _ := Segment(t, t.TempDir())
	s, err := verdict.New(r, []verdict.Source{{Slug: "starter", Title: "starter list", Segment: seg}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// World is a porter with all it needs.
type World struct {
	Porter *porter.Porter
	Table  *subject.Table
	Clock  *clock.Fake
	Log    *slog.Logger
	dir    string
}

// New returns a world with the fixture's rules.
func New(t testing.TB) *World {
	t.Helper()
	w := &World{
		Clock: clock.NewFake(Noon), Table: subject.New(nil), dir: t.TempDir(),
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	sp, err := spool.Open(spool.Options{Dir: w.dir, Clock: w.Clock, Log: w.Log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sp.Close() })
	w.Porter, err = porter.New(porter.Deps{
		Clock: w.Clock, Table: w.Table, Spool: sp, Log: w.Log, Snapshot: Snapshot(t, Rules()), Search: queryWords{},
		Settings: &porter.Settings{
			SchoolName: "Hill School", Site: "main", OwnHosts: []string{OwnHost},
			Help:   []porter.HelpLine{{Name: "Childline", Phone: "0800 1111"}},
			Themes: map[string][]string{"suicide": {"want to vanish"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// queryWords takes the parameter q of any page for search words.
type queryWords struct{}

func (queryWords) Words(_, path, query string) (engine, words, kind string, ok bool) {
	if q, has := strings.CutPrefix(query, "q="); has && path == "/search" {
		return "any", strings.ReplaceAll(q, "+", " "), "web", true
	}
	return "", "", "", false
}

// SignIn puts somebody of a group behind an address.
func (w *World) SignIn(t testing.TB, address, name, group string) {
	t.Helper()
	err := w.Table.Apply(subject.Push{Number: w.Table.Number() + 1, Rows: []subject.Row{{
		ID: name, Address: netip.MustParseAddr(address), Subject: name, Certainty: spool.Sure,
		Groups: []string{group}, SignedUntil: Noon.Add(time.Hour), Ends: Noon.Add(time.Hour),
	}}}, w.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
}

// Events waits until at least n events are in the spool, and returns them.
func (w *World) Events(t testing.TB, n int) []spool.Event {
	t.Helper()
	r, err := spool.OpenReader(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	stop := clock.System{}.Now().Add(3 * time.Second)
	for {
		got, _, err := r.Next(100_000)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) >= n || (clock.System{}).Now().After(stop) {
			if len(got) < n {
				t.Fatalf("%d events came, %d were expected: %+v", len(got), n, got)
			}
			return got
		}
		<-time.After(20 * time.Millisecond)
	}
}

// Upstream is a resolver that answers from a table of zone lines such as
// "ok.test. 60 A 127.0.0.1"; other names do not exist, or have the records of
// "*." where there are some.
func Upstream(t testing.TB, lines ...string) string {
	t.Helper()
	records := map[string][]mdns.RR{}
	for _, l := range lines {
		rr, err := mdns.NewRR(l)
		if err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		records[rr.Header().Name] = append(records[rr.Header().Name], rr)
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &mdns.Server{PacketConn: pc, Handler: mdns.HandlerFunc(func(w mdns.ResponseWriter, r *mdns.Msg) {
		m := new(mdns.Msg)
		m.SetReply(r)
		name := strings.ToLower(r.Question[0].Name)
		list, ok := records[name]
		if !ok {
			list, ok = records["*."]
		}
		if !ok {
			m.Rcode = mdns.RcodeNameError
		}
		for depth := 0; depth < 5; depth++ {
			next := ""
			for _, rr := range list {
				if rr.Header().Rrtype == r.Question[0].Qtype {
					m.Answer = append(m.Answer, rr)
				} else if c, is := rr.(*mdns.CNAME); is {
					m.Answer = append(m.Answer, rr)
					next = c.Target
				}
			}
			if next == "" {
				break
			}
			list = records[next]
		}
		// A test resolver has nobody to tell that its answer was not sent.
		_ = w.WriteMsg(m)
	})}
	go func() { _ = srv.ActivateAndServe() }() // ends with the test
	t.Cleanup(func() { _ = srv.Shutdown() })
	return pc.LocalAddr().String()
}
