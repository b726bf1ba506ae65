package access_test

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/access"
	"belisha/internal/school/people"

	"github.com/pquerna/otp/totp"
)

// noFactors is a school that asks nobody for a second factor.
func noFactors() setting.Value { return setting.Value{Key: access.KeyFactorPosts, Confirmed: true} }

func invalid(err error, words string) bool {
	var bad store.Invalid
	if !errors.As(err, &bad) {
		return false
	}
	for _, w := range bad {
		if strings.Contains(w, words) {
			return true
		}
	}
	return false
}

// code is what the app shows now.
func (s *school) code(seed string) string {
	s.t.Helper()
	c, err := totp.GenerateCode(seed, s.clock.Now())
	s.must(err)
	return c
}

// enrol gives the owner of a session an app, and returns its seed and the
// recovery codes.
func (s *school) enrol(token string) (seed string, codes []string) {
	s.t.Helper()
	st := s.stand(token)
	e, err := s.StartApp(s.ctx, st.Session, "Ashdown")
	s.must(err)
	codes, err = s.FinishApp(s.ctx, st.Session, "my phone", s.code(e.Seed))
	s.must(err)
	return e.Seed, codes
}

func TestThePostsThatOpenTheMostNeedASecondFactor(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		for _, c := range []struct {
			name string
			kind people.Kind
			post people.Post
			must bool
		}{
			{"head", people.Staff, people.Headteacher, true},
			{"dsl", people.Staff, people.SafeguardingLead, true},
			{"ddsl", people.Staff, people.DeputySafeguardingLead, true},
			{"filter", people.Staff, people.FilterManager, true},
			{"firm", people.Contractor, people.DataManager, true}, // any contractor
			{"office", people.Staff, people.OfficeManager, false},
			{"chair", people.Governor, people.ChairOfGovernors, false},
		} {
			s.person(c.kind, c.name, c.post)
			_, token := s.in(c.name, good)
			st := s.stand(token)
			if st.MustEnrol != c.must || (len(st.Actor.Capabilities()) == 0) != c.must {
				t.Errorf("%s: must enrol %v, may %v", c.name, st.MustEnrol, st.Actor.Capabilities())
			}
		}
		if ok, why := s.SecondFactor(s.ctx); ok || !strings.Contains(why, "head teacher") || !strings.Contains(why, "contractor's account") {
			t.Errorf("in order %v: %s", ok, why)
		}
		for _, name := range []string{"head", "dsl", "ddsl", "filter", "firm"} {
			_, token := s.in(name, good)
			s.enrol(token)
			if st := s.stand(token); st.MustEnrol || st.AskFactor || len(st.Actor.Capabilities()) == 0 {
				t.Errorf("%s enrolled and stands %+v", name, st)
			}
		}
		if ok, why := s.SecondFactor(s.ctx); !ok {
			t.Errorf("not in order: %s", why)
		}
		s.whole()
	})
}

func TestANewHolderMayHaveSomeDaysAndNoMore(t *testing.T) {
	s := newSchool(t, setting.Value{Key: access.KeyFactorGrace, Duration: 48 * time.Hour, Confirmed: true})
	s.person(people.Staff, "head", people.Headteacher)
	_, token := s.in("head", good)
	if st := s.stand(token); st.MustEnrol || st.EnrolBy.IsZero() || !st.Actor.May("policies.activate") {
		t.Fatalf("at first: %+v", st)
	}
	s.clock.Advance(48 * time.Hour)
	_, token = s.in("head", good)
	if st := s.stand(token); !st.MustEnrol || len(st.Actor.Capabilities()) != 0 {
		t.Fatalf("after two days: %+v", st)
	}
}

func TestAPasswordAloneIsNobodyWhereThereIsASecondFactor(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		id := s.person(people.Staff, "head", people.Headteacher)
		_, token := s.in("head", good)
		seed, _ := s.enrol(token)
		_, half := s.in("head", good)
		st := s.stand(half)
		if !st.AskFactor || st.Actor.SignedIn() || st.Actor.Person != "" || st.Session.Person != id {
			t.Fatalf("half signed in: %+v", st)
		}
		used := s.code(seed)
		if err := s.ProveCode(s.ctx, st.Session, used); !invalid(err, "used before") {
			t.Fatalf("the code of the enrolment was taken again: %v", err)
		}
		s.clock.Advance(30 * time.Second)
		s.must(s.ProveCode(s.ctx, s.stand(half).Session, s.code(seed)))
		if st := s.stand(half); !st.Actor.May("policies.activate") {
			t.Fatalf("after the code: %+v", st)
		}
		if n := s.verbs(access.VerbProved); n != 1 {
			t.Errorf("%d lines of the proof", n)
		}
		s.whole()
	})
}

