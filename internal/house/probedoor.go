package house

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/probe"

	"github.com/miekg/dns"
)

// prober asks the filter's doors as a device of one group would.
type prober struct {
	door   *control.Client
	from   netip.Addr
	proxy  string
	dns    string
	client *http.Client
}

// newProber stands at a group's loopback address.
func (g *gateDoor) newProber(st control.Status, group string) (*prober, error) {
	from, ok := probeAddress(group)
	if !ok {
		return nil, fmt.Errorf("there is no group %s", group)
	}
	p := &prober{door: g.client(), from: from, proxy: st.Proxy, dns: st.DNS}
	p.client = &http.Client{
		Timeout: 20 * time.Second,
		Transport: &http.Transport{
			Proxy:       http.ProxyURL(&url.URL{Scheme: "http", Host: st.Proxy}),
			DialContext: p.dialer().DialContext, DisableCompression: true, MaxIdleConnsPerHost: 2,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p, nil
}

func (p *prober) close() { p.client.CloseIdleConnections() }

func (p *prober) dialer() *net.Dialer {
	return &net.Dialer{Timeout: soon, LocalAddr: &net.TCPAddr{IP: p.from.AsSlice()}}
}

// outcome is what a door did.
type outcome struct {
	closed bool
	open   bool
	reason string // of the block, as the filter writes it down
	says   string
}

// page asks the proxy for a page of the zone.
func (p *prober) page(ctx context.Context, host, path string) (outcome, error) {
	res, body, err := p.get(ctx, "http://"+host+path, nil)
	if err != nil {
		return outcome{}, err
	}
	switch {
	case res.StatusCode == http.StatusForbidden:
		return outcome{closed: true, reason: p.reason(ctx, host)}, nil
	case res.StatusCode == http.StatusOK && len(body) > 0:
		return outcome{open: true}, nil
	}
	return outcome{says: fmt.Sprintf("the filter's proxy answered %d", res.StatusCode)}, nil
}

// mostProbed bounds what a probe reads of an answer.
const mostProbed = 256 << 10

func (p *prober) get(ctx context.Context, to string, head http.Header) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("asking the filter's proxy: %w", err)
	}
	for k, v := range head {
		r.Header[k] = v
	}
	res, err := p.client.Do(r)
	if err != nil {
		return nil, nil, fmt.Errorf("asking the filter's proxy: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, mostProbed))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, nil, fmt.Errorf("reading what the filter's proxy answered: %w", err)
	}
	return res, body, nil
}

// reason is why the filter closed a name last at this address.
func (p *prober) reason(ctx context.Context, host string) string {
	b, err := p.door.Latest(ctx, p.from)
	if err != nil || b.Host != host {
		return ""
	}
	return b.Reason
}

// tunnel asks the proxy for a tunnel to a name of the zone.
func (p *prober) tunnel(ctx context.Context, host string) (outcome, error) {
	conn, err := p.dialer().DialContext(ctx, "tcp", p.proxy)
	if err != nil {
		return outcome{}, fmt.Errorf("asking the filter's proxy: %w", err)
	}
	defer conn.Close()
	status, err := connectTo(ctx, conn, host+":443")
	switch {
	case err != nil:
		return outcome{}, err
	case status == http.StatusForbidden:
		return outcome{closed: true, reason: p.reason(ctx, host)}, nil
	case status != http.StatusOK:
		return outcome{says: fmt.Sprintf("the filter's proxy answered %d", status)}, nil
	}
	// The page in place of the site stands inside.
	return p.within(ctx, conn, host)
}

// within reads the page that the filter shows in a tunnel in place of a site.
// Who it says that it is does not matter here: what counts is that it closed.
func (p *prober) within(ctx context.Context, conn net.Conn, host string) (outcome, error) {
	inner := tls.Client(conn, &tls.Config{ServerName: host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) //nolint:gosec // see above
	if err := inner.HandshakeContext(ctx); err != nil {
		if why := p.reason(ctx, host); why != "" {
			return outcome{closed: true, reason: why}, nil
		}
		return outcome{says: "the tunnel was let through"}, nil
	}
	c := &http.Client{Timeout: soon, Transport: &http.Transport{
		DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return inner, nil }, DisableKeepAlives: true,
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+"/", nil)
	if err != nil {
		return outcome{}, fmt.Errorf("asking inside a tunnel: %w", err)
	}
	res, err := c.Do(r)
	if err != nil {
		return outcome{}, fmt.Errorf("asking inside a tunnel: %w", err)
	}
	defer res.Body.Close()
	return outcome{closed: res.StatusCode == http.StatusForbidden, open: res.StatusCode == http.StatusOK, reason: p.reason(ctx, host)}, nil
}

// connectTo asks for a tunnel and returns the status.
func connectTo(ctx context.Context, conn net.Conn, to string) (int, error) {
	if at, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(at); err != nil {
			return 0, fmt.Errorf("asking for a tunnel: %w", err)
		}
	}
	if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", to, to); err != nil {
		return 0, fmt.Errorf("asking for a tunnel: %w", err)
	}
	// Byte by byte: what follows the head is TLS's own.
	var head []byte
	one := make([]byte, 1)
	for len(head) < 4096 && !strings.HasSuffix(string(head), "\r\n\r\n") {
		if _, err := conn.Read(one); err != nil {
			return 0, fmt.Errorf("asking for a tunnel: %w", err)
		}
		head = append(head, one[0])
	}
	var status int
	if _, err := fmt.Sscanf(string(head), "HTTP/1.1 %d", &status); err != nil {
		return 0, fmt.Errorf("asking for a tunnel: %w", err)
	}
	return status, nil
}

// name asks the DNS door for a name.
func (p *prober) name(ctx context.Context, host string) (outcome, error) {
	in, err := askName(ctx, p.dns, p.from, host)
	switch {
	case err != nil:
		return outcome{}, err
	case closedBy(in):
		return outcome{closed: true}, nil
	case in.Rcode == dns.RcodeSuccess && len(in.Answer) > 0:
		return outcome{open: true}, nil
	case in.Rcode == dns.RcodeNameError && probe.Serves(host):
		// Of what is locked it is not told that it is closed. A name of ours
		// that is not closed is always there.
		return outcome{closed: true}, nil
	}
	return outcome{says: "the filter's DNS answered " + dns.RcodeToString[in.Rcode]}, nil
}

// askName asks the DNS door from an address.
func askName(ctx context.Context, door string, from netip.Addr, host string) (*dns.Msg, error) {
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(host), dns.TypeA)
	m.SetEdns0(dns.DefaultMsgSize, false) // only then is it said why a name does not exist
	c := &dns.Client{Net: "udp", Timeout: soon, Dialer: &net.Dialer{LocalAddr: &net.UDPAddr{IP: from.AsSlice()}}}
	in, _, err := c.ExchangeContext(ctx, m, door)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoDoor, err)
	}
	return in, nil
}

// echo asks how a request would go on; nothing is sent to anybody.
func (p *prober) echo(ctx context.Context, to string) (e probe.Echo, closed bool, err error) {
	res, body, err := p.get(ctx, to, http.Header{probe.EchoHeader: {"1"}})
	switch {
	case err != nil:
		return e, false, err
	case res.StatusCode == http.StatusForbidden:
		return e, true, nil
	case res.StatusCode != http.StatusOK:
		return e, false, fmt.Errorf("the filter's proxy answered %d", res.StatusCode)
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return e, false, fmt.Errorf("reading how a request would go on: %w", err)
	}
	return e, false, nil
}
