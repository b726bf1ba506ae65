package proxy

import (
	"context"
	"net/http"
	"net/netip"
	"slices"

	"belisha/internal/gate/porter"
	"belisha/internal/gate/probe"
	"belisha/internal/verdict"
)

// blockTLS ends a blocked tunnel: with a page where the school's certificate
// is installed, else as TLS does. Name is the one in its first message.
func (s *Server) blockTLS(ctx context.Context, v *visit, answer *porter.Answer, name string) {
	if !s.canSpeak(&v.who, name) {
		s.closeTunnel(ctx, v, answer)
		return
	}
	if answer.Verdict.Action == verdict.Allow {
		answer.Verdict.Action = verdict.Block
	}
	s.porter.Record(detached(ctx), answer)
	to := site{host: answer.Host, port: answer.Port, secure: true}
	s.showTLS(v, name, func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 {
			w.Header().Set("Connection", "close")
		}
		s.pages.Write(w, http.StatusForbidden, s.view(answer, to.url(r)))
	})
}

// showTLS speaks for a host that is closed, or is our own, with a certificate
// made for it.
func (s *Server) showTLS(v *visit, name string, page http.HandlerFunc) {
	if err := s.serveTLS(v, name, page, nil); err != nil {
		s.cfg.Log.Debug("a page in place of a site could not be shown", "error", err.Error())
	}
}

// direct answers a request that was sent to the proxy as if it were a site:
// only the people's pages are one.
func (s *Server) direct(w http.ResponseWriter, r *http.Request, client netip.Addr) {
	host, port, ok := splitHost(r.Host, 80)
	switch {
	case ok && slices.Contains(s.porter.Settings().OwnHosts, host):
		s.people.serve(w, r, client)
	case ok && isFinder(host):
		s.pac(w, r)
	case ok && port == 80 && probe.Serves(host):
		// A device that finds us by name alone tries whether it is behind us.
		r.URL.Scheme, r.URL.Host = "http", host
		s.request(w, r, client)
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
	if host == probe.Here {
		s.here(w, r, client)
		return
	}
	who := s.porter.Who(client, nil)
	answer := s.porter.Judge(&who, porter.Question{Door: verdict.DoorProxy, Host: host, Path: r.URL.RequestURI(), Port: port})
	if s.captive(w, r, &answer) {
		return
	}
	if answer.Allowed() && probe.Serves(host) {
		x := exchange{Server: s, w: w, r: r, to: site{host: host, port: port}, client: client, answer: answer}
		x.tested()
		return
	}
	if answer.Allowed() {
		// It was closed when its name was asked for, and is open now.
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Retry-After", "30")
		http.Error(w, "This page is open now. Wait half a minute and open it again.", http.StatusServiceUnavailable)
		return
	}
	x := exchange{Server: s, w: w, r: r, to: site{host: host, port: port}, client: client}
	x.block(&answer)
}
