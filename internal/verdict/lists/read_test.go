package lists

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readText reads one list from a file of that name.
func readText(t *testing.T, name, text string, opt Options) ([]string, Report, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return readPath(t, path, opt)
}

// readPath gives every entry as "category kind text".
func readPath(t *testing.T, path string, opt Options) ([]string, Report, error) {
	t.Helper()
	var got []string
	rep, err := Read(context.Background(), path, opt, func(e Entry) error {
		line := fmt.Sprintf("%s %s %s", e.Category, e.Kind, e.Text)
		for i, word := range []string{"except", "important", "near", "below", "scoped"} {
			if e.Role>>i&1 == 1 {
				line += " " + word
			}
		}
		if e.Drop {
			line += " dropped"
		}
		got = append(got, line)
		return nil
	})
	return got, rep, err
}

func TestOneFile(t *testing.T) {
	tests := []struct {
		name, file, text string
		opt              Options
		format           Format
		want             []string
		invalid, skipped int
	}{
		{
			name: "a plain list in any line ends, cases and spellings",
			file: "gambling.txt", format: FormatPlain,
			text: "\xef\xbb\xbfExample.COM\r\nshop.example.\n# note\n; note\n! note\n// note\n\nmünchen.example # inline\rlast.example",
			want: []string{"gambling name example.com", "gambling name shop.example", "gambling name xn--mnchen-3ya.example", "gambling name last.example"}, skipped: 5,
		},
		{
			name: "addresses, ranges, pages and expressions stand in a plain list too",
			file: "a.txt", format: FormatPlain,
			text: "203.0.113.9\n2001:DB8::0/32\n198.51.100.77/24\nhttps://www.Site.example/Bad/Page/\nhttp://whole.example/\nsite.example/%7Euser?a=B#frag\n/ads[0-9]+/\n",
			want: []string{
				"a address 203.0.113.9", "a address 2001:db8::/32", "a address 198.51.100.0/24", "a url site.example/bad/page",
				"a name whole.example", "a url site.example/~user?a=b", "a expression ads[0-9]+",
			},
		},
		{
			name: "one bad line never drops the list",
			file: "a.txt", format: FormatPlain,
			text: "good.example\ntwo words.example\ncom\n-\nbad..example\nspace%20.example\n1.2.3\n/([a-z/\nx*.example\n*\nalso.example\n",
			want: []string{"a name good.example", "a name also.example"}, invalid: 9,
		},
		{
			name: "neighbours that are the same count as duplicates",
			file: "a.txt", format: FormatPlain, text: "x.example\nX.example.\ny.example\n",
			want: []string{"a name x.example", "a name y.example"},
		},
		{
			name: "bare names match themselves only when that is asked for",
			file: "a.txt", format: FormatPlain, text: "x.example\n*.y.example\n", opt: Options{Exact: true, Category: "own"},
			want: []string{"own exact x.example", "own name y.example"},
		},
		{
			name: "every wildcard spelling",
			file: "w.list", format: FormatWildcard, opt: Options{Format: FormatWildcard},
			text: "[Adblock Plus]\n! note\n*.a.example\n.b.example\n||c.example^\n|d.example^\n||e.example^$important\nf.example^\n||g.example/path^\nplain.example\n",
			want: []string{
				"w name a.example", "w name b.example", "w name c.example", "w exact d.example", "w name e.example important",
				"w name f.example", "w url g.example/path", "w name plain.example",
			}, skipped: 2,
		},
		{
			name: "rules with conditions are never widened, styling is skipped, exceptions never block",
			file: "w.list", format: FormatAdblock,
			text: "||a.example^\n||b.example^$third-party\n@@||c.example^\nd.example##.banner a\n||e*.example^\n||com^\n",
			want: []string{"w name a.example", "w name c.example except"}, invalid: 3, skipped: 1,
		},
		{
			name: "exceptions come marked",
			file: "w.list", format: FormatAdblock, text: "||a.example^\n@@||ok.a.example^\n",
			want: []string{"w name a.example", "w name ok.a.example except"},
		},
		{
			name: "a hosts file",
			file: "Social.hosts", format: FormatHosts,
			text: "127.0.0.1 localhost\n::1 ip6-localhost\nfe80::1%lo0 localhost\n0.0.0.0 0.0.0.0\n0.0.0.0 a.example b.example # two\n127.0.0.1\tC.example\n:: d.example\n10.1.2.3 intranet.example\nsingle.example\n0.0.0.0 bad_.exa%mple\nword other.example\n0.0.0.0\n",
			want: []string{"social exact a.example", "social exact b.example", "social exact c.example", "social exact d.example", "social name single.example"}, invalid: 2, skipped: 6,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, rep, err := readText(t, tt.file, tt.text, tt.opt)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if rep.Format != tt.format || rep.Invalid != tt.invalid || rep.Skipped != tt.skipped {
				t.Errorf("report: format %s, invalid %d, skipped %d; want %s, %d, %d\n%+v", rep.Format, rep.Invalid, rep.Skipped, tt.format, tt.invalid, tt.skipped, rep.Files)
			}
			if f := rep.Files[0]; f.Bytes != int64(len(tt.text)) {
				t.Errorf("bytes %d, want %d", f.Bytes, len(tt.text))
			}
		})
	}
}

