package alarms_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/alarms"
	"belisha/internal/school/people"
)

type school struct {
	t       *testing.T
	clock   *clock.Fake
	journal *journal.Journal
	room    *alarms.Room
	look    alarms.Look
	told    []notice.Notice
	vacant  people.Post // held by nobody
	shut    bool        // holidays
}

func (s *school) Send(_ context.Context, _ *store.Tx, n notice.Notice) error {
	s.told = append(s.told, n)
	return nil
}

func schemas() []fs.FS { return []fs.FS{journal.Schema, alarms.Schema} }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, db *store.DB) *school {
	t.Helper()
	s := &school{t: t, clock: clock.NewFake(today)}
	var err error
	s.journal, err = journal.New(journal.Deps{DB: db, Clock: s.clock, Protected: alarms.Protected, Verbs: alarms.Verbs})
	must(t, err)
	book, err := setting.NewBook(alarms.Settings())
	must(t, err)
	s.room, err = alarms.New(alarms.Deps{
		DB: db, Journal: s.journal, Clock: s.clock, Live: setting.NewLive(setting.NewValues(book, 0, nil)), Notices: s,
		Look:  func(context.Context, time.Time) (alarms.Look, error) { return s.look, nil },
		Kinds: []alarms.Kind{{"scanner-away", "The virus scanners", "none answers"}, {"blocks-fall", "How much is closed", "a fifth of the usual"}},
		School: func(context.Context) alarms.SchoolHour {
			return func(at time.Time) bool { return !s.shut && inSchool(at) }
		},
		Held: func(_ context.Context, p people.Post) bool { return p != s.vacant },
	})
	must(t, err)
	return s
}

func (s *school) as(posts ...people.Post) context.Context {
	var names []string
	for _, p := range posts {
		names = append(names, string(p))
	}
	return actor.With(context.Background(), actor.New(actor.Actor{
		ID: "person:nils", Name: "Nils", Kind: actor.Person, Audience: actor.Staff, Person: "nils", Posts: names,
	}, alarms.MayRead, alarms.MaySee))
}

func (s *school) looks(n int) {
	s.t.Helper()
	for range n {
		must(s.t, s.room.LookOnce(s.as()))
		s.clock.Advance(3 * time.Minute)
	}
}

// owed are the posts that have an alarm among their tasks.
func (s *school) owed() []string {
	s.t.Helper()
	list, err := s.room.Duties()[0].Owed(context.Background(), s.clock.Now())
	must(s.t, err)
	var out []string
	for _, o := range list {
		out = append(out, o.Owner)
	}
	return out
}

func (s *school) running() []alarms.Alarm {
	s.t.Helper()
	list, err := s.room.Running(context.Background())
	must(s.t, err)
	return list
}

func away() alarms.Signal {
	return alarms.Signal{Kind: "scanner-away", Words: "No virus scanner answers", Owner: people.NetworkManager, Risk: 2}
}

func each(t *testing.T, fn func(t *testing.T, s *school)) {
	t.Helper()
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) { fn(t, open(t, db)) })
}

func TestAnAlarmIsRaisedOnceAndEndsByItself(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.look = alarms.Look{Bad: []alarms.Signal{away()}, Looked: []string{"scanner-away"}}
		s.looks(1)
		if len(s.running()) != 0 {
			t.Error("one bad look is an alarm already")
		}
		s.looks(20)
		if n := len(s.running()); n != 1 || len(s.told) != 1 {
			t.Fatalf("%d alarms, told %d times", n, len(s.told))
		}
		s.look.Bad = nil
		s.looks(2)
		if len(s.running()) != 1 {
			t.Error("it ended although it was well for a moment only")
		}
		s.look.Bad = []alarms.Signal{away()} // it flaps
		s.looks(1)
		s.look.Bad = nil
		s.looks(2)
		if len(s.running()) != 1 {
			t.Error("it ended although it was bad in between")
		}
		s.looks(1)
		if len(s.running()) != 0 {
			t.Error("it does not end")
		}
		rep, err := s.journal.Verify(context.Background())
		if err != nil || !rep.OK {
			t.Errorf("the journal does not hold: %+v, %v", rep, err)
		}
	})
}