func TestACodeIsTakenOnceHoweverManyAskAtOnce(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "head", people.Headteacher)
	_, token := s.in("head", good)
	seed, _ := s.enrol(token)
	s.clock.Advance(time.Minute)
	var halves []access.Session
	for range 4 {
		_, half := s.in("head", good)
		halves = append(halves, s.stand(half).Session)
	}
	code := s.code(seed)
	var wg sync.WaitGroup
	errs := make([]error, len(halves))
	for i := range halves {
		wg.Go(func() { errs[i] = s.ProveCode(context.Background(), halves[i], code) })
	}
	wg.Wait()
	taken := 0
	for _, err := range errs {
		if err == nil {
			taken++
		}
	}
	if taken != 1 {
		t.Fatalf("one code opened %d sessions: %v", taken, errs)
	}
}

func TestClocksMayDifferByAStepAndASetBackClockReplaysNothing(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "head", people.Headteacher)
	_, token := s.in("head", good)
	seed, codes := s.enrol(token)
	s.clock.Advance(10 * time.Minute)
	prove := func(code string) error {
		_, half := s.in("head", good)
		return s.ProveCode(s.ctx, s.stand(half).Session, code)
	}
	at := func(d time.Duration) string {
		c, err := totp.GenerateCode(seed, s.clock.Now().Add(d))
		s.must(err)
		return c
	}
	s.must(prove(at(-30 * time.Second)))
	s.must(prove(at(30 * time.Second)))
	if err := prove(at(61 * time.Second)); err == nil {
		t.Error("a code of two steps ahead was taken")
	}
	old := at(0)
	s.clock.Advance(-time.Hour)
	for _, c := range []string{old, at(0)} {
		if err := prove(c); err == nil {
			t.Error("with the clock set back a code was taken that is older than the last one used")
		}
	}
	s.must(prove(codes[0])) // a recovery code knows no clock
	s.clock.Advance(time.Hour + time.Minute)
	s.must(prove(at(0)))
}

func TestRecoveryCodesOpenOnceEachAndAreKeptAsDigests(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		id := s.person(people.Staff, "head", people.Headteacher)
		_, token := s.in("head", good)
		_, codes := s.enrol(token)
		if len(codes) != 10 || codes[0] == codes[1] {
			t.Fatalf("codes %v", codes)
		}
		for _, c := range codes {
			var n int
			plain := strings.ReplaceAll(c, "-", "")
			s.must(s.db.QueryRowContext(s.ctx, "SELECT count(*) FROM recovery_codes WHERE hash LIKE $1 OR hash LIKE $2", "%"+c+"%", "%"+plain+"%").Scan(&n))
			if n != 0 {
				t.Fatal("a code is kept as it is")
			}
		}
		_, half := s.in("head", good)
		s.must(s.ProveCode(s.ctx, s.stand(half).Session, strings.ToUpper(strings.ReplaceAll(codes[3], "-", " "))))
		_, again := s.in("head", good)
		if err := s.ProveCode(s.ctx, s.stand(again).Session, codes[3]); !invalid(err, "used before") {
			t.Fatalf("a recovery code opened twice: %v", err)
		}
		fresh, err := s.NewCodes(s.ctx, id)
		s.must(err)
		if err := s.ProveCode(s.ctx, s.stand(again).Session, codes[4]); err == nil {
			t.Error("an old code opens after new ones were made")
		}
		s.must(s.ProveCode(s.ctx, s.stand(again).Session, fresh[0]))
		s.whole()
	})
}

