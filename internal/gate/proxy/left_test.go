package proxy

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
)

// account is one that can be closed.
type account struct{ closed atomic.Bool }

func (a *account) Verify(context.Context, string, string) (subject.Row, bool, error) {
	return subject.Row{ID: "row", Subject: "t1", Groups: []string{"staff"}, SignedUntil: gatetest.Noon.Add(time.Hour), Ends: gatetest.Noon.Add(time.Hour)},
		!a.closed.Load(), nil
}

func TestAClosedAccountsPasswordOpensNothingAnyMore(t *testing.T) {
	a := &account{}
	b := newBench(t, func(c *Config, _ table) { c.Verifier = a })
	try := func() int {
		res, err := b.client(url.UserPassword("teacher", "right")).Get(b.url("game.test", "/"))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	if got := try(); got != http.StatusOK {
		t.Fatalf("before: %d", got)
	}
	a.closed.Store(true)
	b.server.Left([]string{"somebody else's"}, false)
	if got := try(); got != http.StatusOK {
		t.Errorf("when somebody else left: %d", got)
	}
	b.server.Left(nil, true, subject.Row{ID: "row", Subject: "t1", Groups: []string{"staff"}, SignedUntil: gatetest.Noon.Add(time.Hour), Ends: gatetest.Noon.Add(time.Hour)})
	if got := try(); got != http.StatusOK {
		t.Errorf("when new rules came and they are still there: %d", got)
	}
	b.server.Left(nil, false, subject.Row{ID: "row", Subject: "t1", Groups: []string{"pupils"}, SignedUntil: gatetest.Noon.Add(time.Hour), Ends: gatetest.Noon.Add(time.Hour)})
	if got := try(); got != http.StatusForbidden {
		t.Errorf("when they are of another group now: %d", got)
	}
	a.closed.Store(false)
	b.server.Left([]string{"row"}, false)
	if got := try(); got != http.StatusOK {
		t.Errorf("when the password is asked for anew: %d", got)
	}
	a.closed.Store(true)
	b.server.Left(nil, true)
	if got := try(); got != http.StatusForbidden {
		t.Errorf("after: %d", got)
	}
}

func TestATunnelThatAPasswordOpenedClosesWithTheAccount(t *testing.T) {
	b := newBench(t, nil)
	row := &subject.Row{ID: "row", Subject: "t1", Groups: []string{"staff"}, SignedUntil: gatetest.Noon.Add(time.Hour), Ends: gatetest.Noon.Add(time.Hour)}
	who := b.Porter.Who(b.server.Addr().Addr(), row)
	closed := false
	defer b.server.tunnels.add(newTunnel(who.Address, row, func() { closed = true }, porter.Question{Host: "game.test"}))()
	if n := b.server.Recheck(t.Context()); n != 0 || closed {
		t.Fatal("it was closed while the account is open")
	}
	b.server.Left(nil, true, *row)
	if n := b.server.Recheck(t.Context()); n != 0 || closed {
		t.Error("it was closed though the filter was told that they are still there")
	}
	b.server.Left([]string{"row"}, false)
	if n := b.server.Recheck(t.Context()); n != 1 || !closed {
		t.Error("it goes on without the account")
	}
}
