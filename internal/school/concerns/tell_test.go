package concerns

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

func telling(change ...func(*Telling)) Telling {
	in := Telling{Form: "form-1", About: "me", What: "unkind", Text: "they wont stop"}
	for _, c := range change {
		c(&in)
	}
	return in
}

func TestAChildTellsWithoutANameAndComesBackWithACode(t *testing.T) {
	s := newSchool(t)
	got, err := s.Tell(context.Background(), telling())
	check(t, err)
	again, err := s.Tell(context.Background(), telling())
	check(t, err)
	if again.ID != got.ID || again.Code != got.Code || len(got.Code) != 23 {
		t.Errorf("sent twice: %+v %+v", got, again)
	}
	s.walk(t, got.ID, "lead deputy", nil)
	w, err := s.Open(s.as(s.lead), got.ID)
	check(t, err)
	if w.About.Reporter != "" || w.Reporter != "" || w.Source != FromPupil || w.Route != ChildProtection {
		t.Errorf("the case: %+v", w.Case)
	}
	check(t, s.Reply(s.as(s.lead), got.ID, w.Version, "Come and see me at break, or write where we can meet."))
	check(t, s.Note(s.as(s.lead), got.ID, s.version(got.ID), "A secret note"))
	a, err := s.Answered(context.Background(), strings.ToLower(strings.ReplaceAll(got.Code, "-", " ")))
	check(t, err)
	if len(a.Replies) != 1 || a.Status != "being looked at" {
		t.Errorf("the answer: %+v", a)
	}
	for _, code := range []string{"", "0", "AAAAA-AAAAA-AAAAA-AAAAA", got.Code + "0"} {
		if _, err := s.Answered(context.Background(), code); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the code %q: %v", code, err)
		}
	}
}

func TestANameIsKeptOnlyWhereTheChildChose(t *testing.T) {
	s := newSchool(t)
	ctx := s.as(s.robin)
	without, err := s.Tell(ctx, telling())
	check(t, err)
	with, err := s.Tell(ctx, telling(func(in *Telling) { in.Form, in.UseName = "form-2", true }))
	check(t, err)
	for id, want := range map[string]people.ID{without.ID: "", with.ID: s.robin} {
		c, err := s.caseOf(context.Background(), s.db, id)
		check(t, err)
		list, err := s.peopleOf(context.Background(), s.db, id)
		check(t, err)
		if c.About.Reporter != want || (len(list) > 0) != (want != "") {
			t.Errorf("named %q and %d people, want %q", c.About.Reporter, len(list), want)
		}
	}
	for _, l := range s.lines(VerbReported) {
		if l.Actor != "system:concerns" {
			t.Errorf("the journal says who told: %s", l.Actor)
		}
	}
}

func TestAChildKeepsAReaderFromIt(t *testing.T) {
	s := newSchool(t)
	got, err := s.Tell(context.Background(), telling(func(in *Telling) { in.Keep = []string{"safeguarding-lead"} }))
	check(t, err)
	s.walk(t, got.ID, "deputy", nil)
	s.walk(t, got.ID, "lead", store.ErrNotFound)
	adult, err := s.Tell(context.Background(), telling(func(in *Telling) { in.Form, in.What, in.Keep = "form-3", "adult", []string{"headteacher"} }))
	check(t, err)
	s.walk(t, adult.ID, "chair", nil)
	s.walk(t, adult.ID, "head", store.ErrNotFound)
}

// evening is a time on the Monday of the tests.
func evening(hour, minute int) time.Time {
	return time.Date(2026, 11, 23, hour, minute, 0, 0, time.UTC)
}

