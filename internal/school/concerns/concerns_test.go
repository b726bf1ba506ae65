package concerns

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/school/people"
)

func TestAReportReachesTheLeadAndTheReporterSeesOnlyWhereItStands(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) {
		s := onStore(t, db)
		id := s.report(s.teacher, "bullying")
		if len(s.notices) != 1 || strings.Contains(s.notices[0].What, "Robin") || s.notices[0].Link != "/" {
			t.Errorf("the notice: %+v", s.notices)
		}
		if err := s.mayOpen(s.teacher, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the reporter could open the case: %v", err)
		}
		mine, err := s.Mine(s.as(s.teacher))
		check(t, err)
		if len(mine) != 1 || mine[0].Status() != "received" {
			t.Errorf("the receipt: %+v", mine)
		}
		w, err := s.Open(s.as(s.lead), id)
		check(t, err)
		if len(w.People) != 1 || w.People[0].Named.Name != "Robin Okonjo, 6B" || !strings.Contains(w.Entries[0].Told.Text, "leave me alone") {
			t.Errorf("the case: %+v %+v", w.People, w.Entries)
		}
		mine, err = s.Mine(s.as(s.teacher))
		check(t, err)
		if mine[0].Status() != "being looked at" {
			t.Errorf("after the lead opened it: %s", mine[0].Status())
		}
	})
}

func TestTheSameFormSentTwiceIsOneConcern(t *testing.T) {
	s := newSchool(t)
	in := Report{Form: "a-form", Kind: "bullying", Account: "x", NotKnown: true}
	one, err := s.Report(s.as(s.teacher), in)
	check(t, err)
	two, err := s.Report(s.as(s.teacher), in)
	check(t, err)
	if one.ID != two.ID {
		t.Error("a form sent twice made two concerns")
	}
	// Somebody else's form of the same id is not theirs.
	three, err := s.Report(s.as(s.other), in)
	check(t, err)
	if three.ID == one.ID {
		t.Error("a forged form id led to another's concern")
	}
}

func TestNothingOfACaseLiesInTheRecordsAsItIs(t *testing.T) {
	s := newSchool(t)
	id := s.report(s.teacher, "bullying", func(in *Report) { in.Place, in.Done = "Heathfield corridor", "Rang nobody yet" })
	check(t, s.Note(s.as(s.lead), id, s.version(id), "A marmalade note"))
	check(t, s.Act(s.as(s.lead), id, s.version(id), Doing{Kind: "support", What: "Tangerine talk", Done: true}))
	check(t, s.KeepDraft(s.as(s.teacher), map[string][]string{"account": {"Lavender draft"}}))
	for table, column := range map[string]string{
		"concerns": "about", "concern_people": "sealed", "concern_entries": "sealed", "concern_actions": "sealed", "concern_drafts": "sealed",
		"journal_details": "detail",
	} {
		rows, err := s.db.QueryContext(context.Background(), "SELECT "+column+" FROM "+table)
		check(t, err)
		n := 0
		for rows.Next() {
			var v string
			check(t, rows.Scan(&v))
			n++
			for _, word := range []string{"Robin", "Okonjo", "leave me", "Heathfield", "marmalade", "Tangerine", "Lavender", string(s.robin), string(s.teacher)} {
				if strings.Contains(v, word) {
					t.Errorf("%s holds %q as it is", table, word)
				}
			}
		}
		check(t, rows.Err())
		check(t, rows.Close())
		if n == 0 {
			t.Errorf("%s holds nothing to look at", table)
		}
	}
}

func TestTheJournalTellsNothingOfACaseNorWhoReportedIt(t *testing.T) {
	s := newSchool(t)
	id := s.report(s.teacher, "whistle")
	for _, l := range s.lines(VerbReported) {
		if l.Actor != "system:concerns" || l.ID != id || strings.Contains(string(l.Detail), "Robin") {
			t.Errorf("a line: %+v", l)
		}
	}
	w, err := s.Open(s.as(s.head), id)
	check(t, err)
	if !w.Confidential {
		t.Error("a report whose name stays sealed is not marked so")
	}
	if got := s.reporterWords(context.Background(), w); strings.Contains(got, "Nell") {
		t.Errorf("the head reads the name: %s", got)
	}
	rep, err := s.journal.Verify(context.Background())
	check(t, err)
	if rep.Fault != nil {
		t.Errorf("the journal: %+v", rep.Fault)
	}
}

