package platform

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func ranges(t *testing.T, text string) []netip.Prefix {
	t.Helper()
	out, err := Ranges(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func networks(t *testing.T) map[string]Network {
	whole := Network{
		School: "Ashdown School", Place: "Main building", Filter: netip.MustParseAddr("10.0.0.5"), Web: 8480, DNS: 53,
		Filtered: ranges(t, "10.0.0.0/16, 10.0.4.0/24\n172.20.0.0/16 2001:db8:10::/48"), Inside: ranges(t, "198.51.100.0/24"),
		Except: ranges(t, "10.0.0.9 10.0.8.0/24 2001:db8:10::9"), Resolvers: []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("2001:db8::53")},
	}
	return map[string]Network{
		"everything":          whole,
		"one network":         {School: "A", Filter: netip.MustParseAddr("192.168.1.5"), Filtered: ranges(t, "192.168.1.0/24"), Web: 8480, DNS: 5335},
		"no door for the web": {School: "A", Filter: netip.MustParseAddr("192.168.1.5"), Filtered: ranges(t, "192.168.1.0/24"), DNS: 53},
		"the proxy alone":     {School: "A", Filter: netip.MustParseAddr("192.168.1.5"), Filtered: ranges(t, "192.168.1.0/24")},
	}
}

// namespace is a network of its own, in which rules are loaded and tried.
func namespace(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a network of its own needs root")
	}
	for _, tool := range []string{"ip", "nft", "iptables-restore", "ip6tables-restore"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: packages iproute2, nftables and iptables", tool)
		}
	}
	name := fmt.Sprintf("belisha-rules-%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("no network of its own can be made here: %s", out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	return name
}

func in(t *testing.T, ns string, stdin []byte, args ...string) string {
	t.Helper()
	c := exec.Command("ip", append([]string{"netns", "exec", ns}, args...)...)
	c.Stdin = bytes.NewReader(stdin)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s\n%s", args, err, out, stdin)
	}
	return string(out)
}

func TestRulesForLinuxAreTakenAndTakenBack(t *testing.T) {
	ns := namespace(t)
	for name, n := range networks(t) {
		t.Run(name, func(t *testing.T) {
			f := made(t, "belisha-nftables.nft", n)
			in(t, ns, f, "nft", "-c", "-f", "-")
			in(t, ns, f, "nft", "-f", "-")
			in(t, ns, f, "nft", "-f", "-")
			got := in(t, ns, nil, "nft", "list", "table", "inet", "belisha")
			if strings.Contains(got, "redirect to") != (n.Web+n.DNS > 0) || strings.Count(got, "reject") != 5 {
				t.Errorf("what is loaded: %s", got)
			}
			in(t, ns, nil, "nft", "delete", "table", "inet", "belisha")

			path := filepath.Join(t.TempDir(), "belisha-iptables.sh")
			if err := os.WriteFile(path, made(t, "belisha-iptables.sh", n), 0o600); err != nil {
				t.Fatal(err)
			}
			in(t, ns, nil, "sh", path)
			once := in(t, ns, nil, "iptables-save") + in(t, ns, nil, "ip6tables-save")
			in(t, ns, nil, "sh", path)
			twice := in(t, ns, nil, "iptables-save") + in(t, ns, nil, "ip6tables-save")
			if a, b := rulesOnly(once), rulesOnly(twice); a != b || !strings.Contains(a, "-A FORWARD -j BELISHA") {
				t.Errorf("once %s, twice %s", a, b)
			}
			in(t, ns, nil, "sh", path, "remove")
			in(t, ns, nil, "sh", path, "remove")
			if left := in(t, ns, nil, "iptables-save") + in(t, ns, nil, "ip6tables-save"); strings.Contains(left, "BELISHA") {
				t.Errorf("left: %s", left)
			}
		})
	}
}

func rulesOnly(saved string) string {
	var out []string
	for l := range strings.Lines(saved) {
		if strings.HasPrefix(l, "-A") {
			out = append(out, l)
		}
	}
	return strings.Join(out, "")
}

