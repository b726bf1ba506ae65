package proxy

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

// tunnel is what outlives the question it was opened by: a tunnel, or a
// request whose answer is still on its way.
type tunnel struct {
	client    netip.Addr
	basic     atomic.Pointer[subject.Row] // who a password made known, until they are gone
	shut      atomic.Bool                 // closed because the rules close it now
	questions []porter.Question
	close     func()
	// stay reports whether the connection is still what it was opened as; if
	// not it is closed without a word, and opened anew by who needs it. May be
	// nil.
	stay func(*subject.Found) bool
}

func newTunnel(client netip.Addr, basic *subject.Row, closeIt func(), questions ...porter.Question) *tunnel {
	x := &tunnel{client: client, questions: questions, close: closeIt}
	x.basic.Store(basic)
	return x
}

// tunnels are the running ones. When the rules, the person or the time change
// they are judged again, so that nothing opened before stays open after. There
// are no more of them than connections.
type tunnels struct {
	shards [16]tunnelShard
	next   atomic.Uint32
}

type tunnelShard struct {
	mu   sync.Mutex
	open map[*tunnel]struct{}
}

func newTunnels() *tunnels {
	t := new(tunnels)
	for i := range t.shards {
		t.shards[i].open = make(map[*tunnel]struct{})
	}
	return t
}

func (t *tunnels) add(x *tunnel) (remove func()) {
	s := &t.shards[t.next.Add(1)%uint32(len(t.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[x] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, x)
	}
}

func (t *tunnels) list() []*tunnel {
	var out []*tunnel
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for x := range s.open {
			out = append(out, x)
		}
		s.mu.Unlock()
	}
	return out
}

func (t *tunnels) len() (n int) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		n += len(s.open)
		s.mu.Unlock()
	}
	return n
}

// recording bounds how many closed connections are written down at once.
const recording = 128

// Recheck judges every running tunnel and download again and closes those that
// are closed now. It returns how many it closed, when that is written down.
func (s *Server) Recheck(ctx context.Context) int {
	var closed []porter.Answer
	for _, x := range s.tunnels.list() {
		a, now := s.closedNow(x)
		switch {
		case now:
			x.shut.Store(true)
			x.close()
			closed = append(closed, a)
		case x.stay != nil:
			if who := s.porter.Who(x.client, s.basicOf(x)); !x.stay(&who) {
				x.close()
			}
		}
	}
	// All are closed before any waits for the disk.
	var wg sync.WaitGroup
	slots := make(chan struct{}, recording)
	for i := range closed {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			s.porter.Record(ctx, &closed[i])
		})
	}
	wg.Wait()
	return len(closed)
}

// closedNow judges all that a running tunnel was asked for again.
func (s *Server) closedNow(x *tunnel) (porter.Answer, bool) {
	if len(x.questions) == 0 {
		return porter.Answer{}, false
	}
	who := s.porter.Who(x.client, s.basicOf(x))
	for _, q := range x.questions {
		if a := s.porter.Judge(&who, q); !s.passes(&a) {
			a.Verdict.Action = verdict.Block
			return a, true
		}
	}
	who.Used(s.porter.Now()) // what is open is in use
	return porter.Answer{}, false
}

// basicOf is who a password made known on a connection, while they are there.
func (s *Server) basicOf(x *tunnel) *subject.Row {
	basic := x.basic.Load()
	if basic != nil && !s.porter.High().Before(basic.Ends) {
		return nil
	}
	return basic
}

// told takes what has become of people whom a password made known: known are
// those who still are, as they are now.
func (x *tunnel) told(gone []string, all bool, known []subject.Row) {
	basic := x.basic.Load()
	if basic == nil {
		return
	}
	if i := slices.IndexFunc(known, func(r subject.Row) bool { return r.ID == basic.ID }); i >= 0 {
		x.basic.Store(&known[i])
		return
	}
	if all || slices.Contains(gone, basic.ID) {
		x.basic.Store(nil)
	}
}
