package access_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// browser keeps cookies, as a browser does.
type browser struct {
	t       *testing.T
	h       http.Handler
	cookies map[string]*http.Cookie
	from    string
	tls     bool
	last    *http.Response
	body    string
}

func (s *school) browser() *browser {
	s.t.Helper()
	d := webtest.Deps()
	d.Sessions, d.Clock = s.Room, s.clock
	home := web.Section{Name: "home", Title: "Home", Routes: []web.Route{
		{Pattern: "GET /{$}", Needs: web.SignedIn, Do: func(c *web.Ctx) error { return c.Redirect("/account") }},
		{Pattern: "GET /secret", Needs: "monitoring.read", Do: func(c *web.Ctx) error { return c.Redirect("/account") }},
	}}
	h, _, err := web.Mux([]web.Section{s.Section(), home}, d)
	s.must(err)
	return &browser{t: s.t.(*testing.T), h: h, cookies: map[string]*http.Cookie{}, from: "127.0.0.1:40000"}
}

func (b *browser) do(method, path string, form url.Values) *browser {
	b.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	r.Host, r.RemoteAddr = webtest.Host, b.from
	if b.tls {
		r.TLS = &tls.ConnectionState{}
	}
	for _, k := range b.cookies {
		r.AddCookie(k)
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	b.last, b.body = w.Result(), w.Body.String()
	for _, k := range b.last.Cookies() {
		if k.MaxAge < 0 {
			delete(b.cookies, k.Name)
		} else {
			b.cookies[k.Name] = k
		}
	}
	return b
}

func (b *browser) get(path string) *browser { return b.do(http.MethodGet, path, nil) }

func (b *browser) post(path string, pairs ...string) *browser {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, form)
}

func (b *browser) is(status int, words ...string) *browser {
	b.t.Helper()
	if b.last.StatusCode != status {
		b.t.Fatalf("status %d, want %d: %s", b.last.StatusCode, status, b.body)
	}
	for _, w := range words {
		if !strings.Contains(b.body, w) {
			b.t.Fatalf("the page does not say %q: %s", w, b.body)
		}
	}
	return b
}

func (b *browser) goesTo(path string) *browser {
	b.t.Helper()
	b.is(303)
	if got := b.last.Header.Get("Location"); got != path {
		b.t.Fatalf("goes to %s, want %s", got, path)
	}
	return b
}

func (b *browser) signIn(name, password string) *browser {
	return b.post("/sign-in", "username", name, "password", password)
}

func TestSigningInLeadsBackToThePageThatWasAskedFor(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed")
	b := s.browser()
	b.get("/account").goesTo("/sign-in?to=%2Faccount")
	b.get("/sign-in?to=%2Faccount").is(200, `value="/account"`, "Username")
	b.post("/sign-in", "username", "areed", "password", "wrong one", "to", "/account").is(422, "do not open an account", `value="areed"`)
	b.post("/sign-in", "username", "areed", "password", good, "to", "/account").goesTo("/account")
	k := b.cookies["belisha"]
	if k == nil || !k.HttpOnly || k.Secure || k.MaxAge != 0 || k.SameSite != http.SameSiteLaxMode {
		t.Fatalf("cookie %+v", k)
	}
	b.get("/account").is(200, "Givenareed Familyareed", "this one")
	b.get("/secret").is(403)
	b.get("/sign-in").goesTo("/")
	b.post("/sign-in", "username", "areed", "password", good, "to", "//evil.example/").goesTo("/")
	old := b.cookies["belisha"].Value
	b.post("/sign-out").goesTo("/sign-in")
	if b.cookies["belisha"] != nil {
		t.Error("the cookie is still there")
	}
	b.cookies["belisha"] = &http.Cookie{Name: "belisha", Value: old}
	b.get("/account").is(303)
}

func TestOverTLSTheCookieIsBoundToTheHost(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed")
	b := s.browser()
	b.tls, b.from = true, "10.1.2.3:40000"
	b.signIn("areed", good).goesTo("/")
	if k := b.cookies["__Host-belisha"]; k == nil || !k.Secure || k.Path != "/" || k.Domain != "" {
		t.Fatalf("cookies %+v", b.cookies)
	}
	b.get("/account").is(200)
}

func TestAPasswordIsNotTakenOverAPlainNetwork(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed")
	b := s.browser()
	b.from = "10.1.2.3:40000"
	b.get("/sign-in").is(200, "Not on this address")
	b.signIn("areed", good).is(403)
	if len(b.cookies) != 0 {
		t.Error("a session over a plain network")
	}
	local := s.browser()
	local.signIn("areed", good).goesTo("/")
	b.cookies = local.cookies
	b.get("/account").is(303) // a stolen loopback cookie is worth nothing elsewhere
}

