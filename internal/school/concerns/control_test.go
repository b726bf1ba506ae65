package concerns

import (
	"context"
	"testing"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/school/people"
)

func (s *school) control(slug string) control.Finding {
	s.t.Helper()
	for _, c := range s.Controls() {
		if c.Slug == slug {
			f, err := c.Check(context.Background(), s.clock.Now(), s.live.Current())
			check(s.t, err)
			return f
		}
	}
	s.t.Fatalf("no control %s", slug)
	return control.Finding{}
}

func (s *school) is(slug string, want control.State) {
	s.t.Helper()
	if f := s.control(slug); f.State != want {
		s.t.Errorf("%s is %s (%s), want %s", slug, f.State, f.Figure, want)
	}
}

func TestTheControlsSayWhatIsTrue(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) {
		s := onStore(t, db)
		for _, slug := range []string{"incidents-triaged", "parents-told", "deliberate-access-investigated", "referral-decided", "trends-read"} {
			s.is(slug, control.Unknown) // nothing was measured
		}
		s.is("routes-have-receivers", control.Kept)
		lead := s.as(s.lead)
		id := s.report(s.teacher, "unwanted-contact")
		s.is("incidents-triaged", control.Unknown)
		s.clock.Advance(20 * time.Minute)
		check(t, s.Act(lead, id, s.version(id), Doing{Kind: actPolice, Decision: "no", Reason: "A wrong number"}))
		s.is("incidents-triaged", control.Kept)
		s.is("referral-decided", control.Kept)
		s.is("parents-told", control.Unknown)
		check(t, s.Act(lead, id, s.version(id), Doing{Kind: actParents, Decision: "yes", Who: "Mother"}))
		s.clock.Advance(time.Minute)
		check(t, s.Close(lead, id, s.version(id), Ending{Outcome: "resolved", Text: "x"}))
		s.is("parents-told", control.Kept)
		s.is("trends-read", control.Broken)
		check(t, s.ReadTrends(s.as(s.head)))
		s.is("trends-read", control.Broken)
		check(t, s.ReadTrends(lead))
		s.is("trends-read", control.Kept)
		s.clock.Advance(106 * oneDay)
		s.is("trends-read", control.Broken)
		s.report(s.teacher, "illegal")
		s.clock.Advance(30 * time.Hour)
		s.is("incidents-triaged", control.Broken)
		s.is("referral-decided", control.Broken)
		s.shut = []string{"no backup"}
		s.is("incidents-triaged", control.Unknown)
	})
}

func TestAWayWithoutAReceiverIsNotKept(t *testing.T) {
	s := newSchool(t)
	held, err := s.people.PostsOf(context.Background(), s.chair)
	check(t, err)
	check(t, s.people.EndPost(s.sys(), held[0].ID, held[0].Version, "left"))
	s.clock.Advance(time.Minute)
	s.is("routes-have-receivers", control.Broken)
}

func TestSomebodyIsAskedAfterAQuietTime(t *testing.T) {
	s := newSchool(t)
	owed := func() int {
		list, err := s.owedQuiet(context.Background(), s.clock.Now())
		check(t, err)
		return len(list)
	}
	s.report(s.teacher, "bullying")
	if owed() != 0 {
		t.Error("asked at once")
	}
	s.clock.Set(monday.AddDate(0, 0, 35))
	if owed() != 1 {
		t.Error("nobody was asked after a quiet month")
	}
	check(t, s.NothingToRecord(s.as(s.lead)))
	if owed() != 0 {
		t.Error("asked again at once")
	}
}

func TestTrendsCountByMonthWithoutAName(t *testing.T) {
	s := newSchool(t)
	for range 6 {
		s.report(s.teacher, "bullying")
	}
	s.report(s.teacher, "staff-conduct", func(in *Report) { in.People, in.NotKnown = nil, true })
	s.clock.Advance(31 * oneDay)
	s.report(s.teacher, "bullying")
	list, err := s.Trends(context.Background(), monday, s.clock.Now())
	check(t, err)
	for _, x := range list {
		if x.Title == "Concerns: Staff" {
			t.Error("how often staff are reported is told")
		}
		if x.Title == "Concerns: Contact" {
			if len(x.Points) != 2 || x.Points[0].N != 6 || x.Points[1].N != 1 || !x.Pupils {
				t.Errorf("contact: %+v", x)
			}
			if g := x.Guarded(); g.Points[1].N != -1 {
				t.Errorf("a small number is shown: %+v", g)
			}
		}
	}
}

