package gate

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/subject"
)

func TestTheFileThatNamesTheProxyIsServedUnderEveryName(t *testing.T) {
	s := newSchool(t)
	s.cfg.Sink = "127.0.0.1:0"
	s.publish(t, gatetest.Rules())
	st, c, _ := s.run(t)
	const text = "function FindProxyForURL(url, host) { return \"PROXY 10.0.0.2:3128\"; }\n"
	ask := func(what, at, host, path, want string) {
		t.Helper()
		res := direct(t, at, host, path)
		body, _ := io.ReadAll(res.Body)
		switch {
		case want == "" && res.StatusCode != http.StatusNotFound:
			t.Errorf("%s: %d, want none", what, res.StatusCode)
		case want != "" && (res.StatusCode != 200 || string(body) != want || res.Header.Get("Content-Type") != "application/x-ns-proxy-autoconfig"):
			t.Errorf("%s: %d %v %.60s", what, res.StatusCode, res.Header, body)
		}
	}
	walk := func(want string) {
		for _, at := range []string{st.Proxy, st.Sink} {
			ask("our own pages", at, gatetest.OwnHost, "/proxy.pac", want)
			ask("our own pages", at, gatetest.OwnHost, "/wpad.dat", want)
			ask("wpad", at, "wpad", "/wpad.dat", want)
			ask("wpad in a domain", at, "wpad.hill.sch.uk", "/wpad.dat", want)
			ask("wpad, something else", at, "wpad.hill.sch.uk", "/other", "")
		}
	}
	walk("")
	set := Settings{Site: "main", OwnHosts: []string{gatetest.OwnHost}, PAC: text}
	if err := WriteSettings(s.dir, set); err != nil {
		t.Fatal(err)
	}
	if err := c.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	walk(text)
	for _, name := range []string{"wpad", "wpad.hill.sch.uk"} {
		got := resolveOver(t, "udp", st.DNS, name)
		if len(got.Answer) != 1 || got.Answer[0].(*mdns.A).A.String() != "127.0.0.1" {
			t.Errorf("%s by DNS: %v", name, got)
		}
	}
	set.PAC = strings.Repeat("x", 65<<10)
	if err := WriteSettings(s.dir, set); err != nil {
		t.Fatal(err)
	}
	if err := c.Reload(context.Background()); err == nil {
		t.Error("a file too long was taken without a word")
	}
	walk(text)
}

func TestADevicesCheckLeadsToSignInAndThenPasses(t *testing.T) {
	s := newSchool(t)
	s.cfg.Sink = "127.0.0.1:0"
	s.publish(t, unsignedClosed())
	set := Settings{
		Site: "main", OwnHosts: []string{gatetest.OwnHost}, Captive: true,
		Sink: []netip.Addr{netip.MustParseAddr("10.1.1.1")},
	}
	if err := WriteSettings(s.dir, set); err != nil {
		t.Fatal(err)
	}
	st, c, _ := s.run(t)
	signIn(t, c)
	to := func(want string) {
		t.Helper()
		for _, check := range [][2]string{
			{"captive.apple.com", "/hotspot-detect.html"},
			{"www.apple.com", "/library/test/success.html"},
			{"connectivitycheck.gstatic.com", "/generate_204"},
			{"clients3.google.com", "/generate_204"},
			{"www.msftconnecttest.com", "/connecttest.txt"},
			{"www.msftncsi.com", "/ncsi.txt"},
			{"detectportal.firefox.com", "/success.txt"},
		} {
			for _, at := range []string{st.Proxy, st.Sink} {
				res := direct(t, at, check[0], check[1])
				if res.StatusCode != http.StatusFound || res.Header.Get("Location") != want {
					t.Errorf("%s at %s: %d %s", check[0], at, res.StatusCode, res.Header.Get("Location"))
				}
			}
		}
	}
	to("http://" + gatetest.OwnHost + "/sign-in")
	if res := direct(t, st.Sink, "www.apple.com", "/shop"); res.StatusCode != http.StatusForbidden {
		t.Errorf("another page of the same host: %d", res.StatusCode)
	}
	if got := resolveOver(t, "udp", st.DNS, "captive.apple.com"); len(got.Answer) != 1 || got.Answer[0].(*mdns.A).A.String() != "10.1.1.1" || got.Answer[0].Header().Ttl > 1 {
		t.Errorf("by DNS: %v", got)
	}
	signIn(t, c, s.person("p", func(r *subject.Row) { r.Agreement = subject.AgreementHold }))
	to("http://" + gatetest.OwnHost + "/agreement")
	signIn(t, c, s.person("p", nil))
	// The fixture's resolver knows no such name, so that a check which is
	// passed on ends there and not at sign-in.
	if res := direct(t, st.Proxy, "captive.apple.com", "/"); res.StatusCode != http.StatusBadGateway {
		t.Errorf("signed in: %d", res.StatusCode)
	}
	// Where nobody has to sign in, whoever has not is led there all the same;
	// a device of the school's is not.
	s.publish(t, gatetest.Rules())
	if err := c.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	signIn(t, c)
	to("http://" + gatetest.OwnHost + "/sign-in")
	if got := resolveOver(t, "udp", st.DNS, "captive.apple.com"); len(got.Answer) != 1 || got.Answer[0].(*mdns.A).A.String() != "10.1.1.1" {
		t.Errorf("by DNS under the strictest rules: %v", got)
	}
	kiosk := subject.Device{ID: "kiosk", Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Groups: []string{"pupils"}, Shared: true}
	if err := c.SetDevices(context.Background(), []subject.Device{kiosk}); err != nil {
		t.Fatal(err)
	}
	if res := direct(t, st.Proxy, "captive.apple.com", "/"); res.StatusCode == http.StatusFound {
		t.Errorf("a device of the school's is led to sign-in: %s", res.Header.Get("Location"))
	}
	if err := c.SetDevices(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	s.publish(t, unsignedClosed())
	set.Captive = false
	if err := WriteSettings(s.dir, set); err != nil {
		t.Fatal(err)
	}
	if err := c.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	signIn(t, c)
	if res := direct(t, st.Proxy, "captive.apple.com", "/"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("switched off: %d", res.StatusCode)
	}
}
