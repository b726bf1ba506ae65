package access_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

func refused(err error) bool {
	var r access.Refused
	return errors.As(err, &r)
}

func TestSomebodySignsInAndMayWhatTheirPostsGive(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		id := s.person(people.Staff, "areed", people.NetworkManager)
		session, token := s.in(" AReed ", good)
		st := s.stand(token)
		if st.Actor.Person != string(id) || st.Actor.ID != "person:"+string(id) || st.Actor.Session != session.ID || !st.Actor.Holds("network-manager") {
			t.Fatalf("actor %+v", st.Actor)
		}
		if !st.Actor.May("access.manage") || st.Actor.May("filtering.change") || st.Actor.May("monitoring.read") {
			t.Errorf("may %v", st.Actor.Capabilities())
		}
		if session.Device != "Chrome on Windows" {
			t.Errorf("device %q", session.Device)
		}
		posts, err := s.people.PostsOf(s.ctx, id)
		s.must(err)
		s.must(s.people.EndPost(s.ctx, posts[0].ID, posts[0].Version, "moved on"))
		if s.stand(token).Actor.May("access.manage") {
			t.Error("a post that ended still gives")
		}
		s.whole()
	})
}

func TestTheAnswerAtTheDoorIsTheSameForEveryCause(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed")
	gone := s.person(people.Staff, "gone")
	closed := s.person(people.Staff, "closed")
	p, err := s.people.Get(s.ctx, gone)
	s.must(err)
	s.must(s.people.Leave(s.ctx, gone, "2026-11-20", p.Version, ""))
	a, err := s.AccountOf(s.ctx, closed)
	s.must(err)
	s.must(s.SetDisabled(s.ctx, a.ID, true, a.Version, "away"))
	var first string
	for _, c := range [][2]string{{"areed", "wrong password"}, {"nobody", good}, {"gone", good}, {"closed", good}, {"", ""}, {"areed", strings.Repeat("x", 10_000)}} {
		_, _, err := s.try(c[0], c[1])
		if !refused(err) {
			t.Fatalf("%s: %v", c[0], err)
		}
		if first == "" {
			first = err.Error()
		}
		if err.Error() != first {
			t.Errorf("%s gets another answer: %s", c[0], err)
		}
	}
}

func TestAnAccountRestsAfterTooManyWrongTries(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.person(people.Staff, "areed")
		for i := range 5 {
			if _, _, err := s.try("areed", "wrong "+fmt.Sprint(i)); !refused(err) {
				t.Fatal(err)
			}
		}
		if _, _, err := s.try("areed", good); !refused(err) {
			t.Errorf("the right password opened a resting account: %v", err)
		}
		if n := s.verbs(access.VerbLocked); n != 1 {
			t.Errorf("%d lines of the lock", n)
		}
		s.clock.Advance(14 * time.Minute)
		if _, _, err := s.try("areed", good); !refused(err) {
			t.Error("it woke early")
		}
		s.clock.Advance(time.Minute)
		s.in("areed", good)
		s.whole()
	})
}

func TestAClockSetBackDoesNotLockAnAccountForHours(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed")
	for range 5 {
		_, _, _ = s.try("areed", "wrong password")
	}
	s.clock.Advance(-time.Hour)
	if _, _, err := s.try("areed", "wrong again"); !refused(err) {
		t.Fatal(err)
	}
	s.clock.Advance(16 * time.Minute)
	s.in("areed", good)
}

func TestGuessingFromOneAddressIsSlowedAndAClassIsNot(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed")
	for i := range 60 { // a class with two mistakes each
		_, _, _ = s.try(fmt.Sprintf("pupil%d", i%30), "wrong password")
	}
	s.in("areed", good)
	for i := range 100 {
		_, _, _ = s.try(fmt.Sprintf("guess%d", i), "wrong password")
	}
	if _, _, err := s.try("areed", good); !refused(err) {
		t.Error("the address goes on guessing")
	}
	_, _, err := s.SignIn(s.ctx, access.Attempt{Username: "areed", Password: good, From: netip.MustParseAddr("10.9.9.9")})
	s.must(err)
	if n := s.verbs(access.VerbFailed); n > 3 {
		t.Errorf("160 wrong tries wrote %d lines", n)
	}
	s.clock.Advance(20 * time.Minute)
	s.sweep()
	if n := s.verbs(access.VerbFailed); n > 5 || n < 2 {
		t.Errorf("with the counts there are %d lines", n)
	}
}

