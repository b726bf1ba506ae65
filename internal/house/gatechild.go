package house

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"belisha/internal/gate/control"
)

// gateChild keeps the filter running: it finds one that is already there, or
// starts one, and starts it again when it ends.
type gateChild struct {
	dir     string
	program string
	args    []string // of the gate command, without the program
	// alive asks the running filter over its control socket.
	alive func(ctx context.Context) error
	// fits reports whether a filter that was found may stay: same version,
	// same addresses.
	fits func(control.State) bool
	stop func(ctx context.Context) error
	// spawned is told after a new filter answers.
	spawned func() error

	mu      sync.Mutex
	last    string // why it last ended
	starts  int
	adopted bool
}

// Timing of the child: how long a start may take, how often it is looked at,
// and how long to wait before the next start after failures.
const (
	gateStartWithin = 15 * time.Second
	gateLook        = 500 * time.Millisecond
	gateMostWait    = 30 * time.Second
)

// Start makes sure that a filter runs and answers, and returns its facts.
func (g *gateChild) Start(ctx context.Context) (control.State, error) {
	if f, err := control.ReadState(g.dir); err == nil && g.alive(ctx) == nil {
		if g.fits(f) {
			g.mu.Lock()
			g.adopted = true
			g.mu.Unlock()
			return f, nil
		}
		slog.Info("the running filter is of another version or address and is replaced")
		if err := g.stop(ctx); err != nil {
			return control.State{}, fmt.Errorf("replacing the running filter: %w", err)
		}
		if err := g.waitGone(ctx); err != nil {
			return control.State{}, err
		}
	}
	return g.spawn(ctx)
}

// waitGone waits until the old filter no longer answers.
func (g *gateChild) waitGone(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, gateStartWithin)
	defer stop()
	for g.alive(ctx) == nil {
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return errors.New("the running filter does not end; end its process, then start again")
		}
	}
	return nil
}

// spawn starts the child and waits until it answers.
func (g *gateChild) spawn(ctx context.Context) (control.State, error) {
	if err := os.MkdirAll(g.dir, 0o700); err != nil {
		return control.State{}, fmt.Errorf("starting the filter: %s", plain(err))
	}
	if err := os.Remove(filepath.Join(g.dir, "gate.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return control.State{}, fmt.Errorf("starting the filter: %s", plain(err))
	}
	logName := filepath.Join(g.dir, "gate.log")
	trimLog(logName)
	logFile, err := os.OpenFile(logName, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return control.State{}, fmt.Errorf("starting the filter: %s", plain(err))
	}
	defer func() { _ = logFile.Close() }()
	from, _ := logFile.Seek(0, 2)
	cmd := exec.Command(g.program, g.arguments()...) //nolint:noctx // it outlives us
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = detached()
	if err := cmd.Start(); err != nil {
		return control.State{}, fmt.Errorf("starting the filter: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	g.mu.Lock()
	g.starts++
	g.adopted = false
	g.mu.Unlock()
	return g.await(ctx, ended, logName, from)
}

// await waits until the child answers, or says why it ended.
func (g *gateChild) await(ctx context.Context, ended <-chan error, logName string, from int64) (control.State, error) {
	ctx, stop := context.WithTimeout(ctx, gateStartWithin)
	defer stop()
	for {
		if f, err := control.ReadState(g.dir); err == nil && g.alive(ctx) == nil {
			return f, g.spawned()
		}
		select {
		case err := <-ended:
			return control.State{}, errors.New(lastWords(logName, from, err))
		case <-ctx.Done():
			return control.State{}, errors.New("the filter did not start in time; look into " + logName)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lastWords returns the last line a child wrote: its one plain sentence. ended
// is how its process ended.
func lastWords(name string, from int64, ended error) string {
	silent := fmt.Sprintf("the filter ended at once (%v) and said nothing", ended)
	b, err := os.ReadFile(name)
	if err != nil || int64(len(b)) <= from {
		return silent
	}
	lines := splitLines(string(b[from:]))
	if len(lines) == 0 {
		return silent
	}
	return lines[len(lines)-1]
}

// arguments are what the next start is given.
func (g *gateChild) arguments() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.args
}

// use gives later starts other arguments, and returns the ones before. What
// the last failure said is forgotten with them.
func (g *gateChild) use(args []string) (before []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before, g.args, g.last = g.args, args, ""
	return before
}

// Keep watches the filter until ctx ends, and starts it again when it is gone.
// changed is told of new facts (another port, after a start on port 0).
func (g *gateChild) Keep(ctx context.Context, changed func(control.State)) {
	wait := gateLook
	for pause(ctx, wait) == nil {
		if g.alive(ctx) == nil || ctx.Err() != nil {
			wait = gateLook
			continue
		}
		slog.Error("the filter is gone and is started again")
		f, err := g.spawn(ctx)
		if err != nil {
			g.mu.Lock()
			g.last = err.Error()
			g.mu.Unlock()
			wait = min(wait*2, gateMostWait)
			slog.Error("the filter could not be started again", "err", err)
			continue
		}
		wait = gateLook
		changed(f)
	}
}

// State says how often it was started, whether it was found running, and why
// the last start failed.
func (g *gateChild) State() (starts int, adopted bool, last string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.starts, g.adopted, g.last
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// maxLog is how large the filter's log may be when it is started.
const maxLog = 8 << 20

// trimLog sets an old log aside, one generation.
func trimLog(name string) {
	if s, err := os.Stat(name); err == nil && s.Size() > maxLog {
		if err := os.Rename(name, name+".old"); err != nil {
			slog.Warn("the filter's old log could not be set aside", "err", err)
		}
	}
}
