package vault

import (
	"bytes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// Sealed files are a header (magic and 19 random bytes) and chunks of 64 KiB,
// each sealed under the random bytes, its number, and a mark on the last one,
// so that a file cut short, or with chunks changed over, does not open.
const (
	streamMagic = "belisha sealed 1\n"
	chunkSize   = 64 * 1024
	prefixSize  = chacha20poly1305.NonceSizeX - 5
)

// SealWriter returns a writer that seals what it is given onto w. Close writes
// the last chunk; without it the file does not open. It does not close w.
func (v *Vault) SealWriter(w io.Writer, p Purpose, at Place) (io.WriteCloser, error) {
	key, err := v.purposeKey(p)
	if err != nil {
		return nil, err
	}
	s, err := newStream(key, at.bytes(p), random(prefixSize))
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(append([]byte(streamMagic), s.nonce[:prefixSize]...)); err != nil {
		return nil, fmt.Errorf("sealing a file: %w", err)
	}
	return &sealWriter{stream: s, w: w, buf: make([]byte, 0, chunkSize)}, nil
}

// OpenReader returns a reader of what SealWriter sealed for the same purpose
// and place. It gives ErrDamaged instead of io.EOF for a file cut short; what
// was read before that is genuine.
func (v *Vault) OpenReader(r io.Reader, p Purpose, at Place) (io.Reader, error) {
	key, err := v.purposeKey(p)
	if err != nil {
		return nil, err
	}
	head := make([]byte, len(streamMagic)+prefixSize)
	if _, err := io.ReadFull(r, head); err != nil || !bytes.HasPrefix(head, []byte(streamMagic)) {
		return nil, ErrDamaged
	}
	s, err := newStream(key, at.bytes(p), head[len(streamMagic):])
	if err != nil {
		return nil, err
	}
	return &openReader{stream: s, r: r, sealed: make([]byte, chunkSize+chacha20poly1305.Overhead)}, nil
}

type stream struct {
	aead  cipher.AEAD
	aad   []byte
	nonce [chacha20poly1305.NonceSizeX]byte
	count uint32
}

func newStream(key, aad, prefix []byte) (*stream, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("sealing a file: %w", err)
	}
	s := &stream{aead: aead, aad: aad}
	copy(s.nonce[:], prefix)
	return s, nil
}

// next returns the nonce of the next chunk.
func (s *stream) next(last bool) ([]byte, error) {
	binary.BigEndian.PutUint32(s.nonce[prefixSize:], s.count)
	s.nonce[len(s.nonce)-1] = 0
	if last {
		s.nonce[len(s.nonce)-1] = 1
	}
	s.count++
	if s.count == 0 {
		return nil, errors.New("sealing a file: it is larger than 256 TB")
	}
	return s.nonce[:], nil
}

type sealWriter struct {
	*stream
	w      io.Writer
	buf    []byte
	out    []byte
	closed bool
}

func (s *sealWriter) Write(p []byte) (int, error) {
	if s.closed {
		return 0, errors.New("sealing a file: it is closed")
	}
	n := 0
	for len(p) > 0 {
		// A full buffer is written only when more comes, so that the last
		// chunk is never written without its mark.
		if len(s.buf) == chunkSize {
			if err := s.flush(false); err != nil {
				return n, err
			}
		}
		took := min(len(p), chunkSize-len(s.buf))
		s.buf = append(s.buf, p[:took]...)
		p, n = p[took:], n+took
	}
	return n, nil
}

func (s *sealWriter) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return s.flush(true)
}

func (s *sealWriter) flush(last bool) error {
	nonce, err := s.next(last)
	if err != nil {
		return err
	}
	s.out = s.aead.Seal(s.out[:0], nonce, s.buf, s.aad)
	s.buf = s.buf[:0]
	if _, err := s.w.Write(s.out); err != nil {
		return fmt.Errorf("sealing a file: %w", err)
	}
	return nil
}

type openReader struct {
	*stream
	r      io.Reader
	sealed []byte
	plain  []byte
	last   bool
	err    error
}

func (o *openReader) Read(p []byte) (int, error) {
	for len(o.plain) == 0 {
		if o.err != nil {
			return 0, o.err
		}
		o.err = o.fill()
	}
	n := copy(p, o.plain)
	o.plain = o.plain[n:]
	return n, nil
}

// fill opens the next chunk. A chunk that opens only with the last chunk's
// mark is the last; bytes after it are damage.
func (o *openReader) fill() error {
	if o.last {
		if n, err := o.r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			return ErrDamaged
		}
		return io.EOF
	}
	n, err := io.ReadFull(o.r, o.sealed)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		if errors.Is(err, io.EOF) {
			return ErrDamaged // no chunk with the mark was seen
		}
		return fmt.Errorf("opening a sealed file: %w", err)
	}
	short := err != nil
	plain, openErr := o.open(o.sealed[:n], short)
	if openErr != nil && !short {
		o.count-- // a full chunk may be the last one too
		plain, openErr = o.open(o.sealed[:n], true)
	}
	o.plain = plain
	return openErr
}

func (o *openReader) open(sealed []byte, last bool) ([]byte, error) {
	nonce, err := o.next(last)
	if err != nil {
		return nil, err
	}
	plain, err := o.aead.Open(nil, nonce, sealed, o.aad)
	if err != nil {
		return nil, ErrDamaged
	}
	o.last = last
	return plain, nil
}
