package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	plainIdleFor  = 60 * time.Second
	plainIdleHost = 64
	plainIdleAll  = 2000
	plainHead     = 128 << 10 // of an answer, with all that announce it
	plainBuffer   = 4 << 10
)

var (
	errAnswerHead  = errors.New("the site's answer has a head that is too long")
	errAnswerOther = errors.New("the site's answer is of another protocol")
)

// asker asks sites over plain HTTP for pages. It is for what nearly all such
// requests are, without a body and asking for no other protocol; a connection
// of it is read by whoever waits for the answer, with no goroutine between.
// Whatever else there is goes by net/http's own transport.
type asker struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	rest *http.Transport

	mu     sync.Mutex
	idle   map[string][]*plainConn // the latest last
	all    int
	swept  *time.Timer // nil: nothing is idle
	closed bool
}

// plainConn is a connection to a site.
type plainConn struct {
	net.Conn
	to    string
	since time.Time // idle since then
	left  int64     // bytes that the answer's head may still have; below 0: its body is read
	got   bool      // something came for this request
	in    *bufio.Reader
	out   *bufio.Writer
}

var (
	plainReaders = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, plainBuffer) }}
	plainWriters = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, plainBuffer) }}
)

func newAsker(rest *http.Transport) *asker {
	return &asker{dial: rest.DialContext, rest: rest, idle: map[string][]*plainConn{}}
}

// simple reports a request that needs nothing but to be asked.
func simple(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && (r.Body == nil || r.Body == http.NoBody) &&
		r.Header["Upgrade"] == nil && r.URL.Scheme == "http"
}

// RoundTrip implements http.RoundTripper.
func (p *asker) RoundTrip(r *http.Request) (*http.Response, error) {
	if !canPeek || p.rest.Proxy != nil || !simple(r) {
		return p.rest.RoundTrip(r)
	}
	to := r.URL.Host
	if _, _, err := net.SplitHostPort(to); err != nil {
		to += ":80"
	}
	if c := p.take(to); c != nil {
		res, err := p.ask(c, r)
		if err == nil || c.got || r.Context().Err() != nil || isLate(err) {
			return res, err
		}
		// The site had closed it: nobody has answered, and it may be asked again.
	}
	conn, err := p.dial(r.Context(), "tcp", to)
	if err != nil {
		return nil, err
	}
	return p.ask(&plainConn{Conn: conn, to: to}, r)
}

func isLate(err error) bool {
	var late net.Error
	return errors.As(err, &late) && late.Timeout()
}

// ask sends the request and reads the head of the answer.
func (p *asker) ask(c *plainConn, r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	c.got, c.left = false, plainHead
	c.in, c.out = plainReaders.Get().(*bufio.Reader), plainWriters.Get().(*bufio.Writer)
	c.in.Reset(c)
	c.out.Reset(c.Conn)
	stay := context.AfterFunc(ctx, func() { c.Conn.Close() })
	res, err := c.exchange(r)
	if err != nil {
		stay()
		c.drop()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	body := &plainBody{pool: p, conn: c, stay: stay, body: res.Body, keep: !res.Close && !r.Close}
	if res.Body == http.NoBody || r.Method == http.MethodHead {
		body.end(true)
		res.Body = http.NoBody
		return res, nil
	}
	res.Body = body
	return res, nil
}

// exchange writes the request and reads the head of the answer to it.
func (c *plainConn) exchange(r *http.Request) (*http.Response, error) {
	if err := c.SetDeadline(systemNow().Add(answerFor)); err != nil {
		return nil, fmt.Errorf("asking the site: %w", err)
	}
	if err := r.Write(c.out); err != nil {
		return nil, fmt.Errorf("asking the site: %w", err)
	}
	if err := c.out.Flush(); err != nil {
		return nil, fmt.Errorf("asking the site: %w", err)
	}
	for {
		res, err := http.ReadResponse(c.in, r)
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading the site's answer: %w", err)
		case res.StatusCode == http.StatusSwitchingProtocols, res.StatusCode < 100:
			return nil, errAnswerOther // it was not asked for, or is none
		case res.StatusCode >= 200:
			c.left = -1
			return res, c.SetDeadline(time.Time{})
		}
		// It only announces another one.
	}
}

