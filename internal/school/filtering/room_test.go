package filtering_test

import (
	"context"
	"crypto/ed25519"
	"io/fs"
	"slices"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/school/filtering"
	"belisha/internal/school/people"
)

// monday is a Monday in term, mid-morning.
var monday = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// school is a room on a fresh store with the people who matter to it.
type school struct {
	t       *testing.T
	db      *store.DB
	journal *journal.Journal
	clock   *clock.Fake
	book    *setting.Book
	live    *setting.Live
	people  *people.Room
	dir     string
	room    *filtering.Room
	deps    filtering.Deps
	changed int

	head, manager, other people.ID
}

func schemas() []fs.FS { return []fs.FS{journal.Schema, people.Schema, filtering.Schema} }

// each runs fn on every database, with a room that has started.
func each(t *testing.T, fn func(t *testing.T, s *school)) {
	t.Helper()
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) { fn(t, open(t, db)) })
}

func open(t *testing.T, db *store.DB) *school {
	t.Helper()
	s := &school{t: t, db: db, clock: clock.NewFake(monday), dir: t.TempDir()}
	var err error
	s.journal, err = journal.New(journal.Deps{
		DB: db, Clock: s.clock, Protected: slices.Concat(people.Protected, filtering.Protected),
		Verbs: slices.Concat(people.Verbs, filtering.Verbs),
	})
	must(t, err)
	s.book, err = setting.NewBook(people.Settings(), filtering.Settings())
	must(t, err)
	s.live = setting.NewLive(setting.NewValues(s.book, 0, nil))
	s.people, err = people.New(people.Deps{DB: db, Journal: s.journal, Clock: s.clock, Live: s.live, Demo: true})
	must(t, err)
	_, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	s.deps = filtering.Deps{
		DB: db, Journal: s.journal, Clock: s.clock, Live: s.live, People: s.people, Dir: s.dir, Key: key, School: "school-1",
		Host: func() string { return "belisha.ashdown" }, Changed: func() { s.changed++ },
	}
	s.head = s.add("Odile", "Farr", people.Staff, people.Headteacher)
	s.manager = s.add("Tam", "Ruskin", people.Staff, people.FilterManager)
	s.other = s.add("Ike", "Loam", people.Staff, "")
	s.add("Bea", "Moss", people.Pupil, "")
	s.start()
	return s
}

func (s *school) start() {
	s.t.Helper()
	var err error
	s.room, err = filtering.New(s.deps)
	must(s.t, err)
	must(s.t, s.room.Start(context.Background()))
}

func (s *school) add(given, family string, k people.Kind, post people.Post) people.ID {
	s.t.Helper()
	ctx := actor.With(context.Background(), actor.Belisha("test"))
	p := people.Person{Kind: k, Given: given, Family: family, Site: people.MainSite, Username: given + "." + family}
	if k == people.Pupil {
		p.Year = "8"
	}
	id, err := s.people.Add(ctx, p)
	must(s.t, err)
	if post != "" {
		_, err = s.people.Appoint(ctx, people.Holder{Person: id, Post: post, From: monday.Add(-24 * time.Hour)})
		must(s.t, err)
	}
	return id
}

func (s *school) as(id people.ID, caps ...actor.Capability) context.Context {
	a := actor.New(actor.Actor{ID: "person:" + string(id), Person: string(id), Kind: actor.Person, Audience: actor.Staff}, caps...)
	return actor.With(context.Background(), a)
}

func (s *school) asHead() context.Context {
	return s.as(s.head, filtering.MayRead, filtering.MayGrant)
}

func (s *school) asManager() context.Context {
	return s.as(s.manager, filtering.MayRead, filtering.MayChange)
}

// confirmed has the head confirm the filter manager.
func (s *school) confirmed() *school {
	s.t.Helper()
	must(s.t, s.room.ConfirmHolders(s.asHead(), []people.ID{s.manager}))
	return s
}

// activate puts settings in force as the policies room does: prepare, commit,
// publish.
func (s *school) activate(number uint64, given map[string]string, scoped ...setting.Value) ([]setting.Effect, error) {
	s.t.Helper()
	var vals []setting.Value
	for key, words := range given {
		d, ok := s.book.Get(key)
		if !ok {
			s.t.Fatalf("no setting %s", key)
		}
		v, err := d.Parse(words)
		must(s.t, err)
		v.Confirmed, v.Clause = true, "filter.1"
		vals = append(vals, v)
	}
	next := setting.NewValues(s.book, number, append(vals, scoped...))
	ctx := s.asHead()
	step, err := s.room.Prepare(ctx, next)
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error { return step.Commit(ctx, tx) })
	if err != nil {
		step.Abort()
		return nil, err
	}
	s.live.Publish(next)
	return step.Preview(), step.Publish(ctx)
}

// value is one value for a scope.
func (s *school) value(key, words string, at setting.Scope) setting.Value {
	s.t.Helper()
	d, _ := s.book.Get(key)
	v, err := d.Parse(words)
	must(s.t, err)
	v.Scope, v.Confirmed, v.Clause = at, true, "filter.2"
	return v
}

func (s *school) decide(url, group string) filtering.Answer {
	s.t.Helper()
	return s.ask(filtering.Question{URL: url, Group: group})
}

func (s *school) ask(q filtering.Question) filtering.Answer {
	s.t.Helper()
	a, err := s.room.Decide(context.Background(), q)
	must(s.t, err)
	return a
}

// wants checks what happens to a URL for a group.
func (s *school) wants(url, group, action string) {
	s.t.Helper()
	if a := s.decide(url, group); a.Action != action {
		s.t.Errorf("%s for %s: %s (%s, rule %s), want %s", url, group, a.Action, a.Reason, a.Rule, action)
	}
}

// holds checks that the journal and all protected rows verify.
func (s *school) holds() {
	s.t.Helper()
	rep, err := s.journal.Verify(context.Background())
	must(s.t, err)
	if !rep.OK {
		s.t.Errorf("the journal does not hold: %+v", rep.Fault)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sqlite(t *testing.T) *store.DB { t.Helper(); return storetest.SQLite(t, schemas()...) }
