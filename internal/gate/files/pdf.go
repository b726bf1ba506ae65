package files

import (
	"bytes"
	"compress/zlib"
	"io"

	"belisha/internal/verdict"
)

// Bounds of the packed objects of a PDF: how many, and how much of each.
const (
	maxObjects = 2000
	maxObject  = 4 << 20
)

// pdfNames are what makes a PDF more than paper.
var pdfNames = [...]struct{ name, what string }{
	{"JavaScript", "a PDF with script"},
	{"Launch", "a PDF that starts programs"},
	{"EmbeddedFile", "a PDF with files in it"},
	{"EmbeddedFiles", "a PDF with files in it"},
	{"Rendition", "a PDF with a film or program in it"},
	{"RichMedia", "a PDF with a film or program in it"},
}

// pdf looks for what acts in a PDF, also in objects that are packed. Names may
// be written with escapes. An encrypted one is locked, also where its reader
// needs no password: what is packed in it cannot be seen here.
func (w *walk) pdf(it *item) error {
	base, objects, encrypted := int64(0), 0, false
	var places []int64
	err := w.chunks(it, func(b []byte) {
		encrypted = w.pdfNames(it, b) || encrypted
		for at := 0; objects < maxObjects; {
			i := bytes.Index(b[at:], []byte("stream"))
			if i < 0 {
				break
			}
			at += i
			if packedObjects(b[max(0, at-overlap+64):at]) {
				places = append(places, base+int64(at)+6)
				objects++
			}
			at += 6
		}
		base += int64(len(b) - overlap)
	})
	if err != nil {
		return err
	}
	if encrypted {
		w.rep.add(verdict.FileLocked, "encrypted", it.where)
		return nil
	}
	for _, at := range places {
		if !w.alive(it) {
			return w.over
		}
		b := w.inflated(pdfStream(it, at))
		if w.rep.Bytes += int64(len(b)); w.rep.Bytes > w.b.Bytes {
			return w.end(it, errLarge)
		}
		w.pdfNames(it, b)
	}
	return nil
}

// pdfStream is what follows the word "stream" and the end of its line.
func pdfStream(it *item, at int64) io.Reader {
	var eol [2]byte
	n, _ := it.r.ReadAt(eol[:], at)
	for _, c := range eol[:n] {
		if c == '\r' || c == '\n' {
			at++
		}
	}
	return io.NewSectionReader(it.r, at, it.size-at)
}

// packedObjects reports the dictionary of a stream of objects, or one written
// with escapes, whose last word is not read here.
func packedObjects(dict []byte) bool {
	if i := bytes.LastIndex(dict, []byte("endobj")); i >= 0 {
		dict = dict[i:]
	}
	return bytes.Contains(dict, []byte("ObjStm")) || bytes.IndexByte(dict, '#') >= 0 && bytes.Contains(dict, []byte("<<"))
}

// pdfNames finds the names that matter, and reports the one of a lock.
func (w *walk) pdfNames(it *item, b []byte) (encrypted bool) {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '/')
		if i < 0 {
			return encrypted
		}
		at += i + 1
		var buf [20]byte
		name := pdfName(b[at:], buf[:0])
		if string(name) == "Encrypt" {
			encrypted = true
		}
		for _, n := range &pdfNames {
			if string(name) == n.name {
				w.rep.add(verdict.FileActive, n.what, it.where)
			}
		}
	}
}

// pdfName reads a name of at most cap(out) bytes, with its escapes undone.
func pdfName(b, out []byte) []byte {
	for i := 0; i < len(b) && len(out) < cap(out); i++ {
		c := b[i]
		if c == '#' && i+2 < len(b) && hex(b[i+1]) >= 0 && hex(b[i+2]) >= 0 {
			c = byte(hex(b[i+1])<<4 | hex(b[i+2]))
			i += 2
		} else if c <= ' ' || bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0 {
			break
		}
		out = append(out, c)
	}
	return out
}

// inflated unpacks deflate as PDF has it, up to maxObject.
func (w *walk) inflated(r io.Reader) []byte {
	z, err := zlib.NewReader(r)
	if err != nil {
		return nil
	}
	w.pdfs.Reset()
	_, _ = io.CopyN(&w.pdfs, z, maxObject) // what came before the damage counts
	return w.pdfs.Bytes()
}
