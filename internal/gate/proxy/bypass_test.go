package proxy

import (
	"net/http"
	"testing"

	"belisha/internal/gate/gatetest"
	"belisha/internal/verdict"
)

func TestWaysRoundTheFilterAreClosedOnAnyHost(t *testing.T) {
	x := newInspection(t, nil)
	x.SignIn(t, "127.0.0.1", "s1", "pupils")
	cases := []struct {
		name, method, path string
		header             [2]string
		closed             bool
	}{
		{"a page", "GET", "/dns-query-explained", [2]string{}, false},
		{"names by GET", "GET", "/dns-query?dns=AAABAAABAAAAAAAA", [2]string{}, true},
		{"under another path", "GET", "/x", [2]string{"Accept", "application/DNS-message"}, true},
		{"by POST", "POST", "/x", [2]string{"Content-Type", "application/dns-message"}, true},
		{"as JSON", "GET", "/resolve?name=bad.test", [2]string{"Accept", "application/dns-json"}, true},
		{"SSTP", "SSTP_DUPLEX_POST", "/", [2]string{}, true},
		{"SSTP's path", "POST", "/sra_%7BBA195980-CD49-458b-9E23-C84EE0ADCD75%7D/", [2]string{}, true},
		{"AnyConnect", "GET", "/CSCOSSLC/tunnel", [2]string{}, true},
		{"a tunnel in a WebSocket", "GET", "/ws", [2]string{"Sec-Websocket-Protocol", "v1, authorization.wstunnel"}, true},
		{"a WebSocket of a chat", "GET", "/x", [2]string{"Sec-Websocket-Protocol", "chat"}, false},
	}
	try := func(method, url string, header [2]string) int {
		req, err := http.NewRequest(method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if header[0] != "" {
			req.Header.Set(header[0], header[1])
		}
		res, err := x.browser().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for _, c := range cases {
		for _, url := range []string{x.url("ok.test", c.path), x.at("ok.test", c.path)} {
			if got := try(c.method, url, c.header); (got == 403) != c.closed {
				t.Errorf("%s, %s: %d", c.name, url, got)
			}
		}
	}
	if b := x.Porter.Bypasses(); len(b) != 1 || b[0].Foreign == 0 || b[0].Tunnel == 0 || b[0].Subject != "s1" {
		t.Errorf("counted: %+v", b)
	}
	for _, e := range x.Events(t, 2) {
		if e.Action == 0 && (e.Reason != "bypass" || e.Detail == "") {
			t.Errorf("event: %+v", e)
		}
	}
	r := inspected()
	r.Own = append(r.Own, verdict.Own{ID: "ours", Text: "ok.test", Act: verdict.Allow})
	x.Porter.Use(gatetest.Snapshot(t, r))
	if got := try("GET", x.at("ok.test", "/dns-query?dns=AAAA"), [2]string{}); got != 200 {
		t.Errorf("a host that the school opened: %d", got)
	}
}
