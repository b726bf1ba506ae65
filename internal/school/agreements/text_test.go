package agreements

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/school/people"
)

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
	for _, info := range Sheets {
		b, err := ParseBody(Starter(info.Sheet))
		check(t, err)
		for _, c := range b.Clauses() {
			if c.ID == noticeClause && !strings.Contains(c.Text, "private message") {
				t.Errorf("%s does not say that private messages may be seen: %s", info.Sheet, c.Text)
			}
		}
	}
	home, err := ParseBody(Starter(HomeSheet))
	check(t, err)
	for _, id := range strings.Fields("support no-distress no-under-age close-accounts") {
		if !home.Has(id) {
			t.Errorf("the home-school agreement lacks %s", id)
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

func TestTheHomeSchoolAgreementIsSignedApart(t *testing.T) {
	s := newSchool(t)
	s.set(KeyAudiences, "pupils, parents and the home-school agreement")
	s.publish(YoungSheet, ParentSheet, HomeSheet)
	_, err := s.sign(s.mother, ParentSheet, s.young)
	check(t, err)
	list, err := s.Counts(context.Background())
	check(t, err)
	signed := map[Sheet]int{}
	for _, c := range list {
		signed[c.Sheet] = c.Signed
	}
	if signed[ParentSheet] != 1 || signed[HomeSheet] != 0 {
		t.Errorf("after the parents' agreement alone: %v", signed)
	}
	_, err = s.sign(s.mother, HomeSheet, s.young)
	check(t, err)
	if kept, err := s.Of(context.Background(), s.young); err != nil || len(kept) != 2 {
		t.Errorf("kept: %+v, %v", kept, err)
	}
}

func TestWhoeverLeavesIsNotCountedFromTheNextDayAlthoughNothingWasWritten(t *testing.T) {
	s := newSchool(t)
	s.set(KeyAudiences, "pupils")
	s.publish(YoungSheet)
	s.person(people.Person{Kind: people.Pupil, Given: "Last", Family: "Day", Year: "3", Class: "3A", Until: people.DayOf(monday)})
	scope := func() int {
		t.Helper()
		list, err := s.Counts(context.Background())
		check(t, err)
		for _, c := range list {
			if c.Sheet == YoungSheet {
				return c.Scope
			}
		}
		t.Fatal("the pupils' rules are not counted")
		return 0
	}
	first := scope()
	if again := scope(); again != first {
		t.Errorf("asked twice: %d and %d", first, again)
	}
	s.clock.Set(monday.AddDate(0, 0, 1))
	if next := scope(); next != first-1 {
		t.Errorf("on the next day %d are counted, want %d", next, first-1)
	}
	s.person(people.Person{Kind: people.Pupil, Given: "First", Family: "Day", Year: "3", Class: "3A"})
	if next := scope(); next != first {
		t.Errorf("with somebody new %d are counted, want %d", next, first)
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
