package policies_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/web/browsertest"
	"belisha/internal/kit/web/webtest"
)

// shown is a school with a policy in force, a draft and evidence, behind a
// server that takes every reader for the head.
func shown(t *testing.T) (*httptest.Server, []string) {
	t.Helper()
	s := newSchool(t)
	s.age = control.Finding{
		State: control.Broken, Figure: "2 of 31 passwords older than 90 days", Source: control.Measured, By: "sign-in records",
		Rule: "no staff password older than 90 days", Owner: "network-manager", Todo: "Ask the two to change theirs.",
		Rows: []control.Row{{What: "A password 97 days old", State: control.Broken, At: monday}},
	}
	if _, err := s.activate(s.shipped("hospital-school")); err != nil {
		t.Fatal(err)
	}
	if err := s.RunControls(console); err != nil {
		t.Fatal(err)
	}
	table := strings.Replace(s.shipped("village-primary"), "## Where to turn",
		"## Rooms\n\n| room | locks after |\n|---|---|\n| library | [4 minutes]{set=access.idle-lock place=library} []{control=idle-lock} |\n\n1. First.\n2. Then *this*, and [that](https://example.org).\n\n> As somebody said.\n\n## Where to turn", 1)
	v, _, err := s.Propose(console, table)
	if err != nil {
		t.Fatal(err)
	}
	h := webtest.Site(t, s.Section())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = webtest.Host
		h.ServeHTTP(w, r.WithContext(actor.With(r.Context(), head)))
	}))
	t.Cleanup(srv.Close)
	draft := "/policies/versions/" + v.ID
	return srv, []string{
		"/policies", "/policies/not-kept", "/policies/clauses/accounts-6", "/policies/clauses/filter-3", "/policies/controls",
		"/policies/controls/password-age", "/policies/settings", "/policies/journal", "/policies/versions", draft, draft + "/diff",
		draft + "/activate", "/policies/propose",
	}
}

func TestEveryPageIsAccessible(t *testing.T) {
	srv, paths := shown(t)
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
					b.Screenshot(filepath.Join(dir, l.name+strings.ReplaceAll(strings.TrimPrefix(p, "/policies"), "/", "-")+".png"))
				}
			}
		})
	}
}
