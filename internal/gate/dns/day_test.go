package dns

import (
	"net/netip"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

func TestAnAnswerUnderAnUnblockIsHeldForAMinuteAtMostAndNeverBeyondItsEnd(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, gatetest.Upstream(t, "game.test. 600 A 203.0.113.8", "ok.test. 600 A 203.0.113.5", "short.game.test. 20 A 203.0.113.9"))
	r := gatetest.Rules()
	r.Unblocks = []verdict.Unblock{{
		ID: "u", Hosts: []string{"game.test"},
		Span: verdict.Span{From: gatetest.Noon.UnixMilli(), Until: gatetest.Noon.Add(10 * time.Minute).UnixMilli()},
	}}
	w.Porter.Use(gatetest.Snapshot(t, r))
	for _, c := range []struct {
		name string
		host string
		at   time.Duration
		want int // seconds; -1: closed
	}{
		{"an open name is held as ever", "ok.test", 0, maxTTL},
		{"under the unblock, a minute", "game.test", 0, 60},
		{"from what is remembered too", "game.test", time.Second, 60},
		{"a shorter answer stays as it is", "short.game.test", 0, 20},
		{"near the end, until the end", "game.test", 9*time.Minute + 20*time.Second, 40},
		{"in the last second, not at all", "game.test", 10*time.Minute - 500*time.Millisecond, 0},
		{"when it has ended, closed", "game.test", 10 * time.Minute, -1},
		{"and closed when the clock is put back", "game.test", 5 * time.Minute, -1},
	} {
		w.Clock.Set(gatetest.Noon.Add(c.at))
		got := ask(t, s, "udp", c.host, mdns.TypeA)
		switch {
		case c.want < 0 && got.Rcode != mdns.RcodeNameError:
			t.Errorf("%s: %s", c.name, say(got))
		case c.want >= 0 && (len(got.Answer) != 1 || int(got.Answer[0].Header().Ttl) != c.want):
			t.Errorf("%s: %v, want %d seconds", c.name, got.Answer, c.want)
		}
	}
}

func TestNamesOfDevicesChecks(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, gatetest.Upstream(t, "captive.apple.com. 600 A 203.0.113.8", "www.apple.com. 600 A 203.0.113.9"))
	r := gatetest.Rules()
	r.UnsignedClosed = true
	for i := range r.Groups {
		r.Groups[i].UnlistedClosed = true
	}
	w.Porter.Use(gatetest.Snapshot(t, r))
	ends := gatetest.Noon.Add(time.Hour)
	row := subject.Row{
		ID: "p", Address: netip.MustParseAddr("127.0.0.1"), Subject: "p", Certainty: spool.Sure, Groups: []string{"pupils"},
		SignedUntil: ends, Ends: ends,
	}
	held := row
	held.Agreement = subject.AgreementHold
	sink := []netip.Addr{netip.MustParseAddr("10.1.1.1")}
	for _, c := range []struct {
		name    string
		captive bool
		sink    []netip.Addr
		rows    []subject.Row
		host    string
		want    string
	}{
		{"nobody signed in is led to our page", true, sink, nil, "captive.apple.com", "NOERROR | A 10.1.1.1"},
		{"where there is no such page it resolves, for the proxy", true, nil, nil, "captive.apple.com", "NOERROR | A 203.0.113.8"},
		{"who is held is led to our page", true, sink, []subject.Row{held}, "captive.apple.com", "NOERROR | A 10.1.1.1"},
		{"who is signed in passes, though no list names it", true, sink, []subject.Row{row}, "captive.apple.com", "NOERROR | A 203.0.113.8"},
		{"other names stay closed to them", true, nil, []subject.Row{row}, "www.apple.com", "NXDOMAIN"},
		{"switched off, it is a name like any other", false, nil, nil, "captive.apple.com", "NXDOMAIN"},
	} {
		set := *w.Porter.Settings()
		set.Captive, set.Sink = c.captive, c.sink
		if err := w.Porter.Configure(&set); err != nil {
			t.Fatal(err)
		}
		if err := w.Table.Apply(subject.Push{Number: 1, Full: true, Rows: c.rows}, w.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		if got := say(ask(t, s, "udp", c.host, mdns.TypeA)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestAnAnswerIsNotHeldBeyondTheTimeAtWhichItMayBeClosed(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w, gatetest.Upstream(t, "game.test. 600 A 203.0.113.8"))
	r := gatetest.Rules()
	r.Lines = append(r.Lines, verdict.Line{
		ID: "lunch", Who: verdict.Who{Groups: []string{"pupils"}}, Categories: []string{"games"}, Act: verdict.Allow,
		When: verdict.When{Weekly: []verdict.Window{{From: 12 * 60, To: 13 * 60}}}, // on Monday
	})
	w.Porter.Use(gatetest.Snapshot(t, r))
	for _, c := range []struct {
		at   time.Duration
		want int
	}{
		{0, maxTTL},
		{56*time.Minute + 10*time.Second, 230},
		{59*time.Minute + 50*time.Second, 10},
		{time.Hour, -1},
	} {
		w.Clock.Set(gatetest.Noon.Add(c.at))
		got := ask(t, s, "udp", "game.test", mdns.TypeA)
		if c.want < 0 && got.Rcode != mdns.RcodeNameError || c.want >= 0 && (len(got.Answer) != 1 || int(got.Answer[0].Header().Ttl) != c.want) {
			t.Errorf("at %s: %v, want %d seconds", c.at, got, c.want)
		}
	}
}
