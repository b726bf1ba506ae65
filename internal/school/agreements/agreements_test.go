package agreements

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/approval"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/school/people"
)

func each(t *testing.T, fn func(t *testing.T, s *school)) {
	t.Helper()
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) { fn(t, onStore(t, db)) })
}

func TestNothingIsAskedOfAnybodyBeforeTheSchoolAsks(t *testing.T) {
	s := newSchool(t)
	for _, who := range []people.ID{s.head, s.young, s.older, s.mother} {
		s.stands(who, "")
	}
	s.publish(StaffSheet, YoungSheet)
	s.stands(s.teacher, "")
}

func TestAnAudienceGoesFromOffToRemindToHoldAndASignatureOpensAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.publish(StaffSheet)
		s.set(KeyStaff, "reminded")
		s.stands(s.teacher, Remind)
		s.hold("staff")
		s.stands(s.teacher, Hold)
		s.stands(s.young, "")
		_, err := s.sign(s.teacher, StaffSheet)
		check(t, err)
		s.stands(s.teacher, "")
		if !slices.Equal(s.changed, []people.ID{s.teacher}) {
			t.Errorf("the filter was told of %v, want the teacher", s.changed)
		}
		s.stands(s.office, Hold)
	})
}

func TestAPolicyThatSaysHeldOnlyRemindsUntilTheHeadHasConfirmedTheNumber(t *testing.T) {
	s := newSchool(t)
	s.publish(StaffSheet)
	step, err := s.Prepare(context.Background(), s.values(KeyStaff, "held until they sign"))
	check(t, err)
	if e := step.Preview(); len(e) != 1 || e[0].Count != 3 || !e[0].Loses || !strings.Contains(e[0].Words, "3 people have not signed") || !strings.Contains(e[0].Words, "would be held once the head") {
		t.Fatalf("the preview says %+v", e)
	}
	s.set(KeyStaff, "held until they sign")
	s.stands(s.teacher, Remind)
	if _, err := s.SetMode(s.as(s.head), ModeChange{Audience: "staff", Mode: Hold, Seen: 99}); !errors.As(err, &CountChanged{}) {
		t.Fatalf("a number that is not today's: %v", err)
	}
	s.stands(s.teacher, Remind)
	s.hold("staff")
	s.stands(s.teacher, Hold)
	_, err = s.SetMode(s.as(s.head), ModeChange{Audience: "staff", Mode: Off})
	var bad store.Invalid
	if !errors.As(err, &bad) || !strings.Contains(bad["mode"], "The policy decides this (clause c1)") {
		t.Errorf("less than the policy says: %v", err)
	}
}

func TestWhoeverIsNotTheHeadAsksTheHeadToHold(t *testing.T) {
	s := newSchool(t)
	lead := s.person(people.Person{Kind: people.Staff, Given: "Pell", Family: "Arkwright", From: "2026-09-01"}, people.OnlineSafetyLead)
	s.publish(StaffSheet)
	cut, err := s.CutOff(context.Background(), "staff", today)
	check(t, err)
	asked, err := s.SetMode(s.as(lead), ModeChange{Audience: "staff", Mode: Hold, Seen: cut.Now})
	check(t, err)
	if !asked {
		t.Fatal("somebody who is not the head held people")
	}
	s.stands(s.teacher, "")
	open, err := s.approvals.For(context.Background(), approvalKind, "staff/2026-11-23/4")
	check(t, err)
	if len(open) != 1 || !strings.Contains(open[0].Title, "4 people today") {
		t.Fatalf("the request is %+v", open)
	}
	_, err = s.approvals.Decide(s.as(s.head), open[0].ID, approval.Decision{Yes: true})
	check(t, err)
	s.stands(s.teacher, Hold)
	if _, err := s.SetMode(s.as(s.teacher), ModeChange{Audience: "staff", Mode: Off}); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a teacher ended it: %v", err)
	}
}

