package monitoring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/people"
)

// used is a day of a school: so many visits in the hours before now.
func (s *school) used(n int, change ...func(*activity.Event)) {
	s.t.Helper()
	if later := monday.Add(2 * time.Hour); s.clock.Now().Before(later) {
		s.clock.Set(later) // after names began to be recorded
	}
	var events []activity.Event
	for i := range n {
		e := s.visit(change...)
		e.At = s.clock.Now().Add(-time.Duration(i%90+1) * time.Minute)
		e.Host = fmt.Sprintf("site%d.example", i)
		events = append(events, e)
	}
	s.saw(events...)
}

// drawNow lets the clock run to the planned moment and draws.
func (s *school) drawNow() Draw {
	s.t.Helper()
	check(s.t, s.DrawDue(context.Background()))
	all, err := s.draws(context.Background(), time.Time{})
	check(s.t, err)
	if len(all) == 0 {
		s.t.Fatal("no draw was planned")
	}
	if all[0].Planned.After(s.clock.Now()) {
		s.clock.Set(all[0].Planned)
	}
	check(s.t, s.DrawDue(context.Background()))
	d, err := s.drawByID(context.Background(), all[0].ID)
	check(s.t, err)
	return d
}

// looking gives the monitor a purpose at this moment.
func (s *school) looking(id people.ID) context.Context {
	s.t.Helper()
	_, err := s.GivePurpose(s.as(id), "standards", "Judging the weekly sample")
	check(s.t, err)
	return s.as(id)
}

func TestASampleIsDrawnOnceAPeriodAtAMomentNobodyIsTold(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) {
		s := onStore(t, db).ready()
		s.used(120)
		check(t, s.DrawDue(context.Background()))
		planned := s.lines(VerbDrawPlanned)
		if len(planned) != 1 || strings.Contains(string(planned[0].Detail), "planned_at") {
			t.Fatalf("planned: %+v", planned)
		}
		for range 5 {
			check(t, s.DrawDue(context.Background()))
		}
		d := s.drawNow()
		if d.Rows != 20 || d.Judged != 0 || d.Pool < 100 {
			t.Errorf("drawn %d rows of %d", d.Rows, d.Pool)
		}
		seed, err := hex.DecodeString(d.Seed)
		check(t, err)
		promise := sha256.Sum256(seed)
		if !strings.Contains(string(planned[0].Detail), hex.EncodeToString(promise[:])) {
			t.Error("the journal did not promise this seed before the draw")
		}
		for range 3 {
			s.clock.Set(s.clock.Now().Add(time.Hour))
			check(t, s.DrawDue(context.Background()))
		}
		if n := len(s.lines(VerbDrawn)); n != 1 {
			t.Errorf("drawn %d times in one week", n)
		}
		s.holds()
	})
}

func TestTheSeedAloneDecidesWhichRowsAreDrawn(t *testing.T) {
	s := newSchool(t).ready()
	s.used(90)
	d := s.drawNow()
	first, err := s.drawRows(context.Background(), `WHERE draw = $1 ORDER BY place`, d.ID)
	check(t, err)
	minutes, err := s.memory.Minutes(context.Background(), "", d.From, d.To)
	check(t, err)
	c, err := s.people.Calendar(context.Background(), people.MainSite)
	check(t, err)
	var starts []time.Time
	var sums []uint64
	pool := uint64(0)
	for _, m := range minutes {
		if m.Events > 0 && c.SchoolHours(m.At) {
			pool += m.Events
			starts, sums = append(starts, m.At), append(sums, pool)
		}
	}
	again, err := s.pick(context.Background(), d, starts, sums)
	check(t, err)
	other := d
	other.Seed = strings.Repeat("07", 32)
	others, err := s.pick(context.Background(), other, starts, sums)
	check(t, err)
	same, sameOther := 0, 0
	for i, k := range again {
		if k.ref() == first[i].key.ref() {
			same++
		}
		if i < len(others) && others[i].ref() == k.ref() {
			sameOther++
		}
	}
	if same != len(first) || sameOther == len(first) {
		t.Errorf("the same seed gave %d of %d rows again, another seed %d", same, len(first), sameOther)
	}
}

func TestWhatIsForTheSafeguardingLeadAndHelpServicesAreNeverDrawn(t *testing.T) {
	s := newSchool(t).ready()
	s.used(60, worrying)
	s.used(40, func(e *activity.Event) { e.Action, e.Host = activity.Support, "help.example" })
	s.used(3)
	d := s.drawNow()
	if d.Rows != 3 {
		t.Errorf("%d rows drawn, want the 3 that are no alert and no help service", d.Rows)
	}
}

