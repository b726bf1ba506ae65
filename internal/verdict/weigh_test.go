package verdict_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"belisha/internal/verdict"
	"belisha/internal/verdict/segment"
)

type listed struct {
	kind segment.Kind
	text string
	role segment.Role
	drop bool
}

func built(t *testing.T, category string, entries []listed) *segment.Segment {
	t.Helper()
	b, dir := segment.NewBuilder(), t.TempDir()
	for _, e := range entries {
		add := b.AddAs
		if e.drop {
			add = b.Drop
		}
		if err := add(e.kind, e.text, category, e.role); err != nil {
			t.Fatal(err)
		}
	}
	return written(t, b, dir)
}

func written(t *testing.T, b *segment.Builder, dir string) *segment.Segment {
	t.Helper()
	hash, _, err := b.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	seg, err := segment.Open(segment.FileName(dir, hash))
	if err != nil {
		t.Fatal(err)
	}
	return seg
}

func TestAListsOwnExceptionsLiftWhatTheListItselfLists(t *testing.T) {
	const exc, imp, near, below = segment.Except, segment.Important, segment.Near, segment.Below
	name, exact, page, pattern, address := segment.Name, segment.Exact, segment.URL, segment.Pattern, segment.AddressRange
	tests := []struct {
		says    string
		entries []listed
		in, out []string // host/path
	}{
		{"an exception takes a name and what is below it out", []listed{{name, "a.test", 0, false}, {name, "ok.a.test", exc, false}}, []string{"a.test", "x.a.test"}, []string{"ok.a.test", "x.ok.a.test", "b.test"}},
		{"an exception for one name leaves what is below", []listed{{name, "a.test", 0, false}, {exact, "ok.a.test", exc, false}}, []string{"x.ok.a.test"}, []string{"ok.a.test"}},
		{"an exception above lifts what is listed below it", []listed{{name, "x.a.test", 0, false}, {name, "a.test", exc, false}}, nil, []string{"x.a.test", "a.test"}},
		{"an important entry is not lifted", []listed{{name, "a.test", imp, false}, {name, "ok.a.test", exc, false}}, []string{"ok.a.test"}, nil},
		{"an important exception lifts that too", []listed{{name, "a.test", imp, false}, {name, "ok.a.test", exc | imp, false}}, []string{"a.test"}, []string{"ok.a.test"}},
		{"a near exception leaves what is listed further down", []listed{{name, "a.test", 0, false}, {name, "ok.a.test", exc | near, false}, {name, "bad.ok.a.test", 0, false}}, []string{"a.test", "bad.ok.a.test", "x.bad.ok.a.test"}, []string{"ok.a.test", "x.ok.a.test"}},
		{"a near exception of the very name loses", []listed{{name, "a.test", 0, false}, {name, "a.test", exc | near, false}}, []string{"a.test"}, nil},
		{"below is not the name itself", []listed{{name, "a.test", below, false}}, []string{"x.a.test", "y.x.a.test"}, []string{"a.test"}},
		{"a near exception below leaves the name", []listed{{name, "test.example", 0, false}, {name, "a.test.example", exc | near | below, false}}, []string{"a.test.example"}, []string{"x.a.test.example"}},
		{"a page is listed and another excepted", []listed{{page, "a.test/x", 0, false}, {page, "a.test/x/fine", exc, false}}, []string{"a.test/x/bad"}, []string{"a.test/x/fine/1", "a.test/"}},
		{"a whole site is excepted from a listed page", []listed{{page, "a.test/x", 0, false}, {name, "a.test", exc, false}}, nil, []string{"a.test/x"}},
		{"an expression is lifted by a name", []listed{{pattern, `casino`, 0, false}, {name, "museum.test", exc, false}}, []string{"casino.test/", "b.test/casino"}, []string{"casino.museum.test/"}},
		{"an expression lifts a name", []listed{{name, "a.test", 0, false}, {pattern, `/fine$`, exc, false}}, []string{"a.test/bad"}, []string{"a.test/fine"}},
		{"an address is excepted from its range", []listed{{address, "198.51.100.0/24", 0, false}, {address, "198.51.100.7", exc, false}}, []string{"198.51.100.8"}, []string{"198.51.100.7"}},
		{"what was taken out again is not listed", []listed{{name, "a.test", 0, true}, {name, "a.test", 0, false}, {name, "b.test", 0, false}, {pattern, "casino", 0, false}, {pattern, "casino", 0, true}}, []string{"b.test"}, []string{"a.test", "casino.test"}},
		{"an exception that was taken out again lifts nothing", []listed{{name, "a.test", 0, false}, {name, "ok.a.test", exc, false}, {name, "ok.a.test", exc, true}}, []string{"ok.a.test"}, nil},
		{"many labels are all weighed", []listed{{name, "a.test", 0, false}, {name, "4.5.6.7.8.9.a.test", exc | near, false}}, []string{"5.6.7.8.9.a.test"}, []string{"1.2.3.4.5.6.7.8.9.a.test"}},
	}
	for _, tt := range tests {
		t.Run(tt.says, func(t *testing.T) {
			rules := verdict.Rules{
				Version: verdict.RulesVersion, Groups: []verdict.Group{{Slug: "pupils", AddressesOpen: true}}, Categories: []verdict.Category{{Slug: "bets"}},
				Lines: []verdict.Line{{ID: "l", Act: verdict.Block, Categories: []string{"bets"}}},
			}
			s, err := verdict.New(rules, []verdict.Source{{Slug: "l", Segment: built(t, "bets", tt.entries)}})
			if err != nil {
				t.Fatal(err)
			}
			for want, urls := range map[verdict.Action][]string{verdict.Block: tt.in, verdict.Allow: tt.out} {
				for _, u := range urls {
					host, path, _ := strings.Cut(u, "/")
					ask := &verdict.Ask{Host: host, Path: "/" + path, At: time.UnixMilli(1)}
					if v := s.Decide(ask); v.Action != want {
						t.Errorf("%s: %v, want %v", u, v.Action, want)
					}
					if v, _ := s.Explain(ask); v.Action != want {
						t.Errorf("%s: explained as %v, want %v", u, v.Action, want)
					}
				}
			}
		})
	}
}

