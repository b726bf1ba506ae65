package review

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
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
	if err := db.Migrate(ctx, journal.Schema, Schema); err != nil {
		t.Fatal(err)
	}
	j, err := journal.New(journal.Deps{DB: db, Clock: clock.NewFake(nine), Protected: Protected, Verbs: append([]journal.VerbInfo{{Verb: "thing.done", Says: "Something was done"}}, Verbs...)})
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
		DB: db, Journal: j, Clock: clock.NewFake(nine), Live: settings(t), Facts: &facts{}, Days: weekdays{},
		Waiting: func() []Source {
			return []Source{{Name: "things", Waiting: func(context.Context, actor.Actor) ([]web.Item, error) { return items, nil }}}
		},
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
	webtest.Check(t, homePage, journalPage, linePage, healthPage, headPage, boardPage, reportsPage, keptPage)
	webtest.PlainWords(t, homePage, journalPage, linePage, healthPage, headPage, boardPage, reportsPage, keptPage)
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

func TestAfterAWeekendWhatWaitedLongestIsFirstAndSaysSinceWhen(t *testing.T) {
	friday := nine.Add(-3*24*time.Hour + 7*time.Hour + 10*time.Minute)
	items := []web.Item{
		{Key: "n", Title: "New today", Step: "Look", Link: "/n", Risk: 2, Since: nine.Add(-time.Hour)},
		{Key: "f", Title: "From Friday", Step: "Look", Link: "/f", Risk: 2, Since: friday},
	}
	h := webtest.Site(t, bench(t, items, Promises{Policy: "p"}).Section())
	d := webtest.Get(t, h, "/", webtest.As("person:1"))
	d.Has("since Friday 16:10", "since 8:00")
	if text := d.Text(); strings.Index(text, "From Friday") > strings.Index(text, "New today") {
		t.Error("what is new stands before what waited over the weekend")
	}
}

func TestALongTrayIsCutAndTheRestIsOnePressAway(t *testing.T) {
	var items []web.Item
	for i := range 40 {
		items = append(items, web.Item{Key: fmt.Sprint(i), Title: fmt.Sprintf("Thing %d.", i), Step: "Look", Link: "/x", Since: nine.Add(time.Duration(i) * time.Minute)})
	}
	h := webtest.Site(t, bench(t, items, Promises{Policy: "p"}).Section())
	webtest.Get(t, h, "/", webtest.As("person:1")).Has("Thing 0.", "Thing 11.", "Show all 40").HasNot("Thing 12.")
	webtest.Get(t, h, "/?all=1", webtest.As("person:1")).Has("Thing 39.")
}

func TestThePageAndItsLightAskOnceWhatWaits(t *testing.T) {
	r := bench(t, nil, Promises{Policy: "p"})
	asked := 0
	r.d.Waiting = func() []Source {
		return []Source{{Name: "concerns", Waiting: func(context.Context, actor.Actor) ([]web.Item, error) { asked++; return nil, nil }}}
	}
	d := webtest.Deps()
	d.Beacon = r.Beacon
	desk, _, err := web.Mux([]web.Section{r.Section()}, d)
	if err != nil {
		t.Fatal(err)
	}
	webtest.Get(t, desk, "/", webtest.As("person:1")).Is(200)
	if asked != 1 {
		t.Errorf("one page asked %d times", asked)
	}
	webtest.Get(t, desk, "/", webtest.As("person:1")).Is(200)
	if asked != 2 {
		t.Errorf("the next page did not ask again: %d times in all", asked)
	}
}

func TestAPartThatCannotBeAskedIsNamedAndNothingIsCalledEmpty(t *testing.T) {
	r := bench(t, nil, Promises{Policy: "p"})
	r.d.Waiting = func() []Source {
		return []Source{
			{Name: "concerns", Waiting: func(context.Context, actor.Actor) ([]web.Item, error) { return nil, errors.New("the records are away") }},
			{Name: "tickets", Waiting: func(context.Context, actor.Actor) ([]web.Item, error) {
				return []web.Item{{Key: "1", Title: "A ticket", Step: "Open it", Link: "/t"}}, nil
			}},
		}
	}
	h := webtest.Site(t, r.Section())
	webtest.Get(t, h, "/", webtest.As("person:1")).Is(200).Has("What waits in concerns could not be found out", "A ticket").HasNot("last checked 08:30")
	if _, err := r.Beacon(context.Background(), webtest.As("person:1")); err == nil {
		t.Error("the light does not say that something could not be found out")
	}
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
	lines := []journal.Line{{Seq: 1, Kind: "signal"}, {Seq: 2, Kind: "account"}, {Seq: 3, Kind: "concern"}, {Seq: 4, Kind: "concern-staff"}, {Seq: 5, Kind: "concern-head"}, {Seq: 6, Kind: "concern-list"}}
	for _, c := range []struct {
		name string
		who  actor.Actor
		want int
	}{
		{"the network manager", webtest.As("n", MayReadJournal), 1},
		{"the safeguarding lead", webtest.As("d", MayReadJournal, "safeguarding.tray"), 3},
		{"the head, but for what is about the head", actor.New(actor.Actor{ID: "person:h", Kind: actor.Person, Posts: []string{"headteacher"}}, MayReadJournal), 4},
	} {
		if got := visible(c.who, append([]journal.Line{}, lines...)); len(got) != c.want {
			t.Errorf("%s sees %d lines, want %d", c.name, len(got), c.want)
		}
	}
}
