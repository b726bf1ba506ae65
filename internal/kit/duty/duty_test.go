package duty_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
)

var schemas = []fs.FS{journal.Schema, duty.Schema}

var monday = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// weekdays counts Mondays to Fridays.
type weekdays struct{}

func (weekdays) AddSchoolDays(t time.Time, n int) time.Time {
	for n > 0 {
		t = t.Add(24 * time.Hour)
		if d := t.Weekday(); d != time.Saturday && d != time.Sunday {
			n--
		}
	}
	return t
}

func person(name string, posts ...string) actor.Actor {
	return actor.New(actor.Actor{ID: "person:" + name, Name: name, Kind: actor.Person, Person: name, Posts: posts})
}

func as(a actor.Actor) context.Context { return actor.With(context.Background(), a) }

var (
	wren = person("Wren", "online-safety-lead")
	dove = person("Dove")
	rook = person("Rook", "headteacher")
	lark = person("Lark", "chair-of-governors")
)

// book is a book with one duty, due on Wednesday.
func book(t *testing.T, db *store.DB, more ...duty.Source) (*duty.Book, *clock.Fake, *journal.Journal) {
	t.Helper()
	c := clock.NewFake(monday)
	j, err := journal.New(journal.Deps{DB: db, Clock: c, Protected: duty.Protected, Verbs: duty.Verbs})
	if err != nil {
		t.Fatal(err)
	}
	src := duty.Source{Name: "policies", Owed: func(context.Context, time.Time) ([]duty.Owed, error) {
		return []duty.Owed{{
			ID: "review/1", What: "Review the policy", Step: "Open it", Owner: "online-safety-lead",
			Since: monday, Due: monday.Add(48 * time.Hour), Link: "/policies/1", Risk: 1, ByWord: true,
		}}, nil
	}}
	b, err := duty.New(duty.Deps{DB: db, Journal: j, Clock: c, Days: weekdays{}, Sources: append([]duty.Source{src}, more...)})
	if err != nil {
		t.Fatal(err)
	}
	return b, c, j
}

