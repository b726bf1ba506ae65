package segment_test

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"belisha/internal/verdict/segment"
)

type entry struct {
	kind           segment.Kind
	text, category string
}

func build(t testing.TB, dir string, list ...entry) (*segment.Segment, string) {
	t.Helper()
	b := segment.NewBuilder()
	for _, e := range list {
		if err := b.Add(e.kind, e.text, e.category); err != nil {
			t.Fatalf("adding %+v: %v", e, err)
		}
	}
	hash, _, err := b.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := segment.Open(segment.FileName(dir, hash))
	if err != nil {
		t.Fatal(err)
	}
	return s, hash
}

// found lists what the segment says of a host as the judge would ask.
func found(t testing.TB, s *segment.Segment, host string) []string {
	t.Helper()
	table := s.Table()
	out := map[string]bool{}
	var b segment.Batch
	for ok := b.Begin(host); ; ok = b.Next(host) {
		if !ok {
			t.Fatalf("%q is not canonical", host)
		}
		if set, several := table.Look(&b); set != 0 || several {
			for i, id := range b.Sets[:b.N] {
				set := s.Sets()[id]
				for n, c := range s.Categories() {
					if set.Sub[n>>6]>>(n&63)&1 == 1 || int(b.Len[i]) == len(host) && set.Exact[n>>6]>>(n&63)&1 == 1 {
						out[c] = true
					}
				}
			}
		}
		if !b.More() {
			break
		}
	}
	var list []string
	for c := range out {
		list = append(list, c)
	}
	slices.Sort(list)
	return list
}

func TestANameIsFoundWithAllItsParentsAndCategories(t *testing.T) {
	deep := strings.Repeat("a.", 100) + "deep.test"
	s, _ := build(t, t.TempDir(),
		entry{segment.Name, "bad.test", "adult"}, entry{segment.Name, "bad.test", "games"},
		entry{segment.Name, "sub.bad.test", "chat"}, entry{segment.Exact, "only.test", "adult"},
		entry{segment.Name, "zip", "malware"}, entry{segment.Name, "co.uk", "shops"}, entry{segment.Name, "x.co.uk", "games"},
		entry{segment.Name, "deep.test", "adult"}, entry{segment.Exact, deep, "chat"})
	for host, want := range map[string]string{
		"bad.test": "adult games", "www.bad.test": "adult games", "sub.bad.test": "adult chat games",
		"a.b.c.sub.bad.test": "adult chat games", "notbad.test": "", "bad.test.evil.example": "", "test": "",
		"only.test": "adult", "www.only.test": "", "evil.zip": "malware", "zip": "malware", "zipp": "",
		"a.co.uk": "shops", "a.x.co.uk": "games shops", "co.uk": "shops", "uk": "",
		deep: "adult chat", "b." + deep[2:]: "adult", "x": "", "a-name-of-more-than-eight.labels.a.b.c.d.e.f.g.bad.test": "adult games",
	} {
		if got := strings.Join(found(t, s, host), " "); got != want {
			t.Errorf("%s: found %q, want %q", host, got, want)
		}
	}
}

func TestADomainWithVeryManyNamesIsFoundWhole(t *testing.T) {
	var list []entry
	for i := range 20_000 {
		list = append(list, entry{segment.Name, "n" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + itoa(i) + ".crowded.test", "c"})
	}
	s, _ := build(t, t.TempDir(), list...)
	for _, e := range list {
		if got := found(t, s, "www."+e.text); len(got) != 1 {
			t.Fatalf("%s is not found", e.text)
		}
	}
	for i := range 20_000 {
		if got := found(t, s, "other"+itoa(i)+".crowded.test"); len(got) != 0 {
			t.Fatalf("other%d is found", i)
		}
	}
}

func itoa(n int) string {
	var b []byte
	for ; n > 0 || len(b) == 0; n /= 10 {
		b = append(b, byte('0'+n%10))
	}
	return string(b)
}

