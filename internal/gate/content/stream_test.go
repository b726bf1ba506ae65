package content

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"belisha/internal/gate/content/decode"
	"belisha/internal/gate/content/text"
	"belisha/internal/gate/porter"
)

// streamed reads a body as one that goes by, in the pieces that r gives.
func (w *world) streamed(typ, coding string, r io.Reader) ([]byte, error) {
	w.t.Helper()
	a := w.ask("site.test", "/page")
	h := a.Handling()
	res := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {typ}}, ContentLength: -1}
	l := &look{
		Pipeline: w.p, ctx: w.t.Context(), a: a, r: get("/page"), res: res, h: h, phrases: weighed(a, &h),
		typ: text.ParseType([]string{typ}), codings: decode.Parse([]string{coding}),
	}
	if f := l.stream(text.KindOf(l.typ, nil), io.NopCloser(r), nil); f != nil {
		w.t.Fatalf("%+v", f)
	}
	out, err := io.ReadAll(l.res.Body)
	_ = l.res.Body.Close()
	return out, err
}

// A body that goes by is read the same wherever its pieces end: in a letter of
// several bytes, in an escape, in a tag, in a word.
func TestAStreamIsReadTheSameWhereverItsPiecesEnd(t *testing.T) {
	w := newWorld(t, strict())
	filler := strings.Repeat("<p class='x'>Rivers and mountains, &amp; a spring.</p>\n", 60)
	letters := func(e encoding.Encoding, s string) string {
		out, err := e.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	russian := strings.Repeat("<p>Реки и горы весной.</p> ", 60)
	tests := []struct {
		name, typ, body string
		closed          bool
	}{
		{"a page", "text/html; charset=utf-8", filler + "<p>a bad<b title='x > y'>wo</b>rd b</p>", true},
		{"a page with references", "text/html; charset=utf-8", filler + "<p>a b&#97;dw&#x6f;rd b</p>", true},
		{"a page in UTF-16", "text/html; charset=utf-16le", letters(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), filler+"<p>a badword b"), true},
		{"a page in UTF-16 with its mark", "text/html", letters(unicode.UTF16(unicode.BigEndian, unicode.UseBOM), filler+"<p>a badword b"), true},
		{"a page in Windows-1251 as it says itself", "text/html", letters(charmap.Windows1251, "<meta charset=windows-1251>"+russian+"<p>это плохое слово"), true},
		{"a page in KOI8-R that says so late in its head", "text/html", "<head><script>" + strings.Repeat("var a = 1; ", 150) + "</script><meta charset=koi8-r></head>" + letters(charmap.KOI8R, russian+"<p>это плохое слово"), true},
		{"a page in Cyrillic without spaces for long", "text/html; charset=utf-8", strings.Repeat("реки", 9000) + " плохое слово", true},
		{"a page in GB18030", "text/html; charset=gb18030", letters(simplifiedchinese.GB18030, strings.Repeat("<p>河流和山</p>", 100)) + "<p>a badword b", true},
		{"a page in ISO-2022-JP", "text/html; charset=iso-2022-jp", letters(japanese.ISO2022JP, strings.Repeat("<p>川と山</p>", 100)+"<p>a badword b"), true},
		{"text", "text/plain; charset=utf-8", strings.Repeat("rivers and mountains ", 100) + "a b\u00e1dword b", true},
		{"JSON", "application/json", `{"a":["` + strings.Repeat("rivers ", 100) + `","a b\u0061dword b"]}`, true},
		{"a script", "text/javascript", strings.Repeat("f(1);\n", 200) + `show("a bad" + "word here");`, true},
		{"events", "text/event-stream", strings.Repeat("data: rivers\n\n", 100) + "data: a badword b\n\n", true},
		{"a page that is fine", "text/html; charset=utf-8", filler + "<p>a good b</p>", false},
		{"words that tags part", "text/html; charset=utf-8", filler + "<p>bad</p><p>word</p>", false},
	}
	for _, tt := range tests {
		for _, coding := range []string{"", "gzip"} {
			body := tt.body
			if coding != "" {
				body = coded(t, body, coding)
			}
			for name, r := range map[string]io.Reader{
				"at once": strings.NewReader(body), "byte by byte": iotest.OneByteReader(strings.NewReader(body)),
				"in halves": iotest.HalfReader(strings.NewReader(body)), "with its end": iotest.DataErrReader(iotest.OneByteReader(strings.NewReader(body))),
			} {
				t.Run(fmt.Sprintf("%s, %s, %s", tt.name, coding, name), func(t *testing.T) {
					w.t = t
					got, err := w.streamed(tt.typ, coding, r)
					if errors.Is(err, porter.ErrCut) != tt.closed || err != nil && !tt.closed {
						t.Errorf("%v", err)
					}
					if !bytes.HasPrefix([]byte(body), got) || err == nil && len(got) != len(body) {
						t.Errorf("%d bytes of %d came, and they are not the same", len(got), len(body))
					}
				})
			}
		}
	}
	w.t = t
}