func TestGuessingTheSecondFactorRests(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "head", people.Headteacher)
	_, token := s.in("head", good)
	seed, _ := s.enrol(token)
	s.clock.Advance(time.Minute)
	_, half := s.in("head", good)
	session := s.stand(half).Session
	for range 5 {
		if err := s.ProveCode(s.ctx, session, "000000"); err == nil {
			t.Fatal("a guess fits")
		}
	}
	if err := s.ProveCode(s.ctx, session, s.code(seed)); !invalid(err, "too many wrong tries") {
		t.Fatalf("a right code is taken while it rests: %v", err)
	}
	if st := s.stand(token); !st.Actor.May("policies.activate") {
		t.Error("guessing elsewhere ends the work of whoever is signed in")
	}
	s.clock.Advance(-time.Hour) // the rest does not become an hour longer
	if err := s.ProveCode(s.ctx, session, "000000"); !invalid(err, "too many wrong tries") {
		t.Fatal(err)
	}
	s.clock.Advance(time.Hour + 16*time.Minute)
	_, half = s.in("head", good)
	s.must(s.ProveCode(s.ctx, s.stand(half).Session, s.code(seed)))
	s.whole()
}

func TestManyGuessesAtOnceAreNoMoreThanOneAfterTheOther(t *testing.T) {
	s := newSchool(t, noFactors())
	s.person(people.Staff, "head", people.Headteacher)
	_, token := s.in("head", good)
	seed, _ := s.enrol(token)
	s.clock.Advance(5 * time.Minute)
	_, token = s.in("head", good)
	st := s.stand(token)
	wrong := map[string]string{s.code(seed): "000001"}["000000"]
	if wrong == "" {
		wrong = "000000"
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	looked := 0
	for range 60 {
		wg.Go(func() {
			err := s.ProveCode(s.ctx, st.Session, wrong)
			mu.Lock()
			defer mu.Unlock()
			if invalid(err, "does not fit") {
				looked++
			} else if !invalid(err, "too many wrong tries") {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	if looked > 10 {
		t.Errorf("%d of 60 guesses at once were looked at", looked)
	}
	if err := s.ProveCode(s.ctx, st.Session, s.code(seed)); !invalid(err, "too many wrong tries") {
		t.Errorf("after them the right code gave %v", err)
	}
}

func TestATokenOfAPasswordAloneEndsWhereASecondFactorIsNeeded(t *testing.T) {
	s := newSchool(t, setting.Value{Key: access.KeyFactorGrace, Duration: 48 * time.Hour, Confirmed: true})
	s.person(people.Staff, "head", people.Headteacher)
	_, token := s.in("head", good)
	_, secret, err := s.Issue(actor.With(s.ctx, s.stand(token).Actor), "the MIS", []actor.Capability{"people.read"}, 30*24*time.Hour)
	s.must(err)
	if a, err := s.TokenActor(s.ctx, secret); err != nil || !a.May("people.read") {
		t.Fatalf("within the first days: %v, %v", a, err)
	}
	s.clock.Advance(48 * time.Hour)
	if _, err := s.TokenActor(s.ctx, secret); !errors.Is(err, access.ErrBadToken) {
		t.Errorf("after them: %v", err)
	}
	_, token = s.in("head", good)
	s.enrol(token)
	if _, err := s.TokenActor(s.ctx, secret); err != nil {
		t.Errorf("with a second factor: %v", err)
	}
}

func TestWhoeverGetsASecondFactorHearsOfIt(t *testing.T) {
	s := newSchool(t, noFactors())
	box := &post{}
	s.Notices = box
	id := s.person(people.Staff, "head", people.Headteacher)
	_, token := s.in("head", good)
	s.enrol(token)
	for _, n := range box.sent {
		if strings.Contains(n.What, "second factor was added") && len(n.To) == 1 && n.To[0] == string(id) {
			return
		}
	}
	t.Error("the owner of the account was not told")
}

func TestTheSeedIsSealedAndFitsNoOtherRow(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "head", people.Headteacher)
	_, token := s.in("head", good)
	seed, _ := s.enrol(token)
	var kept string
	s.must(s.db.QueryRowContext(s.ctx, "SELECT secret FROM account_factors").Scan(&kept))
	if strings.Contains(kept, seed) || len(kept) < 40 {
		t.Fatalf("kept as %q", kept)
	}
	s.person(people.Staff, "dsl", people.SafeguardingLead)
	_, other := s.in("dsl", good)
	s.enrol(other)
	// Somebody with the file puts the head's seed into the row of another.
	s.must(s.db.Write(s.ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(s.ctx, "UPDATE account_factors SET secret = $1 WHERE secret <> $1", kept)
		return err
	}))
	s.clock.Advance(time.Minute)
	_, half := s.in("dsl", good)
	if err := s.ProveCode(s.ctx, s.stand(half).Session, s.code(seed)); err == nil {
		t.Fatal("another row's seed was taken")
	}
	if r, err := s.journal.Verify(s.ctx); err != nil || r.OK {
		t.Errorf("the journal does not notice: %+v %v", r, err)
	}
}

func TestTwoWindowsThatEnrolAtOnceMakeOneFactorEach(t *testing.T) {
	s := newSchool(t)
	id := s.person(people.Staff, "head", people.Headteacher)
	_, token := s.in("head", good)
	st := s.stand(token)
	one, err := s.StartApp(s.ctx, st.Session, "")
	s.must(err)
	two, err := s.StartApp(s.ctx, st.Session, "")
	s.must(err)
	if one.Seed != two.Seed {
		t.Fatal("a page that is loaded twice shows two pictures, and one of them would not work")
	}
	_, err = s.FinishApp(s.ctx, st.Session, "", s.code(one.Seed))
	s.must(err)
	if _, err = s.FinishApp(s.ctx, st.Session, "", s.code(two.Seed)); !invalid(err, "load the page again") {
		t.Errorf("the second window: %v", err)
	}
	a, err := s.AccountOf(s.ctx, id)
	s.must(err)
	if list, err := s.Factors(s.ctx, a.ID); err != nil || len(list) != 1 || list[0].Name != "App" {
		t.Errorf("%+v %v", list, err)
	}
	third, err := s.StartApp(s.ctx, st.Session, "")
	s.must(err)
	s.clock.Advance(9 * time.Minute)
	s.stand(token)
	s.clock.Advance(2 * time.Minute)
	if _, err = s.FinishApp(s.ctx, st.Session, "", s.code(third.Seed)); !invalid(err, "took too long") {
		t.Errorf("a stale picture: %v", err)
	}
}

func TestAddingASecondFactorEndsSessionsThatAPasswordOpened(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "head", people.Headteacher)
	_, thief := s.in("head", good)
	_, token := s.in("head", good)
	s.enrol(token)
	if st := s.stand(thief); st.Actor.SignedIn() || st.AskFactor {
		t.Errorf("the other session stands: %+v", st)
	}
}

func TestAnUnlockedSessionKeepsItsProofAndIsNotFresh(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "head", people.Headteacher)
	_, token := s.in("head", good)
	s.enrol(token)
	ctx := actor.With(s.ctx, s.stand(token).Actor)
	if ok, err := s.Fresh(ctx, 10*time.Minute); err != nil || !ok {
		t.Fatalf("fresh %v %v", ok, err)
	}
	s.clock.Advance(11 * time.Minute)
	if st := s.stand(token); !st.Locked {
		t.Fatalf("not locked: %+v", st)
	}
	_, token, err := s.SignIn(s.ctx, access.Attempt{Username: "head", Password: good, From: desk, Cookie: token})
	s.must(err)
	st := s.stand(token)
	if st.AskFactor || !st.Actor.SignedIn() {
		t.Fatalf("unlocked: %+v", st)
	}
	if ok, err := s.Fresh(actor.With(s.ctx, st.Actor), 10*time.Minute); err != nil || ok {
		t.Errorf("the password alone made it fresh: %v", err)
	}
	s.clock.Advance(11 * time.Minute)
	s.stand(token)
	_, away, err := s.SignIn(s.ctx, access.Attempt{Username: "head", Password: good, From: netip.MustParseAddr("10.9.9.9"), Cookie: token})
	s.must(err)
	if st := s.stand(away); !st.AskFactor {
		t.Error("at another address the cookie and the password are enough")
	}
	s.clock.Advance(-time.Hour)
	if ok, _ := s.Fresh(actor.With(s.ctx, st.Actor), 24*time.Hour); ok {
		t.Error("a proof from the future counts")
	}
}

func TestTheHeadTakesALostFactorAwayAndItsOwnerIsTold(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		head := s.person(people.Staff, "head", people.Headteacher)
		lead := s.person(people.Staff, "dsl", people.SafeguardingLead)
		_, token := s.in("dsl", good)
		s.enrol(token)
		_, ht := s.in("head", good)
		s.enrol(ht)
		ctx := actor.With(s.ctx, s.stand(ht).Actor)
		if err := s.ResetFactor(ctx, lead, " "); !invalid(err, "why") {
			t.Errorf("without a reason: %v", err)
		}
		if err := s.ResetFactor(ctx, head, "mine"); !invalid(err, "their own") {
			t.Errorf("one's own: %v", err)
		}
		if err := s.ResetFactor(s.ctx, head, "hers"); !invalid(err, "two people") {
			t.Errorf("the head's by one: %v", err)
		}
		s.must(s.ResetFactor(ctx, lead, "Her phone fell into the pond."))
		if s.stand(token).Actor.SignedIn() {
			t.Error("the sessions go on")
		}
		_, token = s.in("dsl", good)
		if st := s.stand(token); st.AskFactor || !st.MustEnrol {
			t.Errorf("after it: %+v", st)
		}
		a, err := s.AccountOf(s.ctx, lead)
		s.must(err)
		told, err := s.Resets(s.ctx, a.ID)
		if err != nil || len(told) != 1 || told[0].Reason != "Her phone fell into the pond." || told[0].By != "person:"+string(head) {
			t.Errorf("told %+v %v", told, err)
		}
		s.whole()
	})
}

