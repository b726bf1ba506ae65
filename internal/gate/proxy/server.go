// Package proxy is the gate's door for browsers: an explicit HTTP/1.1 proxy
// that judges every request and every tunnel, shows a page where something is
// closed, and connects only to the very address it has checked. It reads
// requests strictly, so that nobody down the line can read them otherwise.
package proxy

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"belisha/internal/gate/blockpage"
	"belisha/internal/gate/control"
	"belisha/internal/gate/identity"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
	"belisha/internal/gate/vouch"
	"belisha/internal/kit/clock"
)

const (
	headerFor    = 10 * time.Second
	idleFor      = 2 * time.Minute
	answerFor    = 2 * time.Minute // until an origin's first byte
	maxConns     = 20_000
	maxPerClient = 1024
	helloFor     = 10 * time.Second
)

// Leaves makes certificates for blocked hosts.
type Leaves interface {
	Leaf(host string) (*tls.Certificate, error)
}

// Config is what the door needs. Verifier, Kerberos, Peers, Leaves and Upstream
// may be nil.
type Config struct {
	Porter   *porter.Porter
	Lookup   Lookup
	Guard    *Guard
	Pages    *blockpage.Maker
	Verifier Verifier
	Kerberos *identity.Kerberos // proves people by their browsers' tickets
	Peers    *identity.Peers    // proxies that are believed when they say who asks
	Leaves   Leaves
	Content  porter.Content // looks inside what is seen; nil: nothing is looked at
	Upstream *url.URL       // an upstream proxy
	Roots    *x509.CertPool // who may vouch for sites; nil: whom the system believes
	Secret   string         // signs what is handed to the people's pages
	Clock    clock.Clock
	Log      *slog.Logger
	// Sink: the door stands where blocked names point to. It shows why, and
	// the people's pages, and forwards nothing.
	Sink bool
}

// Server is the door.
type Server struct {
	porter    *porter.Porter
	cfg       Config
	dial      *dialer
	asker     *asker          // sites over plain HTTP
	origins   *http.Transport // sites whose TLS is spoken here
	vouch     *vouch.Verifier // that they are who they say
	tls       *tls.Config     // in place of sites
	lines     *lines
	inner     *http.Server // requests that were inside TLS
	troubles  *troubles
	people    *people
	pages     *blockpage.Maker
	passwords *passwords
	goOn      *goOns
	tunnels   *tunnels
	http      *http.Server
	listener  net.Listener
	loopback  bool
	name      string // in Via, new each start

	mu  sync.Mutex
	per map[netip.Addr]int
	all int

	requests, refused, panics, bytes, ended, resumed atomic.Uint64
}

// Listen opens the door on an address; port 0 takes any free one.
func Listen(address string, cfg Config) (*Server, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("opening the proxy: %w", err)
	}
	s := &Server{
		porter: cfg.Porter, cfg: cfg, pages: cfg.Pages, listener: ln,
		dial:      &dialer{lookup: cfg.Lookup, guard: cfg.Guard, proxy: cfg.Upstream},
		passwords: newPasswords(cfg.Verifier), goOn: newGoOns(), tunnels: newTunnels(),
		lines: newLines(ln.Addr()), troubles: newTroubles(),
		per: make(map[netip.Addr]int), name: "belisha-" + rand.Text()[:12],
	}
	s.loopback = s.Addr().Addr().IsLoopback()
	s.people = newPeople(s)
	s.asker = newAsker(s.newPlain(2000, 64))
	s.vouch = vouch.New(vouch.Options{Roots: cfg.Roots, Now: s.porter.Now, Transport: guarded{s, s.newPlain(16, 4)}})
	s.http = &http.Server{
		Handler: s, ConnContext: connContext, ReadHeaderTimeout: headerFor, IdleTimeout: idleFor, MaxHeaderBytes: maxHead - 4096,
		ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	s.origins, s.tls, s.inner = s.newOrigins(), s.newTLS(), s.newWithin()
	return s, nil
}

// newPlain is a pool of connections to sites over plain HTTP.
func (s *Server) newPlain(idle, each int) *http.Transport {
	t := &http.Transport{
		DialContext: s.dial.forTransport, DisableCompression: true,
		MaxIdleConns: idle, MaxIdleConnsPerHost: each, IdleConnTimeout: 60 * time.Second,
		ResponseHeaderTimeout: answerFor, MaxResponseHeaderBytes: 128 << 10,
		ForceAttemptHTTP2: false,
	}
	if up := s.cfg.Upstream; up != nil {
		t.Proxy = http.ProxyURL(up)
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialOne(ctx, proxyAddress(up)) // set by the school: it may well be private
		}
	}
	return t
}

