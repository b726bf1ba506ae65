package policies_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/school/policies"
	"belisha/internal/school/policies/document"
	shipped "belisha/policies"
)

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// school is the room with the rooms around it that a test can steer.
type school struct {
	*policies.Room
	t       testing.TB
	db      *store.DB
	clock   *clock.Fake
	journal *journal.Journal
	live    *setting.Live
	filter  *filter
	age     control.Finding // what the password-age control finds
	ageErr  error
}

// filter is a room that must prepare. It keeps what it was told.
type filter struct {
	refuse, fail     error
	inForce, aborted uint64
	kept             uint64
	during           func()
}

type filterStep struct {
	f *filter
	v *setting.Values
}

func (f *filter) Prepare(_ context.Context, next *setting.Values) (setting.Step, error) {
	if f.during != nil {
		f.during()
	}
	if f.refuse != nil {
		return nil, f.refuse
	}
	return filterStep{f, next}, nil
}

func (s filterStep) Preview() []setting.Effect {
	return []setting.Effect{{Words: "Pupils lose: " + strings.Join(s.v.Items("filtering.pupils.block"), ", ") + ".", Count: 412, Loses: true}}
}

func (s filterStep) Commit(ctx context.Context, tx *store.Tx) error {
	s.f.kept = s.v.Number()
	return s.f.fail
}

func (s filterStep) Publish(context.Context) error { s.f.inForce = s.v.Number(); return nil }
func (s filterStep) Abort()                        { s.f.aborted = s.v.Number() }

// newSchool is a school on a fresh store: PostgreSQL when the environment names
// a server for the whole suite.
func newSchool(t testing.TB) *school {
	t.Helper()
	open := storetest.SQLite
	if os.Getenv("TEST_PG") != "" {
		open = storetest.Postgres
	}
	return schoolOn(t, open(t, policies.Schema, journal.Schema))
}

func schoolOn(t testing.TB, db *store.DB) *school {
	t.Helper()
	s := &school{t: t, db: db, clock: clock.NewFake(monday), filter: &filter{}}
	s.age = control.Finding{State: control.Kept, Figure: "0 of 31 passwords older than 90 days", Source: control.Measured, By: "sign-in records"}
	s.open()
	return s
}

