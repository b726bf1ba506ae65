package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"belisha/internal/kit/store"
)

// csp allows what we serve ourselves and nothing else: no inline script or
// style, no frame, no form to elsewhere.
const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// outer is the wall around a mux: which host was asked, the safe headers, no
// request from a foreign page, and a page for whatever the mux does not know.
func (s *site) outer(mux *http.ServeMux, hosts func(string) bool) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.plain(w, r, Problem{
			Status: http.StatusForbidden, Title: "This came from another site",
			Words: "Open the page here and send the form from it. Nothing was changed.",
		})
	}))
	inner := guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" {
			s.unknown(mux, w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.rescue(w, r)
		safeHeaders(w.Header())
		if !hosts(r.Host) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusMisdirectedRequest)
			fmt.Fprintln(w, "Belisha does not answer to this name. Use the address that your school gave you.")
			return
		}
		inner.ServeHTTP(w, r)
	})
}

func safeHeaders(h http.Header) {
	h.Set("Content-Security-Policy", csp)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}

// unknown answers what no route matches. A path that other methods have is
// 405, with their names, as the mux says it.
func (s *site) unknown(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	probe := &statusOnly{header: http.Header{}}
	mux.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		s.plain(w, r, Problem{
			Status: http.StatusMethodNotAllowed, Title: "This page does not take that",
			Words: "Go back and use the links and buttons on the page.",
		})
		return
	}
	if probe.status >= 300 && probe.status < 400 { // the mux tidies "//a/../b"
		mux.ServeHTTP(w, r)
		return
	}
	s.plain(w, r, Explain(store.ErrNotFound))
}

// statusOnly keeps what the mux would have said.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header { return s.header }
func (s *statusOnly) WriteHeader(code int) {
	if s.status == 0 {
		s.status = code
	}
}

func (s *statusOnly) Write(b []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	return len(b), nil
}

// plain shows a problem outside any route, to whoever asks.
func (s *site) plain(w http.ResponseWriter, r *http.Request, p Problem) {
	c := s.ctx(w, r, Route{Pattern: "none", Needs: Open})
	if a, err := s.Sessions.Actor(r); err == nil {
		c.Actor = a
	}
	c.showProblem(p)
}

// rescue turns a panic into the page of a fault, so that one bad page does
// not end the server. The stack goes to the log, which has no names in it.
func (s *site) rescue(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v) // net/http's own way to cut a connection
	}
	p := Explain(fmt.Errorf("panic: %v", v))
	s.Deps.Log.LogAttrs(r.Context(), slog.LevelError, "a page panicked",
		slog.String("id", p.ID), slog.String("method", r.Method), slog.String("stack", string(debug.Stack())))
	http.Error(w, p.Title+". "+p.Words+" "+p.ID, p.Status)
}