func TestNothingIsDrawnWhileNamesAreNotRecordedOrOutOfSchool(t *testing.T) {
	s := newSchool(t)
	s.confirm()
	check(t, s.DrawDue(context.Background()))
	if n := len(s.lines(VerbDrawPlanned)); n != 0 {
		t.Error("a sample was planned although nothing is kept")
	}
	s.is("random-review", control.Unknown, "names are not recorded")
	check(t, s.ConfirmRecording(s.as(s.head), "2026-09-14", "Letter of 4 September"))
	s.clock.Set(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)) // a Saturday: no school hours are left
	check(t, s.DrawDue(context.Background()))
	if n := len(s.lines(VerbDrawPlanned)); n != 0 {
		t.Error("a sample was planned for a weekend")
	}
}

func TestEachRowIsJudgedAndNobodyIsNamedBefore(t *testing.T) {
	s := newSchool(t).ready()
	s.d.Live.Publish(s.set(keyDrawSize, "5"))
	s.used(30)
	d := s.drawNow()
	if _, _, _, err := s.OpenDraw(s.as(s.monitor), d.ID, 0, 10); !errors.Is(err, ErrNoPurpose) {
		t.Errorf("opened without a purpose: %v", err)
	}
	ctx := s.looking(s.monitor)
	_, rows, _, err := s.OpenDraw(ctx, d.ID, 0, 10)
	check(t, err)
	for _, r := range rows {
		if r.Seen.Name != "" || r.Seen.Person != "" || r.Seen.Where != "" || r.Seen.Host == "" {
			t.Errorf("before a finding the row shows %+v", r.Seen)
		}
	}
	if _, err := s.Judge(ctx, rows[0].ID, "guilty", 1); err == nil {
		t.Error("a finding that nobody knows was kept")
	}
	_, err = s.Judge(ctx, rows[0].ID, FoundInappropriate, 1)
	check(t, err)
	if _, err := s.Judge(ctx, rows[0].ID, FoundFine, 1); !errors.Is(err, store.ErrStale) {
		t.Errorf("an older page changed a finding: %v", err)
	}
	_, rows, _, err = s.OpenDraw(ctx, d.ID, 0, 10)
	check(t, err)
	if r := rows[0]; r.Seen.Name != "Robin Okonjo" || r.Seen.How != howSure {
		t.Errorf("after a finding the row shows %q, %q", r.Seen.Name, r.Seen.How)
	}
	for _, r := range rows[1:] {
		_, err := s.Judge(ctx, r.ID, FoundFine, r.Version)
		check(t, err)
	}
	s.is("random-review", control.Kept, "the last 1 judged")
	s.is("findings-followed", control.Broken, "under 5 without a case, of under 5 found")
	s.cases = map[string]string{rows[0].Ref(): "/concerns/1"}
	s.is("findings-followed", control.Kept, "all followed up, of under 5")
	if _, err := s.Judge(ctx, rows[1].ID, FoundFollowUp, 2); !errors.Is(err, store.ErrStale) {
		t.Errorf("a complete sample was changed: %v", err)
	}
	s.holds()
}

func TestARowOfTheMonitorsOwnIsForAnotherMonitor(t *testing.T) {
	s := newSchool(t)
	other := s.person(people.Staff, "Nell", "Ashdown", people.Monitor)
	s.ready()
	s.used(10, func(e *activity.Event) { e.Subject, e.Group = "s-"+string(s.monitor), "staff" })
	d := s.drawNow()
	ctx := s.looking(s.monitor)
	_, rows, _, err := s.OpenDraw(ctx, d.ID, 0, 10)
	check(t, err)
	if !rows[0].Own {
		t.Fatal("the monitor's own row is not marked")
	}
	if _, err := s.Judge(ctx, rows[0].ID, FoundFine, 1); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("judged by whose row it is: %v", err)
	}
	_, err = s.Judge(s.looking(other), rows[0].ID, FoundFine, 1)
	check(t, err)
}

func TestASampleThatIsMissedOrLateIsNotKept(t *testing.T) {
	s := newSchool(t).ready()
	s.used(30)
	s.drawNow()
	s.is("random-review", control.Unknown, "no sample has been judged")
	s.clock.Set(monday.AddDate(0, 0, 16))
	s.is("random-review", control.Broken, "never drawn") // the week between had school and no sample
	f := s.finding("random-review")
	late := false
	for _, r := range f.Rows {
		late = late || strings.Contains(r.What, "not judged in time")
	}
	if !late {
		t.Errorf("the sample that nobody judged is told as %+v", f.Rows)
	}
	owed, err := s.owedSamples(context.Background(), s.clock.Now())
	check(t, err)
	if len(owed) != 1 || owed[0].Owner != string(people.Monitor) || strings.Contains(owed[0].What, "Robin") {
		t.Errorf("owed: %+v", owed)
	}
}

