// Package doh is the gate's door for names over HTTPS (RFC 8484), by GET and
// POST, over HTTP/1.1 and HTTP/2. It only carries: what is asked is answered
// as at every other door for names.
package doh

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"belisha/internal/gate/dns"
)

const (
	maxQuestion  = 4096
	maxHeader    = 16 << 10 // a question in the address among it
	maxConns     = 2048
	maxPerClient = 64
	maxAtOnce    = 64 // requests on one connection
	headerFor    = 5 * time.Second
	requestFor   = 15 * time.Second
	idleFor      = 60 * time.Second
	message      = "application/dns-message"
)

// Answerer answers one question; nil means that it was none.
type Answerer interface {
	Answer(ctx context.Context, question []byte, client netip.Addr, secure bool) []byte
}

// Server is the door.
type Server struct {
	answer Answerer
	ln     net.Listener
	web    *http.Server

	mu  sync.Mutex
	all map[net.Conn]netip.Addr
	per map[netip.Addr]int
}

// Listen opens the door.
func Listen(address string, a Answerer, config *tls.Config, lg *slog.Logger) (*Server, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("opening DNS over HTTPS: %w", err)
	}
	s := &Server{answer: a, ln: ln, all: make(map[net.Conn]netip.Addr), per: make(map[netip.Addr]int)}
	config = config.Clone()
	config.NextProtos = []string{"h2", "http/1.1"}
	s.web = &http.Server{
		Handler: s, TLSConfig: config, ConnState: s.state, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: headerFor, ReadTimeout: requestFor, WriteTimeout: requestFor, IdleTimeout: idleFor,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: maxAtOnce, MaxReceiveBufferPerConnection: 1 << 16, MaxReceiveBufferPerStream: 1 << 14},
		ErrorLog: log.New(quiet{lg}, "", 0),
	}
	return s, nil
}

// quiet keeps what net/http says: it quotes what clients sent.
type quiet struct{ log *slog.Logger }

func (q quiet) Write(p []byte) (int, error) {
	q.log.Debug("a connection for names over HTTPS ended")
	return len(p), nil
}

// Addr is where the door is.
func (s *Server) Addr() netip.AddrPort { return s.ln.Addr().(*net.TCPAddr).AddrPort() }

// Serve answers until Close.
func (s *Server) Serve() error {
	if err := s.web.ServeTLS(s.ln, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("answering names over HTTPS: %w", err)
	}
	return nil
}

// Close ends the door and all its connections.
func (s *Server) Close() error {
	if err := errors.Join(s.web.Close(), s.ln.Close()); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("closing names over HTTPS: %w", err)
	}
	return nil
}

// state bounds connections, in all and of one client.
func (s *Server) state(c net.Conn, st http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch st {
	case http.StateNew:
		client := clientOf(c.RemoteAddr().String())
		if len(s.all) >= maxConns || s.per[client] >= maxPerClient {
			c.Close()
			return
		}
		s.all[c] = client
		s.per[client]++
	case http.StateClosed, http.StateHijacked:
		client, there := s.all[c]
		if !there {
			return
		}
		delete(s.all, c)
		if s.per[client]--; s.per[client] == 0 {
			delete(s.per, client)
		}
	}
}

// clientOf is who asks: the address of the connection, whatever headers say.
func clientOf(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// ServeHTTP takes one question.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.URL.Path != dns.DoHPath {
		http.Error(w, "names are answered at "+dns.DoHPath, http.StatusNotFound)
		return
	}
	question, status := read(w, r)
	if status != 0 {
		http.Error(w, http.StatusText(status), status)
		return
	}
	answer := s.answer.Answer(r.Context(), question, clientOf(r.RemoteAddr), true)
	if answer == nil {
		http.Error(w, "that is no DNS question", http.StatusBadRequest)
		return
	}
	h := w.Header()
	h.Set("Content-Type", message)
	h.Set("Content-Length", strconv.Itoa(len(answer)))
	if ttl, ok := least(answer); ok {
		h.Set("Cache-Control", "private, max-age="+strconv.Itoa(int(ttl)))
	} else {
		h.Set("Cache-Control", "no-store")
	}
	_, _ = w.Write(answer) // who asked has gone: no matter
}

// read takes the question out of a request. Status is 0 where there is one.
func read(w http.ResponseWriter, r *http.Request) (question []byte, status int) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		list := r.URL.Query()["dns"]
		if len(list) != 1 || list[0] == "" {
			return nil, http.StatusBadRequest
		}
		if len(list[0]) > base64.RawURLEncoding.EncodedLen(maxQuestion) {
			return nil, http.StatusRequestURITooLong
		}
		b, err := base64.RawURLEncoding.DecodeString(list[0])
		if err != nil {
			return nil, http.StatusBadRequest
		}
		return b, 0
	case http.MethodPost:
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != message {
			return nil, http.StatusUnsupportedMediaType
		}
		if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
			return nil, http.StatusUnsupportedMediaType
		}
		b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuestion))
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			return nil, http.StatusRequestEntityTooLarge
		}
		if err != nil {
			return nil, http.StatusBadRequest
		}
		return b, 0
	}
	w.Header().Set("Allow", "GET, HEAD, POST")
	return nil, http.StatusMethodNotAllowed
}

// least is the smallest TTL of the records of an answer of ours. One without
// records may not be kept.
func least(b []byte) (ttl uint32, ok bool) {
	if len(b) < 12 {
		return 0, false
	}
	at := 12
	for range binary.BigEndian.Uint16(b[4:]) {
		if at = name(b, at) + 4; at > len(b) {
			return 0, false
		}
	}
	for range int(binary.BigEndian.Uint16(b[6:])) + int(binary.BigEndian.Uint16(b[8:])) {
		at = name(b, at)
		if at+10 > len(b) {
			return 0, false
		}
		one := binary.BigEndian.Uint32(b[at+4:])
		if !ok || one < ttl {
			ttl, ok = one, true
		}
		at += 10 + int(binary.BigEndian.Uint16(b[at+8:]))
	}
	return ttl, ok
}

// name steps over a name.
func name(b []byte, at int) int {
	for at < len(b) {
		switch size := int(b[at]); {
		case size == 0:
			return at + 1
		case size >= 0xc0:
			return at + 2
		default:
			at += size + 1
		}
	}
	return len(b)
}
