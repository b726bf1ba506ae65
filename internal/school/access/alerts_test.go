package access_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// post remembers the notices that were sent.
type post struct{ sent []notice.Notice }

func (p *post) Send(_ context.Context, _ *store.Tx, n notice.Notice) error {
	p.sent = append(p.sent, n)
	return nil
}

func (s *school) from(name, address string) error {
	_, _, err := s.SignIn(context.Background(), access.Attempt{Username: name, Password: good, From: netip.MustParseAddr(address)})
	return err
}

func (s *school) waiting() []access.Alert {
	s.t.Helper()
	list, err := s.Alerts(s.ctx, false)
	s.must(err)
	return list
}

func TestAnAccountAtTwoPlacesWithinMinutesIsLookedInto(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.Place = func(a netip.Addr) string {
			if netip.MustParsePrefix("10.1.0.0/16").Contains(a) {
				return "ward"
			}
			return "library"
		}
		net := s.person(people.Staff, "net", people.NetworkManager)
		s.person(people.Staff, "areed")
		s.must(s.from("areed", "10.1.0.5"))
		s.must(s.from("areed", "10.1.0.6")) // a second device at the same place is nothing
		if n := len(s.waiting()); n != 0 {
			t.Fatalf("%d alerts", n)
		}
		if f := s.finding("C46"); f.State != control.Kept {
			t.Errorf("before: %s %s", f.State, f.Figure)
		}
		s.clock.Advance(4 * time.Minute)
		s.must(s.from("areed", "10.2.0.5"))
		s.must(s.from("areed", "10.2.0.6")) // the same again is the same alert
		list := s.waiting()
		if len(list) != 1 || !strings.Contains(list[0].Says, "at library while it was in use at ward 4 minutes before") {
			t.Fatalf("%+v", list)
		}
		if f := s.finding("C46"); f.State != control.AtRisk || len(f.Rows) != 1 {
			t.Errorf("after: %s %s", f.State, f.Figure)
		}
		a, err := s.ActorOf(s.ctx, net)
		s.must(err)
		if items, err := s.Waiting(s.ctx, a); err != nil || len(items) != 1 || strings.Contains(items[0].Title, "areed") {
			t.Errorf("in the tray: %+v %v", items, err)
		}
		s.clock.Advance(6 * 24 * time.Hour)
		if f := s.finding("C46"); f.State != control.Broken {
			t.Errorf("six days later: %s %s", f.State, f.Figure)
		}
		ctx := actor.With(s.ctx, a)
		if err := s.Review(ctx, list[0].ID, ""); !invalid(err, "what it was") {
			t.Errorf("without a word: %v", err)
		}
		s.must(s.Review(ctx, list[0].ID, "She lent the tablet to a colleague, and was told not to."))
		if f := s.finding("C46"); f.State != control.Kept {
			t.Errorf("looked into: %s %s", f.State, f.Figure)
		}
		s.whole()
	})
}

func TestAPupilAtTwoDevicesAndStaffAtAPupilsDeviceAreAlerts(t *testing.T) {
	s := newSchool(t)
	s.PupilDevice = func(a netip.Addr) bool { return a == netip.MustParseAddr("10.1.0.9") }
	s.person(people.Pupil, "ava")
	s.person(people.Staff, "areed")
	s.must(s.from("ava", "10.1.0.5"))
	s.must(s.from("ava", "10.1.0.5"))
	s.must(s.from("areed", "10.1.0.7"))
	if n := len(s.waiting()); n != 0 {
		t.Fatalf("%d alerts", n)
	}
	s.must(s.from("ava", "10.1.0.6"))
	s.must(s.from("areed", "10.1.0.9"))
	list := s.waiting()
	if len(list) != 2 || list[0].Kind != access.AlertPlaces || list[1].Kind != access.AlertPupilDevice {
		t.Errorf("%+v", list)
	}
	s.set(setting.Value{Key: access.KeySharedWindow, Off: true, Confirmed: true})
	if f := s.finding("C46"); f.State != control.NotApplicable {
		t.Errorf("off: %s", f.State)
	}
}

func TestNobodyLooksIntoTheirOwnAlert(t *testing.T) {
	s := newSchool(t)
	s.PupilDevice = func(netip.Addr) bool { return true }
	id := s.person(people.Staff, "net", people.NetworkManager)
	s.must(s.from("net", "10.1.0.9"))
	a, err := s.ActorOf(s.ctx, id)
	s.must(err)
	if err := s.Review(actor.With(s.ctx, a), s.waiting()[0].ID, "It was me."); !invalid(err, "your own account") {
		t.Errorf("%v", err)
	}
	if items, err := s.Waiting(s.ctx, a); err != nil || len(items) != 0 {
		t.Errorf("in their own tray: %+v %v", items, err)
	}
}

