// Package dns is the gate's door for names: it answers over UDP, TCP, TLS and
// HTTPS, judges every question whatever its type, sends searches to their safe
// twin, and forwards the rest to the school's upstream resolvers.
package dns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"belisha/internal/gate/dns/tunnel"
	"belisha/internal/gate/porter"
	"belisha/internal/kit/clock"
)

const (
	maxQuestion = 4096
	maxSlow     = 2048
	maxReply    = 65535
)

// Config says where the door is and what it answers by itself.
type Config struct {
	Porter   *porter.Porter
	Resolver *Resolver
	Clock    clock.Clock
	Log      *slog.Logger
	// PerClient is how many questions one client may ask in a second; 0 is
	// 5,000. Loopback is not limited.
	PerClient int
}

// Server is the door.
type Server struct {
	cfg   Config
	limit *limiter
	udp   []*net.UDPConn
	tcp   net.Listener
	slow  *waiting
	wg    sync.WaitGroup

	streams streams
	cookies *cookies
	tunnel  *tunnel.Watch
	offered atomic.Pointer[Offered]

	queries, dropped, panics atomic.Uint64
}

// Listen opens UDP and TCP on one address; port 0 takes any that is free for
// both.
func Listen(address string, cfg Config) (*Server, error) {
	if cfg.PerClient == 0 {
		cfg.PerClient = 5000
	}
	s := newServer(cfg)
	var err error
	for range 20 { // a free UDP port may be taken on TCP: try another
		if err = s.open(address); err == nil {
			return s, nil
		}
		if _, port, _ := net.SplitHostPort(address); port != "0" {
			break
		}
	}
	return nil, err
}

func newServer(cfg Config) *Server {
	s := &Server{
		cfg: cfg, limit: newLimiter(cfg.PerClient), slow: newWaiting(),
		cookies: newCookies(), tunnel: tunnel.New(),
	}
	s.streams = newStreams(&s.wg)
	return s
}

func (s *Server) open(address string) error {
	lc := net.ListenConfig{Control: shareAddress}
	n := 1
	if canShare {
		n = runtime.GOMAXPROCS(0)
	} else {
		lc.Control = nil
	}
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("opening DNS over TCP: %w", err)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		tcp.Close()
		return fmt.Errorf("opening DNS: %w", err)
	}
	at := net.JoinHostPort(host, strconv.Itoa(tcp.Addr().(*net.TCPAddr).Port))
	// A first socket that shares with nobody finds out whether the port is
	// taken; sharing sockets would quietly share with a stranger.
	if probe, err := net.ListenPacket("udp", at); err != nil {
		tcp.Close()
		return fmt.Errorf("opening DNS over UDP: %w", err)
	} else if err := probe.Close(); err != nil {
		tcp.Close()
		return fmt.Errorf("opening DNS over UDP: %w", err)
	}
	for range n {
		pc, err := lc.ListenPacket(context.Background(), "udp", at)
		if err != nil {
			tcp.Close()
			for _, c := range s.udp {
				_ = c.Close()
			}
			s.udp = nil
			return fmt.Errorf("opening DNS over UDP: %w", err)
		}
		conn := pc.(*net.UDPConn)
		// Small buffers lose questions in a burst; where the system refuses
		// larger ones, what it has must do.
		_ = conn.SetReadBuffer(1 << 20)
		s.udp = append(s.udp, conn)
	}
	s.tcp = tcp
	return nil
}

// Addr is where the door is.
func (s *Server) Addr() netip.AddrPort { return s.tcp.Addr().(*net.TCPAddr).AddrPort() }

// Counts are questions taken and questions dropped since the start.
func (s *Server) Counts() (queries, dropped uint64) { return s.queries.Load(), s.dropped.Load() }

// Serve answers until Close.
func (s *Server) Serve() error {
	errs := make(chan error, 2*len(s.udp))
	for _, c := range s.udp {
		n := 1
		if !canShare {
			n = 2
		}
		for range n {
			s.wg.Go(func() { errs <- s.serveUDP(c) })
		}
	}
	s.wg.Go(func() { s.accept(s.tcp, nil) })
	s.wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Close stops the door.
func (s *Server) Close() error {
	s.streams.close()
	errs := []error{s.tcp.Close()}
	for _, c := range s.udp {
		errs = append(errs, c.Close())
	}
	s.wg.Wait()
	return errors.Join(errs...)
}

func (s *Server) serveUDP(c *net.UDPConn) error {
	b, err := newBatch(c)
	if err != nil {
		return err
	}
	for {
		n, err := b.read()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			continue // an ICMP error of an answer that nobody wanted
		}
		for i := range n {
			b.answer(i, s.udpAnswer(b, i))
		}
		b.flush()
	}
}

