package icap

import (
	"io"
	"strings"
	"testing"
)

// BenchmarkKeepAlive is how many requests go over one connection, one after
// the other.
func BenchmarkKeepAlive(b *testing.B) {
	page := strings.Repeat("x", 30_000)
	for _, c := range []struct {
		name, send string
		echoed     int
	}{
		{"REQMOD that passes", reqmod(get("http://ok.test/"), "Allow: 204\r\n"), 0},
		{"RESPMOD that passes by its preview", respmod(get("http://ok.test/"), pageHead, "Preview: 4096\r\n") + chunk(page[:4096]) + last, 0},
		{"RESPMOD of 30 kB that is sent back", respmod(get("http://ok.test/"), pageHead, "") + chunk(page) + last, 30_000},
		{"REQMOD that is closed", reqmod(get("http://bad.test/"), "Allow: 204\r\n"), 1000},
	} {
		b.Run(c.name, func(b *testing.B) {
			_, s := open(b, nil)
			w := dial(b, s)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := io.WriteString(w.c, c.send); err != nil {
					b.Fatal(err)
				}
				if r := w.reply(); r.code >= 300 || len(r.body) < c.echoed {
					b.Fatalf("%d", r.code)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
		})
	}
}