func TestNobodyIsHeldWhoHasOnlyJustCome(t *testing.T) {
	s := newSchool(t)
	s.publish(YoungSheet, OlderSheet)
	s.hold("pupils")
	s.stands(s.older, Hold)
	onRoll := s.person(people.Person{Kind: people.Pupil, Given: "Kit", Family: "Moss", Year: "8", From: today})
	byHand := s.person(people.Person{Kind: people.Pupil, Given: "Wren", Family: "Moss", Year: "8"})
	s.stands(onRoll, Remind)
	s.stands(byHand, Remind)
	s.clock.Set(monday.AddDate(0, 0, 3))
	s.stands(onRoll, Hold)
	s.stands(byHand, Hold)
}

func TestAHoldBeginsOnItsDayAndALaterDecisionReplacesIt(t *testing.T) {
	s := newSchool(t)
	s.publish(StaffSheet)
	on := people.Day("2026-11-30")
	cut, err := s.CutOff(context.Background(), "staff", on)
	check(t, err)
	_, err = s.SetMode(s.as(s.head), ModeChange{Audience: "staff", Mode: Hold, From: on, Seen: cut.Now})
	check(t, err)
	s.stands(s.teacher, "")
	s.clock.Set(monday.AddDate(0, 0, 7))
	s.stands(s.teacher, Hold)
	_, err = s.SetMode(s.as(s.head), ModeChange{Audience: "staff", Mode: Off})
	check(t, err)
	s.stands(s.teacher, "")
	for _, from := range []people.Day{"2026-11-29", "2027-06-01", "2026-11-31"} {
		if _, err := s.SetMode(s.as(s.head), ModeChange{Audience: "staff", Mode: Remind, From: from}); err == nil {
			t.Errorf("a mode from %s was taken", from)
		}
	}
}

func TestWhoSignsForAPupilIsAsThePolicySays(t *testing.T) {
	young := people.Person{Kind: people.Pupil, Year: "R"}
	old := people.Person{Kind: people.Pupil, Year: "5"}
	unknown := people.Person{Kind: people.Pupil}
	for _, x := range []struct {
		rule string
		who  people.Person
		want []Role
	}{
		{signerPupil, young, []Role{Self}},
		{signerKS1, young, []Role{Parent}},
		{signerKS1, old, []Role{Self}},
		{signerKS1, unknown, []Role{Parent}},
		{signerParent, old, []Role{Parent}},
		{signerBoth, old, []Role{Self, Parent}},
	} {
		if got := pupilRoles(x.rule, x.who); !slices.Equal(got, x.want) {
			t.Errorf("%s, year %q: %v, want %v", x.rule, x.who.Year, got, x.want)
		}
	}
}

func TestOnlyAParentWithResponsibilitySignsForAChild(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.publish(YoungSheet, OlderSheet, ParentSheet, StaffSheet)
		s.hold("pupils")
		_, err := s.sign(s.uncle, YoungSheet, s.young)
		var bad store.Invalid
		if !errors.As(err, &bad) || !strings.Contains(bad[""], "parental responsibility") {
			t.Errorf("the uncle: %v", err)
		}
		if _, err := s.sign(s.mother, OlderSheet, s.older); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("somebody else's child: %v", err)
		}
		if _, err := s.sign(s.young, YoungSheet); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("a child for whom a parent signs: %v", err)
		}
		if _, err := s.sign(s.older, StaffSheet); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("a pupil signs as staff: %v", err)
		}
		s.stands(s.young, Hold)
		sig, err := s.sign(s.mother, YoungSheet, s.young)
		check(t, err)
		if sig.Role != Parent || sig.Signer != s.mother || sig.Class != "1A" || !sig.Discussed {
			t.Errorf("kept as %+v", sig)
		}
		s.stands(s.young, "")
		s.set(KeyParents, "yes")
		s.stands(s.young, Hold)
		_, err = s.sign(s.mother, ParentSheet, s.young)
		check(t, err)
		s.stands(s.young, "")
	})
}

func TestAFormSentTwiceIsOneSignature(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.publish(OlderSheet)
		first, err := s.sign(s.older, OlderSheet)
		check(t, err)
		second, err := s.sign(s.older, OlderSheet)
		check(t, err)
		if first.ID != second.ID {
			t.Error("the second form made a second signature")
		}
		list, err := s.Of(context.Background(), s.older)
		check(t, err)
		if len(list) != 1 {
			t.Errorf("%d signatures are kept", len(list))
		}
	})
}

