package content

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/clamd"
	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// program is the least that is a Windows program.
func program() string {
	b := make([]byte, 1024)
	copy(b, "MZ")
	b[0x3c] = 0x80
	copy(b[0x80:], "PE\x00\x00\x64\x86")
	return string(b)
}

func zipped(t *testing.T, name, body string) string {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	f, err := z.Create(name)
	if err == nil {
		_, err = io.WriteString(f, body)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const gif = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

func TestFilesAreLookedAtBeforeTheyGoOn(t *testing.T) {
	w := newWorld(t, strict())
	exe := program()
	tests := []struct {
		name, path, body string
		headers          []string
		want             string
	}{
		{"a program", "/setup.exe", exe, []string{"Content-Type", "application/octet-stream"}, "file program"},
		{"a program called a picture", "/photo.jpg", exe, []string{"Content-Type", "image/jpeg"}, "file program"},
		{"a program called a page", "/page.html", exe, []string{"Content-Type", "text/html"}, "file program"},
		{"a program in gzip", "/x", coded(t, exe, "gzip"), []string{"Content-Type", "application/octet-stream", "Content-Encoding", "gzip"}, "file program"},
		{"a program in an archive", "/a.zip", zipped(t, "setup.exe", exe), []string{"Content-Type", "application/zip"}, "file program"},
		{"an archive behind a picture", "/a.gif", gif + zipped(t, "setup.exe", exe), []string{"Content-Type", "image/gif"}, "file"},
		{"a script that is offered for saving", "/x", "Write-Host hello", []string{"Content-Type", "text/plain", "Content-Disposition", `attachment; filename="a.ps1"`}, "file script"},
		{"a page that puts a program together", "/x", `<script>var d="TVqQAAMAAAAEAAAA` + strings.Repeat("A", 200) + `";var b=new Blob([atob(d)]);a.href=URL.createObjectURL(b);a.download="x.exe"</script>`, []string{"Content-Type", "text/html"}, "file active"},
		{"a script that does", "/x.js", `(function(){var d="TVqQAAMAAAAEAAAA` + strings.Repeat("A", 200) + `";var b=new Blob([atob(d)]);a.href=URL.createObjectURL(b);a.download="x.exe"})()`, []string{"Content-Type", "text/javascript"}, "file active"},
		{"a drawing with a script", "/x.svg", `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`, []string{"Content-Type", "image/svg+xml"}, "file active"},
		{"a picture", "/a.gif", gif, []string{"Content-Type", "image/gif"}, ""},
		{"an archive of texts", "/a.zip", zipped(t, "notes.txt", "some notes"), []string{"Content-Type", "application/zip"}, ""},
		{"EICAR as it is", "/eicar.com.txt", eicarText, []string{"Content-Type", "text/plain"}, "virus Eicar-Signature"},
		{"EICAR called a page", "/x", eicarText, []string{"Content-Type", "text/html"}, "virus"},
		{"EICAR of no type", "/x", eicarText, nil, "virus"},
		{"EICAR in gzip", "/x.txt", coded(t, eicarText, "gzip"), []string{"Content-Type", "text/plain", "Content-Encoding", "gzip"}, "virus"},
		{"EICAR for saving", "/x", eicarText, []string{"Content-Type", "application/octet-stream", "Content-Disposition", "attachment"}, "virus"},
		{"words in a text for saving", "/x", "a badword here", []string{"Content-Type", "text/plain", "Content-Disposition", "attachment"}, "phrases"},
		{"too large for the scanner", "/big.bin", strings.Repeat("\x00\x01", 13<<20), []string{"Content-Type", "application/octet-stream"}, "not scanned: 26 MB"},
		{"in a coding nobody knows", "/x.bin", "\x00\x01", []string{"Content-Type", "application/octet-stream", "Content-Encoding", "foo"}, "coding not known"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := w.at(tt.path, tt.body, tt.headers...).finding()
			switch {
			case tt.want == "" && f != nil:
				t.Errorf("closed: %s", f.Detail)
			case tt.want != "" && (f == nil || f.Action != verdict.Block || !strings.HasPrefix(f.Detail, tt.want)):
				t.Errorf("got %+v, want %s", f, tt.want)
			}
		})
	}
}

func TestALargePictureWithAnArchiveBehindIsCutBeforeItsEnd(t *testing.T) {
	w := newWorld(t, strict())
	body := gif + strings.Repeat("\x00\x01\x02\x03", 100<<10) + zipped(t, "setup.exe", program())
	for _, length := range []bool{true, false} {
		w.serve = func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "image/gif")
			if length {
				rw.Header().Set("Content-Length", itoa(len(body)))
			} else {
				rw.(http.Flusher).Flush()
			}
			_, _ = io.WriteString(rw, body)
		}
		got := w.do("site.test", get("/a.gif"))
		if !errors.Is(got.err, porter.ErrCut) || bytes.Contains(got.body, []byte("PK\x05\x06")) {
			t.Errorf("length said %v: %d bytes, %v", length, len(got.body), got.err)
		}
	}
	for _, behind := range []string{"7z\xbc\xaf\x27\x1c\x00\x04", "Rar!\x1a\x07\x00\xcf", "Rar!\x1a\x07\x01\x00"} {
		got := w.page(gif+strings.Repeat("\x00\x01\x02\x03", 100<<10)+behind+strings.Repeat("\x05\x06", 100<<10), "Content-Type", "image/gif")
		if !errors.Is(got.err, porter.ErrCut) || len(got.body) > 450<<10 {
			t.Errorf("%q far behind: %d bytes, %v", behind, len(got.body), got.err)
		}
	}
	plain := gif + strings.Repeat("\x00\x01\x02\x03", 100<<10)
	if got := w.at("/b.gif", plain, "Content-Type", "image/gif"); got.err != nil || got.finding() != nil {
		t.Errorf("a large picture: %v %+v", got.err, got.finding())
	}
}

