package access_test

import (
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

func TestPasswordAgeIsComputedFromTheAccounts(t *testing.T) {
	s := newSchool(t)
	if f := s.finding("C43"); f.State != control.NotApplicable || f.Reason == "" {
		t.Errorf("off: %+v", f)
	}
	s.set(setting.Value{Key: access.KeyPasswordAge, Duration: 90 * day, Confirmed: true})
	if f := s.finding("C43"); f.State != control.Unknown {
		t.Errorf("no accounts: %+v", f)
	}
	id := s.person(people.Staff, "areed")
	s.person(people.Pupil, "amoss")
	if f := s.finding("C43"); f.State != control.Kept || f.Figure != "0 of 1 passwords older than 90 days" {
		t.Errorf("new: %+v", f)
	}
	s.clock.Advance(85 * day)
	if f := s.finding("C43"); f.State != control.AtRisk {
		t.Errorf("nearly: %+v", f)
	}
	s.clock.Advance(12 * day)
	f := s.finding("C43")
	if f.State != control.Broken || len(f.Rows) != 1 || f.Rows[0].What != "Account of a member of staff, password 97 days old" {
		t.Errorf("old: %+v", f)
	}
	// the old password opens only the change of it
	session, token := s.in("areed", good)
	if st := s.stand(token); !st.MustChange || len(st.Actor.Capabilities()) != 0 {
		t.Errorf("an old password opens %v", st.Actor.Capabilities())
	}
	s.must(s.ChangePassword(s.ctx, id, session.ID, good, "four new long words"))
	if f := s.finding("C43"); f.State != control.Kept {
		t.Errorf("changed: %+v", f)
	}
}

func TestFirstLogonChangeIsComputedFromTheAccounts(t *testing.T) {
	s := newSchool(t)
	if f := s.finding("C44"); f.State != control.Unknown {
		t.Errorf("no accounts: %+v", f)
	}
	id := s.person(people.Staff, "areed")
	if f := s.finding("C44"); f.State != control.Kept {
		t.Errorf("own password: %+v", f)
	}
	temp, err := s.Reset(s.ctx, "areed")
	s.must(err)
	if f := s.finding("C44"); f.State != control.Kept || f.Total != 1 {
		t.Errorf("just given: %+v", f)
	}
	s.clock.Advance(time.Minute)
	session, _ := s.in("areed", temp)
	if f := s.finding("C44"); f.State != control.Broken {
		t.Errorf("signed in and not changed: %+v", f)
	}
	s.must(s.ChangePassword(s.ctx, id, session.ID, temp, "four new long words"))
	if f := s.finding("C44"); f.State != control.Kept {
		t.Errorf("changed: %+v", f)
	}
	temp, err = s.Reset(s.ctx, "areed")
	s.must(err)
	s.clock.Advance(8 * day)
	if f := s.finding("C44"); f.State != control.Broken {
		t.Errorf("lay about: %+v", f)
	}
	if _, _, err := s.try("areed", temp); !refused(err) {
		t.Error("it opens after its time")
	}
	s.sweep()
	if f := s.finding("C44"); f.State != control.Kept || s.verbs(access.VerbExpired) != 1 {
		t.Errorf("taken back: %+v", f)
	}
	s.whole()
}

func TestIdleLockIsMeasuredFromTheSessions(t *testing.T) {
	s := newSchool(t)
	if f := s.finding("C45"); f.State != control.Unknown {
		t.Errorf("nothing measured: %+v", f)
	}
	s.person(people.Staff, "areed")
	_, token := s.in("areed", good)
	s.clock.Advance(4 * time.Minute)
	s.stand(token)
	if f := s.finding("C45"); f.State != control.Kept || !strings.Contains(f.Figure, "4m0s") {
		t.Errorf("used after a pause: %+v", f)
	}
	s.clock.Advance(14 * time.Minute)
	if f := s.finding("C45"); f.State != control.Broken || f.Total != 1 {
		t.Errorf("left open and the task asleep: %+v", f)
	}
	s.sweep()
	if f := s.finding("C45"); f.State != control.Kept || !strings.Contains(f.Figure, "locked: 1") {
		t.Errorf("locked by the task: %+v", f)
	}
	if _, err := s.db.Writer().Exec("UPDATE sessions SET longest_gap = 3600000"); err != nil {
		t.Fatal(err)
	}
	if f := s.finding("C45"); f.State != control.Broken {
		t.Errorf("a session that was answered after an hour: %+v", f)
	}
}
