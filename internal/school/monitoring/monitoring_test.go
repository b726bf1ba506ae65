package monitoring

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

func TestNobodyLooksWithoutAPurpose(t *testing.T) {
	s := newSchool(t)
	s.confirm()
	check(t, s.ConfirmRecording(s.as(s.head), "2026-09-14", "Letter of 4 September"))
	s.saw(s.visit())
	ctx := s.as(s.monitor)
	if _, err := s.Search(ctx, Asked{}); !errors.Is(err, ErrNoPurpose) {
		t.Errorf("a search without a purpose: %v", err)
	}
	if _, err := s.Timeline(ctx, s.pupil, "2026-11-23"); !errors.Is(err, ErrNoPurpose) {
		t.Errorf("a timeline without a purpose: %v", err)
	}
	if _, err := s.Copy(ctx, Asked{}); !errors.Is(err, ErrNoPurpose) {
		t.Errorf("a copy without a purpose: %v", err)
	}
	if n := len(s.lines(VerbViewed)); n != 0 {
		t.Errorf("%d looks are journalled, though nothing was shown", n)
	}
}

func TestOnlyListedMonitorsMayLook(t *testing.T) {
	s := newSchool(t).ready()
	late := s.person(people.Staff, "Nell", "Ashdown", people.Monitor)
	twice := s.person(people.Staff, "Ivo", "Larch", people.Monitor, people.Headteacher)
	pupil := s.actor(s.pupil)
	pupil = actor.New(pupil, MayRead, MayExport, MayTray, MayConfirm) // a record that claims too much
	for name, ctx := range map[string]context.Context{
		"a monitor whom the head has not confirmed": s.as(late),
		"a head who is not on the list":             s.as(twice),
		"the safeguarding lead":                     s.as(s.lead),
		"a pupil with every capability":             actor.With(context.Background(), pupil),
		"nobody":                                    context.Background(),
		"a console":                                 actor.With(context.Background(), actor.New(actor.Actor{ID: "console:x", Kind: actor.Console}, MayRead)),
	} {
		if _, err := s.GivePurpose(ctx, "safeguarding", "I would like to see"); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("%s could give a purpose: %v", name, err)
		}
		if _, err := s.Search(ctx, Asked{}); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("%s could search: %v", name, err)
		}
		if _, err := s.Blocked(ctx, 7); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("%s could see what was blocked: %v", name, err)
		}
	}
	if _, err := s.Search(s.as(s.monitor), Asked{}); err != nil {
		t.Errorf("a listed monitor with a purpose is refused: %v", err)
	}
}

func TestAPolicyThatNamesPostsKeepsOthersOut(t *testing.T) {
	s := newSchool(t).ready()
	next := s.set(keyAuthorised, "head teacher and business manager")
	step, err := s.Prepare(context.Background(), next)
	check(t, err)
	if len(step.Preview()) != 1 || step.Preview()[0].Count != 1 {
		t.Errorf("the preview says %+v, want one monitor shut out", step.Preview())
	}
	s.d.Live.Publish(next)
	if _, err := s.Search(s.as(s.monitor), Asked{}); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a monitor without one of the posts: %v", err)
	}
	_, err = s.people.Appoint(actor.With(context.Background(), actor.Belisha("test")), people.Holder{Person: s.monitor, Post: people.BusinessManager})
	check(t, err)
	if _, err := s.Search(s.as(s.monitor), Asked{}); err != nil {
		t.Errorf("a monitor with one of the posts: %v", err)
	}
}

func TestAPurposeCountsForItsTimeAndItsSession(t *testing.T) {
	s := newSchool(t).ready()
	ctx := s.as(s.monitor)
	ask := func(ctx context.Context) error { _, err := s.Search(ctx, Asked{}); return err }
	s.clock.Set(monday.Add(29 * time.Minute))
	check(t, ask(ctx))
	s.clock.Set(monday.Add(30 * time.Minute))
	if err := ask(ctx); !errors.Is(err, ErrNoPurpose) {
		t.Errorf("after half an hour: %v", err)
	}
	s.clock.Set(monday.Add(-time.Hour))
	if err := ask(ctx); !errors.Is(err, ErrNoPurpose) {
		t.Errorf("with the clock set back: %v", err)
	}
	s.clock.Set(monday)
	other := s.actor(s.monitor)
	other.Session = "another"
	if err := ask(actor.With(context.Background(), other)); !errors.Is(err, ErrNoPurpose) {
		t.Errorf("in another session: %v", err)
	}
	s.d.Live.Publish(s.set(keyPurposes, "preventing or detecting crime"))
	if err := ask(ctx); !errors.Is(err, ErrNoPurpose) {
		t.Errorf("after the policy took the purpose away: %v", err)
	}
}

