package icap

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// errBody is what a body that is not framed as it must be ends with.
var errBody = bad("the body is not in chunks as they must be")

// errLate says that the rest of a body was to be asked for after the answer
// had begun, which ICAP does not allow.
var errLate = errors.New("the rest of the body was asked for too late")

// body reads an encapsulated body. Beyond the preview it asks the client to
// go on, once, so that whoever reads no further needs nothing more sent. Who
// looks inside may read it in a goroutine of their own, and be waiting in it
// for the client while the exchange goes on without them.
type body struct {
	from *bufio.Reader
	goOn func() error // sends 100 Continue
	stop func()       // ends a read that waits for the client, and all others after it

	asking    sync.Mutex // guards the next three
	atEnd     bool       // the preview has ended, and more may follow if asked for
	continued bool       // it was asked for
	late      bool       // nothing more may be asked for

	closed  atomic.Bool // nobody may read any more but ourselves
	reading sync.Mutex  // guards the rest
	preview bool        // what comes is the preview
	done    bool        // all of it was read
	left    int64       // of a chunk
	within  bool        // a chunk has begun, and its end is not read
	err     error
	kept    []byte       // of the preview, not yet handed over
	given   int64        // bytes handed over
	keep    func([]byte) // is told what is handed over; or nil
	trailer []byte
}

// load reads the preview to its end: nothing may be answered before.
func (b *body) load(limit int, into []byte) error {
	into = into[:0]
	for b.err == nil && !b.waits() && !b.done {
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
	b.reading.Lock()
	defer b.reading.Unlock()
	for {
		switch {
		case b.closed.Load():
			return 0, io.ErrClosedPipe
		case len(b.kept) > 0:
			n := copy(p, b.kept)
			b.kept = b.kept[n:]
			b.gave(p[:n])
			return n, nil
		case b.err != nil:
			return 0, b.err
		case b.done:
			return 0, io.EOF
		case b.waits():
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

// Close ends a read that another goroutine waits in: who closes waits for that
// in turn. What has not been read stays to be read, by us.
func (b *body) Close() error {
	b.closed.Store(true)
	if b.reading.TryLock() {
		b.reading.Unlock()
	} else {
		b.stop()
	}
	return nil
}

// waits reports that the preview has ended, and what follows was not asked for.
func (b *body) waits() bool {
	b.asking.Lock()
	defer b.asking.Unlock()
	return b.atEnd
}

// asked reports that what follows the preview was asked for.
func (b *body) asked() bool {
	b.asking.Lock()
	defer b.asking.Unlock()
	return b.continued
}

// more asks for what follows the preview, if nobody has.
func (b *body) more() error {
	b.asking.Lock()
	defer b.asking.Unlock()
	switch {
	case !b.atEnd:
		return nil
	case b.late:
		return errLate
	}
	if err := b.goOn(); err != nil {
		return err
	}
	b.atEnd, b.continued = false, true
	return nil
}

// commit asks for what follows the preview, since the answer begins now and
// nothing can be asked for after that.
func (b *body) commit() error {
	err := b.more()
	b.asking.Lock()
	defer b.asking.Unlock()
	b.late = true
	return err
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
	if err := b.trailers(); err != nil {
		return err
	}
	if !b.preview || endsHere(extension) {
		b.done = true
		return nil
	}
	b.preview = false
	b.asking.Lock()
	defer b.asking.Unlock()
	b.atEnd = true
	return nil
}

// endsHere reports that a preview's last chunk says that the body ends with it.
func endsHere(extensions []byte) bool {
	for e := range bytes.SplitSeq(extensions, []byte(";")) {
		if bytes.EqualFold(bytes.TrimSpace(e), []byte("ieof")) {
			return true
		}
	}
	return false
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

// take sees to it that nobody reads any more but ourselves.
func (b *body) take() {
	_ = b.Close() // it has nothing to say
	b.reading.Lock()
	defer b.reading.Unlock() // whoever comes now finds it closed
}

// drain reads and drops the rest of what the client sends by itself, up to
// limit bytes, and reports whether that was all of it.
func (b *body) drain(limit int64) bool {
	b.take()
	b.reading.Lock()
	defer b.reading.Unlock()
	b.kept = nil
	waits := b.waits()
	for b.err == nil && !b.done && !waits && limit > 0 {
		limit -= b.skip()
	}
	return b.err == nil && (b.done || waits)
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
func (b *body) all() bool {
	if !b.reading.TryLock() {
		return false
	}
	defer b.reading.Unlock()
	return b.done && len(b.kept) == 0 && b.err == nil
}

// failed is what the body broke off with, as far as has been read.
func (b *body) failed() error {
	if !b.reading.TryLock() {
		return nil
	}
	defer b.reading.Unlock()
	return b.err
}

// lull reports that the client has to send more before there is more to read.
func (b *body) lull() bool {
	if !b.reading.TryLock() {
		return true // somebody waits for it
	}
	defer b.reading.Unlock()
	return len(b.kept) == 0 && b.from.Buffered() <= len("\r\n")
}

// over reports that what the client sent of itself was read, so that its next
// request follows.
func (b *body) over() bool {
	if !b.reading.TryLock() {
		return false
	}
	defer b.reading.Unlock()
	return b.err == nil && (b.done || b.waits())
}
