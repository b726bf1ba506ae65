// Package webtest looks at pages in tests as a reader would: it asks a
// handler as somebody, and finds words, links, fields and headings in what
// comes back. Check finds templates that do not fit their struct.
package webtest

import (
	"context"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"text/template/parse"
	"time"

	"github.com/jba/templatecheck"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/web"
)

// Host is the name that Site answers to.
const Host = "belisha.test"

// Now is the moment of every page of Site, unless the test brings a clock: a
// Monday in term.
var Now = time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC)

// Checkable is a web.Page of any struct.
type Checkable interface {
	Name() string
	Template() (*template.Template, any, error)
}

// Check type-checks every page against its struct, strictly: a misspelt field
// is found here and not by a reader.
func Check(t testing.TB, pages ...Checkable) {
	t.Helper()
	for _, p := range pages {
		tmpl, dot, err := p.Template()
		if err != nil {
			t.Errorf("%s: %v", p.Name(), err)
			continue
		}
		if err := templatecheck.CheckHTMLStrict(tmpl, dot); err != nil {
			t.Errorf("%s: %v", p.Name(), err)
		}
	}
}

// notForReaders are words of the workshop that no page's own text may have.
var notForReaders = regexp.MustCompile(`(?i)\b(gate|gates|duty|duties|verdict|verdicts|snapshot|snapshots|broken)\b`)

// PlainWords checks that the pages' own words are the reader's: filter, task,
// current rules, not being kept. It looks at the templates' text, not at what
// a school typed.
func PlainWords(t testing.TB, pages ...Checkable) {
	t.Helper()
	for _, p := range pages {
		tmpl, _, err := p.Template()
		if err != nil {
			t.Errorf("%s: %v", p.Name(), err)
			continue
		}
		for _, part := range tmpl.Templates() {
			if part.Tree == nil {
				continue
			}
			for _, text := range textNodes(part.Tree.Root) {
				if w := notForReaders.FindString(text); w != "" {
					t.Errorf("%s says %q to a reader: %s", p.Name(), w, strings.TrimSpace(text))
				}
			}
		}
	}
}

// tag is what is markup and not words: a tag, its beginning before a value,
// or its end after one.
var tag = regexp.MustCompile(`^[^<]*>|<[^>]*>?`)

// textNodes collects the plain text of a template, branches and all.
func textNodes(n parse.Node) []string {
	switch n := n.(type) {
	case *parse.TextNode:
		return []string{tag.ReplaceAllString(string(n.Text), " ")}
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		var out []string
		for _, c := range n.Nodes {
			out = append(out, textNodes(c)...)
		}
		return out
	case *parse.IfNode:
		return append(textNodes(n.List), textNodes(n.ElseList)...)
	case *parse.WithNode:
		return append(textNodes(n.List), textNodes(n.ElseList)...)
	case *parse.RangeNode:
		return append(textNodes(n.List), textNodes(n.ElseList)...)
	}
	return nil
}

// sessions says that whoever the test put into the context asks.
type sessions struct{}

func (sessions) Actor(r *http.Request) (actor.Actor, error) { return actor.From(r.Context()), nil }

// Reads counts the lines that pages whose reading is an event would write.
type Reads struct{ Lines []string }

// Read keeps the line.
func (r *Reads) Read(_ context.Context, verb, path string) error {
	r.Lines = append(r.Lines, verb+" "+path)
	return nil
}

// Deps returns what a test needs to plug in, for changing before web.Mux.
func Deps() web.Deps {
	return web.Deps{
		Sessions: sessions{}, Reads: &Reads{}, Clock: clock.NewFake(Now),
		Log:   slog.New(slog.NewTextHandler(io.Discard, nil)),
		Hosts: web.HostList(Host),
		About: func(context.Context) web.About { return web.About{School: "Ashdown Primary School"} },
		Beacon: func(context.Context, actor.Actor) (web.Beacon, error) {
			return web.Beacon{Checked: Now.Add(-28 * time.Minute)}, nil
		},
		Version: "test",
	}
}

// Site returns the desk with the sections, as house would plug it together.
// Whoever asks is the actor given to Get or Post.
func Site(t testing.TB, sections ...web.Section) http.Handler {
	t.Helper()
	desk, _, err := web.Mux(sections, Deps())
	if err != nil {
		t.Fatalf("plugging the pages together: %v", err)
	}
	return desk
}

// As returns a signed-in person with the capabilities.
func As(name string, capabilities ...actor.Capability) actor.Actor {
	return actor.New(actor.Actor{
		ID: "person:" + name, Name: name, Kind: actor.Person, Person: name,
		Audience: actor.Staff, Session: "session-of-" + name,
	}, capabilities...)
}

// Nobody is not signed in.
func Nobody() actor.Actor { return actor.Actor{ID: "nobody", Kind: actor.Nobody} }

// Get asks for a page as somebody.
func Get(t testing.TB, h http.Handler, path string, as actor.Actor) *Doc {
	t.Helper()
	return Do(t, h, httptest.NewRequest(http.MethodGet, path, nil), as)
}

// Post sends a form as somebody, from a page of ours.
func Post(t testing.TB, h http.Handler, path string, form url.Values, as actor.Actor) *Doc {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return Do(t, h, r, as)
}

// Do asks with a request of the test's own.
func Do(t testing.TB, h http.Handler, r *http.Request, as actor.Actor) *Doc {
	t.Helper()
	r.Host = Host
	r = r.WithContext(actor.With(r.Context(), as))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return read(t, w.Result())
}
