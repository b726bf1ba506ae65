package clamd

import (
	"context"
	"strings"
	"sync"
	"time"
)

// How long a scanner that failed is left alone: this, and twice as long each
// time, up to the most.
const (
	firstPause = time.Second
	mostPause  = 15 * time.Second
)

// State is how one scanner is, for the health page.
type State struct {
	Address string
	OK      bool
	Asked   bool      // it has been asked at all since the start
	Since   time.Time // of OK, or of its absence
	Why     string    // it is not OK
	Version string    // of the program
	Number  string    // of the signatures, "" where the scanner has none from ClamAV
	Made    time.Time // of the signatures, zero where not said
	Stale   bool      // the signatures are older than they should be, or of no date
}

// peer is one scanner.
type peer struct {
	name, network, address string

	mu    sync.Mutex
	s     State
	pause time.Duration
	retry time.Time
}

// due reports whether to ask it now.
func (e *peer) due(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	// A clock that went back must not keep a scanner away for longer.
	return e.pause == 0 || !now.Before(e.retry) || e.retry.Sub(now) > e.pause
}

func (e *peer) failed(now time.Time, why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	// Of several that were on their way when it went, only the first makes it
	// wait: else one moment would make for the longest pause.
	if left := e.retry.Sub(now); e.pause == 0 || left <= 0 || left > e.pause {
		e.pause = min(max(2*e.pause, firstPause), mostPause)
		e.retry = now.Add(e.pause)
	}
	if e.s.OK || !e.s.Asked {
		e.s.Since = now
	}
	e.s.OK, e.s.Asked, e.s.Why = false, true, why
}

func (e *peer) answered(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pause = 0
	if !e.s.OK {
		e.s.Since = now
	}
	e.s.OK, e.s.Asked, e.s.Why = true, true, ""
}

// said takes up an answer to VERSION: "ClamAV 1.4.3/27700/Mon Jul 14 08:31:00
// 2026", or only the first part where there are no signatures of ClamAV's own.
func (e *peer) said(version string) {
	parts := strings.SplitN(version, "/", 3)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.s.Version, e.s.Number, e.s.Made = line(parts[0]), "", time.Time{}
	if len(parts) == 3 {
		e.s.Number = line(parts[1])
		if at, err := time.Parse(time.ANSIC, strings.TrimSpace(parts[2])); err == nil {
			e.s.Made = at
		}
	}
}

func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), 100)]
}

// State says how each scanner is, in the order in which they are asked.
func (p *Pool) State() []State {
	now := p.o.Clock.Now()
	out := make([]State, len(p.peers))
	for i, e := range p.peers {
		e.mu.Lock()
		out[i] = e.s
		e.mu.Unlock()
		out[i].Address = e.name
		out[i].Stale = out[i].OK && (out[i].Made.IsZero() || now.Sub(out[i].Made) > p.o.Stale)
	}
	return out
}

// OK reports whether some scanner answered when it was last asked.
func (p *Pool) OK() bool {
	for _, s := range p.State() {
		if s.OK {
			return true
		}
	}
	return false
}

// Check asks every scanner whether it is there, how new its signatures are,
// and to scan a few words: one that has no room to work says who it is all the
// same.
func (p *Pool) Check(ctx context.Context) {
	for _, e := range p.peers {
		if ctx.Err() != nil {
			return
		}
		p.check(ctx, e)
	}
}

func (p *Pool) check(ctx context.Context, e *peer) {
	c, err := p.dial(ctx, e)
	if err != nil {
		e.lost(ctx, p, "does not answer")
		return
	}
	defer c.close()
	said, err := c.ask("VERSION")
	if err != nil || !strings.HasPrefix(said, "ClamAV") {
		e.lost(ctx, p, "does not answer as ClamAV does")
		return
	}
	e.said(said)
	res, _, wrong := p.send(ctx, e, &source{r: strings.NewReader("a few words to be scanned")})
	switch {
	case wrong != "":
		e.lost(ctx, p, wrong)
	case res.Status != Clean:
		e.lost(ctx, p, "does not scan: "+res.Why)
	default:
		e.answered(p.o.Clock.Now())
	}
}

func (e *peer) lost(ctx context.Context, p *Pool, why string) {
	if ctx.Err() == nil {
		e.failed(p.o.Clock.Now(), why)
	}
}

// Run checks now and every so often, until ctx ends.
func (p *Pool) Run(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		p.Check(ctx)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