func TestWhatCouldNotBeLookedAtStaysAsItWas(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.look = alarms.Look{Bad: []alarms.Signal{away()}, Looked: []string{"scanner-away"}}
		s.looks(3)
		s.look = alarms.Look{} // the filter is away, so nobody knows
		s.looks(30)
		if len(s.running()) != 1 {
			t.Error("an alarm ended that nobody looked at")
		}
	})
}

func TestManyAtOnceAreNoStorm(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		for i := range 2000 {
			x := alarms.Signal{Kind: "bypass", Subject: string(rune('a'+i%26)) + time.Duration(i).String(), Words: "A device tries", Owner: people.NetworkManager, Risk: 2}
			s.look.Bad = append(s.look.Bad, x)
		}
		s.look.Looked = []string{"bypass"}
		s.looks(10)
		if n := len(s.running()); n != 10 {
			t.Errorf("%d alarms of one kind run", n)
		}
		keys := map[string]bool{}
		for _, n := range s.told {
			keys[n.Key] = true
		}
		if len(keys) != 1 {
			t.Errorf("people are mailed %d times", len(keys))
		}
	})
}

func TestWhoSeesToItSaysWhatWasDone(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.look = alarms.Look{Bad: []alarms.Signal{away()}, Looked: []string{"scanner-away"}}
		s.looks(2)
		a := s.running()[0]
		if got := s.owed(); !slices.Equal(got, []string{"network-manager"}) {
			t.Errorf("it is a task of %v", got)
		}
		var bad store.Invalid
		if err := s.room.SeeTo(s.as(), a.ID, a.Version, " ", 7); !errors.As(err, &bad) {
			t.Errorf("without a word: %v", err)
		}
		must(t, s.room.SeeTo(s.as(), a.ID, a.Version, "Started it again.", 30))
		if err := s.room.SeeTo(s.as(), a.ID, a.Version, "Me too.", 7); !errors.Is(err, store.ErrStale) {
			t.Errorf("twice: %v", err)
		}
		if got := s.owed(); len(got) != 0 {
			t.Errorf("it is still a task of %v", got)
		}
		if err := s.room.SeeTo(s.as(), a.ID, a.Version+1, "x", 5); !errors.As(err, &bad) || bad["days"] == "" {
			t.Errorf("a time that is not offered: %v", err)
		}
		s.clock.Advance(10 * 24 * time.Hour)
		before := len(s.told)
		s.looks(3)
		if len(s.told) != before {
			t.Error("somebody is told again of what was seen to")
		}
	})
}

func TestWhatNobodySeesToIsToldAgainAfterDays(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.look = alarms.Look{Bad: []alarms.Signal{away()}, Looked: []string{"scanner-away"}}
		s.looks(2)
		for range 6 {
			s.clock.Advance(24 * time.Hour)
			s.looks(5)
		}
		var owner, head int
		for _, n := range s.told {
			if n.Posts[0] == "network-manager" {
				owner++
			} else {
				head++
			}
		}
		if owner != 3 || head != 1 {
			t.Errorf("the owner is told %d times in six days, the head %d times", owner, head)
		}
	})
}

