package monitoring

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// tray is what waits for somebody.
func (s *school) tray(id people.ID) []web.Item {
	s.t.Helper()
	items, err := s.Waiting(context.Background(), s.actor(id))
	check(s.t, err)
	return items
}

func TestASignalIsInTheTrayAtOnceAndTellsNothing(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) {
		s := onStore(t, db).ready()
		s.saw(s.visit(worrying), s.visit())
		for name, id := range map[string]people.ID{"the lead": s.lead, "the deputy": s.deputy} {
			items := s.tray(id)
			if len(items) != 1 || items[0].Title != SignalTitle || items[0].Risk != 3 {
				t.Fatalf("the tray of %s holds %+v", name, items)
			}
			for _, secret := range []string{"Robin", "Okonjo", "search.example", "no way out", "harm", string(s.pupil)} {
				if line := items[0].Title + items[0].Step + items[0].Link + items[0].Key; strings.Contains(line, secret) {
					t.Errorf("the line says %q: %s", secret, line)
				}
			}
		}
		for name, id := range map[string]people.ID{"the head": s.head, "a monitor": s.monitor, "the pupil": s.pupil} {
			for _, i := range s.tray(id) {
				if i.Title == SignalTitle {
					t.Errorf("%s has the signal in the tray", name)
				}
			}
		}
		lines := s.lines(VerbRaised)
		if len(lines) != 1 || strings.Contains(string(lines[0].Detail), "selfharm") {
			t.Errorf("the journal says %+v", lines)
		}
		var about string
		check(t, db.QueryRowContext(context.Background(), `SELECT about FROM signals`).Scan(&about))
		if !strings.HasPrefix(about, "sealed:") || strings.Contains(about, "selfharm") {
			t.Errorf("the theme rests as %q", about)
		}
		s.holds()
	})
}

func TestRepeatsWithinAnHourJoinAndALaterOneStandsAlone(t *testing.T) {
	s := newSchool(t).ready()
	first := s.visit(worrying)
	s.saw(first)
	s.clock.Set(monday.Add(20 * time.Minute))
	s.saw(s.visit(worrying, func(e *activity.Event) { e.Alert, e.Count = "suicide", 3 }))
	check(t, s.Saw(context.Background(), []activity.Event{first})) // told again after a crash
	open, err := s.openSignals(context.Background())
	check(t, err)
	if len(open) != 1 || open[0].Times != 4 || len(open[0].Themes) != 2 {
		t.Fatalf("open: %+v; want one signal of 4 times and two themes", open)
	}
	s.clock.Set(monday.Add(3 * time.Hour))
	s.saw(s.visit(worrying))
	s.saw(s.visit(worrying, func(e *activity.Event) { e.Subject, e.Device = "", "tablet-3" }))
	if open, err = s.openSignals(context.Background()); err != nil || len(open) != 3 {
		t.Errorf("%d signals, %v; want 3: one of the morning, one later, one of another device", len(open), err)
	}
	s.holds()
}

func TestOnlyWhatThePolicyNamesBecomesASignal(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(
		s.visit(worrying, func(e *activity.Event) { e.Alert = "" }),
		s.visit(worrying, func(e *activity.Event) { e.Alert = "weapons" }),
		s.visit(worrying, func(e *activity.Event) { e.Group = access.GroupStaff }),
		s.visit(worrying, func(e *activity.Event) { e.Action = activity.Support }),
	)
	if items := s.tray(s.lead); len(items) != 0 {
		t.Errorf("the tray holds %+v, want nothing", items)
	}
	s.d.Live.Publish(s.set(keyThemes, "suicide"))
	s.saw(s.visit(worrying))
	if items := s.tray(s.lead); len(items) != 0 {
		t.Errorf("the tray holds %+v although the policy leaves self-harm out", items)
	}
}

func TestOpeningASignalIsJournalledAndShowsTheHourAround(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(s.visit(func(e *activity.Event) { e.At = monday.Add(-30 * time.Minute) }), s.visit(worrying),
		s.visit(func(e *activity.Event) { e.At, e.Host = monday.Add(-4*time.Hour), "long.before.example" }))
	id := s.tray(s.lead)[0].Key
	for name, ctx := range map[string]context.Context{"a monitor": s.as(s.monitor), "the head": s.as(s.head), "the pupil": s.as(s.pupil)} {
		if _, err := s.OpenSignal(ctx, id); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("%s opened it: %v", name, err)
		}
	}
	if n := len(s.lines(VerbOpened)); n != 0 {
		t.Fatalf("%d openings are journalled", n)
	}
	sig, err := s.OpenSignal(s.as(s.deputy), id)
	check(t, err)
	if sig.State != SignalSeen || sig.SeenBy != "person:"+string(s.deputy) || len(sig.Themes) != 1 || sig.Themes[0] != "selfharm" {
		t.Errorf("opened: %+v", sig)
	}
	rows, err := s.Around(s.as(s.deputy), sig)
	check(t, err)
	if len(rows) != 2 || rows[1].Words != "no way out" || !rows[1].Flagged || rows[1].Name != "Robin Okonjo" {
		t.Errorf("the rows around are %+v", rows)
	}
	if _, err := s.OpenSignal(s.as(s.lead), id); err != nil {
		t.Error(err)
	}
	if n := len(s.lines(VerbOpened)); n != 2 {
		t.Errorf("%d openings are journalled, want 2", n)
	}
	if items := s.tray(s.lead); len(items) != 1 || items[0].Risk != 2 {
		t.Errorf("an opened signal stands in the tray as %+v", items)
	}
	s.holds()
}

