package icap

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"belisha/internal/gate/clamd"
	"belisha/internal/gate/content"
	"belisha/internal/gate/gatetest"
	"belisha/internal/verdict"
	"belisha/internal/verdict/scan"
)

// eicar is a scanner that knows one virus.
type eicar struct{}

const virus = `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-` + `ANTIVIRUS-TEST-FILE!$H+H*`

func (eicar) Scan(_ context.Context, r io.Reader) clamd.Result {
	b, err := io.ReadAll(r)
	switch {
	case err != nil:
		return clamd.Result{Why: err.Error()}
	case bytes.Contains(b, []byte("EICAR-STANDARD-"+"ANTIVIRUS-TEST-FILE")):
		return clamd.Result{Status: clamd.Found, Name: "Eicar-Signature"}
	}
	return clamd.Result{Status: clamd.Clean}
}

// openReal opens the door with what really looks inside, as strict as it gets.
func openReal(t *testing.T, change func(*verdict.Content)) (*gatetest.World, *Server) {
	t.Helper()
	w, s := open(t, func(c *Config) {
		p, err := content.New(content.Deps{
			Porter: c.Porter, Scanner: eicar{}, Temp: filepath.Join(t.TempDir(), "held"), Clock: c.Clock, Log: c.Log,
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Content = p
	})
	b := scan.NewBuilder(scan.Options{})
	if _, err := b.Add(scan.Line{Parts: []string{" badword "}, Weight: 100, Category: "adult"}); err != nil {
		t.Fatal(err)
	}
	_, phrases, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	rules := gatetest.Rules()
	look := &verdict.Content{Phrases: 60, Viruses: "closed", TooLarge: verdict.Block, Chat: true, Files: map[string]verdict.Action{"program": verdict.Block}}
	if change != nil {
		change(look)
	}
	rules.Groups[0].Content = look
	w.Porter.Use(gatetest.Snapshot(t, rules).With(phrases))
	return w, s
}

const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00\x00\x00\x01\x00\x08\x06\x00\x00\x00"

func TestWhatWasLookedAtAndFoundGoodIsLeftToTheClient(t *testing.T) {
	_, s := openReal(t, nil)
	_, phrasesOnly := openReal(t, func(c *verdict.Content) { *c = verdict.Content{Phrases: 60} })
	page := strings.Repeat("<p>a page of the water cycle ", 300) // 8 kB
	picture := png + strings.Repeat("\xfe\x01\x80", 100_000)
	program := "MZ" + strings.Repeat("\x00\x01", 20_000) + "PE\x00\x00"
	for _, c := range []struct {
		name, kind, body string
		server           *Server
		want             [3]string // in a preview; with all of it allowed to stay; without
	}{
		{"a page", "text/html", page, s, [3]string{"100 204", "204", "200"}},
		{"a page that is not for school", "text/html", page + " badword ", s, [3]string{"100 403", "403", "403"}},
		{"a picture, where only words count", "image/png", picture, phrasesOnly, [3]string{"204", "204", "200"}},
		{"a picture, where its end counts too", "image/png", picture, s, [3]string{"100 200", "200", "200"}},
		{"a small picture", "image/png", picture[:5000], s, [3]string{"100 204", "204", "200"}},
		{"a program", "application/x-msdownload", program, s, [3]string{"403", "403", "403"}},
		{"a virus", "text/plain", virus, s, [3]string{"403", "403", "403"}},
		{"a file of no kind", "application/octet-stream", strings.Repeat("\x01\x02", 9000), s, [3]string{"100 204", "204", "200"}},
	} {
		answer := "HTTP/1.1 200 OK\r\nContent-Type: " + c.kind + "\r\nContent-Length: " + strconv.Itoa(len(c.body)) + "\r\n\r\n"
		for i, more := range []string{"Allow: 204\r\nPreview: 4096\r\n", "Allow: 204\r\n", ""} {
			w := dial(t, c.server)
			text := respmod(get("http://ok.test/"+strconv.Itoa(i)), answer, more)
			first, rest := c.body, ""
			if i == 0 {
				first, rest = c.body[:min(4096, len(c.body))], c.body[min(4096, len(c.body)):]
			}
			end := last
			if i == 0 && rest == "" {
				end = "0; ieof\r\n\r\n"
			}
			w.send(text + chunk(first) + end)
			got := ""
			r := w.reply()
			if r.code == 100 {
				got = "100 "
				w.send(chunk(rest) + last)
				r = w.reply()
			}
			switch {
			case r.code == 200 && strings.HasPrefix(r.res, "HTTP/1.1 403"):
				got += "403"
			case r.code == 200 && r.body != c.body:
				t.Errorf("%s, %q: %d bytes came of %d", c.name, more, len(r.body), len(c.body))
				fallthrough
			default:
				got += strconv.Itoa(r.code)
			}
			if got != c.want[i] {
				t.Errorf("%s, %q: %s, and it should be %s", c.name, more, got, c.want[i])
			}
		}
	}
}

func TestABroadcastIsNotWaitedFor(t *testing.T) {
	_, s := openReal(t, nil)
	for _, kind := range []string{"audio/mpeg", "text/event-stream", "video/mp2t"} {
		for _, more := range []string{"Allow: 204\r\n", "Allow: 204, 206\r\n", ""} {
			w := dial(t, s)
			w.send(respmod(get("http://ok.test/radio"), "HTTP/1.1 200 OK\r\nContent-Type: "+kind+"\r\n\r\n", more))
			piece := "data: on air\n\n"
			if !strings.HasPrefix(kind, "text/") {
				piece = "\xff\xfb\x90\x00" + strings.Repeat("\x01\x02\x03\x04\x05\x06\x07", 20_000)
			}
			w.send(chunk(piece) + chunk(piece))
			b := make([]byte, 64<<10)
			n := 0
			for want := len(piece); n < want; {
				m, err := w.r.Read(b)
				if err != nil {
					t.Fatalf("%s, %q: after %d bytes: %v", kind, more, n, err)
				}
				n += m
			}
		}
	}
}
