package house

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
)

// procs are the goroutines of a running house: named, owned and awaited.
type procs struct {
	wg   sync.WaitGroup
	once sync.Once
	err  error
	stop context.CancelFunc
}

// start runs fn until ctx ends. A fault or a panic of one ends the house, so
// that the service manager starts it again whole: the filter goes on
// meanwhile.
func (p *procs) start(ctx context.Context, name string, fn func(context.Context) error) {
	p.wg.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				slog.Error("a part of Belisha failed badly", "part", name, "panic", v, "stack", string(debug.Stack()))
				p.end(fmt.Errorf("the %s failed badly; look into the log", name))
			}
		}()
		if err := fn(ctx); err != nil && ctx.Err() == nil {
			p.end(fmt.Errorf("the %s: %w", name, err))
		}
	})
}

// end stops everything, with the first reason.
func (p *procs) end(err error) {
	p.once.Do(func() { p.err = err })
	p.stop()
}

// wait waits for all and returns why they ended, nil for the end of ctx.
func (p *procs) wait() error {
	p.wg.Wait()
	return p.err
}