func sees(t *testing.T, b *duty.Book, a actor.Actor) string {
	t.Helper()
	items, err := b.Waiting(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	if len(items) == 0 {
		return ""
	}
	return items[0].Title
}

func TestWhatIsOwedIsWorkedOutAgainOnceItsTimeIsOverOrSomethingWasWritten(t *testing.T) {
	asked := 0
	b, c, _ := book(t, storetest.SQLite(t, schemas...), duty.Source{Name: "counted", Owed: func(context.Context, time.Time) ([]duty.Owed, error) {
		asked++
		return nil, nil
	}})
	b.Holds = 20 * time.Second
	for _, step := range []struct {
		name string
		do   func()
		want int
	}{
		{"at first", func() {}, 1},
		{"a moment later", func() { c.Advance(10 * time.Second) }, 1},
		{"after something was said", func() {
			if err := b.Done(as(wren), "policies:review/1", "done"); err != nil {
				t.Fatal(err)
			}
		}, 2},
		{"once its time is over", func() { c.Advance(20 * time.Second) }, 3},
		{"when the clock went back", func() { c.Advance(-time.Hour) }, 4},
	} {
		step.do()
		want := "Review the policy"
		if step.want > 1 {
			want = "" // done
		}
		if got := sees(t, b, wren); got != want {
			t.Errorf("%s the owner sees %q", step.name, got)
		}
		if asked != step.want {
			t.Errorf("%s it was worked out %d times, want %d", step.name, asked, step.want)
		}
	}
}

func TestALateTaskGoesUpByTheLadder(t *testing.T) {
	b, c, _ := book(t, storetest.SQLite(t, schemas...))
	for _, step := range []struct {
		at               time.Time
		wren, rook, lark string
	}{
		{monday, "Review the policy", "", ""},
		{monday.Add(49 * time.Hour), "Review the policy (late)", "", ""},
		{monday.Add(95 * time.Hour), "Review the policy (late)", "", ""},
		{monday.Add(96 * time.Hour), "Review the policy (late)", "Review the policy (late)", ""},                              // Friday
		{monday.Add(15 * 24 * time.Hour), "Review the policy (late)", "Review the policy (late)", ""},                         // nine school days
		{monday.Add(16 * 24 * time.Hour), "Review the policy (late)", "Review the policy (late)", "Review the policy (late)"}, // ten
	} {
		c.Set(step.at)
		if got := sees(t, b, wren); got != step.wren {
			t.Errorf("%s: the owner sees %q", step.at, got)
		}
		if got := sees(t, b, rook); got != step.rook {
			t.Errorf("%s: the head sees %q", step.at, got)
		}
		if got := sees(t, b, lark); got != step.lark {
			t.Errorf("%s: the chair sees %q", step.at, got)
		}
		if got := sees(t, b, dove); got != "" {
			t.Errorf("%s: a teacher sees %q", step.at, got)
		}
	}
}

func TestWhatIsSaidAboutATaskIsKept(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		b, c, j := book(t, db)
		const key = "policies:review/1"
		if err := b.Done(as(dove), key, ""); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("done by a teacher: %v", err)
		}
		if err := b.Give(as(wren), key, "Dove", "you know it better"); err != nil {
			t.Fatal(err)
		}
		if sees(t, b, dove) == "" || sees(t, b, wren) != "" {
			t.Error("the task did not go to whom it was given")
		}
		if err := b.Excuse(as(dove), key, "no time", monday.Add(72*time.Hour)); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("excused by the one who owes it: %v", err)
		}
		var bad store.Invalid
		if err := b.Excuse(as(rook), key, " ", monday.Add(-time.Hour)); !errors.As(err, &bad) || bad["note"] == "" || bad["until"] == "" {
			t.Errorf("excused without reason and day: %v", err)
		}
		if err := b.Excuse(as(rook), key, "the school is closed", monday.Add(72*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if sees(t, b, dove) != "" || sees(t, b, wren) != "" {
			t.Error("an excused task is still shown")
		}
		c.Advance(72 * time.Hour)
		if sees(t, b, wren) == "" {
			t.Error("the task did not come back when its excuse was over")
		}
		if err := b.Done(as(wren), key, "in the meeting"); err != nil {
			t.Fatal(err)
		}
		if sees(t, b, wren) != "" {
			t.Error("a task that is done is still shown")
		}
		if err := b.Done(as(wren), key, ""); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("done twice: %v", err)
		}
		if rep, err := j.Verify(context.Background()); err != nil || !rep.OK || rep.Lines != 3 {
			t.Errorf("the journal: %+v, %v", rep, err)
		}
	})
}

func TestNobodyExcusesTheirOwnTask(t *testing.T) {
	head := duty.Source{Name: "monitoring", Owed: func(context.Context, time.Time) ([]duty.Owed, error) {
		return []duty.Owed{{ID: "list", What: "Confirm the list", Owner: "headteacher", Due: monday}}, nil
	}}
	b, _, _ := book(t, storetest.SQLite(t, schemas...), head)
	until := monday.Add(72 * time.Hour)
	if err := b.Excuse(as(rook), "monitoring:list", "busy", until); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("the head: %v", err)
	}
	if err := b.Excuse(as(lark), "monitoring:list", "the head is ill", until); err != nil {
		t.Errorf("the chair: %v", err)
	}
	if err := b.Excuse(as(person("Teal", "online-safety-lead", "headteacher")), "policies:review/1", "busy", until); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a head who owes it by another post: %v", err)
	}
}

func TestASourceThatFailsIsToldAndHidesNothing(t *testing.T) {
	bad := duty.Source{Name: "filtering", Owed: func(context.Context, time.Time) ([]duty.Owed, error) {
		return nil, errors.New("the lists cannot be read")
	}}
	b, _, _ := book(t, storetest.SQLite(t, schemas...), bad)
	items, err := b.Waiting(context.Background(), wren)
	if err == nil || !strings.Contains(err.Error(), "the lists cannot be read") || len(items) != 1 {
		t.Errorf("%d items, %v", len(items), err)
	}
	if err := b.Done(as(wren), "filtering:x", ""); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("a task of a source that failed: %v", err)
	}
}
