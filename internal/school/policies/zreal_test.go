package policies_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"testing"

	"belisha/internal/kit/backup"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/school/access"
	"belisha/internal/school/monitoring"
	"belisha/internal/school/people"
	"belisha/internal/school/policies"
	shipped "belisha/policies"
)

func TestZReal(t *testing.T) {
	if os.Getenv("REAL") == "" {
		t.Skip()
	}
	real, err := setting.NewBook(policies.Settings(), access.Settings(), monitoring.Settings(), people.Settings(), backup.Settings())
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.SQLite(t, policies.Schema, journal.Schema)
	j, _ := journal.New(journal.Deps{DB: db, Clock: clock.NewFake(monday)})
	r, err := policies.New(policies.Deps{DB: db, Journal: j, Clock: clock.NewFake(monday), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Book: real, Live: setting.NewLive(setting.NewValues(real, 0, nil)), Files: shipped.Files})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range r.Shipped() {
		text, _ := r.ShippedText(n)
		for _, p := range r.Check(context.Background(), text).Problems {
			if p.Level == "note" {
				if p.Code == "undecided" {
					t.Log(n, p)
				}
				continue
			}
			t.Log(n, p)
		}
	}
}