func TestARowThatIsNoConcernLeavesTheTimeline(t *testing.T) {
	s := newSchool(t).ready()
	s.used(1)
	d := s.drawNow()
	ctx := s.looking(s.monitor)
	day, err := s.Timeline(ctx, s.pupil, "2026-11-23")
	check(t, err)
	if len(day.Rows) != 1 {
		t.Fatalf("%d rows before", len(day.Rows))
	}
	_, rows, _, err := s.OpenDraw(ctx, d.ID, 0, 10)
	check(t, err)
	_, err = s.Judge(ctx, rows[0].ID, FoundNoConcern, 1)
	check(t, err)
	if day, err = s.Timeline(ctx, s.pupil, "2026-11-23"); err != nil || len(day.Rows) != 0 {
		t.Errorf("%d rows after, %v", len(day.Rows), err)
	}
}

func TestASampleIsJudgedOnItsPages(t *testing.T) {
	s := newSchool(t).ready()
	s.d.Live.Publish(s.set(keyDrawSize, "12"))
	s.used(40)
	site, me := s.site(), s.actor(s.monitor)
	webtest.Get(t, site, "/monitoring/samples", me).Is(200).Safe().Has("No sample was drawn yet", "HMAC-SHA256")
	d := s.drawNow()
	path := "/monitoring/samples/" + d.ID
	webtest.Get(t, site, path, me).GoesTo("/monitoring/purpose?" + url.Values{"to": {path}}.Encode())
	s.looking(s.monitor)
	webtest.Get(t, site, "/monitoring/samples", me).Is(200).Safe().Has("0 of 12", "to be judged").Link(path)
	webtest.Get(t, site, "/monitoring/samples", s.actor(s.head)).Is(200).Safe().Has("0 of 12").NoLink(path)
	page := webtest.Get(t, site, path, me).Is(200).Safe().Has("Row 1", "Row 10", "Next", d.Seed).HasNot("Robin", "tablet-9", "Row 11")
	form := url.Values{"after": {"0"}}
	for i := 1; i <= 10; i++ {
		n := fmt.Sprint(i)
		form.Set("row-"+n, page.Field("row-"+n))
		form.Set("version-"+n, page.Field("version-"+n))
		form.Set("finding-"+n, FoundFine)
	}
	form.Set("finding-3", FoundFollowUp)
	webtest.Post(t, site, path, form, me).GoesTo(path)
	webtest.Get(t, site, path, me).Is(200).Safe().Has("10 of 12", "Robin Okonjo, signed in", "Log a concern from this row")
	second := webtest.Get(t, site, path+"?after=10", me).Is(200).Safe().Has("Row 11", "Row 12").HasNot("Row 10 ")
	form = url.Values{"after": {"10"}}
	for _, n := range []string{"11", "12"} {
		form.Set("row-"+n, second.Field("row-"+n))
		form.Set("version-"+n, "1")
		form.Set("finding-"+n, FoundNoConcern)
	}
	webtest.Post(t, site, path, form, me).GoesTo(path + "?after=10")
	webtest.Get(t, site, "/monitoring/samples", me).Has("12 of 12", "complete")
	webtest.Get(t, site, "/monitoring/samples/none", me).Is(404)
}

func TestADrawOfTenThousandRowsIsQuickEnough(t *testing.T) {
	s := newSchool(t).ready()
	for range 10 {
		s.used(1000)
	}
	check(t, s.DrawDue(context.Background()))
	if d := s.drawNow(); d.Rows != 20 || d.Pool < 9000 {
		t.Errorf("%d rows of %d", d.Rows, d.Pool)
	}
	if lines, err := s.d.Journal.List(context.Background(), journal.Filter{Verbs: []journal.Verb{VerbDrawn}}); err != nil || len(lines) != 1 {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}

func TestASampleOfNothingIsNoEvidence(t *testing.T) {
	s := newSchool(t).ready()
	if d := s.drawNow(); d.Rows != 0 || !d.Complete() {
		t.Fatalf("drawn: %+v", d)
	}
	s.is("random-review", control.AtRisk, "nothing to draw from")
}
