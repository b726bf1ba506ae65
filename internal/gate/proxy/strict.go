package proxy

import (
	"bytes"
	"net"
	"sync"
)

const (
	maxHead       = 64 << 10
	maxChunkLine  = 1 << 10
	maxTrailers   = 8 << 10
	readChunk     = 8 << 10
	keepBuffer    = 16 << 10
	maxChunkDigit = 15
)

// refusedHead is what net/http is given to read in place of a refused head:
// something that it answers with 400 and closes on, in its turn after the
// answers to the requests before.
const refusedHead = "!\r\n\r\n"

// strictConn hands net/http only request heads that passed checkHead, and
// follows the bodies between them so that it knows where the next one begins.
type strictConn struct {
	net.Conn
	refused func(error) // counts
	strict  func() bool // target and Host must agree; nil: they need not

	mu    sync.Mutex // Read is called by one goroutine at a time; raw by another
	in    []byte     // read from the client, not yet looked at
	out   []byte     // looked at
	at    int        // handed over of out
	state func(*strictConn) error
	left  int64 // of a body or chunk
	lines int   // bytes of trailers or of a chunk line so far
	raw   bool  // a tunnel: hand over everything as it is
	dead  error // refused: nothing more is read
}

// chunks are lent to reading a connection: most are read from once or twice.
var chunks = sync.Pool{New: func() any { b := make([]byte, readChunk); return &b }}

func newStrictConn(c net.Conn, refused func(error)) *strictConn {
	return &strictConn{Conn: c, refused: refused, state: (*strictConn).head}
}

// Read implements net.Conn.
func (c *strictConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		c.mu.Lock()
		n, done, err := c.handOver(p)
		raw := c.raw
		c.mu.Unlock()
		if done {
			return n, err
		}
		if raw {
			return c.Conn.Read(p)
		}
		if n, err = c.more(); n == 0 && err != nil {
			return 0, err
		}
	}
}

// more reads what has come by now, or waits for something.
func (c *strictConn) more() (int, error) {
	lent := chunks.Get().(*[]byte)
	defer chunks.Put(lent)
	n, err := c.Conn.Read(*lent)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in = append(c.in, (*lent)[:n]...)
	return n, err
}

// handOver gives what has been looked at, after looking at what has come.
func (c *strictConn) handOver(p []byte) (n int, done bool, err error) {
	for !c.raw && c.dead == nil && len(c.in) > 0 && c.at == len(c.out) {
		before := len(c.in)
		if err := c.state(c); err != nil {
			c.dead = err
			c.refused(err)
			break
		}
		if len(c.in) == before {
			break // more is needed
		}
	}
	if c.raw && len(c.in) > 0 {
		c.out = append(c.out, c.in...)
		c.in = c.in[:0]
	}
	if c.at < len(c.out) {
		n = copy(p, c.out[c.at:])
		c.at += n
		if c.at == len(c.out) {
			c.at, c.out = 0, c.out[:0]
			if cap(c.out) > keepBuffer {
				c.out = nil
			}
		}
		return n, true, nil
	}
	return 0, c.dead != nil, c.dead
}

// tunnel ends the looking: what was read ahead and all that follows is handed
// over as it came.
func (c *strictConn) tunnel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = true
}

// pass hands over the first n bytes of what has come.
func (c *strictConn) pass(n int) {
	c.out = append(c.out, c.in[:n]...)
	c.in = append(c.in[:0], c.in[n:]...)
}

// head waits for a whole head, and checks it.
func (c *strictConn) head() error {
	// One empty line before a request is left over by some clients.
	if len(c.in) >= 2 && c.in[0] == '\r' && c.in[1] == '\n' && c.lines == 0 {
		c.in = append(c.in[:0], c.in[2:]...)
		c.lines = 1
		if len(c.in) == 0 {
			return nil
		}
	}
	if !plausibleStart(c.in) {
		return c.refuse(errLine)
	}
	end := headEnd(c.in)
	if end < 0 {
		if line, _, ok := cutLine(c.in); ok {
			if _, _, _, err := requestLine(line); err != nil {
				return c.refuse(err) // SSH and the like: no need to wait for more
			}
		}
		if len(c.in) > maxHead {
			// net/http answers 431 to what is longer than it takes.
			c.pass(len(c.in))
			c.state = (*strictConn).tooLong
		}
		return nil
	}
	f, err := checkHead(c.in[:end])
	if err != nil {
		return c.refuse(err)
	}
	c.lines = 0
	switch {
	case f.other == "":
		c.pass(end)
	case c.strict != nil && c.strict():
		return c.refuse(errTwoHosts)
	default:
		c.out = append(append(c.out, c.in[:end-2]...), noteHeader+": "+f.other+"\r\n\r\n"...)
		c.in = append(c.in[:0], c.in[end:]...)
	}
	c.left = f.length
	switch {
	case f.connect:
		c.raw = true
	case f.chunked:
		c.state = (*strictConn).chunkLine
	case f.length > 0:
		c.state = (*strictConn).body
	}
	return nil
}

