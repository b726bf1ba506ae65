package icap

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/identity"
	"belisha/internal/gate/porter"
)

func TestWhatIsNotICAPAsItMustBeGetsTheRightAnswerAndEndsTheConnection(t *testing.T) {
	_, s := open(t, nil)
	head := get("http://ok.test/")
	n := len(head)
	re := func(encapsulated string) string {
		return "REQMOD icap://f/reqmod ICAP/1.0\r\nEncapsulated: " + encapsulated + "\r\n\r\n" + head
	}
	for _, c := range []struct {
		name, send string
		want       int
	}{
		{"another version", "REQMOD icap://f/reqmod ICAP/9.9\r\n\r\n", 505},
		{"HTTP on this port", "GET / HTTP/1.1\r\nHost: f\r\n\r\n", 400},
		{"no words at all", "hello\r\n\r\n", 400},
		{"a line feed alone", "REQMOD icap://f/reqmod ICAP/1.0\nHost: f\n\n", 400},
		{"a header without a name", "REQMOD icap://f/reqmod ICAP/1.0\r\n: x\r\n\r\n", 400},
		{"a folded header", "REQMOD icap://f/reqmod ICAP/1.0\r\nHost: f\r\n more\r\n\r\n", 400},
		{"an address of another kind", "OPTIONS http://f/reqmod ICAP/1.0\r\n\r\n", 400},
		{"a method that is none", "FETCH icap://f/reqmod ICAP/1.0\r\nEncapsulated: null-body=0\r\n\r\n", 501},
		{"a service that is none", "OPTIONS icap://f/nothing ICAP/1.0\r\n\r\n", 404},
		{"the other service's method", "RESPMOD icap://f/reqmod ICAP/1.0\r\nEncapsulated: res-hdr=0, null-body=40\r\n\r\n", 405},
		{"no Encapsulated", "REQMOD icap://f/reqmod ICAP/1.0\r\n\r\n" + head, 400},
		{"two of them", "REQMOD icap://f/reqmod ICAP/1.0\r\nEncapsulated: req-hdr=0, null-body=9\r\nEncapsulated: req-hdr=0, null-body=9\r\n\r\n" + head, 400},
		{"an offset too small", re(fmt.Sprintf("req-hdr=0, null-body=%d", n-1)), 400},
		{"an offset that cuts the head", re("req-hdr=0, null-body=30"), 400},
		{"a first offset that is not 0", re(fmt.Sprintf("req-hdr=5, null-body=%d", n)), 400},
		{"offsets that do not grow", re("req-hdr=0, null-body=0"), 400},
		{"an offset that is no number", re("req-hdr=0, null-body=+9"), 400},
		{"an offset beyond what is taken", re("req-hdr=0, null-body=999999"), 400},
		{"a part that is none", re("req-hdr=0, trailer=12"), 400},
		{"no body at the end", re("req-hdr=0, res-hdr=12"), 400},
		{"something behind the body", re("null-body=0, req-hdr=3"), 400},
		{"an answer's parts in a request", re(fmt.Sprintf("res-hdr=0, null-body=%d", n)), 418},
		{"no request's head", re("null-body=0"), 418},
		{"a preview that is no number", "REQMOD icap://f/reqmod ICAP/1.0\r\nPreview: -1\r\nEncapsulated: null-body=0\r\n\r\n", 400},
		{"a preview beyond what is taken", "REQMOD icap://f/reqmod ICAP/1.0\r\nPreview: 99999999\r\nEncapsulated: null-body=0\r\n\r\n", 400},
		{"a head that is too long", "REQMOD icap://f/reqmod ICAP/1.0\r\nX-A: " + strings.Repeat("a", maxHead) + "\r\n\r\n", 400},
		{"a body that is not in chunks", respmod(head, pageHead, "Preview: 10\r\n") + "hello\r\n", 400},
		{"a chunk that says it is huge", respmod(head, pageHead, "Preview: 10\r\n") + "ffffffffffffffffff\r\n", 400},
		{"a chunk that ends too late", respmod(head, pageHead, "Preview: 10\r\n") + "3\r\nabcd\r\n", 400},
		{"a preview longer than it said", respmod(head, pageHead, "Preview: 2\r\n") + chunk("abc") + last, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := dial(t, s)
			w.send(c.send)
			r := w.reply()
			if r.code != c.want {
				t.Errorf("%d, %v", r.code, r.header)
			}
			if r.header.Get("Istag") == "" || r.header.Get("Connection") != "close" {
				t.Errorf("headers %v", r.header)
			}
			if rest, err := io.ReadAll(w.r); err != nil || len(rest) > 0 {
				t.Errorf("then %q, %v", rest, err)
			}
		})
	}
}

