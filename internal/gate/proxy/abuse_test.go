package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2 is a client that says in HTTP/2 what no browser would.
type h2 struct {
	t     testing.TB
	conn  net.Conn
	frame *http2.Framer
	text  bytes.Buffer
	enc   *hpack.Encoder
}

func (x *inspection) h2(t testing.TB, name string) *h2 {
	t.Helper()
	conn := x.inside(t, name, "h2")
	if conn.ConnectionState().NegotiatedProtocol != "h2" {
		t.Fatal("HTTP/2 is not offered")
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	c := &h2{t: t, conn: conn, frame: http2.NewFramer(conn, conn)}
	c.frame.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.enc = hpack.NewEncoder(&c.text)
	if err := c.frame.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return c
}

// pack writes header fields; pairs.
func (c *h2) pack(fields ...string) []byte {
	c.text.Reset()
	for i := 0; i < len(fields); i += 2 {
		if err := c.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
			c.t.Fatal(err)
		}
	}
	return bytes.Clone(c.text.Bytes())
}

func (c *h2) ask(id uint32, fields ...string) error {
	return c.frame.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.pack(fields...), EndStream: true, EndHeaders: true})
}

// outcome reads until a stream is answered or ended, or the connection is.
func (c *h2) outcome(id uint32) string {
	if err := c.conn.SetReadDeadline(systemNow().Add(3 * time.Second)); err != nil {
		c.t.Fatal(err)
	}
	for {
		f, err := c.frame.ReadFrame()
		if err != nil {
			var late net.Error
			if errors.As(err, &late) && late.Timeout() {
				return "nothing"
			}
			return "closed"
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if f.StreamID == id {
				return f.PseudoValue("status")
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == id {
				return "reset"
			}
		case *http2.GoAwayFrame:
			if f.ErrCode != http2.ErrCodeNo {
				return "goaway"
			}
		}
	}
}

func TestHTTP2ThatNoBrowserSpeaksIsRefused(t *testing.T) {
	x := newInspection(t, nil)
	host := func(name string) string { return fmt.Sprintf("%s:%d", name, x.port()) }
	usual := func(more ...string) []string {
		return append([]string{":method", "GET", ":scheme", "https", ":authority", host("ok.test"), ":path", "/a"}, more...)
	}
	refused := []string{"reset", "goaway", "closed", "400"}
	cases := []struct {
		name   string
		fields []string
		want   []string
	}{
		{"as browsers do", usual("accept", "*/*"), []string{"200"}},
		{"Host and :authority agree", usual("host", host("ok.test")), []string{"200"}},
		{"Host and :authority differ", usual("host", host("bad.test")), refused},
		{"upper case", usual("X-Upper", "a"), refused},
		{"a line break in a value", usual("x-a", "b\r\nhost: bad.test"), refused},
		{"transfer-encoding", usual("transfer-encoding", "chunked"), refused},
		{"connection", usual("connection", "close"), refused},
		{"another open name", []string{":method", "GET", ":scheme", "https", ":authority", host("other.test"), ":path", "/"}, []string{"421"}},
		{"a closed name", []string{":method", "GET", ":scheme", "https", ":authority", host("bad.test"), ":path", "/"}, []string{"403"}},
		{"another port", []string{":method", "GET", ":scheme", "https", ":authority", "ok.test:444", ":path", "/"}, []string{"400"}},
		{"no name at all", []string{":method", "GET", ":scheme", "https", ":path", "/"}, refused},
		{"userinfo", []string{":method", "GET", ":scheme", "https", ":authority", "ok.test@" + host("bad.test"), ":path", "/"}, refused},
		{"CONNECT", []string{":method", "CONNECT", ":authority", host("ok.test")}, []string{"403", "reset"}},
		{"CONNECT for a WebSocket, which was not offered", append(usual(":protocol", "websocket"), "sec-websocket-version", "13"), refused},
		{"connect-udp", []string{":method", "CONNECT", ":protocol", "connect-udp", ":scheme", "https", ":authority", host("ok.test"), ":path", "/x"}, append(refused, "403")},
		{"a path that is none", []string{":method", "GET", ":scheme", "https", ":authority", host("ok.test"), ":path", "bad.test/"}, refused},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x.seen.Store(nil)
			h := x.h2(t, "ok.test")
			if err := h.ask(1, c.fields...); err != nil {
				t.Fatal(err)
			}
			got := h.outcome(1)
			if !strings.Contains(" "+strings.Join(c.want, " ")+" ", " "+got+" ") {
				t.Errorf("got %s, want one of %v", got, c.want)
			}
			if seen := x.seen.Load(); (seen != nil) != (c.want[0] == "200") {
				t.Errorf("the site saw %v", seen)
			}
		})
	}
}

