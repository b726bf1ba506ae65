package filtering_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/filtering"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// pupil is somebody of the roll at the people's pages, without any right.
func (s *school) pupil(id people.ID) actor.Actor {
	return actor.New(actor.Actor{ID: "person:" + string(id), Person: string(id), Name: "Wren Holt", Kind: actor.Person, Audience: actor.Pupil})
}

func TestAPupilAsksForAFileAndItIsDecidedOnThePages(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.lessons("may")
		site, _, _, reader := s.site()
		wren := s.pupil(s.wren())
		manager := s.person(string(s.manager), filtering.MayRead, filtering.MayPermit)
		teacher := s.person(string(s.other), filtering.MayPermit)
		form := webtest.Get(t, site, "/download/ask?u="+url.QueryEscape(setup), wren).Is(200).Safe().Has("head teacher and filter manager", "stays closed for everybody")
		if got := strings.TrimSpace(form.Field("url")); got != setup {
			t.Errorf("the address is not filled in: %q", got)
		}
		bad := webtest.Post(t, site, "/download/ask", url.Values{"url": {setup}, "purpose": {"fun"}}, wren).Is(422).Safe().Has("what you need the file for")
		if strings.TrimSpace(bad.Field("url")) != setup {
			t.Error("what was typed is lost")
		}
		good := url.Values{"url": {setup}, "purpose": {"For the robot of the maker club"}}
		to := webtest.Post(t, site, "/download/ask", good, wren).Header.Get("Location")
		webtest.Post(t, site, "/download/ask", good, wren).GoesTo(to) // the button pressed twice
		id := strings.TrimPrefix(to, "/download/")
		webtest.Get(t, site, to, wren).Is(200).Safe().Has("tools.", "waits", "Take it back")
		webtest.Get(t, site, "/download", wren).Is(200).Safe().Has("tools.", "waits")
		webtest.Get(t, site, to, s.pupil("somebody")).Is(404)
		webtest.Get(t, site, "/download/ask", webtest.Nobody()).Is(303)
		for _, path := range []string{"/filter/downloads", "/filter/downloads/" + id, "/filter/downloads.csv", "/filter/content"} {
			webtest.Get(t, site, path, wren).Is(403)
		}
		webtest.Post(t, site, "/filter/downloads/"+id+"/grant", url.Values{"minutes": {"60"}}, wren).Is(403)
		// A teacher, whose word does not count here, sees nothing of it.
		webtest.Get(t, site, "/filter/downloads", teacher).Is(200).Safe().HasNot("tools.")
		webtest.Get(t, site, "/filter/downloads/"+id, teacher).Is(404)
		webtest.Get(t, site, "/filter/downloads/"+id, manager).Is(200).Safe().Has("Permit it", "Wren Holt", "For the robot", "Nobody else, and no other file").Link("/filter/downloads/" + id + "/grant")
		webtest.Post(t, site, "/filter/downloads/"+id+"/grant", url.Values{"minutes": {"soon"}}, manager).GoesTo("/filter/downloads/" + id)
		webtest.Post(t, site, "/filter/downloads/"+id+"/grant", url.Values{"minutes": {"1440"}}, manager).GoesTo("/filter/downloads/" + id)
		if !s.permitted(s.wren(), "tools.example.org", "/dl/setup.exe?v=2", "") {
			t.Fatal("granted, and not permitted")
		}
		webtest.Get(t, site, "/filter/downloads?state=granted&find=setup", manager).Is(200).Safe().Has("tools.", "permitted", "Wren Holt")
		changes := webtest.Get(t, site, "/filter/changes", reader).Has("A file was permitted.", "by whoever asked (pupils)")
		changes.HasNot("Wren")
		csv := webtest.Get(t, site, "/filter/downloads.csv", manager).Is(200)
		if !strings.Contains(string(csv.Body), "setup.exe?v=2,For the robot of the maker club,Wren Holt,pupils,permitted") {
			t.Errorf("the copy lacks the file:\n%s", csv.Body)
		}
		webtest.Get(t, site, to, wren).Has("permitted", "Close it now", "Tam Ruskin")
		webtest.Post(t, site, to+"/end", url.Values{}, wren).GoesTo(to)
		if s.permitted(s.wren(), "tools.example.org", "/dl/setup.exe?v=2", "") {
			t.Error("open after it was closed")
		}
		webtest.Post(t, site, "/filter/downloads/forged/grant", url.Values{"minutes": {"60"}}, manager).Is(404)
		again := webtest.Post(t, site, "/download/ask", good, wren).Header.Get("Location")
		webtest.Post(t, site, "/filter/downloads/"+strings.TrimPrefix(again, "/download/")+"/refuse", url.Values{"reason": {"There is a web version."}}, manager).Is(303)
		webtest.Get(t, site, again, wren).Has("refused", "There is a web version.")
		s.holds()
	})
}

