package activity

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const oneDay = 24 * time.Hour

// night does the night's work at a moment far ahead as a running server comes
// to it: some nights before it were done too.
func (b *bench) night(t *testing.T, at time.Time) Removed {
	t.Helper()
	for now := b.clock.Now(); now.Before(at); now = now.Add(5 * oneDay) {
		b.Store.enforced.Store(now.Unix())
		if err := b.totals.note(context.Background(), map[string]int64{metaEnforced: now.Unix(), metaDoubt: 0}); err != nil {
			t.Fatal(err)
		}
	}
	b.clock.Set(at)
	r, err := b.Enforce(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAClockThatJumpsRemovesNothing(t *testing.T) {
	b := newStore(t, Keep{Names: 30 * oneDay, Words: 10 * oneDay, Totals: 90 * oneDay})
	ctx := context.Background()
	b.append(t, visit(1, monday))
	if _, err := b.Enforce(ctx, b.clock.Now()); err != nil {
		t.Fatal(err)
	}
	jumped := monday.AddDate(12, 0, 0)
	for _, when := range []time.Time{jumped, jumped.Add(time.Minute), jumped.Add(5 * time.Hour)} {
		b.clock.Set(when)
		b.append(t, visit(2, monday.Add(time.Second))) // from before the jump, still in the spool
		r, err := b.Enforce(ctx, when)
		if err != nil || r.Held == "" || len(r.Days)+len(r.Words)+r.Totals > 0 {
			t.Fatalf("after the jump: %+v, %v", r, err)
		}
		b.reopen(t)
	}
	b.clock.Set(monday.Add(4 * time.Hour)) // somebody sets the clock right
	r, err := b.Enforce(ctx, b.clock.Now())
	if err != nil || r.Held != "" {
		t.Fatalf("after the clock was set right: %+v, %v", r, err)
	}
	if got := b.all(t, Query{Text: "croak"}); len(got) != 2 {
		t.Errorf("%d rows are left with their words, want both", len(got))
	}
	// A server that was off for long removes a day after it came back.
	back := monday.AddDate(0, 0, 60)
	b.clock.Set(back)
	if r, err = b.Enforce(ctx, back); err != nil || r.Held == "" {
		t.Fatalf("the first night after a long rest: %+v, %v", r, err)
	}
	b.clock.Set(back.Add(oneDay))
	if r, err = b.Enforce(ctx, back.Add(oneDay)); err != nil || len(r.Days) != 1 {
		t.Fatalf("the second night after a long rest: %+v, %v", r, err)
	}
}

func TestTotalsAreTheSameLiveSettledAndAfterALateEvent(t *testing.T) {
	b := newStore(t, Keep{})
	ctx := context.Background()
	g := newGenerator(3)
	var events []Event
	g.day(monday.Add(-9*time.Hour-30*time.Minute).AddDate(0, 0, -20), 800, func(e Event) { events = append(events, e) })
	g.day(monday.Add(-9*time.Hour-30*time.Minute).AddDate(0, 0, -1), 800, func(e Event) { events = append(events, e) })
	b.append(t, events...)
	from, to := monday.AddDate(0, -2, 0), monday.AddDate(0, 0, 1)
	ask := func() (all [][]Total) {
		for _, per := range []Per{PerHour, PerDay, PerMonth} {
			totals, err := b.Totals(ctx, from, to, per)
			if err != nil {
				t.Fatal(err)
			}
			var n uint64
			for _, x := range totals {
				n += x.N
			}
			if n != uint64(len(events)) {
				t.Errorf("by %s the totals add up to %d, want %d", per, n, len(events))
			}
			all = append(all, totals)
		}
		return all
	}
	live := ask()
	if _, err := b.Enforce(ctx, b.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(live, ask()); diff != "" {
		t.Errorf("settling changed the totals:\n%s", diff)
	}
	late := visit(99_999, monday.AddDate(0, 0, -20))
	b.append(t, late)
	events = append(events, late)
	opened := ask()
	if _, err := b.Enforce(ctx, b.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(opened, ask()); diff != "" {
		t.Errorf("settling again changed the totals:\n%s", diff)
	}
}

func TestTheMostFrequentAreThoseOfTheEvents(t *testing.T) {
	b := newStore(t, Keep{})
	ctx := context.Background()
	for day := range 3 {
		for i := range uint64(6) {
			e := visit(uint64(day)*100+i, monday.AddDate(0, 0, -day))
			e.Action, e.Host, e.Category, e.Rule, e.Count = Block, "one.example", "games", "r1", 2
			if i > 3 {
				e.Host, e.Category, e.Rule, e.Group = "two.example", "chat", "r2", "8A"
			}
			if i == 5 {
				e.Host, e.Alert = "hidden.example", "exploitation"
			}
			b.append(t, e)
		}
	}
	if _, err := b.Enforce(ctx, b.clock.Now()); err != nil { // two settled, one live
		t.Fatal(err)
	}
	for by, want := range map[By][]Count{
		ByHost: {{"one.example", 24}, {"two.example", 6}}, ByAlert: {{"chat", 6}}, ByCategory: {{"games", 24}, {"chat", 12}},
		ByGroup: {{"7B", 24}, {"8A", 12}}, ByRule: {{"r1", 24}, {"r2", 12}},
	} {
		got, err := b.Top(ctx, monday.AddDate(0, 0, -10), monday.AddDate(0, 0, 1), by, Block, 5)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("by %s:\n%s", by, diff)
		}
	}
}

func TestAQuietMinuteIsToldFromAGap(t *testing.T) {
	b := newStore(t, Keep{})
	ctx := context.Background()
	at := monday.Truncate(time.Hour)
	b.append(t, visit(1, at.Add(10*time.Second)), visit(2, at.Add(20*time.Second)))
	for _, m := range []int{0, 1, 3} {
		if err := b.Heartbeat(ctx, "main", "hill", at.Add(time.Duration(m)*time.Minute), uint64(m)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Heartbeat(ctx, "annexe", "field", at.Add(2*time.Minute), 0); err != nil {
		t.Fatal(err)
	}
	got, err := b.Minutes(ctx, "hill", at, at.Add(4*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	loc := london(t)
	want := []Minute{
		{At: at.In(loc), Events: 2, Beats: 1},
		{At: at.Add(time.Minute).In(loc), Beats: 1, Dropped: 1},
		{At: at.Add(2 * time.Minute).In(loc)},
		{At: at.Add(3 * time.Minute).In(loc), Beats: 1, Dropped: 3},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the minutes of the hill site:\n%s", diff)
	}
	sites, err := b.Sites(ctx, at, at.Add(time.Hour))
	if err != nil || !slices.Equal(sites, []string{"field", "hill"}) {
		t.Errorf("sites %v, error %v", sites, err)
	}
}

func TestOnePersonIsErasedAndTheRestStays(t *testing.T) {
	b := newStore(t, Keep{})
	ctx := context.Background()
	var events []Event
	for day := range 2 {
		for i := range uint64(4) {
			e := visit(uint64(day)*10+i+1, monday.AddDate(0, 0, -day).Add(time.Duration(i)*time.Minute))
			if i%2 == 0 {
				e.Subject, e.Device, e.Words, e.Path = "p-leaver", "tablet-leaver", "leaver searched this", "/leaver/page"
			}
			events = append(events, e)
		}
	}
	b.append(t, events...)
	if _, err := b.Enforce(ctx, b.clock.Now()); err != nil {
		t.Fatal(err)
	}
	n, err := b.Erase(ctx, "p-leaver")
	if err != nil || n != 4 {
		t.Fatalf("erased %d rows, error %v; want 4", n, err)
	}
	if got := b.all(t, Query{Subjects: []string{"p-leaver"}}); len(got) != 0 {
		t.Errorf("%d rows still name the person", len(got))
	}
	for _, q := range []Query{{Text: "leaver"}, {Device: "tablet-leaver"}} {
		if got := b.all(t, q); len(got) != 0 {
			t.Errorf("%d rows still answer to %+v", len(got), q)
		}
	}
	if got := b.all(t, Query{}); len(got) != 8 {
		t.Errorf("%d rows are left, want all 8 as counts of what passed", len(got))
	}
	if got := b.all(t, Query{Subjects: []string{"p-amber"}, Text: "croak"}); len(got) != 4 {
		t.Errorf("%d rows of somebody else are left, want 4", len(got))
	}
	// The same person may come back, and is stored anew.
	again := visit(77, monday.Add(time.Hour))
	again.Subject = "p-leaver"
	b.append(t, again)
	if got := b.all(t, Query{Subjects: []string{"p-leaver"}}); len(got) != 1 {
		t.Errorf("found %d rows after coming back, want 1", len(got))
	}
	if _, err := b.Erase(ctx, "p-leaver"); err != nil {
		t.Fatal(err)
	}
	b.clock.Set(monday.AddDate(0, 0, 1))
	r, err := b.Enforce(ctx, b.clock.Now())
	if err != nil || len(r.Swept) != 2 {
		t.Fatalf("swept %v, error %v; want both days", r.Swept, err)
	}
	if b.holds(t, "leaver") {
		t.Error("the files still hold words of the person")
	}
	if got := b.all(t, Query{Text: "croak"}); len(got) != 5-1 {
		t.Errorf("after the sweep %d rows are found by their words, want 4", len(got))
	}
}

func TestEachThingIsKeptAsLongAsTheSchoolSays(t *testing.T) {
	b := newStore(t, Keep{Names: 90 * oneDay, Words: 30 * oneDay, Totals: 400 * oneDay})
	ctx := context.Background()
	for day := range 4 { // 0, 20, 40 and 60 days old
		e := visit(uint64(day+1), monday.AddDate(0, 0, -20*day))
		b.append(t, e)
	}
	r, err := b.Enforce(ctx, b.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2026-09-17", "2026-10-07"}, r.Words); diff != "" {
		t.Errorf("search words removed:\n%s", diff)
	}
	if got := b.all(t, Query{Text: "croak"}); len(got) != 2 {
		t.Errorf("%d rows are found by their words, want the 2 of the last 30 days", len(got))
	}
	if got := b.all(t, Query{Host: "pond.example"}); len(got) != 4 {
		t.Errorf("%d rows are left, want 4", len(got))
	}
	r = b.night(t, monday.AddDate(0, 0, 45))
	if diff := cmp.Diff([]string{"2026-09-17"}, r.Days); diff != "" {
		t.Errorf("days removed:\n%s", diff)
	}
	if got := b.all(t, Query{}); len(got) != 3 {
		t.Errorf("%d rows are left, want 3", len(got))
	}
	if n := total(t, b, Allow); n != 4 {
		t.Errorf("the totals say %d, want all 4: they outlive the names", n)
	}
	b.append(t, visit(50, monday.AddDate(0, 0, -60)))
	if n := total(t, b, Allow); n != 4 {
		t.Errorf("the totals say %d after an event for a day that is gone, want 4", n)
	}
	if r = b.night(t, monday.AddDate(2, 0, 0)); r.Totals != 4 {
		t.Errorf("removed the totals of %d days, want 4", r.Totals)
	}
	for _, trace := range []string{"p-amber", "croak", "pond.example", "tablet-1"} {
		if b.holds(t, trace) {
			t.Errorf("the files still hold %q", trace)
		}
	}
}

func TestADamagedFileIsRemovedWithTheNamesOfItsDay(t *testing.T) {
	b := newStore(t, Keep{Names: 7 * oneDay})
	ctx := context.Background()
	b.append(t, visit(1, monday))
	if err := b.setAside(ctx, "2026-11-16", context.Canceled); err != nil {
		t.Fatal(err)
	}
	if !b.holds(t, "p-amber") {
		t.Fatal("the damaged file is not there to begin with")
	}
	b.clock.Set(monday.AddDate(0, 0, 9))
	if _, err := b.Enforce(ctx, b.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if b.holds(t, "p-amber") {
		t.Error("the damaged file outlived the names")
	}
}

func TestABackupOfTheFilesOpensAsAStore(t *testing.T) {
	b := newStore(t, Keep{Names: 30 * oneDay})
	ctx := context.Background()
	b.append(t, visit(1, monday.AddDate(0, 0, -25)), visit(2, monday.AddDate(0, 0, -2)), visit(3, monday))
	if got := b.all(t, Query{}); len(got) != 3 { // readers are open while the days settle
		t.Fatalf("found %d rows", len(got))
	}
	b.clock.Set(monday.AddDate(0, 0, 10)) // one day is gone, two rest
	if _, err := b.Enforce(ctx, b.clock.Now()); err != nil {
		t.Fatal(err)
	}
	b.append(t, visit(4, b.clock.Now()))
	for range 2 { // the second backup replaces the first's copy of the totals
		files, err := b.Files()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cfg := b.cfg
		cfg.Dir = dir
		s, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		restored := &bench{Store: s}
		if got := restored.all(t, Query{}); len(got) != 2 {
			t.Errorf("the restored store holds %d rows, want the 2 of the settled days", len(got))
		}
		if n := total(t, restored, Allow); n != 3 {
			t.Errorf("the restored totals say %d, want 3: that of the day that is gone too", n)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