// TestWhoMayOpenWhat walks the ways a case may go, against who asks.
func TestWhoMayOpenWhat(t *testing.T) {
	type want struct{ opens, kept, never string }
	for name, tc := range map[string]struct {
		kind   string
		change func(*Report)
		set    []string
		want   want
	}{
		"child protection goes to lead and deputy": {kind: "grooming", want: want{"lead deputy", "head chair", "teacher osl network office governor pupil parent console token"}},
		"with the policy's word the head reads it": {kind: "grooming", set: []string{keyHeadSees, "yes"}, want: want{"lead deputy head", "chair", "teacher osl network"}},
		"behaviour goes to whom the policy lists": {
			kind: "bullying", set: []string{keyBehaviour, "designated safeguarding lead and online-safety lead"},
			want: want{"lead osl", "deputy head chair", "teacher office network"},
		},
		"conduct of staff goes to the head alone":       {kind: "staff-conduct", want: want{"head", "lead deputy chair", "osl office network teacher"}},
		"a complaint about the head goes to the chair":  {kind: "head", want: want{"chair", "lead deputy", "head osl office network governor"}},
		"a security incident goes to those listed":      {kind: "virus", want: want{"osl head", "lead deputy chair", "network office teacher"}},
		"the office may be listed for security":         {kind: "virus", set: []string{keySecurity, "office manager"}, want: want{"office", "lead deputy head chair", "osl network"}},
		"a lead who is in it never sees it":             {kind: "grooming", change: about("Oona Marsh"), want: want{"deputy", "head chair", "lead"}},
		"where lead and deputy are in it, the head has": {kind: "grooming", change: about("Oona Marsh", "Pell Arkwright"), want: want{"head", "chair", "lead deputy"}},
		"a head in it never sees it, the chair does":    {kind: "staff-conduct", change: about("Amira Quist"), want: want{"chair", "lead deputy", "head"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSchool(t)
			if len(tc.set) > 0 {
				s.set(tc.set...)
			}
			id := s.report(s.teacher, tc.kind, func(in *Report) {
				if tc.change != nil {
					tc.change(in)
				}
			})
			s.walk(t, id, tc.want.opens, nil)
			s.walk(t, id, tc.want.kept, ErrKept)
			s.walk(t, id, tc.want.never, store.ErrNotFound)
		})
	}
}

func about(names ...string) func(*Report) {
	return func(in *Report) {
		in.People = nil
		for _, n := range names {
			in.People = append(in.People, Mentioned{Who: n, Role: roleHarmer})
		}
	}
}

// walk asks for a case as each of some people, by page, list and file.
func (s *school) walk(t *testing.T, id, who string, want error) {
	t.Helper()
	all := map[string]actor.Actor{
		"lead": s.actor(s.lead), "deputy": s.actor(s.deputy), "head": s.actor(s.head), "chair": s.actor(s.chair), "teacher": s.actor(s.teacher),
		"osl": s.actor(s.osl), "network": s.actor(s.network), "office": s.actor(s.office), "governor": s.actor(s.governor),
		"pupil": s.actor(s.robin), "parent": s.actor(s.mother),
		"console": actor.New(actor.Actor{ID: "console:root", Kind: actor.Console, Person: string(s.lead), Posts: []string{"safeguarding-lead", "headteacher"}}, MayRead, MayReport),
		"token":   actor.New(actor.Actor{ID: "token:x", Kind: actor.Token}, MayRead, MayReport),
	}
	for _, name := range strings.Fields(who) {
		a, ok := all[name]
		if !ok {
			t.Fatalf("nobody is called %s", name)
		}
		ctx := actor.With(context.Background(), a)
		_, err := s.Open(ctx, id)
		if !errors.Is(err, want) {
			t.Errorf("%s opens it: %v, want %v", name, err, want)
		}
		page, err := s.List(ctx, Asked{State: "all"})
		check(t, err)
		if (len(page.Lines) == 1) != (want == nil) {
			t.Errorf("%s is shown %d lines", name, len(page.Lines))
		}
		if want == nil {
			continue
		}
		for what, err := range map[string]error{
			"note":  s.Note(ctx, id, s.version(id), "x"),
			"sight": s.SetSight(ctx, id, s.version(id), SightUsual, "x"),
			"close": s.Close(ctx, id, s.version(id), Ending{Outcome: "resolved", Text: "x"}),
			"look":  s.GivePurpose(ctx, id, "review"),
		} {
			if !errors.Is(err, want) {
				t.Errorf("%s may %s: %v", name, what, err)
			}
		}
		if _, _, err := s.Export(ctx, id, s.version(id), "x", "y"); !errors.Is(err, want) {
			t.Errorf("%s may take a copy: %v", name, err)
		}
		if _, _, err := s.OpenFile(ctx, id, "none"); !errors.Is(err, want) {
			t.Errorf("%s may open a file: %v", name, err)
		}
	}
}