func TestAPurposeNeedsAReasonAndIsOneOfTheSchools(t *testing.T) {
	s := newSchool(t)
	s.confirm()
	var bad store.Invalid
	_, err := s.GivePurpose(s.as(s.monitor), "curiosity", "  ")
	if !errors.As(err, &bad) || bad["purpose"] == "" || bad["reason"] == "" {
		t.Errorf("got %v, want both the purpose and the reason refused", err)
	}
	_, err = s.GivePurpose(s.as(s.monitor), "crime", strings.Repeat("x", maxReason+1))
	if !errors.As(err, &bad) || bad["reason"] == "" {
		t.Errorf("got %v, want the endless reason refused", err)
	}
}

func TestEachLookIsJournalledWithItsPurposeAndQuestion(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) {
		s := onStore(t, db).ready()
		s.saw(s.visit(), s.visit(func(e *activity.Event) { e.Host = "news.example" }))
		ctx := s.as(s.monitor)
		found, err := s.Search(ctx, Asked{Who: "okonjo", Host: "pond.example"})
		check(t, err)
		if len(found.Rows) != 1 || found.Rows[0].Name != "Robin Okonjo" || found.Rows[0].How != howSure {
			t.Errorf("found %+v, want one row of Robin Okonjo, signed in", found.Rows)
		}
		_, err = s.Timeline(ctx, s.pupil, "2026-11-23")
		check(t, err)
		_, err = s.Copy(ctx, Asked{})
		check(t, err)
		lines := slices.Concat(s.lines(VerbExported), s.lines(VerbViewed))
		if len(lines) != 3 {
			t.Fatalf("%d looks are journalled, want 3", len(lines))
		}
		search := lines[2]
		for _, want := range []string{`"purpose":"safeguarding"`, `"rows":"1"`, `"asked name":"okonjo"`, `"asked site":"pond.example"`} {
			if !strings.Contains(strings.ReplaceAll(string(search.Detail), ": ", ":"), want) {
				t.Errorf("the journal's detail lacks %s: %s", want, search.Detail)
			}
		}
		if search.Actor != "person:"+string(s.monitor) {
			t.Errorf("the look is said to be of %s", search.Actor)
		}
		looks, err := s.Looks(ctx, monday.Add(-time.Hour), monday.Add(time.Hour), 10)
		check(t, err)
		if len(looks) != 3 || looks[0].Purpose != "safeguarding" {
			t.Errorf("the looks are %+v", looks)
		}
		s.holds()
	})
}

func TestRowsSayNoMoreThanIsKnown(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(
		s.visit(func(e *activity.Event) { e.Host, e.Certainty = "one.example", activity.Likely }),
		s.visit(func(e *activity.Event) { e.Host, e.Certainty = "two.example", activity.Unknown }),
		s.visit(func(e *activity.Event) { e.Host, e.Subject = "three.example", "s-gone" }),
		s.visit(func(e *activity.Event) {
			e.Host, e.Group, e.Subject, e.Words = "four.example", access.GroupStaff, "s-"+string(s.head), "private words"
		}),
	)
	found, err := s.Search(s.as(s.monitor), Asked{})
	check(t, err)
	got := map[string]Seen{}
	for _, r := range found.Rows {
		got[r.Host] = r
	}
	for host, want := range map[string]struct{ name, how string }{
		"one.example": {"Robin Okonjo", howLikely}, "two.example": {"", howUnknown},
		"three.example": {"", "somebody no longer known"}, "four.example": {"Amira Quist", howSure},
	} {
		if got[host].Name != want.name || got[host].How != want.how {
			t.Errorf("%s: named %q, %q; want %q, %q", host, got[host].Name, got[host].How, want.name, want.how)
		}
	}
	if r := got["four.example"]; r.Words != "" || r.Path != "" {
		t.Errorf("the row of a member of staff says %q %q", r.Path, r.Words)
	}
	day, err := s.Timeline(s.as(s.monitor), s.pupil, "2026-11-23")
	check(t, err)
	for _, r := range day.Rows {
		if r.Host == "two.example" {
			t.Error("a row that does not know who it was stands in a person's day")
		}
	}
}