func TestOptionsSaysWhatTheServiceTakes(t *testing.T) {
	_, s := open(t, nil)
	for service, method := range map[string]string{
		"reqmod": "REQMOD", "request": "REQMOD", "respmod": "RESPMOD", "response/": "RESPMOD", "avscan?mode=x": "RESPMOD",
	} {
		w := dial(t, s)
		w.send("OPTIONS icap://f/" + service + " ICAP/1.0\r\nHost: f\r\n\r\n")
		r := w.reply()
		for name, want := range map[string]string{
			"Methods": method, "Preview": "0", "Transfer-Preview": "*", "Encapsulated": "null-body=0", "Allow": "204, 206, trailers",
		} {
			if got := r.header.Get(name); r.code != 200 || got != want {
				t.Errorf("%s: %d %s %q", service, r.code, name, got)
			}
		}
		// A body is read and dropped, and the connection goes on.
		w.send("OPTIONS icaps://f:1344/" + service + " ICAP/1.0\r\nEncapsulated: opt-body=0\r\n\r\n" + chunk("abc") + last)
		if r := w.reply(); r.code != 200 || r.header.Get("Connection") == "close" {
			t.Errorf("with a body: %d %v", r.code, r.header)
		}
	}
}

func TestTheSharedCasesAgree(t *testing.T) {
	dir := "../../../../shared/data/icap"
	table, err := os.ReadFile(filepath.Join(dir, "expected.tsv"))
	if err != nil {
		t.Skip("../shared is not there")
	}
	_, s := open(t, nil)
	for line := range strings.Lines(string(table)) {
		file, want, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if file == "file" {
			continue
		}
		t.Run(file, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			w := dial(t, s)
			w.send(string(raw))
			r := w.reply()
			if !strings.Contains(want, fmt.Sprint(r.code)) || strings.Contains(want, "without 100") && r.code == 100 {
				t.Errorf("%d, and it should be %s", r.code, want)
			}
			if strings.HasPrefix(file, "options") && (r.header.Get("Methods") == "" || r.header.Get("Istag") == "" || r.header.Get("Preview") == "" || !strings.Contains(r.header.Get("Allow"), "204")) {
				t.Errorf("%v", r.header)
			}
		})
	}
}

// pieces is a client whose every write arrives as a read of its own.
func pieces(t *testing.T, s *Server) *wire {
	t.Helper()
	near, far := net.Pipe()
	c := newConn(s, far, netip.MustParseAddr("127.0.0.1"))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer far.Close()
		c.serve()
	}()
	t.Cleanup(func() {
		near.Close()
		<-ended
	})
	return &wire{t, near, bufio.NewReader(near)}
}

func TestMessagesMayComeInAnyPieces(t *testing.T) {
	_, s := open(t, func(c *Config) { c.Content = inside{response: outcomes["read whole and clean"]} })
	text := respmod(get("http://ok.test/"), pageHead, "Preview: 4\r\n") + chunk("abcd") + last
	rest := chunk("efgh") + chunk("i") + "0\r\nX-Sum: 1\r\n\r\n"
	for _, one := range []string{text, rest} {
		for cut := 1; cut < len(one); cut++ {
			w := pieces(t, s)
			for _, part := range []string{text, rest} {
				if part == one {
					w.send(part[:cut])
					part = part[cut:]
				}
				w.send(part)
				r := w.reply()
				if part != rest && r.code == 100 {
					continue
				}
				if r.code != 200 || r.body != "abcdefghi" || r.res != pageHead {
					t.Fatalf("cut at %d: %+v", cut, r)
				}
			}
		}
	}
	w := pieces(t, s)
	for i := range len(text) {
		w.send(text[i : i+1])
	}
	if r := w.reply(); r.code != 100 {
		t.Errorf("byte by byte: %d", r.code)
	}
}

