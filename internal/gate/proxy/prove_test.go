package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
)

// one password, "right", is everybody's.
type oneWord struct{}

func (oneWord) Verify(_ context.Context, user, password string) (subject.Row, bool, error) {
	return subject.Row{
		ID: user, Subject: user, Certainty: spool.Sure, Groups: []string{"pupils"}, SignedUntil: gatetest.Noon.Add(time.Hour), Ends: gatetest.Noon.Add(time.Hour),
	}, password == "right", nil
}

func TestThePeoplesPagesLearnWhoHasProvedWhoTheyAre(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "p.sock")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(cfg *Config, _ table) { cfg.Verifier = oneWord{} })
	pages := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := control.SignedClient(r, "s", gatetest.Noon); !ok {
			http.Error(w, "not signed", http.StatusForbidden)
			return
		}
		forged := r.Clone(r.Context())
		forged.Header.Set(control.HeaderWho, "head")
		if _, _, ok := control.SignedClient(forged, "s", gatetest.Noon); ok {
			t.Error("who it is may be changed")
		}
		io.WriteString(w, "you are "+r.Header.Get(control.HeaderWho))
	})}
	done := make(chan error, 1)
	go func() { done <- pages.Serve(ln) }()
	t.Cleanup(func() { pages.Close(); <-done })
	if err := b.Porter.Configure(&porter.Settings{OwnHosts: []string{gatetest.OwnHost}, PeopleSocket: socket}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		user *url.Userinfo
		said string
		want string
	}{
		{"a right password", url.UserPassword("mia", "right"), "", "you are mia"},
		{"a wrong one", url.UserPassword("mia", "wrong"), "", "you are "},
		{"none", nil, "", "you are "},
		{"somebody who says so", nil, "head", "you are "},
	} {
		req, err := http.NewRequest(http.MethodGet, "http://"+gatetest.OwnHost+"/why", nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.said != "" {
			req.Header.Set(control.HeaderWho, c.said)
		}
		res, err := b.client(c.user).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(body) != c.want {
			t.Errorf("%s: %q %v", c.name, body, err)
		}
	}
}
