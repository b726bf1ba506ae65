package snapfile_test

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"belisha/internal/verdict"
	"belisha/internal/verdict/segment"
	"belisha/internal/verdict/snapfile"
)

func TestListsAreNeverUnmappedUnderARunningDecision(t *testing.T) {
	dir := t.TempDir()
	pub, key := newKey(t)
	l := snapfile.NewLoader(dir, pub)
	var current atomic.Pointer[verdict.Snapshot]
	swap := func(i int) {
		publish(t, dir, key, rules("adult"), list(t, dir, "adult", "bad.test", "n"+strconv.Itoa(i)+".test"))
		s, err := l.Load()
		if err != nil {
			t.Error(err)
			return
		}
		current.Store(s)
		runtime.GC()
	}
	swap(0)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var asked atomic.Int64
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if !blocks(current.Load(), "www.bad.test") {
					t.Error("a listed name was open during a change")
					return
				}
				asked.Add(1)
			}
		})
	}
	for i := range 12 {
		swap(i + 1)
	}
	close(stop)
	wg.Wait()
	if asked.Load() == 0 {
		t.Error("nothing was asked during the changes")
	}
}

// TestFiguresOfAReload prints what memory a gate needs while its largest list
// is replaced. It runs only when asked for.
func TestFiguresOfAReload(t *testing.T) {
	if os.Getenv("BELISHA_FIGURES") == "" {
		t.Skip("set BELISHA_FIGURES=1 to measure")
	}
	dir := t.TempDir()
	pub, key := newKey(t)
	const n = 5_000_000
	name := func(i, turn int) string {
		return "w" + strconv.Itoa(i*7919) + ".site" + strconv.Itoa(turn) + "x" + strconv.Itoa(i) + ".com"
	}
	publishBig := func(turn int) {
		if err := snapfile.Prepare(dir); err != nil {
			t.Fatal(err)
		}
		b := segment.NewBuilder()
		for i := range n {
			if err := b.Add(segment.Name, name(i, turn), "adult"); err != nil {
				t.Fatal(err)
			}
		}
		hash, _, err := b.Write(snapfile.SegmentsDir(dir))
		if err != nil {
			t.Fatal(err)
		}
		publish(t, dir, key, rules("adult"), snapfile.SegmentRef{Source: "big", Hash: hash})
	}
	ask := func(s *verdict.Snapshot, turn int) {
		for i := 0; i < n; i += 3 {
			if !blocks(s, name(i, turn)) {
				t.Fatal("a listed name is open")
			}
		}
	}
	publishBig(1)
	debug.FreeOSMemory()
	l := snapfile.NewLoader(dir, pub)
	began := time.Now()
	s, err := l.Load()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("loaded from the folder in %d ms", time.Since(began).Milliseconds())
	ask(s, 1)
	debug.FreeOSMemory()
	base := resident(t)
	publishBig(2)
	debug.FreeOSMemory()
	before := resident(t)
	next, err := l.Load()
	if err != nil {
		t.Fatal(err)
	}
	loaded := resident(t)
	ask(s, 1) // the old one goes on until the swap
	s = nil
	runtime.GC()
	ask(next, 2)
	after := resident(t)
	t.Logf("resident MB: steady %d, before the reload %d, both loaded %d, after the swap %d; peak/steady %.2f",
		base>>20, before>>20, loaded>>20, after>>20, float64(max(loaded, after))/float64(base))
}

func resident(t *testing.T) int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("this system does not tell its memory")
	}
	_, rest, _ := bytes.Cut(b, []byte("VmRSS:"))
	n, err := strconv.ParseInt(strings.Fields(string(rest))[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}
