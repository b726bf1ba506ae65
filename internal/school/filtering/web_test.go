package filtering_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/filtering"
)

// person is somebody at the pages.
func (s *school) person(id string, caps ...actor.Capability) actor.Actor {
	return actor.New(actor.Actor{ID: "person:" + id, Person: id, Name: "Tam Ruskin", Kind: actor.Person, Audience: actor.Staff}, caps...)
}

func (s *school) site() (site http.Handler, manager, head, reader actor.Actor) {
	s.t.Helper()
	return webtest.Site(s.t, s.room.Section()), s.person(string(s.manager), filtering.MayRead, filtering.MayChange),
		s.person(string(s.head), filtering.MayRead, filtering.MayGrant), s.person(string(s.other), filtering.MayRead)
}

func TestEveryPageIsWholeForTheManagerAndTheReader(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		site, manager, head, reader := s.confirmed().site()
		for _, path := range []string{
			"/filter", "/filter/try", "/filter/own", "/filter/categories", "/filter/lists", "/filter/lists/starter", "/filter/musts",
			"/filter/devices", "/filter/changes", "/filter/versions", "/filter/versions/1", "/filter/managers",
		} {
			webtest.Get(t, site, path, manager).Is(200).Safe()
			webtest.Get(t, site, path, reader).Is(200).Safe().NoLink("/filter/own/new")
			webtest.Get(t, site, path, webtest.As("a pupil")).Is(403)
		}
		for _, path := range []string{"/filter/own/new", "/filter/categories/new", "/filter/musts/new", "/filter/devices/new"} {
			webtest.Get(t, site, path, manager).Is(200).Safe()
			webtest.Get(t, site, path, reader).Is(403)
		}
		webtest.Get(t, site, "/filter", reader).Has("Version 1 is in force", "Pupils", "gambling", "Safe default", "starter list: not a filter on its own")
		webtest.Get(t, site, "/filter/managers", head).Has("Tam Ruskin", "may change the filter", "Confirmed")
		webtest.Get(t, site, "/filter/nothing", manager).Is(404)
		webtest.Get(t, site, "/filter/own/nothing", manager).Is(404)
		webtest.Get(t, site, "/filter/versions/zero", manager).Is(404)
	})
}

func TestAnAddressCanBeTriedOnThePage(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		site, _, _, reader := s.site()
		webtest.Get(t, site, "/filter/try?url=https%3A%2F%2Fwww.roblox.com%2F&group=pupils", reader).Is(200).Safe().
			Has("Closed", "games", "pupils-block", "How it was decided", "Found in games (starter list")
		webtest.Get(t, site, "/filter/try?url=wikipedia.org&user=Bea.Moss", reader).Is(200).Has("Open", "pupils")
		webtest.Get(t, site, "/filter/try?url=wikipedia.org&user=nobody.here", reader).Is(422).Has("nobody.here")
		webtest.Get(t, site, "/filter/try?url=http%3A%2F%2Fexa+mple&group=pupils", reader).Is(200).Has("not an address that a browser would open")
	})
}

func TestTheManagerAddsAndEndsAnEntryOnThePages(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		site, manager, _, _ := s.confirmed().site()
		bad := webtest.Post(t, site, "/filter/own", url.Values{"entry": {"co.uk"}, "act": {"block"}}, manager).Is(422).Safe().Has("whole ending", "Write why")
		if got := bad.Field("entry"); got != "co.uk" {
			t.Errorf("what was typed is lost: %q", got)
		}
		webtest.Post(t, site, "/filter/own", url.Values{"entry": {"example.org"}, "act": {"block"}, "reason": {"a trial"}, "groups": {"pupils"}, "until": {"2026-12-18"}}, manager).GoesTo("/filter/own")
		s.wants("https://example.org/", "pupils", "block")
		list := webtest.Get(t, site, "/filter/own?find=example", manager).Is(200).Safe().Has("example.org", "closed", "a trial", "Tam Ruskin")
		link := between(string(list.Body), `href="/filter/own/0`, `"`)
		page := webtest.Get(t, site, "/filter/own/0"+link, manager).Is(200).Safe().Has("End this entry")
		_ = page
		webtest.Post(t, site, "/filter/own/0"+link, url.Values{"reason": {"over"}}, manager).GoesTo("/filter/own")
		s.wants("https://example.org/", "pupils", "allow")
		webtest.Get(t, site, "/filter/changes", manager).Has("example.org is closed for pupils", "a trial", "over").Link("/filter/changes.csv")
		csv := webtest.Get(t, site, "/filter/changes.csv", manager).Is(200)
		if !strings.Contains(string(csv.Body), `An own entry was added.,,"example.org is closed for pupils, until 2026-12-19`) {
			t.Errorf("the copy lacks the change:\n%s", csv.Body)
		}
	})
}

