package clock_test

import (
	"testing"
	"time"

	"belisha/internal/kit/clock"
)

func TestAFakeClockStandsUntilItIsMoved(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	c := clock.NewFake(at)
	if got := c.Now(); !got.Equal(at) {
		t.Fatalf("Now() = %v, want %v", got, at)
	}
	c.Advance(90 * time.Minute)
	if got, want := c.Now(), at.Add(90*time.Minute); !got.Equal(want) {
		t.Fatalf("after Advance: %v, want %v", got, want)
	}
	c.Set(at.Add(-time.Hour))
	if got, want := c.Now(), at.Add(-time.Hour); !got.Equal(want) {
		t.Fatalf("after Set back: %v, want %v", got, want)
	}
}
