package files

import (
	"encoding/binary"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// sevenDirectory is what a 7z's directory asks of who opens it.
type sevenDirectory struct {
	files       int
	names       []string
	locked, odd bool
	folders     []sevenFolder
	packed      []int64
	position    int64
}

type sevenFolder struct {
	coders  []sevenCoder
	ins     int
	outs    int
	size    int64
	streams int
}

type sevenCoder struct {
	id    string
	props []byte
}

// sevenHeader reads the directory, unpacking it where it is packed.
func (w *walk) sevenHeader(it *item) (*sevenDirectory, error) {
	var h [32]byte
	if n, _ := it.r.ReadAt(h[:], 0); n < len(h) {
		return nil, errDamaged
	}
	off, size := int64(binary.LittleEndian.Uint64(h[12:])), int64(binary.LittleEndian.Uint64(h[20:]))
	if size == 0 && off == 0 {
		return &sevenDirectory{}, nil // no files
	}
	if off < 0 || size < 1 || off > it.size-32 || size > it.size-32-off {
		return nil, errDamaged
	}
	if size > maxHeader {
		return nil, errLarge
	}
	raw := make([]byte, size)
	if n, _ := it.r.ReadAt(raw, 32+off); n < len(raw) {
		return nil, errDamaged
	}
	d := &sevenDirectory{}
	p := &sevenParser{b: raw, most: min(2*w.b.Entries, 1<<20)}
	switch p.byte() {
	case 1:
		p.header(d)
	case 23:
		p.streams(d)
		if p.err != nil || len(d.folders) != 1 {
			return nil, errDamaged
		}
		d.judge()
		if d.locked || d.odd {
			return d, nil
		}
		inner, err := d.unpackHeader(it)
		if err != nil {
			return nil, err
		}
		d, p.b = &sevenDirectory{}, inner
		if p.byte() != 1 {
			return nil, errDamaged
		}
		p.header(d)
	default:
		return nil, errDamaged
	}
	if p.err == nil {
		d.judge()
	}
	return d, p.err
}

// judge says whether the methods used can be opened here, in bounds. PPMd
// cannot: the one reader there is unpacks some 40 kB a second.
func (d *sevenDirectory) judge() {
	for _, f := range d.folders {
		for _, c := range f.coders {
			switch c.id {
			case "\x06\xf1\x07\x01":
				d.locked = true
			case "\x21":
				d.odd = d.odd || len(c.props) != 1 || c.props[0] > 40 || int64(2|c.props[0]&1)<<(c.props[0]/2+11) > maxDictionary
			case "\x03\x01\x01":
				d.odd = d.odd || len(c.props) != 5 || binary.LittleEndian.Uint32(c.props[1:]) > maxDictionary
			case "\x00", "\x03", "\x04\x01\x08", "\x04\x02\x02", "\x0a",
				"\x03\x03\x01\x03", "\x03\x03\x01\x1b", "\x03\x03\x02\x05", "\x03\x03\x05\x01", "\x03\x03\x08\x05":
			default:
				d.odd = true
			}
		}
	}
}

// unpackHeader unpacks a packed directory: one folder, one method.
func (d *sevenDirectory) unpackHeader(it *item) ([]byte, error) {
	f := d.folders[0]
	if len(f.coders) != 1 || len(d.packed) != 1 || f.size < 1 {
		return nil, errMethod
	}
	if f.size > maxHeader {
		return nil, errLarge
	}
	src := io.NewSectionReader(it.r, 32+d.position, d.packed[0])
	var r io.Reader
	var err error
	switch c := f.coders[0]; c.id {
	case "\x00":
		r = src
	case "\x21":
		r, err = lzma.Reader2Config{DictCap: 1 << 20}.NewReader2(src)
	case "\x03\x01\x01":
		head := binary.LittleEndian.AppendUint64(append([]byte(nil), c.props...), uint64(f.size))
		r, err = lzmaReader(io.MultiReader(newBytes(head), src))
	default:
		return nil, errMethod
	}
	if err != nil {
		return nil, err
	}
	out := make([]byte, f.size)
	if _, err := io.ReadFull(r, out); err != nil {
		return nil, errDamaged
	}
	return out, nil
}

// sevenParser reads the directory's records; every count is held against most
// before anything is set aside.
type sevenParser struct {
	b    []byte
	most int
	err  error
}

func (p *sevenParser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.b = nil
}

func (p *sevenParser) take(n int) []byte {
	if n < 0 || n > len(p.b) {
		p.fail(errDamaged)
		return nil
	}
	out := p.b[:n]
	p.b = p.b[n:]
	return out
}

func (p *sevenParser) byte() byte {
	if b := p.take(1); b != nil {
		return b[0]
	}
	return 0
}

// number is 7z's own way to write one: the first byte's leading ones count the
// bytes that follow.
func (p *sevenParser) number() uint64 {
	first := p.byte()
	var v uint64
	for i, mask := 0, byte(0x80); i < 8; i, mask = i+1, mask>>1 {
		if first&mask == 0 {
			return v | uint64(first&(mask-1))<<(8*i)
		}
		v |= uint64(p.byte()) << (8 * i)
	}
	return v
}

// count is a number of things, each of which takes at least one bit.
func (p *sevenParser) count() int {
	n := p.number()
	if n > uint64(p.most) {
		p.fail(errMany)
		return 0
	}
	return int(n)
}

func (p *sevenParser) header(d *sevenDirectory) {
	for p.err == nil {
		switch p.byte() {
		case 0:
			return
		case 4:
			p.streams(d)
		case 5:
			p.files(d)
		default:
			p.fail(errMethod)
		}
	}
}

func (p *sevenParser) streams(d *sevenDirectory) {
	for p.err == nil {
		switch p.byte() {
		case 0:
			return
		case 6:
			d.position = int64(p.number())
			n := p.count()
			p.packInfo(d, n)
		case 7:
			p.unpackInfo(d)
		case 8:
			p.substreams(d)
		default:
			p.fail(errMethod)
		}
	}
}

func (p *sevenParser) packInfo(d *sevenDirectory, n int) {
	for p.err == nil {
		switch p.byte() {
		case 0:
			return
		case 9:
			for range n {
				d.packed = append(d.packed, int64(p.number()))
			}
		case 10:
			p.digests(n)
		default:
			p.fail(errMethod)
		}
	}
}

// digests passes over checksums, of which some may be missing.
func (p *sevenParser) digests(n int) {
	p.take(4 * p.bits(n))
}

// bits passes over a vector that may say "all", and counts what is set.
func (p *sevenParser) bits(n int) int {
	if p.byte() != 0 {
		return n
	}
	return p.vector(n)
}

func (p *sevenParser) vector(n int) int {
	set := 0
	for i, b := range p.take((n + 7) / 8) {
		for j := range min(8, n-8*i) {
			if b&(0x80>>j) != 0 {
				set++
			}
		}
	}
	return set
}

func (p *sevenParser) unpackInfo(d *sevenDirectory) {
	if p.byte() != 11 {
		p.fail(errDamaged)
		return
	}
	n := p.count()
	if p.byte() != 0 {
		p.fail(errMethod)
		return
	}
	for range n {
		d.folders = append(d.folders, p.folder())
		if p.err != nil {
			return
		}
	}
	for p.err == nil {
		switch p.byte() {
		case 0:
			return
		case 12:
			for i := range d.folders {
				for range d.folders[i].outs {
					d.folders[i].size = int64(p.number())
				}
			}
		case 10:
			p.digests(n)
		default:
			p.fail(errMethod)
		}
	}
}

// maxCoders is how many methods one folder may go through: 7z itself allows
// four, with streams of their own.
const maxCoders = 8

func (p *sevenParser) folder() sevenFolder {
	f := sevenFolder{streams: 1}
	n := p.count()
	if n < 1 || n > maxCoders {
		p.fail(errMethod)
		return f
	}
	for range n {
		flags := p.byte()
		c := sevenCoder{id: string(p.take(int(flags & 15)))}
		ins, outs := 1, 1
		if flags&0x10 != 0 {
			ins, outs = p.count(), p.count()
		}
		if flags&0x20 != 0 {
			c.props = p.take(p.count())
		}
		if flags&0xc0 != 0 || ins > maxCoders || outs != 1 {
			p.fail(errMethod)
		}
		f.coders = append(f.coders, c)
		f.ins, f.outs = f.ins+ins, f.outs+outs
	}
	for range f.outs - 1 {
		if in, out := p.number(), p.number(); in >= uint64(f.ins) || out >= uint64(f.outs) {
			p.fail(errDamaged)
		}
	}
	if packed := f.ins - f.outs + 1; packed > 1 {
		for range packed {
			if p.number() >= uint64(f.ins) {
				p.fail(errDamaged)
			}
		}
	} else if packed < 1 {
		p.fail(errDamaged)
	}
	return f
}

func (p *sevenParser) substreams(d *sevenDirectory) {
	id := p.byte()
	total := len(d.folders)
	if id == 13 {
		total = 0
		for i := range d.folders {
			d.folders[i].streams = p.count()
			if total += d.folders[i].streams; total > p.most {
				p.fail(errMany)
				return
			}
		}
		id = p.byte()
	}
	if id == 9 {
		for i := range d.folders {
			for range max(0, d.folders[i].streams-1) {
				p.number()
			}
		}
		id = p.byte()
	}
	if id == 10 {
		p.digests(total)
		id = p.byte()
	}
	if id != 0 {
		p.fail(errMethod)
	}
}

func (p *sevenParser) files(d *sevenDirectory) {
	d.files = p.count()
	for p.err == nil {
		id := p.byte()
		if id == 0 {
			return
		}
		body := p.take(int(min(p.number(), maxHeader+1)))
		if id == 17 && len(body) > 0 {
			d.names = utf16Names(body[1:], d.files)
		}
	}
}