func TestACloseRelationNeverSeesACaseWhateverTheirPost(t *testing.T) {
	s := newSchool(t)
	check(t, s.people.Tie(s.sys(), people.Link{Parent: s.lead, Child: s.robin, Relation: "father"}))
	id := s.report(s.teacher, "grooming")
	s.walk(t, id, "deputy", nil)
	s.walk(t, id, "lead", store.ErrNotFound)
	if err := s.Force(s.as(s.lead), id, "I want to know what it says"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a father forced his child's case: %v", err)
	}
	for _, n := range s.notices {
		for _, to := range n.To {
			if to == string(s.lead) {
				t.Error("the father was told that something waits")
			}
		}
	}
}

func TestWhereNobodyHoldsThePostTheNextOneReceivesIt(t *testing.T) {
	s := newSchool(t)
	for _, who := range []people.ID{s.lead, s.deputy} {
		held, err := s.people.PostsOf(context.Background(), who)
		check(t, err)
		check(t, s.people.EndPost(s.sys(), held[0].ID, held[0].Version, "left"))
	}
	s.clock.Advance(time.Minute)
	id := s.report(s.teacher, "grooming")
	s.walk(t, id, "head", nil)
	s.walk(t, id, "lead deputy", store.ErrNotFound)
}

func TestOpeningWhatIsKeptTakesAReasonAndTellsLeadAndHead(t *testing.T) {
	s := newSchool(t)
	id := s.report(s.teacher, "grooming")
	s.notices = nil
	ctx := s.as(s.head)
	if err := s.Force(ctx, id, "why"); err == nil {
		t.Error("no reason was needed")
	}
	check(t, s.Force(ctx, id, "The lead cannot be reached and the child is at the gate"))
	if err := s.mayOpen(s.head, id); err != nil {
		t.Errorf("after forcing it: %v", err)
	}
	if len(s.notices) != 1 || s.notices[0].Risk != 3 || len(s.notices[0].To) != 1 || s.notices[0].To[0] != string(s.lead) {
		t.Errorf("the alarm: %+v", s.notices)
	}
	items, err := s.Waiting(context.Background(), s.actor(s.lead))
	check(t, err)
	if !strings.Contains(items[len(items)-1].Title+items[0].Title, "from whom it is kept") {
		t.Errorf("the lead's tray: %+v", items)
	}
	s.clock.Advance(61 * time.Minute)
	if err := s.mayOpen(s.head, id); !errors.Is(err, ErrKept) {
		t.Errorf("an hour later: %v", err)
	}
	if len(s.lines(VerbForced)) != 1 {
		t.Error("it was not journalled")
	}
}