// open makes the room anew, as a start of the program does.
func (s *school) open() {
	s.t.Helper()
	var err error
	s.journal, err = journal.New(journal.Deps{DB: s.db, Clock: s.clock, Protected: policies.Protected, Verbs: policies.Verbs})
	if err != nil {
		s.t.Fatal(err)
	}
	b := book(s.t)
	s.live = setting.NewLive(setting.NewValues(b, 0, nil))
	s.Room, err = policies.New(policies.Deps{
		DB: s.db, Journal: s.journal, Clock: s.clock, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Book: b, Live: s.live,
		Rooms: []policies.Preparer{{Name: "filtering", Room: s.filter}}, Files: shipped.Files,
		Posts: func(_ context.Context, actor string) []string { return []string{strings.TrimPrefix(actor, "person:")} },
		Controls: []control.Control{{
			Number: "C43", Slug: "password-age", Title: "No staff password is too old.",
			Settings: []string{"access.staff.password-max-age"}, MaxAge: time.Hour, Default: true,
			Check: func(context.Context, time.Time, *setting.Values) (control.Finding, error) { return s.age, s.ageErr },
		}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func at(who string, caps ...actor.Capability) context.Context {
	return actor.With(context.Background(), actor.New(actor.Actor{ID: "person:" + who, Name: who, Kind: actor.Person, Posts: []string{who}}, caps...))
}

var console = actor.With(context.Background(), actor.Actor{ID: "console:ada", Kind: actor.Console})

func (s *school) activate(text string, given ...string) (policies.Result, error) {
	s.t.Helper()
	req := policies.Request{Text: text}
	for _, g := range given {
		a, err := policies.ParseApproval(g)
		if err != nil {
			s.t.Fatal(err)
		}
		req.Approved = append(req.Approved, a)
	}
	return s.Activate(console, req)
}

func (s *school) shipped(name string) string {
	s.t.Helper()
	text, ok := s.ShippedText(name)
	if !ok {
		s.t.Fatalf("no policy %s is shipped", name)
	}
	return text
}

func (s *school) verbs() []string {
	s.t.Helper()
	lines, err := s.journal.List(console, journal.Filter{After: -1, Limit: 500})
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, l := range lines {
		out = append(out, string(l.Verb)+" "+l.ID)
	}
	return out
}

const short = `---
title: Small policy
version: "1"
owner: headteacher
review: 12 months
approvers: [headteacher]
---

## Passwords {#passwords}

- Staff change their password every [90 days]{set=access.staff.password-max-age}. {control=C43}
`

func TestBothShippedPoliciesPassTheCheckAndCoverTheirSchool(t *testing.T) {
	s := newSchool(t)
	for _, name := range []string{"hospital-school", "village-primary"} {
		t.Run(name, func(t *testing.T) {
			rep := s.Check(console, s.shipped(name))
			for _, p := range rep.Problems {
				if p.Level == document.Error || p.Code == "not-covered" || p.Code == "replaced" || p.Code == "off" {
					t.Error(p)
				}
			}
			if !rep.Holds() || rep.Clauses < 50 || rep.Settings < 30 {
				t.Errorf("%d errors, %d clauses, %d settings", rep.Errors, rep.Clauses, rep.Settings)
			}
		})
	}
}

func TestTheTwoSchoolsDifferWhereTheirPoliciesDo(t *testing.T) {
	s := newSchool(t)
	for _, c := range []struct {
		name, key string
		want      string
	}{
		{"hospital-school", "access.staff.password-max-age", "90 days"},
		{"village-primary", "access.staff.password-max-age", "not forced"},
		{"hospital-school", "filtering.social.unblock", "may"},
		{"village-primary", "filtering.social.unblock", "may not"},
		{"village-primary", "filtering.staff.social-hours", "8:30 to 15:30"},
		{"hospital-school", "policies.review", "12 months"},
		{"village-primary", "policies.review", "24 months"},
	} {
		if _, err := s.activate(s.shipped(c.name)); err != nil {
			t.Fatal(err)
		}
		if got := s.live.Current().Get(c.key); got.Raw != c.want || !got.Confirmed {
			t.Errorf("%s: %s is %q (confirmed %v), want %q", c.name, c.key, got.Raw, got.Confirmed, c.want)
		}
	}
}

func TestACheckNamesTheLineAndWhatToDo(t *testing.T) {
	s := newSchool(t)
	for _, c := range []struct {
		name, add, code string
		level           document.Level
		words           string
	}{
		{"an unknown setting", "- A [90 days]{set=access.staff.pasword-max-age}.", "unknown-setting", document.Error, `did you mean "access.staff.password-max-age"?`},
		{"an unknown control", "- A. []{control=pasword-age}", "unknown-control", document.Error, `did you mean "password-age"?`},
		{"a value that cannot be read", "- A [soon]{set=access.idle-lock}.", "value", document.Error, "not a length of time"},
		{"a contradiction", "- A [60 days]{set=access.staff.password-max-age}.", "contradiction", document.Error, "on line 11"},
		{"the front matter contradicted", "- A [24 months]{set=policies.review}.", "contradiction", document.Error, "on line 5"},
		{"a scope that the setting has not", "- A [12]{set=access.password.min-length place=library}.", "scope", document.Error, "cannot be narrowed"},
		{"a key stage that there is not", "- A [strict]{set=filtering.safesearch keystage=ks9}.", "scope", document.Error, "eyfs"},
		{"something switched off without a reason", "- A [never]{set=access.staff.password-max-age place=office}.", "off", document.Warning, "reason="},
		{"a promise that nothing backs", "- Parents must be told.", "words-only", document.Note, "words only"},
		{"a control that is not built", "- A. []{control=C50}", "not-built", document.Note, "mail-filter-live"},
		{"a law that was replaced", "- We keep the Data Protection Act 1998.", "replaced", document.Warning, "Data Protection Act 2018"},
		{"a requirement that there is not", "- A. []{req=FIL-99}", "requirement", document.Error, "FIL-99"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep := s.Check(console, short+c.add+"\n")
			for _, p := range rep.Problems {
				if p.Line == 12 && p.Code == c.code && p.Level == c.level && strings.Contains(p.Words, c.words) {
					return
				}
			}
			t.Errorf("not reported on line 12: %v", rep.Problems)
		})
	}
}

func TestWhatIsNoProblemIsNotReported(t *testing.T) {
	s := newSchool(t)
	rep := s.Check(console, short+
		"- In the library [5 minutes]{set=access.idle-lock place=library}, elsewhere [10 minutes]{set=access.idle-lock}.\n"+
		"- Again: [twelve months]{set=policies.review}.\n"+
		"- We read the Copyright, Designs and Patents Act 1988 and the safeguarding partners' advice.\n")
	for _, p := range rep.Problems {
		if p.Line > 0 {
			t.Error(p)
		}
	}
}

func TestWhatThePolicyLeavesOpenIsSaid(t *testing.T) {
	s := newSchool(t)
	rep := s.Check(console, short)
	for _, p := range rep.Problems {
		if p.Code == "undecided" && strings.Contains(p.Words, "access.idle-lock") && strings.Contains(p.Words, "10 minutes") {
			return
		}
	}
	t.Error("the safe default of access.idle-lock is not said")
}

func TestActivationChangesSettingsTellsEveryRoomAndWritesTheJournal(t *testing.T) {
	storetest.Each(t, []fs.FS{policies.Schema, journal.Schema}, func(t *testing.T, db *store.DB) {
		s := schoolOn(t, db)
		res, err := s.activate(short, "headteacher=Ada Ferris@2026-11-20")
		if err != nil {
			t.Fatal(err)
		}
		if !res.Approved || res.Number != 1 || len(res.Effects) != 1 || res.Effects[0].Room != "filtering" {
			t.Errorf("result %+v", res)
		}
		if s.live.Current().Duration("access.staff.password-max-age") != 90*day || s.filter.inForce != 1 || s.filter.kept != 1 {
			t.Errorf("in force: %v, filter %+v", s.live.Current().Duration("access.staff.password-max-age"), s.filter)
		}
		want := []string{
			"policy.proposed " + res.Version, "policy.approved " + res.Version, "policy.activated " + res.Version,
			"setting.changed access.staff.password-max-age", "setting.changed policies.approvers",
		}
		if d := cmp.Diff(want, s.verbs()); d != "" {
			t.Error(d)
		}
		rep, err := s.journal.Verify(console)
		if err != nil || !rep.OK {
			t.Errorf("the journal does not hold: %+v, %v", rep, err)
		}
	})
}

func TestARefusingRoomStopsAll(t *testing.T) {
	s := newSchool(t)
	s.filter.refuse = errors.New("the must-allow list fails on bbc.co.uk")
	_, err := s.activate(short, "headteacher=Ada Ferris@2026-11-20")
	var blocked *policies.Blocked
	if !errors.As(err, &blocked) || blocked.Room != "filtering" || !strings.Contains(err.Error(), "must-allow") {
		t.Fatalf("err = %v", err)
	}
	if s.live.Current().Number() != 0 {
		t.Error("values were published")
	}
}

func TestARoomThatFailsToCommitLeavesNothingBehind(t *testing.T) {
	s := newSchool(t)
	s.filter.fail = errors.New("disk full")
	if _, err := s.activate(short, "headteacher=Ada Ferris@2026-11-20"); err == nil {
		t.Fatal("activated")
	}
	if s.live.Current().Number() != 0 || s.filter.inForce != 0 || s.filter.aborted != 1 {
		t.Errorf("values %d, filter %+v", s.live.Current().Number(), s.filter)
	}
	if acts, _ := s.Activations(console); len(acts) != 0 {
		t.Errorf("activations: %v", acts)
	}
	s.filter.fail = nil
	if res, err := s.activate(short); err != nil || res.Number != 1 {
		t.Errorf("again: %+v, %v", res, err)
	}
}

func TestAfterACrashTheStartPutsThePolicyInForceAgain(t *testing.T) {
	s := newSchool(t)
	if _, err := s.activate(short, "headteacher=Ada Ferris@2026-11-20"); err != nil {
		t.Fatal(err)
	}
	s.open() // a new process: defaults are live
	if s.live.Current().Duration("access.staff.password-max-age") != 0 {
		t.Fatal("the test does not start from defaults")
	}
	v, problems, err := s.Load(console)
	if err != nil || len(problems) != 0 {
		t.Fatal(problems, err)
	}
	if v.Number() != 1 || s.live.Current().Duration("access.staff.password-max-age") != 90*day {
		t.Errorf("number %d, age %v", v.Number(), s.live.Current().Duration("access.staff.password-max-age"))
	}
}

func TestMissingApprovalsAreNamedAndThoseOnPaperAddUp(t *testing.T) {
	s := newSchool(t)
	text := strings.Replace(short, "[headteacher]", "[headteacher, governing-body]", 1)
	var refused *policies.NotApproved
	if _, err := s.activate(text); !errors.As(err, &refused) || !cmp.Equal(refused.Missing, []string{"headteacher", "governing-body"}) {
		t.Fatalf("err = %v", err)
	}
	if _, err := s.activate(text, "headteacher=Ada Ferris@2026-11-20"); !errors.As(err, &refused) || !cmp.Equal(refused.Missing, []string{"governing-body"}) {
		t.Fatalf("err = %v", err)
	}
	if s.live.Current().Number() != 0 {
		t.Fatal("an unapproved policy is in force")
	}
	res, err := s.activate(text, "governors=Bo Tamm, chair@2026-11-21")
	if err != nil || !res.Approved {
		t.Fatalf("%+v, %v", res, err)
	}
}

func TestAnApprovalIsRefusedWithAReason(t *testing.T) {
	s := newSchool(t)
	for in, want := range map[string]string{
		"headteacher=Ada Ferris@2027-01-01": "in the future",
		"caretaker=Ada Ferris@2026-11-01":   "is not one of",
		"pupils=Ada Ferris@2026-11-01":      "not one of this policy's approvers",
	} {
		if _, err := s.activate(short, in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", in, err)
		}
	}
	for _, in := range []string{"headteacher", "headteacher=Ada", "headteacher=@2026-11-01", "headteacher=Ada@yesterday"} {
		if _, err := policies.ParseApproval(in); err == nil {
			t.Errorf("%q was read", in)
		}
	}
}

func TestAShippedPolicyRunsUnapprovedInAFreshFolderOnly(t *testing.T) {
	s := newSchool(t)
	village := s.shipped("village-primary")
	res, err := s.activate(village)
	if err != nil || res.Approved || len(res.Missing) != 3 {
		t.Fatalf("%+v, %v", res, err)
	}
	var refused *policies.NotApproved
	if _, err := s.activate(village + "\nOne more sentence.\n"); !errors.As(err, &refused) {
		t.Errorf("a changed shipped policy: %v", err)
	}
	if _, err := s.activate(short, "headteacher=Ada Ferris@2026-11-20"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.activate(s.shipped("hospital-school")); !errors.As(err, &refused) {
		t.Errorf("after an approved policy was in force: %v", err)
	}
}

func TestTwoActivationsAtOnceAndAStalePreviewAreRefused(t *testing.T) {
	s := newSchool(t)
	var second error
	s.filter.during = func() {
		s.filter.during = nil
		_, second = s.activate(s.shipped("hospital-school"))
	}
	if _, err := s.activate(short, "headteacher=Ada Ferris@2026-11-20"); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(second, policies.ErrBusy) {
		t.Errorf("the second: %v", second)
	}
	seen := uint64(0)
	text := strings.Replace(short, "90 days", "60 days", 1)
	_, err := s.Activate(console, policies.Request{
		Text: text, Seen: &seen,
		Approved: []policies.Approval{{Role: "headteacher", Name: "Ada Ferris", On: monday}},
	})
	if !errors.Is(err, store.ErrStale) {
		t.Errorf("a preview made before: %v", err)
	}
}

func TestAPreviewChangesNothing(t *testing.T) {
	s := newSchool(t)
	res, err := s.Preview(console, short)
	if err != nil || len(res.Settings) != 2 || res.Settings[0].New != "90 days" || !cmp.Equal(res.Missing, []string{"headteacher"}) {
		t.Fatalf("%+v, %v", res, err)
	}
	if s.filter.aborted != 1 || s.filter.kept != 0 || s.live.Current().Number() != 0 || len(s.verbs()) != 0 {
		t.Errorf("filter %+v, journal %v", s.filter, s.verbs())
	}
}

func TestATextWithErrorsIsNeverKept(t *testing.T) {
	s := newSchool(t)
	_, err := s.activate(short + "- A [x]{set=no.such.key}.\n")
	var refused *policies.Refused
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "line 12") {
		t.Fatalf("err = %v", err)
	}
	if v, _ := s.Versions(console); len(v) != 0 {
		t.Error("it was kept")
	}
}

func TestNobodyApprovesTheirOwnText(t *testing.T) {
	s := newSchool(t)
	head := at("headteacher", policies.MayApprove)
	v, _, err := s.Propose(head, short)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Approve(head, v.ID, "headteacher", ""); err == nil || !strings.Contains(err.Error(), "you proposed") {
		t.Errorf("own text: %v", err)
	}
	if err := s.Approve(at("chair-of-governors"), v.ID, "headteacher", ""); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("without the capability: %v", err)
	}
	other, _, err := s.Propose(at("deputy-head"), short+"- More words.\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Approve(at("chair-of-governors", policies.MayApprove), other.ID, "headteacher", ""); err == nil {
		t.Error("the chair approved as head")
	}
	if err := s.Approve(head, other.ID, "headteacher", ""); err != nil {
		t.Error(err)
	}
	if lacks, _ := s.Missing(head, other); len(lacks) != 0 {
		t.Errorf("missing %v", lacks)
	}
}

func TestTheChairApprovesInTheHeadsPlaceWhatTheHeadProposed(t *testing.T) {
	s := newSchool(t)
	chair := at("chair-of-governors", policies.MayApprove)
	byHead, _, err := s.Propose(at("headteacher"), short)
	if err != nil {
		t.Fatal(err)
	}
	byDeputy, _, err := s.Propose(at("deputy-head"), short+"- More words.\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Approve(chair, byDeputy.ID, "headteacher", ""); err == nil {
		t.Error("the chair approved for a head who can")
	}
	if err := s.Approve(chair, byHead.ID, "headteacher", ""); err != nil {
		t.Fatal(err)
	}
	have, err := s.Approvals(chair, byHead.ID)
	if err != nil || len(have) != 1 || have[0].Paper || !strings.Contains(have[0].Name, "in the head's place") {
		t.Errorf("%+v, %v", have, err)
	}
}

func TestExportWritesTheSpan(t *testing.T) {
	s := newSchool(t)
	if _, err := s.activate(short, "headteacher=Ada Ferris@2026-11-20"); err != nil {
		t.Fatal(err)
	}
	text, err := s.Export(console, "")
	if err != nil || !strings.Contains(text, "password-max-age}. []{control=C43}") {
		t.Errorf("%v\n%s", err, text)
	}
}
