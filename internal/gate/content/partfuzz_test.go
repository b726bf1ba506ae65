package content

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"belisha/internal/verdict"
)

// FuzzPart sends any part of something through, as whatever it says that it is
// a part of: what goes on are the bytes that came.
func FuzzPart(f *testing.F) {
	f.Add("video/mp4", "bytes=0-", "bytes 0-99/100", "\x00\x00\x00\x18ftypmp42")
	f.Add("video/mp4", "bytes=500-", "bytes 500-599/600", "MZ")
	f.Add("image/jpeg", "bytes=-5", "bytes 0-1/*", "\xff\xd8")
	f.Add("multipart/byteranges; boundary=b", "bytes=0-1,4-5", "", "--b\r\nContent-Range: bytes 0-1/9\r\n\r\nab\r\n--b--")
	f.Add("text/html", "Bytes = 1 - 2", "bytes 99999999999999999999-1/2", "<p>badword")
	w := newWorld(f, strict())
	f.Fuzz(func(t *testing.T, typ, asked, said, content string) {
		a, r := w.ask("site.test", "/film.mp4"), get("/film.mp4")
		r.Header["Range"] = []string{asked}
		res := &http.Response{
			StatusCode: http.StatusPartialContent, Header: http.Header{"Content-Type": {typ}, "Content-Range": {said}},
			ContentLength: int64(len(content)), Body: io.NopCloser(strings.NewReader(content)),
		}
		if found := w.p.Request(t.Context(), a, r); found != nil && found.Action == verdict.Block {
			return
		}
		found := w.p.Response(t.Context(), a, r, res)
		defer func() { _ = res.Body.Close() }()
		if found != nil && found.Action == verdict.Block {
			return
		}
		got, err := io.ReadAll(res.Body)
		if err == nil && string(got) != content {
			t.Errorf("%q came out of %q", got, content)
		}
	})
}
