package agreements

import (
	"context"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/school/people"
)

// finds checks a control's state, and that its figure says something.
func (s *school) finds(number string, want control.State, figure ...string) control.Finding {
	s.t.Helper()
	for _, c := range s.Controls() {
		if c.Number != number {
			continue
		}
		f, err := c.Check(context.Background(), s.clock.Now(), s.Live.Current())
		check(s.t, err)
		if f.State != want {
			s.t.Errorf("%s is %s (%s), want %s", number, f.State, f.Figure, want)
		}
		for _, w := range figure {
			if !strings.Contains(f.Figure, w) {
				s.t.Errorf("%s says %q, want %q in it", number, f.Figure, w)
			}
		}
		for _, row := range f.Rows {
			for _, name := range []string{"Okonjo", "Hartnell", "Fennimore", "Robin", "Zo"} {
				if strings.Contains(row.What, name) {
					s.t.Errorf("%s names somebody: %s", number, row.What)
				}
			}
		}
		return f
	}
	s.t.Fatalf("there is no control %s", number)
	return control.Finding{}
}

func TestNoticeGivenCountsOnlyWhatPeopleSigned(t *testing.T) {
	s := newSchool(t)
	s.finds("C18", control.Unknown, "nobody has an account")
	s.accounts[s.teacher], s.accounts[s.older] = true, true
	s.publish(StaffSheet, OlderSheet)
	s.finds("C18", control.Broken, "0 of 2")
	_, err := s.sign(s.older, OlderSheet)
	check(t, err)
	_, err = s.sign(s.teacher, StaffSheet)
	check(t, err)
	s.finds("C18", control.Kept, "2 of 2")
	// An edition that does not tell them does not count, however many sign it.
	s.edit(OlderSheet, func(text string) string {
		return strings.Replace(text, "{#monitored}", "{#recorded}", 1)
	})
	s.publish(OlderSheet)
	_, err = s.sign(s.older, OlderSheet)
	check(t, err)
	s.finds("C18", control.Kept, "2 of 2") // the older edition told them
	third := s.person(people.Person{Kind: people.Pupil, Given: "Kit", Family: "Moss", Year: "8"})
	s.accounts[third] = true
	_, err = s.sign(third, OlderSheet)
	check(t, err)
	s.finds("C18", control.Broken, "2 of 3")
}

func TestSignedBeforeAccessLooksAtEveryAccount(t *testing.T) {
	s := newSchool(t)
	s.finds("C30", control.Unknown)
	s.accounts[s.teacher], s.accounts[s.office] = true, true
	s.finds("C30", control.Broken, "2 of 2") // nothing is published, so nobody can have signed
	s.publish(StaffSheet)
	_, err := s.sign(s.office, StaffSheet)
	check(t, err)
	s.finds("C30", control.Broken, "1 of 2")
	s.hold("staff")
	s.finds("C30", control.Kept, "0 of 2", "1 unsigned and held")
	s.Strangers = func() bool { return true }
	s.finds("C30", control.AtRisk, "1 unsigned and held", "goes on by signing out")
	s.Strangers = func() bool { return false }
	fresh := s.person(people.Person{Kind: people.Staff, Given: "Wren", Family: "Moss", From: today})
	s.accounts[fresh] = true
	s.finds("C30", control.AtRisk, "1 of 3")
}

func TestWhoHasSignedHoldsEachAudienceToItsShare(t *testing.T) {
	s := newSchool(t)
	s.set(KeyAudiences, "staff and pupils")
	s.finds("C31", control.Broken)
	s.publish(StaffSheet, YoungSheet, OlderSheet)
	s.finds("C31", control.Broken, "rules for staff 0 of 3")
	for _, who := range []people.ID{s.head, s.teacher, s.office} {
		_, err := s.sign(who, StaffSheet)
		check(t, err)
	}
	_, err := s.sign(s.mother, YoungSheet, s.young)
	check(t, err)
	_, err = s.sign(s.older, OlderSheet)
	check(t, err)
	s.finds("C31", control.Kept, "rules for staff 3 of 3")
	s.person(people.Person{Kind: people.Staff, Given: "Wren", Family: "Moss", From: today})
	s.finds("C31", control.AtRisk, "rules for staff 3 of 4")
	s.clock.Set(monday.AddDate(0, 0, 14))
	s.finds("C31", control.Broken, "rules for staff 3 of 4")
	s.set(KeyAudiences, "staff and pupils", KeyAdults, "70 %")
	s.finds("C31", control.Kept)
}

