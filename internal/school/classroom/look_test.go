package classroom_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/browsertest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/classroom"
	"belisha/internal/school/people"
)

// seat is whoever sits at the browser.
type seat struct{ a actor.Actor }

func (s *seat) Actor(*http.Request) (actor.Actor, error) { return s.a, nil }

// TestThePagesAreAccessible looks at every page with a real browser, on a phone
// and at a desk.
func TestThePagesAreAccessible(t *testing.T) {
	if testing.Short() {
		t.Skip("looked at by the full run: it starts a browser")
	}
	db := storetest.SQLite(t, schemas()...)
	s := open(t, db)
	s.decide(setting.Value{Key: "classroom.supervision", Bool: true})
	s.more = []classroom.Host{{Host: "pictures-of-a-rather-long-name-for-a-telephone.example", Times: 3, Blocked: 3, Who: []people.ID{s.pupil}, Last: monday}}
	ctx := with(s.as(s.teacher))
	_, err := s.room.Begin(ctx, focus("atlas.example", "a-site-with-a-rather-long-name-for-a-telephone.example"))
	must(t, err)
	_, err = s.room.Begin(ctx, classroom.Begun{Kind: classroom.Supervise, Place: "ict", Minutes: 30})
	must(t, err)
	_, err = s.room.KeepList(ctx, classroom.SiteList{Title: "Maps", Hosts: []string{"atlas.example"}, Plan: "Find rivers on the map.", Class: "8B", Homework: true}, false)
	must(t, err)
	who := &seat{}
	d := webtest.Deps()
	d.Sessions, d.Clock, d.Hosts = who, s.clock, web.HostList("127.0.0.1")
	desk, _, err := web.Mux([]web.Section{s.room.Section()}, d)
	must(t, err)
	srv := httptest.NewServer(desk)
	defer srv.Close()
	for _, look := range []browsertest.Options{{Width: 320}, {Width: 1280, Dark: true}} {
		b := browsertest.Open(t, look)
		at := func(path string) {
			b.Go(srv.URL + path)
			b.Axe()
			if over := b.Overflows(); over > 0 {
				t.Errorf("%s is %d pixels wider than a window of %d", path, over, look.Width)
			}
		}
		who.a = s.as(s.teacher, classroom.MayCheck)
		for _, path := range []string{
			"/classroom", "/classroom/class?name=8B", "/classroom/supervise", "/classroom/sites", "/classroom/sites/look", "/classroom/sites/one?host=atlas.example",
			"/classroom/lists", "/classroom/lists/new", "/classroom/log",
		} {
			at(path)
		}
		b.Go(srv.URL + "/classroom/class?name=8B")
		b.Has("Something is missing on the sites")
		who.a = s.as(s.pupil)
		at("/homework")
		b.Has("Maps", "atlas.example")
		who.a = webtest.Nobody()
		at("/hide?site=nasty.example")
		at("/hide/get")
	}
}
