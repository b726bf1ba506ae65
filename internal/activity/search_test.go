package activity

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fits is a search said plainly, to compare with.
func (q Query) fits(e *Event) bool {
	lower := strings.ToLower(q.Text)
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), lower) }
	return (q.From.IsZero() || !e.At.Before(q.From)) && (q.To.IsZero() || e.At.Before(q.To)) &&
		(len(q.Subjects) == 0 || slices.Contains(q.Subjects, e.Subject)) &&
		(q.Device == "" || e.Device == q.Device) &&
		(!q.Address.IsValid() || e.Address == q.Address) &&
		(q.Group == "" || e.Group == q.Group) &&
		(q.Host == "" || e.Host == q.Host || strings.HasSuffix(e.Host, "."+q.Host)) &&
		(q.Category == "" || e.Category == q.Category || slices.Contains(e.Categories, q.Category)) &&
		(q.Action == nil || e.Action == *q.Action) &&
		(q.Alert == "" || e.Alert == q.Alert || q.Alert == AnyAlert && e.Alert != "" || q.Alert == NoAlert && e.Alert == "") &&
		(q.Text == "" || has(e.Host) || has(e.Path) || has(e.Words))
}

// TestASearchFindsWhatAPlainLoopFinds compares every kind of question on a
// store of which one day is settled, one settled and opened again by a late
// event, and one live.
func TestASearchFindsWhatAPlainLoopFinds(t *testing.T) {
	b := newStore(t, Keep{})
	g := newGenerator(42)
	g.subjects = 60
	var events []Event
	keep := func(e Event) { e.At = e.At.Truncate(time.Millisecond); events = append(events, e) }
	midnight := time.Date(2026, 11, 14, 0, 0, 0, 0, time.UTC)
	for d := range 3 {
		g.day(midnight.AddDate(0, 0, d), 2500, keep)
	}
	events[10].Alert, events[4000].Alert, events[4001].Alert = "selfharm", "suicide", "selfharm"
	events[20].Words, events[20].Engine = "Łódź ZÜRICH 100%_sure", "bing"
	b.append(t, events...)
	b.clock.Set(midnight.AddDate(0, 0, 2).Add(20 * time.Hour))
	if _, err := b.Enforce(context.Background(), b.clock.Now()); err != nil {
		t.Fatal(err)
	}
	late := visit(1_000_000, midnight.AddDate(0, 0, 1).Add(12*time.Hour+333*time.Millisecond))
	b.append(t, late)
	events = append(events, late)
	slices.SortStableFunc(events, func(x, y Event) int { return y.At.Compare(x.At) })

	block := Block
	day := midnight.AddDate(0, 0, 1)
	for name, q := range map[string]Query{
		"everything":                 {},
		"one day":                    {From: day, To: day.AddDate(0, 0, 1)},
		"twenty minutes":             {From: day.Add(10 * time.Hour), To: day.Add(10*time.Hour + 20*time.Minute)},
		"one person":                 {Subjects: []string{events[5].Subject}},
		"two persons and a stranger": {Subjects: []string{events[5].Subject, events[6].Subject, "nobody"}},
		"a stranger":                 {Subjects: []string{"nobody"}},
		"a device":                   {Device: events[9].Device},
		"an address":                 {Address: events[11].Address},
		"an address as IPv6 says it": {Address: netip.AddrFrom16(events[11].Address.As16())},
		"a group":                    {Group: "9B"},
		"a host":                     {Host: events[100].Host},
		"a domain":                   {Host: "google.example"},
		"a category":                 {Category: "games"},
		"what was blocked":           {Action: &block},
		"what a group was blocked":   {Action: &block, Group: "7A"},
		"any alert":                  {Alert: "any"},
		"one alert":                  {Alert: "selfharm"},
		"no alert":                   {Alert: NoAlert, Action: &block},
		"no alert among all":         {Alert: NoAlert},
		"common letters":             {Text: "cor"},
		"two letters":                {Text: "oo"},
		"a late word":                {Text: "FROGS"},
		"letters with accents":       {Text: "łódź zür"},
		"signs that SQL reads":       {Text: "100%_S"},
		"quotes":                     {Text: `"'; --`},
		"words of a person":          {Text: "bacor", Subjects: []string{events[5].Subject}},
		"nothing":                    {Text: "xyzzyplugh"},
	} {
		t.Run(name, func(t *testing.T) {
			plain := q
			if plain.Address.IsValid() {
				plain.Address = plain.Address.Unmap()
			}
			var want []uint64
			for i := range events {
				if plain.fits(&events[i]) {
					want = append(want, events[i].ID)
				}
			}
			for _, limit := range []int{3, 200} {
				if limit == 3 && len(want) > 600 {
					continue
				}
				q.Limit = limit
				var got []uint64
				for _, e := range b.all(t, q) {
					got = append(got, e.ID)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("with %d a page (-plain +search):\n%s", limit, diff)
				}
			}
		})
	}
}

