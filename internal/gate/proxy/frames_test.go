package proxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// wsFrame is one frame as a browser (masked) or a site sends it.
func wsFrame(first byte, payload string, masked bool) []byte {
	out := []byte{first}
	mask := byte(0)
	if masked {
		mask = 0x80
	}
	switch n := len(payload); {
	case n < 126:
		out = append(out, mask|byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, mask|126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, mask|127), uint64(n))
	}
	key := []byte{1, 2, 3, 4}
	if !masked {
		return append(out, payload...)
	}
	out = append(out, key...)
	for i := range len(payload) {
		out = append(out, payload[i]^key[i&3])
	}
	return out
}

func carried(in []byte, masked bool, closed string) (out string, seen []string, err error) {
	var to bytes.Buffer
	f := &frames{from: bufio.NewReader(bytes.NewReader(in)), to: &to, masked: masked, look: func(text []byte) bool {
		seen = append(seen, string(text))
		return !strings.Contains(string(text), closed)
	}}
	err = f.carry()
	return to.String(), seen, err
}

func TestTextsOnAWebSocketAreLookedAtAndGoOnAsTheyCame(t *testing.T) {
	long := strings.Repeat("word ", 40_000)
	cases := []struct {
		name   string
		frames [][]byte
		seen   string
		end    error
	}{
		{"one text", [][]byte{wsFrame(0x81, "hello", true)}, "hello", io.EOF},
		{"a text in parts, with a ping between them", [][]byte{wsFrame(0x01, "hel", true), wsFrame(0x89, "ping", true), wsFrame(0x80, "lo", true)}, "hello", io.EOF},
		{"sound and pictures", [][]byte{wsFrame(0x82, "badword", true)}, "", io.EOF},
		{"a text that is closed", [][]byte{wsFrame(0x81, "a badword", true)}, "a badword", errClosed},
		{"one that is cut in two", [][]byte{wsFrame(0x01, "a bad", true), wsFrame(0x80, "word", true)}, "a badword", errClosed},
		{"one far into a long text", [][]byte{wsFrame(0x81, long+"badword", true)}, "", errClosed},
		{"compressed although nobody agreed on that", [][]byte{wsFrame(0xc1, "x", true)}, "", errFrame},
		{"not masked", [][]byte{wsFrame(0x81, "x", false)}, "", errFrame},
		{"a part of nothing", [][]byte{wsFrame(0x80, "x", true)}, "", errFrame},
		{"a text within a text", [][]byte{wsFrame(0x01, "x", true), wsFrame(0x81, "y", true)}, "", errFrame},
		{"a long ping", [][]byte{wsFrame(0x89, strings.Repeat("x", 126), true)}, "", errFrame},
		{"an unknown kind", [][]byte{wsFrame(0x83, "x", true)}, "", errFrame},
		{"cut off", [][]byte{wsFrame(0x81, "hello", true)[:8]}, "", io.ErrUnexpectedEOF},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := bytes.Join(c.frames, nil)
			out, seen, err := carried(in, true, "badword")
			if !errors.Is(err, c.end) {
				t.Errorf("it ended with %v", err)
			}
			if c.seen != "" && strings.Join(seen, "|") != c.seen {
				t.Errorf("it saw %.100q", seen)
			}
			switch {
			case c.end == errClosed && strings.Contains(out, "word") && len(c.frames[0]) < 1000:
				t.Error("what is closed went on")
			case c.end == io.EOF && len(out) != len(in):
				t.Errorf("%d bytes of %d went on", len(out), len(in))
			}
			for _, s := range seen {
				if len(s) > textWindow+textOverlap {
					t.Errorf("a window has %d bytes", len(s))
				}
			}
		})
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(wsFrame(0x81, "hello", true), true)
	f.Add(bytes.Join([][]byte{wsFrame(0x01, "a", false), wsFrame(0x89, "p", false), wsFrame(0x80, "b", false)}, nil), false)
	f.Add([]byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, true)
	f.Fuzz(func(t *testing.T, in []byte, masked bool) {
		out, _, err := carried(in, masked, "badword")
		if err == nil {
			t.Error("it ended without an end")
		}
		if len(out) > len(in) {
			t.Errorf("%d bytes became %d", len(in), len(out))
		}
	})
}

// speak opens a WebSocket inside TLS.
func (x *inspection) speak(t *testing.T) (*tls.Conn, *bufio.Reader) {
	t.Helper()
	conn := x.inside(t, "ok.test", "http/1.1")
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: ok.test:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n"+
		"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", x.port())
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != 101 || res.Header.Get("Sec-WebSocket-Extensions") != "" {
		t.Fatalf("%v %v", res, err)
	}
	return conn, r
}

func TestWhatIsSaidOnAnInspectedWebSocketIsLookedAt(t *testing.T) {
	look := &looker{}
	x := newInspection(t, func(c *Config, _ table) { c.Content = look })
	rules := inspected()
	for i := range rules.Groups {
		rules.Groups[i].Content.Chat = true
	}
	x.Porter.Use(gatetest.Snapshot(t, rules))
	conn, r := x.speak(t)
	look.mu.Lock()
	look.request = func(r *http.Request) *porter.Finding {
		if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "badword") && r.Header.Get("Content-Type") == "application/json" {
			return found(verdict.Block, "written to an AI service")
		}
		return nil
	}
	look.mu.Unlock()
	good := wsFrame(0x82, "an answer of the echo", true)
	if _, err := conn.Write(append(wsFrame(0x81, `{"say":"hello"}`, true), good...)); err != nil {
		t.Fatal(err)
	}
	// The site echoes what it was sent, masked, which no site may: it ends here.
	if _, err := r.ReadByte(); err == nil {
		t.Error("a masked frame of a site was let through")
	}
	conn, r = x.speak(t)
	if _, err := conn.Write(wsFrame(0x81, `{"say":"badword"}`, true)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadByte(); err == nil {
		t.Error("the WebSocket lives on")
	}
	stop := systemNow().Add(3 * time.Second)
	for systemNow().Before(stop) {
		for _, e := range x.Events(t, 1) {
			if e.Detail == "written to an AI service" && e.Action == 0 {
				return
			}
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Errorf("it is not written down: %+v", x.Events(t, 0))
}
