package access_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"belisha/internal/kit/web"
	"belisha/internal/kit/web/browsertest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/access"
	"belisha/internal/school/people"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// heard keeps the last body that was posted to each path.
type heard struct {
	mu     sync.Mutex
	bodies map[string][]byte
	next   http.Handler
}

func (h *heard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		b, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		h.bodies[r.URL.Path] = b
		h.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(b))
	}
	h.next.ServeHTTP(w, r)
}

func (h *heard) credential(t *testing.T, path string) []byte {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	var body struct {
		Credential json.RawMessage `json:"credential"`
	}
	if err := json.Unmarshal(h.bodies[path], &body); err != nil || len(body.Credential) == 0 {
		t.Fatalf("nothing was heard at %s: %v", path, err)
	}
	return body.Credential
}

// TestAPasskeyInARealBrowser makes a passkey in Chromium, signs in with it, and
// then shows Belisha everything that such an answer must not do.
func TestAPasskeyInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("looked at by the full run: it starts a browser")
	}
	s := newSchool(t)
	id := s.person(people.Staff, "head", people.Headteacher)
	s.person(people.Staff, "dsl", people.SafeguardingLead)
	d := webtest.Deps()
	d.Sessions, d.Clock, d.Hosts = s.Room, s.clock, web.HostList("localhost")
	h, _, err := web.Mux([]web.Section{s.Section(), s.people.Section()}, d)
	s.must(err)
	ears := &heard{bodies: map[string][]byte{}, next: h}
	srv := httptest.NewServer(ears)
	defer srv.Close()
	base := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	b := browsertest.Open(t, browsertest.Options{})
	phone(t, b)
	see := func(css string) {
		t.Helper()
		ctx, end := context.WithTimeout(b.Context(), 20*time.Second)
		defer end()
		if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(css))); err != nil {
			t.Fatalf("%s never came: %v\n%s at %s", css, err, b.Text(), b.URL())
		}
	}

	b.Go(base + "/sign-in")
	b.Fill("username", "head")
	b.Fill("password", good)
	b.Press("Sign in")
	b.Has("Your post needs a second factor", "Add a passkey")
	b.Axe()
	b.Fill("name", "school phone")
	b.Tap("Add a passkey")
	see("main ol li code")
	b.Has("Your recovery codes")
	b.Axe()
	b.Go(base + "/account/second-factor")
	b.Has("school phone", "localhost", "10 of your recovery codes are unused")
	signOut(t, b)

	signIn := func() {
		t.Helper()
		b.Go(base + "/sign-in?to=%2Faccount")
		b.Fill("username", "head")
		b.Fill("password", good)
		b.Press("Sign in")
		b.Has("Your second factor", "Use your passkey")
	}
	signIn()
	b.Axe()
	b.Tap("Use your passkey")
	see(`a[href="/account/second-factor"]`)
	b.Has("Your account")
	signOut(t, b)

	site := access.Site{Name: "localhost", Origin: base}
	answer := ears.credential(t, "/sign-in/second/key")
	_, half := s.in("head", good)
	session := s.stand(half).Session
	refuse := func(what string, at access.Site, answer []byte, asked bool) {
		t.Helper()
		if asked {
			_, err := s.AskKey(s.ctx, session, at)
			s.must(err)
		}
		if err := s.ProveKey(s.ctx, session, at, answer); err == nil {
			t.Errorf("%s was taken", what)
		}
		if st := s.stand(half); !st.AskFactor {
			t.Fatalf("%s signed somebody in", what)
		}
	}
	refuse("an answer that nobody asked for", site, answer, false)
	refuse("an answer to an older challenge", site, answer, true)
	refuse("nonsense", site, []byte(`{"id":"x"}`), true)
	if _, err := s.AskKey(s.ctx, session, access.Site{Name: "elsewhere.example", Origin: "https://elsewhere.example"}); !invalid(err, "no passkey for this address") {
		t.Errorf("a passkey is asked for at another site: %v", err)
	}
	s.clock.Advance(20 * time.Minute) // the rest after wrong tries
	_, half = s.in("head", good)
	session = s.stand(half).Session
	_, err = s.AskKey(s.ctx, session, site)
	s.must(err)
	s.clock.Advance(9 * time.Minute)
	s.stand(half)
	s.clock.Advance(2 * time.Minute)
	refuse("a stale answer", site, answer, false)

	// A good answer to a good challenge, given to the wrong pages, in the wrong
	// session, and at last where it belongs.
	s.clock.Advance(time.Hour)
	_, half = s.in("head", good)
	session = s.stand(half).Session
	elsewhere := access.Site{Name: "localhost", Origin: "http://localhost:1"}
	options, err := s.AskKey(s.ctx, session, elsewhere)
	s.must(err)
	refuse("an answer that was meant for another origin", elsewhere, answered(t, b, options), false)
	_, second := s.in("head", good)
	options, err = s.AskKey(s.ctx, session, site)
	s.must(err)
	fit := answered(t, b, options)
	_, err = s.AskKey(s.ctx, s.stand(second).Session, site)
	s.must(err)
	if err := s.ProveKey(s.ctx, s.stand(second).Session, site, fit); err == nil {
		t.Error("an answer opened another session")
	}
	s.must(s.ProveKey(s.ctx, session, site, fit))
	if st := s.stand(half); !st.Actor.SignedIn() {
		t.Error("a good answer does not sign in")
	}

	// A signature that does not hold, from the browser itself.
	s.clock.Advance(time.Hour)
	bogus := true
	if _, err := chromedp.Call(b.Context(), webauthn.SetResponseOverrideBits, webauthn.SetResponseOverrideBitsParams{AuthenticatorID: phoneID, IsBogusSignature: &bogus}); err != nil {
		t.Fatal(err)
	}
	signIn()
	b.Tap("Use your passkey")
	said(t, b, "does not hold")
	if n := s.verbs(access.VerbFactorWrong); n < 3 {
		t.Errorf("%d lines of answers that do not hold", n)
	}
	// The same key for a second account, and twice for one, is refused.
	_, dsl := s.in("dsl", good)
	other := s.stand(dsl).Session
	_, err = s.StartKey(s.ctx, other, site, "")
	s.must(err)
	if _, err := s.FinishKey(s.ctx, other, site, "", ears.credential(t, "/account/second-factor/key")); err == nil {
		t.Error("somebody else's answer made a passkey")
	}
	a, err := s.AccountOf(s.ctx, id)
	s.must(err)
	if list, err := s.Factors(s.ctx, a.ID); err != nil || len(list) != 1 || list[0].Site != "localhost" {
		t.Errorf("%+v %v", list, err)
	}
	s.whole()
}

