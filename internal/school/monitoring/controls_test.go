package monitoring

import (
	"context"
	"strings"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// finding runs one control now.
func (s *school) finding(slug string) control.Finding {
	s.t.Helper()
	for _, c := range s.Controls() {
		if c.Slug == slug {
			f, err := c.Check(context.Background(), s.clock.Now(), s.values())
			check(s.t, err)
			return f
		}
	}
	s.t.Fatalf("no control %s", slug)
	return control.Finding{}
}

func (s *school) is(slug string, state control.State, figure string) control.Finding {
	s.t.Helper()
	f := s.finding(slug)
	if f.State != state || !strings.Contains(f.Figure, figure) {
		s.t.Errorf("%s is %q, %q; want %q, %q", slug, f.State, f.Figure, state, figure)
	}
	if f.Source != control.Measured || f.Rule == "" || f.By == "" {
		s.t.Errorf("%s does not say what measured it: %+v", slug, f)
	}
	return f
}

// beat signs the filter's life every minute from one moment to another.
func (s *school) beat(from, to time.Time) {
	s.t.Helper()
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		check(s.t, s.memory.Heartbeat(context.Background(), "main", people.MainSite, at, 0))
	}
}

func TestTheRecordIsCompleteOnlyWithoutAGap(t *testing.T) {
	s := newSchool(t)
	at := func(h, m int) time.Time { return time.Date(2026, 11, 23, h, m, 0, 0, time.UTC) }
	s.is("log-complete", control.Unknown, "nothing has been recorded")
	s.beat(at(8, 30), at(8, 31))
	s.clock.Set(at(8, 31))
	s.is("log-complete", control.Unknown, "only just begun")
	s.beat(at(8, 31), at(9, 0))
	s.clock.Set(at(9, 0))
	s.is("log-complete", control.Kept, "no gap")
	s.clock.Set(at(9, 11))
	s.is("log-complete", control.Kept, "no gap") // not yet over ten minutes
	s.clock.Set(at(9, 20))
	f := s.is("log-complete", control.Broken, "1 gap")
	if len(f.Rows) != 1 || !strings.Contains(f.Rows[0].What, "from 09:00") {
		t.Errorf("the gap is told as %+v", f.Rows)
	}
	// Visits show that the filter lives, signs or no signs.
	for m := 0; m < 20; m += 5 {
		check(t, s.memory.Append(context.Background(), []activity.Event{s.visit(func(e *activity.Event) { e.At = at(9, m) })}))
	}
	s.is("log-complete", control.Kept, "no gap")
	s.beat(at(9, 20), at(15, 30))
	s.clock.Set(at(23, 0)) // the night is no gap
	s.is("log-complete", control.Kept, "no gap")
	check(t, s.memory.Heartbeat(context.Background(), "main", people.MainSite, at(12, 0), 1204))
	s.is("log-complete", control.AtRisk, "1,204")
}

func TestTheListIsCurrentOnlyWhileItIsTheSameAndConfirmed(t *testing.T) {
	s := newSchool(t)
	s.is("monitor-list-current", control.Broken, "never confirmed")
	s.confirm()
	s.is("monitor-list-current", control.Kept, "1 monitor, confirmed")
	s.person(people.Staff, "Nell", "Ashdown", people.Monitor)
	f := s.is("monitor-list-current", control.Broken, "1 name differs")
	if len(f.Rows) != 2 {
		t.Errorf("the evidence is %+v, want a row for each of two", f.Rows)
	}
	s.clock.Set(monday.Add(time.Minute))
	s.confirm()
	s.clock.Set(monday.AddDate(0, 0, 340))
	s.is("monitor-list-current", control.AtRisk, "confirmed")
	s.clock.Set(monday.AddDate(0, 0, 370))
	s.is("monitor-list-current", control.Broken, "ago")
}

func TestALookWithoutAPurposeIsFound(t *testing.T) {
	s := newSchool(t).ready()
	s.is("log-views-have-purpose", control.Kept, "nobody looked")
	for range 3 {
		_, err := s.Search(s.as(s.monitor), Asked{})
		check(t, err)
	}
	s.is("log-views-have-purpose", control.Kept, "all 3 looks")
	// Somebody who looks past the page, under a purpose of somebody else.
	other := s.person(people.Staff, "Nell", "Ashdown", people.Monitor)
	p, err := s.purpose(s.as(s.monitor))
	check(t, err)
	check(t, s.look(s.as(other), p, lookSearch, 4, nil))
	f := s.is("log-views-have-purpose", control.Broken, "1 of 4 looks")
	if len(f.Rows) != 1 || f.Rows[0].Link == "" {
		t.Errorf("the evidence is %+v", f.Rows)
	}
	check(t, s.d.DB.Write(context.Background(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(context.Background(), `DELETE FROM monitoring_looks WHERE rows_n = 0`)
		return err
	}))
	s.is("log-views-have-purpose", control.Broken, "4 of 4 looks")
}

// leaky is a table that gives pupils too much.
type leaky struct{}

func (leaky) CanEver(_ people.Kind, c actor.Capability) bool { return c == MayExport }

func TestAWayInForPupilsIsFound(t *testing.T) {
	s := newSchool(t)
	s.is("pupils-cannot-read-logs", control.Kept, "closed to every pupil")
	s.d.Matrix = leaky{}
	s.is("pupils-cannot-read-logs", control.Broken, "1 way in")
}