func TestTwoFormsAtTheSameMomentAreOneSignature(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.publish(OlderSheet)
		done := make(chan error, 8)
		for range 8 {
			go func() {
				_, err := s.Sign(s.as(s.older), Signing{Sheet: OlderSheet, Number: 1, Name: "Zoe", Ticks: []string{agreeAll}})
				done <- err
			}()
		}
		for range 8 {
			check(t, <-done)
		}
		list, err := s.Of(context.Background(), s.older)
		check(t, err)
		if len(list) != 1 {
			t.Errorf("%d signatures are kept", len(list))
		}
	})
}

func TestWhatASignatureMustSay(t *testing.T) {
	s := newSchool(t)
	s.publish(StaffSheet, YoungSheet, OlderSheet)
	for _, x := range []struct {
		name  string
		who   people.ID
		in    Signing
		field string
	}{
		{"no name", s.older, Signing{Sheet: OlderSheet, Number: 1, Ticks: []string{agreeAll}}, "name"},
		{"another's name", s.older, Signing{Sheet: OlderSheet, Number: 1, Name: "Robin Okonjo", Ticks: []string{agreeAll}}, "name"},
		{"the box is empty", s.older, Signing{Sheet: OlderSheet, Number: 1, Name: "Zoe"}, "agree"},
		{"staff by first name only", s.teacher, Signing{Sheet: StaffSheet, Number: 1, Name: "Tobias"}, "name"},
		{"staff without a job", s.teacher, Signing{Sheet: StaffSheet, Number: 1, Name: "Tobias Fennimore"}, "job"},
		{"staff with a rule not ticked", s.teacher, Signing{Sheet: StaffSheet, Number: 1, Name: "Tobias Fennimore", Job: "Teacher", Ticks: []string{"phones"}}, "tick-passwords"},
		{"a parent who did not talk it through", s.mother, Signing{Sheet: YoungSheet, Number: 1, Person: s.young, Name: "Ife Okonjo", Ticks: []string{agreeAll}}, "discussed"},
	} {
		_, err := s.Sign(s.as(x.who), x.in)
		var bad store.Invalid
		if !errors.As(err, &bad) || bad[x.field] == "" {
			t.Errorf("%s: %v, want a word about %s", x.name, err, x.field)
		}
	}
	if _, err := s.Sign(s.as(s.older), Signing{Sheet: OlderSheet, Number: 1, Name: "zoe hartnell", Ticks: []string{agreeAll}}); err != nil {
		t.Errorf("a name without its accent: %v", err)
	}
}

func TestWhoHasReadAnOldEditionReadsTheNewOneAndSignsAnew(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.publish(OlderSheet)
		_, err := s.sign(s.older, OlderSheet)
		check(t, err)
		s.hold("pupils")
		s.stands(s.older, "")
		s.edit(OlderSheet, func(text string) string { return text + "- I charge my laptop at home. {#charge}\n" })
		_, err = s.Publish(s.as(s.head), Publishing{Sheet: OlderSheet, Hash: s.draftHash(OlderSheet), Binds: "2026-11-25"})
		check(t, err)
		if _, err := s.Sign(s.as(s.older), Signing{Sheet: OlderSheet, Number: 1, Name: "Zoe", Ticks: []string{agreeAll}}); !errors.Is(err, ErrNewer) {
			t.Errorf("the old edition was signed after the new one: %v", err)
		}
		s.stands(s.older, "") // the new one does not bind yet
		s.clock.Set(monday.AddDate(0, 0, 2))
		s.stands(s.older, Hold)
		_, err = s.sign(s.older, OlderSheet)
		check(t, err)
		s.stands(s.older, "")
	})
}

