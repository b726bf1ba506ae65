package proxy

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"

	"belisha/internal/gate/porter"
	"belisha/internal/gate/probe"
)

// reportPath begins the paths by which a device's own probe tells the people's
// pages how it went.
const reportPath = "/probe/"

// here answers the name that only we answer, whatever the rules say: to reach
// it is to be behind the filter.
func (s *Server) here(w http.ResponseWriter, r *http.Request, client netip.Addr) {
	if strings.HasPrefix(r.URL.Path, reportPath) {
		s.people.serve(w, r, client)
		return
	}
	res := probe.Answer(r)
	defer res.Body.Close()
	copyHeader(w.Header(), res.Header)
	w.WriteHeader(res.StatusCode)
	// Who asks has gone away if this fails, and has had no answer.
	_, _ = s.copyBody(w, res)
}

// tested answers for the names of probes, which lead nowhere. Everything but
// the fetching is as for any site.
func (x *exchange) tested() bool {
	if probe.IsDevice(x.answer.Who.Device) && x.r.Header.Get(probe.EchoHeader) != "" {
		x.echo()
		return true
	}
	if !probe.Serves(x.to.host) {
		return false
	}
	ctx, a, r := x.r.Context(), &x.answer, x.r
	if strings.HasPrefix(r.URL.Path, reportPath) { // a device tells that it came through
		x.porter.Record(ctx, a)
		x.people.serve(x.w, r, x.client)
		return true
	}
	if x.looked(func(c porter.Content) *porter.Finding { return c.Request(ctx, a, r) }) {
		return true
	}
	res := probe.Answer(r)
	defer func() { res.Body.Close() }() // whatever stands there by then
	if x.looked(func(c porter.Content) *porter.Finding { return c.Response(ctx, a, r, res) }) {
		return true
	}
	x.porter.Record(ctx, a)
	x.passOn(res)
	return true
}

// echo tells a probe how its request would have gone on, and sends nothing.
// Only the school's own probes, which ask from this machine, are told.
func (x *exchange) echo() {
	x.porter.Record(x.r.Context(), &x.answer)
	x.r.Header.Del(probe.EchoHeader)
	out := x.outgoing()
	said := probe.Echo{Query: out.URL.RawQuery, Restrict: out.Header.Get("YouTube-Restrict")}
	said.As, _ = x.answer.SafeTarget()
	x.w.Header().Set("Content-Type", "application/json")
	x.w.Header().Set("Cache-Control", "no-store")
	// Who asks has gone away if this fails, and has had no answer.
	_ = json.NewEncoder(x.w).Encode(said)
}
