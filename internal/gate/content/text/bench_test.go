package text

import (
	"fmt"
	"strings"
	"testing"
)

// page30 is a page of 30 KB like those of schools: headings, lists, paragraphs.
func page30() []byte {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Class notes</title>\n<style>body{margin:1em}</style></head><body>\n")
	for n := 0; b.Len() < 30<<10; n++ {
		if n%5 == 1 {
			fmt.Fprintf(&b, "<h2 id=\"s%d\">Part %d</h2>\n<ul class=\"nav\"><li><a href=\"/notes/%d.html\">Next part</a></li><li><img src=\"/p%d.png\" alt=\"Figure %d\" width=\"320\"></li></ul>\n", n, n, n, n, n)
		}
		fmt.Fprintf(&b, "<p class=\"text\">Pupils compare rivers and mountains during the spring term, and the engineers draw bridges %d times with help from the local museum. Gardeners record rainfall while keeping careful notes.</p>\n", n)
	}
	b.WriteString("</body></html>")
	return []byte(b.String())
}

func BenchmarkExtract30KB(b *testing.B) {
	page := page30()
	x := new(Extractor)
	t := ParseType([]string{"text/html; charset=utf-8"})
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		x.Extract(HTML, x.UTF8(t, HTML, page))
	}
}

func BenchmarkExtract30KBWithAccents(b *testing.B) {
	page := []byte(strings.ReplaceAll(string(page30()), "rivers", "rivières"))
	x := new(Extractor)
	t := ParseType([]string{"text/html; charset=utf-8"})
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		x.Extract(HTML, x.UTF8(t, HTML, page))
	}
}
