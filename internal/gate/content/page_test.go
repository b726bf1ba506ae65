package content

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"belisha/internal/gate/porter"
	"belisha/internal/gate/spool"
	"belisha/internal/verdict"
)

func TestPagesAreWeighedAsTheyAreRead(t *testing.T) {
	w := newWorld(t, strict())
	bad, good := "<html><body><p>there is a badword here</p></body></html>", "<html><body><p>there is a kind word here</p></body></html>"
	long := "<html>" + strings.Repeat("<p>nothing to see here, and more of it</p>\n", 2000)
	tests := []struct {
		name    string
		body    string
		headers []string
		want    string // the beginning of the detail, "" for a page that goes on
	}{
		{"as it is", bad, []string{"Content-Type", "text/html"}, "phrases 100 of 60: adult"},
		{"a page without it", good, []string{"Content-Type", "text/html"}, ""},
		{"one word of little weight", "<p>smallword", []string{"Content-Type", "text/html"}, ""},
		{"with a good word beside it", "<p>badword goodword", []string{"Content-Type", "text/html"}, ""},
		{"C1 gzip", coded(t, bad, "gzip"), []string{"Content-Type", "text/html", "Content-Encoding", "gzip"}, "phrases"},
		{"C1 gzip without it", coded(t, good, "gzip"), []string{"Content-Type", "text/html", "Content-Encoding", "gzip"}, ""},
		{"C1 deflate with its wrapper", coded(t, bad, "zlib"), []string{"Content-Type", "text/html", "Content-Encoding", "deflate"}, "phrases"},
		{"C1 deflate without", coded(t, bad, "deflate"), []string{"Content-Type", "text/html", "Content-Encoding", "deflate"}, "phrases"},
		{"C1 br", coded(t, bad, "br"), []string{"Content-Type", "text/html", "Content-Encoding", "br"}, "phrases"},
		{"C1 zstd", coded(t, bad, "zstd"), []string{"Content-Type", "text/html", "Content-Encoding", "zstd"}, "phrases"},
		{"C1 x-gzip", coded(t, bad, "gzip"), []string{"Content-Type", "text/html", "Content-Encoding", "x-gzip"}, "phrases"},
		{"C1 two", coded(t, bad, "gzip", "br"), []string{"Content-Type", "text/html", "Content-Encoding", "gzip, br"}, "phrases"},
		{"C1 twenty", good, []string{"Content-Type", "text/html", "Content-Encoding", strings.Repeat("gzip,", 20)}, "encoded too often"},
		{"C2 gzip on plain text", bad, []string{"Content-Type", "text/html", "Content-Encoding", "gzip"}, "phrases"},
		{"C2 gzip that nobody tells of", coded(t, bad, "gzip"), []string{"Content-Type", "text/html"}, "phrases"},
		{"C2 identity, gzip", coded(t, bad, "gzip"), []string{"Content-Type", "text/html", "Content-Encoding", "identity, gzip"}, "phrases"},
		{"C2 a coding nobody knows", good, []string{"Content-Type", "text/html", "Content-Encoding", "foo"}, "coding not known: foo"},
		{"C2 an encrypted one", good, []string{"Content-Type", "text/html", "Content-Encoding", "aes128gcm"}, "coding not known"},
		{"C2 a dictionary", good, []string{"Content-Type", "text/html", "Content-Encoding", "dcb"}, "coding not known"},
		{"C4 a bomb", coded(t, strings.Repeat("\x00", 40<<20), "gzip"), []string{"Content-Type", "text/html", "Content-Encoding", "gzip"}, "it grows too much"},
		{"C5 UTF-16", "\xff\xfe" + wide(bad), []string{"Content-Type", "text/html"}, "phrases"},
		{"C6 no type", bad, nil, "phrases"},
		{"C6 a malformed type", bad, []string{"Content-Type", "text/html; ; charset"}, "phrases"},
		{"C7 references", "<p>b&#97;d&shy;word", []string{"Content-Type", "text/html"}, "phrases"},
		{"C8 what is not seen", "<p>b\u200bad\u2060word", []string{"Content-Type", "text/html"}, "phrases"},
		{"C9 look-alikes", "<p>bаdwοrd", []string{"Content-Type", "text/html"}, "phrases"},
		{"C10 taken apart by tags", "<p>bad<b></b>word", []string{"Content-Type", "text/html"}, "phrases"},
		{"C10 in two cells", "<td>bad</td><td>word</td>", []string{"Content-Type", "text/html"}, ""},
		{"C12 in a style", "<style>.badword{}</style><p class=badword>x", []string{"Content-Type", "text/html"}, ""},
		{"C13 called a picture", "there is a badword here", []string{"Content-Type", "image/png"}, "phrases"},
		{"C13 called anything", "there is a badword here", []string{"Content-Type", "application/octet-stream"}, "phrases"},
		{"C13 of a type nobody knows", "there is a badword here", []string{"Content-Type", "x-foo/bar", "X-Content-Type-Options", "nosniff"}, "phrases"},
		{"JSON", `{"text":"there is a badword here"}`, []string{"Content-Type", "application/json"}, "phrases"},
		{"a drawing", "<svg><text>badword</text></svg>", []string{"Content-Type", "image/svg+xml"}, "phrases"},
		{"at the end of a long page", long + bad, []string{"Content-Type", "text/html"}, "phrases"},
		{"a long page without it", long, []string{"Content-Type", "text/html"}, ""},
		{"a damaged coding", coded(t, long, "gzip")[:60] + strings.Repeat("x", 500), []string{"Content-Type", "text/html", "Content-Encoding", "gzip"}, "its coding is damaged"},
		{"nothing", "", []string{"Content-Type", "text/html"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			defer func() { w.t = t }()
			got := w.page(tt.body, tt.headers...)
			f := got.finding()
			switch {
			case tt.want == "" && f != nil:
				t.Errorf("closed: %s", f.Detail)
			case tt.want != "" && (f == nil || f.Action != verdict.Block || !strings.HasPrefix(f.Detail, tt.want)):
				t.Errorf("got %+v, want %s", f, tt.want)
			}
		})
	}
}

