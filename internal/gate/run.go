package gate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/proxy"
	"belisha/internal/gate/spool"
	"belisha/internal/verdict/snapfile"
)

const (
	lookEvery    = time.Second            // for new rules, and whether the folder is there
	dueEvery     = 200 * time.Millisecond // for what ends by the clock
	recheckEvery = 15                     // looks: running tunnels, whatever may have been missed
	beatEvery    = time.Minute
	sweepEvery   = time.Minute
)

// run serves until the end.
func (r *running) run(ctx context.Context) error {
	defer r.close()
	if err := control.WriteState(r.cfg.Dir, r.state); err != nil {
		return err
	}
	fail := make(chan error, 4+len(r.more))
	var doors sync.WaitGroup
	serve := func(what string, f func() error) {
		doors.Go(func() {
			if err := f(); err != nil && !errors.Is(err, http.ErrServerClosed) && ctx.Err() == nil {
				fail <- fmt.Errorf("%s ended: %w", what, err)
			}
		})
	}
	serve("the proxy", r.proxy.Serve)
	serve("DNS", r.dns.Serve)
	r.serveMore(serve)
	serve("control", func() error { return r.web.Serve(r.ctl) })
	if r.sink != nil {
		serve("the page of closed sites", r.sink.Serve)
	}
	r.cfg.Log.Info("the filter is open", "proxy", r.state.Proxy, "dns", r.state.DNS, "rules", r.porter.Snapshot().Number())
	if r.cfg.ReportedListen != nil {
		r.cfg.ReportedListen(r.state)
	}
	err := r.watch(ctx, fail)
	r.closeDoors()
	doors.Wait()
	return err
}

// watch looks after the gate while the doors serve.
func (r *running) watch(ctx context.Context, fail <-chan error) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	due := time.NewTicker(dueEvery)
	defer due.Stop()
	r.looked = r.porter.High()
	r.beat(ctx)
	missing := 0
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case err := <-fail:
			return err
		case <-beat.C:
			r.beat(ctx)
			r.table.Sweep(r.porter.High())
		case <-r.changed:
			r.recheck(ctx)
		case <-due.C:
			if r.rulesError.Load() == nil { // rules that cannot be used are not tried as often
				r.newRules(ctx)
			}
			if r.due() {
				r.recheck(ctx)
			}
		case <-tick.C:
			if r.folderGone() {
				if missing++; time.Duration(missing)*lookEvery >= r.cfg.VanishedAfter {
					return errors.New("the filter's folder has vanished, so the filter ends")
				}
				continue
			}
			missing = 0
			r.look(ctx)
			if n%recheckEvery == 0 {
				r.recheck(ctx)
			}
		}
	}
}

// due reports that something began or ended by the clock since it was last
// asked: a minute at which a rule may begin, an unblock, somebody's sign-in.
func (r *running) due() bool {
	now := r.porter.High()
	before := r.looked
	if now.Equal(before) {
		return false
	}
	r.looked = now
	if now.Before(before) {
		return true
	}
	return now.Unix()/60 != before.Unix()/60 || r.porter.Snapshot().Changes(before, now) || r.table.Changes(before, now)
}

// folderGone reports that the folder is no longer there, or that another one
// is in its place: nobody could ever tell this filter anything again.
func (r *running) folderGone() bool {
	now, err := os.Stat(r.cfg.Dir)
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	return r.folder != nil && !os.SameFile(r.folder, now)
}

// look takes newer rules, and keeps who is there.
func (r *running) look(ctx context.Context) {
	r.newRules(ctx)
	if r.unsaved.Swap(false) {
		r.reloading.Lock()
		defer r.reloading.Unlock()
		if err := r.table.Save(filepath.Join(r.cfg.Dir, "presence")); err != nil {
			r.unsaved.Store(true)
			r.cfg.Log.Error("who is signed in cannot be kept over a restart", "error", err.Error())
		}
	}
}

func (r *running) newRules(ctx context.Context) {
	if snapfile.Newer(r.cfg.Dir, r.loader.Have()) && r.takeRules() == nil {
		r.recheck(ctx)
	}
}

// takeRules puts the newest rules in force. If they cannot be used, what runs
// goes on.
func (r *running) takeRules() error {
	r.reloading.Lock()
	defer r.reloading.Unlock()
	s, err := r.loader.Load()
	if err != nil {
		if old := r.rulesError.Load(); old == nil || *old != err.Error() {
			r.cfg.Log.Error("newer rules cannot be used; the ones before stay in force", "error", err.Error())
		}
		r.setRulesError(err)
		return err
	}
	r.setRulesError(nil)
	r.porter.Use(s)
	// The lists of the old snapshot are unmapped when the collector finds that
	// nobody asks them any more.
	go runtime.GC()
	r.cfg.Log.Info("new rules are in force", "rules", s.Number())
	return nil
}

func (r *running) recheck(ctx context.Context) {
	for _, s := range []*proxy.Server{r.proxy, r.sink} {
		if s == nil {
			continue
		}
		if n := s.Recheck(ctx); n > 0 {
			r.cfg.Log.Info("connections were closed because the rules close them now", "count", n)
		}
	}
}

// beat says that the gate is up, so that a quiet hour and a missing one are
// told apart.
func (r *running) beat(ctx context.Context) {
	stats := r.spool.Stats()
	e := spool.Event{
		Kind: spool.Heartbeat, At: r.cfg.Clock.Now(), Site: r.porter.Settings().Site,
		RulesNumber: r.porter.Snapshot().Number(), Dropped: stats.Dropped + stats.Lost,
	}
	if err := r.spool.Put(ctx, e); err != nil && ctx.Err() == nil {
		r.cfg.Log.Error("the record of the filter being up could not be written", "error", err.Error())
	}
}

func (r *running) closeDoors() {
	r.closeMore()
	for _, c := range []interface{ Close() error }{r.web, r.dns, r.proxy} {
		if err := c.Close(); err != nil {
			r.cfg.Log.Debug("closing", "error", err.Error())
		}
	}
	if r.sink != nil {
		if err := r.sink.Close(); err != nil {
			r.cfg.Log.Debug("closing", "error", err.Error())
		}
	}
}

// close ends what start opened, as far as it came.
func (r *running) close() {
	r.closeMore()
	r.looks.close()
	if r.dns != nil {
		if err := r.dns.Close(); err != nil {
			r.cfg.Log.Debug("DNS was closed late", "error", err.Error())
		}
	}
	for _, s := range []*proxy.Server{r.proxy, r.sink} {
		if s != nil {
			s.CloseListener()
		}
	}
	if r.ctl != nil {
		r.ctl.Close()
	}
	if r.table != nil && !r.folderGone() && r.unsaved.Load() {
		if err := r.table.Save(filepath.Join(r.cfg.Dir, "presence")); err != nil {
			r.cfg.Log.Error("who is signed in cannot be kept over a restart", "error", err.Error())
		}
	}
	if r.spool != nil {
		if err := r.spool.Close(); err != nil {
			r.cfg.Log.Error("closing the spool", "error", err.Error())
		}
	}
}
