package lists

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func gz(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// tree is a UT1 tree with everything that is met in one: numbered parts,
// gzip, three kinds of alias, a nested category, addresses among the names.
func tree(t testing.TB) map[string]string {
	return map[string]string{
		"README.md":                         "see the web site",
		"global_usage":                      "# NAME: adult\n",
		"adult/domains":                     "a.example\n192.0.2.1\n_odd.b.example\n",
		"adult/urls":                        "c.example/page\n192.0.2.2/x\nwww3.d.example/~e\n",
		"adult/usage":                       "black\nadult\nporn\n",
		"adult/expressions":                 "(^|[-.])bad(word)?s?[[:digit:]]*\ns@a@b@i\n(\\1)\n",
		"adult/very_restrictive_expression": "(everything)\n",
		"bank/domains.gz":                   gz(t, "bank.example\n"),
		"bank/usage":                        "white\n",
		"big/domains.0":                     "one.example\n",
		"big/domains.1":                     "two.example\n",
		"finance/loans/domains":             "loan.example\n",
		"porn":                              "adult\n",
		"xxx":                               "porn",
		"nowhere":                           "missing\n",
	}
}

var treeEntries = []string{
	"adult address 192.0.2.1", "adult expression (^|[-.])bad(word)?s?[[:digit:]]*", "adult name _odd.b.example",
	"adult name a.example", "adult url 192.0.2.2/x", "adult url c.example/page", "adult url d.example/~e",
	"bank name bank.example", "big name one.example", "big name two.example", "finance/loans name loan.example",
}

func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tarOf packs the files in an order that is not theirs on disk, with links.
func tarOf(t testing.TB, prefix string, files, links map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, target := range links {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: prefix + name, Linkname: target}); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: prefix + name, Size: int64(len(text)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func writeFile(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUT1TreeReadsTheSameFromFolderTarAndTarGz(t *testing.T) {
	links := map[string]string{"ads": "adult", "up/over": "../bank", "outside": "../../etc", "abs": "/etc"}
	files := tree(t)
	dir := writeTree(t, files)
	if err := os.MkdirAll(filepath.Join(dir, "up"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Fatal(err)
		}
	}
	packed := tarOf(t, "blacklists/", files, links)
	wantAliases := map[string]string{"porn": "adult", "xxx": "adult", "ads": "adult", "up/over": "bank"}
	for name, path := range map[string]string{
		"folder": dir,
		"tar":    writeFile(t, "all.tar", packed),
		"tar.gz": writeFile(t, "all.tar.gz", []byte(gz(t, string(packed)))),
	} {
		t.Run(name, func(t *testing.T) {
			got, rep, err := readPath(t, path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			sort.Strings(got)
			if diff := cmp.Diff(treeEntries, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(wantAliases, rep.Aliases); diff != "" {
				t.Errorf("aliases (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]string{"adult": "black", "bank": "white"}, rep.Usage); diff != "" {
				t.Errorf("usage (-want +got):\n%s", diff)
			}
			if rep.Format != FormatUT1 || rep.Accepted != len(treeEntries) || rep.Invalid != 1 || rep.Skipped != 1 {
				t.Errorf("totals %+v, format %s", rep.Totals, rep.Format)
			}
			if f, err := Detect(path); f != FormatUT1 || err != nil {
				t.Errorf("detected %s, %v", f, err)
			}
		})
	}
}

func TestOneCategoryOfATree(t *testing.T) {
	dir := writeTree(t, map[string]string{"adult/domains": "a.example\n", "adult/usage": "black\n"})
	for path, opt := range map[string]Options{
		dir:                          {},
		filepath.Join(dir, "adult"):  {},
		filepath.Join(dir, "adult/"): {Category: "adult"},
	} {
		got, _, err := readPath(t, path, opt)
		if err != nil || len(got) != 1 || got[0] != "adult name a.example" {
			t.Errorf("%s: %v %v", path, got, err)
		}
	}
	got, _, err := readPath(t, dir, Options{Category: "own"})
	if err != nil || len(got) != 1 || got[0] != "own name a.example" {
		t.Errorf("renamed: %v %v", got, err)
	}
	two := writeTree(t, map[string]string{"adult/domains": "a.example\n", "bank/domains": "b.example\n"})
	if _, _, err := readPath(t, two, Options{Category: "own"}); err == nil || !strings.Contains(err.Error(), "several categories") {
		t.Errorf("two categories under one name: %v", err)
	}
}

func TestFolderOfLists(t *testing.T) {
	dir := writeTree(t, map[string]string{
		"Gambling.txt": "a.example\n", "social.hosts.gz": gz(t, "0.0.0.0 b.example\n"), "sub/w.list": "*.c.example\n",
		"README": "words words\n", ".hidden": "\x00",
	})
	got, rep, err := readPath(t, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"gambling name a.example", "social exact b.example", "w name c.example"}
	if diff := cmp.Diff(want, got); diff != "" || rep.Format != FormatAuto {
		t.Errorf("format %s, entries (-want +got):\n%s", rep.Format, diff)
	}
	got, _, err = readPath(t, dir, Options{Category: "own", Format: FormatPlain})
	if err != nil || len(got) != 2 || got[0] != "own name a.example" {
		t.Errorf("all as one plain category: %v %v", got, err)
	}
}

func TestLinksAreNeverFollowedOutOfTheTree(t *testing.T) {
	secret := writeFile(t, "secret", []byte("secret.example\n"))
	dir := writeTree(t, map[string]string{"adult/domains": "a.example\n"})
	for name, target := range map[string]string{"adult/urls": secret, "bad": filepath.Dir(secret), "x/domains": secret} {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, full); err != nil {
			t.Fatal(err)
		}
	}
	got, rep, err := readPath(t, dir, Options{})
	if err != nil || len(got) != 1 || len(rep.Aliases) != 0 || len(rep.Ignored) != 3 {
		t.Errorf("entries %v, report %+v, %v", got, rep, err)
	}
}

func TestDamagedAndDangerousPackingIsRefused(t *testing.T) {
	files := map[string]string{"adult/domains": strings.Repeat("a.example\nb.example\n", 3000), "adult/urls": "a.example/x\n"}
	packed := tarOf(t, "", files, nil)
	zipped := gz(t, string(packed))
	climb := tarOf(t, "", map[string]string{"../adult/domains": "a.example\n"}, nil)
	absolute := tarOf(t, "/", map[string]string{"adult/domains": "a.example\n"}, nil)
	plain := gz(t, strings.Repeat("a.example\nb.example\n", 3000))
	broken := []byte(plain)
	broken[len(broken)/2] ^= 0x55
	tests := []struct {
		name, file string
		data       []byte
		want       string
	}{
		{"a gzip cut short", "a.gz", []byte(plain[:len(plain)-12]), "cut short"},
		{"a gzip of a few bytes", "a.gz", []byte(plain[:5]), "cut short"},
		{"a gzip with a flipped byte", "a.gz", broken, "damaged"},
		{"a tar cut inside a file", "a.tar", packed[:30_000], "cut short"},
		{"a tar cut between files", "a.tar", packed[:len(packed)-1024], "cut short"},
		{"a tar.gz cut short", "a.tgz", []byte(zipped[:len(zipped)-9]), "cut short"},
		{"a tar whose path climbs out", "a.tar", climb, "leads out of it"},
		{"a tar with an absolute path", "a.tar", absolute, "leads out of it"},
		{"a small file that swells", "a.gz", []byte(gz(t, strings.Repeat("aaaaaaaaaa.example\n", 1<<20))), "beyond all measure"},
		{"a swelling file inside a tar", "a.tar", tarOf(t, "", map[string]string{"x/domains.gz": gz(t, strings.Repeat("aaaaaaaaaa.example\n", 1<<20))}, nil), "beyond all measure"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := readPath(t, writeFile(t, tt.file, tt.data), Options{})
			var r *Refusal
			if !errors.As(err, &r) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want a refusal with %q", err, tt.want)
			}
		})
	}
}
