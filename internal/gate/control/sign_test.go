package control

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

func TestWhatTheFilterSignsIsTakenAndNothingElse(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	child := netip.MustParseAddr("10.1.2.3")
	for _, c := range []struct {
		name       string
		change     func(*http.Request)
		later      time.Duration
		ok, secure bool
	}{
		{"over TLS", func(*http.Request) {}, 0, true, true},
		{"another address", func(r *http.Request) { r.Header.Set(HeaderClient, "10.1.2.4") }, 0, false, false},
		{"no TLS", func(r *http.Request) { r.Header.Set(HeaderSecure, "false") }, 0, false, false},
		{"another page", func(r *http.Request) { r.URL.Path = "/account" }, 0, false, false},
		{"another time", func(*http.Request) {}, time.Minute, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/sign-in", nil)
			Sign(r, "secret", child, true, now)
			c.change(r)
			got, secure, ok := SignedClient(r, "secret", now.Add(c.later))
			if ok != c.ok || secure != c.secure || ok && got != child {
				t.Errorf("got %v %v %v", got, secure, ok)
			}
			if _, _, ok := SignedClient(r, "guessed", now); ok {
				t.Error("another secret will do")
			}
		})
	}
}
