package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// ready starts a command some times over and tells how long each took until an
// open page passed and a listed one did not.
func ready(args []string) error {
	set := flag.NewFlagSet("ready", flag.ExitOnError)
	address := set.String("proxy", "", "where it listens")
	open := set.String("open", "", "a page that must pass")
	closed := set.String("closed", "", "a page that must not")
	times := set.Int("times", 5, "how often")
	if err := set.Parse(args); err != nil {
		return err
	}
	var all []time.Duration
	for range *times {
		d, err := startOnce(set.Args(), *address, *open, *closed)
		if err != nil {
			return err
		}
		all = append(all, d)
	}
	slices.Sort(all)
	out("ready_ms", float64(all[len(all)/2].Microseconds())/1000)
	out("ready_ms_worst", float64(all[len(all)-1].Microseconds())/1000)
	return nil
}

func startOnce(command []string, address, open, closed string) (time.Duration, error) {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it was told to end
	}()
	for ctx.Err() == nil {
		passed, err := once(address, open)
		if err == nil && passed {
			if passed, err = once(address, closed); err == nil && !passed {
				return time.Since(began), nil
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return 0, errors.New("it was not ready within a minute")
}