func TestAPermitHoldsWhereTheSiteLeadsOn(t *testing.T) {
	w := newWorld(t, strict())
	rules := gatetest.Rules()
	rules.Groups[0].Content = strict()
	at := w.Clock.Now()
	permit := func(path string) {
		next := rules
		next.Permits = []verdict.Permit{{
			ID: "p", Host: "site.test", Path: path,
			Span: verdict.Span{From: at.Add(-time.Hour).UnixMilli(), Until: at.Add(time.Hour).UnixMilli()},
		}}
		w.Porter.Use(gatetest.Snapshot(t, next))
	}
	token := 0
	w.serve = func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/get/tool":
			http.Redirect(rw, r, "//site.test/mirror?x", http.StatusFound)
		case "/mirror":
			token++
			rw.Header().Set("Location", "http://files.test/store/1?token="+itoa(token))
			rw.WriteHeader(http.StatusTemporaryRedirect)
		default:
			rw.Header().Set("Content-Type", "application/octet-stream")
			_, _ = io.WriteString(rw, program())
		}
	}
	fetch := func() outcome {
		t.Helper()
		w.do("site.test", get("/get/tool"))
		w.do("site.test", get("/mirror?x"))
		return w.do("files.test", get("/store/1?token="+itoa(token)))
	}
	got := fetch()
	if !got.blocked() || got.response.Asked != "http://site.test/get/tool" {
		t.Fatalf("%+v", got.finding())
	}
	permit("/get/tool")
	if got := fetch(); got.blocked() {
		t.Errorf("permitted by the address that was followed: %+v", got.finding())
	}
	permit("/mirror?x")
	if got := fetch(); got.blocked() {
		t.Errorf("permitted by the address in between: %+v", got.finding())
	}
	if got := w.do("files.test", get("/store/2")); !got.blocked() || got.response.Asked != "" {
		t.Errorf("another file of the store: %+v", got.finding())
	}
	w.Clock.Advance(5 * time.Minute)
	if got := w.do("files.test", get("/store/1?token="+itoa(token))); !got.blocked() {
		t.Error("the store's own address is open later")
	}
	permit("/get/other")
	if got := fetch(); !got.blocked() {
		t.Error("a permit for another file opens this one")
	}
}

func TestALinkThatSavesMakesAFileOfAScript(t *testing.T) {
	w := newWorld(t, strict())
	w.serve = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(rw, "var a = 1")
	}
	for _, c := range []struct {
		mode, dest string
		closed     bool
	}{{"no-cors", "script", false}, {"cors", "empty", false}, {"navigate", "document", false}, {"navigate", "empty", true}} {
		r := get("/a.js")
		r.Header.Set("Sec-Fetch-Mode", c.mode)
		r.Header.Set("Sec-Fetch-Dest", c.dest)
		if got := w.do("site.test", r); got.blocked() != c.closed {
			t.Errorf("%s %s: %+v", c.mode, c.dest, got.finding())
		}
	}
}

