// Package content is what a door does inside a message: it reads pages as a
// browser would and has their words weighed, looks at files before they reach
// anybody, and reads what is sent in forms and to AI services. It is asked
// after the names were judged and let through.
//
// Two things hold everywhere. What goes to the browser are the bytes that came
// from the site, never a copy that was made anew. And what cannot be read
// within the bounds is not taken for harmless: it is closed, or let through
// and written down, as the rules say.
package content

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"belisha/internal/gate/clamd"
	"belisha/internal/gate/porter"
	"belisha/internal/kit/clock"
)

// Chats knows which requests write to an AI service.
type Chats interface {
	// Service names the service that a request to host and path writes to, and
	// the JSON keys and form fields whose text somebody wrote. The path is
	// without its query.
	Service(host, path string) (name string, fields []string, ok bool)
	// Answers reports a host on which services answer.
	Answers(host string) bool
}

// Scanner scans what is read from r for viruses. A clamd.Pool is one.
type Scanner interface {
	Scan(ctx context.Context, r io.Reader) clamd.Result
}

// Deps are what a Pipeline needs.
type Deps struct {
	Porter  *porter.Porter
	Search  porter.Searcher // finds search words in forms; nil: none
	Chats   Chats           // nil: no service is known
	Scanner Scanner         // nil: nothing can be scanned
	Temp    string          // folder for what does not fit into memory; it is emptied at the start
	Clock   clock.Clock
	Log     *slog.Logger
}

// Pipeline looks inside messages. It is safe for several goroutines.
type Pipeline struct {
	deps   Deps
	store  *store
	counts counters
	desks  sync.Pool     // *desk
	opened chan struct{} // a place for each file that is being opened
	films  *films
	trails *trails
}

var _ porter.Content = (*Pipeline)(nil)

type counters struct {
	pages, files, scanned, closed, unscanned atomic.Uint64
}

// Counts is what was looked at since the start.
type Counts struct {
	Pages     uint64 `json:"pages"`     // weighed
	Files     uint64 `json:"files"`     // looked into
	Scanned   uint64 `json:"scanned"`   // by the virus scanner
	Closed    uint64 `json:"closed"`    // for what was in them
	Unscanned uint64 `json:"unscanned"` // that could not be looked at as they must
}

// New returns a pipeline.
func New(d Deps) (*Pipeline, error) {
	if d.Porter == nil || d.Clock == nil || d.Temp == "" {
		return nil, errors.New("looking inside messages needs a porter, a clock and a folder")
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	// What a process that was killed left behind is nobody's any more.
	if err := os.RemoveAll(d.Temp); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.Temp, 0o700); err != nil {
		return nil, err
	}
	return &Pipeline{
		deps: d, store: newStore(d.Temp), opened: make(chan struct{}, openedAtOnce), films: newFilms(), trails: newTrails(),
		desks: sync.Pool{New: func() any { return new(desk) }},
	}, nil
}

// Counts returns the counters.
func (p *Pipeline) Counts() Counts {
	c := &p.counts
	return Counts{
		Pages: c.pages.Load(), Files: c.files.Load(), Scanned: c.scanned.Load(),
		Closed: c.closed.Load(), Unscanned: c.unscanned.Load(),
	}
}
