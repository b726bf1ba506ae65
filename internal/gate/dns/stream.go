package dns

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"belisha/internal/kit/clock"
)

const (
	maxStreams   = 2048 // connections in all
	maxPerClient = 64
	idleTCP      = 10 * time.Second
	idleTLS      = 60 * time.Second // phones keep one for all their questions
	shakeFor     = 5 * time.Second
	writeFor     = 5 * time.Second
	maxPerStream = 10_000 // questions on one connection
	maxAtOnce    = 32     // of them waiting at once
	retryAccept  = 10 * time.Millisecond
)

// streams are the connections over TCP and TLS.
type streams struct {
	mu      sync.Mutex
	conns   map[net.Conn]netip.Addr
	per     map[netip.Addr]int
	closing bool
	open    *sync.WaitGroup
}

func newStreams(open *sync.WaitGroup) streams {
	return streams{open: open, conns: make(map[net.Conn]netip.Addr), per: make(map[netip.Addr]int)}
}

func (s *streams) admit(c net.Conn, client netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || len(s.conns) >= maxStreams || s.per[client] >= maxPerClient {
		return false
	}
	s.conns[c] = client
	s.per[client]++
	s.open.Add(1) // before closing is seen, so that whoever closes waits for it
	return true
}

func (s *streams) leave(c net.Conn, client netip.Addr) {
	c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open.Done()
	delete(s.conns, c)
	if s.per[client]--; s.per[client] == 0 {
		delete(s.per, client)
	}
}

func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for c := range s.conns {
		c.Close()
	}
}

// accept takes connections until the listener is closed. With a certificate
// they are TLS.
func (s *Server) accept(ln net.Listener, secure *tls.Config) {
	for {
		c, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			<-time.After(retryAccept) // out of file descriptors: let some close
			continue
		}
		client := c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap().WithZone("")
		if !s.streams.admit(c, client) {
			c.Close()
			continue
		}
		go func() {
			defer s.streams.leave(c, client)
			defer s.isolate()
			conn, idle := c, idleTCP
			if secure != nil {
				t, err := shake(c, secure)
				if err != nil {
					return // no TLS, or a certificate that it does not believe
				}
				conn, idle = t, idleTLS
			}
			s.talk(conn, client, idle, secure != nil)
		}()
	}
}

func shake(c net.Conn, config *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), shakeFor)
	defer cancel()
	t := tls.Server(c, config)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("shaking hands: %w", err)
	}
	return t, nil
}

// talk answers the questions of one connection. One that waits for upstream
// does not hold up those behind it (RFC 7766 6.2.1.1).
func (s *Server) talk(c net.Conn, client netip.Addr, idle time.Duration, secure bool) {
	ctx, cancel := context.WithCancel(context.Background())
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer cancel()
	out := &writer{conn: c}
	slots := make(chan struct{}, maxAtOnce)
	var size [2]byte
	for range maxPerStream {
		if err := c.SetReadDeadline(soon(idle)); err != nil {
			return
		}
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(size[:]))
		if n > maxQuestion || n < headerSize {
			return
		}
		in := make([]byte, n)
		if _, err := io.ReadFull(c, in); err != nil {
			return
		}
		slots <- struct{}{}
		waiting.Go(func() {
			defer func() { <-slots }()
			answer := s.answerOn(ctx, in, client, secure, idle)
			if answer == nil || out.send(answer) != nil {
				c.Close() // it does not ask, or does not take its answers
			}
		})
	}
}

// writer sends one answer after the other.
type writer struct {
	mu   sync.Mutex
	conn net.Conn
}

func (w *writer) send(answer []byte) error {
	framed := append(binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(answer)), uint16(len(answer))), answer...)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.conn.SetWriteDeadline(soon(writeFor)); err != nil {
		return fmt.Errorf("sending an answer: %w", err)
	}
	if _, err := w.conn.Write(framed); err != nil {
		return fmt.Errorf("sending an answer: %w", err)
	}
	return nil
}

// soon is a deadline. Deadlines of sockets are the machine's own time,
// whatever clock the rules live by.
func soon(d time.Duration) time.Time { return clock.System{}.Now().Add(d) }

// DoT is the door over TLS (RFC 7858).
type DoT struct {
	server *Server
	ln     net.Listener
	config *tls.Config
}

// ListenDoT opens the door. It answers as s does, and ends before it.
func ListenDoT(address string, s *Server, config *tls.Config) (*DoT, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("opening DNS over TLS: %w", err)
	}
	config = config.Clone()
	config.NextProtos = []string{"dot"}
	return &DoT{server: s, ln: ln, config: config}, nil
}

// Addr is where the door is.
func (d *DoT) Addr() netip.AddrPort { return d.ln.Addr().(*net.TCPAddr).AddrPort() }

// Serve answers until Close.
func (d *DoT) Serve() error {
	d.server.accept(d.ln, d.config)
	return nil
}

// Close takes no more connections. Those there are end with the server.
func (d *DoT) Close() error {
	if err := d.ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("closing DNS over TLS: %w", err)
	}
	return nil
}
