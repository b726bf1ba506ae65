package house_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/school/people"
	"belisha/internal/school/setup"
)

// tray returns what waits for somebody who holds the posts.
func tray(t *testing.T, h *house.House, posts ...string) string {
	t.Helper()
	a := actor.New(actor.Actor{ID: "person:x", Kind: actor.Person, Person: "x", Audience: people.Staff, Posts: posts})
	items, err := h.Review.Tray(actor.With(context.Background(), a), a)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, i := range items {
		b.WriteString(i.Title + "|")
	}
	return b.String()
}

func TestTheHeadIsAskedToNameAndToConfirmAndNobodyElseIs(t *testing.T) {
	c := clock.NewFake(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	h := open(t, house.Config{Clock: c})
	ctx := actor.With(context.Background(), actor.Belisha("test"))
	if err := h.Setup.SetName(ctx, setup.Name{School: "Ashdown Vale", Host: "belisha.ashdown", Zone: "Europe/London"}); err != nil {
		t.Fatal(err)
	}
	if got := tray(t, h, "headteacher"); !strings.Contains(got, "Name a safeguarding lead and a deputy") || strings.Contains(got, "change the filter") {
		t.Errorf("before anybody is named: %s", got)
	}
	for i, f := range []setup.First{
		{Posts: []people.Post{people.SafeguardingLead, people.FilterManager}, Given: "Tomos", Family: "Bell", Username: "t.bell"},
		{Posts: []people.Post{people.DeputySafeguardingLead}, Given: "Ines", Family: "Marsh", Username: "i.marsh"},
	} {
		f.Password = "violet kettle meadow"
		if err := h.Setup.AddFirst(ctx, f); err != nil {
			t.Fatal(i, err)
		}
	}
	got := tray(t, h, "headteacher")
	if strings.Contains(got, "safeguarding lead and a deputy") || !strings.Contains(got, "Confirm who may change the filter") {
		t.Errorf("after they are named: %s", got)
	}
	if got := tray(t, h, "network-manager"); strings.Contains(got, "Confirm") {
		t.Errorf("somebody else is asked: %s", got)
	}
}
