package console

import (
	"runtime"
	"runtime/metrics"
	"testing"
)

func TestHowMuchMayLieAbout(t *testing.T) {
	for live, want := range map[uint64]int{0: mostGarbage, 1 << 20: mostGarbage, 4 << 20: 300, 12 << 20: 100, 20 << 20: 75, 24 << 20: 50, 200 << 20: 50} {
		if got := percentFor(live); got != want {
			t.Errorf("%d MB in use: %d percent, want %d", live>>20, got, want)
		}
	}
}

func TestItFollowsWhatIsInUse(t *testing.T) {
	keepTidy()
	held := make([]byte, 100<<20)
	percent := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	for range 2000 { // it is told after a collection, by and by
		runtime.GC()
		if metrics.Read(percent); percent[0].Value.Uint64() == garbage {
			runtime.KeepAlive(held)
			return
		}
	}
	t.Errorf("%d percent with 100 MB in use", percent[0].Value.Uint64())
}
