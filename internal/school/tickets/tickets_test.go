package tickets_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/people"
	"belisha/internal/school/tickets"
)

// friday is a Friday afternoon in term: a school day later is Monday.
var friday = time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)

var tablet = netip.MustParseAddr("10.1.2.3")

type school struct {
	t       *testing.T
	db      *store.DB
	journal *journal.Journal
	clock   *clock.Fake
	people  *people.Room
	room    *tickets.Room
	told    []notice.Notice

	network, pupil, teacher, head people.ID
}

func (s *school) Send(_ context.Context, _ *store.Tx, n notice.Notice) error {
	s.told = append(s.told, n)
	return nil
}

func schemas() []fs.FS { return []fs.FS{journal.Schema, people.Schema, tickets.Schema} }

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

func system() context.Context {
	return actor.With(context.Background(), actor.Belisha("test"))
}

func open(t *testing.T, db *store.DB) *school {
	t.Helper()
	s := &school{t: t, db: db, clock: clock.NewFake(friday)}
	var err error
	s.journal, err = journal.New(journal.Deps{
		DB: db, Clock: s.clock, Protected: slices.Concat(people.Protected, tickets.Protected), Verbs: slices.Concat(people.Verbs, tickets.Verbs),
	})
	must(t, err)
	book, err := setting.NewBook(people.Settings(), tickets.Settings())
	must(t, err)
	live := setting.NewLive(setting.NewValues(book, 0, nil))
	s.people, err = people.New(people.Deps{DB: db, Journal: s.journal, Clock: s.clock, Live: live, Demo: true})
	must(t, err)
	s.network = s.add("Nils", people.Staff, people.NetworkManager)
	s.head = s.add("Odile", people.Staff, people.Headteacher)
	s.teacher = s.add("Ike", people.Staff, "")
	s.pupil = s.add("Wren", people.Pupil, "")
	s.room, err = tickets.New(tickets.Deps{
		DB: db, Journal: s.journal, Clock: s.clock, Live: live, People: s.people, Notices: s,
		Place: func(netip.Addr) string { return "library" },
	})
	must(t, err)
	return s
}

func (s *school) add(given string, k people.Kind, post people.Post) people.ID {
	s.t.Helper()
	p := people.Person{Kind: k, Given: given, Family: "Ashdown", Site: people.MainSite, Username: strings.ToLower(given)}
	if k == people.Pupil {
		p.Year = "8"
	}
	id, err := s.people.Add(system(), p)
	must(s.t, err)
	if post != "" {
		_, err = s.people.Appoint(system(), people.Holder{Person: id, Post: post, From: friday.Add(-48 * time.Hour)})
		must(s.t, err)
	}
	return id
}

func (s *school) actor(id people.ID, posts ...people.Post) actor.Actor {
	a := actor.Actor{ID: "person:" + string(id), Person: string(id), Name: "Somebody", Kind: actor.Person, Audience: actor.Staff}
	if id == s.pupil {
		a.Audience = actor.Pupil
	}
	var caps []actor.Capability
	for _, p := range posts {
		a.Posts = append(a.Posts, string(p))
		for _, g := range tickets.Grants() {
			if g.Post == p {
				caps = append(caps, g.May...)
			}
		}
	}
	return actor.New(a, caps...)
}

func (s *school) nils() actor.Actor { return s.actor(s.network, people.NetworkManager) }

func with(a actor.Actor) context.Context { return actor.With(context.Background(), a) }

// report reports as the pupil.
func (s *school) report(site string) tickets.Ticket {
	s.t.Helper()
	t, err := s.room.Report(with(s.actor(s.pupil)), tickets.Ticket{Kind: tickets.Over, Site: site, Said: "for history"}, tablet)
	must(s.t, err)
	return t
}

func (s *school) holds() {
	s.t.Helper()
	rep, err := s.journal.Verify(context.Background())
	must(s.t, err)
	if !rep.OK {
		s.t.Errorf("the journal does not hold: %+v", rep.Fault)
	}
}

func (s *school) control() control.Finding {
	s.t.Helper()
	c := s.room.Controls()[0]
	book, err := setting.NewBook(tickets.Settings())
	must(s.t, err)
	f, err := c.Check(context.Background(), s.clock.Now(), setting.NewValues(book, 0, nil))
	must(s.t, err)
	return f
}

