package evasion

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// clientHello makes a first TLS message, whole or spoilt: sni=NAME, ech=N,
// pad=N, types=N (names in the list), nosni, old (no TLS 1.3).
func clientHello(options []string) []byte {
	var extensions []byte
	add := func(kind uint16, b []byte) {
		extensions = binary.BigEndian.AppendUint16(extensions, kind)
		extensions = binary.BigEndian.AppendUint16(extensions, uint16(len(b)))
		extensions = append(extensions, b...)
	}
	old := false
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		n, err := strconv.Atoi(value)
		if err != nil {
			n = 0
		}
		switch name {
		case "sni":
			text, err := unescape(value)
			if err != nil {
				text = value
			}
			entry := append([]byte{0, byte(len(text) >> 8), byte(len(text))}, text...)
			add(0, append([]byte{byte(len(entry) >> 8), byte(len(entry))}, entry...))
		case "sni2": // two names in one list
			a, b, _ := strings.Cut(value, ",")
			entry := append([]byte{0, 0, byte(len(a))}, a...)
			entry = append(append(entry, 0, 0, byte(len(b))), b...)
			add(0, append([]byte{byte(len(entry) >> 8), byte(len(entry))}, entry...))
		case "ech":
			add(0xfe0d, bytes.Repeat([]byte{0}, n))
		case "pad":
			add(21, make([]byte, n))
		case "keyshare":
			share := append([]byte{0x11, 0xec, byte(n >> 8), byte(n)}, make([]byte, n)...)
			add(51, append([]byte{byte(len(share) >> 8), byte(len(share))}, share...))
		case "old":
			old = true
		}
	}
	if !old {
		add(43, []byte{2, 3, 4})
	}
	add(10, []byte{0, 2, 0, 29})
	add(13, []byte{0, 2, 4, 3})
	body := append([]byte{3, 3}, make([]byte, 32)...)
	body = append(body, 0, 0, 4, 0x13, 0x01, 0xc0, 0x2b, 1, 0)
	body = binary.BigEndian.AppendUint16(body, uint16(len(extensions)))
	body = append(body, extensions...)
	return append([]byte{1, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

// records puts a message into TLS records of at most n bytes.
func records(msg []byte, n int) []byte {
	var out []byte
	for at := 0; at < len(msg); at += n {
		part := msg[at:min(at+n, len(msg))]
		out = append(out, 22, 3, 1, byte(len(part)>>8), byte(len(part)))
		out = append(out, part...)
	}
	return out
}

// doHello sends a first TLS message, and reads one byte of what comes back:
// "server" for the other side's hello, "alert" or "closed".
func (r *run) doHello(args string) error {
	options := strings.Fields(args)
	size, pieces := 16<<10, 0
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		n, _ := strconv.Atoi(value)
		switch name {
		case "records":
			size = n
		case "pieces":
			pieces = n
		}
	}
	r.send(records(clientHello(options), size), pieces)
	r.answer, r.body, r.ended = nil, nil, ""
	first, err := r.r.Peek(1)
	switch {
	case err != nil:
		r.ended = why(err)
	case first[0] == 21:
		r.ended = "alert"
	case first[0] == 22:
		r.said = []byte("server")
	}
	return nil
}

// h2 is a client of HTTP/2 that need not keep to it.
type h2 struct {
	f      *http2.Framer
	enc    *hpack.Encoder
	block  bytes.Buffer
	next   uint32
	status int
	ended  string
	body   []byte
}

// doH2 is "begin", "request NAME: VALUE ;; …", "rapid N", "continuation N",
// "bomb N" or "listen".
func (r *run) doH2(args string) error {
	what, rest, _ := strings.Cut(args, " ")
	if what == "begin" {
		r.two = &h2{f: http2.NewFramer(r.conn, r.r), next: 1}
		r.two.enc = hpack.NewEncoder(&r.two.block)
		if _, err := io.WriteString(r.conn, http2.ClientPreface); err != nil {
			return err
		}
		return r.two.f.WriteSettings()
	}
	if r.two == nil {
		return errors.New("begin first")
	}
	n, _ := strconv.Atoi(rest)
	switch what {
	case "request":
		r.two.block.Reset()
		for field := range strings.SplitSeq(rest, ";;") {
			name, value, _ := strings.Cut(strings.TrimSpace(field), ": ")
			text, err := unescape(value)
			if err != nil {
				return err
			}
			if err := r.two.enc.WriteField(hpack.HeaderField{Name: name, Value: text}); err != nil {
				return err
			}
		}
		r.two.headers(true)
		r.two.listen(r.two.next - 2)
	case "rapid":
		r.two.rapid(n, r.values["port"])
	case "continuation":
		r.two.continuation(n)
	case "bomb":
		r.two.bomb(n, r.values["port"])
	case "listen":
		r.two.listen(0)
	default:
		return fmt.Errorf("nobody knows how to %q", what)
	}
	return nil
}

func (h *h2) headers(end bool) {
	// Where the other side has hung up, reading tells.
	_ = h.f.WriteHeaders(http2.HeadersFrameParam{StreamID: h.next, BlockFragment: h.block.Bytes(), EndStream: true, EndHeaders: end})
	h.next += 2
}

func (h *h2) ask(path, port string) {
	h.block.Reset()
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "ok.test:" + port}, {":path", path}} {
		_ = h.enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}) // into memory
	}
}

