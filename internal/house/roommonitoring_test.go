package house_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/school/monitoring"
	"belisha/internal/school/people"
)

// safeguarder may open and close signals.
func safeguarder() context.Context {
	a := actor.New(actor.Actor{ID: "person:lead", Name: "Oona Marsh", Kind: actor.Person, Person: "lead", Audience: people.Staff}, monitoring.MayTray)
	return actor.With(context.Background(), a)
}

func TestARestoredHouseForgetsTheSignalsOfWhoWasErasedSince(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	start := func(fresh bool) *house.House {
		f, err := house.OpenFolder(dir, fresh, true, time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		h, err := house.New(context.Background(), house.Config{Dir: dir, Version: "test", Program: "/bin/false", Demo: true}, f)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	h := start(true)
	head := actor.New(actor.Actor{ID: "person:head", Kind: actor.Person, Person: "head", Audience: people.Staff}, monitoring.MayConfirm)
	if err := h.Monitoring.ConfirmRecording(actor.With(context.Background(), head), people.DayOf(h.Clock().Now().Add(-48*time.Hour)), "Letter of 4 September"); err != nil {
		t.Fatal(err)
	}
	for i, who := range []string{"gone", "stays"} {
		err := h.Monitoring.Saw(context.Background(), []activity.Event{{
			ID: uint64(i + 1), Gate: "main", At: h.Clock().Now(), Subject: who, Certainty: activity.Sure,
			Group: "pupils", Host: "search.example", Action: activity.Block, Alert: "suicide",
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	items, err := h.Monitoring.Waiting(context.Background(), actor.From(safeguarder()))
	if err != nil || len(items) != 2 {
		t.Fatalf("%d signals wait, %v", len(items), err)
	}
	for _, i := range items {
		s, err := h.Monitoring.OpenSignal(safeguarder(), i.Key)
		if err == nil {
			err = h.Monitoring.CloseSignal(safeguarder(), i.Key, "spoken", "", s.Version)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	// The restore leaves this beside the records.
	if err := os.WriteFile(filepath.Join(dir, "forget.json"), []byte(`["gone"]`), 0o600); err != nil {
		t.Fatal(err)
	}
	h = start(false)
	defer func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}()
	left := 0
	for _, i := range items {
		if _, err := h.Monitoring.OpenSignal(safeguarder(), i.Key); err == nil {
			left++
		}
	}
	if left != 1 {
		t.Errorf("%d signals are left, want the one of whoever was not erased", left)
	}
	if _, err := os.Stat(filepath.Join(dir, "forget.json")); !os.IsNotExist(err) {
		t.Errorf("what was to be forgotten is still named: %v", err)
	}
	if rep, err := h.Journal().Verify(context.Background()); err != nil || !rep.OK {
		t.Errorf("the journal does not hold: %+v, %v", rep, err)
	}
}
