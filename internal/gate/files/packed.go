package files

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/nwaples/rardecode/v2"
	"github.com/ulikunitz/xz/lzma"

	"belisha/internal/verdict"
)

// maxDictionary is the largest dictionary that is set aside to unpack: what
// the usual programs use at their strongest.
const maxDictionary = 64 << 20

// zstdReader unpacks zstd on the caller's goroutine.
func zstdReader(r io.Reader) (io.Reader, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxDictionary), zstd.WithDecoderMaxMemory(maxDictionary))
	if err != nil {
		return nil, fmt.Errorf("reading zstd: %w", err)
	}
	return d, nil // holds nothing that must be closed at one goroutine
}

// lzmaReader unpacks LZMA with its header of thirteen bytes.
func lzmaReader(r io.Reader) (io.Reader, error) {
	d, err := lzma.ReaderConfig{DictCap: maxDictionary}.NewReader(bufio.NewReader(r))
	if err != nil {
		return nil, fmt.Errorf("reading LZMA: %w", tooMuch(err))
	}
	return d, nil
}

func tooMuch(err error) error {
	var e *lzma.ErrDictSize
	if errors.As(err, &e) {
		return errLarge
	}
	return err
}

// packed looks into one file packed alone.
func (w *walk) packed(it *item, f Format) error {
	src := bufio.NewReaderSize(io.NewSectionReader(it.r, 0, it.size), 64<<10)
	name := strings.TrimSuffix(clean(last(it.m.Path)), "."+suffix(it.m.Path))
	var r io.Reader
	var err error
	switch f {
	case Gzip:
		var z *gzip.Reader
		if z, err = gzip.NewReader(src); err == nil {
			if r = z; z.Name != "" {
				name = z.Name
			}
		}
	case Bzip2:
		r = bzip2.NewReader(src)
	case XZ:
		r = newXZ(src)
	case Zstd:
		r, err = zstdReader(src)
	default:
		r, err = lzmaReader(src)
	}
	if err != nil {
		return err
	}
	return w.inside(it, name, r, false)
}

func suffix(name string) string {
	var buf [20]byte
	return string(ext(last(name), &buf))
}

// tar looks into a tar.
func (w *walk) tar(it *item) error {
	r := tar.NewReader(bufio.NewReaderSize(io.NewSectionReader(it.r, 0, it.size), 64<<10))
	for {
		h, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			it.whole = true
			return nil
		case err != nil && !errors.Is(err, tar.ErrInsecurePath):
			return fmt.Errorf("reading tar: %w", err)
		}
		switch h.Typeflag {
		case tar.TypeDir, tar.TypeXGlobalHeader:
			err = w.named(it, "")
		default:
			err = w.inside(it, h.Name, r, false)
		}
		if err != nil {
			return err
		}
	}
}

// rar looks into a RAR of version 4 or 5.
func (w *walk) rar(it *item) error {
	var h [64]byte
	n, _ := it.r.ReadAt(h[:], 0)
	if rar5Locked(h[:n]) {
		return errLocked
	}
	r, err := rardecode.NewReader(io.NewSectionReader(it.r, 0, it.size),
		rardecode.MaxDictionarySize(maxDictionary), rardecode.BufferSize(64<<10))
	if err != nil {
		return rarError(err)
	}
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			it.whole = true
			return nil
		}
		if err != nil {
			return rarError(err)
		}
		if f.Encrypted {
			w.rep.add(verdict.FileLocked, errLocked.Error(), within(f.Name, it))
			err = w.named(it, f.Name)
		} else if f.IsDir {
			err = w.named(it, "")
		} else {
			err = w.inside(it, f.Name, r, false)
		}
		if err != nil {
			return err
		}
	}
}

func rarError(err error) error {
	switch {
	case errors.Is(err, rardecode.ErrArchiveEncrypted), errors.Is(err, rardecode.ErrArchivedFileEncrypted), errors.Is(err, rardecode.ErrBadPassword):
		return errLocked
	case errors.Is(err, rardecode.ErrDictionaryTooLarge):
		return errLarge
	}
	return fmt.Errorf("reading RAR: %w", err)
}

// rar5Locked reports a RAR 5 whose directory only a password opens. The
// library would work for seconds on a key before it said so.
func rar5Locked(h []byte) bool {
	if len(h) < 16 || !bytes.HasPrefix(h, []byte("Rar!\x1a\x07\x01\x00")) {
		return false
	}
	rest := h[12:] // behind a checksum
	_, n := binary.Uvarint(rest)
	if n <= 0 {
		return false
	}
	kind, _ := binary.Uvarint(rest[n:])
	return kind == 4
}
