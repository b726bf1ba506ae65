package house_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/demo"
	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/school/people"
	"belisha/internal/school/review"
)

// demoSchool is the demonstration school without listeners.
func demoSchool(t *testing.T) *house.House {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	c := &demo.Clock{}
	f, err := house.OpenFolder(dir, true, true, c.Now())
	if err != nil {
		t.Fatal(err)
	}
	h, err := house.New(t.Context(), house.Config{Dir: dir, Demo: true, Clock: c, Version: "test", Program: "/bin/false"}, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := demo.Fill(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestNoChildIsNamedToTheGovernors looks for every pupil and parent of the
// demonstration in everything that head and governors are shown of the school
// as a whole, and in what is kept and mailed of it.
func TestNoChildIsNamedToTheGovernors(t *testing.T) {
	if testing.Short() {
		t.Skip("make test fills a whole demonstration school for this")
	}
	h := demoSchool(t)
	shown := map[string]string{}
	for _, w := range []struct {
		post people.Post
		kind people.Kind
		path string
	}{
		{people.Headteacher, people.Staff, "/head"},
		{people.ChairOfGovernors, people.Governor, "/governors"},
		{people.ChairOfGovernors, people.Governor, "/governors.csv"},
		{people.ChairOfGovernors, people.Governor, "/governors.html"},
	} {
		a := actor.New(actor.Actor{ID: "person:w", Name: "W", Kind: actor.Person, Person: "w", Audience: w.kind, Posts: []string{string(w.post)}},
			h.Access.Table().May(w.kind, []people.Post{w.post})...)
		desk, _ := h.HandlersAs(t, as{a})
		rec := httptest.NewRecorder()
		desk.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://localhost"+w.path, nil))
		if rec.Code != http.StatusOK || rec.Body.Len() < 1000 {
			t.Fatalf("%s: %d, %d bytes", w.path, rec.Code, rec.Body.Len())
		}
		shown[w.path] = rec.Body.String()
	}
	rep, err := h.Review.Make(t.Context(), review.ForBoard, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(rep)
	if err != nil {
		t.Fatal(err)
	}
	shown["the report that is kept"] = string(b)
	looked := 0
	for _, kind := range []people.Kind{people.Pupil, people.Parent} {
		err := h.People.Each(t.Context(), people.Filter{Kind: kind}, func(p people.Person) error {
			looked++
			for where, text := range shown {
				if strings.Contains(text, p.Name()) || p.Username != "" && strings.Contains(text, " "+p.Username+" ") || strings.Contains(text, string(p.ID)) {
					t.Errorf("%s names the %s %s", where, kind, p.Name())
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if looked < 100 {
		t.Fatalf("only %d names were looked for", looked)
	}
}
