package access_test

import (
	"context"
	"io/fs"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/vault"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

var (
	monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	desk   = netip.MustParseAddr("10.1.2.3")
)

const good = "larch heron copper"

// gate remembers who is behind which address, as the gate would.
type gate struct {
	mu   sync.Mutex
	rows map[netip.Addr]access.Row
	told int // sign-outs
	// leaving, if set, is asked at each sign-out, before it is done.
	leaving func()
}

func (g *gate) SignedIn(_ context.Context, r access.Row) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rows[r.Address] = r
	return nil
}

func (g *gate) SignedOut(_ context.Context, subject string, at netip.Addr) error {
	if g.leaving != nil {
		g.leaving()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told++
	if g.rows[at].Subject == subject {
		delete(g.rows, at)
	}
	return nil
}

type school struct {
	*access.Room
	t       testing.TB
	ctx     context.Context
	clock   *clock.Fake
	db      *store.DB
	people  *people.Room
	journal *journal.Journal
	live    *setting.Live
	gate    *gate
	// approvals is where two people decide together.
	approvals *approval.Room
}

// holders says who holds a post.
type holders struct{ r *people.Room }

func (h holders) Holders(ctx context.Context, post string, at time.Time) ([]string, error) {
	list, err := h.r.HoldersAt(ctx, people.Post(post), at)
	var out []string
	for _, o := range list {
		out = append(out, string(o.Person.ID))
	}
	return out, err
}

func schemas() []fs.FS {
	return []fs.FS{journal.Schema, vault.Schema, approval.Schema, people.Schema, access.Schema}
}

func onStore(t testing.TB, db *store.DB, given ...setting.Value) *school {
	t.Helper()
	s := &school{t: t, clock: clock.NewFake(monday), db: db, gate: &gate{rows: map[netip.Addr]access.Row{}}}
	s.ctx = actor.With(context.Background(), actor.Actor{ID: "person:office", Kind: actor.Person, Person: "office"})
	book, err := setting.NewBook(people.Settings(), access.Settings())
	s.must(err)
	s.live = setting.NewLive(setting.NewValues(book, 1, given))
	s.journal, err = journal.New(journal.Deps{
		DB: db, Clock: s.clock, Protected: slices.Concat(people.Protected, access.Protected, approval.Protected),
		Verbs: slices.Concat(people.Verbs, access.Verbs, approval.Verbs),
	})
	s.must(err)
	s.people, err = people.New(people.Deps{DB: db, Journal: s.journal, Clock: s.clock, Live: s.live})
	s.must(err)
	v, err := vault.Open(s.ctx, db, s.clock, vault.Given(make([]byte, 32)))
	s.must(err)
	s.approvals, err = approval.New(approval.Deps{DB: db, Journal: s.journal, Clock: s.clock, Posts: holders{s.people}})
	s.must(err)
	s.Room, err = access.New(access.Deps{DB: db, Journal: s.journal, Clock: s.clock, Live: s.live, People: s.people, Secrets: v, Presence: s.gate, Approvals: s.approvals})
	s.must(err)
	s.approvals.On(access.KindHeadFactor, s.HeadFactorDecided)
	return s
}

func newSchool(t *testing.T, given ...setting.Value) *school {
	return onStore(t, storetest.SQLite(t, schemas()...), given...)
}

func each(t *testing.T, fn func(t *testing.T, s *school)) {
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) { fn(t, onStore(t, db)) })
}

func (s *school) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// set changes settings as an activation would.
func (s *school) set(given ...setting.Value) {
	s.live.Publish(setting.NewValues(s.live.Current().Book(), s.live.Current().Number()+1, given))
}

// person adds somebody with an account and a password of their own.
func (s *school) person(kind people.Kind, name string, posts ...people.Post) people.ID {
	s.t.Helper()
	p := people.Person{Kind: kind, Given: "Given" + name, Family: "Family" + name, Username: name}
	if kind == people.Pupil {
		p.Year = "4"
	}
	id, err := s.people.Add(s.ctx, p)
	s.must(err)
	_, err = s.CreateAccount(s.ctx, access.NewAccount{Person: id, Password: good})
	s.must(err)
	for _, post := range posts {
		_, err := s.people.Appoint(s.ctx, people.Holder{Person: id, Post: post})
		s.must(err)
	}
	return id
}

func (s *school) try(name, password string) (access.Session, string, error) {
	return s.SignIn(context.Background(), access.Attempt{Username: name, Password: password, From: desk, Device: "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0"})
}

func (s *school) in(name, password string) (access.Session, string) {
	s.t.Helper()
	session, token, err := s.try(name, password)
	s.must(err)
	return session, token
}

func (s *school) stand(token string) access.Standing {
	s.t.Helper()
	st, err := s.Stand(s.ctx, token)
	s.must(err)
	return st
}

func (s *school) whole() {
	s.t.Helper()
	r, err := s.journal.Verify(s.ctx)
	if err != nil || !r.OK {
		s.t.Fatalf("the journal does not hold: %+v, %v", r.Fault, err)
	}
}

func (s *school) sweep() {
	s.t.Helper()
	for _, task := range s.Tasks() {
		s.must(task.Run(s.ctx))
	}
}

func (s *school) finding(number string) control.Finding {
	s.t.Helper()
	for _, c := range s.Controls() {
		if c.Number == number {
			f, err := c.Check(s.ctx, s.clock.Now(), s.live.Current())
			s.must(err)
			return f
		}
	}
	s.t.Fatalf("there is no control %s", number)
	return control.Finding{}
}

func (s *school) verbs(verb journal.Verb) int {
	s.t.Helper()
	lines, err := s.journal.List(s.ctx, journal.Filter{Verbs: []journal.Verb{verb}, Limit: 500})
	s.must(err)
	return len(lines)
}
