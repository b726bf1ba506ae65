package lists_test

import (
	"context"
	"strings"
	"testing"

	"belisha/internal/verdict"
	"belisha/internal/verdict/canon"
	"belisha/internal/verdict/lists"
	"belisha/internal/verdict/segment"

	"pgregory.net/rapid"
)

// judge reads a list and gives the judge that has it in force: pupils get
// nothing that it lists.
func judge(t interface {
	Fatal(...any)
	Helper()
}, dir string, text string, format lists.Format,
) (*verdict.Snapshot, lists.Report) {
	t.Helper()
	b := segment.NewBuilder()
	rep, err := lists.ReadBytes(context.Background(), "list", []byte(text), lists.Options{Category: "listed", Format: format}, func(e lists.Entry) error {
		if e.Drop {
			return b.Drop(segment.Kind(e.Kind), e.Text, e.Category, segment.Role(e.Role))
		}
		return b.AddAs(segment.Kind(e.Kind), e.Text, e.Category, segment.Role(e.Role))
	})
	if err != nil {
		t.Fatal(text, err)
	}
	hash, _, err := b.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	seg, err := segment.Open(segment.FileName(dir, hash))
	if err != nil {
		t.Fatal(err)
	}
	s, err := verdict.New(verdict.Rules{
		Version: verdict.RulesVersion, Groups: []verdict.Group{{Slug: "pupils", AddressesOpen: true}}, Categories: []verdict.Category{{Slug: "listed"}},
		Lines: []verdict.Line{{ID: "l", Categories: []string{"listed"}, Act: verdict.Block}},
	}, []verdict.Source{{Slug: "list", Segment: seg}})
	if err != nil {
		t.Fatal(err)
	}
	return s, rep
}

func closed(s *verdict.Snapshot, door verdict.Door, u canon.Parts) bool {
	return s.Decide(&verdict.Ask{Door: door, Host: u.Host, Path: u.Path, Port: u.Port, PrivateOpen: true}).Action == verdict.Block
}

// An entry may be written in any spelling in which a person finds the address;
// it closes the address in every other.
func TestAnEntryWrittenAsTheAddressClosesTheAddress(t *testing.T) {
	for _, spellings := range [][]string{
		{"bad.example", "BAD.Example.", "http://bad.example", "https://bad.example:443/", "http://user:pw@bad.example", "bad。example", "ｂａｄ.example", "http://%62ad.example/", "http:bad.example", `http:\\bad.example`, "wss://bad.example", "ftp://bad.example/", "bad.example?", "bad.example#x", "http://bad.example./"},
		{"bücher.example", "xn--bcher-kva.example", "BÜCHER.example", "https://XN--BCHER-KVA.example/", "http://b%C3%BCcher.example"},
		{"bad.example/secret", "http://bad.example/secret/", "bad.example/%73ecret", "bad.example//secret", "bad.example/./secret", "bad.example/x/../secret", "bad.example/SECRET", "https://bad.example:8443/secret?", "bad.example/secret#f", `bad.example\secret`, "u@bad.example/secret"},
		{"bad.example/a?q=1&r=2", "http://BAD.example/a?q=1&r=2", "bad.example/a?Q=1&r=%32", "bad.example/a?q=1&r=2#x"},
		{"bad.example/?page=1", "http://bad.example?page=1", "bad.example?page=1"},
		{"192.0.2.9", "http://192.0.2.9/", "http://0xc0000209/", "http://3221225993", "http://0300.0.2.011/", "[::ffff:192.0.2.9]", "http://[64:ff9b::c000:209]/", "http://192.0.521"},
		{"http://192.0.2.9/x", "192.0.2.9/x/", "http://0xc0000209/x", "http://[::ffff:c000:209]/x"},
		{"2001:db8::1", "[2001:DB8:0::1]", "http://[2001:db8::1]:8080/", "https://[2001:db8:0:0:0:0:0:1]"},
	} {
		for _, entry := range spellings {
			s, rep := judge(t, t.TempDir(), entry+"\n", lists.FormatPlain)
			if rep.Accepted != 1 || rep.Invalid != 0 {
				t.Errorf("%q is not taken: %+v", entry, rep.Files)
				continue
			}
			for _, asked := range spellings {
				if strings.HasPrefix(asked, "ftp:") || strings.HasPrefix(asked, "u@") {
					continue // nobody asks for these
				}
				u, err := verdict.CanonicalURL(asked)
				if err != nil {
					t.Fatal(asked, err)
				}
				if !closed(s, verdict.DoorProxy, u) {
					t.Errorf("%q is in the list, and %q is open", entry, asked)
				}
				if u.Path = ""; !strings.ContainsAny(strings.TrimRight(strings.SplitN(spellings[0]+"/", "://", 2)[0], "/"), "/?") && !strings.Contains(spellings[0], "://") && !closed(s, verdict.DoorDNS, u) {
					t.Errorf("%q is in the list, and %q is open to DNS", entry, asked)
				}
			}
		}
	}
}

