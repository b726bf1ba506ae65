// Package tasks runs what must happen by the clock: retention, backups, list
// updates, control checks. Each task runs at least once per turn; turns missed
// while the machine was off are caught up by one run, not by many. A failed
// run is tried again soon, then more and more rarely. A clock that jumps
// neither runs a task a thousand times nor stops it for ever.
package tasks

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"sort"
	"strings"
	"sync"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/store"
)

// Schema is the tables of tasks.
//
//go:embed schema/*.sql
var Schema embed.FS

// Task is one thing to do again and again. It must bear being run twice.
type Task struct {
	Name string
	// Every is the time between runs. With At it is a number of days; 0 is
	// one day.
	Every time.Duration
	// At is the local time of day, "02:30", or "" for none.
	At string
	// Limit ends a run that takes too long; 0 is ten minutes.
	Limit time.Duration
	// Removes: what it takes away cannot be had again. A turn that was missed
	// by more than a day is caught up a day later and not at once: the machine
	// was off for long, or its clock has leapt ahead and somebody may still put
	// it right.
	Removes bool
	Run     func(ctx context.Context) error
}

const (
	defaultLimit = 10 * time.Minute
	firstRetry   = time.Minute
	lastRetry    = time.Hour
	// slack is how long a lease outlives its run's limit.
	slack = time.Minute
	// longest is how long Run sleeps before it looks at the clock again.
	longest = 20 * time.Second
	// waits is how long what cannot be undone waits after a leap of the clock.
	waits = 24 * time.Hour
	// together is how many tasks run at the same time.
	together = 2
	maxError = 500
)

// Deps is what a Runner needs.
type Deps struct {
	DB    *store.DB
	Clock clock.Clock
	// Zone gives the school's zone, for At. nil is UTC.
	Zone func() *time.Location
	Log  *slog.Logger
}

// Runner runs tasks. It is safe for several goroutines.
type Runner struct {
	db    *store.DB
	clock clock.Clock
	zone  func() *time.Location
	log   *slog.Logger
	by    string // this process, in leases

	tasks map[string]*Task
	order []string

	mu      sync.Mutex
	running map[string]bool
	wake    chan struct{}
	slots   chan struct{}
}

// Result is how a task stands, for the health page.
type Result struct {
	Name     string        `json:"name"`
	Every    time.Duration `json:"every"`
	At       string        `json:"at,omitempty"`
	Running  bool          `json:"running"`
	Started  time.Time     `json:"started"`
	Ended    time.Time     `json:"ended"`
	Kept     time.Time     `json:"kept"` // when it last ended well
	Next     time.Time     `json:"next"`
	Failures int           `json:"failures"` // in a row
	Error    string        `json:"error,omitempty"`
}

// ErrRunning says that the task asked for runs already.
var ErrRunning = errors.New("this task is running already; wait for it to end")

// New returns a runner of ts. Two tasks of one name, or one without a time,
// are an error.
func New(d Deps, ts ...Task) (*Runner, error) {
	if d.DB == nil || d.Clock == nil {
		return nil, errors.New("the tasks need a store and a clock")
	}
	r := &Runner{
		db: d.DB, clock: d.Clock, zone: d.Zone, log: d.Log, by: store.NewID(d.Clock.Now()),
		tasks: map[string]*Task{}, running: map[string]bool{},
		wake: make(chan struct{}, 1), slots: make(chan struct{}, together),
	}
	if r.zone == nil {
		r.zone = func() *time.Location { return time.UTC }
	}
	if r.log == nil {
		r.log = slog.Default()
	}
	for _, t := range ts {
		if err := t.check(); err != nil {
			return nil, err
		}
		if _, dup := r.tasks[t.Name]; dup {
			return nil, fmt.Errorf("two tasks are called %s", t.Name)
		}
		r.tasks[t.Name] = &t
		r.order = append(r.order, t.Name)
	}
	sort.Strings(r.order)
	return r, nil
}

func (t *Task) check() error {
	if t.Name == "" || t.Run == nil {
		return errors.New("a task needs a name and something to run")
	}
	if t.At != "" {
		if _, _, err := minuteOfDay(t.At); err != nil {
			return fmt.Errorf("task %s: %w", t.Name, err)
		}
	} else if t.Every < time.Second {
		return fmt.Errorf("task %s: it needs a time between runs of at least a second", t.Name)
	}
	if t.Limit == 0 {
		t.Limit = defaultLimit
	}
	return nil
}

