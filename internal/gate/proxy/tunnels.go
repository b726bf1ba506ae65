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

// tunnel is a connection that outlives the question it was opened by.
type tunnel struct {
	client    netip.Addr
	basic     *subject.Row
	left      atomic.Bool // basic is gone
	questions []porter.Question
	close     func()
}

// tunnels are the running ones. When the rules, the person or the time change
// they are judged again, so that nothing opened before stays open after.
type tunnels struct {
	mu   sync.Mutex
	open map[*tunnel]struct{}
}

func newTunnels() *tunnels { return &tunnels{open: make(map[*tunnel]struct{})} }

func (t *tunnels) add(x *tunnel) (remove func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[x] = struct{}{}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.open, x)
	}
}

func (t *tunnels) list() []*tunnel {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]*tunnel, 0, len(t.open))
	for x := range t.open {
		out = append(out, x)
	}
	return out
}

// Recheck judges every running tunnel again and closes those that are closed
// now. It returns how many it closed.
func (s *Server) Recheck(ctx context.Context) int {
	closed := 0
	for _, x := range s.tunnels.list() {
		basic := x.basic
		if basic != nil && (x.left.Load() || !s.porter.Now().Before(basic.Ends)) {
			basic = nil
		}
		who := s.porter.Who(x.client, basic)
		for _, q := range x.questions {
			a := s.porter.Judge(&who, q)
			if a.Allowed() || a.Verdict.Action == verdict.Warn && s.goOn.has(x.client, q.Host, a.At) {
				continue
			}
			a.Verdict.Action = verdict.Block
			x.close()
			s.porter.Record(ctx, &a)
			closed++
			break
		}
	}
	return closed
}
