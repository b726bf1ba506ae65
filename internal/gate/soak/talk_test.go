package soak

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strings"
	"time"

	mdns "github.com/miekg/dns"
	"golang.org/x/net/websocket"

	"belisha/internal/gate/gatetest"
)

// talk has a conversation over a WebSocket, inside TLS.
func (c *client) talk(ctx context.Context) {
	host := c.host()
	from := now()
	err := c.converse(ctx, host)
	until := now()
	if ctx.Err() != nil {
		return
	}
	c.done(from)
	all := c.oracle.of(host, from, until)
	all.closed = all.closed || c.looked && c.oracle.unscanned(from, until) // plain text is scanned
	switch {
	case err == nil && !all.open:
		c.fail("%s: %s was open at %s, closed since before %s", c.kind, host, until, from)
	case errors.Is(err, errEcho), err != nil && !all.closed:
		c.fail("%s: %s at %s: %v", c.kind, host, until, err)
	}
}

var errEcho = errors.New("another message came back")

func (c *client) converse(ctx context.Context, host string) error {
	conn, err := c.tunnel(ctx, host)
	if err != nil {
		return err
	}
	defer conn.Close()
	if c.rnd.IntN(8) == 0 { // somebody closes the lid
		defer reset(conn)
	}
	secure := tls.Client(conn, &tls.Config{RootCAs: c.roots, ServerName: host})
	at := fmt.Sprintf("wss://%s:%s/socket", host, c.sites.port(true))
	cfg, err := websocket.NewConfig(at, strings.Replace(at, "wss", "https", 1))
	if err != nil {
		return err
	}
	ws, err := websocket.NewClient(cfg, secure)
	if err != nil {
		return err
	}
	for i := range 1 + c.rnd.IntN(8) {
		said := fmt.Sprintf("message %d of %s, %s", i, c.name, strings.Repeat("water ", c.rnd.IntN(300)))
		if err := websocket.Message.Send(ws, said); err != nil {
			return err
		}
		var heard string
		if err := websocket.Message.Receive(ws, &heard); err != nil {
			return err
		}
		if heard != said {
			return errEcho
		}
	}
	return nil
}

// tunnel opens one through the proxy.
func (c *client) tunnel(ctx context.Context, host string) (net.Conn, error) {
	conn, err := c.dial(ctx, "tcp", c.state.Proxy)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(now().Add(patience)); err != nil {
		return nil, err
	}
	at := host + ":" + c.sites.port(true)
	if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", at, at); err != nil {
		return conn, err
	}
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), &http.Request{Method: http.MethodConnect})
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("CONNECT: %s", res.Status)
	}
	return conn, err
}

func reset(conn net.Conn) {
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // it is closed either way
	}
	_ = conn.Close()
}

// resolve asks for a name's address.
func (c *client) resolve(ctx context.Context) {
	host := c.host()
	m := new(mdns.Msg)
	m.SetQuestion(host+".", mdns.TypeA)
	from := now()
	got, err := c.exchange(ctx, m)
	until := now()
	if ctx.Err() != nil {
		return
	}
	c.done(from)
	if err != nil {
		c.fail("%s: %s: %v", c.kind, host, err)
		return
	}
	all := c.oracle.of(host, from, until)
	switch got.Rcode {
	case mdns.RcodeSuccess:
		if !all.open {
			c.fail("%s: %s resolved at %s, closed since before %s", c.kind, host, until, from)
		}
	case mdns.RcodeNameError:
		if !all.closed {
			c.fail("%s: %s did not resolve at %s, open since before %s", c.kind, host, until, from)
		}
	default:
		c.fail("%s: %s: %s", c.kind, host, mdns.RcodeToString[got.Rcode])
	}
}

func (c *client) exchange(ctx context.Context, m *mdns.Msg) (*mdns.Msg, error) {
	network, at := "tcp", c.state.DNS
	switch c.kind {
	case "names, UDP":
		network = "udp"
	case "names, TLS":
		at = c.state.More["dot"]
	case "names, HTTPS":
		return c.overHTTPS(ctx, m)
	}
	conn, err := c.dial(ctx, network, at)
	if err != nil {
		return nil, err
	}
	if c.kind == "names, TLS" {
		conn = tls.Client(conn, &tls.Config{RootCAs: c.roots, ServerName: gatetest.OwnHost})
	}
	defer conn.Close()
	got, _, err := (&mdns.Client{Timeout: patience}).ExchangeWithConn(m, &mdns.Conn{Conn: conn})
	return got, err
}

func (c *client) overHTTPS(ctx context.Context, m *mdns.Msg) (*mdns.Msg, error) {
	tr, ok := c.http.Transport.(*http.Transport)
	if !ok || tr.Proxy != nil {
		c.http.Transport = &http.Transport{
			DialContext: c.dial, ForceAttemptHTTP2: true, IdleConnTimeout: 10 * time.Second,
			TLSClientConfig: &tls.Config{RootCAs: c.roots, ServerName: gatetest.OwnHost},
		}
	}
	raw, err := m.Pack()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+c.state.More["doh"]+"/dns-query", bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/dns-message")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	got := new(mdns.Msg)
	return got, got.Unpack(b)
}

