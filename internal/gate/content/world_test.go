package content

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"belisha/internal/gate/clamd"
	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
	"belisha/internal/verdict/scan"
)

// desksOut counts what is lent, so that a test can see that all came back.
type world struct {
	*gatetest.World
	t      testing.TB
	p      *Pipeline
	origin *httptest.Server
	client *http.Transport
	serve  http.HandlerFunc
	dir    string
}

// scanner says what a test wants it to.
type scanner func(b []byte) clamd.Result

func (s scanner) Scan(_ context.Context, r io.Reader) clamd.Result {
	b, err := io.ReadAll(r)
	if err != nil {
		return clamd.Result{Why: err.Error()}
	}
	return s(b)
}

// eicar finds the test signature that scanners agree on.
func eicar(b []byte) clamd.Result {
	if bytes.Contains(b, []byte("EICAR-STANDARD-"+"ANTIVIRUS-TEST-FILE")) {
		return clamd.Result{Status: clamd.Found, Name: "Eicar-Signature"}
	}
	return clamd.Result{Status: clamd.Clean}
}

const eicarText = `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-` + `ANTIVIRUS-TEST-FILE!$H+H*`

type chats struct{}

func (chats) Service(host, path string) (string, []string, bool) {
	if host == "chat.test" && strings.HasPrefix(path, "/api/") {
		return "chat", []string{"prompt", "content", "parts"}, true
	}
	return "", nil, false
}
func (chats) Answers(host string) bool { return host == "chat.test" }

// searches takes q of /search for search words.
type searches struct{}

func (searches) Words(_, path, query string) (engine, words, kind string, ok bool) {
	if path != "/search" && path != "/suggest" {
		return "", "", "", false
	}
	for pair := range strings.SplitSeq(query, "&") {
		if q, has := strings.CutPrefix(pair, "q="); has && q != "" {
			return "any", strings.ReplaceAll(q, "+", " "), strings.TrimPrefix(map[string]string{"/search": "web", "/suggest": "suggest"}[path], ""), true
		}
	}
	return "any", "", "web", false
}

func phrases(t testing.TB) *scan.Phrases {
	t.Helper()
	b := scan.NewBuilder(scan.Options{})
	for _, l := range []scan.Line{
		{Parts: []string{" badword "}, Weight: 100, Category: "adult"},
		{Parts: []string{" smallword "}, Weight: 20, Category: "games"},
		{Parts: []string{" hurtword "}, Weight: 100, Category: "self-harm"},
		{Parts: []string{" lonelyword "}, Weight: 45, Category: "grooming"},
		{Parts: []string{" goodword "}, Weight: -80},
		{Parts: []string{" плохое "}, Weight: 100, Category: "adult"},
	} {
		if _, err := b.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	_, p, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// strict is what pupils have in these tests.
func strict() *verdict.Content {
	c := &verdict.Content{Phrases: 60, Viruses: "closed", TooLarge: verdict.Block, Chat: true, Files: map[string]verdict.Action{}}
	for _, k := range []string{"program", "installer", "script", "app", "macro", "active", "disk", "locked", "unreadable"} {
		c.Files[k] = verdict.Block
	}
	return c
}

func newWorld(t testing.TB, pupils *verdict.Content) *world {
	t.Helper()
	w := &world{World: gatetest.New(t), t: t, dir: t.TempDir()}
	rules := gatetest.Rules()
	rules.Groups[0].Content = pupils
	w.Porter.Use(gatetest.Snapshot(t, rules).With(phrases(t)))
	var err error
	w.p, err = New(Deps{
		Porter: w.Porter, Search: searches{}, Chats: chats{}, Scanner: scanner(eicar), Temp: filepath.Join(w.dir, "held"), Clock: w.Clock, Log: w.Log,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.origin = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.serve(rw, r) }))
	w.client = &http.Transport{DisableCompression: true}
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		w.origin.Close()
		w.nothingLeft()
	})
	return w
}

// nothingLeft reports what is still held back.
func (w *world) nothingLeft() {
	w.t.Helper()
	if m, d := w.p.store.memory.Load(), w.p.store.disk.Load(); m != 0 || d != 0 {
		w.t.Errorf("%d bytes of memory and %d on disk are still held back", m, d)
	}
	if left, err := os.ReadDir(filepath.Join(w.dir, "held")); err != nil || len(left) != 0 {
		w.t.Errorf("files are left: %v %v", left, err)
	}
	if len(w.p.opened) != 0 {
		w.t.Error("a file is still open")
	}
}

// ask is one question that was let through by name.
func (w *world) ask(host, path string) *porter.Answer {
	who := w.Porter.Who(netip.MustParseAddr("10.0.0.1"), nil)
	a := w.Porter.Judge(&who, porter.Question{Door: verdict.DoorProxy, Host: host, Path: path, Port: 80})
	return &a
}

type outcome struct {
	request, response *porter.Finding
	header            http.Header
	body              []byte
	err               error
	sent              []byte // what the site got
}

func (o outcome) finding() *porter.Finding {
	if o.request != nil {
		return o.request
	}
	return o.response
}

func (o outcome) blocked() bool {
	f := o.finding()
	return f != nil && f.Action == verdict.Block
}

// do sends a request through as a door does.
func (w *world) do(host string, r *http.Request) (out outcome) {
	w.t.Helper()
	a := w.ask(host, r.URL.RequestURI())
	serve := w.serve
	w.serve = func(rw http.ResponseWriter, r *http.Request) {
		out.sent, _ = io.ReadAll(r.Body)
		serve(rw, r)
	}
	defer func() { w.serve = serve }()
	if out.request = w.p.Request(w.t.Context(), a, r); out.blocked() {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return out
	}
	*a = w.Porter.Found(a, out.request)
	u := *r.URL
	u.Scheme, u.Host = "http", strings.TrimPrefix(w.origin.URL, "http://")
	r.URL, r.Host, r.RequestURI = &u, host, ""
	res, err := w.client.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	out.response = w.p.Response(w.t.Context(), a, r, res)
	out.header = res.Header
	if out.response != nil && out.response.Action == verdict.Block {
		return out
	}
	out.body, out.err = io.ReadAll(res.Body)
	return out
}

func get(path string) *http.Request { return httptest.NewRequest("GET", "http://site.test"+path, nil) }

// page serves a body with headers.
func (w *world) page(body string, headers ...string) outcome {
	w.t.Helper()
	return w.at("/page", body, headers...)
}

func (w *world) at(path, body string, headers ...string) outcome {
	w.t.Helper()
	w.serve = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header()["Content-Type"] = nil
		for i := 0; i+1 < len(headers); i += 2 {
			rw.Header().Add(headers[i], headers[i+1])
		}
		_, _ = io.WriteString(rw, body)
	}
	out := w.do("site.test", get(path))
	if !out.blocked() && out.err == nil && string(out.body) != body {
		w.t.Errorf("%d bytes came, %d were sent, and they are not the same", len(out.body), len(body))
	}
	return out
}

func coded(t testing.TB, body string, codings ...string) string {
	t.Helper()
	for _, c := range codings {
		var out bytes.Buffer
		var w io.WriteCloser
		switch c {
		case "gzip":
			w = gzip.NewWriter(&out)
		case "zlib":
			w = zlib.NewWriter(&out)
		case "deflate":
			w, _ = flate.NewWriter(&out, 6)
		case "br":
			w = brotli.NewWriter(&out)
		case "zstd":
			w, _ = zstd.NewWriter(&out)
		}
		_, err := io.WriteString(w, body)
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		body = out.String()
	}
	return body
}
