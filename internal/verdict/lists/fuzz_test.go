package lists

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"belisha/internal/verdict/canon"
)

// checkEntries reads the bytes as a list and holds every entry that comes out
// to the promise of canonical text.
func checkEntries(t *testing.T, file string, data []byte, f Format) {
	t.Helper()
	path := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	opt := Options{Format: f, MaxEntries: 10_000, MaxBytes: 1 << 20}
	n := 0
	rep, _ := Read(context.Background(), path, opt, func(e Entry) error {
		n++
		if e.Line < 1 || e.File == "" || e.Category == "" {
			t.Fatalf("an entry without a place: %+v", e)
		}
		switch e.Kind {
		case Name, Exact:
			if c, err := Canonical(e.Text); err != nil || c != e.Text {
				t.Fatalf("name %q is not canonical: %q %v", e.Text, c, err)
			}
		case Address:
			if a, ok := canonicalAddress(e.Text); !ok || a != e.Text {
				t.Fatalf("address %q is not canonical: %q", e.Text, a)
			}
		case URL:
			loc, err := splitLocation(e.Text)
			if err != nil || loc.path == "" {
				t.Fatalf("URL %q cannot be read again: %v", e.Text, err)
			}
		case Expression, HostExpression, Digest:
		default:
			t.Fatalf("an entry of no kind: %+v", e)
		}
		return nil
	})
	if rep.Accepted != n {
		t.Fatalf("%d entries came, %d were counted", n, rep.Accepted)
	}
}

// What the doors would judge, a list can hold, in the same spelling.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"Example.com.", "straße.example", "xn--a.example", "www.XN--tuorkeku-677a.com", "a_b。c", "xn--0ca.xn--zzzzzz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Canonical(s)
		door, kind, doorErr := canon.Host(s)
		if named := doorErr == nil && kind == canon.Name && len(s) <= maxRawName; named != (err == nil) || named && got != door {
			t.Fatalf("%q: %q (%v) in a list, %q (%v) at the doors", s, got, err, door, doorErr)
		}
	})
}

func FuzzPlain(f *testing.F) {
	for _, s := range []string{
		"a.example\nB.example.\n", "https://www.a.example:80/x?y#z\n", "192.0.2.1/24\n::1\n", "a b\r\rc.example\r\n",
		"\xef\xbb\xbfé.example\n", "/a+/\n/(/\n", "xn--a\nxn--bcher-kva.example", "web.www.ftp.a.example/%41%2f\n", "[::1]:80/x\n@/\n:/\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkEntries(t, "a.txt", data, FormatPlain) })
}

func FuzzHosts(f *testing.F) {
	for _, s := range []string{
		"127.0.0.1 localhost\n0.0.0.0 a.example b.example#c\n", "fe80::1%lo0 x.example\n", ":: ::\n", "1.2.3.4 rewrite.example\n", "single.example\n0.0.0.0\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkEntries(t, "a.hosts", data, FormatHosts) })
}

func FuzzWildcard(f *testing.F) {
	for _, s := range []string{
		"||a.example^\n@@||b.a.example^\n", "|a.example|\n*.b.example\n.c.example\n", "||a.example/x^$all\n||*^\n|\n||\n", "[Adblock]\na##b\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkEntries(t, "a.list", data, FormatWildcard) })
}

func FuzzTar(f *testing.F) {
	files := map[string]string{"adult/domains": "a.example\n", "adult/urls": "a.example/x\n", "porn": "adult\n", "adult/expressions": "a+\n"}
	packed := tarOf(f, "b/", files, map[string]string{"ads": "adult"})
	f.Add(packed)
	f.Add([]byte(gz(f, string(packed))))
	f.Add(packed[:700])
	f.Add(bytes.Replace(packed, []byte("b/adult/domains"), []byte("../../x/domains"), 1))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, data []byte) { checkEntries(t, "a.tar", data, FormatAuto) })
}

// fuzzFormat fuzzes one format that is read line by line.
func fuzzFormat(f *testing.F, file string, format Format, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkEntries(t, file, data, format) })
}

func FuzzAdblock(f *testing.F) {
	fuzzFormat(f, "a.txt", FormatAdblock, "||a.example^\n@@||b.a.example^$important\n", "/a+b/$badfilter\n||ads*.a.example^\n://a.example^\n.a.example^\n",
		"||a.example^$denyallow=x.example|y.example,dnsrewrite=NXDOMAIN\n", "||a.example^$dnsrewrite=NOERROR;A;0.0.0.0\n||\\$,\\,^$\\\n")
}