func TestSightIsNarrowedAndWidenedAndEndsByItself(t *testing.T) {
	s := newSchool(t)
	id := s.report(s.teacher, "grooming")
	lead := s.as(s.lead)
	check(t, s.SetSight(lead, id, s.version(id), SightLeadAndHead, "A colleague's child"))
	s.walk(t, id, "lead head", nil)
	s.walk(t, id, "deputy chair", ErrKept)
	check(t, s.Name(lead, id, s.version(id), "Nell Ashdown", s.clock.Now().Add(48*time.Hour), "Class teacher"))
	if err := s.mayOpen(s.teacher, id); err != nil {
		t.Errorf("the teacher who was named: %v", err)
	}
	if err := s.SetSight(s.as(s.teacher), id, s.version(id), SightUsual, "x"); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("somebody named decided who sees it: %v", err)
	}
	check(t, s.Note(s.as(s.teacher), id, s.version(id), "Seen in class"))
	check(t, s.Name(lead, id, s.version(id), "Bram Cole", s.clock.Now().Add(48*time.Hour), "By mistake"))
	w, err := s.Open(lead, id)
	check(t, err)
	for _, x := range w.Sights {
		if x.Person == s.other {
			check(t, s.Unname(lead, id, w.Version, x.ID))
		}
	}
	if err := s.mayOpen(s.other, id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after the leave was ended: %v", err)
	}
	s.clock.Advance(49 * time.Hour)
	if err := s.mayOpen(s.teacher, id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after the day: %v", err)
	}
	if err := s.Name(lead, id, s.version(id), "Robin Okonjo", s.clock.Now().Add(48*time.Hour), "x"); err == nil {
		t.Error("a pupil was named for a case")
	}
}

func TestAnAmendmentLeavesWhatWasWritten(t *testing.T) {
	s := newSchool(t)
	id := s.report(s.teacher, "bullying")
	w, err := s.Open(s.as(s.lead), id)
	check(t, err)
	first := w.Entries[0]
	s.clock.Advance(time.Minute)
	check(t, s.Amend(s.as(s.lead), id, w.Version, first.ID, "It was on Tuesday", "The day was wrong"))
	w, err = s.Open(s.as(s.lead), id)
	check(t, err)
	if w.Entries[0].Told.Text != first.Told.Text || w.Entries[1].Amends != first.ID || w.Entries[1].Told.Text != "It was on Tuesday" {
		t.Errorf("the story: %+v", w.Entries)
	}
	if err := s.Amend(s.as(s.lead), id, w.Version-1, first.ID, "z", "z"); !errors.Is(err, store.ErrStale) {
		t.Errorf("a stale amendment: %v", err)
	}
	check(t, s.Void(s.as(s.lead), id, w.Version, "Entered twice"))
	page, err := s.List(s.as(s.lead), Asked{State: CaseVoid})
	check(t, err)
	if page.Total != 1 {
		t.Error("a case entered in error is gone")
	}
}

func TestEveryLookIsJournalledAndAClosedCaseAsksWhatFor(t *testing.T) {
	s := newSchool(t)
	id := s.report(s.teacher, "virus", func(in *Report) { in.People = nil })
	osl := s.as(s.osl)
	check(t, s.mayOpen(s.osl, id))
	if n := len(s.lines(VerbViewed)); n != 1 {
		t.Errorf("%d looks are journalled", n)
	}
	check(t, s.Close(osl, id, s.version(id), Ending{Outcome: "resolved", Text: "Cleaned"}))
	if err := s.mayOpen(s.osl, id); !errors.Is(err, ErrPurpose) {
		t.Errorf("a closed case was opened without a purpose: %v", err)
	}
	check(t, s.GivePurpose(osl, id, "review"))
	check(t, s.mayOpen(s.osl, id))
	s.clock.Advance(31 * time.Minute)
	if err := s.mayOpen(s.osl, id); !errors.Is(err, ErrPurpose) {
		t.Errorf("half an hour later: %v", err)
	}
}

