package proxy

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// asEvent is a message as an event of a stream, on one line.
func asEvent(text []byte) []byte {
	event := make([]byte, 0, len(text)+8)
	event = append(append(event, "data: "...), text...)
	for i, c := range event {
		if c == '\n' || c == '\r' {
			event[i] = ' '
		}
	}
	return append(event, "\n\n"...)
}

// events are events as an answer of the site.
func (x *exchange) events(body io.ReadCloser) (*http.Request, *http.Response) {
	r := x.as(nil)
	return r, &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"text/event-stream; charset=utf-8"}}, Body: body, ContentLength: -1,
	}
}

// heard has one message looked at by itself.
func (x *exchange) heard(body io.ReadCloser) bool {
	a := x.answer
	r, res := x.events(body)
	open := x.said(&a, x.cfg.Content.Response(x.r.Context(), &a, r, res))
	// What is put in place of the body may find something on its way, and has
	// then written it down.
	_, err := io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return open && err == nil
}

// hearing is all that a site says on a WebSocket, one after another: a word
// may come in several messages, as answers of AI services do.
type hearing struct {
	to   *io.PipeWriter
	done chan struct{}

	mu   sync.Mutex
	more sync.Cond
	fed  int64 // bytes
	out  int64 // that were looked at
	err  error // nothing is looked at any more
}

// hear begins to look at what is said.
func (x *exchange) hear() *hearing {
	from, to := io.Pipe()
	h := &hearing{to: to, done: make(chan struct{})}
	h.more.L = &h.mu
	a := x.answer
	r, res := x.events(from)
	open := x.said(&a, x.cfg.Content.Response(x.r.Context(), &a, r, res))
	go func() {
		defer close(h.done)
		h.look(res.Body, open)
		// Whoever waits to say something is let go.
		_ = from.CloseWithError(errClosed)
	}()
	return h
}

// look reads what is said through to its end.
func (h *hearing) look(body io.ReadCloser, open bool) {
	defer body.Close()
	err := errClosed
	if open {
		err = nil
	}
	for buf := make([]byte, 16<<10); ; {
		n := 0
		if err == nil {
			n, err = body.Read(buf)
		}
		h.mu.Lock()
		h.out += int64(n)
		h.err = err
		h.more.Broadcast()
		h.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// hears adds an event, and reports whether all is open after it.
func (h *hearing) hears(event []byte) bool {
	h.mu.Lock()
	h.fed += int64(len(event))
	h.mu.Unlock()
	if _, err := io.Copy(h.to, bytes.NewReader(event)); err != nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.err == nil && h.out < h.fed {
		h.more.Wait()
	}
	return h.out >= h.fed
}

// end waits until the last of it was looked at.
func (h *hearing) end() {
	_ = h.to.Close() // it always closes
	<-h.done
}
