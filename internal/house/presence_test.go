package house_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/porter"
	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

func TestTheFilterIsToldSomebodysClassesAndHowTheirAgreementStands(t *testing.T) {
	h := open(t, house.Config{})
	ctx := actor.With(context.Background(), actor.Belisha("test"))
	id, err := h.People.Add(ctx, people.Person{Kind: people.Pupil, Given: "Ayo", Family: "Quill", Year: "7", Class: "7B", Site: people.MainSite})
	if err != nil {
		t.Fatal(err)
	}
	tomorrow := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	behind := access.Row{
		Address: netip.MustParseAddr("10.0.0.7"), Subject: "s1", Person: id, Certain: access.Sure, Groups: []string{"pupils"},
		SignedUntil: tomorrow, Ends: tomorrow,
	}
	row, err := h.RowOf(ctx, behind)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(row.Classes, "class:7B") || row.Agreement != "" {
		t.Errorf("row %+v", row)
	}
	h.AskStanding(func(_ context.Context, who people.ID) (string, error) {
		if who != id {
			t.Errorf("asked for %s", who)
		}
		return "hold", nil
	})
	if row, err = h.RowOf(ctx, behind); err != nil || !row.Held() {
		t.Errorf("row %+v, %v", row, err)
	}
}

func TestThePageThatExplainsABlockSaysWhatStandsInTheWay(t *testing.T) {
	for _, c := range []struct {
		name  string
		block porter.Block
		want  string
	}{
		{"the agreement", porter.Block{Reason: "agreement"}, "sign"},
		{"several people", porter.Block{Reason: "category", Pupil: "Games are closed.", Teacher: "Games.", Several: true}, "the strictest rules hold"},
		{"nobody signed in", porter.Block{Reason: "unsigned", Pupil: "Games are closed."}, "ign in"},
		{"a pause", porter.Block{Reason: "paused"}, "paused"},
		{"one person", porter.Block{Reason: "category", Pupil: "Games are closed.", Teacher: "Games."}, "Games"},
	} {
		got := house.ClosedOf(c.block)
		for reader, says := range map[string]string{"a pupil": got.Pupil, "staff": got.Staff} {
			if !strings.Contains(says, c.want) || !c.block.Several && strings.Contains(says, "strictest") {
				t.Errorf("%s: %s reads %q", c.name, reader, says)
			}
		}
	}
}

func TestTheFiltersSettingsAreWrittenByOneAtATime(t *testing.T) {
	h := open(t, house.Config{})
	failed := make(chan error, 200)
	for range cap(failed) {
		go func() { failed <- h.TellSettings(context.Background()) }()
	}
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
}
