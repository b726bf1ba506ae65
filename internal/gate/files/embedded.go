package files

import (
	"bytes"
	"encoding/binary"
	"io"

	"belisha/internal/verdict"
)

// places are where each of the signatures stands in the first most bytes of a
// file, at most so many.
func (w *walk) places(it *item, most int64, count int, sigs ...string) (list [][]int64, err error) {
	base := int64(0)
	list = make([][]int64, len(sigs))
	err = w.chunks(it, func(b []byte) {
		for i := range sigs {
			for at := 0; base < most && len(list[i]) < count; at++ {
				j := bytes.Index(b[at:], []byte(sigs[i]))
				if j < 0 {
					break
				}
				at += j
				if n := len(list[i]); n == 0 || base+int64(at) > list[i][n-1] { // the end of a piece is the start of the next
					list[i] = append(list[i], base+int64(at))
				}
			}
		}
		base += int64(len(b) - overlap)
	})
	return list, err
}

// maxPacked is how many files packed into a document are looked at.
const maxPacked = 200

// oneNote looks for files packed into notes, and at them.
func (w *walk) oneNote(it *item) error {
	list, err := w.places(it, it.size, maxPacked, "\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac")
	for _, at := range list[0] {
		w.rep.add(verdict.FileActive, "a file packed into notes", it.where)
		var n [8]byte
		if k, _ := it.r.ReadAt(n[:], at+16); k < len(n) {
			return errDamaged
		}
		size := min(binary.LittleEndian.Uint64(n[:]), uint64(it.size))
		if err := w.inside(it, "a file packed into notes", io.NewSectionReader(it.r, at+36, int64(size)), false); err != nil {
			return err
		}
	}
	return err
}

// packedFile looks at what a document's program packed as a file into it: two
// names, and the file.
func (w *walk) packedFile(it *item, r io.Reader) error {
	w.rep.add(verdict.FileActive, "a file packed into a document", it.where)
	head := make([]byte, 4<<10)
	n, err := io.ReadFull(r, head)
	head = head[:n]
	rest := head[min(n, 6):]
	for range 2 {
		i := bytes.IndexByte(rest, 0)
		if i < 0 {
			break
		}
		w.says(it, string(rest[:i]))
		rest = rest[i+1:]
	}
	// What follows is looked at with all that is in front of it: a program, an
	// archive or a page is found there too.
	if len(rest) >= 8 {
		if i := int(binary.LittleEndian.Uint32(rest[4:])); i >= 0 && i+12 <= len(rest) {
			rest = rest[i+12:]
		}
	}
	if err != nil {
		return w.inside(it, "a packed file", bytes.NewReader(rest), true)
	}
	return w.inside(it, "a packed file", io.MultiReader(bytes.NewReader(rest), r), true)
}

// rtf looks for objects in an RTF document, and at them.
func (w *walk) rtf(it *item) error {
	err := w.chunks(it, func(b []byte) {
		b = bytes.ToLower(b)
		for _, word := range [...]string{`\objdata`, `\objupdate`, `\objclass`, `\objocx`, `\objemb`} {
			if bytes.Contains(b, []byte(word)) {
				w.rep.add(verdict.FileActive, "an object in an RTF document", it.where)
			}
		}
		if bytes.Contains(b, []byte(`\*\template`)) && bytes.Contains(b, []byte("http")) {
			w.rep.add(verdict.FileActive, "a document that fetches more of itself", it.where)
		}
	})
	if err != nil {
		return err
	}
	list, err := w.places(it, it.size, maxPacked, `\objdata`)
	for _, at := range list[0] {
		body := &hexed{r: io.NewSectionReader(it.r, at+8, it.size-at-8)}
		if err := w.inside(it, "an object", body, true); err != nil {
			return err
		}
	}
	return err
}

// hexed reads what is written in hex, with whatever stands between the
// figures, up to the end of the group.
type hexed struct {
	r    io.Reader
	buf  [4 << 10]byte
	have []byte
	half int // one more than the first figure of a byte; 0: none
	err  error
}

func (h *hexed) Read(b []byte) (n int, err error) {
	for n < len(b) {
		if len(h.have) == 0 {
			if h.err != nil {
				return n, h.err
			}
			var k int
			k, h.err = h.r.Read(h.buf[:])
			h.have = h.buf[:k]
			continue
		}
		c := h.have[0]
		h.have = h.have[1:]
		if c == '}' {
			h.have, h.err = nil, io.EOF
			continue
		}
		v := hex(c)
		switch {
		case v < 0:
		case h.half == 0:
			h.half = v + 1
		default:
			b[n] = byte(h.half-1)<<4 | byte(v)
			h.half, n = 0, n+1
		}
	}
	return n, nil
}
