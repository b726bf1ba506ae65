package proxy

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/probe"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
)

func TestNamesOfProbesLeadToUsAndArePlainlyJudged(t *testing.T) {
	b := newBench(t, nil)
	b.SignIn(t, "127.0.0.1", "s1", "pupils")
	for _, c := range []struct {
		name, url, says string
		status          int
	}{
		{"what only we answer", "http://" + probe.Here + "/", probe.Says, 200},
		{"a page that no rule closes", "http://" + probe.Files + "/", probe.Says, 200},
		{"a file", "http://" + probe.Files + "/file/program/plain", "MZ", 200},
		{"a test that there is not", "http://" + probe.Files + "/file/program/none", "no such test", 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := b.open(t, http.MethodGet, c.url)
			if status != c.status || !strings.Contains(body, c.says) {
				t.Errorf("%d: %.80q", status, body)
			}
		})
	}
}

func TestOnlyAProbeIsToldHowARequestWouldGoOn(t *testing.T) {
	b := newBench(t, nil)
	b.SignIn(t, "127.0.0.1", "s1", "pupils")
	const ask = "http://ok.test/?q=leaf"
	if _, body := b.open(t, http.MethodGet, ask, probe.EchoHeader, "1"); strings.Contains(body, `"query"`) {
		t.Errorf("a pupil is told: %s", body)
	}
	err := b.Table.Apply(subject.Push{Number: 9, Full: true, Rows: []subject.Row{}}, gatetest.Noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Table.SetDevices([]subject.Device{{
		ID: probe.Device("pupils"), Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Groups: []string{"pupils"}, Shared: true,
	}}); err != nil {
		t.Fatal(err)
	}
	status, body := b.open(t, http.MethodGet, ask, probe.EchoHeader, "1")
	if status != 200 || !strings.Contains(body, `"query":"q=leaf"`) {
		t.Errorf("%d: %s", status, body)
	}
	for _, e := range b.Events(t, 2)[1:] {
		if e.Action == spool.ActionBlock || e.Device != probe.Device("pupils") {
			t.Errorf("it is written down as %+v", e)
		}
	}
}
