package house_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
	"belisha/internal/school/setup"
)

// TestAClockThatJumpsLeavesNobodySignedInAndLosesNothing moves the machine's
// clock forward by days and back again, as a flat battery does.
func TestAClockThatJumpsLeavesNobodySignedInAndLosesNothing(t *testing.T) {
	monday := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	c := clock.NewFake(monday)
	h := open(t, house.Config{Clock: c})
	ctx := actor.With(context.Background(), actor.Belisha("test"))
	head := setup.First{Posts: []people.Post{people.Headteacher}, Given: "Amira", Family: "Quist", Username: "a.quist", Password: "violet kettle meadow"}
	if err := h.Setup.AddFirst(ctx, head); err != nil {
		t.Fatal(err)
	}
	signIn := func() string {
		t.Helper()
		_, token, err := h.Access.SignIn(ctx, access.Attempt{Username: head.Username, Password: head.Password, From: netip.MustParseAddr("127.0.0.1")})
		if err != nil {
			t.Fatalf("signing in at %s: %v", c.Now(), err)
		}
		return token
	}
	signedIn := func(token string) bool {
		t.Helper()
		st, err := h.Access.Stand(ctx, token)
		if err != nil {
			t.Fatal(err)
		}
		return st.Actor.SignedIn()
	}

	token := signIn()
	if !signedIn(token) {
		t.Fatal("not signed in at all")
	}
	c.Set(monday.Add(72 * time.Hour))
	if signedIn(token) {
		t.Error("still signed in after the clock jumped three days on")
	}
	later := signIn()
	c.Set(monday.Add(-48 * time.Hour))
	if signedIn(later) {
		t.Error("still signed in after the clock went back five days")
	}
	if !signedIn(signIn()) {
		t.Error("nobody can sign in while the clock is wrong")
	}
	if err := h.Policies.RunControls(ctx); err != nil {
		t.Errorf("looking at the controls while the clock is wrong: %v", err)
	}
	c.Set(monday.Add(time.Hour))
	if !signedIn(signIn()) {
		t.Error("nobody can sign in once the clock is right again")
	}
	if rep, err := h.Journal().Verify(ctx); err != nil || rep.Fault != nil {
		t.Errorf("the journal: %v %+v", err, rep.Fault)
	}
	st, err := h.Filtering.Status(ctx)
	if err != nil || len(st) == 0 {
		t.Errorf("the lists: %v %v", st, err)
	}
}