func TestWhoIsNotConfirmedIsToldWhatToDo(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		site, manager, head, _ := s.site()
		webtest.Post(t, site, "/filter/own", url.Values{"entry": {"example.org"}, "act": {"block"}, "reason": {"a trial"}}, manager).Is(422).Has("The head has not confirmed you")
		webtest.Post(t, site, "/filter/managers", url.Values{"person": {string(s.manager)}}, manager).Is(403)
		webtest.Post(t, site, "/filter/managers", url.Values{"person": {string(s.other)}}, head).Is(409)
		webtest.Post(t, site, "/filter/managers", url.Values{"person": {string(s.manager)}}, head).GoesTo("/filter/managers")
		webtest.Post(t, site, "/filter/own", url.Values{"entry": {"example.org"}, "act": {"block"}, "reason": {"a trial"}}, manager).GoesTo("/filter/own")
	})
}

func TestDevicesMustsCategoriesAndGoingBackWorkOnThePages(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		site, manager, _, _ := s.confirmed().site()
		webtest.Post(t, site, "/filter/devices/new", url.Values{"label": {"Library 1"}, "addresses": {"10.0.4.0/24"}, "group": {"pupils"}, "place": {"library"}, "version": {"0"}}, manager).GoesTo("/filter/devices")
		webtest.Post(t, site, "/filter/devices/new", url.Values{"label": {"Library 2"}, "addresses": {"10.0.4.0/24"}, "group": {"pupils"}, "version": {"0"}}, manager).Is(422).Has("Library 1 has the address")
		d := webtest.Get(t, site, "/filter/devices?find=library", manager).Is(200).Safe().Has("Library 1", "10.0.4.0/24")
		webtest.Get(t, site, "/filter/devices/0"+between(string(d.Body), `href="/filter/devices/0`, `"`), manager).Is(200).Safe()
		webtest.Post(t, site, "/filter/musts", url.Values{"url": {"https://www.amazon.co.uk/"}, "act": {"allow"}, "group": {"pupils"}, "reason": {"a test"}}, manager).Is(422).Has("must be allowed for pupils and is blocked")
		webtest.Post(t, site, "/filter/musts", url.Values{"url": {"https://www.amazon.co.uk/"}, "act": {"block"}, "group": {"pupils"}, "reason": {"a test"}}, manager).GoesTo("/filter/musts")
		m := webtest.Get(t, site, "/filter/musts", manager).Is(200).Safe().Has("amazon.co.uk")
		webtest.Get(t, site, "/filter/musts/0"+between(string(m.Body), `href="/filter/musts/0`, `"`), manager).Is(200).Safe()
		webtest.Post(t, site, "/filter/categories", url.Values{"category": {"news"}, "group": {"pupils"}, "act": {"block"}, "reason": {"exam week"}}, manager).GoesTo("/filter/categories")
		k := webtest.Get(t, site, "/filter/categories", manager).Is(200).Safe().Has("exam week")
		webtest.Get(t, site, "/filter/categories/0"+between(string(k.Body), `href="/filter/categories/0`, `"`), manager).Is(200).Safe().Has("Take it back")
		s.wants("https://www.bbc.co.uk/news", "pupils", "block")
		webtest.Get(t, site, "/filter/versions/1", manager).Is(200).Safe().Has("Go back", "What the policy decides")
		webtest.Post(t, site, "/filter/versions/1", url.Values{"reason": {""}}, manager).GoesTo("/filter/versions/1")
		webtest.Post(t, site, "/filter/versions/1", url.Values{"reason": {"it was too strict"}}, manager).GoesTo("/filter/versions")
		s.wants("https://www.bbc.co.uk/news", "pupils", "allow")
		s.holds()
	})
}

func between(s, from, to string) string {
	_, rest, ok := strings.Cut(s, from)
	if !ok {
		return "?"
	}
	out, _, _ := strings.Cut(rest, to)
	return out
}
