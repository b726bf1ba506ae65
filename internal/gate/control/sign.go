package control

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// The headers by which the gate tells the people's pages who asks. They are
// signed with a secret that is new each time the gate starts; any that a
// client sends itself are taken off.
const (
	HeaderClient = "X-Belisha-Client"
	HeaderTime   = "X-Belisha-Time"
	HeaderSign   = "X-Belisha-Sign"
)

const signedFor = 30 * time.Second

// NewSecret makes a secret for one start of the gate.
func NewSecret() string { return rand.Text() + rand.Text() }

func signature(secret, method, uri, client, at string) string {
	m := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(m, "%s\n%s\n%s\n%s", method, uri, client, at)
	return hex.EncodeToString(m.Sum(nil))
}

// Sign marks a request to the people's pages as coming through the gate for a
// client. The method and the URL must not change afterwards.
func Sign(r *http.Request, secret string, client netip.Addr, now time.Time) {
	at := strconv.FormatInt(now.Unix(), 10)
	r.Header.Set(HeaderClient, client.String())
	r.Header.Set(HeaderTime, at)
	r.Header.Set(HeaderSign, signature(secret, r.Method, r.URL.RequestURI(), client.String(), at))
}

// SignedClient returns the client that the gate, which has this secret, signed for.
func SignedClient(r *http.Request, secret string, now time.Time) (netip.Addr, bool) {
	client, at := r.Header.Get(HeaderClient), r.Header.Get(HeaderTime)
	want := signature(secret, r.Method, r.URL.RequestURI(), client, at)
	if secret == "" || !hmac.Equal([]byte(want), []byte(r.Header.Get(HeaderSign))) {
		return netip.Addr{}, false
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > signedFor {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(client)
	return a, err == nil
}