func wide(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteByte(c)
		b.WriteByte(0)
	}
	return b.String()
}

func TestAClosedPageSaysItsCategoryAndAlertsByIt(t *testing.T) {
	w := newWorld(t, strict())
	f := w.page("<p>hurtword and a badword too", "Content-Type", "text/html").finding()
	if f == nil || f.Reason != verdict.ReasonPhrases || !strings.Contains(f.Detail, "“hurtword” 100") {
		t.Fatalf("got %+v", f)
	}
	f = w.page("<p>hurtword", "Content-Type", "text/html").finding()
	a := w.ask("site.test", "/page")
	found := w.Porter.Found(a, f)
	w.Porter.Record(t.Context(), &found)
	e := w.Events(t, 1)[0]
	if e.Action != spool.ActionBlock || e.Category != "self-harm" || e.Alert != "selfharm" || e.Detail != f.Detail || e.Reason != "phrases" {
		t.Errorf("written down: %+v", e)
	}
}

func TestNobodyIsLookedAtWhoIsNotMeantToBe(t *testing.T) {
	w := newWorld(t, strict())
	w.SignIn(t, "10.0.0.1", "s1", "staff")
	if f := w.page("<p>badword", "Content-Type", "text/html").finding(); f != nil {
		t.Errorf("a page of staff: %+v", f)
	}
	w.serve = func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "<p>badword") }
	w.SignIn(t, "10.0.0.1", "p1", "pupils")
	for _, host := range []string{"help.test", "belisha.test"} {
		if got := w.do(host, get("/")); got.finding() != nil {
			t.Errorf("%s: %+v", host, got.finding())
		}
	}
}