func TestASmallCorrectionKeepsSignaturesAndNeedsAReason(t *testing.T) {
	s := newSchool(t)
	s.publish(OlderSheet)
	_, err := s.sign(s.older, OlderSheet)
	check(t, err)
	s.hold("pupils")
	s.edit(OlderSheet, func(text string) string { return strings.Replace(text, "politely and sensibly", "politely", 1) })
	p := Publishing{Sheet: OlderSheet, Hash: s.draftHash(OlderSheet), Small: true}
	if _, err := s.Publish(s.as(s.head), p); err == nil {
		t.Fatal("a correction without a reason was published")
	}
	p.Reason = "a word that said the same twice"
	_, err = s.Publish(s.as(s.head), p)
	check(t, err)
	s.stands(s.older, "")
	sig, err := s.Of(context.Background(), s.older)
	check(t, err)
	k, err := s.load(context.Background())
	check(t, err)
	if e, _ := k.edition(OlderSheet, 1); e.Hash != sig[0].Hash || !strings.Contains(e.Text, "politely and sensibly") {
		t.Error("the words that were signed are not the words that are kept")
	}
	s.edit(OlderSheet, func(text string) string { return text + "- I bring my laptop every day. {#bring}\n" })
	_, err = s.Publish(s.as(s.head), Publishing{Sheet: OlderSheet, Hash: s.draftHash(OlderSheet), Small: true, Reason: "only a small thing, really"})
	var bad store.Invalid
	if !errors.As(err, &bad) || bad["small"] == "" {
		t.Errorf("a new rule as a small correction: %v", err)
	}
}

func TestARuleIsNotLeftOutWithoutAReason(t *testing.T) {
	s := newSchool(t)
	s.edit(StaffSheet, func(text string) string {
		var keep []string
		for _, line := range strings.Split(text, "\n") {
			if !strings.Contains(line, "{#phones}") {
				keep = append(keep, line)
			}
		}
		return strings.Join(keep, "\n")
	})
	p := Publishing{Sheet: StaffSheet, Hash: s.draftHash(StaffSheet)}
	_, err := s.Publish(s.as(s.head), p)
	var bad store.Invalid
	if !errors.As(err, &bad) || !strings.Contains(bad["reason"], "phones") {
		t.Fatalf("without a reason: %v", err)
	}
	p.Reason = "phones are ruled by a policy of their own"
	e, err := s.Publish(s.as(s.head), p)
	check(t, err)
	if e.Lost != "phones" {
		t.Errorf("left out %q", e.Lost)
	}
	p.Hash = "another"
	if _, err := s.Publish(s.as(s.head), p); !errors.Is(err, store.ErrStale) {
		t.Errorf("a text that nobody has seen: %v", err)
	}
}

func TestPaperCounts(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.publish(YoungSheet, OlderSheet)
		s.hold("pupils")
		p := Paper{Sheet: YoungSheet, Number: 1, Role: Parent, Day: "2026-11-20", Place: "office, file 1A", Slips: []Slip{{Person: s.young}}, Scan: strings.NewReader("%PDF-1.7 a slip")}
		done, err := s.Record(s.as(s.office), p)
		check(t, err)
		if done.New != 1 {
			t.Errorf("%+v", done)
		}
		s.stands(s.young, "")
		list, err := s.Of(context.Background(), s.young)
		check(t, err)
		if sig := list[0]; sig.Signer != s.mother || sig.Method != OnPaper || sig.Day != "2026-11-20" || sig.Place != "office, file 1A" || sig.By != "person:"+string(s.office) {
			t.Errorf("kept as %+v", sig)
		}
		id, err := s.Files.Of(context.Background(), scanKind, done.Batch)
		check(t, err)
		if id == "" {
			t.Error("the scan is not kept")
		}
		p.Scan = nil
		if done, err = s.Record(s.as(s.office), p); err != nil || done.New != 0 || done.Already != 1 {
			t.Errorf("the same slips again: %+v, %v", done, err)
		}
	})
}

