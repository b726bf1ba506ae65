package clamd

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"time"
)

// chunk is how much of a file goes in one piece.
const chunk = 64 << 10

// maxAnswer bounds what a scanner may say.
const maxAnswer = 4 << 10

// conn is one connection for one command.
type conn struct {
	net.Conn
	p     *Pool
	until time.Time // the latest end of all
	stop  func() bool
	err   error // of reading the answer
}

func (p *Pool) dial(ctx context.Context, e *peer) (*conn, error) {
	d := net.Dialer{Timeout: p.o.Connect}
	nc, err := d.DialContext(ctx, e.network, e.address)
	if err != nil {
		return nil, fmt.Errorf("reaching the virus scanner: %w", err)
	}
	c := &conn{Conn: nc, p: p, until: p.o.Clock.Now().Add(p.o.Total)}
	c.stop = context.AfterFunc(ctx, func() { _ = nc.Close() })
	return c, nil
}

func (c *conn) close() {
	c.stop()
	_ = c.Close() // nothing is left to say
}

// patience sets the time until the next byte must have gone or come.
func (c *conn) patience(d time.Duration) error {
	at := c.p.o.Clock.Now().Add(d)
	if at.After(c.until) {
		at = c.until
	}
	return c.SetDeadline(at)
}

// stream sends a file as INSTREAM has it: pieces with their length in front,
// and a length of zero at the end. A scanner may answer before the end and
// hang up; then the rest is not sent.
func (c *conn) stream(src *source) (sent int64, err error) {
	buf := make([]byte, 4+chunk)
	if err := c.send([]byte("zINSTREAM\x00")); err != nil {
		return 0, err
	}
	for done := false; !done; {
		var n int
		n, done = src.fill(buf[4:])
		if src.failed != nil {
			return sent, src.failed
		}
		if n == 0 {
			break
		}
		binary.BigEndian.PutUint32(buf, uint32(n))
		if err := c.send(buf[:4+n]); err != nil {
			return sent, err
		}
		sent += int64(n)
		c.until = c.until.Add(time.Duration(n) * time.Second >> 20)
	}
	return sent, c.send([]byte{0, 0, 0, 0})
}

func (c *conn) send(b []byte) error {
	if err := c.patience(c.p.o.Idle); err != nil {
		return fmt.Errorf("sending to the virus scanner: %w", err)
	}
	if _, err := c.Write(b); err != nil {
		return fmt.Errorf("sending to the virus scanner: %w", err)
	}
	return nil
}

// answer reads what the scanner says; the larger the file, the longer it may
// think. whole says that the answer is not cut off.
func (c *conn) answer(sent int64) (said string, whole bool) {
	if c.err = c.patience(c.p.o.Idle + time.Duration(sent>>20)*time.Second); c.err != nil {
		return "", false
	}
	buf := make([]byte, maxAnswer)
	n := 0
	for n < len(buf) {
		k, err := c.Read(buf[n:])
		n += k
		if said, whole := cut(buf[:n]); whole {
			return said, true
		}
		if err != nil {
			c.err = err
			break
		}
	}
	said, _ = cut(buf[:n])
	return said, false
}

// ask sends a command and reads its answer.
func (c *conn) ask(command string) (string, error) {
	if err := c.send([]byte("z" + command + "\x00")); err != nil {
		return "", err
	}
	said, whole := c.answer(0)
	if !whole {
		return "", fmt.Errorf("asking the virus scanner for its %s: no answer", command)
	}
	return said, nil
}
