package soak

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict/snapfile"
)

// lasting is how long it goes on.
func lasting(t *testing.T) time.Duration {
	text := os.Getenv("BELISHA_SOAK")
	if text == "" {
		return 8 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("BELISHA_SOAK is %q: write a time such as 3m or 30m", text)
	}
	return d
}

func TestEverythingAtOnceForAWhile(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	long := lasting(t)
	w := newWorld(t)
	all := w.clients()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer time.AfterFunc(long, cancel).Stop()
	w.stop = cancel
	started := now()
	watch := &watch{world: w, ledger: newLedger(w)}
	watch.begin()
	var busy, rest sync.WaitGroup
	for _, c := range all {
		busy.Go(func() {
			do := c.does()
			for ctx.Err() == nil {
				do(c, ctx)
				c.pace(ctx)
			}
			c.http.CloseIdleConnections()
		})
	}
	busy.Go(func() { w.changeRules(ctx) })
	busy.Go(func() { w.comeAndGo(ctx, all) })
	busy.Go(func() { w.moveClock(ctx) })
	busy.Go(func() { w.restartScanner(ctx) })
	drained, end := context.WithCancel(context.Background())
	rest.Go(func() { watch.run(drained, ctx) })
	busy.Wait()
	lasted := now().Sub(started)
	status := w.quiet()
	watch.settled()
	end()
	rest.Wait()
	if err := w.ctl.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	select {
	case err := <-w.child.ended:
		if err != nil {
			t.Errorf("the gate ended with %v: %s", err, w.child.said())
		}
	case <-time.After(patience):
		t.Error("the gate did not end")
	}
	watch.ledger.drain()
	watch.ledger.check(status, all)
	watch.check(lasted)
	table(w, all, lasted)
	if status.Faults != 0 || strings.Contains(w.child.said(), "panic") {
		t.Errorf("%d panics: %s", status.Faults, w.child.said())
	}
	if left, _ := filepath.Glob(filepath.Join(w.dir, "looking", "*")); len(left) > 0 {
		t.Errorf("files that were looked into are left: %v", left)
	}
	for _, f := range w.wrong {
		t.Error(f)
	}
	if t.Failed() {
		t.Logf("the gate's log: %s", w.child.said())
	}
}

func (c *client) does() func(*client, context.Context) {
	for _, k := range kinds {
		if k.name == c.kind {
			return k.do
		}
	}
	return nil
}

// quiet waits until nothing is on its way any more, and says how the gate is.
func (w *world) quiet() control.Status {
	var last control.Status
	same := 0
	for stop := now().Add(patience); now().Before(stop) && same < 5; <-time.After(100 * time.Millisecond) {
		s, err := w.ctl.Status(context.Background())
		if err != nil {
			w.fail("%v", err)
			return last
		}
		if same++; s.Spool.Events != last.Spool.Events || s.Decisions != last.Decisions || s.Tunnels != 0 {
			same = 0
		}
		last = s
	}
	if same < 5 {
		w.fail("the gate did not come to rest: %+v", last)
	}
	return last
}

func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// changeRules puts others in force about each second, with another list every
// third time.
func (w *world) changeRules(ctx context.Context) {
	var worst time.Duration
	round := 1
	for ; wait(ctx, time.Duration(700+mix(round, 7)%500)*time.Millisecond); round++ {
		p := w.plan(round)
		w.oracle.begin(p.rules)
		n, err := snapfile.Publish(w.dir, w.key, now(), p.text, p.refs)
		if err != nil {
			w.fail("publishing: %v", err)
			return
		}
		from := now()
		for {
			s, err := w.ctl.Status(context.Background())
			if err != nil {
				w.fail("%v", err)
				return
			}
			if s.RulesNumber == n {
				break
			}
			if now().Sub(from) > patience || s.RulesError != "" {
				w.fail("rules %d are not in force: %q", n, s.RulesError)
				return
			}
			wait(context.Background(), 5*time.Millisecond)
		}
		w.oracle.settle(n)
		worst = max(worst, now().Sub(from))
	}
	w.t.Logf("rules were changed %d times and in force after %s at most", round-1, worst.Round(time.Millisecond))
}

// comeAndGo moves some between groups, and has others sign in and out.
func (w *world) comeAndGo(ctx context.Context, all []*client) {
	pushes := 0
	for ; wait(ctx, 150*time.Millisecond); pushes++ {
		var gone []string
		var rows []subject.Row
		for i := range 30 {
			id := fmt.Sprint("passer", mix(pushes, i)%500)
			if i%3 == 0 {
				gone = append(gone, id+"x")
				continue
			}
			n := mix(pushes, i)
			rows = append(rows, row(id, netip.AddrFrom4([4]byte{10, 1, byte(n), byte(n >> 8)}), "pupils"))
		}
		w.push(gone, rows...)
		for _, c := range all {
			if c.kind != "movers" || mix(pushes, int(c.addr.As4()[3]))%4 != 0 {
				continue
			}
			staff := c.group == "pupils"
			c.group = map[bool]string{true: "staff", false: "pupils"}[staff]
			w.oracle.joins(c.addr.String(), staff)
			w.push(nil, row(c.name, c.addr, c.group))
			w.oracle.joined(c.addr.String())
		}
	}
	w.t.Logf("who is there was told %d times", w.pushes)
}

// moveClock puts the gate's clock forward and back by seconds.
func (w *world) moveClock(ctx context.Context) {
	for n := 1; wait(ctx, 7*time.Second); n++ {
		by := time.Duration(mix(n, 3)%9000-3000) * time.Millisecond
		w.oracle.moving(by)
		if _, err := fmt.Fprintln(w.child.in, int64(by)); err != nil {
			w.fail("moving the clock: %v", err)
			return
		}
		select {
		case <-w.child.clock:
		case <-time.After(patience):
			w.fail("the clock did not move")
			return
		}
		w.oracle.moved()
	}
}

// restartScanner kills it, leaves it away, and starts it again.
func (w *world) restartScanner(ctx context.Context) {
	n := 0
	for ; wait(ctx, 15*time.Second); n++ {
		w.oracle.goes()
		w.scanner.kill()
		wait(context.Background(), time.Duration(mix(n, 5)%1500)*time.Millisecond)
		if err := w.scanner.start(); err != nil {
			w.fail("%v", err)
			return
		}
		w.oracle.back()
	}
	w.t.Logf("the scanner was killed %d times", n)
}
