package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// showFor is how long a page in place of a site may take to be fetched.
const showFor = 30 * time.Second

// blockTLS ends a blocked tunnel: with a page where the school's certificate
// is installed, else as TLS does.
func (s *Server) blockTLS(ctx context.Context, v *visit, answer *porter.Answer) {
	if !s.canShow(&v.who) {
		s.closeTunnel(ctx, v, answer)
		return
	}
	if answer.Verdict.Action == verdict.Allow {
		answer.Verdict.Action = verdict.Block
	}
	s.porter.Record(detached(ctx), answer)
	target := "https://" + joinHost(answer.Host, answer.Port, 443)
	s.showTLS(v, answer.Host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		s.pages.Write(w, http.StatusForbidden, s.view(answer, target+r.URL.RequestURI()))
	}))
}

// showTLS speaks for a host that is closed, or is our own, with a certificate
// made for it. It is never called for a host that is let through.
func (s *Server) showTLS(v *visit, host string, page http.Handler) {
	leaf, err := s.cfg.Leaves.Leaf(host)
	if err != nil {
		s.cfg.Log.Error("no certificate could be made for a page", "error", err.Error())
		return
	}
	deadline := systemNow().Add(showFor)
	if err := v.client.SetDeadline(deadline); err != nil {
		return
	}
	conn := tls.Server(&replayConn{Conn: v.client, first: bytes.NewReader(v.first)}, &tls.Config{
		Certificates: []tls.Certificate{*leaf}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		SessionTicketsDisabled: true, Time: s.porter.Now,
	})
	once := &onceListener{conn: conn, done: make(chan struct{})}
	srv := &http.Server{
		Handler: page, ReadHeaderTimeout: headerFor, IdleTimeout: headerFor, MaxHeaderBytes: maxHead, ErrorLog: s.http.ErrorLog,
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed || state == http.StateHijacked {
				once.stop()
			}
		},
	}
	// It always ends with an error: there is only one connection to accept.
	_ = srv.Serve(once)
}

// replayConn gives back what was read to find the name.
type replayConn struct {
	net.Conn
	first *bytes.Reader
}

// Read implements net.Conn.
func (c *replayConn) Read(p []byte) (int, error) {
	if c.first.Len() > 0 {
		return c.first.Read(p)
	}
	return c.Conn.Read(p)
}

// onceListener accepts one connection, and ends when that is closed.
type onceListener struct {
	conn net.Conn
	mu   sync.Mutex
	used bool
	done chan struct{}
}

// Accept implements net.Listener.
func (l *onceListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	first := !l.used
	l.used = true
	l.mu.Unlock()
	if first {
		return l.conn, nil
	}
	<-l.done
	return nil, io.EOF
}

func (l *onceListener) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.done:
	default:
		close(l.done)
	}
}

// Close implements net.Listener.
func (l *onceListener) Close() error { l.stop(); return nil }

// Addr implements net.Listener.
func (l *onceListener) Addr() net.Addr { return l.conn.LocalAddr() }

// direct answers a request that was sent to the proxy as if it were a site:
// only the people's pages are one.
func (s *Server) direct(w http.ResponseWriter, r *http.Request, client netip.Addr) {
	host, port, ok := splitHost(r.Host, 80)
	switch {
	case ok && slices.Contains(s.porter.Settings().OwnHosts, host):
		s.people.serve(w, r, client)
	case ok && isFinder(host):
		s.pac(w, r)
	case ok && s.porter.Settings().Captive && port == 80 && porter.CaptiveCheck(host, r.URL.Path):
		// A router that sends all pages here has sent a device's check, which
		// knows of no proxy.
		r.URL.Scheme, r.URL.Host = "http", host
		s.request(w, r, client)
	default:
		s.malformed(w, r, client)
	}
}

// sink answers on the address that blocked names point to: why, or the
// people's pages. It never forwards.
func (s *Server) sink(w http.ResponseWriter, r *http.Request, client netip.Addr) {
	host, port, ok := splitHost(r.Host, 80)
	if !ok || r.Method == http.MethodConnect {
		s.malformed(w, r, client)
		return
	}
	if slices.Contains(s.porter.Settings().OwnHosts, host) {
		s.people.serve(w, r, client)
		return
	}
	if isFinder(host) {
		s.pac(w, r)
		return
	}
	who := s.porter.Who(client, nil)
	answer := s.porter.Judge(&who, porter.Question{Door: verdict.DoorProxy, Host: host, Path: r.URL.RequestURI(), Port: port})
	if s.captive(w, r, &answer) {
		return
	}
	if answer.Allowed() {
		// It was closed when its name was asked for, and is open now.
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Retry-After", "30")
		http.Error(w, "This page is open now. Wait half a minute and open it again.", http.StatusServiceUnavailable)
		return
	}
	s.block(w, r, &answer)
}