func TestPaperThatCannotCountIsRefusedWhole(t *testing.T) {
	s := newSchool(t)
	s.publish(YoungSheet, OlderSheet)
	alone := s.person(people.Person{Kind: people.Pupil, Given: "Bo", Family: "Lind", Year: "2"})
	good := func() Paper {
		return Paper{Sheet: YoungSheet, Number: 1, Role: Parent, Day: "2026-11-20", Place: "office", Slips: []Slip{{Person: s.young}}}
	}
	for _, x := range []struct {
		name, field string
		change      func(*Paper)
	}{
		{"a day to come", "day", func(p *Paper) { p.Day = "2026-11-24" }},
		{"no day", "day", func(p *Paper) { p.Day = "" }},
		{"no place", "place", func(p *Paper) { p.Place = " " }},
		{"nobody ticked", "slips", func(p *Paper) { p.Slips = nil }},
		{"a child with nobody responsible on the roll", "slips", func(p *Paper) { p.Slips = append(p.Slips, Slip{Person: alone}) }},
		{"an uncle's signature", "slips", func(p *Paper) { p.Slips[0].Signer = s.uncle }},
		{"a teacher on the pupils' list", "slips", func(p *Paper) { p.Slips[0].Person = s.teacher }},
		{"an edition that is not there", "number", func(p *Paper) { p.Number = 7 }},
		{"a scan that is a program", "scan", func(p *Paper) { p.Scan = strings.NewReader("MZ\x90 a program") }},
	} {
		p := good()
		x.change(&p)
		_, err := s.Record(s.as(s.office), p)
		var bad store.Invalid
		if !errors.As(err, &bad) || bad[x.field] == "" {
			t.Errorf("%s: %v", x.name, err)
		}
	}
	if list, err := s.Of(context.Background(), s.young); err != nil || len(list) != 0 {
		t.Errorf("something was kept of slips that were refused: %+v, %v", list, err)
	}
}

func TestASlipEnteredByMistakeIsTakenBackTheSameDayAndStaysToBeSeen(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.publish(OlderSheet)
		s.hold("pupils")
		_, err := s.Record(s.as(s.office), Paper{Sheet: OlderSheet, Number: 1, Role: Self, Day: today, Place: "office", Slips: []Slip{{Person: s.older}}})
		check(t, err)
		s.stands(s.older, "")
		list, err := s.Of(context.Background(), s.older)
		check(t, err)
		if err := s.Void(s.as(s.office), list[0].ID, "no"); err == nil {
			t.Error("it was taken back without a reason")
		}
		check(t, s.Void(s.as(s.office), list[0].ID, "ticked the wrong Hartnell"))
		s.stands(s.older, Hold)
		list, err = s.Of(context.Background(), s.older)
		check(t, err)
		if len(list) != 1 || !list[0].Voided() || list[0].VoidReason != "ticked the wrong Hartnell" {
			t.Errorf("what is left to be seen: %+v", list)
		}
		_, err = s.sign(s.older, OlderSheet)
		check(t, err)
		list, err = s.Of(context.Background(), s.older)
		check(t, err)
		for _, x := range list {
			if x.Method == OnScreen && s.Void(s.as(s.office), x.ID, "somebody wants it gone") == nil {
				t.Error("what was signed on screen was taken back by the office")
			}
		}
		rep, err := s.Journal.Verify(context.Background())
		check(t, err)
		if rep.Fault != nil {
			t.Errorf("the journal: %+v", rep.Fault)
		}
	})
}

func TestEarlierSignaturesAreTakenInRowByRow(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.publish(StaffSheet, YoungSheet, OlderSheet)
		p, err := s.people.Get(context.Background(), s.teacher)
		check(t, err)
		p.Username = "tfennimore"
		check(t, s.people.Change(s.as(s.office), p))
		file := "person,rules,version,date,method\n" +
			"TFennimore,staff,1,14/09/2026,paper\n" +
			string(s.young) + ",,,2026-09-10,paper\n" +
			string(s.older) + ",,9,10/09/2026,paper\n" +
			"nobody,staff,1,14/09/2026,paper\n" +
			"tfennimore,governor,,14/09/2026,paper\n" +
			"tfennimore,staff,1,14/09/2027,paper\n"
		rep, err := s.Import(s.as(s.office), strings.NewReader(file))
		check(t, err)
		if rep.Rows != 6 || rep.New != 2 || len(rep.Refused) != 4 {
			t.Fatalf("%+v", rep)
		}
		for i, want := range []struct {
			line  int
			words string
		}{{4, "no edition “9”"}, {5, "nobody on the roll"}, {6, "not published here"}, {7, "still to come"}} {
			if x := rep.Refused[i]; x.Line != want.line || !strings.Contains(x.Reason, want.words) {
				t.Errorf("refused %+v, want line %d with %q", x, want.line, want.words)
			}
		}
		s.hold("staff")
		s.hold("pupils")
		s.stands(s.teacher, "")
		s.stands(s.young, "")
		rep, err = s.Import(s.as(s.office), strings.NewReader(file))
		check(t, err)
		if rep.New != 0 || rep.Already != 2 {
			t.Errorf("the same file again: %+v", rep)
		}
		for _, bad := range []string{"", "PK\x03\x04 a spreadsheet", "name,when\nTobias,14/09/2026\n"} {
			if _, err := s.Import(s.as(s.office), strings.NewReader(bad)); err == nil {
				t.Errorf("%q was taken", bad)
			}
		}
	})
}