// plausibleStart reports whether the first bytes could begin a request, so
// that TLS or SSH on this port is refused at once, not after a deadline.
func plausibleStart(b []byte) bool {
	for i, c := range b {
		if i > 0 && c == ' ' || i == 40 {
			return true
		}
		if !tokenByte(c) && (c != '\r' || len(b) > 1) {
			return false
		}
	}
	return true
}

// headEnd finds the end of the head: the first empty line, also where a line
// ends in a bare LF, since the check is what refuses that.
func headEnd(b []byte) int {
	for i := 0; ; {
		j := bytes.IndexByte(b[i:], '\n')
		if j < 0 {
			return -1
		}
		i += j + 1
		rest := b[i:]
		if len(rest) > 0 && rest[0] == '\n' {
			return i + 1
		}
		if len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n' {
			return i + 2
		}
	}
}

// refuse makes net/http answer 400 and close.
func (c *strictConn) refuse(err error) error {
	c.refused(err)
	c.in = c.in[:0]
	c.out = append(c.out, refusedHead...)
	c.state = (*strictConn).nothing
	return nil
}

// tooLong and nothing drop what follows a head that is being refused.
func (c *strictConn) tooLong() error { c.pass(len(c.in)); return nil }
func (c *strictConn) nothing() error { c.in = c.in[:0]; return nil }

func (c *strictConn) body() error {
	n := int(min(c.left, int64(len(c.in))))
	c.pass(n)
	c.left -= int64(n)
	if c.left == 0 {
		c.state = (*strictConn).head
	}
	return nil
}

// Errors in a body cannot be answered in place any more: reading ends with
// the error, and the connection with it.
const (
	errChunk   errHead = "chunk"
	errTrailer errHead = "trailer"
)

// line waits for a line that ends in CR LF and is at most limit long.
func (c *strictConn) line(limit int, bad error) (line []byte, n int, err error) {
	i := bytes.IndexByte(c.in, '\n')
	if i < 0 {
		if len(c.in) > limit {
			return nil, 0, bad
		}
		return nil, 0, nil
	}
	if i > limit || i < 1 || c.in[i-1] != '\r' || bytes.IndexByte(c.in[:i-1], '\r') >= 0 {
		return nil, 0, bad
	}
	return c.in[:i-1], i + 1, nil
}

func (c *strictConn) chunkLine() error {
	line, n, err := c.line(maxChunkLine, errChunk)
	if n == 0 {
		return err
	}
	digits := line
	if i := bytes.IndexByte(line, ';'); i >= 0 {
		digits = line[:i]
	}
	if len(digits) == 0 || len(digits) > maxChunkDigit {
		return errChunk
	}
	var size int64
	for _, d := range digits {
		v := hexValue(d)
		if v < 0 {
			return errChunk
		}
		size = size<<4 | v
	}
	for _, b := range line {
		if b < ' ' && b != '\t' || b == 0x7f {
			return errChunk
		}
	}
	c.pass(n)
	c.left, c.lines = size, 0
	c.state = (*strictConn).chunkData
	if size == 0 {
		c.state = (*strictConn).trailer
	}
	return nil
}

func hexValue(c byte) int64 {
	switch {
	case '0' <= c && c <= '9':
		return int64(c - '0')
	case 'a' <= c && c <= 'f':
		return int64(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int64(c-'A') + 10
	}
	return -1
}

func (c *strictConn) chunkData() error {
	if c.left > 0 {
		n := int(min(c.left, int64(len(c.in))))
		c.pass(n)
		c.left -= int64(n)
		return nil
	}
	if len(c.in) < 2 {
		if len(c.in) == 1 && c.in[0] != '\r' {
			return errChunk
		}
		return nil
	}
	if c.in[0] != '\r' || c.in[1] != '\n' {
		return errChunk
	}
	c.pass(2)
	c.state = (*strictConn).chunkLine
	return nil
}

// trailer passes trailer lines that are ordinary headers, up to the empty line.
func (c *strictConn) trailer() error {
	line, n, err := c.line(maxTrailers, errTrailer)
	if n == 0 {
		return err
	}
	c.lines += n
	if c.lines > maxTrailers {
		return errTrailer
	}
	if len(line) == 0 {
		c.pass(n)
		c.lines = 0
		c.state = (*strictConn).head
		return nil
	}
	h := headFields{minor: 1}
	if err := h.add(line); err != nil || h.hosts+h.lengths+h.codings > 0 {
		return errTrailer
	}
	c.pass(n)
	return nil
}