func TestWhatComesAndGoesIsOneAlarm(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		for range 8 {
			s.look = alarms.Look{Bad: []alarms.Signal{away()}, Looked: []string{"scanner-away"}}
			s.looks(3)
			s.look.Bad = nil
			s.looks(5)
		}
		list, n, err := s.room.Ended(s.as(), 10, 0)
		if err != nil || n != 1 || list[0].Times != 8 || len(s.running()) != 0 {
			t.Fatalf("%d alarms ended, %+v: %v", n, list, err)
		}
		if got := s.owed(); !slices.Equal(got, []string{"network-manager"}) {
			t.Errorf("that it ended by itself, and nobody saw it, is a task of %v", got)
		}
		s.clock.Advance(25 * time.Hour)
		s.look.Bad = []alarms.Signal{away()}
		s.looks(2)
		if s.running()[0].Times != 1 {
			t.Error("a day later it is the same alarm")
		}
		s.look.Bad = nil
		s.looks(3)
		s.clock.Advance(8 * 24 * time.Hour)
		if got := s.owed(); len(got) != 0 {
			t.Errorf("a week later it is still a task of %v", got)
		}
	})
}

func TestWhatNobodySeesToGoesToTheHeadAfterHoursOfSchool(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.clock.Set(today.Add(4 * time.Hour)) // 14:00, two hours before the end of school
		s.look = alarms.Look{Bad: []alarms.Signal{away()}, Looked: []string{"scanner-away"}}
		s.looks(2)
		s.clock.Set(today.Add(22 * time.Hour)) // 8:00 on the next day
		s.looks(1)
		if got := s.owed(); len(got) != 1 {
			t.Errorf("a night later it is a task of %v", got)
		}
		s.clock.Set(today.Add(24*time.Hour + 10*time.Minute))
		s.looks(1)
		if got := s.owed(); !slices.Equal(got, []string{"network-manager", "headteacher", "deputy-head"}) {
			t.Errorf("after four hours of school it is a task of %v", got)
		}
		n := len(s.told)
		s.looks(20)
		if len(s.told) != n || !slices.Contains(s.told[n-1].Posts, "deputy-head") {
			t.Errorf("told %d times more, the last time %v", len(s.told)-n, s.told[n-1].Posts)
		}
		a := s.running()[0]
		must(t, s.room.SeeTo(s.as(), a.ID, a.Version, "A new one is on its way.", 1))
		if got := s.owed(); len(got) != 0 {
			t.Errorf("seen to, it is a task of %v", got)
		}
		s.clock.Advance(25 * time.Hour)
		s.looks(1)
		if got := s.owed(); !slices.Equal(got, []string{"network-manager"}) {
			t.Errorf("it goes on a day later, and is a task of %v", got)
		}
	})
}

func TestInTheHolidaysNothingGoesUp(t *testing.T) {
	s := open(t, storetest.SQLite(t, schemas()...))
	s.shut = true
	s.look = alarms.Look{Bad: []alarms.Signal{away()}, Looked: []string{"scanner-away"}}
	s.looks(2)
	for range 10 {
		s.clock.Advance(24 * time.Hour)
		s.looks(1)
	}
	if got := s.owed(); !slices.Equal(got, []string{"network-manager"}) {
		t.Errorf("it is a task of %v", got)
	}
}

func TestAnAlarmWhoseOwnersPostNobodyHoldsGoesToTheHeadAtOnce(t *testing.T) {
	s := open(t, storetest.SQLite(t, schemas()...))
	s.vacant = people.NetworkManager
	s.look = alarms.Look{Bad: []alarms.Signal{away()}, Looked: []string{"scanner-away"}}
	s.looks(2)
	if got := s.owed(); !slices.Equal(got, []string{"headteacher", "deputy-head"}) {
		t.Errorf("it is a task of %v", got)
	}
	if len(s.told) != 1 || !slices.Contains(s.told[0].Posts, "headteacher") {
		t.Errorf("told: %+v", s.told)
	}
}

func TestWhatBecomesGraverIsToldAgain(t *testing.T) {
	s := open(t, storetest.SQLite(t, schemas()...))
	x := away()
	s.look = alarms.Look{Bad: []alarms.Signal{x}, Looked: []string{"scanner-away"}}
	s.looks(2)
	a := s.running()[0]
	must(t, s.room.SeeTo(s.as(), a.ID, a.Version, "It is known.", 30))
	x.Risk, x.Words = 3, "It ends today"
	s.look.Bad = []alarms.Signal{x}
	s.looks(1)
	if a := s.running()[0]; a.Seen() || a.Risk != 3 || a.Words != "It ends today" || len(s.owed()) != 1 {
		t.Errorf("%+v", a)
	}
}