func TestAFileWaitsInTheTrayOfThoseWhoTeachWhoeverAsks(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.lessons("may")
		s.asks(setup)
		waits := func(id people.ID) int {
			t.Helper()
			list, err := s.room.Waiting(context.Background(), s.person(string(id), filtering.MayPermit))
			must(t, err)
			return len(list)
		}
		if waits(s.manager) != 1 || waits(s.head) != 1 || waits(s.other) != 0 {
			t.Errorf("manager %d, head %d, teacher %d", waits(s.manager), waits(s.head), waits(s.other))
		}
		_, err := s.activate(2, map[string]string{"filtering.social.unblock": "may"}, s.value("filtering.downloads.approver", "staff", setting.Scope{Group: "pupils"}))
		must(t, err)
		// Nobody teaches 8B by the roll, so it waits for the filter manager,
		// and any member of staff may still decide.
		if waits(s.manager) != 1 || waits(s.other) != 0 {
			t.Errorf("manager %d, teacher %d", waits(s.manager), waits(s.other))
		}
		site, _, _, _ := s.site()
		webtest.Get(t, site, "/filter/downloads", s.person(string(s.other), filtering.MayPermit)).Is(200).Has("tools.")
	})
}

func TestTenThousandFilesArePaged(t *testing.T) {
	s := open(t, sqlite(t))
	s.lessons("may")
	err := s.db.Write(console(), func(tx *store.Tx) error {
		for i := range 10_000 {
			at := monday.Add(-time.Duration(i%700+2) * time.Hour)
			_, err := tx.ExecContext(context.Background(), `INSERT INTO filter_permits (id, host, path, hash, purpose, asker_is, state, asked_at, asked_by,
				from_at, until_at, decided_at, decided_by, answer, ended_at, ended_by, version) VALUES ($1, $2, '/setup.exe', '', 'a file of some kind', 'pupils', 'ended', $3, $4, $3, $5, $3, $6, '', $5, 'system:filtering', 3)`,
				fmt.Sprintf("p%05d", i), fmt.Sprintf("s%d.example", i), store.At(at), string(s.other), store.At(at.Add(time.Hour)), string(s.manager))
			if err != nil {
				return err
			}
		}
		return nil
	})
	must(t, err)
	site, _, _, _ := s.site()
	reader := s.person(string(s.other), filtering.MayRead, filtering.MayPermit)
	for _, path := range []string{"/filter/downloads", "/filter/downloads?page=200", "/filter/downloads?state=ended&find=s99", "/filter/downloads?page=x&state=x", "/filter/downloads.csv"} {
		start := time.Now()
		webtest.Get(t, site, path, reader).Is(200)
		t.Logf("%s: %s", path, time.Since(start))
	}
	webtest.Get(t, site, "/filter/downloads", reader).Safe().Has("1 to 50 of 10,000 files")
	start := time.Now()
	if f := s.control("exceptions-expire"); !strings.Contains(f.Figure, "no faults") {
		t.Errorf("C04: %s", f.Figure)
	}
	t.Logf("C04: %s", time.Since(start))
}

