package concerns

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
)

// served is the room's pages in a real browser, as one reader.
func (s *school) served(t *testing.T, a actor.Actor) string {
	t.Helper()
	h := s.site(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = webtest.Host
		h.ServeHTTP(w, r.WithContext(actor.With(r.Context(), a)))
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// look checks the page that is open: axe, and nothing wider than the window.
func look(t *testing.T, b *browsertest.Browser, name string, width int64) {
	t.Helper()
	b.Axe()
	if over := b.Overflows(); over > 0 {
		t.Errorf("%s is %d pixels wider than a window of %d", name, over, width)
	}
	if dir := os.Getenv("SHOTS"); dir != "" {
		b.Screenshot(filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".png"))
	}
}

func TestAChildTellsOnAPhoneWithoutAnAccount(t *testing.T) {
	s := newSchool(t)
	s.clock.Set(time.Date(2026, 11, 27, 22, 0, 0, 0, time.UTC))
	for _, width := range []int64{320, 1280} {
		url := s.served(t, webtest.Nobody())
		b := browsertest.Open(t, browsertest.Options{Width: width, Dark: width == 320})
		b.Go(url + "/tell")
		b.Has("No one at school will read this before Monday at 8:30.", "999", "0800 1111")
		look(t, b, "tell about", width)
		b.Press("A friend, or somebody I know")
		look(t, b, "tell what", width)
		b.Press("Somebody is unkind, or threatens")
		look(t, b, "tell write", width)
		b.Press("Send it")
		b.Has("It has arrived.", "No one at school will read this before Monday at 8:30.")
		look(t, b, "tell sent", width)
	}
	w, err := s.WaitingTimes(s.sys())
	check(t, err)
	if w.Unread != 2 {
		t.Errorf("%d wait", w.Unread)
	}
}

func TestTheDesksPagesAreAccessible(t *testing.T) {
	s := newSchool(t)
	id := s.report(s.teacher, "bullying")
	check(t, s.Act(s.as(s.lead), id, s.version(id), Doing{Kind: "support", What: "Sit with Robin", GivenTo: "Bram Cole"}))
	check(t, s.Amend(s.as(s.lead), id, s.version(id), s.firstEntry(id), "Another day", "It was Tuesday"))
	for _, width := range []int64{320, 1280} {
		b := browsertest.Open(t, browsertest.Options{Width: width, Dark: width == 320})
		url := s.served(t, s.actor(s.lead))
		for _, p := range []string{
			"/concerns", "/concerns/new", "/concerns/trends", "/concerns/" + id, "/concerns/" + id + "/triage", "/concerns/" + id + "/act?kind=police", "/concerns/" + id + "/act?kind=sanction",
			"/concerns/" + id + "/act?kind=support", "/concerns/" + id + "/sight", "/concerns/" + id + "/attach", "/concerns/" + id + "/copy",
		} {
			b.Go(url + p)
			look(t, b, "desk"+strings.ReplaceAll(strings.ReplaceAll(p, id, "x"), "/", " "), width)
		}
		b.Go(s.served(t, s.actor(s.teacher)) + "/concerns/" + id + "/receipt")
		look(t, b, "receipt", width)
		b.Go(s.served(t, s.actor(s.head)) + "/concerns/" + id + "/break")
		look(t, b, "kept", width)
	}
}

func (s *school) firstEntry(id string) string {
	s.t.Helper()
	list, err := s.entriesOf(s.sys(), s.db, id)
	check(s.t, err)
	return list[0].ID
}
