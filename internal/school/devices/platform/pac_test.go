package platform_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"belisha/internal/kit/web/browsertest"
	"belisha/internal/school/devices/platform"

	"github.com/chromedp/chromedp"
)

// TestABrowserReadsThePACAsItIsMeant runs the program in Chromium's own engine.
func TestABrowserReadsThePACAsItIsMeant(t *testing.T) {
	b := browsertest.Open(t, browsertest.Options{})
	const proxy, direct = "PROXY 10.0.0.5:3128", "DIRECT"
	for host, want := range map[string]string{
		"www.example.com": proxy, "belisha.ashdown": proxy, "BELISHA.Ashdown.": proxy, "printer": direct, "Printer-2": direct,
		"nas.local": direct, "evil.local.example.com": proxy, "10.1.2.3": direct, "10.example.com": proxy, "10.1.2.3.example.com": proxy,
		"192.168.1.1": direct, "192.168.evil.example": proxy, "172.16.0.1": direct, "172.32.0.1": proxy, "127.0.0.1": direct, "8.8.8.8": proxy,
		"134744072": proxy, "0x08080808": proxy, "[::1]": direct, "[2001:db8::1]": proxy, "2001:db8::1": proxy, "fd00::1": direct, "[fe80::1]": direct,
		"fd00.example.com": proxy, "": proxy, "xn--bcher-kva.example": proxy,
	} {
		f := facts()
		for _, side := range []struct {
			upstream bool
			way      string
		}{{false, proxy}, {true, proxy + "; DIRECT"}} {
			f.Upstream = side.upstream
			expect := want
			if want == proxy && host != "belisha.ashdown" && host != "BELISHA.Ashdown." {
				expect = side.way
			}
			if got := run(t, b, made(t, platform.NamePAC, f), host); got != expect {
				t.Errorf("%q with another filter %t: %s, want %s", host, side.upstream, got, expect)
			}
		}
	}
	f := facts()
	f.School, f.Upstream, f.Out = "*/ alert(1) // St Anne's", true, true
	if got := run(t, b, made(t, platform.NamePAC, f), "www.example.com"); got != direct {
		t.Errorf("taken out beside another filter: %s", got)
	}
	if got := run(t, b, made(t, platform.NamePAC, f), "belisha.ashdown"); got != proxy {
		t.Errorf("our own pages, taken out: %s", got)
	}
}

func run(t *testing.T, b *browsertest.Browser, pac, host string) string {
	t.Helper()
	name, err := json.Marshal(host)
	if err != nil {
		t.Fatal(err)
	}
	got, err := chromedp.Run(b.Context(), chromedp.Evaluate[string](fmt.Sprintf("(function(){ %s\n return FindProxyForURL('http://x/', %s); })()", pac, name)))
	if err != nil {
		t.Fatalf("running the PAC: %v", err)
	}
	return got
}
