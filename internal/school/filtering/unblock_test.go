package filtering_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/school/filtering"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// lesson is what a teacher asks for: a social site for class 8B, 40 minutes.
func lesson(hosts ...string) filtering.Unblock {
	if len(hosts) == 0 {
		hosts = []string{"instagram.com"}
	}
	return filtering.Unblock{Hosts: hosts, For: filtering.ForClass("8B"), Purpose: "Reading what adverts want of us", Until: time.Time{}.Add(40 * time.Minute)}
}

// heard keeps the notices of the room.
type heard struct {
	mu   sync.Mutex
	list []notice.Notice
}

func (h *heard) Send(_ context.Context, _ *store.Tx, n notice.Notice) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, n)
	return nil
}

// lessons is a school with a class 8B, a confirmed filter manager and a policy
// that lets social sites be opened.
func (s *school) lessons(allowed string) *heard {
	s.t.Helper()
	h := &heard{}
	s.deps.Notices = h
	s.start()
	ctx := actor.With(context.Background(), actor.Belisha("test"))
	_, err := s.people.Add(ctx, people.Person{Kind: people.Pupil, Given: "Wren", Family: "Holt", Site: people.MainSite, Year: "8", Class: "8B", Username: "wren.holt"})
	must(s.t, err)
	s.confirmed()
	_, err = s.activate(1, map[string]string{"filtering.social.unblock": allowed})
	must(s.t, err)
	return h
}

func (s *school) asTeacher() context.Context { return s.as(s.other, filtering.MayAsk) }

func (s *school) asGranter(id people.ID) context.Context {
	return s.as(id, filtering.MayRead, filtering.MayChange, filtering.MayUnblock, filtering.MayAsk)
}

// in decides about a site for a pupil of a class, at the clock's time.
func (s *school) in(host, class string) verdict.Verdict {
	s.t.Helper()
	snap := s.room.Snapshot()
	ask := verdict.Ask{Door: verdict.DoorTunnel, Host: host, Port: 443, Groups: snap.Names().GroupBit("pupils"), At: s.clock.Now(), Minute: 10 * 60}
	if class != "" {
		ask.Classes = snap.Names().ClassNumbers([]string{class})
	}
	return snap.Decide(&ask)
}

func (s *school) isOpen(host, class string, want bool) {
	s.t.Helper()
	if v := s.in(host, class); (v.Action == verdict.Allow) != want {
		s.t.Errorf("%s for %q: %s (%s), want open %t", host, class, v.Action, v.Reason, want)
	}
}

func (s *school) ask8B(u filtering.Unblock) filtering.Unblock {
	s.t.Helper()
	u, err := s.room.AskUnblock(s.asTeacher(), u)
	must(s.t, err)
	return u
}

func refusal(err error) string {
	var r *filtering.Refused
	if errors.As(err, &r) {
		return r.Words
	}
	return ""
}

func (s *school) control(slug string) control.Finding {
	s.t.Helper()
	for _, c := range s.room.Controls() {
		if c.Slug == slug {
			f, err := c.Check(context.Background(), s.clock.Now(), s.live.Current())
			must(s.t, err)
			return f
		}
	}
	s.t.Fatalf("no control %s", slug)
	return control.Finding{}
}

func TestASiteOpensForTheClassThatItWasGrantedForAndClosesByItself(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		h := s.lessons("may")
		u := s.ask8B(lesson())
		s.isOpen("www.instagram.com", "class:8B", false)
		must(t, s.room.GrantUnblock(s.asGranter(s.manager), u.ID))
		s.isOpen("www.instagram.com", "class:8B", true)
		s.isOpen("www.instagram.com", "class:8C", false)
		s.isOpen("www.instagram.com", "", false)
		s.isOpen("facebook.com", "class:8B", false)
		if f := s.control("exceptions-expire"); f.State != control.Kept || !strings.HasPrefix(f.Figure, "1 open now") {
			t.Errorf("C04: %s, %s", f.State, f.Figure)
		}
		s.clock.Advance(40*time.Minute - time.Millisecond)
		s.isOpen("www.instagram.com", "class:8B", true)
		s.clock.Advance(time.Millisecond) // the rules themselves say until when
		s.isOpen("www.instagram.com", "class:8B", false)
		must(t, s.room.SettleUnblocks(console()))
		s.isOpen("www.instagram.com", "class:8B", false)
		got, err := s.room.Unblock(s.asGranter(s.manager), u.ID)
		must(t, err)
		if got.State != filtering.UnblockEnded || !got.EndedAt.Equal(got.Until) {
			t.Errorf("afterwards it is %s, ended %s, not at %s", got.State, got.EndedAt, got.Until)
		}
		if f := s.control("exceptions-expire"); f.State != control.Kept || !strings.HasPrefix(f.Figure, "0 open now, 1 opened") {
			t.Errorf("C04 afterwards: %s, %s", f.State, f.Figure)
		}
		if f := s.control("filter-changers-listed"); strings.Contains(f.Figure, " 1 by") {
			t.Errorf("C06: %s", f.Figure)
		}
		if len(h.list) != 2 || h.list[0].Posts[0] != string(people.FilterManager) || h.list[1].To[0] != string(s.other) {
			t.Errorf("told: %+v", h.list)
		}
		for _, n := range h.list {
			if strings.Contains(n.What+n.Key, "instagram") {
				t.Errorf("a notice tells the site: %+v", n)
			}
		}
		s.holds()
	})
}

