package setup_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/browsertest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
	"belisha/internal/school/setup"
)

func TestEveryPageIsAccessible(t *testing.T) {
	s := open(t, storetest.SQLite(t, journal.Schema, people.Schema, access.Schema, setup.Schema))
	*s.asked = true
	b := begin(t, s)
	b.do("POST", "/set-up/school", url.Values{"school": {"Ashdown Vale"}, "host": {"belisha.ashdown"}, "zone": {"Europe/London"}})
	h := b.h
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = webtest.Host
		for _, c := range b.cookies {
			r.AddCookie(c) // this browser has typed the code
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	for _, l := range []struct {
		name  string
		width int64
		dark  bool
	}{{"phone-dark", 320, true}, {"desk-light", 1280, false}} {
		t.Run(l.name, func(t *testing.T) {
			b := browsertest.Open(t, browsertest.Options{Width: l.width, Dark: l.dark})
			for _, p := range []string{"", "/steps", "/school", "/filter", "/head", "/roll", "/people", "/calendar", "/unlisted", "/policy", "/platforms", "/finish"} {
				b.Go(srv.URL + "/set-up" + p)
				b.Axe()
				if over := b.Overflows(); over > 0 {
					t.Errorf("%s is %d pixels wider than a window of %d", p, over, l.width)
				}
				if dir := os.Getenv("SHOTS"); dir != "" {
					b.Screenshot(filepath.Join(dir, "setup-"+l.name+strings.ReplaceAll(p, "/", "-")+".png"))
				}
			}
		})
	}
}
