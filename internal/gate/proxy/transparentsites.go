package proxy

import (
	"context"
	"hash/maphash"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"belisha/internal/verdict"
)

type redirectedKey struct{}

// redirectedContext gives each request what its connection was meant for.
func redirectedContext(ctx context.Context, c net.Conn) context.Context {
	if s, ok := c.(*strictConn); ok {
		if r, ok := s.Conn.(*redirected); ok {
			ctx = context.WithValue(ctx, redirectedKey{}, r)
		}
	}
	return connContext(ctx, c)
}

// ServeHTTP answers a plain request that was sent to a site. Its Host says
// which; the address that it was sent to plays no part.
func (t *Transparent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, client := t.server, clientOf(r.RemoteAddr)
	s.requests.Add(1)
	defer s.isolate()
	conn, ok := r.Context().Value(redirectedKey{}).(*redirected)
	if !ok || !siteForm(r, conn) {
		s.malformed(w, r, client)
		return
	}
	host, port, ok := splitHost(r.URL.Host, 80)
	nested := r.Method == http.MethodConnect
	if !ok || port != conn.to.Port() && !conn.lost && !nested {
		s.malformed(w, r, client)
		return
	}
	to := site{host: host, port: port}
	if nested {
		x := &exchange{Server: s, w: w, r: r, to: to, client: client}
		x.refuse(verdict.ReasonBypass, "a tunnel asked of another proxy")
		return
	}
	if s.looped(w, r) || s.closedMethod(w, r) {
		return
	}
	s.requested(w, r, to, client, nil)
}

// siteForm puts a request as it is sent to a site into the form in which
// proxies get it. One in that form already was meant for another proxy.
func siteForm(r *http.Request, conn *redirected) bool {
	if r.Method == http.MethodConnect {
		return r.URL.Host != ""
	}
	if r.URL.Opaque != "" {
		return false
	}
	if r.URL.Host != "" {
		return r.URL.Scheme == "http"
	}
	if r.URL.Scheme != "" || !strings.HasPrefix(r.URL.Path, "/") {
		return false
	}
	r.URL.Scheme, r.URL.Host = "http", r.Host
	if r.Host == "" && !conn.lost { // before HTTP/1.1 nobody had to say it
		r.URL.Host = joinHost(conn.to.Addr().String(), conn.to.Port(), 80)
	}
	return r.URL.Host != ""
}

// secure judges a connection by the name in its first TLS message. It reports
// whether somebody else has the connection now.
func (t *Transparent) secure(c *redirected, first []byte, client netip.Addr) (handed bool) {
	s, ctx := t.server, context.Background()
	s.requests.Add(1)
	v := t.visit(c, first, client)
	h, err := v.hello()
	name := ""
	if err == nil {
		name, err = serverHost(h.name)
	}
	switch {
	case !s.tunnelPort(v.port):
		refused := s.porter.Refuse(&v.who, s.question(v, name), verdict.ReasonPort)
		s.closeTunnel(ctx, v, &refused)
	case err == nil && slices.Contains(s.porter.Settings().OwnHosts, name):
		t.own(v, name)
	default:
		end, ok := t.begin(v.first)
		if !ok {
			t.comesBack()
			return false
		}
		defer end()
		s.arrive(ctx, v, nil)
	}
	return v.handed
}

func (t *Transparent) visit(c *redirected, first []byte, client netip.Addr) *visit {
	v := &visit{client: c.Conn, first: first, addr: client, who: t.server.porter.Who(client, nil), port: c.to.Port()}
	if c.lost {
		v.port = 443
	}
	return v
}

// own shows the people's pages, where the device takes our certificate.
func (t *Transparent) own(v *visit, name string) {
	s, client := t.server, v.addr
	if !s.canSpeak(&v.who, name) {
		// The client may have gone already.
		_, _ = v.client.Write(alertDenied)
		return
	}
	s.showTLS(v, name, func(w http.ResponseWriter, r *http.Request) { s.people.serve(w, r, client) })
}

// begin notes a visit by its first message, which is random. A second one with
// the same is the first on its way out, which the network sent here again.
func (t *Transparent) begin(first []byte) (end func(), ok bool) {
	key := maphash.Bytes(t.seed, first)
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, twice := t.passing[key]; twice {
		return nil, false
	}
	t.passing[key] = struct{}{}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.passing, key)
	}, true
}

const (
	wantsSecure = "This address expects a secure connection: write https:// in front of it."
	drainFor    = time.Second
	drainMost   = 64 << 10
)

// notSecure closes what came in the clear to the port for secure connections;
// a browser is told so.
func (t *Transparent) notSecure(c *redirected, first []byte, client netip.Addr) {
	s := t.server
	s.requests.Add(1)
	v := t.visit(c, first, client)
	s.arrive(context.Background(), v, nil)
	if first[0] < 'A' || first[0] > 'Z' || !plausibleStart(first) {
		return
	}
	res := &http.Response{
		StatusCode: http.StatusBadRequest, ProtoMajor: 1, ProtoMinor: 1, Close: true, ContentLength: int64(len(wantsSecure)),
		Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "Cache-Control": {"no-store"}},
		Body:   io.NopCloser(strings.NewReader(wantsSecure)),
	}
	if res.Write(c.Conn) != nil || c.SetReadDeadline(systemNow().Add(drainFor)) != nil {
		return
	}
	if half, ok := plain(c.Conn).(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		// What is still on its way must not take the answer from the client.
		_, _ = io.CopyN(io.Discard, c.Conn, drainMost)
	}
}
