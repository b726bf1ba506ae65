package filtering_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/web/browsertest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/filtering"
	"belisha/internal/verdict"
)

// lived is a school where something has happened, behind a server that takes
// every reader for a filter manager who is the head as well.
func lived(t *testing.T) (*httptest.Server, []string) {
	t.Helper()
	s := open(t, sqlite(t)).confirmed()
	s.bring()
	_, err := s.activate(1, map[string]string{"filtering.pupils.block": "adult, games, social networks, shopping", "filtering.staff.social-hours": "8:30 to 15:30"},
		s.value("filtering.pupils.block", "adult, games", setting.Scope{KeyStage: "ks4", Time: "12:10-13:00"}))
	must(t, err)
	s.clock.Advance(time.Minute)
	own, err := s.room.AddOwn(s.asManager(), filtering.Own{
		Text: "a-rather-long-name-of-a-site.learning.example.org/with/a/path/that/is/long", Act: verdict.Allow, Groups: []string{"pupils"},
		KeyStages: []string{"KS3"}, Reason: "Used in the science project of year 8", Window: "9:00 to 15:00", Until: s.clock.Now().Add(48 * time.Hour),
	})
	must(t, err)
	must(t, s.room.SetCategory(s.asManager(), filtering.Override{Group: "staff", Category: "shopping", Act: verdict.Warn, Reason: "The budget is spent"}))
	_, err = s.room.AddMust(s.asManager(), filtering.Must{URL: "https://www.bbc.co.uk/bitesize", Act: verdict.Allow, Reason: "Used in every lesson"})
	must(t, err)
	d, err := s.room.SaveDevice(s.asManager(), filtering.Device{Label: "Library desk 1", Addresses: []string{"10.0.4.0/24", "2001:db8::4"}, MAC: "00:1a:2b:3c:4d:5e", Group: "pupils", Place: "library", Shared: true})
	must(t, err)
	fetched, err := s.room.AddSupply(s.asManager(), filtering.Supply{
		Title: "County list", URL: "https://lists.county.example/for/schools/with/a/long/path/blacklists.tar.gz", Format: "ut1", Map: map[string]string{"porn": "adult"}, Reason: "The county keeps it",
	})
	must(t, err)
	file, err := s.room.AskPermit(s.as(s.other), "https://tools.example.org/downloads/a-rather-long-path/for-a-file/with-a-long-name-setup-1.2.3.exe?token=0123456789", filtering.Permit{Purpose: "For the projector of room 4"}, netip.Addr{})
	must(t, err)
	mine, err := s.room.AskPermit(s.as(s.manager), "https://tools.example.org/a.exe", filtering.Permit{Purpose: "For the projector of room 5"}, netip.Addr{})
	must(t, err)
	who := s.person(string(s.manager), filtering.MayRead, filtering.MayChange, filtering.MayGrant, filtering.MayPermit, filtering.MayInside)
	h := webtest.Site(t, s.room.Section())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = webtest.Host
		h.ServeHTTP(w, r.WithContext(actor.With(r.Context(), who)))
	}))
	t.Cleanup(srv.Close)
	return srv, []string{
		"/filter", "/filter/try?url=https%3A%2F%2Fwww.roblox.com%2F&group=pupils", "/filter/own", "/filter/own/" + own.ID, "/filter/own/new", "/filter/categories", "/filter/categories/new",
		"/filter/lists", "/filter/lists/bets", "/filter/musts", "/filter/musts/new", "/filter/devices", "/filter/devices/" + d.ID, "/filter/changes", "/filter/versions", "/filter/versions/1", "/filter/managers",
		"/filter/web-lists", "/filter/web-lists/new?preset=ut1", "/filter/web-lists/" + fetched.ID, "/filter/web-lists/" + fetched.ID + "/edit",
		"/filter/content", "/filter/left-alone", "/filter/left-alone/new", "/filter/downloads", "/filter/downloads/" + file.ID, "/download", "/download/ask?u=https%3A%2F%2Ftools.example.org%2Fsetup.exe", "/download/" + mine.ID,
	}
}

func TestEveryPageIsAccessible(t *testing.T) {
	srv, paths := lived(t)
	for _, l := range []struct {
		name  string
		width int64
		dark  bool
	}{{"phone-dark", 320, true}, {"desk-light", 1280, false}} {
		t.Run(l.name, func(t *testing.T) {
			b := browsertest.Open(t, browsertest.Options{Width: l.width, Dark: l.dark})
			for _, p := range paths {
				b.Go(srv.URL + p)
				b.Axe()
				if over := b.Overflows(); over > 0 {
					t.Errorf("%s is %d pixels wider than a window of %d", p, over, l.width)
				}
				if dir := os.Getenv("SHOTS"); dir != "" {
					name, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "?")
					b.Screenshot(filepath.Join(dir, l.name+"-"+strings.ReplaceAll(name, "/", "-")+".png"))
				}
			}
		})
	}
}
