package agreements

import (
	"context"
	"io/fs"
	"net/http"
	"sync"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/blobs"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/vault"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/people"
)

// monday is a school day in the second half of the autumn term.
var monday = time.Date(2026, 11, 23, 10, 30, 0, 0, time.UTC)

const today = people.Day("2026-11-23")

// school is the room with a real store, journal and roll around it.
type school struct {
	*Room
	t         *testing.T
	clock     *clock.Fake
	people    *people.Room
	approvals *approval.Room
	book      *setting.Book

	policy   *Policy
	accounts map[people.ID]bool
	telling  sync.Mutex
	changed  []people.ID
	all      int
	sent     []notice.Notice

	head, teacher, office, young, older, mother, uncle people.ID
}

// Send keeps what would be mailed.
func (s *school) Send(_ context.Context, _ *store.Tx, n notice.Notice) error {
	s.sent = append(s.sent, n)
	return nil
}

func schemas() []fs.FS {
	return []fs.FS{journal.Schema, vault.Schema, blobs.Schema, approval.Schema, people.Schema, Schema}
}

func newSchool(t *testing.T) *school {
	t.Helper()
	return onStore(t, storetest.SQLite(t, schemas()...))
}

func onStore(t *testing.T, db *store.DB) *school {
	t.Helper()
	s := &school{t: t, clock: clock.NewFake(monday.AddDate(0, 0, -60)), accounts: map[people.ID]bool{}}
	book, err := setting.NewBook(people.Settings(), Settings())
	check(t, err)
	s.book = book
	live := setting.NewLive(setting.NewValues(book, 0, nil))
	j, err := journal.New(journal.Deps{
		DB: db, Clock: s.clock, Verbs: append(append(append([]journal.VerbInfo{}, people.Verbs...), approval.Verbs...), Verbs...),
		Protected: append(append(append([]journal.Protected{}, people.Protected...), approval.Protected...), Protected...),
	})
	check(t, err)
	s.people, err = people.New(people.Deps{DB: db, Journal: j, Clock: s.clock, Live: live})
	check(t, err)
	s.approvals, err = approval.New(approval.Deps{DB: db, Journal: j, Clock: s.clock, Posts: posts{s.people}})
	check(t, err)
	s.Room, err = New(Deps{
		DB: db, Journal: j, Clock: s.clock, Live: live, People: s.people, Approvals: s.approvals,
		Accounts: func(context.Context) (map[people.ID]bool, error) { return s.accounts, nil },
		Policy:   func(context.Context) (Policy, bool, error) { return s.inForce() },
		Notices:  func() notice.Sender { return s },
		Files:    files(t, db, s.clock),
		Changed: func(_ context.Context, id people.ID) {
			s.telling.Lock()
			defer s.telling.Unlock()
			s.changed = append(s.changed, id)
		},
		Everybody: func() { s.all++ },
	})
	check(t, err)
	s.head = s.person(people.Person{Kind: people.Staff, Given: "Amira", Family: "Quist"}, people.Headteacher)
	s.teacher = s.person(people.Person{Kind: people.Staff, Given: "Tobias", Family: "Fennimore"})
	s.office = s.person(people.Person{Kind: people.Staff, Given: "Oona", Family: "Marsh"}, people.OfficeManager)
	s.young = s.person(people.Person{Kind: people.Pupil, Given: "Robin", Family: "Okonjo", Year: "1", Class: "1A"})
	s.older = s.person(people.Person{Kind: people.Pupil, Given: "Zoë", Family: "Hartnell", Year: "8", Class: "8B"})
	s.mother = s.person(people.Person{Kind: people.Parent, Given: "Ife", Family: "Okonjo", Email: "ife@home.example"})
	s.uncle = s.person(people.Person{Kind: people.Parent, Given: "Dele", Family: "Okonjo"})
	check(t, s.people.Tie(s.as(s.office), people.Link{Parent: s.mother, Child: s.young, Relation: "mother", Responsible: true}))
	check(t, s.people.Tie(s.as(s.office), people.Link{Parent: s.uncle, Child: s.young, Relation: "uncle"}))
	s.clock.Set(monday)
	return s
}

func (s *school) inForce() (Policy, bool, error) {
	if s.policy == nil {
		return Policy{}, false, nil
	}
	return *s.policy, true, nil
}

// posts says who holds a post.
type posts struct{ r *people.Room }

func (p posts) Holders(ctx context.Context, post string, at time.Time) ([]string, error) {
	who, err := p.r.HoldersAt(ctx, people.Post(post), at)
	var out []string
	for _, o := range who {
		out = append(out, string(o.Person.ID))
	}
	return out, err
}