func TestALockedSessionSaysSoAndGoesOnWhereItWas(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed")
	b := s.browser()
	b.signIn("areed", good)
	s.clock.Advance(11 * time.Minute)
	b.get("/account").goesTo("/sign-in?to=%2Faccount")
	b.get("/sign-in?to=%2Faccount").is(200, "has locked itself")
	if strings.Contains(b.body, `value="areed"`) {
		t.Error("the name is asked again, not shown")
	}
	b.post("/sign-in", "username", "areed", "password", good, "to", "/account").goesTo("/account")
	b.get("/account").is(200)
	if n := s.verbs(access.VerbStarted); n != 1 {
		t.Errorf("%d sessions were begun", n)
	}
}

func TestATemporaryPasswordMustBeChangedBeforeAnythingElse(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed", people.Monitor)
	temp, err := s.Reset(s.ctx, "areed")
	s.must(err)
	b := s.browser()
	b.signIn("areed", temp).goesTo("/account/password")
	for _, path := range []string{"/account", "/", "/secret"} {
		b.get(path).goesTo("/account/password")
	}
	b.get("/account/password").is(200, "was given to you")
	b.post("/account/password", "current", temp, "password", "four new long words", "again", "other").is(422, "not the same")
	b.post("/account/password", "current", temp, "password", "short", "again", "short").is(422, "at least 12 letters")
	b.post("/account/password", "current", temp, "password", "four new long words", "again", "four new long words").goesTo("/account")
	b.get("/secret").goesTo("/account")
}

var version = regexp.MustCompile(`name="version" value="(\d+)"`)

func TestALostPasswordIsGivenAnewAndShownOnce(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "net", people.NetworkManager)
	id := s.person(people.Staff, "areed")
	a, err := s.AccountOf(s.ctx, id)
	s.must(err)
	b := s.browser()
	b.signIn("net", good)
	b.get("/accounts").is(200, "areed", "open")
	b.get("/accounts?words=nobody+at+all").is(200, "No account fits")
	b.get("/accounts?words=familyareed&state=closed").is(200, "No account fits")
	at := "/accounts/" + a.ID
	b.get(at).is(200, "Give a temporary password")
	v := version.FindStringSubmatch(b.body)[1]
	b.post(at+"/reset", "version", v).is(200, "Temporary password", "shown once")
	temp := regexp.MustCompile(`[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}`).FindString(b.body)
	b.post(at+"/reset", "version", v).is(409) // the page was sent twice
	b.get(at).is(200)
	if strings.Contains(b.body, temp) {
		t.Error("the password is shown again")
	}
	s.browser().signIn("areed", temp).goesTo("/account/password")
	b.get(at)
	b.post(at+"/close", "version", version.FindStringSubmatch(b.body)[1]).goesTo(at)
	if _, _, err := s.try("areed", temp); !refused(err) {
		t.Error("a closed account opens")
	}
}

func TestNobodyBecomesSomebodyWhoMayMore(t *testing.T) {
	s := newSchool(t, noFactors())
	s.person(people.Staff, "net", people.NetworkManager)
	lead := s.person(people.Staff, "lead", people.SafeguardingLead)
	s.person(people.Staff, "head", people.Headteacher)
	a, err := s.AccountOf(s.ctx, lead)
	s.must(err)
	at := "/accounts/" + a.ID
	b := s.browser()
	b.signIn("net", good)
	b.get(at).is(200, "Only the head teacher")
	b.post(at+"/reset", "version", "1").is(422, "may do things here that you may not")
	if _, _, err := s.try("lead", good); err != nil {
		t.Errorf("the lead's password was changed: %v", err)
	}
	h := s.browser()
	h.signIn("head", good)
	h.post(at+"/reset", "version", "1").is(200, "Temporary password")
	s.browser().get("/accounts").is(303)
}

func TestAnAccountIsMadeForSomebodyOnTheRoll(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "net", people.NetworkManager)
	_, err := s.people.Add(s.ctx, people.Person{Kind: people.Pupil, Given: "Ava", Family: "Moss", Username: "amoss", Year: "4"})
	s.must(err)
	b := s.browser()
	b.signIn("net", good)
	b.get("/accounts/new").is(200)
	b.post("/accounts/new", "who", "nobody").is(422, "Nobody here fits")
	b.post("/accounts/new", "who", "ava moss", "username", "net").is(422, "This username is taken")
	b.post("/accounts/new", "who", "ava moss").is(200, "A temporary password for Ava Moss", "amoss")
	b.post("/accounts/new", "who", "ava moss").is(422, "has an account already")
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	s := newSchool(t)
	id := s.person(people.Staff, "areed")
	s.person(people.Staff, "boak")
	one, two, other := s.browser(), s.browser(), s.browser()
	one.signIn("areed", good)
	two.signIn("areed", good)
	other.signIn("boak", good)
	one.get("/account").is(200, "End all the others")
	list, err := s.Sessions(s.ctx, id)
	s.must(err)
	other.post("/account/sessions/end", "session", list[0].ID).is(404) // somebody else's
	one.post("/account/sessions/end").goesTo("/account")
	two.get("/account").is(303)
	one.get("/account").is(200)
}

