package console

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// The console speaks to a running server in frames over the socket in the
// data folder: one byte for the kind, four for the length (big endian), then
// that many bytes. The client sends one call, then its standard input; the
// server sends standard output and error, and the exit status last.
const (
	frameCall   = 'c' // JSON of call
	frameInput  = 'i' // standard input; empty is its end
	frameOutput = 'o'
	frameError  = 'e'
	frameExit   = 'x' // one byte
)

// maxFrame bounds one frame.
const maxFrame = 1 << 20

// call is a command that a running server is asked to do.
type call struct {
	Args []string `json:"args"`
	Dir  string   `json:"dir"` // the caller's working folder
	User string   `json:"user"`
}

func writeFrame(w io.Writer, kind byte, data []byte) error {
	var head [5]byte
	head[0] = kind
	binary.BigEndian.PutUint32(head[1:], uint32(len(data)))
	if _, err := w.Write(append(head[:], data...)); err != nil {
		return fmt.Errorf("speaking to the server: %w", err)
	}
	return nil
}

func readFrame(r io.Reader) (kind byte, data []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, nil, errors.New("the server's answer is not Belisha's")
	}
	data = make([]byte, n)
	_, err = io.ReadFull(r, data)
	return head[0], data, err
}

// frameWriter sends what is written to it as frames of one kind. Several
// share one connection.
type frameWriter struct {
	mu   *sync.Mutex
	w    io.Writer
	kind byte
}

func (f frameWriter) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for at := 0; at < len(p); at += maxFrame {
		end := min(at+maxFrame, len(p))
		if err := writeFrame(f.w, f.kind, p[at:end]); err != nil {
			return at, err
		}
	}
	return len(p), nil
}

// inputReader reads the caller's standard input from frames.
type inputReader struct {
	r    io.Reader
	rest []byte
	done bool
}

func (i *inputReader) Read(p []byte) (int, error) {
	for len(i.rest) == 0 {
		if i.done {
			return 0, io.EOF
		}
		kind, data, err := readFrame(i.r)
		if err != nil {
			return 0, fmt.Errorf("reading the caller's input: %w", err)
		}
		if kind != frameInput {
			return 0, errors.New("reading the caller's input: something else came")
		}
		i.done = len(data) == 0
		i.rest = data
	}
	n := copy(p, i.rest)
	i.rest = i.rest[n:]
	return n, nil
}

func encodeCall(c call) ([]byte, error) { return json.Marshal(c) }

func decodeCall(b []byte) (call, error) {
	var c call
	if err := json.Unmarshal(b, &c); err != nil {
		return call{}, errors.New("the call is not Belisha's")
	}
	return c, nil
}
