package concerns

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/people"
)

func (s *school) told(t *testing.T) []journal.Line {
	t.Helper()
	lines, err := s.journal.List(context.Background(), journal.Filter{Limit: 500})
	check(t, err)
	return lines
}

func TestTheJournalNamesNoReporterWhoAttachesSomething(t *testing.T) {
	s := newSchool(t)
	id := s.report(s.teacher, "bullying")
	check(t, s.Attach(s.as(s.teacher), id, ShowsNo, "note.txt", bytes.NewReader([]byte("They sent this."))))
	other := s.report(s.teacher, "bullying")
	check(t, s.Answer(s.as(s.teacher), other, ShowsUnsure))
	for _, l := range s.told(t) {
		if strings.Contains(l.Actor, string(s.teacher)) {
			t.Errorf("%s of %s %s names who reported it", l.Verb, l.Kind, l.ID)
		}
	}
	w, err := s.Open(s.as(s.lead), id)
	check(t, err)
	for _, e := range w.Entries {
		if e.Told.By != "" {
			t.Errorf("the entry %s says that %s wrote it", e.Kind, e.Told.By)
		}
	}
	if len(w.Files) != 1 || w.Files[0].By != "" {
		t.Errorf("%+v", w.Files)
	}
	check(t, s.Attach(s.as(s.lead), id, ShowsNo, "more.txt", bytes.NewReader([]byte("More."))))
	found := false
	for _, l := range s.lines(VerbAttached) {
		found = found || strings.Contains(l.Actor, string(s.lead))
	}
	if !found {
		t.Error("what the lead attached stands in nobody's name")
	}
}

func TestTheJournalTellsApartWhatItsReadersMustNotKnowOf(t *testing.T) {
	s := newSchool(t)
	for kind, want := range map[string]string{"bullying": LineConcern, "staff-conduct": LineStaff, "head": LineHead} {
		who := map[string]people.ID{LineConcern: s.lead, LineStaff: s.head, LineHead: s.chair}[want]
		id := s.report(s.teacher, kind, func(in *Report) { in.People, in.NotKnown = nil, true })
		check(t, s.mayOpen(who, id))
		check(t, s.Note(s.as(who), id, s.version(id), "Looked at."))
		n := 0
		for _, l := range s.told(t) {
			if l.ID != id {
				continue
			}
			if n++; l.Kind != want {
				t.Errorf("%s of %s stands as %s", l.Verb, kind, l.Kind)
			}
		}
		if n != 3 {
			t.Errorf("%s has %d lines", kind, n)
		}
	}
}

func TestASessionLeftOpenTellsNobodyThatSomethingWasTold(t *testing.T) {
	s := newSchool(t)
	h := s.site(t)
	got, err := s.Tell(s.as(s.robin), telling(func(in *Telling) { in.About, in.UseName = "me", true }))
	check(t, err)
	check(t, s.Reply(s.as(s.lead), got.ID, s.version(got.ID), "Come and see me at break."))
	webtest.Get(t, h, "/tell/answer", s.actor(s.robin)).Is(200).HasNot("has been read", "has arrived", "at break")
	webtest.Post(t, h, "/tell/answer", url.Values{"code": {got.Code}}, s.actor(s.robin)).Is(200).Has("Come and see me at break.")
}

func TestOnlyStaffAreToldWhoFitsANameTheyTyped(t *testing.T) {
	s := newSchool(t)
	firm := s.person(people.Contractor, "Otto", "Reyes")
	s.person(people.Pupil, "Robina", "Okafor")
	for name, tc := range map[string]struct {
		who   people.ID
		typed string
		names bool
	}{
		"a teacher is told who fits":               {s.teacher, "Rob", true},
		"a contractor is not":                      {firm, "Rob", false},
		"nor is a governor":                        {s.governor, "O", false},
		"a contractor is not told of a single one": {firm, "Robin Okonj", false},
	} {
		_, err := s.Report(s.as(tc.who), Report{Form: name, Kind: "bullying", Account: "x", People: []Mentioned{{Who: tc.typed}}})
		if err == nil {
			t.Errorf("%s: it was taken", name)
			continue
		}
		if got := strings.Contains(err.Error(), "Okonjo") || strings.Contains(err.Error(), "Okafor"); got != tc.names {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNobodyIsPutIntoACaseByHalfAName(t *testing.T) {
	s := newSchool(t)
	s.person(people.Pupil, "Isabella", "Thorne")
	for typed, taken := range map[string]bool{"Isabel": false, "Isabella": true, "Thorne": true, "isabella thorne": true, "Thorne Isab": false} {
		_, err := s.Report(s.as(s.teacher), Report{Form: typed, Kind: "bullying", Account: "x", People: []Mentioned{{Who: typed}}})
		if (err == nil) != taken {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

func TestEvidenceThatManyReadTellsOfNoSingleCase(t *testing.T) {
	s := newSchool(t)
	id := s.report(s.teacher, "illegal")
	s.clock.Advance(30 * oneDay)
	f := s.control("incidents-triaged")
	if strings.Contains(f.Figure, "1 ") || !strings.Contains(f.Figure, "under 5") {
		t.Errorf("the figure is %q", f.Figure)
	}
	check(t, s.Act(s.as(s.lead), id, s.version(id), Doing{Kind: actPolice, Decision: "no", Reason: "A wrong number"}))
	h := s.site(t)
	s.get(t, h, "/concerns/"+id, s.lead).Is(http.StatusOK)
	for _, c := range s.Controls() {
		f := s.control(c.Slug)
		for _, r := range f.Rows {
			if strings.Contains(r.Link+r.What, id) || strings.Contains(r.What, "1 closed") {
				t.Errorf("%s: %+v", c.Slug, r)
			}
		}
	}
}

func TestNobodyOwesWhatTheyMayNotKnowOf(t *testing.T) {
	s := newSchool(t)
	nobody := func(in *Report) { in.People, in.NotKnown = nil, true }
	s.report(s.teacher, "staff-conduct", nobody)
	s.report(s.teacher, "head", nobody)
	s.clock.Advance(20 * oneDay)
	owners := func() string {
		list, err := s.owedLate(context.Background())
		check(t, err)
		var out []string
		for _, o := range list {
			out = append(out, o.Owner)
		}
		return strings.Join(out, " ")
	}
	if got := owners(); got != string(people.Headteacher) {
		t.Errorf("about staff and the head: %q", got)
	}
	s.report(s.teacher, "grooming", nobody)
	s.report(s.teacher, "bullying", nobody)
	s.clock.Advance(20 * oneDay)
	if got := owners(); got != "safeguarding-lead headteacher" {
		t.Errorf("about children too: %q", got)
	}
}
