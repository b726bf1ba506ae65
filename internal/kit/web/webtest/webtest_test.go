package webtest_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
)

// record stands in for a test, to see what a checker says.
type record struct {
	testing.TB
	said []string
}

func (r *record) Helper() {}
func (r *record) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

type view struct{ web.Base }

func page(body string) web.Page[view] {
	return web.NewPage[view](fstest.MapFS{"p.html": {Data: []byte(body)}}, "p.html")
}

func TestTheCheckersFindWhatIsWrong(t *testing.T) {
	cases := []struct {
		name, body   string
		check, plain int
	}{
		{"a good page", `{{define "main"}}<p>{{.Title}}</p>{{end}}`, 0, 0},
		{"a misspelt field", `{{define "main"}}{{.Titel}}{{end}}`, 1, 0},
		{"a partial with the wrong struct", `{{define "main"}}{{template "table" .Lead}}{{end}}`, 1, 0},
		{"no main", `{{define "other"}}{{end}}`, 1, 1},
		{"a page that does not parse", `{{define "main"}}{{if}}`, 1, 1},
		{"a word of the workshop in a branch", `{{define "main"}}{{if .Wide}}The Gate is shut{{else}}a verdict{{end}}{{end}}`, 0, 2},
		{"nor after a value", `{{define "main"}}<p title="{{.Title}}" class="gate">x</p>{{end}}`, 0, 0},
		{"the same word in markup is no word", `{{define "main"}}<p class="gate">x</p>{{end}}`, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var check, plain record
			webtest.Check(&check, page(c.body))
			webtest.PlainWords(&plain, page(c.body))
			if len(check.said) != c.check || len(plain.said) != c.plain {
				t.Errorf("Check said %q, PlainWords said %q; want %d and %d", check.said, plain.said, c.check, c.plain)
			}
		})
	}
}

func TestADocFindsWhatIsMissing(t *testing.T) {
	site := webtest.Site(t, web.Section{Name: "x", Routes: []web.Route{{Pattern: "GET /x", Needs: web.Open, Do: func(c *web.Ctx) error {
		c.W.Header().Set("Content-Type", "text/html")
		_, err := fmt.Fprint(c.W, `<h1>One</h1><h1>Two</h1><p id="a" style="color:red">x</p><p id="a">y</p><input name="n"><script>1</script><a href="/y">y</a>`)
		return err
	}}}})
	var r record
	webtest.Get(&r, site, "/x", webtest.Nobody()).Is(404).Has("Three").HasNot("One").Link("/z").NoLink("/y").GoesTo("/y").Safe()
	if len(r.said) != 11 {
		t.Errorf("it found %d faults, want 11: %q", len(r.said), r.said)
	}
}
