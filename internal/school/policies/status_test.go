package policies_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/school/policies"
)

func (s *school) status() policies.Status {
	s.t.Helper()
	st, err := s.Status(console)
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

func clause(t *testing.T, st policies.Status, id string) policies.ClauseState {
	t.Helper()
	for _, c := range st.Clauses {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("there is no clause %s", id)
	return policies.ClauseState{}
}

func TestAClauseShowsWhatItsControlFound(t *testing.T) {
	s := newSchool(t)
	text := short + "- Parents are asked. []{control=\"C43 mail-trace\"}\n- We are kind.\n" +
		"- Not here. []{control=mail-trace .off reason=\"no mail\" review=2027-01-01}\n"
	if _, err := s.activate(text, "headteacher=Ada Ferris@2026-11-20"); err != nil {
		t.Fatal(err)
	}
	st := s.status()
	for id, want := range map[string]control.State{
		"passwords-1": control.Kept, "passwords-2": control.Unknown, "passwords-3": control.WordsOnly, "passwords-4": control.NotApplicable,
	} {
		if got := clause(t, st, id).State; got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}
	c := clause(t, st, "passwords-1").Controls[0]
	if c.Number != "C43" || c.Figure != "0 of 31 passwords older than 90 days" || c.At == nil || c.By != "sign-in records" {
		t.Errorf("%+v", c)
	}
	if c := clause(t, st, "passwords-2").Controls[1]; c.Figure != "not built yet" || c.State != control.Unknown {
		t.Errorf("an unbuilt control: %+v", c)
	}
	if len(st.Also) != 1 || st.Also[0].Slug != "policy-in-force" || st.Also[0].State != control.Kept || st.Also[0].Source != control.Attested {
		t.Errorf("also: %+v", st.Also)
	}
	b, err := json.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"clauses":[{"id":"passwords-1","line":11,"heading":"Passwords"`, `"slug":"password-age"`, `"undecided":["access.accounts.disable-after"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the JSON has no %s in %s", want, b)
		}
	}
}

func TestAFailingCheckIsUnknownWithItsSentence(t *testing.T) {
	s := newSchool(t)
	s.ageErr = errors.New("the accounts cannot be read")
	if err := s.RunControls(console); err != nil {
		t.Fatal(err)
	}
	st := s.status()
	for _, c := range st.Also {
		if c.Slug == "password-age" && c.State == control.Unknown && strings.Contains(c.Figure, "the accounts cannot be read") {
			return
		}
	}
	t.Errorf("%+v", st.Also)
}

func TestNothingIsKeptWithoutASource(t *testing.T) {
	s := newSchool(t)
	s.age = control.Finding{State: control.Kept, Figure: "fine"}
	if st := s.status(); st.Also[0].Slug != "password-age" || st.Also[0].State != control.Unknown {
		t.Errorf("%+v", st.Also[0])
	}
}

func TestStaleEvidenceIsUnknown(t *testing.T) {
	s := newSchool(t)
	if st := s.status(); st.Also[0].State != control.Kept {
		t.Fatalf("%+v", st.Also[0])
	}
	s.clock.Advance(61 * time.Minute)
	st := s.status()
	if st.Also[0].State != control.Unknown || !strings.Contains(st.Also[0].Figure, "61 minutes old") {
		t.Errorf("%+v", st.Also[0])
	}
	s.age.At = s.clock.Now().Add(-2 * time.Hour) // looked at now, but the evidence itself is old
	if err := s.RunControls(console); err != nil {
		t.Fatal(err)
	}
	if st := s.status(); st.Also[0].State != control.Unknown {
		t.Errorf("old evidence counts: %+v", st.Also[0])
	}
}

func TestASwitchedOffControlNeedsThePolicysReasonAndANewLookInTime(t *testing.T) {
	s := newSchool(t)
	s.age = control.Finding{State: control.NotApplicable, Source: control.Measured, Figure: "no maximum age"}
	off := strings.Replace(short, "[90 days]{set=access.staff.password-max-age}",
		`[never]{set=access.staff.password-max-age reason="change on compromise" review=2027-03-01}`, 1)
	if _, err := s.activate(off, "headteacher=Ada Ferris@2026-11-20"); err != nil {
		t.Fatal(err)
	}
	c := clause(t, s.status(), "passwords-1")
	if c.State != control.NotApplicable || c.Controls[0].Reason != "change on compromise" || c.Controls[0].Review != "2027-03-01" {
		t.Errorf("%+v", c)
	}
	s.clock.Set(time.Date(2027, 3, 2, 9, 0, 0, 0, time.UTC))
	if err := s.RunControls(console); err != nil {
		t.Fatal(err)
	}
	if c := clause(t, s.status(), "passwords-1"); c.State != control.Unknown {
		t.Errorf("past its review: %+v", c)
	}
	bare := strings.Replace(short, "[90 days]", "[never]", 1)
	if _, err := s.activate(bare, "headteacher=Ada Ferris@2026-11-20"); err != nil {
		t.Fatal(err)
	}
	if c := clause(t, s.status(), "passwords-1"); c.State != control.Unknown || !strings.Contains(c.Controls[0].Figure, "without a written reason") {
		t.Errorf("without a reason: %+v", c)
	}
}

func TestTheStateOnAPastDayCanBeShown(t *testing.T) {
	s := newSchool(t)
	if _, err := s.activate(short, "headteacher=Ada Ferris@2026-11-20"); err != nil {
		t.Fatal(err)
	}
	if err := s.RunControls(console); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(24 * time.Hour)
	s.age = control.Finding{State: control.Broken, Figure: "2 of 31 passwords older than 90 days", Source: control.Measured}
	if err := s.RunControls(console); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(30 * time.Minute)
	if got := clause(t, s.status(), "passwords-1").State; got != control.Broken {
		t.Errorf("today: %s", got)
	}
	past, err := s.StatusOn(console, monday.Add(10*time.Minute))
	if err != nil || clause(t, past, "passwords-1").State != control.Kept {
		t.Errorf("yesterday: %+v, %v", past.Clauses, err)
	}
	night, err := s.StatusOn(console, monday.Add(12*time.Hour))
	if err != nil || clause(t, night, "passwords-1").State != control.Unknown {
		t.Errorf("in a night without evidence: %+v, %v", night.Clauses, err)
	}
	before, err := s.StatusOn(console, monday.Add(-time.Hour))
	if err != nil || before.Policy != nil || len(before.Clauses) != 0 {
		t.Errorf("before any policy: %+v, %v", before, err)
	}
}

func TestOnlyATurnOfAControlIsJournalled(t *testing.T) {
	s := newSchool(t)
	count := func() int { return strings.Count(strings.Join(s.verbs(), "\n"), "control.changed password-age") }
	for range 3 {
		if err := s.RunControls(console); err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(3 * time.Minute)
	}
	if count() != 1 {
		t.Errorf("%d lines after three runs", count())
	}
	s.age.State = control.AtRisk
	if err := s.RunControls(console); err != nil {
		t.Fatal(err)
	}
	if count() != 2 {
		t.Errorf("%d lines after a turn", count())
	}
}

func TestC76SaysWhatIsWrongWithThePolicyInForce(t *testing.T) {
	s := newSchool(t)
	find := func() policies.ControlState {
		t.Helper()
		if err := s.RunControls(console, "C76"); err != nil {
			t.Fatal(err)
		}
		st := s.status()
		for _, c := range st.Also {
			if c.Slug == "policy-in-force" {
				return c
			}
		}
		for _, cl := range st.Clauses {
			for _, c := range cl.Controls {
				if c.Slug == "policy-in-force" {
					return c
				}
			}
		}
		t.Fatal("C76 is nowhere")
		return policies.ControlState{}
	}
	if c := find(); c.State != control.Broken || c.Figure != "no policy is in force" {
		t.Errorf("%+v", c)
	}
	if _, err := s.activate(s.shipped("village-primary")); err != nil {
		t.Fatal(err)
	}
	if c := find(); c.State != control.Broken || !strings.Contains(c.Figure, "not yet approved") {
		t.Errorf("%+v", c)
	}
	if _, err := s.activate(short, "headteacher=Ada Ferris@2026-11-20"); err != nil {
		t.Fatal(err)
	}
	if c := find(); c.State != control.Kept || c.Source != control.Attested {
		t.Errorf("%+v", c)
	}
	s.clock.Set(time.Date(2027, 11, 1, 9, 0, 0, 0, time.UTC))
	if c := find(); c.State != control.AtRisk {
		t.Errorf("near its review: %+v", c)
	}
	s.clock.Set(time.Date(2028, 1, 1, 9, 0, 0, 0, time.UTC))
	if c := find(); c.State != control.Broken || !strings.Contains(c.Figure, "was due") {
		t.Errorf("overdue: %+v", c)
	}
}
