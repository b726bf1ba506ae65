package house_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/web"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// open opens a fresh house without listeners.
func open(t *testing.T, cfg house.Config) *house.House {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	f, err := house.OpenFolder(dir, true, cfg.Demo, time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Dir, cfg.Version, cfg.Program = dir, "test", "/bin/false"
	h, err := house.New(context.Background(), cfg, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := h.Filtering.Start(actor.With(context.Background(), actor.Belisha("test"))); err != nil {
		t.Fatal(err)
	}
	return h
}

// someone is one row of the table that is walked: who they are and what they
// hold.
type someone struct {
	name     string
	audience people.Kind
	posts    []people.Post
}

func everybody() []someone {
	out := []someone{
		{"nobody", "", nil},
		{"a pupil", people.Pupil, nil},
		{"a pupil whose record claims every post", people.Pupil, allPosts()},
		{"a parent", people.Parent, nil},
		{"a teacher", people.Staff, nil},
		{"a governor", people.Governor, nil},
		{"a visitor", people.Visitor, nil},
		{"a contractor", people.Contractor, nil},
	}
	for _, p := range people.Posts {
		out = append(out, someone{"the " + string(p.Post), p.Kinds[0], []people.Post{p.Post}})
	}
	return out
}

func allPosts() []people.Post {
	var out []people.Post
	for _, p := range people.Posts {
		out = append(out, p.Post)
	}
	return out
}

func (s someone) actor(table access.Table) actor.Actor {
	if s.audience == "" {
		return actor.Actor{ID: "nobody", Kind: actor.Nobody}
	}
	a := actor.Actor{ID: "person:walker", Name: "Walker", Kind: actor.Person, Audience: s.audience, Person: "walker"}
	return actor.New(a, table.May(s.audience, s.posts)...)
}

// as signs everybody in as one actor.
type as struct{ a actor.Actor }

func (s as) Actor(*http.Request) (actor.Actor, error) { return s.a, nil }

func TestEveryRouteAnswersExactlyThoseWhoMayUseIt(t *testing.T) {
	h := open(t, house.Config{})
	routes := web.Routes(h.Sections())
	if len(routes) < 60 {
		t.Fatalf("only %d routes: the walk is wrong", len(routes))
	}
	table := h.Access.Table()
	for _, who := range everybody() {
		a := who.actor(table)
		desk, people := h.HandlersAs(t, as{a})
		for _, r := range routes {
			check(t, desk, who.name, a, r)
			if r.People {
				check(t, people, who.name, a, r)
			}
		}
	}
}

// check asks a route as somebody and looks only at whether the door opened.
func check(t *testing.T, h http.Handler, name string, a actor.Actor, r web.RouteInfo) {
	t.Helper()
	path := strings.NewReplacer("{$}", "", "...}", "}").Replace(r.Path)
	for strings.Contains(path, "{") {
		i, j := strings.Index(path, "{"), strings.Index(path, "}")
		path = path[:i] + "0000" + path[j+1:]
	}
	req := httptest.NewRequest(r.Method, "http://localhost"+path, strings.NewReader(""))
	if r.Method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	may := r.Needs == web.Open || (r.Needs == web.SignedIn && a.SignedIn()) || a.May(r.Needs)
	refused := w.Code == http.StatusForbidden || (w.Code == http.StatusSeeOther && strings.HasPrefix(w.Header().Get("Location"), "/sign-in"))
	if !may && !refused {
		t.Errorf("%s may not %s %s (it needs %s), and got %d", name, r.Method, r.Path, r.Needs, w.Code)
	}
	if w.Code >= 500 {
		t.Errorf("%s %s as %s: %d", r.Method, r.Path, name, w.Code)
	}
}

func TestAJournalWhoseHeadOutsideIsGoneIsNotCalledKept(t *testing.T) {
	h := open(t, house.Config{})
	look := func() control.Finding {
		f, err := h.LogControl().Check(t.Context(), clock.System{}.Now(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if err := h.NoteExport(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f := look(); f.State != control.Kept {
		t.Fatalf("before: %+v", f)
	}
	if err := os.Remove(h.HeadFile()); err != nil {
		t.Fatal(err)
	}
	if f := look(); f.State != control.AtRisk {
		t.Errorf("after: %+v", f)
	}
}

func TestATokenThatOpensNothingIsTheAskersFault(t *testing.T) {
	h := open(t, house.Config{})
	desk, _ := h.HandlersAs(t, as{actor.Actor{ID: "nobody", Kind: actor.Nobody}})
	for _, bearer := range []string{"guessed", "belisha_guessed-guessed-guessed-guessed"} {
		r := httptest.NewRequest(http.MethodGet, "http://localhost/api/v1/version", nil)
		r.Header.Set("Authorization", "Bearer "+bearer)
		w := httptest.NewRecorder()
		desk.ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%q: %d %s", bearer, w.Code, w.Body)
		}
	}
}

func TestAPupilNeverReachesMoreThanThePeoplesPages(t *testing.T) {
	h := open(t, house.Config{})
	for _, r := range web.Routes(h.Sections()) {
		if r.Needs == web.Open || r.Needs == web.SignedIn {
			continue
		}
		if h.Access.Table().CanEver(people.Pupil, r.Needs) {
			t.Errorf("a pupil could %s %s", r.Method, r.Path)
		}
	}
}

func TestEveryCapabilityThatARouteNeedsIsHeldByAPost(t *testing.T) {
	h := open(t, house.Config{})
	all := h.Capabilities()
	for _, r := range web.Routes(h.Sections()) {
		if r.Needs != web.Open && r.Needs != web.SignedIn && !slices.Contains(all, r.Needs) {
			t.Errorf("nobody can ever %s %s: no post has %s", r.Method, r.Path, r.Needs)
		}
	}
}

func TestNoTwoRoomsDeclareOneVerbOrOneSetting(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range house.Verbs() {
		if seen[string(v.Verb)] || v.Says == "" {
			t.Errorf("verb %s is declared twice or says nothing", v.Verb)
		}
		seen[string(v.Verb)] = true
	}
	if _, err := house.Book(); err != nil {
		t.Error(err)
	}
}
