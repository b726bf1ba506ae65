package icap

import (
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

const (
	drainMost = 32 << 20 // of a body that is refused, before the connection ends over it
	settleGap = 250 * time.Millisecond
	settleFor = time.Second
	dropFor   = 10 * time.Second
	swallow   = 1 << 20 // of a body that is read for nothing but to say that it may pass
	lookEvery = 250 * time.Millisecond
)

// errShut ends an answer that the rules have closed while it was on its way.
var errShut = errors.New("the rules close what is on its way")

// phrases are what goes beside a status where ICAP has words of its own.
var phrases = map[int]string{
	http.StatusContinue: "Continue", http.StatusNoContent: "No Modifications Needed", http.StatusPartialContent: "Partial Content",
	http.StatusNotFound: "ICAP Service not found", http.StatusMethodNotAllowed: "Method not allowed for service",
	statusComposition: "Bad composition", http.StatusServiceUnavailable: "Service overloaded",
	http.StatusHTTPVersionNotSupported: "ICAP version not supported",
}

// begin writes the ICAP head. Encapsulated "" is left out.
func (x *exchange) begin(code int, encapsulated string, extra ...string) error {
	x.began = true
	x.ending = x.ending || x.m == nil || x.m.close
	w := x.c.w
	phrase, ok := phrases[code]
	if !ok {
		phrase = http.StatusText(code)
	}
	var b []byte
	b = append(b, "ICAP/1.0 "...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(append(b, ' '), phrase...)
	b = append(b, "\r\nDate: "...)
	// The machine's own time: a client that finds it far from its own takes
	// what we say of ourselves for out of date, and the door for closed.
	b = systemNow().UTC().AppendFormat(b, http.TimeFormat)
	b = append(append(b, "\r\nServer: Belisha\r\nISTag: "...), x.s.tag()...)
	if x.ending {
		b = append(b, "\r\nConnection: close"...)
	} else {
		b = append(b, "\r\nConnection: keep-alive"...)
	}
	for _, line := range extra {
		b = append(append(b, "\r\n"...), line...)
	}
	if encapsulated != "" {
		b = append(append(b, "\r\nEncapsulated: "...), encapsulated...)
	}
	b = append(b, "\r\n\r\n"...)
	_, err := w.Write(b)
	return err
}

// message writes the ICAP head and one HTTP head after it. Encapsulated is
// made from what is written.
func (x *exchange) message(code int, of string, head []byte, hasBody bool) error {
	rest := nullBody
	switch {
	case hasBody && of == reqHead:
		rest = reqBody
	case hasBody:
		rest = resBody
	}
	if err := x.begin(code, of+"=0, "+rest+"="+strconv.Itoa(len(head))); err != nil {
		return err
	}
	_, err := x.c.w.Write(head)
	return err
}

func (x *exchange) writeChunk(p []byte) error {
	var line [18]byte
	b := append(strconv.AppendInt(line[:0], int64(len(p)), 16), '\r', '\n')
	if _, err := x.c.w.Write(b); err != nil {
		return err
	}
	if _, err := x.c.w.Write(p); err != nil {
		return err
	}
	_, err := x.c.w.WriteString("\r\n")
	return err
}

// unchanged says that the message may go on as the client has it.
func (x *exchange) unchanged() error {
	if x.body != nil && !x.body.drain(math.MaxInt64) {
		return x.body.err
	}
	return x.begin(http.StatusNoContent, "")
}

// within reports that the client has its preview alone before it, and may be
// told what to do with the rest.
func (x *exchange) within() bool {
	return x.m.preview >= 0 && (x.body == nil || !x.body.asked())
}

// mayLeave reports that the client may be told to go on with what it has:
// within the preview always, else where it said so.
func (x *exchange) mayLeave() bool { return x.m.allow.unchanged || x.within() }

// mayAppend reports that the client may be given a head, and told to put its
// own body behind it.
func (x *exchange) mayAppend() bool {
	return x.m.allow.partial && x.body != nil && x.mayLeave()
}

// decided is a body of which nothing is looked at any more.
type decided interface{ Decided() bool }

// passing is a message that goes on.
type passing struct {
	of     string // reqHead or resHead
	head   []byte
	edited bool      // the head is not the client's
	body   io.Reader // what came of x.body; nil: there is none
	said   int64     // how long its head says that it is, -1 where it does not
	judge  func() (porter.Answer, bool)
	sent   int64
}

// pass lets a message go on, in the way that costs least.
func (x *exchange) pass(p *passing) error {
	if x.body == nil {
		if !p.edited && x.mayLeave() {
			return x.unchanged()
		}
		return x.message(http.StatusOK, p.of, p.head, false)
	}
	if x.began {
		return x.rest(p)
	}
	leave := x.mayLeave() && !p.edited || x.mayAppend() && p.edited
	settled := p.body == io.Reader(x.body)
	if d, ok := p.body.(decided); ok {
		settled = settled || d.Decided()
	}
	switch {
	case !leave:
		return x.echo(p, false)
	case settled && (x.within() || p.said >= 0 && p.said <= swallow):
		return x.leave(p)
	case x.body.all():
		// All of it has been read. Whatever still goes through it may yet find
		// something, and then there is time for a page.
		if _, err := io.CopyBuffer(io.Discard, onlyReader{p.body}, x.c.lend()); err != nil {
			return x.cut(err)
		}
		return x.leave(p)
	}
	// To say "as it was" all of the body would have to be waited for, and it
	// may be a broadcast.
	return x.echo(p, true)
}

// onlyReader hides a reader's own copying, which would ignore our buffer.
type onlyReader struct{ io.Reader }

// leave has the client go on with the body that it has.
func (x *exchange) leave(p *passing) error {
	if p.edited {
		return x.partial(p)
	}
	return x.unchanged()
}

// partial gives the head, and leaves the body to the client.
func (x *exchange) partial(p *passing) error {
	if !x.body.drain(math.MaxInt64) {
		return x.body.err
	}
	if err := x.message(http.StatusPartialContent, p.of, p.head, true); err != nil {
		return err
	}
	_, err := x.c.w.WriteString("0; use-original-body=0\r\n\r\n")
	return err
}

// echo gives the message back as it comes, and ends it when the rules close
// it on its way. Where it may be left to the client it is, if all of it has
// come already.
func (x *exchange) echo(p *passing, mayLeave bool) error {
	if err := x.body.commit(); err != nil { // no more can be asked for once we answer
		return err
	}
	buf := x.c.lend()
	n, err := 0, error(nil)
	for err == nil && (n == 0 || mayLeave && n < len(buf) && !x.body.lull()) {
		var m int
		m, err = p.body.Read(buf[n:])
		n += m
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return x.cut(err)
	case err != nil && mayLeave && x.mayLeave():
		return x.leave(p)
	}
	if err := x.message(http.StatusOK, p.of, p.head, true); err != nil {
		return err
	}
	return x.copy(p, buf, n, err)
}

// rest gives what follows the bytes that were given out early.
func (x *exchange) rest(p *passing) error {
	if err := x.body.commit(); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, p.body, int64(x.early.sent)); err != nil {
		return err
	}
	return x.copy(p, x.c.lend(), 0, nil)
}

// copy writes what has been read and what follows.
func (x *exchange) copy(p *passing, buf []byte, n int, err error) error {
	last := x.s.porter.Now()
	for {
		if n > 0 {
			if now := x.s.porter.Now(); now.Sub(last).Abs() >= lookEvery {
				last = now
				if a, open := p.judge(); !open {
					x.record(&a)
					return errShut
				}
			}
			if err := x.writeChunk(buf[:n]); err != nil {
				return err
			}
			p.sent += int64(n)
		}
		if errors.Is(err, io.EOF) {
			return x.last()
		}
		if err != nil {
			return err // ErrCut too: what came is not taken for the whole
		}
		if x.body.lull() { // events and streams do not wait for a full buffer
			if err := x.c.w.Flush(); err != nil {
				return err
			}
		}
		n, err = p.body.Read(buf)
	}
}

// last ends a body that passed, with the trailers that came behind it.
func (x *exchange) last() error {
	if _, err := x.c.w.WriteString("0\r\n"); err != nil {
		return err
	}
	if x.m.allow.trailers {
		if _, err := x.c.w.Write(x.body.trailer); err != nil {
			return err
		}
	}
	_, err := x.c.w.WriteString("\r\n")
	return err
}

// cut ends a message in which something was found before any of it went out.
// Who found it has written it down.
func (x *exchange) cut(err error) error {
	if !errors.Is(err, porter.ErrCut) {
		return err
	}
	if x.began {
		return err
	}
	who := x.s.porter.Who(x.client(), nil)
	a := x.s.porter.Refuse(&who, x.nothing(), verdict.ReasonPhrases)
	return x.show(&a, "")
}

// lend is the connection's buffer for copying.
func (c *conn) lend() []byte {
	if c.chunk == nil {
		c.chunk = make([]byte, 2*buffer)
	}
	return c.chunk
}

// nothing is the question where it is not known what was asked.
func (x *exchange) nothing() porter.Question { return porter.Question{Door: verdict.DoorICAP} }

// record writes a decision down, and counts it.
func (x *exchange) record(a *porter.Answer) {
	if a.Verdict.Action != verdict.Allow {
		x.s.counts.blocked.Add(1)
	}
	x.s.porter.Record(x.s.ctx, a)
}
