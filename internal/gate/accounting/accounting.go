// Package accounting takes RADIUS accounting (RFC 2866) from access points and
// switches, which say who signed in to the network at which address: likely, as
// they say it, and until they say that it is over. An answer goes out when what
// was said is in force. Nobody who is not listed is heard, nor anybody without
// the shared secret; names are never written down here.
package accounting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
)

// Names knows whom a name of the network means, nil for nobody.
type Names interface {
	Find(ctx context.Context, in control.NameRequest) (*subject.Row, error)
}

// Table is where it is put who is behind an address.
type Table interface {
	Hear(r subject.Row, now time.Time) error
	Unhear(match func(*subject.Row) bool) int
	Heard(match func(*subject.Row) bool) int
}

// Config is what the door needs.
type Config struct {
	// Peers are "address secret-file" pairs; the address may be a range.
	Peers []string
	Names Names
	Table Table
	// Keep sees to it that the table is there after a restart.
	Keep  func() error
	Clock clock.Clock
	Log   *slog.Logger
}

// Bounds.
const (
	maxPacket  = 4096
	workers    = 8
	maxWaiting = 128 // packets for each worker; more are dropped, and sent again
	maxTold    = 100
	handleFor  = 8 * time.Second
)

// Server is the door.
type Server struct {
	cfg   Config
	peers []*peer
	conn  *net.UDPConn
	work  [workers]chan datagram
	ctx   context.Context
	stop  context.CancelFunc

	ledger ledger

	mu      sync.Mutex
	told    map[netip.Addr]struct{} // strangers that the log names already
	strange atomic.Uint64
	unknown atomic.Uint64
}

type datagram struct {
	raw  []byte
	from netip.AddrPort
}

// Listen opens the door on an address; port 0 takes any free one.
func Listen(address string, cfg Config) (*Server, error) {
	if cfg.Names == nil || cfg.Table == nil || cfg.Keep == nil || cfg.Clock == nil || cfg.Log == nil {
		return nil, errors.New("opening RADIUS accounting: something that it needs was not given")
	}
	peers, err := readPeers(cfg.Peers)
	if err != nil {
		return nil, err
	}
	at, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, fmt.Errorf("opening RADIUS accounting: %w", err)
	}
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		return nil, fmt.Errorf("opening RADIUS accounting: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		cfg: cfg, peers: peers, conn: conn, ctx: ctx, stop: stop,
		told: make(map[netip.Addr]struct{}), ledger: newLedger(),
	}
	for i := range s.work {
		s.work[i] = make(chan datagram, maxWaiting)
	}
	for _, p := range peers {
		if _, err := p.current(cfg.Clock.Now()); err != nil {
			cfg.Log.Error("a secret of RADIUS accounting cannot be used; what its peers say is not taken", "peer", p.who.String(), "error", err.Error())
		}
	}
	return s, nil
}

// Addr is where the door is.
func (s *Server) Addr() netip.AddrPort {
	at := s.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// Serve answers until Close, and returns when nobody is answered any more.
func (s *Server) Serve() error {
	var all sync.WaitGroup
	for _, work := range s.work {
		all.Go(func() {
			for d := range work {
				s.handle(d)
			}
		})
	}
	defer func() {
		for _, work := range s.work {
			close(work)
		}
		all.Wait()
	}()
	buf := make([]byte, maxPacket+1)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			if s.ctx.Err() != nil {
				return nil
			}
			var passing net.Error
			if errors.As(err, &passing) { // of one packet, such as a peer that is not there
				continue
			}
			return fmt.Errorf("reading RADIUS accounting: %w", err)
		}
		from = netip.AddrPortFrom(from.Addr().Unmap().WithZone(""), from.Port())
		if n > maxPacket || s.peerOf(from.Addr()) == nil {
			s.stranger(from.Addr())
			continue
		}
		// What one sender says is taken in its order.
		bytes := from.Addr().As16()
		select {
		case s.work[(bytes[15]^bytes[14])%workers] <- datagram{append([]byte(nil), buf[:n]...), from}:
		default: // it is sent again
		}
	}
}

// Close ends the door.
func (s *Server) Close() error {
	s.stop()
	err := s.conn.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// peerOf is the peer that an address is of: the narrowest range.
func (s *Server) peerOf(a netip.Addr) (best *peer) {
	for _, p := range s.peers {
		if p.who.Contains(a) && (best == nil || p.who.Bits() > best.who.Bits()) {
			best = p
		}
	}
	return best
}

func (s *Server) stranger(a netip.Addr) {
	s.strange.Add(1)
	s.mu.Lock()
	_, had := s.told[a]
	first := !had && len(s.told) < maxTold
	if first {
		s.told[a] = struct{}{}
	}
	s.mu.Unlock()
	if first {
		s.cfg.Log.Warn("RADIUS accounting came from an address that is not in radius-peers and was dropped", "address", a.String())
	}
}

// handle answers one packet of a listed peer, if it is what it must be.
func (s *Server) handle(d datagram) {
	p := s.peerOf(d.from.Addr())
	now := s.cfg.Clock.Now()
	secret, err := p.current(now)
	if err != nil {
		p.refused.Add(1)
		return
	}
	m, err := read(d.raw, secret)
	if err != nil {
		if p.refused.Add(1) == 1 {
			s.cfg.Log.Warn("RADIUS accounting of a listed peer was refused; look at the shared secret", "peer", p.who.String(), "why", err.Error())
		}
		return
	}
	key := seenKey{d.from, m.id, m.authenticator}
	again, running := s.ledger.begin(key, now)
	if running {
		return
	}
	if again == nil {
		if !s.take(m, d.from.Addr(), now) {
			s.ledger.forget(key)
			return // it is sent again
		}
		again = m.reply(secret)
		s.ledger.done(key, again)
		p.taken(now)
	}
	// Who is gone by now asks again.
	_, _ = s.conn.WriteToUDPAddrPort(again, d.from)
}

// Status is how it goes.
func (s *Server) Status(sessions int) control.Accounting {
	if s == nil {
		return control.Accounting{}
	}
	out := control.Accounting{Set: true, Strange: s.strange.Load(), Unknown: s.unknown.Load(), Sessions: sessions}
	for _, p := range s.peers {
		out.Peers = append(out.Peers, p.status(s.cfg.Clock.Now()))
	}
	return out
}
