package tickets_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web"
	"belisha/internal/school/tickets"
)

type tokens map[string]actor.Actor

func (t tokens) Actor(_ context.Context, bearer string) (actor.Actor, error) {
	if a, ok := t[bearer]; ok {
		return a, nil
	}
	return actor.Actor{}, web.ErrSignIn
}

func TestTheAPITellsOfReportsAndNeverWhoMadeThem(t *testing.T) {
	s := open(t, storetest.SQLite(t, schemas()...))
	s.report("example.org")
	s.report("other.example")
	api, err := web.NewAPI(web.APIDeps{Title: "Belisha", Version: "test", Log: slog.New(slog.DiscardHandler), Tokens: tokens{
		"reader": actor.New(actor.Actor{ID: "token:1", Kind: actor.Token}, tickets.MayRead), "other": actor.New(actor.Actor{ID: "token:2", Kind: actor.Token}),
	}})
	must(t, err)
	s.room.API(api)
	must(t, api.Err())
	ask := func(path, bearer string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/tickets"+path, nil)
		r.Header.Set("Authorization", "Bearer "+bearer)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		return w
	}
	s.clock.Advance(96 * time.Hour)
	var got struct {
		Items []struct {
			Number int64
			Site   string
			Late   bool
		}
		Total int
	}
	w := ask("?late=true&kind=over", "reader")
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || got.Total != 2 || got.Items[0].Number != 2 || !got.Items[0].Late {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	for _, not := range []string{string(s.pupil), "history", "Wren", "pupil"} {
		if strings.Contains(w.Body.String(), not) {
			t.Errorf("it tells %q: %s", not, w.Body)
		}
	}
	for path, bearer := range map[string]string{"": "other", "?state=open": "nobody"} {
		if w := ask(path, bearer); w.Code != 403 && w.Code != 401 {
			t.Errorf("%s: %d", bearer, w.Code)
		}
	}
	if w := ask("?state=forged", "reader"); w.Code != 422 {
		t.Errorf("a state that there is not: %d", w.Code)
	}
}
