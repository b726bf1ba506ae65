package files

import (
	"encoding/binary"
	"io"
	"unicode/utf16"
)

const sector = 2048

// isoDir is a directory of a disc that is still to be read.
type isoDir struct {
	at, n int64
	wide  bool // names in UTF-16 (Joliet)
}

// iso looks into an ISO 9660 image, by the plain directory and by Joliet's. A
// disc that also has a UDF directory may show other files by that, which is
// not read here, and said.
func (w *walk) iso(it *item) error {
	roots, udf := isoRoots(it)
	seenDir, seenFile := map[isoDir]bool{}, map[int64]bool{}
	for len(roots) > 0 {
		d := roots[0]
		roots = roots[1:]
		if seenDir[d] {
			continue
		}
		seenDir[d] = true
		more, err := w.isoDirectory(it, d, seenFile)
		if err != nil {
			return err
		}
		roots = append(roots, more...)
	}
	if udf || len(seenDir) == 0 {
		return errMethod
	}
	return nil
}

// isoRoots finds the directories' roots in the volume's descriptors.
func isoRoots(it *item) (roots []isoDir, udf bool) {
	var b [sector]byte
	for i := range int64(64) {
		if n, _ := it.r.ReadAt(b[:], (16+i)*sector); n < sector {
			break
		}
		switch id := string(b[1:6]); {
		case id == "NSR02" || id == "NSR03":
			udf = true
		case id != "CD001" && id != "BEA01" && id != "TEA01" && id != "BOOT2":
			return roots, udf
		case id == "CD001" && (b[0] == 1 || b[0] == 2):
			d := isoDir{at: int64(binary.LittleEndian.Uint32(b[158:])) * sector, n: int64(binary.LittleEndian.Uint32(b[166:]))}
			d.wide = b[0] == 2 && b[88] == '%' && b[89] == '/'
			roots = append(roots, d)
		}
	}
	return roots, udf
}

// maxDirectory bounds one directory of a disc.
const maxDirectory = 4 << 20

func (w *walk) isoDirectory(it *item, d isoDir, seen map[int64]bool) (dirs []isoDir, err error) {
	if d.n > maxDirectory {
		return nil, w.end(it, errLarge)
	}
	var b [sector]byte
	for off := int64(0); off < d.n; off += sector {
		if n, _ := it.r.ReadAt(b[:], d.at+off); n < sector {
			return dirs, errDamaged
		}
		for i := 0; i+33 < sector && b[i] >= 34 && i+int(b[i]) <= sector; i += int(b[i]) {
			rec := b[i : i+int(b[i])]
			sub, err := w.isoRecord(it, rec, d.wide, seen)
			if err != nil {
				return dirs, err
			}
			if sub.n > 0 {
				dirs = append(dirs, sub)
			}
		}
	}
	return dirs, nil
}

func (w *walk) isoRecord(it *item, rec []byte, wide bool, seen map[int64]bool) (isoDir, error) {
	n := int(rec[32])
	if 33+n > len(rec) {
		return isoDir{}, errDamaged
	}
	at, size := int64(binary.LittleEndian.Uint32(rec[2:]))*sector, int64(binary.LittleEndian.Uint32(rec[10:]))
	id := rec[33 : 33+n]
	if n == 1 && id[0] <= 1 { // itself and the one above
		return isoDir{}, nil
	}
	if rec[25]&2 != 0 {
		return isoDir{at: at, n: size, wide: wide}, w.named(it, "")
	}
	name := isoName(rec, id, wide)
	if seen[at] && size > 0 {
		return isoDir{}, w.named(it, name)
	}
	seen[at] = true
	if at+size > it.size {
		w.unreadable(&item{where: within(name, it)}, errDamaged)
	}
	return isoDir{}, w.inside(it, name, io.NewSectionReader(it.r, at, size), false)
}

// isoName is the longest name a record has: Joliet's, Rock Ridge's, its own.
func isoName(rec, id []byte, wide bool) string {
	if wide {
		var u []uint16
		for i := 0; i+1 < len(id); i += 2 {
			u = append(u, binary.BigEndian.Uint16(id[i:]))
		}
		return string(utf16.Decode(u))
	}
	use := rec[min(len(rec), 33+len(id)+(len(id)+1)&1):]
	name := ""
	for len(use) >= 5 && int(use[2]) >= 4 && int(use[2]) <= len(use) {
		if use[0] == 'N' && use[1] == 'M' && use[2] > 5 {
			name += string(use[5:use[2]])
		}
		use = use[use[2]:]
	}
	if name != "" {
		return name
	}
	for i, c := range id {
		if c == ';' {
			return string(id[:i])
		}
	}
	return string(id)
}