func TestATemporaryPasswordOpensOnlyTheChangeOfIt(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		id := s.person(people.Staff, "areed", people.Headteacher)
		s.set(noFactors())
		_, before := s.in("areed", good)
		temp, err := s.Reset(s.ctx, "AREED")
		s.must(err)
		if s.stand(before).Actor.SignedIn() {
			t.Error("the session of before goes on")
		}
		if _, _, err := s.try("areed", good); !refused(err) {
			t.Error("the lost password still opens")
		}
		_, token := s.in("areed", temp)
		st := s.stand(token)
		if !st.MustChange || len(st.Actor.Capabilities()) != 0 || !st.Actor.SignedIn() {
			t.Fatalf("%+v may %v", st, st.Actor.Capabilities())
		}
		var bad store.Invalid
		for _, weak := range []string{"short", "passwordpassword", "areed", "Password2026!", "111111111111", "123456789012", "areedareedareed", "qwertyqwerty12", temp} {
			if err := s.ChangePassword(s.ctx, id, st.Session.ID, temp, weak); !errors.As(err, &bad) || bad["password"] == "" {
				t.Errorf("%q was taken: %v", weak, err)
			}
		}
		if err := s.ChangePassword(s.ctx, id, st.Session.ID, "not it", "four new long words"); !errors.As(err, &bad) || bad["current"] == "" {
			t.Errorf("with a wrong present one: %v", err)
		}
		s.must(s.ChangePassword(s.ctx, id, st.Session.ID, temp, "four new long words"))
		if st := s.stand(token); st.MustChange || !st.Actor.May("policies.activate") {
			t.Errorf("after the change: %+v", st)
		}
		s.in("areed", "four new long words")
		s.whole()
	})
}

func TestAPasswordChangeEndsEveryOtherSession(t *testing.T) {
	s := newSchool(t)
	id := s.person(people.Staff, "areed")
	mine, token := s.in("areed", good)
	_, other := s.in("areed", good) // twice at once: both are good, both are listed
	if list, _ := s.Sessions(s.ctx, id); len(list) != 2 {
		t.Fatalf("%d sessions listed", len(list))
	}
	s.must(s.ChangePassword(s.ctx, id, mine.ID, good, "four new long words"))
	if !s.stand(token).Actor.SignedIn() || s.stand(other).Actor.SignedIn() {
		t.Error("mine goes on, the other ends")
	}
}

func TestALeftSessionLocksAndOpensWhereItWas(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.person(people.Staff, "areed")
		s.person(people.Staff, "boak")
		first, token := s.in("areed", good)
		s.clock.Advance(9 * time.Minute)
		if !s.stand(token).Actor.SignedIn() {
			t.Fatal("locked too early")
		}
		s.clock.Advance(10 * time.Minute)
		st := s.stand(token)
		if !st.Locked || st.Actor.SignedIn() || s.verbs(access.VerbRested) != 1 {
			t.Fatalf("left for ten minutes: %+v", st)
		}
		if s.stand(token).Actor.SignedIn() {
			t.Error("a locked session opened by asking again")
		}
		again, fresh, err := s.SignIn(s.ctx, access.Attempt{Username: "areed", Password: good, From: desk, Cookie: token})
		s.must(err)
		if again.ID != first.ID || !s.stand(fresh).Actor.SignedIn() {
			t.Error("it is not the same session again")
		}
		if st := s.stand(token); st.Actor.SignedIn() || st.Locked {
			t.Error("the token of before is still worth something")
		}
		// somebody else at the same browser
		s.clock.Advance(11 * time.Minute)
		s.stand(fresh)
		other, theirs, err := s.SignIn(s.ctx, access.Attempt{Username: "boak", Password: good, From: desk, Cookie: fresh})
		s.must(err)
		if other.ID == first.ID || s.stand(theirs).Actor.Person == string(first.Person) {
			t.Error("somebody else got the session")
		}
		if st := s.stand(fresh); st.Locked || st.Actor.SignedIn() {
			t.Error("the first one's session stands on")
		}
		s.whole()
	})
}

