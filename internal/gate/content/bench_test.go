package content

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"belisha/internal/gate/gatetest"
	"belisha/internal/verdict/scan"
)

// manyPhrases are the phrases of e2guardian's lists where they lie beside the
// checkout, else ten thousand that were made up.
func manyPhrases(b testing.TB) *scan.Phrases {
	b.Helper()
	build := scan.NewBuilder(scan.Options{})
	n := 0
	add := func(parts []string, weight int) {
		if _, err := build.Add(scan.Line{Parts: parts, Weight: weight, Category: "adult"}); err == nil {
			n++
		}
	}
	tree, err := filepath.Glob("../../../../shared/data/phraselists/e2guardian/phraselists/*/weighted*")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range tree {
		text, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var parts []string
			for part := range strings.SplitSeq(line, "<") {
				if word, _, ok := strings.Cut(part, ">"); ok {
					parts = append(parts, strings.ToLower(word))
				}
			}
			if len(parts) > 1 && strings.HasPrefix(line, "<") {
				add(parts[:len(parts)-1], 1)
			}
		}
	}
	for i := 0; n < 10_000; i++ {
		add([]string{fmt.Sprintf(" word%dmade up ", i*7919)}, 1)
	}
	_, p, err := build.Build()
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func page30() string {
	var s strings.Builder
	s.WriteString("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Class notes</title>\n<style>body{margin:1em}</style></head><body>\n")
	for n := 0; s.Len() < 30<<10; n++ {
		if n%5 == 1 {
			fmt.Fprintf(&s, "<h2 id=\"s%d\">Part %d</h2>\n<ul class=\"nav\"><li><a href=\"/notes/%d.html\">Next part</a></li><li><img src=\"/p%d.png\" alt=\"Figure %d\" width=\"320\"></li></ul>\n", n, n, n, n, n)
		}
		fmt.Fprintf(&s, "<p class=\"text\">Pupils compare rivers and mountains during the spring term, and the engineers draw bridges %d times with help from the local museum. Gardeners record rainfall while keeping careful notes.</p>\n", n)
	}
	return s.String() + "</body></html>"
}

// body is one that costs nothing.
type body struct{ *strings.Reader }

func (body) Close() error { return nil }

func benchmarkPage(b *testing.B, page, coding string) {
	w := newWorld(b, strict())
	rules := gatetest.Rules()
	rules.Groups[0].Content = strict()
	w.Porter.Use(gatetest.Snapshot(b, rules).With(manyPhrases(b)))
	a := w.ask("site.test", "/page")
	r := get("/page")
	res := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}}
	if coding != "" {
		res.Header["Content-Encoding"] = []string{coding}
		page = coded(b, page, coding)
	}
	src := strings.NewReader(page)
	b.SetBytes(30 << 10)
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(page)
		res.Body, res.ContentLength = body{src}, int64(len(page))
		if f := w.p.Response(b.Context(), a, r, res); f != nil {
			b.Fatal(f.Detail)
		}
		if n, err := io.Copy(io.Discard, res.Body); err != nil || n != int64(len(page)) {
			b.Fatal(n, err)
		}
		_ = res.Body.Close()
	}
}

func BenchmarkPage1KB(b *testing.B)      { benchmarkPage(b, page30()[:1<<10], "") }
func BenchmarkPage30KB(b *testing.B)     { benchmarkPage(b, page30(), "") }
func BenchmarkPage30KBGzip(b *testing.B) { benchmarkPage(b, page30(), "gzip") }

func BenchmarkRequest(b *testing.B) {
	w := newWorld(b, strict())
	a := w.ask("site.test", "/page")
	r := get("/page")
	b.ReportAllocs()
	for b.Loop() {
		r.Header["Accept-Encoding"] = []string{"gzip, deflate, br, zstd"}
		if f := w.p.Request(b.Context(), a, r); f != nil {
			b.Fatal(f.Detail)
		}
	}
}

func BenchmarkPicture1MB(b *testing.B) {
	w := newWorld(b, strict())
	a := w.ask("site.test", "/p.jpg")
	r := get("/p.jpg")
	picture := "\xff\xd8\xff\xe0" + string(bytes.Repeat([]byte{1, 2, 3, 0xfe}, 256<<10))
	src := strings.NewReader(picture)
	res := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"image/jpeg"}}}
	buf := make([]byte, 32<<10)
	b.SetBytes(int64(len(picture)))
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(picture)
		res.Body, res.ContentLength = body{src}, int64(len(picture))
		if f := w.p.Response(b.Context(), a, r, res); f != nil {
			b.Fatal(f.Detail)
		}
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, res.Body, buf); err != nil {
			b.Fatal(err)
		}
		_ = res.Body.Close()
	}
}
