package porter_test

import (
	"net/netip"
	"testing"
	"time"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

var here = netip.MustParseAddr("127.0.0.1")

func judge(w *gatetest.World, host string) porter.Answer {
	who := w.Porter.Who(here, nil)
	return w.Porter.Judge(&who, porter.Question{Door: verdict.DoorProxy, Host: host, Path: "/", Port: 80})
}

// present puts rows behind the address, and nobody else.
func present(t *testing.T, w *gatetest.World, rows ...subject.Row) {
	t.Helper()
	for i := range rows {
		r := &rows[i]
		r.Address, r.Certainty = here, spool.Sure
		r.Subject = r.ID
		if r.Ends.IsZero() {
			r.SignedUntil, r.Ends = gatetest.Noon.Add(48*time.Hour), gatetest.Noon.Add(48*time.Hour)
		}
	}
	if err := w.Table.Apply(subject.Push{Number: 1, Full: true, Rows: rows}, w.Clock.Now()); err != nil {
		t.Fatal(err)
	}
}

func TestAReminderComesOnceADay(t *testing.T) {
	w := gatetest.New(t)
	present(t, w, subject.Row{ID: "p", Groups: []string{"pupils"}, Agreement: subject.AgreementRemind})
	remind := func(host string) bool {
		a := judge(w, host)
		return w.Porter.Remind(&a)
	}
	for _, c := range []struct {
		name string
		host string
		days int
		want bool
	}{
		{"never in place of help", gatetest.HelpHost, 0, false},
		{"never in place of a block", "bad.test", 0, false},
		{"the first page of the day", "ok.test", 0, true},
		{"the next one", "other.test", 0, false},
		{"the first page of the next day", "ok.test", 1, true},
	} {
		w.Clock.Set(gatetest.Noon.AddDate(0, 0, c.days))
		if got := remind(c.host); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	present(t, w, subject.Row{ID: "q", Groups: []string{"pupils"}})
	if remind("ok.test") {
		t.Error("who has signed was reminded")
	}
}

func TestSeveralPeopleAtOneAddressAreAsStrictAsTheStrictestAndItSaysSo(t *testing.T) {
	w := gatetest.New(t)
	r := gatetest.Rules()
	r.Groups = append(r.Groups, verdict.Group{Slug: "youngest", UnlistedClosed: true, KnownOnly: true})
	w.Porter.Use(gatetest.Snapshot(t, r))
	staff, pupil := subject.Row{ID: "s", Groups: []string{"staff"}}, subject.Row{ID: "p", Groups: []string{"pupils"}}
	for _, c := range []struct {
		name string
		rows []subject.Row
		host string
		want verdict.Action
	}{
		{"staff alone may play", []subject.Row{staff}, "game.test", verdict.Allow},
		{"staff beside a pupil may not", []subject.Row{staff, pupil}, "game.test", verdict.Block},
		{"two of staff are held to what everybody is", []subject.Row{staff, {ID: "s2", Groups: []string{"staff"}}}, "game.test", verdict.Block},
		{"a pupil beside staff opens what is on no list", []subject.Row{staff, pupil}, "ok.test", verdict.Allow},
		{"beside one of the youngest nobody does", []subject.Row{staff, {ID: "y", Groups: []string{"youngest"}}}, "ok.test", verdict.Block},
		{"nor beside somebody of a group that is not known", []subject.Row{staff, {ID: "x", Groups: []string{"gone"}}}, "ok.test", verdict.Block},
	} {
		present(t, w, c.rows...)
		a := judge(w, c.host)
		if a.Verdict.Action != c.want {
			t.Errorf("%s: %s", c.name, a.Verdict.Action)
		}
		if got := a.Explain().Several; got != (len(c.rows) > 1) {
			t.Errorf("%s: several people, it says, is %v", c.name, got)
		}
	}
}

func TestATimeFarAheadIsForgottenWhenTheClockIsPutRight(t *testing.T) {
	w := gatetest.New(t)
	w.Clock.Set(gatetest.Noon.AddDate(2, 0, 0)) // a machine that woke up in another year
	judge(w, "ok.test")
	w.Clock.Set(gatetest.Noon)
	w.Porter.High() // as the gate asks before it takes who is there
	present(t, w, subject.Row{ID: "s", Groups: []string{"staff"}})
	if a := judge(w, "game.test"); !a.Allowed() {
		t.Error("nobody can sign in until that year has come")
	}
	w.Clock.Set(gatetest.Noon.Add(-time.Hour))
	if !w.Porter.High().Equal(gatetest.Noon) {
		t.Errorf("an hour back, what has ended goes by %s", w.Porter.High())
	}
}

func TestAPauseGoesByTheStricterTime(t *testing.T) {
	w := gatetest.New(t)
	present(t, w, subject.Row{ID: "p", Groups: []string{"pupils"}, PausedUntil: gatetest.Noon.Add(10 * time.Minute)})
	if a := judge(w, "ok.test"); a.Verdict.Reason != verdict.ReasonPaused {
		t.Fatalf("%+v", a.Verdict)
	}
	w.Clock.Advance(11 * time.Minute)
	if a := judge(w, "ok.test"); !a.Allowed() {
		t.Errorf("after the pause: %+v", a.Verdict)
	}
	w.Clock.Advance(-5 * time.Minute)
	if a := judge(w, "ok.test"); a.Verdict.Reason != verdict.ReasonPaused {
		t.Errorf("the clock says that the pause still runs: %+v", a.Verdict)
	}
}