func TestAClosedCaseGoesWhenItsTimeIsOverAndAHoldKeepsIt(t *testing.T) {
	s := newSchool(t)
	lead := s.as(s.lead)
	for range 2 {
		id := s.report(s.teacher, "bullying")
		check(t, s.Act(lead, id, s.version(id), Doing{Kind: actParents, Decision: "yes", Who: "Mother"}))
		check(t, s.Close(lead, id, s.version(id), Ending{Outcome: "resolved", Text: "x"}))
	}
	page, err := s.List(lead, Asked{State: "all", Person: s.robin})
	check(t, err)
	if page.Total != 2 {
		t.Fatalf("%d are found by the person", page.Total)
	}
	held := page.Lines[0].ID
	check(t, s.GivePurpose(lead, held, "court"))
	check(t, s.SetHold(lead, held, s.version(held), true, "A court asks"))
	s.clock.Set(time.Date(2040, 12, 31, 12, 0, 0, 0, time.UTC)) // the child is 25
	check(t, s.keepNoLonger(s.sys()))
	count := func() (n int) {
		check(t, s.db.QueryRowContext(context.Background(), "SELECT count(*) FROM concerns").Scan(&n))
		return n
	}
	if count() != 2 {
		t.Error("a case went too early")
	}
	s.clock.Set(time.Date(2041, 1, 2, 12, 0, 0, 0, time.UTC))
	check(t, s.keepNoLonger(s.sys()))
	if count() != 1 {
		t.Errorf("%d stay, want the one that is held", count())
	}
	rep, err := s.journal.Verify(context.Background())
	check(t, err)
	if rep.Fault != nil {
		t.Errorf("the journal: %+v", rep.Fault)
	}
}

func TestWhoeverIsAddedToACaseSeesItNoLonger(t *testing.T) {
	s := newSchool(t)
	id := s.report(s.teacher, "grooming")
	s.clock.Advance(time.Minute) // the people of a case stand in the order of time
	check(t, s.AddPerson(s.as(s.deputy), id, s.version(id), "Oona Marsh", roleHarmer, "Named by the child"))
	s.walk(t, id, "lead", store.ErrNotFound)
	w, err := s.Open(s.as(s.deputy), id)
	check(t, err)
	check(t, s.TakeOut(s.as(s.deputy), id, w.Version, w.People[1].ID, "It was another"))
	s.walk(t, id, "lead", nil)
}

func TestACaseSentAnotherWayIsNoLongerTheirs(t *testing.T) {
	s := newSchool(t)
	id := s.report(s.teacher, "grooming")
	s.notices = nil
	_, err := s.Triage(s.as(s.lead), id, s.version(id), Triage{Kind: "staff-conduct", Risk: 3, Route: StaffConduct})
	check(t, err)
	s.walk(t, id, "lead deputy", ErrKept)
	s.walk(t, id, "head", nil)
	if len(s.notices) != 1 || s.notices[0].To[0] != string(s.head) {
		t.Errorf("the head was not told: %+v", s.notices)
	}
	if _, err := s.Triage(s.as(s.head), id, s.version(id), Triage{Kind: "head", Risk: 3, Route: HeadComplaint}); err != nil {
		t.Fatal(err)
	}
	s.walk(t, id, "head", store.ErrNotFound)
	s.walk(t, id, "chair", nil)
}

func TestWhatWaitsBeyondItsTimeIsOwedAndTellsNothing(t *testing.T) {
	s := newSchool(t)
	owed := func() int {
		list, err := s.owed(context.Background(), s.clock.Now())
		check(t, err)
		for _, o := range list {
			if o.Link != "/concerns" || o.Owner != string(people.SafeguardingLead) {
				t.Errorf("owed: %+v", o)
			}
		}
		return len(list)
	}
	id := s.report(s.teacher, "grooming") // urgent: within the hour
	s.report(s.teacher, "head")           // the head is not told of this one
	if owed() != 0 {
		t.Error("owed at once")
	}
	s.clock.Advance(61 * time.Minute)
	if owed() != 1 {
		t.Error("nobody owes what waits beyond its time")
	}
	check(t, s.Note(s.as(s.lead), id, s.version(id), "Spoke with social care"))
	if owed() != 0 {
		t.Error("it is owed after somebody acted")
	}
}
