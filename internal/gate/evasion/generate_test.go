package evasion

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"belisha/internal/gate/gatetest"
	"belisha/internal/verdict"
)

// What the cases do not name is made here: spellings of spellings, of which
// none may open what is closed.

// spelled is a listed name as somebody might write it so that it still leads
// there.
func spelled(t *rapid.T, name string) string {
	var b strings.Builder
	for _, c := range name {
		switch {
		case c == '.':
			b.WriteString(rapid.SampledFrom([]string{".", ".", "。", "．", "｡", "%2e"}).Draw(t, "dot"))
		default:
			full := string(rune(c) - 'a' + 'ａ')
			b.WriteString(rapid.SampledFrom([]string{string(c), string(c), strings.ToUpper(string(c)), full, fmt.Sprintf("%%%02x", c), string(c) + "\u00ad", string(c) + "\u200b"}).Draw(t, "letter"))
		}
	}
	return rapid.SampledFrom([]string{"", "", "www.", "a.b.", "OK.test.", "user@", "ok.test:80@"}).Draw(t, "before") + b.String() +
		rapid.SampledFrom([]string{"", "", ".", ":80", ":443", ":8080", ".:80"}).Draw(t, "behind")
}

func TestNoSpellingOfAListedNameIsOpen(t *testing.T) {
	s := gatetest.Snapshot(t, gatetest.Rules())
	rapid.Check(t, func(t *rapid.T) {
		url := rapid.SampledFrom([]string{"http://", "https://", "HTTP://", "http:\\\\"}).Draw(t, "scheme") + spelled(t, "bad.test") + "/x"
		u, err := verdict.CanonicalURL(url)
		if err != nil {
			return // refused
		}
		if v := s.Decide(&verdict.Ask{Host: u.Host, Path: u.Path, Port: u.Port, Groups: 1}); v.Action != verdict.Block {
			t.Fatalf("%q is open as %q", url, u.Host)
		}
	})
}

// pathed is a listed page as somebody might write it so that a site still
// shows it.
func pathed(t *rapid.T) string {
	var b strings.Builder
	for range rapid.IntRange(0, 4).Draw(t, "steps") {
		b.WriteString(rapid.SampledFrom([]string{"/.", "/x/..", "/", "/%2e", "/a/%2E%2e", "/a/b/../..", "/a//../.."}).Draw(t, "step"))
	}
	b.WriteByte('/')
	for _, c := range "secret" {
		b.WriteString(rapid.SampledFrom([]string{string(c), string(c), strings.ToUpper(string(c)), fmt.Sprintf("%%%02x", c), fmt.Sprintf("%%%02X", c), fmt.Sprintf("%%25%02x", c)}).Draw(t, "letter"))
	}
	return b.String() + rapid.SampledFrom([]string{"", "", "/", "?", "?a=b", ";a=b", "/.", "/x", "/x/..", "#f"}).Draw(t, "behind")
}

func TestNoSpellingOfAClosedPageIsOpen(t *testing.T) {
	rules := gatetest.Rules()
	rules.Own = append(rules.Own, verdict.Own{ID: "page", Text: "ok.test/secret", Act: verdict.Block})
	s := gatetest.Snapshot(t, rules)
	rapid.Check(t, func(t *rapid.T) {
		path := pathed(t)
		if strings.Count(path, "%25") > 0 && strings.Count(path, "..") > 0 {
			return // what is escaped twice is read twice, and no site does that with steps
		}
		if v := s.Decide(&verdict.Ask{Host: "ok.test", Path: path, Port: 80, Groups: 1}); v.Action != verdict.Block {
			t.Fatalf("%q is open", path)
		}
	})
}

// hidden makes a page whose reader sees the word, however it is written.
func hidden(t *rapid.T) string {
	var b strings.Builder
	for i, c := range "badword" {
		if i > 0 {
			b.WriteString(rapid.SampledFrom([]string{"", "", "", "\u200b", "\u00ad", "\u2060", "&shy;", "&ZeroWidthSpace;", "<b></b>", "<!-- x -->", "<wbr>", "</i><i>", "<span style='a:b'></span>", "\ufeff", "&#8205;"}).Draw(t, "between"))
		}
		b.WriteString(rapid.SampledFrom([]string{
			string(c), string(c), strings.ToUpper(string(c)), fmt.Sprintf("&#%d;", c), fmt.Sprintf("&#x%X;", c), string(c - 'a' + 'ａ'), fmt.Sprintf("&#%08d;", c),
		}).Draw(t, "letter"))
	}
	return b.String()
}

