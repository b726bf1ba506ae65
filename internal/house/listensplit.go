package house

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// A port of the pages that speaks TLS is asked without it as well, by whoever
// types an address without https. splitter tells the two apart by the first
// byte, so that one port answers both.
type splitter struct {
	net.Listener
	secure, plain chan net.Conn
	sniffing      chan struct{}
	done          chan struct{}
	once          sync.Once
	wg            sync.WaitGroup
	err           error // why it ended, once done is closed
}

// Bounds of connections that have not said anything yet.
const (
	maxSniffing = 4096
	firstByte   = 10 * time.Second
)

func split(l net.Listener) *splitter {
	s := &splitter{
		Listener: l, secure: make(chan net.Conn), plain: make(chan net.Conn),
		sniffing: make(chan struct{}, maxSniffing), done: make(chan struct{}),
	}
	s.wg.Go(s.run)
	return s
}

func (s *splitter) run() {
	for {
		c, err := s.Listener.Accept()
		if err != nil {
			s.end(err)
			return
		}
		select {
		case s.sniffing <- struct{}{}:
			s.wg.Go(func() { s.sniff(c) })
		default:
			_ = c.Close() // too many that say nothing
		}
	}
}

func (s *splitter) end(err error) {
	s.once.Do(func() {
		s.err = err
		close(s.done)
	})
}

// hello is the first byte of TLS.
const hello = 0x16

func (s *splitter) sniff(c net.Conn) {
	defer func() { <-s.sniffing }()
	late := time.AfterFunc(firstByte, func() { _ = c.Close() })
	p := &peeked{Conn: c, r: bufio.NewReaderSize(c, 512)}
	b, err := p.r.Peek(1)
	if !late.Stop() || err != nil {
		_ = c.Close()
		return
	}
	to := s.plain
	if b[0] == hello {
		to = s.secure
	}
	select {
	case to <- p:
	case <-s.done:
		_ = c.Close()
	}
}

// Close ends both sides.
func (s *splitter) Close() error {
	s.end(net.ErrClosed)
	err := s.Listener.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// side is one half of a splitter, as a listener.
type side struct {
	s     *splitter
	conns chan net.Conn
}

func (x side) Accept() (net.Conn, error) {
	select {
	case c := <-x.conns:
		return c, nil
	case <-x.s.done:
		return nil, x.s.err
	}
}

func (x side) Close() error   { return x.s.Close() }
func (x side) Addr() net.Addr { return x.s.Addr() }

// peeked is a connection whose first byte was looked at.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

// servePages serves the pages: as they are on loopback, over TLS elsewhere,
// where whoever comes without it is sent to it.
func (h *House) servePages(ctx context.Context, l net.Listener) error {
	if !h.certs.wanted() {
		return serveUntil(ctx, server(h.desk), l)
	}
	s := split(l)
	secure := server(h.strictly(h.desk))
	secure.TLSConfig = h.certs.config()
	secure.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail are nobody's news
	plain := server(http.HandlerFunc(h.toTLS))
	plain.ReadTimeout, plain.WriteTimeout = firstByte, firstByte
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(ctx)
	go func() {
		defer stop()
		ended <- serveUntil(ctx, plain, side{s, s.plain})
	}()
	err := serveWith(ctx, secure, side{s, s.secure}, func() error { return secure.ServeTLS(side{s, s.secure}, "", "") })
	stop()
	err = errors.Join(err, <-ended, s.Close())
	s.wg.Wait()
	return err
}

// strictly tells browsers to come over TLS only, where the certificate is one
// that they know.
func (h *House) strictly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.certs.strict() {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// toTLS sends whoever came without TLS to the same page with it. What was sent
// without protection is not taken.
func (h *House) toTLS(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Connection", "close")
	switch {
	case !h.isDeskHost(r.Host):
		w.WriteHeader(http.StatusMisdirectedRequest)
		_, _ = io.WriteString(w, "Belisha does not answer to this name. Use the address that your school gave you.\n")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "This came without protection and was not taken. Open the page by its https address and send it from there.\n")
	default:
		w.Header().Set("Location", "https://"+r.Host+r.URL.RequestURI())
		w.WriteHeader(http.StatusPermanentRedirect)
	}
}