func TestTwoRequestsInOneSegmentGetTheirAnswersInOrder(t *testing.T) {
	_, s := open(t, nil)
	w := dial(t, s)
	open, closed := reqmod(get("http://ok.test/"), "Allow: 204\r\n"), reqmod(get("http://bad.test/"), "Allow: 204\r\n")
	w.send(open + "\r\n" + closed + open)
	for i, want := range []int{204, 200, 204} {
		if r := w.reply(); r.code != want {
			t.Fatalf("answer %d: %d", i, r.code)
		}
	}
}

func TestTenThousandRequestsGoOverOneConnection(t *testing.T) {
	w0, s := open(t, nil)
	w := dial(t, s)
	texts := []struct {
		send string
		want int
	}{
		{reqmod(get("http://ok.test/"), "Allow: 204\r\n"), 204},
		{respmod(get("http://ok.test/"), pageHead, "Preview: 3\r\n") + chunk("abc") + "0; ieof\r\n\r\n", 204},
		{reqmod(get("http://bad.test/"), ""), 200},
		{respmod(get("http://ok.test/"), pageHead, "") + chunk("abc") + last, 200},
		{"OPTIONS icap://f/reqmod ICAP/1.0\r\n\r\n", 200},
	}
	for i := range 10_000 {
		c := texts[i%len(texts)]
		w.send(c.send)
		if r := w.reply(); r.code != c.want {
			t.Fatalf("request %d: %d, %v", i, r.code, r.header)
		}
	}
	if n := w0.Porter.Counts(); n.Blocked != 2000 || s.Counts().Requests != 10_000 || s.Counts().Conns != 1 {
		t.Errorf("%+v, %+v", n, s.Counts())
	}
}

func TestAClientThatGoesAwayMidBodyLeavesNothingBehind(t *testing.T) {
	reading := make(chan struct{}, 1)
	_, s := open(t, func(c *Config) {
		c.Content = inside{response: func(_ *porter.Answer, _ *http.Request, res *http.Response) *porter.Finding {
			reading <- struct{}{}
			_, _ = io.ReadAll(res.Body)
			return nil
		}}
	})
	w := dial(t, s)
	w.send(respmod(get("http://ok.test/"), pageHead, "Allow: 204\r\n") + chunk("abc"))
	<-reading
	w.c.Close()
	until(t, func() bool { return s.Counts().Conns == 0 })
	w = dial(t, s)
	w.send(reqmod(get("http://ok.test/"), "Allow: 204\r\n"))
	if r := w.reply(); r.code != 204 {
		t.Errorf("the next one gets %d", r.code)
	}
}

// until waits for what another goroutine is about to do.
func until(t *testing.T, done func() bool) {
	t.Helper()
	stop := time.After(5 * time.Second)
	for !done() {
		select {
		case <-stop:
			t.Fatal("it did not happen")
		case <-time.After(time.Millisecond):
		}
	}
}

// TestAPageDoesNotWaitForTheRestOfWhatItStandsFor plays a site that falls
// silent in the middle, and a Squid that sends no more until something comes.
func TestAPageDoesNotWaitForTheRestOfWhatItStandsFor(t *testing.T) {
	_, s := open(t, func(c *Config) { c.Content = inside{response: outcomes["closed by its first bytes"]} })
	for _, more := range []string{"", "Allow: 204\r\n"} {
		w := dial(t, s)
		w.send(respmod(get("http://ok.test/"), pageHead, more) + chunk(strings.Repeat("x", 65_535)))
		if r := w.reply(); r.code != 200 || !strings.HasPrefix(r.res, "HTTP/1.1 403") || r.header.Get("Connection") != "close" {
			t.Errorf("%q: %d %v", more, r.code, r.header)
		}
		w = dial(t, s) // who sends all before it reads gets its page too
		w.send(respmod(get("http://ok.test/"), pageHead, more))
		for range 100 {
			w.send(chunk(strings.Repeat("x", 100_000)))
		}
		w.send(last)
		if r := w.reply(); r.code != 200 || !strings.HasPrefix(r.res, "HTTP/1.1 403") {
			t.Errorf("%q, all sent: %d", more, r.code)
		}
	}
}

