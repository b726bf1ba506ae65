package proxy

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"belisha/internal/gate/spool"
)

// say opens a connection from the bench's one client, says text, and reads
// until the other side ends it or nothing more comes.
func (b *bench) say(t *testing.T, text string) {
	t.Helper()
	conn, err := net.Dial("tcp", b.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(systemNow().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(conn)
}

func TestAVisitToAHelpServiceThatGoesWrongLeavesNoTraceEither(t *testing.T) {
	b := newBench(t, nil)
	b.SignIn(t, "127.0.0.1", "s1", "pupils")
	p := strconv.Itoa(port(b.secure))
	cases := []struct{ name, text string }{
		{"a port that is not open", "GET http://help.test:22/a HTTP/1.1\r\nHost: help.test\r\nConnection: close\r\n\r\n"},
		{"a tunnel to a port that is not open", "CONNECT help.test:22 HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"a tunnel that is not TLS", "CONNECT help.test:" + p + " HTTP/1.1\r\nHost: x\r\n\r\nnot TLS"},
		{"a tunnel that a browser opened ahead of need", "CONNECT help.test:" + p + " HTTP/1.1\r\nHost: x\r\n\r\n"},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b.say(t, c.text)
			for _, e := range b.Events(t, i+1) {
				if e.Action != spool.ActionSupport || e.Host+e.Path+e.Subject+e.Device+e.Group != "" || e.Address.IsValid() {
					t.Errorf("it is written down: %+v", e)
				}
			}
			if last, ok := b.Porter.Latest(netip.MustParseAddr("127.0.0.1")); ok {
				t.Errorf("the next person at this device reads of it: %+v", last)
			}
		})
	}
}

func TestATunnelThatWasNeverUsedIsNotABlock(t *testing.T) {
	b := newBench(t, nil)
	b.SignIn(t, "127.0.0.1", "s1", "pupils")
	b.say(t, fmt.Sprintf("CONNECT ok.test:%d HTTP/1.1\r\nHost: x\r\n\r\n", port(b.secure)))
	if e := b.Events(t, 1)[0]; e.Host != "ok.test" || e.Action == spool.ActionBlock {
		t.Errorf("got %+v", e)
	}
}