func (s *school) waiting(a actor.Actor) int {
	s.t.Helper()
	items, err := s.room.Waiting(context.Background(), a)
	must(s.t, err)
	for _, x := range items {
		if strings.Contains(x.Title, "history") || strings.Contains(x.Title, "Wren") || strings.Contains(x.Title, "example") {
			s.t.Errorf("the tray tells a detail: %s", x.Title)
		}
	}
	return len(items)
}

func TestAReportIsAnsweredClosedAndOpenedAgainOnce(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		tk := s.report("example.org")
		if tk.Number != 1 || tk.Owner != people.NetworkManager || !tk.DueAt.Equal(friday.Add(72*time.Hour)) {
			t.Errorf("number %d, owner %s, due %s", tk.Number, tk.Owner, tk.DueAt)
		}
		nils := with(s.nils())
		if s.waiting(s.nils()) != 1 || s.waiting(s.actor(s.head, people.Headteacher)) != 0 {
			t.Error("the report is not in the network manager's tray alone")
		}
		must(t, s.room.Take(nils, tk.ID, 1))
		if err := s.room.Take(nils, tk.ID, 1); !errors.Is(err, store.ErrStale) {
			t.Errorf("a stale form: %v", err)
		}
		must(t, s.room.Reply(nils, tk.ID, 2, "I am looking."))
		if s.waiting(s.nils()) != 0 {
			t.Error("an answered report still waits")
		}
		must(t, s.room.Close(nils, tk.ID, 3, tickets.Opened, "It is open for you now."))
		pupil := with(s.actor(s.pupil))
		if err := s.room.Reopen(with(s.actor(s.teacher)), tk.ID, "mine"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("somebody else opened it again: %v", err)
		}
		must(t, s.room.Reopen(pupil, tk.ID, "It still says closed."))
		if s.waiting(s.nils()) != 1 {
			t.Error("what was opened again does not wait")
		}
		must(t, s.room.Close(nils, tk.ID, 5, tickets.Unchanged, "Please restart the tablet."))
		if err := s.room.Reopen(pupil, tk.ID, "no"); !errors.Is(err, tickets.ErrOnce) {
			t.Errorf("opened a third time: %v", err)
		}
		for _, n := range s.told {
			if strings.Contains(fmt.Sprint(n.What, n.Link), "example") || slices.Contains(n.To, string(s.pupil)) {
				t.Errorf("a notice tells too much, or goes to a pupil: %+v", n)
			}
		}
		s.holds()
	})
}

func TestWhoMayNotAnswerCannotWhateverTheySend(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		tk := s.report("example.org")
		for name, a := range map[string]actor.Actor{
			"a teacher": s.actor(s.teacher), "the governor": s.actor(s.teacher, people.SafeguardingGovernor),
			"a pupil with every right": actor.New(s.actor(s.pupil), tickets.MayAnswer, tickets.MayRead), "nobody": {ID: "nobody", Kind: actor.Nobody},
		} {
			for what, err := range map[string]error{
				"take": s.room.Take(with(a), tk.ID, 1), "reply": s.room.Reply(with(a), tk.ID, 1, "x"), "close": s.room.Close(with(a), tk.ID, 1, tickets.Opened, "x"),
			} {
				if !errors.Is(err, store.ErrForbidden) {
					t.Errorf("%s, %s: %v", name, what, err)
				}
			}
		}
		if err := s.room.Take(with(s.nils()), "forged", 1); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a forged id: %v", err)
		}
	})
}

