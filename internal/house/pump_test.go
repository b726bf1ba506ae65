package house

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/gate/probe"
	"belisha/internal/gate/spool"
	"belisha/internal/kit/clock"
	"belisha/internal/school/filtering"
)

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

type pumpBench struct {
	p         *pump
	w         *spool.Writer
	recording bool
	since     time.Time
	seen      []activity.Event
	sawFails  error
	namesFail error
}

func newPumpBench(t *testing.T) *pumpBench {
	t.Helper()
	dir := t.TempDir()
	c := clock.NewFake(monday)
	w, err := spool.Open(spool.Options{Dir: filepath.Join(dir, "spool"), Site: "main", Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	r, err := spool.OpenReader(filepath.Join(dir, "spool"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := activity.Open(activity.Config{Dir: filepath.Join(dir, "activity"), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	b := &pumpBench{w: w, recording: true}
	named := &deviceNames{clock: c, list: func(context.Context) ([]filtering.Device, error) {
		return []filtering.Device{{ID: "d1", Label: "Library computer 1"}}, b.namesFail
	}}
	b.p = &pump{
		called: named.of, gate: "main", reader: r, store: m, clock: c,
		recording: func(context.Context) (time.Time, bool, error) { return b.since, b.recording, nil },
		saw: func(_ context.Context, e []activity.Event) error {
			b.seen = append(b.seen, e...)
			return b.sawFails
		},
	}
	return b
}

func (b *pumpBench) put(t *testing.T, e spool.Event) {
	t.Helper()
	e.At, e.Site, e.Door, e.Address = monday, "main", "proxy", netip.MustParseAddr("10.0.0.5")
	e.Kind, e.Action = spool.Decision, spool.ActionBlock
	if err := b.w.Put(context.Background(), e); err != nil {
		t.Fatal(err)
	}
}

func (b *pumpBench) kept(t *testing.T) []activity.Event {
	t.Helper()
	p, err := b.p.store.Search(context.Background(), activity.Query{From: monday.Add(-time.Hour), To: monday.Add(time.Hour), Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return p.Events
}

func TestWhatTheFilterClosedIsKeptAndSeenOnce(t *testing.T) {
	b := newPumpBench(t)
	b.put(t, spool.Event{Host: "games.example", Category: "games", Certainty: spool.Sure, Subject: "abc"})
	b.put(t, spool.Event{Host: "www.google.com", Device: probe.Device("pupils")})
	if n, err := b.p.once(context.Background()); err != nil || n == 0 {
		t.Fatalf("moved %d, %v", n, err)
	}
	if n, err := b.p.once(context.Background()); err != nil || n != 0 {
		t.Fatalf("moved %d again, %v", n, err)
	}
	got := b.kept(t)
	if len(got) != 1 || got[0].Host != "games.example" || got[0].Action != activity.Block || got[0].Certainty != activity.Sure {
		t.Errorf("kept %+v", got)
	}
	if len(b.seen) != 1 {
		t.Errorf("monitoring saw %d events, want 1 (our own question is none)", len(b.seen))
	}
}

func TestADeviceStandsInTheRecordUnderTheSchoolsNameForIt(t *testing.T) {
	for name, x := range map[string]struct {
		device, want string
		err          error
	}{
		"one that the school knows": {"d1", "Library computer 1", nil},
		"one that is gone":          {"d2", "d2", nil},
		"none":                      {"", "", nil},
		"names cannot be read":      {"d1", "d1", errors.New("the disk is full")},
	} {
		t.Run(name, func(t *testing.T) {
			b := newPumpBench(t)
			b.namesFail = x.err
			b.put(t, spool.Event{Host: "games.example", Device: x.device})
			if _, err := b.p.once(context.Background()); err != nil {
				t.Fatal(err)
			}
			if got := b.kept(t); len(got) != 1 || got[0].Device != x.want {
				t.Errorf("kept %+v, want the device %q", got, x.want)
			}
		})
	}
}

func TestWhatCannotBeSeenStaysInTheSpoolAndComesAgain(t *testing.T) {
	b := newPumpBench(t)
	b.put(t, spool.Event{Host: "harm.example", Alert: "selfharm"})
	b.sawFails = errors.New("the records are away")
	if _, err := b.p.once(context.Background()); err == nil {
		t.Fatal("a failure was swallowed")
	}
	if len(b.kept(t)) != 0 {
		t.Error("it was kept before it was seen")
	}
	b.sawFails = nil
	if _, err := b.p.once(context.Background()); err != nil || len(b.kept(t)) != 1 {
		t.Errorf("after the records are back: %v, %d kept", err, len(b.kept(t)))
	}
}

func TestBeforeTheHeadHasConfirmedRecordingDecisionsAreOnlyCounted(t *testing.T) {
	b := newPumpBench(t)
	b.recording = false
	b.put(t, spool.Event{Host: "games.example", Subject: "abc", Category: "games"})
	if _, err := b.p.once(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := b.kept(t); len(got) != 0 {
		t.Errorf("rows were kept: %+v", got)
	}
	totals, err := b.p.store.Totals(context.Background(), monday.Add(-time.Hour), monday.Add(time.Hour), activity.PerDay)
	if err != nil || len(totals) == 0 {
		t.Errorf("it was not counted: %v, %v", totals, err)
	}
}

func TestWhatWaitedInTheSpoolFromBeforeTheHeadsWordIsOnlyCounted(t *testing.T) {
	b := newPumpBench(t)
	b.since = monday.Add(time.Minute)
	b.put(t, spool.Event{Host: "games.example", Subject: "abc", Category: "games"})
	if _, err := b.p.once(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := b.kept(t); len(got) != 0 {
		t.Errorf("rows were kept: %+v", got)
	}
	totals, err := b.p.store.Totals(context.Background(), monday.Add(-time.Hour), monday.Add(time.Hour), activity.PerDay)
	if err != nil || len(totals) == 0 {
		t.Errorf("it was not counted: %v, %v", totals, err)
	}
}

func TestWhatTheFilterDroppedIsCountedOnceOverRestartsOfEitherSide(t *testing.T) {
	b := newPumpBench(t)
	lost := func(total uint64) uint64 {
		t.Helper()
		at := monday
		if err := b.p.beat(context.Background(), &spool.Event{Site: "main", At: at, Dropped: total}); err != nil {
			t.Fatal(err)
		}
		return b.p.dropped
	}
	lost(50) // before this pump's time
	lost(60)
	lost(3) // the filter was started again
	mins, err := b.p.store.Minutes(context.Background(), "main", monday, monday.Add(time.Minute))
	if err != nil || len(mins) != 1 || mins[0].Dropped != 13 {
		t.Errorf("minutes %+v, %v; want 10 + 3 dropped", mins, err)
	}
}

func TestTheTwoSidesCountActionsAndCertaintyAlike(t *testing.T) {
	for s, a := range map[uint8]activity.Action{
		spool.ActionBlock: activity.Block, spool.ActionAllow: activity.Allow, spool.ActionWarn: activity.Warn, spool.ActionSupport: activity.Support,
	} {
		if activity.Action(s) != a {
			t.Errorf("action %d is %s", s, activity.Action(s))
		}
	}
	for s, a := range map[spool.Certainty]activity.Certainty{spool.Unknown: activity.Unknown, spool.Likely: activity.Likely, spool.Sure: activity.Sure} {
		if activity.Certainty(s) != a {
			t.Errorf("certainty %d is %s", s, activity.Certainty(s))
		}
	}
}

func TestWhatRulesOnTrialWouldHaveClosedIsCountedWhoeverItWas(t *testing.T) {
	b := newPumpBench(t)
	for _, e := range []spool.Event{
		{Host: "games.example", Category: "games", Group: "pupils", Tried: spool.TriedBlock, Count: 3},
		{Host: "shop.example", Category: "shopping", Group: "pupils", Tried: spool.TriedWarn},
		{Host: "www.example", Group: "pupils", Subject: "abc"},
	} {
		e.At, e.Site, e.Kind, e.Action = monday, "main", spool.Decision, spool.ActionAllow
		if err := b.w.Put(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.p.once(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := b.kept(t); len(got) != 1 || got[0].Host != "www.example" {
		t.Errorf("rows kept: %+v", got)
	}
	got, err := b.p.store.Tried(context.Background(), monday.Add(-time.Hour), monday.Add(time.Hour))
	if err != nil || len(got) != 2 {
		t.Fatalf("counted %+v, %v", got, err)
	}
	for i, want := range []activity.Total{{Category: "games", Action: activity.WouldBlock, N: 3}, {Category: "shopping", Action: activity.WouldWarn, N: 1}} {
		if g := got[i]; g.Category != want.Category || g.Action != want.Action || g.N != want.N || g.Group != "pupils" {
			t.Errorf("counted %+v, want %+v", g, want)
		}
	}
	top, err := b.p.store.Top(context.Background(), monday.Add(-time.Hour), monday.Add(time.Hour), activity.ByHost, activity.WouldBlock, 10)
	if err != nil || len(top) != 1 || top[0].Key != "games.example" || top[0].N != 3 {
		t.Errorf("the sites: %+v, %v", top, err)
	}
}
