package lists

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What lists in the world look like, beside what their formats say.
func TestListsAsTheyComeFromTheWorld(t *testing.T) {
	tests := []struct {
		name, file, text string
		opt              Options
		format           Format
		want             []string
		invalid          int
	}{
		{
			name: "BIND's zones", file: "named.conf.block", format: FormatBind,
			text: "// blocked\nzone \"a.example\" { type master; file \"/etc/bind/null.zone\"; };\nzone \"B.example\" IN {type primary; notify no; file \"null.zone.file\";};\nzone c.example {\n\ttype master;\n\tfile \"x\";\n};\nzone \"d.example\" { type forward; forwarders { 192.0.2.1; }; };\nzone \"2.0.192.in-addr.arpa\" { type master; file \"rev\"; };\nzone \"com\" { type master; file \"x\"; };\n",
			want: []string{"l name a.example", "l name b.example", "l name c.example"}, invalid: 1,
		},
		{
			name: "Pi-hole's expressions", file: "regex.list", format: FormatRegex,
			text: "# mine\n(\\.|^)casino[0-9]+\\.example$\n^ads?[0-9]*\\.\n^(.+[_.-])?telemetry[_.-]\n(^|\\.)x\\.example$;querytype=AAAA\n^not\\.example$;invert\n^gone\\.example$;reply=NXDOMAIN\n^(?=a)b\\.example$\n.*\nplain.example\n",
			want: []string{`l host-expression (\.|^)casino[0-9]+\.example$`, `l host-expression ^ads?[0-9]*\.`, `l host-expression ^(.+[_.-])?telemetry[_.-]`, `l host-expression ^gone\.example$`, "l exact plain.example"}, invalid: 4,
		},
		{
			name: "expressions of AdGuard's lists for DNS are about the host, those for browsers about the address", file: "a.txt", format: FormatAdblock,
			text: "||z.example^\n||y.example^\n@@||x.example^\n||w.example^\n||v.example^\n||u.example^\n||t.example^\n||s.example^\n/^ads[0-9]*\\./\n/(^|\\.)bet\\.example$/\n/banner[0-9]+\\.gif$/\n/^https:\\/\\/secure\\.example\\//\n/casino/\n/^http/\n",
			want: []string{"l name z.example", "l name y.example", "l name x.example except", "l name w.example", "l name v.example", "l name u.example", "l name t.example", "l name s.example", `l host-expression ^ads[0-9]*\.`, `l host-expression (^|\.)bet\.example$`, `l host-expression banner[0-9]+\.gif$`, `l expression banner[0-9]+\.gif$`, `l expression ^https?:\/\/secure\.example\/`, "l expression casino"}, invalid: 1,
		},
		{
			name: "spans of addresses, as file sharers have them", file: "level1.p2p", format: FormatP2P,
			text: "# list\nSome company: north:198.51.100.0-198.51.100.255\nOne:203.0.113.7-203.0.113.7\n198.051.100.000 - 198.051.101.255 , 100 , padded\n203.0.113.0 - 203.0.113.255 , 200 , let through\nAll:0.0.0.0-255.255.255.255\nNo span here\n",
			want: []string{"l address 198.51.100.0/24", "l address 203.0.113.7", "l address 198.51.100.0/23"}, invalid: 2,
		},
		{
			name: "a span in a plain list", file: "a.txt", format: FormatPlain,
			text: "a.example\nb.example\n198.51.100.4-198.51.100.6\n", want: []string{"l name a.example", "l name b.example", "l address 198.51.100.4/31", "l address 198.51.100.6"},
		},
		{
			name: "an array in JSON on one line", file: "a.json", format: FormatJSON,
			text: `["a.example","https://b.example/Bad/","203.0.113.9", 7, ""]`, want: []string{"l name a.example", "l url b.example/bad", "l address 203.0.113.9"}, invalid: 1,
		},
		{
			name: "an array of objects over many lines, with a mark at the beginning", file: "a.json", format: FormatJSON,
			text: "\xef\xbb\xbf[\r\n  {\r\n    \"domain\": \"a.example\",\r\n    \"category\": \"Gambling\"\r\n  },\r\n  {\r\n    \"url\": \"http://b.example/x\",\r\n    \"categories\": [\"games\", \"chat\"]\r\n  },\r\n  {\"note\": 1}\r\n]\r\n",
			want: []string{"gambling name a.example", "games url b.example/x", "chat url b.example/x"}, invalid: 1,
		},
		{
			name: "a document with names by category", file: "a.json", format: FormatJSON,
			text: "{\n \"version\": 3, \"updated\": \"2026-11-23\",\n \"Adult\": [\"a.example\", \"b.example\"],\n \"games\": {\"domains\": [\"c.example\"], \"count\": 1}\n}\n",
			want: []string{"adult name a.example", "adult name b.example", "games name c.example"},
		},
		{
			name: "JSON lines with more in them than addresses", file: "a.json", format: FormatJSON,
			text: "{\"url\":\"http://a.example/x\",\"seen\":{\"by\":[1]},\"ports\":[80]}\n{\"url\":\"b.example\",\"seen\":{}}\n", want: []string{"l url a.example/x", "l name b.example"},
		},
		{
			name: "a document with its names in one array", file: "a.json", format: FormatJSON,
			text: `{"name":"Bets","domains":["a.example"],"ips":["203.0.113.0/24"]}`, want: []string{"l name a.example", "l address 203.0.113.0/24"},
		},
		{
			name: "a table of pfBlockerNG's, whose first column is empty", file: "a.csv", format: FormatCSV,
			text: ",a.example,,1,Feed,Group\n,b.example,,1,Feed,Group\n", want: []string{"l name a.example", "l name b.example"},
		},
		{
			name: "a table with tabs", file: "a.tsv", format: FormatCSV,
			text: "domain\tcategory\na.example\tgames\n", want: []string{"games name a.example"},
		},
		{
			name: "CR alone, tabs, remarks behind, marks within", file: "a.txt", format: FormatPlain,
			text: "\xef\xbb\xbfa.example\t# note\r\tb.example\r.c.example ; note\r*.d.example // note\r\xef\xbb\xbfe.example\r\u200bf.example\r",
			want: []string{"l name a.example", "l name b.example", "l name c.example", "l name d.example", "l name e.example", "l name f.example"},
		},
		{
			name: "UTF-16, as Windows' own shell writes it", file: "a.txt", format: FormatPlain,
			text: "\xff\xfea\x00.\x00e\x00x\x00\r\x00\n\x00b\x00.\x00e\x00x\x00\r\x00\n\x00", want: []string{"l name a.ex", "l name b.ex"},
		},
		{
			name: "hosts with everything", file: "a.hosts", format: FormatHosts,
			text: "127.0.0.1\tlocalhost localhost.localdomain\r\n255.255.255.255 broadcasthost\r\n::1 ip6-loopback\r\nfe80::1%lo0 localhost\r\nff02::1 ip6-allnodes\r\n0.0.0.0 A.example www.a.example#x\r\n0 b.example\r\n127.1 c.example\r\n::ffff:0.0.0.0 d.example\r\n0.0.0.0 m\xc3\xbcnchen.example\r\n",
			want: []string{"l exact a.example", "l exact www.a.example", "l exact b.example", "l exact c.example", "l exact d.example", "l exact xn--mnchen-3ya.example"},
		},
		{
			name: "Squid's names and a page in UT1's manner", file: "a.acl", format: FormatWildcard,
			text: ".a.example\n.b.example\nc.example/x/\n", want: []string{"a.acl name a.example", "a.acl name b.example", "a.acl url c.example/x"},
		},
		{
			name: "unbound in one line each with blanks and dots", file: "a.conf", format: FormatUnbound,
			text: "server:\n\tlocal-zone:   \"A.example.\"   always_null  # bets\n  local-data: \"B.example. 60 IN A 0.0.0.0\"\n  local-data: \"c.example. AAAA ::\"\n  local-zone-tag: x\n",
			want: []string{"l name a.example", "l exact b.example", "l exact c.example"},
		},
		{
			name: "dnsmasq with several names, blanks and an old star", file: "a.conf", format: FormatDnsmasq,
			text: "address = /a.example/0.0.0.0 # x\naddress=/.b.example/c.example/::\nserver=/d.example/\nlocal=/e.example/\nipset=/f.example/set\nbogus-nxdomain=192.0.2.1\n",
			want: []string{"l name a.example", "l name b.example", "l name c.example", "l name d.example", "l name e.example"},
		},
		{
			name: "conditions without a name to leave alone", file: "a.txt", format: FormatAdblock,
			text: "||a.example^\n@@||b.example^$denyallow=x.b.example\n||b.example/x$denyallow=x.b.example\n||ads*.c.example^$denyallow=x.c.example\n",
			want: []string{"l name a.example"}, invalid: 3,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.opt.Category == "" && !strings.HasPrefix(tt.want[0], "gambling") && tt.format != FormatWildcard && tt.format != FormatJSON && tt.format != FormatCSV {
				tt.opt.Category = "l"
			}
			file := tt.file
			if tt.format == FormatJSON || tt.format == FormatCSV {
				file = "l" + tt.file[strings.LastIndexByte(tt.file, '.'):]
			}
			got, rep, err := readText(t, file, tt.text, tt.opt)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if rep.Format != tt.format || rep.Invalid != tt.invalid {
				t.Errorf("format %s, invalid %d; want %s, %d: %+v", rep.Format, rep.Invalid, tt.format, tt.invalid, rep.Files[0].Refused)
			}
			for _, r := range rep.Files[0].Refused {
				if r.Reason == "" || r.Line == 0 {
					t.Errorf("a line without a reason or a place: %+v", r)
				}
			}
		})
	}
}

