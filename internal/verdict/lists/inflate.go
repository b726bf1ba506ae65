package lists

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// A list compresses five- to twentyfold; a small file that swells more than
// maxRatio times is made to do harm. Below ratioFrom bytes it cannot.
const (
	maxRatio  = 200
	ratioFrom = 16 << 20
)

// budget counts the decompressed bytes of one pass over a source.
type budget struct {
	max, used int64
}

func (b *budget) take(n int) error {
	b.used += int64(n)
	if b.used > b.max {
		return &Refusal{Reason: fmt.Sprintf("the list is larger than %s when unpacked; raise the bound if that is right", sizeText(b.max))}
	}
	return nil
}

func sizeText(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1 << 30, "GB"}, {1 << 20, "MB"}, {1 << 10, "KB"}} {
		if n >= u.size && n%u.size == 0 {
			return fmt.Sprintf("%d %s", n/u.size, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// inflate gives the content of a file, unpacked if it is gzip, bzip2 or zstd,
// counted against the budget.
func inflate(name string, r io.Reader, bud *budget) (*bufio.Reader, error) {
	raw := &counted{r: r}
	in := bufio.NewReaderSize(raw, sniffBytes)
	z, err := unpacker(name, in)
	if err != nil {
		return nil, err
	}
	if z == nil {
		return bufio.NewReaderSize(&charged{name: name, r: in, bud: bud}, sniffBytes), nil
	}
	return bufio.NewReaderSize(&charged{name: name, r: z, raw: raw, bud: bud}, sniffBytes), nil
}

// inflateMember is inflate for a file inside an archive, whose packed bytes
// the archive has already charged.
func inflateMember(name string, r io.Reader, bud *budget) (*bufio.Reader, error) {
	raw := &counted{r: r}
	in := bufio.NewReaderSize(raw, sniffBytes)
	z, err := unpacker(name, in)
	if err != nil || z == nil {
		return in, err
	}
	return bufio.NewReaderSize(&charged{name: name, r: z, raw: raw, bud: bud}, sniffBytes), nil
}

// maxWindow is how much zstd may look back; what is packed for the web stays
// far below.
const maxWindow = 64 << 20

// unpacker looks at the first bytes: nil is a file that is not packed. The
// packings that are not read are refused with a sentence that names them.
func unpacker(name string, in *bufio.Reader) (io.Reader, error) {
	head, err := in.Peek(32)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for _, p := range []struct{ magic, what string }{
		{zipMagic, "a zip archive"},
		{sevenMagic, "a 7z archive"},
	} {
		if bytes.HasPrefix(head, []byte(p.magic)) {
			return nil, &Refusal{File: name, Reason: "this is " + p.what + "; unpack it first (gzip, bzip2, xz, zstd and tar are read inside one another; zip and 7z by themselves)"}
		}
	}
	var z io.Reader
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err = gzip.NewReader(in)
	case bytes.HasPrefix(head, []byte("BZh")):
		z, err = bzip2.NewReader(in), nil
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		// One at a time needs no goroutines, so there is nothing to close.
		z, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		if !smallDictionary(head) {
			return nil, &Refusal{File: name, Reason: "the file was packed so that unpacking it takes more than 64 MB of memory; pack it anew with xz -6"}
		}
		z, err = xz.ReaderConfig{DictCap: 8 << 20}.NewReader(in)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, gzipRefusal(name, err)
	}
	return z, nil
}

// smallDictionary looks at the head of the first block of an xz file, where
// the packer wrote how much memory unpacking takes.
func smallDictionary(head []byte) bool {
	const block, most = 12, 28 // 28 is 64 MB
	if len(head) < block+5 {
		return true // cut short; the unpacker says so
	}
	at, flags := block+2, head[block+1]
	for _, has := range []bool{flags&0x40 != 0, flags&0x80 != 0} {
		for ; has && at < len(head) && head[at]&0x80 != 0; at++ {
		}
		if has {
			at++
		}
	}
	return at+2 < len(head) && head[at] == 0x21 && head[at+1] == 1 && head[at+2] <= most
}

func gzipRefusal(name string, err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &Refusal{File: name, Reason: "the file is cut short; fetch it again"}
	default:
		return &Refusal{File: name, Reason: "the file is damaged and cannot be unpacked; fetch it again"}
	}
}

// counted counts what is read through it.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// charged charges what is read through it to the budget, guards the ratio of a
// packed file (raw set), and turns a broken packing into a refusal.
type charged struct {
	name string
	r    io.Reader
	raw  *counted
	bud  *budget
	out  int64
}

func (c *charged) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.out += int64(n)
	if berr := c.bud.take(n); berr != nil {
		return 0, berr
	}
	if c.raw == nil {
		return n, err
	}
	if c.out > ratioFrom && c.out/maxRatio > c.raw.n {
		return 0, &Refusal{File: c.name, Reason: "the file swells beyond all measure when unpacked; do not use it"}
	}
	if err != nil && !errors.Is(err, io.EOF) && !isRefusal(err) {
		return n, gzipRefusal(c.name, err)
	}
	return n, err
}

func isRefusal(err error) bool {
	var r *Refusal
	return errors.As(err, &r)
}
