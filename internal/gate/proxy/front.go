package proxy

import (
	"context"
	"net/http"
	"net/netip"

	"belisha/internal/gate/blockpage"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
)

// What follows is for other doors that show the same pages.

// Passes reports an answer that is open, or a warning that was read.
func (s *Server) Passes(a *porter.Answer) bool { return s.passes(a) }

// View puts an answer in a page's words; target is where "go on" leads.
func (s *Server) View(a *porter.Answer, target string) blockpage.View { return s.view(a, target) }

// Own serves the people's pages, and "go on", to a client that another door
// has found.
func (s *Server) Own(w http.ResponseWriter, r *http.Request, client netip.Addr) {
	s.people.serve(w, r, client)
}

// Captive answers the checks by which devices find out whether they are
// online, where they are to lead to sign-in.
func (s *Server) Captive(w http.ResponseWriter, r *http.Request, a *porter.Answer) bool {
	return s.captive(w, r, a)
}

// Steer sees to it that a search, or a video, is asked for in its safe mode: by
// headers and by the query of r. It reports true where it has answered.
func (s *Server) Steer(w http.ResponseWriter, r *http.Request, a *porter.Answer) bool {
	x := &exchange{
		Server: s, w: w, r: r, client: a.Who.Address, answer: *a,
		to: site{host: a.Host, port: a.Port, secure: r.URL.Scheme == "https"},
	}
	if x.steered() {
		return true
	}
	x.restrict()
	return false
}

// Password is who a Proxy-Authorization header proves, or nil.
func (s *Server) Password(ctx context.Context, header string, client netip.Addr) *subject.Row {
	return s.passwords.check(ctx, header, client, s.porter.High())
}
