package people_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/school/people"
)

// school is a room of people on a real store, on Monday 23 November 2026 at
// nine in the morning.
type school struct {
	*people.Room
	t       testing.TB
	ctx     context.Context
	clock   *clock.Fake
	db      *store.DB
	journal *journal.Journal
	live    *setting.Live
}

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func schemas() []fs.FS { return []fs.FS{journal.Schema, people.Schema} }

func onStore(t testing.TB, db *store.DB, demo bool) *school {
	t.Helper()
	s := &school{t: t, clock: clock.NewFake(monday), db: db}
	s.ctx = actor.With(context.Background(), actor.Actor{ID: "person:office", Kind: actor.Person})
	book, err := setting.NewBook(people.Settings())
	if err != nil {
		t.Fatal(err)
	}
	s.live = setting.NewLive(setting.NewValues(book, 0, nil))
	s.journal, err = journal.New(journal.Deps{DB: db, Clock: s.clock, Protected: people.Protected, Verbs: people.Verbs})
	if err != nil {
		t.Fatal(err)
	}
	s.Room, err = people.New(people.Deps{DB: db, Journal: s.journal, Clock: s.clock, Live: s.live, Demo: demo})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newSchool(t *testing.T) *school { return onStore(t, storetest.SQLite(t, schemas()...), false) }

// each runs fn on every database.
func each(t *testing.T, fn func(t *testing.T, s *school)) {
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) { fn(t, onStore(t, db, false)) })
}

func (s *school) file(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *school) bring(o people.Options) people.Result {
	s.t.Helper()
	r, err := s.Import(s.ctx, o)
	if err != nil {
		s.t.Fatalf("importing: %v", err)
	}
	return r
}

func (s *school) roll(text string) people.Result {
	s.t.Helper()
	return s.bring(people.Options{Path: s.file("roll.csv", text)})
}

func (s *school) add(p people.Person) people.ID {
	s.t.Helper()
	id, err := s.Add(s.ctx, p)
	if err != nil {
		s.t.Fatalf("adding %s: %v", p.Name(), err)
	}
	return id
}

func (s *school) find(words string) people.Person {
	s.t.Helper()
	list, n, err := s.List(s.ctx, people.Filter{Words: words, When: people.WhenAll})
	if err != nil || n != 1 {
		s.t.Fatalf("looking for %q: %d found, %v", words, n, err)
	}
	return list[0]
}

func (s *school) whole() {
	s.t.Helper()
	r, err := s.journal.Verify(s.ctx)
	if err != nil || !r.OK {
		s.t.Fatalf("the journal does not hold: %+v, %v", r.Fault, err)
	}
}

func TestAPersonIsAddedChangedAndFound(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		id := s.add(people.Person{Kind: people.Pupil, Given: " Zoë ", Family: "Łukasik", Username: "ZLukasik", Year: "4", Class: "4B"})
		for _, words := range []string{"zoe", "lukasik zoë", "ZLUK", "4b łuk"} {
			if got := s.find(words); got.ID != id {
				t.Errorf("%q did not find her", words)
			}
		}
		p, err := s.ByUsername(s.ctx, " zlukasik")
		if err != nil || p.Name() != "Zoë Łukasik" || p.Stage() != people.KS2 || p.Site != people.MainSite {
			t.Fatalf("by username: %+v, %v", p, err)
		}
		p.Preferred = "Zo"
		if err := s.Change(s.ctx, p); err != nil {
			t.Fatal(err)
		}
		if err := s.Change(s.ctx, p); !errors.Is(err, store.ErrStale) {
			t.Errorf("a second save of the same form: %v, want stale", err)
		}
		lines, err := s.journal.List(s.ctx, journal.Filter{Kind: "person", ID: string(id)})
		if err != nil || len(lines) != 2 || lines[0].Verb != people.VerbChanged {
			t.Errorf("journal: %+v, %v", lines, err)
		}
		s.whole()
	})
}