func TestRefusedLinesKeepTheirPlace(t *testing.T) {
	text := "good.example\n\nbad name \x9f\u202e" + strings.Repeat("ü", 100) + "\n" + strings.Repeat("x", 5000) + "\n" +
		strings.Repeat("no dots\n", 150)
	_, rep, err := readText(t, "a.txt", text, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := rep.Files[0]
	if f.Lines != 154 || f.Accepted != 1 || f.Invalid != 152 || len(f.Refused) != 100 {
		t.Fatalf("lines %d accepted %d invalid %d kept %d", f.Lines, f.Accepted, f.Invalid, len(f.Refused))
	}
	if r := f.Refused[0]; r.Line != 3 || len(r.Text) > 80 || strings.ContainsRune(r.Text, '\u202e') || !strings.HasPrefix(r.Text, "bad name ?") {
		t.Errorf("first refused: %+v", r)
	}
	if r := f.Refused[1]; r.Line != 4 || !strings.Contains(r.Reason, "4096") || r.Text != strings.Repeat("x", 80) {
		t.Errorf("long line: %+v", r)
	}
	if r := f.Refused[2]; r.Line != 5 || r.Text != "no dots" {
		t.Errorf("line after the long one: %+v", r)
	}
}

func TestWholeListRefused(t *testing.T) {
	tests := []struct {
		name, text, want string
		opt              Options
	}{
		{"a web page", "\n<!DOCTYPE html>\n<html>", "web page", Options{}},
		{"a web page after a comment", "# hi\nx.example\n<html lang=en>", "line 3: this is a web page", Options{}},
		{"any mark-up first", "<?xml version='1.0'?>\nx.example", "web page", Options{}},
		{"control bytes", "x.example\ny\x00.example\n", "line 2: the file holds binary", Options{}},
		{"an empty file", "", "the list is empty", Options{}},
		{"comments only", "# nothing\n\n", "the list is empty", Options{}},
		{"prose", "The service is not available.\nPlease try again.\n", `not one line could be used; the first that should have been: "The service`, Options{}},
		{"half of a tar in a file", strings.Repeat("x", 257) + "ustar\x0000" + strings.Repeat("y", 300), "archive", Options{Format: FormatPlain}},
		{"squidGuard's database", "\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x62\x31\x05\x00\x09\x00", "squidGuard's own database", Options{}},
		{"a zip", "PK\x03\x04....", "zip archive", Options{}},
		{"xz", "\xfd7zXZ\x00....", "cut short", Options{}},
		{"too many entries", "a.example\nb.example\nc.example\n", "line 3: the list holds more than 2 entries", Options{MaxEntries: 2}},
		{"too many bytes", strings.Repeat("a.example\n", 20_000), "larger than 64 KB when unpacked", Options{MaxBytes: 64 << 10}},
		{"not the tree asked for", "a.example\n", "no UT1 tree", Options{Format: FormatUT1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := readText(t, "a.txt", tt.text, tt.opt)
			var r *Refusal
			if !errors.As(err, &r) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want a refusal with %q", err, tt.want)
			}
		})
	}
}

func TestCallerEndsTheReading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("a.example\nb.example\n", 5000)), 0o600); err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	rep, err := Read(context.Background(), path, Options{}, func(Entry) error { return enough })
	if !errors.Is(err, enough) || rep.Accepted != 1 {
		t.Errorf("emit's error came back as %v after %d entries", err, rep.Accepted)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	_, err = Read(ctx, path, Options{}, func(Entry) error { n++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || n > checkEveryLines {
		t.Errorf("after the context ended: %v, %d entries", err, n)
	}
	if _, err := Read(context.Background(), path, Options{Format: "xlsx"}, nil); err == nil || !strings.Contains(err.Error(), "xlsx") {
		t.Errorf("an unknown format gave %v", err)
	}
	if _, err := Read(context.Background(), path+".none", Options{}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a path that is not there gave %v", err)
	}
}

func TestDetect(t *testing.T) {
	for text, want := range map[string]Format{
		"# hosts\n127.0.0.1 localhost\n0.0.0.0 a.example\n": FormatHosts,
		"! x\n||a.example^\n||b.example^\n":                 FormatAdblock,
		"*.a.example\n*.b.example\n":                        FormatWildcard,
		"a.example\nb.example\n*.c.example\n":               FormatPlain,
	} {
		path := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Detect(path)
		if err != nil || got != want {
			t.Errorf("%q: %s %v, want %s", text, got, err, want)
		}
	}
	path := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(path, []byte("<html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := Detect(path); err == nil {
		t.Errorf("a web page was taken for %s", f)
	}
}
