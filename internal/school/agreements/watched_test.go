package agreements

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/people"
)

func (s *school) acknowledge(who people.ID, pupil bool) {
	s.t.Helper()
	check(s.t, s.Acknowledge(s.as(who), s.Notice(pupil).Version))
}

func (s *school) toldLines() int {
	s.t.Helper()
	list, err := s.Journal.List(context.Background(), journal.Filter{Verbs: []journal.Verb{VerbTold}})
	check(s.t, err)
	return len(list)
}

func TestWhoeverSignsInIsToldOnceAndAgainWhenTheWordsChange(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, db *store.DB) {
		s := onStore(t, db)
		ctx := context.Background()
		leads := func(who people.ID, want string) {
			t.Helper()
			if got := s.Onward(ctx, who, "/signed-in"); got != want {
				t.Errorf("led to %s, want %s", got, want)
			}
		}
		leads(s.older, "/told?to=%2Fsigned-in")
		s.acknowledge(s.older, true)
		leads(s.older, "/signed-in")
		leads(s.teacher, "/told?to=%2Fsigned-in") // each for themselves
		s.acknowledge(s.older, true)              // pressed twice
		if n := s.toldLines(); n != 1 {
			t.Errorf("%d lines in the journal, want 1", n)
		}
		old := s.Notice(true).Version
		s.set(KeyToldPupils, "We write down which pages you open.")
		leads(s.older, "/told?to=%2Fsigned-in")
		if err := s.Acknowledge(s.as(s.older), old); !errors.Is(err, ErrNewer) {
			t.Errorf("words that nobody shows any more were acknowledged: %v", err)
		}
		s.acknowledge(s.older, true)
		leads(s.older, "/signed-in")
		if n := s.toldLines(); n != 2 {
			t.Errorf("%d lines in the journal, want 2", n)
		}
		rep, err := s.Journal.Verify(ctx)
		check(t, err)
		if rep.Fault != nil {
			t.Errorf("the journal: %+v", rep.Fault)
		}
	})
}

func TestThePageTellsEachReaderInTheirWordsAndGoesOnWhereTheyWereGoing(t *testing.T) {
	s := newSchool(t)
	page := s.get("/told?to=/signed-in", s.older).Is(200).Safe()
	page.Has("You are told", "some adults at school can look at it", "ask the head teacher", "I have read this")
	page.HasNot("monitored")
	s.get("/told", s.teacher).Is(200).Safe().Has("filtered and monitored").HasNot("some adults at school")
	form := url.Values{"version": {page.Field("version")}, "to": {page.Field("to")}}
	s.post("/told", url.Values{"version": {"older"}}, s.older).Is(422).Safe().Has("The words have changed", "some adults at school")
	s.post("/told", form, s.older).GoesTo("/signed-in")
	s.get("/told", s.older).Is(200).Has("You have said that you read this").HasNot("I have read this")
	form.Set("version", s.Notice(false).Version)
	form.Set("to", "https://elsewhere.example/")
	s.post("/told", form, s.teacher).GoesTo("/")
	nobody := webtest.Get(t, s.site(), "/told", webtest.Nobody()).Is(303)
	if to := nobody.Header.Get("Location"); !strings.HasPrefix(to, "/sign-in") {
		t.Errorf("nobody signed in is led to %s", to)
	}
	if err := s.Acknowledge(actor.With(context.Background(), actor.Belisha("test")), s.Notice(false).Version); err == nil {
		t.Error("a program said that it was told")
	}
}

func TestTheNoticeIsBoundedAndNeverEmpty(t *testing.T) {
	s := newSchool(t)
	usual := s.Notice(true)
	for name, tc := range map[string]struct {
		text string
		want func(Notice) bool
	}{
		"an empty text is the usual one": {" ", func(n Notice) bool { return n == usual }},
		"a long text is cut": {strings.Repeat("é ", 450), func(n Notice) bool {
			return utf8.RuneCountInString(n.Text) == maxTold && strings.HasSuffix(n.Text, "…")
		}},
		"other line ends are no other words":  {strings.Replace(usual.Text, " ", "\n", 3), func(n Notice) bool { return n == usual }},
		"other words have another version":    {"You are watched.", func(n Notice) bool { return n.Version != usual.Version && n.Text == "You are watched." }},
		"markup is words and shown as it is":  {"<b>x</b>", func(n Notice) bool { return n.Text == "<b>x</b>" }},
		"the adults' words are left by these": {"You are watched.", func(Notice) bool { return s.Notice(false).Text == toldAdults }},
	} {
		s.set(KeyToldPupils, tc.text)
		if got := s.Notice(true); !tc.want(got) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	s.set(KeyToldPupils, "<script>alert(1)</script>")
	s.get("/told", s.older).Is(200).Safe().Has("<script>alert(1)</script>")
}

func TestNoticeGivenCountsTheSignatureOrTheWordAtSignIn(t *testing.T) {
	s := newSchool(t)
	s.accounts[s.teacher], s.accounts[s.older] = true, true
	s.finds("C18", control.Broken, "0 of 2 told")
	s.acknowledge(s.older, true)
	s.finds("C18", control.Broken, "1 of 2 told", "0 signed", "1 more said")
	s.publish(StaffSheet)
	_, err := s.sign(s.teacher, StaffSheet)
	check(t, err)
	s.finds("C18", control.Kept, "2 of 2 told", "1 signed", "1 more said")
	s.acknowledge(s.teacher, false) // counted once
	s.finds("C18", control.Kept, "2 of 2 told", "1 signed", "1 more said")
	// Whoever read other words has not been told what holds now.
	s.set(KeyToldPupils, "We write down which pages you open.")
	s.finds("C18", control.Broken, "1 of 2 told", "0 more said")
	s.acknowledge(s.older, true)
	s.finds("C18", control.Kept, "2 of 2 told")
}
