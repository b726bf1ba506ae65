package files

import (
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"belisha/internal/verdict"
)

// zipEntry is one file of a zip, as its directory or its own header has it.
type zipEntry struct {
	name         string
	others       []string // what other readers call it
	method, flag uint16
	packed, size int64
	at, end      int64 // of its header, and behind its data
	data         int64
}

// maxZipName is how much of a name is kept: its end.
const maxZipName = 512

// zip looks into a file that begins as a zip.
func (w *walk) zip(it *item) error {
	list, dir, err := w.zipDirectory(it)
	if err != nil {
		w.zipNames(it, list)
		return err
	}
	if dir < 0 {
		// No directory: a reader that goes from front to end still unpacks it.
		w.rep.add(verdict.FileArchive, "zip archive", it.where)
		if err := w.zipGaps(it, nil, it.size, false); err != nil {
			return err
		}
		return errDamaged
	}
	return w.zipFiles(it, list, dir, "zip archive")
}

// zipNames is what the names alone say of a zip of which no more is looked at.
func (w *walk) zipNames(it *item, list []zipEntry) {
	w.rep.add(verdict.FileArchive, "zip archive", it.where)
	role := zipRole(list)
	role.kinds.Each(func(k verdict.FileKind) { w.rep.add(k, role.what, it.where) })
	for i := range list {
		w.says(it, list[i].name)
	}
}

// zipBehind looks for a zip's directory at the end of a file that begins as
// something else.
func (w *walk) zipBehind(it *item) error {
	list, dir, err := w.zipDirectory(it)
	if dir < 0 {
		return nil
	}
	if err != nil {
		w.zipNames(it, list)
		w.unreadable(it, err)
		return err
	}
	return w.zipFiles(it, list, dir, "zip behind something else")
}

// zipFiles looks at all entries of a directory that ends at dir, and at what
// lies between them.
func (w *walk) zipFiles(it *item, list []zipEntry, dir int64, what string) error {
	role := zipRole(list)
	if role.kinds != 0 {
		role.kinds.Each(func(k verdict.FileKind) { w.rep.add(k, role.what, it.where) })
	}
	if !role.document || what != "zip archive" {
		w.rep.add(verdict.FileArchive, what, it.where)
	}
	for i := range list {
		if err := zipHeader(it, &list[i]); err != nil {
			w.unreadable(it, err)
		}
	}
	slices.SortFunc(list, func(a, b zipEntry) int { return int(min(max(a.at-b.at, -1), 1)) })
	for i := 1; i < len(list); i++ {
		if list[i].at < list[i-1].end {
			for _, e := range list {
				if err := w.named(it, e.name); err != nil {
					return err
				}
			}
			w.unreadable(it, errOverlap)
			return nil
		}
	}
	for i := range list {
		if err := w.zipOne(it, &list[i], role.document); err != nil {
			return err
		}
	}
	return w.zipGaps(it, list, it.size, role.document)
}

// zipOne unpacks one entry.
func (w *walk) zipOne(it *item, e *zipEntry, part bool) error {
	for _, name := range e.others {
		w.says(it, name)
	}
	if e.flag&(1|1<<6|1<<13) != 0 || e.method == 99 {
		w.rep.add(verdict.FileLocked, errLocked.Error(), within(e.name, it))
		return w.named(it, e.name)
	}
	r, err := w.zipReader(it, io.NewSectionReader(it.r, e.data, e.packed), e)
	if err != nil {
		w.rep.add(verdict.FileUnreadable, reason(err), within(e.name, it))
		return w.named(it, e.name)
	}
	return w.inside(it, e.name, r, part)
}

// zipReader unpacks one method.
func (w *walk) zipReader(it *item, r *io.SectionReader, e *zipEntry) (io.Reader, error) {
	switch e.method {
	case 0:
		return r, nil
	case 8:
		return w.inflate(it, r)
	case 12:
		return bzip2.NewReader(r), nil
	case 14:
		return zipLZMA(r, e)
	case 93, 20:
		return zstdReader(r)
	case 95:
		return newXZ(r), nil
	}
	return nil, errMethod
}