// silent is a connection that somebody holds.
type silent struct{ net.Conn }

func (silent) Close() error { return nil }

func TestTooManyConnectionsAreToldSoAndOptionsIsStillAnswered(t *testing.T) {
	_, s := open(t, nil)
	s.mu.Lock()
	for range maxConns {
		s.conns[newConn(s, silent{}, netip.Addr{})] = struct{}{}
	}
	s.mu.Unlock()
	w := dial(t, s)
	w.send(reqmod(get("http://ok.test/"), "Allow: 204\r\n"))
	if r := w.reply(); r.code != 503 || r.header.Get("Connection") != "close" {
		t.Errorf("%d %v", r.code, r.header)
	}
	w = dial(t, s)
	w.send("OPTIONS icap://f/reqmod ICAP/1.0\r\n\r\n")
	if r := w.reply(); r.code != 200 || r.header.Get("Connection") != "close" {
		t.Errorf("OPTIONS: %d %v", r.code, r.header)
	}
}

func TestOldRulesAndNewOnesHaveAnISTagOfTheirOwn(t *testing.T) {
	signatures := "1"
	world, s := open(t, func(c *Config) { c.Tag = func() string { return signatures } })
	w := dial(t, s)
	seen := map[string]bool{}
	tag := func() string {
		w.send("OPTIONS icap://f/reqmod ICAP/1.0\r\n\r\n")
		return w.reply().header.Get("Istag")
	}
	seen[tag()] = true
	if !seen[tag()] {
		t.Error("it changes by itself")
	}
	world.Porter.Use(world.Porter.Snapshot().At(2, time.Unix(1, 0)))
	if x := tag(); seen[x] {
		t.Error("new rules, and the tag is the old one")
	} else {
		seen[x] = true
	}
	signatures = "2"
	if seen[tag()] {
		t.Error("new signatures, and the tag is the old one")
	}
}

func TestNamesAreReadInEverySpelling(t *testing.T) {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, c := range []struct {
		name, value string
		encoded     bool
		want        string
	}{
		{"plain", "mia", false, "mia"},
		{"with a domain before it", `HILL\mia`, false, "mia"},
		{"with a realm behind it", "mia@HILL.TEST", false, "mia@HILL.TEST,mia"},
		{"WinNT in base64", b64("WinNT://HILL/mia"), false, "mia"},
		{"Local in base64", b64("Local://mia"), false, "mia"},
		{"LDAP with a path", b64("LDAP://dc.hill.test/CN=mia,OU=7B,DC=hill"), false, "mia"},
		{"LDAP without one", b64("LDAP://dc.hill.test/mia"), false, "mia"},
		{"LDAP that names a group", b64("LDAP://dc.hill.test/OU=7B,DC=hill"), false, ""},
		{"plain, and it happens to be base64", "abcd", false, "abcd"},
		{"base64, as was agreed", b64("mia"), true, "mia"},
		{"base64 of no text", b64("\xff\xfe\xfd"), true, b64("\xff\xfe\xfd")},
		{"nobody", "-", false, ""},
		{"a control character", "mi\x01a", false, ""},
		{"too long", strings.Repeat("a", 300), false, ""},
		{"empty", "", false, ""},
	} {
		if got := strings.Join(identity.Spellings(c.value, c.encoded), ","); got != c.want {
			t.Errorf("%s: %q, and it should be %q", c.name, got, c.want)
		}
	}
}