func TestAPageThatIsLongerThanIsReadAtOnceIsCutWhereItTurnsBad(t *testing.T) {
	w := newWorld(t, strict())
	harmless := strings.Repeat("<p>nothing to see here, and more of it</p>\n", (5<<20)/44)
	got := w.page(harmless+"<p>a badword here</p>"+harmless, "Content-Type", "text/html")
	if !errors.Is(got.err, porter.ErrCut) || len(got.body) > len(harmless)+64<<10 {
		t.Errorf("%d bytes, %v", len(got.body), got.err)
	}
	if e := w.Events(t, 1)[0]; e.Action != spool.ActionBlock || e.Reason != "phrases" {
		t.Errorf("written down: %+v", e)
	}
	packed := coded(t, harmless+"<p>a badword here</p>"+harmless, "gzip")
	got = w.page(packed, "Content-Type", "text/html", "Content-Encoding", "gzip")
	if !errors.Is(got.err, porter.ErrCut) && !got.blocked() {
		t.Errorf("packed: %d bytes, %v", len(got.body), got.err)
	}
	if got := w.page(harmless, "Content-Type", "text/html"); got.err != nil || got.blocked() {
		t.Errorf("one without it: %v %+v", got.err, got.finding())
	}
}

func TestEventsAreLookedAtAsTheyGoBy(t *testing.T) {
	w := newWorld(t, strict())
	w.serve = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream")
		for range 100 {
			_, _ = io.WriteString(rw, "data: {\"x\":\"all is well and nothing happens\"}\n\n")
		}
		_, _ = io.WriteString(rw, "data: {\"x\":\"a badword now\"}\n\n")
		rw.(http.Flusher).Flush()
		for range 100 {
			_, _ = io.WriteString(rw, "data: {\"x\":\"all is well and nothing happens\"}\n\n")
		}
	}
	got := w.do("site.test", get("/events"))
	if !errors.Is(got.err, porter.ErrCut) {
		t.Errorf("%d bytes, %v", len(got.body), got.err)
	}
}

func TestAnAnswerThatComesInPiecesIsReadAsOne(t *testing.T) {
	w := newWorld(t, strict())
	answer := func(pieces ...string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/event-stream")
			for _, p := range pieces {
				_, _ = io.WriteString(rw, `data: {"choices":[{"delta":{"content":"`+p+`"}}],"id":"badword"}`+"\n\n")
				rw.(http.Flusher).Flush()
			}
		}
	}
	w.serve = answer("Here", " is", " a", " ba", "dw", "ord", " for", " you")
	got := w.do("chat.test", get("/api/x"))
	if !errors.Is(got.err, porter.ErrCut) {
		t.Errorf("%q, %v", got.body, got.err)
	}
	if e := w.Events(t, 1)[0]; e.Reason != "chat" || e.Category != "adult" {
		t.Errorf("written down: %+v", e)
	}
	w.serve = answer("Here", " is", " a", " kind", " word")
	if got := w.do("chat.test", get("/api/x")); got.err != nil || !strings.Contains(string(got.body), " kind") {
		t.Errorf("a kind answer: %q %v", got.body, got.err)
	}
}

func TestAPageThatDoesNotEndIsNotWaitedForForever(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as a page is waited for")
	}
	w := newWorld(t, strict())
	end := make(chan struct{})
	w.serve = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(rw, "<p>it begins</p>\n")
		rw.(http.Flusher).Flush()
		<-end
		_, _ = io.WriteString(rw, "<p>a badword at last</p>\n")
	}
	a := w.ask("site.test", "/slow")
	r := get("/slow")
	u := *r.URL
	u.Scheme, u.Host = "http", strings.TrimPrefix(w.origin.URL, "http://")
	r.URL, r.RequestURI = &u, ""
	res, err := w.client.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if f := w.p.Response(t.Context(), a, r, res); f != nil {
		t.Fatalf("closed: %+v", f)
	}
	b := make([]byte, 100)
	if n, err := res.Body.Read(b); n == 0 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	close(end)
	if _, err := io.ReadAll(res.Body); !errors.Is(err, porter.ErrCut) {
		t.Errorf("the end: %v", err)
	}
}
