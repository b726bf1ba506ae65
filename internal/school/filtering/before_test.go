package filtering_test

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/filtering"
)

func TestAListIsBroughtInOnThePageReadAndGoneBackFrom(t *testing.T) {
	s := open(t, sqlite(t)).confirmed()
	site, manager, _, reader := s.site()
	webtest.Get(t, site, "/filter/lists", reader).Is(200).Safe().NoLink("/filter/lists/new")
	webtest.Get(t, site, "/filter/lists", manager).Is(200).Safe().Link("/filter/lists/new")
	webtest.Get(t, site, "/filter/lists/new", reader).Is(403)
	webtest.Get(t, site, "/filter/lists/new", manager).Is(200).Safe()
	post := func(title, file string, terms ...string) *webtest.Doc {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		must(t, errors.Join(w.WriteField("title", title), w.WriteField("category", "gambling"), w.WriteField("format", "auto")))
		for _, x := range terms {
			must(t, w.WriteField("terms", x))
		}
		part, err := w.CreateFormFile("file", "county list.txt")
		must(t, err)
		_, err = part.Write([]byte(file))
		must(t, errors.Join(err, w.Close()))
		r := httptest.NewRequest(http.MethodPost, "/filter/lists", &body)
		r.Header.Set("Content-Type", w.FormDataContentType())
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		return webtest.Do(t, site, r, manager)
	}
	post("", many(10, "bets.example")).Is(422).Safe().Has("Give the list a name")
	post("County", "<!doctype html><p>sorry</p>").Is(422).Safe().Has("web page")
	post("County", "").Is(422).Safe().Has("empty")
	post("County", many(300, "bets.example")+"two words\n").GoesTo("/filter/lists/county/report")
	webtest.Get(t, site, "/filter/lists/county/report", manager).Is(200).Safe().Has("county-list.txt, brought in on a page", "two words", "There is more than one word")
	webtest.Get(t, site, "/filter/lists/county", manager).Is(200).Safe().NoLink("/filter/lists/county/before")
	webtest.Get(t, site, "/filter/lists/county/before", manager).Is(404)
	s.wants("http://site-7.bets.example/", "pupils", "block")
	post("County", many(10, "bets.example")).Is(422).Safe().Has("it lost more than")
	post("County", many(400, "wrong.example"), "shrink").GoesTo("/filter/lists/county/report")
	s.wants("http://site-7.bets.example/", "pupils", "allow")
	webtest.Get(t, site, "/filter/lists/county", manager).Is(200).Safe().Link("/filter/lists/county/before")
	webtest.Get(t, site, "/filter/lists/county", reader).Is(200).Safe().NoLink("/filter/lists/county/before")
	webtest.Get(t, site, "/filter/lists/county/before", manager).Is(200).Safe().Has("300 names", "400 names")
	webtest.Post(t, site, "/filter/lists/county/before", url.Values{"reason": {""}}, manager).GoesTo("/filter/lists/county/before")
	s.wants("http://site-7.wrong.example/", "pupils", "block")
	webtest.Post(t, site, "/filter/lists/county/before", url.Values{"reason": {"it closed the wrong sites"}}, manager).GoesTo("/filter/lists/county")
	s.wants("http://site-7.bets.example/", "pupils", "block")
	s.wants("http://site-7.wrong.example/", "pupils", "allow")
	webtest.Get(t, site, "/filter/lists/county", manager).Is(200).Safe().Has("300", "Take up again")
	webtest.Get(t, site, "/filter/changes", manager).Is(200).Has("went back to the list County", "it closed the wrong sites")
	webtest.Post(t, site, "/filter/lists/county/before", url.Values{"reason": {"it was right"}}, manager).GoesTo("/filter/lists/county")
	s.wants("http://site-7.wrong.example/", "pupils", "block")
	if reps, err := s.room.Update(console()); err != nil || len(reps) != 0 {
		t.Errorf("a list with no file was updated: %+v, %v", reps, err)
	}
	if left, err := os.ReadDir(filepath.Join(s.dir, "incoming")); err == nil {
		t.Errorf("files were left: %v", left)
	}
	s.holds()
}

func TestAListThatWasGoneBackFromIsNotTakenUpAgainByItself(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		p := publish(t, s, many(300, "bets.example"))
		_, err := s.room.AddSupply(s.asManager(), p.supply())
		must(t, err)
		file := filepath.Join(t.TempDir(), "games.txt")
		write := func(text string, at time.Time) {
			must(t, os.WriteFile(file, []byte(text), 0o600))
			must(t, os.Chtimes(file, at, at))
		}
		nightly := func() {
			for _, task := range s.room.Tasks() {
				if strings.HasPrefix(task.Name, "filter-lists") || task.Name == "filter-update" {
					must(t, task.Run(context.Background()))
				}
			}
		}
		write(many(300, "play.example"), monday.Add(-time.Hour))
		_, err = s.room.Import(console(), filtering.Options{Path: file, Name: "Games", Category: "gambling"})
		must(t, err)
		s.fetch()
		if err := s.room.BackToList(s.asManager(), "bets", "nothing before"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("back to nothing: %v", err)
		}
		s.clock.Advance(25 * time.Hour)
		p.text, p.dated = many(300, "wrong.example"), s.clock.Now().Add(-time.Hour)
		s.fetch()
		write(many(300, "oops.example"), s.clock.Now().Add(-time.Hour))
		nightly()
		s.wants("http://site-7.wrong.example/", "pupils", "block")
		for _, id := range []string{"bets", "games"} {
			must(t, s.room.BackToList(s.asManager(), id, "the wrong sites"))
		}
		for range 3 {
			s.clock.Advance(25 * time.Hour)
			s.fetch()
			nightly()
		}
		s.wants("http://site-7.bets.example/", "pupils", "block")
		s.wants("http://site-7.wrong.example/", "pupils", "allow")
		s.wants("http://site-7.play.example/", "pupils", "block")
		s.wants("http://site-7.oops.example/", "pupils", "allow")
		p.text, p.dated = many(310, "bets.example"), s.clock.Now().Add(-time.Hour)
		write(many(310, "play.example"), s.clock.Now())
		s.clock.Advance(25 * time.Hour)
		s.fetch()
		nightly()
		s.wants("http://site-309.bets.example/", "pupils", "block")
		s.wants("http://site-309.play.example/", "pupils", "block")
		if err := s.room.BackToList(s.as(s.other), "bets", "no"); err == nil {
			t.Error("somebody without status went back")
		}
		s.holds()
	})
}
