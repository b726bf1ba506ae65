package monitoring

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/control"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/people"
)

func TestNamesAreRecordedOnlyAfterTheAssessmentAndTheNotice(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) {
		s := onStore(t, db)
		since, on, err := s.RecordingSince(context.Background())
		check(t, err)
		if on || !since.IsZero() {
			t.Fatal("names are recorded before anybody said so")
		}
		for name, g := range map[string]Grounds{
			"no day of signing":             {Notice: "Letter of 4 September"},
			"no notice":                     {AssessedOn: "2026-09-14"},
			"people are told only later":    {AssessedOn: "2026-09-14", Notice: "Letter of 4 September", ToldOn: "2026-12-01"},
			"a notice that says nothing":    {AssessedOn: "2026-09-14", Notice: "Letter of 4 September", Text: "We watch."},
			"an assessment of the far past": {AssessedOn: "2022-09-14", Notice: "Letter of 4 September"},
		} {
			var bad store.Invalid
			if err := s.StartRecording(s.as(s.head), g); !errors.As(err, &bad) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, id := range map[string]people.ID{"the lead": s.lead, "a monitor": s.monitor, "a pupil": s.pupil} {
			if err := s.StartRecording(s.as(id), Grounds{AssessedOn: "2026-09-14", Notice: "Letter of 4 September"}); !errors.Is(err, store.ErrForbidden) {
				t.Errorf("confirmed by %s: %v", name, err)
			}
		}
		parts := s.Draft()
		parts[0].Text = "Because our pupils asked to be safe online, and because we must."
		x, err := s.SaveAssessment(s.as(s.head), parts, "The governors and the school council", "2027-09-01")
		check(t, err)
		if err := s.StartRecording(s.as(s.head), Grounds{Assessment: 0, AssessedOn: "2026-09-14", Notice: "Letter of 4 September"}); !errors.Is(err, store.ErrStale) {
			t.Errorf("the head confirmed a version that is no longer the newest: %v", err)
		}
		check(t, s.StartRecording(s.as(s.head), Grounds{Assessment: x.Number, AssessedOn: "2026-09-14", Notice: "Letter of 4 September"}))
		if _, on, _ := s.RecordingSince(context.Background()); !on {
			t.Error("names are not recorded after both were confirmed")
		}
		check(t, s.StopRecording(s.as(s.head)))
		if _, on, _ := s.RecordingSince(context.Background()); on {
			t.Error("names are recorded after the head stopped it")
		}
		s.holds()
	})
}

func TestTheDraftSaysWhatThisSchoolDoes(t *testing.T) {
	s := newSchool(t)
	s.d.Live.Publish(s.set(keyNames, "45 days"))
	all := ""
	for _, p := range s.Draft() {
		all += p.Text + "\n"
	}
	for _, want := range []string{"45 days", "30 days", "Childline", "safeguarding lead", "Of staff only the site"} {
		if !strings.Contains(all, want) {
			t.Errorf("the draft does not say %q", want)
		}
	}
	if !strings.Contains(s.NoticeText(), "45 days") {
		t.Error("the notice does not say how long names are kept")
	}
}

func TestTheAssessmentIsWrittenOnItsPageAndLookedAtAgain(t *testing.T) {
	s := newSchool(t)
	site, head := s.site(), s.actor(s.head)
	page := webtest.Get(t, site, "/monitoring/assessment", head).Is(200).Safe().Has("This is the draft", "What could go wrong")
	form := url.Values{"consulted": {"Governors and the staff forum"}, "review-day": {"1"}, "review-month": {"9"}, "review-year": {"2028"}}
	for _, p := range s.Draft() {
		form.Set(p.Key, page.Field(p.Key))
	}
	form.Set("risks", "")
	webtest.Post(t, site, "/monitoring/assessment", form, head).Is(422).Safe().Has("Look at it again within a year.", "Say something about this: what could go wrong.")
	form.Set("risks", "A shared tablet may make one pupil look like another.")
	form.Set("review-year", "2027")
	webtest.Post(t, site, "/monitoring/assessment", form, head).GoesTo("/monitoring/assessment")
	webtest.Get(t, site, "/monitoring/assessment", head).Is(200).Safe().Has("Governors and the staff forum", "1 September 2027", "A shared tablet")
	webtest.Get(t, site, "/monitoring/assessment/1", head).Is(200).Safe().Has("version 1", "A shared tablet")
	webtest.Get(t, site, "/monitoring/assessment/7", head).Is(404)
	record := webtest.Get(t, site, "/monitoring/recording", head).Is(200).Safe().Has("A shared tablet")
	form = url.Values{"version": {record.Field("version")}, "assessed-day": {"20"}, "assessed-month": {"11"}, "assessed-year": {"2026"}, "notice": {"On the web site"}, "text": {record.Field("text")}}
	webtest.Post(t, site, "/monitoring/recording", form, head).GoesTo("/monitoring/recording")
	webtest.Get(t, site, "/monitoring/recording", head).Is(200).Safe().Has("The notice says", "Help services such as Childline", "Version")
	s.clock.Set(time.Date(2027, 8, 20, 9, 0, 0, 0, time.UTC))
	owed, err := s.owedAssessment(context.Background(), s.clock.Now())
	check(t, err)
	if len(owed) != 1 || owed[0].Owner != string(people.Headteacher) {
		t.Errorf("owed: %+v", owed)
	}
}

