package icap

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// errBody is what a body that is not framed as it must be ends with.
var errBody = bad("the body is not in chunks as they must be")

// errLate says that the rest of a body was to be asked for after the answer
// had begun, which ICAP does not allow.
var errLate = errors.New("the rest of the body was asked for too late")

// body reads an encapsulated body. Beyond the preview it asks the client to
// go on, once, so that whoever reads no further needs nothing more sent.
type body struct {
	from      *bufio.Reader
	goOn      func() error // sends 100 Continue
	preview   bool         // what comes is the preview
	atEnd     bool         // the preview has ended, and more may follow if asked for
	continued bool         // it was asked for
	done      bool         // all of it was read
	late      bool         // nothing more may be asked for
	left      int64        // of a chunk
	within    bool         // a chunk has begun, and its end is not read
	err       error
	kept      []byte       // of the preview, not yet handed over
	given     int64        // bytes handed over
	keep      func([]byte) // is told what is handed over; or nil
	trailer   []byte
}

// load reads the preview to its end: nothing may be answered before.
func (b *body) load(limit int, into []byte) error {
	into = into[:0]
	for b.err == nil && !b.atEnd && !b.done {
		if b.left == 0 {
			b.err = b.chunk()
			continue
		}
		if b.left > int64(limit-len(into)) {
			b.err = bad("the preview is longer than it was said to be")
			break
		}
		at := len(into)
		into = append(into, make([]byte, b.left)...)
		_, err := io.ReadFull(b.from, into[at:])
		b.left = 0
		if err != nil {
			b.err = unexpected(err)
		}
	}
	b.kept = into
	return b.err
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		switch {
		case len(b.kept) > 0:
			n := copy(p, b.kept)
			b.kept = b.kept[n:]
			b.gave(p[:n])
			return n, nil
		case b.err != nil:
			return 0, b.err
		case b.done:
			return 0, io.EOF
		case b.atEnd:
			b.err = b.more()
		case b.left > 0:
			n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
			b.left -= int64(n)
			b.gave(p[:n])
			if err != nil {
				b.err = unexpected(err)
			}
			if n > 0 {
				return n, nil
			}
		default:
			b.err = b.chunk()
		}
	}
}

func (b *body) gave(p []byte) {
	b.given += int64(len(p))
	if b.keep != nil {
		b.keep(p)
	}
}

// Close implements io.Closer: the rest stays to be read, by us.
func (b *body) Close() error { return nil }

// more asks for what follows the preview.
func (b *body) more() error {
	if b.late {
		return errLate
	}
	if err := b.goOn(); err != nil {
		return err
	}
	b.atEnd, b.preview, b.continued = false, false, true
	return nil
}

// chunk reads the line that begins the next chunk.
func (b *body) chunk() error {
	if b.within {
		if err := b.empty(); err != nil {
			return err
		}
		b.within = false
	}
	line, err := b.line(maxLine)
	if err != nil {
		return err
	}
	size, extension, ok := chunkSize(line)
	if !ok {
		return errBody
	}
	if size > 0 {
		b.left, b.within = size, true
		return nil
	}
	ieof := bytes.EqualFold(bytes.TrimSpace(extension), []byte("ieof"))
	if err := b.trailers(); err != nil {
		return err
	}
	switch {
	case !b.preview:
		b.done = true
	case ieof:
		b.done = true
	default:
		b.atEnd = true
	}
	return nil
}

// trailers reads header lines after the last chunk, and the empty line.
func (b *body) trailers() error {
	b.trailer = b.trailer[:0]
	for {
		line, err := b.line(maxTrailer)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			break
		}
		if len(b.trailer)+len(line) > maxTrailer {
			return errBody
		}
		b.trailer = append(append(b.trailer, line...), '\r', '\n')
	}
	if len(b.trailer) == 0 {
		return nil
	}
	if _, err := parseFields(append(b.trailer[:len(b.trailer):len(b.trailer)], '\r', '\n'), true); err != nil {
		return errBody
	}
	return nil
}

// empty reads the line end after a chunk's bytes.
func (b *body) empty() error {
	var two [2]byte
	if _, err := io.ReadFull(b.from, two[:]); err != nil {
		return unexpected(err)
	}
	if two != [2]byte{'\r', '\n'} {
		return errBody
	}
	return nil
}

// line reads a line; what it returns holds until the next read.
func (b *body) line(limit int) ([]byte, error) {
	line, err := b.from.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull), err == nil && len(line) > limit:
		return nil, errBody
	case err != nil:
		return nil, unexpected(err)
	case len(line) < 2 || line[len(line)-2] != '\r' || bytes.IndexByte(line[:len(line)-2], '\r') >= 0:
		return nil, errBody
	}
	return line[:len(line)-2], nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// chunkSize reads "1f" or "0; ieof".
func chunkSize(line []byte) (size int64, extension []byte, ok bool) {
	digits, extension, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 15 {
		return 0, nil, false
	}
	for _, c := range digits {
		v, ok := hexValue(c)
		if !ok {
			return 0, nil, false
		}
		size = size<<4 | v
	}
	return size, extension, true
}

func hexValue(c byte) (int64, bool) {
	switch {
	case '0' <= c && c <= '9':
		return int64(c - '0'), true
	case 'a' <= c && c <= 'f':
		return int64(c-'a') + 10, true
	case 'A' <= c && c <= 'F':
		return int64(c-'A') + 10, true
	}
	return 0, false
}

// drain reads and drops the rest of what the client sends by itself, up to
// limit bytes, and reports whether that was all of it.
func (b *body) drain(limit int64) bool {
	b.kept = nil
	for b.err == nil && !b.done && !b.atEnd && limit > 0 {
		limit -= b.skip()
	}
	return b.err == nil && (b.done || b.atEnd)
}

func (b *body) skip() int64 {
	if b.left == 0 {
		b.err = b.chunk()
		return 1
	}
	n, err := b.from.Discard(int(min(b.left, 1<<20)))
	b.left -= int64(n)
	if err != nil {
		b.err = unexpected(err)
	}
	return int64(n)
}

// all reports that everything the client sends was read and handed over.
func (b *body) all() bool { return b.done && len(b.kept) == 0 && b.err == nil }
