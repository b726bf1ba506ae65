package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
)

// says answers with one line, so that a test sees whether it was reached.
func says(words string) web.Handler {
	return func(c *web.Ctx) error {
		_, err := fmt.Fprint(c.W, words)
		return err
	}
}

func section(routes ...web.Route) web.Section { return web.Section{Name: "test", Routes: routes} }

func TestARouteThatIsNotWholeStopsTheStart(t *testing.T) {
	ok := says("x")
	cases := []struct {
		name  string
		route web.Route
		want  string
	}{
		{"without a capability", web.Route{Pattern: "GET /a", Do: ok}, "no capability"},
		{"without a method", web.Route{Pattern: "/a", Needs: web.Open, Do: ok}, "method and a path"},
		{"with a method that forms do not send", web.Route{Pattern: "DELETE /a", Needs: web.Open, Do: ok}, "GET or POST"},
		{"without a handler", web.Route{Pattern: "GET /a", Needs: web.Open}, "does nothing"},
		{"in the API's part", web.Route{Pattern: "GET /api/v1/a", Needs: web.Open, Do: ok}, "is taken"},
		{"in the assets' part", web.Route{Pattern: "GET /assets/a", Needs: web.Open, Do: ok}, "is taken"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := web.Mux([]web.Section{section(c.route)}, webtest.Deps())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error that says %q", err, c.want)
			}
		})
	}
	t.Run("with a picture that is not there", func(t *testing.T) {
		s := web.Section{Name: "test", Menu: []web.MenuItem{{Title: "A", Path: "/a", Needs: web.Open, Icon: "unicorn"}}}
		if _, _, err := web.Mux([]web.Section{s}, webtest.Deps()); err == nil || !strings.Contains(err.Error(), "house") {
			t.Errorf("got %v, want an error that lists the icons", err)
		}
	})
	t.Run("given by two rooms", func(t *testing.T) {
		r := web.Route{Pattern: "GET /a", Needs: web.Open, Do: ok}
		if _, _, err := web.Mux([]web.Section{section(r), section(r)}, webtest.Deps()); err == nil {
			t.Error("the same route twice is taken")
		}
	})
	t.Run("whose reading is an event, with nobody to write it", func(t *testing.T) {
		d := webtest.Deps()
		d.Reads = nil
		r := web.Route{Pattern: "GET /a", Needs: web.Open, Do: ok, Reads: "a.viewed"}
		if _, _, err := web.Mux([]web.Section{section(r)}, d); err == nil {
			t.Error("reading would not be journalled, and it starts all the same")
		}
	})
}

func TestEachRouteIsForWhomItSays(t *testing.T) {
	site := webtest.Site(t, section(
		web.Route{Pattern: "GET /open", Needs: web.Open, Do: says("open")},
		web.Route{Pattern: "GET /own", Needs: web.SignedIn, Do: says("own")},
		web.Route{Pattern: "GET /kept", Needs: "things.read", Do: says("kept")},
		web.Route{Pattern: "POST /kept", Needs: "things.change", Do: says("changed")},
	))
	reader := webtest.As("Ada", "things.read")
	webtest.Get(t, site, "/open", webtest.Nobody()).Is(200)
	webtest.Get(t, site, "/own", webtest.Nobody()).GoesTo("/sign-in?to=%2Fown")
	webtest.Get(t, site, "/own", webtest.As("Bea")).Is(200)
	webtest.Get(t, site, "/kept?day=1&who=2", webtest.Nobody()).GoesTo("/sign-in?to=%2Fkept%3Fday%3D1%26who%3D2")
	webtest.Get(t, site, "/kept", webtest.As("Bea")).Is(403).HasNot("kept")
	webtest.Get(t, site, "/kept", reader).Is(200)
	webtest.Post(t, site, "/kept", nil, reader).Is(403).HasNot("changed")
	webtest.Get(t, site, "/nowhere", webtest.Nobody()).Is(404).Has("no such page").Safe()
	if allow := webtest.Post(t, site, "/open", nil, reader).Is(405).Header.Get("Allow"); !strings.Contains(allow, "GET") {
		t.Errorf("Allow says %q", allow)
	}
}

func TestThePeoplesPagesHaveNothingOfTheDesk(t *testing.T) {
	sec := section(
		web.Route{Pattern: "GET /why", Needs: web.Open, Do: says("why"), People: true},
		web.Route{Pattern: "GET /desk", Needs: web.Open, Do: says("desk")},
	)
	desk, people, err := web.Mux([]web.Section{sec}, webtest.Deps())
	if err != nil {
		t.Fatal(err)
	}
	webtest.Get(t, people, "/why", webtest.Nobody()).Is(200)
	webtest.Get(t, people, "/desk", webtest.As("Ada")).Is(404)
	webtest.Get(t, people, "/api/v1/openapi.json", webtest.As("Ada")).Is(404)
	webtest.Get(t, desk, "/desk", webtest.Nobody()).Is(200)
}

