package proxy

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// Where browsers look for the file that names their proxy.
const (
	pacPath  = "/proxy.pac"
	wpadPath = "/wpad.dat"
)

// isFinder reports a name under which browsers look for their proxy by
// themselves.
func isFinder(host string) bool { return host == "wpad" || strings.HasPrefix(host, "wpad.") }

// pac answers with the file by which browsers find the proxy. It is ours to
// give whether or not the parent is there.
func (s *Server) pac(w http.ResponseWriter, r *http.Request) {
	text := s.porter.Settings().PAC
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if text == "" || r.URL.Path != pacPath && r.URL.Path != wpadPath || r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "There is no such file here.", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/x-ns-proxy-autoconfig")
	w.Header().Set("Cache-Control", "max-age=300")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	if r.Method == http.MethodGet {
		// A browser that has gone away asks again.
		_, _ = io.WriteString(w, text)
	}
}

// captive sees to the checks by which devices find out whether they are
// online: who must sign in, or sign the agreement, is led there. For others a
// check passes as it is judged, save that no list needs to name it.
func (s *Server) captive(w http.ResponseWriter, r *http.Request, a *porter.Answer) bool {
	set := s.porter.Settings()
	if !set.Captive || a.Port != 80 || !porter.CaptiveCheck(a.Host, r.URL.Path) {
		return false
	}
	to := set.Pages()
	switch {
	case to != "" && a.Who.Guest() && a.Verdict.Action == verdict.Block:
		to += "/guest"
	case to != "" && a.SignsIn():
		to += "/sign-in"
	case a.Verdict.Action != verdict.Block:
		return false
	case a.Verdict.Reason == verdict.ReasonAgreement && to != "":
		to += "/agreement"
	case a.Verdict.Reason == verdict.ReasonUnlisted:
		a.Verdict.Action, a.Verdict.Reason = verdict.Allow, verdict.ReasonEssential
		return false
	default:
		return false
	}
	s.porter.Record(r.Context(), a)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Connection", "close")
	http.Redirect(w, r, to, http.StatusFound)
	return true
}
