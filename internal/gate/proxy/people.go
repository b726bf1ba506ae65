package proxy

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"time"

	"belisha/internal/gate/blockpage"
	"belisha/internal/gate/control"
	"belisha/internal/gate/subject"
)

// people hands requests for the people's pages to the parent process, over
// its socket, and answers itself when the parent is away.
type people struct {
	server *Server
	proxy  *httputil.ReverseProxy
}

type (
	clientKey struct{}
	whoKey    struct{}
)

// provedBy marks a request with who has proved by it who they are.
func provedBy(r *http.Request, who *subject.Row) *http.Request {
	if who == nil || who.Subject == "" {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), whoKey{}, who.Subject))
}

func newPeople(s *Server) *people {
	p := &people{server: s}
	p.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			client, _ := r.In.Context().Value(clientKey{}).(netip.Addr)
			r.Out.URL.Scheme, r.Out.URL.Host = "http", r.In.Host
			r.Out.Host = r.In.Host
			for _, name := range claims {
				r.Out.Header.Del(name)
			}
			r.Out.Header.Del("Proxy-Authorization")
			if who, ok := r.In.Context().Value(whoKey{}).(string); ok {
				r.Out.Header.Set(control.HeaderWho, who)
			}
			control.Sign(r.Out, s.cfg.Secret, client, r.In.TLS != nil, s.porter.Now())
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				d := net.Dialer{Timeout: 2 * time.Second}
				return d.DialContext(ctx, "unix", s.porter.Settings().PeopleSocket)
			},
			MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
			DisableCompression: true,
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, _ error) { p.alone(w) },
		ErrorLog:     nil,
	}
	return p
}

func (p *people) serve(w http.ResponseWriter, r *http.Request, client netip.Addr) {
	if r.URL.Path == goOnPath {
		p.server.goOn.serve(w, r, client, p.server.porter.High())
		return
	}
	if r.URL.Path == pacPath || r.URL.Path == wpadPath {
		p.server.pac(w, r)
		return
	}
	p.server.porter.Visited(client)
	if p.server.porter.Settings().PeopleSocket == "" {
		p.alone(w)
		return
	}
	p.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), clientKey{}, client)))
}

// alone is the page while nobody is there to serve the others: where to turn
// stays readable.
func (p *people) alone(w http.ResponseWriter) {
	s := p.server
	set := s.porter.Settings()
	v := blockpage.View{Reason: "away", School: set.SchoolName, Adult: set.TrustedAdult, At: s.porter.Now().In(s.porter.Zone())}
	for _, h := range set.Help {
		v.Help = append(v.Help, blockpage.Help{Name: h.Name, Phone: h.Phone, URL: h.URL, Says: h.Says})
	}
	w.Header().Set("Retry-After", "30")
	s.pages.Write(w, http.StatusServiceUnavailable, v)
}
