package canon_test

import (
	"net/netip"
	"strings"
	"testing"

	"belisha/internal/verdict/canon"
)

func TestHostGivesEverySpellingOneForm(t *testing.T) {
	for raw, want := range map[string]string{
		"bad.test":                 "bad.test",
		"bad.test.":                "bad.test",
		"BAD.TeSt":                 "bad.test",
		"bad。test":                 "bad.test",
		"bad．test":                 "bad.test",
		"ｂａｄ.test":                 "bad.test",
		"bücher-bad.test":          "xn--bcher-bad-q9a.test",
		"xn--bcher-bad-q9a.test":   "xn--bcher-bad-q9a.test",
		"XN--BCHER-BAD-Q9A.test":   "xn--bcher-bad-q9a.test",
		"bаd.test":                 "xn--bd-7kc.test", // Cyrillic a
		"_dmarc.ok.test":           "_dmarc.ok.test",
		"-lead.ok.test":            "-lead.ok.test",
		"3232235777":               "192.168.1.1",
		"0xC0A80101":               "192.168.1.1",
		"0300.0250.1.1":            "192.168.1.1",
		"192.168.257":              "192.168.1.1",
		"0x7f.1":                   "127.0.0.1",
		"127.1":                    "127.0.0.1",
		"127.0.0.1.":               "127.0.0.1",
		"0":                        "0.0.0.0",
		"0x":                       "0.0.0.0",
		"１２７.0.0.1":                "127.0.0.1",
		"[::ffff:192.168.1.1]":     "192.168.1.1",
		"[::ffff:c0a8:101]":        "192.168.1.1",
		"[::192.168.1.1]":          "192.168.1.1",
		"[64:ff9b::c0a8:101]":      "192.168.1.1",
		"[2002:c0a8:101::]":        "192.168.1.1",
		"[2001:DB8:0:0::1]":        "2001:db8::1",
		"2001:db8::1":              "2001:db8::1",
		"[::1]":                    "::1",
		strings.Repeat("a", 63):    strings.Repeat("a", 63),
		"faß.de":                   "xn--fa-hia.de",
		"r3---sn-25g.example.test": "r3---sn-25g.example.test",
	} {
		got, kind, err := canon.Host(raw)
		if err != nil || got != want {
			t.Errorf("Host(%q) = %q, %v, want %q", raw, got, err, want)
			continue
		}
		again, kind2, err := canon.Host(got)
		if err != nil || again != got || kind2 != kind {
			t.Errorf("Host(%q) is not the same again: %q, %v", got, again, err)
		}
	}
}

func TestHostRefusesWhatNoBrowserOpens(t *testing.T) {
	for _, raw := range []string{
		"", ".", "..", "bad.test..", "a..test", ".bad.test", "bad%2etest", "bad%00.test", "bad\t.test", "bad\n.test",
		"bad test", "ok.test@bad.test", "bad.test:80", "bad.test/", "a,b.test", "bad\x00.test", "[::1", "[fe80::1%25eth0]",
		"fe80::1%eth0", "[1.2.3.4]", "256.256.256.256", "1.2.3.4.5", "09.1.1.1", "1.2.3.08", "0xg.1", "4294967296",
		strings.Repeat("a", 64) + ".test", strings.Repeat("abcdefg.", 32) + "test", "\xff.test", "a\u202eb.test",
		"foo.0x1g.0x", "foo.1", strings.Repeat("x", 2000),
	} {
		if got, _, err := canon.Host(raw); err == nil {
			t.Errorf("Host(%q) = %q, want an error", raw, got)
		}
	}
}

func TestPrivateKnowsEveryRangeNobodyMayReach(t *testing.T) {
	for _, a := range strings.Fields(`10.0.0.1 172.16.0.1 192.168.1.1 127.0.0.1 127.9.9.9 169.254.169.254 0.0.0.0 0.1.2.3
		100.64.0.1 192.0.0.1 198.18.0.1 198.19.255.255 240.0.0.1 255.255.255.255 224.0.0.1 ::1 :: fe80::1 fc00::1 fd12::1 fec0::1
		ff02::1 ::ffff:10.0.0.1 64:ff9b::a00:1 2002:7f00:1:: ::10.0.0.1 64:ff9b:1::1 2001::1 fe80::1%eth0`) {
		if !canon.Private(netip.MustParseAddr(a)) {
			t.Errorf("%s is not private", a)
		}
	}
	for _, a := range strings.Fields("203.0.113.5 8.8.8.8 100.128.0.1 2606:4700::1111 64:ff9b::808:808 2002:808:808:: 172.32.0.1") {
		if canon.Private(netip.MustParseAddr(a)) {
			t.Errorf("%s is private", a)
		}
	}
	if !canon.Private(netip.Addr{}) {
		t.Error("no address at all is not private")
	}
}