func TestStaffSayThatTheyHaveReadThePolicyInForce(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.publish(StaffSheet)
		_, err := s.sign(s.teacher, StaffSheet)
		check(t, err)
		s.hold("staff")
		s.stands(s.teacher, "")
		s.policy = &Policy{Title: "Online safety policy", Version: "2.0", Since: monday.AddDate(0, 0, -10)}
		s.stands(s.teacher, "") // there are days left to read it
		s.clock.Set(monday.AddDate(0, 0, 21))
		s.stands(s.teacher, Hold)
		if err := s.ReadPolicy(s.as(s.teacher), "Online safety policy", "1.0", "Tobias Fennimore", true); !errors.Is(err, ErrNewer) {
			t.Errorf("an older version: %v", err)
		}
		check(t, s.ReadPolicy(s.as(s.teacher), "Online safety policy", "2.0", "Tobias Fennimore", true))
		check(t, s.ReadPolicy(s.as(s.teacher), "Online safety policy", "2.0", "Tobias Fennimore", true))
		s.stands(s.teacher, "")
		if err := s.ReadPolicy(s.as(s.older), "Online safety policy", "2.0", "Zoe Hartnell", true); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("a pupil: %v", err)
		}
	})
}

func TestAClassTalksOnceASchoolYearAndThoseWhoWereAwayCatchUp(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		talk := Talk{Class: "8B", Day: "2026-09-14", Teacher: "Tobias Fennimore", Present: 1}
		for name, change := range map[string]func(*Talk){
			"more than are in the class":    func(x *Talk) { x.Present = 2 },
			"somebody of another class":     func(x *Talk) { x.Present = 1; x.Absent = []Absence{{Person: s.young}} },
			"a day of the last school year": func(x *Talk) { x.Day = "2026-08-31" },
			"a day to come":                 func(x *Talk) { x.Day = "2026-12-01" },
			"nobody held it":                func(x *Talk) { x.Teacher = "" },
		} {
			x := talk
			change(&x)
			if err := s.RecordTalk(s.as(s.teacher), x); err == nil {
				t.Errorf("%s was taken", name)
			}
		}
		away := s.person(people.Person{Kind: people.Pupil, Given: "Kit", Family: "Moss", Year: "8", Class: "8B"})
		talk.Absent = []Absence{{Person: away}}
		check(t, s.RecordTalk(s.as(s.teacher), talk))
		if err := s.RecordTalk(s.as(s.teacher), talk); err == nil {
			t.Error("a second talk of the same class was taken")
		}
		list, err := s.Talks(context.Background())
		check(t, err)
		if len(list) != 2 || list[0].Talk != nil || list[1].Talk.Open() != 1 {
			t.Fatalf("%+v", list)
		}
		check(t, s.CatchUp(s.as(s.teacher), "8B", []people.ID{away}))
		list, err = s.Talks(context.Background())
		check(t, err)
		if list[1].Talk.Open() != 0 {
			t.Error("who caught up still has to")
		}
		if err := s.RecordTalk(s.as(s.teacher), Talk{Class: "9Z", Day: "2026-09-14", Teacher: "x", Present: 1}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a class that is not there: %v", err)
		}
	})
}

