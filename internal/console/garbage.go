package console

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// garbage is how much may lie about in the filter's memory before it is
	// collected, in percent of what is in use.
	garbage = 50
	// leastGarbage is how much always may, in bytes: with little in use, half of
	// it would be collected hundreds of times in a second.
	leastGarbage = 12 << 20
	// steps are in what steps the percentage changes, so that it seldom does.
	steps = 25
	// mostGarbage bounds it, for when next to nothing is in use.
	mostGarbage = 600
)

// tidy sets after every collection how much may lie about until the next.
type tidy struct {
	percent int
	live    []metrics.Sample
}

func keepTidy() {
	t := &tidy{live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	t.set()
}

// mark is something that nobody holds: when it is gone, there was a collection.
type mark struct{ _ [64]byte }

func (t *tidy) set() {
	metrics.Read(t.live)
	if p := percentFor(t.live[0].Value.Uint64()); p != t.percent {
		t.percent = p
		debug.SetGCPercent(p)
	}
	runtime.AddCleanup(new(mark), (*tidy).set, t)
}

// percentFor is how much may lie about where so many bytes are in use.
func percentFor(live uint64) int {
	wanted := leastGarbage * 100 / max(live, 1)
	wanted = (wanted + steps - 1) / steps * steps
	return int(min(max(wanted, garbage), mostGarbage))
}