func TestACaseIsNotClosedWithoutWhatMustBeInIt(t *testing.T) {
	s := newSchool(t)
	lead := s.as(s.lead)
	id := s.report(s.teacher, "deliberate-access", func(in *Report) { in.People[0].Role = roleHarmer })
	w, err := s.Open(lead, id)
	check(t, err)
	if got := s.Missing(w); len(got) != 2 {
		t.Errorf("missing: %v", got)
	}
	ending := Ending{Outcome: "resolved", Text: "Done"}
	if err := s.Close(lead, id, w.Version, ending); err == nil {
		t.Error("it was closed without parents and investigation")
	}
	if err := s.Act(lead, id, s.version(id), Doing{Kind: actParents, Decision: "no"}); err == nil {
		t.Error("parents were not told, and nobody said why")
	}
	check(t, s.Act(lead, id, s.version(id), Doing{Kind: actParents, Decision: "yes", Who: "Mother, by telephone, by me"}))
	check(t, s.Act(lead, id, s.version(id), Doing{Kind: actInvestigation, What: "What was looked for, and why"}))
	given, err := s.givenTo(context.Background(), s.head)
	check(t, err)
	if len(given) != 1 {
		t.Fatalf("the head was given %d", len(given))
	}
	if err := s.Finish(lead, given[0].ID, given[0].Version, Done, "I looked myself"); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("the lead wrote the head's finding: %v", err)
	}
	check(t, s.mayOpen(s.head, id)) // to investigate
	check(t, s.Finish(s.as(s.head), given[0].ID, given[0].Version, Done, "A dare among friends"))
	if err := s.Finish(s.as(s.head), given[0].ID, given[0].Version, Done, "again"); !errors.Is(err, store.ErrStale) {
		t.Errorf("done twice: %v", err)
	}
	check(t, s.Close(lead, id, s.version(id), ending))
}

func TestNobodyIsPunishedForDistressNorByAMachine(t *testing.T) {
	s := newSchool(t)
	lead := s.as(s.lead)
	sanction := Doing{Kind: actSanction, Grade: "talk", Approver: "The head", Clause: "Behaviour 4.2"}
	for _, kind := range []string{"self-harm", "harmful-content", "images", "grooming"} { // distress, accident, harm done to a child
		id := s.harmed(kind)
		if err := s.Act(lead, id, s.version(id), sanction); err == nil {
			t.Errorf("a sanction for %s", kind)
		}
	}
	for _, lacking := range []Doing{{Grade: "talk", Approver: "The head"}, {Grade: "talk", Clause: "4.2"}, {Approver: "The head", Clause: "4.2"}, {Grade: "dismissal", Approver: "The head", Clause: "4.2"}} {
		id := s.harmed("messages")
		lacking.Kind = actSanction
		if err := s.Act(lead, id, s.version(id), lacking); err == nil {
			t.Errorf("a sanction without grade, approver, clause, or that the policy does not have: %+v", lacking)
		}
	}
	s.rows["row:1"] = Seen{Ref: "row:1", Person: s.robin, Certainty: Sure, Words: "searched for a way past the filter", At: monday}
	s.rows["row:2"] = Seen{Ref: "row:2", Person: s.robin, Certainty: Sure, Theme: "selfharm", Words: "x", At: monday}
	row := s.harmed("messages", func(in *Report) { in.Ref = "row:1" })
	if err := s.Act(lead, row, s.version(row), sanction); err == nil {
		t.Error("a sanction on a row alone")
	}
	check(t, s.Act(lead, row, s.version(row), Doing{Kind: actSpoke, What: "Said it was a dare", Done: true}))
	if err := s.Act(lead, row, s.version(row), Doing{Kind: actSanction, Grade: "internet", Approver: "The head", Clause: "4.2"}); err == nil {
		t.Error("a sanction for a time without an end")
	}
	check(t, s.Act(lead, row, s.version(row), sanction))
	themed := s.harmed("messages", func(in *Report) { in.Ref = "row:2" })
	check(t, s.Act(lead, themed, s.version(themed), Doing{Kind: actSpoke, What: "Talked", Done: true}))
	if err := s.Act(lead, themed, s.version(themed), sanction); err == nil {
		t.Error("a sanction for a search about self-harm")
	}
}