func TestAMonitorHasNoSightOfChildProtection(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(s.visit(), s.visit(worrying))
	ctx := s.as(s.monitor)
	found, err := s.Search(ctx, Asked{})
	check(t, err)
	day, err := s.Timeline(ctx, s.pupil, "2026-11-23")
	check(t, err)
	copied, err := s.Copy(ctx, Asked{Text: "no way"})
	check(t, err)
	top, err := s.Blocked(ctx, 7)
	check(t, err)
	if len(found.Rows) != 1 || len(day.Rows) != 1 || len(copied.Rows) != 0 || len(top.Hosts)+len(top.Categories) != 0 {
		t.Errorf("a monitor sees %d, %d, %d rows and %v; want only the ordinary one", len(found.Rows), len(day.Rows), len(copied.Rows), top.Hosts)
	}
	items, err := s.Waiting(ctx, s.actor(s.monitor))
	check(t, err)
	if len(items) != 0 {
		t.Errorf("a monitor's tray holds %+v", items)
	}
}

func TestASearchThatCannotBeAskedSaysWhy(t *testing.T) {
	s := newSchool(t).ready()
	for i := range maxNamed + 1 {
		s.person(people.Pupil, "Twin", "Numbered"+strings.Repeat("a", i+1))
	}
	for field, a := range map[string]Asked{
		"who": {Who: "twin"}, "address": {Address: "the library"}, "action": {Action: "explode"},
		"from": {From: "soon"}, "to": {From: "2026-11-20", To: "2026-11-10"}, "": {Text: strings.Repeat("a", 900)},
	} {
		var bad store.Invalid
		if _, err := s.Search(s.as(s.monitor), a); !errors.As(err, &bad) || bad[field] == "" {
			t.Errorf("%+v: got %v, want a sentence about %q", a, err, field)
		}
	}
	found, err := s.Search(s.as(s.monitor), Asked{Who: "zebulon"})
	check(t, err)
	if !found.Nobody {
		t.Error("a name that nobody has finds something")
	}
}

func TestBeforeTheHeadConfirmsASignalSaysNobody(t *testing.T) {
	s := newSchool(t)
	check(t, s.Saw(context.Background(), []activity.Event{s.visit(worrying), s.visit(worrying)}))
	open, err := s.openSignals(context.Background())
	check(t, err)
	if len(open) != 1 || open[0].Subject+open[0].Device != "" || open[0].Address.IsValid() || open[0].Times != 2 {
		t.Errorf("the signals are %+v; want one that says nobody", open)
	}
	rows, err := s.Around(s.as(s.lead), open[0])
	check(t, err)
	if len(rows) != 0 {
		t.Errorf("rows are shown with it: %+v", rows)
	}
	var all string
	check(t, s.d.DB.QueryRowContext(context.Background(), `SELECT who || subject || device || address FROM signals`).Scan(&all))
	if strings.Contains(all, string(s.pupil)) || strings.Contains(all, "tablet") {
		t.Errorf("the records say %q", all)
	}
	webtest.Get(t, s.site(), "/monitoring/signals", s.actor(s.lead)).Is(200).Safe().Has("Signals cannot say who", SignalTitle)
}

