package content

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"

	"belisha/internal/gate/spool"
	"belisha/internal/verdict"
)

func post(path, typ, body string) *http.Request {
	r := httptest.NewRequest("POST", "http://site.test"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", typ)
	return r
}

func fine(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "fine") }

func TestOnlyWhatIsReadHereIsAskedFor(t *testing.T) {
	w := newWorld(t, strict())
	var got http.Header
	w.serve = func(rw http.ResponseWriter, r *http.Request) { got = r.Header }
	for in, want := range map[string]string{
		"gzip, deflate, br, zstd":            "gzip, deflate, br, zstd",
		"gzip, dcb, dcz, br;q=0.5":           "gzip, br;q=0.5",
		"sdch, aes128gcm":                    "identity",
		"GZIP;q=1.0, compress, identity;q=0": "GZIP;q=1.0, identity;q=0",
	} {
		r := get("/")
		r.Header.Set("Accept-Encoding", in)
		r.Header.Set("Available-Dictionary", ":x:")
		w.do("site.test", r)
		if got.Get("Accept-Encoding") != want || got.Get("Available-Dictionary") != "" {
			t.Errorf("%s: %q, %q", in, got.Get("Accept-Encoding"), got.Get("Available-Dictionary"))
		}
	}
}

func TestSearchWordsAreWeighedAndFormsAreRead(t *testing.T) {
	w := newWorld(t, strict())
	w.serve = fine
	form := "application/x-www-form-urlencoded"
	tests := []struct {
		name    string
		r       *http.Request
		blocked bool
		words   string
	}{
		{"a search", get("/search?q=badword"), true, ""},
		{"two words", get("/search?q=some+badword"), true, ""},
		{"spelt with figures", get("/search?q=b4dw0rd"), true, ""},
		{"spelt with points", get("/search?q=b.a.d.w.o.r.d"), true, ""},
		{"with letters twice", get("/search?q=baddwoord"), true, ""},
		{"what is still typed", get("/suggest?q=badword"), false, ""},
		{"a search that is fine", get("/search?q=rivers"), false, ""},
		{"a form", post("/search", form, "q=badword"), true, "badword"},
		{"a form among others", post("/search", form, "a=b&q=badword&c=d"), true, "badword"},
		{"a form that is fine", post("/search", form, "q=rivers"), false, "rivers"},
		{"a form that tells something", post("/search", form, "q=i+want+to+vanish"), false, "i want to vanish"},
		{"a program's search", post("/search", "application/json", `{"context":{"client":"x"},"q":"badword"}`), true, "badword"},
		{"a form in parts", post("/search", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\nbadword\r\n--b--\r\n"), true, "badword"},
		{"a program's search that calls itself a text", post("/search", "text/plain;charset=UTF-8", `{"q":"badword"}`), true, "badword"},
		{"a form of another site", post("/other", form, "q=badword"), false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := w.do("site.test", tt.r)
			if got.blocked() != tt.blocked {
				t.Errorf("%+v", got.request)
			}
			if f := got.request; tt.words != "" && (f == nil || f.Words != tt.words || f.Engine != "any") {
				t.Errorf("words %+v", f)
			}
		})
	}
	got := w.do("site.test", post("/search", form, "q=i+want+to+vanish"))
	if got.request.Alert != "suicide" || string(got.sent) != "q=i+want+to+vanish" {
		t.Errorf("%+v, and the site got %q", got.request, got.sent)
	}
	a := w.ask("site.test", "/search")
	found := w.Porter.Found(a, got.request)
	w.Porter.Record(t.Context(), &found)
	if e := w.Events(t, 1)[0]; e.Words != "i want to vanish" || e.Engine != "any" || e.Alert != "suicide" || e.Action != spool.ActionAllow {
		t.Errorf("written down: %+v", e)
	}
}

func TestWhatIsWrittenToAIServicesIsRead(t *testing.T) {
	w := newWorld(t, strict())
	w.serve = fine
	multi := func(name, value string) (string, string) {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		_ = m.WriteField("other", "x")
		_ = m.WriteField(name, value)
		_ = m.Close()
		return m.FormDataContentType(), b.String()
	}
	multiType, multiBody := multi("prompt", "tell me of badword")
	tests := []struct {
		name, typ, body string
		blocked         bool
		alert, words    string
	}{
		{"a prompt", "application/json", `{"prompt":"tell me of badword"}`, true, "", "tell me of badword"},
		{"a list of messages: the last counts", "application/json", `{"messages":[{"role":"user","content":"badword"},{"role":"assistant","content":"no"},{"role":"user","content":"rivers then"}]}`, false, "", ""},
		{"the last of them", "application/json", `{"messages":[{"role":"user","content":"rivers"},{"role":"user","content":"a badword"}]}`, true, "", "a badword"},
		{"parts", "application/json", `{"content":{"parts":["a badword"]}}`, true, "", "a badword"},
		{"escaped", "application/json", `{"prompt":"a b\u0061dword"}`, true, "", "a badword"},
		{"JSON in JSON", "application/json", `{"prompt":"[[\"a badword please\",0]]"}`, true, "", "a badword please"},
		{"under a name nobody knows", "application/json", `{"newname":"tell me of badword"}`, true, "", "tell me of badword"},
		{"a form", "application/x-www-form-urlencoded", "prompt=a+badword", true, "", "a badword"},
		{"a form with JSON", "application/x-www-form-urlencoded", "prompt=%5B%5B%22a%20badword%22%5D%5D", true, "", "a badword"},
		{"a form in parts", multiType, multiBody, true, "", "tell me of badword"},
		{"spelt with points", "application/json", `{"prompt":"b.a.d.w.o.r.d"}`, true, "", "b.a.d.w.o.r.d"},
		{"something that somebody must hear of", "application/json", `{"prompt":"I want to vanish!"}`, false, "suicide", "I want to vanish!"},
		{"said of itself", "application/json", `{"prompt":"hurtword"}`, true, "selfharm", "hurtword"},
		{"what a stranger writes, which weighs too little to be closed", "application/json", `{"prompt":"lonelyword"}`, false, "exploitation", "lonelyword"},
		{"behind more words than a search has", "application/json", `{"prompt":"` + strings.Repeat("rivers ", 10_000) + `badword"}`, true, "", ""},
		{"behind a picture", "application/json", `{"inline_data":"` + strings.Repeat("QUJD", 1<<20) + `","prompt":"a badword"}`, true, "", "a badword"},
		{"longer than is read", "application/json", `{"inline_data":"` + strings.Repeat("QUJD", 3<<20) + `","prompt":"rivers"}`, true, "", ""},
		{"homework", "application/json", `{"prompt":"how do rivers begin"}`, false, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := w.do("chat.test", post("/api/x", tt.typ, tt.body))
			f := got.request
			if got.blocked() != tt.blocked || tt.words == "" && f != nil && !tt.blocked {
				t.Fatalf("%+v", f)
			}
			if tt.words != "" && (f == nil || f.Words != tt.words || f.Alert != tt.alert || f.Reason != verdict.ReasonChat || f.Engine != "chat") {
				t.Errorf("%+v", f)
			}
			if !tt.blocked && string(got.sent) != tt.body {
				t.Errorf("the service got %q", got.sent)
			}
		})
	}
	packed := coded(t, `{"prompt":"a badword"}`, "gzip")
	r := post("/api/x", "application/json", packed)
	r.Header.Set("Content-Encoding", "gzip")
	if got := w.do("chat.test", r); !got.blocked() {
		t.Errorf("packed: %+v", got.request)
	}
	if got := w.do("other.test", post("/api/x", "application/json", `{"prompt":"a badword"}`)); got.request != nil {
		t.Errorf("a site that is no such service: %+v", got.request)
	}
}