func TestAnExceptionLiftsNothingThatAnotherListSays(t *testing.T) {
	rules := verdict.Rules{
		Version: verdict.RulesVersion, Groups: []verdict.Group{{Slug: "pupils"}}, Categories: []verdict.Category{{Slug: "bets"}},
		Lines: []verdict.Line{{ID: "l", Act: verdict.Block, Categories: []string{"bets"}}},
	}
	one := built(t, "bets", []listed{{segment.Name, "a.test", 0, false}, {segment.Name, "ok.a.test", segment.Except | segment.Important, false}})
	two := built(t, "bets", []listed{{segment.Name, "a.test", 0, false}})
	for _, order := range [][]verdict.Source{{{Slug: "1", Segment: one}, {Slug: "2", Segment: two}}, {{Slug: "2", Segment: two}, {Slug: "1", Segment: one}}} {
		s, err := verdict.New(rules, order)
		if err != nil {
			t.Fatal(err)
		}
		if v := s.Decide(&verdict.Ask{Host: "ok.a.test", At: time.UnixMilli(1)}); v.Action != verdict.Block {
			t.Errorf("the other list's entry was lifted: %+v", v)
		}
	}
}

// licensedSegment builds a licensed list as filtering does.
func licensedSegment(t *testing.T, lock verdict.LicenceLock, addresses []string) (*segment.Segment, []byte) {
	t.Helper()
	sealed, err := json.Marshal(lock)
	if err != nil {
		t.Fatal(err)
	}
	b, dir := segment.NewBuilder(), t.TempDir()
	b.Lock(sealed)
	for _, a := range addresses {
		key := lock.EntryKey(a)
		if lock.Form == verdict.LicensedSHA256 {
			sum := sha256.Sum256(append(append([]byte{}, lock.Salt...), a...))
			key = lock.DigestKey(sum[:])
		}
		if err := b.AddKey(key, "illegal"); err != nil {
			t.Fatal(err)
		}
	}
	seg := written(t, b, dir)
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	raw, err := os.ReadFile(dir + "/" + files[0].Name())
	if err != nil {
		t.Fatal(err)
	}
	return seg, raw
}