func TestOnlyASureRowNamesAChildByItself(t *testing.T) {
	s := newSchool(t)
	s.rows["row:sure"] = Seen{Ref: "row:sure", Person: s.robin, Certainty: Sure, Words: "pond.example", At: monday}
	s.rows["row:likely"] = Seen{Ref: "row:likely", Person: s.robin, Certainty: Likely, Words: "pond.example", At: monday}
	in := Report{Form: "1", Kind: "bullying", Account: "x", Ref: "row:sure"}
	got, err := s.Report(s.as(s.lead), in)
	check(t, err)
	w, err := s.Open(s.as(s.lead), got.ID)
	check(t, err)
	if len(w.People) != 1 || w.People[0].Named.Person != s.robin {
		t.Errorf("a sure row: %+v", w.People)
	}
	in.Form, in.Ref = "2", "row:likely"
	got, err = s.Report(s.as(s.lead), in)
	check(t, err)
	w, err = s.Open(s.as(s.lead), got.ID)
	check(t, err)
	if len(w.People) != 0 {
		t.Errorf("a row that is not sure named %+v", w.People)
	}
	in.Form, in.People = "3", []Mentioned{{Who: "Robin Okonjo", Role: roleHarmed}}
	if _, err = s.Report(s.as(s.lead), in); err == nil {
		t.Error("somebody was named for a row that is not sure, and nobody said how they know")
	}
	in.Confirm = "I sat beside"
	got, err = s.Report(s.as(s.lead), in)
	check(t, err)
	linked, err := s.Linked(context.Background(), []string{"row:likely", "row:none"})
	check(t, err)
	if len(linked) != 1 || !strings.HasPrefix(linked["row:likely"], "/concerns/") {
		t.Errorf("linked: %v", linked)
	}
	if _, err := s.Report(s.as(s.lead), Report{Form: "4", Kind: "bullying", Account: "x", Ref: "row:forged"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a forged row: %v", err)
	}
}

func TestWhatIsTypedWrongIsSaidInASentence(t *testing.T) {
	s := newSchool(t)
	for field, in := range map[string]Report{
		"account": {Kind: "bullying", NotKnown: true, Account: strings.Repeat("ä", 200_000)},
		"kind":    {Kind: "<forged>", NotKnown: true, Account: "x"},
		"who1":    {Kind: "bullying", Account: "x", People: []Mentioned{{Who: "Nobody Here"}}},
	} {
		_, err := s.Report(s.as(s.teacher), in)
		var bad store.Invalid
		if !errors.As(err, &bad) || bad[field] == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := s.Report(s.as(s.robin), Report{Form: "x", Kind: "bullying", Account: "x", NotKnown: true}); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a pupil used the form of staff: %v", err)
	}
}

func TestWhileSomethingIsMissingNothingIsKept(t *testing.T) {
	s := newSchool(t)
	id := s.report(s.teacher, "bullying")
	s.shut = []string{"The pages are not served over HTTPS."}
	if _, err := s.Report(s.as(s.teacher), Report{Form: "x", Kind: "bullying", Account: "x", NotKnown: true}); !errors.Is(err, ErrClosed) {
		t.Errorf("a report: %v", err)
	}
	if _, err := s.Tell(context.Background(), Telling{Form: "f", About: "me", What: "other"}); !errors.Is(err, ErrClosed) {
		t.Errorf("telling: %v", err)
	}
	if err := s.mayOpen(s.lead, id); !errors.Is(err, ErrClosed) {
		t.Errorf("opening: %v", err)
	}
	if err := s.Note(s.as(s.lead), id, s.version(id), "x"); !errors.Is(err, ErrClosed) {
		t.Errorf("a note: %v", err)
	}
}

func TestALateBackupClosesTheFirstConcernAndNoneThatIsKept(t *testing.T) {
	s := newSchool(t)
	s.late = []string{"What is written could be lost: there is no backup."}
	first := Report{Form: "x", Kind: "bullying", Account: "x", NotKnown: true}
	if _, err := s.Report(s.as(s.teacher), first); !errors.Is(err, ErrClosed) {
		t.Errorf("a first concern without a backup: %v", err)
	}
	s.late = nil
	id := s.report(s.teacher, "bullying")
	s.late = []string{"What is written could be lost: the backup is two days old."}
	if err := s.mayOpen(s.lead, id); err != nil {
		t.Errorf("the lead cannot read a case because a backup is late: %v", err)
	}
	if got := s.Warned(context.Background()); len(got) != 1 {
		t.Errorf("warned of %q", got)
	}
	s.shut = []string{"The pages are not served over HTTPS."}
	if err := s.mayOpen(s.lead, id); !errors.Is(err, ErrClosed) {
		t.Errorf("a case that others could read along: %v", err)
	}
}

func TestEveryKindHasItsAreaAndAWayToSomebody(t *testing.T) {
	s := newSchool(t)
	seen := map[string]bool{}
	for _, k := range Kinds {
		if seen[k.Value] || k.Title == "" || k.Risk < 1 || k.Risk > 3 {
			t.Errorf("the kind %q is twice or not whole", k.Value)
		}
		seen[k.Value] = true
		id := s.report(s.teacher, k.Value, about("Sam Vane"))
		w, err := s.whole(context.Background(), s.db, id)
		check(t, err)
		who, _, err := s.receivers(context.Background(), w.Route, w.People)
		check(t, err)
		if len(who) == 0 || w.Risk != k.Risk {
			t.Errorf("%s goes to nobody", k.Value)
		}
		if k.Police != !w.ReferralDue.IsZero() || k.Images != w.Images {
			t.Errorf("%s: the clock or the lock is wrong", k.Value)
		}
	}
	for _, a := range Areas {
		if len(kindsOf(a.Area)) == 0 {
			t.Errorf("nothing belongs to %s", a.Title)
		}
	}
	// A camera misused is treated as what was looked for on purpose.
	camera, _ := KindOf("webcam")
	access, _ := KindOf("deliberate-access")
	if camera.Deliberate != access.Deliberate || camera.Care != access.Care || camera.Route != access.Route {
		t.Error("a camera misused is treated otherwise")
	}
	// What staff report of themselves and of the school reaches the head alone.
	for _, v := range []string{"affects-me", "staff-conduct", "whistle"} {
		if k, ok := KindOf(v); !ok || k.Route != StaffConduct {
			t.Errorf("%s does not go to the head", v)
		}
	}
}

func TestACopyCanBeToldFromOneThatWasAltered(t *testing.T) {
	s := newSchool(t)
	lead := s.as(s.lead)
	id := s.report(s.teacher, "bullying")
	s.clock.Advance(time.Minute)
	w, sum, err := s.Export(lead, id, s.version(id), "The next school", "The child moves")
	check(t, err)
	if again, err := checksum(w); err != nil || again != sum {
		t.Errorf("the same copy has another sum: %v", err)
	}
	w.Entries[0].Told.Text += "."
	if altered, _ := checksum(w); altered == sum {
		t.Error("an altered copy has the same sum")
	}
	lines := s.lines(VerbExported)
	if len(lines) != 1 || !strings.Contains(string(lines[0].Detail), sum) || strings.Contains(string(lines[0].Detail), "next school") {
		t.Errorf("the line: %+v", lines)
	}
	// The records behind it: a changed row is found.
	_, err = s.db.Writer().Exec("UPDATE concern_entries SET sealed = sealed || 'x' WHERE concern = $1", id)
	check(t, err)
	rep, err := s.journal.Verify(context.Background())
	check(t, err)
	if rep.Fault == nil {
		t.Error("a row changed behind Belisha's back was not found")
	}
}

func TestTwoAtOnceNeverLoseOne(t *testing.T) {
	s := newSchool(t)
	id := s.report(s.teacher, "bullying")
	v := s.version(id)
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() { errs <- s.Note(s.as(s.lead), id, v, "mine") }()
	}
	kept, stale := 0, 0
	for range cap(errs) {
		switch err := <-errs; {
		case err == nil:
			kept++
		case errors.Is(err, store.ErrStale):
			stale++
		default:
			t.Error(err)
		}
	}
	if kept != 1 || stale != 7 {
		t.Errorf("%d were kept and %d refused", kept, stale)
	}
	forms := make(chan string, 8)
	for range cap(forms) {
		go func() {
			got, err := s.Report(s.as(s.teacher), Report{Form: "at-once", Kind: "bullying", Account: "x", NotKnown: true})
			if err != nil {
				t.Error(err)
			}
			forms <- got.ID
		}()
	}
	first := <-forms
	for range cap(forms) - 1 {
		if other := <-forms; other != first {
			t.Error("one form sent at once made two concerns")
		}
	}
}
