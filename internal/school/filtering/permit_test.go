package filtering_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/filtering"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

const setup = "https://tools.example.org/dl/setup.exe?v=2"

var at = netip.MustParseAddr("10.0.0.7")

// wren is a pupil of 8B with an account.
func (s *school) wren() people.ID {
	s.t.Helper()
	p, err := s.people.ByUsername(context.Background(), "wren.holt")
	must(s.t, err)
	return p.ID
}

// asPupil is somebody of the roll without any right.
func (s *school) asPupil(id people.ID) context.Context {
	return actor.With(context.Background(), actor.Actor{ID: "person:" + string(id), Person: string(id), Kind: actor.Person, Audience: actor.Pupil})
}

// asApprover is a member of staff at the page of files.
func (s *school) asApprover(id people.ID) context.Context { return s.as(id, filtering.MayPermit) }

func (s *school) asks(url string) filtering.Permit {
	s.t.Helper()
	p, err := s.room.AskPermit(s.asPupil(s.wren()), url, filtering.Permit{Purpose: "For the robot of the maker club"}, at)
	must(s.t, err)
	return p
}

// permitted asks the rules in force whether somebody may download a file.
func (s *school) permitted(id people.ID, host, path, hash string) bool {
	s.t.Helper()
	snap := s.room.Snapshot()
	ok, _ := snap.Permitted(&verdict.Ask{
		Door: verdict.DoorProxy, Host: host, Path: path, Groups: snap.Names().GroupBit("pupils"), At: s.clock.Now(),
		Classes: snap.Names().ClassNumbers(append([]string{"class:8B"}, s.room.PermitLabels(id)...)),
	}, hash)
	return ok
}

func TestAFileIsPermittedForWhoeverAskedAndForNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		h := s.lessons("may")
		p := s.asks(setup)
		wren, bea := s.wren(), s.other
		if p.Host != "tools.example.org" || p.Path != "/dl/setup.exe?v=2" || p.Group != "pupils" {
			t.Fatalf("asked for %+v", p)
		}
		if s.permitted(wren, p.Host, p.Path, "") {
			t.Fatal("permitted before anybody decided")
		}
		before := s.changed
		must(t, s.room.GrantPermit(s.asApprover(s.manager), p.ID, 24*time.Hour))
		if s.changed == before {
			t.Error("the filter is not told, so the file stays closed")
		}
		for _, c := range []struct {
			name, path string
			who        people.ID
			want       bool
		}{
			{"the file, for whoever asked", p.Path, wren, true},
			{"the file, for somebody else of the class", p.Path, bea, false},
			{"another file of the site", "/dl/other.exe", wren, false},
			{"the same file asked for otherwise", "/dl/setup.exe", wren, false},
		} {
			if got := s.permitted(c.who, p.Host, c.path, ""); got != c.want {
				t.Errorf("%s: permitted %t", c.name, got)
			}
		}
		if f := s.control("exceptions-expire"); f.State != control.Kept || !strings.Contains(f.Figure, "1 files permitted now, 1 in 30 days") {
			t.Errorf("C04: %s, %s", f.State, f.Figure)
		}
		s.clock.Advance(24*time.Hour - time.Millisecond)
		if !s.permitted(wren, p.Host, p.Path, "") {
			t.Error("closed before its time")
		}
		s.clock.Advance(time.Millisecond) // the rules themselves say until when
		if s.permitted(wren, p.Host, p.Path, "") {
			t.Error("open after its time")
		}
		must(t, s.room.SettlePermits(console()))
		got, err := s.room.Permit(s.asApprover(s.manager), p.ID)
		must(t, err)
		if got.State != filtering.UnblockEnded || !got.EndedAt.Equal(got.Until) || len(s.room.PermitLabels(wren)) != 0 {
			t.Errorf("afterwards it is %s, with labels %v", got.State, s.room.PermitLabels(wren))
		}
		if f := s.control("filter-changers-listed"); f.State == control.Broken {
			t.Errorf("C06: %s", f.Figure)
		}
		if f := s.control("filter-changes-logged"); f.State != control.Kept {
			t.Errorf("C05: %s", f.Figure)
		}
		if len(h.list) != 2 || h.list[1].To[0] != string(wren) || strings.Contains(h.list[0].What+h.list[0].Link, "setup") {
			t.Errorf("notices: %+v", h.list)
		}
		s.holds()
	})
}