func TestTheSegmentSaysWhatAPlainListSays(t *testing.T) {
	dir := t.TempDir()
	label := rapid.StringMatching(`[a-c]{1,3}|[a-z0-9_-]{1,12}`)
	name := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(label, 1, 12).Draw(t, "labels"), ".")
	})
	one := rapid.Custom(func(t *rapid.T) entry {
		return entry{
			rapid.SampledFrom([]segment.Kind{segment.Name, segment.Exact}).Draw(t, "kind"), name.Draw(t, "name"),
			rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "category"),
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		list := rapid.SliceOfN(one, 0, 60).Draw(rt, "list")
		s, hash := build(t, dir, list...)
		asks := rapid.SliceOfN(name, 1, 20).Draw(rt, "asks")
		for _, e := range list {
			asks = append(asks, e.text, "x."+e.text)
		}
		for _, host := range asks {
			if got, want := found(t, s, host), plain(list, host); !slices.Equal(got, want) {
				rt.Fatalf("%s: found %v, want %v", host, got, want)
			}
		}
		slices.Reverse(list)
		if _, again := build(t, dir, list...); again != hash {
			rt.Fatal("the same entries in another order gave another file")
		}
	})
}

// plain is the meaning of a list in the plainest words.
func plain(list []entry, host string) []string {
	var out []string
	for _, e := range list {
		if host == e.text || e.kind == segment.Name && strings.HasSuffix(host, "."+e.text) {
			if !slices.Contains(out, e.category) {
				out = append(out, e.category)
			}
		}
	}
	slices.Sort(out)
	return out
}

func FuzzShortAndLongWayGiveTheSameKeys(f *testing.F) {
	for _, s := range []string{"bad.test", "a.b.c.d.e.f.g.h.i", "x", "www.example.co.uk", strings.Repeat("ab.", 60) + "c", "a..b", "UP.test", strings.Repeat("a", 63) + ".b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		keys, ok := segment.KeysByAnyWay(host)
		long, okLong := segment.KeysByTheLongWay(host)
		if ok != okLong || !slices.Equal(keys, long) {
			t.Fatalf("%q: %v %v, the long way %v %v", host, keys, ok, long, okLong)
		}
		if !ok {
			return
		}
		labels := strings.Split(host, ".")
		if len(keys) != len(labels) {
			t.Fatalf("%q has %d labels and %d keys", host, len(labels), len(keys))
		}
		for i := range labels {
			if k, _ := segment.NameKey(strings.Join(labels[len(labels)-1-i:], ".")); k != keys[i] {
				t.Fatalf("%q: suffix %d has another key alone", host, i)
			}
		}
	})
}

func TestPagesAreFoundUpToABoundary(t *testing.T) {
	s, _ := build(t, t.TempDir(), entry{segment.URL, "a.test/sex", "adult"}, entry{segment.URL, "b.test/?pagename=www", "adult"},
		entry{segment.URL, "c.test/", "games"}, entry{segment.URL, "64.27.4.141/x", "adult"})
	if s.MaxPath() != len("/?pagename=www") {
		t.Errorf("the longest path is %d", s.MaxPath())
	}
	for page, want := range map[string]bool{
		"a.test/sex": true, "a.test/sex/x": true, "a.test/sexton": false, "a.test/sex?q": true, "a.test/sex;a=1": true,
		"a.test/": false, "b.test/?pagename=www": true, "b.test/?pagename=www&x=1": true, "b.test/?pagename=wwwx": false,
		"www.a.test/sex": true, "nota.test/sex": false, "64.27.4.141/x/y": true,
	} {
		host, path := segment.SplitPage(page)
		if strings.HasSuffix(page, "/") {
			path = "/"
		}
		if got := pageFound(s, host, path); got != want {
			t.Errorf("%s: found %v", page, got)
		}
	}
	if got := found(t, s, "www.c.test"); len(got) != 1 {
		t.Errorf("a URL without a path is not a name: %v", got)
	}
}

func pageFound(s *segment.Segment, host, path string) bool {
	var b segment.Batch
	for ok := b.Begin(host); ok; ok = b.More() && b.Next(host) {
		for i := range b.N {
			trail := b.Trail(i, path)
			for key, _, more := trail.Next(); more; key, _, more = trail.Next() {
				if id := s.Find(key); id != 0 && s.Sets()[id].Sub != [4]uint64{} {
					return true
				}
			}
		}
	}
	return false
}

