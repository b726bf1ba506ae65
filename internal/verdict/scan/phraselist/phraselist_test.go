package phraselist_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"belisha/internal/verdict/scan"
	"belisha/internal/verdict/scan/phraselist"
)

func read(t testing.TB, tree phraselist.Tree, o scan.Options) (*scan.Phrases, phraselist.Report) {
	t.Helper()
	b := scan.NewBuilder(o)
	rep, err := phraselist.Read(tree, phraselist.Roots(tree), b)
	if err != nil {
		t.Fatal(err)
	}
	_, p, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return p, rep
}

func weigh(p *scan.Phrases, text string, minute uint16) scan.Result {
	var s scan.Scratch
	return p.Weigh(&scan.Text{Smart: append(scan.AppendFolded([]byte{' '}, []byte(text)), ' ')}, 100, minute, &s)
}

func TestLinesMeanWhatTheyDoInE2guardian(t *testing.T) {
	for _, c := range []struct {
		name, file, line string
		text             string
		score            int
		closed, open     bool
		category         string
	}{
		{name: "a weight", line: "<word><30>", text: "swords", score: 30},
		{name: "a word by itself", line: "< word ><30>", text: "swords"},
		{name: "a weight below nothing", line: "<word><-30>", text: "word", score: -30},
		{name: "a share of the limit", line: "<word><25%>", text: "word", score: 25},
		{name: "text behind is ignored", line: "<word><30>   # seen 2019", text: "word", score: 30},
		{name: "blanks around are ignored", line: "\t <word><30> \t", text: "word", score: 30},
		{name: "capitals", line: "<WORD><30>", text: "Word", score: 30},
		{name: "marks in a phrase are spaces", line: "<well-known__word><30>", text: "well.known word", score: 30},
		{name: "no weight closes in a list of weights", line: "<word>", text: "word", closed: true},
		{name: "no weight closes in a banned list", file: "banned", line: "<word>", text: "word", closed: true},
		{name: "no weight opens in an exception list", file: "exception", line: "<word>", text: "word", open: true},
		{name: "a weight counts in an exception list too", file: "exception", line: "<word><30>", text: "word", score: 30},
		{name: "weight nought is no weight", line: "<word><0>", text: "word", closed: true},
		{name: "a combination", line: "<one>,<two><30>", text: "two ones", score: 30},
		{name: "a combination with blanks", line: "<one>,  <two><30>", text: "two ones", score: 30},
		{name: "a banned combination", file: "banned", line: "<one>,<two>", text: "two ones", closed: true},
		{name: "an exception of two", file: "exception", line: "<one>,<two>", text: "two ones", open: true},
		{name: "an empty part is no part", line: "<one>,<><30>", text: "one", score: 30},
		{name: "a comment", line: "#<word><30>", text: "word"},
		{name: "a category", line: "#listcategory: \"Bad Things\"\n<word><30>", text: "word", score: 30, category: "Bad Things"},
		{name: "lines end in CR and LF", line: "<word><30>\r\n<other><20>\r\n", text: "word other", score: 50},
		{name: "lines end in CR", line: "<word><30>\r<other><20>", text: "word other", score: 50},
		{name: "a byte order mark", line: "\ufeff<word><30>", text: "word", score: 30},
		{name: "Latin-1", line: "<na\xefve><30>", text: "naïve", score: 30},
		{name: "case is kept after noconvert, and folded like the page", line: "#noconvert\n<GRÖSSE><30>", text: "grösse", score: 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := c.file
			if name == "" {
				name = "weighted"
			}
			p, rep := read(t, phraselist.Tree{name: []byte(c.line)}, scan.Options{})
			r := weigh(p, c.text, 0)
			if r.Score != c.score || r.Closed() != c.closed || r.Exception != c.open {
				t.Errorf("score %d, closed %v, open %v", r.Score, r.Closed(), r.Exception)
			}
			if c.category != "" && r.Category != c.category {
				t.Errorf("category %q", r.Category)
			}
			if rep.Invalid != 0 {
				t.Errorf("refused: %+v", rep.Files[0].Refused)
			}
		})
	}
}