func TestUpdatesReachDevicesInTheClear(t *testing.T) {
	w := newWorld(t, strict())
	var asked string
	w.serve = func(rw http.ResponseWriter, r *http.Request) {
		asked = r.Header.Get("Range")
		http.ServeContent(rw, r, "update.cab", time.Time{}, strings.NewReader(program()+strings.Repeat("x", 30<<20)))
	}
	r := get("/update.cab")
	r.Header.Set("Range", "bytes=100-199")
	if got := w.do("dl.update.test", r); got.blocked() || asked != "bytes=100-199" || len(got.body) != 100 {
		t.Errorf("a part of an update: asked for %q, %+v", asked, got.finding())
	}
	if got := w.do("update.test", get("/setup.exe")); got.blocked() {
		t.Errorf("an update: %+v", got.finding())
	}
	if got := w.do("noupdate.test", get("/setup.exe")); !got.blocked() {
		t.Error("a site whose name ends alike passes")
	}
}

func TestHowMuchIsLookedIntoIsSetWithOrWithoutAScanner(t *testing.T) {
	for _, c := range []struct {
		most   int64
		closed string
	}{{0, "file unreadable: 26 MB, larger than is looked at"}, {30 << 20, ""}} {
		rules := strict()
		rules.Viruses, rules.MaxScan = "", c.most
		w := newWorld(t, rules)
		body := "%PDF-1.7\n" + strings.Repeat("\x00\x01", 13<<20)
		if f := w.page(body, "Content-Type", "application/pdf").finding(); (f != nil) != (c.closed != "") || f != nil && f.Detail != c.closed {
			t.Errorf("up to %d bytes: %+v", c.most, f)
		}
	}
}

func itoa(n int) string {
	var b [20]byte
	i := len(b)
	for {
		i--
		b[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return string(b[i:])
		}
	}
}

func TestPartsOfFilesDoNotPass(t *testing.T) {
	w := newWorld(t, strict())
	var asked string
	film := "\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + strings.Repeat("\x00\x01\x02\x03", 1000)
	w.serve = func(rw http.ResponseWriter, r *http.Request) {
		asked = r.Header.Get("Range")
		name, body := "setup.exe", program()
		if strings.HasSuffix(r.URL.Path, ".mp4") {
			name, body = "film.mp4", film
		}
		http.ServeContent(rw, r, name, time.Time{}, strings.NewReader(body))
	}
	ranged := func(path, from string) outcome {
		r := get(path)
		r.Header.Set("Range", from)
		if path == "/setup.exe" {
			r.Header.Set("If-Range", `"x"`)
		}
		return w.do("site.test", r)
	}
	for _, from := range []string{"bytes=0-99", "bytes=100-", "bytes=0-1,5-9", "bytes=-500"} {
		if got := ranged("/setup.exe", from); asked != "" || !got.blocked() {
			t.Errorf("%s of a program: asked for %q, %+v", from, asked, got.finding())
		}
	}
	if got := ranged("/film.mp4", "bytes=100-200"); asked != "" || got.blocked() || len(got.body) != len(film) {
		t.Errorf("the middle of a film nobody has seen: asked for %q, %+v, %d bytes", asked, got.finding(), len(got.body))
	}
	if got := ranged("/film.mp4", "bytes=100-200"); asked != "bytes=100-200" || got.blocked() || len(got.body) != 101 {
		t.Errorf("the middle of a film: asked for %q, %+v, %d bytes", asked, got.finding(), len(got.body))
	}
	r := get("/watch.mp4?x")
	r.URL.Path = "/watch.mp4"
	r.Header.Set("Range", "bytes=0-1")
	r.Header.Set("Sec-Fetch-Dest", "video")
	if got := w.do("site.test", r); asked != "bytes=0-1" || got.blocked() || len(got.body) != 2 {
		t.Errorf("a player's first question: asked for %q, %+v", asked, got.finding())
	}
	r = get("/setup.exe")
	r.Header.Set("Range", "bytes=0-99")
	r.Header.Set("Sec-Fetch-Dest", "video")
	if got := w.do("site.test", r); !got.blocked() {
		t.Error("a program that was asked for as if by a player is open")
	}
	// A site that sends a part although nobody asked for one.
	w.serve = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/octet-stream")
		rw.Header().Set("Content-Range", "bytes 100-200/1024")
		rw.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(rw, program()[100:201])
	}
	if got := w.do("site.test", get("/x")); !got.blocked() || got.finding().Reason != verdict.ReasonUnscanned {
		t.Errorf("a part that nobody asked for: %+v", got.finding())
	}
}

