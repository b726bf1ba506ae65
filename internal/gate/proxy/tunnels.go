package proxy

import (
	"context"
	"net/netip"
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
	basic     *subject.Row
	left      atomic.Bool // basic is gone
	shut      atomic.Bool // closed because the rules close it now
	questions []porter.Question
	close     func()
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

// Recheck judges every running tunnel and download again and closes those that
// are closed now. It returns how many it closed.
func (s *Server) Recheck(ctx context.Context) int {
	closed := 0
	for _, x := range s.tunnels.list() {
		if a, now := s.closedNow(x); now {
			x.shut.Store(true)
			x.close()
			s.porter.Record(ctx, &a)
			closed++
		}
	}
	return closed
}

// closedNow judges all that a running tunnel was asked for again.
func (s *Server) closedNow(x *tunnel) (porter.Answer, bool) {
	basic := x.basic
	if basic != nil && (x.left.Load() || !s.porter.High().Before(basic.Ends)) {
		basic = nil
	}
	who := s.porter.Who(x.client, basic)
	for _, q := range x.questions {
		if a := s.porter.Judge(&who, q); !s.passes(&a) {
			a.Verdict.Action = verdict.Block
			return a, true
		}
	}
	return porter.Answer{}, false
}
