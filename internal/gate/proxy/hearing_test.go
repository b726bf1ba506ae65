package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"belisha/internal/gate/content"
	"belisha/internal/gate/gatetest"
	"belisha/internal/verdict"
	"belisha/internal/verdict/scan"
)

// aiService is every request to ok.test.
type aiService struct{}

func (aiService) Service(host, _ string) (string, []string, bool) {
	return "AI", []string{"say"}, host == "ok.test"
}
func (aiService) Answers(host string) bool { return host == "ok.test" }

// listening is an inspection that looks inside as a school's does, without a
// virus scanner although one is asked for.
func listening(t *testing.T) *inspection {
	b := scan.NewBuilder(scan.Options{})
	if _, err := b.Add(scan.Line{Parts: []string{" badword "}, Weight: 100, Category: "adult"}); err != nil {
		t.Fatal(err)
	}
	_, phrases, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	x := newInspection(t, func(c *Config, _ table) {
		c.Content, err = content.New(content.Deps{Porter: c.Porter, Chats: aiService{}, Temp: t.TempDir() + "/looking", Clock: c.Clock, Log: c.Log})
		if err != nil {
			t.Fatal(err)
		}
	})
	rules := inspected()
	for i := range rules.Groups {
		rules.Groups[i].Content = &verdict.Content{Inspect: true, Phrases: 60, Chat: true, Viruses: "closed", TooLarge: verdict.Block}
	}
	x.Porter.Use(gatetest.Snapshot(t, rules).With(phrases))
	return x
}

// upgrade opens a WebSocket at a path of a site.
func (x *inspection) upgrade(t *testing.T, host, path string) (io.Writer, *bufio.Reader) {
	t.Helper()
	conn := x.inside(t, host, "http/1.1")
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n", path, host, x.port())
	r := bufio.NewReader(conn)
	if res, err := http.ReadResponse(r, nil); err != nil || res.StatusCode != 101 {
		t.Fatalf("%v %v", res, err)
	}
	return conn, r
}

func TestWhatASiteSaysOnAWebSocketIsOneAnswerThatIsReadAsItIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		host string
		says []string
		till int // so many come through
	}{
		"harmless texts, and no scanner is asked": {"other.test", []string{"hello", `{"text":"there"}`, "<p>you</p>"}, 3},
		"a bad word":                                {"other.test", []string{"hello", "a badword here", "more"}, 1},
		"a bad word in JSON":                        {"other.test", []string{`{"a":{"text":"a bad\u0077ord here"}}`}, 0},
		"a bad word on two lines of JSON":           {"other.test", []string{"{\n \"a\":\r\n \"badword\"}"}, 0},
		"an AI's word, letter by letter":            {"ok.test", []string{`{"text":"so: b"}`, `{"text":"ad"}`, `{"text":"wo"}`, `{"text":"rd "}`, `{"text":"is it"}`, `{"text":"and more of that"}`}, 4},
		"a long text, and a bad word at its end":    {"other.test", []string{"{long} badword"}, 0},
		"a long text that is harmless, and another": {"other.test", []string{"{long}", "hello"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			x := listening(t) // the same again would be counted in the same row
			_, r := x.upgrade(t, c.host, "/says?"+url.Values{"m": c.says}.Encode())
			n := 0
			for n < len(c.says) {
				f := &frames{from: r, to: io.Discard}
				f.look = func([]byte) bool { return true }
				if f.frame() != nil {
					break
				}
				n++
			}
			if c.till == len(c.says) && n < c.till || c.till < len(c.says) && n > c.till+1 || n < min(c.till, 1) {
				t.Errorf("%d came through", n)
			}
			if c.till == len(c.says) {
				return
			}
			eventually(t, "it is written down", func() bool {
				for _, e := range x.Events(t, 0) {
					if e.Host == c.host && e.Action == 0 && e.Category == "adult" {
						return true
					}
				}
				return false
			})
		})
	}
}
