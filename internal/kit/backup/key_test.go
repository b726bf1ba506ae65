package backup

import (
	"crypto/rand"
	"testing"

	"filippo.io/age"
)

func TestEveryKeyMakesAnIdentityThatAgeReads(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		school := make([]byte, 32)
		_, _ = rand.Read(school)
		id, err := Identity(school)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := age.ParseX25519Identity(id.String()); err != nil {
			t.Fatal(err)
		}
		again, err := Identity(school)
		if err != nil || again.String() != id.String() {
			t.Fatalf("one key made two identities, %v", err)
		}
		if seen[id.String()] {
			t.Fatal("two keys made one identity")
		}
		seen[id.String()] = true
	}
}
