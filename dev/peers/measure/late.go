package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"sync"
	"time"
)

// late asks for a page at a steady rate, over kept connections, and tells how
// long answers took from when they were due.
func late(args []string) error {
	set := flag.NewFlagSet("late", flag.ExitOnError)
	address := set.String("proxy", "", "where to ask")
	url := set.String("url", "", "for which page")
	rate := set.Float64("rate", 500, "how many a second")
	conns := set.Int("conns", 64, "over how many connections")
	long := set.Duration("for", 4*time.Second, "how long")
	if err := set.Parse(args); err != nil {
		return err
	}
	all, err := steadily(*address, *url, *rate, *conns, *long)
	if err != nil {
		return err
	}
	slices.Sort(all)
	at := func(share float64) float64 { return float64(all[int(share*float64(len(all)-1))].Microseconds()) / 1000 }
	out("p50_ms", at(.5))
	out("p99_ms", at(.99))
	out("answers", len(all))
	return nil
}

// steadily spreads the load evenly over the connections, each of which keeps
// its own times; an answer that comes late makes the next one late, and is
// counted so.
func steadily(address, url string, rate float64, conns int, long time.Duration) ([]time.Duration, error) {
	gap := time.Duration(float64(conns) / rate * float64(time.Second))
	began := time.Now().Add(50 * time.Millisecond)
	var (
		all     []time.Duration
		faults  []error
		results sync.Mutex
		ended   sync.WaitGroup
	)
	for i := range conns {
		ended.Go(func() {
			took, err := one(address, url, began.Add(gap*time.Duration(i)/time.Duration(conns)), gap, long)
			results.Lock()
			defer results.Unlock()
			all = append(all, took...)
			if err != nil {
				faults = append(faults, err)
			}
		})
	}
	ended.Wait()
	if len(all) == 0 {
		faults = append(faults, errors.New("no answer came"))
	}
	return all, errors.Join(faults...)
}

func one(address, url string, due time.Time, gap, long time.Duration) (took []time.Duration, err error) {
	v, err := visit(address)
	if err != nil {
		return nil, err
	}
	defer v.close()
	for end := due.Add(long); due.Before(end); due = due.Add(gap) {
		time.Sleep(time.Until(due))
		open, _, err := v.get(url)
		if err != nil {
			return took, err
		}
		if !open {
			return took, fmt.Errorf("%s was not passed on", url)
		}
		took = append(took, time.Since(due))
	}
	return took, nil
}
