package dns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate/dns/upstream"
	"belisha/internal/gate/porter"
	"belisha/internal/kit/clock"
)

const (
	maxInFlight = 1024 // questions upstream at once
	askFor      = 6 * time.Second
	// staleAfter is how long upstream has before an older answer serves, where
	// there is one (RFC 8767 5): devices give up soon after.
	staleAfter = 1800 * time.Millisecond
)

var (
	errBusy   = errors.New("too many questions are waiting for the upstream resolver")
	errAnswer = errors.New("what upstream answered cannot be read")
)

// Resolver finds names through the school's upstream resolvers, for the DNS
// door and for the proxy alike, with one bounded cache. What it returns is
// clean: no private address of a public name, no encrypted name, no HTTP/3.
type Resolver struct {
	clock   clock.Clock
	log     *slog.Logger
	up      *upstream.Client
	cache   *cache
	zones   []*ownZone
	allowed func(netip.Addr) bool
	slots   chan struct{}

	mu    sync.Mutex
	calls map[key]*call
	mute  mute
}

type call struct {
	done  chan struct{}
	entry *entry
	err   error
}

// NewResolver returns a resolver that asks servers; see upstream.New for how
// they are written. Allowed says which addresses may come back at all.
func NewResolver(servers []string, allowed func(netip.Addr) bool, c clock.Clock, log *slog.Logger) (*Resolver, error) {
	up, err := upstream.New(servers, nil, c)
	if err != nil {
		return nil, err
	}
	return &Resolver{
		clock: c, log: log, cache: newCache(), allowed: allowed, up: up,
		slots: make(chan struct{}, maxInFlight), calls: make(map[key]*call),
	}, nil
}

// SystemServers are the resolvers this machine is set up to use.
func SystemServers() []string { return upstream.System() }

// Lookup returns the addresses of a canonical name, IPv4 first. A name that
// leads nowhere but inside is porter.ErrInside.
func (r *Resolver) Lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	type answer struct {
		list []netip.Addr
		err  error
	}
	six := make(chan answer, 1)
	go func() {
		list, err := r.addresses(ctx, name, typeAAAA)
		six <- answer{list, err}
	}()
	four, err := r.addresses(ctx, name, typeA)
	v6 := <-six
	all := append(four, v6.list...)
	if len(all) > 0 {
		return all, nil
	}
	if errors.Is(v6.err, porter.ErrInside) {
		return nil, v6.err
	}
	if err == nil {
		err = v6.err
	}
	if err == nil {
		err = fmt.Errorf("the name %s has no address that may be reached", name)
	}
	return nil, err
}

func (r *Resolver) addresses(ctx context.Context, name string, kind uint16) (out []netip.Addr, err error) {
	e, err := r.find(ctx, key{name: name, kind: kind})
	if err != nil {
		return nil, err
	}
	if e.has&rebound != 0 {
		return nil, fmt.Errorf("finding %s: %w", name, porter.ErrInside)
	}
	e.addresses(func(a netip.Addr) bool {
		out = append(out, a)
		return len(out) < maxRecords
	})
	return out, nil
}

