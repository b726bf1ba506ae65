package verdict_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"belisha/internal/verdict"
	"belisha/internal/verdict/segment"
)

// world is made-up names: the first half of all are listed.
type world struct {
	all        []string
	listed     int
	categories []string
	ask        []string
}

// makeWorld makes n listed names of three and four labels, as many that are
// not listed, and asks drawn from both at random.
func makeWorld(n, categories, asks int) *world {
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]byte, 4+r.IntN(9))
		for i := range b {
			b[i] = byte('a' + r.IntN(26))
		}
		return string(b)
	}
	w := &world{listed: n}
	endings := []string{"com", "net", "org", "info", "co.uk"}
	for i := range 2 * n {
		name := word() + "." + word() + "." + endings[r.IntN(4)]
		if i&1 == 0 {
			name = word() + "." + name
		}
		w.all = append(w.all, name)
	}
	for i := range categories {
		w.categories = append(w.categories, fmt.Sprintf("category-%02d", i))
	}
	// A request's host has just been read from the wire: the asks lie one
	// behind the other in memory and are not the listed strings themselves.
	var text strings.Builder
	var ends []int
	for range asks {
		text.WriteString(w.all[r.IntN(len(w.all))])
		ends = append(ends, text.Len())
	}
	from := 0
	for _, to := range ends {
		w.ask = append(w.ask, text.String()[from:to])
		from = to
	}
	return w
}

func (w *world) rules() verdict.Rules {
	r := verdict.Rules{Version: verdict.RulesVersion, Groups: []verdict.Group{{Slug: "pupils"}, {Slug: "staff"}, {Slug: "guests"}}}
	for i, c := range w.categories {
		r.Categories = append(r.Categories, verdict.Category{Slug: c})
		if i%2 == 0 {
			r.Lines = append(r.Lines, verdict.Line{ID: "p" + c, Who: verdict.Who{Groups: []string{"pupils"}}, Categories: []string{c}})
		}
	}
	return r
}

func (w *world) build(tb testing.TB, dir string) (*segment.Segment, segment.Stats, time.Duration) {
	tb.Helper()
	began := time.Now()
	b := segment.NewBuilder()
	for i, n := range w.all[:w.listed] {
		if err := b.Add(segment.Name, n, w.categories[i%len(w.categories)]); err != nil {
			tb.Fatal(n, err)
		}
	}
	hash, stats, err := b.Write(dir)
	if err != nil {
		tb.Fatal(err)
	}
	took := time.Since(began)
	seg, err := segment.Open(segment.FileName(dir, hash))
	if err != nil {
		tb.Fatal(err)
	}
	return seg, stats, took
}

func (w *world) snapshot(tb testing.TB, segs ...*segment.Segment) *verdict.Snapshot {
	tb.Helper()
	var sources []verdict.Source
	for i, s := range segs {
		sources = append(sources, verdict.Source{Slug: fmt.Sprint("list", i), Segment: s})
	}
	s, err := verdict.New(w.rules(), sources)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func (w *world) goMap() map[string]uint8 {
	m := make(map[string]uint8, w.listed)
	for i, n := range w.all[:w.listed] {
		m[n] = uint8(i % len(w.categories))
	}
	return m
}

func (w *world) timeMap(m map[string]uint8) (time.Duration, int) {
	began, hits := time.Now(), 0
	for _, n := range w.ask {
		if _, ok := m[n]; ok {
			hits++
		}
	}
	return time.Since(began), hits
}

func (w *world) timeDecide(s *verdict.Snapshot) (time.Duration, int) {
	began, hits := time.Now(), 0
	at := time.UnixMilli(1_800_000_000_000)
	for _, n := range w.ask {
		a := verdict.Ask{Door: verdict.DoorDNS, Host: n, Groups: 1, At: at, Minute: 600}
		v := s.Decide(&a)
		if !v.Categories.Empty() {
			hits++
		}
	}
	return time.Since(began), hits
}

// TestFiguresOfTheJudge prints the figures the school was promised. It needs
// a quiet machine and a gigabyte, so it runs only when asked for.
func TestFiguresOfTheJudge(t *testing.T) {
	if os.Getenv("BELISHA_FIGURES") == "" {
		t.Skip("set BELISHA_FIGURES=1 to measure")
	}
	dir := t.TempDir()
	w := makeWorld(5_000_000, 60, 1_000_000)
	seg, stats, took := w.build(t, dir)
	t.Logf("compiled %d names in %.1f s, %d bytes, %.2f bytes a name", stats.Keys, took.Seconds(), stats.Bytes, float64(stats.Bytes)/float64(stats.Keys))
	files, _ := filepath.Glob(filepath.Join(dir, "*.seg"))
	began := time.Now()
	hash := strings.TrimSuffix(filepath.Base(files[0]), ".seg")
	if err := segment.VerifyFile(files[0], hash); err != nil {
		t.Fatal(err)
	}
	verified := time.Since(began)
	again, err := segment.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	s := w.snapshot(t, again)
	t.Logf("checked in %d ms, mapped and compiled in %.1f ms", verified.Milliseconds(), float64((time.Since(began)-verified).Microseconds())/1000)
	runtime.KeepAlive(seg)

	m := w.goMap()
	var ratios []float64
	for i := range 6 {
		byMap, hits := w.timeMap(m)
		byUs, found := w.timeDecide(s)
		if hits != found {
			t.Fatalf("the map found %d and Decide %d", hits, found)
		}
		if i == 0 {
			continue // warming up
		}
		n := time.Duration(len(w.ask))
		ratios = append(ratios, float64(byUs)/float64(byMap))
		t.Logf("map %d ns, Decide %d ns, ratio %.2f", byMap/n, byUs/n, ratios[len(ratios)-1])
	}
	slices.Sort(ratios)
	t.Logf("median ratio %.2f", ratios[len(ratios)/2])
}
