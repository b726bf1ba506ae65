package origdst_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"belisha/internal/gate"
	"belisha/internal/gate/gatetest"
	"belisha/internal/kit/clock"
	"belisha/internal/school/devices/platform"
	"belisha/internal/verdict/snapfile"
)

// lan are three networks: a client's, the filter's, which routes between
// them, and the internet's.
type lan struct{ client, gate, origin string }

func run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func newLAN(t *testing.T) *lan {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("networks of their own need root")
	}
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: packages iproute2 and nftables", tool)
		}
	}
	id := fmt.Sprintf("blsh%d", os.Getpid())
	l := &lan{id + "c", id + "g", id + "o"}
	for _, ns := range []string{l.client, l.gate, l.origin} {
		if out, err := exec.Command("ip", "netns", "add", ns).CombinedOutput(); err != nil {
			t.Skipf("no network of its own can be made here: %s", out)
		}
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", ns).Run() })
	}
	run(t, "ip", "-n", l.gate, "link", "add", "lan", "type", "veth", "peer", "name", "eth0", "netns", l.client)
	run(t, "ip", "-n", l.gate, "link", "add", "wan", "type", "veth", "peer", "name", "eth0", "netns", l.origin)
	for _, a := range [][3]string{
		{l.client, "eth0", "10.77.1.2/24"},
		{l.client, "eth0", "10.77.1.9/24"},
		{l.client, "eth0", "fd77:1::2/64"},
		{l.gate, "lan", "10.77.1.1/24"},
		{l.gate, "lan", "fd77:1::1/64"},
		{l.gate, "wan", "203.0.113.1/24"},
		{l.gate, "wan", "2001:db8:77::1/64"},
		{l.origin, "eth0", "203.0.113.2/24"},
		{l.origin, "eth0", "203.0.113.3/24"},
		{l.origin, "eth0", "2001:db8:77::2/64"},
		{l.origin, "eth0", "2001:db8:77::3/64"},
	} {
		args := []string{"ip", "-n", a[0], "addr", "add", a[2], "dev", a[1]}
		if strings.Contains(a[2], ":") {
			args = append(args, "nodad")
		}
		run(t, args...)
	}
	for _, dev := range [][2]string{{l.client, "eth0"}, {l.gate, "lan"}, {l.gate, "wan"}, {l.origin, "eth0"}, {l.client, "lo"}, {l.gate, "lo"}, {l.origin, "lo"}} {
		run(t, "ip", "-n", dev[0], "link", "set", dev[1], "up")
	}
	for _, via := range [][3]string{{l.client, "10.77.1.1", "fd77:1::1"}, {l.origin, "203.0.113.1", "2001:db8:77::1"}} {
		run(t, "ip", "-n", via[0], "route", "add", "default", "via", via[1])
		run(t, "ip", "-n", via[0], "-6", "route", "add", "default", "via", via[2])
	}
	run(t, "ip", "netns", "exec", l.gate, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
	return l
}

// part starts this program as a part in one of the networks, and waits until
// it is ready.
func part(t *testing.T, ns, what string, told []byte) {
	t.Helper()
	c := exec.Command("ip", "netns", "exec", ns, os.Args[0])
	c.Env = append(os.Environ(), asPart+"="+what)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = c.Wait()
	})
	if _, err := in.Write(told); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready") {
		t.Fatalf("%s: %q, %v", what, line, err)
	}
}

// try has the client do something, and returns what came of it.
func (l *lan) try(verb, at, name, from string) string {
	c := exec.Command("ip", "netns", "exec", l.client, os.Args[0], verb, at, name, from)
	c.Env = append(os.Environ(), asPart+"=client")
	out, _ := c.CombinedOutput()
	return string(out)
}