func TestTheSameReportTwiceAtOnceIsOneAndManyAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		var wg sync.WaitGroup
		ids := make([]string, 4)
		for i := range ids {
			wg.Go(func() {
				x, err := s.room.Report(with(s.actor(s.teacher)), tickets.Ticket{Kind: tickets.Under, Site: "bad.example"}, tablet)
				if err != nil {
					t.Error(err)
				}
				ids[i] = x.ID
			})
		}
		wg.Wait()
		if slices.Sort(ids); ids[0] != ids[3] {
			t.Errorf("one report became several: %v", ids)
		}
		for i := range 40 {
			_, err := s.room.Report(context.Background(), tickets.Ticket{Kind: tickets.Over, Site: fmt.Sprintf("s%d.example", i)}, tablet)
			if want := i >= 10; errors.Is(err, tickets.ErrOften) != want {
				t.Fatalf("report %d from one address: %v", i+1, err)
			}
		}
		s.clock.Advance(time.Hour)
		for i := range 300 {
			from := netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)})
			_, err := s.room.Report(context.Background(), tickets.Ticket{Kind: tickets.Over, Site: "again.example"}, from)
			if want := i >= 120; errors.Is(err, tickets.ErrOften) != want {
				t.Fatalf("report %d from all addresses: %v", i+1, err)
			}
		}
		if _, err := s.room.Report(with(s.actor(s.head)), tickets.Ticket{Kind: tickets.Over, Site: "still.example"}, tablet); err != nil {
			t.Errorf("somebody signed in is held back by others: %v", err)
		}
		s.holds()
	})
}

func TestWhatIsWrittenBadlyIsSaidFieldByField(t *testing.T) {
	s := open(t, storetest.SQLite(t, schemas()...))
	for name, x := range map[string]struct {
		t     tickets.Ticket
		field string
	}{
		"no kind":       {tickets.Ticket{Site: "a.example"}, "kind"},
		"a forged kind": {tickets.Ticket{Kind: "x", Site: "a.example"}, "kind"},
		"no site":       {tickets.Ticket{Kind: tickets.Over}, "site"},
		"a long site":   {tickets.Ticket{Kind: tickets.Over, Site: strings.Repeat("a", 400)}, "site"},
		"a long text":   {tickets.Ticket{Kind: tickets.Over, Site: "a", Said: strings.Repeat("a", 2000)}, "said"},
		"nothing wrong": {tickets.Ticket{Kind: tickets.Wrong}, "said"},
	} {
		_, err := s.room.Report(context.Background(), x.t, tablet)
		var bad store.Invalid
		if !errors.As(err, &bad) || bad[x.field] == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	got, err := s.room.Report(context.Background(), tickets.Ticket{Kind: tickets.Wrong, Site: "a\u202eb\x00\n.example", Said: "one\r\ntwo\x07\xff"}, tablet)
	must(t, err)
	if got.Site != "ab .example" || got.Said != "one\ntwo" || got.Place != "library" || got.Who != "" {
		t.Errorf("kept as %q, %q, %q, %q", got.Site, got.Said, got.Place, got.Who)
	}
}

func TestWhatIsLateIsATaskThatGoesUpAndThePromiseIsNotKept(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		if f := s.control(); f.State != control.Kept {
			t.Errorf("without reports: %s %s", f.State, f.Figure)
		}
		tk := s.report("example.org")
		s.clock.Set(friday.Add(72 * time.Hour)) // Monday, the same time: just in time
		if f := s.control(); f.State != control.Kept {
			t.Errorf("in time: %s %s", f.State, f.Figure)
		}
		s.clock.Advance(time.Minute)
		f := s.control()
		if f.State != control.Broken || len(f.Rows) != 1 || !strings.Contains(f.Figure, "1 late and not answered") {
			t.Errorf("late: %+v", f)
		}
		owed, err := s.room.Duties()[0].Owed(context.Background(), s.clock.Now())
		must(t, err)
		if len(owed) != 1 || owed[0].Owner != string(people.NetworkManager) || strings.Contains(owed[0].What, "example") {
			t.Errorf("owed: %+v", owed)
		}
		if s.waiting(s.nils()) != 0 {
			t.Error("what is late waits twice in the tray")
		}
		must(t, s.room.Close(with(s.nils()), tk.ID, 1, tickets.Opened, "It is open."))
		if f := s.control(); f.State != control.AtRisk {
			t.Errorf("answered late: %s %s", f.State, f.Figure)
		}
		s.clock.Advance(31 * 24 * time.Hour)
		if f := s.control(); f.State != control.Kept {
			t.Errorf("a month later: %s %s", f.State, f.Figure)
		}
	})
}

