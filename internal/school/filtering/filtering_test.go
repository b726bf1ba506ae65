package filtering_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/filtering"
	"belisha/internal/verdict"
)

func TestAFreshFolderFiltersAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		for _, x := range []struct{ url, group, want string }{
			{"https://www.pornhub.com/", "pupils", "block"},
			{"https://www.pornhub.com/", "staff", "block"},
			{"https://www.pornhub.com/", "guests", "block"},
			{"https://www.bet365.com/", "pupils", "block"},
			{"https://www.bet365.com/", "staff", "block"},
			{"https://www.roblox.com/", "staff", "block"},
			{"https://www.facebook.com/", "pupils", "block"},
			{"https://www.facebook.com/", "staff", "allow"},
			{"https://www.amazon.co.uk/", "pupils", "block"},
			{"https://www.amazon.co.uk/", "staff", "allow"},
			{"https://nordvpn.com/", "staff", "block"},
			{"https://www.facebook.com/", "guests", "block"},
			{"https://en.wikipedia.org/", "pupils", "allow"},
			{"https://www.childline.org.uk/", "pupils", "allow"},
			{"https://belisha.ashdown/", "pupils", "allow"},
			{"https://a-site-nobody-lists.example/", "pupils", "allow"},
			{"http://10.0.0.1/", "staff", "block"},
			{"http://exa mple/", "pupils", "block"},
			{"https://www.chatgpt.com/", "pupils", "block"},
			{"https://www.bbc.co.uk/bitesize", "pupils", "allow"},
		} {
			s.wants(x.url, x.group, x.want)
		}
		if a := s.decide("www.google.co.uk", "pupils"); a.SafeAs != "forcesafesearch.google.com" {
			t.Errorf("Google is answered to pupils as %q", a.SafeAs)
		}
		if a := s.decide("http://exa mple/", "pupils"); a.Reason != "malformed" {
			t.Errorf("reason %s", a.Reason)
		}
		s.wants("https://www.facebook.com/", "", "block") // somebody the filter does not know
		s.holds()
	})
}

func TestChangingThePolicyChangesTheFilterAndSaysWhoLosesWhat(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		effects, err := s.activate(1, map[string]string{"filtering.pupils.block": "adult, illegal, news", "filtering.staff.block": "social networks"})
		must(t, err)
		var said []string
		for _, e := range effects {
			said = append(said, e.Words)
		}
		all := strings.Join(said, "\n")
		for _, want := range []string{"Pupils lose: news (1 person).", "Pupils may open:", "shopping", "Staff lose: social networks (3 people)."} {
			if !strings.Contains(all, want) {
				t.Errorf("the preview does not say %q:\n%s", want, all)
			}
		}
		s.wants("https://www.amazon.co.uk/", "pupils", "allow")
		s.wants("https://www.bbc.co.uk/news", "pupils", "block")
		s.wants("https://www.bet365.com/", "pupils", "block") // what nobody may open stays
		s.wants("https://www.facebook.com/", "staff", "block")
		if a := s.decide("https://www.facebook.com/", "staff"); a.Clause != "filter.1" || !strings.Contains(a.Says, "filter.1") {
			t.Errorf("the answer does not name the clause: %+v", a)
		}
		s.holds()
	})
}

func TestARestartComesToTheSameRulesWithoutANewVersion(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		_, err := s.activate(1, map[string]string{"filtering.pupils.block": "adult"})
		must(t, err)
		before, err := s.room.Number(context.Background())
		must(t, err)
		s.start()
		after, err := s.room.Number(context.Background())
		must(t, err)
		if before != after {
			t.Errorf("number %d became %d", before, after)
		}
		s.wants("https://www.amazon.co.uk/", "pupils", "allow")
	})
}

func TestACrashBetweenKeepingAndPublishingIsMendedAtTheNextStart(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		v, err := s.book, error(nil)
		must(t, err)
		next := setting.NewValues(v, 1, []setting.Value{s.value("filtering.staff.block", "social networks", setting.Scope{})})
		ctx := s.asHead()
		step, err := s.room.Prepare(ctx, next)
		must(t, err)
		must(t, s.db.Write(ctx, func(tx *store.Tx) error { return step.Commit(ctx, tx) }))
		s.live.Publish(next)
		s.wants("https://www.facebook.com/", "staff", "allow") // not published yet
		s.start()
		s.wants("https://www.facebook.com/", "staff", "block")
	})
}

