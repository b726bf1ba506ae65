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

// The headers by which the gate tells the people's pages who asks, and
// whether they speak TLS with the gate. They are
// signed with a secret that is new each time the gate starts; any that a
// client sends itself are taken off.
const (
	HeaderClient = "X-Belisha-Client"
	HeaderTime   = "X-Belisha-Time"
	HeaderSign   = "X-Belisha-Sign"
	HeaderSecure = "X-Belisha-Secure"
	// HeaderWho is the pseudonym of somebody who has proved by this very
	// request who they are; set it before Sign.
	HeaderWho = "X-Belisha-Who"
)

const signedFor = 30 * time.Second

// NewSecret makes a secret for one start of the gate.
func NewSecret() string { return rand.Text() + rand.Text() }

func signature(secret string, r *http.Request) string {
	m := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(m, "%s\n%s\n%s\n%s\n%s\n%s", r.Method, r.URL.RequestURI(),
		r.Header.Get(HeaderClient), r.Header.Get(HeaderTime), r.Header.Get(HeaderSecure), r.Header.Get(HeaderWho))
	return hex.EncodeToString(m.Sum(nil))
}

// Sign marks a request to the people's pages as coming through the gate for a
// client, who speaks TLS with it or not. The method and the URL must not
// change afterwards.
func Sign(r *http.Request, secret string, client netip.Addr, secure bool, now time.Time) {
	r.Header.Set(HeaderClient, client.String())
	r.Header.Set(HeaderTime, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(HeaderSecure, strconv.FormatBool(secure))
	r.Header.Set(HeaderSign, signature(secret, r))
}

// SignedClient returns the client that the gate, which has this secret, signed
// for, and whether they speak TLS with it.
func SignedClient(r *http.Request, secret string, now time.Time) (client netip.Addr, secure, ok bool) {
	if secret == "" || !hmac.Equal([]byte(signature(secret, r)), []byte(r.Header.Get(HeaderSign))) {
		return netip.Addr{}, false, false
	}
	seconds, err := strconv.ParseInt(r.Header.Get(HeaderTime), 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > signedFor {
		return netip.Addr{}, false, false
	}
	client, err = netip.ParseAddr(r.Header.Get(HeaderClient))
	return client, r.Header.Get(HeaderSecure) == "true", err == nil
}
