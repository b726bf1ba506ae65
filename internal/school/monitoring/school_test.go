package monitoring

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// monday is a school day, in the second lesson.
var monday = time.Date(2026, 11, 23, 10, 30, 0, 0, time.UTC)

// names is the table of pseudonyms: "s-" and the person's id.
type names struct{ people *people.Room }

func (n names) Name(ctx context.Context, subject string) (people.ID, string, bool) {
	id, ok := strings.CutPrefix(subject, "s-")
	if !ok {
		return "", "", false
	}
	p, err := n.people.Get(ctx, people.ID(id))
	return p.ID, p.Name(), err == nil
}

func (n names) Subjects(_ context.Context, id people.ID) ([]string, error) {
	return []string{"s-" + string(id)}, nil
}

// mirror is a sealer whose sealed text a reader of the file cannot recognise.
type mirror struct{}

func (mirror) Seal(_ context.Context, purpose string, aad, plain []byte) ([]byte, error) {
	return turn(append([]byte(purpose+string(aad)), plain...)), nil
}

func (mirror) Unseal(_ context.Context, purpose string, aad, sealed []byte) ([]byte, error) {
	plain, ok := bytes.CutPrefix(turn(sealed), []byte(purpose+string(aad)))
	if !ok {
		return nil, fmt.Errorf("sealed for something else")
	}
	return plain, nil
}

func turn(in []byte) []byte {
	out := make([]byte, len(in))
	for i, b := range in {
		out[i] = b ^ 0xa5
	}
	return out
}

// school is the room with a real store, journal, roll and memory around it.
type school struct {
	*Room
	t      *testing.T
	clock  *clock.Fake
	memory *activity.Store
	people *people.Room
	next   uint64

	approvals *approval.Room
	cases     map[string]string // ref to the page of its case

	head, monitor, lead, deputy, pupil people.ID
}

// posts answers who holds a post, as the house does.
type posts struct{ people *people.Room }

func (p posts) Holders(ctx context.Context, post string, at time.Time) ([]string, error) {
	who, err := p.people.HoldersAt(ctx, people.Post(post), at)
	var ids []string
	for _, o := range who {
		ids = append(ids, string(o.Person.ID))
	}
	return ids, err
}

// Linked is what the room of concerns answers.
func (s *school) Linked(_ context.Context, refs []string) (map[string]string, error) {
	out := map[string]string{}
	for _, r := range refs {
		if path := s.cases[r]; path != "" {
			out[r] = path
		}
	}
	return out, nil
}

// eraseSubject is what the house does, without the backups.
func (s *school) eraseSubject(ctx context.Context, subject string) (int, error) {
	if _, err := s.Forget(ctx, subject); err != nil {
		return 0, err
	}
	return s.memory.Erase(ctx, subject)
}

func newSchool(t *testing.T) *school {
	t.Helper()
	return onStore(t, storetest.SQLite(t, schemas()...))
}

func schemas() []fs.FS { return []fs.FS{journal.Schema, approval.Schema, people.Schema, Schema} }

func onStore(t *testing.T, db *store.DB) *school {
	t.Helper()
	s := &school{t: t, clock: clock.NewFake(monday)}
	book, err := setting.NewBook(people.Settings(), Settings())
	check(t, err)
	live := setting.NewLive(setting.NewValues(book, 0, nil))
	j, err := journal.New(journal.Deps{
		DB: db, Clock: s.clock, Verbs: slices.Concat(approval.Verbs, people.Verbs, access.Verbs, Verbs),
		Protected: slices.Concat(approval.Protected, people.Protected, Protected),
	})
	check(t, err)
	s.people, err = people.New(people.Deps{DB: db, Journal: j, Clock: s.clock, Live: live})
	check(t, err)
	s.memory, err = activity.Open(activity.Config{Dir: t.TempDir(), Clock: s.clock, Location: london(t)})
	check(t, err)
	t.Cleanup(func() { check(t, s.memory.Close()) })
	s.approvals, err = approval.New(approval.Deps{DB: db, Journal: j, Clock: s.clock, Posts: posts{s.people}})
	check(t, err)
	s.Room, err = New(Deps{
		DB: db, Journal: j, Clock: s.clock, Live: live, Memory: s.memory, Roll: s.people,
		Names: names{s.people}, Matrix: access.NewTable(Grants()...), Sealer: mirror{},
		Approvals: s.approvals, Cases: s, Erase: s.eraseSubject,
	})
	check(t, err)
	s.head = s.person(people.Staff, "Amira", "Quist", people.Headteacher)
	s.monitor = s.person(people.Staff, "Tobias", "Fennimore", people.Monitor)
	s.lead = s.person(people.Staff, "Oona", "Marsh", people.SafeguardingLead)
	s.deputy = s.person(people.Staff, "Pell", "Arkwright", people.DeputySafeguardingLead)
	s.pupil = s.person(people.Pupil, "Robin", "Okonjo")
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func london(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/London")
	check(t, err)
	return zone
}

func (s *school) person(kind people.Kind, given, family string, posts ...people.Post) people.ID {
	s.t.Helper()
	ctx := actor.With(context.Background(), actor.Belisha("test"))
	id, err := s.people.Add(ctx, people.Person{Kind: kind, Given: given, Family: family, Site: people.MainSite, Source: people.SourceHand})
	check(s.t, err)
	for _, p := range posts {
		_, err := s.people.Appoint(ctx, people.Holder{Person: id, Post: p})
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
		ID: "person:" + string(id), Name: p.Name(), Kind: actor.Person, Person: string(id),
		Audience: p.Kind, Posts: texts, Session: "session of " + string(id),
	}, access.NewTable(Grants()...).May(p.Kind, posts)...)
}

