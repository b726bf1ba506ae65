package icap

import (
	"net/http"
	"strconv"
	"time"

	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// page writes an HTTP answer that stands in place of what was asked for, or
// of what a site answered. It implements http.ResponseWriter.
type page struct {
	x      *exchange
	header http.Header
	status int
	began  bool
	body   bool
	err    error
}

// Header implements http.ResponseWriter.
func (p *page) Header() http.Header { return p.header }

// WriteHeader implements http.ResponseWriter. What comes ahead of the answer
// itself has no place in ICAP.
func (p *page) WriteHeader(status int) {
	if p.status == 0 && status >= http.StatusOK {
		p.status = status
	}
}

// Write implements http.ResponseWriter.
func (p *page) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	if len(b) == 0 {
		return 0, p.err
	}
	p.begin(true)
	if p.err == nil && p.body {
		p.err = p.x.writeChunk(b)
	}
	return len(b), p.err
}

// begin writes the head once it is known whether a body follows.
func (p *page) begin(body bool) {
	if p.began || p.err != nil {
		return
	}
	p.began = true
	p.body = body && p.x.wantsBody() && bodyAllowed(p.status)
	p.x.settle()
	if !body {
		p.header.Set("Content-Length", "0")
	}
	head := make([]byte, 0, 1024)
	head = append(append(head, "HTTP/1.1 "...), strconv.Itoa(p.status)...)
	head = append(append(append(head, ' '), http.StatusText(p.status)...), '\r', '\n')
	head = appendHeader(head, p.header)
	p.err = p.x.message(http.StatusOK, resHead, head, p.body)
}

// finish ends the answer.
func (p *page) finish() error {
	p.WriteHeader(http.StatusOK)
	p.begin(false)
	if p.err == nil && p.body {
		_, p.err = p.x.c.w.WriteString("0\r\n\r\n")
	}
	return p.err
}

func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

func (x *exchange) newPage() *page { return &page{x: x, header: http.Header{}} }

// wantsBody reports that the one who asked takes more than the head.
func (x *exchange) wantsBody() bool { return string(firstWord(x.req)) != http.MethodHead }

func firstWord(b []byte) []byte {
	for i, c := range b {
		if c == ' ' {
			return b[:i]
		}
	}
	return nil
}

// settle makes room for an answer that does not want the client's body: what
// comes of it at once is dropped. More is not waited for: a site may be slow,
// and a Squid that gets nothing back may stop for good (see trickle). The
// connection ends with the answer then, and what comes is dropped behind it.
func (x *exchange) settle() {
	if x.body == nil {
		return
	}
	x.body.take()
	x.c.net.read = settleGap
	late := time.AfterFunc(settleFor, x.c.net.end)
	if all := x.body.drain(drainMost); !late.Stop() || !all {
		x.ending, x.unread = true, true
	}
	x.c.net.read = bodyFor
}

// drop reads what a client goes on sending after its answer: some take no
// notice of an answer before they have sent all they have.
func (x *exchange) drop() {
	if x.c.w.Flush() != nil {
		return
	}
	x.c.net.read = dropFor
	x.body.drain(drainMost)
}

// show gives the page that says why, in place of the message.
func (x *exchange) show(a *porter.Answer, target string) error {
	if a.Verdict.Action == verdict.Allow {
		a.Verdict.Action = verdict.Block
	}
	p := x.newPage()
	x.s.cfg.Pages.Write(p, http.StatusForbidden, x.s.cfg.Front.View(a, target))
	return p.finish()
}

// refuse writes a block down, and shows why.
func (x *exchange) refuse(a *porter.Answer, target string) error {
	if a.Verdict.Action == verdict.Allow {
		a.Verdict.Action = verdict.Block
	}
	x.record(a)
	return x.show(a, target)
}
