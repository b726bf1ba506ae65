package icap

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
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
)

const (
	idleFor   = 10 * time.Minute // between requests: longer than clients keep theirs
	headFor   = 30 * time.Second
	bodyFor   = 15 * time.Minute // a site or a reader may be slow, and Squid waits as long
	lingerFor = time.Second
	lingerMax = 1 << 20
	buffer    = 16 << 10
	tlsRecord = 0x16 // how TLS begins
)

// conn is one client's connection.
type conn struct {
	server   *Server
	net      *timedConn
	r        *bufio.Reader
	w        *bufio.Writer
	peer     netip.Addr
	busy     bool // there are too many: it is told to come back later
	stranger bool // it may not ask at all
	head     []byte
	preview  []byte
	chunk    []byte // for copying
}

func newConn(s *Server, nc net.Conn, peer netip.Addr) *conn {
	t := &timedConn{Conn: nc, read: headFor, write: bodyFor}
	return &conn{server: s, net: t, peer: peer, r: bufio.NewReaderSize(t, buffer), w: bufio.NewWriterSize(t, buffer)}
}

// systemNow is the machine's time, which deadlines of sockets go by.
func systemNow() time.Time { return clock.System{}.Now() }

// serve answers one request after the other until one of them is the last.
func (c *conn) serve() {
	if !c.shake() {
		return
	}
	for c.next() {
	}
	if c.w.Flush() == nil {
		c.linger()
	}
}

// shake has the client see our certificate, where the door has one.
func (c *conn) shake() bool {
	t, ok := c.net.Conn.(*tls.Conn)
	if !ok {
		return true
	}
	wait := headFor
	if c.stranger || c.busy {
		wait = strangerFor
	}
	ctx, stop := context.WithTimeout(c.server.ctx, wait)
	defer stop()
	if err := t.HandshakeContext(ctx); err != nil {
		c.server.counts.refused.Add(1)
		c.server.once(c.peer, "an ICAP client did not agree on TLS", "error", err.Error())
		return false
	}
	return true
}

// linger lets the last answer arrive: to close on what was not read would
// take it away again.
func (c *conn) linger() {
	half, ok := c.net.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.net.SetReadDeadline(systemNow().Add(lingerFor)) != nil {
		return
	}
	// Whatever it is, it is dropped.
	_, _ = io.CopyN(io.Discard, c.net.Conn, lingerMax)
}

// next answers one request, and reports whether another may follow.
func (c *conn) next() bool {
	c.net.read = idleFor
	if c.stranger || c.busy {
		c.net.read = strangerFor
	}
	if c.r.Buffered() == 0 {
		if c.w.Flush() != nil {
			return false
		}
		if _, err := c.r.Peek(1); err != nil {
			return false
		}
	}
	c.net.read = min(c.net.read, headFor)
	x := &exchange{c: c, s: c.server}
	return x.after(x.whole())
}

// whole reads one request and answers it. A fault of ours closes.
func (x *exchange) whole() (err error) {
	defer func() {
		if v := recover(); v != nil {
			x.s.counts.faults.Add(1)
			x.s.cfg.Log.Error("an ICAP request could not be handled", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			x.ending = true
			err = x.failClosed()
		}
	}()
	err = x.c.readHead()
	if err == nil {
		x.m, err = parseMessage(x.c.head)
	}
	x.s.counts.requests.Add(1)
	if err != nil {
		return err
	}
	return x.run()
}

// readHead reads up to the empty line into c.head.
func (c *conn) readHead() error {
	c.head = c.head[:0]
	if first, err := c.r.Peek(1); err == nil && first[0] < ' ' && first[0] != '\r' && first[0] != '\n' {
		if first[0] == tlsRecord {
			c.server.once(c.peer, "an ICAP client speaks TLS to the door without it")
		}
		return bad("this is not ICAP") // and may have no line that could be waited for
	}
	for {
		line, err := c.r.ReadSlice('\n')
		if len(c.head)+len(line) > maxHead {
			return bad("the head is longer than is taken here")
		}
		c.head = append(c.head, line...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, os.ErrDeadlineExceeded):
			return &fault{http.StatusRequestTimeout, "the head did not come in time"}
		case err != nil:
			return err
		}
		if len(line) > 2 {
			continue
		}
		if len(c.head) == 2 && line[0] == '\r' { // left over by some clients
			c.head = c.head[:0]
			continue
		}
		if bytes.HasSuffix(c.head, []byte("\n\r\n")) || len(line) == 1 {
			return nil
		}
	}
}