func TestTokensAreMadeShownOnceAndEnded(t *testing.T) {
	s := newSchool(t)
	id := s.person(people.Staff, "net", people.NetworkManager)
	b := s.browser()
	b.signIn("net", good)
	b.get("/account/tokens").is(200, "health.read")
	if strings.Contains(b.body, `value="access.manage"`) {
		t.Error("a token for accounts is offered")
	}
	b.post("/account/tokens", "name", "night", "lasts", "720h").is(422, "Choose at least one thing")
	b.post("/account/tokens", "name", "night", "lasts", "99999h", "may", "health.read").is(422)
	b.post("/account/tokens", "name", "night", "lasts", "720h", "may", "health.read").is(200, "shown this once")
	secret := regexp.MustCompile(`belisha_[\w-]+`).FindString(b.body)
	if a, err := s.TokenActor(s.ctx, secret); err != nil || !a.May("health.read") {
		t.Fatalf("%+v, %v", a, err)
	}
	if b.get("/account/tokens"); strings.Contains(b.body, secret) {
		t.Error("the token is shown again")
	}
	list, _ := s.Tokens(s.ctx, id)
	b.post("/account/tokens/end", "token", list[0].ID).goesTo("/account/tokens")
	if _, err := s.TokenActor(s.ctx, secret); err == nil {
		t.Error("it goes on")
	}
	teacher := s.browser()
	s.person(people.Staff, "areed")
	teacher.signIn("areed", good)
	teacher.get("/account/tokens").is(403)
}

func TestAFormFromElsewhereIsRefused(t *testing.T) {
	s := newSchool(t)
	s.person(people.Staff, "areed")
	b := s.browser()
	b.signIn("areed", good)
	r := httptest.NewRequest(http.MethodPost, "/account/sessions/end", strings.NewReader(""))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Host, r.RemoteAddr = webtest.Host, b.from
	for _, k := range b.cookies {
		r.AddCookie(k)
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	if w.Code != 403 {
		t.Errorf("status %d", w.Code)
	}
}

func TestAPupilSignsInToTheWebAndOut(t *testing.T) {
	s := newSchool(t)
	s.person(people.Pupil, "amoss")
	s.Doors.Web = func(*http.Request) bool { return true }
	b := s.browser()
	b.signIn("amoss", good).goesTo("/signed-in")
	b.get("/signed-in").is(200, "Hello Givenamoss", "Sign out")
	if strings.Contains(b.body, "Hello Givenamoss Family") {
		t.Error("a surname on a pupil's page")
	}
	if len(s.gate.rows) != 1 || s.gate.rows[netip.MustParseAddr("127.0.0.1")].KeyStage != people.KS2 {
		t.Fatalf("%+v", s.gate.rows)
	}
	s.clock.Advance(20 * time.Minute) // the session locks; the device stays the pupil's
	b.get("/signed-in").is(303)
	if len(s.gate.rows) != 1 {
		t.Error("a locked session put the pupil off the web")
	}
	b.post("/sign-out").goesTo("/sign-in")
	if len(s.gate.rows) != 0 {
		t.Error("signed out, and still on the web")
	}
}

func TestManyWrongTriesAtThePageRestTheAccount(t *testing.T) {
	s := newSchool(t, setting.Value{Key: access.KeyTries, Number: 3, Confirmed: true})
	s.person(people.Staff, "areed")
	b := s.browser()
	for range 3 {
		b.signIn("areed", "not this one").is(422, "After 3 wrong tries an account rests for 15 minutes")
	}
	b.signIn("areed", good).is(422)
}

// behind is who the room would tell a gate of that starts anew.
func (s *school) behind() []access.Row {
	s.t.Helper()
	rows, err := s.Behind(s.ctx)
	s.must(err)
	return rows
}

func TestAGateThatStartsAnewHearsOfEverybodyWhoIsThereAndOfNobodyElse(t *testing.T) {
	s := newSchool(t)
	moss := s.person(people.Pupil, "amoss")
	s.person(people.Pupil, "bfern")
	other := netip.MustParseAddr("10.1.2.4")
	for name, at := range map[string]netip.Addr{"amoss": desk, "bfern": other} {
		_, _, err := s.SignIn(s.ctx, access.Attempt{Username: name, Password: good, From: at, Web: true})
		s.must(err)
	}
	rows := s.behind()
	if len(rows) != 2 {
		t.Fatalf("%d rows: %+v", len(rows), rows)
	}
	for _, r := range rows {
		told := s.gate.rows[r.Address]
		if r.Subject != told.Subject || !r.Ends.Equal(told.Ends) || r.KeyStage != told.KeyStage || r.Groups[0] != told.Groups[0] {
			t.Errorf("told %+v at the sign-in, and %+v anew", told, r)
		}
	}
	seen := false
	s.gate.leaving = func() {
		seen = true
		for _, r := range s.behind() {
			if r.Person == moss {
				t.Error("who signs out would be told to the gate again")
			}
		}
	}
	s.must(s.EndSessions(s.ctx, moss, "", "signed out"))
	if !seen || len(s.behind()) != 1 {
		t.Errorf("the gate was told: %t; %d are left", seen, len(s.behind()))
	}
	s.clock.Advance(24 * time.Hour)
	if left := s.behind(); len(left) != 0 {
		t.Errorf("a day later: %+v", left)
	}
}