func TestWhoDecidesAboutAFileIsASetting(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.lessons("may")
		no := func(who context.Context, id, want string) {
			t.Helper()
			if got := refusal(s.room.GrantPermit(who, id, time.Hour)); !strings.Contains(got, want) {
				t.Errorf("refused with %q, want %q", got, want)
			}
		}
		p := s.asks(setup)
		no(s.asApprover(s.other), p.ID, "head teacher and filter manager")
		if err := s.room.GrantPermit(s.asPupil(s.wren()), p.ID, time.Hour); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("a pupil: %v", err)
		}
		_, err := s.activate(2, map[string]string{"filtering.social.unblock": "may"},
			s.value("filtering.downloads.approver", "a member of staff", setting.Scope{Group: "pupils"}),
			s.value("filtering.downloads.approver", "the network manager", setting.Scope{Group: "staff"}))
		must(t, err)
		must(t, s.room.GrantPermit(s.asApprover(s.other), p.ID, time.Hour))
		mine, err := s.room.AskPermit(s.as(s.other), "tools.example.org/a.msi", filtering.Permit{Purpose: "To mend the projector"}, at)
		must(t, err)
		no(s.asApprover(s.other), mine.ID, "Somebody else decides")
		// Nobody is network manager here, so the head does.
		no(s.asApprover(s.manager), mine.ID, "deputy head")
		must(t, s.room.GrantPermit(s.asApprover(s.head), mine.ID, time.Hour))
	})
}

func TestWhatMayNotBePermittedIsRefusedWithASentence(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		last := filtering.Refusal{}
		s.deps.ClosedAt = func(context.Context, netip.Addr) (filtering.Refusal, bool, error) { return last, last.Host != "", nil }
		s.lessons("may")
		ask := func(url, purpose string) error {
			_, err := s.room.AskPermit(s.asPupil(s.wren()), url, filtering.Permit{Purpose: purpose}, at)
			return err
		}
		why := "For the robot of the maker club"
		for _, c := range []struct{ name, url, purpose, want string }{
			{"a site that is closed", "https://www.roblox.com/RobloxPlayer.exe", why, "itself is closed"},
			{"no purpose", setup, "fun", "what you need the file for"},
			{"no address", "", why, "not the address of a file"},
			{"an address of numbers", "http://198.51.100.7/a.exe", why, "address of numbers"},
			{"a space in the path", "http://tools.example.org/a b.exe", why, "no browser sends"},
			{"far too long", "http://tools.example.org/" + strings.Repeat("a", 3000), why, "more than 2000"},
		} {
			err := ask(c.url, c.purpose)
			if got := refusal(err) + sentence(err); !strings.Contains(got, c.want) {
				t.Errorf("%s: %q, want %q (%v)", c.name, got, c.want, err)
			}
		}
		last = filtering.Refusal{Host: "tools.example.org", Reason: verdict.ReasonVirus.String()}
		if got := refusal(ask(setup, why)); !strings.Contains(got, "virus scanner found something") {
			t.Errorf("an infected file: %q", got)
		}
		last = filtering.Refusal{Host: "elsewhere.example", Reason: verdict.ReasonVirus.String()}
		p := s.asks(setup)
		var already *filtering.AskedAlready
		if err := ask(setup, why); !errors.As(err, &already) || already.ID != p.ID {
			t.Errorf("asked twice: %v", err)
		}
		for _, long := range []time.Duration{time.Minute, 25 * time.Hour} {
			if err := s.room.GrantPermit(s.asApprover(s.manager), p.ID, long); err == nil {
				t.Errorf("permitted for %s", long)
			}
		}
		for i := range 9 {
			s.asks("tools.example.org/" + string(rune('a'+i)))
		}
		if err := ask("tools.example.org/z", why); !strings.Contains(sentence(err), "Too many") {
			t.Errorf("an eleventh: %v", err)
		}
		s.holds()
	})
}

// sentence is what a refused form says.
func sentence(err error) string {
	var bad store.Invalid
	if !errors.As(err, &bad) {
		return ""
	}
	var out []string
	for _, v := range bad {
		out = append(out, v)
	}
	return strings.Join(out, " ")
}