func TestNoSpellingOfAWordAndNoCodingHidesIt(t *testing.T) {
	w := newWorld(t)
	c := &tried{id: "made", group: "pupils", of: []string{""}}
	all := newRun(w, t, c, "plain", "") // one address for all: the gate remembers nothing of them
	rapid.Check(t, func(t *rapid.T) {
		word := hidden(t)
		coding := rapid.SampledFrom([]string{"", "", "gzip", "br", "zstd", "deflate"}).Draw(t, "coding")
		head, expr := "text/html; charset=utf-8", `"`+strings.ReplaceAll("<p>here a "+word+" is</p>", `"`, `\"`)+`"`
		if coding != "" {
			head, expr = head+" & Content-Encoding: "+coding, expr+" | "+coding
		}
		head += rapid.SampledFrom([]string{"", " & chunked", " & bytes"}).Draw(t, "pieces")
		if err := all.doPage(head + " = " + expr); err != nil {
			t.Fatal(err)
		}
		if err := all.request("GET", "ok.test/", ""); err != nil {
			t.Fatal(err)
		}
		if !all.isPage() {
			t.Fatalf("%q in %q passes: %s", word, head, all.shape())
		}
	})
	all.close()
}

// mangled is a request with another hidden in its body, with a few bytes
// changed in the lines that say how long the body is.
func mangled(t *rapid.T, at string) string {
	inner := "GET http://" + at + "/smuggled HTTP/1.1\r\nHost: " + at + "\r\n\r\n"
	lines := []string{"Host: " + at}
	for range rapid.IntRange(1, 3).Draw(t, "lines") {
		name := rapid.SampledFrom([]string{"Content-Length", "Transfer-Encoding", "transfer-encoding", "CONTENT-LENGTH", "Transfer_Encoding", "Content-Length ", "\tTransfer-Encoding", "X", "Connection"}).Draw(t, "name")
		value := rapid.SampledFrom([]string{
			"0", "5", fmt.Sprint(len(inner)), fmt.Sprint(len(inner) + 5), "chunked", "Chunked", "chunked, identity", "identity", "xchunked", "\x0bchunked", "5, 5", "+5", "0x5", "", "keep-alive, Content-Length", "chunked\r\n x",
		}).Draw(t, "value")
		lines = append(lines, name+rapid.SampledFrom([]string{": ", ":", ":\t", " : ", ":  "}).Draw(t, "colon")+value)
	}
	perm := rapid.Permutation(lines).Draw(t, "order")
	ends := rapid.SampledFrom([]string{"\r\n", "\r\n", "\r\n", "\n", "\r", "\r\r\n"})
	head := "POST http://" + at + "/outer HTTP/" + rapid.SampledFrom([]string{"1.1", "1.1", "1.0"}).Draw(t, "version") + "\r\n"
	for _, l := range perm {
		head += l + ends.Draw(t, "end")
	}
	return head + "\r\n" + rapid.SampledFrom([]string{"", "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello"}).Draw(t, "first") + inner
}

// TestTheGateAndTheSiteReadTheSameRequests sends heads that programs read in
// different ways: what the site understands is what the gate judged, and as
// many.
func TestTheGateAndTheSiteReadTheSameRequests(t *testing.T) {
	w := newWorld(t)
	c := &tried{id: "made", group: "pupils", of: []string{""}}
	r := newRun(w, t, c, "plain", "")
	port, _ := w.sites.ports()
	rapid.Check(t, func(t *rapid.T) {
		w.sites.begin()
		before := w.status().Requests
		text := mangled(t, "ok.test:"+port)
		if err := r.open(w.state.Proxy); err != nil {
			t.Fatal(err)
		}
		r.send([]byte(text), 0)
		if half, ok := r.conn.(*net.TCPConn); ok {
			_ = half.CloseWrite() // a gate that has hung up meanwhile is fine too
		}
		if err := r.doListen(""); err != nil {
			t.Fatal(err)
		}
		r.conn.Close()
		w.sites.mu.Lock()
		paths := slices.Clone(w.sites.paths)
		w.sites.mu.Unlock()
		judged := int(w.status().Requests - before)
		if len(paths) > judged {
			t.Fatalf("%d requests were judged, and the site understood %v: %q", judged, paths, text)
		}
		if slices.ContainsFunc(paths, func(p string) bool { return !strings.HasPrefix(p, "ok.test:"+port+"/") }) {
			t.Fatalf("the site understood %v: %q", paths, text)
		}
	})
	r.close()
}
