package proxy

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/http"

	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

const (
	textWindow  = 64 << 10 // of a message that is looked at at once
	textOverlap = 512      // of a window that the next begins with again
	opText      = 1
	opContinue  = 0
	opControl   = 8
	maxControl  = 125
)

var (
	errFrame  = errors.New("a WebSocket frame that nobody may send")
	errClosed = errors.New("what was said on the WebSocket is closed")
)

// frames carries one direction of a WebSocket and has its texts looked at
// before they go on. Other messages, such as sound and pictures, pass.
type frames struct {
	from   *bufio.Reader
	to     io.Writer
	look   func(text []byte) bool // false closes the connection
	masked bool                   // as a browser's must be, and a site's must not

	inText  bool // the message that is being carried
	message bool // one is
	held    []byte
	text    []byte
	passed  uint64
}

// carry goes on until the connection ends, or must.
func (f *frames) carry() error {
	for {
		if err := f.frame(); err != nil {
			return err
		}
	}
}

// head is what a frame begins with (RFC 6455, section 5.2).
type head struct {
	raw    [14]byte
	n      int
	fin    bool
	op     byte
	length uint64
	key    [4]byte
}

func (f *frames) head() (h head, err error) {
	if _, err = io.ReadFull(f.from, h.raw[:2]); err != nil {
		return h, err
	}
	h.n, h.fin, h.op, h.length = 2, h.raw[0]&0x80 != 0, h.raw[0]&15, uint64(h.raw[1]&0x7f)
	more := 0
	switch h.length {
	case 126:
		more = 2
	case 127:
		more = 8
	}
	if f.masked {
		more += 4
	}
	// No extension was agreed on, so the reserved bits mean nothing.
	if h.raw[0]&0x70 != 0 || (h.raw[1]&0x80 != 0) != f.masked {
		return h, errFrame
	}
	if _, err = io.ReadFull(f.from, h.raw[2:2+more]); err != nil {
		return h, err
	}
	h.n += more
	switch h.length {
	case 126:
		h.length = uint64(binary.BigEndian.Uint16(h.raw[2:]))
	case 127:
		h.length = binary.BigEndian.Uint64(h.raw[2:])
	}
	if f.masked {
		copy(h.key[:], h.raw[h.n-4:h.n])
	}
	return h, f.allowed(&h)
}

// allowed refuses what two readers could take for two messages.
func (f *frames) allowed(h *head) error {
	control := h.op >= opControl
	switch {
	case h.length>>63 != 0,
		control && (!h.fin || h.length > maxControl || h.op > 10),
		!control && h.op > 2,
		!control && (h.op == opContinue) != f.message:
		return errFrame
	}
	return nil
}

func (f *frames) frame() error {
	h, err := f.head()
	if err != nil {
		return err
	}
	if h.op >= opControl {
		// It may come between the parts of a message, which are not held up
		// for it: it overtakes what is held.
		return f.pass(&h)
	}
	if h.op != opContinue {
		f.inText = h.op == opText
	}
	f.message = !h.fin
	if !f.inText {
		return f.pass(&h)
	}
	f.held = append(f.held, h.raw[:h.n]...)
	if err := f.read(&h); err != nil {
		return err
	}
	if h.fin || len(f.held) >= textWindow {
		return f.release(h.fin)
	}
	return nil
}

// pass lets a frame through as it is.
func (f *frames) pass(h *head) error {
	if _, err := f.to.Write(h.raw[:h.n]); err != nil {
		return err
	}
	n, err := io.CopyN(f.to, f.from, int64(h.length))
	f.passed += uint64(n)
	return err
}

// read takes a frame's text in, window by window.
func (f *frames) read(h *head) error {
	for at := uint64(0); at < h.length; {
		n := int(min(h.length-at, textWindow/4))
		start := len(f.held)
		f.held = append(f.held, make([]byte, n)...)
		if _, err := io.ReadFull(f.from, f.held[start:]); err != nil {
			return err
		}
		for i, c := range f.held[start:] {
			f.text = append(f.text, c^h.key[(at+uint64(i))&3])
		}
		at += uint64(n)
		if len(f.held) >= textWindow {
			if err := f.release(false); err != nil {
				return err
			}
		}
	}
	return nil
}

// release has what is held looked at, and sends it on.
func (f *frames) release(whole bool) error {
	if len(f.text) > 0 && !f.look(f.text) {
		return errClosed
	}
	if _, err := f.to.Write(f.held); err != nil {
		return err
	}
	f.passed += uint64(len(f.held))
	f.held = f.held[:0]
	keep := 0
	if !whole {
		keep = min(textOverlap, len(f.text))
	}
	f.text = append(f.text[:0], f.text[len(f.text)-keep:]...)
	if cap(f.held) > 2*textWindow {
		f.held = nil
	}
	return nil
}

// looksAtTexts reports a WebSocket whose texts are looked at.
func (x *exchange) looksAtTexts() bool {
	if x.cfg.Content == nil {
		return false
	}
	h := x.answer.Handling()
	return h.Phrases > 0 || h.Chat
}

// spoken carries both directions of a WebSocket and looks at what is said. Each
// message is put before the same eyes as a form or a stream of events: what
// somebody wrote as if it were posted to the WebSocket's address, what came
// back as an event of an answer that never ends. None is a file, and none is
// scanned as one.
func (x *exchange) spoken(client *bufio.Reader, toClient io.Writer, server *bufio.Reader, toServer io.Writer, end func()) uint64 {
	ctx := x.r.Context()
	all := x.hear()
	defer all.end()
	sent := &frames{from: client, to: toServer, masked: true, look: func(text []byte) bool {
		a := x.answer // each direction its own
		return x.said(&a, x.cfg.Content.Request(ctx, &a, x.as(text)))
	}}
	got := &frames{from: server, to: toClient, look: func(text []byte) bool {
		event := asEvent(text)
		return x.heard(io.NopCloser(bytes.NewReader(event))) && all.hears(event)
	}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = sent.carry() // either side ends it: how is no matter
		end()
	}()
	_ = got.carry()
	end()
	<-done
	return sent.passed + got.passed
}

// as is a message as what looks inside knows it.
func (x *exchange) as(text []byte) *http.Request {
	kind := "text/plain; charset=utf-8"
	if c := bytes.TrimLeft(text, " \t\r\n"); len(c) > 0 && (c[0] == '{' || c[0] == '[') {
		kind = "application/json"
	}
	return &http.Request{
		Method: http.MethodPost, URL: x.r.URL, Host: x.r.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)),
	}
}

// said writes down what was found in a message, and reports whether it may go
// on.
func (x *exchange) said(a *porter.Answer, f *porter.Finding) bool {
	if f == nil {
		return true
	}
	found := x.porter.Found(a, f)
	open := f.Action == verdict.Allow || x.passes(&found)
	if !open {
		found.Verdict.Action = verdict.Block // there is no page to warn on
	}
	x.porter.Record(x.r.Context(), &found)
	return open
}