func TestASignalIsClosedOnceAndNoConcernLeavesTheTimeline(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(s.visit(worrying))
	lead := s.as(s.lead)
	sig, err := s.OpenSignal(lead, s.tray(s.lead)[0].Key)
	check(t, err)
	var bad store.Invalid
	if err := s.CloseSignal(lead, sig.ID, "whatever", "", sig.Version); !errors.As(err, &bad) {
		t.Errorf("an outcome of no list: %v", err)
	}
	if err := s.CloseSignal(lead, sig.ID, outcomeNoConcern, "", sig.Version-1); !errors.Is(err, store.ErrStale) {
		t.Errorf("a stale page: %v", err)
	}
	check(t, s.CloseSignal(lead, sig.ID, outcomeNoConcern, "It was for a book report", sig.Version))
	if err := s.CloseSignal(lead, sig.ID, "raised", "", sig.Version+1); !errors.Is(err, store.ErrStale) {
		t.Errorf("closing it twice: %v", err)
	}
	if items := s.tray(s.lead); len(items) != 0 {
		t.Errorf("the tray still holds %+v", items)
	}
	if again, err := s.OpenSignal(lead, sig.ID); err != nil || again.Note != "It was for a book report" {
		t.Errorf("the note came back as %q, %v", again.Note, err)
	}
	for _, l := range s.lines(VerbClosed) {
		if strings.Contains(string(l.Detail), "book report") {
			t.Errorf("the journal's readers can read the note: %s", l.Detail)
		}
	}
	// A lead who is a monitor too sees the row, and no mark on it.
	both := actor.New(s.actor(s.monitor), MayRead, MayTray)
	day, err := s.Timeline(actor.With(context.Background(), both), s.pupil, "2026-11-23")
	check(t, err)
	if len(day.Rows) != 1 || day.Rows[0].Flagged {
		t.Errorf("the day shows %+v, want one row without a mark", day.Rows)
	}
	s.clock.Set(monday.Add(5 * time.Minute))
	s.saw(s.visit(worrying))
	if items := s.tray(s.lead); len(items) != 1 {
		t.Errorf("after a closed signal, a new one: %+v", items)
	}
	s.holds()
}

func TestWatchedSaysWhoIsMissing(t *testing.T) {
	s := newSchool(t).ready()
	ctx := context.Background()
	if ok, why, err := s.Watched(ctx); err != nil || !ok {
		t.Fatalf("watched %v, %q, %v; want a watched school", ok, why, err)
	}
	system := actor.With(ctx, actor.Belisha("test"))
	end := func(post people.Post) {
		t.Helper()
		holders, err := s.people.HoldersAt(ctx, post, s.clock.Now())
		check(t, err)
		for _, h := range holders {
			check(t, s.people.EndPost(system, h.Holder.ID, h.Holder.Version, "left"))
		}
		s.clock.Set(s.clock.Now().Add(time.Minute))
	}
	says := func(want string) {
		t.Helper()
		if ok, why, err := s.Watched(ctx); err != nil || ok || !strings.Contains(why, want) {
			t.Errorf("watched %v, %q, %v; want %q", ok, why, err, want)
		}
	}
	end(people.DeputySafeguardingLead)
	says("no deputy")
	_, err := s.people.Appoint(system, people.Holder{Person: s.lead, Post: people.DeputySafeguardingLead})
	check(t, err)
	says("no deputy") // one person is not two
	end(people.SafeguardingLead)
	says("Nobody holds the post of designated safeguarding lead")
	end(people.DeputySafeguardingLead)
	says("Nobody holds the posts")
}

func TestTheHeadIsToldOfASignalThatWaitsUnopened(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(s.visit(worrying))
	if items := s.tray(s.head); len(items) != 0 {
		t.Errorf("at once the head's tray holds %+v", items)
	}
	s.clock.Set(monday.Add(26 * time.Hour))
	items := s.tray(s.head)
	if len(items) != 1 || !items[0].Since.Equal(monday) || strings.Contains(items[0].Link, "signals") {
		t.Errorf("after a day the head's tray holds %+v; want one line without a way to the signal", items)
	}
	_, err := s.OpenSignal(s.as(s.lead), s.tray(s.lead)[0].Key)
	check(t, err)
	if items := s.tray(s.head); len(items) != 0 {
		t.Errorf("after it was opened the head's tray holds %+v", items)
	}
}

func TestAPersonWhoIsErasedLeavesNoClosedSignal(t *testing.T) {
	s := newSchool(t).ready()
	s.saw(s.visit(worrying))
	sig, err := s.OpenSignal(s.as(s.lead), s.tray(s.lead)[0].Key)
	check(t, err)
	ctx := actor.With(context.Background(), actor.Belisha("test"))
	if n, err := s.Forget(ctx, sig.Subject); err != nil || n != 0 {
		t.Errorf("an open signal was removed: %d, %v", n, err)
	}
	check(t, s.CloseSignal(s.as(s.lead), sig.ID, "spoken", "", sig.Version))
	if n, err := s.Forget(ctx, sig.Subject); err != nil || n != 1 {
		t.Errorf("removed %d, %v; want the closed one", n, err)
	}
	s.holds()
}