// rapid opens streams and resets each at once.
func (h *h2) rapid(n int, port string) {
	for range n {
		h.ask("/", port)
		h.headers(true)
		if h.f.WriteRSTStream(h.next-2, http2.ErrCodeCancel) != nil {
			break
		}
	}
	h.listen(0)
}

// continuation sends a head that never ends.
func (h *h2) continuation(n int) {
	h.ask("/", "443")
	h.headers(false)
	filler := bytes.Repeat([]byte{0x00, 0x01, 'a', 0x01, 'b'}, 2000)
	for range n {
		if h.f.WriteContinuation(h.next-2, false, filler) != nil {
			break
		}
	}
	h.listen(0)
}

// bomb names one long header in the table, and refers to it often.
func (h *h2) bomb(n int, port string) {
	h.ask("/", port)
	_ = h.enc.WriteField(hpack.HeaderField{Name: "x-long", Value: strings.Repeat("a", 3500)})
	h.block.Write(bytes.Repeat([]byte{0x80 | 62}, n))
	if h.block.Len() > 16<<10 {
		h.block.Truncate(16 << 10)
	}
	h.headers(true)
	h.listen(h.next - 2)
}

// listen reads frames until a stream is answered or reset, or all is over.
func (h *h2) listen(stream uint32) {
	h.status, h.ended, h.body = 0, "", nil
	dec := hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == ":status" {
			h.status, _ = strconv.Atoi(f.Value)
		}
	})
	for stop := now().Add(patience); now().Before(stop); {
		f, err := h.f.ReadFrame()
		if err != nil {
			h.ended = why(err)
			return
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = h.f.WriteSettingsAck() // see above
			}
		case *http2.HeadersFrame:
			if _, err := dec.Write(f.HeaderBlockFragment()); err != nil {
				h.ended = "head"
				return
			}
			if f.StreamID == stream && f.StreamEnded() {
				return
			}
		case *http2.DataFrame:
			h.body = append(h.body, f.Data()...)
			if f.StreamID == stream && f.StreamEnded() {
				return
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == stream {
				h.ended = "reset"
				return
			}
		case *http2.GoAwayFrame:
			h.ended = "goaway"
			return
		}
	}
	h.ended = "late"
}

// over reports a connection or stream that was ended.
func (h *h2) over() error {
	if h.status != 0 && h.status != 400 && h.status != 421 && h.status != 431 || h.ended == "late" || h.ended == "" && h.status == 0 {
		return fmt.Errorf("it goes on: status %d, %q", h.status, h.ended)
	}
	return nil
}
