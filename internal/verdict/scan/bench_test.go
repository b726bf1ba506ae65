package scan_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"belisha/internal/verdict/scan"
	"belisha/internal/verdict/scan/phraselist"
)

// shared is the folder of test data that is not part of the project.
const shared = "../../../../shared/data"

func needShared(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(shared)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		t.Skip("../shared not there")
	}
	return dir
}

type page struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

func benign(t testing.TB) []page {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(needShared(t), "pages_benign.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var out []page
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var p page
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return out
}

// corpus is the benign pages, folded, shuffled and repeated to size bytes.
func corpus(t testing.TB, size int) [][]byte {
	pages := benign(t)
	r := rand.New(rand.NewPCG(1, 2))
	var out [][]byte
	for total := 0; total < size; {
		for _, i := range r.Perm(len(pages)) {
			v := view(pages[i].Text)
			out = append(out, v)
			if total += len(v); total >= size {
				break
			}
		}
	}
	return out
}

// view is a text as a page is weighed: folded, between spaces.
func view(text string) []byte {
	return append(scan.AppendFolded([]byte{' '}, []byte(text)), ' ')
}

// wholeLists builds every list that e2guardian ships, with more phrases of the
// same make until there are most of them; 0: none are added.
func wholeLists(t testing.TB, most int) (*scan.Phrases, []byte) {
	tree, err := phraselist.Load(context.Background(), filepath.Join(needShared(t), "phraselists/e2guardian/phraselists"))
	if err != nil {
		t.Fatal(err)
	}
	b := scan.NewBuilder(scan.Options{})
	if _, err := phraselist.Read(tree, phraselist.Roots(tree), b); err != nil {
		t.Fatal(err)
	}
	file, p := build(t, b)
	n, _ := p.Count()
	if most == 0 || n >= most {
		return p, file
	}
	r := rand.New(rand.NewPCG(3, 4))
	words := bytes.Fields(bytes.Join(corpus(t, 1<<20), nil))
	for i := 0; n < most; i++ {
		// Two words of benign pages that seldom stand together, and now and
		// then one that is on many of them.
		text := " " + string(words[r.IntN(len(words))]) + " " + string(words[r.IntN(len(words))]) + " "
		if i%10 == 0 {
			text = string(words[r.IntN(len(words))]) + strconv.Itoa(i%7)
		}
		if duplicate, err := b.Add(scan.Line{Parts: []string{text}, Weight: 5, Category: "more"}); err == nil && !duplicate {
			n++
		}
	}
	file, p = build(t, b)
	return p, file
}

func build(t testing.TB, b *scan.Builder) ([]byte, *scan.Phrases) {
	t.Helper()
	file, p, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return file, p
}

func open(t testing.TB, file []byte) *scan.Phrases {
	t.Helper()
	p, err := scan.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func BenchmarkWeigh(b *testing.B) {
	for _, c := range []struct {
		name string
		most int
	}{{"lists of e2guardian", 0}, {"10,000 phrases", 10_000}} {
		b.Run(c.name, func(b *testing.B) {
			p, file := wholeLists(b, c.most)
			pages := corpus(b, 64<<20)
			size := 0
			for _, v := range pages {
				size += len(v)
			}
			n, combos := p.Count()
			b.SetBytes(int64(size))
			b.ReportAllocs()
			var s scan.Scratch
			for b.Loop() {
				for _, v := range pages {
					p.Weigh(&scan.Text{Smart: v}, 1_000_000, 600, &s)
				}
			}
			b.ReportMetric(float64(n), "phrases")
			b.ReportMetric(float64(combos), "combinations")
			b.ReportMetric(float64(len(file))/1024, "file-KB")
			b.ReportMetric(float64(p.Size())/(1<<20), "table-MB")
		})
	}
}

func BenchmarkFold(b *testing.B) {
	pages := benign(b)
	size := 0
	for _, p := range pages {
		size += len(p.Text)
	}
	b.SetBytes(int64(size))
	var dst []byte
	for b.Loop() {
		for i := range pages {
			dst = scan.AppendFolded(dst[:0], []byte(pages[i].Text))
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	_, file := wholeLists(b, 10_000)
	for b.Loop() {
		open(b, file)
	}
}