func TestTheHeadsOwnFactorTakesTwoPeople(t *testing.T) {
	s := newSchool(t)
	head := s.person(people.Staff, "head", people.Headteacher)
	net := s.person(people.Staff, "net", people.NetworkManager)
	chair := s.person(people.Governor, "chair", people.ChairOfGovernors)
	_, token := s.in("head", good)
	s.enrol(token)
	as := func(id people.ID) context.Context {
		a, err := s.ActorOf(s.ctx, id)
		s.must(err)
		return actor.With(s.ctx, a)
	}
	s.must(s.AskHeadFactor(as(net), head, "The phone is lost."))
	if st := s.stand(token); !st.Actor.SignedIn() {
		t.Fatal("one of the two was enough")
	}
	a, err := s.AccountOf(s.ctx, head)
	s.must(err)
	open, err := s.approvals.For(s.ctx, access.KindHeadFactor, a.ID)
	if err != nil || len(open) != 1 {
		t.Fatalf("%+v %v", open, err)
	}
	if _, err := s.approvals.Decide(as(net), open[0].ID, approval.Decision{Yes: true}); err == nil {
		t.Fatal("whoever asked decided")
	}
	_, err = s.approvals.Decide(as(chair), open[0].ID, approval.Decision{Yes: true})
	s.must(err)
	if s.stand(token).Actor.SignedIn() {
		t.Error("the head's sessions go on")
	}
	_, token = s.in("head", good)
	if st := s.stand(token); st.AskFactor || !st.MustEnrol {
		t.Errorf("after it: %+v", st)
	}
	s.whole()
}

