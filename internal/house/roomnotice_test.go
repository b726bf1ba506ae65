package house_test

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
	"belisha/internal/school/setup"
)

// mailLine is what the health page says of telling people by mail.
func mailLine(t *testing.T, h *house.House) (state control.State, words string) {
	t.Helper()
	for _, k := range h.Health(t.Context()) {
		if k.Name == "Mail" {
			return k.State, k.Words
		}
	}
	t.Fatal("health says nothing of mail")
	return "", ""
}

// named makes a head teacher and returns who it is.
func named(t *testing.T, h *house.House, email string) people.Person {
	t.Helper()
	ctx := actor.With(context.Background(), actor.Belisha("test"))
	if err := h.Setup.SetName(ctx, setup.Name{School: "Ashdown Vale", Host: "belisha.ashdown", Zone: "Europe/London"}); err != nil {
		t.Fatal(err)
	}
	err := h.Setup.AddFirst(ctx, setup.First{
		Posts: []people.Post{people.Headteacher}, Given: "Ines", Family: "Marsh", Username: "i.marsh", Password: "violet kettle meadow",
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.People.ByUsername(ctx, "i.marsh")
	if err != nil {
		t.Fatal(err)
	}
	p.Email = email
	if err := h.People.Change(ctx, p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHealthSaysWhoCannotBeToldAndWhyAndTheTrayGoesOn(t *testing.T) {
	c := clock.NewFake(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))
	if _, words := mailLine(t, open(t, house.Config{Clock: c})); !strings.Contains(words, "No mail server is named") {
		t.Errorf("without a server: %s", words)
	}
	h := open(t, house.Config{Clock: c, File: house.File{Mail: house.MailFile{SMTP: "127.0.0.1:1"}}})
	p := named(t, h, "")
	if state, words := mailLine(t, h); state != control.AtRisk || !strings.Contains(words, "Ines Marsh") {
		t.Errorf("without an address: %s %s", state, words)
	}
	p, err := h.People.Get(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	p.Email = "i.marsh@example.org"
	ctx := actor.With(t.Context(), actor.Belisha("test"))
	if err := h.People.Change(ctx, p); err != nil {
		t.Fatal(err)
	}
	if state, words := mailLine(t, h); state != control.Kept {
		t.Errorf("with an address: %s %s", state, words)
	}
	err = h.DB().Write(ctx, func(tx *store.Tx) error {
		return h.Notices.Send(ctx, tx, notice.Notice{Key: "k", Posts: []string{"headteacher"}, What: "Something waits", Risk: 3})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Notices.Deliver(ctx); err != nil {
		t.Fatal(err)
	}
	if state, words := mailLine(t, h); state != control.Broken || !strings.Contains(words, "cannot be reached") || !strings.Contains(words, "1 notices wait") {
		t.Errorf("the server is away: %s %s", state, words)
	}
	if got := tray(t, h, "headteacher"); !strings.Contains(got, "Name a safeguarding lead") {
		t.Errorf("the tray without mail: %s", got)
	}
}

func TestTheMailServerIsReadFromTheConfigFile(t *testing.T) {
	for text, want := range map[string]string{
		"[mail]\nsmtp = \"mail.example.org:587\"\n": "",
		"[mail]\nsmtp = \"mail.example.org:587\"\nfrom = \"belisha@example.org\"\nuser = \"b\"\npassword-file = \"/run/secret\"\nstarttls = \"always\"\n": "",
		"[mail]\nsmtp = \"mail.example.org\"\n":          "host:port",
		"[mail]\nsmtp = \"m:25\"\npassword = \"open\"\n": "there is no setting called",
	} {
		name := filepath.Join(t.TempDir(), "belisha.toml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := house.ReadFile(name, "")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestACalendarClosesWithItsOwnersLeaving(t *testing.T) {
	c := clock.NewFake(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))
	h := open(t, house.Config{Clock: c})
	p := named(t, h, "i.marsh@example.org")
	a, err := h.Access.ActorOf(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	token, err := h.Duties().OpenFeed(actor.With(t.Context(), a))
	if err != nil {
		t.Fatal(err)
	}
	desk, through := h.HandlersAs(t, as{actor.Actor{ID: "nobody", Kind: actor.Nobody}})
	get := func() (int, string) {
		w := httptest.NewRecorder()
		desk.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/calendar/"+token+".ics", nil))
		return w.Code, w.Body.String()
	}
	if code, body := get(); code != 200 || !strings.Contains(body, "Name a safeguarding lead and a deputy") {
		t.Fatalf("%d %s", code, body)
	}
	w := httptest.NewRecorder()
	through.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/calendar/"+token+".ics", nil))
	if w.Code != 404 {
		t.Errorf("the calendar is reachable through the filter: %d", w.Code)
	}
	sys := actor.With(t.Context(), actor.Belisha("test"))
	for _, step := range []struct {
		closed bool
		want   int
	}{{true, 404}, {false, 200}} {
		account, err := h.Access.AccountOf(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Access.SetDisabled(sys, account.ID, step.closed, account.Version, "looked into"); err != nil {
			t.Fatal(err)
		}
		if code, _ := get(); code != step.want {
			t.Errorf("the account is closed %v, its calendar %d", step.closed, code)
		}
	}
	p, err = h.People.Get(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.People.Leave(actor.With(t.Context(), actor.Belisha("test")), p.ID, "2026-11-22", p.Version, "moved away"); err != nil {
		t.Fatal(err)
	}
	if code, _ := get(); code != 404 {
		t.Errorf("the calendar of somebody who left: %d", code)
	}
}
