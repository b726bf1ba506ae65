package review

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
)

var nine = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func TestATrayShowsTheHighestRiskFirstAndThenTheLongestWaiting(t *testing.T) {
	items := []web.Item{
		{Key: "new", Risk: 1, Since: nine},
		{Key: "old", Risk: 1, Since: nine.Add(-time.Hour)},
		{Key: "urgent", Risk: 3, Since: nine},
		{Key: "high", Risk: 2, Since: nine},
	}
	Order(items)
	got := ""
	for _, i := range items {
		got += i.Key + " "
	}
	if got != "urgent high old new " {
		t.Errorf("order: %s", got)
	}
}

// bench opens the room on a real journal with one line in it.
func bench(t *testing.T, items []web.Item, p Promises) *Room {
	t.Helper()
	ctx := actor.With(context.Background(), actor.Belisha("test"))
	db, err := store.Open(ctx, store.Config{File: filepath.Join(t.TempDir(), "r.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(ctx, journal.Schema); err != nil {
		t.Fatal(err)
	}
	j, err := journal.New(journal.Deps{DB: db, Clock: clock.NewFake(nine), Verbs: []journal.VerbInfo{{Verb: "thing.done", Says: "Something was done"}}})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(ctx, func(tx *store.Tx) error {
		return j.Write(ctx, tx, journal.Entry{Verb: "thing.done", Kind: "thing", ID: "7", After: map[string]string{"colour": "<b>red</b>"}, Reason: "because"})
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(ctx, func(tx *store.Tx) error {
		return j.Write(ctx, tx, journal.Entry{Verb: "thing.done", Kind: "secret", ID: "8", Reason: "whose history it was"})
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Deps{
		Journal:  j,
		Waiting:  []func(context.Context, actor.Actor) ([]web.Item, error){func(context.Context, actor.Actor) ([]web.Item, error) { return items, nil }},
		Promises: func(context.Context) (Promises, error) { return p, nil },
		Health: func(context.Context) []Check {
			return []Check{{Name: "Filter", State: control.Broken, Words: "It does not answer.", Todo: "Wait."}}
		},
		Names:   func(_ context.Context, id string) string { return "called " + id },
		Private: func(kind string) bool { return kind == "secret" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestThePagesShowTheirStructs(t *testing.T) {
	webtest.Check(t, homePage)
	webtest.Check(t, journalPage)
	webtest.Check(t, linePage)
	webtest.Check(t, healthPage)
}

func TestAnEmptyTraySaysWhenItLookedAndNeverThatAllIsSafe(t *testing.T) {
	h := webtest.Site(t, bench(t, nil, Promises{Policy: "Online safety, version 1", Kept: 3, Broken: 1, Checked: nine}).Section())
	d := webtest.Get(t, h, "/", webtest.As("person:1", MayReadJournal, "evidence.read"))
	d.Is(200)
	d.Has("Nothing waits for you; last checked", "Not being kept", "1 promise")
	d.HasNot("All good", "all is well", "You are safe")
}

func TestTheTrayHasOneNextStepForEachItem(t *testing.T) {
	items := []web.Item{{Key: "k", Title: "A pupil may need you", Step: "Look at it", Link: "/signals/1", Risk: 3, Since: nine.Add(-time.Hour)}}
	h := webtest.Site(t, bench(t, items, Promises{}).Section())
	d := webtest.Get(t, h, "/", webtest.As("person:1"))
	d.Has("A pupil may need you", "Look at it", "No policy is in force")
	d.Link("/signals/1")
}

func TestTheJournalIsForThoseWhoMayReadItAndEscapesWhatItShows(t *testing.T) {
	h := webtest.Site(t, bench(t, nil, Promises{}).Section())
	webtest.Get(t, h, "/journal", webtest.As("person:1")).Is(403)
	reader := webtest.As("person:1", MayReadJournal)
	webtest.Get(t, h, "/journal", reader).Has("Something was done", "called system:test")
	line := webtest.Get(t, h, "/journal/1", reader)
	line.Is(200)
	line.Has("because", "<b>red</b>")
	webtest.Get(t, h, "/journal/99", reader).Is(404)
	webtest.Get(t, h, "/journal/x", reader).Is(404)
	webtest.Get(t, h, "/health", webtest.As("person:1", MayReadHealth)).Has("not being kept", "It does not answer.")
}

func TestWhoseHistoryWasLookedAtIsForTheHeadAlone(t *testing.T) {
	h := webtest.Site(t, bench(t, nil, Promises{}).Section())
	network := webtest.As("person:1", MayReadJournal)
	webtest.Get(t, h, "/journal/2", network).HasNot("whose history it was")
	webtest.Get(t, h, "/journal.csv", network).HasNot("whose history it was")
	head := webtest.As("person:2", MayReadJournal)
	head.Posts = []string{"headteacher"}
	webtest.Get(t, h, "/journal/2", head).Has("whose history it was")
	webtest.Get(t, h, "/journal.csv", head).Has("whose history it was")
}

func TestWhenSomethingReachedTheSafeguardingTrayIsForThoseWhoHaveIt(t *testing.T) {
	lines := []journal.Line{{Seq: 1, Kind: "signal"}, {Seq: 2, Kind: "account"}}
	for _, c := range []struct {
		name string
		who  actor.Actor
		want int
	}{
		{"the network manager", webtest.As("n", MayReadJournal), 1},
		{"the safeguarding lead", webtest.As("d", MayReadJournal, "safeguarding.tray"), 2},
		{"the head", actor.New(actor.Actor{ID: "person:h", Kind: actor.Person, Posts: []string{"headteacher"}}, MayReadJournal), 2},
	} {
		if got := visible(c.who, append([]journal.Line{}, lines...)); len(got) != c.want {
			t.Errorf("%s sees %d lines, want %d", c.name, len(got), c.want)
		}
	}
}
