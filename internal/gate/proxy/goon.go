package proxy

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	goOnFor    = 15 * time.Minute
	maxGoOn    = 10_000
	goOnPath   = "/go-on"
	goOnOffers = 10 * time.Minute // how long the link on a page works
)

// goOns remembers who read a warning and went on. The link carries a
// signature, so that no site can press it for a pupil.
type goOns struct {
	key  [32]byte
	mu   sync.Mutex
	ends map[goOnKey]time.Time
}

type goOnKey struct {
	client netip.Addr
	host   string
}

func newGoOns() *goOns {
	g := &goOns{ends: make(map[goOnKey]time.Time)}
	rand.Read(g.key[:])
	return g
}

func (g *goOns) has(client netip.Addr, host string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return now.Before(g.ends[goOnKey{client, host}])
}

func (g *goOns) sign(client netip.Addr, host, target, until string) string {
	m := hmac.New(sha256.New, g.key[:])
	fmt.Fprintf(m, "%s\n%s\n%s\n%s", client, host, until, target)
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// link is where "go on" on a warning leads.
func (g *goOns) link(pages string, client netip.Addr, host, target string, now time.Time) string {
	if pages == "" {
		return ""
	}
	until := strconv.FormatInt(now.Add(goOnOffers).Unix(), 10)
	q := url.Values{"host": {host}, "to": {target}, "until": {until}, "sign": {g.sign(client, host, target, until)}}
	return pages + goOnPath + "?" + q.Encode()
}

// serve takes the press on the link and leads back to the page.
func (g *goOns) serve(w http.ResponseWriter, r *http.Request, client netip.Addr, now time.Time) {
	q := r.URL.Query()
	host, target, until := q.Get("host"), q.Get("to"), q.Get("until")
	seconds, err := strconv.ParseInt(until, 10, 64)
	good := err == nil && now.Before(time.Unix(seconds, 0)) &&
		hmac.Equal([]byte(q.Get("sign")), []byte(g.sign(client, host, target, until))) &&
		(strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://"))
	if !good {
		http.Error(w, "This link does not work any more. Go back and open the page again.", http.StatusForbidden)
		return
	}
	g.mu.Lock()
	if len(g.ends) >= maxGoOn {
		clear(g.ends)
	}
	g.ends[goOnKey{client, host}] = now.Add(goOnFor)
	g.mu.Unlock()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, target, http.StatusSeeOther)
}