// heap is what is in use after everything unused is gone.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestFloodsOfHTTP2EndTheConnectionAndNobodyElses(t *testing.T) {
	x := newInspection(t, nil)
	authority := fmt.Sprintf("ok.test:%d", x.port())
	floods := map[string]func(*h2) error{
		"requests that are dropped at once": func(h *h2) error {
			block := h.pack(":method", "GET", ":scheme", "https", ":authority", authority, ":path", "/stream")
			for id := uint32(1); id < 20_001; id += 2 {
				if err := h.frame.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndStream: true, EndHeaders: true}); err != nil {
					return err
				}
				if err := h.frame.WriteRSTStream(id, http2.ErrCodeCancel); err != nil {
					return err
				}
			}
			return nil
		},
		"a head that never ends": func(h *h2) error {
			if err := h.frame.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: h.pack(":method", "GET")}); err != nil {
				return err
			}
			part := h.pack("x-a", strings.Repeat("a", 10_000))
			for range 10_000 {
				if err := h.frame.WriteContinuation(1, false, part); err != nil {
					return err
				}
			}
			return nil
		},
		"a head that grows when it is unpacked": func(h *h2) error {
			block := h.pack(":method", "GET", ":scheme", "https", ":authority", authority, ":path", "/", "x-bomb", strings.Repeat("b", 3000))
			for range 4000 {
				block = append(block, h.pack("x-bomb", strings.Repeat("b", 3000))...) // one byte each from here on
			}
			if len(block) > 16_000 {
				return fmt.Errorf("the bomb has %d bytes", len(block))
			}
			if err := h.frame.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndStream: true, EndHeaders: true}); err != nil {
				return err
			}
			if got := h.outcome(1); got != "431" && got != "reset" && got != "goaway" && got != "closed" {
				return fmt.Errorf("it was answered with %s", got)
			}
			return io.ErrClosedPipe
		},
		"settings": func(h *h2) error {
			for range 200_000 {
				if err := h.frame.WriteSettings(); err != nil {
					return err
				}
			}
			return nil
		},
		"pings": func(h *h2) error {
			for range 200_000 {
				if err := h.frame.WritePing(false, [8]byte{}); err != nil {
					return err
				}
			}
			return nil
		},
	}
	before, at := heap(), runtime.NumGoroutine()
	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			h := x.h2(t, "ok.test")
			err := flood(h)
			if err != nil && strings.Contains(err.Error(), "answered") {
				t.Error(err)
			}
			if err == nil && name != "settings" && name != "pings" { // those cost us little
				if got := h.outcome(0); got != "closed" && got != "goaway" {
					t.Errorf("the connection lives on: %s", got)
				}
			}
			h.conn.Close()
			if res, _ := x.fetch(t, x.browser(), x.at("other.test", "/")); res.StatusCode != 200 {
				t.Errorf("somebody else got %d", res.StatusCode)
			}
		})
	}
	stop := systemNow().Add(5 * time.Second)
	for runtime.NumGoroutine() > at+60 && systemNow().Before(stop) {
		<-time.After(20 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > at+60 {
		t.Errorf("%d goroutines are left of %d", n, at)
	}
	if after := heap(); after > before+32<<20 {
		t.Errorf("%d MB are held", (after-before)>>20)
	}
}