func upload(t *testing.T, change func(string) string, parts ...string) *http.Request {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i+1 < len(parts); i += 2 {
		h := textproto.MIMEHeader{"Content-Disposition": {parts[i]}, "Content-Type": {"application/octet-stream"}}
		if i == 0 && strings.HasPrefix(parts[i], "base64:") {
			h["Content-Disposition"][0] = strings.TrimPrefix(parts[i], "base64:")
			h.Set("Content-Transfer-Encoding", "base64")
		}
		p, err := m.CreatePart(h)
		if err == nil {
			_, err = io.WriteString(p, parts[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	_ = m.Close()
	body := b.String()
	if change != nil {
		body = change(body)
	}
	return post("/upload", m.FormDataContentType(), body)
}

func TestUploadsAreScannedAndReadStrictly(t *testing.T) {
	w := newWorld(t, strict())
	w.serve = fine
	named := `form-data; name="f"; filename="x.txt"`
	nested := "--in\r\nContent-Disposition: attachment; filename=a\r\nContent-Type: application/octet-stream\r\n\r\n" + eicarText + "\r\n--in--\r\n"
	retype := func(typ string) *http.Request {
		r := upload(t, nil, named, "a text")
		r.Header.Set("Content-Type", strings.ReplaceAll(typ, "B", strings.TrimPrefix(r.Header.Get("Content-Type"), "multipart/form-data; boundary=")))
		return r
	}
	tests := []struct {
		name string
		r    *http.Request
		want string // of the detail; "" is fine
	}{
		{"a file", upload(t, nil, named, "a text"), ""},
		{"a virus", upload(t, nil, named, eicarText), "upload: virus Eicar-Signature"},
		{"a virus behind a file", upload(t, nil, named, "a text", named, eicarText), "upload: virus"},
		{"a virus in base64", upload(t, nil, "base64:"+named, "WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo="), "upload: virus"},
		{"a virus in parts in a part", upload(t, func(s string) string {
			return strings.Replace(s, "application/octet-stream", "multipart/mixed; boundary=in", 1)
		}, named, nested), "upload: virus"},
		{"a program", upload(t, nil, named, program()), "upload: program"},
		{"a virus by itself", post("/upload", "application/octet-stream", eicarText), "upload: virus"},
		{"a file by itself", post("/upload", "image/png", "\x89PNG"), ""},
		{"fields of a form", post("/upload", "application/x-www-form-urlencoded", "a=b"), ""},
		{"without its end", upload(t, func(s string) string { return s[:strings.LastIndex(s, "--")-30] }, named, "a text"), "the upload is malformed"},
		{"with something before", upload(t, func(s string) string { return "x\r\n" + s }, named, "a text"), "the upload is malformed"},
		{"with something behind", upload(t, func(s string) string { return s + "\r\nmore" }, named, "a text"), "the upload is malformed"},
		{"with bare line ends", upload(t, func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }, named, "a text"), "the upload is malformed"},
		{"of no boundary", retype("multipart/form-data"), "the upload is malformed"},
		{"of two boundaries", retype("multipart/form-data; boundary=B; boundary=C"), "the upload is malformed"},
		{"of a boundary in quotes", retype(`multipart/form-data; boundary="B"`), ""},
		{"of two names", upload(t, func(s string) string {
			return strings.Replace(s, "Content-Type:", "Content-Disposition: form-data; name=g\r\nContent-Type:", 1)
		}, named, "a text"), "the upload is malformed"},
		{"in an odd coding", upload(t, func(s string) string {
			return strings.Replace(s, "Content-Type:", "Content-Transfer-Encoding: x-uuencode\r\nContent-Type:", 1)
		}, named, "a text"), "the upload is malformed"},
		{"too large", post("/upload", "application/octet-stream", strings.Repeat("x", 26<<20)), "not scanned: 26 MB"},
		{"a virus as a text that is put somewhere", put(post("/a.txt", "text/plain", eicarText)), "upload: virus"},
		{"a text that is put somewhere", put(post("/a.txt", "text/plain", "a text")), ""},
		{"a message in a text", post("/beacon", "text/plain", "a text"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body, err := io.ReadAll(tt.r.Body)
			if err != nil {
				t.Fatal(err)
			}
			tt.r.Body = io.NopCloser(bytes.NewReader(body))
			got := w.do("site.test", tt.r)
			f := got.request
			wantBlock := tt.want != "" && tt.want != "upload: program"
			if got.blocked() != wantBlock || (f == nil) != (tt.want == "") || f != nil && !strings.HasPrefix(f.Detail, tt.want) {
				t.Fatalf("got %+v, want %q", f, tt.want)
			}
			if !wantBlock && !bytes.Equal(got.sent, body) {
				t.Errorf("the site got %d bytes of %d", len(got.sent), len(body))
			}
		})
	}
}

func TestASearchThatSomebodyMustHearOfHidesNoUpload(t *testing.T) {
	w := newWorld(t, strict())
	w.serve = fine
	if f := w.do("site.test", get("/search?q=lonelyword")).request; f == nil || f.Alert != "exploitation" || f.Action != verdict.Allow {
		t.Errorf("a search: %+v", f)
	}
	if got := w.do("site.test", post("/search?q=lonelyword", "application/octet-stream", eicarText)); !got.blocked() || got.request.Alert != "exploitation" {
		t.Errorf("with an upload: %+v", got.request)
	}
}

func TestWithoutAScannerInTheRulesUploadsGoByUntouched(t *testing.T) {
	c := strict()
	c.Viruses = ""
	w := newWorld(t, c)
	w.serve = fine
	if got := w.do("site.test", post("/upload", "multipart/form-data", "anything")); got.request != nil || string(got.sent) != "anything" {
		t.Errorf("%+v %q", got.request, got.sent)
	}
}

func put(r *http.Request) *http.Request {
	r.Method = http.MethodPut
	return r
}
