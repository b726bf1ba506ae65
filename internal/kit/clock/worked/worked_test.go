package worked_test

import (
	"testing"
	"time"

	"belisha/internal/kit/clock"
	"belisha/internal/kit/clock/worked"
)

func TestWaitingIsNoWorkAndWorkIs(t *testing.T) {
	if worked.Time() == 0 {
		t.Log("processor time is not measured on this system")
		return
	}
	const long = 60 * time.Millisecond
	if took := worked.By(func() { <-time.After(long) }); took >= long {
		t.Errorf("waiting %v counts as %v of work", long, took)
	}
	took := worked.By(func() {
		for end := (clock.System{}).Now().Add(long); (clock.System{}).Now().Before(end); { //nolint:revive // it is the work
		}
	})
	if took < time.Millisecond {
		t.Errorf("working for %v counts as %v", long, took)
	}
}