func TestWhatIsAskedInAdvanceOpensOnlyThen(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.lessons("may")
		u := lesson()
		u.From = monday.Add(2 * time.Hour)
		u.Until = u.From.Add(30 * time.Minute)
		u = s.ask8B(u)
		must(t, s.room.GrantUnblock(s.asGranter(s.manager), u.ID))
		s.isOpen("instagram.com", "class:8B", false)
		s.clock.Advance(2 * time.Hour)
		s.isOpen("instagram.com", "class:8B", true)
		s.clock.Advance(30 * time.Minute)
		s.isOpen("instagram.com", "class:8B", false)
	})
}

func TestWhatNoLessonOpensIsRefusedWhenItIsAskedAndWhenItIsGranted(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.lessons("may")
		_, err := s.room.AddOwn(s.asManager(), filtering.Own{Text: "example.org", Act: verdict.Block, Reason: "bullying"})
		must(t, err)
		_, err = s.room.AddMust(s.asManager(), filtering.Must{URL: "https://www.facebook.com/", Act: verdict.Block, Group: "pupils", Reason: "the governors"})
		must(t, err)
		for host, why := range map[string]string{
			"example.org": "own entry closes", "www.facebook.com": "must stay closed", "facebook.com": "must stay closed",
			"bet365.com": "no lesson opens", "pornhub.com": "no lesson opens", "nordvpn.com": "no lesson opens",
			"http://169.254.1.1/": "", "localhost": "", "co.uk": "", "": "", "<script>": "",
		} {
			_, err := s.room.AskUnblock(s.asTeacher(), lesson(host))
			if err == nil || why != "" && !strings.Contains(refusal(err), why) {
				t.Errorf("%s: %v, want a refusal that says %q", host, err, why)
			}
		}
		if _, err := s.room.AskUnblock(s.asTeacher(), lesson("wikipedia.org")); err == nil || !strings.Contains(err.Error(), "open already") {
			t.Errorf("an open site: %v", err)
		}
		shop := s.ask8B(lesson("amazon.co.uk"))
		must(t, s.room.GrantUnblock(s.asGranter(s.manager), shop.ID))
		_, err = s.room.AddMust(s.asManager(), filtering.Must{URL: "https://www.amazon.co.uk/", Act: verdict.Block, Group: "pupils", Reason: "the governors"})
		if !strings.Contains(refusal(err), "close that first") {
			t.Errorf("what must be closed while a lesson has it open: %v", err)
		}
		u := s.ask8B(lesson())
		_, err = s.room.AddOwn(s.asManager(), filtering.Own{Text: "instagram.com", Act: verdict.Block, Reason: "a bad week"})
		must(t, err)
		if err := s.room.GrantUnblock(s.asGranter(s.manager), u.ID); !strings.Contains(refusal(err), "own entry closes") {
			t.Errorf("granting what is closed since: %v", err)
		}
		s.isOpen("instagram.com", "class:8B", false)
		s.holds()
	})
}

func TestWhereThePolicyAllowsNoSocialSiteNoneIsOpenedAndARunningOneCloses(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.lessons("may")
		u := s.ask8B(lesson())
		must(t, s.room.GrantUnblock(s.asGranter(s.manager), u.ID))
		waits := s.ask8B(lesson("facebook.com"))
		effects, err := s.activate(2, map[string]string{"filtering.social.unblock": "may not"})
		must(t, err)
		if said := fmt.Sprint(effects); !strings.Contains(said, "What was granted closes at once (1).") {
			t.Errorf("the preview does not say so: %s", said)
		}
		s.isOpen("instagram.com", "class:8B", false)
		var no *filtering.Refused
		if err := s.room.GrantUnblock(s.asGranter(s.manager), waits.ID); !errors.As(err, &no) || no.Clause != "filter.1" {
			t.Errorf("granting it: %v", err)
		}
		if _, err := s.room.AskUnblock(s.asTeacher(), lesson("tiktok.com")); !errors.As(err, &no) || no.Clause != "filter.1" {
			t.Errorf("asking for it: %v", err)
		}
		shop := s.ask8B(lesson("amazon.co.uk"))
		must(t, s.room.GrantUnblock(s.asGranter(s.manager), shop.ID))
		s.isOpen("www.amazon.co.uk", "class:8B", true)
		if f := s.control("exceptions-expire"); f.State != control.Kept {
			t.Errorf("C04: %s, %+v", f.State, f.Rows)
		}
	})
}