// inflate unpacks deflate with the tables of the last file at this depth.
func (w *walk) inflate(it *item, r io.Reader) (io.Reader, error) {
	d := &w.desk[it.depth]
	if d.flate == nil {
		d.flate = flate.NewReader(r)
		return d.flate, nil
	}
	if err := d.flate.(flate.Resetter).Reset(r, nil); err != nil {
		return nil, fmt.Errorf("reading zip: %w", err)
	}
	return d.flate, nil
}

// zipHeader reads an entry's own header, which says where its data begin. Its
// name counts too: some programs unpack by that.
func zipHeader(it *item, e *zipEntry) error {
	var h [30]byte
	if n, _ := it.r.ReadAt(h[:], e.at); n < len(h) || string(h[:4]) != "PK\x03\x04" {
		e.end, e.data, e.packed = e.at, e.at, 0
		return errDamaged
	}
	n, x := int64(binary.LittleEndian.Uint16(h[26:])), int64(binary.LittleEndian.Uint16(h[28:]))
	e.flag |= binary.LittleEndian.Uint16(h[6:]) & 1
	e.data = e.at + 30 + n + x
	e.end = e.data + e.packed
	own := make([]byte, min(n, maxZipName))
	k, _ := it.r.ReadAt(own, e.at+30+n-int64(len(own)))
	e.alias(string(own[:k]))
	if e.end > it.size {
		e.packed = max(0, it.size-e.data)
		return errDamaged
	}
	method, packed := binary.LittleEndian.Uint16(h[8:]), int64(binary.LittleEndian.Uint32(h[18:]))
	if method != e.method || h[6]&8 == 0 && packed != e.packed && packed != 0xffffffff {
		return errDamaged // one reader would unpack this, and another that
	}
	return nil
}

// alias keeps another name of an entry: some readers go by that.
func (e *zipEntry) alias(name string) {
	if name != e.name && len(e.others) < 3 {
		e.others = append(e.others, name)
	}
}

// zipDirectory reads the directory of a zip from its end. dir is where it
// begins, -1 where there is none.
func (w *walk) zipDirectory(it *item) (list []zipEntry, dir int64, err error) {
	tail := room(&w.tail, min(it.size, tailSize))
	base := it.size - int64(len(tail))
	if n, _ := it.r.ReadAt(tail, base); n < len(tail) {
		return nil, -1, errDamaged
	}
	for i, tries := len(tail), 0; tries < 16; tries++ {
		if i = bytes.LastIndex(tail[:i], []byte("PK\x05\x06")); i < 0 {
			break
		}
		if len(tail)-i < 22 {
			continue
		}
		start, end, shift, ok := zipEnd(it, base+int64(i), tail[i:])
		if !ok {
			continue
		}
		list, err = w.zipRecords(it, start, end, shift)
		return list, start, err
	}
	return nil, -1, nil
}

// zipEnd reads an end record: where the directory is, and by how much the
// zip's own offsets are short of the file's, for what stands in front of it.
func zipEnd(it *item, at int64, h []byte) (start, end, shift int64, ok bool) {
	size, off := int64(binary.LittleEndian.Uint32(h[12:])), int64(binary.LittleEndian.Uint32(h[16:]))
	count := binary.LittleEndian.Uint16(h[10:])
	end = at
	if size == 0xffffffff || off == 0xffffffff || count == 0xffff {
		if s, o, e, found := zip64End(it, at); found {
			size, off, end = s, o, e
		}
	}
	start = end - size
	shift = start - off
	if size < 0 || off < 0 || start < 0 {
		return 0, 0, 0, false
	}
	if size == 0 {
		return start, end, 0, count == 0
	}
	for _, shift := range [...]int64{shift, 0} { // most readers allow for either
		if s := off + shift; s >= 0 && s < end && zipSign(it, s, "PK\x01\x02") {
			return s, end, shift, true
		}
	}
	return 0, 0, 0, false
}

