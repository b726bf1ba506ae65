package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// change runs a command that closes a site, and tells how long it took from
// its end until the site was closed for new requests, while other connections
// go on with other pages; and whether any of those was dropped.
func change(args []string) error {
	set := flag.NewFlagSet("change", flag.ExitOnError)
	address := set.String("proxy", "", "where to ask")
	other := set.String("other", "", "a page that stays open")
	closes := set.String("closes", "", "the page that is closed")
	conns := set.Int("conns", 32, "connections that go on")
	if err := set.Parse(args); err != nil {
		return err
	}
	var dropped, answers atomic.Int64
	stop := make(chan struct{})
	var ended sync.WaitGroup
	for range *conns {
		ended.Go(func() {
			if err := goOn(*address, *other, stop, &answers); err != nil {
				dropped.Add(1)
			}
		})
	}
	whole, took, err := untilClosed(*address, *closes, set.Args())
	close(stop)
	ended.Wait()
	if err != nil {
		return err
	}
	out("change_ms", float64(took.Microseconds())/1000)
	out("change_ms_with_publishing", float64(whole.Microseconds())/1000)
	out("change_answers", answers.Load())
	out("change_dropped", dropped.Load())
	return nil
}

func goOn(address, url string, stop <-chan struct{}, answers *atomic.Int64) error {
	v, err := visit(address)
	if err != nil {
		return err
	}
	defer v.close()
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		open, _, err := v.get(url)
		if err != nil {
			return err
		}
		if !open {
			return errors.New("it is closed")
		}
		answers.Add(1)
		time.Sleep(5 * time.Millisecond)
	}
}

func untilClosed(address, url string, command []string) (whole, took time.Duration, err error) {
	time.Sleep(300 * time.Millisecond) // the others are under way
	if open, err := once(address, url); err != nil || !open {
		return 0, 0, errors.Join(errors.New("the page was not open to begin with"), err)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, 0, err
	}
	published := time.Now()
	for time.Since(published) < 20*time.Second {
		if open, err := once(address, url); err == nil && !open {
			return time.Since(began), time.Since(published), nil
		}
		time.Sleep(time.Millisecond)
	}
	return 0, 0, errors.New("the page was still open after 20 seconds")
}
