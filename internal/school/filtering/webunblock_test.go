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
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/filtering"
)

func TestATeacherAsksAndTheManagerGrantsOnThePages(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.lessons("may")
		site, _, _, _ := s.site()
		teacher := s.person(string(s.other), filtering.MayAsk)
		manager := s.person(string(s.manager), filtering.MayRead, filtering.MayChange, filtering.MayUnblock)
		form := webtest.Get(t, site, "/unblock/ask?host=www.instagram.com", teacher).Is(200).Safe().Has("Class 8B", "Year 8", "All pupils", "closes by itself")
		if got := strings.TrimSpace(form.Field("hosts")); got != "www.instagram.com" {
			t.Errorf("the site is not filled in: %q", got)
		}
		bad := webtest.Post(t, site, "/unblock/ask", url.Values{"hosts": {"instagram.com"}, "purpose": {"fun"}, "for": {"class:8B"}, "minutes": {"40"}}, teacher).Is(422).Safe().Has("what the class does with it")
		if bad.Field("for") != "class:8B" || bad.Field("minutes") != "40" {
			t.Error("what was chosen is lost")
		}
		webtest.Post(t, site, "/unblock/ask", url.Values{"hosts": {"pornhub.com"}, "purpose": {"reading adverts"}, "for": {"class:8B"}, "minutes": {"40"}}, teacher).Is(422).Has("no lesson opens")
		good := url.Values{"hosts": {"https://www.instagram.com/explore"}, "purpose": {"Reading what adverts want of us"}, "for": {"class:8B"}, "minutes": {"40"}}
		to := webtest.Post(t, site, "/unblock/ask", good, teacher).Header.Get("Location")
		webtest.Post(t, site, "/unblock/ask", good, teacher).GoesTo(to) // the button pressed twice
		id := strings.TrimPrefix(to, "/unblock/")
		webtest.Get(t, site, to, teacher).Is(200).Safe().Has("www.instagram.com", "class 8B", "waits", "Take it back")
		webtest.Get(t, site, "/unblock", teacher).Is(200).Safe().Has("www.instagram.com", "waits")
		webtest.Get(t, site, to, s.person("somebody", filtering.MayAsk)).Is(404)
		webtest.Get(t, site, to, webtest.As("a pupil")).Is(403)
		webtest.Get(t, site, "/unblock/ask", webtest.Nobody()).Is(303)
		webtest.Post(t, site, "/filter/unblocks/"+id+"/grant", url.Values{}, teacher).Is(403)
		webtest.Get(t, site, "/filter/unblocks/"+id, s.person(string(s.other), filtering.MayRead)).Is(200).Safe().NoLink("/filter/unblocks/" + id + "/grant")
		webtest.Get(t, site, "/filter/unblocks/"+id, manager).Is(200).Safe().Has("Open it", "Reading what adverts want of us", "Nobody else, and no other site").Link("/filter/unblocks/" + id + "/grant")
		webtest.Post(t, site, "/filter/unblocks/"+id+"/grant", url.Values{}, manager).GoesTo("/filter/unblocks/" + id)
		s.isOpen("www.instagram.com", "class:8B", true)
		webtest.Post(t, site, "/filter/unblocks/"+id+"/grant", url.Values{}, manager).GoesTo("/filter/unblocks/" + id)
		webtest.Get(t, site, "/filter/unblocks?state=granted&find=insta", manager).Is(200).Safe().Has("www.instagram.com", "Ike Loam")
		webtest.Get(t, site, "/filter/changes", manager).Has("A site was opened for a lesson.", "www.instagram.com is open for class 8B, Monday 23 November, 10:00 to 10:40")
		webtest.Get(t, site, to, teacher).Has("open", "Close it now")
		webtest.Post(t, site, to+"/end", url.Values{}, teacher).GoesTo(to)
		s.isOpen("www.instagram.com", "class:8B", false)
		webtest.Post(t, site, to+"/end", url.Values{}, teacher).GoesTo(to)
		webtest.Post(t, site, "/filter/unblocks/forged/grant", url.Values{}, manager).Is(404)
		again := webtest.Post(t, site, "/unblock/ask", good, teacher).Header.Get("Location")
		webtest.Post(t, site, "/filter/unblocks/"+strings.TrimPrefix(again, "/unblock/")+"/refuse", url.Values{"reason": {"Use the school's own page."}}, manager).Is(303)
		webtest.Get(t, site, again, teacher).Has("refused", "Use the school's own page.")
		s.holds()
	})
}