func TestADocumentThatIsNotWholeIsRefusedAltogether(t *testing.T) {
	for text, want := range map[string]string{
		`["a.example","b.exa`:                                 "breaks off",
		"[\"a.example\",\n\"b.example\"":                      "breaks off",
		"[\n\"a.example\"\n\"b.example\"\n]":                  "line 2",
		`{"adult":["a.example"`:                               "breaks off",
		`{"error":"not found","status":404}`:                  "empty",
		`{"x":` + strings.Repeat("[", 500):                    "breaks off",
		`["` + strings.Repeat("a", maxJSONValue+1<<20) + `"]`: "longer than 4 MB",
		`[]`:  "empty",
		"[1]": "not one line",
	} {
		_, _, err := readText(t, "a.json", text, Options{Format: FormatJSON})
		var r *Refusal
		if !errors.As(err, &r) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

func TestAnAddressThatCarriesAnotherIsThatOther(t *testing.T) {
	for in, want := range map[string]string{
		"::ffff:192.0.2.1": "192.0.2.1", "64:ff9b::c000:201": "192.0.2.1", "[2002:c000:201::]": "192.0.2.1", "::192.0.2.1": "192.0.2.1",
		"::ffff:192.0.2.0/120": "192.0.2.0/24", "64:ff9b::c000:200/120": "192.0.2.0/24", "2002:c000:201::/48": "192.0.2.1/32", "2002:c000:200::/40": "192.0.2.0/24",
		"2001:db8::/32": "2001:db8::/32", "http://0x7f.1/": "127.0.0.1", "http://3221225985": "192.0.2.1",
	} {
		kind, got, err := One(in)
		if err != nil || kind != Address || got != want {
			t.Errorf("%s: %s %q %v, want %s", in, kind, got, err, want)
		}
	}
}