func TestEachKindOfMonitoringNeedsItsLawfulBasis(t *testing.T) {
	s := newSchool(t)
	f := s.finding("monitoring-basis")
	if f.State != control.Broken || f.Source != control.Attested || f.Total != 1 {
		t.Errorf("signals alone: %+v", f)
	}
	s.ready()
	if f := s.finding("monitoring-basis"); f.State != control.Broken || f.Total != 4 {
		t.Errorf("with names: %+v", f)
	}
	site, head := s.site(), s.actor(s.head)
	webtest.Get(t, site, "/monitoring/bases", head).Is(200).Safe().Has("done, without a basis", "Telephone and voicemail")
	form := url.Values{
		"basis": {"public-task"}, "note": {"Written in our record of processing, sheet 4"}, "reviewer": {"The county's data protection officer"},
		"on-day": {"1"}, "on-month": {"10"}, "on-year": {"2026"}, "next-day": {"1"}, "next-month": {"10"}, "next-year": {"2029"},
	}
	webtest.Post(t, site, "/monitoring/bases", form, head).Is(422).Safe().Has("Choose the kind of monitoring.", "within a year")
	form.Set("next-year", "2027")
	for _, a := range []string{"web", "samples", "alerts", "signals"} {
		form.Set("activity", a)
		webtest.Post(t, site, "/monitoring/bases", form, head).GoesTo("/monitoring/bases")
	}
	if f := s.finding("monitoring-basis"); f.State != control.Kept || !strings.Contains(f.By, "county") {
		t.Errorf("all recorded: %+v", f)
	}
	form.Set("activity", "alerts")
	form.Set("basis", "not-done")
	s.clock.Set(monday.Add(time.Minute))
	webtest.Post(t, site, "/monitoring/bases", form, head).GoesTo("/monitoring/bases")
	if f := s.finding("monitoring-basis"); f.State != control.Broken {
		t.Errorf("a record that says it is not done: %+v", f)
	}
	s.clock.Set(time.Date(2027, 10, 3, 9, 0, 0, 0, time.UTC))
	if f := s.finding("monitoring-basis"); f.State != control.Broken || !strings.Contains(f.Figure, "4 of 4") {
		t.Errorf("a year later: %+v", f)
	}
	if err := s.SaveBasis(s.as(s.monitor), Basis{}); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("entered by a monitor: %v", err)
	}
}