// Addr is where the door is.
func (s *Server) Addr() netip.AddrPort {
	at := s.listener.Addr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// Serve answers until Close.
func (s *Server) Serve() error {
	var inner sync.WaitGroup
	// It ends when the lines do, below.
	inner.Go(func() { _ = s.inner.Serve(s.lines) })
	err := s.http.Serve(&strictListener{Listener: s.listener, server: s})
	_ = s.lines.Close()
	inner.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close ends the door and its tunnels.
func (s *Server) Close() error {
	err := errors.Join(s.http.Close(), s.inner.Close())
	_ = s.lines.Close()
	for _, x := range s.tunnels.list() {
		x.close()
	}
	s.asker.close()
	s.origins.CloseIdleConnections()
	s.vouch.Close()
	return err
}

// Left takes the rows of people who are gone: a password or a tunnel that
// made somebody known does so no longer. All is everybody but the known, who
// are there by their passwords alone and have these rows now.
func (s *Server) Left(gone []string, all bool, known ...subject.Row) {
	if all || len(gone)+len(known) > 0 {
		s.passwords.told(gone, all, known)
	}
	for _, x := range s.tunnels.list() {
		x.told(gone, all, known)
	}
}

// Counts is what the door has done since it opened.
type Counts struct {
	Requests uint64 `json:"requests"`
	Refused  uint64 `json:"refused"` // malformed, or too many connections
	Panics   uint64 `json:"panics"`
	Bytes    uint64 `json:"bytes"`
	Conns    int    `json:"conns"`
	Tunnels  int    `json:"tunnels"`
	// Inspection is what was seen where TLS is ended here.
	Inspection control.Inspection `json:"inspection"`
}

// Counts returns the counters.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	conns := s.all
	s.mu.Unlock()
	return Counts{
		Requests: s.requests.Load(), Refused: s.refused.Load(), Panics: s.panics.Load(),
		Bytes: s.bytes.Load(), Conns: conns, Tunnels: s.tunnels.len(),
		Inspection: control.Inspection{Connections: s.ended.Load(), Resumed: s.resumed.Load(), Troubles: s.troubles.list()},
	}
}

// Known calls do with everybody whom a password has proved, and who is
// remembered.
func (s *Server) Known(do func(*subject.Row)) { s.passwords.known(s.porter.High(), do) }

// strictListener bounds connections and reads them strictly.
type strictListener struct {
	net.Listener
	server *Server
}

// Accept implements net.Listener.
func (l *strictListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		client := clientOf(c.RemoteAddr().String())
		if !l.server.admit(client) {
			l.server.refused.Add(1)
			c.Close()
			continue
		}
		counted := &countedConn{Conn: c, leave: sync.OnceFunc(func() { l.server.leave(client) })}
		return l.server.strictly(counted), nil
	}
}

// strictly reads requests from a connection strictly.
func (s *Server) strictly(conn net.Conn) *strictConn {
	c := newStrictConn(conn, func(error) { s.refused.Add(1) })
	c.strict = func() bool { return s.porter.Settings().StrictHost }
	return c
}

func (s *Server) admit(client netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := maxPerClient
	if s.cfg.Peers.Has(client) { // of many people
		most = maxConns / 2
	}
	if s.all >= maxConns || s.per[client] >= most {
		return false
	}
	s.all++
	s.per[client]++
	return true
}

func (s *Server) leave(client netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.per[client]--; s.per[client] == 0 {
		delete(s.per, client)
	}
}

// countedConn says when it is closed.
type countedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

func clientOf(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// ServeHTTP implements http.Handler: one request, judged on its own.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	defer s.isolate()
	client := s.clientOf(r)
	switch {
	case s.cfg.Sink:
		s.sink(w, r, client)
	case r.Method == http.MethodConnect:
		s.connect(w, r, client)
	case r.URL.Scheme == "http" && r.URL.Host != "" && r.URL.Opaque == "":
		s.request(w, r, client)
	case r.URL.Scheme == "" && r.URL.Host == "":
		s.direct(w, r, client)
	default:
		s.malformed(w, r, client)
	}
}

// isolate keeps one request's fault from being another's; the connection it
// happened on is closed, nothing goes through it.
func (s *Server) isolate() {
	switch v := recover(); v {
	case nil:
	case http.ErrAbortHandler:
		panic(v) // how a handler says that the answer broke off
	default:
		s.panics.Add(1)
		s.cfg.Log.Error("a request could not be handled", "panic", fmt.Sprint(v))
		panic(http.ErrAbortHandler)
	}
}

// systemNow is the machine's time, which deadlines of sockets go by.
func systemNow() time.Time { return clock.System{}.Now() }

// detached keeps a decision's record from ending with the request.
func detached(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

// CloseListener gives the address back where Serve was never called; after
// Close it does nothing.
func (s *Server) CloseListener() { s.listener.Close() }