func TestThePageSaysWhichClauseAllowsNoSocialSite(t *testing.T) {
	s := open(t, sqlite(t))
	s.lessons("may not")
	site, _, _, _ := s.site()
	teacher := s.person(string(s.other), filtering.MayAsk)
	webtest.Get(t, site, "/unblock/ask", teacher).Is(200).Safe().Has("no social site is opened", "clause filter.1")
	webtest.Post(t, site, "/unblock/ask", url.Values{"hosts": {"instagram.com"}, "purpose": {"Reading adverts"}, "for": {"class:8B"}, "minutes": {"40"}}, teacher).
		Is(422).Has("not even for a lesson (clause filter.1)")
}

func TestTenThousandUnblocksArePaged(t *testing.T) {
	s := open(t, sqlite(t))
	s.lessons("may")
	err := s.db.Write(console(), func(tx *store.Tx) error {
		for i := range 10_000 {
			at := monday.Add(-time.Duration(i+2) * time.Hour)
			_, err := tx.ExecContext(context.Background(), `INSERT INTO filter_unblocks (id, hosts, open_for, purpose, from_at, until_at, social, state, asked_at, asked_by,
				decided_at, decided_by, answer, ended_at, ended_by, version) VALUES ($1, $2, 'class:8B', 'a lesson of some kind', $3, $4, TRUE, 'ended', $3, $5, $3, $6, '', $4, 'system:filtering', 3)`,
				fmt.Sprintf("u%05d", i), fmt.Sprintf("s%d.example", i), store.At(at), store.At(at.Add(time.Hour)), string(s.other), string(s.manager))
			if err != nil {
				return err
			}
		}
		return nil
	})
	must(t, err)
	site, _, _, reader := s.site()
	for _, path := range []string{"/filter/unblocks", "/filter/unblocks?page=200", "/filter/unblocks?state=ended&find=s99", "/filter/unblocks?page=x&state=x"} {
		start := time.Now()
		webtest.Get(t, site, path, reader).Is(200).Safe()
		t.Logf("%s: %s", path, time.Since(start))
	}
	webtest.Get(t, site, "/filter/unblocks", reader).Has("1 to 50 of 10,000 sites")
	start := time.Now()
	if f := s.control("exceptions-expire"); !strings.Contains(f.Figure, "no faults") {
		t.Errorf("C04: %s", f.Figure)
	}
	t.Logf("C04: %s", time.Since(start))
}

// oneToken is whoever shows any token.
type oneToken struct{ a actor.Actor }

func (o oneToken) Actor(context.Context, string) (actor.Actor, error) { return o.a, nil }

func TestTheAPIAsksInTheNameOfWhoeverMadeTheToken(t *testing.T) {
	s := open(t, sqlite(t))
	s.lessons("may")
	h, err := web.NewAPI(web.APIDeps{Title: "Belisha", Version: "test", Log: slog.New(slog.DiscardHandler), Tokens: oneToken{
		actor.New(actor.Actor{ID: "token:1", Kind: actor.Token, Person: string(s.other), Audience: actor.Staff}, filtering.MayAsk, filtering.MayRead),
	}})
	must(t, err)
	s.room.API(h)
	must(t, h.Err())
	send := func(method, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/api/v1/unblocks", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	body := `{"hosts":["instagram.com"],"for":"class:8B","purpose":"Reading what adverts want of us","minutes":40}`
	if w := send(http.MethodPost, body); w.Code != http.StatusCreated || !strings.Contains(w.Body.String(), `"state":"asked"`) {
		t.Errorf("asking: %d %s", w.Code, w.Body)
	}
	if w := send(http.MethodPost, body); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("asking twice: %d %s", w.Code, w.Body)
	}
	if w := send(http.MethodGet, ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"total":1`) {
		t.Errorf("reading: %d %s", w.Code, w.Body)
	}
}