// Read bounds what the head of an answer may be.
func (c *plainConn) Read(b []byte) (int, error) {
	if c.left == 0 {
		return 0, errAnswerHead
	}
	if c.left > 0 {
		b = b[:min(int64(len(b)), c.left)]
	}
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.got = true
		if c.left > 0 {
			c.left -= int64(n)
		}
	}
	return n, err
}

// lent gives back what is lent for one exchange.
func (c *plainConn) lent() {
	if c.in == nil {
		return
	}
	c.in.Reset(nil)
	c.out.Reset(nil)
	plainReaders.Put(c.in)
	plainWriters.Put(c.out)
	c.in, c.out = nil, nil
}

// drop closes a connection that nobody reads from.
func (c *plainConn) drop() {
	c.Conn.Close()
	c.lent()
}

// plainBody is the body of an answer. At its end the connection is free for
// another request; closed before, it is no more.
type plainBody struct {
	pool *asker
	conn *plainConn
	stay func() bool
	body io.ReadCloser
	keep bool

	mu    sync.Mutex
	ended bool
}

// Read implements io.Reader.
func (b *plainBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	ended := b.ended
	b.mu.Unlock()
	if ended {
		return 0, io.EOF
	}
	n, err := b.body.Read(p)
	if err != nil {
		b.end(errors.Is(err, io.EOF))
	}
	return n, err
}

// Close implements io.Closer. Whoever reads meanwhile finds it closed; what
// is lent stays with them.
func (b *plainBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		b.ended = true
		b.stay()
		b.conn.Conn.Close()
	}
	return nil
}

// end gives the connection back, or closes it where the answer did not end
// well, or more came than was asked for.
func (b *plainBody) end(well bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	b.ended = true
	c := b.conn
	if stayed := b.stay(); !stayed || !well || !b.keep || c.in.Buffered() > 0 {
		c.drop()
		return
	}
	c.lent()
	b.pool.put(c)
}

// take returns a connection on which a site waits for another request, nil if
// there is none.
func (p *asker) take(to string) *plainConn {
	for {
		c := p.pop(to)
		if c == nil {
			return nil
		}
		if systemNow().Sub(c.since) < plainIdleFor && untouched(c.Conn) {
			return c
		}
		c.Conn.Close() // it was closed, or what it says nobody asked
	}
}

func (p *asker) pop(to string) *plainConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[to]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	list[len(list)-1] = nil
	if list = list[:len(list)-1]; len(list) == 0 {
		delete(p.idle, to)
	} else {
		p.idle[to] = list
	}
	p.all--
	return c
}

func (p *asker) put(c *plainConn) {
	c.since = systemNow()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.all >= plainIdleAll || len(p.idle[c.to]) >= plainIdleHost {
		c.Conn.Close()
		return
	}
	p.idle[c.to] = append(p.idle[c.to], c)
	p.all++
	if p.swept == nil {
		p.swept = time.AfterFunc(plainIdleFor/2, p.sweep)
	}
}

// sweep closes what has been idle for too long.
func (p *asker) sweep() {
	now := systemNow()
	p.mu.Lock()
	defer p.mu.Unlock()
	for to, list := range p.idle {
		kept := list[:0]
		for _, c := range list {
			if now.Sub(c.since) < plainIdleFor {
				kept = append(kept, c)
				continue
			}
			c.Conn.Close()
			p.all--
		}
		clear(list[len(kept):])
		if p.idle[to] = kept; len(kept) == 0 {
			delete(p.idle, to)
		}
	}
	if p.all == 0 {
		p.swept = nil
		return
	}
	p.swept.Reset(plainIdleFor / 2)
}

// close ends it: what is still on its way goes on, and is not kept.
func (p *asker) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.swept != nil {
		p.swept.Stop()
	}
	for to, list := range p.idle {
		for _, c := range list {
			c.Conn.Close()
		}
		delete(p.idle, to)
	}
	p.all = 0
	p.rest.CloseIdleConnections()
}