func zip64End(it *item, at int64) (size, off, end int64, ok bool) {
	var loc [20]byte
	if at < 20 {
		return 0, 0, 0, false
	}
	if n, _ := it.r.ReadAt(loc[:], at-20); n < 20 || string(loc[:4]) != "PK\x06\x07" {
		return 0, 0, 0, false
	}
	for _, e := range [...]int64{int64(binary.LittleEndian.Uint64(loc[8:])), at - 20 - 56} {
		var h [56]byte
		if e < 0 || e >= it.size {
			continue
		}
		if n, _ := it.r.ReadAt(h[:], e); n < 56 || string(h[:4]) != "PK\x06\x06" {
			continue
		}
		return int64(binary.LittleEndian.Uint64(h[40:])), int64(binary.LittleEndian.Uint64(h[48:])), e, true
	}
	return 0, 0, 0, false
}

func zipSign(it *item, at int64, sig string) bool {
	var h [4]byte
	n, _ := it.r.ReadAt(h[:], at)
	return n == 4 && string(h[:]) == sig
}

// zipRecords reads the directory's records, as many as may be looked at. What
// the names of the others say counts all the same.
func (w *walk) zipRecords(it *item, start, end, shift int64) ([]zipEntry, error) {
	var list []zipEntry
	r := w.reader(it.r, start, end)
	for seen := 0; ; seen++ {
		h, ok := r.next(46)
		many := w.rep.Entries+len(list) >= w.b.Entries
		if !ok || string(h[:4]) != "PK\x01\x02" {
			if many && seen > len(list) {
				return list, w.end(it, errMany)
			}
			return list, nil
		}
		if seen&1023 == 0 && !w.alive(it) {
			return list, w.over
		}
		e := zipEntry{
			flag: binary.LittleEndian.Uint16(h[8:]), method: binary.LittleEndian.Uint16(h[10:]),
			packed: int64(binary.LittleEndian.Uint32(h[20:])), size: int64(binary.LittleEndian.Uint32(h[24:])),
			at: int64(binary.LittleEndian.Uint32(h[42:])),
		}
		n, x, c := int(binary.LittleEndian.Uint16(h[28:])), int(binary.LittleEndian.Uint16(h[30:])), int(binary.LittleEndian.Uint16(h[32:]))
		rest, ok := r.next(n + x + c)
		if !ok {
			return list, errDamaged
		}
		e.name = string(rest[max(0, n-maxZipName):n])
		if many {
			w.says(it, e.name)
			continue
		}
		zipExtra(&e, rest[n:n+x])
		e.at += shift
		if e.at < 0 || e.packed < 0 || e.size < 0 || e.at > it.size {
			return list, errDamaged
		}
		list = append(list, e)
	}
}

// zipExtra takes up the long sizes of an entry, and its name in Unicode where
// that stands apart.
func zipExtra(e *zipEntry, x []byte) {
	for len(x) >= 4 {
		id, n := binary.LittleEndian.Uint16(x), int(binary.LittleEndian.Uint16(x[2:]))
		x = x[4:]
		if n > len(x) {
			return
		}
		if id == 1 {
			f := x[:n]
			for _, v := range [...]*int64{&e.size, &e.packed, &e.at} {
				if *v == 0xffffffff && len(f) >= 8 {
					*v, f = int64(binary.LittleEndian.Uint64(f)), f[8:]
				}
			}
		}
		if id == 0x7075 && n > 5 {
			e.alias(string(x[max(5, n-maxZipName):n]))
		}
		x = x[n:]
	}
}

// zipLZMA unpacks method 14: two bytes of version, the length of the
// properties, and the properties, before what LZMA has.
func zipLZMA(r *io.SectionReader, e *zipEntry) (io.Reader, error) {
	var h [9]byte
	if _, err := io.ReadFull(r, h[:]); err != nil || binary.LittleEndian.Uint16(h[2:]) != 5 {
		return nil, fmt.Errorf("reading LZMA properties: %w", errDamaged)
	}
	head := append(slices.Clone(h[4:9]), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	if e.flag&2 == 0 {
		binary.LittleEndian.PutUint64(head[5:], uint64(e.size))
	}
	return lzmaReader(io.MultiReader(bytes.NewReader(head), r))
}
