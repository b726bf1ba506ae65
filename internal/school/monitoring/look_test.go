package monitoring

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/web/browsertest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/people"
)

// lived is a school where something has happened, behind a server that takes
// every reader for a head who is a monitor and an assistant head as well.
func lived(t *testing.T) (*httptest.Server, []string) {
	t.Helper()
	s := newSchool(t)
	vera := s.person(people.Staff, "Vera", "Toll", people.Headteacher, people.Monitor)
	pike := s.contractor()
	s.ready()
	s.used(40)
	s.tried(20, func(e *activity.Event) { e.At = s.clock.Now() })
	d := s.drawNow()
	_, err := s.GivePurpose(s.as(vera), "safeguarding", "A parent asked us to look")
	check(t, err)
	_, rows, _, err := s.OpenDraw(s.as(vera), d.ID, 0, 3)
	check(t, err)
	_, err = s.Judge(s.as(vera), rows[0].ID, FoundInappropriate, 1)
	check(t, err)
	g, err := s.GrantSight(s.as(vera), s.grantFor(pike))
	check(t, err)
	_, _, err = s.Sighted(s.as(pike), "tablet-9", "a-rather-long-name-of-a-site.learning.example.org", "")
	check(t, err)
	x, err := s.AskRelease(s.as(s.head), Release{Person: s.pupil, Purpose: "safeguarding", Why: "The parents came in about last week", From: "2026-11-20", To: "2026-11-23"})
	check(t, err)
	e, err := s.AskErasure(s.as(vera), s.pupil, "The parents asked in writing")
	check(t, err)
	check(t, s.Met(s.as(vera), Meeting{Person: s.monitor, On: "2026-11-20", Note: "Shares the samples with a second monitor"}))
	check(t, s.SaveBasis(s.as(vera), Basis{Activity: "web", Basis: "public-task", Note: "Record of processing, sheet 4", Reviewer: "The county's officer", On: "2026-10-01", Next: "2027-10-01"}))
	alerts, err := s.openAlerts(context.Background())
	check(t, err)
	if len(alerts) == 0 {
		t.Fatal("no alert to look at")
	}
	s.clock.Advance(time.Minute)
	h := s.site()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := vera
		if strings.HasSuffix(r.URL.Path, "/sight") {
			who = pike
		}
		r.Host = webtest.Host
		h.ServeHTTP(w, r.WithContext(actor.With(r.Context(), s.actor(who))))
	}))
	t.Cleanup(srv.Close)
	return srv, []string{
		pathMonitors, pathDraws, pathDraws + "/" + d.ID, pathGrants, pathGrants + "/" + g.ID, pathSight + "?device=tablet-9", pathWatchers,
		pathLooks, pathAssess, pathAssess + "/1", pathRecord, pathBases, pathGaps, pathAlerts, pathAlerts + "/" + alerts[0].ID,
		pathReleases, pathReleases + "/" + x.ID, pathErasure, pathErasure + "?person=" + string(s.pupil), pathErasure + "/" + e.ID,
		pathCheck, pathCheck + "?code=AAAAA-BBBBB", pathSearch, "/monitoring/people/" + string(s.pupil),
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
