package classroom_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/classroom"
	"belisha/internal/school/people"
)

// monday is a Monday in term, in school hours.
var monday = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

type school struct {
	t       testing.TB
	db      *store.DB
	journal *journal.Journal
	clock   *clock.Fake
	people  *people.Room
	live    *setting.Live
	book    *setting.Book
	room    *classroom.Room
	said    []string // what the filter was told
	away    bool     // the filter does not take it
	looks   []classroom.Look
	more    []classroom.Host // that the class asked for
	shut    string           // a site that is closed for pupils anyway

	teacher, head, pupil, other people.ID
}

func schemas() []fs.FS { return []fs.FS{journal.Schema, people.Schema, classroom.Schema} }

func each(t *testing.T, fn func(t *testing.T, s *school)) {
	t.Helper()
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) { fn(t, open(t, db)) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func system() context.Context { return actor.With(context.Background(), actor.Belisha("test")) }

func open(t testing.TB, db *store.DB) *school {
	t.Helper()
	s := &school{t: t, db: db, clock: clock.NewFake(monday)}
	var err error
	s.journal, err = journal.New(journal.Deps{
		DB: db, Clock: s.clock, Protected: slices.Concat(people.Protected, classroom.Protected), Verbs: slices.Concat(people.Verbs, classroom.Verbs),
	})
	must(t, err)
	s.book, err = setting.NewBook(people.Settings(), classroom.Settings())
	must(t, err)
	s.live = setting.NewLive(setting.NewValues(s.book, 0, nil))
	s.people, err = people.New(people.Deps{DB: db, Journal: s.journal, Clock: s.clock, Live: s.live, Demo: true})
	must(t, err)
	s.teacher, s.head = s.add("Ike", people.Staff, ""), s.add("Odile", people.Staff, "")
	s.pupil, s.other = s.add("Wren", people.Pupil, "8B"), s.add("Fin", people.Pupil, "9C")
	s.room, err = classroom.New(classroom.Deps{
		DB: db, Journal: s.journal, Clock: s.clock, Live: s.live, People: s.people,
		Apply: func(_ context.Context, says string) error {
			if s.away {
				return errors.New("the filter is away")
			}
			s.said = append(s.said, says)
			return nil
		},
		InForce: func(string) bool { return !s.away },
		Site: func(text string) (string, error) {
			if !strings.Contains(text, ".") || strings.ContainsAny(text, "<> /") {
				return "", fmt.Errorf("%q is not the name of a site", text)
			}
			return strings.ToLower(text), nil
		},
		Closed: func(_ context.Context, host string, _ people.KeyStage) (string, error) {
			if host == s.shut {
				return "It is closed.", nil
			}
			return "", nil
		},
		Behind: func(context.Context) ([]classroom.Present, error) {
			return []classroom.Present{{Person: s.pupil, Device: "Tablet 7", Until: monday.Add(time.Hour)}, {Person: s.other, Device: "Tablet 8", Until: monday.Add(time.Hour)}}, nil
		},
		Places: func(context.Context) ([]string, error) { return []string{"ict"}, nil },
		Seen: func(_ context.Context, l classroom.Look) (classroom.Seen, error) {
			s.looks = append(s.looks, l)
			return classroom.Seen{Hosts: append([]classroom.Host{{Host: "atlas.example", Times: 4, Blocked: 1, Who: []people.ID{s.pupil}, Last: monday}}, s.more...)}, nil
		},
	})
	must(t, err)
	return s
}

func (s *school) add(given string, k people.Kind, class string) people.ID {
	s.t.Helper()
	p := people.Person{Kind: k, Given: given, Family: "Ashdown", Site: people.MainSite, Username: strings.ToLower(given), Class: class}
	if k == people.Pupil {
		p.Year = "8"
	}
	id, err := s.people.Add(system(), p)
	must(s.t, err)
	return id
}

func (s *school) as(id people.ID, more ...actor.Capability) actor.Actor {
	a := actor.Actor{ID: "person:" + string(id), Person: string(id), Name: "Somebody", Kind: actor.Person, Audience: actor.Staff}
	if id == s.pupil || id == s.other {
		a.Audience = actor.Pupil
		return actor.New(a, more...)
	}
	return actor.New(a, append(more, classroom.MayLead, classroom.MayLook)...)
}

func with(a actor.Actor) context.Context { return actor.With(context.Background(), a) }

// decide has the school decide some settings.
func (s *school) decide(values ...setting.Value) {
	s.live.Publish(setting.NewValues(s.book, 1, values))
}

func (s *school) whole() {
	s.t.Helper()
	rep, err := s.journal.Verify(context.Background())
	must(s.t, err)
	if rep.Fault != nil {
		s.t.Fatalf("the journal does not hold: %s", rep.Fault.What)
	}
}

func focus(hosts ...string) classroom.Begun {
	return classroom.Begun{Kind: classroom.Focus, Class: "8B", Hosts: hosts, Minutes: 40, Note: "I cover this lesson.", Looked: true}
}

func TestATeacherKeepsAClassOnSomeSites(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		ctx := with(s.as(s.teacher))
		set, err := s.room.Begin(ctx, focus("Atlas.example", "maps.example", "atlas.example"))
		must(t, err)
		if want := []string{"atlas.example", "maps.example"}; !slices.Equal(set.Hosts, want) || set.Until != monday.Add(40*time.Minute) {
			t.Errorf("set %+v", set)
		}
		if len(s.said) != 1 || s.said[0] != "Class 8B opens only atlas.example, maps.example until 10:40." {
			t.Errorf("the filter is told %q", s.said)
		}
		s.clock.Advance(time.Minute)
		next, err := s.room.Begin(ctx, focus("other.example"))
		must(t, err)
		running, err := s.room.Running(ctx)
		must(t, err)
		if len(running) != 1 || running[0].ID != next.ID {
			t.Errorf("a second one does not take the first one's place: %+v", running)
		}
		pause := focus()
		pause.Kind = classroom.Pause
		_, err = s.room.Begin(ctx, pause)
		must(t, err)
		if running, _ = s.room.Running(ctx); len(running) != 2 {
			t.Errorf("a pause ends what the class is kept on: %+v", running)
		}
		s.clock.Advance(41 * time.Minute)
		if running, _ = s.room.Running(ctx); len(running) != 0 {
			t.Errorf("it does not end by itself: %+v", running)
		}
		must(t, s.room.Settle(system()))
		s.whole()
	})
}