func TestALeaderGetsWhatAMonitorReleasesAndNothingElse(t *testing.T) {
	s := newSchool(t).ready()
	vera := s.person(people.Staff, "Vera", "Toll", people.DeputyHead)
	s.saw(s.visit(), s.visit(worrying), s.visit(func(e *activity.Event) { e.Subject = "s-" + string(s.lead) }))
	site, leader, me := s.site(), s.actor(vera), s.actor(s.monitor)
	form := url.Values{"who": {"Robin Okonjo"}, "purpose": {"safeguarding"}, "why": {""}, "from": {"2026-11-20"}, "to": {"2026-11-23"}}
	webtest.Post(t, site, "/monitoring/releases", form, leader).Is(422).Safe().Has("what it is needed for")
	form.Set("why", "The parents came in about last week")
	webtest.Post(t, site, "/monitoring/releases", form, leader).GoesTo("/monitoring/releases")
	all, err := s.releasesSince(context.Background(), monday.Add(-time.Hour))
	check(t, err)
	path := "/monitoring/releases/" + all[0].ID
	webtest.Get(t, site, path+"/rows.csv", leader).Is(404)
	if items := s.tray(s.monitor); len(items) != 1 || items[0].Link != path {
		t.Errorf("the monitor's tray: %+v", items)
	}
	if err := s.AnswerRelease(leaderCtx(s, vera), all[0].ID, true); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("released by whoever asked: %v", err)
	}
	webtest.Get(t, site, path, me).Is(200).Safe().Has("Robin Okonjo", "The parents came in", "Release it")
	webtest.Post(t, site, path, url.Values{"give": {"yes"}}, me).GoesTo("/monitoring/releases")
	webtest.Get(t, site, path, leader).Is(200).Safe().Has("released", "Fetch it")
	csv := string(webtest.Get(t, site, path+"/rows.csv", leader).Is(200).Body)
	for _, want := range []string{"pond.example", "Robin Okonjo", "Released to Vera Toll", all[0].ID} {
		if !strings.Contains(csv, want) {
			t.Errorf("the part does not say %q:\n%s", want, csv)
		}
	}
	if strings.Contains(csv, "no way out") || strings.Count(csv, "pond.example") != 1 {
		t.Errorf("the part says too much:\n%s", csv)
	}
	if n := len(s.lines(VerbViewed)) + len(s.lines(VerbExported)); n != 1 {
		t.Errorf("%d looks are journalled", n)
	}
	s.is("log-views-have-purpose", control.Kept, "all 1 look")
	webtest.Get(t, site, path+"/rows.csv", me).Is(403)
	s.clock.Set(monday.Add(releaseLasts))
	webtest.Get(t, site, path+"/rows.csv", leader).Is(404)
	s.holds()
}

func leaderCtx(s *school, id people.ID) context.Context { return s.as(id) }

func TestErasingNeedsASecondPersonAndKeepsWhatTheLawNeeds(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) {
		s := onStore(t, db).ready()
		dana := s.person(people.Staff, "Dana", "Lowe", people.DataManager)
		s.saw(s.visit(), s.visit(), s.visit(worrying))
		plan, err := s.Rehearse(s.as(dana), s.pupil)
		check(t, err)
		if plan.Rows != 3 || plan.Open != 1 || plan.Hold != nil {
			t.Errorf("rehearsed: %+v", plan)
		}
		check(t, s.KeepForLaw(s.as(dana), s.pupil, "The police asked in writing, letter of 20 November"))
		var bad store.Invalid
		if _, err := s.AskErasure(s.as(dana), s.pupil, "The parents asked in writing"); !errors.As(err, &bad) || !strings.Contains(bad["person"], "legal reason") {
			t.Errorf("asked in spite of the hold: %v", err)
		}
		check(t, s.LiftHold(s.as(dana), s.pupil))
		x, err := s.AskErasure(s.as(dana), s.pupil, "The parents asked in writing")
		check(t, err)
		check(t, s.erase(context.Background()))
		if n := s.rowsOfPupil(); n != 3 {
			t.Fatalf("%d rows left before anybody allowed it", n)
		}
		if _, err := s.approvals.Decide(s.as(dana), x.Approval, approval.Decision{Yes: true}); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("allowed by whoever asked: %v", err)
		}
		_, err = s.approvals.Decide(s.as(s.head), x.Approval, approval.Decision{Yes: true})
		check(t, err)
		check(t, s.KeepForLaw(s.as(s.head), s.pupil, "A claim came in this morning"))
		check(t, s.erase(context.Background()))
		if n := s.rowsOfPupil(); n != 3 {
			t.Errorf("%d rows left although a hold was made meanwhile", n)
		}
		check(t, s.LiftHold(s.as(s.head), s.pupil))
		check(t, s.erase(context.Background()))
		check(t, s.erase(context.Background()))
		if n := s.rowsOfPupil(); n != 0 {
			t.Errorf("%d rows left", n)
		}
		if items := s.tray(s.lead); len(items) != 1 {
			t.Errorf("what waits for the lead is gone: %+v", items)
		}
		if n := len(s.lines(VerbErased)); n != 1 {
			t.Errorf("journalled %d times", n)
		}
		s.holds()
	})
}

