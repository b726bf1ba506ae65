package files

import (
	"bytes"
	"encoding/binary"
)

// zipGaps looks for entries that the directory does not name, between those
// that it does and up to to: a reader that goes from front to end unpacks them.
func (w *walk) zipGaps(it *item, list []zipEntry, to int64, part bool) error {
	at := int64(0)
	for i := 0; i <= len(list); i++ {
		end := to
		if i < len(list) {
			end = list[i].at
		}
		if err := w.zipGap(it, at, end, part, list != nil); err != nil {
			return err
		}
		if i < len(list) {
			at = list[i].end
		}
	}
	return nil
}

func (w *walk) zipGap(it *item, at, end int64, part, quiet bool) error {
	buf := make([]byte, min(64<<10, max(0, end-at)))
	for end-at >= 30 && w.alive(it) {
		n, _ := it.r.ReadAt(buf[:min(int64(len(buf)), end-at)], at)
		i := bytes.Index(buf[:n], []byte("PK\x03\x04"))
		if i < 0 {
			if n <= 3 {
				return nil
			}
			at += int64(n - 3)
			continue
		}
		at += int64(i)
		e, ok := zipLoose(it, at, end)
		if !ok {
			at += 4
			continue
		}
		if quiet && e.packed == 0 && e.flag&8 == 0 {
			at = e.data
			continue
		}
		if err := w.zipOne(it, &e, part); err != nil {
			return err
		}
		at = max(at+4, e.end)
	}
	return w.over
}

// zipLoose reads an entry's own header without a directory. Where its size
// comes only behind it, all up to the end may belong to it.
func zipLoose(it *item, at, end int64) (zipEntry, bool) {
	var h [30]byte
	if n, _ := it.r.ReadAt(h[:], at); n < len(h) || h[5] != 0 || h[4] > 63 {
		return zipEntry{}, false
	}
	e := zipEntry{at: at, flag: binary.LittleEndian.Uint16(h[6:]), method: binary.LittleEndian.Uint16(h[8:]), packed: int64(binary.LittleEndian.Uint32(h[18:])), size: int64(binary.LittleEndian.Uint32(h[22:]))}
	n, x := int64(binary.LittleEndian.Uint16(h[26:])), int64(binary.LittleEndian.Uint16(h[28:]))
	e.data = at + 30 + n + x
	if e.method > 99 || n == 0 || e.data > end {
		return zipEntry{}, false
	}
	own := make([]byte, min(n, maxZipName))
	k, _ := it.r.ReadAt(own, at+30+n-int64(len(own)))
	e.name = string(own[:k])
	more := make([]byte, x)
	k, _ = it.r.ReadAt(more, at+30+n)
	zipExtra(&e, more[:k])
	if e.flag&8 != 0 || e.packed == 0xffffffff || e.data+e.packed > end {
		e.packed = end - e.data
		e.end = e.data
		return e, true
	}
	e.end = e.data + e.packed
	return e, true
}