func TestACompromisedAccountShutsAndIsReported(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		box := &post{}
		s.Notices = box
		plain := s.person(people.Staff, "areed")
		head := s.person(people.Staff, "head", people.Headteacher)
		s.person(people.Staff, "net", people.NetworkManager)
		_, token := s.in("areed", good)
		_, thief := s.in("areed", good)
		shut, err := s.Compromised(actor.With(s.ctx, s.stand(token).Actor), plain)
		s.must(err)
		if !shut || s.stand(token).Actor.SignedIn() || s.stand(thief).Actor.SignedIn() {
			t.Error("a session goes on")
		}
		if _, _, err := s.try("areed", good); !refused(err) {
			t.Errorf("whoever knows the password still gets in: %v", err)
		}
		_, token = s.in("head", good)
		seed, _ := s.enrol(token)
		box.sent = box.sent[:1] // and that a second factor was added
		_, secret, err := s.Issue(actor.With(s.ctx, s.stand(token).Actor), "the MIS", []actor.Capability{"people.read"}, 24*time.Hour)
		s.must(err)
		if shut, err = s.Compromised(s.ctx, head); err != nil || shut {
			t.Fatalf("shut %v %v", shut, err)
		}
		if _, err := s.TokenActor(s.ctx, secret); err == nil {
			t.Error("a token goes on")
		}
		s.clock.Advance(time.Minute)
		_, half := s.in("head", good)
		if st := s.stand(half); !st.AskFactor {
			t.Fatalf("the password alone: %+v", st)
		}
		s.must(s.ProveCode(s.ctx, s.stand(half).Session, s.code(seed)))
		if st := s.stand(half); !st.MustChange {
			t.Error("no new password is asked for")
		}
		if len(box.sent) != 2 || box.sent[0].Risk != 3 || len(box.sent[0].Posts) != 4 || strings.Contains(box.sent[0].What, "areed") {
			t.Errorf("notices %+v", box.sent)
		}
		if list := s.waiting(); len(list) != 2 || list[0].Kind != access.AlertCompromised {
			t.Errorf("%+v", list)
		}
		s.whole()
	})
}

func TestAccountsOfLeaversAreMeasured(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.person(people.Staff, "areed")
		gone := s.person(people.Staff, "gone")
		if f := s.finding("C42"); f.State != control.Kept {
			t.Fatalf("%s %s", f.State, f.Figure)
		}
		p, err := s.people.Get(s.ctx, gone)
		s.must(err)
		s.must(s.people.Leave(s.ctx, gone, "2026-11-22", p.Version, ""))
		if f := s.finding("C42"); f.State != control.AtRisk {
			t.Errorf("the day after: %s %s", f.State, f.Figure)
		}
		s.clock.Advance(30 * time.Hour)
		if f := s.finding("C42"); f.State != control.Broken || len(f.Rows) != 1 {
			t.Errorf("with no task to close it: %s %s", f.State, f.Figure)
		}
		s.sweep()
		if f := s.finding("C42"); f.State != control.Kept {
			t.Errorf("after the task: %s %s", f.State, f.Figure)
		}
	})
}

func TestTheHeadLooksAtWhoHasTheMostRights(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.person(people.Staff, "head", people.Headteacher)
		s.person(people.Staff, "net", people.NetworkManager)
		s.person(people.Staff, "office", people.OfficeManager)
		list, err := s.Admins(s.ctx)
		s.must(err)
		if len(list) != 2 {
			t.Fatalf("%+v", list)
		}
		if f := s.finding("C47"); f.State != control.Unknown {
			t.Errorf("nobody looked: %s %s", f.State, f.Figure)
		}
		owed := func() int {
			t.Helper()
			o, err := s.Duties()[0].Owed(s.ctx, s.clock.Now())
			s.must(err)
			return len(o)
		}
		if owed() != 1 {
			t.Error("nobody's task")
		}
		var ids []string
		for _, a := range list {
			ids = append(ids, string(a.Person.ID))
		}
		s.must(s.ReviewRights(s.ctx, ids))
		if f := s.finding("C47"); f.State != control.Kept || f.Source != control.Attested || owed() != 0 {
			t.Errorf("looked: %s %s", f.State, f.Figure)
		}
		s.person(people.Staff, "filter", people.FilterManager)
		if f := s.finding("C47"); f.State != control.AtRisk || owed() != 1 {
			t.Errorf("somebody new: %s %s", f.State, f.Figure)
		}
		if err := s.ReviewRights(s.ctx, ids); err == nil {
			t.Error("a list was confirmed that the head did not see")
		}
		s.clock.Advance(8 * 24 * time.Hour)
		if f := s.finding("C47"); f.State != control.Broken {
			t.Errorf("somebody new for a week: %s %s", f.State, f.Figure)
		}
		s.whole()
	})
}