func TestThePolicysNumberIsTheLock(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed")
	_, token := s.in("areed", good)
	s.clock.Advance(6 * time.Minute)
	s.set(setting.Value{Key: access.KeyIdleLock, Duration: 5 * time.Minute, Confirmed: true})
	if st := s.stand(token); !st.Locked {
		t.Error("a shorter time holds at once")
	}
}

func TestALibraryLocksSooner(t *testing.T) {
	s := newSchool(t)
	s.set(setting.Value{Key: access.KeyIdleLock, Duration: 5 * time.Minute, Scope: setting.Scope{Place: "library"}, Confirmed: true})
	s.Place = func(a netip.Addr) string {
		if a == desk {
			return "library"
		}
		return ""
	}
	s.person(people.Staff, "areed")
	_, here := s.in("areed", good)
	_, there, err := s.SignIn(s.ctx, access.Attempt{Username: "areed", Password: good, From: netip.MustParseAddr("10.9.9.9")})
	s.must(err)
	s.clock.Advance(6 * time.Minute)
	if !s.stand(here).Locked || !s.stand(there).Actor.SignedIn() {
		t.Error("the library is not told from elsewhere")
	}
}

func TestNoSessionOutlivesItsTimeOrItsPerson(t *testing.T) {
	s := newSchool(t)
	id := s.person(people.Staff, "areed")
	_, token := s.in("areed", good)
	for range 8 * 12 {
		s.clock.Advance(5 * time.Minute)
		s.stand(token)
	}
	if s.stand(token).Actor.SignedIn() {
		t.Error("busy for eight hours, and still signed in")
	}
	_, token = s.in("areed", good)
	s.clock.Advance(-time.Hour)
	if s.stand(token).Actor.SignedIn() {
		t.Error("the clock went back an hour and the session did not lock")
	}
	s.clock.Advance(time.Hour)
	_, token = s.in("areed", good)
	p, _ := s.people.Get(s.ctx, id)
	s.must(s.people.Leave(s.ctx, id, "2026-11-22", p.Version, ""))
	if s.stand(token).Actor.SignedIn() {
		t.Error("somebody who left is signed in")
	}
	s.clock.Advance(day)
	s.sweep()
	if a, _ := s.AccountOf(s.ctx, id); !a.Disabled {
		t.Error("a leaver's account is open a day later")
	}
	s.whole()
}

const day = 24 * time.Hour

func TestWhoMayNotUseTheNetworkDoesNotSignIn(t *testing.T) {
	s := newSchool(t)
	id, err := s.people.Add(s.ctx, people.Person{Kind: people.Pupil, Given: "Ava", Family: "Moss", Username: "amoss", Year: "4", NoAccess: true})
	s.must(err)
	_, err = s.CreateAccount(s.ctx, access.NewAccount{Person: id, Password: good})
	s.must(err)
	if _, _, err := s.try("amoss", good); !refused(err) {
		t.Error("signed in")
	}
}