func TestOpenWrtsRulesFitInItsOwnTable(t *testing.T) {
	ns := namespace(t)
	for name, n := range networks(t) {
		t.Run(name, func(t *testing.T) {
			text := string(made(t, "belisha-openwrt.sh", n))
			_, include, ok := strings.Cut(text, "<<'BELISHA'\n")
			include, _, ok2 := strings.Cut(include, "BELISHA\nif !")
			if !ok || !ok2 {
				t.Fatalf("no include: %s", text)
			}
			in(t, ns, []byte("table inet fw4 {\n"+include+"}\n"), "nft", "-c", "-f", "-")
			shell(t, text)
		})
	}
}

func shell(t *testing.T, text string) {
	t.Helper()
	c := exec.Command("sh", "-n")
	c.Stdin = strings.NewReader(text)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("the shell does not take it: %s", out)
	}
}

func made(t *testing.T, name string, n Network) []byte {
	t.Helper()
	f, err := MakeFirewall(name, n)
	if err != nil {
		t.Fatal(err)
	}
	return f.Body
}

// lines are what may stand in each kind of file, line by line.
var lines = map[string]*regexp.Regexp{
	"belisha-pf.txt": regexp.MustCompile(`^(|#.*|table <belisha_(school|inside|except|resolvers)> \{ [0-9a-f.:/, ]* \}` +
		`|no rdr proto \{ tcp, udp \} from <\w+> to (any|<\w+>)|rdr inet6? proto (tcp|\{ tcp, udp \}) from <\w+> to (any|[0-9a-f.:]+) port \d+ -> \S+ port \d+` +
		`|pass quick proto \{ tcp, udp \} from <\w+> to (any port \{ [\d, ]+ \}|[0-9a-f.:]+)` +
		`|block return quick( proto (tcp|udp|\{ tcp, udp \}))? from <\w+> to (! )?<\w+>( port \{ [\d, ]+ \})?)$`),
	"belisha-routeros.rsc": regexp.MustCompile(`^(|#.*|/ip(v6)? firewall (nat|filter|address-list)( remove \[find (comment|list)~"\^[Bb]elisha-?"\])?` +
		`|add list=belisha-\w+ address=[0-9a-f.:/]+|add chain=\w+ action=[\w-]+( [\w-]+=(!?[\w.,:-]+|"[^"]*"))+` +
		`|:local \w+ \[find where chain=\w+ and !dynamic\]|:if \(\[:len \$\w+\] > 0\) do=\{ move \[find comment~"\^Belisha"\] destination=\[:pick \$\w+ 0\] \})$`),
	"belisha-cisco.txt": regexp.MustCompile(`^(!.*|ip access-list extended BELISHA-(TAKE|CLOSE)|ipv6 access-list BELISHA-CLOSE6|route-map BELISHA permit 10` +
		`| match ip address BELISHA-TAKE| set ip next-hop [\d.]+| set interface Null0` +
		`| (permit|deny) (ip|tcp|udp|ipv6) (any|[\d.]+ [\d.]+|[0-9a-f:]+/\d+) (any|[\d.]+ [\d.]+|[0-9a-f:]+/\d+)( eq( \d+){1,10})?)$`),
	"belisha-fortigate.txt":        regexp.MustCompile(`^(|#.*|config [a-z0-9 ]+|end|    edit (0|"[^"]+")|        set [\w-]+( ("[^"]*"|[0-9A-Za-z.:/-]+))+|    next)$`),
	"belisha-windows-firewall.ps1": regexp.MustCompile(`^(#.*|param\(.*\)|\$\w+ = .*|Get-NetFirewallRule .*|if \(\$Remove\) \{ exit 0 \}|New-NetFirewallRule @close -DisplayName '[^']+' -Protocol (TCP|UDP) -RemotePort [\d, ]+ \| Out-Null)$`),
}

func TestFilesForOtherFirewallsSayOnlyWhatTheseUnderstand(t *testing.T) {
	for title, n := range networks(t) {
		for name, may := range lines {
			t.Run(title+" "+name, func(t *testing.T) {
				blocks := 0
				for l := range strings.SplitSeq(strings.TrimSuffix(string(made(t, name, n)), "\n"), "\n") {
					if !may.MatchString(l) {
						t.Errorf("%q", l)
					}
					if name == "belisha-fortigate.txt" {
						blocks += strings.Count(" "+l, " config ") - strings.Count("|"+l, "|end")
					}
				}
				if blocks != 0 {
					t.Errorf("%d blocks are not ended", blocks)
				}
			})
		}
	}
}

