package activity

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"belisha/internal/kit/clock"
)

// The benchmarks build one store and ask it the questions of the monitoring
// pages. Their size is BELISHA_BENCH_EVENTS (200,000 unless set) spread over
// BELISHA_BENCH_DAYS days (20); the last day is left open, as it is at work.

func fromEnv(name string, otherwise int) int {
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil || n < 1 {
		return otherwise
	}
	return n
}

var benchStart = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)

func openBench(b *testing.B, dir string, days int) *Store {
	b.Helper()
	s, err := Open(Config{Dir: dir, Clock: clock.NewFake(benchStart.AddDate(0, 0, days-1).Add(17 * time.Hour))})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

const rareWord = "zyzzyva"

// fill stores the events and answers how long the intake took.
func fill(b *testing.B, s *Store, events, days int) time.Duration {
	b.Helper()
	ctx, g := context.Background(), newGenerator(1)
	var spent time.Duration
	for d := range days {
		batch := make([]Event, 0, 1000)
		g.day(benchStart.AddDate(0, 0, d), events/days, func(e Event) {
			if d == 1 && e.ID%uint64(events/days) == 777 {
				e.Engine, e.Words = "bing", "what is a "+rareWord
			}
			batch = append(batch, e)
			if len(batch) == cap(batch) {
				spent += appendTimed(b, s, ctx, batch)
				batch = batch[:0]
			}
		})
		spent += appendTimed(b, s, ctx, batch)
	}
	return spent
}

func appendTimed(b *testing.B, s *Store, ctx context.Context, batch []Event) time.Duration {
	b.Helper()
	began := time.Now() //nolint:forbidigo // measures
	if err := s.Append(ctx, batch); err != nil {
		b.Fatal(err)
	}
	return time.Since(began) //nolint:forbidigo // measures
}

// BenchmarkActivity measures intake, settling and the questions.
func BenchmarkActivity(b *testing.B) {
	events, days := fromEnv("BELISHA_BENCH_EVENTS", 200_000), fromEnv("BELISHA_BENCH_DAYS", 20)
	ctx, dir := context.Background(), b.TempDir()
	s := openBench(b, dir, days)
	spent := fill(b, s, events, days)
	b.Logf("intake: %d events in %v, %.0f events/s", events, spent.Round(time.Millisecond), float64(events)/spent.Seconds())
	began := time.Now() //nolint:forbidigo // measures
	if _, err := s.Settle(ctx, s.clock.Now()); err != nil {
		b.Fatal(err)
	}
	b.Logf("settled %d days in %v", days-1, time.Since(began).Round(time.Millisecond)) //nolint:forbidigo // measures
	size, err := folderSize(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("on disk: %d MB, %d bytes an event", size>>20, size/int64(events))
	first, last := benchStart, benchStart.AddDate(0, 0, days)
	open := last.AddDate(0, 0, -1)
	block := Block
	search := func(q Query) func() error {
		return func() error {
			p, err := s.Search(ctx, q)
			if err == nil && p.Partial {
				err = fmt.Errorf("only searched back to %v", p.SearchedTo)
			}
			return err
		}
	}
	someone := fmt.Sprintf("p%016x", 3*7919)
	for _, q := range []struct {
		name string
		ask  func() error
	}{
		{"a person's closed day", func() error { _, err := s.Timeline(ctx, someone, first.Add(9*time.Hour)); return err }},
		{"a person's open day", func() error { _, err := s.Timeline(ctx, someone, open.Add(9*time.Hour)); return err }},
		{"the newest rows", search(Query{})},
		{"a rare word of long ago", search(Query{Text: rareWord, From: first, To: last})},
		{"a word that is nowhere", search(Query{Text: "xyzzyplugh", From: first, To: last})},
		{"a word of two letters", search(Query{Text: "oo", From: first, To: last})},
		{"a part of many paths", search(Query{Text: "sten", From: first, To: last})},
		{"a rare host", search(Query{Host: "www." + word(19_000) + ".example", From: first, To: last})},
		{"blocked", search(Query{Action: &block, From: first, To: last})},
		{"a group's blocked games", search(Query{Action: &block, Group: "9B", Category: "games", From: first, To: last})},
		{"a device", search(Query{Device: "tablet-0042", From: first, To: last})},
		{"month totals", func() error { _, err := s.Totals(ctx, first, last, PerMonth); return err }},
		{"day totals", func() error { _, err := s.Totals(ctx, first, last, PerDay); return err }},
		{"most blocked hosts", func() error { _, err := s.Top(ctx, first, last, ByHost, Block, 20); return err }},
		{"the minutes of a day", func() error { _, err := s.Minutes(ctx, "main", open, last); return err }},
	} {
		b.Run(q.name, func(b *testing.B) { report(b, q.ask) })
	}
}

// report times each call of ask, and tells the median and the worst.
func report(b *testing.B, ask func() error) {
	b.Helper()
	var took []time.Duration
	for b.Loop() {
		began := time.Now() //nolint:forbidigo // measures
		if err := ask(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began)) //nolint:forbidigo // measures
	}
	slices.SortFunc(took, func(a, b time.Duration) int { return cmp.Compare(a, b) })
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-median")
	b.ReportMetric(float64(took[0].Microseconds())/1000, "ms-best")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms-worst")
}
