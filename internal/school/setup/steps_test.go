package setup_test

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/people"
	"belisha/internal/school/setup"
)

// others are two pages of another room: one before the accounts, asked only
// sometimes, and one after the policy that has nothing to save.
func (s school) others() []setup.Step {
	return []setup.Step{
		{
			Slug: "filter", Title: "Do you already have a filter?",
			Asked: func(context.Context) (bool, error) { return *s.asked, nil },
			View: func(context.Context) (setup.StepView, error) {
				v := setup.StepView{Fields: []web.Field{{Name: "provider", Label: "Whose is it?", Value: *s.told}}, Button: "Save"}
				if *s.told == "away" {
					v.Note = web.Panel{Tone: "warn", Title: "It was not reached", Words: "You can go on."}
				}
				return v, nil
			},
			Save: func(_ context.Context, form url.Values) error {
				if form.Get("provider") == "" {
					return store.Invalid{"provider": "Write whose it is"}
				}
				if form.Get("version") == "old" {
					return store.ErrStale
				}
				*s.told = form.Get("provider")
				return nil
			},
		},
		{Slug: "platforms", Title: "A file for your devices", View: func(context.Context) (setup.StepView, error) {
			return setup.StepView{Files: []web.Download{{Title: "PAC", Path: "/set-up/file/proxy.pac"}}}, nil
		}},
	}
}

// begin has a browser with the right code.
func begin(t *testing.T, s school) *browser {
	t.Helper()
	code, err := s.room.Code(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t, webtest.Site(t, s.room.Section()), map[string]*http.Cookie{}}
	if w := b.do("POST", "/set-up", url.Values{"code": {code}}); w.Code != http.StatusSeeOther {
		t.Fatalf("the code: %d %s", w.Code, w.Body)
	}
	return b
}

func (b *browser) says(path string, words ...string) {
	b.t.Helper()
	w := b.do("GET", path, nil)
	for _, x := range words {
		if !strings.Contains(w.Body.String(), x) {
			b.t.Errorf("%s (%d) does not say %q", path, w.Code, x)
		}
	}
}

func TestTheSetUpCanBeLeftAndTakenUpAgain(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		b := begin(t, s)
		b.says("/set-up/steps", "1. Your school", "Go on: Your school")
		b.says("/set-up/school", "Step 1 of 9", "All steps")
		b.do("POST", "/set-up/school", url.Values{"school": {"Ashdown Vale"}, "host": {"belisha.ashdown"}, "zone": {"Europe/London"}, "sites": {"Lower School\nLower School\n"}})
		if w := b.do("POST", "/set-up/roll", url.Values{"pass": {"yes"}}); w.Header().Get("Location") != "/set-up/people" {
			t.Errorf("passing by leads to %s", w.Header().Get("Location"))
		}
		// Another browser, another day: the code is the same, and so is the place.
		again := &browser{t, b.h, map[string]*http.Cookie{}}
		again.cookies = b.cookies
		again.says("/set-up/steps", "done", "Go on: The head teacher")
		again.says("/set-up/school", "Ashdown Vale", "Lower School")
		sites, err := s.people.Sites(s.ctx)
		if err != nil || len(sites) != 2 {
			t.Errorf("sites %v, %v", sites, err)
		}
		*s.asked = true
		again.says("/set-up/steps", "2. Do you already have a filter?")
		again.says("/set-up/filter", "Step 2 of 10", "Back: Your school", "Later: go on without it")
	})
}

func TestAnotherRoomsPageIsSavedRefusedAndPassedBy(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		*s.asked = true
		b := begin(t, s)
		if w := b.do("POST", "/set-up/filter", url.Values{"provider": {""}}); w.Code != 422 || !strings.Contains(w.Body.String(), "Write whose it is") {
			t.Errorf("nothing typed: %d", w.Code)
		}
		if w := b.do("POST", "/set-up/filter", url.Values{"provider": {"county"}, "version": {"old"}}); w.Code != http.StatusConflict {
			t.Errorf("a form that somebody else overtook: %d", w.Code)
		}
		if w := b.do("POST", "/set-up/filter", url.Values{"provider": {"away"}}); w.Header().Get("Location") != "/set-up/head" {
			t.Errorf("saved: %d to %s", w.Code, w.Header().Get("Location"))
		}
		b.says("/set-up/head", "It was not reached. You can go on.")
		b.says("/set-up/platforms", "Go on")
		if w := b.do("POST", "/set-up/platforms", nil); w.Header().Get("Location") != "/set-up/finish" {
			t.Errorf("the last page leads to %s", w.Header().Get("Location"))
		}
		if w := b.do("GET", "/set-up/file/proxy.pac", nil); w.Code != 200 || w.Body.String() != "function" {
			t.Errorf("a file: %d %s", w.Code, w.Body)
		}
		if w := b.do("GET", "/set-up/nothing", nil); w.Code != 404 {
			t.Errorf("a page that nobody has: %d", w.Code)
		}
		b.says("/set-up/finish", "Left for later", "Your school")
	})
}

