package dns

import (
	"net/netip"
	"sync"
	"time"
)

const maxClients = 50_000

// limiter counts the questions of each client in the current second. A
// client on IPv6 is its network.
type limiter struct {
	most   int
	mu     sync.Mutex
	second int64
	counts map[netip.Addr]int
}

func newLimiter(most int) *limiter {
	return &limiter{most: most, counts: make(map[netip.Addr]int)}
}

func (l *limiter) take(a netip.Addr, now time.Time) bool {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := now.Unix(); s != l.second {
		l.second = s
		clear(l.counts)
	}
	if len(l.counts) >= maxClients {
		if _, known := l.counts[a]; !known {
			return false // a flood of made-up senders: they may come over TCP
		}
	}
	l.counts[a]++
	return l.counts[a] <= l.most
}