func (s *school) rowsOfPupil() int {
	s.t.Helper()
	events, err := s.memory.Person(context.Background(), "s-"+string(s.pupil), monday.Add(-oneDay), monday.Add(oneDay))
	check(s.t, err)
	return len(events)
}

func TestErasingOnThePages(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(s.visit())
	site, head := s.site(), s.actor(s.head)
	webtest.Get(t, site, "/monitoring/erasure", head).Is(200).Safe().Has("Whose")
	webtest.Post(t, site, "/monitoring/erasure/find", url.Values{"who": {"Zebulon"}}, head).Is(422).Safe().Has("Nobody of that name")
	found := "/monitoring/erasure?person=" + string(s.pupil)
	webtest.Post(t, site, "/monitoring/erasure/find", url.Values{"who": {"okonjo"}}, head).GoesTo(found)
	webtest.Get(t, site, found, head).Is(200).Safe().Has("Robin Okonjo", "1 row", "What stays")
	webtest.Post(t, site, "/monitoring/erasure", url.Values{"person": {string(s.pupil)}, "why": {""}}, head).Is(422).Safe().Has("who asked for it")
	webtest.Post(t, site, "/monitoring/erasure", url.Values{"person": {string(s.pupil)}, "why": {"The parents asked in writing"}}, head).GoesTo("/monitoring/erasure")
	webtest.Get(t, site, "/monitoring/erasure", head).Is(200).Safe().Has("waits for somebody else")
	all, err := s.erasures(context.Background(), `ORDER BY asked_at`)
	check(t, err)
	webtest.Get(t, site, "/monitoring/erasure/"+all[0].ID, head).Is(200).Safe().Has("The parents asked in writing").Link("/approvals/" + all[0].Approval)
	webtest.Post(t, site, "/monitoring/erasure/hold", url.Values{"person": {string(s.pupil)}, "hold": {"A court needs it"}}, head).GoesTo(found)
	webtest.Get(t, site, found, head).Is(200).Safe().Has("Kept for a legal reason", "A court needs it")
	webtest.Post(t, site, "/monitoring/erasure/lift", url.Values{"person": {string(s.pupil)}}, head).GoesTo(found)
	webtest.Get(t, site, "/monitoring/erasure", s.actor(s.monitor)).Is(403)
}

func TestEvidenceIsForThoseWhoMaySeeItAndSaysHowCertain(t *testing.T) {
	s := newSchool(t).ready()
	likely := func(e *activity.Event) { e.Certainty = activity.Likely }
	s.saw(s.visit(), s.visit(likely), s.visit(func(e *activity.Event) { e.Certainty = activity.Unknown }), s.visit(worrying))
	found, err := s.Search(s.as(s.monitor), Asked{})
	check(t, err)
	by := map[string]Seen{}
	for _, r := range found.Rows {
		by[r.Certainty] = r
	}
	for certainty, person := range map[string]people.ID{certaintySure: s.pupil, certaintyLikely: s.pupil, certaintyUnknown: ""} {
		e, err := s.Evidence(s.as(s.monitor), by[certainty].Ref)
		check(t, err)
		if e.Person != person || e.Certainty != certainty || e.Ref != by[certainty].Ref || e.Device != "tablet-9" {
			t.Errorf("%s: %+v", certainty, e)
		}
	}
	if n := len(s.lines(VerbTaken)); n != 3 {
		t.Errorf("%d takings are journalled", n)
	}
	signal := "signal:" + s.tray(s.lead)[0].Key
	e, err := s.Evidence(s.as(s.lead), signal)
	check(t, err)
	if e.Person != s.pupil || e.Certainty != certaintySure || e.Theme != "self-harm" || e.Words != "no way out" {
		t.Errorf("the signal: %+v", e)
	}
	open, err := s.openSignals(context.Background())
	check(t, err)
	rows, err := s.Around(s.as(s.lead), open[0])
	check(t, err)
	distress := ""
	for _, r := range rows {
		if r.Flagged {
			distress = r.Ref
		}
	}
	for name, c := range map[string]struct {
		who people.ID
		ref string
	}{
		"a monitor and a signal": {s.monitor, signal}, "the head and a signal": {s.head, signal}, "the pupil and a row": {s.pupil, by[certaintySure].Ref},
		"a monitor and a row of distress": {s.monitor, distress}, "the head and a row": {s.head, by[certaintySure].Ref},
		"nobody's reference": {s.monitor, "row:nonsense"}, "a kind that is none": {s.lead, "case:1"}, "an empty one": {s.lead, ""},
	} {
		if e, err := s.Evidence(s.as(c.who), c.ref); !errors.Is(err, store.ErrForbidden) && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	s.clock.Set(monday.Add(time.Hour)) // the purpose ran out
	if _, err := s.Evidence(s.as(s.monitor), by[certaintySure].Ref); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("without a purpose: %v", err)
	}
}