func (s *school) as(id people.ID) context.Context {
	return actor.With(context.Background(), s.actor(id))
}

// ready is a school in which the head has confirmed the list and the
// recording, and the monitor has a purpose.
func (s *school) ready() *school {
	s.t.Helper()
	s.confirm()
	check(s.t, s.ConfirmRecording(s.as(s.head), "2026-09-14", "Letter of 4 September"))
	_, err := s.GivePurpose(s.as(s.monitor), "safeguarding", "A parent asked us to look")
	check(s.t, err)
	return s
}

func (s *school) confirm() {
	s.t.Helper()
	ids, err := s.Candidates(context.Background())
	check(s.t, err)
	check(s.t, s.ConfirmList(s.as(s.head), ids))
}

// visit is what the pupil asked for, a moment before now.
func (s *school) visit(change ...func(*activity.Event)) activity.Event {
	s.next++
	e := activity.Event{
		ID: s.next, Gate: "main", At: s.clock.Now().Add(-time.Minute), Site: people.MainSite, Door: "proxy",
		Subject: "s-" + string(s.pupil), Certainty: activity.Sure, Device: "tablet-9", Group: access.GroupPupils,
		Host: "pond.example", Path: "/frogs", Categories: []string{"education"}, Category: "education",
		Rule: "default", Action: activity.Allow, Count: 1,
	}
	for _, c := range change {
		c(&e)
	}
	return e
}

func worrying(e *activity.Event) {
	e.Host, e.Path, e.Words, e.Engine = "search.example", "", "no way out", "search"
	e.Action, e.Category, e.Alert = activity.Block, "self-harm", "selfharm"
}

// saw stores events and tells the room, as the house's pump does.
func (s *school) saw(events ...activity.Event) {
	s.t.Helper()
	check(s.t, s.memory.Append(context.Background(), events))
	check(s.t, s.Saw(context.Background(), events))
}

// lines are the journal's lines of a verb, newest first.
func (s *school) lines(verb journal.Verb) []journal.Line {
	s.t.Helper()
	lines, err := s.d.Journal.List(context.Background(), journal.Filter{Verbs: []journal.Verb{verb}})
	check(s.t, err)
	return lines
}

// holds checks that the journal's chain, and what it protects, is whole.
func (s *school) holds() {
	s.t.Helper()
	r, err := s.d.Journal.Verify(context.Background())
	check(s.t, err)
	if !r.OK {
		s.t.Errorf("the journal does not hold: %+v", r.Fault)
	}
}

// set puts other words of a policy in force.
func (s *school) set(key, text string) *setting.Values {
	s.t.Helper()
	book := s.d.Live.Current().Book()
	decl, ok := book.Get(key)
	if !ok {
		s.t.Fatalf("no setting %s", key)
	}
	v, err := decl.Parse(text)
	check(s.t, err)
	return setting.NewValues(book, 2, []setting.Value{v})
}

// site is the room's pages.
func (s *school) site() http.Handler {
	s.t.Helper()
	d := webtest.Deps()
	d.Clock = s.clock
	desk, _, err := web.Mux([]web.Section{s.Section()}, d)
	check(s.t, err)
	return desk
}