func filter(t *testing.T) []byte {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "gate")
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := gate.WriteSettings(dir, gate.Settings{Site: "main", OwnHosts: []string{gatetest.OwnHost}, HelpHosts: []string{gatetest.HelpHost}}); err != nil {
		t.Fatal(err)
	}
	if err := snapfile.Prepare(dir); err != nil {
		t.Fatal(err)
	}
	_, hash := gatetest.Segment(t, snapfile.SegmentsDir(dir))
	if _, err := snapfile.Publish(dir, key, clock.System{}.Now(), gatetest.Rules(), []snapfile.SegmentRef{{Source: "starter", Title: "starter list", Hash: hash}}); err != nil {
		t.Fatal(err)
	}
	told, err := json.Marshal(map[string]any{
		"Dir": dir, "Version": "test", "Proxy": "127.0.0.1:3128", "DNS": "0.0.0.0:5335", "PublicKey": public, "Doors": map[string]any{"Transparent": "[::]:8480"},
		"UpstreamDNS": []string{"203.0.113.2:53"}, "AllowPrivate": []string{"203.0.113.0/24", "2001:db8:77::/64"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return told
}

func rules(t *testing.T) []byte {
	t.Helper()
	f, err := platform.MakeFirewall("belisha-nftables.nft", platform.Network{
		School: "Hill School", Filter: netip.MustParseAddr("10.77.1.1"), Web: 8480, DNS: 5335,
		Filtered: []netip.Prefix{netip.MustParsePrefix("10.77.1.0/24"), netip.MustParsePrefix("fd77:1::/64")}, Except: []netip.Prefix{netip.MustParsePrefix("10.77.1.9/32")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f.Body
}

func TestAWholeNetworkThatKnowsNothingOfTheFilterGoesThroughIt(t *testing.T) {
	l := newLAN(t)
	part(t, l.origin, "origin", nil)
	past := []struct{ verb, at, name, says string }{
		{"http", "203.0.113.3:80", "bad.test", "200 origin"}, {"tls", "203.0.113.3:443", "bad.test", "200 origin"}, {"udp", "203.0.113.2:443", "", "answered"}, {"dns", "203.0.113.2:53", "bad.test", "NOERROR 1"},
	}
	without := func(when string) {
		t.Helper()
		for _, c := range past {
			if got := l.try(c.verb, c.at, c.name, ""); !strings.HasPrefix(got, c.says) {
				t.Fatalf("%s, %s to %s: %s", when, c.verb, c.at, got)
			}
		}
	}
	without("before the rules")
	part(t, l.gate, "gate", filter(t))
	load := exec.Command("ip", "netns", "exec", l.gate, "nft", "-f", "-")
	load.Stdin = bytes.NewReader(rules(t))
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("loading the rules: %s", out)
	}
	cases := []struct{ name, verb, at, host, from, says, not string }{
		{"an open site", "http", "203.0.113.2:80", "ok.test", "", "200 origin", "10.77.1.2"},
		{"a closed one", "http", "203.0.113.3:80", "bad.test", "", "403 ", "origin"},
		{"a closed one at the open one's address", "http", "203.0.113.2:80", "bad.test", "", "403 ", "origin"},
		{"an open one is fetched from its own address", "http", "203.0.113.3:80", "ok.test", "", "200 origin 203.0.113.2:80", "203.0.113.3"},
		{"an open one that is not at the address at all", "http", "198.51.100.7:80", "ok.test", "", "200 origin 203.0.113.2:80", ""},
		{"a number in place of a name", "http", "203.0.113.2:80", "203.0.113.2", "", "403 ", "origin"},
		{"an open site over TLS", "tls", "203.0.113.2:443", "ok.test", "", "200 origin", "10.77.1.2"},
		{"a closed one over TLS", "tls", "203.0.113.3:443", "bad.test", "", "failed:", "origin"},
		{"TLS without a name", "tls", "203.0.113.2:443", "", "", "failed:", "origin"},
		{"TLS with an open name to a closed site's address", "tls", "203.0.113.3:443", "ok.test", "", "200 origin 203.0.113.2:443", ""},
		{"plain words to the port for TLS", "http", "203.0.113.2:443", "ok.test", "", "400 ", "origin"},
		{"TLS to the port for plain words", "tls", "203.0.113.2:80", "ok.test", "", "failed:", "origin"},
		{"over IPv6", "http", "[2001:db8:77::2]:80", "ok.test", "", "200 origin", "fd77"},
		{"a closed one over IPv6", "http", "[2001:db8:77::3]:80", "bad.test", "", "403 ", "origin"},
		{"TLS over IPv6", "tls", "[2001:db8:77::2]:443", "ok.test", "", "200 origin", "fd77"},
		{"QUIC", "udp", "203.0.113.2:443", "", "", "failed:", "answered"},
		{"QUIC over IPv6", "udp", "[2001:db8:77::2]:443", "", "", "failed:", "answered"},
		{"names over TLS of others", "http", "203.0.113.2:853", "ok.test", "", "failed:", ""},
		{"names of others are ours", "dns", "203.0.113.2:53", "bad.test", "", "NXDOMAIN 0", ""},
		{"and open ones are answered", "dns", "198.51.100.53:53", "ok.test", "", "NOERROR 1", ""},
		{"the pages for people are at the filter's own address", "http", "10.77.1.1:80", gatetest.OwnHost, "", "503 ", "origin"},
		{"and a closed site is closed there, too", "http", "10.77.1.1:80", "bad.test", "", "403 ", "origin"},
		{"its other ports lead nowhere", "tls", "10.77.1.1:443", "ok.test", "", "failed:", "origin"},
		{"whoever is left alone goes straight", "http", "203.0.113.3:80", "bad.test", "10.77.1.9", "200 origin 203.0.113.3:80 says hello to bad.test for 10.77.1.9", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := l.try(c.verb, c.at, c.host, c.from)
			if !strings.HasPrefix(got, c.says) || c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("got %.300s", got)
			}
		})
	}
	run(t, "ip", "netns", "exec", l.gate, "nft", "delete", "table", "inet", "belisha")
	without("after they were taken back")
	l.asTPROXYLeavesThem(t)
}

// asTPROXYLeavesThem tries connections whose addresses the network does not
// change.
func (l *lan) asTPROXYLeavesThem(t *testing.T) {
	load := exec.Command("ip", "netns", "exec", l.gate, "nft", "-f", "-")
	load.Stdin = strings.NewReader(`table inet tproxy {
	chain take {
		type filter hook prerouting priority mangle
		iifname "lan" meta nfproto ipv4 tcp dport { 80, 443 } meta mark set 1 tproxy ip to :8480 accept
		iifname "lan" meta nfproto ipv6 tcp dport { 80, 443 } meta mark set 1 tproxy ip6 to :8480 accept
	}
}
`)
	if out, err := load.CombinedOutput(); err != nil {
		t.Skipf("this kernel has no TPROXY: %s", out)
	}
	run(t, "ip", "-n", l.gate, "rule", "add", "fwmark", "1", "lookup", "100")
	run(t, "ip", "-n", l.gate, "route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "100")
	run(t, "ip", "-n", l.gate, "-6", "rule", "add", "fwmark", "1", "lookup", "100")
	run(t, "ip", "-n", l.gate, "-6", "route", "add", "local", "::/0", "dev", "lo", "table", "100")
	for _, c := range []struct{ verb, at, host, says string }{
		{"http", "203.0.113.2:80", "ok.test", "200 origin"},
		{"http", "203.0.113.3:80", "bad.test", "403 "},
		{"tls", "203.0.113.2:443", "ok.test", "200 origin"},
		{"tls", "203.0.113.3:443", "bad.test", "failed:"},
		{"http", "203.0.113.2:443", "ok.test", "400 "},
		{"http", "[2001:db8:77::3]:80", "bad.test", "403 "},
		{"tls", "[2001:db8:77::2]:443", "ok.test", "200 origin"},
	} {
		if got := l.try(c.verb, c.at, c.host, ""); !strings.HasPrefix(got, c.says) {
			t.Errorf("by TPROXY, %s to %s: %.300s", c.verb, c.at, got)
		}
	}
}