func FuzzDnsmasq(f *testing.F) {
	fuzzFormat(f, "a.conf", FormatDnsmasq, "address=/a.example/b.example/#\nserver=/a.example/\nlocal=/*.b.example/\n", "address=/#/1.2.3.4\n--server=///\n")
}

func FuzzZone(f *testing.F) {
	fuzzFormat(f, "a.zone", FormatRPZ, "$ORIGIN x.\n@ SOA a b (1 2\n3)\n*.a.example CNAME .\n\tA 0.0.0.0\n", "a CNAME rpz-passthru.\n\"a;(\" TXT x ; y\n(((((\n")
}

func FuzzUnbound(f *testing.F) {
	fuzzFormat(f, "a.conf", FormatUnbound, "server:\nlocal-zone: \"a.example.\" always_null\nlocal-data: \"a.example A 1.2.3.4\"\n", "local-zone:\nlocal-data: '\n")
}

func FuzzSurge(f *testing.F) {
	fuzzFormat(f, "a.yaml", FormatSurge, "payload:\n  - '+.a.example'\nDOMAIN-KEYWORD,casino,REJECT\nIP-CIDR,10.0.0.0/8,no-resolve\n", "- \nDOMAIN\nURL-REGEX,(\n")
}

func FuzzTable(f *testing.F) {
	fuzzFormat(f, "a.csv", FormatCSV, "url,category\na.example,\"x|y\"\n", "\"\"\n;\n\"a\tb\n")
}

func FuzzJSON(f *testing.F) {
	fuzzFormat(f, "a.jsonl", FormatJSON, "{\"url\":\"a.example/x\",\"categories\":[\"x\",1]}\n[\n\"b.example\",\n", "{\"url\":{}}\nnull\n")
}

func FuzzRedwood(f *testing.F) {
	fuzzFormat(f, "a.list", FormatRedwood, "a.example 10\n/a+b/h 5\n<x y> 1 2\ndefault 0\n", "/^a/d 1\n/(/ 9\n99999999999999999999.a.example 99999999999999999999999\n")
}

func FuzzBind(f *testing.F) {
	fuzzFormat(f, "named.conf", FormatBind, "zone \"a.example\" { type master; file \"null\"; };\nzone b.example IN {\n\ttype hint;\n};\n", "zone {\nzone \"\" {};\n")
}

func FuzzRegex(f *testing.F) {
	fuzzFormat(f, "regex.list", FormatRegex, "(\\.|^)ads[0-9]+\\.example$\n^x;querytype=A\n^y;reply=NXDOMAIN\n", "^\n;\n/(/\n")
}

func FuzzSpans(f *testing.F) {
	fuzzFormat(f, "level1.p2p", FormatP2P, "Some body:198.51.100.0-198.51.100.255\n198.051.100.000 - 198.051.100.255 , 100 , x\n", "a:-\n1.2.3.4 - , 200\n0.0.0.0-255.255.255.255\n")
}

func FuzzDocument(f *testing.F) {
	fuzzFormat(f, "a.json", FormatJSON, "[\"a.example\",\n{\"url\":\"b.example/x\",\"categories\":[\"x\",1]}]", "{\"adult\":[\"a.example\"],\"v\":1,\"x\":{\"y\":{\"z\":[]}}}", "[[[[[[[[[[1]]]]]]]]]]", "{\"a\":\"\\ud800\",\"url\":\"c.example\"} {")
}

func FuzzHashed(f *testing.F) {
	fuzzFormat(f, "a.txt", FormatHashed, strings.Repeat("ab", 32)+"\n"+strings.Repeat("cd", 20)+",x\n", "\"\n,\n")
}

func FuzzItems(f *testing.F) {
	fuzzFormat(f, "bannedsiteiplist", FormatE2, "#time: 1 2 3 4 0123456789\n#listcategory: \"x\"\n10.0.0.1-10.0.3.7\n10.0.0.0/255.0.255.0\n.Include<bannedsiteiplist>\n", "#time:\n-\n1.2.3.4-\n")
}

func FuzzConf(f *testing.F) {
	f.Add([]byte(guardConf))
	f.Add([]byte("acl { else { pass } } } {{{{{{{{{{{{ dest"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, s := range parseConf(string(data)).tell(maxTold) {
			if len(s) > 700 {
				t.Fatalf("a sentence of %d bytes", len(s))
			}
		}
	})
}

func FuzzPacked(f *testing.F) {
	f.Add([]byte(sevenMagic + "\x00\x04"))
	f.Add([]byte("\xfd7zXZ\x00\x00\x04"))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, data []byte) { checkEntries(t, "a", data, FormatAuto) })
}