func TestWhatCannotBeScannedGoesAsTheRulesSay(t *testing.T) {
	away := scanner(func([]byte) clamd.Result { return clamd.Result{Why: "the scanner is away"} })
	body := "\x00\x01 some file"
	headers := []string{"Content-Type", "application/octet-stream"}
	for _, mode := range []string{"closed", "open"} {
		c := strict()
		c.Viruses = mode
		w := newWorld(t, c)
		w.p.deps.Scanner = away
		f := w.at("/x.bin", body, headers...).finding()
		want := verdict.Block
		if mode == "open" {
			want = verdict.Allow
		}
		if f == nil || f.Action != want || f.Reason != verdict.ReasonUnscanned || f.Detail != "not scanned: the scanner is away" {
			t.Errorf("%s: %+v", mode, f)
		}
		w.p.deps.Scanner = nil
		if f := w.at("/x.bin", body, headers...).finding(); f == nil || f.Action != want {
			t.Errorf("%s, no scanner: %+v", mode, f)
		}
	}
}

func TestAPermitOpensOneFileAndNoVirus(t *testing.T) {
	exe := program()
	hash := sha256.Sum256([]byte(exe))
	permit := func(path, hash string) verdict.Permit {
		return verdict.Permit{
			ID: path, Host: "site.test", Path: path, Hash: hash,
			Span: verdict.Span{From: gatetest.Noon.Add(-time.Hour).UnixMilli(), Until: gatetest.Noon.Add(time.Hour).UnixMilli()},
		}
	}
	w := newWorld(t, strict())
	rules := gatetest.Rules()
	rules.Groups[0].Content = strict()
	rules.Permits = []verdict.Permit{permit("/setup.exe", ""), permit("/these.exe", hex.EncodeToString(hash[:])), permit("/virus.exe", "")}
	w.Porter.Use(gatetest.Snapshot(t, rules))
	headers := []string{"Content-Type", "application/octet-stream"}
	for path, want := range map[string]bool{"/setup.exe": true, "/setup.exe?x": false, "/other.exe": false, "/these.exe": true} {
		if f := w.at(path, exe, headers...).finding(); (f == nil) != want {
			t.Errorf("%s: %+v", path, f)
		}
	}
	if f := w.at("/these.exe", exe+"changed", headers...).finding(); f == nil || f.Action != verdict.Block {
		t.Errorf("other bytes than were permitted: %+v", f)
	}
	if f := w.at("/virus.exe", exe+eicarText, headers...).finding(); f == nil || f.Reason != verdict.ReasonVirus {
		t.Errorf("a virus: %+v", f)
	}
}

func TestTooMuchAtOnceIsNotLetThroughUnseen(t *testing.T) {
	w := newWorld(t, strict())
	w.p.store.disk.Store(diskTotal)
	f := w.at("/x.bin", strings.Repeat("\x00\x01", 2<<20), "Content-Type", "application/octet-stream").finding()
	w.p.store.disk.Store(0)
	if f == nil || f.Action != verdict.Block || f.Reason != verdict.ReasonUnscanned {
		t.Errorf("got %+v", f)
	}
}

func TestHowABodyArrivesDoesNotMatter(t *testing.T) {
	w := newWorld(t, strict())
	exe := program()
	large := exe + strings.Repeat("\x01\x02\x03 some bytes\n", 400_000)
	tests := []struct {
		name, typ, coding, body string
		first                   int // bytes of the first packet
	}{
		{"a program byte by byte", "application/octet-stream", "", exe, 1},
		{"a program in br, of which one byte comes first", "application/octet-stream", "br", coded(t, exe, "br"), 1},
		{"a program in br called a picture", "image/png", "br", coded(t, exe, "br"), 1},
		{"a program in gzip, of which three bytes come first", "application/octet-stream", "gzip", coded(t, exe, "gzip"), 3},
		{"a large program called a page", "text/html", "", large, 100},
		{"a large program called text", "text/plain", "", large, 1},
		{"a large program in gzip called a page", "text/html", "gzip", coded(t, large, "gzip"), 100},
		{"EICAR byte by byte", "text/plain", "", eicarText, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.serve = func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", tt.typ)
				if tt.coding != "" {
					rw.Header().Set("Content-Encoding", tt.coding)
				}
				_, _ = io.WriteString(rw, tt.body[:tt.first])
				rw.(http.Flusher).Flush()
				_, _ = io.WriteString(rw, tt.body[tt.first:])
			}
			if got := w.do("site.test", get("/x")); !got.blocked() {
				t.Errorf("%+v, %d bytes, %v", got.finding(), len(got.body), got.err)
			}
		})
	}
}
