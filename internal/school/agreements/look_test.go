package agreements

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/browsertest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/people"
)

// seat is whoever sits at the browser.
type seat struct{ a actor.Actor }

func (s *seat) Actor(*http.Request) (actor.Actor, error) { return s.a, nil }

// TestThePagesAreAccessible looks at every page with a real browser, on a
// phone and at a desk, and signs with the keyboard. With SHOTS set to a folder
// it leaves pictures there.
func TestThePagesAreAccessible(t *testing.T) {
	if testing.Short() {
		t.Skip("looked at by the full run: it starts a browser")
	}
	s := newSchool(t)
	s.publish(StaffSheet, YoungSheet, OlderSheet, ParentSheet, ExternalSheet)
	s.policy = &Policy{Title: "Online safety policy", Version: "2.0", Link: "/policies", Since: monday.AddDate(0, 0, -3)}
	s.edit(StaffSheet, func(text string) string { return strings.Replace(text, "from 8:30 to 15:30", "from 8:15 to 15:45", 1) })
	for i := range 4 {
		s.person(people.Person{Kind: people.Pupil, Given: "Kit", Family: "Moss-" + strconv.Itoa(i), Year: "8", Class: "8B"})
	}
	sig, err := s.sign(s.mother, YoungSheet, s.young)
	check(t, err)
	who := &seat{}
	d := webtest.Deps()
	d.Sessions, d.Clock, d.Hosts = who, s.clock, web.HostList("127.0.0.1")
	desk, folk, err := web.Mux([]web.Section{s.Section()}, d)
	check(t, err)
	atDesk, atTablet := httptest.NewServer(desk), httptest.NewServer(folk)
	defer atDesk.Close()
	defer atTablet.Close()
	for _, look := range []browsertest.Options{{Width: 320}, {Width: 1440, Dark: true}} {
		b := browsertest.Open(t, look)
		at := func(base, path string) {
			b.Go(base + path)
			b.Axe()
			if over := b.Overflows(); over > 0 {
				t.Errorf("%s is %d pixels wider than a window of %d", path, over, look.Width)
			}
			shot(b, path, look.Width)
		}
		who.a = s.actor(s.head)
		for _, p := range []string{
			"/agreements", "/agreements/list/pupil-older", "/agreements/text/staff", "/agreements/text/governor", "/agreements/text/staff/edit", "/agreements/text/staff/publish",
			"/agreements/poster/pupil-young", "/agreements/slips?sheet=pupil-older", "/agreements/paper?sheet=parent", "/agreements/person/" + string(s.young),
			"/agreements/signature/" + sig.ID, "/agreements/import", "/agreements/groups", "/agreements/hold/pupils", "/agreements/talks", "/agreements/talks/8B",
		} {
			at(atDesk.URL, p)
		}
		who.a = s.actor(s.teacher)
		at(atTablet.URL, "/agreement")
		at(atTablet.URL, "/agreement/sign/staff")
		at(atTablet.URL, "/agreement/policy")
		who.a = s.actor(s.mother)
		at(atTablet.URL, "/agreement")
		at(atTablet.URL, "/agreement/sign/parent/"+url.PathEscape(string(s.young)))
		who.a = s.actor(s.older)
		at(atTablet.URL, "/told?to=/agreement")
		at(atTablet.URL, "/agreement/sign/pupil-older")
		if look.Width != 320 {
			continue
		}
		b.Fill("name", "Robin")
		b.Press("Sign these rules")
		b.Axe()
		b.Has("This is not the name of whoever is signed in here", "Tick the box if you agree")
		at(atTablet.URL, "/agreement/sign/pupil-older")
		b.Fill("name", "Zoë")
		if _, err := chromedp.Run(b.Context(), chromedp.Click(chromedp.CSS("#agree"))); err != nil {
			t.Fatal(err)
		}
		b.Press("Sign these rules")
		b.Has("It is signed", "There is nothing for you to sign")
		shot(b, "/agreement-done", look.Width)
		_, err := s.DB.Writer().Exec("DELETE FROM agreement_signatures WHERE person = $1", string(s.older))
		check(t, err)
	}
}

func shot(b *browsertest.Browser, path string, width int64) {
	if dir := os.Getenv("SHOTS"); dir != "" {
		name := strings.NewReplacer("/", "-", "?", "-", "=", "-", "&", "-").Replace(strings.Trim(path, "/"))
		b.Screenshot(filepath.Join(dir, name+"-"+strconv.FormatInt(width, 10)+".png"))
	}
}