func TestNobodyGrantsTheirOwnAndTheHeadDoesWhereNobodyElseCan(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.lessons("may")
		mine, err := s.room.AskUnblock(s.asGranter(s.manager), lesson())
		must(t, err)
		if err := s.room.GrantUnblock(s.asGranter(s.manager), mine.ID); !strings.Contains(refusal(err), "Somebody else decides") {
			t.Errorf("the manager's own: %v", err)
		}
		theirs := s.ask8B(lesson("facebook.com"))
		head := s.asGranter(s.head)
		if err := s.room.GrantUnblock(head, theirs.ID); !strings.Contains(refusal(err), "only where nobody else can") {
			t.Errorf("the head past the manager: %v", err)
		}
		if err := s.room.GrantUnblock(s.as(s.other, filtering.MayAsk), theirs.ID); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("a teacher: %v", err)
		}
		must(t, s.room.GrantUnblock(head, mine.ID))
		s.isOpen("instagram.com", "class:8B", true)
		if f := s.control("filter-changers-listed"); strings.Contains(f.Figure, " 1 by") {
			t.Errorf("C06 counts the head: %s", f.Figure)
		}
		items, err := s.room.Waiting(context.Background(), actor.From(s.asGranter(s.manager)))
		must(t, err)
		if len(items) != 1 || items[0].Link != "/filter/unblocks/"+theirs.ID || items[0].Risk != 2 || strings.Contains(items[0].Title, "facebook") {
			t.Errorf("the manager's tray: %+v", items)
		}
		if items, err = s.room.Waiting(context.Background(), actor.From(head)); err != nil || len(items) != 0 {
			t.Errorf("the head's tray: %+v %v", items, err)
		}
		s.holds()
	})
}

func TestAnUnblockGrantedTwiceAtOnceIsOneAndAskedTwiceAtOnceTheSame(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.lessons("may")
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { _, errs[i] = s.room.AskUnblock(s.asTeacher(), lesson()) })
		}
		wg.Wait()
		good, id := 0, ""
		for _, err := range errs {
			var already *filtering.AskedAlready
			switch {
			case err == nil:
				good++
			case errors.As(err, &already):
				id = already.ID
			default:
				t.Errorf("asked twice: %v", err)
			}
		}
		if good != 1 {
			t.Fatalf("%d of 4 were kept", good)
		}
		for i := range errs {
			wg.Go(func() { errs[i] = s.room.GrantUnblock(s.asGranter(s.manager), id) })
		}
		wg.Wait()
		good = 0
		for _, err := range errs {
			if err == nil {
				good++
			} else if refusal(err) == "" {
				t.Errorf("granted twice: %v", err)
			}
		}
		if good != 1 {
			t.Errorf("%d of 4 grants counted", good)
		}
		s.isOpen("instagram.com", "class:8B", true)
		s.holds()
	})
}

func TestNothingOpensForWhoeverOrWhateverIsGoneMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.lessons("may")
		granter := s.asGranter(s.manager)
		closed := func(what string, err error, words string) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %v, want %q", what, err, words)
			}
			s.isOpen("instagram.com", "class:8B", false)
		}
		if err := s.room.GrantUnblock(granter, "forged"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a forged id: %v", err)
		}
		u := s.ask8B(lesson())
		must(t, s.room.WithdrawUnblock(s.asTeacher(), u.ID))
		closed("taken back", s.room.GrantUnblock(granter, u.ID), "taken it back")
		u = s.ask8B(lesson())
		must(t, s.room.RefuseUnblock(granter, u.ID, "Use the school's own page"))
		closed("refused", s.room.GrantUnblock(granter, u.ID), "decided already")
		u = s.ask8B(lesson())
		s.clock.Advance(41 * time.Minute)
		closed("its time is over", s.room.GrantUnblock(granter, u.ID), "time is over")
		must(t, s.room.SettleUnblocks(console()))
		closed("its time is over, written down", s.room.GrantUnblock(granter, u.ID), "time is over")
		u = s.ask8B(lesson())
		wren, err := s.people.ByUsername(context.Background(), "wren.holt")
		must(t, err)
		must(t, s.people.Leave(console(), wren.ID, "2026-11-20", wren.Version, "moved"))
		closed("the class is gone", s.room.GrantUnblock(granter, u.ID), "There is no pupil in class 8B")
		all := lesson()
		all.For = filtering.ForPupils
		u = s.ask8B(all)
		posts, err := s.people.PostsAt(context.Background(), s.manager, s.clock.Now())
		must(t, err)
		must(t, s.people.EndPost(s.asHead(), posts[0].ID, posts[0].Version, "left"))
		closed("the granter lost the post", s.room.GrantUnblock(granter, u.ID), "do not hold filter management")
		must(t, s.room.GrantUnblock(s.asGranter(s.head), u.ID)) // nobody else is left
		s.isOpen("instagram.com", "", true)
		s.holds()
	})
}

