package icap

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	maxTold     = 1000
	strangerFor = 2 * time.Second
)

// isShortage reports a lack of something that others give back.
func isShortage(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ECONNABORTED)
}

// welcome serves a connection, if it is from somebody who may ask. Beyond the
// bound it is told to come back later: a client that is cut off instead takes
// the whole service for dead.
func (s *Server) welcome(nc net.Conn) {
	peer := addressOf(nc.RemoteAddr())
	if s.cfg.TLS != nil {
		nc = tls.Server(nc, s.cfg.TLS)
	}
	c := newConn(s, nc, peer)
	s.mu.Lock()
	n := len(s.conns)
	c.busy = n >= maxConns
	c.stranger = !s.mayAsk(peer)
	if s.closed || n >= maxConns+maxWaiting {
		s.mu.Unlock()
		s.counts.refused.Add(1)
		nc.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	if c.stranger {
		s.once(peer, "an ICAP client is not listed in peers and was refused")
	}
	s.all.Go(func() {
		defer s.leave(c)
		c.serve()
	})
}

// once writes something about a client to the log, the first time.
func (s *Server) once(peer netip.Addr, what string, more ...any) {
	s.mu.Lock()
	_, had := s.told[peer]
	first := !had && len(s.told) < maxTold
	if first {
		s.told[peer] = struct{}{}
	}
	s.mu.Unlock()
	if first {
		s.cfg.Log.Warn(what, append(more, "address", peer.String())...)
	}
}

func (s *Server) leave(c *conn) {
	c.net.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// mayAsk reports a client on this machine, or one that the school has listed.
func (s *Server) mayAsk(peer netip.Addr) bool {
	return peer.IsLoopback() || slices.ContainsFunc(s.cfg.Peers, func(p netip.Prefix) bool { return p.Contains(peer) })
}

func addressOf(a net.Addr) netip.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return t.AddrPort().Addr().Unmap().WithZone("")
}

// timedConn gives every read and write its own time. A client that waits for
// a slow site, or a slow reader, may be silent for long.
type timedConn struct {
	net.Conn
	read, write time.Duration
	stalled     atomic.Pointer[func(silent bool) error] // or nil
	ended       atomic.Bool
}

// end ends a read that is under way, and all that follow.
func (t *timedConn) end() {
	t.ended.Store(true)
	_ = t.Conn.SetReadDeadline(systemNow()) // one that fails is of a connection that has ended
}

// Read implements net.Conn.
func (t *timedConn) Read(p []byte) (int, error) {
	if t.stalled.Load() != nil {
		return t.patient(p)
	}
	return t.within(p, t.read)
}

func (t *timedConn) within(p []byte, d time.Duration) (int, error) {
	if err := t.Conn.SetReadDeadline(systemNow().Add(d)); err != nil {
		return 0, err
	}
	if t.ended.Load() { // before the deadline was set, or it has been set over
		return 0, os.ErrDeadlineExceeded
	}
	return t.Conn.Read(p)
}

// Write implements net.Conn.
func (t *timedConn) Write(p []byte) (int, error) {
	if err := t.Conn.SetWriteDeadline(systemNow().Add(t.write)); err != nil {
		return 0, err
	}
	return t.Conn.Write(p)
}
