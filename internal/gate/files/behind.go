package files

import (
	"bytes"
	"errors"
	"io"

	"belisha/internal/verdict"
)

// Searched is how far into a file an archive behind something else is looked
// for, beyond those that are found from their end: as far as the programs that
// open such archives look.
const Searched = 8 << 20

// beginnings are how archives begin that programs open also behind something
// else.
var beginnings = [...]struct {
	sig string
	is  Format
}{{"7z\xbc\xaf\x27\x1c", SevenZip}, {"Rar!\x1a\x07", RAR}, {"MSCF\x00\x00\x00\x00", Cab}}

// behind finds 7z, RAR and cabinet archives behind something else, as in
// programs that unpack themselves, and programs behind what is none.
func (w *walk) behind(it *item, f Format) error {
	list, err := w.places(it, Searched, 8, beginnings[0].sig, beginnings[1].sig, beginnings[2].sig, "PE\x00\x00")
	if err != nil {
		return err
	}
	for _, at := range list[len(beginnings)] {
		var h [26]byte
		if n, _ := it.r.ReadAt(h[:], at); isCOFF(h[min(4, n):n]) {
			w.rep.add(verdict.FileProgram, "Windows program behind something else", it.where)
		}
	}
	for i, k := range beginnings {
		for _, at := range list[i] {
			if at == 0 && k.is == f {
				continue
			}
			found, err := w.behindAt(it, at, k.is)
			if err != nil {
				return err
			}
			if found {
				break
			}
		}
	}
	return nil
}

// behindAt tries an archive at a place, which is taken for one only if it can
// be read.
func (w *walk) behindAt(it *item, at int64, is Format) (found bool, err error) {
	sub := *it
	sub.r, sub.size = io.NewSectionReader(it.r, at, it.size-at), it.size-at
	err = w.guard(func() error { return w.opener(is)(&sub) })
	if w.over != nil {
		return false, w.over
	}
	if err != nil && !errors.Is(err, errLocked) && !errors.Is(err, errMethod) && !sub.whole {
		return false, nil
	}
	w.rep.add(verdict.FileArchive, is.String()+" behind something else", it.where)
	if err != nil {
		w.unreadable(it, err)
	}
	return true, nil
}

// foot looks for what images of discs end with.
func (w *walk) foot(it *item) {
	if it.size < 512 {
		return
	}
	var end [512]byte
	if n, _ := it.r.ReadAt(end[:], it.size-512); n < 512 {
		return
	}
	if f := footer(end[:]); f != Unknown {
		about[f].kinds.Each(func(k verdict.FileKind) { w.rep.add(k, f.String(), it.where) })
		w.unreadable(it, errMethod)
	}
}

// Hunt looks for the beginnings of archives in the bytes of a picture or film
// while they go by: 7-Zip and WinRAR open what begins far behind. The zero Hunt
// begins.
type Hunt struct {
	seen int64
	last [7]byte // the end of the piece before
	n    int
}

// Feed takes the next bytes, and reports the beginning of an archive in them
// and those before.
func (h *Hunt) Feed(b []byte) bool {
	if h.seen >= Searched || len(b) == 0 {
		return false
	}
	var seam [2 * len(h.last)]byte
	n := copy(seam[:], h.last[:h.n])
	n += copy(seam[n:], b[:min(len(b), len(h.last))])
	found := begins7(seam[:n]) || begins7(b)
	h.seen += int64(len(b))
	if len(b) >= len(h.last) {
		h.n = copy(h.last[:], b[len(b)-len(h.last):])
	} else {
		h.n = copy(h.last[:], seam[max(0, n-len(h.last)):n])
	}
	return found
}

// begins7 reports the beginning of a 7z or a RAR, with its version.
func begins7(b []byte) bool {
	for _, k := range beginnings[:2] {
		for at := 0; ; {
			i := bytes.Index(b[at:], []byte(k.sig))
			if i < 0 {
				break
			}
			at += i + len(k.sig)
			if at < len(b) && b[at] <= 1 {
				return true
			}
		}
	}
	return false
}
