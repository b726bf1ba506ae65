package content

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"belisha/internal/verdict"
)

// FuzzResponse sends any answer through: nothing panics, nothing is left
// behind, and what goes on are the bytes that came.
func FuzzResponse(f *testing.F) {
	f.Add("text/html", "gzip", "", "<p>badword")
	f.Add("text/event-stream", "", "", "data: {\"content\":\"x\"}\n\n")
	f.Add("image/png", "br", "attachment; filename=a.exe", "MZ")
	f.Add("", "", "inline", "PK\x03\x04")
	f.Add("text/plain; charset=utf-16", "deflate", "", "\x78\x9c\x00")
	w := newWorld(f, strict())
	f.Fuzz(func(t *testing.T, typ, coding, disposition, content string) {
		a := w.ask("chat.test", "/api/x")
		res := &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: int64(len(content)), Body: io.NopCloser(strings.NewReader(content))}
		for name, v := range map[string]string{"Content-Type": typ, "Content-Encoding": coding, "Content-Disposition": disposition} {
			if v != "" {
				res.Header[name] = []string{v}
			}
		}
		if len(content)%2 == 1 {
			res.ContentLength = -1
		}
		found := w.p.Response(t.Context(), a, get("/api/x"), res)
		defer func() { _ = res.Body.Close() }()
		if found != nil && found.Action == verdict.Block {
			return
		}
		if got, err := io.ReadAll(res.Body); err == nil && string(got) != content {
			t.Errorf("%q came out of %q", got, content)
		}
	})
}

// FuzzUpload sends any upload through.
func FuzzUpload(f *testing.F) {
	f.Add("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\nbody\r\n--b--\r\n")
	f.Add("multipart/form-data; boundary=b", "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n\r\n--b--")
	f.Add("multipart/form-data; boundary=\"b\"; boundary=c", "--b\r\n\r\n--b--")
	f.Add("application/octet-stream", "x")
	w := newWorld(f, strict())
	f.Fuzz(func(t *testing.T, typ, content string) {
		a := w.ask("site.test", "/upload")
		r := httptest.NewRequest("POST", "http://site.test/upload", strings.NewReader(content))
		r.Header["Content-Type"] = []string{typ}
		found := w.p.Request(t.Context(), a, r)
		defer func() { _ = r.Body.Close() }()
		if found != nil && found.Action == verdict.Block {
			return
		}
		if got, err := io.ReadAll(r.Body); err == nil && string(got) != content {
			t.Errorf("%q went on of %q", got, content)
		}
	})
}

// FuzzPrompt reads anything that may be written to an AI service.
func FuzzPrompt(f *testing.F) {
	f.Add("application/json", `{"messages":[{"content":"a badword"}]}`)
	f.Add("application/json", `{"prompt":"[\"{\\\"prompt\\\":\\\"x y\\\"}\"]"}`)
	f.Add("application/x-www-form-urlencoded", "prompt=%5B%22a b%22%5D&%")
	f.Add("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=prompt\r\n\r\nx\r\n--b--")
	w := newWorld(f, strict())
	f.Fuzz(func(t *testing.T, typ, content string) {
		a := w.ask("chat.test", "/api/x")
		r := httptest.NewRequest("POST", "http://chat.test/api/x", strings.NewReader(content))
		r.Header["Content-Type"] = []string{typ}
		found := w.p.Request(t.Context(), a, r)
		defer func() { _ = r.Body.Close() }()
		if found != nil && (len(found.Words) > 4*maxWords || strings.ContainsAny(found.Words, "\n\r\x00")) {
			t.Errorf("%q is written down", found.Words)
		}
	})
}
