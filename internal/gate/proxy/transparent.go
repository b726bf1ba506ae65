package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"belisha/internal/gate/origdst"
)

// Transparent is the door for connections to sites that the network redirects
// here: the same filter, for devices that know of none. What a connection was
// meant for says which port was asked for and nothing more: names are judged,
// and the address that is dialled is the one that the name has.
type Transparent struct {
	server   *Server
	cfg      Redirects
	listener net.Listener
	at       netip.AddrPort
	http     *http.Server // plain requests
	plain    *lines       // connections with such
	seed     maphash.Seed

	mu      sync.Mutex
	closed  bool
	open    map[net.Conn]struct{} // until somebody else looks after them
	passing map[uint64]struct{}   // first messages of running visits
	told    time.Time             // that our own connections come back
}

// Redirects is how the door learns what happened to a connection. The zero
// value asks this machine.
type Redirects struct {
	Destination func(net.Conn) (netip.AddrPort, error)
	Own         func(netip.Addr) bool // an address of this machine
}

// Transparent opens the door; it shares everything with the proxy but its
// address.
func (s *Server) Transparent(ctx context.Context, address string) (*Transparent, error) {
	ln, err := origdst.Listen(ctx, address)
	if err != nil {
		return nil, err
	}
	return s.Redirected(ln, Redirects{}), nil
}

// Redirected is Transparent on a listener that is open already.
func (s *Server) Redirected(ln net.Listener, cfg Redirects) *Transparent {
	if cfg.Destination == nil {
		cfg.Destination = func(c net.Conn) (netip.AddrPort, error) {
			t, ok := c.(*net.TCPConn)
			if !ok {
				return netip.AddrPort{}, errors.New("the connection is not TCP")
			}
			return origdst.Of(t)
		}
	}
	if cfg.Own == nil {
		cfg.Own = func(a netip.Addr) bool { return a.IsLoopback() || s.cfg.Guard.isOwn(a) }
	}
	t := &Transparent{
		server: s, cfg: cfg, listener: ln, at: ln.Addr().(*net.TCPAddr).AddrPort(), plain: newLines(ln.Addr()), seed: maphash.MakeSeed(),
		open: make(map[net.Conn]struct{}), passing: make(map[uint64]struct{}),
	}
	t.http = &http.Server{
		Handler: http.HandlerFunc(t.ServeHTTP), ConnContext: redirectedContext, ReadHeaderTimeout: headerFor, IdleTimeout: idleFor,
		MaxHeaderBytes: maxHead - 4096, ErrorLog: s.http.ErrorLog, DisableGeneralOptionsHandler: true,
	}
	return t
}

// Addr is where the door is.
func (t *Transparent) Addr() netip.AddrPort {
	return netip.AddrPortFrom(t.at.Addr().Unmap(), t.at.Port())
}

// Serve answers until Close. TLS is ended by the proxy, which must serve too.
func (t *Transparent) Serve() error {
	var inner sync.WaitGroup
	// It ends when the lines do, below.
	inner.Go(func() { _ = t.http.Serve(t.plain) })
	err := t.accept(&inner)
	_ = t.plain.Close()
	inner.Wait()
	return err
}

// Close ends the door, and what has just come in. Tunnels end with the proxy.
func (t *Transparent) Close() error {
	t.mu.Lock()
	t.closed = true
	for c := range t.open {
		c.Close()
	}
	t.mu.Unlock()
	_ = t.plain.Close()
	err := errors.Join(t.listener.Close(), t.http.Close())
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

const maxAcceptWait = time.Second

func (t *Transparent) accept(inner *sync.WaitGroup) error {
	wait := time.Duration(0)
	for {
		c, err := t.listener.Accept()
		if err != nil {
			var temporary interface{ Temporary() bool }
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			if !errors.As(err, &temporary) || !temporary.Temporary() {
				return fmt.Errorf("taking redirected connections: %w", err)
			}
			wait = min(max(2*wait, 5*time.Millisecond), maxAcceptWait) // no file left to open: others will close
			<-time.After(wait)
			continue
		}
		wait = 0
		s, client := t.server, clientOf(c.RemoteAddr().String())
		if !s.admit(client) {
			s.refused.Add(1)
			c.Close()
			continue
		}
		counted := &countedConn{Conn: c, leave: sync.OnceFunc(func() { s.leave(client) })}
		if !t.hold(counted) {
			_ = counted.Close()
			return nil
		}
		inner.Go(func() {
			defer t.release(counted)
			t.take(counted, client)
		})
	}
}

func (t *Transparent) hold(c net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.open[c] = struct{}{}
	return true
}

func (t *Transparent) release(c net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, c)
}

// redirected is a connection whose first bytes were read to see what it is.
type redirected struct {
	net.Conn
	first *bytes.Reader
	to    netip.AddrPort
	lost  bool // what it was meant for is not known: another machine changed it
}

// Read implements net.Conn.
func (c *redirected) Read(p []byte) (int, error) {
	if c.first.Len() > 0 {
		return c.first.Read(p)
	}
	return c.Conn.Read(p)
}

// take sees what a connection is and gives it to who speaks that.
func (t *Transparent) take(c *countedConn, client netip.Addr) {
	handed := false
	defer func() {
		if v := recover(); v != nil {
			t.server.panics.Add(1)
			t.server.cfg.Log.Error("a redirected connection could not be handled", "panic", fmt.Sprint(v))
			handed = false
		}
		if !handed {
			_ = c.Close()
		}
	}()
	to, err := t.cfg.Destination(c.Conn)
	if err != nil {
		t.server.refused.Add(1)
		return
	}
	if t.cfg.Own(client) && !client.IsLoopback() {
		t.comesBack()
		return
	}
	if err := c.SetDeadline(systemNow().Add(helloFor)); err != nil {
		return
	}
	first := make([]byte, 4096)
	n, err := c.Read(first)
	if n == 0 {
		return // opened ahead of need, and never used: of that nothing is known
	}
	r := &redirected{Conn: c, first: bytes.NewReader(first[:n]), to: to, lost: t.cfg.Own(to.Addr())}
	switch {
	case first[0] == recordHandshake:
		handed = t.secure(r, first[:n], client)
	case to.Port() == 443 && !r.lost:
		t.notSecure(r, first[:n], client)
	case err == nil && c.SetDeadline(time.Time{}) == nil:
		handed = t.plain.put(t.server.strictly(r))
	}
}

// comesBack says that the network redirects what the filter itself asks for.
func (t *Transparent) comesBack() {
	t.server.refused.Add(1)
	now := t.server.porter.Now()
	t.mu.Lock()
	due := now.Sub(t.told).Abs() > time.Minute
	if due {
		t.told = now
	}
	t.mu.Unlock()
	if due {
		t.server.cfg.Log.Error("the network redirects the filter's own connections to the filter: leave its address out of the redirection")
	}
}
