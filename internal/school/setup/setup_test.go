package setup_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
	"belisha/internal/school/setup"
)

var start = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

type fixed struct{}

func (fixed) Secret(context.Context, string) ([]byte, error) {
	return []byte("0123456789abcdef0123456789abcdef"), nil
}

// shelf offers two policies and remembers which was activated.
type shelf struct{ activated, unlisted string }

func (s *shelf) Examples(context.Context) ([]setup.Example, error) {
	return []setup.Example{{Name: "one", Title: "The first policy", Words: "For most schools."}, {Name: "two", Title: "The second policy"}}, nil
}

func (s *shelf) Effects(context.Context, string, string) ([]string, error) {
	return []string{"Pupils lose: shopping."}, nil
}

func (s *shelf) InForce(context.Context) (string, error) { return s.activated, nil }

func (s *shelf) Activate(_ context.Context, name, unlisted string) error {
	if name != "one" && name != "two" {
		return errors.New("there is no shipped policy of that name")
	}
	s.activated, s.unlisted = name, unlisted
	return nil
}

type school struct {
	room   *setup.Room
	people *people.Room
	access *access.Room
	shelf  *shelf
	asked  *bool // whether another room's second page is asked
	told   *string
	clock  *clock.Fake
	ctx    context.Context
}

func open(t *testing.T, db *store.DB) school {
	t.Helper()
	ctx := actor.With(context.Background(), actor.Belisha("test"))
	c := clock.NewFake(start)
	var verbs []journal.VerbInfo
	for _, v := range [][]journal.VerbInfo{people.Verbs, access.Verbs, setup.Verbs} {
		verbs = append(verbs, v...)
	}
	j, err := journal.New(journal.Deps{DB: db, Clock: c, Verbs: verbs, Protected: append(append([]journal.Protected{}, people.Protected...), access.Protected...)})
	if err != nil {
		t.Fatal(err)
	}
	book, err := setting.NewBook(people.Settings(), access.Settings())
	if err != nil {
		t.Fatal(err)
	}
	live := setting.NewLive(setting.NewValues(book, 0, nil))
	p, err := people.New(people.Deps{DB: db, Journal: j, Clock: c, Live: live})
	if err != nil {
		t.Fatal(err)
	}
	a, err := access.New(access.Deps{DB: db, Journal: j, Clock: c, Live: live, People: p, Secrets: fixed{}})
	if err != nil {
		t.Fatal(err)
	}
	s := school{people: p, access: a, shelf: &shelf{}, asked: new(bool), told: new(string), clock: c, ctx: ctx}
	s.room, err = setup.New(setup.Deps{
		DB: db, Journal: j, Clock: c, People: p, Accounts: a, Policies: s.shelf, Steps: s.others(),
		File: func(_ context.Context, name string) (setup.File, error) {
			if name != "proxy.pac" {
				return setup.File{}, store.ErrNotFound
			}
			return setup.File{Name: name, Type: "text/plain", Body: []byte("function")}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var schemas = []fs.FS{journal.Schema, people.Schema, access.Schema, setup.Schema}

// browser keeps cookies as a browser does.
type browser struct {
	t       *testing.T
	h       http.Handler
	cookies map[string]*http.Cookie
}

func (b *browser) do(method, path string, form url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequest(method, "http://"+webtest.Host+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookies[c.Name] = c
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return w
}

func TestASchoolIsSetUpFromTheCodeToThePolicy(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		code, err := s.room.Code(s.ctx)
		if err != nil || len(code) != 14 {
			t.Fatalf("code %q, %v", code, err)
		}
		b := &browser{t, webtest.Site(t, s.room.Section()), map[string]*http.Cookie{}}
		if w := b.do("GET", "/set-up/school", nil); w.Code != 303 || w.Header().Get("Location") != "/set-up" {
			t.Fatalf("without the code: %d to %s", w.Code, w.Header().Get("Location"))
		}
		if w := b.do("POST", "/set-up", url.Values{"code": {"aaaa-bbbb-cccc"}}); w.Code != 422 || !strings.Contains(w.Body.String(), "not the code") {
			t.Fatalf("a wrong code: %d %s", w.Code, w.Body)
		}
		if w := b.do("POST", "/set-up", url.Values{"code": {strings.ToUpper(" " + code + " ")}}); w.Header().Get("Location") != "/set-up/steps" {
			t.Fatalf("the right code: %d %s", w.Code, w.Body)
		}
		if w := b.do("POST", "/set-up/school", url.Values{"school": {""}, "host": {"nodot"}, "zone": {"Mars/Crater"}}); w.Code != 422 ||
			!strings.Contains(w.Body.String(), "name with a dot") || !strings.Contains(w.Body.String(), "Europe/London") {
			t.Fatalf("a bad name: %d", w.Code)
		}
		b.do("POST", "/set-up/school", url.Values{"school": {"Ashdown Vale"}, "host": {"Belisha.Ashdown"}, "zone": {"Europe/London"}})
		if sc, err := s.room.School(s.ctx); err != nil || sc.Name != "Ashdown Vale" || sc.Host != "belisha.ashdown" {
			t.Fatalf("school %+v, %v", sc, err)
		}
		if w := b.do("POST", "/set-up/finish", nil); w.Header().Get("Location") != "/set-up/steps" {
			t.Fatalf("finished without a head: %d %s", w.Code, w.Header().Get("Location"))
		}
		head := url.Values{"given": {"Amira"}, "family": {"Quist"}, "username": {"a.quist"}, "password": {"short"}}
		if w := b.do("POST", "/set-up/head", head); w.Code != 422 {
			t.Fatalf("a short password: %d", w.Code)
		}
		head.Set("password", "violet kettle meadow")
		if w := b.do("POST", "/set-up/head", head); w.Header().Get("Location") != "/set-up/roll" {
			t.Fatalf("the head: %d %s", w.Code, w.Body)
		}
		other := url.Values{"given": {"Tomos"}, "family": {"Bell"}, "username": {"t.bell"}, "password": {"amber window river"}, "posts": {"safeguarding-lead", "filter-manager", "not-a-post"}}
		if w := b.do("POST", "/set-up/people", other); w.Code != 303 {
			t.Fatalf("another: %d %s", w.Code, w.Body)
		}
		if w := b.do("GET", "/set-up/people", nil); !strings.Contains(w.Body.String(), "Tomos Bell") {
			t.Error("the page does not show who holds a post")
		}
		if w := b.do("POST", "/set-up/unlisted", url.Values{"unlisted": {"previewed"}}); w.Header().Get("Location") != "/set-up/policy" {
			t.Fatalf("unlisted sites: %d %s", w.Code, w.Body)
		}
		if w := b.do("POST", "/set-up/finish", nil); w.Header().Get("Location") != "/set-up/steps" {
			t.Fatalf("finished without a policy: %d %s", w.Code, w.Header().Get("Location"))
		}
		if w := b.do("POST", "/set-up/policy", url.Values{"policy": {"two"}}); w.Header().Get("Location") != "/set-up/platforms" {
			t.Fatalf("the policy: %d %s", w.Code, w.Body)
		}
		if s.shelf.activated != "two" || s.shelf.unlisted != "previewed" {
			t.Errorf("activated %+v", s.shelf)
		}
		if w := b.do("POST", "/set-up/finish", nil); w.Header().Get("Location") != "/sign-in" {
			t.Fatalf("the end: %d %s", w.Code, w.Body)
		}
		if w := b.do("GET", "/set-up", nil); w.Header().Get("Location") != "/sign-in" {
			t.Error("the set-up is open after it was finished")
		}
		if again, err := s.room.Code(s.ctx); err != nil || again != "" {
			t.Errorf("a new code after the end: %q %v", again, err)
		}
	})
}

func TestACodeIsVoidAfterTenWrongOnesAndAfterADay(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		code, err := s.room.Code(s.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if err := s.room.Check(s.ctx, "wrong"); !errors.Is(err, setup.ErrCode) {
				t.Fatalf("a wrong code: %v", err)
			}
		}
		if err := s.room.Check(s.ctx, code); err == nil {
			t.Error("the code was taken after ten wrong ones")
		}
		code, err = s.room.Code(s.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.room.Check(s.ctx, code); err != nil {
			t.Errorf("a new code: %v", err)
		}
		s.clock.Advance(25 * time.Hour)
		if err := s.room.Check(s.ctx, code); err == nil {
			t.Error("the code was taken a day later")
		}
	})
}

func TestTwoCodesAreNeverTheSame(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		seen := map[string]bool{}
		for range 20 {
			code, err := s.room.Code(s.ctx)
			if err != nil || seen[code] {
				t.Fatalf("code %q again, or %v", code, err)
			}
			seen[code] = true
		}
	})
}