func TestOldAlarmsAreRemovedAndFiguresToo(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.look = alarms.Look{Bad: []alarms.Signal{away()}, Looked: []string{"scanner-away"}}
		s.looks(2)
		s.look.Bad = nil
		s.looks(3)
		must(t, s.room.Note(s.as(), map[string][]alarms.Hour{"x": {{At: today, Base: 10, Value: 2}, {At: today, Base: 12, Value: 3}}}))
		if list, err := s.room.Figures(s.as(), "x", today); err != nil || !slices.Equal(list, []alarms.Hour{{At: today.UTC(), Base: 12, Value: 3}}) {
			t.Errorf("%v, %v", list, err)
		}
		must(t, s.room.Note(s.as(), map[string][]alarms.Hour{"device a": {{At: today, Base: 1, Value: 1}}, "device b": {{At: today.AddDate(0, 0, -50), Base: 1, Value: 1}}}))
		if got, err := s.room.FiguresOf(s.as(), "device ", today); err != nil || len(got) != 1 || len(got["a"]) != 1 {
			t.Errorf("%v, %v", got, err)
		}
		s.clock.Advance(400 * 24 * time.Hour)
		must(t, s.room.Retain(s.as()))
		if _, n, err := s.room.Ended(s.as(), 10, 0); err != nil || n != 0 {
			t.Errorf("%d left: %v", n, err)
		}
		if list, _ := s.room.Figures(s.as(), "x", today); len(list) != 0 {
			t.Error("figures stay for ever")
		}
		rep, err := s.journal.Verify(context.Background())
		if err != nil || !rep.OK {
			t.Errorf("the journal does not hold: %+v, %v", rep, err)
		}
	})
}

func TestThePagesTellWhatIsSoAndWhatToDo(t *testing.T) {
	s := open(t, storetest.SQLite(t, schemas()...))
	s.look = alarms.Look{Bad: []alarms.Signal{{Kind: "x", Words: "No virus scanner answers", May: "Files stay out.", Todo: "Start it again.", Owner: people.NetworkManager, Risk: 3}}, Looked: []string{"x"}}
	s.looks(2)
	a := s.running()[0]
	h := webtest.Site(t, s.room.Section())
	nils := actor.From(s.as(people.NetworkManager))
	webtest.Get(t, h, "/filter/alarms", nils).Is(200).Has("No virus scanner answers", "urgent", "not yet", "not known", "a fifth of the usual").Safe()
	webtest.Get(t, h, "/filter/alarms.csv", nils).Is(200).Has("No virus scanner answers,urgent,Network manager,2026-11-23T10:00:00Z")
	webtest.Get(t, h, "/filter/alarms/"+a.ID, nils).Is(200).Has("Files stay out.", "Start it again.", "I have seen to it").Safe()
	webtest.Post(t, h, "/filter/alarms/"+a.ID, map[string][]string{"version": {"1"}, "days": {"1"}}, nils).Is(422).Has("Say in a sentence")
	webtest.Post(t, h, "/filter/alarms/"+a.ID, map[string][]string{"version": {"1"}, "days": {"7"}, "note": {"Started it."}}, nils).Is(303)
	webtest.Get(t, h, "/filter/alarms/"+a.ID, nils).Is(200).Has("Started it.", "A task again").Safe()
	s.look = alarms.Look{Why: map[string]string{"blocks-fall": "not enough days to tell"}}
	webtest.Post(t, h, "/filter/alarms", nil, nils).Is(303)
	webtest.Get(t, h, "/filter/alarms", nils).Is(200).Has("not enough days to tell").Safe()
}