func TestTheHeadAloneConfirmsTheRecording(t *testing.T) {
	s := newSchool(t)
	for name, id := range map[string]people.ID{"a monitor": s.monitor, "the lead": s.lead, "a pupil": s.pupil} {
		if err := s.ConfirmRecording(s.as(id), "2026-09-14", "Letter of 4 September"); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, day := range map[string]people.Day{"no day": "", "a day to come": "2027-01-01", "a day of long ago": "2019-01-01"} {
		var bad store.Invalid
		if err := s.ConfirmRecording(s.as(s.head), day, "Letter of 4 September"); !errors.As(err, &bad) || bad["assessed"] == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	check(t, s.ConfirmRecording(s.as(s.head), "2026-09-14", "Letter of 4 September"))
	if on, err := s.Recording(context.Background()); err != nil || !on {
		t.Errorf("recording %v, %v", on, err)
	}
	check(t, s.StopRecording(s.as(s.head)))
	if on, err := s.Recording(context.Background()); err != nil || on {
		t.Errorf("after stopping: recording %v, %v", on, err)
	}
	s.holds()
}

func TestTheHeadConfirmsTheListThatStandsOnThePage(t *testing.T) {
	s := newSchool(t)
	read, err := s.Candidates(context.Background())
	check(t, err)
	s.person(people.Staff, "Nell", "Ashdown", people.Monitor)
	if err := s.ConfirmList(s.as(s.head), read); !errors.Is(err, store.ErrStale) {
		t.Errorf("a list that has changed meanwhile: %v", err)
	}
	if err := s.ConfirmList(s.as(s.monitor), read); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a monitor confirms the list: %v", err)
	}
	items, err := s.Waiting(context.Background(), s.actor(s.head))
	check(t, err)
	if len(items) != 1 || items[0].Link != pathMonitors {
		t.Errorf("the head's tray holds %+v, want the list", items)
	}
	s.confirm()
	if items, err = s.Waiting(context.Background(), s.actor(s.head)); err != nil || len(items) != 0 {
		t.Errorf("after confirming, the head's tray holds %+v, %v", items, err)
	}
}

func TestOldActivityGoesInTheNightAndIsJournalled(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(s.visit(), s.visit(worrying))
	open, err := s.openSignals(context.Background())
	check(t, err)
	sig, err := s.OpenSignal(s.as(s.lead), open[0].ID)
	check(t, err)
	check(t, s.CloseSignal(s.as(s.lead), sig.ID, "spoken", "", sig.Version))
	s.clock.Set(monday.AddDate(0, 0, 100))
	task := s.Tasks()[0]
	check(t, task.Run(context.Background()))
	st, err := s.memory.Stats(context.Background())
	check(t, err)
	if st.Days != 0 || st.Events != 2 {
		t.Errorf("after 100 days %d days are kept and %d events counted; want none and 2", st.Days, st.Events)
	}
	if len(s.lines(VerbRemoved)) != 1 || len(s.lines(VerbTidied)) != 1 {
		t.Error("what was removed is not journalled")
	}
	closed, err := s.closedSignals(context.Background(), monday.AddDate(-1, 0, 0))
	check(t, err)
	if len(closed) != 0 {
		t.Errorf("%d closed signals outlive the names", len(closed))
	}
	s.holds()
	check(t, task.Run(context.Background()))
	if len(s.lines(VerbRemoved)) != 1 {
		t.Error("a night in which nothing was removed is journalled")
	}
}

func TestAShorterTimeIsToldBeforeItIsPutInForce(t *testing.T) {
	s := newSchool(t)
	step, err := s.Prepare(context.Background(), s.set(keyNames, "14 days"))
	check(t, err)
	effects := step.Preview()
	if len(effects) != 1 || !effects[0].Loses || !strings.Contains(effects[0].Words, "older than 14 days") {
		t.Errorf("the preview says %+v", effects)
	}
}

func TestAPersonWhoAsksLearnsHowMuchIsKept(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(s.visit(), s.visit(worrying), s.visit(func(e *activity.Event) { e.At = monday.AddDate(0, 0, -3) }))
	held, err := s.Holds(context.Background(), s.pupil)
	check(t, err)
	if len(held) != 1 || held[0].Facts[0].Value != "3 rows" || held[0].Facts[1].Value != "20 November 2026" {
		t.Errorf("it says %+v", held)
	}
	if held, err = s.Holds(context.Background(), s.head); err != nil || len(held) != 0 {
		t.Errorf("of somebody without rows it says %+v, %v", held, err)
	}
}
