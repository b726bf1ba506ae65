package activity

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"belisha/internal/kit/clock"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// monday is a school day in November.
var monday = time.Date(2026, 11, 16, 9, 30, 0, 0, time.UTC)

func london(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

type bench struct {
	*Store
	clock *clock.Fake
	dir   string
	cfg   Config
}

func newStore(t testing.TB, keep Keep) *bench {
	t.Helper()
	clk := clock.NewFake(monday.Add(3 * time.Hour))
	b := &bench{clock: clk, dir: t.TempDir()}
	b.cfg = Config{Dir: b.dir, Clock: clk, Location: london(t), Keep: keep}
	b.reopen(t)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// reopen ends the store and opens it again, as a restart does.
func (b *bench) reopen(t testing.TB) {
	t.Helper()
	if b.Store != nil {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.Store = s
}

func (b *bench) append(t testing.TB, events ...Event) {
	t.Helper()
	if err := b.Append(context.Background(), events); err != nil {
		t.Fatal(err)
	}
}

// all walks every page of a search.
func (b *bench) all(t testing.TB, q Query) []Event {
	t.Helper()
	var events []Event
	for range 10_000 {
		p, err := b.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, p.Events...)
		if p.Next == "" {
			return events
		}
		q.Cursor = p.Next
	}
	t.Fatal("the search never ends")
	return nil
}

// holds says whether any file of the store holds the text.
func (b *bench) holds(t testing.TB, text string) bool {
	t.Helper()
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(b.dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(text)) {
			return true
		}
	}
	return false
}

func visit(id uint64, at time.Time) Event {
	return Event{
		ID: id, Gate: "main", At: at, Site: "hill", Door: "proxy", Subject: "p-amber", Certainty: Sure,
		Device: "tablet-1", Address: netip.MustParseAddr("10.1.2.3"), Group: "7B", KeyStage: "ks3",
		Host: "pond.example", Path: "/frogs?page=2", Categories: []string{"education", "animals"}, Category: "education",
		Rule: "default", Reason: "open", Action: Allow, Words: "why do frogs croak", Engine: "bing",
		Count: 1, Bytes: 1200, RulesNumber: 4,
	}
}

var sameAddr = cmpopts.EquateComparable(netip.Addr{})

func TestAnEventComesBackAsItWasHandedIn(t *testing.T) {
	b := newStore(t, Keep{})
	want := visit(1<<40+5, monday)
	want.Alert = "selfharm"
	b.append(t, want)
	for _, when := range []string{"at once", "after a restart"} {
		got := b.all(t, Query{})
		if diff := cmp.Diff([]Event{want}, got, sameAddr); diff != "" {
			t.Errorf("%s the event differs (-handed in +found):\n%s", when, diff)
		}
		b.reopen(t)
	}
}

func TestAnEventHandedInAgainIsStoredOnce(t *testing.T) {
	b := newStore(t, Keep{})
	one, two := visit(1, monday), visit(2, monday.Add(time.Second))
	other := visit(1, monday)
	other.Gate = "annexe"
	b.append(t, one, two, one)
	b.append(t, two, other)
	b.reopen(t)
	b.append(t, other, one, two)
	if got := b.all(t, Query{}); len(got) != 3 {
		t.Errorf("found %d events, want 3: two of main and one of the annexe", len(got))
	}
	if n := total(t, b, Allow); n != 3 {
		t.Errorf("the totals say %d, want 3", n)
	}
}

func total(t testing.TB, b *bench, a Action) uint64 {
	t.Helper()
	totals, err := b.Totals(context.Background(), monday.AddDate(-1, 0, 0), monday.AddDate(0, 0, 5), PerDay)
	if err != nil {
		t.Fatal(err)
	}
	var n uint64
	for _, x := range totals {
		if x.Action == a {
			n += x.N
		}
	}
	return n
}

func TestAVisitToAHelpServiceLeavesOnlyACount(t *testing.T) {
	b := newStore(t, Keep{})
	e := visit(7, monday)
	e.Action, e.Host, e.Subject, e.Words, e.Group, e.Device = Support, "childline.example", "p-secret", "talk to someone", "11Z", "tablet-secret"
	b.append(t, visit(6, monday), e, visit(8, monday))
	b.append(t, e)
	if n := total(t, b, Support); n != 1 {
		t.Errorf("counted %d support visits, want 1", n)
	}
	if got := b.all(t, Query{}); len(got) != 2 {
		t.Errorf("found %d rows, want the two ordinary ones", len(got))
	}
	hours, err := b.Totals(context.Background(), monday.Add(-12*time.Hour), monday.Add(12*time.Hour), PerHour)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hours {
		if h.Action == Support && (h.Group != "" || h.Site != "" || h.Start.Hour() != 0) {
			t.Errorf("the count says more than the day: %+v", h)
		}
	}
	minutes, err := b.Minutes(context.Background(), "", monday, monday.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if minutes[0].Events != 2 {
		t.Errorf("the minute counts %d, want 2: the visit must not be told by the difference", minutes[0].Events)
	}
	for _, secret := range []string{"childline", "p-secret", "talk to someone", "11Z", "tablet-secret"} {
		if b.holds(t, secret) {
			t.Errorf("the files hold %q", secret)
		}
	}
}

func TestCountingStoresNobody(t *testing.T) {
	b := newStore(t, Keep{})
	ctx := context.Background()
	events := []Event{visit(1, monday), visit(2, monday), visit(3, monday)}
	for range 2 {
		if err := b.Count(ctx, events); err != nil {
			t.Fatal(err)
		}
	}
	if n := total(t, b, Allow); n != 3 {
		t.Errorf("counted %d, want 3", n)
	}
	if got := b.all(t, Query{}); len(got) != 0 {
		t.Errorf("found %d rows, want none", len(got))
	}
	for _, secret := range []string{"p-amber", "tablet-1", "frogs", "10.1.2.3"} {
		if b.holds(t, secret) {
			t.Errorf("the files hold %q", secret)
		}
	}
}

func TestOfStaffOnlyHostAndDecisionAreKept(t *testing.T) {
	b := newStore(t, Keep{HostOnly: []string{"staff"}})
	e := visit(1, monday)
	e.Group = "staff"
	b.append(t, e)
	got := b.all(t, Query{})
	if len(got) != 1 || got[0].Host != "pond.example" {
		t.Fatalf("found %+v, want the host", got)
	}
	if b.holds(t, "frogs") {
		t.Error("the files hold the path or the search words of a member of staff")
	}
}

func TestTimesThatCannotBeTrueAreRefusedAndCounted(t *testing.T) {
	b := newStore(t, Keep{Names: 90 * 24 * time.Hour})
	b.append(t, visit(1, time.Time{}), visit(2, monday.AddDate(5, 0, 0)), visit(3, monday.AddDate(0, 0, -120)), visit(4, monday))
	st, err := b.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if st.Refused != 3 || st.Days != 1 || st.Events != 1 {
		t.Errorf("got %+v, want 3 refused and 1 event in 1 day", st)
	}
}

func TestADamagedDayIsSetAsideAndTheOthersGoOn(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"its head is overwritten": func(d []byte) []byte { copy(d, "this is not a database at all, it is a sentence"); return d },
		"its middle is overwritten": func(d []byte) []byte {
			for i := 4096; i < len(d); i++ {
				d[i] = 0x5a
			}
			return d
		},
		"it is a page of HTML": func([]byte) []byte { return []byte(strings.Repeat("<html>", 2000)) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newStore(t, Keep{})
			b.append(t, visit(1, monday.AddDate(0, 0, -1)), visit(2, monday))
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(b.dir, dayFile("2026-11-15"))
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, spoil(data), 0o600); err != nil {
				t.Fatal(err)
			}
			b.reopen(t)
			if got := b.all(t, Query{}); len(got) != 1 || got[0].ID != 2 {
				t.Errorf("found %+v, want Monday's event", got)
			}
			b.append(t, visit(3, monday.AddDate(0, 0, -1)))
			if got := b.all(t, Query{}); len(got) != 2 {
				t.Errorf("found %d events after a late one, want 2", len(got))
			}
			st, err := b.Stats(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if len(st.Damaged) != 1 || st.Damaged[0].Day != "2026-11-15" {
				t.Errorf("damage reported: %+v, want that of 15 November", st.Damaged)
			}
			if _, err := b.Enforce(context.Background(), b.clock.Now()); err != nil {
				t.Errorf("the night's work stops at a damaged day: %v", err)
			}
		})
	}
}

