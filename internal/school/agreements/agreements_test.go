package agreements

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

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
	var bad store.Invalid
	if _, err := s.SetMode(s.as(lead), ModeChange{Audience: "staff", Mode: Off}); !errors.As(err, &bad) {
		t.Errorf("somebody ended what the head decided: %v", err)
	}
	s.stands(s.teacher, Hold)
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

func TestWhoHasSignedIsLetThroughHoweverManyAskMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.publish(OlderSheet)
		var ids []people.ID
		for i := range 20 {
			ids = append(ids, s.person(people.Person{Kind: people.Pupil, Given: "Kit", Family: "Moss", Year: "8", From: "2026-09-01", Class: "8" + string(rune('A'+i))}))
		}
		s.hold("pupils")
		stop, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, id := range ids {
					_, _ = s.Standing(context.Background(), id)
				}
				_, _ = s.Counts(context.Background())
			}
		}()
		for _, id := range ids {
			_, err := s.Record(s.as(s.office), Paper{Sheet: OlderSheet, Number: 1, Role: Self, Day: today, Place: "office", Slips: []Slip{{Person: id}}})
			check(t, err)
			s.stands(id, "")
			list, err := s.Of(context.Background(), id)
			check(t, err)
			check(t, s.Void(s.as(s.office), list[0].ID, "the next one was meant"))
			s.stands(id, Hold)
		}
		close(stop)
		<-ended
	})
}