func TestATeacherGivesPasswordsToTheOwnClassAlone(t *testing.T) {
	s := newSchool(t, noFactors(), setting.Value{Key: access.KeyTeachersGive, Bool: true, Confirmed: true})
	teacher, ava, kit := s.person(people.Staff, "teach"), s.person(people.Pupil, "ava"), s.person(people.Pupil, "kit")
	s.must(s.db.Write(s.ctx, func(tx *store.Tx) error {
		for who, teaches := range map[people.ID]bool{teacher: true, ava: false} {
			if _, err := tx.ExecContext(s.ctx, "INSERT INTO class_members (class, person, teaches) VALUES ('4B', $1, $2)", string(who), teaches); err != nil {
				return err
			}
		}
		return nil
	}))
	b := s.browser()
	b.signIn("teach", good)
	b.get("/class-passwords").is(200, "Familyava")
	if strings.Contains(b.body, "Familykit") {
		t.Error("another's pupil is on the page")
	}
	b.post("/class-passwords", "pupil", string(ava)).is(200, "Temporary password")
	b.post("/class-passwords", "pupil", string(kit)).is(403)
	b.post("/class-passwords", "pupil", string(teacher)).is(403)
	if n := s.verbs(access.VerbPupilReset); n != 1 {
		t.Errorf("%d lines", n)
	}
	if _, _, err := s.try("kit", good); err != nil {
		t.Errorf("the other pupil's password changed: %v", err)
	}
	s.set(noFactors())
	b.get("/class-passwords").is(200, "Not in this school")
	b.post("/class-passwords", "pupil", string(ava)).is(403)
	s.whole()
}

func TestWhatWasTypedIntoAnEndedSessionIsKeptForItsOwner(t *testing.T) {
	s := newSchool(t, noFactors())
	s.person(people.Staff, "net", people.NetworkManager)
	s.person(people.Staff, "other", people.NetworkManager)
	kid := s.person(people.Pupil, "ava")
	p, err := s.people.Get(s.ctx, kid)
	s.must(err)
	b := s.browser()
	b.signIn("net", good)
	s.clock.Advance(11 * time.Minute)
	b.post("/accounts/new", "who", p.Name(), "username", "a long story about a username", "password", "hush").goesTo("/sign-in?to=%2Faccount%2Fkept")
	o := s.browser()
	o.signIn("other", good)
	o.get("/account/kept").goesTo("/")
	b.post("/sign-in", "username", "net", "password", good, "to", "/account/kept").goesTo("/account/kept")
	b.get("/account/kept").is(200, "a long story about a username", `action="/account/kept"`)
	if strings.Contains(b.body, "hush") {
		t.Error("a password was kept")
	}
	b.post("/account/kept", "who", p.Name(), "username", "a long story about a username").is(307)
	if got := b.last.Header.Get("Location"); got != "/accounts/new" {
		t.Errorf("sent to %q", got)
	}
	b.get("/account/kept").goesTo("/")
	// Nothing is kept for a stranger, nor too much of it.
	s.browser().post("/accounts/new", "who", "x").goesTo("/sign-in?to=%2F")
	s.clock.Advance(11 * time.Minute)
	b.post("/accounts/new", "who", strings.Repeat("x", 70_000)).goesTo("/sign-in?to=%2F")
}

func TestLockingAtOnceHidesThePage(t *testing.T) {
	s := newSchool(t, noFactors())
	s.person(people.Staff, "net", people.NetworkManager)
	b := s.browser()
	b.signIn("net", good)
	b.post("/account/lock").goesTo("/sign-in?to=%2F")
	b.get("/accounts").goesTo("/sign-in?to=%2Faccounts")
	b.get("/sign-in?to=%2Faccounts").is(200, "locked itself")
	b.post("/sign-in", "username", "net", "password", good, "to", "/accounts").goesTo("/accounts")
	b.get("/accounts").is(200)
	b.get("/account").is(200, "Somebody may know my password")
	b.post("/account/compromised").is(200, "Your account is shut")
	b.get("/accounts").goesTo("/sign-in?to=%2Faccounts")
}