// Run runs what is due until ctx ends, and returns when every run has ended.
func (r *Runner) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-r.wake:
		}
		names, next, err := r.due(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.Error("the tasks could not be read", "err", err)
		}
		for _, name := range names {
			all.Go(func() {
				if _, err := r.run(ctx, name); err != nil && !errors.Is(err, ErrRunning) && ctx.Err() == nil {
					r.log.Error("a task failed", "task", name, "err", err)
				}
			})
		}
		timer.Reset(min(longest, max(next, 100*time.Millisecond)))
	}
}

// Tick runs what is due now, one after the other, and returns how many ran.
// Run does the same by itself; Tick is for consoles and tests.
func (r *Runner) Tick(ctx context.Context) (int, error) {
	names, _, err := r.due(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, name := range names {
		ran, err := r.run(ctx, name)
		if err != nil && !errors.Is(err, ErrRunning) {
			r.log.Error("a task failed", "task", name, "err", err)
		}
		if ran {
			n++
		}
	}
	return n, ctx.Err()
}

// Now runs the task at once, whether it is due or not, and returns what came
// of it.
func (r *Runner) Now(ctx context.Context, name string) error {
	if _, ok := r.tasks[name]; !ok {
		return fmt.Errorf("there is no task called %s", name)
	}
	_, err := r.run(ctx, name)
	return err
}

// Ask has a running Run do the task soon, and returns at once.
func (r *Runner) Ask(ctx context.Context, name string) error {
	if _, ok := r.tasks[name]; !ok {
		return fmt.Errorf("there is no task called %s", name)
	}
	if err := r.setNext(ctx, name, r.clock.Now()); err != nil {
		return err
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return nil
}

// run runs one task under its lease. ran is false when it runs already.
func (r *Runner) run(ctx context.Context, name string) (ran bool, err error) {
	if !r.enter(name) {
		return false, ErrRunning
	}
	defer r.leave(name)
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	t := r.tasks[name]
	if took, err := r.takeLease(ctx, t); err != nil || !took {
		return false, errors.Join(err, errUnless(took, ErrRunning))
	}
	err = r.do(ctx, t)
	// What came of it is kept even when the program is ending.
	return true, errors.Join(err, r.finish(context.WithoutCancel(ctx), t, err))
}

func errUnless(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

// do runs the task's own code, with its limit, and turns a panic into an error.
func (r *Runner) do(ctx context.Context, t *Task) (err error) {
	ctx = actor.With(ctx, actor.Belisha("task:"+t.Name))
	ctx, cancel := context.WithTimeout(ctx, t.Limit)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the task failed unexpectedly: %v", p)
		}
	}()
	err = t.Run(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("it was not done within %s and was stopped: %w", t.Limit, err)
	}
	return err
}

func (r *Runner) enter(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running[name] {
		return false
	}
	r.running[name] = true
	return true
}

func (r *Runner) runs(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running[name]
}

func (r *Runner) leave(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, name)
}

// backoff is how long after its nth failure in a row a task is tried again.
func backoff(failures int) time.Duration {
	d := firstRetry
	for range failures - 1 {
		if d *= 2; d >= lastRetry {
			return lastRetry
		}
	}
	return d
}

// next returns when t is due after a run that began at now.
func (t *Task) next(now time.Time, zone *time.Location) time.Time {
	if t.At == "" {
		return now.Add(t.Every)
	}
	h, m, _ := minuteOfDay(t.At) // checked by New
	days := max(1, int((t.Every+12*time.Hour)/(24*time.Hour)))
	local := now.In(zone)
	at := time.Date(local.Year(), local.Month(), local.Day(), h, m, 0, 0, zone)
	if !at.After(now) {
		at = time.Date(local.Year(), local.Month(), local.Day()+1, h, m, 0, 0, zone)
	}
	return at.AddDate(0, 0, days-1)
}

func minuteOfDay(s string) (h, m int, err error) {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, 0, fmt.Errorf("%q is not a time of day such as 02:30", s)
	}
	return t.Hour(), t.Minute(), nil
}

func short(err error) string {
	if err == nil {
		return ""
	}
	s := strings.ToValidUTF8(err.Error(), "?")
	if len(s) > maxError {
		s = strings.ToValidUTF8(s[:maxError], "") + "…"
	}
	return s
}
