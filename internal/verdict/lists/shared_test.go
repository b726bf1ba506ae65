package lists

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"belisha/internal/verdict/canon"
)

// shared is the folder of real lists that lies beside the checkout.
func shared(t *testing.T, parts ...string) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	path := filepath.Join(append([]string{filepath.Dir(here), "..", "..", "..", "..", "shared", "data"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skip("../shared not there")
	}
	return path
}

func TestRealUT1TreeGivesEveryLine(t *testing.T) {
	root := shared(t, "categories", "ut1")
	rep, err := Read(context.Background(), root, Options{}, agreesWithTheDoors(t))
	if err != nil {
		t.Fatal(err)
	}
	want := indexCounts(t, filepath.Join(root, "INDEX.tsv"))
	if rep.Format != FormatUT1 || len(rep.Files) == 0 {
		t.Fatalf("format %s, %d files", rep.Format, len(rep.Files))
	}
	for _, f := range rep.Files {
		kind, _, _ := strings.Cut(filepath.Base(f.File), ".")
		if n := want[f.Category+"/"+kind]; f.Lines != n {
			t.Errorf("%s: %d lines, the index says %d", f.File, f.Lines, n)
		}
		delete(want, f.Category+"/"+kind)
		if f.Lines != f.Accepted+f.Duplicates+f.Invalid+f.Skipped {
			t.Errorf("%s: the counts do not add up: %+v", f.File, f.Totals)
		}
		if f.Invalid*500 > f.Lines && f.Invalid > 2 {
			t.Errorf("%s: %d of %d lines refused, such as %+v", f.File, f.Invalid, f.Lines, f.Refused[0])
		}
	}
	for left := range want {
		t.Errorf("%s was not read", left)
	}
	t.Logf("%+v", rep.Totals)
}

// agreesWithTheDoors holds every name to the spelling that the doors give to
// the names they are asked for: a name spelt otherwise would never be found.
func agreesWithTheDoors(t *testing.T) func(Entry) error {
	return func(e Entry) error {
		if e.Kind != Name && e.Kind != Exact && e.Kind != Address {
			return nil
		}
		if host, _, err := canon.Host(e.Text); err != nil && !strings.Contains(e.Text, "/") || err == nil && host != e.Text {
			t.Errorf("%s, line %d: %q is %q (%v) at the doors", e.File, e.Line, e.Text, host, err)
		}
		return nil
	}
}

func indexCounts(t *testing.T, path string) map[string]int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n")[1:] {
		col := strings.Split(line, "\t")
		n, err := strconv.Atoi(col[2])
		if err != nil {
			t.Fatal(err)
		}
		if col[1] == "domains" || col[1] == "urls" || col[1] == "expressions" {
			counts[col[0]+"/"+col[1]] = n
		}
	}
	return counts
}

// names reads a list as the set of its names.
func names(t *testing.T, path string) map[string]bool {
	t.Helper()
	set := map[string]bool{}
	rep, err := Read(context.Background(), path, Options{}, func(e Entry) error {
		set[e.Text] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Invalid > rep.Accepted/200 {
		t.Errorf("%s: %+v %v", path, rep.Totals, rep.Files[0].Refused[:min(5, len(rep.Files[0].Refused))])
	}
	return set
}

func TestOneRealListInSeveralFormatsIsOneSet(t *testing.T) {
	for _, list := range []string{"doh-vpn-proxy-bypass", "nosafesearch"} {
		plain := names(t, shared(t, "dns", "hagezi", "domains-"+list+".txt.gz"))
		hosts := names(t, shared(t, "dns", "hagezi", "hosts-"+list+".txt.gz"))
		wild := names(t, shared(t, "dns", "hagezi", "wildcard-"+list+".txt.gz"))
		adblock := names(t, shared(t, "dns", "hagezi", "adblock-"+list+".txt.gz"))
		same(t, list+": domains and hosts", plain, hosts)
		same(t, list+": wildcard and adblock", wild, adblock)
		same(t, list+": wildcard and dnsmasq", wild, names(t, shared(t, "dns", "hagezi", "dnsmasq-"+list+".txt.gz")))
		same(t, list+": wildcard and unbound", wild, names(t, shared(t, "dns", "hagezi", "unbound-"+list+".conf.gz")))
		for name := range plain {
			if !covered(name, wild) {
				t.Errorf("%s: %s is not below any name of the wildcard list", list, name)
			}
		}
	}
	same(t, "tiktok: hosts and adguard",
		names(t, shared(t, "categories", "hosts", "blp-tiktok.hosts.gz")),
		names(t, shared(t, "categories", "adguard", "blp-tiktok-ags.txt.gz")))
}

func same(t *testing.T, what string, a, b map[string]bool) {
	t.Helper()
	if len(a) == 0 || len(a) != len(b) {
		t.Errorf("%s: %d and %d names", what, len(a), len(b))
	}
	for name := range a {
		if !b[name] {
			t.Errorf("%s: %s is in the first only", what, name)
		}
	}
}

func covered(name string, wild map[string]bool) bool {
	for {
		if wild[name] {
			return true
		}
		_, rest, ok := strings.Cut(name, ".")
		if !ok {
			return false
		}
		name = rest
	}
}

func TestRealHostsFilesAreReadToTheLastLine(t *testing.T) {
	for _, dir := range []string{shared(t, "categories", "hosts"), shared(t, "categories", "adguard"), shared(t, "dns", "hosts")} {
		rep, err := Read(context.Background(), dir, Options{}, func(Entry) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if rep.Invalid > 20 || rep.Accepted < 3000 {
			t.Errorf("%s: %+v", dir, rep.Totals)
		}
		for _, f := range rep.Files {
			for _, r := range f.Refused[:min(3, len(f.Refused))] {
				t.Logf("%+v", r)
			}
		}
	}
}

// BenchmarkRead measures names a second on one large plain list.
func BenchmarkRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.txt")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for i := range 200_000 {
		_, _ = w.WriteString("name" + strconv.Itoa(i) + ".some.example\n")
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(context.Background(), path, Options{}, func(Entry) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
