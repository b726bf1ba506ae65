package monitoring

import (
	"path/filepath"
	"testing"

	"belisha/internal/kit/clock"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/vault"
)

// TestEverythingIsSealedWithTheSchoolsOwnKey holds each text that the room
// seals against a real vault, which refuses what it has no key for.
func TestEverythingIsSealedWithTheSchoolsOwnKey(t *testing.T) {
	db := storetest.SQLite(t, vault.Schema)
	v, err := vault.Open(t.Context(), db, clock.NewFake(monday), vault.File(filepath.Join(t.TempDir(), "school.key")))
	if err != nil {
		t.Fatal(err)
	}
	r := &Room{d: Deps{Sealer: v}}
	for _, purpose := range []string{sealPurpose, "alerts", "watch-reviews", "support-meetings", "contractor-grants", "releases", "erasure-requests", "legal-holds"} {
		sealed, err := r.sealText(t.Context(), purpose, "one", "what was written")
		if err != nil {
			t.Errorf("%s: %v", purpose, err)
			continue
		}
		if got, err := r.unsealText(t.Context(), purpose, "one", sealed); err != nil || got != "what was written" {
			t.Errorf("%s: opened as %q, %v", purpose, got, err)
		}
		if _, err := r.unsealText(t.Context(), purpose, "two", sealed); err == nil {
			t.Errorf("%s: opened in another row", purpose)
		}
		if _, err := r.unsealText(t.Context(), "another", "one", sealed); err == nil {
			t.Errorf("%s: opened as something else", purpose)
		}
	}
}
