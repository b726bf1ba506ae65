package files

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// newBytes is a reader over bytes.
func newBytes(b []byte) io.Reader { return bytes.NewReader(b) }

// cabFile is one file of a cabinet: its name and where it lies in what its
// folder unpacks to.
type cabFile struct {
	name   string
	folder int
	at, n  int64
}

type cabFolder struct {
	at     int64
	blocks int
	method uint16
}

// cab looks into a Windows cabinet. Names are always read; what is packed by
// MSZIP or not at all is unpacked, LZX and Quantum are not.
func (w *walk) cab(it *item) error {
	folders, list, reserve, err := w.cabDirectory(it)
	if err != nil {
		return err
	}
	it.whole = true
	odd := false
	for at := 0; at < len(list); {
		f := list[at].folder
		end := at
		for end < len(list) && list[end].folder == f {
			end++
		}
		if f >= len(folders) || folders[f].method&15 > 1 {
			odd = true
			for _, e := range list[at:end] {
				if err := w.named(it, e.name); err != nil {
					return err
				}
			}
		} else if err := w.cabFolder(it, folders[f], reserve, list[at:end]); err != nil {
			return err
		}
		at = end
	}
	if odd {
		return errMethod
	}
	return nil
}

// cabFolder unpacks the files of one folder, which lie one behind the other.
func (w *walk) cabFolder(it *item, f cabFolder, reserve int, list []cabFile) error {
	r := &cabReader{r: it.r, at: f.at, end: it.size, blocks: f.blocks, packed: f.method&15 == 1, reserve: reserve}
	pos := int64(0)
	for _, e := range list {
		if e.at < pos { // one lies over the other: begin again, within the whole look's bounds
			r = &cabReader{r: it.r, at: f.at, end: it.size, blocks: f.blocks, packed: f.method&15 == 1, reserve: reserve}
			pos = 0
		}
		skipped, err := io.CopyN(io.Discard, r, e.at-pos)
		pos += skipped
		if it.out += skipped; w.countSkipped(it, skipped) != nil {
			return w.over
		}
		if err != nil {
			w.unreadable(&item{where: within(e.name, it)}, errDamaged)
			if err := w.named(it, e.name); err != nil {
				return err
			}
			continue
		}
		lim := &io.LimitedReader{R: r, N: e.n}
		if err := w.inside(it, e.name, lim, false); err != nil {
			return err
		}
		if pos += e.n - lim.N; lim.N > 0 {
			w.unreadable(&item{where: within(e.name, it)}, errDamaged)
		}
	}
	return nil
}

// countSkipped holds what was unpacked and thrown away against the bounds.
func (w *walk) countSkipped(it *item, n int64) error {
	if w.rep.Bytes += n; w.rep.Bytes > w.b.Bytes {
		return w.end(it, errLarge)
	}
	if !w.alive(it) {
		return w.over
	}
	return nil
}

// cabDirectory reads a cabinet's headers.
func (w *walk) cabDirectory(it *item) (folders []cabFolder, list []cabFile, reserve int, err error) {
	r := w.reader(it.r, 0, it.size)
	h, ok := r.next(36)
	if !ok || string(h[:4]) != "MSCF" || h[25] != 1 {
		return nil, nil, 0, errDamaged
	}
	files := int64(binary.LittleEndian.Uint32(h[16:]))
	nFolders, nFiles, flags := int(binary.LittleEndian.Uint16(h[26:])), int(binary.LittleEndian.Uint16(h[28:])), binary.LittleEndian.Uint16(h[30:])
	if w.rep.Entries+nFiles > w.b.Entries {
		return nil, nil, 0, w.end(it, errMany)
	}
	extra := 0
	if flags&4 != 0 {
		h, ok := r.next(4)
		if !ok {
			return nil, nil, 0, errDamaged
		}
		n := int(binary.LittleEndian.Uint16(h))
		extra, reserve = int(h[2]), int(h[3])
		r.next(n)
	}
	for range 2 * (int(flags&1) + int(flags>>1&1)) {
		if !r.text() {
			return nil, nil, 0, errDamaged
		}
	}
	for range nFolders {
		h, ok := r.next(8 + extra)
		if !ok {
			return nil, nil, 0, errDamaged
		}
		folders = append(folders, cabFolder{int64(binary.LittleEndian.Uint32(h)), int(binary.LittleEndian.Uint16(h[4:])), binary.LittleEndian.Uint16(h[6:])})
	}
	if files >= it.size {
		return nil, nil, 0, errDamaged
	}
	list, err = cabFiles(w.reader(it.r, files, it.size), nFiles, len(folders))
	return folders, list, reserve, err
}

// cabFiles reads the files' own records.
func cabFiles(r *reader, n, folders int) (list []cabFile, err error) {
	for range n {
		h, ok := r.next(16)
		if !ok {
			return list, errDamaged
		}
		e := cabFile{n: int64(binary.LittleEndian.Uint32(h)), at: int64(binary.LittleEndian.Uint32(h[4:])), folder: int(binary.LittleEndian.Uint16(h[8:]))}
		switch e.folder { // it goes on from the cabinet before, or in the next
		case 0xfffd, 0xffff:
			e.folder = 0
		case 0xfffe:
			e.folder = max(0, folders-1)
		}
		if !r.text() {
			return list, errDamaged
		}
		e.name = r.said
		list = append(list, e)
	}
	return list, nil
}

// cabReader unpacks a folder's blocks. MSZIP packs each as deflate with the
// block before as its dictionary.
type cabReader struct {
	r       io.ReaderAt
	at, end int64
	blocks  int
	packed  bool
	reserve int
	block   [32 << 10]byte
	have    []byte
	dict    []byte
	z       io.ReadCloser
}

// Read reads what the blocks unpack to.
func (c *cabReader) Read(b []byte) (int, error) {
	for len(c.have) == 0 {
		if c.blocks == 0 {
			return 0, io.EOF
		}
		c.blocks--
		if err := c.next(); err != nil {
			c.blocks = 0
			return 0, err
		}
	}
	n := copy(b, c.have)
	c.have = c.have[n:]
	return n, nil
}

func (c *cabReader) next() error {
	var h [8]byte
	if n, _ := c.r.ReadAt(h[:], c.at); n < len(h) {
		return errDamaged
	}
	packed, size := int64(binary.LittleEndian.Uint16(h[4:])), int(binary.LittleEndian.Uint16(h[6:]))
	c.at += int64(len(h) + c.reserve)
	if size == 0 || size > len(c.block) || c.at+packed > c.end {
		return errDamaged // size 0: the block goes on in another cabinet
	}
	src := io.NewSectionReader(c.r, c.at, packed)
	c.at += packed
	if !c.packed {
		_, err := io.ReadFull(src, c.block[:min(int64(size), packed)])
		c.have = c.block[:min(int64(size), packed)]
		return err
	}
	var sig [2]byte
	if _, err := io.ReadFull(src, sig[:]); err != nil || string(sig[:]) != "CK" {
		return errDamaged
	}
	if c.z == nil {
		c.z = flate.NewReaderDict(src, c.dict)
	} else if err := c.z.(flate.Resetter).Reset(src, c.dict); err != nil {
		return fmt.Errorf("reading cabinet: %w", err)
	}
	n, err := io.ReadFull(c.z, c.block[:size])
	if n == 0 && !errors.Is(err, io.EOF) {
		return errDamaged
	}
	c.dict = append(c.dict[:0], c.block[:n]...)
	c.have = c.block[:n]
	return nil
}