func TestDamagedTotalsAreMadeAgainFromTheDays(t *testing.T) {
	b := newStore(t, Keep{})
	b.append(t, visit(1, monday.AddDate(0, 0, -3)), visit(2, monday))
	if _, err := b.Enforce(context.Background(), b.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.dir, "totals.db"), bytes.Repeat([]byte("nonsense"), 2000), 0o600); err != nil {
		t.Fatal(err)
	}
	b.reopen(t)
	if n := total(t, b, Allow); n != 2 {
		t.Errorf("the totals say %d, want 2", n)
	}
	st, err := b.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Damaged) != 1 {
		t.Errorf("damage reported: %+v, want one file", st.Damaged)
	}
}

func TestPeopleMayLookWhileEventsComeIn(t *testing.T) {
	b := newStore(t, Keep{})
	ctx := context.Background()
	b.append(t, visit(1, monday))
	done := make(chan struct{})
	var looking sync.WaitGroup
	for range 2 {
		looking.Go(func() {
			for seen := 0; ; {
				p, err := b.Search(ctx, Query{Limit: 200})
				if err != nil {
					t.Error(err)
					return
				}
				if len(p.Events) < seen {
					t.Errorf("saw %d events after %d", len(p.Events), seen)
					return
				}
				seen = len(p.Events)
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range uint64(100) {
		b.append(t, visit(i+2, monday.Add(time.Duration(i)*time.Second)))
	}
	close(done)
	looking.Wait()
	if got := b.all(t, Query{}); len(got) != 101 {
		t.Errorf("found %d events, want 101", len(got))
	}
}

func TestMoreDaysThanMayBeOpenAreAllSearched(t *testing.T) {
	b := newStore(t, Keep{})
	const days = maxOpen + 12
	for d := range days {
		b.append(t, visit(uint64(d+1), monday.AddDate(0, 0, -d)))
	}
	if got := b.all(t, Query{Text: "croak", Limit: 7}); len(got) != days {
		t.Errorf("found %d events, want %d", len(got), days)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	open := 0
	for _, d := range b.days {
		if d.isOpen() {
			open++
		}
	}
	if open > maxOpen {
		t.Errorf("%d day files are open, want at most %d", open, maxOpen)
	}
}

func TestAClosedStoreRefuses(t *testing.T) {
	b := newStore(t, Keep{})
	b.append(t, visit(1, monday))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Append(context.Background(), []Event{visit(2, monday)}); !errors.Is(err, errClosed) {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestAFullDiskLosesNothingAndGoesOnWhenThereIsRoom(t *testing.T) {
	b := newStore(t, Keep{})
	ctx := context.Background()
	b.append(t, visit(1, monday))
	d := b.days["2026-11-16"]
	if _, err := d.writer.conn.ExecContext(ctx, `PRAGMA max_page_count = 60`); err != nil {
		t.Fatal(err)
	}
	var events []Event
	for i := range uint64(3000) {
		e := visit(i+2, monday.Add(time.Duration(i)*time.Millisecond))
		e.Path = "/" + strings.Repeat("frog", int(i%40)) + e.Subject + string(rune('a'+i%26))
		events = append(events, e)
	}
	if err := b.Append(ctx, events); err == nil {
		t.Fatal("a full disk is not told")
	}
	if got := b.all(t, Query{}); len(got) != 1 {
		t.Errorf("%d events are stored, want the first alone: a batch is stored whole or not at all", len(got))
	}
	if n := total(t, b, Allow); n != 1 {
		t.Errorf("the totals say %d, want 1", n)
	}
	b.append(t, events...) // the writer that met the full disk was thrown away
	if got := b.all(t, Query{Limit: MaxLimit}); len(got) != 3001 {
		t.Errorf("%d events are stored, want all 3001", len(got))
	}
}
