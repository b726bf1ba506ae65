package concerns

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/school/people"
)

// filterOf stands for the filter: what it was told of each person, as house
// tells it.
type filterOf struct {
	s    *school
	told map[people.ID]time.Time
	deaf bool // what it is told does not reach it
	away bool
}

func (s *school) withFilter() *filterOf {
	f := &filterOf{s: s, told: map[people.ID]time.Time{}}
	s.d.Changed = func(ctx context.Context, who people.ID) {
		until, err := s.Paused(ctx, who)
		check(s.t, err)
		if !f.deaf {
			f.told[who] = until
		}
	}
	s.d.Held = func(context.Context) ([]Held, error) {
		if f.away {
			return nil, ErrFilterAway
		}
		var out []Held
		for who, until := range f.told {
			out = append(out, Held{who, until})
		}
		return out, nil
	}
	return f
}

// harmed is a case in which Robin may have harmed Sam.
func (s *school) harmed(kind string, change ...func(*Report)) string {
	s.t.Helper()
	return s.report(s.teacher, kind, append([]func(*Report){func(in *Report) {
		in.People = []Mentioned{{Who: "Robin Okonjo", Role: roleHarmer}, {Who: "Sam Vane", Role: roleHarmed}}
	}}, change...)...)
}

func withdrawal(until time.Time) Doing {
	return Doing{Kind: actSanction, Grade: gradeInternet, Approver: "The head", Clause: "Behaviour 4.2", Until: until, Coursework: "no"}
}

func (s *school) pausedNow(who people.ID) time.Time {
	s.t.Helper()
	until, err := s.Paused(context.Background(), who)
	check(s.t, err)
	return until
}

func TestTheWebIsWithdrawnAtOnceAndComesBackByItself(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) {
		s := onStore(t, db)
		f := s.withFilter()
		s.is("sanctions-applied", control.Unknown)
		id, end := s.harmed("messages"), monday.Add(3*oneDay)
		check(t, s.Act(s.as(s.lead), id, s.version(id), withdrawal(end)))
		if got := f.told[s.robin]; !got.Equal(end) {
			t.Errorf("the filter was told %v, want %v", got, end)
		}
		if !s.pausedNow(s.sam).IsZero() {
			t.Error("the web is withdrawn from the child who was harmed")
		}
		s.is("sanctions-applied", control.Kept)
		s.clock.Advance(3*oneDay - time.Second)
		if s.pausedNow(s.robin).IsZero() {
			t.Error("it came back before its end")
		}
		s.clock.Advance(time.Second)
		if !s.pausedNow(s.robin).IsZero() {
			t.Error("it did not come back at its end")
		}
		s.is("sanctions-applied", control.Kept) // the row that the filter has ends by the clock too
		rep, err := s.journal.Verify(context.Background())
		check(t, err)
		if rep.Fault != nil {
			t.Errorf("the journal: %+v", rep.Fault)
		}
	})
}

func TestTheWebIsGivenBackEarlyOnlyWithAReasonAndOnlyByThoseWhoDecide(t *testing.T) {
	s := newSchool(t)
	f := s.withFilter()
	id, lead := s.harmed("messages"), s.as(s.lead)
	check(t, s.Act(lead, id, s.version(id), withdrawal(monday.Add(5*oneDay))))
	s.clock.Advance(time.Minute)
	check(t, s.Act(lead, id, s.version(id), withdrawal(monday.Add(2*oneDay))))
	s.clock.Advance(time.Minute)
	w, err := s.Open(lead, id)
	check(t, err)
	if len(w.Pauses) != 2 {
		t.Fatalf("%d pauses", len(w.Pauses))
	}
	long := w.Pauses[0].ID
	if err := s.Lift(lead, id, w.Version, long, " "); err == nil {
		t.Error("given back without a reason")
	}
	for name, who := range map[string]people.ID{"the reporter": s.teacher, "the head, whom it does not go to": s.head, "the network manager": s.network} {
		if err := s.Lift(s.as(who), id, w.Version, long, "x"); err == nil {
			t.Errorf("%s gave it back", name)
		}
	}
	check(t, s.Lift(lead, id, w.Version, long, "Robin said sorry and helps Sam"))
	if got := f.told[s.robin]; !got.Equal(monday.Add(2 * oneDay)) {
		t.Errorf("the other decision holds no longer: %v", got)
	}
	if err := s.Lift(lead, id, s.version(id), long, "again"); !errors.Is(err, store.ErrStale) {
		t.Errorf("given back twice: %v", err)
	}
	other := s.harmed("messages")
	if err := s.Lift(lead, other, s.version(other), w.Pauses[1].ID, "x"); !errors.Is(err, store.ErrStale) {
		t.Errorf("given back by way of another case: %v", err)
	}
	s.clock.Advance(time.Minute)
	check(t, s.Lift(lead, id, s.version(id), w.Pauses[1].ID, "Enough"))
	if got := f.told[s.robin]; !got.IsZero() {
		t.Errorf("still held: %v", got)
	}
	s.is("sanctions-applied", control.Kept)
	w, err = s.Open(lead, id)
	check(t, err)
	if last := w.Entries[len(w.Entries)-1]; last.Kind != EntryLifted || last.Told.Reason != "Enough" {
		t.Errorf("the story does not say so: %+v", last)
	}
}