func TestWhatCannotBeSet(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		for name, x := range map[string]struct {
			alter func(*classroom.Begun)
			field string
		}{
			"for no class":                      {func(b *classroom.Begun) { b.Class = "" }, "class"},
			"for a class without pupils":        {func(b *classroom.Begun) { b.Class = "1Z" }, "class"},
			"without sites":                     {func(b *classroom.Begun) { b.Hosts = nil }, "hosts"},
			"with what is no site":              {func(b *classroom.Begun) { b.Hosts = []string{"<b>"} }, "hosts"},
			"for ever":                          {func(b *classroom.Begun) { b.Minutes = 100_000 }, "minutes"},
			"for no time":                       {func(b *classroom.Begun) { b.Minutes = 0 }, "minutes"},
			"a strange kind":                    {func(b *classroom.Begun) { b.Kind = "watch" }, "kind"},
			"by somebody else without a reason": {func(b *classroom.Begun) { b.Note = "" }, "note"},
			"sites that nobody looked at":       {func(b *classroom.Begun) { b.Looked = false }, "looked"},
			"a room that is none":               {func(b *classroom.Begun) { b.Kind, b.Place = classroom.Supervise, "attic" }, "place"},
		} {
			b := focus("atlas.example")
			x.alter(&b)
			_, err := s.room.Begin(with(s.as(s.teacher)), b)
			var bad store.Invalid
			if !errors.As(err, &bad) || bad[x.field] == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := s.room.Begin(with(s.as(s.pupil, classroom.MayLead)), focus("atlas.example")); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("a pupil sets the web of a class: %v", err)
		}
		if len(s.said) != 0 {
			t.Errorf("the filter was told %q", s.said)
		}
	})
}

