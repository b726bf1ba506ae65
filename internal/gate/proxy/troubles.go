package proxy

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"belisha/internal/gate/control"
)

// Kinds of trouble with sites whose TLS is ended here.
const (
	troublePinned            = "pinned"             // the program did not take our certificate
	troubleCertificate       = "certificate"        // the site's does not prove who it is
	troubleClientCertificate = "client-certificate" // the site asks visitors for one
)

const (
	maxTroubles       = 500
	maxTroubleClients = 16

	// Many programs agree on TLS, look at the certificate and hang up. So do
	// browsers now and then, with a connection that they do not need after all.
	quietSoon   = 3 * time.Second // after agreeing
	quietOften  = 3               // within
	quietWithin = time.Hour
	quietDetail = "it hangs up without asking for anything"
)

var noClient netip.Addr

type troubleKey struct{ host, kind string }

type trouble struct {
	count   int
	last    time.Time
	detail  string
	clients []netip.Addr
}

// troubles remembers which sites could not be inspected, so that somebody can
// decide about them. It is bounded, and forgets the oldest.
type troubles struct {
	mu    sync.Mutex
	have  map[troubleKey]*trouble
	quiet map[string]*hangups
	some  atomic.Bool // there was any such
}

// hangups are how often a site's connections were hung up on lately before
// anything was asked.
type hangups struct {
	count int
	first time.Time
}

func newTroubles() *troubles {
	return &troubles{have: make(map[troubleKey]*trouble), quiet: make(map[string]*hangups)}
}

// hungUp notes a connection that was agreed on and then left. Where it is the
// rule at a site, and not a browser's change of mind, it is a trouble.
func (t *troubles) hungUp(host string, client netip.Addr, now time.Time) {
	t.mu.Lock()
	q := t.quiet[host]
	if q == nil || now.Sub(q.first).Abs() > quietWithin {
		if q == nil && len(t.quiet) >= maxTroubles {
			clear(t.quiet) // those that go on are soon here again
		}
		q = &hangups{first: now}
		t.quiet[host] = q
	}
	q.count++
	often := q.count >= quietOften
	t.some.Store(true)
	t.mu.Unlock()
	if often {
		t.add(host, troublePinned, quietDetail, client, now)
	}
}

// works notes that something was asked of a site after all.
func (t *troubles) works(host string) {
	if !t.some.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.quiet[host] == nil {
		return
	}
	delete(t.quiet, host)
	t.some.Store(len(t.quiet) > 0)
	if x := t.have[troubleKey{host, troublePinned}]; x != nil && x.detail == quietDetail {
		delete(t.have, troubleKey{host, troublePinned})
	}
}

func (t *troubles) add(host, kind, detail string, client netip.Addr, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := troubleKey{host, kind}
	x := t.have[key]
	if x == nil {
		if len(t.have) >= maxTroubles {
			t.forget()
		}
		x = new(trouble)
		t.have[key] = x
	}
	x.count++
	x.last, x.detail = now, detail
	if client.IsValid() && len(x.clients) < maxTroubleClients && !slices.Contains(x.clients, client) {
		x.clients = append(x.clients, client)
	}
}

// lately reports such trouble within the last moments. A site that wants a
// certificate of the visitor may end the connection without saying so.
func (t *troubles) lately(host, kind string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.have[troubleKey{host, kind}]
	return x != nil && now.Sub(x.last).Abs() < dialFor
}

func (t *troubles) forget() {
	var oldest troubleKey
	var at time.Time
	for key, x := range t.have {
		if at.IsZero() || x.last.Before(at) {
			oldest, at = key, x.last
		}
	}
	delete(t.have, oldest)
}

// list is what is remembered, the most frequent first.
func (t *troubles) list() []control.Trouble {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]control.Trouble, 0, len(t.have))
	for key, x := range t.have {
		out = append(out, control.Trouble{
			Host: key.host, Kind: key.kind, Detail: x.detail, Count: x.count, Devices: len(x.clients), Last: x.last,
		})
	}
	slices.SortFunc(out, func(a, b control.Trouble) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}