func TestTheTableOfRoutesIsSortedAndWhole(t *testing.T) {
	got := web.Routes([]web.Section{section(
		web.Route{Pattern: "POST /b/{id}", Needs: "b.change", Reads: "b.viewed"},
		web.Route{Pattern: "GET /b/{id}", Needs: "b.read"},
		web.Route{Pattern: "GET /a", Needs: web.Open, People: true},
	)})
	want := "[{test GET /a open true } {test GET /b/{id} b.read false } {test POST /b/{id} b.change false b.viewed}]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestEveryErrorHasOneStatusAndAWayOn(t *testing.T) {
	cases := []struct {
		err    error
		status int
		says   string
	}{
		{store.ErrNotFound, 404, "no such page"},
		{fmt.Errorf("reading: %w", store.ErrNotFound), 404, "no such page"},
		{store.ErrForbidden, 403, "not for your account"},
		{store.ErrStale, 409, "Somebody else changed this first"},
		{store.Invalid{"name": "Write a name"}, 422, "Write a name"},
		{web.ErrTooLarge, 413, "too large"},
		{web.ErrNoFile, 400, "choose one first"},
		{web.ErrBusy, 503, "Wait a minute"},
		{errors.New("secret detail"), 500, "Number:"},
	}
	for _, c := range cases {
		t.Run(c.err.Error(), func(t *testing.T) {
			site := webtest.Site(t, section(web.Route{Pattern: "GET /x", Needs: web.Open, Do: func(*web.Ctx) error { return c.err }}))
			webtest.Get(t, site, "/x", webtest.As("Ada")).Is(c.status).Has(c.says).HasNot("secret detail").Safe()
		})
	}
}

func TestAFaultIsLoggedOnceWithItsNumberAndAPanicEndsNothing(t *testing.T) {
	var log bytes.Buffer
	d := webtest.Deps()
	d.Log = slog.New(slog.NewTextHandler(&log, nil))
	desk, _, err := web.Mux([]web.Section{section(
		web.Route{Pattern: "GET /fault", Needs: web.Open, Do: func(*web.Ctx) error { return errors.New("the disk is gone") }},
		web.Route{Pattern: "GET /panic", Needs: web.Open, Do: func(*web.Ctx) error { panic("no") }},
		web.Route{Pattern: "GET /missing", Needs: web.Open, Do: func(*web.Ctx) error { return store.ErrNotFound }},
	)}, d)
	if err != nil {
		t.Fatal(err)
	}
	text := webtest.Get(t, desk, "/fault?q=a-search-word", webtest.As("Ada")).Is(500).Text()
	line := log.String()
	id := line[strings.Index(line, "id=")+3:]
	id = id[:strings.Index(id, " ")]
	if !strings.Contains(text, id) || strings.Count(line, "\n") != 1 || !strings.Contains(line, "the disk is gone") {
		t.Errorf("the page says %q; the log says %q", text, line)
	}
	if strings.Contains(line, "a-search-word") || strings.Contains(line, "Ada") {
		t.Errorf("the log tells who asked or what for: %s", line)
	}
	log.Reset()
	webtest.Get(t, desk, "/missing", webtest.As("Ada")).Is(404)
	if log.Len() > 0 {
		t.Errorf("an expected outcome is logged: %s", log.String())
	}
	webtest.Get(t, desk, "/panic", webtest.As("Ada")).Is(500)
}

// failing is a Reads that cannot write.
type failing struct{}

func (failing) Read(context.Context, string, string) error { return errors.New("the journal is full") }

func TestAPageWhoseReadingIsAnEventIsOnlyShownOnceThatIsWritten(t *testing.T) {
	r := web.Route{Pattern: "GET /log/{id}", Needs: "log.read", Reads: "log.viewed", Do: says("a child's name")}
	d := webtest.Deps()
	reads := &webtest.Reads{}
	d.Reads = reads
	desk, _, err := web.Mux([]web.Section{section(r)}, d)
	if err != nil {
		t.Fatal(err)
	}
	webtest.Get(t, desk, "/log/7", webtest.As("Bea")).Is(403)
	if len(reads.Lines) != 0 {
		t.Errorf("a refused look is journalled as a look: %v", reads.Lines)
	}
	webtest.Get(t, desk, "/log/7", webtest.As("Ada", "log.read")).Is(200).Has("a child's name")
	if fmt.Sprint(reads.Lines) != "[log.viewed /log/7]" {
		t.Errorf("journalled %v", reads.Lines)
	}
	d.Reads = failing{}
	if desk, _, err = web.Mux([]web.Section{section(r)}, d); err != nil {
		t.Fatal(err)
	}
	webtest.Get(t, desk, "/log/7", webtest.As("Ada", "log.read")).Is(500).HasNot("a child's name")
}