func TestAFilterThatIsAwayIsToldLater(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		ctx := with(s.as(s.teacher))
		s.away = true
		set, err := s.room.Begin(ctx, focus("atlas.example"))
		if !errors.Is(err, classroom.ErrLater) {
			t.Fatalf("it is not said that nothing holds yet: %v", err)
		}
		site := webtest.Site(t, s.room.Section())
		webtest.Get(t, site, "/classroom/class?name=8B", s.as(s.teacher)).Is(200).Has("not in force yet")
		s.away = false
		s.room.Settle(system())
		_, err = s.room.End(ctx, set.ID)
		must(t, err)
		if running, _ := s.room.Running(ctx); len(running) != 0 {
			t.Error("it goes on")
		}
		s.whole()
	})
}

func TestSitesAreLookedAtBeforeTheyAreUsed(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		ctx := with(s.as(s.teacher))
		s.decide(setting.Value{Key: "classroom.previewed-only", Bool: true})
		if _, err := s.room.Begin(ctx, focus("atlas.example")); err == nil {
			t.Fatal("a site that nobody looked at is used")
		}
		_, err := s.room.Preview(ctx, classroom.Preview{Host: "atlas.example", Verdict: classroom.Suitable, FromYear: "7", ToYear: "9"})
		must(t, err)
		_, err = s.room.Begin(ctx, focus("atlas.example"))
		must(t, err)
		list, err := s.room.KeepList(ctx, classroom.SiteList{Title: "Maps", Hosts: []string{"atlas.example"}, Plan: "Find rivers on the map.", Class: "8B", Homework: true}, false)
		must(t, err)
		check := func() control.Finding {
			f, err := s.room.Controls()[0].Check(context.Background(), s.clock.Now(), s.live.Current())
			must(t, err)
			return f
		}
		if f := check(); f.State != control.Kept {
			t.Errorf("all are looked at and it is %v: %s", f.State, f.Figure)
		}
		s.clock.Advance(400 * 24 * time.Hour)
		if f := check(); f.State != control.Broken {
			t.Errorf("the look is too old and it is %v: %s", f.State, f.Figure)
		}
		_, err = s.room.Preview(ctx, classroom.Preview{Host: "atlas.example", Verdict: classroom.NotSuitable, Note: "It shows adverts for games."})
		must(t, err)
		if f := check(); f.State != control.Broken || !strings.Contains(f.Rows[0].What, "not suitable") {
			t.Errorf("%v: %+v", f.State, f.Rows)
		}
		if _, err := s.room.Begin(ctx, focus("atlas.example")); err == nil {
			t.Error("a site found not suitable is used")
		}
		must(t, s.room.EndList(ctx, list.ID))
		if f := check(); f.State != control.Unknown {
			t.Errorf("nothing is listed and it is %v", f.State)
		}
		s.whole()
	})
}

func TestSupervisionIsForTheKeyStagesThatTheSchoolNames(t *testing.T) {
	db := storetest.SQLite(t, schemas()...)
	s := open(t, db)
	if stages, _ := classroom.Supervised(s.live.Current()); len(stages) != 0 {
		t.Fatalf("it is on by itself for %v", stages)
	}
	s.decide(setting.Value{Key: "classroom.supervision", Bool: true, Clause: "4.2", Scope: setting.Scope{KeyStage: "ks2"}})
	stages, clause := classroom.Supervised(s.live.Current())
	if !slices.Equal(stages, []people.KeyStage{people.KS2}) || clause != "4.2" {
		t.Errorf("it is on for %v by %q", stages, clause)
	}
	set, err := s.room.Begin(with(s.as(s.teacher)), classroom.Begun{Kind: classroom.Supervise, Place: "ict", Minutes: 30})
	must(t, err)
	if set.Place != "ict" || set.Class != "" {
		t.Errorf("%+v", set)
	}
}