func TestTheMachineItselfIsTheHeadsLastWayBack(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "head", people.Headteacher)
	s.person(people.Staff, "dsl", people.SafeguardingLead)
	_, token := s.in("head", good)
	s.enrol(token)
	ctx := actor.With(s.ctx, actor.Actor{ID: "console:root", Kind: actor.Console})
	if _, err := s.RescueHead(ctx, "dsl"); !invalid(err, "not the account of somebody who is head") {
		t.Errorf("somebody else's: %v", err)
	}
	res, err := s.RescueHead(ctx, "HEAD")
	s.must(err)
	if !res.Factor || res.Temporary == "" || s.stand(token).Actor.SignedIn() {
		t.Fatalf("%+v", res)
	}
	if n := s.verbs(access.VerbRescued); n != 1 {
		t.Errorf("%d lines of it", n)
	}
	_, token = s.in("head", res.Temporary)
	if st := s.stand(token); !st.MustChange || len(st.Actor.Capabilities()) > 0 {
		t.Errorf("%+v", st)
	}
	s.whole()
}

func TestAHeadWhoLeftMayNothingAtOnce(t *testing.T) {
	s := newSchool(t)
	id := s.person(people.Staff, "head", people.Headteacher)
	_, token := s.in("head", good)
	s.enrol(token)
	if !s.stand(token).Actor.May("policies.activate") {
		t.Fatal("the head may not")
	}
	posts, err := s.people.PostsOf(s.ctx, id)
	s.must(err)
	s.must(s.people.EndPost(s.ctx, posts[0].ID, posts[0].Version, "retired"))
	if st := s.stand(token); st.Actor.May("policies.activate") || st.Actor.Holds("headteacher") {
		t.Errorf("still may %v", st.Actor.Capabilities())
	}
	if _, err := s.RescueHead(s.ctx, "head"); err == nil {
		t.Error("the machine lets a former head in")
	}
}