func TestWhatMustBeAnsweredBeforeTheWebIsWithdrawn(t *testing.T) {
	s := newSchool(t)
	lead, end := s.as(s.lead), monday.Add(2*oneDay)
	for name, tc := range map[string]struct {
		change func(*Doing)
		field  string
	}{
		"coursework was not thought of":         {func(d *Doing) { d.Coursework = "" }, "coursework"},
		"coursework it touches is not arranged": {func(d *Doing) { d.Coursework = "yes" }, "arranged"},
		"it has no end":                         {func(d *Doing) { d.Until = time.Time{} }, "until"},
		"its end is over":                       {func(d *Doing) { d.Until = monday.Add(-time.Hour) }, "until"},
		"it lasts longer than a term":           {func(d *Doing) { d.Until = monday.Add(101 * oneDay) }, "until"},
		"it falls on the child who was harmed":  {func(d *Doing) { d.Whose = "sam" }, "whose"},
		"it is a sanction for adults":           {func(d *Doing) { d.Grade = "discipline" }, "grade"},
	} {
		t.Run(name, func(t *testing.T) {
			s.set(keySanctions, "withdrawal of the internet for a time, disciplinary procedure")
			id, in := s.harmed("messages"), withdrawal(end)
			tc.change(&in)
			if in.Whose == "sam" {
				w, err := s.Open(lead, id)
				check(t, err)
				i := slices.IndexFunc(w.People, func(p Person) bool { return p.Role == roleHarmed })
				in.Whose = w.People[i].ID
			}
			err := s.Act(lead, id, s.version(id), in)
			var bad store.Invalid
			if !errors.As(err, &bad) || bad[tc.field] == "" {
				t.Errorf("%v", err)
			}
			if !s.pausedNow(s.robin).IsZero() {
				t.Error("the web was withdrawn")
			}
		})
	}
	id, in := s.harmed("messages"), withdrawal(end)
	in.Coursework, in.Arranged = "yes", "In the library with Mr Larch"
	check(t, s.Act(lead, id, s.version(id), in))
	w, err := s.Open(lead, id)
	check(t, err)
	if says := w.Actions[0].says(); !strings.Contains(says, "library with Mr Larch") || !strings.Contains(says, "Robin Okonjo") {
		t.Errorf("the action says %q", says)
	}
}

func TestWhereNoSanctionMayComeOfACaseTheWebComesBack(t *testing.T) {
	for name, do := range map[string]func(*school, string) error{
		"it turns out to be about a child's distress": func(s *school, id string) error {
			_, err := s.Triage(s.as(s.lead), id, s.version(id), Triage{Kind: "self-harm", Risk: 2, Route: ChildProtection})
			return err
		},
		"it was entered in error": func(s *school, id string) error { return s.Void(s.as(s.lead), id, s.version(id), "Another Robin") },
		"they were in it by mistake": func(s *school, id string) error {
			w, err := s.Open(s.as(s.lead), id)
			check(s.t, err)
			return s.TakeOut(s.as(s.lead), id, w.Version, w.People[0].ID, "Another Robin")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSchool(t)
			f := s.withFilter()
			id := s.harmed("messages")
			check(t, s.Act(s.as(s.lead), id, s.version(id), withdrawal(monday.Add(5*oneDay))))
			check(t, do(s, id))
			if !f.told[s.robin].IsZero() || !s.pausedNow(s.robin).IsZero() {
				t.Error("still held")
			}
		})
	}
}

func TestNobodysWebIsWithdrawnForDistressByAMachineNorFromAColleague(t *testing.T) {
	s := newSchool(t)
	lead, end := s.as(s.lead), monday.Add(2*oneDay)
	for _, kind := range []string{"self-harm", "grooming", "images", "harmful-content"} {
		id := s.harmed(kind)
		if err := s.Act(lead, id, s.version(id), withdrawal(end)); err == nil {
			t.Errorf("withdrawn for %s", kind)
		}
	}
	s.rows["row:1"] = Seen{Ref: "row:1", Person: s.robin, Certainty: Sure, Words: "searched for a way past the filter", At: monday}
	row := s.harmed("messages", func(in *Report) { in.Ref = "row:1" })
	if err := s.Act(lead, row, s.version(row), withdrawal(end)); err == nil {
		t.Error("withdrawn on a row of the record alone")
	}
	if !s.pausedNow(s.robin).IsZero() {
		t.Error("the web was withdrawn")
	}
	staff := s.report(s.teacher, "messages", func(in *Report) { in.People = []Mentioned{{Who: "Bram Cole", Role: roleHarmer}} })
	in := withdrawal(end)
	in.Coursework = ""
	check(t, s.Act(lead, staff, s.version(staff), in)) // written down; a colleague's web is not taken
	if !s.pausedNow(s.other).IsZero() {
		t.Error("a colleague's web was withdrawn")
	}
}

