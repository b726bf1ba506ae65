package filtering_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/web/browsertest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/filtering"
)

// teaching is a school with sites asked for, granted, refused and over. The
// reader is a teacher at /unblock and the filter manager elsewhere.
func teaching(t *testing.T) (*httptest.Server, []string) {
	t.Helper()
	s := open(t, sqlite(t))
	s.lessons("may")
	old := s.ask8B(lesson("tiktok.com"))
	must(t, s.room.GrantUnblock(s.asGranter(s.manager), old.ID))
	s.clock.Advance(time.Hour)
	must(t, s.room.SettleUnblocks(console()))
	no := s.ask8B(lesson("snapchat.com"))
	must(t, s.room.RefuseUnblock(s.asGranter(s.manager), no.ID, "The school's own channel has the same film."))
	open := s.ask8B(lesson("instagram.com", "cdninstagram.com"))
	must(t, s.room.GrantUnblock(s.asGranter(s.manager), open.ID))
	waits := s.ask8B(lesson("facebook.com"))
	teacher := s.person(string(s.other), filtering.MayAsk)
	manager := s.person(string(s.manager), filtering.MayRead, filtering.MayChange, filtering.MayUnblock, filtering.MayAsk)
	h := webtest.Site(t, s.room.Section())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := manager
		if strings.HasPrefix(r.URL.Path, "/unblock") {
			who = teacher
		}
		r.Host = webtest.Host
		h.ServeHTTP(w, r.WithContext(actor.With(r.Context(), who)))
	}))
	t.Cleanup(srv.Close)
	return srv, []string{
		"/unblock", "/unblock/ask?host=www.instagram.com", "/unblock/" + open.ID, "/unblock/" + waits.ID, "/unblock/" + no.ID,
		"/filter/unblocks", "/filter/unblocks/" + waits.ID, "/filter/unblocks/" + open.ID,
	}
}

func TestEveryPageOfSitesForLessonsIsAccessible(t *testing.T) {
	srv, paths := teaching(t)
	for _, l := range []struct {
		name  string
		width int64
		dark  bool
	}{{"phone-dark", 320, true}, {"desk-light", 1280, false}} {
		t.Run(l.name, func(t *testing.T) {
			b := browsertest.Open(t, browsertest.Options{Width: l.width, Dark: l.dark})
			for i, p := range paths {
				b.Go(srv.URL + p)
				b.Axe()
				if over := b.Overflows(); over > 0 {
					t.Errorf("%s is %d pixels wider than a window of %d", p, over, l.width)
				}
				if dir := os.Getenv("SHOTS"); dir != "" {
					b.Screenshot(filepath.Join(dir, l.name+"-lessons-"+string(rune('a'+i))+".png"))
				}
			}
		})
	}
}