func TestEveningsAreSaidAtOnce(t *testing.T) {
	s := newSchool(t)
	for name, tc := range map[string]struct {
		at    time.Time
		set   []string
		watch string    // who has agreed to be told
		until time.Time // and until when
		want  string
	}{
		"in school hours nothing is said":                  {at: monday, want: ""},
		"in the evening":                                   {at: time.Date(2026, 11, 23, 19, 0, 0, 0, time.UTC), want: "No one at school will read this before Tuesday at 8:30."},
		"before school":                                    {at: time.Date(2026, 11, 23, 8, 3, 0, 0, time.UTC), want: "No one at school will read this before 8:30 today."},
		"on Friday night":                                  {at: time.Date(2026, 11, 27, 22, 0, 0, 0, time.UTC), want: "No one at school will read this before Monday at 8:30."},
		"somebody has agreed to be told now":               {at: evening(19, 0), set: []string{keyWatchHours, "18:00 to 20:00"}, watch: "Mrs Marsh", until: evening(21, 0), want: "Mrs Marsh reads this until 20:00."},
		"they have agreed for a shorter time":              {at: evening(19, 0), set: []string{keyWatchHours, "18:00 to 20:00"}, watch: "Mrs Marsh", until: evening(19, 30), want: "Mrs Marsh reads this until 19:30."},
		"after those hours":                                {at: evening(20, 30), set: []string{keyWatchHours, "18:00 to 20:00"}, watch: "Mrs Marsh", until: evening(21, 0), want: "No one at school will read this before Tuesday at 8:30."},
		"hours that nobody has agreed to count nothing":    {at: evening(19, 0), set: []string{keyWatchHours, "18:00 to 20:00"}, want: "No one at school will read this before Tuesday at 8:30."},
		"a word without the policy's hours counts nothing": {at: evening(19, 0), set: []string{keyWatchHours, "off"}, watch: "Mrs Marsh", until: evening(21, 0), want: "No one at school will read this before Tuesday at 8:30."},
	} {
		s.clock.Set(tc.at)
		s.set(tc.set...)
		s.watches, s.watchUntil = tc.watch, tc.until
		e, err := s.Evening(context.Background())
		check(t, err)
		zone, err := time.LoadLocation("Europe/London")
		check(t, err)
		if got := e.Words(words.In(zone, tc.at)); got != tc.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestWhatIsToldAtNightIsDueWhenSchoolOpens(t *testing.T) {
	s := newSchool(t)
	s.clock.Set(time.Date(2026, 11, 27, 22, 0, 0, 0, time.UTC)) // Friday
	got, err := s.Tell(context.Background(), telling(func(in *Telling) { in.Danger = true }))
	check(t, err)
	c, err := s.caseOf(context.Background(), s.db, got.ID)
	check(t, err)
	if want := time.Date(2026, 11, 30, 9, 30, 0, 0, time.UTC); !c.Due.Equal(want) || c.Risk != 3 {
		t.Errorf("due %v, risk %d", c.Due, c.Risk)
	}
	if len(s.notices) != 1 || !s.notices[0].After.IsZero() {
		t.Errorf("an urgent notice waits: %+v", s.notices)
	}
	s.clock.Set(time.Date(2026, 11, 30, 8, 30, 0, 0, time.UTC))
	w, err := s.WaitingTimes(context.Background())
	check(t, err)
	if w.Unread != 1 || s.clock.Now().Sub(w.Oldest) < 58*time.Hour {
		t.Errorf("what waits: %+v", w)
	}
}

func TestTheTrayTellsNothingAndPutsTheUrgentFirst(t *testing.T) {
	s := newSchool(t)
	s.report(s.teacher, "bullying")
	s.clock.Advance(time.Hour)
	s.report(s.teacher, "grooming")
	items, err := s.Waiting(context.Background(), s.actor(s.lead))
	check(t, err)
	if len(items) != 2 || items[0].Risk != 3 {
		t.Fatalf("the tray: %+v", items)
	}
	for _, it := range items {
		if strings.Contains(it.Title+it.Step+it.Link, "Robin") || it.Since.IsZero() {
			t.Errorf("a line: %+v", it)
		}
	}
	for name, a := range map[string]actor.Actor{
		"the teacher": s.actor(s.teacher), "the network manager": s.actor(s.network), "a pupil": s.actor(s.robin), "the office": s.actor(s.office),
		"a console": {Kind: actor.Console, ID: "console:root"},
	} {
		items, err := s.Waiting(context.Background(), a)
		check(t, err)
		if len(items) != 0 {
			t.Errorf("%s has %+v", name, items)
		}
	}
	s.clock.Advance(24 * time.Hour)
	items, err = s.Waiting(context.Background(), s.actor(s.head))
	check(t, err)
	if len(items) != 1 || items[0].Link != "/posts" {
		t.Errorf("the head's tray: %+v", items)
	}
}

func TestAnActionGivenToSomebodyShowsItsOwnWordsAlone(t *testing.T) {
	s := newSchool(t)
	id := s.report(s.teacher, "bullying")
	check(t, s.Act(s.as(s.lead), id, s.version(id), Doing{Kind: "support", What: "Sit with Robin at lunch", GivenTo: "Bram Cole"}))
	items, err := s.Waiting(context.Background(), s.actor(s.other))
	check(t, err)
	if len(items) != 1 {
		t.Fatalf("the tray: %+v", items)
	}
	given, err := s.givenTo(context.Background(), s.other)
	check(t, err)
	if _, err := s.Given(s.as(s.other), given[0].ID); err != nil {
		t.Error(err)
	}
	if err := s.mayOpen(s.other, id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the case itself: %v", err)
	}
	if _, err := s.Given(s.as(s.teacher), given[0].ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another's action: %v", err)
	}
	if err := s.Finish(s.as(s.teacher), given[0].ID, 1, Done, "forged"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another's action was finished: %v", err)
	}
	check(t, s.Finish(s.as(s.other), given[0].ID, 1, Done, "We sat together"))
}

func TestALostSessionLosesNoTextAndAnothersDraftIsNobodysElse(t *testing.T) {
	s := newSchool(t)
	form := map[string][]string{"account": {"half a sentence"}, "kind": {"bullying"}, "password": {"never kept"}}
	secret, err := s.KeepLoose(context.Background(), form)
	check(t, err)
	check(t, s.TakeLoose(s.as(s.teacher), secret))
	got, err := s.Draft(s.as(s.teacher))
	check(t, err)
	if got.Get("account") != "half a sentence" || got.Has("password") {
		t.Errorf("the draft: %v", got)
	}
	other, err := s.Draft(s.as(s.other))
	check(t, err)
	if other != nil {
		t.Errorf("another's draft: %v", other)
	}
	check(t, s.TakeLoose(s.as(s.other), secret)) // taken already
	if other, _ = s.Draft(s.as(s.other)); other != nil {
		t.Errorf("a text was taken twice: %v", other)
	}
	s.clock.Advance(15 * oneDay)
	check(t, s.tidyDrafts(context.Background()))
	if got, _ = s.Draft(s.as(s.teacher)); got != nil {
		t.Error("a draft stays for ever")
	}
}

func TestThePaceIsWideForASchoolAndBoundedForAMachine(t *testing.T) {
	p := newPace()
	at := netip.MustParseAddr("192.0.2.1")
	n := 0
	for range 1000 {
		if p.allow(at, monday) {
			n++
		}
	}
	if n != paceMost {
		t.Errorf("%d were let through", n)
	}
	if !p.allow(at, monday.Add(paceWindow+time.Second)) {
		t.Error("it never forgets")
	}
	for i := range 3 * paceRoom {
		p.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), monday)
	}
	if len(p.from) > paceRoom {
		t.Errorf("%d addresses are kept", len(p.from))
	}
}

func TestAParentIsHeardAndAnswered(t *testing.T) {
	s := newSchool(t)
	ctx := s.as(s.mother)
	got, err := s.Tell(ctx, telling(func(in *Telling) {
		in.About, in.What, in.UseName, in.Contact = "child", "unkind", true, "After four"
	}))
	check(t, err)
	w, err := s.Open(s.as(s.lead), got.ID)
	check(t, err)
	if w.Source != FromParent || w.About.Contact != "After four" || w.About.Reporter != s.mother {
		t.Errorf("the case: %+v", w.About)
	}
	check(t, s.Reply(s.as(s.lead), got.ID, w.Version, "I ring you at five"))
	mine, err := s.Mine(ctx)
	check(t, err)
	a, err := s.answerOf(ctx, &mine[0])
	check(t, err)
	if len(a.Replies) != 1 || a.Status != "being looked at" {
		t.Errorf("the answer: %+v", a)
	}
	if _, err := s.Open(ctx, got.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a parent opened the case: %v", err)
	}
}