func TestUsernamesAndPupilNumbersAreUnique(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.add(people.Person{Kind: people.Pupil, Given: "Ava", Family: "Moss", Username: "amoss", UPN: "P999123416000"})
		var bad store.Invalid
		_, err := s.Add(s.ctx, people.Person{Kind: people.Staff, Given: "Al", Family: "Moss", Username: "AMOSS"})
		if !errors.As(err, &bad) || bad["username"] == "" {
			t.Errorf("the same username in capitals: %v", err)
		}
		_, err = s.Add(s.ctx, people.Person{Kind: people.Pupil, Given: "Al", Family: "Moss", UPN: "p999123416000"})
		if !errors.As(err, &bad) || bad["upn"] == "" {
			t.Errorf("the same pupil number: %v", err)
		}
		s.add(people.Person{Kind: people.Staff, Given: "Al", Family: "Moss"})
		s.add(people.Person{Kind: people.Staff, Given: "Bo", Family: "Moss"}) // none is not a username
	})
}

func TestAShortStayEndsByItself(t *testing.T) {
	s := newSchool(t)
	id := s.add(people.Person{Kind: people.Pupil, Given: "Ike", Family: "Ward", From: "2026-11-23", Until: "2026-11-25"})
	for _, c := range []struct {
		at   time.Time
		here bool
	}{
		{time.Date(2026, 11, 22, 23, 59, 0, 0, time.UTC), false},
		{monday, true},
		{time.Date(2026, 11, 25, 23, 59, 0, 0, time.UTC), true},
		{time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC), false},
	} {
		s.clock.Set(c.at)
		_, err := s.Present(s.ctx, id)
		if c.here != (err == nil) {
			t.Errorf("at %s: %v, want here %v", c.at, err, c.here)
		}
	}
	if p, err := s.Get(s.ctx, id); err != nil || p.Name() != "Ike Ward" {
		t.Errorf("a leaver lost the row: %v", err)
	}
}

func TestParentsAreTiedToChildrenInTheOrderOfContact(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		child := s.add(people.Person{Kind: people.Pupil, Given: "Kit", Family: "Vane"})
		first := s.add(people.Person{Kind: people.Parent, Given: "Dot", Family: "Vane"})
		second := s.add(people.Person{Kind: people.Staff, Given: "Ned", Family: "Vane"}) // staff may be a parent too
		for _, l := range []people.Link{
			{Parent: second, Child: child, Relation: "father", Order: 2},
			{Parent: first, Child: child, Relation: "mother", Responsible: true, Order: 1},
		} {
			if err := s.Tie(s.ctx, l); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Parents(s.ctx, child)
		if err != nil || len(got) != 2 || got[0].Person.ID != first || !got[0].Link.Responsible || got[1].Link.Responsible {
			t.Errorf("parents: %+v, %v", got, err)
		}
		var bad store.Invalid
		if err := s.Tie(s.ctx, people.Link{Parent: child, Child: child}); !errors.As(err, &bad) {
			t.Errorf("a child as a parent: %v", err)
		}
		if err := s.Untie(s.ctx, second, child, "a mistake"); err != nil {
			t.Fatal(err)
		}
		if got, _ := s.Children(s.ctx, second); len(got) != 0 {
			t.Errorf("still tied: %+v", got)
		}
		s.whole()
	})
}

func TestWhatIsKeptOfAPersonIsTold(t *testing.T) {
	s := newSchool(t)
	kid := s.add(people.Person{Kind: people.Pupil, Given: "Kit", Family: "Vane", Year: "4"})
	dot := s.add(people.Person{Kind: people.Governor, Given: "Dot", Family: "Vane", Email: "dot@home.example"})
	if err := s.Tie(s.ctx, people.Link{Parent: dot, Child: kid, Relation: "mother"}); err != nil {
		t.Fatal(err)
	}
	s.appoint(people.Holder{Person: dot, Post: people.ChairOfGovernors})
	list, err := s.Holds(s.ctx, dot)
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	got := list[1].Facts[0].Value + "; " + list[2].Facts[0].Name
	if got != "Kit Vane, mother; Chair of governors" {
		t.Error(got)
	}
}
