package soak

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// running is how long a connection may go on after the rules close it, and
// how long what broke off then may stay unnoticed by who asks rarely.
const running = 1500 * time.Millisecond

// client is one device with somebody at it, doing one kind of thing.
type client struct {
	*world
	kind   string
	addr   netip.Addr
	name   string
	group  string
	rnd    *rand.Rand
	http   *http.Client
	secure bool // asks for https
	looked bool // and the gate looks into it

	tries  atomic.Uint64 // to ask for a page, those that broke off included
	mu     sync.Mutex
	asked  uint64 // and answered, one way or the other
	either uint64 // of them, while the rules changed: what is cut off is written down a second time
	took   []time.Duration
}

// kinds are what the clients do, and how many do it.
var kinds = []struct {
	name   string
	many   int
	second byte // of the address: 2 has the school's certificate
	do     func(*client, context.Context)
}{
	{"pages", 4, 1, (*client).get},
	{"movers", 2, 1, (*client).move},
	{"looked into", 3, 2, (*client).get},
	{"looked into, HTTP/2", 3, 2, (*client).get},
	{"tunnels", 2, 1, (*client).get},
	{"sockets", 1, 2, (*client).talk},
	{"sockets in tunnels", 1, 1, (*client).talk},
	{"names, UDP", 2, 1, (*client).resolve},
	{"names, TCP", 1, 1, (*client).resolve},
	{"names, TLS", 1, 1, (*client).resolve},
	{"names, HTTPS", 1, 1, (*client).resolve},
	{"ICAP", 2, 1, (*client).adapt},
	{"breaking off", 2, 1, (*client).breakOff},
}

func (w *world) clients() []*client {
	var out []*client
	for k, kind := range kinds {
		for i := range kind.many {
			c := &client{world: w, kind: kind.name, addr: netip.AddrFrom4([4]byte{127, kind.second, byte(k + 1), byte(i + 1)}), group: "pupils"}
			c.name = strings.ReplaceAll(fmt.Sprint(kind.name, i), " ", "-")
			c.rnd = rand.New(rand.NewPCG(uint64(k), uint64(i)))
			c.looked = kind.second == 2
			c.secure = c.looked || strings.Contains(kind.name, "tunnels")
			c.browser(strings.HasSuffix(kind.name, "HTTP/2"))
			w.push(nil, row(c.name, c.addr, c.group))
			if kind.name == "movers" {
				w.oracle.joins(c.addr.String(), false)
				w.oracle.joined(c.addr.String())
			}
			out = append(out, c)
		}
	}
	return out
}

// dial opens a connection from the client's address. On one machine a port
// may be chosen that the system still keeps for a connection that is over,
// and what is said there is dropped: then another is tried.
func (c *client) dial(ctx context.Context, network, at string) (conn net.Conn, err error) {
	local := net.Addr(net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.addr, 0)))
	if network == "udp" {
		local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.addr, 0))
	}
	for range 4 {
		conn, err = (&net.Dialer{Timeout: patience / 4, LocalAddr: local}).DialContext(ctx, network, at)
		var slow net.Error
		if !errors.As(err, &slow) || !slow.Timeout() || ctx.Err() != nil {
			break
		}
	}
	return conn, err
}

func (c *client) browser(two bool) {
	c.http = &http.Client{
		Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: c.state.Proxy}), DialContext: c.dial,
			TLSClientConfig: &tls.Config{RootCAs: c.roots}, DisableCompression: true, ForceAttemptHTTP2: two, MaxIdleConnsPerHost: 2, MaxIdleConns: 8,
			IdleConnTimeout: 10 * time.Second,
		},
	}
}

// host chooses a name.
func (c *client) host() string {
	switch n := c.rnd.IntN(20); {
	case n < 6:
		return ownName(c.rnd.IntN(owns))
	case n < 10:
		return swappedName(c.rnd.IntN(swapped))
	case n < 12:
		return timedName(c.rnd.IntN(timed))
	case n < 14:
		return "bad.test"
	}
	return "ok.test"
}