func TestAnEngineIsNoPartOfTheWords(t *testing.T) {
	b := newStore(t, Keep{})
	b.append(t, visit(1, monday))
	for range 2 {
		if got := b.all(t, Query{Text: "bing"}); len(got) != 0 {
			t.Errorf("found %d rows by the name of the engine", len(got))
		}
		b.clock.Set(monday.AddDate(0, 0, 1))
		if _, err := b.Enforce(context.Background(), b.clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestQuestionsThatCannotBeAskedAreRefusedInASentence(t *testing.T) {
	b := newStore(t, Keep{})
	b.append(t, visit(1, monday))
	ctx := context.Background()
	for name, q := range map[string]Query{
		"too many rows":        {Limit: MaxLimit + 1},
		"fewer than none":      {Limit: -1},
		"the end comes first":  {From: monday, To: monday.Add(-time.Hour)},
		"too many people":      {Subjects: make([]string, maxSubjects+1)},
		"endless words":        {Text: strings.Repeat("a", 500)},
		"words that are bytes": {Text: "\xff\xfe"},
		"a forged cursor":      {Cursor: "AAAA"},
		"a cursor of no day":   {Cursor: place{"yesterday", 4}.String()},
	} {
		if _, err := b.Search(ctx, q); !errors.Is(err, ErrQuery) {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
	if _, err := b.Minutes(ctx, "", monday, monday.AddDate(1, 0, 0)); !errors.Is(err, ErrQuery) {
		t.Errorf("a year of minutes: got %v, want a refusal", err)
	}
	if _, err := b.Timeline(ctx, "", monday); !errors.Is(err, ErrQuery) {
		t.Errorf("nobody's timeline: got %v, want a refusal", err)
	}
}

func TestASearchEndsWhenTheAskerLeaves(t *testing.T) {
	b := newStore(t, Keep{})
	b.append(t, visit(1, monday))
	ctx, leave := context.WithCancel(context.Background())
	leave()
	if _, err := b.Search(ctx, Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the search to end", err)
	}
}

func TestADayIsTheSchoolsOwnDay(t *testing.T) {
	b := newStore(t, Keep{})
	b.clock.Set(time.Date(2026, 7, 3, 12, 0, 0, 0, time.UTC))
	loc := london(t)
	first := time.Date(2026, 7, 2, 0, 0, 0, 0, loc) // 23:00 UTC the day before
	b.append(t, visit(1, first.Add(-time.Millisecond)), visit(2, first), visit(3, first.Add(24*time.Hour-time.Millisecond)), visit(4, first.Add(24*time.Hour)))
	got, err := b.Timeline(context.Background(), "p-amber", first.Add(13*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].ID != 2 || got[1].ID != 3 {
		t.Errorf("got %+v, want the events 2 and 3 in order of time", got)
	}
}

func TestAnExportIsSafeToOpenInASpreadsheet(t *testing.T) {
	b := newStore(t, Keep{})
	e := visit(1, monday)
	e.Words = "=HYPERLINK(\"http://bad.example\")"
	b.append(t, e, visit(2, monday.Add(time.Second)))
	var out bytes.Buffer
	n, whole, err := b.Export(context.Background(), Query{}, &out, func(string) string { return "Robin Example" })
	if err != nil || n != 2 || !whole {
		t.Fatalf("exported %d rows, whole %v, error %v", n, whole, err)
	}
	lines, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	words := slices.Index(lines[0], "search words")
	if got := lines[2][words]; !strings.HasPrefix(got, "'=") {
		t.Errorf("the words came out as %q", got)
	}
	if got := lines[1][slices.Index(lines[0], "subject")]; got != "Robin Example" {
		t.Errorf("the person came out as %q", got)
	}
}
