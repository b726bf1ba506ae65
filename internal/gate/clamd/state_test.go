package clamd

import (
	"testing"
	"time"
)

func TestAScannerThatWentIsAskedAgainSoon(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		fails []time.Duration // when, after the beginning
		due   time.Duration   // when it is asked again at the earliest
	}{
		{"after one failure", []time.Duration{0}, time.Second},
		{"after many that were on their way at once", []time.Duration{0, 0, time.Millisecond, 2 * time.Millisecond, 500 * time.Millisecond}, time.Second},
		{"after a second one, twice as long", []time.Duration{0, time.Second, time.Second}, 3 * time.Second},
		{"after a clock that went back by a minute", []time.Duration{time.Minute, 0}, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &peer{name: "x"}
			for _, after := range c.fails {
				e.failed(at.Add(after), "does not answer")
			}
			if e.due(at.Add(c.due - 10*time.Millisecond)) {
				t.Errorf("it is asked before %s", c.due)
			}
			if !e.due(at.Add(c.due)) {
				t.Errorf("it is not asked at %s", c.due)
			}
		})
	}
	e := &peer{name: "x"}
	e.failed(at, "does not answer")
	if !e.due(at.Add(-time.Minute)) {
		t.Error("a clock that went back keeps it away")
	}
}