func TestThePagesOfALesson(t *testing.T) {
	db := storetest.SQLite(t, schemas()...)
	s := open(t, db)
	site := webtest.Site(t, s.room.Section())
	teacher, path := s.as(s.teacher), "/classroom/class?name=8B"
	webtest.Get(t, site, "/classroom", teacher).Is(200).Safe().Has("Class 8B", "Class 9C")
	page := webtest.Get(t, site, path, teacher).Is(200).Safe().Has("Wren Ashdown", "Tablet 7", "1 of 1 signed in", "is shown to whoever teaches it")
	page.HasNot("Fin Ashdown", "atlas.example")
	if len(s.looks) != 0 {
		t.Fatal("the record was asked for somebody who does not teach the class")
	}
	form := url.Values{"kind": {"focus"}, "class": {"8B"}, "focus-hosts": {"atlas.example"}, "focus-minutes": {"30"}}
	webtest.Post(t, site, "/classroom/begin", form, teacher).Is(422).Safe().Has("you have looked at atlas.example yourself", "write why you set its web")
	form.Set("focus-looked", "yes")
	form.Set("focus-note", "I cover this lesson.")
	webtest.Post(t, site, "/classroom/begin", form, teacher).GoesTo(path)
	page = webtest.Get(t, site, path, teacher).Is(200).Has("Class 8B opens only atlas.example until 10:30.", "Open the web again", "Sites of this lesson")
	page.HasNot("<td>Wren Ashdown</td><td>atlas")
	if len(s.looks) != 1 || !slices.Equal(s.looks[0].Of, []people.ID{s.pupil}) || s.looks[0].Since != monday.Add(-time.Hour) {
		t.Errorf("the record is asked %+v", s.looks)
	}
	webtest.Get(t, site, "/classroom/sites", teacher).Is(200).Safe().Has("atlas.example", "Looked at for class 8B")
	webtest.Get(t, site, "/classroom/sites.csv", teacher).Is(200).Has("atlas.example,suitable")
	webtest.Get(t, site, "/classroom", s.as(s.pupil)).Is(403)
	webtest.Get(t, site, "/classroom/log", teacher).Is(403)
	webtest.Get(t, site, "/classroom/log", s.as(s.head, classroom.MayCheck)).Is(200).Has("I cover this lesson.")
}

