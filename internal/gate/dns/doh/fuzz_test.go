package doh

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	mdns "github.com/miekg/dns"
)

// echo answers every question with itself.
type echo struct{ got []byte }

func (e *echo) Answer(_ context.Context, question []byte, _ netip.Addr, _ bool) []byte {
	e.got = question
	if len(question) < 12 {
		return nil
	}
	out := append([]byte(nil), question...)
	out[2] |= 0x80
	return out
}

func FuzzRequest(f *testing.F) {
	m := new(mdns.Msg)
	m.SetQuestion("ok.test.", mdns.TypeA)
	wire, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("GET", "dns="+base64.RawURLEncoding.EncodeToString(wire), "", []byte(nil))
	f.Add("POST", "", message, wire)
	f.Add("POST", "", message+"; charset=x", bytes.Repeat([]byte{0xc0}, 5000))
	f.Add("HEAD", "dns=AAAA&dns=", "text/plain", []byte{0})
	f.Fuzz(func(t *testing.T, method, query, kind string, body []byte) {
		r, err := http.NewRequest(method, "https://names.test/dns-query", bytes.NewReader(body))
		if err != nil {
			return
		}
		r.URL.RawQuery, r.RemoteAddr = query, "192.0.2.1:5"
		r.Header.Set("Content-Type", kind)
		w, e := httptest.NewRecorder(), &echo{}
		(&Server{answer: e}).ServeHTTP(w, r)
		if len(e.got) > maxQuestion {
			t.Fatalf("a question of %d bytes went through", len(e.got))
		}
		if w.Code == http.StatusOK && (w.Header().Get("Content-Type") != message || method != http.MethodHead && len(e.got) < 12) {
			t.Fatalf("%s %q: %v", method, query, w.Header())
		}
	})
}

func FuzzLeast(f *testing.F) {
	m := new(mdns.Msg)
	m.SetQuestion("ok.test.", mdns.TypeA)
	rr, err := mdns.NewRR("ok.test. 60 A 203.0.113.5")
	if err != nil {
		f.Fatal(err)
	}
	m.Answer = []mdns.RR{rr}
	wire, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	f.Fuzz(func(t *testing.T, b []byte) {
		got := new(mdns.Msg)
		ttl, ok := least(b)
		if got.Unpack(b) != nil || len(b) < 12 || int(binary.BigEndian.Uint16(b[6:])) != len(got.Answer) ||
			int(binary.BigEndian.Uint16(b[8:])) != len(got.Ns) || int(binary.BigEndian.Uint16(b[4:])) != len(got.Question) {
			return
		}
		want, has := uint32(0), false
		for _, rr := range append(got.Answer, got.Ns...) {
			if !has || rr.Header().Ttl < want {
				want, has = rr.Header().Ttl, true
			}
		}
		if has != ok || want != ttl {
			t.Fatalf("%x: %d %v, want %d %v", b, ttl, ok, want, has)
		}
	})
}