// Whatever address a door would judge can stand in a list as it was asked for,
// and is closed then.
func TestWhateverADoorJudgesAListCanHold(t *testing.T) {
	dir := t.TempDir()
	host := rapid.OneOf(
		rapid.StringMatching(`([a-zA-Z0-9_-]{1,12}\.){1,4}[a-z]{2,6}\.?`),
		rapid.StringMatching(`[a-zäöüßéñ中日кг]{1,8}\.[a-zä中]{2,5}`),
		rapid.StringMatching(`(0x)?[0-9a-f]{1,8}(\.[0-9]{1,3}){0,3}`),
		rapid.StringMatching(`\[[0-9a-f]{1,4}::[0-9a-f]{1,4}\]`),
		rapid.StringMatching(`\[::ffff:[0-9]{1,3}\.0\.2\.[0-9]{1,2}\]`),
		rapid.StringMatching(`xn--[a-z0-9]{1,10}\.[a-z]{2,4}`),
	)
	path := rapid.StringMatching(`(/([a-zA-Z0-9._~%;=&\\-]|%2e|%2F|%41|\.\.){0,8}){0,4}(\?[a-zA-Z0-9=&%/?.;+]{0,12})?`)
	rapid.Check(t, func(t *rapid.T) {
		asked := rapid.SampledFrom([]string{"http://", "https://", "HTTP://u:p@"}).Draw(t, "scheme") + host.Draw(t, "host") +
			rapid.SampledFrom([]string{"", ":80", ":8443"}).Draw(t, "port") + path.Draw(t, "path")
		u, err := verdict.CanonicalURL(asked)
		if err != nil {
			return
		}
		_, text, err := lists.One(asked)
		if err != nil {
			if !strings.Contains(u.Host, ".") { // a single word, or an IPv6 address with a page
				return
			}
			t.Fatalf("%q is judged as %q and cannot be listed: %v", asked, u.Host, err)
		}
		if strings.HasPrefix(text, "[") {
			return // pages of IPv6 addresses are told as faults
		}
		s, _ := judge(t, dir, asked+"\n", lists.FormatPlain)
		if !closed(s, verdict.DoorProxy, u) {
			t.Fatalf("%q is in the list as %q, and is open", asked, text)
		}
	})
}

func TestWhatALineMeansIsWhatIsClosed(t *testing.T) {
	tests := []struct {
		name, text string
		format     lists.Format
		in, out    []string
	}{
		{
			"expressions of Pi-hole are about the host alone", "(\\.|^)casino[0-9]+\\.example$\n^ads?[0-9]*\\.\n", lists.FormatRegex,
			[]string{"casino1.example", "www.casino22.example/x", "ads7.b.example"},
			[]string{"casino.example", "b.example/casino1.example", "xads.b.example", "b.example/ads."},
		},
		{
			"expressions of AdGuard's lists for DNS", "||z.example^\n/^ads[0-9]*\\./\n/(^|\\.)bet\\.example$/\n/^https:\\/\\/secure\\.example\\//\n/banner[0-9]+\\.gif$/\n", lists.FormatAdblock,
			[]string{"ads1.x.example", "bet.example/any", "www.bet.example", "secure.example/", "x.example/banner7.gif"},
			[]string{"bet.example.org", "x.example/ads1.", "insecure.example"},
		},
		{
			"what a rule leaves alone is closed by another rule of the same list", "||a.example^$denyallow=fine.a.example|other.a.example\n||b.example^\n||fine.b.example^$denyallow=x.fine.b.example\n||other.a.example^\n", lists.FormatAdblock,
			[]string{"a.example", "x.a.example", "other.a.example", "b.example", "fine.b.example", "x.fine.b.example"},
			[]string{"fine.a.example", "x.fine.a.example"},
		},
		{
			"an important rule leaves alone what it says", "||a.example^$important,denyallow=fine.a.example\n@@||x.a.example^\n||c.example^\n", lists.FormatAdblock,
			[]string{"a.example", "x.a.example"},
			[]string{"fine.a.example"},
		},
		{
			"zones of BIND close all below", "zone \"a.example\" { type master; file \"null\"; };\n", lists.FormatBind,
			[]string{"a.example", "x.a.example"},
			[]string{"ba.example"},
		},
		{
			"spans", "X:198.51.100.4-198.51.100.6\n", lists.FormatP2P,
			[]string{"198.51.100.4", "198.51.100.6"},
			[]string{"198.51.100.3", "198.51.100.7"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, rep := judge(t, t.TempDir(), tt.text, tt.format)
			if rep.Invalid != 0 {
				t.Errorf("%+v", rep.Files[0].Refused)
			}
			for want, all := range map[bool][]string{true: tt.in, false: tt.out} {
				for _, a := range all {
					u, err := verdict.CanonicalURL(a)
					if err != nil {
						t.Fatal(a, err)
					}
					if u.Path == "" {
						u.Path = "/"
					}
					if got := closed(s, verdict.DoorProxy, u); got != want {
						t.Errorf("%s: closed %v, want %v", a, got, want)
					}
				}
			}
		})
	}
}
