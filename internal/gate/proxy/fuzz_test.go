package proxy

import (
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"belisha/internal/verdict"
)

// FuzzTarget reads whatever a request may name as its host, prove itself with
// and be a way round with.
func FuzzTarget(f *testing.F) {
	f.Add("ok.test:443", "Basic dTpw", "/dns-query?dns=AAAA")
	f.Add("[::1]:80", "basic "+base64.StdEncoding.EncodeToString([]byte("u:\x00")), "/cscosslc/x")
	f.Add("OK.test.:0443", "Negotiate YII", "/")
	f.Add("a:b:", "Basic", "//")
	f.Fuzz(func(t *testing.T, host, proof, path string) {
		if name, port, ok := splitHost(host, 80); ok {
			if name == "" || port == 0 {
				t.Fatalf("%q is %q, port %d", host, name, port)
			}
			again, p, ok := splitHost(joinHost(name, port, 80), 80)
			if !ok || again != name || p != port {
				t.Fatalf("%q is %q:%d, and again %q:%d", host, name, port, again, p)
			}
			if _, kind, err := verdict.CanonicalHost(name); err != nil || kind != verdict.HostName && !address(name) {
				t.Fatalf("%q is %q, which is no host: %v", host, name, err)
			}
		}
		if user, password, ok := parseBasic(proof); ok && (user == "" || strings.ContainsFunc(user+password, func(c rune) bool { return c < ' ' || c == 0x7f })) {
			t.Fatalf("%q is %q, %q", proof, user, password)
		}
		head, query, _ := strings.Cut(path, "?")
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: head, RawQuery: query}, Header: http.Header{
			"Upgrade": {host}, "Accept": {proof}, "Sec-Websocket-Protocol": {path}, "Content-Type": {path},
		}}
		goesRound(r)
		isWebSocket(r.Header)
	})
}

func address(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}
