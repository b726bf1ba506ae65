package proxy

import (
	"net/http"
	"net/netip"
	"slices"

	"belisha/internal/gate/identity"
	"belisha/internal/gate/probe"
	"belisha/internal/gate/subject"
)

// proveHeader asks who somebody is, and takes our own proof back to them.
const proveHeader = "Proxy-Authenticate"

// whyPath is the people's page that explains a block.
const whyPath = "/why"

// clientOf is the address of whoever asks: the connection's, or what a proxy
// that the school has listed says. It is not valid where such a proxy says
// nothing, and nobody is known then.
func (s *Server) clientOf(r *http.Request) netip.Addr {
	at := clientOf(r.RemoteAddr)
	if s.cfg.Peers.Has(at) {
		return s.cfg.Peers.Client(r.Header)
	}
	return at
}

// authenticate finds who this very request is proved to be from, and asks for
// a proof where the school wants one. A listed proxy is believed, and not
// asked: it has asked for itself.
func (s *Server) authenticate(w http.ResponseWriter, r *http.Request, client netip.Addr) (who *subject.Row, asked bool) {
	who = s.proved(w, r, client)
	if at := clientOf(r.RemoteAddr); s.cfg.Peers.Has(at) {
		who = s.agreed(who, s.cfg.Peers.Who(r.Context(), r.Header, client))
		s.cfg.Peers.Note(at, who != nil || client.IsValid())
		return who, false
	}
	if who != nil || !s.asks(r, client) {
		return who, false
	}
	if s.cfg.Kerberos.Ready() {
		w.Header().Add(proveHeader, "Negotiate")
	}
	if s.takesPasswords() && s.porter.Settings().AskBasic {
		w.Header().Add(proveHeader, `Basic realm="School web", charset="UTF-8"`)
	}
	if r.Method == http.MethodConnect || r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}
	http.Error(w, "Please sign in to use the web at school.", http.StatusProxyAuthRequired)
	return nil, true
}

// agreed is who both a proof and a listed proxy mean, where there is either.
func (s *Server) agreed(proof, said *subject.Row) *subject.Row {
	switch {
	case proof == nil:
		return said
	case said == nil || said.Subject == proof.Subject:
		return proof
	}
	return identity.Nobody(s.porter.High())
}

// proved is who a ticket or a password on this request proves, or nil. Of two
// headers nobody can say which one was meant.
func (s *Server) proved(w http.ResponseWriter, r *http.Request, client netip.Addr) *subject.Row {
	list := r.Header["Proxy-Authorization"]
	if len(list) != 1 {
		return nil
	}
	if identity.IsNegotiate(list[0]) {
		proof := s.cfg.Kerberos.Prove(r.Context(), list[0], client)
		if proof.Row != nil && proof.Reply != "" {
			w.Header().Set(proveHeader, proof.Reply)
		}
		return proof.Row
	}
	if !s.takesPasswords() {
		return nil
	}
	return s.passwords.check(r.Context(), list[0], client, s.porter.High())
}

// takesPasswords: they are taken only where nobody listens on the way, unless
// the school says otherwise.
func (s *Server) takesPasswords() bool { return s.loopback || s.porter.Settings().BasicAnywhere }

// asks reports whether whoever has proved nothing is to be asked.
func (s *Server) asks(r *http.Request, client netip.Addr) bool {
	set := s.porter.Settings()
	if !s.cfg.Kerberos.Ready() && !(s.takesPasswords() && set.AskBasic) {
		return false
	}
	who := s.porter.Who(client, nil)
	if probe.IsDevice(who.Device) {
		return false // probes stand for a group, and are nobody who could sign in
	}
	if who.Signed && !s.cfg.Kerberos.Shared(client) {
		return false
	}
	host, _, ok := splitHost(r.URL.Host, 80)
	if ok && r.URL.Path == whyPath && slices.Contains(set.OwnHosts, host) && s.cfg.Kerberos.Knows(client) {
		return true // the page says why something was closed, to whom it was
	}
	if !ok {
		return true
	}
	// The people's pages and the help services never ask who it is, and what
	// devices need is asked for by programs that could not answer.
	snapshot := s.porter.Snapshot()
	return !slices.Contains(set.OwnHosts, host) && !snapshot.Support(host) && !snapshot.Essential(host)
}