// find returns the answer to a question, from the cache or from upstream. The
// same question asked by many at once is asked upstream once. Where upstream
// is slow or overloaded, an older answer serves.
func (r *Resolver) find(ctx context.Context, k key) (*entry, error) {
	now := r.clock.Now()
	if e := r.cache.get(k, now); e != nil {
		return e, e.err()
	}
	old, late := r.cache.any(k).older(now), (<-chan time.Time)(nil)
	c, ok := r.call(ctx, k)
	if !ok {
		if old != nil {
			return old, nil
		}
		return nil, errBusy
	}
	if old != nil {
		t := time.NewTimer(staleAfter)
		defer t.Stop()
		late = t.C
	}
	select {
	case <-c.done:
		return c.entry, c.err
	case <-late:
		return old, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// call is the question on its way upstream; false where too many are.
func (r *Resolver) call(ctx context.Context, k key) (c *call, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c = r.calls[k]; c != nil {
		return c, true
	}
	select {
	case r.slots <- struct{}{}:
	default:
		return nil, false
	}
	c = &call{done: make(chan struct{})}
	r.calls[k] = c
	// Not the asker's context: who comes second must not fail because the
	// first has gone away.
	go r.fetch(context.WithoutCancel(ctx), k, c)
	return c, true
}

func (r *Resolver) fetch(ctx context.Context, k key, c *call) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	defer func() {
		if p := recover(); p != nil { // nothing that upstream sends may end the filter
			c.entry, c.err = nil, errAnswer
			r.log.Error("an answer from upstream could not be read", "panic", fmt.Sprint(p))
		}
		<-r.slots
		r.mu.Lock()
		delete(r.calls, k)
		r.mu.Unlock()
		close(c.done)
	}()
	c.entry, c.err = r.ask(ctx, k)
	if c.err == nil {
		r.tellAnswered(k.name)
		r.cache.put(k, c.entry)
		return
	}
	r.tellFailed(k.name, c.err)
	now := r.clock.Now()
	if old := r.cache.any(k).older(now); old != nil {
		r.cache.put(k, old)
		c.entry, c.err = old, nil
		return
	}
	r.cache.put(k, failure(c.err, now))
}

// mute counts the questions in a row that servers did not answer. One name
// alone may be its own fault.
type mute struct{ n atomic.Int32 }

const muteAfter = 3

// silent reports that they have just become mute.
func (m *mute) silent() bool { return m.n.Add(1) == muteAfter }

// spoke reports that they no longer are.
func (m *mute) spoke() bool { return m.n.Swap(0) >= muteAfter }

func (m *mute) is() bool { return m.n.Load() >= muteAfter }

// tellFailed says once that nobody answers.
func (r *Resolver) tellFailed(name string, err error) {
	if said := (*upstream.Failed)(nil); errors.As(err, &said) || errors.Is(err, errAnswer) {
		return // somebody does
	}
	if z := r.zone(name); z != nil {
		if z.mute.silent() {
			r.log.Error("the servers of an own zone do not answer: check own-zones", "zone", z.name, "error", err.Error())
		}
		return
	}
	if r.mute.silent() {
		r.log.Error("the upstream resolver does not answer: check upstream-dns and the line", "error", err.Error())
	}
}

func (r *Resolver) tellAnswered(name string) {
	if z := r.zone(name); z != nil {
		if z.mute.spoke() {
			r.log.Info("the servers of an own zone answer again", "zone", z.name)
		}
		return
	}
	if r.mute.spoke() {
		r.log.Info("the upstream resolver answers again")
	}
}

func (r *Resolver) ask(ctx context.Context, k key) (*entry, error) {
	if k.safe != "" {
		return r.askSafe(ctx, k)
	}
	m, allowed, err := r.exchange(ctx, upstream.Question{Name: k.name, Kind: k.kind, DO: k.do, CD: k.cd})
	if err != nil {
		return nil, err
	}
	names := trim(m, k.name, k.kind, k.do)
	c := clean(m, allowed)
	e, err := newEntry(m, r.clock.Now())
	if err != nil {
		return nil, err
	}
	if c.rebound {
		e.has |= rebound
	}
	e.leads(append(names, c.names...), c.hints)
	return e, nil
}

// safeKind reports a type whose answer could lead to a service past its safe
// mode. Others, such as where its mail goes, are what they are.
func safeKind(kind uint16) bool {
	switch kind {
	case typeA, typeAAAA, typeCNAME, typeHTTPS, typeSVCB:
		return true
	}
	return false
}

// askSafe makes the answer that says: this name is another name for its safe
// twin. Only addresses are given; anything else would lead past it.
func (r *Resolver) askSafe(ctx context.Context, k key) (*entry, error) {
	m := new(mdns.Msg)
	m.SetQuestion(mdns.Fqdn(k.name), k.kind)
	m.Response, m.RecursionAvailable = true, true
	if k.kind == typeA || k.kind == typeAAAA || k.kind == typeCNAME {
		m.Answer = append(m.Answer, &mdns.CNAME{
			Hdr:    mdns.RR_Header{Name: mdns.Fqdn(k.name), Rrtype: typeCNAME, Class: classIN, Ttl: maxTTL},
			Target: mdns.Fqdn(k.safe),
		})
	}
	if k.kind == typeA || k.kind == typeAAAA {
		got, err := r.up.Exchange(ctx, upstream.Question{Name: k.safe, Kind: k.kind})
		if err != nil {
			return nil, err
		}
		trim(got, k.safe, k.kind, false)
		clean(got, r.allowed)
		m.Answer = append(m.Answer, got.Answer...)
	}
	return newEntry(m, r.clock.Now())
}