func TestWhoAskedAndWhoManagesMayCloseItBeforeItsTimeAndNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.lessons("may")
		for name, ctx := range map[string]context.Context{"the asker": s.asTeacher(), "the manager": s.asGranter(s.manager), "the head": s.asGranter(s.head)} {
			u := s.ask8B(lesson())
			must(t, s.room.GrantUnblock(s.asGranter(s.manager), u.ID))
			if err := s.room.EndUnblock(s.as("somebody", filtering.MayAsk), u.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("somebody else: %v", err)
			}
			s.isOpen("instagram.com", "class:8B", true)
			must(t, s.room.EndUnblock(ctx, u.ID))
			s.isOpen("instagram.com", "class:8B", false)
			if err := s.room.EndUnblock(ctx, u.ID); refusal(err) == "" {
				t.Errorf("%s ends it twice: %v", name, err)
			}
		}
		if f := s.control("filter-changers-listed"); strings.Contains(f.Figure, "1 by") {
			t.Errorf("C06 counts who closed: %s", f.Figure)
		}
		s.holds()
	})
}

func TestWhatIsAskedBadlyIsSaidInASentence(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.lessons("may")
		for name, change := range map[string]func(u *filtering.Unblock){
			"no purpose":       func(u *filtering.Unblock) { u.Purpose = "fun" },
			"too long":         func(u *filtering.Unblock) { u.Until = u.Until.Add(2 * time.Hour) },
			"too short":        func(u *filtering.Unblock) { u.Until = time.Time{}.Add(time.Minute) },
			"yesterday":        func(u *filtering.Unblock) { u.From = monday.Add(-24 * time.Hour); u.Until = u.From.Add(time.Hour) },
			"next year":        func(u *filtering.Unblock) { u.From = monday.Add(365 * 24 * time.Hour); u.Until = u.From.Add(time.Hour) },
			"a class unknown":  func(u *filtering.Unblock) { u.For = filtering.ForClass("9Z") },
			"nobody":           func(u *filtering.Unblock) { u.For = "" },
			"staff":            func(u *filtering.Unblock) { u.For = "staff" },
			"six sites":        func(u *filtering.Unblock) { u.Hosts = strings.Fields("a.com b.com c.com d.com e.com f.com") },
			"an empty address": func(u *filtering.Unblock) { u.Hosts = []string{" "} },
		} {
			u := lesson()
			change(&u)
			_, err := s.room.AskUnblock(s.asTeacher(), u)
			var bad store.Invalid
			if !errors.As(err, &bad) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, ctx := range map[string]context.Context{"a pupil": pupil(), "nobody": context.Background(), "a teacher without the right": s.as(s.other)} {
			if _, err := s.room.AskUnblock(ctx, lesson()); !errors.Is(err, store.ErrForbidden) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func pupil() context.Context {
	return actor.With(context.Background(), actor.New(actor.Actor{ID: "person:p", Person: "p", Kind: actor.Person, Audience: actor.Pupil}, filtering.MayAsk, filtering.MayUnblock))
}

func TestAClassIsKnownByLabelsThatNoYearCanBeTakenFor(t *testing.T) {
	p := people.Person{Kind: people.Pupil, Year: "8", Class: "8B"}
	if got := strings.Join(filtering.ClassLabels(p, []string{"8B", "8x/Ma1"}), " "); got != "class:8B year:8 class:8x/Ma1" {
		t.Errorf("a pupil's: %s", got)
	}
	if got := strings.Join(filtering.ClassLabels(people.Person{Kind: people.Staff, Year: "8", Class: "8B"}, []string{"8C"}), " "); got != "class:8C" {
		t.Errorf("a teacher's: %s", got)
	}
}

func TestAGrantIsPublishedWithinASecond(t *testing.T) {
	s := open(t, sqlite(t))
	s.lessons("may")
	u := s.ask8B(lesson())
	start := time.Now()
	must(t, s.room.GrantUnblock(s.asGranter(s.manager), u.ID))
	took := time.Since(start)
	s.isOpen("instagram.com", "class:8B", true)
	t.Logf("granted and published in %s", took)
	if took > time.Second {
		t.Errorf("a grant took %s", took)
	}
}