func TestTermsThatOverlapAreSaidAndNothingTypedIsLost(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		b := begin(t, s)
		form := url.Values{"version": {"0"}, "hours": {"Monday: 8:30 to 15:30"}, "terms": {"Autumn: 2/9/2026 to 18/12/2026\nSpring: 10/12/2026 to 26/3/2027"}}
		w := b.do("POST", "/set-up/calendar", form)
		if w.Code != 422 || !strings.Contains(w.Body.String(), "overlap") || !strings.Contains(w.Body.String(), "10/12/2026 to 26/3/2027") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		form.Set("terms", "Autumn: 2/9/2026 to 18/12/2026")
		if w := b.do("POST", "/set-up/calendar", form); w.Header().Get("Location") != "/set-up/unlisted" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		cal, err := s.people.Calendar(s.ctx, people.MainSite)
		if err != nil || len(cal.Terms) != 1 {
			t.Errorf("terms %+v, %v", cal.Terms, err)
		}
		if w := b.do("POST", "/set-up/calendar", form); w.Code != http.StatusConflict {
			t.Errorf("the same form again, older than what stands: %d", w.Code)
		}
	})
}

func TestASecondHeadIsNotMadeByASecondBrowser(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		b := begin(t, s)
		head := url.Values{"given": {"Amira"}, "family": {"Quist"}, "username": {"a.quist"}, "password": {"violet kettle meadow"}}
		b.do("POST", "/set-up/head", head)
		head.Set("username", "m.late")
		if w := b.do("POST", "/set-up/head", head); w.Header().Get("Location") != "/set-up/roll" {
			t.Errorf("the second: %d to %s", w.Code, w.Header().Get("Location"))
		}
		heads, err := s.people.HoldersAt(s.ctx, people.Headteacher, s.clock.Now())
		if err != nil || len(heads) != 1 || heads[0].Person.Username != "a.quist" {
			t.Errorf("heads %+v, %v", heads, err)
		}
		b.says("/set-up/head", "Amira Quist")
	})
}

// upload posts a file.
func (b *browser) upload(path, field, name, content string) *httptest.ResponseRecorder {
	b.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	f, err := m.CreateFormFile(field, name)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := f.Write([]byte(content)); err != nil {
		b.t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		b.t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "http://"+webtest.Host+path, &body)
	r.Header.Set("Content-Type", m.FormDataContentType())
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookies[c.Name] = c
	}
	return w
}

func TestTheRollIsBroughtInAndItsPeopleGetTheAccounts(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, db *store.DB) {
		s := open(t, db)
		b := begin(t, s)
		if w := b.upload("/set-up/roll", "roll", "photo.csv", "\x89PNG\r\n\x1a\n\x00\x00"); w.Code != 422 {
			t.Errorf("a picture: %d", w.Code)
		}
		w := b.upload("/set-up/roll", "roll", "staff.csv", "type,given name,family name,username,id\nstaff,Tomos,Bell,t.bell,s1\nstaff,Ines,Vane,i.vane,s2\n")
		if w.Header().Get("Location") != "/set-up/people" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		b.says("/set-up/people", "2 people joined")
		form := url.Values{"given": {"Thomas"}, "family": {"Bell"}, "username": {"t.bell"}, "password": {"amber window river"}, "posts": {"safeguarding-lead"}}
		if w := b.do("POST", "/set-up/people", form); w.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		lead, err := s.people.HoldersAt(s.ctx, people.SafeguardingLead, s.clock.Now())
		if err != nil || len(lead) != 1 || lead[0].Person.Given != "Tomos" {
			t.Errorf("the lead is %+v, %v: not the person of the roll", lead, err)
		}
		counts, err := s.people.Counts(s.ctx)
		if err != nil || counts[people.Staff] != 2 {
			t.Errorf("%d staff, %v", counts[people.Staff], err)
		}
	})
}