func TestTimesOfDay(t *testing.T) {
	// Thursday is 3. The time goes on into what is included, and not back.
	tree := phraselist.Tree{
		"weightedphraselist": []byte("<always><1>\n#time: 9 0 15 30 01234\n<lessons><2>\n.Include<more/list>\n#time: 0 0 23 59 56\n<weekend><4>"),
		"more/list":          []byte("<also><8>\n#time: 0 0 23 59 3\n<thursday><16>\n"),
	}
	p, _ := read(t, tree, scan.Options{})
	const text = "always lessons weekend also thursday"
	for _, c := range []struct {
		name   string
		day    int
		clock  int
		weight int
	}{
		{"Monday before school", 0, 8*60 + 59, 1},
		{"Monday as it begins", 0, 9 * 60, 1 + 2 + 8},
		{"its last minute", 4, 15*60 + 30, 1 + 2 + 8},
		{"after it", 4, 15*60 + 31, 1},
		{"Thursday night", 3, 3 * 60, 1 + 16},
		{"Thursday noon", 3, 12 * 60, 1 + 2 + 8 + 16},
		{"Sunday", 6, 12 * 60, 1 + 4},
	} {
		if r := weigh(p, text, uint16(c.day*1440+c.clock)); r.Score != c.weight {
			t.Errorf("%s: %d, want %d", c.name, r.Score, c.weight)
		}
	}
}

func TestATimeThatCannotBeReadNeverOpensAnything(t *testing.T) {
	for _, bad := range []string{"22 0 6 0 01234", "9 0 25 0 0", "9 0 10", "9 0 10 0 7", "nine 0 10 0 1"} {
		p, rep := read(t, phraselist.Tree{"weighted": []byte("#time: " + bad + "\n<bad><30>\n<good><-20>\n")}, scan.Options{})
		if r := weigh(p, "bad and good", 0); r.Score != 30 || rep.Invalid != 2 {
			t.Errorf("%s: weighs %d, %d lines refused", bad, r.Score, rep.Invalid)
		}
	}
}

func TestIncludesStayInsideAndComeToAnEnd(t *testing.T) {
	tree := phraselist.Tree{
		"lists/weightedphraselist": []byte("#listcategory: \"Top\"\n.Include</etc/e2guardian/lists/phraselists/a/weighted>\n" +
			".INCLUDE<__LISTDIR__/phraselists/B/Weighted>\n.include<beside>\n<top><1>\n.Include<../../etc/passwd>\n.Include<nowhere/at/all>\n.Include<>\n"),
		"lists/beside":                 []byte("<beside><2>\n"),
		"lists/phraselists/a/weighted": []byte("#listcategory: \"Alpha\"\n<alpha><4>\n.Include<weighted2>\n"),
		"lists/phraselists/a/weighted2": []byte("<inherits><8>\n.Include</etc/e2guardian/lists/phraselists/a/weighted>\n" +
			".Include<lists/weightedphraselist>\n"),
		"lists/phraselists/b/weighted": []byte("<beta><16>\n"),
	}
	p, rep := read(t, tree, scan.Options{})
	r := weigh(p, "top beside alpha inherits beta", 0)
	if r.Score != 31 {
		t.Errorf("weighs %d", r.Score)
	}
	if r := weigh(p, "inherits", 0); r.Category != "Alpha" {
		t.Errorf("what is included is of the category %q", r.Category)
	}
	if r := weigh(p, "beta top", 0); r.Category != "Top" {
		t.Errorf("a category of what was included came back: %q", r.Category)
	}
	reasons := ""
	for _, f := range rep.Files {
		for _, x := range f.Refused {
			reasons += x.File + ":" + x.Reason + "\n"
		}
	}
	for _, want := range []string{"it leads out of the list", "there is no such file", "it is no .Include<file>", "the list includes itself"} {
		if !strings.Contains(reasons, want) {
			t.Errorf("nobody says %q:\n%s", want, reasons)
		}
	}
	if rep.Invalid != 5 || rep.Accepted != 5 {
		t.Errorf("%d refused, %d accepted:\n%s", rep.Invalid, rep.Accepted, reasons)
	}
}

func TestListsThatIncludeOneAnotherWithoutEndAreBounded(t *testing.T) {
	tree := phraselist.Tree{}
	for i := range 30 {
		next := string(rune('a'+i+1)) + "x"
		tree[string(rune('a'+i))+"x"] = []byte(strings.Repeat(".Include<"+next+">\n", 20))
	}
	b := scan.NewBuilder(scan.Options{})
	if _, err := phraselist.Read(tree, []phraselist.Root{{Path: "ax"}}, b); err == nil {
		t.Error("read to an end")
	}
}