func TestPathGivesEverySpellingOneForm(t *testing.T) {
	for raw, want := range map[string]string{
		"/secret": "/secret", "": "/", "/": "/", "/%73ecret": "/secret", "/x/../secret": "/secret", "/./secret": "/secret",
		"//secret": "/secret", "/secret/": "/secret/", "/secret?": "/secret?", "/secret#f": "/secret", "/SECRET": "/secret",
		"/secret;a=1": "/secret;a=1", "/x/%2e%2E/secret": "/secret", `\secret`: "/secret", "/../../secret": "/secret",
		"/%u0073ecret": "/%u0073ecret", "/s%C0%AFecret": "/s%c0%afecret", "/s%zzx": "/s%zzx", "/ü": "/%c3%bc", "/a b": "/a%20b",
		"/a%2Fb": "/a%2fb", "/a/b/..": "/a/", "/a/./": "/a/", "/x?Q=%41/../b": "/x?q=a/../b", "/a//b///c": "/a/b/c",
		"secret": "/secret", "/%": "/%", "/%4": "/%4", "?q=1": "/?q=1",
	} {
		if got := string(canon.Path(nil, raw)); got != want {
			t.Errorf("Path(%q) = %q, want %q", raw, got, want)
		}
	}
	again, differs := canon.PathAgain(nil, "/%2573ecret")
	if !differs || string(again) != "/secret" {
		t.Errorf("decoded again: %q, %v", again, differs)
	}
	if _, differs := canon.PathAgain(nil, "/plain"); differs {
		t.Error("a plain path differs after a second decoding")
	}
	if again, _ := canon.PathAgain(nil, "/x%2f..%2fsecret"); string(again) != "/secret" {
		t.Errorf("escaped slashes decoded again: %q", again)
	}
}

func TestURLTakesTheNameAfterTheLastAt(t *testing.T) {
	for raw, want := range map[string]canon.Parts{
		"http://ok.test@bad.test/":             {Scheme: "http", Host: "bad.test", Kind: canon.Name, Port: 80, Path: "/"},
		"http://ok.test:x@bad.test/":           {Scheme: "http", Host: "bad.test", Kind: canon.Name, Port: 80, Path: "/"},
		"HTTPS://BAD.test:8443/x?y#z":          {Scheme: "https", Host: "bad.test", Kind: canon.Name, Port: 8443, Path: "/x?y"},
		"bad.test/page":                        {Scheme: "http", Host: "bad.test", Kind: canon.Name, Port: 80, Path: "/page"},
		"bad.test:8080":                        {Scheme: "http", Host: "bad.test", Kind: canon.Name, Port: 8080},
		"http://[::ffff:192.168.1.1]:81/":      {Scheme: "http", Host: "192.168.1.1", Kind: canon.Address, Port: 81, Path: "/"},
		`http:\\bad.test\x`:                    {Scheme: "http", Host: "bad.test", Kind: canon.Name, Port: 80, Path: `\x`},
		"http:bad.test/x":                      {Scheme: "http", Host: "bad.test", Kind: canon.Name, Port: 80, Path: "/x"},
		"http://%62ad%2etest/":                 {Scheme: "http", Host: "bad.test", Kind: canon.Name, Port: 80, Path: "/"},
		"ht\ntp://bad.test/":                   {Scheme: "http", Host: "bad.test", Kind: canon.Name, Port: 80, Path: "/"},
		"//bad.test/x":                         {Scheme: "http", Host: "bad.test", Kind: canon.Name, Port: 80, Path: "/x"},
		"http://bad%00.test/":                  {},
		"http://ok.test%2Fbad.test/":           {},
		"http://ok.test%40bad.test/":           {},
		"http://%2562ad.test/":                 {},
		"gopher://bad.test/":                   {},
		"https:///bad.test/x":                  {Scheme: "https", Host: "bad.test", Kind: canon.Name, Port: 443, Path: "/x"},
		"http://bad.test?x":                    {Scheme: "http", Host: "bad.test", Kind: canon.Name, Port: 80, Path: "?x"},
		"ok.test/?u=http://bad.test/":          {Scheme: "http", Host: "ok.test", Kind: canon.Name, Port: 80, Path: "/?u=http://bad.test/"},
		"javascript:alert(1)":                  {},
		"ftp://bad.test/":                      {},
		"file:///etc/passwd":                   {},
		"http://bad.test:0/":                   {},
		"http://bad.test:99999/":               {},
		"http://bad.test:+80/":                 {},
		"http://bad.test:":                     {Scheme: "http", Host: "bad.test", Kind: canon.Name, Port: 80},
		"http:///":                             {},
		"http://" + strings.Repeat("a", 1<<17): {},
	} {
		got, err := canon.URL(raw)
		if want.Host == "" {
			if err == nil {
				t.Errorf("URL(%.40q) = %+v, want an error", raw, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("URL(%q) = %+v, %v, want %+v", raw, got, err, want)
		}
	}
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"bad.test", "BAD。test.", "0x7f.1", "[::1]", "xn--bcher-kva.test", "ß.test", "a..b", "[::ffff:1.2.3.4]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, kind, err := canon.Host(raw)
		if err != nil {
			return
		}
		again, kind2, err := canon.Host(got)
		if err != nil || again != got || kind != kind2 {
			t.Fatalf("Host(%q) = %q, and of that %q, %v", raw, got, again, err)
		}
		if kind == canon.Name && (!canon.Canonical(got) || len(got) > 253) {
			t.Fatalf("Host(%q) = %q, which is no canonical name", raw, got)
		}
		if kind == canon.Address {
			if a, err := netip.ParseAddr(got); err != nil || a.String() != got || canon.Unwrap(a) != a {
				t.Fatalf("Host(%q) = %q, which is no canonical address", raw, got)
			}
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"/a/../b", "//x/%2e%2e/", "/%2573", "?q", `\a\..\b`, "/a/./b/..", "/%C0%AF"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := string(canon.Path(nil, raw))
		if got == "" || got[0] != '/' {
			t.Fatalf("Path(%q) = %q", raw, got)
		}
		path, _, _ := strings.Cut(got, "?")
		if strings.Contains(path, "//") || strings.Contains(path+"/", "/../") || strings.Contains(path+"/", "/./") {
			t.Fatalf("Path(%q) = %q keeps detours", raw, got)
		}
	})
}