func TestTheUnsignedAreRemindedAndNobodyLearnsAnythingFromTheMail(t *testing.T) {
	s := newSchool(t)
	s.publish(YoungSheet, OlderSheet)
	done, err := s.Chase(s.as(s.office), YoungSheet)
	check(t, err)
	if done.Mailed != 1 || done.Unmailed != 0 || s.sent[0].To[0] != string(s.mother) {
		t.Errorf("%+v, %+v", done, s.sent)
	}
	if n := s.sent[0]; strings.Contains(n.What, "Robin") || strings.Contains(n.Key+n.Link, "Robin") || n.Link != "/agreement" {
		t.Errorf("the mail says %+v", n)
	}
	done, err = s.Chase(s.as(s.office), OlderSheet)
	check(t, err)
	if done.Mailed != 0 || done.Unmailed != 1 {
		t.Errorf("somebody without an address: %+v", done)
	}
	if _, err := s.Chase(s.as(s.office), StaffSheet); err == nil {
		t.Error("people were reminded of rules that are not published")
	}
}

func TestTheStartersSayWhatTheyMustAndReadAsTheyShould(t *testing.T) {
	for _, info := range Sheets {
		b, err := ParseBody(Starter(info.Sheet))
		if err != nil {
			t.Errorf("%s: %v", info.Sheet, err)
			continue
		}
		if lacks := LacksOf(info.Sheet, b); len(lacks) > 0 {
			t.Errorf("%s lacks %v", info.Sheet, lacks)
		}
		for _, c := range b.Clauses() {
			if strings.HasPrefix(c.ID, "own-") && c.ID != "own-files" {
				t.Errorf("%s: a rule without a name: %s", info.Sheet, c.Text)
			}
		}
		again, err := ParseBody(b.Text())
		if err != nil || again.Text() != b.Text() {
			t.Errorf("%s is not read as it is written: %v", info.Sheet, err)
		}
		if info.Sheet != HomeSheet && !b.Has("sanctions") {
			t.Errorf("%s does not say what follows", info.Sheet)
		}
	}
	young, err := ParseBody(Starter(YoungSheet))
	check(t, err)
	if age := ReadingAge(young); age > 9 {
		t.Errorf("the young pupils' rules read as for somebody of %d", age)
	}
	for _, id := range strings.Fields("school-only school-mail attachments password own-files polite nasty personal-details responsible not-upset monitored sign-ups smart-watch under-age") {
		older, err := ParseBody(Starter(OlderSheet))
		check(t, err)
		if !young.Has(id) || !older.Has(id) {
			t.Errorf("the pupils' rules lack %s", id)
		}
	}
	staff, err := ParseBody(Starter(StaffSheet))
	check(t, err)
	for _, id := range strings.Fields("professional security compatible no-details approved-mail data-security no-installs no-offence pupil-photos no-distribution support monitored copyright disrepute promote phones sanctions") {
		if !staff.Has(id) {
			t.Errorf("the staff's rules lack %s", id)
		}
	}
}

func TestATextThatCannotBeReadIsRefusedWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "Begin with a title",
		"# Rules\n":          "nothing to agree to",
		"# Rules\n- short\n": "Line 2",
		"# Rules\n# Again\n": "second title",
		"# Rules\n- I keep to the rules. {#a}\n- I keep to the other rules. {#a}\n": "two rules are called",
		"# Rules\n" + strings.Repeat("- I keep to the rules here.\n", 61):           "more than 60",
		"# Rules\n- " + strings.Repeat("long ", 300):                                "too long",
		"# Rules\xff\n":             "not letters",
		strings.Repeat("x", 40_001): "longer than anybody",
	} {
		_, err := ParseBody(text)
		var bad store.Invalid
		if !errors.As(err, &bad) || !strings.Contains(bad["body"], want) {
			t.Errorf("%.30q: %v, want %q", text, err, want)
		}
	}
	b, err := ParseBody("# Rules\n\nRead this.\n\n## Here\n\n* I keep to the rules.\n  Always and everywhere.\n- I am kind to everybody. {#own-1}\n")
	check(t, err)
	if c := b.Clauses(); c[0].ID != "own-2" || c[0].Text != "I keep to the rules. Always and everywhere." || c[1].ID != "own-1" {
		t.Errorf("%+v", c)
	}
}

func FuzzParseBody(f *testing.F) {
	for _, i := range Sheets {
		f.Add(Starter(i.Sheet))
	}
	f.Add("# a\n- {#x}\n- 0123456789 {#x} {#y}\n")
	f.Fuzz(func(t *testing.T, text string) {
		b, err := ParseBody(text)
		if err != nil {
			return
		}
		again, err := ParseBody(b.Text())
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, b.Text())
		}
		if again.Text() != b.Text() {
			t.Fatalf("written %q, read %q", b.Text(), again.Text())
		}
	})
}

