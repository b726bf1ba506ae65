package lists

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
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
		case Expression, Digest:
		default:
			t.Fatalf("an entry of no kind: %+v", e)
		}
		return nil
	})
	if rep.Accepted != n {
		t.Fatalf("%d entries came, %d were counted", n, rep.Accepted)
	}
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
