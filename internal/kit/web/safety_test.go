package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
)

func TestAForeignPageCanNeitherPostNorNameUs(t *testing.T) {
	site := webtest.Site(t, section(web.Route{Pattern: "POST /change", Needs: web.SignedIn, Do: says("the new rule")}))
	post := func(set func(*http.Request)) *webtest.Doc {
		r := httptest.NewRequest(http.MethodPost, "/change", strings.NewReader("a=b"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		set(r)
		return webtest.Do(t, site, r, webtest.As("Ada"))
	}
	post(func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }).Is(200)
	post(func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }).Is(403).HasNot("the new rule")
	post(func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }).Is(403).HasNot("the new rule")
	post(func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }).Is(403).HasNot("the new rule")

	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "evil.example"
	site.ServeHTTP(w, r)
	if w.Code != http.StatusMisdirectedRequest {
		t.Errorf("a foreign name is answered with %d, want 421", w.Code)
	}
}

func TestHostListTakesANameWithAnyPort(t *testing.T) {
	ok := web.HostList("127.0.0.1", "[::1]", "belisha.school.example")
	for host, want := range map[string]bool{
		"127.0.0.1:8080": true, "127.0.0.1": true, "[::1]:8080": true, "[::1]": true, "Belisha.School.example.": true,
		"127.0.0.1.evil.example": false, "evil.example:8080": false, "": false,
	} {
		if got := ok(host); got != want {
			t.Errorf("HostList(%q) = %v, want %v", host, got, want)
		}
	}
}

func TestEveryPageForbidsWhatItDoesNotUse(t *testing.T) {
	site := webtest.Site(t, section(web.Route{Pattern: "GET /x", Needs: web.Open, Do: says("x")}))
	h := webtest.Get(t, site, "/x", webtest.Nobody()).Header
	policy := h.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy allows what is unsafe: %s", policy)
	}
	if h.Get("Cache-Control") != "no-store" {
		t.Errorf("a page may be kept: %s", h.Get("Cache-Control"))
	}
}

func TestOurOwnFilesHaveTheirHashAndMayBeKept(t *testing.T) {
	site := webtest.Site(t)
	for _, name := range []string{"belisha.css", "beacon.svg", "latin-400.woff2", "latin-ext-700.woff2"} {
		path := web.AssetPath(name)
		if path == "" {
			t.Fatalf("%s is not there", name)
		}
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		d := webtest.Do(t, site, r, webtest.Nobody()).Is(200)
		if !strings.Contains(d.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s may not be kept", name)
		}
		zipped := d.Header.Get("Content-Encoding") == "gzip"
		if zipped == strings.HasSuffix(name, ".woff2") {
			t.Errorf("%s: zipped is %v", name, zipped)
		}
	}
	webtest.Get(t, site, "/assets/belisha.css", webtest.Nobody()).Is(404)
	webtest.Get(t, site, "/assets/belisha.000000000000.css", webtest.Nobody()).Is(404)
	if css := webtest.Get(t, site, web.AssetPath("belisha.css"), webtest.Nobody()); len(css.Body) > 40_000 ||
		strings.Contains(string(css.Body), "http") || strings.Contains(string(css.Body), `url("latin`) {
		t.Errorf("the style sheet is %d bytes, names a foreign address, or a font without its hash", len(css.Body))
	}
}

func TestTheFirstPageIsSmall(t *testing.T) {
	srv := httptest.NewUnstartedServer(nil)
	srv.Config.Handler = webtest.Site(t, section(web.Route{Pattern: "GET /hello", Needs: web.Open, Do: func(c *web.Ctx) error {
		return helloPage.Render(c, helloView{Base: web.Base{Title: "Hello"}})
	}}))
	srv.Start()
	defer srv.Close()
	total := 0
	for _, p := range []string{"/hello", web.AssetPath("belisha.css"), web.AssetPath("latin-400.woff2"), web.AssetPath("latin-700.woff2"), web.AssetPath("beacon.svg")} {
		req, err := http.NewRequest(http.MethodGet, srv.URL+p, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = webtest.Host
		req.Header.Set("Accept-Encoding", "identity")
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", p, res.StatusCode)
		}
		total += int(n)
	}
	if total > 100_000 {
		t.Errorf("the first page is %d bytes with style and fonts, want at most 100,000", total)
	}
}

func TestTheLicencesOfTheFontAndTheIconsAreInTheProgram(t *testing.T) {
	text, err := web.Licences()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"SIL Open Font License", "ISC License", "Lucide"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func BenchmarkALongListIsRendered(b *testing.B) {
	t := web.Table{Caption: "People", Columns: []web.Column{{Title: "Name"}, {Title: "Year"}, {Title: "Since"}}}
	for range 100 {
		t.Rows = append(t.Rows, web.Row{Link: "/people/1", Cells: []web.Cell{{Text: "Ada Byron"}, {Text: "Year 5"}, {When: web.When{Words: "3 days ago", ISO: "2026-11-20T08:30:00Z", Exact: "20 November"}}}})
	}
	desk, _, err := web.Mux([]web.Section{section(web.Route{Pattern: "GET /x", Needs: web.Open, Do: func(c *web.Ctx) error {
		return helloPage.Render(c, helloView{Base: web.Base{Title: "People"}, List: t})
	}})}, webtest.Deps())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		r.Host = webtest.Host
		desk.ServeHTTP(httptest.NewRecorder(), r)
	}
}
