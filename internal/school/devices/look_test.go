package devices_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/browsertest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/devices"
)

// lived is a school in the middle of its first week.
func lived(t *testing.T) *school {
	t.Helper()
	s := open(t, storetest.SQLite(t, journal.Schema, devices.Schema))
	s.behind(t)
	s.opened(t)
	s.seen = []devices.Seen{
		{Address: netip.MustParseAddr("10.0.0.7"), At: monday.Add(-3 * time.Minute), Door: "proxy", Device: "t1", Group: "pupils", Signed: true},
		{Address: netip.MustParseAddr("10.0.0.99"), At: monday.Add(-3 * time.Hour), Door: "DNS"},
	}
	s.tried = []devices.Tried{{Category: "Gambling", Count: 41}, {Category: "Games", Count: 1204}}
	if err := s.room.BeginTryOut(s.ctx, []string{"pupils"}, 7); err != nil {
		t.Fatal(err)
	}
	if err := s.room.GiveWord(s.ctx, devices.PathWord{Kind: devices.WordProvider, Who: "Ashdown County", Words: "By letter.", Given: monday.AddDate(0, 0, -3), Review: monday.AddDate(0, 6, 0)}); err != nil {
		t.Fatal(err)
	}
	return s
}

var everything = []actor.Capability{devices.MayRead, devices.MayManage, devices.MayWayOut, devices.MayReal}

func TestThePagesSayWhatWasSeenAndAsWhat(t *testing.T) {
	s := lived(t)
	h, head := webtest.Site(t, s.room.Section()), webtest.As("Amira Quist", everything...)
	webtest.Get(t, h, "/devices", head).Is(200).Has("Tablet 1", "seen, filtered as pupils", "somebody is signed in there",
		"Tablet 2", "not seen yet", "10.0.0.99", "the strictest rules", "the county's broadband stands behind Belisha", "Ashdown County").Link("/devices/beside")
	reader := webtest.As("Tom Bell", devices.MayRead)
	webtest.Get(t, h, "/devices", reader).Is(200).NoLink("/devices/beside").NoLink("/setup/way-out")
	webtest.Get(t, h, "/devices/try-out", head).Has("Gambling", "1,204", "412 people", "Make it real for pupils", "Real: what the rules close is closed for 31 people")
	webtest.Get(t, h, "/devices/platforms/google", head).Has("Google Admin", "http://10.0.0.5:3128/proxy.pac", "It does not see").Link("/devices/files/proxy.pac")
	webtest.Get(t, h, "/devices/platforms/wpad", head).Has("Know before you use it")
	webtest.Get(t, h, "/devices/platforms/commodore", head).Is(404)
	pac := webtest.Get(t, h, "/devices/files/proxy.pac", head).Is(200)
	if want := s.pac(t); string(pac.Body) != want {
		t.Errorf("what is downloaded is not what the filter serves:\n%s\n%s", pac.Body, want)
	}
	webtest.Get(t, h, "/devices/files/belisha-apple.mobileconfig", head).Is(404) // no Wi-Fi was named
	webtest.Get(t, h, "/setup/way-out/card", reader).Is(200).Has("the county's broadband", "sudo systemctl stop belisha", "Putting it back")
	s.away = http.ErrServerClosed
	webtest.Get(t, h, "/devices", head).Is(200).Has("The filter does not answer")
}

func TestADeviceIsToldWhatItIs(t *testing.T) {
	s := lived(t)
	h := webtest.Site(t, s.room.Section())
	ask := func(from string) *webtest.Doc {
		r := httptest.NewRequest("GET", "http://"+webtest.Host+"/device", nil)
		r.RemoteAddr = from + ":40000"
		return webtest.Do(t, h, r, webtest.Nobody())
	}
	ask("10.0.0.7").Is(200).Has("Seen, filtered as pupils", "Tablet 1", "Entered as installed")
	ask("10.0.0.99").Is(200).Has("strictest rules", "Not on the school's list")
	ask("10.0.0.50").Is(200).Has("Not seen yet", "Show this page to whoever")
}