func TestRowsAndSignalsLeadToAConcernWhereConcernsAreOpen(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(s.visit(), s.visit(worrying))
	found, err := s.Search(s.as(s.monitor), Asked{})
	check(t, err)
	link := "/concerns/new?from=" + url.QueryEscape(found.Rows[0].Ref)
	webtest.Get(t, s.site(), "/monitoring/activity", s.actor(s.monitor)).Is(200).Safe().Link(link)
	key := s.tray(s.lead)[0].Key
	webtest.Get(t, s.site(), "/monitoring/signals/"+key, s.actor(s.lead)).Is(200).Safe().Link("/concerns/new?from=" + url.QueryEscape("signal:"+key))
	s.d.Cases = nil
	webtest.Get(t, s.site(), "/monitoring/activity", s.actor(s.monitor)).Is(200).Safe().NoLink(link)
}

func TestTrendsCountByMonthAndLeaveOutWhatWasNoConcern(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(s.visit(worrying))
	open, err := s.openSignals(context.Background())
	check(t, err)
	trends, err := s.Trends(context.Background(), monday.AddDate(0, -2, 0), monday.AddDate(0, 0, 1))
	check(t, err)
	if n := len(trends[0].Points); n != 3 || trends[0].Points[2].N != 1 || !trends[0].Pupils {
		t.Fatalf("trends: %+v", trends[0])
	}
	sig, err := s.OpenSignal(s.as(s.lead), open[0].ID)
	check(t, err)
	check(t, s.CloseSignal(s.as(s.lead), sig.ID, outcomeNoConcern, "", sig.Version))
	if trends, err = s.Trends(context.Background(), monday.AddDate(0, -2, 0), monday.AddDate(0, 0, 1)); err != nil || trends[0].Points[2].N != 0 {
		t.Errorf("trends: %+v, %v", trends[0], err)
	}
}

func TestWhatWasReleasedIsPartOfWhatIsHeldAboutAPerson(t *testing.T) {
	s := newSchool(t).ready()
	x, err := s.AskRelease(s.as(s.head), Release{Person: s.pupil, Purpose: "safeguarding", Why: "The parents came in", From: "2026-11-20", To: "2026-11-23"})
	check(t, err)
	check(t, s.AnswerRelease(s.as(s.monitor), x.ID, true))
	held, err := s.Holds(context.Background(), s.pupil)
	check(t, err)
	if len(held) != 1 || !strings.Contains(held[0].Facts[0].Value, "20 November 2026 to 23 November 2026") {
		t.Errorf("held: %+v", held)
	}
}

func TestARecordingFromBeforeTheTextWasKeptGoesOnAndIsAskedFor(t *testing.T) {
	s := newSchool(t)
	check(t, s.d.DB.Write(s.as(s.head), func(tx *store.Tx) error {
		return insertRecording(context.Background(), tx, Recording{ID: "old", ConfirmedAt: monday, ConfirmedBy: "person:" + string(s.head), AssessedOn: "2026-09-14", Notice: "Letter home"})
	}))
	if _, on, err := s.RecordingSince(context.Background()); err != nil || !on {
		t.Errorf("the head's word of before counts no more: %v", err)
	}
	owed, err := s.owedAssessment(context.Background(), monday)
	check(t, err)
	if len(owed) != 1 || owed[0].Link != pathAssess {
		t.Errorf("owed: %+v", owed)
	}
	webtest.Get(t, s.site(), "/monitoring/recording", s.actor(s.head)).Is(200).Safe().Has("Signed on paper")
}
