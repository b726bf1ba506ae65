package lists

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryFormat(t *testing.T) {
	tests := []struct {
		name, text       string
		format           Format
		opt              Options
		want             []string
		invalid, skipped int
	}{
		{
			name: "adblock: names, anchors, subdomains, pages, stars", format: FormatAdblock,
			text: "! Title: x\n||a.example^\n|b.example^\n://c.example^\n//d.example/\n||*.e.example^\n.f.example^\n||g.example/path^\n||ads*.h.example^\nhttp://i.example^\n||203.0.113.9^\n||j.example\n0.0.0.0 k.example\n",
			want: []string{
				"l name a.example", "l exact b.example", "l exact c.example", "l exact d.example", "l name e.example below", "l name f.example below", "l url g.example/path",
				`l expression ^https?://([^/]*\.)?ads[^/]*\.h\.example(:[0-9]+)?(/|$)`, "l exact i.example", "l address 203.0.113.9", "l name j.example", "l exact k.example",
			}, skipped: 1,
		},
		{
			name: "adblock: every condition is told and none is dropped", format: FormatAdblock,
			text: "||z.example^\n||a.example^$third-party\n||b.example^$client=10.0.0.1\n||c.example^$ctag=device_pc\n||d.example^$domain=x.example\n||e.example^$script,image\n||f.example^$dnstype=AAAA\n||g.example^$newthing\n||h.example^$important,popup\n||i.example/Path$match-case\n||j.example^$dnsrewrite=203.0.113.7\n@@||k.example^$dnsrewrite=NXDOMAIN\n",
			want: []string{"l name z.example"}, invalid: 11,
		},
		{
			name: "adblock: modifiers that are understood", format: FormatAdblock,
			text: "||a.example^$important\n@@||b.example^$important\n||c.example^$badfilter\n||d.example^$important,badfilter\n||e.example^$all\n||f.example^$dnsrewrite=NXDOMAIN\n||g.example^$dnsrewrite=0.0.0.0\n||h.example^$dnsrewrite=REFUSED;;\n||i.example^$denyallow=ok.i.example|fine.i.example\n||j.example^$match-case\n",
			want: []string{
				"l name a.example important", "l name b.example except important", "l name c.example dropped", "l name d.example important dropped", "l name e.example",
				"l name f.example", "l name g.example", "l name h.example", "l name i.example scoped", "l name ok.i.example except scoped", "l name fine.i.example except scoped", "l name j.example",
			},
		},
		{
			name: "adblock: what covers nearly everything is refused", format: FormatAdblock,
			text: "||a.example^\n||*^\n|\n||\n||^\n||x\n*\n||*.com^\n||a*.com^\n/./\n/.*/\n/^https?:/\n/(?=a)b/\n*/ads/*\n/banner/1.gif\n##.ad\n",
			want: []string{"l name a.example"}, invalid: 14, skipped: 1,
		},
		{
			name: "adblock: expressions", format: FormatAdblock,
			text: "||a.example^\n/casino[0-9]+/\n@@/museum/$important\n/bet.*site/$script\n||b.example^$\n", want: []string{"l name a.example", "l expression casino[0-9]+", "l expression museum except important"}, invalid: 2,
		},
		{
			name: "dnsmasq", format: FormatDnsmasq,
			text: "# note\naddress=/a.example/#\naddress=/b.example/\naddress=/c.example/d.example/0.0.0.0\nserver=/e.example/\nlocal=/f.example/\nserver=/ok.a.example/#\naddress=/g.example/203.0.113.7\nserver=/h.example/9.9.9.9\naddress=/*.i.example/::\naddress=/#/0.0.0.0\naddress=/com/#\ncname=x.example,y.example\nno-resolv\n",
			want: []string{
				"l name a.example", "l name b.example", "l name c.example", "l name d.example", "l name e.example", "l name f.example", "l name ok.a.example except near", "l name i.example below",
			}, invalid: 2, skipped: 5,
		},
		{
			name: "unbound", format: FormatUnbound,
			text: "# note\nserver:\nlocal-zone: \"a.example.\" always_nxdomain\n  local-zone: b.example redirect\nlocal-data: \"b.example A 203.0.113.7\"\nlocal-zone: \"ok.a.example\" always_transparent\nlocal-data: 'c.example A 0.0.0.0'\nlocal-zone: \"d.example\" whatever\nlocal-zone: \"com.\" refuse\nlocal-zone:\nverbosity: 1\n",
			want: []string{"l name a.example", "l name b.example", "l name b.example dropped", "l name ok.a.example except near", "l exact c.example"}, invalid: 3, skipped: 3,
		},
		{
			name: "response policy zone", format: FormatRPZ,
			text: "$TTL 300\n@ IN SOA ns.rpz.example. host.rpz.example. (\n  1 ; serial\n  7200 3600 )\n  IN NS ns.rpz.example.\na.example CNAME .\n*.a.example 60 IN CNAME .\n\t\tTXT \"no\"\nb.example IN 60 CNAME *.\nok.a.example CNAME rpz-passthru.\nc.example CNAME rpz-drop.\nd.example CNAME rpz-tcp-only.\ne.example A 203.0.113.7\nf.example CNAME garden.example.\ng.example AAAA ::\n24.0.2.0.192.rpz-client-ip CNAME .\n32.1.2.0.192.rpz-ip CNAME .\nns.evil.example.rpz-nsdname CNAME .\ncom CNAME .\n$INCLUDE other\n$GENERATE 1-9 x$ A 1.2.3.4\n",
			want: []string{
				"l exact a.example", "l name a.example below", "l exact b.example", "l exact ok.a.example except near", "l exact c.example", "l exact g.example", "l address 192.0.2.1",
			}, invalid: 2, skipped: 12,
		},
		{
			name: "response policy zone by the address in the answer", format: FormatRPZ,
			text: "$ORIGIN rpz.example.\n@ SOA a. b. 1 2 3 4 5\n24.0.2.0.192.rpz-ip CNAME .\n32.9.2.0.192.rpz-ip A 0.0.0.0\n32.8.2.0.192.rpz-ip CNAME rpz-passthru.\n" +
				"48.zz.1.db8.2001.rpz-ip CNAME *.\n128.5.zz.db8.2001.rpz-ip CNAME rpz-drop.\n128.1.zz.rpz-ip CNAME .\n128.57.0.0.0.0.0.db8.2001.rpz-ip CNAME .\n" +
				"24.1.2.0.192.rpz-ip CNAME .\n33.1.2.0.192.rpz-ip CNAME .\nrpz-ip CNAME .\n24.zz.rpz-ip CNAME .\n32.9.2.0.192.rpz-ip A 203.0.113.7\n8.zz.zz.rpz-ip CNAME .\nx.rpz-ip CNAME .\n",
			want: []string{
				"l address 192.0.2.0/24", "l address 192.0.2.9", "l address 2001:db8:1::/48", "l address 2001:db8::5", "l address ::1", "l address 2001:db8::57",
			}, invalid: 6, skipped: 4,
		},
		{
			name: "response policy zone with an origin and absolute names", format: FormatRPZ,
			text: "$ORIGIN example.com.\nrpz 3600 IN SOA ns1.rpz.example.com. h.rpz.example.com. 1 2 3 4 5\n rpz IN NS ns1.rpz.example.com.\n$ORIGIN rpz.example.com.\na.example CNAME .\nb.example.rpz.example.com. CNAME .\noutside.example. CNAME .\n",
			want: []string{"l exact a.example", "l exact b.example"}, invalid: 1, skipped: 4,
		},
		{
			name: "surge and clash", format: FormatSurge,
			text: "# note\nDOMAIN,a.example\nDOMAIN-SUFFIX,b.example,REJECT\nDOMAIN-KEYWORD,casino-bonus,REJECT\nIP-CIDR,203.0.113.9/24,no-resolve\nDOMAIN,ok.b.example,DIRECT\nDOMAIN-SUFFIX,c.example,PROXY\nUSER-AGENT,x*\nDOMAIN-KEYWORD,ads\nDOMAIN-SUFFIX,com\n",
			want: []string{"l exact a.example", "l name b.example", "l expression ^https?://[^/]*casino-bonus", "l address 203.0.113.0/24", "l exact ok.b.example except near"}, invalid: 3, skipped: 2,
		},
		{
			name: "a clash file", format: FormatSurge,
			text: "payload:\n  - '+.a.example'\n  - 'b.example'\n  - \"*.c.example\"\n  - DOMAIN-SUFFIX,d.example\n  - '203.0.113.0/24'\n",
			want: []string{"l name a.example", "l exact b.example", "l name c.example below", "l name d.example", "l address 203.0.113.0/24"}, skipped: 1,
		},
		{
			name: "a table with a heading", format: FormatCSV,
			text: "Category,URL\nGambling,https://www.a.example/Bets\n\"games|chat\",b.example\n,c.example\nadult\nx,not a name\n",
			want: []string{"gambling url a.example/bets", "games name b.example", "chat name b.example", "l name c.example"}, invalid: 2, skipped: 1,
		},
		{
			name: "a table without a heading, and one category for all", format: FormatCSV, opt: Options{Category: "own"},
			text: "a.example;games\nb.example;chat\n203.0.113.9;malware\n", want: []string{"own name a.example", "own name b.example", "own address 203.0.113.9"},
		},
		{
			name: "JSON lines", format: FormatJSON,
			text: "{\"url\":\"http://a.example/x\",\"category\":\"games\"}\n{\"domain\":\"b.example\",\"categories\":[\"chat\",\"adult\"]}\n{\"host\":\"c.example\"},\n{\"x\":1}\n{\"url\":\n{\"ip\":\"203.0.113.9\"}\n",
			want: []string{"games url a.example/x", "chat name b.example", "adult name b.example", "l name c.example", "l address 203.0.113.9"}, invalid: 2,
		},
		{
			name: "redwood", format: FormatRedwood,
			text:    "# note\na.example 100\nb.example/x 50\n/casino[0-9]/h 40\n/page[0-9]/ 40\n/x/p 10\n<bad words> 10 20\ngood.example -100\ndefault 0\n/^host/h 10\n/deep[0-9]+/pq 10\njunk\n",
			want:    []string{"l name a.example", "l url b.example/x", "l host-expression casino[0-9]", "l expression page[0-9]", "l expression ^https?://[^/]*/.*(?:x)", "l host-expression ^host", "l expression ^https?://[^/]*/.*(?:deep[0-9]+)"},
			invalid: 1, skipped: 4,
		},
		{
			name: "digests of a licensed list", format: FormatHashed, opt: Options{Format: FormatHashed},
			text: "# note\n" + strings.Repeat("AB", 32) + "\n" + strings.Repeat("cd", 20) + ",x\nplain.example\n",
			want: []string{"l digest " + strings.Repeat("ab", 32), "l digest " + strings.Repeat("cd", 20)}, invalid: 1, skipped: 1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, rep, err := readText(t, "l.txt", tt.text, tt.opt)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if rep.Format != tt.format || rep.Invalid != tt.invalid || rep.Skipped != tt.skipped {
				t.Errorf("format %s, invalid %d, skipped %d; want %s, %d, %d", rep.Format, rep.Invalid, rep.Skipped, tt.format, tt.invalid, tt.skipped)
				for _, r := range rep.Files[0].Refused {
					t.Logf("%d: %q: %s", r.Line, r.Text, r.Reason)
				}
			}
			for _, r := range rep.Files[0].Refused {
				if r.Reason == "" || r.Line == 0 {
					t.Errorf("a line without a reason or a place: %+v", r)
				}
			}
			if n := rep.Names + rep.Pages + rep.Addresses + rep.Expressions + rep.Exceptions; n != rep.Accepted {
				t.Errorf("%d by kind, %d accepted", n, rep.Accepted)
			}
		})
	}
}

func TestAListOfAnotherKindIsToldByItsReason(t *testing.T) {
	for text, want := range map[string]string{
		"dest porn {\n domainlist adult/domains\n}\nacl {\n default {\n pass !porn all\n }\n}\n": "squidGuard's own settings",
	} {
		_, rep, err := readText(t, "squidGuard.conf", text, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || len(rep.Told) == 0 || rep.Format != FormatConf {
			t.Errorf("%v, told %q, format %s", err, rep.Told, rep.Format)
		}
	}
}
