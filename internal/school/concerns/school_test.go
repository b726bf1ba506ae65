package concerns

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/blobs"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/vault"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// monday is a school day, in the second lesson.
var monday = time.Date(2026, 11, 23, 10, 30, 0, 0, time.UTC)

// school is the room with a real store, journal, vault, roll and files.
type school struct {
	*Room
	t       testing.TB
	db      *store.DB
	clock   *clock.Fake
	people  *people.Room
	journal *journal.Journal
	live    *setting.Live
	book    *setting.Book
	rows    map[string]Seen
	notices []notice.Notice
	shut    []string // why it is not ready
	late    []string // what is only warned of once a concern is kept

	watches    string // who has agreed to be told out of hours
	watchUntil time.Time
	refuse     bool // no row may be opened

	head, chair, lead, deputy, osl, teacher, other, network, office, governor people.ID
	robin, sam, mother                                                        people.ID
}

func (s *school) Evidence(_ context.Context, ref string) (Seen, error) {
	if s.refuse {
		return Seen{}, store.ErrForbidden
	}
	x, ok := s.rows[ref]
	if !ok {
		return Seen{}, store.ErrNotFound
	}
	return x, nil
}

func (s *school) Send(_ context.Context, _ *store.Tx, n notice.Notice) error {
	s.notices = append(s.notices, n)
	return nil
}

func schemas() []fs.FS {
	return []fs.FS{journal.Schema, vault.Schema, blobs.Schema, people.Schema, Schema}
}

func newSchool(t testing.TB) *school {
	t.Helper()
	return onStore(t, storetest.SQLite(t, schemas()...))
}

func onStore(t testing.TB, db *store.DB) *school {
	t.Helper()
	s := &school{t: t, db: db, clock: clock.NewFake(monday), rows: map[string]Seen{}}
	ctx := context.Background()
	v, err := vault.Open(ctx, db, s.clock, vault.File(filepath.Join(t.TempDir(), "school.key")))
	check(t, err)
	s.book, err = setting.NewBook(people.Settings(), Settings())
	check(t, err)
	s.live = setting.NewLive(setting.NewValues(s.book, 0, nil))
	s.journal, err = journal.New(journal.Deps{
		DB: db, Clock: s.clock, Sealer: v, Verbs: slices.Concat(people.Verbs, Verbs), Protected: slices.Concat(people.Protected, Protected),
	})
	check(t, err)
	s.people, err = people.New(people.Deps{DB: db, Journal: s.journal, Clock: s.clock, Live: s.live})
	check(t, err)
	files, err := blobs.New(blobs.Deps{DB: db, Vault: v, Clock: s.clock, Dir: t.TempDir()})
	check(t, err)
	s.Room, err = New(ctx, Deps{
		DB: db, Journal: s.journal, Clock: s.clock, Live: s.live, Roll: s.people, Sealer: v,
		Files: func() Files { return files }, Evidence: s, Notices: s, Ready: func(context.Context) (closed, late []string) { return s.shut, s.late },
		Watching: func(_ context.Context, at time.Time) (string, time.Time, error) {
			if s.watches == "" || !at.Before(s.watchUntil) {
				return "", time.Time{}, nil
			}
			return s.watches, s.watchUntil, nil
		},
	})
	check(t, err)
	s.fill()
	return s
}

