package dns

import (
	"net/netip"
	"sync"
	"time"
)

const (
	maxClients = 50_000
	// perNetwork is how many times what one client may have its network on
	// IPv6 may have: a device there takes as many addresses as it likes, and
	// all devices of a school may be in one.
	perNetwork = 16
	networkV6  = 64
	// mostWaiting is how many questions of one client may wait for upstream
	// at once: names that nobody answers must not take the slots of all.
	mostWaiting = 256
)

// clientOf is the client itself, and on IPv6 its network; the zero prefix
// where there is none.
func clientOf(a netip.Addr) (one, network netip.Prefix) {
	a = a.WithZone("")
	one = netip.PrefixFrom(a, a.BitLen())
	if a.Is6() {
		network, _ = a.Prefix(networkV6) // an address of 128 bits has 64
	}
	return one, network
}

// limiter counts the questions of each client in the current second.
type limiter struct {
	most   int
	mu     sync.Mutex
	second int64
	counts map[netip.Prefix]int
}

func newLimiter(most int) *limiter {
	return &limiter{most: most, counts: make(map[netip.Prefix]int)}
}

func (l *limiter) take(a netip.Addr, now time.Time) bool {
	one, network := clientOf(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := now.Unix(); s != l.second {
		l.second = s
		clear(l.counts)
	}
	if network.IsValid() && !l.count(network, perNetwork*l.most) {
		return false
	}
	return l.count(one, l.most)
}

func (l *limiter) count(p netip.Prefix, most int) bool {
	if len(l.counts) >= maxClients {
		if _, known := l.counts[p]; !known {
			return false // a flood of made-up senders: they may come over TCP
		}
	}
	l.counts[p]++
	return l.counts[p] <= most
}

// waiting are the slots for questions that wait for upstream, and who has them.
type waiting struct {
	mu   sync.Mutex
	all  int
	held map[netip.Prefix]int
}

func newWaiting() *waiting { return &waiting{held: make(map[netip.Prefix]int)} }

// enter takes a slot, if there is one for this client. Loopback is somebody
// who asks for others, and has all.
func (w *waiting) enter(a netip.Addr) bool {
	one, network := clientOf(a)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all >= maxSlow {
		return false
	}
	if !a.IsLoopback() {
		if w.held[one] >= mostWaiting || network.IsValid() && w.held[network] >= 2*mostWaiting {
			return false
		}
		w.held[one]++
		if network.IsValid() {
			w.held[network]++
		}
	}
	w.all++
	return true
}

// leave gives a slot back.
func (w *waiting) leave(a netip.Addr) {
	one, network := clientOf(a)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all--
	if a.IsLoopback() {
		return
	}
	for _, p := range [...]netip.Prefix{one, network} {
		if p.IsValid() {
			if w.held[p]--; w.held[p] <= 0 {
				delete(w.held, p)
			}
		}
	}
}