func TestTheControlComparesWhatWasDecidedWithWhatTheFilterDoes(t *testing.T) {
	s := newSchool(t)
	f := s.withFilter()
	id := s.harmed("messages")
	f.told[s.sam] = time.Time{}
	f.deaf = true
	check(t, s.Act(s.as(s.lead), id, s.version(id), withdrawal(monday.Add(2*oneDay))))
	s.is("sanctions-applied", control.Kept) // Robin is not on the web
	f.told[s.robin] = time.Time{}
	s.is("sanctions-applied", control.Broken) // and now is, as if nothing had been decided
	f.told[s.robin] = monday.Add(9 * oneDay)
	s.is("sanctions-applied", control.Broken) // for longer than was decided
	f.told[s.robin] = monday.Add(2 * oneDay)
	s.is("sanctions-applied", control.Kept)
	s.d.Strangers = func() bool { return true }
	s.is("sanctions-applied", control.AtRisk) // Robin signs out, and goes on
	s.d.Strangers = func() bool { return false }
	f.told[s.sam] = monday.Add(oneDay)
	s.is("sanctions-applied", control.Broken) // nobody decided it
	delete(f.told, s.sam)
	f.told[""] = monday.Add(oneDay)
	s.is("sanctions-applied", control.Broken)
	for _, row := range s.control("sanctions-applied").Rows {
		if strings.Contains(row.What+row.Link, "Robin") || strings.Contains(row.Link, "/concerns/") {
			t.Errorf("a row tells who or which case: %+v", row)
		}
	}
	f.away = true
	s.is("sanctions-applied", control.Unknown)
}

func TestNothingOfAWithdrawalLiesInTheRecordsAsItIs(t *testing.T) {
	s := newSchool(t)
	id := s.harmed("messages")
	check(t, s.Act(s.as(s.lead), id, s.version(id), withdrawal(monday.Add(2*oneDay))))
	var mark, sealed string
	check(t, s.db.QueryRowContext(context.Background(), "SELECT mark, sealed FROM concern_pauses").Scan(&mark, &sealed))
	for _, word := range []string{string(s.robin), "Robin"} {
		if strings.Contains(mark+sealed, word) {
			t.Errorf("the row holds %q", word)
		}
	}
	for _, l := range s.lines(VerbAction) {
		if strings.Contains(string(l.Detail), "Robin") || strings.Contains(string(l.Detail), "internet") {
			t.Errorf("the journal tells: %s", l.Detail)
		}
	}
}

func TestThePagesAskAboutCourseworkFirstAndGiveTheWebBackEarly(t *testing.T) {
	s := newSchool(t)
	f := s.withFilter()
	h, id := s.site(t), s.harmed("messages")
	page := s.get(t, h, "/concerns/"+id+"/act?kind=sanction", s.lead).Is(200)
	page.Has("On whom does it fall?", "coursework or an exam")
	page.Safe()
	if strings.Contains(page.Text(), "Sam Vane") {
		t.Error("the child who was harmed is offered")
	}
	form := url.Values{
		"kind": {actSanction}, "grade": {gradeInternet}, "whose": {page.Field("whose")}, "clause": {"4.2"}, "approver": {"The head"}, "until": {"2026-11-25"},
	}
	s.step(t, h, id, "act", s.lead, form).Is(422).Has("could touch coursework")
	form.Set("coursework", "no")
	s.step(t, h, id, "act", s.lead, form).Is(303)
	if got := f.told[s.robin]; !got.Equal(time.Date(2026, 11, 25, 23, 59, 0, 0, time.UTC)) {
		t.Errorf("the filter was told %v", got)
	}
	s.get(t, h, "/concerns/"+id, s.lead).Is(200).Has("Web withdrawn", "until the end of 25 November 2026", "Give the web back to Robin Okonjo")
	w, err := s.Open(s.as(s.lead), id)
	check(t, err)
	lift := "lift?pause=" + w.Pauses[0].ID
	s.get(t, h, "/concerns/"+id+"/"+lift, s.lead).Is(200).Has("needs a reason")
	s.step(t, h, id, "lift", s.lead, url.Values{"pause": {w.Pauses[0].ID}}).Is(422)
	s.step(t, h, id, "lift", s.lead, url.Values{"pause": {w.Pauses[0].ID}, "reason": {"Enough"}}).Is(303)
	if !f.told[s.robin].IsZero() {
		t.Error("still held")
	}
	s.get(t, h, "/concerns/"+id, s.lead).Is(200).HasNot("Web withdrawn")
}