func TestTheGateLearnsWhoIsBehindAnAddressAndForgetsIt(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		id := s.person(people.Pupil, "amoss")
		if s.in("amoss", good); len(s.gate.rows) != 0 {
			t.Fatal("a sign-in at the desk made somebody present on the web")
		}
		session, token, err := s.SignIn(context.Background(), access.Attempt{Username: "amoss", Password: good, From: desk, Web: true})
		s.must(err)
		row := s.gate.rows[desk]
		if row.Subject == "" || row.Subject == string(id) || row.Certain != access.Sure || row.Groups[0] != access.GroupPupils || row.KeyStage != people.KS2 {
			t.Fatalf("row %+v", row)
		}
		if !row.Ends.Equal(monday.Add(8 * time.Hour)) {
			t.Errorf("ends %s", row.Ends)
		}
		if row.Idle != time.Hour {
			t.Errorf("it may lie unused for %s", row.Idle)
		}
		if got, name, ok := s.Name(s.ctx, row.Subject); !ok || got != id || name != "Givenamoss Familyamoss" {
			t.Errorf("behind the pseudonym: %s %s %v", got, name, ok)
		}
		s.must(s.EndSession(s.ctx, id, session.ID, "signed out"))
		if len(s.gate.rows) != 0 || s.stand(token).Actor.SignedIn() {
			t.Error("signed out, and still present")
		}
	})
}

func TestAPseudonymChangesWithTheSchoolYearAndStaysKnown(t *testing.T) {
	s := newSchool(t)
	id := s.person(people.Pupil, "amoss")
	other := s.person(people.Pupil, "zward")
	a, err := s.Subject(s.ctx, id, monday)
	s.must(err)
	same, _ := s.Subject(s.ctx, id, monday.Add(200*day))
	next, _ := s.Subject(s.ctx, id, time.Date(2027, 9, 1, 9, 0, 0, 0, time.UTC))
	theirs, _ := s.Subject(s.ctx, other, monday)
	if a != same || a == next || a == theirs {
		t.Errorf("this year %s and %s, next year %s, another %s", a, same, next, theirs)
	}
	list, err := s.Subjects(s.ctx, id)
	if err != nil || len(list) != 2 || list[0] != next {
		t.Errorf("known as %v, %v", list, err)
	}
	if _, _, ok := s.Name(s.ctx, "nobody"); ok {
		t.Error("a pseudonym of nobody has a name")
	}
}

func TestOneDeviceWithAWrongPasswordClosesTheProxyForNobodyElse(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed")
	gate := netip.IPv4Unspecified() // the filter asks for all devices alike
	for i := range 130 {
		if _, ok, err := s.VerifyBasic(s.ctx, fmt.Sprintf("nobody%d", i), "stale", gate); ok || err != nil {
			t.Fatalf("%v %v", ok, err)
		}
	}
	if _, ok, err := s.VerifyBasic(s.ctx, "areed", good, gate); !ok || err != nil {
		t.Errorf("somebody else with the right password: %v %v", ok, err)
	}
}

func TestTheProxyChecksAPasswordAsTheDoorDoes(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed")
	row, ok, err := s.VerifyBasic(s.ctx, "areed", good, desk)
	if err != nil || !ok || row.Groups[0] != access.GroupStaff || row.Address != desk {
		t.Fatalf("%+v, %v, %v", row, ok, err)
	}
	for range 5 {
		if _, ok, err := s.VerifyBasic(s.ctx, "areed", "wrong password", desk); ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if _, ok, _ := s.VerifyBasic(s.ctx, "areed", good, desk); ok {
		t.Error("a resting account opened the web")
	}
	s.clock.Advance(time.Hour)
	temp, err := s.Reset(s.ctx, "areed")
	s.must(err)
	if _, ok, _ := s.VerifyBasic(s.ctx, "areed", temp, desk); ok {
		t.Error("a temporary password opened the web before it was changed")
	}
}

func TestManyAtOnceAreServedOrToldToWait(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed")
	var wg sync.WaitGroup
	var mu sync.Mutex
	in, busy := 0, 0
	for range 40 {
		wg.Go(func() {
			_, _, err := s.try("areed", good)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				in++
			case errors.Is(err, access.ErrBusy):
				busy++
			default:
				t.Errorf("neither in nor told to wait: %v", err)
			}
		})
	}
	wg.Wait()
	if in+busy != 40 || in == 0 {
		t.Errorf("%d in, %d told to wait", in, busy)
	}
	s.whole()
}

