package lists

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
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

// inflate gives the content of a file, unzipped if it is gzip, counted against
// the budget.
func inflate(name string, r io.Reader, bud *budget) (*bufio.Reader, error) {
	raw := &counted{r: r}
	in := bufio.NewReaderSize(raw, sniffBytes)
	gz, err := isGzip(name, in)
	if err != nil {
		return nil, err
	}
	if !gz {
		return bufio.NewReaderSize(&charged{name: name, r: in, bud: bud}, sniffBytes), nil
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, gzipRefusal(name, err)
	}
	out := &charged{name: name, r: z, raw: raw, bud: bud}
	return bufio.NewReaderSize(out, sniffBytes), nil
}

// inflateMember is inflate for a file inside an archive, whose packed bytes
// the archive has already charged.
func inflateMember(name string, r io.Reader, bud *budget) (*bufio.Reader, error) {
	raw := &counted{r: r}
	in := bufio.NewReaderSize(raw, sniffBytes)
	gz, err := isGzip(name, in)
	if err != nil || !gz {
		return in, err
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, gzipRefusal(name, err)
	}
	return bufio.NewReaderSize(&charged{name: name, r: z, raw: raw, bud: bud}, sniffBytes), nil
}

// isGzip looks at the first bytes, and refuses the packings that are not read
// with a sentence that names them.
func isGzip(name string, in *bufio.Reader) (bool, error) {
	head, err := in.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	for _, p := range []struct{ magic, what string }{
		{"PK\x03\x04", "a zip archive"},
		{"BZh", "packed with bzip2"},
		{"\xfd7zXZ\x00", "packed with xz"},
		{"7z\xbc\xaf\x27\x1c", "a 7z archive"},
		{"\x28\xb5\x2f\xfd", "packed with zstd"},
	} {
		if bytes.HasPrefix(head, []byte(p.magic)) {
			return false, &Refusal{File: name, Reason: "this is " + p.what + "; unpack it first (gzip and tar are read as they are)"}
		}
	}
	return bytes.HasPrefix(head, []byte{0x1f, 0x8b}), nil
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
