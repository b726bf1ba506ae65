package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
)

// tokens knows two tokens.
type tokens struct{}

func (tokens) Actor(_ context.Context, bearer string) (actor.Actor, error) {
	switch bearer {
	case "good":
		return actor.New(actor.Actor{ID: "token:1", Kind: actor.Token}, "people.read"), nil
	case "narrow":
		return actor.New(actor.Actor{ID: "token:2", Kind: actor.Token}), nil
	case "fault":
		return actor.Actor{}, errors.New("no database")
	}
	return actor.Actor{}, store.ErrNotFound
}

type personOut struct {
	Body struct {
		Name string `json:"name"`
		By   string `json:"by"`
	}
}

type personIn struct {
	ID string `path:"id" maxLength:"20"`
}

func person(ctx context.Context, in *personIn) (*personOut, error) {
	switch in.ID {
	case "gone":
		return nil, store.ErrNotFound
	case "bad":
		return nil, store.Invalid{"name": "Write a name"}
	case "fault":
		return nil, errors.New("secret detail")
	}
	out := &personOut{}
	out.Body.Name, out.Body.By = "Ada", actor.From(ctx).ID
	return out, nil
}

type nameIn struct {
	Body struct {
		Name string `json:"name" maxLength:"20"`
	}
}

func apiSite(t *testing.T) http.Handler {
	t.Helper()
	api, err := web.NewAPI(web.APIDeps{Title: "Belisha", Version: "1", Tokens: tokens{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	web.Register(api, huma.Operation{OperationID: "person", Method: http.MethodGet, Path: "/people/{id}", Summary: "One person"}, "people.read", person)
	web.Register(api, huma.Operation{OperationID: "name", Method: http.MethodPost, Path: "/names", Summary: "A name"}, "people.read",
		func(_ context.Context, in *nameIn) (*personOut, error) {
			out := &personOut{}
			out.Body.Name = in.Body.Name
			return out, nil
		})
	if len(api.Routes()) != 2 || api.Routes()[0].Needs != "people.read" || api.Routes()[0].Path != "/api/v1/people/{id}" {
		t.Errorf("the table of operations is %v", api.Routes())
	}
	d := webtest.Deps()
	d.API = api
	desk, _, err := web.Mux(nil, d)
	if err != nil {
		t.Fatal(err)
	}
	return desk
}

func call(t *testing.T, site http.Handler, method, path, token, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = webtest.Host
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	return w
}

func TestTheAPIAsksForATokenWithTheScope(t *testing.T) {
	site := apiSite(t)
	cases := []struct {
		name, method, path, token, body string
		status                          int
	}{
		{"a good token", "GET", "/api/v1/people/7", "good", "", 200},
		{"no token", "GET", "/api/v1/people/7", "", "", 401},
		{"an unknown token", "GET", "/api/v1/people/7", "forged", "", 401},
		{"a token without the scope", "GET", "/api/v1/people/7", "narrow", "", 403},
		{"a store that is down", "GET", "/api/v1/people/7", "fault", "", 500},
		{"a record that is not there", "GET", "/api/v1/people/gone", "good", "", 404},
		{"a wrong field", "GET", "/api/v1/people/bad", "good", "", 422},
		{"a fault", "GET", "/api/v1/people/fault", "good", "", 500},
		{"an operation that is not there", "GET", "/api/v1/nothing", "good", "", 404},
		{"another method", "DELETE", "/api/v1/people/7", "good", "", 405},
		{"an unknown query", "GET", "/api/v1/people/7?all=yes", "good", "", 422},
		{"a body that fits", "POST", "/api/v1/names", "good", `{"name":"Ada"}`, 200},
		{"an unknown field in the body", "POST", "/api/v1/names", "good", `{"name":"Ada","admin":true}`, 422},
		{"a body too large", "POST", "/api/v1/names", "good", `{"name":"` + strings.Repeat("x", 2<<20) + `"}`, 413},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := call(t, site, c.method, c.path, c.token, c.body)
			if w.Code != c.status {
				t.Fatalf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if c.status == 200 {
				return
			}
			var p struct {
				Status int
				Detail string
			}
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != c.status || p.Detail == "" {
				t.Errorf("not a problem that says what is wrong: %s", w.Body)
			}
			if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("it is %s", got)
			}
			if strings.Contains(w.Body.String(), "secret detail") || strings.Contains(w.Body.String(), "no database") {
				t.Errorf("it tells what is inside: %s", w.Body)
			}
		})
	}
	if w := call(t, site, "GET", "/api/v1/people/7", "good", ""); !strings.Contains(w.Body.String(), `"by":"token:1"`) {
		t.Errorf("the room does not know who asks: %s", w.Body)
	}
}

func TestTheAPISaysWhatItIs(t *testing.T) {
	w := call(t, apiSite(t), "GET", "/api/v1/openapi.json", "", "")
	var doc struct {
		OpenAPI string
		Paths   map[string]any
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Paths["/people/{id}"] == nil {
		t.Errorf("the document is %.300s", w.Body)
	}
}

func TestAnOperationWithoutACapabilityStopsTheStart(t *testing.T) {
	api, err := web.NewAPI(web.APIDeps{Title: "Belisha", Version: "1", Tokens: tokens{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	huma.Register(api, huma.Operation{OperationID: "open", Method: http.MethodGet, Path: "/people/{id}"}, person)
	d := webtest.Deps()
	d.API = api
	if _, _, err := web.Mux(nil, d); err == nil || !strings.Contains(err.Error(), "no capability") {
		t.Errorf("it starts: %v", err)
	}
	w := httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/people/7", nil))
	if w.Code != http.StatusForbidden {
		t.Errorf("and it would answer with %d", w.Code)
	}
}