func TestTheAPIAsksForAFileAndNamesNobody(t *testing.T) {
	s := open(t, sqlite(t))
	s.lessons("may")
	h, err := web.NewAPI(web.APIDeps{Title: "Belisha", Version: "test", Log: slog.New(slog.DiscardHandler), Tokens: oneToken{
		actor.New(actor.Actor{ID: "token:1", Kind: actor.Token, Person: string(s.other), Audience: actor.Staff}, filtering.MayPermit, filtering.MayRead),
	}})
	must(t, err)
	s.room.API(h)
	must(t, h.Err())
	send := func(method, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/api/v1/file-permits", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	body := `{"url":"https://tools.example.org/a.msi","purpose":"To mend the projector"}`
	if w := send(http.MethodPost, body); w.Code != http.StatusCreated || !strings.Contains(w.Body.String(), `"state":"asked"`) {
		t.Errorf("asking: %d %s", w.Code, w.Body)
	}
	if w := send(http.MethodPost, body); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("asking twice: %d %s", w.Code, w.Body)
	}
	if w := send(http.MethodGet, ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"total":1`) || strings.Contains(w.Body.String(), string(s.other)) {
		t.Errorf("reading: %d %s", w.Code, w.Body)
	}
}

func TestThePageSaysWhatIsLookedAtAndWhatIsNot(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		in := filtering.Inside{Known: true, Certificate: "ab:cd", Phrases: 1200}
		s.deps.Inside = func(context.Context) (filtering.Inside, error) { return in, nil }
		s.deps.Assessed = func(context.Context) (bool, error) { return true, nil }
		s.start()
		site, _, _, _ := s.site()
		monitor := s.person(string(s.other), filtering.MayInside)
		webtest.Get(t, site, "/filter/content", monitor).Is(200).Safe().Has("Nothing is scanned for viruses", "Nothing inside encrypted sites is seen",
			"only their names", "Closed above the weight 60", "Closed above the weight 160", "Programs, installers, scripts", "Help services such as Childline", "no picture search")
		in = filtering.Inside{Known: true, Certificate: "ab:cd", Phrases: 1200, Scanner: true, Away: "It was asked just now and does not answer.", Troubles: []filtering.Trouble{{Host: "app.example.org", Kind: filtering.TroublePinned, Count: 2}}}
		s.deps.Scanner = func() bool { return true }
		s.start()
		site, _, _, _ = s.site()
		_, err := s.activate(1, nil, s.value("filtering.inspect", "on", setting.Scope{KeyStage: "ks3"}), s.value("filtering.tenants.google", "school.example", setting.Scope{Group: "pupils"}))
		must(t, err)
		page := webtest.Get(t, site, "/filter/content", monitor).Is(200).Safe().Has("The virus scanner is away", "Encrypted sites are looked into for pupils", "Pupils of KS3",
			"looks inside all encrypted sites", "school.example", "Not scanned, and closed", "clause filter.2")
		webtest.Get(t, site, "/filter/content", s.person(string(s.manager), filtering.MayInside, filtering.MayRead)).Has("1 site could not be looked into lately").Link("/filter/left-alone")
		page.HasNot("app.example.org", "Pupils of KS2", "Nearly every site is encrypted")
		in = filtering.Inside{}
		webtest.Get(t, site, "/filter/content", monitor).Is(200).Has("The filter does not answer").HasNot("scanner answers")
		webtest.Get(t, site, "/filter/content", s.person("x", filtering.MayAsk)).Is(403)
	})
}

func TestAFileOrATextIsTriedOutOnThePage(t *testing.T) {
	s := open(t, sqlite(t))
	var got filtering.Sample
	s.deps.TryContent = func(_ context.Context, x filtering.Sample) (filtering.Weighed, error) {
		got = x
		return filtering.Weighed{
			Format: "zip archive", Kinds: []verdict.FileKind{verdict.FileProgram, verdict.FileMacro}, Where: map[string]string{"program": "setup.exe in a.zip"},
			Score: 100, Parts: []string{"+100 “word”"}, Scan: "found nothing",
		}, nil
	}
	s.start()
	site, _, _, _ := s.site()
	reader := s.person(string(s.other), filtering.MayInside)
	try := func(group string) *webtest.Doc {
		return webtest.Post(t, site, "/filter/content", url.Values{"group": {group}, "text": {"<p>a text</p>"}}, reader)
	}
	try("pupils").Is(200).Safe().Has("It would stay out", "Programs (setup.exe in a.zip): closed", "Macros: closed", "weighs 100, and the limit is 60", "zip archive")
	try("staff").Is(200).Safe().Has("It would stay out", "Macros: may be downloaded", "weighs 100, and the limit is 160: open")
	if string(got.Body) != "<p>a text</p>" || got.Name != "" {
		t.Errorf("tried %+v", got)
	}
	try("nobody").Is(422).Has("Choose a group")
	webtest.Post(t, site, "/filter/content", url.Values{"group": {"pupils"}}, reader).Is(422).Safe().Has("Choose a file")
}