// udpAnswer answers at once what can be, and hands the rest to a goroutine of
// a bounded number.
func (s *Server) udpAnswer(b *batch, i int) (answer []byte) {
	defer s.isolate()
	in, out, client := b.question(i), b.room(i), b.from(i).Addr().Unmap().WithZone("")
	q, rcode, drop := parse(in)
	s.queries.Add(1)
	if drop {
		s.dropped.Add(1)
		return nil
	}
	if rcode != rcodeOK {
		return q.short(out, rcode, noEDE)
	}
	known := q.cookie != nil && s.cookies.see(&q, client, s.cfg.Clock.Now())
	if !known && !client.IsLoopback() && !s.limit.take(client, s.cfg.Clock.Now()) {
		s.dropped.Add(1)
		return q.truncated(out) // who is there comes over TCP, who was made up does not
	}
	if answer, ok := s.answer(context.Background(), &q, client, out, false); ok {
		return fit(&q, answer)
	}
	if !s.slow.enter(client) {
		s.dropped.Add(1)
		return q.short(out, rcodeServer, edeBusy)
	}
	kept, reply := append([]byte(nil), in...), b.later(i)
	s.wg.Go(func() {
		defer s.slow.leave(client)
		defer s.isolate()
		q, _, _ := parse(kept)
		s.cookies.see(&q, client, s.cfg.Clock.Now())
		ctx, cancel := context.WithTimeout(context.Background(), askFor)
		defer cancel()
		answer, _ := s.answer(ctx, &q, client, nil, true)
		reply(fit(&q, answer))
	})
	return nil
}

// isolate keeps one bad question from stopping the door: it stays unanswered.
func (s *Server) isolate() {
	if r := recover(); r != nil {
		s.panics.Add(1)
		s.cfg.Log.Error("a DNS question could not be answered", "panic", fmt.Sprint(r))
	}
}

// fit makes an answer that is too long for the asker come again over TCP.
func fit(q *query, answer []byte) []byte {
	if len(answer) > q.size {
		return q.truncated(nil)
	}
	return answer
}

// Answer answers a question that came whole, over TCP, TLS or HTTPS; nil where
// no answer is due. Secure says that nobody in between could read it.
func (s *Server) Answer(ctx context.Context, in []byte, client netip.Addr, secure bool) []byte {
	return s.answerOn(ctx, in, client, secure, 0)
}

// answerOn is Answer on a connection that may rest so long.
func (s *Server) answerOn(ctx context.Context, in []byte, client netip.Addr, secure bool, idle time.Duration) []byte {
	defer s.isolate()
	q, rcode, drop := parse(in)
	s.queries.Add(1)
	if drop {
		s.dropped.Add(1)
		return nil
	}
	q.secure, q.idle = secure, uint16(idle/(100*time.Millisecond))
	if rcode != rcodeOK {
		return q.short(nil, rcode, noEDE)
	}
	now := s.cfg.Clock.Now()
	s.cookies.see(&q, client, now)
	if !client.IsLoopback() && !s.limit.take(client, now) {
		s.dropped.Add(1)
		return q.short(nil, rcodeRefused, edeNotMade)
	}
	if answer, ok := s.answer(ctx, &q, client, nil, false); ok {
		return bounded(&q, answer)
	}
	if !s.slow.enter(client) {
		s.dropped.Add(1)
		return q.short(nil, rcodeServer, edeBusy)
	}
	defer s.slow.leave(client)
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	answer, _ := s.answer(ctx, &q, client, nil, true)
	return bounded(&q, answer)
}

// bounded refuses what no stream can carry.
func bounded(q *query, answer []byte) []byte {
	if len(answer) > maxReply {
		return q.short(nil, rcodeServer, noEDE)
	}
	return answer
}
