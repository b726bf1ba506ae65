package lists

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

const threeNames = "a.example\nb.example\nc.example\n"

// bzipped is threeNames packed with bzip2, which Go can only unpack.
const bzipped = "QlpoOTFBWSZTWdojkacAAANRgAAQAAE6BkBAIAAxADAj1TGieiFatno00ZgxnC7kinChIbRHI04="

func zstdOf(t *testing.T, text string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll([]byte(text), nil)
}

func zipOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readBytes(t *testing.T, name string, data []byte, o Options) ([]Entry, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var got []Entry
	_, err := Read(context.Background(), path, o, func(e Entry) error { got = append(got, e); return nil })
	return got, err
}

func TestPackedListsAreReadByTheirContentAndNotTheirName(t *testing.T) {
	bz, err := base64.StdEncoding.DecodeString(bzipped)
	if err != nil {
		t.Fatal(err)
	}
	tree := map[string]string{"blacklists/gambling/domains": threeNames, "blacklists/games/domains": "d.example\n", "blacklists/games/usage": "black\n"}
	for _, c := range []struct {
		name string
		data []byte
		want int
	}{
		{"bzip2", bz, 3},
		{"zstd", zstdOf(t, threeNames), 3},
		{"zip", zipOf(t, map[string]string{"list.txt": threeNames}), 3},
		{"a tree in a zip", zipOf(t, tree), 4},
		{"zstd in a zip", zipOf(t, map[string]string{"list.txt": string(zstdOf(t, threeNames))}), 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readBytes(t, "list.txt", c.data, Options{})
			if err != nil || len(got) != c.want {
				t.Errorf("%d entries, %v", len(got), err)
			}
			if c.want == 4 && got[0].Category != "gambling" && got[0].Category != "games" {
				t.Errorf("category %q", got[0].Category)
			}
			_, err = readBytes(t, "list.txt", c.data[:len(c.data)-12], Options{})
			var r *Refusal
			if !errors.As(err, &r) {
				t.Errorf("cut short: %v", err)
			}
		})
	}
}

func TestAPackedListThatSwellsOrLeadsOutIsRefused(t *testing.T) {
	swell := strings.Repeat(strings.Repeat("#", 1000)+"\n", 60_000)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"a zip that swells", zipOf(t, map[string]string{"list.txt": swell}), "swells"},
		{"zstd that swells", zstdOf(t, swell), "swells"},
		{"a zip that leads out", zipOf(t, map[string]string{"../../etc/list.txt": threeNames}), "leads out of it"},
		{"a zip beyond its bound", zipOf(t, map[string]string{"list.txt": swell[:900_000]}), "larger than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Options{}
			if strings.Contains(c.name, "bound") {
				o.MaxBytes = 512 << 10
			}
			if _, err := readBytes(t, "list.txt", c.data, o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