var seedOnPage = regexp.MustCompile(`<code>([A-Z2-7 ]+)</code>`)

func TestTheWholeWayThroughThePages(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "head", people.Headteacher)
	b := s.browser()
	b.signIn("head", good).goesTo("/account/second-factor")
	b.get("/accounts").goesTo("/account/second-factor")
	b.get("/account").goesTo("/account/second-factor")
	b.get("/account/second-factor").is(200, "Your post needs a second factor")
	b.get("/account/second-factor/app").is(200, "/account/second-factor/app/picture.png")
	seed := strings.ReplaceAll(seedOnPage.FindStringSubmatch(b.body)[1], " ", "")
	b.get("/account/second-factor/app/picture.png").is(200, "PNG")
	if cc := b.last.Header.Get("Cache-Control"); cc != "no-store" {
		t.Errorf("the picture may be kept: %q", cc)
	}
	b.post("/account/second-factor/app", "code", "12345", "name", "old phone").is(422, "not the code that the app shows", `value="old phone"`)
	b.post("/account/second-factor/app", "code", s.code(seed), "name", "old phone").goesTo("/account/second-factor/codes")
	b.get("/account/second-factor/codes").is(200, "Your recovery codes")
	codes := regexp.MustCompile(`<code>([a-z0-9-]{19})</code>`).FindAllStringSubmatch(b.body, -1)
	if len(codes) != 10 {
		t.Fatalf("%d codes on the page", len(codes))
	}
	b.get("/account/second-factor/codes").goesTo("/account/second-factor") // shown once
	b.get("/accounts").is(200)

	two := s.browser()
	to := url.QueryEscape("/accounts?words=a")
	two.post("/sign-in", "username", "head", "password", good, "to", "/accounts?words=a").goesTo("/sign-in/second?to=" + to)
	for _, p := range []string{"/accounts", "/account", "/account/second-factor", "/account/second-factor/app", "/account/password", "/signed-in"} {
		two.get(p).goesTo("/sign-in/second?to=" + url.QueryEscape(p))
	}
	two.post("/account/second-factor/app", "code", "1").is(303)
	two.post("/account/second-factor/remove", "factor", "1").is(303)
	two.get("/sign-in/second?to="+to).is(200, "recovery codes", `value="/accounts?words=a"`)
	if strings.Contains(two.body, "Givenhead") {
		t.Error("a password alone shows whose account it is")
	}
	two.post("/sign-in/second", "code", s.code(seed), "to", "/accounts?words=a").is(422, "used before")
	two.post("/sign-in/second", "code", codes[0][1], "to", "https://evil.example/").goesTo("/")
	two.get("/accounts").is(200)
	two.post("/sign-in/second", "code", codes[0][1]).is(303) // sent twice: nothing is lost
	b.get("/account").is(200, "old phone")
}

func TestNobodyIsMadeToTakeASecondFactorInTheDemonstration(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "head", people.Headteacher)
	s.Demo = true
	b := s.browser()
	b.signIn("head", good).goesTo("/")
	b.get("/account/second-factor").is(200, "Not asked for in the demonstration")
	b.get("/accounts").is(200)
}

func TestASecondFactorIsRefusedWhereAPasswordIs(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "head", people.Headteacher)
	b := s.browser()
	b.signIn("head", good)
	b.from = "10.1.2.3:4000"
	b.post("/account/second-factor/app", "code", "123456").is(303) // the cookie does not count there
	b.post("/sign-in/second", "code", "123456").is(303)
}

func TestWhatIsHeldAboutSomebodyNamesTheirFactorsAndNoSecret(t *testing.T) {
	s := newSchool(t)
	id := s.person(people.Staff, "head", people.Headteacher)
	_, token := s.in("head", good)
	seed, codes := s.enrol(token)
	held, err := s.Holds(s.ctx, id)
	s.must(err)
	all := ""
	for _, h := range held {
		for _, f := range h.Facts {
			all += h.Title + ": " + f.Name + " " + f.Value + "\n"
		}
	}
	if !strings.Contains(all, "Second factors: my phone Codes of an app") || strings.Contains(all, seed) || strings.Contains(all, codes[0]) {
		t.Error(all)
	}
}
