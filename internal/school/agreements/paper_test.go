package agreements

import (
	"context"
	"errors"
	"strings"
	"testing"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

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
