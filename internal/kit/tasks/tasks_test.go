package tasks_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/tasks"
)

var monday = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func newRunner(t *testing.T, db *store.DB, c clock.Clock, ts ...tasks.Task) *tasks.Runner {
	t.Helper()
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	r, err := tasks.New(tasks.Deps{
		DB: db, Clock: c, Zone: func() *time.Location { return london },
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}, ts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func counted(n *int) func(context.Context) error {
	return func(context.Context) error { *n++; return nil }
}

func tick(t *testing.T, r *tasks.Runner) int {
	t.Helper()
	n, err := r.Tick(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestATaskRunsOncePerTurnHoweverOftenItIsAsked(t *testing.T) {
	storetest.Each(t, []fs.FS{tasks.Schema}, func(t *testing.T, db *store.DB) {
		c := clock.NewFake(monday)
		n := 0
		r := newRunner(t, db, c, tasks.Task{Name: "sweep", Every: time.Hour, Run: counted(&n)})
		for range 5 {
			tick(t, r)
		}
		if n != 1 {
			t.Fatalf("ran %d times in its first hour", n)
		}
		c.Advance(time.Hour)
		tick(t, r)
		if n != 2 {
			t.Fatalf("ran %d times after an hour", n)
		}
	})
}

func TestAfterALongTimeOffThereIsOneCatchUp(t *testing.T) {
	c := clock.NewFake(monday)
	db := storetest.SQLite(t, tasks.Schema)
	n := 0
	task := tasks.Task{Name: "sweep", Every: time.Hour, Run: counted(&n)}
	tick(t, newRunner(t, db, c, task))
	c.Advance(40 * 24 * time.Hour)
	r := newRunner(t, db, c, task) // the next start
	tick(t, r)
	tick(t, r)
	if n != 2 {
		t.Fatalf("ran %d times; want the first run and one catch-up", n)
	}
}

func TestAClockThatJumpsDoesNotStopATask(t *testing.T) {
	storetest.Each(t, []fs.FS{tasks.Schema}, func(t *testing.T, db *store.DB) {
		c := clock.NewFake(monday)
		n, daily := 0, 0
		r := newRunner(t, db, c,
			tasks.Task{Name: "sweep", Every: time.Hour, Run: counted(&n)},
			tasks.Task{Name: "nightly", At: "02:30", Run: counted(&daily)})
		tick(t, r)
		c.Set(monday.AddDate(30, 0, 0)) // a flat clock battery
		tick(t, r)
		tick(t, r)
		if n != 2 || daily != 1 {
			t.Fatalf("after the jump ahead: %d and %d runs, want 2 and 1", n, daily)
		}
		c.Set(monday) // and the time is put right
		tick(t, r)
		c.Advance(time.Hour)
		tick(t, r)
		if n != 3 {
			t.Errorf("after the time was put right the hourly task ran %d times, want 3", n)
		}
		c.Set(monday.Add(19 * time.Hour)) // next morning, 03:00
		tick(t, r)
		if daily != 2 {
			t.Errorf("after the time was put right the nightly task ran %d times, want 2", daily)
		}
	})
}

func TestWhatRemovesWaitsADayAfterTheClockLeapt(t *testing.T) {
	storetest.Each(t, []fs.FS{tasks.Schema}, func(t *testing.T, db *store.DB) {
		c := clock.NewFake(monday)
		n := 0
		r := newRunner(t, db, c, tasks.Task{Name: "forget", At: "02:10", Removes: true, Run: counted(&n)})
		tick(t, r)
		for night := 1; night <= 3; night++ {
			c.Set(monday.AddDate(0, 0, night))
			if tick(t, r); n != night {
				t.Fatalf("after %d nights it ran %d times", night, n)
			}
		}
		// Three years ahead for ten hours, and put right again.
		c.Set(monday.AddDate(3, 0, 0))
		for range 10 {
			tick(t, r)
			c.Advance(time.Hour)
		}
		if n != 3 {
			t.Fatalf("the clock leapt, and it ran at once")
		}
		c.Set(monday.AddDate(0, 0, 3).Add(time.Hour))
		tick(t, r)
		for night := 4; night <= 6; night++ {
			c.Set(monday.AddDate(0, 0, night))
			tick(t, r)
		}
		if n < 4 || n > 6 {
			t.Fatalf("after the clock was put right it ran %d times in three nights", n-3)
		}
		// The machine is off for six weeks: it is caught up within two days.
		n = 0
		for h := range 49 {
			c.Set(monday.AddDate(0, 0, 48).Add(time.Duration(h) * time.Hour))
			if tick(t, r); n > 0 && h < 24 {
				t.Fatalf("it ran %d hours after a long time off", h)
			}
		}
		if n == 0 {
			t.Fatal("it never ran again")
		}
	})
}

func TestANightlyTaskRunsAtItsLocalHour(t *testing.T) {
	c := clock.NewFake(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)) // summer time
	n := 0
	r := newRunner(t, storetest.SQLite(t, tasks.Schema), c, tasks.Task{Name: "nightly", At: "02:30", Run: counted(&n)})
	if tick(t, r) != 0 {
		t.Fatal("it ran at noon")
	}
	for _, step := range []struct {
		at   time.Time
		want int
	}{
		{time.Date(2026, 7, 2, 1, 29, 0, 0, time.UTC), 0}, // 02:29 in London
		{time.Date(2026, 7, 2, 1, 30, 0, 0, time.UTC), 1},
		{time.Date(2026, 7, 2, 23, 0, 0, 0, time.UTC), 1},
		{time.Date(2026, 7, 3, 1, 31, 0, 0, time.UTC), 2},
		{time.Date(2026, 12, 3, 2, 0, 0, 0, time.UTC), 3}, // one catch-up after months
		{time.Date(2026, 12, 3, 2, 29, 0, 0, time.UTC), 3},
		{time.Date(2026, 12, 3, 2, 30, 0, 0, time.UTC), 4},
	} {
		c.Set(step.at)
		tick(t, r)
		if n != step.want {
			t.Errorf("at %s it had run %d times, want %d", step.at, n, step.want)
		}
	}
}

func TestAFailedTaskIsTriedAgainMoreAndMoreRarely(t *testing.T) {
	c := clock.NewFake(monday)
	n := 0
	fails := true
	r := newRunner(t, storetest.SQLite(t, tasks.Schema), c, tasks.Task{Name: "fetch", Every: 24 * time.Hour, Run: func(context.Context) error {
		n++
		if fails {
			return errors.New("the list server did not answer")
		}
		return nil
	}})
	for range 24 * 60 {
		tick(t, r)
		c.Advance(time.Minute)
	}
	// Tries at 0, 1, 3, 7, 15, 31 and 63 minutes (1+2+4+…), then hourly
	// until the daily turn.
	if n < 25 || n > 31 {
		t.Errorf("a failing task was tried %d times in a day, want about 29", n)
	}
	h, err := r.Health(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if h[0].Failures != n || h[0].Error != "the list server did not answer" || !h[0].Kept.IsZero() {
		t.Errorf("health: %+v", h[0])
	}
	fails = false
	c.Advance(time.Hour)
	tick(t, r)
	h, err = r.Health(context.Background())
	if err != nil || h[0].Failures != 0 || h[0].Error != "" || !h[0].Kept.Equal(c.Now()) {
		t.Errorf("health after it went well: %+v, %v", h[0], err)
	}
}

func TestARunThatDiedIsRunAgainWhenItsLeaseEnds(t *testing.T) {
	c := clock.NewFake(monday)
	db := storetest.SQLite(t, tasks.Schema)
	n := 0
	// A process that took the lease and was killed: its run never returns
	// while the other process looks.
	release := make(chan struct{})
	started := make(chan struct{})
	first := newRunner(t, db, c, tasks.Task{Name: "sweep", Every: time.Hour, Limit: 5 * time.Minute, Run: func(context.Context) error {
		close(started)
		<-release
		return nil
	}})
	ended := make(chan error, 1)
	go func() { ended <- first.Now(context.Background(), "sweep") }()
	<-started
	second := newRunner(t, db, c, tasks.Task{Name: "sweep", Every: time.Hour, Limit: 5 * time.Minute, Run: counted(&n)})
	if tick(t, second) != 0 {
		t.Error("two processes ran the same task at once")
	}
	if err := second.Now(context.Background(), "sweep"); !errors.Is(err, tasks.ErrRunning) {
		t.Errorf("asked for while it runs: %v", err)
	}
	c.Advance(7 * time.Minute)
	if tick(t, second) != 1 || n != 1 {
		t.Error("the task was not taken over when the lease ended")
	}
	close(release)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestALimitEndsARunAndAPanicIsAFailure(t *testing.T) {
	c := clock.NewFake(monday)
	r := newRunner(t, storetest.SQLite(t, tasks.Schema), c,
		tasks.Task{Name: "slow", Every: time.Hour, Limit: 20 * time.Millisecond, Run: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}},
		tasks.Task{Name: "wild", Every: time.Hour, Run: func(context.Context) error { panic("no such page") }},
		tasks.Task{Name: "who", Every: time.Hour, Run: func(ctx context.Context) error {
			if id := actor.From(ctx).ID; id != "system:task:who" {
				return errors.New("run as " + id)
			}
			return nil
		}})
	if err := r.Now(context.Background(), "slow"); err == nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: %v", err)
	}
	if err := r.Now(context.Background(), "wild"); err == nil {
		t.Error("a panic was no failure")
	}
	if err := r.Now(context.Background(), "who"); err != nil {
		t.Error(err)
	}
	if err := r.Now(context.Background(), "nobody"); err == nil {
		t.Error("an unknown task ran")
	}
}

func TestRunDoesWhatIsDueAndWhatIsAskedAndEndsCleanly(t *testing.T) {
	c := clock.NewFake(monday)
	var n atomic.Int64
	ran := make(chan struct{}, 10)
	r := newRunner(t, storetest.SQLite(t, tasks.Schema), c, tasks.Task{Name: "sweep", Every: time.Hour, Run: func(context.Context) error {
		n.Add(1)
		ran <- struct{}{}
		return nil
	}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	<-ran
	// The first run may still be keeping its result; ask until it is taken.
	for n.Load() < 2 {
		if err := r.Ask(ctx, "sweep"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ran:
		case <-time.After(50 * time.Millisecond):
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestTasksThatMakeNoSenseAreRefused(t *testing.T) {
	db := storetest.SQLite(t, tasks.Schema)
	run := func(context.Context) error { return nil }
	for name, ts := range map[string][]tasks.Task{
		"no time":        {{Name: "a", Run: run}},
		"no name":        {{Every: time.Hour, Run: run}},
		"nothing to run": {{Name: "a", Every: time.Hour}},
		"not an hour":    {{Name: "a", At: "25:00", Run: run}},
		"twice":          {{Name: "a", Every: time.Hour, Run: run}, {Name: "a", Every: time.Hour, Run: run}},
	} {
		if _, err := tasks.New(tasks.Deps{DB: db, Clock: clock.NewFake(monday)}, ts...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
