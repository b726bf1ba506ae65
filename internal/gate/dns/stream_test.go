package dns

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate/gatetest"
)

func TestANameThatUpstreamIsSlowAboutHoldsUpNobodyOnTheSameConnection(t *testing.T) {
	w := gatetest.New(t)
	release := make(chan struct{})
	s := door(t, w, scripted(t, func(r *mdns.Msg) *mdns.Msg {
		if strings.HasPrefix(strings.ToLower(r.Question[0].Name), "slow.") {
			<-release
		}
		return reply(t, r, []string{r.Question[0].Name + " 60 A 203.0.113.5"}, nil)
	}))
	conn, err := mdns.DialTimeout("tcp", s.Addr().String(), 3*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	slow, fast := question("slow.test", mdns.TypeA), question("fast.test", mdns.TypeA)
	for _, m := range []*mdns.Msg{slow, fast} {
		if err := conn.WriteMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	conn.SetReadDeadline(soon(5 * time.Second))
	for i, want := range []*mdns.Msg{fast, slow} {
		got, err := conn.ReadMsg()
		if err != nil {
			t.Fatal(err)
		}
		if got.Id != want.Id {
			t.Errorf("answer %d is to the other question", i+1)
		}
		if i == 0 {
			close(release)
		}
	}
}

func TestStreamsThatAreNoDNSAreClosed(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w)
	for name, raw := range map[string][]byte{
		"64 kB": append([]byte{0xff, 0xff}, make([]byte, 5000)...), "shorter than a header": {0, 5, 1, 2, 3, 4, 5},
		"nothing": {0, 0}, "an answer": append([]byte{0, 12, 0, 1, 0x80}, make([]byte, 9)...), "HTTP": []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write(raw); err != nil {
				t.Fatal(err)
			}
			conn.SetReadDeadline(soon(3 * time.Second))
			if n, err := conn.Read(make([]byte, 10)); err == nil || n > 0 {
				t.Errorf("%d bytes came back", n)
			} else if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Error("it stays open")
			}
		})
	}
}

func TestOneClientMayNotTakeAllConnections(t *testing.T) {
	w := gatetest.New(t)
	s := door(t, w)
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	m, err := question("bad.test", mdns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...)
	served := 0
	for range maxPerClient + 10 {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
		_, _ = c.Write(framed) // a connection that was refused may be gone
		c.SetReadDeadline(soon(3 * time.Second))
		if _, err := io.ReadFull(c, make([]byte, 2)); err == nil {
			served++
		}
	}
	if served != maxPerClient {
		t.Errorf("%d connections were served, want %d", served, maxPerClient)
	}
}

func TestAnAnswerComesFromTheAddressThatWasAsked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere the system has no second address of its own to try")
	}
	w := gatetest.New(t)
	for _, c := range []struct{ listen, ask string }{
		{"0.0.0.0:0", "127.0.0.7"}, {"[::]:0", "127.0.0.8"}, {"[::]:0", "::1"}, {"127.0.0.1:0", "127.0.0.1"},
	} {
		r, err := NewResolver([]string{gatetest.Upstream(t, zone...)}, public, w.Clock, w.Log)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Listen(c.listen, Config{Porter: w.Porter, Resolver: r, Clock: w.Clock, Log: w.Log})
		if err != nil {
			t.Fatal(err)
		}
		go s.Serve()
		to := netip.AddrPortFrom(netip.MustParseAddr(c.ask), s.Addr().Port()).String()
		// The client's socket is connected: an answer from elsewhere is lost.
		// The first comes after upstream was asked, the second at once.
		for range 2 {
			got, _, err := (&mdns.Client{Timeout: 3 * time.Second}).Exchange(question("ok.test", mdns.TypeA), to)
			if err != nil || say(got) != "NOERROR | A 203.0.113.5" {
				t.Errorf("listening on %s, asked at %s: %v, %v", c.listen, to, got, err)
			}
		}
		s.Close()
	}
}
