package filtering_test

import (
	"net/url"
	"testing"

	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/filtering"
)

func TestAManagerHasAListFetchedOnThePages(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		s.confirmed()
		p := publish(t, s, many(300, "bets.example"))
		site := webtest.Site(t, s.room.Section())
		manager := s.person(string(s.manager), filtering.MayRead, filtering.MayChange)
		reader := s.person(string(s.other), filtering.MayRead)

		webtest.Get(t, site, "/filter/lists", manager).Is(200).Safe().Link("/filter/web-lists")
		webtest.Get(t, site, "/filter/web-lists", reader).Is(200).Safe().Has("No list is fetched", "UT1", "Creative Commons").NoLink("/filter/web-lists/new")
		form := webtest.Get(t, site, "/filter/web-lists/new?preset=ut1", manager).Is(200).Safe()
		if form.Field("title") != "UT1" || form.Field("format") != "ut1" || form.Field("url") == "" {
			t.Error("the chosen list is not filled in")
		}
		webtest.Get(t, site, "/filter/web-lists/new", reader).Is(403)

		good := url.Values{"title": {"Bets"}, "url": {p.URL + "/bets.txt"}, "format": {"auto"}, "category": {"gambling"}, "map": {""}, "terms": {"inside"}, "reason": {"The county asks for it"}}
		bad := url.Values{"title": {"Bets"}, "url": {"http://lists.example/bets.txt"}, "format": {"auto"}, "map": {"nonsense"}, "reason": {"Because"}}
		webtest.Post(t, site, "/filter/web-lists", bad, manager).Is(422).Safe().Has("an equals sign")
		bad.Set("map", "porn=adult")
		again := webtest.Post(t, site, "/filter/web-lists", bad, manager).Is(422).Safe().Has("begins with http://")
		if again.Field("url") != "http://lists.example/bets.txt" || again.Field("reason") != "Because" {
			t.Error("what was typed is lost")
		}
		webtest.Post(t, site, "/filter/web-lists", good, reader).Is(403)
		webtest.Post(t, site, "/filter/web-lists", good, manager).GoesTo("/filter/web-lists/bets")
		webtest.Post(t, site, "/filter/web-lists", good, manager).Is(422).Has("fetched already")
		webtest.Get(t, site, "/filter/web-lists/bets", manager).Is(200).Safe().Has("not fetched yet", "The county asks for it", "Tam Ruskin", "inside the school")
		s.fetch()
		webtest.Get(t, site, "/filter/web-lists/bets", reader).Is(200).Safe().Has("fetched", "gambling").NoLink("/filter/web-lists/bets/edit")
		s.wants("http://site-7.bets.example/", "pupils", "block")

		edit := webtest.Get(t, site, "/filter/web-lists/bets/edit", manager).Is(200).Safe()
		good.Set("version", edit.Field("version"))
		good.Set("url", p.URL+"/moved.txt")
		webtest.Post(t, site, "/filter/web-lists/bets/edit", good, manager).GoesTo("/filter/web-lists/bets")
		webtest.Post(t, site, "/filter/web-lists/bets/edit", good, manager).Is(409)
		webtest.Post(t, site, "/filter/web-lists/bets/fetch", url.Values{}, manager).GoesTo("/filter/web-lists/bets")
		webtest.Post(t, site, "/filter/web-lists/bets/fetch", url.Values{}, reader).Is(403)
		webtest.Post(t, site, "/filter/web-lists/bets/stop", url.Values{"reason": {""}}, manager).Is(303)
		webtest.Get(t, site, "/filter/web-lists", manager).Has("Bets")
		webtest.Post(t, site, "/filter/web-lists/bets/stop", url.Values{"reason": {"No longer kept"}}, manager).GoesTo("/filter/web-lists/bets")
		webtest.Get(t, site, "/filter/web-lists/bets", manager).Is(200).Safe().Has("not fetched any more").NoLink("/filter/web-lists/bets/edit")
		webtest.Get(t, site, "/filter/web-lists/bets/edit", manager).Is(404)
		webtest.Get(t, site, "/filter/web-lists/nothing", manager).Is(404)
		webtest.Get(t, site, "/filter/changes", manager).Has("A list is fetched from the web from now on.", "A list is not fetched any more.", "No longer kept")
		webtest.Get(t, site, "/filter/web-lists", webtest.As("a pupil")).Is(403)
		s.holds()
	})
}