func TestWhereNobodyHoldsThePostTheHeadAnswers(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.report("example.org")
		held, err := s.people.PostsAt(context.Background(), s.network, friday)
		must(t, err)
		must(t, s.people.EndPost(system(), held[0].ID, held[0].Version, "left"))
		if s.waiting(s.actor(s.head, people.Headteacher)) != 1 {
			t.Error("nobody has the report")
		}
		if f := s.control(); f.State != control.AtRisk {
			t.Errorf("the control: %s %s", f.State, f.Figure)
		}
	})
}

func TestAnOldReportIsRemovedAndTheJournalStillHolds(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		tk := s.report("example.org")
		waits := s.report("other.example")
		must(t, s.room.Close(with(s.nils()), tk.ID, 1, tickets.Opened, "It is open."))
		s.clock.Advance(400 * 24 * time.Hour)
		n, err := s.room.Retain(system())
		must(t, err)
		list, total, err := s.room.List(context.Background(), tickets.Filter{Limit: 50})
		must(t, err)
		if n != 1 || total != 1 || list[0].ID != waits.ID {
			t.Errorf("removed %d, left %d", n, total)
		}
		s.holds()
	})
}

func TestThePagesLeadAChildThroughAndNameNoPupilToTheDesk(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		site := webtest.Site(t, s.room.Section())
		nobody, pupil, nils, teacher := webtest.Nobody(), s.actor(s.pupil), s.nils(), s.actor(s.teacher)
		d := webtest.Get(t, site, "/tickets/new?host=www.bbc.co.uk&kind=over", nobody).Is(200).Safe().Has("You are not in trouble").Link("/help")
		if got := d.Field("site"); got != "www.bbc.co.uk" {
			t.Errorf("the site is not filled in: %q", got)
		}
		webtest.Get(t, site, "/tickets/new", teacher).Is(200).Safe().HasNot("grown-up")
		bad := webtest.Post(t, site, "/tickets/new", url.Values{"kind": {"over"}, "said": {"please"}}, pupil).Is(422).Safe().Has("Write which site")
		if bad.Field("said") != "please" {
			t.Error("what was typed is lost")
		}
		webtest.Post(t, site, "/tickets/new", url.Values{"kind": {"over"}, "site": {"www.bbc.co.uk"}, "said": {"<b>history</b>"}}, pupil).GoesTo("/tickets/thanks")
		webtest.Get(t, site, "/tickets/thanks", pupil).Is(200).Safe().Link("/tickets/mine")
		webtest.Get(t, site, "/tickets/thanks", nobody).Is(200).Safe().NoLink("/tickets/mine")
		mine := webtest.Get(t, site, "/tickets/mine", pupil).Is(200).Safe().Has("www.bbc.co.uk", "waits")
		id := between(string(mine.Body), `href="/tickets/mine/`, `"`)
		webtest.Get(t, site, "/tickets/mine", nobody).Is(303)
		webtest.Get(t, site, "/tickets/mine/"+id, teacher).Is(404)
		webtest.Get(t, site, "/tickets", pupil).Is(403)

		webtest.Get(t, site, "/tickets?state=open&find=BBC", nils).Is(200).Safe().Has("www.bbc.co.uk", "A pupil").HasNot("Wren")
		desk := webtest.Get(t, site, "/tickets/"+id, nils).Is(200).Safe().Has("Report 1", "<b>history</b>", "A pupil").HasNot("Wren").NoLink("/filter/own/new?entry=www.bbc.co.uk")
		webtest.Get(t, site, "/tickets/"+id, actor.New(nils, tickets.MayRead, "filtering.change")).Link("/filter/own/new?entry=www.bbc.co.uk")
		version := desk.Field("version")
		lead := actor.New(nils, tickets.MayRead, "safeguarding.tray")
		webtest.Get(t, site, "/tickets/"+id, lead).Has("Wren Ashdown")
		csv := webtest.Get(t, site, "/tickets.csv", nils).Is(200)
		if !strings.Contains(string(csv.Body), "1,over,www.bbc.co.uk") || strings.Contains(string(csv.Body), "Wren") {
			t.Errorf("the copy:\n%s", csv.Body)
		}
		webtest.Post(t, site, "/tickets/"+id+"/close", url.Values{"version": {version}}, nils).Is(422).Safe().Has("Choose what was done", "Write what whoever reported it is to read")
		webtest.Post(t, site, "/tickets/"+id+"/reply", url.Values{"version": {version}}, nils).Is(422).Safe()
		webtest.Post(t, site, "/tickets/"+id+"/close", url.Values{"version": {"99"}, "outcome": {"opened"}, "said": {"done"}}, nils).Is(409)
		webtest.Post(t, site, "/tickets/"+id+"/take", url.Values{"version": {version}}, nils).GoesTo("/tickets/" + id)
		webtest.Post(t, site, "/tickets/"+id+"/reply", url.Values{"version": {"2"}, "reply": {"Soon."}}, nils).GoesTo("/tickets/" + id)
		webtest.Post(t, site, "/tickets/"+id+"/close", url.Values{"version": {"3"}, "outcome": {"opened"}, "said": {"It is open now."}}, nils).GoesTo("/tickets")
		webtest.Get(t, site, "/tickets/mine/"+id, pupil).Is(200).Safe().Has("It is open now.", "Soon.", "it is open now").HasNot("Nils")
		webtest.Post(t, site, "/tickets/mine/"+id+"/reopen", url.Values{"said": {""}}, pupil).Is(422).Safe()
		webtest.Post(t, site, "/tickets/mine/"+id+"/reopen", url.Values{"said": {"No."}}, pupil).GoesTo("/tickets/mine/" + id)
		s.holds()
	})
}

