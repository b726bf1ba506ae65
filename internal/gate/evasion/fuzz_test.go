package evasion

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// fuzzed is a world for targets: one client, and a log that does not grow.
type fuzzed struct {
	*world
	addr netip.Addr
}

func newFuzzed(f *testing.F) *fuzzed {
	f.Helper()
	if testing.Short() {
		f.Skip("opens a whole gate")
	}
	w := newWorld(f)
	addr, _ := w.client(1, "pupils")
	return &fuzzed{w, addr}
}

// well sees that nothing fell over, and that others are served.
func (z *fuzzed) well(t *testing.T) {
	t.Helper()
	if n := z.status().Faults; n != 0 {
		t.Fatalf("%d panics: %s", n, tail(z.log.text()))
	}
	z.log.mu.Lock()
	z.log.lines = z.log.lines[:0]
	z.log.mu.Unlock()
}

// talk says something at a door and takes whatever comes until it ends.
func (z *fuzzed) talk(t *testing.T, to string, raw []byte) []byte {
	t.Helper()
	c, err := dialFrom(z.addr, to)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(now().Add(time.Second)) // else the longer one holds
	_, _ = c.Write(raw)                       // the other side may have had enough
	if half, ok := c.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
	said, _ := io.ReadAll(io.LimitReader(c, 1<<20))
	return said
}

// FuzzSite has a site say anything at all: the filter stands, what comes to
// the client is HTTP, and it has no word in it that is closed.
func FuzzSite(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<p>a badword",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<p>ab\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x03abc",
		"HTTP/1.0 206 Partial Content\r\nContent-Range: bytes 0-1/2\r\nContent-Type: video/mp4\r\n\r\nMZ",
		"HTTP/1.1 302 Found\r\nLocation: //bad.test/\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: badword\n\n", "\x00\x01", "",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	z := newFuzzed(f)
	plain, _ := z.sites.ports()
	f.Fuzz(func(t *testing.T, raw []byte, socket bool) {
		z.sites.begin()
		z.sites.mu.Lock()
		z.sites.reply = &reply{raw: raw}
		z.sites.mu.Unlock()
		more := "Connection: close\r\n"
		if socket {
			more = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		}
		said := z.talk(t, z.state.Proxy, []byte("GET http://ok.test:"+plain+"/ HTTP/1.1\r\nHost: ok.test:"+plain+"\r\n"+more+"\r\n"))
		z.well(t)
		if len(said) == 0 {
			return
		}
		res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(said))), &http.Request{Method: http.MethodGet})
		if err != nil {
			t.Fatalf("%q became %.300q, which is no answer: %v", raw, said, err)
		}
		kind := res.Header.Get("Content-Type")
		body, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode == http.StatusOK && strings.HasPrefix(kind, "text/html") && strings.Contains(string(body), " badword ") {
			t.Fatalf("%q came through as %.300q", raw, body)
		}
	})
}

// FuzzDoors says anything at all at each door.
func FuzzDoors(f *testing.F) {
	doors := []string{"proxy", "icap", "dns", "sink", "dot", "doh"}
	for _, s := range []string{
		"GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\n\r\n", "CONNECT ok.test:443 HTTP/1.1\r\nHost: ok.test:443\r\n\r\n\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
		"POST http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"RESPMOD icap://f/respmod ICAP/1.0\r\nHost: f\r\nX-Client-IP: 127.1.0.1\r\nEncapsulated: req-hdr=0, res-hdr=44, res-body=63\r\n\r\nGET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\n\r\nHTTP/1.1 200 OK\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"\x00\x19\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02ok\x04test\x00\x00\x01\x00\x01", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		for i := range doors {
			f.Add(uint8(i), []byte(s))
		}
	}
	z := newFuzzed(f)
	f.Fuzz(func(t *testing.T, door uint8, raw []byte) {
		z.sites.begin()
		at := map[string]string{"proxy": z.state.Proxy, "dns": z.state.DNS, "sink": z.state.Sink}[doors[int(door)%len(doors)]]
		if at == "" {
			at = z.state.More[doors[int(door)%len(doors)]]
		}
		z.talk(t, at, raw)
		z.well(t)
	})
}