func TestATokenDoesWhatItsMakerMayAndNoMore(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		id := s.person(people.Staff, "areed", people.NetworkManager)
		_, cookie := s.in("areed", good)
		ctx := actor.With(context.Background(), s.stand(cookie).Actor)
		var bad store.Invalid
		for _, c := range []actor.Capability{"monitoring.read", access.MayManage, access.MayTokens} {
			if _, _, err := s.Issue(ctx, "too much", []actor.Capability{c}, day); !errors.As(err, &bad) {
				t.Errorf("%s: %v", c, err)
			}
		}
		if _, _, err := s.Issue(ctx, "for ever", []actor.Capability{"health.read"}, 400*day); !errors.As(err, &bad) {
			t.Errorf("for ever: %v", err)
		}
		tok, secret, err := s.Issue(ctx, "the night's health", []actor.Capability{"health.read", "backup.read"}, 30*day)
		s.must(err)
		a, err := access.Bearer{Room: s.Room}.Actor(s.ctx, secret)
		s.must(err)
		if a.Kind != actor.Token || !a.May("health.read") || a.May("access.manage") || len(a.Capabilities()) != 2 {
			t.Errorf("%+v may %v", a, a.Capabilities())
		}
		posts, _ := s.people.PostsOf(s.ctx, id)
		s.must(s.people.EndPost(s.ctx, posts[0].ID, posts[0].Version, ""))
		if a, _ := s.TokenActor(s.ctx, secret); a.May("health.read") {
			t.Error("the maker may no more, and the token still does")
		}
		s.must(s.Revoke(s.ctx, id, tok.ID))
		if _, err := s.TokenActor(s.ctx, secret); !errors.Is(err, access.ErrBadToken) {
			t.Errorf("a token that was ended: %v", err)
		}
		for _, x := range []string{"", "belisha_", secret[:len(secret)-1] + "_", cookie} {
			if _, err := s.TokenActor(s.ctx, x); !errors.Is(err, access.ErrBadToken) {
				t.Errorf("%q: %v", x, err)
			}
		}
		s.whole()
	})
}

func TestATokenRunsOut(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed", people.NetworkManager)
	_, cookie := s.in("areed", good)
	_, secret, err := s.Issue(actor.With(s.ctx, s.stand(cookie).Actor), "a day's work", []actor.Capability{"health.read"}, day)
	s.must(err)
	s.clock.Advance(day)
	if _, err := s.TokenActor(s.ctx, secret); !errors.Is(err, access.ErrBadToken) {
		t.Errorf("after its time: %v", err)
	}
}

func TestAPasswordChangedBehindBelishasBackIsFound(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed")
	s.whole()
	if _, err := s.db.Writer().Exec("UPDATE accounts SET password = 'x'"); err != nil {
		t.Fatal(err)
	}
	if r, err := s.journal.Verify(s.ctx); err != nil || r.OK {
		t.Errorf("not found: %+v, %v", r, err)
	}
}

func TestAPupilNeverMayWhateverThePosts(t *testing.T) {
	table := access.NewTable(access.Grant{Audience: people.Pupil, May: []actor.Capability{"monitoring.read"}})
	for _, c := range table.Everything() {
		if table.CanEver(people.Pupil, c) {
			t.Errorf("a pupil could have %s", c)
		}
	}
	for _, a := range []people.Kind{people.Parent, people.Visitor, ""} {
		for _, c := range table.Everything() {
			if table.CanEver(a, c) {
				t.Errorf("%q could have %s", a, c)
			}
		}
	}
	s := newSchool(t)
	id := s.person(people.Pupil, "amoss")
	// a row that no page could have written
	if _, err := s.db.Writer().Exec("INSERT INTO posts (id, person, post, deputy, from_at, until_at, public, contact, version) VALUES ('x', '" + string(id) + "', 'headteacher', false, 1, 0, false, '', 1)"); err != nil {
		t.Fatal(err)
	}
	_, token := s.in("amoss", good)
	if st := s.stand(token); len(st.Actor.Capabilities()) != 0 || len(st.Actor.Posts) != 0 {
		t.Errorf("a pupil may %v", st.Actor.Capabilities())
	}
}

