package proxy

import (
	"net/http"
	"strings"

	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// goesRound recognises requests that are no pages but the beginning of a way
// round the filter, whichever host they are sent to: names asked of others, and
// tunnels in the guise of a page. What it says of one is written down.
func goesRound(r *http.Request) (detail string, kind porter.Bypass, ok bool) {
	switch {
	case asksNames(r):
		return "names asked of somebody else", porter.BypassForeign, true
	case opensTunnel(r):
		return "a tunnel in the guise of a page", porter.BypassTunnel, true
	}
	return "", 0, false
}

// nameTypes are what questions for names and their answers are sent as
// (RFC 8484, RFC 9230, and the form that some services have besides).
var nameTypes = [...]string{"application/dns-message", "application/dns-json", "application/oblivious-dns-message"}

func asksNames(r *http.Request) bool {
	for _, field := range [...]string{"Content-Type", "Accept"} {
		for _, v := range r.Header[field] {
			for _, t := range nameTypes {
				if len(v) >= len(t) && strings.Contains(strings.ToLower(v), t) {
					return true
				}
			}
		}
	}
	if !strings.HasSuffix(r.URL.Path, "/dns-query") {
		return false
	}
	return strings.Contains(r.URL.RawQuery, "dns=") || strings.Contains(r.URL.RawQuery, "name=")
}

// tunnelPaths are what the usual tunnels over HTTPS begin with: SSTP,
// AnyConnect and OpenConnect, SoftEther.
var tunnelPaths = [...]string{"/sra_{ba195980-cd49-458b-9e23-c84ee0adcd75}", "/cscosslc/", "/+cscot+/", "/vpnsvc/connect.cgi"}

// tunnelProtocols are what tunnels in a WebSocket call themselves.
var tunnelProtocols = [...]string{"wstunnel", "chisel", "gost", "v2ray", "vmess", "vless", "trojan", "shadowsocks"}

func opensTunnel(r *http.Request) bool {
	if strings.EqualFold(r.Method, "SSTP_DUPLEX_POST") {
		return true
	}
	if len(r.URL.Path) > 8 {
		path := strings.ToLower(r.URL.Path[:min(len(r.URL.Path), 64)])
		for _, p := range tunnelPaths {
			if strings.HasPrefix(path, p) {
				return true
			}
		}
	}
	for _, v := range r.Header["Sec-Websocket-Protocol"] {
		v = strings.ToLower(v)
		for _, p := range tunnelProtocols {
			if strings.Contains(v, p) {
				return true
			}
		}
	}
	return false
}

// roundTheFilter closes such a request, unless the school opened the host
// itself.
func (x *exchange) roundTheFilter() bool {
	a := &x.answer
	if a.Verdict.Support || a.Verdict.Reason == verdict.ReasonOwnAllow || a.Verdict.Reason == verdict.ReasonUnblock {
		return false
	}
	detail, kind, ok := goesRound(x.r)
	if !ok {
		return false
	}
	x.porter.Bypassed(&a.Who, kind)
	closed := x.porter.Refuse(&a.Who, a.Question, verdict.ReasonBypass)
	closed.Note(detail)
	x.block(&closed)
	return true
}