func files(t *testing.T, db *store.DB, c clock.Clock) Files {
	t.Helper()
	v, err := vault.Open(context.Background(), db, c, vault.File(t.TempDir()+"/school.key"))
	check(t, err)
	b, err := blobs.New(blobs.Deps{DB: db, Vault: v, Clock: c, Dir: t.TempDir()})
	check(t, err)
	return Kept(b)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *school) person(p people.Person, held ...people.Post) people.ID {
	s.t.Helper()
	ctx := actor.With(context.Background(), actor.Belisha("test"))
	p.Site, p.Source = people.MainSite, people.SourceHand
	id, err := s.people.Add(ctx, p)
	check(s.t, err)
	for _, post := range held {
		_, err := s.people.Appoint(ctx, people.Holder{Person: id, Post: post})
		check(s.t, err)
	}
	return id
}

// actor is the person signed in, with what their posts carry.
func (s *school) actor(id people.ID) actor.Actor {
	s.t.Helper()
	p, err := s.people.Get(context.Background(), id)
	check(s.t, err)
	held, err := s.people.PostsAt(context.Background(), id, s.clock.Now())
	check(s.t, err)
	a := actor.Actor{ID: "person:" + string(id), Name: p.Name(), Kind: actor.Person, Person: string(id), Audience: p.Kind, Session: "of-" + string(id)}
	var may []actor.Capability
	for _, h := range held {
		a.Posts = append(a.Posts, string(h.Post))
	}
	for _, g := range Grants() {
		for _, post := range a.Posts {
			if string(g.Post) == post {
				may = append(may, g.May...)
			}
		}
		if g.Post == "" && g.Audience == p.Kind {
			may = append(may, g.May...)
		}
	}
	return actor.New(a, may...)
}

func (s *school) as(id people.ID) context.Context {
	return actor.With(context.Background(), s.actor(id))
}

// set puts settings in force, as a policy's sentences would.
func (s *school) set(pairs ...string) *setting.Values {
	s.t.Helper()
	v := s.values(pairs...)
	s.Live.Publish(v)
	return v
}

func (s *school) values(pairs ...string) *setting.Values {
	s.t.Helper()
	var given []setting.Value
	for i := 0; i < len(pairs); i += 2 {
		decl, ok := s.book.Get(pairs[i])
		if !ok {
			s.t.Fatalf("no setting %s", pairs[i])
		}
		v, err := decl.Parse(pairs[i+1])
		check(s.t, err)
		v.Confirmed, v.Clause = true, "c1"
		given = append(given, v)
	}
	return setting.NewValues(s.book, 1, given)
}

// publish puts a sheet's starter, or what is in its draft, before people.
func (s *school) publish(sheets ...Sheet) {
	s.t.Helper()
	for _, sheet := range sheets {
		_, err := s.Publish(s.as(s.head), Publishing{Sheet: sheet, Hash: s.draftHash(sheet), Reason: "agreed with the staff in November"})
		check(s.t, err)
	}
}

func (s *school) draftHash(sheet Sheet) string {
	s.t.Helper()
	d, err := s.Draft(context.Background(), sheet)
	check(s.t, err)
	b, err := ParseBody(d.Text)
	check(s.t, err)
	return Hash(b.Text())
}

// edit keeps a draft in which one text is replaced by another.
func (s *school) edit(sheet Sheet, change func(string) string) {
	s.t.Helper()
	d, err := s.Draft(context.Background(), sheet)
	check(s.t, err)
	check(s.t, s.SaveDraft(s.as(s.head), sheet, change(d.Text), d.Version))
}

// sign signs as somebody, everything ticked.
func (s *school) sign(who people.ID, sheet Sheet, whose ...people.ID) (Signature, error) {
	s.t.Helper()
	k, err := s.load(context.Background())
	check(s.t, err)
	e, _ := k.current(sheet)
	p, err := s.people.Get(context.Background(), who)
	check(s.t, err)
	in := Signing{Sheet: sheet, Number: e.Number, Name: p.Name(), Job: "Teacher", Ticks: []string{agreeAll}, Discussed: true}
	if sheet.ticked() {
		in.Ticks = nil
		for _, c := range e.Body().Clauses() {
			in.Ticks = append(in.Ticks, c.ID)
		}
	}
	if len(whose) > 0 {
		in.Person = whose[0]
	}
	return s.Sign(s.as(who), in)
}

// stands is somebody's standing.
func (s *school) stands(who people.ID, want string) {
	s.t.Helper()
	got, err := s.Standing(context.Background(), who)
	check(s.t, err)
	if got != want {
		s.t.Errorf("standing is %q, want %q", got, want)
	}
}

// hold has the head hold an audience from today.
func (s *school) hold(audience string) {
	s.t.Helper()
	cut, err := s.CutOff(context.Background(), audience, today)
	check(s.t, err)
	asked, err := s.SetMode(s.as(s.head), ModeChange{Audience: audience, Mode: Hold, Seen: cut.Now})
	check(s.t, err)
	if asked {
		s.t.Fatal("the head was asked for the head's own approval")
	}
}

func (s *school) site() http.Handler {
	s.t.Helper()
	d := webtest.Deps()
	d.Clock = s.clock
	desk, _, err := web.Mux([]web.Section{s.Section()}, d)
	check(s.t, err)
	return desk
}
