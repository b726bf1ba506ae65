package verdict_test

import (
	"testing"
	"time"

	"belisha/internal/verdict"
)

// BenchmarkDecide judges names of which half are listed; BenchmarkMap looks
// the same names up in a map. Both work near the processor: the promised
// figure is taken over five million names, see figures_test.go.
func BenchmarkDecide(b *testing.B) {
	w := makeWorld(1000, 60, 4096)
	seg, _, _ := w.build(b, b.TempDir())
	s := w.snapshot(b, seg)
	at := time.UnixMilli(1_800_000_000_000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		a := verdict.Ask{Door: verdict.DoorDNS, Host: w.ask[i&4095], Groups: 1, At: at, Minute: 600}
		s.Decide(&a)
		i++
	}
}

func BenchmarkMap(b *testing.B) {
	w := makeWorld(1000, 60, 4096)
	m := w.goMap()
	hits, i := 0, 0
	for b.Loop() {
		if _, ok := m[w.ask[i&4095]]; ok {
			hits++
		}
		i++
	}
}