func TestTheRightPersonSignsForAPupil(t *testing.T) {
	s := newSchool(t)
	s.finds("C32", control.Unknown, "no pupil's rules are signed yet")
	s.publish(YoungSheet, OlderSheet)
	_, err := s.sign(s.older, OlderSheet)
	check(t, err)
	_, err = s.sign(s.mother, YoungSheet, s.young)
	check(t, err)
	s.finds("C32", control.Kept, "2 of 2")
	s.set(KeySigner, "the pupil and a parent")
	s.finds("C32", control.AtRisk, "2 half")
	s.set(KeySigner, "the pupil")
	s.finds("C32", control.Broken, "1 by the wrong person")
	s.set(KeySigner, "a parent up to key stage 1, then the pupil")
	check(t, s.people.Untie(s.as(s.office), s.mother, s.young, "a court has decided so"))
	s.finds("C32", control.Broken, "1 by the wrong person")
}

func TestClassTalksAreDueByTheDayOfThePolicy(t *testing.T) {
	s := newSchool(t)
	s.finds("C33", control.Broken, "0 of 2 classes")
	s.set(KeyTalk, "the end of December")
	s.finds("C33", control.AtRisk, "0 of 2 classes")
	for _, class := range []string{"1A", "8B"} {
		check(t, s.RecordTalk(s.as(s.teacher), Talk{Class: class, Day: "2026-09-14", Teacher: "Tobias Fennimore", Present: 1}))
	}
	if f := s.finds("C33", control.Kept, "2 of 2 classes"); f.Source != control.Attested {
		t.Errorf("what teachers say is shown as %s", f.Source)
	}
	s.clock.Set(time.Date(2027, 10, 4, 9, 0, 0, 0, time.UTC))
	s.finds("C33", control.AtRisk, "0 of 2 classes")
}

func TestRequiredClausesAreLookedForInWhatIsPublished(t *testing.T) {
	s := newSchool(t)
	s.set(KeyAudiences, "staff")
	s.finds("C34", control.Broken, "0 of 1")
	s.publish(StaffSheet)
	s.finds("C34", control.Kept, "1 of 1")
	s.edit(StaffSheet, func(text string) string { return strings.Replace(text, "{#data-security}", "{#data}", 1) })
	s.publish(StaffSheet)
	f := s.finds("C34", control.Broken, "0 of 1")
	if !strings.Contains(f.Rows[0].What, "data-security") || !strings.Contains(f.Rows[0].What, "agreed with the staff") {
		t.Errorf("the row says %q", f.Rows[0].What)
	}
}

func TestStaffHaveThirtyDaysToReadThePolicy(t *testing.T) {
	s := newSchool(t)
	s.finds("C78", control.Unknown, "no policy is in force")
	s.policy = &Policy{Title: "Online safety policy", Version: "2.0", Since: monday}
	s.finds("C78", control.AtRisk, "0 of 3")
	s.clock.Set(monday.AddDate(0, 0, 31))
	s.finds("C78", control.Broken, "0 of 3")
	for who, name := range map[people.ID]string{s.head: "Amira Quist", s.teacher: "Tobias Fennimore", s.office: "Oona Marsh"} {
		check(t, s.ReadPolicy(s.as(who), "Online safety policy", "2.0", name, true))
	}
	s.finds("C78", control.Kept, "3 of 3")
	s.policy.Version, s.policy.Since = "3.0", s.clock.Now()
	s.finds("C78", control.AtRisk, "0 of 3")
}

