package proxy

import (
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
)

func TestAGuestGoesOnOnlyAfterTheTerms(t *testing.T) {
	b := newBench(t, nil)
	set := *b.Porter.Settings()
	set.Captive = true
	if err := b.Porter.Configure(&set); err != nil {
		t.Fatal(err)
	}
	if err := b.Table.SetDevices([]subject.Device{{ID: "guests", Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Groups: []string{"staff"}, Guests: true}}); err != nil {
		t.Fatal(err)
	}
	r := redirect(t, b.server, nobody)
	get := func(host string) string {
		return "GET /generate_204 HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"
	}
	res, body := r.say(t, "203.0.113.9:80", get("ok.test"))
	if res == nil || res.StatusCode != 403 || !strings.Contains(body, gatetest.OwnHost+"/guest") || strings.Contains(body, "/agreement") {
		t.Errorf("before: %v %.300s", res, body)
	}
	res, body = r.say(t, "203.0.113.9:80", get("connectivitycheck.gstatic.com"))
	if res == nil || res.StatusCode != 302 || res.Header.Get("Location") != "http://"+gatetest.OwnHost+"/guest" {
		t.Errorf("a device's check: %v %.300s", res, body)
	}
	direct := b.client(nil)
	if help, err := direct.Get(b.url(gatetest.HelpHost, "/")); err != nil || help.StatusCode != 200 {
		t.Errorf("help waits too: %v %v", help, err)
	}
	guest := subject.Row{
		ID: "g1", Address: netip.MustParseAddr("127.0.0.1"), Certainty: spool.Likely, Groups: []string{"staff"}, SignedUntil: gatetest.Noon.Add(time.Hour), Ends: gatetest.Noon.Add(time.Hour),
	}
	if err := b.Table.Apply(subject.Push{Number: b.Table.Number() + 1, Rows: []subject.Row{guest}}, gatetest.Noon); err != nil {
		t.Fatal(err)
	}
	after, err := direct.Get(b.url("ok.test", "/"))
	if err != nil || after.StatusCode != 200 {
		t.Fatalf("after: %v %v", after, err)
	}
	_, _ = io.Copy(io.Discard, after.Body)
	b.Clock.Advance(2 * time.Hour)
	if again, err := direct.Get(b.url("ok.test", "/")); err != nil || again.StatusCode != 403 {
		t.Errorf("when it has ended: %v %v", again, err)
	}
}