// exchange is one request and its answer.
type exchange struct {
	c        *conn
	s        *Server
	m        *message
	req, res []byte // HTTP heads within
	body     *body  // nil: there is none
	began    bool   // part of the answer has been written
	ending   bool   // the connection ends with it
	unread   bool   // the client may still be sending a body that nobody wants
	proved   bool   // who it is was found by a name or password, not by the address
	early    trickle
}

// run answers the request. What it returns could not be answered so.
func (x *exchange) run() error {
	m := x.m
	if x.c.stranger {
		return &fault{http.StatusForbidden, "this client is not listed"}
	}
	methods := serviceMethods(m.service)
	switch {
	case m.method == methodOptions && strings.TrimPrefix(m.service, "/") == "*":
		return x.options(serviceMethods(""))
	case m.method == methodOptions && methods != nil:
		return x.options(methods)
	case x.c.busy:
		return &fault{http.StatusServiceUnavailable, "there are too many connections"}
	case m.method != methodOptions && m.method != methodRequest && m.method != methodResponse:
		return &fault{http.StatusNotImplemented, "this method is not known"}
	case methods == nil:
		return &fault{http.StatusNotFound, "there is no such service"}
	case !slices.Contains(methods, m.method):
		return &fault{http.StatusMethodNotAllowed, "this service is for " + methods[0]}
	}
	if err := x.readParts(); err != nil {
		return err
	}
	if m.method == methodRequest {
		return x.request()
	}
	return x.response()
}

// failClosed shows a page where something went wrong inside, if nothing has
// been said yet.
func (x *exchange) failClosed() error {
	switch {
	case x.began:
		return nil
	case x.req == nil && x.res == nil:
		return &fault{http.StatusInternalServerError, "something went wrong here"}
	}
	who := x.s.porter.Who(netip.Addr{}, nil)
	answer := x.s.porter.Refuse(&who, x.nothing(), verdict.ReasonUnscanned)
	x.s.porter.Record(x.s.ctx, &answer)
	return x.show(&answer, "")
}

// readParts reads the HTTP heads, and the preview of the body.
func (x *exchange) readParts() error {
	c, parts := x.c, x.m.parts
	if err := compose(x.m.method, parts); err != nil {
		return err
	}
	for i, p := range parts[:len(parts)-1] {
		block := make([]byte, parts[i+1].at-p.at)
		if _, err := io.ReadFull(c.r, block); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return &fault{http.StatusRequestTimeout, "the heads did not come in time"}
			}
			return err
		}
		// A head ends at its first empty line and nowhere else: an offset that
		// lies would make the rest something that nobody has looked at.
		if end := bytes.Index(block, []byte("\r\n\r\n")); end != len(block)-4 {
			return bad("an offset in Encapsulated does not fit the heads")
		}
		if p.name == reqHead {
			x.req = block
		} else {
			x.res = block
		}
	}
	c.net.read = bodyFor
	if parts[len(parts)-1].name == nullBody {
		return nil
	}
	x.body = x.newBody()
	if x.m.preview < 0 {
		return nil
	}
	x.body.preview = true
	err := x.body.load(x.m.preview, c.preview)
	if cap(x.body.kept) <= 4*buffer {
		c.preview = x.body.kept[:0]
	}
	return err
}

func (x *exchange) newBody() *body {
	return &body{from: x.c.r, goOn: x.goOn, stop: x.c.net.end}
}

func (x *exchange) goOn() error {
	if _, err := x.c.w.WriteString("ICAP/1.0 100 Continue\r\n\r\n"); err != nil {
		return err
	}
	return x.c.w.Flush()
}

// after ends an exchange, and reports whether another may follow it.
func (x *exchange) after(err error) bool {
	var f *fault
	if err != nil && !x.began && errors.As(err, &f) {
		x.s.counts.refused.Add(1)
		x.ending = true
		err = x.begin(f.code, "", "X-Belisha-Why: "+f.why)
	}
	if x.unread && err == nil {
		x.drop()
	}
	switch {
	case err != nil, x.ending, x.m == nil || x.m.close:
		return false
	case x.body != nil && !x.body.over():
		return false // its rest would be taken for the next request
	}
	return true
}
