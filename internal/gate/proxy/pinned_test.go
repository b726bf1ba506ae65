package proxy

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/control"
)

// eventually waits until something is so.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	stop := systemNow().Add(10 * time.Second)
	for !so() {
		if systemNow().After(stop) {
			t.Fatal("never: " + what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func TestAProgramThatAgreesAndThenHangsUpIsNotedAsOneThatTakesNoCertificate(t *testing.T) {
	x := newInspection(t, nil)
	troubles := func() []control.Trouble { return x.server.Counts().Inspection.Troubles }
	leave := func(times int) {
		for range times {
			x.inside(t, "ok.test").Close()
		}
		eventually(t, "they have gone", func() bool { return x.server.tunnels.len() == 0 })
	}
	leave(2) // browsers do so now and then
	if n := len(troubles()); n != 0 {
		t.Fatalf("%d after two", n)
	}
	leave(2)
	eventually(t, "it is noted", func() bool { return len(troubles()) == 1 })
	if tr := troubles()[0]; tr.Host != "ok.test" || tr.Kind != "pinned" || tr.Detail != quietDetail {
		t.Errorf("%+v", tr)
	}
	if res, _ := x.fetch(t, x.browser(), x.at("ok.test", "/")); res.StatusCode != 200 {
		t.Fatal(res.StatusCode)
	}
	if list := troubles(); len(list) != 0 {
		t.Errorf("a page was asked for, and still %+v", list)
	}
}

func TestConnectionsThatHideTheirSiteAreCounted(t *testing.T) {
	b := newBench(t, nil)
	at := "ok.test:" + strconv.Itoa(port(b.secure))
	if _, err := b.tunnel(t, at, ""); err == nil {
		t.Error("a connection without a name is open")
	}
	eventually(t, "it is counted", func() bool {
		list := b.Porter.Bypasses()
		return len(list) == 1 && list[0].Hidden == 1 && list[0].Tunnel == 0
	})
}

func TestASiteThatIsOpenedByItsAddressNeedsNoNameInTLS(t *testing.T) {
	b := newBench(t, nil)
	at := "127.0.0.1:" + strconv.Itoa(port(b.secure)) // the school has opened it
	for _, name := range []string{"", "127.0.0.1"} {
		if _, err := b.tunnel(t, at, name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, host := range []string{"127.0.0.2", "203.0.113.9"} {
		if _, err := b.tunnel(t, host+":443", ""); err == nil {
			t.Errorf("%s, which nobody opened, is open", host)
		}
	}
	if _, err := b.tunnel(t, at, "bad.test"); err == nil {
		t.Error("a closed name behind an open address is open")
	}
}

func TestASiteThatIsOpenedByItsAddressIsLookedIntoByIt(t *testing.T) {
	x := newInspection(t, nil)
	res, body := x.fetch(t, x.browser(), x.at("127.0.0.1", "/"))
	if res.StatusCode != 403 || !strings.Contains(body, "cannot sho") {
		t.Errorf("a site whose certificate is not for its address: %d %.200s", res.StatusCode, body)
	}
	if leaf := res.TLS.PeerCertificates[0]; len(leaf.IPAddresses) != 1 || leaf.Issuer.CommonName == "" {
		t.Errorf("it is not looked into: %v", leaf.Subject)
	}
}