func TestADifferenceIsShownWordByWord(t *testing.T) {
	old, err := ParseBody("# R\n- I use the computer for school work. {#a}\n- I am kind to others. {#b}\n")
	check(t, err)
	next, err := ParseBody("# R\n- I use the computer and the tablet for school work. {#a}\n- I tell an adult at once. {#c}\n")
	check(t, err)
	var said []string
	for _, ch := range Compare(old, next) {
		for _, p := range ch.Pieces {
			switch {
			case p.New:
				said = append(said, "+"+p.Words)
			case p.Gone:
				said = append(said, "-"+p.Words)
			}
		}
	}
	if want := []string{"+and the tablet", "+I tell an adult at once.", "-I am kind to others."}; !slices.Equal(said, want) {
		t.Errorf("%q, want %q", said, want)
	}
}

func TestTheJournalCoversEverySignature(t *testing.T) {
	s := newSchool(t)
	s.publish(OlderSheet)
	_, err := s.sign(s.older, OlderSheet)
	check(t, err)
	_, err = s.DB.Writer().Exec("UPDATE agreement_signatures SET name = 'Somebody Else'")
	check(t, err)
	rep, err := s.Journal.Verify(context.Background())
	check(t, err)
	if rep.Fault == nil || !strings.Contains(rep.Fault.What, "agreement_signatures") {
		t.Errorf("a signature changed behind its back: %+v", rep.Fault)
	}
}

func TestAskingForTenThousandPeopleIsQuick(t *testing.T) {
	s := newSchool(t)
	s.publish(OlderSheet)
	s.set(KeyPupils, "reminded", KeyAudiences, "staff and pupils")
	var ids []people.ID
	check(t, s.DB.Write(s.as(s.office), func(tx *store.Tx) error {
		for i := range 10_000 {
			id, err := s.people.AddTx(s.as(s.office), tx, people.Person{
				Kind: people.Pupil, Given: "Pupil", Family: fmt.Sprintf("Number%d", i), Year: "8", Class: fmt.Sprintf("8%d", i%300), Site: people.MainSite,
			})
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return nil
	}))
	began := time.Now()
	for _, id := range ids[:1000] {
		s.stands(id, Remind)
	}
	if each := time.Since(began) / 1000; each > 2*time.Millisecond {
		t.Errorf("one standing takes %v", each)
	}
	began = time.Now()
	list, err := s.Counts(context.Background())
	check(t, err)
	for _, c := range list {
		if c.Sheet == OlderSheet && c.Scope != 10_001 {
			t.Errorf("%d of 10,001 are counted", c.Scope)
		}
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("counting takes %v", took)
	}
}

func TestTheFilterIsToldWhenTheDayOrThePolicyIsAnother(t *testing.T) {
	s := newSchool(t)
	run := s.Tasks()[0].Run
	check(t, run(context.Background()))
	before := s.all
	check(t, run(context.Background()))
	if s.all != before {
		t.Error("the filter was told although nothing had changed")
	}
	s.clock.Set(monday.AddDate(0, 0, 1))
	check(t, run(context.Background()))
	s.set(KeyPupils, "reminded")
	check(t, run(context.Background()))
	if s.all != before+2 {
		t.Errorf("the filter was told %d times of a new day and a new policy", s.all-before)
	}
}

func TestAnEmptyRollIsNoFault(t *testing.T) {
	db := storetest.SQLite(t, schemas()...)
	s := onStore(t, db)
	_, err := db.Writer().Exec("DELETE FROM families")
	check(t, err)
	for _, table := range []string{"posts", "people"} {
		_, err := db.Writer().Exec("DELETE FROM " + table)
		check(t, err)
	}
	for _, c := range s.Controls() {
		f, err := c.Check(context.Background(), monday, s.Live.Current())
		check(t, err)
		if f.State == "kept" {
			t.Errorf("%s is said to be kept with nobody on the roll: %s", c.Number, f.Figure)
		}
	}
	if _, err := s.owed(context.Background(), monday); err != nil {
		t.Error(err)
	}
}
