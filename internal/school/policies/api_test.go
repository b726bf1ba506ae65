package policies_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/policies"
)

type tokens map[string]actor.Actor

func (t tokens) Actor(_ context.Context, bearer string) (actor.Actor, error) {
	if a, ok := t[bearer]; ok {
		return a, nil
	}
	return actor.Actor{}, store.ErrForbidden
}

func TestTheAPITellsTheStateToATokenThatMayKnowIt(t *testing.T) {
	s := newSchool(t)
	if _, err := s.activate(s.shipped("village-primary")); err != nil {
		t.Fatal(err)
	}
	program := func(caps ...actor.Capability) actor.Actor {
		return actor.New(actor.Actor{ID: "token:1", Kind: actor.Token}, caps...)
	}
	api, err := web.NewAPI(web.APIDeps{
		Title: "Belisha", Version: "test", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Tokens: tokens{"trust": program(policies.MayRead, policies.MayEvidence), "screen": program(policies.MayRead)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.API(api)
	if err := api.Err(); err != nil {
		t.Fatal(err)
	}
	ask := func(path, bearer string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/api/v1"+path, nil)
		r.Header.Set("Authorization", "Bearer "+bearer)
		api.ServeHTTP(w, r)
		return w
	}
	var st policies.Status
	if w := ask("/policy/status", "trust"); w.Code != 200 || json.Unmarshal(w.Body.Bytes(), &st) != nil || len(st.Clauses) < 60 || st.Policy.Version != "1.0" {
		t.Errorf("status %d: %.300s", w.Code, w.Body)
	}
	if w := ask("/policy/status", "screen"); w.Code != 403 {
		t.Errorf("without the scope: %d", w.Code)
	}
	if w := ask("/policy/status", "nobody"); w.Code != 401 {
		t.Errorf("without a token: %d", w.Code)
	}
	var reqs struct{ Requirements []struct{ ID, State string } }
	if w := ask("/requirements", "screen"); w.Code != 200 || json.Unmarshal(w.Body.Bytes(), &reqs) != nil || len(reqs.Requirements) != 397 {
		t.Errorf("requirements %d: %.300s", w.Code, w.Body)
	}
}
