package proxy

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"belisha/internal/gate/subject"
)

// line is a connection on which the gate ends TLS and reads the requests
// itself: of a site that is inspected, or with a page in place of one.
type line struct {
	net.Conn               // the client's, below TLS
	first    *bytes.Reader // what was read of it to find the name

	name    string // of the TLS message; the certificate is for it
	port    uint16
	running *tunnel
	page    http.HandlerFunc // nil: requests are judged one by one
	state   tls.ConnectionState
	agreed  time.Time // on TLS
	remove  func()
	quiet   func() // it ended soon and nothing was asked on it

	begun, dropped atomic.Int64
}

// Read implements net.Conn.
func (l *line) Read(p []byte) (int, error) {
	if l.first.Len() > 0 {
		return l.first.Read(p)
	}
	return l.Conn.Read(p)
}

// Close implements net.Conn.
func (l *line) Close() error {
	l.remove()
	if l.begun.Load() == 0 && !l.agreed.IsZero() && systemNow().Sub(l.agreed) < quietSoon {
		l.quiet()
	}
	return l.Conn.Close()
}

// Somebody who opens requests only to drop them costs us more than them.
const (
	dropsAllowed = 200
	dropsShare   = 2 // of so many
)

// over counts a request that has ended, and hangs up on a flood.
func (l *line) over(r *http.Request) {
	if r.ProtoMajor < 2 || r.Context().Err() == nil {
		return
	}
	if n := l.dropped.Add(1); n > dropsAllowed && n*dropsShare > l.begun.Load() {
		_ = l.Close()
	}
}

// lines hands connections that are open already to net/http.
type lines struct {
	queue chan net.Conn
	done  chan struct{}
	once  sync.Once
	at    net.Addr
}

func newLines(at net.Addr) *lines {
	return &lines{queue: make(chan net.Conn), done: make(chan struct{}), at: at}
}

func (l *lines) put(c net.Conn) bool {
	select {
	case l.queue <- c:
		return true
	case <-l.done:
		return false
	}
}

// Accept implements net.Listener.
func (l *lines) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *lines) Close() error { l.once.Do(func() { close(l.done) }); return nil }

// Addr implements net.Listener.
func (l *lines) Addr() net.Addr { return l.at }

type (
	lineKey struct{}
	talkKey struct{}
)

// talk is what a client's connection has become to a site: Windows sign-ins
// hold for a connection, so from the first on it has connections of its own.
type talk struct{ own atomic.Pointer[string] }

// talkOf names whose connection a request must go over, "" where it may be
// shared.
func talkOf(r *http.Request, may bool) string {
	t, ok := r.Context().Value(talkKey{}).(*talk)
	if !ok || !may {
		return ""
	}
	if own := t.own.Load(); own != nil {
		return *own
	}
	for _, v := range r.Header["Authorization"] {
		scheme, _, _ := strings.Cut(v, " ")
		if strings.EqualFold(scheme, "NTLM") || strings.EqualFold(scheme, "Negotiate") {
			own := rand.Text()[:10]
			t.own.CompareAndSwap(nil, &own)
			return *t.own.Load()
		}
	}
	return ""
}

// connContext gives each request what its connection is.
func connContext(ctx context.Context, c net.Conn) context.Context {
	if s, ok := c.(*strictConn); ok {
		c = s.Conn
	}
	if t, ok := c.(*tls.Conn); ok {
		if l, ok := t.NetConn().(*line); ok {
			ctx = context.WithValue(ctx, lineKey{}, l)
		}
	}
	return context.WithValue(ctx, talkKey{}, new(talk))
}

// newWithin makes the server for requests that were inside TLS.
func (s *Server) newWithin() *http.Server {
	both := new(http.Protocols)
	both.SetHTTP1(true)
	both.SetHTTP2(true)
	return &http.Server{
		Handler: http.HandlerFunc(s.within), ConnContext: connContext, Protocols: both, ErrorLog: s.http.ErrorLog,
		ReadHeaderTimeout: headerFor, IdleTimeout: idleFor, MaxHeaderBytes: maxHead - 4096,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 100, MaxReceiveBufferPerStream: 256 << 10, MaxReceiveBufferPerConnection: 1 << 20,
			MaxDecoderHeaderTableSize: 4096, SendPingTimeout: idleFor, PingTimeout: 15 * time.Second, WriteByteTimeout: idleFor,
			CountError: func(string) { s.refused.Add(1) },
		},
	}
}

// newTLS is how the gate speaks TLS in place of a site: the certificate is for
// the one name that the first message asked for.
func (s *Server) newTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, Time: s.porter.Now,
		GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return s.cfg.Leaves.Leaf(h.Conn.(*line).name)
		},
	}
}

// serveTLS ends TLS on a visit under a name, and hands its requests to the
// page, or has them judged one by one. The connection is no longer the
// caller's. An error says that the client did not agree.
func (s *Server) serveTLS(v *visit, name string, page http.HandlerFunc, stay func(*subject.Found) bool) error {
	l := &line{Conn: v.client, first: bytes.NewReader(v.first), name: name, port: v.port, page: page}
	v.handed = true
	l.running = newTunnel(v.addr, v.basic, func() { v.client.Close() })
	l.running.stay = stay
	l.remove = sync.OnceFunc(s.tunnels.add(l.running))
	l.quiet = sync.OnceFunc(func() {
		if l.page == nil {
			s.troubles.hungUp(name, v.addr, s.porter.Now())
		}
	})
	conn := tls.Server(l, s.tls)
	err := conn.SetDeadline(systemNow().Add(helloFor))
	if err == nil {
		err = conn.Handshake()
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = l.Close()
		return err
	}
	l.state, l.agreed = conn.ConnectionState(), systemNow()
	s.ended.Add(1)
	if l.state.DidResume {
		s.resumed.Add(1)
	}
	if l.state.NegotiatedProtocol == "h2" {
		s.hand(conn)
		return nil
	}
	s.serveHTTP1(conn)
	return nil
}

// serveHTTP1 reads requests from a connection as strictly as the door does.
// The connection is no longer the caller's.
func (s *Server) serveHTTP1(conn net.Conn) {
	s.hand(s.strictly(conn))
}

func (s *Server) hand(conn net.Conn) {
	if !s.lines.put(conn) {
		conn.Close()
	}
}
