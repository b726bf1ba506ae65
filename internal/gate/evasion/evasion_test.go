package evasion

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	whole  = flag.Bool("whole", false, "also what takes long")
	which  = flag.String("case", "", "only the cases whose name begins so")
	update = flag.Bool("update", false, "write doc/evasion.md")
)

// result is how one case went.
type result struct {
	c       *tried
	mode    string
	failed  []string
	runs    int
	took    time.Duration
	skipped string
}

func TestEvasion(t *testing.T) {
	log.SetOutput(io.Discard) // net/http quotes what sites send; the gate says nothing there either
	cases := readCases(t)
	w := newWorld(t)
	book := &book{w: w, t: t}
	book.settle()
	for _, c := range cases {
		if !strings.HasPrefix(c.id, *which) {
			continue
		}
		c.elsewhere(t)
		for _, mode := range c.modes {
			book.try(c, mode)
		}
	}
	<-time.After(250 * time.Millisecond) // what may be dropped is in the file 100 ms later
	book.checkEvents()
	book.table()
	if *update && *which == "" {
		if err := os.WriteFile(document, []byte(book.document()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// book keeps how the cases went.
type book struct {
	w       *world
	t       *testing.T
	results []*result
	runs    []*run
	of      map[*run]*result
	quiet   int // goroutines when nothing happens
}

// try runs a case in one mode.
func (b *book) try(c *tried, mode string) {
	res := &result{c: c, mode: mode}
	b.results = append(b.results, res)
	if c.only["slow"] && !*whole {
		res.skipped = "only with the whole"
		return
	}
	begun := now()
	defer func() { res.took = now().Sub(begun) }()
	for i, value := range c.of {
		if len(c.steps) == 0 || i > 0 && testing.Short() {
			break
		}
		r := newRun(b.w, b.t, c, mode, value)
		err := r.do()
		if errors.Is(err, errAbsent) {
			res.skipped = err.Error()
			return
		}
		res.runs++
		b.runs = append(b.runs, r)
		if b.of == nil {
			b.of = map[*run]*result{}
		}
		b.of[r] = res
		if err == nil {
			err = b.after(c)
		}
		if err != nil {
			res.failed = append(res.failed, fmt.Sprintf("%.100q: %v", value, err))
		}
	}
}

// after sees that the gate answers others, has not panicked, and left nothing
// running.
func (b *book) after(c *tried) error {
	probe := &tried{id: "probe", group: "pupils", of: []string{""}}
	r := newRun(b.w, b.t, probe, "plain", "")
	r.sites.begin()
	err := r.request("GET", "ok.test/", "")
	if err == nil {
		err = r.isPassed("")
		if c.only["scanner"] && r.isPage() {
			err = nil // the scanner is left alone for a while
		}
	}
	r.close()
	if err != nil {
		return fmt.Errorf("afterwards others are not served: %w", err)
	}
	if n := b.w.status().Faults; n != 0 {
		return fmt.Errorf("%d panics: %s", n, tail(b.w.log.text()))
	}
	for stop := now().Add(patience); runtime.NumGoroutine() > b.quiet; <-time.After(time.Millisecond) {
		if now().After(stop) {
			n := runtime.NumGoroutine()
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			err := fmt.Errorf("%d goroutines, %d before: %s", n, b.quiet, ours(string(stacks)))
			b.quiet = n
			return err
		}
	}
	return nil
}

// ours are the stacks that are of the gate's doors.
func ours(stacks string) string {
	var out []string
	for s := range strings.SplitSeq(stacks, "\n\n") {
		if strings.Contains(s, "gate/proxy") || strings.Contains(s, "gate/icap") || strings.Contains(s, "gate/dns") || strings.Contains(s, "http2") || strings.Contains(s, "persistConn") {
			out = append(out, s)
		}
	}
	return strings.Join(out, "\n\n")
}

func tail(s string) string { return s[max(0, len(s)-2000):] }

// settle learns how many goroutines run when nothing happens: what is opened
// on the first need only is opened first.
func (b *book) settle() {
	for _, mode := range []string{"plain", "T", "M"} {
		probe := &tried{id: "first", group: "pupils", of: []string{""}}
		r := newRun(b.w, b.t, probe, mode, "")
		if err := errors.Join(r.request("GET", "ok.test/", ""), r.isPassed("")); err != nil {
			b.t.Fatalf("a plain page in mode %s: %v", mode, err)
		}
		r.close()
	}
	least, same := runtime.NumGoroutine(), 0
	for stop := now().Add(3 * time.Second); same < 50 && now().Before(stop); <-time.After(4 * time.Millisecond) {
		same++
		if n := runtime.NumGoroutine(); n < least {
			least, same = n, 0
		}
	}
	b.quiet = least + 6 // connections that are kept for the next question upstream
}

func (b *book) checkEvents() {
	all := b.w.events()
	for _, r := range b.runs {
		if err := r.checkEvents(all); err != nil {
			res := b.of[r]
			res.failed = append(res.failed, fmt.Sprintf("%.100q: %v", r.value, err))
		}
	}
	for line := range strings.Lines(b.w.log.text()) {
		if !strings.HasPrefix(line, "time=") {
			b.t.Errorf("a line of the gate's log was not written by it: %.200q", line)
		}
	}
}

// table prints how it went and fails for what went otherwise.
func (b *book) table() {
	counts := map[string]int{}
	for _, r := range b.results {
		word := "as expected"
		switch {
		case len(r.failed) > 0:
			word = "OTHERWISE"
		case r.skipped != "":
			word = "not tried: " + r.skipped
		case r.runs == 0:
			word = "tried elsewhere"
		}
		counts[strings.Split(word, ":")[0]]++
		if testing.Verbose() {
			fmt.Printf("%-26s %-10s %-5s %4d %7s  %-12s %s\n", r.c.id, strings.Join(r.c.rows, " "), r.mode, r.runs, r.took.Round(time.Millisecond), word, r.c.what)
		}
		for _, f := range r.failed {
			b.t.Errorf("%s (%s) %s: %s", r.c.id, r.mode, r.c.what, f)
		}
	}
	keys := slices.Sorted(func(yield func(string) bool) {
		for k := range counts {
			if !yield(k) {
				return
			}
		}
	})
	for _, k := range keys {
		b.t.Logf("%s: %d", k, counts[k])
	}
	total := 0
	for _, r := range b.results {
		total += r.runs
	}
	b.t.Logf("%d cases, %d in their modes, %d runs", len(b.results), len(b.results), total)
}
