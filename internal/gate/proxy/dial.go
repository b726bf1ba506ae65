package proxy

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"time"

	"belisha/internal/gate/porter"
)

const (
	dialFor    = 10 * time.Second
	dialOneFor = 4 * time.Second
	maxDials   = 6 // addresses tried for one name
)

// errForbidden says that a name led to an address nobody may reach.
var errForbidden = errors.New("the address may not be reached through the filter")

// Lookup finds the addresses of a name.
type Lookup interface {
	Lookup(ctx context.Context, host string) ([]netip.Addr, error)
}

// dialer makes connections to checked addresses only: it resolves, checks and
// dials the same address, so that a name cannot change in between.
type dialer struct {
	lookup Lookup
	guard  *Guard
	proxy  *url.URL // the upstream proxy, or nil
}

// dial connects to a canonical host.
func (d *dialer) dial(ctx context.Context, host string, port uint16) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialFor)
	defer cancel()
	list, err := d.addresses(ctx, host)
	if errors.Is(err, porter.ErrInside) {
		return nil, err // whoever would connect, and wherever that machine is
	}
	if d.proxy != nil {
		return d.viaProxy(ctx, host, port, list)
	}
	if err != nil {
		return nil, err
	}
	last := errForbidden
	for i, a := range list {
		to := netip.AddrPortFrom(a, port)
		if i >= maxDials {
			break
		}
		if !d.guard.May(to) {
			continue
		}
		conn, err := dialOne(ctx, to.String())
		if err == nil {
			return conn, nil
		}
		last = err
	}
	return nil, last
}

func (d *dialer) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	list, err := d.lookup.Lookup(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", host, err)
	}
	return list, nil
}

func dialOne(ctx context.Context, to string) (net.Conn, error) {
	nd := net.Dialer{Timeout: dialOneFor, KeepAlive: time.Minute}
	conn, err := nd.DialContext(ctx, "tcp", to)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return conn, nil
}

// viaProxy asks the upstream proxy for a tunnel. Where our own resolver knows
// the name, none of its addresses may be forbidden; where it does not, the
// upstream proxy is trusted to know.
func (d *dialer) viaProxy(ctx context.Context, host string, port uint16, known []netip.Addr) (net.Conn, error) {
	if d.forbidden(known, port) {
		return nil, errForbidden
	}
	conn, err := dialOne(ctx, proxyAddress(d.proxy))
	if err != nil {
		return nil, fmt.Errorf("reaching the upstream proxy: %w", err)
	}
	to := net.JoinHostPort(host, strconv.Itoa(int(port)))
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: to}, Host: to, Header: make(http.Header)}
	if u := d.proxy.User; u != nil {
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.String())))
	}
	if err := conn.SetDeadline(systemNow().Add(dialFor)); err != nil {
		conn.Close()
		return nil, fmt.Errorf("asking the upstream proxy: %w", err)
	}
	if err := req.Write(conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("asking the upstream proxy: %w", err)
	}
	r := bufio.NewReaderSize(conn, 4096)
	res, err := http.ReadResponse(r, req)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("asking the upstream proxy: %w", err)
	}
	if res.StatusCode != http.StatusOK || r.Buffered() > 0 {
		conn.Close()
		return nil, fmt.Errorf("the upstream proxy answered %d", res.StatusCode)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		conn.Close()
		return nil, fmt.Errorf("asking the upstream proxy: %w", err)
	}
	return conn, nil
}

func (d *dialer) forbidden(known []netip.Addr, port uint16) bool {
	return slices.ContainsFunc(known, func(a netip.Addr) bool { return !d.guard.May(netip.AddrPortFrom(a, port)) })
}

// checkBehindProxy is the check for a request that the upstream proxy will
// make: it, not we, finds the address.
func (d *dialer) checkBehindProxy(ctx context.Context, host string, port uint16) error {
	if d.proxy == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, dialOneFor)
	defer cancel()
	known, err := d.addresses(ctx, host)
	switch {
	case errors.Is(err, porter.ErrInside):
		return err
	case err == nil && d.forbidden(known, port):
		return errForbidden
	}
	return nil
}

func proxyAddress(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), "3128")
}

// forTransport lets net/http's pool use the dialer.
func (d *dialer) forTransport(ctx context.Context, _, address string) (net.Conn, error) {
	p, err := readPool(address)
	if err != nil {
		return nil, err
	}
	return d.dial(ctx, p.dial, p.port)
}

// guarded asks about certificates for nobody in particular. Where another
// proxy finds the address, what is known of it here is looked at first.
type guarded struct {
	server *Server
	next   *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	host, port, ok := splitHost(r.URL.Host, 80)
	if !ok || !webPort(port) {
		return nil, errForbidden
	}
	if err := g.server.dial.checkBehindProxy(r.Context(), host, port); err != nil {
		return nil, err
	}
	return g.next.RoundTrip(r)
}

// CloseIdleConnections lets http.Client close what it no longer needs.
func (g guarded) CloseIdleConnections() { g.next.CloseIdleConnections() }