func TestTheWayOutIsOneStepWithAReason(t *testing.T) {
	s := lived(t)
	h, head := webtest.Site(t, s.room.Section()), webtest.As("Amira Quist", everything...)
	webtest.Get(t, h, "/setup/way-out", head).Has("goes on filtering", "Every page says so")
	webtest.Post(t, h, "/setup/way-out", url.Values{"reason": {""}}, head).Is(422).Has("Write why")
	webtest.Post(t, h, "/setup/way-out", url.Values{"reason": {"pages are slow"}}, head).GoesTo("/setup/way-out")
	webtest.Get(t, h, "/setup/way-out", head).Has("Belisha is taken out of the path", "pages are slow", "Put Belisha back")
	banners := s.room.Banners(s.ctx)
	if len(banners) == 0 || banners[0].Title != "Belisha is out of the path" {
		t.Errorf("no page says so: %+v", banners)
	}
	webtest.Post(t, h, "/setup/way-out", url.Values{"back": {"yes"}}, head).GoesTo("/setup/way-out")
	webtest.Get(t, h, "/setup/way-out", head).Has("Take Belisha out", "pages are slow")
	webtest.Post(t, h, "/setup/way-out", url.Values{"reason": {"mischief"}}, webtest.As("Bela", devices.MayRead, devices.MayManage)).Is(403)
	webtest.Post(t, h, "/devices/try-out/pupils/real", nil, webtest.As("Bela", devices.MayRead, devices.MayManage)).Is(403)
	webtest.Post(t, h, "/devices/try-out/pupils/real", nil, head).GoesTo("/devices/try-out")
}

func TestTheDesksFormsKeepWhatWasTyped(t *testing.T) {
	s := lived(t)
	h, head := webtest.Site(t, s.room.Section()), webtest.As("Amira Quist", everything...)
	webtest.Post(t, h, "/devices/beside", url.Values{"version": {"2"}, "kind": {"behind"}, "provider": {"the trust"}, "proxy": {"nonsense"}}, head).Is(422).Has("Write an address with its port")
	webtest.Post(t, h, "/devices/beside", url.Values{"version": {"1"}, "kind": {"behind"}, "provider": {"the trust"}}, head).Is(409)
	webtest.Post(t, h, "/devices/doors", url.Values{"kind": {"x"}}, head).Is(409) // no number: none of our forms
	webtest.Post(t, h, "/devices/path", url.Values{"kind": {"provider"}, "who": {"the county"}}, head).Is(422).Has("Write what they say", "within the next twelve months")
	webtest.Post(t, h, "/devices/path", url.Values{
		"kind": {"provider"}, "who": {"the county"}, "words": {"all of it"}, "given-day": {"20"}, "given-month": {"11"}, "given-year": {"2026"},
		"review-day": {"1"}, "review-month": {"9"}, "review-year": {"2027"},
	}, head).GoesTo("/devices/path")
}

func TestEveryPageIsAccessible(t *testing.T) {
	s := lived(t)
	h, head := webtest.Site(t, s.room.Section()), webtest.As("Amira Quist", everything...)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = webtest.Host
		h.ServeHTTP(w, r.WithContext(actor.With(r.Context(), head)))
	}))
	t.Cleanup(srv.Close)
	paths := []string{
		"/devices", "/devices/beside", "/devices/doors", "/devices/try-out", "/devices/path", "/devices/other-log", "/devices/platforms",
		"/devices/platforms/gpo", "/devices/platforms/wpad", "/setup/way-out", "/setup/way-out/card", "/device",
	}
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
					b.Screenshot(filepath.Join(dir, l.name+strings.ReplaceAll(p, "/", "-")+".png"))
				}
			}
		})
	}
}