func TestTheReportTellsEveryLine(t *testing.T) {
	tree := phraselist.Tree{"weighted": []byte("# a list\n<good><10>\n<good><10>\nrubbish\n<a><10>\n<\xa4\xa4><10>\n<><10>\n\n<fine><20>\n")}
	_, rep := read(t, tree, scan.Options{})
	f := rep.Files[0]
	if f.Lines != 9 || f.Accepted != 2 || f.Duplicates != 1 || f.Invalid != 4 || rep.Accepted != 2 {
		t.Errorf("%+v", f)
	}
	for i, line := range []int{4, 5, 6, 7} {
		if f.Refused[i].Line != line || f.Refused[i].Reason == "" {
			t.Errorf("refused: %+v", f.Refused[i])
		}
	}
}

func TestAListIsReadFromAFolderAndFromPackedFiles(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "lists")
	files := map[string]string{
		"weightedphraselist":           ".Include</etc/lists/phraselists/adult/weighted>\n<top><1>\n",
		"phraselists/adult/weighted":   "<adult><2>\n",
		"phraselists/unused/weighted":  "<unused><4>\n",
		"bannedphraselist":             "<banned>\n",
		"logo.png":                     "\x89PNG\x00\x00",
		"phraselists/adult/regexpurls": "(a|b)",
	}
	for name, text := range files {
		path := filepath.Join(src, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(src, "phraselists", "adult", "weighted_link")); err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{"folder": src, "zip": filepath.Join(dir, "l.zip"), "tar": filepath.Join(dir, "l.tar"), "tar.gz": filepath.Join(dir, "l.tgz")}
	write(t, paths["zip"], zipped(t, files))
	packed := tarred(t, files)
	write(t, paths["tar"], packed)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(packed); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	write(t, paths["tar.gz"], z.Bytes())
	for name, path := range paths {
		tree, err := phraselist.Load(context.Background(), path)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p, _ := read(t, tree, scan.Options{})
		if r := weigh(p, "top adult unused", 0); r.Score != 3 {
			t.Errorf("%s weighs %d", name, r.Score)
		}
		if r := weigh(p, "banned", 0); !r.Closed() {
			t.Errorf("%s: what is banned is open", name)
		}
	}
}

func TestPackedFilesThatLeadOutOrSwellAreRefused(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.tar")
	write(t, out, tarred(t, map[string]string{"../../evil": "<word><1>"}))
	if _, err := phraselist.Load(context.Background(), out); err == nil {
		t.Error("a path that leads out was taken")
	}
	big := filepath.Join(dir, "big.zip")
	write(t, big, zipped(t, map[string]string{"weighted": strings.Repeat("<word><1>\n", 1<<20)}))
	if _, err := phraselist.Load(context.Background(), big); err == nil {
		t.Error("a file of 10 MB was taken")
	}
	cut := filepath.Join(dir, "cut.zip")
	whole := zipped(t, map[string]string{"weighted": "<word><1>\n"})
	write(t, cut, whole[:len(whole)/2])
	if _, err := phraselist.Load(context.Background(), cut); err == nil {
		t.Error("half a file was taken")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := phraselist.Load(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("went on after it was called off: %v", err)
	}
}

func tarred(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text)), Format: tar.FormatUSTAR}); err != nil {
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

func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"<word><30>\n", "<a>,< b ><-5%>\n.Include<a/b>\n", "#listcategory: \"X\"\n#time: 9 0 15 0 01234\n<one>,<two>,<three>",
		"#noconvert\n<\xa4\xa4><10>\r<><>,<>", "<,><,><>>,<<><%>", ".Include<../x>\n.Include<weighted>", "<a\x00b><10>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, list []byte) {
		tree := phraselist.Tree{"weighted": list, "x/banned": list, "a/b": list}
		for _, o := range []scan.Options{{}, {Plain: true, PerOccurrence: true}} {
			b := scan.NewBuilder(o)
			rep, err := phraselist.Read(tree, phraselist.Roots(tree), b)
			if err != nil {
				continue
			}
			if rep.Accepted+rep.Duplicates+rep.Invalid > rep.Lines {
				t.Fatalf("%+v", rep)
			}
			_, p, err := b.Build()
			if err != nil {
				t.Fatalf("what was read cannot be used: %v", err)
			}
			var s scan.Scratch
			var text scan.Text
			text.Plain(list)
			p.Explain(&text, 60, 600, &s)
		}
	})
}

func TestAWebPageIsNoList(t *testing.T) {
	for _, text := range []string{"<!DOCTYPE html><html><body>404</body></html>", " \n<html><body>sorry</body></html>", "\ufeff<?xml version='1.0'?><error/>"} {
		tree := phraselist.Tree{"weighted": []byte(text)}
		if _, err := phraselist.Read(tree, phraselist.Roots(tree), scan.NewBuilder(scan.Options{})); err == nil {
			t.Errorf("%q was read as a list", text)
		}
	}
}