func TestWhatIsOwedGoesWithTheCalendar(t *testing.T) {
	s := newSchool(t)
	s.set(KeyAudiences, "staff")
	owes := func() map[string]string {
		list, err := s.owed(context.Background(), s.clock.Now())
		check(t, err)
		out := map[string]string{}
		for _, o := range list {
			out[strings.SplitN(o.ID, "/", 2)[0]] = o.Owner
			if o.Due.IsZero() || o.Since.IsZero() || o.Due.Before(o.Since) {
				t.Errorf("%s: since %v, due %v", o.ID, o.Since, o.Due)
			}
		}
		return out
	}
	if got := owes(); got["publish"] != "headteacher" || got["talks"] != "online-safety-lead" || got["chase"] != "" {
		t.Errorf("at first: %v", got)
	}
	s.publish(StaffSheet)
	if got := owes(); got["publish"] != "" || got["chase"] != "" {
		t.Errorf("on the day it is published: %v", got)
	}
	s.clock.Set(monday.AddDate(0, 0, 21))
	if got := owes(); got["chase"] != "office-manager" {
		t.Errorf("three weeks later: %v", got)
	}
	_, err := s.Chase(s.as(s.office), StaffSheet)
	check(t, err)
	if got := owes(); got["chase"] != "" {
		t.Errorf("after a reminder: %v", got)
	}
	s.clock.Set(monday.AddDate(2, 0, 0))
	if got := owes(); got["review"] != "online-safety-lead" {
		t.Errorf("two years on: %v", got)
	}
}

func TestTheTraySaysThatSomethingWaitsAndNothingMore(t *testing.T) {
	s := newSchool(t)
	titles := func(who people.ID) string {
		list, err := s.Waiting(context.Background(), s.actor(who))
		check(t, err)
		var out []string
		for _, i := range list {
			out = append(out, i.Title)
			if strings.Contains(i.Title+i.Key, "Robin") || strings.Contains(i.Title, "Okonjo") {
				t.Errorf("the tray names a child: %+v", i)
			}
		}
		return strings.Join(out, "; ")
	}
	if got := titles(s.mother); got != "" {
		t.Errorf("before anything is published: %s", got)
	}
	s.publish(StaffSheet, YoungSheet, ParentSheet)
	s.policy = &Policy{Title: "Online safety policy", Version: "2.0", Since: monday}
	if got := titles(s.mother); got != "There are rules for you to sign" {
		t.Errorf("a parent: %s", got)
	}
	if got := titles(s.teacher); got != "There are rules for you to sign; Read the policy in force, and say so" {
		t.Errorf("a teacher: %s", got)
	}
	for _, sheet := range []Sheet{YoungSheet, ParentSheet} {
		_, err := s.sign(s.mother, sheet, s.young)
		check(t, err)
	}
	if got := titles(s.mother); got != "" {
		t.Errorf("after signing: %s", got)
	}
	list, err := s.Waiting(context.Background(), actor.Belisha("test"))
	if err != nil || list != nil {
		t.Errorf("nobody's tray: %v, %v", list, err)
	}
}

func TestTheTrendIsTheShareAtTheEndOfEachMonth(t *testing.T) {
	s := newSchool(t)
	s.set(KeyAudiences, "staff")
	s.clock.Set(monday.AddDate(0, -1, 0))
	s.publish(StaffSheet)
	_, err := s.sign(s.head, StaffSheet)
	check(t, err)
	s.clock.Set(monday)
	for _, who := range []people.ID{s.teacher, s.office} {
		_, err := s.sign(who, StaffSheet)
		check(t, err)
	}
	list, err := s.Trends(context.Background(), monday.AddDate(0, -1, 0), monday)
	check(t, err)
	if len(list) != 1 || len(list[0].Points) != 2 || list[0].Points[0].N != 33 || list[0].Points[1].N != 100 || list[0].Points[0].Label != "October" {
		t.Errorf("%+v", list)
	}
}