func TestTheTableGivesWhatTheSchoolExpects(t *testing.T) {
	table := access.NewTable()
	may := func(k people.Kind, c actor.Capability, posts ...people.Post) bool {
		for _, x := range table.May(k, posts) {
			if x == c {
				return true
			}
		}
		return false
	}
	for _, c := range []struct {
		kind people.Kind
		post people.Post
		may  actor.Capability
		want bool
	}{
		{people.Staff, "", "policies.read", true},
		{people.Staff, "", "monitoring.read", false},
		{people.Staff, people.Monitor, "monitoring.read", true},
		{people.Staff, people.Monitor, "safeguarding.tray", false},
		{people.Staff, people.Headteacher, "monitoring.list.confirm", true},
		{people.Staff, people.Headteacher, "monitoring.read", false},
		{people.Staff, people.Headteacher, "filtering.grant-status", true},
		{people.Staff, people.NetworkManager, "filtering.change", false},
		{people.Contractor, people.FilterManager, "filtering.change", true},
		{people.Contractor, people.Monitor, "monitoring.read", false},
		{people.Staff, people.SafeguardingLead, "safeguarding.tray", true},
		{people.Staff, people.DeputySafeguardingLead, "monitoring.signals", true},
		{people.Governor, people.SafeguardingGovernor, "evidence.read", true},
		{people.Governor, people.SafeguardingGovernor, "monitoring.signals", false},
		{people.Governor, people.Headteacher, "policies.activate", false},
		{people.Parent, people.Monitor, "monitoring.read", false},
	} {
		if got := may(c.kind, c.may, c.post); got != c.want {
			t.Errorf("%s as %q may %s: %v", c.kind, c.post, c.may, got)
		}
	}
}

func TestAClosedAccountIsOffTheWebWhicheverWayItCame(t *testing.T) {
	s := newSchool(t)
	id := s.person(people.Staff, "areed")
	proxy := func() {
		row, ok, err := s.VerifyBasic(s.ctx, "areed", good, desk)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		s.must(s.gate.SignedIn(s.ctx, row)) // as the gate keeps it
	}
	proxy()
	a, err := s.AccountOf(s.ctx, id)
	s.must(err)
	s.must(s.SetDisabled(s.ctx, a.ID, true, a.Version, "lost laptop"))
	if len(s.gate.rows) != 0 {
		t.Error("closed, and still on the web")
	}
	s.must(s.SetDisabled(s.ctx, a.ID, false, a.Version+1, "found"))
	proxy()
	p, err := s.people.Get(s.ctx, id)
	s.must(err)
	s.must(s.people.Leave(s.ctx, id, "2026-11-22", p.Version, ""))
	told := s.gate.told
	s.sweep()
	s.sweep()
	if s.gate.told != told+1 {
		t.Errorf("the gate was told %d times", s.gate.told-told)
	}
	if len(s.gate.rows) != 0 {
		t.Error("left, and still on the web")
	}
}

func TestAShortStayIsOffTheWebWithItsLastDay(t *testing.T) {
	s := newSchool(t)
	id := s.person(people.Pupil, "amoss")
	p, err := s.people.Get(s.ctx, id)
	s.must(err)
	s.must(s.people.Leave(s.ctx, id, "2026-11-23", p.Version, ""))
	s.clock.Advance(10 * time.Hour) // seven in the evening of the last day
	row, ok, err := s.VerifyBasic(s.ctx, "amoss", good, desk)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if want := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC); !row.Ends.Equal(want) {
		t.Errorf("ends %s, want %s", row.Ends, want)
	}
}