func TestKeyStagesTimesAndPlaces(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		effects, err := s.activate(1, map[string]string{"filtering.pupils.block": "adult, games, chat, shopping, news", "filtering.staff.social-hours": "8:30 to 15:30"},
			s.value("filtering.pupils.block", "adult, chat", setting.Scope{KeyStage: "ks4"}),
			s.value("filtering.pupils.block", "adult, chat, shopping", setting.Scope{Time: "12:10-13:00"}),
			s.value("filtering.pupils.unlisted", "previewed only", setting.Scope{KeyStage: "ks1"}))
		must(t, err)
		said := ""
		for _, e := range effects {
			said += e.Words + "\n"
		}
		for _, want := range []string{"Pupils of KS1 reach only sites that somebody opened", "Pupils (KS4): closed are chat", "Pupils (12:10 to 13:00): closed are", "Staff may not use social networks from 08:30 to 15:30"} {
			if !strings.Contains(said, want) {
				t.Errorf("the preview does not say %q:\n%s", want, said)
			}
		}
		at := func(h, m int) time.Time { return time.Date(2026, 11, 23, h, m, 0, 0, time.UTC) }
		for _, x := range []struct {
			what string
			q    filtering.Question
			want string
		}{
			{"key stage 3 may not shop", filtering.Question{URL: "amazon.co.uk", Group: "pupils", KeyStage: "ks3"}, "block"},
			{"key stage 4 may shop", filtering.Question{URL: "amazon.co.uk", Group: "pupils", KeyStage: "ks4"}, "allow"},
			{"games are required to be closed for all", filtering.Question{URL: "roblox.com", Group: "pupils", KeyStage: "ks4"}, "block"},
			{"a key stage that is not known is the strictest", filtering.Question{URL: "amazon.co.uk", Group: "pupils"}, "block"},
			{"news before lunch", filtering.Question{URL: "https://www.bbc.co.uk/news", Group: "pupils", KeyStage: "ks3", At: at(12, 9)}, "block"},
			{"news at lunch", filtering.Question{URL: "https://www.bbc.co.uk/news", Group: "pupils", KeyStage: "ks3", At: at(12, 10)}, "allow"},
			{"news after lunch", filtering.Question{URL: "https://www.bbc.co.uk/news", Group: "pupils", KeyStage: "ks3", At: at(13, 0)}, "block"},
			{"the youngest and an unlisted site", filtering.Question{URL: "nobody-lists.example", Group: "pupils", KeyStage: "ks1"}, "block"},
			{"others and an unlisted site", filtering.Question{URL: "nobody-lists.example", Group: "pupils", KeyStage: "ks2"}, "allow"},
			{"nobody known, and an unlisted site", filtering.Question{URL: "nobody-lists.example"}, "allow"},
			{"nobody known, and what is closed to pupils", filtering.Question{URL: "roblox.com"}, "block"},
			{"staff in school hours", filtering.Question{URL: "facebook.com", Group: "staff", At: at(10, 0)}, "block"},
			{"staff after school", filtering.Question{URL: "facebook.com", Group: "staff", At: at(16, 0)}, "allow"},
			{"staff on a Sunday", filtering.Question{URL: "facebook.com", Group: "staff", At: at(10, 0).Add(-24 * time.Hour)}, "allow"},
		} {
			if a := s.ask(x.q); a.Action != x.want {
				t.Errorf("%s: %s, want %s (rule %s)", x.what, a.Action, x.want, a.Rule)
			}
		}
		if g := s.room.GroupsOf("pupil", "KS1"); len(g) != 1 || g[0] != "pupils-ks1" {
			t.Errorf("groups of a child of key stage 1: %v", g)
		}
		if g := s.room.GroupsOf("pupil", ""); len(g) != 1 || g[0] != "pupils-ks1" {
			t.Errorf("groups of a child whose key stage is not known: %v", g)
		}
		if g := s.room.Narrow([]string{"staff"}, ""); len(g) != 1 || g[0] != "staff" {
			t.Errorf("groups of staff: %v", g)
		}
		if g := s.room.GroupsOf("pupil", "KS2"); len(g) != 1 || g[0] != "pupils" {
			t.Errorf("groups of a child of key stage 2: %v", g)
		}
	})
}

func TestAnExceptionForApprovedPlatformsOpensNothingDangerous(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		_, err := s.activate(1, map[string]string{"filtering.pupils.allow": "approved learning platforms"})
		must(t, err)
		s.wants("https://classroom.google.com/", "pupils", "allow")
		s.wants("https://www.pornhub.com/", "pupils", "block")
		rules := s.room.Snapshot()
		var except, always bool
		for n := uint32(1); n < 60; n++ {
			info, ok := rules.Names().Rule(n)
			except = except || ok && info.ID == "pupils-approved" && info.Act == verdict.Allow
			always = always || ok && info.ID == "pupils-always" && info.Act == verdict.Block
		}
		if !except || !always {
			t.Errorf("exception %v, what it cannot open %v", except, always)
		}
	})
}

func TestAPolicyThatNamesATimeNobodyKnowsIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		_, err := s.activate(1, nil, s.value("filtering.pupils.block", "adult", setting.Scope{Time: "golden-time"}))
		var refused *filtering.Refused
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "golden-time") {
			t.Errorf("err = %v", err)
		}
	})
}
