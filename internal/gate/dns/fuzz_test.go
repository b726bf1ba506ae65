package dns

import (
	"net/netip"
	"strings"
	"testing"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate/gatetest"
)

// FuzzAnswer takes whatever an upstream resolver may send through everything
// that is done with it, and reads what comes out.
func FuzzAnswer(f *testing.F) {
	for _, lines := range [][]string{
		{"ok.test. 60 A 203.0.113.5", "ok.test. 60 A 10.0.0.1"},
		{"ok.test. 60 CNAME a.test.", "test. 60 DNAME other.test.", "a.test. 60 AAAA ::1"},
		{`ok.test. 60 HTTPS 1 . mandatory=alpn,ech alpn="h3,h2" ech="aGVsbG8=" ipv4hint=10.0.0.1,203.0.113.5 ipv6hint=fd00::1 key667="x"`},
		{"ok.test. 60 SVCB 0 bad.test.", "ok.test. 60 TXT \"a\" \"b\"", "ok.test. 60 NULL \\# 2 0102"},
	} {
		m := question("ok.test", mdns.TypeHTTPS)
		m.Response = true
		for _, l := range lines {
			if rr, err := mdns.NewRR(l); err == nil {
				m.Answer = append(m.Answer, rr)
			}
		}
		wire, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire, uint16(mdns.TypeHTTPS), false)
		f.Add(wire, uint16(mdns.TypeA), true)
	}
	asked := question("OK.test", mdns.TypeA)
	asked.SetEdns0(1232, true)
	sent, err := asked.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, wire []byte, kind uint16, do bool) {
		m := new(mdns.Msg)
		if m.Unpack(wire) != nil {
			return
		}
		trim(m, "ok.test", kind, do)
		c := clean(m, public)
		for _, a := range c.hints {
			if !public(a) {
				t.Fatalf("a hint of %v came through", a)
			}
		}
		e, err := newEntry(m, gatetest.Noon)
		if err != nil {
			return // it cannot be written, so nobody gets it
		}
		e.addresses(func(a netip.Addr) bool {
			if !public(a) {
				t.Fatalf("%v came through", a)
			}
			return true
		})
		q, rcode, drop := parse(sent)
		if drop || rcode != rcodeOK {
			t.Fatal("the question is none")
		}
		q.kind = kind
		got := new(mdns.Msg)
		if err := got.Unpack(e.answer(&q, nil, gatetest.Noon, maxTTL)); err != nil {
			t.Fatalf("the answer cannot be read: %v", err)
		}
		for _, rr := range got.Answer {
			if text := rr.String(); strings.Contains(text, " ech=") || rr.Header().Ttl > maxTTL {
				t.Fatalf("%s came through", text)
			}
		}
	})
}

// FuzzStream takes whole questions as they come over TCP, TLS and HTTPS.
func FuzzStream(f *testing.F) {
	w := gatetest.New(f)
	r, err := NewResolver(nil, public, w.Clock, w.Log)
	if err != nil {
		f.Fatal(err)
	}
	s, err := Listen("127.0.0.1:0", Config{Porter: w.Porter, Resolver: r, Clock: w.Clock, Log: w.Log})
	if err != nil {
		f.Fatal(err)
	}
	go s.Serve()
	f.Cleanup(func() { s.Close() })
	s.Offer(Offered{DoT: netip.MustParseAddrPort("127.0.0.1:853"), DoH: netip.MustParseAddrPort("[::1]:443")})
	for _, name := range []string{"bad.test", "ok.test", "_dns.resolver.arpa", "belisha.test"} {
		m := question(name, mdns.TypeSVCB)
		m.SetEdns0(4096, true)
		m.IsEdns0().Option = []mdns.EDNS0{
			&mdns.EDNS0_COOKIE{Code: mdns.EDNS0COOKIE, Cookie: "0102030405060708"}, &mdns.EDNS0_PADDING{Padding: make([]byte, 3)},
		}
		wire, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire, true)
		f.Add(wire[:len(wire)-4], false)
	}
	client := netip.MustParseAddr("127.0.0.1")
	f.Fuzz(func(t *testing.T, in []byte, secure bool) {
		out := s.Answer(t.Context(), in, client, secure)
		if s.panics.Load() != 0 {
			t.Fatalf("%x made it stumble", in)
		}
		if out == nil {
			return
		}
		got := new(mdns.Msg)
		if err := got.Unpack(out); err != nil {
			t.Fatalf("the answer to %x cannot be read: %v", in, err)
		}
	})
}