func TestAddressesAreFoundInTheirRanges(t *testing.T) {
	s, _ := build(t, t.TempDir(), entry{segment.AddressRange, "203.0.113.5", "proxy"}, entry{segment.AddressRange, "198.51.100.77/24", "malware"},
		entry{segment.AddressRange, "2001:db8::/32", "malware"}, entry{segment.URL, "192.0.2.9", "games"}, entry{segment.AddressRange, "0.0.0.0/1", "low"})
	for a, want := range map[string]int{
		"203.0.113.5": 1, "203.0.113.6": 0, "198.51.100.1": 1, "198.51.101.1": 0,
		"2001:db8:1::2": 1, "2001:db9::1": 0, "192.0.2.9": 1, "127.255.255.255": 1, "64.1.1.1": 1,
	} {
		n := 0
		s.FindAddress(netip.MustParseAddr(a), func(uint32, netip.Prefix) { n++ })
		if n != want {
			t.Errorf("%s is in %d ranges, want %d", a, n, want)
		}
	}
}

func TestEntriesThatAreNotCanonicalAreLeftOut(t *testing.T) {
	b := segment.NewBuilder()
	for _, e := range []entry{
		{segment.Name, "BAD.test", "a"},
		{segment.Name, "bad.test.", "a"},
		{segment.Name, "", "a"},
		{segment.Name, "a b", "a"},
		{segment.Exact, strings.Repeat("a", 64), "a"},
		{segment.Name, strings.Repeat("a.", 127) + "a", "a"},
		{segment.URL, "A.test/x", "a"},
		{segment.URL, "a.test/" + strings.Repeat("x", 2000), "a"},
		{segment.AddressRange, "nonsense", "a"},
		{segment.AddressRange, "fe80::1%eth0", "a"},
		{segment.Pattern, "(", "a"},
		{segment.Pattern, "x*", "a"},
		{segment.Pattern, strings.Repeat("x", 20_000), "a"},
		{segment.Pattern, `(a)\1`, "a"},
		{segment.Kind(99), "a", "a"},
	} {
		if err := b.Add(e.kind, e.text, e.category); err == nil {
			t.Errorf("%v %.30q was taken", e.kind, e.text)
		}
	}
	if _, st, err := b.Write(t.TempDir()); err != nil || st.Keys != 0 {
		t.Errorf("after bad entries only: %+v, %v", st, err)
	}
}

func TestADamagedFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	_, hash := build(t, dir, entry{segment.Name, "bad.test", "a"}, entry{segment.URL, "bad.test/x", "b"})
	path := segment.FileName(dir, hash)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := segment.VerifyFile(path, hash); err != nil {
		t.Fatalf("a whole file: %v", err)
	}
	for name, damaged := range map[string][]byte{
		"cut short": whole[:len(whole)-64], "empty": {}, "longer": append(bytes.Clone(whole), 0),
		"another beginning": append([]byte("NOTASEGM"), whole[8:]...), "a changed header": flip(whole, 33), "zeros": make([]byte, len(whole)),
	} {
		p := dir + "/damaged"
		if err := os.WriteFile(p, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := segment.Open(p); !errors.Is(err, segment.ErrDamaged) {
			t.Errorf("%s: opened with %v", name, err)
		}
	}
	p := dir + "/changed"
	for at := range whole {
		if at%97 != 0 {
			continue
		}
		if err := os.WriteFile(p, flip(whole, at), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := segment.VerifyFile(p, hash); !errors.Is(err, segment.ErrDamaged) {
			t.Fatalf("byte %d changed: %v", at, err)
		}
		if s, err := segment.Open(p); err == nil { // opened unverified it may be wrong, but it must not crash
			_ = s.Find(12345)
		}
	}
}

func flip(b []byte, at int) []byte {
	c := bytes.Clone(b)
	c[at] ^= 0x40
	return c
}

func TestASegmentOutlivesItsFile(t *testing.T) {
	dir := t.TempDir()
	s, hash := build(t, dir, entry{segment.Name, "bad.test", "a"})
	if err := os.Remove(segment.FileName(dir, hash)); err != nil {
		t.Skip("this system keeps mapped files")
	}
	if got := found(t, s, "www.bad.test"); len(got) != 1 {
		t.Error("after its file went, the list is empty")
	}
}
