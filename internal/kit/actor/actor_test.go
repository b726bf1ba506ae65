package actor_test

import (
	"context"
	"testing"

	"belisha/internal/kit/actor"
)

func TestNobodyMayNothing(t *testing.T) {
	a := actor.From(context.Background())
	if a.SignedIn() || a.May("filtering.publish") || a.ID != "nobody" {
		t.Fatalf("an empty context gave %+v", a)
	}
}

func TestAnActorMayOnlyWhatItWasGiven(t *testing.T) {
	a := actor.New(actor.Actor{ID: "person:1", Kind: actor.Person, Posts: []string{"monitor"}}, "monitoring.read")
	ctx := actor.With(context.Background(), a)
	got := actor.From(ctx)
	if !got.May("monitoring.read") || got.May("filtering.publish") {
		t.Fatalf("capabilities: %v", got.Capabilities())
	}
	if !got.Holds("monitor") || got.Holds("headteacher") {
		t.Fatalf("posts: %v", got.Posts)
	}
}
