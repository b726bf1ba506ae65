package access_test

import (
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"belisha/internal/kit/web"
	"belisha/internal/kit/web/browsertest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/people"
)

// TestTheHallsPagesAreAccessible signs in with a real browser and looks at
// every page of people and access, on a phone and at a desk. With SHOTS set to
// a folder it leaves pictures there.
func TestTheHallsPagesAreAccessible(t *testing.T) {
	if testing.Short() {
		t.Skip("looked at by the full run: it starts a browser")
	}
	s := newSchool(t, noFactors())
	id := s.person(people.Staff, "areed", people.Headteacher, people.NetworkManager, people.SafeguardingLead)
	kid, err := s.people.Add(s.ctx, people.Person{Kind: people.Pupil, Given: "Ava", Family: "Moss", Year: "4", Class: "4B", Username: "amoss"})
	s.must(err)
	s.must(s.people.Tie(s.ctx, people.Link{Parent: id, Child: kid, Relation: "mother", Responsible: true, Order: 1}))
	path := filepath.Join(t.TempDir(), "roll.csv")
	s.must(os.WriteFile(path, []byte("UPN,Surname,Forename,Year\nP999123416000,Ward,Zoë,5\nV999123422001,Hope,Kit,99\n"), 0o600))
	res, err := s.people.Import(s.ctx, people.Options{Path: path, Partial: true})
	s.must(err)
	a, err := s.AccountOf(s.ctx, id)
	s.must(err)
	d := webtest.Deps()
	d.Sessions, d.Clock, d.Hosts, d.Lock = s.Room, s.clock, web.HostList("127.0.0.1"), "/account/lock"
	h, _, err := web.Mux([]web.Section{s.Section(), s.people.Section()}, d)
	s.must(err)
	srv := httptest.NewServer(h)
	defer srv.Close()
	held, err := s.people.PostsOf(s.ctx, id)
	s.must(err)
	s.PupilDevice = func(netip.Addr) bool { return true } // an alert to look at
	pages := []string{
		"/account", "/account/password", "/account/compromised", "/accounts/alerts", "/accounts/rights", "/class-passwords", "/account/head-factor", "/account/second-factor", "/account/second-factor/app", "/account/prove", "/account/tokens", "/accounts", "/accounts/new", "/accounts/" + a.ID, "/signed-in",
		"/people", "/people/new", "/people/" + string(kid), "/people/" + string(kid) + "/edit", "/people/" + string(kid) + "/leave", "/people/" + string(kid) + "/family",
		"/people/import", "/imports/" + res.ID, "/posts", "/posts/new", "/posts/" + held[0].ID, "/calendar", "/calendar/main/edit",
	}
	for _, look := range []browsertest.Options{{Width: 320}, {Width: 1440, Dark: true}} {
		b := browsertest.Open(t, look)
		b.Go(srv.URL + "/sign-in")
		b.Axe()
		shot(b, "/sign-in", look.Width)
		b.Key("areed\t" + good) // the keyboard is in the first field already
		b.Press("Sign in")
		for _, p := range pages {
			b.Go(srv.URL + p)
			b.Axe()
			if over := b.Overflows(); over > 0 {
				t.Errorf("%s is %d pixels wider than a window of %d", p, over, look.Width)
			}
			shot(b, strings.Replace(strings.Replace(p, a.ID, "one", 1), string(kid), "one", 1), look.Width)
		}
	}
}

func shot(b *browsertest.Browser, path string, width int64) {
	if dir := os.Getenv("SHOTS"); dir != "" {
		b.Screenshot(filepath.Join(dir, strings.ReplaceAll(strings.Trim(path, "/"), "/", "-")+"-"+strconv.FormatInt(width, 10)+".png"))
	}
}