// done notes that something was asked.
func (c *client) done(from time.Time) {
	took := now().Sub(from)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if len(c.took) < 20_000 {
		c.took = append(c.took, took)
	} else {
		c.took[c.rnd.IntN(len(c.took))] = took
	}
}

// get asks for a page or a file.
func (c *client) get(ctx context.Context) {
	path := chosen[c.rnd.IntN(len(chosen))]
	host := c.host()
	c.fetch(ctx, host, path, func(from, until time.Time) outcomes { return c.oracle.of(host, from, until) })
}

// move asks for what is closed for all but staff, and is staff now and then.
func (c *client) move(ctx context.Context) {
	c.fetch(ctx, "game.test", "/data", func(from, until time.Time) outcomes { return c.oracle.game(c.addr.String(), from, until) })
}

// fetch asks for a page and holds what came against what may come.
func (c *client) fetch(ctx context.Context, host, path string, may func(from, until time.Time) outcomes) {
	scheme := "http"
	if c.secure {
		scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s://%s:%s%s", scheme, host, c.sites.port(c.secure), path), nil)
	if err != nil {
		c.fail("%v", err)
		return
	}
	// What breaks off before anything came is asked for again by itself.
	req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { c.tries.Add(1) }}))
	from := now()
	res, err := c.http.Do(req)
	status, body := 0, []byte(nil)
	shown := false
	if err == nil {
		status, shown = res.StatusCode, strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'")
		body, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	until := now()
	if ctx.Err() != nil {
		return
	}
	c.done(from)
	all, a := may(from, until), c.sites.answers[path]
	if all.open && all.closed {
		c.either++
	}
	if c.secure && !c.looked {
		all = may(from.Add(-running), until) // what runs is cut off a moment later
	} else {
		c.inside(host, a, from, until, &all)
	}
	switch {
	case err == nil && status == http.StatusOK && bytes.Equal(body, a.body):
		if !all.open {
			c.fail("%s: %s%s came through at %s, closed since before %s", c.kind, host, path, until, from)
		}
	case err == nil && status == http.StatusForbidden && shown && !bytes.Contains(body, []byte("badword")), refused(err):
		if !all.closed {
			c.fail("%s: %s%s was closed at %s, open since before %s: %.300q %v", c.kind, host, path, until, from, body, err)
		}
	case err != nil && may(from.Add(-running), until).closed:
		// What was closed meanwhile breaks off.
		c.http.CloseIdleConnections()
	default:
		c.fail("%s: %s%s at %s: %d, %d bytes, %v: %.300q", c.kind, host, path, until, status, len(body), err, body[:min(len(body), 300)])
	}
}

// inside adds what becomes of an answer for what is in it.
func (c *client) inside(host string, a answer, from, until time.Time, all *outcomes) {
	closed := a.closed && !(a.words && strings.HasPrefix(host, "timed"))
	all.closed = all.closed || closed || a.scanned && c.oracle.unscanned(from, until)
	all.open = all.open && !closed
}

// refused is the answer to CONNECT for a device on which no page can be shown.
func refused(err error) bool {
	var e *url.Error
	return errors.As(err, &e) && e.Err.Error() == "Forbidden"
}

// pace waits for a moment, as people do.
func (c *client) pace(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(5+c.rnd.IntN(30)) * time.Millisecond):
	}
}

// table prints what was asked, by kind.
func table(w *world, all []*client, lasted time.Duration) {
	w.t.Logf("%-22s %9s %8s %9s %9s", "what", "asked", "a second", "median ms", "99 % ms")
	var total uint64
	for _, kind := range kinds {
		var took []time.Duration
		var asked uint64
		for _, c := range all {
			if c.kind == kind.name {
				asked += c.asked
				took = append(took, c.took...)
			}
		}
		total += asked
		if len(took) == 0 {
			w.t.Errorf("nobody did %q", kind.name)
			continue
		}
		slices.Sort(took)
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		w.t.Logf("%-22s %9d %8.0f %9.1f %9.1f", kind.name, asked, float64(asked)/lasted.Seconds(), ms(took[len(took)/2]), ms(took[len(took)*99/100]))
	}
	w.t.Logf("%-22s %9d %8.0f", "all", total, float64(total)/lasted.Seconds())
}