func TestATeacherAddsWhatTheSitesOfALessonNeed(t *testing.T) {
	db := storetest.SQLite(t, schemas()...)
	s := open(t, db)
	s.shut = "games.example"
	s.more = []classroom.Host{
		{Host: "cdn.example", Times: 9, Blocked: 9, Who: []people.ID{s.pupil}, Last: monday},
		{Host: "games.example", Times: 2, Blocked: 2, Who: []people.ID{s.pupil}, Last: monday},
		{Host: "www.atlas.example", Times: 2, Blocked: 2, Who: []people.ID{s.pupil}, Last: monday},
		{Host: "open.example", Times: 2, Who: []people.ID{s.pupil}, Last: monday},
	}
	ctx := with(s.as(s.teacher))
	set, err := s.room.Begin(ctx, classroom.Begun{Kind: classroom.Focus, Class: "8B", Hosts: []string{"atlas.example"}, Minutes: 30, Looked: true, Note: "I cover this lesson."})
	must(t, err)
	s.clock.Advance(10 * time.Minute)
	site := webtest.Site(t, s.room.Section())
	teacher, path := s.as(s.teacher), "/classroom/class?name=8B"
	page := webtest.Get(t, site, path, teacher).Is(200).Safe().Has("Something is missing on the sites", "cdn.example", "Kept out 9 times, of 1 pupil")
	page.HasNot("widen-add-games.example", "widen-add-www.atlas.example", "widen-add-open.example")
	form := url.Values{"kind": {"widen"}, "class": {"8B"}, "id": {set.ID}, "widen-add-cdn.example": {"yes"}}
	webtest.Post(t, site, "/classroom/begin", form, teacher).Is(422).Safe().Has("Say that you have looked at cdn.example yourself")
	form.Set("widen-looked", "yes")
	webtest.Post(t, site, "/classroom/begin", form, s.as(s.head)).Is(422).Has("Only whoever teaches the class")
	webtest.Post(t, site, "/classroom/begin", form, s.as(s.pupil)).Is(403)
	webtest.Post(t, site, "/classroom/begin", form, teacher).GoesTo(path)
	webtest.Get(t, site, path, teacher).Is(200).Has("Class 8B opens only atlas.example, cdn.example until 10:30.").HasNot("Something is missing")
	running, err := s.room.Running(ctx)
	must(t, err)
	if len(running) != 1 || !running[0].Until.Equal(set.Until) || running[0].Note != "I cover this lesson." {
		t.Errorf("%+v", running)
	}
	// What was set before is over: a page that was left open changes nothing.
	webtest.Post(t, site, "/classroom/begin", form, teacher).Is(422).Has("not kept on these sites any more")
	form.Set("id", running[0].ID)
	form.Del("widen-add-cdn.example")
	webtest.Post(t, site, "/classroom/begin", form, teacher).Is(422).Has("Choose which sites to add.")
	s.whole()
}

func TestHideAndTell(t *testing.T) {
	db := storetest.SQLite(t, schemas()...)
	s := open(t, db)
	site := webtest.Site(t, s.room.Section())
	page := webtest.Get(t, site, "/hide?site=Nasty.example", webtest.Nobody()).Is(200).Safe().Has("You are not in trouble")
	page.Link("/tell?site=nasty.example").Link("/tickets/new?host=nasty.example&kind=under").Link("/start")
	if strings.Contains(page.Text(), "nasty") {
		t.Error("the page says which site it was")
	}
	webtest.Get(t, site, "/hide?site=%3Cscript%3E", webtest.Nobody()).Is(200).Safe().Link("/tell").HasNot("%3Cscript")
	webtest.Get(t, site, "/hide", webtest.Nobody()).Is(200).Link("/tell")
	webtest.Get(t, site, "/hide/get", webtest.Nobody()).Is(200).Has("Hide and tell", "location.replace(")
}

func TestTheRegisterHoldsTenThousandSites(t *testing.T) {
	if testing.Short() {
		t.Skip("many rows: looked at by the full run")
	}
	db := storetest.SQLite(t, schemas()...)
	s := open(t, db)
	must(t, db.Write(system(), func(tx *store.Tx) error {
		for i := range 10_000 {
			_, err := tx.ExecContext(context.Background(), `INSERT INTO class_previews (id, host, verdict, from_year, to_year, note, looked_at, looked_by, newest)
				VALUES ($1, $2, 'suitable', '', '', '', $3, $4, TRUE)`, fmt.Sprint("p", i), fmt.Sprintf("site-%05d.example", i), store.Millis(monday), string(s.teacher))
			if err != nil {
				return err
			}
		}
		return nil
	}))
	site := webtest.Site(t, s.room.Section())
	began := time.Now()
	webtest.Get(t, site, "/classroom/sites?page=150&q=site", s.as(s.teacher)).Is(200).Has("site-07499.example", "7,451 to 7,500 of 10,000")
	if took := time.Since(began); took > time.Second {
		t.Errorf("a page of the register takes %v", took)
	}
	webtest.Get(t, site, "/classroom/sites.csv", s.as(s.teacher)).Is(200).Has("site-09999.example")
}
