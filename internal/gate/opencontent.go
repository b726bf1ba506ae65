package gate

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"belisha/internal/gate/clamd"
	"belisha/internal/gate/content"
	"belisha/internal/gate/control"
)

// checkScanners is how often the virus scanners are asked how they are.
const checkScanners = 30 * time.Second

// looks is what looks inside messages, for all doors.
type looks struct {
	*content.Pipeline
	scanners *clamd.Pool // nil: none is set
	stop     func()
	ended    *sync.WaitGroup
}

// openContent opens what looks inside messages.
func (r *running) openContent() (*content.Pipeline, error) {
	cfg := &r.cfg
	deps := content.Deps{
		Porter: r.porter, Search: cfg.Searcher, Chats: cfg.Chats, Temp: filepath.Join(cfg.Dir, "looking"),
		Clock: cfg.Clock, Log: cfg.Log,
	}
	if len(cfg.Doors.Clamd) > 0 {
		pool, err := clamd.New(cfg.Doors.Clamd, clamd.Options{Clock: cfg.Clock})
		if err != nil {
			return nil, err
		}
		deps.Scanner, r.looks.scanners = pool, pool
	}
	p, err := content.New(deps)
	if err != nil {
		return nil, err
	}
	r.looks.Pipeline = p
	if pool := r.looks.scanners; pool != nil {
		ctx, stop := context.WithCancel(context.Background())
		r.looks.stop, r.looks.ended = stop, new(sync.WaitGroup)
		r.looks.ended.Go(func() { pool.Run(ctx, checkScanners) })
	}
	return p, nil
}

// signatures is which versions of them the scanners have: others may find what
// these did not.
func (l *looks) signatures() string {
	if l.scanners == nil {
		return ""
	}
	var b strings.Builder
	for _, s := range l.scanners.State() {
		b.WriteString(s.Version + "/" + s.Number + "/" + s.Made.String() + " ")
	}
	return b.String()
}

// close ends what asks the scanners how they are.
func (l *looks) close() {
	if l.stop != nil {
		l.stop()
		l.ended.Wait()
	}
}

func (l *looks) status() control.Content {
	if l.Pipeline == nil {
		return control.Content{}
	}
	n := l.Counts()
	out := control.Content{Pages: n.Pages, Files: n.Files, Scanned: n.Scanned, Closed: n.Closed, Unscanned: n.Unscanned}
	if l.scanners == nil {
		return out
	}
	for _, s := range l.scanners.State() {
		out.Scanners = append(out.Scanners, control.Scanner{
			Address: s.Address, OK: s.OK, Asked: s.Asked, Since: s.Since, Why: s.Why, Version: s.Version,
			Signatures: s.Number, Made: s.Made, Stale: s.Stale,
		})
	}
	return out
}