func TestALicensedListIsLockedAboveEverybodyAndShowsNothing(t *testing.T) {
	at := time.UnixMilli(1000)
	rules := verdict.Rules{
		Version: verdict.RulesVersion, Groups: []verdict.Group{{Slug: "staff", TryOut: true}}, Categories: []verdict.Category{{Slug: "illegal"}},
		Locked:   verdict.Locked{Categories: []string{"illegal"}},
		Own:      []verdict.Own{{ID: "o", Text: "worst.test", Act: verdict.Allow}},
		Unblocks: []verdict.Unblock{{ID: "u", Hosts: []string{"worst.test"}, Span: verdict.Span{From: 1, Until: 9000}}},
	}
	entries := []string{"worst.test/", "host.test/bad/page", "query.test/?id=7", "192.0.2.9/", verdict.LicensedAddress("caps.test", "/Dir/File.HTM#x"), verdict.LicensedAddress("[2001:db8::9]", "/six")}
	for _, form := range []verdict.LicensedForm{verdict.LicensedPlain, verdict.LicensedSHA256} {
		lock := verdict.LicenceLock{Form: form, Salt: []byte("pepper"), Mac: []byte("0123456789abcdef0123456789abcdef"), Alert: "exploitation"}
		seg, raw := licensedSegment(t, lock, entries)
		for _, e := range entries {
			if host, _, _ := strings.Cut(e, "/"); strings.Contains(string(raw), host) {
				t.Errorf("%s: the file has the text of an entry", form)
			}
		}
		open := func(sealed []byte) ([]byte, error) { return sealed, nil }
		s, err := verdict.New(rules, []verdict.Source{{Slug: "lic", Title: "Supplier", Segment: seg, Open: open}})
		if err != nil {
			t.Fatal(err)
		}
		for url, want := range map[string]bool{
			"worst.test/": true, "www.worst.test/x/y": true, "host.test/bad/page": true, "host.test/bad/page/more?x": true, "cdn.host.test/bad//./page": true,
			"query.test/?id=7": true, "192.0.2.9/x": true, "2001:db8::9/six/more": true, "2001:db8::9/": false, "translate.google.com/translate?u=http://host.test/bad/page": true, "caps.test/dir/file.htm": true, "caps.test/DIR/FILE.HTM?v=1": true, "translate.google.com/translate?u=worst.test": true,
			"host.test/bad/pages": false, "host.test/": false, "query.test/?id=8": false, "best.test/": false, "192.0.2.8/": false, "test/": false,
			"host.test/%2562ad/page": true, "host.test/" + strings.Repeat("a/", 100): false,
		} {
			host, path, _ := strings.Cut(url, "/")
			ask := &verdict.Ask{Host: host, Path: "/" + path, At: at}
			v, steps := s.Explain(ask)
			if got := v.Licensed != 0; got != want || s.Decide(ask).Licensed != v.Licensed {
				t.Errorf("%s: %s: licensed %v, want %v", form, url, got, want)
			}
			if v.Licensed != 0 && (v.Action != verdict.Block || v.Reason != verdict.ReasonLocked || v.TryOut || s.LicensedAlert(v.Licensed) != "exploitation") {
				t.Errorf("%s: %s: %+v", form, url, v)
			}
			for _, st := range steps {
				if v.Licensed != 0 && strings.Contains(st.Says+st.Via, strings.TrimPrefix(host, "www.")) {
					t.Errorf("the explanation tells the entry: %+v", st)
				}
			}
		}
		if _, err := verdict.New(rules, []verdict.Source{{Slug: "lic", Segment: seg, Open: func([]byte) ([]byte, error) { return nil, errors.New("another key") }}}); err == nil {
			t.Error("a list that cannot be opened was taken")
		}
		open2 := rules
		open2.Locked.Categories = nil
		if _, err := verdict.New(open2, []verdict.Source{{Slug: "lic", Segment: seg, Open: open}}); err == nil {
			t.Error("a licensed list in a category that is not locked was taken")
		}
	}
}

func TestAskingALicensedListTakesNoMemory(t *testing.T) {
	lock := verdict.LicenceLock{Form: verdict.LicensedSHA256, Salt: []byte("pepper"), Mac: make([]byte, 32)}
	seg, _ := licensedSegment(t, lock, []string{"worst.test/"})
	rules := verdict.Rules{Version: verdict.RulesVersion, Groups: []verdict.Group{{Slug: "staff"}}, Categories: []verdict.Category{{Slug: "illegal"}}, Locked: verdict.Locked{Categories: []string{"illegal"}}}
	s, err := verdict.New(rules, []verdict.Source{{Slug: "lic", Segment: seg, Open: func(b []byte) ([]byte, error) { return b, nil }}})
	if err != nil {
		t.Fatal(err)
	}
	ask := &verdict.Ask{Host: "www.some.site.test", At: time.UnixMilli(1)}
	if n := testing.AllocsPerRun(100, func() { s.Decide(ask) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheCanonicalFormThatSuppliersHash(t *testing.T) {
	for in, want := range map[[2]string]string{
		{"site.example", ""}: "site.example/", {"site.example", "/"}: "site.example/",
		{"site.example", "/Dir/../Page.htm?ID=7#x"}: "site.example/page.htm?id=7",
		{"site.example", "//a//b/./%7Ec/"}:          "site.example/a/b/~c",
	} {
		if got := verdict.LicensedAddress(in[0], in[1]); got != want {
			t.Errorf("%v: %q, want %q", in, got, want)
		}
	}
}