func (s *school) fill() {
	s.head = s.person(people.Staff, "Amira", "Quist", people.Headteacher)
	s.chair = s.person(people.Governor, "Leopold", "Brandt", people.ChairOfGovernors)
	s.governor = s.person(people.Governor, "Una", "Feld", people.SafeguardingGovernor)
	s.lead = s.person(people.Staff, "Oona", "Marsh", people.SafeguardingLead)
	s.deputy = s.person(people.Staff, "Pell", "Arkwright", people.DeputySafeguardingLead)
	s.osl = s.person(people.Staff, "Ivo", "Larch", people.OnlineSafetyLead)
	s.network = s.person(people.Staff, "Tomos", "Bell", people.NetworkManager)
	s.office = s.person(people.Staff, "Gwen", "Ivory", people.OfficeManager)
	s.teacher = s.person(people.Staff, "Nell", "Ashdown")
	s.other = s.person(people.Staff, "Bram", "Cole")
	s.robin = s.person(people.Pupil, "Robin", "Okonjo")
	s.sam = s.person(people.Pupil, "Sam", "Vane")
	s.mother = s.person(people.Parent, "Ada", "Okonjo")
	check(s.t, s.people.Tie(s.sys(), people.Link{Parent: s.mother, Child: s.robin, Relation: "mother", Responsible: true}))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *school) sys() context.Context {
	return actor.With(context.Background(), actor.Belisha("test"))
}

func (s *school) person(kind people.Kind, given, family string, posts ...people.Post) people.ID {
	s.t.Helper()
	p := people.Person{Kind: kind, Given: given, Family: family, Site: people.MainSite, Source: people.SourceHand}
	if kind == people.Pupil {
		p.Born, p.Class, p.Year = "2015-05-04", "6B", "6"
	}
	id, err := s.people.Add(s.sys(), p)
	check(s.t, err)
	for _, post := range posts {
		_, err := s.people.Appoint(s.sys(), people.Holder{Person: id, Post: post})
		check(s.t, err)
	}
	return id
}

// actor is the person signed in, with what their posts allow now.
func (s *school) actor(id people.ID) actor.Actor {
	s.t.Helper()
	p, err := s.people.Get(context.Background(), id)
	check(s.t, err)
	held, err := s.people.PostsAt(context.Background(), id, s.clock.Now())
	check(s.t, err)
	var posts []people.Post
	var texts []string
	for _, h := range held {
		posts, texts = append(posts, h.Post), append(texts, string(h.Post))
	}
	return actor.New(actor.Actor{
		ID: "person:" + string(id), Name: p.Name(), Kind: actor.Person, Person: string(id), Audience: p.Kind, Posts: texts, Session: "s" + string(id),
	}, access.NewTable(Grants()...).May(p.Kind, posts)...)
}

func (s *school) as(id people.ID) context.Context {
	return actor.With(context.Background(), s.actor(id))
}

// set puts values in force as a policy would say them.
func (s *school) set(pairs ...string) {
	s.t.Helper()
	var given []setting.Value
	for i := 0; i < len(pairs); i += 2 {
		d, ok := s.book.Get(pairs[i])
		if !ok {
			s.t.Fatalf("no setting %s", pairs[i])
		}
		v, err := d.Parse(pairs[i+1])
		check(s.t, err)
		given = append(given, v)
	}
	s.live.Publish(setting.NewValues(s.book, 1, given))
}

// report is a member of staff's report about Robin.
func (s *school) report(by people.ID, kind string, change ...func(*Report)) string {
	s.t.Helper()
	in := Report{
		Form: store.NewID(s.clock.Now()), Kind: kind, Account: "Robin said: they would not leave me alone.",
		People: []Mentioned{{Who: "Robin Okonjo", Role: roleHarmed}},
	}
	for _, c := range change {
		c(&in)
	}
	got, err := s.Report(s.as(by), in)
	check(s.t, err)
	return got.ID
}

func (s *school) version(id string) int64 {
	s.t.Helper()
	c, err := s.caseOf(context.Background(), s.db, id)
	check(s.t, err)
	return c.Version
}

// mayOpen reports whether somebody can open a case.
func (s *school) mayOpen(who people.ID, id string) error {
	_, err := s.Open(s.as(who), id)
	return err
}

func (s *school) lines(verb journal.Verb) []journal.Line {
	s.t.Helper()
	list, err := s.journal.List(context.Background(), journal.Filter{Verbs: []journal.Verb{verb}})
	check(s.t, err)
	return list
}