// phoneID is the browser's authenticator, as Chromium calls it.
var phoneID webauthn.AuthenticatorID

// phone gives the browser an authenticator.
func phone(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	if _, err := chromedp.Call(b.Context(), webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	res, err := chromedp.Call(b.Context(), webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: "ctap2", Transport: "internal", HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true, HasResidentKey: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	phoneID = res.AuthenticatorID
}

// said waits until the page's script says the words.
func said(t *testing.T, b *browsertest.Browser, words string) {
	t.Helper()
	ctx, end := context.WithTimeout(b.Context(), 20*time.Second)
	defer end()
	const script = `new Promise(done => { const look = () => document.body.innerText.includes(%q) ? done(true) : requestAnimationFrame(look); look(); })`
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](strings.Replace(script, "%q", `"`+words+`"`, 1), chromedp.EvalAwaitPromise)); err != nil {
		t.Fatalf("the page never says %q: %v\n%s", words, err, b.Text())
	}
}

// answered has the browser's authenticator answer a challenge, outside our
// pages' own script.
func answered(t *testing.T, b *browsertest.Browser, options any) []byte {
	t.Helper()
	raw, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	script := `(async o => {
		const bytes = s => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), c => c.charCodeAt(0));
		const text = b => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
		const p = o.publicKey;
		const k = await navigator.credentials.get({publicKey: {...p, challenge: bytes(p.challenge), allowCredentials: p.allowCredentials.map(c => ({...c, id: bytes(c.id)}))}});
		const r = k.response;
		return JSON.stringify({id: k.id, rawId: text(k.rawId), type: k.type, clientExtensionResults: {}, response: {
			clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.authenticatorData), signature: text(r.signature)}});
	})(` + string(raw) + `)`
	ctx, end := context.WithTimeout(b.Context(), 20*time.Second)
	defer end()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(out)
}

// signOut ends the browser's session, as the button does.
func signOut(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	if _, err := chromedp.Run(b.Context(), chromedp.Evaluate[bool](`fetch("/sign-out", {method: "POST"}).then(r => r.ok)`, chromedp.EvalAwaitPromise)); err != nil {
		t.Fatal(err)
	}
}