func TestAFileIsDecidedOnceAndTakenBackAndLapses(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.lessons("may")
		p, q, z := s.asks(setup), s.asks("tools.example.org/b.exe"), s.asks("tools.example.org/c.exe")
		var wait sync.WaitGroup
		var mu sync.Mutex
		granted := 0
		for range 4 {
			wait.Go(func() {
				if s.room.GrantPermit(s.asApprover(s.manager), p.ID, time.Hour) == nil {
					mu.Lock()
					granted++
					mu.Unlock()
				}
			})
		}
		wait.Wait()
		if granted != 1 {
			t.Errorf("granted %d times", granted)
		}
		if got := refusal(s.room.RefusePermit(s.asApprover(s.manager), p.ID, "no")); !strings.Contains(got, "permitted already") {
			t.Errorf("refusing afterwards: %q", got)
		}
		must(t, s.room.RefusePermit(s.asApprover(s.manager), q.ID, "The maker's own page has a web version."))
		if err := s.room.WithdrawPermit(s.asPupil(s.other), z.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("somebody else took it back: %v", err)
		}
		must(t, s.room.WithdrawPermit(s.asPupil(s.wren()), z.ID))
		if got := refusal(s.room.GrantPermit(s.asApprover(s.manager), z.ID, time.Hour)); !strings.Contains(got, "taken it back") {
			t.Errorf("granting what was taken back: %q", got)
		}
		must(t, s.room.EndPermit(s.asPupil(s.wren()), p.ID))
		if s.permitted(s.wren(), p.Host, p.Path, "") {
			t.Error("open after it was closed")
		}
		y := s.asks("tools.example.org/d.exe")
		s.clock.Advance(8 * 24 * time.Hour)
		if got := refusal(s.room.GrantPermit(s.asApprover(s.manager), y.ID, time.Hour)); !strings.Contains(got, "in time") {
			t.Errorf("granting late: %q", got)
		}
		must(t, s.room.SettlePermits(console()))
		if got, err := s.room.Permit(s.asApprover(s.manager), y.ID); err != nil || got.State != filtering.UnblockLapsed {
			t.Errorf("afterwards: %s, %v", got.State, err)
		}
		s.holds()
	})
}

func TestOnlyTheVeryBytesArePermittedWhereTheyAreKnown(t *testing.T) {
	s := open(t, sqlite(t))
	s.lessons("may")
	hash := strings.Repeat("ab", 32)
	p, err := s.room.AskPermit(s.asPupil(s.wren()), setup, filtering.Permit{Purpose: "For the robot of the club", Hash: hash}, at)
	must(t, err)
	must(t, s.room.GrantPermit(s.asApprover(s.manager), p.ID, time.Hour))
	if s.permitted(s.wren(), p.Host, p.Path, strings.Repeat("cd", 32)) || !s.permitted(s.wren(), p.Host, p.Path, hash) {
		t.Error("the hash does not decide")
	}
}

func TestAnErrorInThePermitsIsFound(t *testing.T) {
	s := open(t, sqlite(t))
	s.lessons("may")
	p := s.asks(setup)
	must(t, s.room.GrantPermit(s.asApprover(s.manager), p.ID, time.Hour))
	must(t, s.db.Write(console(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(context.Background(), "UPDATE filter_permits SET decided_by = asked_by WHERE id = $1", p.ID)
		return err
	}))
	if f := s.control("exceptions-expire"); f.State != control.Broken || !strings.Contains(f.Rows[0].What, "by whoever asked") {
		t.Errorf("C04: %s %+v", f.State, f.Rows)
	}
	must(t, s.db.Write(console(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(context.Background(), "DELETE FROM filter_permits WHERE id = $1", p.ID)
		return err
	}))
	if f := s.control("exceptions-expire"); f.State != control.Broken || !strings.Contains(f.Rows[0].What, "nobody granted it") {
		t.Errorf("C04: %s %+v", f.State, f.Rows)
	}
}

func TestWhatSomebodyAskedForIsHeldOfThem(t *testing.T) {
	s := open(t, sqlite(t))
	s.lessons("may")
	s.asks(setup)
	held, err := s.room.Holds(context.Background(), s.wren())
	must(t, err)
	if len(held) != 1 || held[0].Title != "Files asked for" || !strings.Contains(held[0].Facts[1].Value, "setup.exe") {
		t.Errorf("%+v", held)
	}
}