func between(s, from, to string) string {
	_, rest, _ := strings.Cut(s, from)
	out, _, _ := strings.Cut(rest, to)
	return out
}

func TestTenThousandReportsArePagedQuickly(t *testing.T) {
	s := open(t, storetest.SQLite(t, schemas()...))
	err := s.db.Write(system(), func(tx *store.Tx) error {
		for i := range 10_000 {
			_, err := tx.ExecContext(context.Background(), `INSERT INTO tickets (id, number, kind, site, said, who, audience, place, asked_at, due_at, owner, state,
				taken_by, taken_at, answered_at, outcome, closed_at, reopened, version) VALUES ($1, $2, 'over', $3, '', '', '', '', $4, $5, 'network-manager', 'open', '', 0, 0, '', 0, 0, 1)`,
				fmt.Sprintf("t%05d", i), i+1, fmt.Sprintf("s%d.example", i), store.At(friday.Add(time.Duration(i)*time.Second)), store.At(friday.Add(time.Hour)))
			if err != nil {
				return err
			}
		}
		return nil
	})
	must(t, err)
	s.clock.Set(friday.Add(24 * time.Hour))
	site := webtest.Site(t, s.room.Section())
	var h http.Handler = site
	for _, path := range []string{"/tickets", "/tickets?page=200", "/tickets?state=late&find=s99", "/tickets?page=zzz&state=zzz&kind=zzz"} {
		start := time.Now()
		webtest.Get(t, h, path, s.nils()).Is(200).Safe()
		t.Logf("%s: %s", path, time.Since(start))
	}
	webtest.Get(t, h, "/tickets", s.nils()).Has("1 to 50 of 10,000 reports")
	owed, err := s.room.Duties()[0].Owed(context.Background(), s.clock.Now())
	must(t, err)
	if len(owed) != 50 {
		t.Errorf("%d tasks, want a bound of 50", len(owed))
	}
	start := time.Now()
	s.report("one.more.example")
	reported := time.Since(start)
	start = time.Now()
	s.waiting(s.nils())
	t.Logf("a report: %s, the tray: %s", reported, time.Since(start))
	held, err := s.room.Holds(context.Background(), s.pupil)
	must(t, err)
	if len(held) != 1 || len(held[0].Facts) != 2 || !strings.Contains(held[0].Facts[1].Value, "one.more.example") {
		t.Errorf("held about the pupil: %+v", held)
	}
	trends, err := s.room.Trends(context.Background(), friday.AddDate(0, -3, 0), friday.AddDate(0, 0, 2))
	must(t, err)
	if len(trends) != 3 || trends[0].Total() != 10_001 || len(trends[0].Points) != 4 {
		t.Errorf("trends: %+v", trends)
	}
}