func TestWhatIsClosedAndLedToTheFilterStandsInEveryFile(t *testing.T) {
	n := networks(t)["everything"]
	for _, f := range Firewalls() {
		t.Run(f.Name, func(t *testing.T) {
			text := string(made(t, f.Name, n))
			if f.Name == "belisha-iptables.sh" {
				shell(t, text)
			}
			if f.Title == "" || f.Does == "" || f.Undo == "" || len(f.Steps) < 3 {
				t.Errorf("it is not said what it does and how to take it back: %+v", f)
			}
			for _, want := range []string{"Ashdown School, Main building", "443", "853", "784"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s is not in it", want)
				}
			}
			if strings.Contains(text, "<no value>") || strings.Contains(text, "{{") {
				t.Errorf("%s", text)
			}
			if f.Name != "belisha-windows-firewall.ps1" {
				for _, want := range []string{"10.0.0.5", "10.0.0.9"} {
					if !strings.Contains(text, want) {
						t.Errorf("%s is not in it", want)
					}
				}
			}
			if again := string(made(t, f.Name, n)); again != text {
				t.Error("the same facts give other bytes")
			}
		})
	}
}

func TestFactsThatAreNoAddressesAreRefusedInOneSentence(t *testing.T) {
	good := networks(t)["one network"]
	for name, c := range map[string]struct {
		change func(*Network)
		says   string
	}{
		"no filter":           {func(n *Network) { n.Filter = netip.Addr{} }, "at which address"},
		"this machine":        {func(n *Network) { n.Filter = netip.MustParseAddr("127.0.0.1") }, "at which address"},
		"no network":          {func(n *Network) { n.Filtered = nil }, "at least one network"},
		"everything":          {func(n *Network) { n.Filtered = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} }, "must not be everything"},
		"a name of two lines": {func(n *Network) { n.School = "A\nreboot" }, "one line"},
		"too many":            {func(n *Network) { n.Except = make([]netip.Prefix, 300) }, "at most 256"},
	} {
		t.Run(name, func(t *testing.T) {
			n := good
			c.change(&n)
			for _, f := range Firewalls() {
				if _, err := MakeFirewall(f.Name, n); err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: %v", f.Name, err)
				}
			}
		})
	}
	for _, text := range []string{"ashdown", "10.0.0.0/33", "10.0.0.256", "fe80::1%eth0", "10.0.0.1; rm -rf /", `10.0.0.1" comment`} {
		if _, err := Ranges(text); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := MakeFirewall("nothing.txt", good); err == nil {
		t.Error("a file that is not there")
	}
	six := good
	six.Filter, six.Filtered = netip.MustParseAddr("2001:db8::5"), ranges(t, "2001:db8:10::/48")
	if _, err := MakeFirewall("belisha-cisco.txt", six); err == nil || !strings.Contains(err.Error(), "IPv4") {
		t.Errorf("IPv6 alone: %v", err)
	}
	for _, name := range []string{"belisha-nftables.nft", "belisha-iptables.sh", "belisha-openwrt.sh", "belisha-pf.txt"} {
		made(t, name, six)
	}
}

func TestListsSayNothingTwiceAndWhatIsOutsideIsTheRest(t *testing.T) {
	four, six := byKind(ranges(t, "10.0.0.0/8 10.1.0.0/16 10.0.0.0/8 192.168.0.0/16 2001:db8::/32 2001:db8:1::/48"))
	if joined(four, " ") != "10.0.0.0/8 192.168.0.0/16" || joined(six, " ") != "2001:db8::/32" {
		t.Errorf("%v %v", four, six)
	}
	if got := strings.Join(outside(four), " "); got != "1.0.0.0-9.255.255.255 11.0.0.0-192.167.255.255 192.169.0.0-223.255.255.255" {
		t.Error(got)
	}
}
