// Package icap is the gate's door for other proxies and firewalls: an ICAP
// server (RFC 3507) to which they hand requests and answers before these go
// on. It streams: what may pass does so as it comes, within the client's
// preview where that is enough. Whatever cannot be decided is closed, by a
// page that says so, since a client that gets an error may well go on without
// us.
package icap

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"belisha/internal/gate/blockpage"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
)

// Namer finds who a name means that a listed client says somebody signed in
// under. Without a row a name proves nothing.
type Namer interface {
	ByName(ctx context.Context, name string, at netip.Addr) (*subject.Row, bool)
}

// Guard knows what private addresses the school has opened.
type Guard interface {
	PrivateOpen(a netip.Addr, port uint16) bool
	Port(port uint16) bool
}

// Front is what the browsers' door does for this one too, so that both show
// the same pages and remember the same things.
type Front interface {
	// Passes reports an answer that is open, or a warning that was read.
	Passes(a *porter.Answer) bool
	// View puts an answer in a page's words; target is where "go on" leads.
	View(a *porter.Answer, target string) blockpage.View
	// Own serves the people's pages, and "go on".
	Own(w http.ResponseWriter, r *http.Request, client netip.Addr)
	// Captive answers the checks by which devices find out whether they are
	// online, where they are to lead to sign-in.
	Captive(w http.ResponseWriter, r *http.Request, a *porter.Answer) bool
	// Steer makes a search safe, by the headers and the query of r, or answers
	// itself. It sets the headers that the rules set, too.
	Steer(w http.ResponseWriter, r *http.Request, a *porter.Answer) bool
	// Password is who a Proxy-Authorization header proves, or nil.
	Password(ctx context.Context, header string, client netip.Addr) *subject.Row
}

// Config is what the door needs. Content, Namer, Tag, TLS, Beside and
// Groups may be nil.
type Config struct {
	Porter  *porter.Porter
	Content porter.Content
	Front   Front
	Guard   Guard
	Pages   *blockpage.Maker
	Namer   Namer
	// Tag says in a few bytes which version of what is used besides the rules,
	// such as the virus scanner's signatures.
	Tag func() string
	// TLS is what the door proves itself with; nil: it is not encrypted.
	TLS *tls.Config
	// Beside is a door that is open already: a client may send its requests to
	// one of them and the answers to the other.
	Beside *Server
	// Groups are ours by the names, in small letters, that clients give them in
	// X-Authenticated-Groups.
	Groups map[string]string
	// Peers may connect from off this machine.
	Peers []netip.Prefix
	Clock clock.Clock
	Log   *slog.Logger
}

// Bounds of what clients may hold.
const (
	maxConns   = 2000 // all that are served
	maxWaiting = 256  // more that are told to come back later
	sayConns   = 1000 // what OPTIONS tells one client that it may use
)

// Server is the door.
type Server struct {
	cfg      Config
	porter   *porter.Porter
	listener net.Listener
	pairs    *pairs
	tags     *tags
	ctx      context.Context
	stop     context.CancelFunc
	all      sync.WaitGroup

	mu     sync.Mutex
	conns  map[*conn]struct{}
	closed bool
	told   map[netip.Addr]struct{} // strangers that the log names already

	counts counters
}

type counters struct {
	requests, blocked, refused, faults atomic.Uint64
}

// Counts is what the door has done since it opened.
type Counts struct {
	Requests uint64 `json:"requests"`
	Blocked  uint64 `json:"blocked"`
	Refused  uint64 `json:"refused"` // malformed, from strangers, or too many
	Faults   uint64 `json:"faults"`
	Conns    int    `json:"conns"`
}

// Listen opens the door on an address; port 0 takes any free one.
func Listen(address string, cfg Config) (*Server, error) {
	switch {
	case cfg.Porter == nil, cfg.Front == nil, cfg.Guard == nil, cfg.Pages == nil, cfg.Clock == nil, cfg.Log == nil:
		return nil, errors.New("opening ICAP: something that it needs was not given")
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("opening ICAP: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		cfg: cfg, porter: cfg.Porter, listener: ln, ctx: ctx, stop: stop,
		conns: make(map[*conn]struct{}), told: make(map[netip.Addr]struct{}),
	}
	if first := cfg.Beside; first != nil {
		s.pairs, s.tags = first.pairs, first.tags
	} else {
		s.pairs, s.tags = newPairs(), &tags{start: rand.Text()[:8]}
	}
	return s, nil
}

// Addr is where the door is.
func (s *Server) Addr() netip.AddrPort {
	at := s.listener.Addr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// Counts returns the counters.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	n := len(s.conns)
	s.mu.Unlock()
	return Counts{
		Requests: s.counts.requests.Load(), Blocked: s.counts.blocked.Load(),
		Refused: s.counts.refused.Load(), Faults: s.counts.faults.Load(), Conns: n,
	}
}

// Serve answers until Close, and returns when nobody is answered any more.
func (s *Server) Serve() error {
	defer s.all.Wait()
	for wait := time.Duration(0); ; {
		c, err := s.listener.Accept()
		if err == nil {
			wait = 0
			s.welcome(c)
			continue
		}
		if s.ctx.Err() != nil {
			return nil
		}
		var passing net.Error
		if !errors.As(err, &passing) || !passing.Timeout() && !isShortage(err) {
			return fmt.Errorf("taking ICAP connections: %w", err)
		}
		wait = min(max(2*wait, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(wait):
		case <-s.ctx.Done():
		}
	}
}

// Close ends the door and all that goes through it.
func (s *Server) Close() error {
	s.stop()
	err := s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	for c := range s.conns {
		c.net.Close()
	}
	return err
}