// first sends everybody to change their password.
type first struct{ who actor.Actor }

func (f first) Actor(*http.Request) (actor.Actor, error) {
	return f.who, web.SeeOther{To: "/account/password?first=yes"}
}

// down is a Sessions that cannot answer.
type down struct{}

func (down) Actor(*http.Request) (actor.Actor, error) {
	return actor.Actor{}, errors.New("no database")
}

func TestSomebodyWhoMustDoOneThingFirstIsLedThere(t *testing.T) {
	d := webtest.Deps()
	d.Sessions = first{webtest.As("Ada", "things.read")}
	desk, _, err := web.Mux([]web.Section{section(
		web.Route{Pattern: "GET /things", Needs: "things.read", Do: says("things")},
		web.Route{Pattern: "GET /account/password", Needs: web.SignedIn, Do: says("a new password")},
		web.Route{Pattern: "GET /help", Needs: web.Open, Do: says("help")},
	)}, d)
	if err != nil {
		t.Fatal(err)
	}
	webtest.Get(t, desk, "/things", webtest.Nobody()).GoesTo("/account/password?first=yes").HasNot("things")
	webtest.Get(t, desk, "/account/password", webtest.Nobody()).Is(200)
	webtest.Get(t, desk, "/help", webtest.Nobody()).Is(200)
}

func TestWhenItIsNotKnownWhoAsksNothingIsShown(t *testing.T) {
	d := webtest.Deps()
	d.Sessions = down{}
	desk, _, err := web.Mux([]web.Section{section(web.Route{Pattern: "GET /things", Needs: "things.read", Do: says("things")})}, d)
	if err != nil {
		t.Fatal(err)
	}
	webtest.Get(t, desk, "/things", webtest.As("Ada", "things.read")).Is(500).HasNot("things")
}

func TestANoticeIsShownOnceToWhoeverCausedIt(t *testing.T) {
	site := webtest.Site(t, section(
		web.Route{Pattern: "POST /save", Needs: web.SignedIn, Do: func(c *web.Ctx) error {
			c.Notice("Saved <at> 10:15.")
			return c.Redirect("/hello")
		}},
		web.Route{Pattern: "GET /hello", Needs: web.SignedIn, Do: func(c *web.Ctx) error {
			return helloPage.Render(c, helloView{Base: web.Base{Title: "Hello"}})
		}},
	))
	d := webtest.Post(t, site, "/save", nil, webtest.As("Ada")).GoesTo("/hello")
	cookie := (&http.Response{Header: d.Header}).Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("the cookie is %v", cookie)
	}
	ask := func(value string, as actor.Actor) *webtest.Doc {
		r := httptest.NewRequest(http.MethodGet, "/hello", nil)
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: value})
		return webtest.Do(t, site, r, as)
	}
	shown := ask(cookie.Value, webtest.As("Ada")).Has("Saved <at> 10:15.")
	if again := (&http.Response{Header: shown.Header}).Cookies(); len(again) != 1 || again[0].MaxAge >= 0 {
		t.Errorf("the notice is not taken away: %v", again)
	}
	ask(cookie.Value, webtest.As("Bea")).HasNot("Saved")
	ask("U2F2ZWQ.AAAA", webtest.As("Ada")).HasNot("Saved")
	ask(strings.Replace(cookie.Value, cookie.Value[:2], "AA", 1), webtest.As("Ada")).HasNot("Saved")
}

func TestOnlyAPathOfOursIsGoneBackTo(t *testing.T) {
	for in, want := range map[string]string{
		"/monitoring?day=1": "/monitoring?day=1", "/": "/",
		"//evil.example": "", "/\\evil.example": "", "https://evil.example/": "", "evil": "", "": "",
		"/a\r\nSet-Cookie: x": "", "/%2f%2fevil.example": "", "/..//evil": "/..//evil", "javascript:alert(1)": "",
	} {
		if got := web.SafePath(in); got != want {
			t.Errorf("SafePath(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAFormIsBoundedAndReadWhole(t *testing.T) {
	site := webtest.Site(t, section(web.Route{Pattern: "POST /form", Needs: web.SignedIn, Body: 64, Do: func(c *web.Ctx) error {
		f, err := c.Form()
		if err != nil {
			return err
		}
		return says("got " + f.Get("word"))(c)
	}}))
	webtest.Post(t, site, "/form", url.Values{"word": {"short"}}, webtest.As("Ada")).Is(200).Has("got short")
	webtest.Post(t, site, "/form", url.Values{"word": {strings.Repeat("long", 40)}}, webtest.As("Ada")).Is(413)
}
