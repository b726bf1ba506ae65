package tickets_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/browsertest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/tickets"
)

// lived is a school with reports. The reader is the pupil at their own pages
// and the network manager elsewhere.
func lived(t *testing.T) (*httptest.Server, []string) {
	t.Helper()
	s := open(t, storetest.SQLite(t, schemas()...))
	done := s.report("a-rather-long-name-of-a-site.learning.example.org/with/a/path/that/is/long/and/longer")
	must(t, s.room.Close(with(s.nils()), done.ID, 1, tickets.Opened, "It is open for Year 8 now. Thank you for telling us."))
	waits := s.report("www.bbc.co.uk")
	_, err := s.room.Report(context.Background(), tickets.Ticket{Kind: tickets.Under, Site: "games.example"}, tablet)
	must(t, err)
	pupil, nils := s.actor(s.pupil), s.nils()
	h := webtest.Site(t, s.room.Section())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := nils
		for _, p := range []string{"/tickets/new", "/tickets/thanks", "/tickets/mine"} {
			if strings.HasPrefix(r.URL.Path, p) {
				who = pupil
			}
		}
		r.Host = webtest.Host
		h.ServeHTTP(w, r.WithContext(actor.With(r.Context(), who)))
	}))
	t.Cleanup(srv.Close)
	return srv, []string{
		"/tickets/new?host=www.bbc.co.uk&kind=over", "/tickets/thanks", "/tickets/mine", "/tickets/mine/" + done.ID,
		"/tickets", "/tickets/" + waits.ID, "/tickets/" + done.ID,
	}
}

func TestEveryPageOfReportsIsAccessible(t *testing.T) {
	srv, paths := lived(t)
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
					b.Screenshot(filepath.Join(dir, l.name+"-reports-"+string(rune('a'+i))+".png"))
				}
			}
		})
	}
}
