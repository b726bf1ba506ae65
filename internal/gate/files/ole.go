package files

import (
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"

	"belisha/internal/verdict"
)

// compound is an OLE compound file: a small file system in a file.
type compound struct {
	r       io.ReaderAt
	size    int64
	shift   uint
	mini    uint
	cutoff  int64
	dir     uint32
	miniFAT uint32
	fat     []uint32 // where the table's own sectors are
	root    oleEntry
	small   []uint32 // the sectors that hold the small sectors, in order
	links   []uint32 // and those of their table
	cached  int64    // the sector of the table that is in buf
	buf     []byte
}

type oleEntry struct {
	name  string
	kind  byte
	class [16]byte
	start uint32
	size  int64
}

// Bounds of a compound file: sectors of its directory and of its table.
const (
	maxOLEDir = 4096
	maxOLEFAT = 16 << 10
	oleEnd    = 0xfffffffa // from here on, no sector
)

// classMSI is the class of a Windows Installer package, and of its patches and
// transforms, but for the first byte.
var classMSI = []byte{0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46}

// wide is a name as it stands in the file.
func wide(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// ole looks at a compound file: installers, documents with macros, with
// objects, or with a password. Its names are also looked for by their bytes,
// so that a damaged directory hides nothing that Office would mend.
func (w *walk) ole(it *item) error {
	vba, pack, locked := wide("_VBA_PROJECT"), wide("\x01Ole10Native"), wide("EncryptedPackage")
	err := w.chunks(it, func(b []byte) {
		if bytes.Contains(b, vba) {
			w.rep.add(verdict.FileMacro, "macros", it.where)
		}
		if bytes.Contains(b, pack) {
			w.rep.add(verdict.FileActive, "a file packed into a document", it.where)
		}
		if bytes.Contains(b, locked) {
			w.rep.add(verdict.FileLocked, errLocked.Error(), it.where)
		}
	})
	if err != nil {
		return err
	}
	c, err := newCompound(it)
	if err != nil {
		return err
	}
	list, err := c.list()
	if err != nil {
		return err
	}
	c.small, c.links = c.chain(c.root.start), c.chain(c.miniFAT)
	for _, e := range list {
		if !w.alive(it) {
			return w.over
		}
		if err := w.oleOne(it, c, e); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) oleOne(it *item, c *compound, e oleEntry) error {
	switch {
	case e.kind == 5 && e.class[0] >= 0x82 && e.class[0] <= 0x86 && bytes.Equal(e.class[1:], classMSI), installerName(e.name):
		w.rep.add(verdict.FileInstaller, "Windows installer", it.where)
	case e.name == "VBA" || e.name == "_VBA_PROJECT_CUR" || e.name == "Macros":
		w.rep.add(verdict.FileMacro, "macros", it.where)
	case e.kind != 2:
	case e.name == "WordDocument":
		var fib [12]byte
		if n, _ := io.ReadFull(c.open(e), fib[:]); n == 12 && fib[11]&1 != 0 {
			w.rep.add(verdict.FileLocked, errLocked.Error(), it.where)
		}
	case e.name == "Workbook" || e.name == "Book":
		w.workbook(it, c.open(e))
	case e.name == "PowerPoint Document":
		w.slides(it, c.open(e))
	case e.name == "\x01Ole10Native":
		return w.packedFile(it, c.open(e))
	case e.name == "__substg1.0_37010102", e.name == "Package", e.name == "CONTENTS":
		return w.inside(it, "an attachment", c.open(e), true)
	}
	return nil
}

// installerName reports a name as Windows Installer packs its tables'.
func installerName(s string) bool {
	for _, r := range s {
		return r == 0x4840
	}
	return false
}

// workbook looks for sheets of macros and for a password among an old
// workbook's records.
func (w *walk) workbook(it *item, r io.Reader) {
	var h [4]byte
	body := make([]byte, 64<<10)
	for range 20_000 {
		if _, err := io.ReadFull(r, h[:]); err != nil {
			return
		}
		id, n := binary.LittleEndian.Uint16(h[:]), int(binary.LittleEndian.Uint16(h[2:]))
		if _, err := io.ReadFull(r, body[:n]); err != nil {
			return
		}
		switch {
		case id == 0x85 && n >= 6 && body[5] == 1:
			w.rep.add(verdict.FileMacro, "a sheet of macros", it.where)
		case id == 0x2f:
			w.rep.add(verdict.FileLocked, errLocked.Error(), it.where)
			return
		case id == 0x0a: // the first part, which names all sheets, ends
			return
		}
	}
}

// slides looks for the atom by which a presentation says that it has macros.
func (w *walk) slides(it *item, r io.Reader) {
	atom := []byte{0x02, 0x00, 0x00, 0x04, 0x0c, 0x00, 0x00, 0x00}
	buf := make([]byte, 1<<20)
	n, _ := io.ReadFull(r, buf)
	if i := bytes.Index(buf[:n], atom); i >= 0 && i+16 <= n && buf[i+12] == 1 {
		w.rep.add(verdict.FileMacro, "macros", it.where)
	}
}

func newCompound(it *item) (*compound, error) {
	var h [512]byte
	if n, _ := it.r.ReadAt(h[:], 0); n < len(h) {
		return nil, errDamaged
	}
	le := binary.LittleEndian
	c := &compound{r: it.r, size: it.size, shift: uint(le.Uint16(h[30:])), mini: uint(le.Uint16(h[32:])), dir: le.Uint32(h[48:]), cutoff: int64(le.Uint32(h[56:])), miniFAT: le.Uint32(h[60:]), cached: -1}
	if c.shift != 9 && c.shift != 12 || c.mini != 6 || c.cutoff != 4096 {
		return nil, errDamaged
	}
	c.buf = make([]byte, 1<<c.shift)
	for i := 76; i < 512; i += 4 {
		if s := le.Uint32(h[i:]); s < oleEnd {
			c.fat = append(c.fat, s)
		}
	}
	next := le.Uint32(h[68:])
	sect := make([]byte, 1<<c.shift)
	for next < oleEnd && len(c.fat) < maxOLEFAT {
		if n, _ := c.r.ReadAt(sect, c.place(next)); n < len(sect) {
			break
		}
		for i := 0; i < len(sect)-4; i += 4 {
			if s := le.Uint32(sect[i:]); s < oleEnd {
				c.fat = append(c.fat, s)
			}
		}
		next = le.Uint32(sect[len(sect)-4:])
		if len(c.fat) == 0 {
			break
		}
	}
	return c, nil
}

func (c *compound) place(s uint32) int64 { return (int64(s) + 1) << c.shift }

// after is the sector that follows s in a chain.
func (c *compound) after(s uint32) uint32 {
	per := uint32(1) << (c.shift - 2)
	i := s / per
	if int(i) >= len(c.fat) {
		return oleEnd
	}
	if at := c.place(c.fat[i]); at != c.cached {
		if n, _ := c.r.ReadAt(c.buf, at); n < len(c.buf) {
			return oleEnd
		}
		c.cached = at
	}
	return binary.LittleEndian.Uint32(c.buf[s%per*4:])
}

// list reads the directory.
func (c *compound) list() ([]oleEntry, error) {
	var out []oleEntry
	sect := make([]byte, 1<<c.shift)
	for s, n := c.dir, 0; s < oleEnd; s, n = c.after(s), n+1 {
		if n >= maxOLEDir {
			return out, errMany
		}
		if k, _ := c.r.ReadAt(sect, c.place(s)); k < len(sect) {
			return out, errDamaged
		}
		for b := sect; len(b) >= 128; b = b[128:] {
			if e, ok := readOLE(b[:128]); ok {
				if e.kind == 5 {
					c.root = e
				}
				out = append(out, e)
			}
		}
	}
	if len(out) == 0 {
		return nil, errDamaged
	}
	return out, nil
}

func readOLE(b []byte) (oleEntry, bool) {
	n := int(binary.LittleEndian.Uint16(b[64:]))
	if b[66] == 0 || n < 2 || n > 64 {
		return oleEntry{}, false
	}
	var u []uint16
	for i := 0; i < n-2; i += 2 {
		u = append(u, binary.LittleEndian.Uint16(b[i:]))
	}
	e := oleEntry{name: string(utf16.Decode(u)), kind: b[66], start: binary.LittleEndian.Uint32(b[116:]), size: int64(binary.LittleEndian.Uint32(b[120:]))}
	copy(e.class[:], b[80:])
	return e, true
}

// oleStream reads a stream along its chain.
type oleStream struct {
	c    *compound
	mini bool
	at   uint32
	off  int64 // within the sector
	left int64
}

func (c *compound) open(e oleEntry) io.Reader {
	return &oleStream{c: c, mini: e.size < c.cutoff, at: e.start, left: min(e.size, c.size)}
}

// Read reads within one sector.
func (s *oleStream) Read(b []byte) (int, error) {
	c := s.c
	shift := c.shift
	if s.mini {
		shift = c.mini
	}
	if s.left <= 0 || s.at >= oleEnd {
		return 0, io.EOF
	}
	place := c.place(s.at)
	if s.mini {
		place = c.miniPlace(s.at)
	}
	n := min(int64(len(b)), 1<<shift-s.off, s.left)
	k, _ := c.r.ReadAt(b[:n], place+s.off)
	if k == 0 {
		return 0, io.EOF
	}
	s.left, s.off = s.left-int64(k), s.off+int64(k)
	if s.off == 1<<shift {
		s.off = 0
		if s.mini {
			s.at = c.miniAfter(s.at)
		} else {
			s.at = c.after(s.at)
		}
	}
	return k, nil
}

// miniPlace is where a small sector lies: in the root's own stream.
func (c *compound) miniPlace(s uint32) int64 { return c.within(c.small, int64(s)<<c.mini) }

func (c *compound) miniAfter(s uint32) uint32 {
	var b [4]byte
	if n, _ := c.r.ReadAt(b[:], c.within(c.links, int64(s)*4)); n < 4 {
		return oleEnd
	}
	return binary.LittleEndian.Uint32(b[:])
}

// chain lists the sectors of a chain, as many as the file can have.
func (c *compound) chain(s uint32) []uint32 {
	var out []uint32
	for most := min(c.size>>c.shift+1, maxOLEFAT); s < oleEnd && int64(len(out)) < most; s = c.after(s) {
		out = append(out, s)
	}
	return out
}

// within is where a byte of a chain lies in the file, or its end.
func (c *compound) within(chain []uint32, off int64) int64 {
	if i := off >> c.shift; i < int64(len(chain)) {
		return c.place(chain[i]) + off&(1<<c.shift-1)
	}
	return c.size
}
