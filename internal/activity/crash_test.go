package activity

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"belisha/internal/kit/clock"
)

// crashDir tells the test binary, started again as a child, to store events
// until it is killed.
const crashDir = "ACTIVITY_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		storeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// storeUntilKilled stores batches of ten and prints the last number of each
// batch that Append has acknowledged.
func storeUntilKilled(dir string) {
	s, err := Open(Config{Dir: dir, Clock: clock.NewFake(monday.Add(3 * time.Hour))})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for id := uint64(1); ; id += 10 {
		var batch []Event
		for i := range uint64(10) {
			batch = append(batch, visit(id+i, monday.Add(time.Duration(id+i)*time.Millisecond)))
		}
		if err := s.Append(context.Background(), batch); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(id + 9)
	}
}

func TestNothingAcknowledgedIsLostToAKill(t *testing.T) {
	for _, batches := range []int{1, 7, 60} {
		t.Run(strconv.Itoa(batches)+" batches", func(t *testing.T) {
			dir := t.TempDir()
			acknowledged := killAfter(t, dir, batches)
			s, err := Open(Config{Dir: dir, Clock: clock.NewFake(monday.Add(3 * time.Hour))})
			if err != nil {
				t.Fatal(err)
			}
			b := &bench{Store: s}
			defer func() { _ = s.Close() }()
			found := map[uint64]int{}
			for _, e := range b.all(t, Query{Limit: MaxLimit}) {
				found[e.ID]++
			}
			for id := uint64(1); id <= acknowledged; id++ {
				if found[id] != 1 {
					t.Fatalf("event %d of %d acknowledged is stored %d times", id, acknowledged, found[id])
				}
			}
			if len(found)%10 != 0 {
				t.Errorf("%d events stored: a batch was stored in part", len(found))
			}
			if n := total(t, b, Allow); n != uint64(len(found)) {
				t.Errorf("the totals say %d of %d events", n, len(found))
			}
		})
	}
}

// killAfter starts a child, kills it while it stores, and answers the last
// number it acknowledged.
func killAfter(t *testing.T, dir string, batches int) uint64 {
	t.Helper()
	child := exec.Command(os.Args[0]) //nolint:gosec // this test binary
	child.Env = append(os.Environ(), crashDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var last uint64
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if last, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
			t.Fatal(err)
		}
		if n == batches {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // it was killed
	if last == 0 {
		t.Fatal("the child stored nothing")
	}
	return last
}
