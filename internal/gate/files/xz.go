package files

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// xz unpacks the .xz container. It is our own so that no block's header sets
// aside more memory than maxDictionary.
type xz struct {
	r     *counting
	check int       // bytes of check behind each block
	block io.Reader // the block being read
	err   error
}

// counting counts what is read, to find the padding.
type counting struct {
	r *bufio.Reader
	n int64
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

func (c *counting) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

func (c *counting) skip(n int64) error {
	k, err := io.CopyN(io.Discard, c, n)
	if err != nil || k < n {
		return fmt.Errorf("reading xz: %w", errDamaged)
	}
	return nil
}

func (c *counting) uvarint() (uint64, error) {
	v, err := binary.ReadUvarint(c)
	if err != nil {
		return 0, fmt.Errorf("reading xz: %w", errDamaged)
	}
	return v, nil
}

func newXZ(r io.Reader) io.Reader {
	x := &xz{r: &counting{r: bufio.NewReaderSize(r, 64<<10)}}
	x.err = x.stream()
	return x
}

// Read reads what was packed.
func (x *xz) Read(b []byte) (int, error) {
	for x.err == nil {
		if x.block == nil {
			x.err = x.next() // a block, or the start of another stream
			continue
		}
		n, err := x.block.Read(b)
		if err == io.EOF {
			x.block = nil
			err = x.padded()
		}
		x.err = err
		if n > 0 {
			return n, nil
		}
	}
	return 0, x.err
}

// stream reads a stream's header.
func (x *xz) stream() error {
	var h [12]byte
	if _, err := io.ReadFull(x.r, h[:]); err != nil || string(h[:6]) != "\xfd7zXZ\x00" || h[6] != 0 {
		return fmt.Errorf("reading xz: %w", errDamaged)
	}
	sizes := [...]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}
	x.check, x.r.n = sizes[h[7]&15], 0
	return nil
}

// padded reads what is behind a block.
func (x *xz) padded() error {
	return x.r.skip((4-x.r.n%4)%4 + int64(x.check))
}

// next begins the next block, of this stream or the next one.
func (x *xz) next() error {
	size, err := x.r.ReadByte()
	if err != nil {
		return fmt.Errorf("reading xz: %w", errDamaged)
	}
	if size == 0 {
		return x.index()
	}
	h := make([]byte, int(size)*4+3)
	if _, err := io.ReadFull(x.r, h); err != nil {
		return fmt.Errorf("reading xz: %w", errDamaged)
	}
	flags, f := h[0], h[1:]
	if flags&3 != 0 {
		return errMethod // filters before LZMA2
	}
	for _, bit := range [...]byte{0x40, 0x80} {
		if flags&bit != 0 {
			_, n := binary.Uvarint(f)
			if n <= 0 {
				return errDamaged
			}
			f = f[n:]
		}
	}
	if len(f) < 3 || f[0] != 0x21 || f[1] != 1 || f[2] > 40 {
		return errMethod
	}
	dict := int64(2|f[2]&1) << (f[2]/2 + 11)
	if dict > maxDictionary {
		return errLarge
	}
	b, err := lzma.Reader2Config{DictCap: int(dict)}.NewReader2(x.r)
	if err != nil {
		return fmt.Errorf("reading xz: %w", err)
	}
	x.block = b
	return nil
}

// index passes over the index and the footer to the next stream, if there is
// one.
func (x *xz) index() error {
	start := x.r.n - 1
	records, err := x.r.uvarint()
	for ; err == nil && records > 0; records-- {
		if _, err = x.r.uvarint(); err == nil {
			_, err = x.r.uvarint()
		}
	}
	if err != nil {
		return err
	}
	if err := x.r.skip((4-(x.r.n-start)%4)%4 + 4 + 12); err != nil {
		return err
	}
	for {
		b, err := x.r.r.Peek(4)
		if len(b) < 4 || err != nil {
			return io.EOF
		}
		if binary.LittleEndian.Uint32(b) != 0 {
			break
		}
		if err := x.r.skip(4); err != nil {
			return err
		}
	}
	if err := x.stream(); err != nil {
		return err
	}
	return nil
}