// adapt asks as another proxy does, over a connection that stays: about a
// request, and about an answer with its body.
func (c *client) adapt(ctx context.Context) {
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", c.state.More["icap"])
	if err != nil {
		c.fail("ICAP: %v", err)
		return
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for range 20 {
		if ctx.Err() != nil || !c.adaptOne(ctx, conn, r) {
			return
		}
		c.pace(ctx)
	}
}

func (c *client) adaptOne(ctx context.Context, conn net.Conn, r *bufio.Reader) bool {
	host, path := c.host(), []string{"/page", "/weighed", "/virus", "/file"}[c.rnd.IntN(4)]
	a := c.sites.answers[path]
	request := fmt.Sprintf("GET http://%s%s HTTP/1.1\r\nHost: %s\r\n\r\n", host, path, host)
	head := "X-Client-IP: " + c.addr.String() + "\r\nAllow: 204\r\nHost: f\r\n"
	send := fmt.Sprintf("REQMOD icap://f/reqmod ICAP/1.0\r\n%sEncapsulated: req-hdr=0, null-body=%d\r\n\r\n%s", head, len(request), request)
	if answers := c.rnd.IntN(2) == 0; answers {
		of := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", a.kind, len(a.body))
		send = fmt.Sprintf("RESPMOD icap://f/respmod ICAP/1.0\r\n%sEncapsulated: req-hdr=0, res-hdr=%d, res-body=%d\r\n\r\n%s%s%x\r\n%s\r\n0\r\n\r\n",
			head, len(request), len(request)+len(of), request, of, len(a.body), a.body)
	} else {
		a = answer{}
	}
	from := now()
	_ = conn.SetDeadline(from.Add(patience)) // if it fails, so does the next
	_, err := io.WriteString(conn, send)
	status, body := 0, []byte(nil)
	if err == nil {
		status, body, err = adapted(r)
	}
	until := now()
	if ctx.Err() != nil {
		return false
	}
	c.done(from)
	all := c.oracle.of(host, from, until)
	c.inside(host, a, from, until, &all)
	switch {
	case err != nil:
		c.fail("ICAP: %s%s at %s: %v", host, path, until, err)
		return false
	case status == http.StatusForbidden && !bytes.Contains(body, []byte("badword")):
		if !all.closed {
			c.fail("ICAP: %s%s was closed at %s, open since before %s: %.300q", host, path, until, from, body)
		}
	case status == http.StatusNoContent || status == http.StatusOK && bytes.Equal(body, a.body):
		if !all.open {
			c.fail("ICAP: %s%s was let through at %s, closed since before %s", host, path, until, from)
		}
	default:
		c.fail("ICAP: %s%s: %d, %.300q", host, path, status, body)
	}
	return true
}

// adapted reads an answer: 204, or the status and body of the message in it.
func adapted(r *bufio.Reader) (status int, body []byte, err error) {
	text := textproto.NewReader(r)
	line, err := text.ReadLine()
	if err != nil {
		return 0, nil, err
	}
	head, err := text.ReadMIMEHeader()
	if err != nil {
		return 0, nil, err
	}
	if _, err := fmt.Sscanf(line, "ICAP/1.0 %d", &status); err != nil || status != http.StatusOK {
		return status, nil, err
	}
	if line, err = text.ReadLine(); err != nil {
		return 0, nil, err
	}
	if _, err := fmt.Sscanf(line, "HTTP/1.1 %d", &status); err != nil {
		return 0, []byte(line), nil // the request, as it was
	}
	if _, err = text.ReadMIMEHeader(); err != nil {
		return status, nil, err
	}
	if strings.Contains(head.Get("Encapsulated"), "null-body") {
		return status, nil, nil
	}
	if body, err = io.ReadAll(httputil.NewChunkedReader(r)); err != nil {
		return status, body, err
	}
	_, err = text.ReadLine() // the end of the chunks
	return status, body, err
}

// breakOff begins something at some door and is gone at some point.
func (c *client) breakOff(ctx context.Context) {
	host := c.host()
	at := host + ":" + c.sites.port(false)
	m := new(mdns.Msg)
	m.SetQuestion(host+".", mdns.TypeA)
	raw, _ := m.Pack() // a name of ours
	post := "POST http://" + at + "/page HTTP/1.1\r\nHost: " + at + "\r\nContent-Length: 4000\r\n\r\n" + strings.Repeat("words=water&", 500)
	door := []struct{ at, say string }{
		{c.state.Proxy, "GET http://" + at + chosen[c.rnd.IntN(len(chosen))] + " HTTP/1.1\r\nHost: " + at + "\r\n\r\n"},
		{c.state.Proxy, post},
		{c.state.Proxy, "CONNECT " + host + ":" + c.sites.port(true) + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"},
		{c.state.Sink, "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"},
		{c.state.DNS, string([]byte{0, byte(len(raw))}) + string(raw)},
		{c.state.More["dot"], "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"},
		{c.state.More["doh"], "\x16\x03\x01\x02\x00"},
		{c.state.More["icap"], "RESPMOD icap://f/respmod ICAP/1.0\r\nEncapsulated: req-hdr=0, res-hdr=18, res-body=40\r\n\r\nGET / HTTP/1.1\r\n\r\nHTTP/1.1 200 OK\r\n\r\nfff\r\nabc"},
	}[c.rnd.IntN(8)]
	from := now()
	conn, err := c.dial(ctx, "tcp", door.at)
	if err != nil {
		if ctx.Err() == nil {
			c.fail("breaking off: %v", err)
		}
		return
	}
	defer reset(conn)
	_ = conn.SetDeadline(from.Add(300 * time.Millisecond))
	cut := len(door.say)
	if c.rnd.IntN(2) == 0 {
		cut = c.rnd.IntN(cut)
	}
	_, _ = io.WriteString(conn, door.say[:cut]) // the other side may be gone first
	if c.rnd.IntN(2) == 0 {
		_, _ = io.CopyN(io.Discard, conn, int64(c.rnd.IntN(20_000)))
	}
	c.done(from)
}
