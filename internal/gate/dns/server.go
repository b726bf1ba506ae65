// Package dns is the gate's door for names: it answers over UDP and TCP,
// judges every question whatever its type, sends searches to their safe twin,
// and forwards the rest to the school's upstream resolvers.
package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"belisha/internal/gate/porter"
	"belisha/internal/kit/clock"
)

const (
	maxQuestion  = 4096
	maxTCP       = 1024 // connections in all
	maxTCPClient = 64
	idleTCP      = 10 * time.Second
	maxPerTCP    = 500 // questions on one connection
	maxSlow      = 2048
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
	slow  chan struct{} // slots for questions that wait for upstream
	wg    sync.WaitGroup

	mu      sync.Mutex
	conns   map[net.Conn]netip.Addr
	per     map[netip.Addr]int
	closing bool

	queries, dropped, panics atomic.Uint64
}

// Listen opens UDP and TCP on one address; port 0 takes any that is free for
// both.
func Listen(address string, cfg Config) (*Server, error) {
	if cfg.PerClient == 0 {
		cfg.PerClient = 5000
	}
	s := &Server{
		cfg: cfg, limit: newLimiter(cfg.PerClient), slow: make(chan struct{}, maxSlow),
		conns: make(map[net.Conn]netip.Addr), per: make(map[netip.Addr]int),
	}
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
	for _, c := range s.udp {
		s.wg.Go(func() { s.serveUDP(c) })
		if !canShare {
			s.wg.Go(func() { s.serveUDP(c) })
		}
	}
	s.wg.Go(s.serveTCP)
	s.wg.Wait()
	return nil
}

// Close stops the door.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closing = true
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	errs := []error{s.tcp.Close()}
	for _, c := range s.udp {
		errs = append(errs, c.Close())
	}
	s.wg.Wait()
	return errors.Join(errs...)
}

func (s *Server) serveUDP(c *net.UDPConn) {
	in, out := make([]byte, maxQuestion), make([]byte, 0, maxQuestion)
	for {
		n, from, err := c.ReadFromUDPAddrPort(in)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error of an answer that nobody wanted
		}
		if answer := s.udpAnswer(c, in[:n], out[:0], from); answer != nil {
			_, _ = c.WriteToUDPAddrPort(answer, from) // who asked has gone: no matter
		}
	}
}

// udpAnswer answers at once what can be, and hands the rest to a goroutine of
// a bounded number.
func (s *Server) udpAnswer(c *net.UDPConn, in, out []byte, from netip.AddrPort) (answer []byte) {
	defer s.isolate()
	client := from.Addr().Unmap()
	q, rcode, drop := parse(in)
	s.queries.Add(1)
	if drop {
		s.dropped.Add(1)
		return nil
	}
	if rcode != rcodeOK {
		return q.short(out, rcode, -1)
	}
	if !client.IsLoopback() && !s.limit.take(client, s.cfg.Clock.Now()) {
		s.dropped.Add(1)
		return q.truncated(out)
	}
	if answer, ok := s.answer(context.Background(), &q, client, out, false); ok {
		return fit(&q, answer)
	}
	select {
	case s.slow <- struct{}{}:
	default:
		s.dropped.Add(1)
		return q.short(out, rcodeServer, edeNetwork)
	}
	kept := append([]byte(nil), in...)
	s.wg.Go(func() {
		defer func() { <-s.slow }()
		defer s.isolate()
		q, _, _ := parse(kept)
		ctx, cancel := context.WithTimeout(context.Background(), askFor)
		defer cancel()
		answer, _ := s.answer(ctx, &q, client, nil, true)
		_, _ = c.WriteToUDPAddrPort(fit(&q, answer), from)
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

func (s *Server) serveTCP() {
	for {
		c, err := s.tcp.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of file descriptors: let some close
			continue
		}
		client := c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
		if !s.admit(c, client) {
			c.Close()
			continue
		}
		s.wg.Go(func() {
			defer s.leave(c, client)
			s.talk(c, client)
		})
	}
}

func (s *Server) admit(c net.Conn, client netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || len(s.conns) >= maxTCP || s.per[client] >= maxTCPClient {
		return false
	}
	s.conns[c] = client
	s.per[client]++
	return true
}

func (s *Server) leave(c net.Conn, client netip.Addr) {
	c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.per[client]--; s.per[client] == 0 {
		delete(s.per, client)
	}
}

// talk answers the questions of one connection, one after the other.
func (s *Server) talk(c net.Conn, client netip.Addr) {
	defer s.isolate()
	var size [2]byte
	in := make([]byte, maxQuestion)
	for range maxPerTCP {
		if err := setIdle(c); err != nil {
			return
		}
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(size[:]))
		if n > maxQuestion {
			return
		}
		if _, err := io.ReadFull(c, in[:n]); err != nil {
			return
		}
		answer := s.tcpAnswer(in[:n], client)
		if answer == nil || len(answer) > maxReply {
			return
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func (s *Server) tcpAnswer(in []byte, client netip.Addr) []byte {
	q, rcode, drop := parse(in)
	s.queries.Add(1)
	if drop {
		return nil
	}
	if rcode != rcodeOK {
		return q.short(nil, rcode, -1)
	}
	ctx, cancel := context.WithTimeout(context.Background(), askFor)
	defer cancel()
	answer, _ := s.answer(ctx, &q, client, nil, true)
	return answer
}

// setIdle gives the other side a bounded time. Deadlines of sockets are the
// machine's own time, whatever clock the rules live by.
func setIdle(c net.Conn) error {
	return c.SetDeadline(clock.System{}.Now().Add(idleTCP))
}
