package files

import (
	"bytes"
	"compress/zlib"
	"io"
	"strconv"

	"belisha/internal/verdict"
)

// Bounds of the packed objects of a PDF: how many, how much of each, and of
// all of them.
const (
	maxObjects = 2000
	maxObject  = 4 << 20
	allObjects = 64 << 20
)

// pdfNames are what makes a PDF more than paper.
var pdfNames = [...]struct{ name, what string }{
	{"JavaScript", "a PDF with script"},
	{"Launch", "a PDF that starts programs"},
	{"EmbeddedFile", "a PDF with files in it"},
	{"EmbeddedFiles", "a PDF with files in it"},
	{"FileAttachment", "a PDF with files in it"},
	{"Rendition", "a PDF with a film or program in it"},
	{"RichMedia", "a PDF with a film or program in it"},
}

// pdfLook is what one pass over a PDF gathers.
type pdfLook struct {
	base      int64
	packed    []pdfPlace
	encrypted bool
	dict, id  []byte // of the encryption
}

// pdfPlace is where a stream begins, and whose it is.
type pdfPlace struct {
	at                 int64
	object, generation int
	sure               bool  // it says that it is one of objects
	file               bool  // it says that it is a file
	length             int64 // as it says itself, -1 where it does not
	filtered, deflated bool  // it is packed, and as all are
}

// pdf looks for what acts in a PDF, also in objects that are packed. Names may
// be written with escapes. One that is encrypted is opened with the empty
// password, as readers do; one that needs another is locked.
func (w *walk) pdf(it *item) error {
	var p pdfLook
	if err := w.chunks(it, func(b []byte) { w.pdfChunk(it, &p, b) }); err != nil {
		return err
	}
	var lock *pdfLock
	if p.encrypted {
		if lock = newPDFLock(p.dict, p.id); lock == nil {
			w.rep.add(verdict.FileLocked, errLocked.Error(), it.where)
			return nil
		}
	}
	total := int64(0)
	for _, at := range p.packed {
		if !w.alive(it) {
			return w.over
		}
		if at.file {
			if err := w.pdfFile(it, at, lock); err != nil {
				return err
			}
			continue
		}
		b := w.pdfObjects(it, at, lock)
		total += int64(len(b))
		if w.rep.Bytes += int64(len(b)); w.rep.Bytes > w.b.Bytes || total > allObjects {
			return w.end(it, errLarge)
		}
		if b == nil && at.sure {
			w.unreadable(it, errMethod)
		}
		w.pdfNames(it, b)
	}
	if len(p.packed) >= maxObjects {
		return errMany
	}
	return nil
}

func (w *walk) pdfChunk(it *item, p *pdfLook, b []byte) {
	p.encrypted = w.pdfNames(it, b) || p.encrypted
	if i := bytes.Index(b, []byte("/Standard")); i >= 0 && p.dict == nil {
		dict := b[max(0, i-2048):min(len(b), i+2048)]
		mid := min(i, 2048)
		if j := bytes.LastIndex(dict[:mid], []byte("obj")); j >= 0 {
			dict = dict[j:]
		}
		if j := bytes.Index(dict, []byte("endobj")); j > 0 {
			dict = dict[:j]
		}
		if bytes.Contains(dict, []byte("/Filter")) {
			p.dict = bytes.Clone(dict)
		}
	}
	if id := pdfAfter(b, "ID"); p.id == nil && len(id) > 1 && id[0] == '[' {
		p.id = pdfString(bytes.TrimLeft(id[1:], " \t\r\n"))
	}
	for at := 0; len(p.packed) < maxObjects; {
		i := bytes.Index(b[at:], []byte("stream"))
		if i < 0 {
			break
		}
		at += i
		if o, ok := packedObjects(b[max(0, at-overlap+64):at]); ok {
			o.at = p.base + int64(at) + 6
			p.packed = append(p.packed, o)
		}
		at += 6
	}
	p.base += int64(len(b) - overlap)
}

// packedObjects reports the dictionary of a stream of objects, or one so long
// that its beginning is not seen.
func packedObjects(dict []byte) (pdfPlace, bool) {
	var p pdfPlace
	if i := bytes.LastIndex(dict, []byte("endobj")); i >= 0 {
		dict = dict[i+6:]
	}
	p.file, p.length = named(dict, "EmbeddedFile"), pdfLength(dict)
	p.filtered, p.deflated = named(dict, "Filter"), named(dict, "FlateDecode") && !named(dict, "ASCIIHexDecode") && !named(dict, "ASCII85Decode")
	if p.sure = named(dict, "ObjStm"); !p.sure && !p.file && bytes.Contains(dict, []byte("obj")) {
		return p, false
	}
	if bytes.HasSuffix(dict, []byte("end")) {
		return p, false // the end of a stream
	}
	if i := bytes.Index(dict, []byte(" obj")); i >= 0 {
		f := bytes.Fields(dict[:i])
		if n := len(f); n >= 2 {
			p.object, _ = strconv.Atoi(string(f[n-2]))
			p.generation, _ = strconv.Atoi(string(f[n-1]))
		}
	}
	return p, true
}

// pdfFile looks at a file that is packed into a PDF.
func (w *walk) pdfFile(it *item, p pdfPlace, lock *pdfLock) error {
	const name = "a file in the PDF"
	src := w.pdfStream(it, p, it.size)
	var r io.Reader = src
	switch {
	case p.filtered && !p.deflated:
		w.unreadable(&item{where: within(name, it)}, errMethod)
		return nil
	case lock != nil || !p.filtered:
		raw, err := pdfRaw(src, p.length)
		if err != nil {
			return err
		}
		if lock != nil {
			raw = lock.open(raw, p.object, p.generation)
		}
		r = bytes.NewReader(raw)
	}
	if p.deflated {
		z, err := zlib.NewReader(r)
		if err != nil {
			w.unreadable(&item{where: within(name, it)}, errDamaged)
			return nil
		}
		r = z
	}
	return w.inside(it, name, r, true)
}

// pdfRaw is a stream as it lies in the file, up to maxObject: as long as it
// says, else up to the word that ends one.
func pdfRaw(src io.Reader, length int64) ([]byte, error) {
	most := int64(maxObject)
	if length >= 0 {
		most = min(most, length)
	}
	raw, err := io.ReadAll(io.LimitReader(src, most))
	if err != nil {
		return nil, errDamaged
	}
	if end := bytes.Index(raw, []byte("endstream")); length < 0 && end >= 0 {
		raw = raw[:end]
	}
	return raw, nil
}

// pdfLength is the length that a stream says itself, -1 where it leads to
// another place for it.
func pdfLength(dict []byte) int64 {
	f := bytes.Fields(pdfAfter(dict, "Length"))
	if len(f) == 0 || len(f) > 2 && f[2][0] == 'R' {
		return -1
	}
	n := int64(pdfInt(dict, "Length"))
	if n <= 0 {
		return -1
	}
	return n
}

// pdfStream is what stands behind the word stream.
func (w *walk) pdfStream(it *item, p pdfPlace, most int64) *io.SectionReader {
	at := p.at
	var eol [2]byte
	n, _ := it.r.ReadAt(eol[:], at)
	if n == 2 && eol == [2]byte{'\r', '\n'} {
		at += 2
	} else if n > 0 && (eol[0] == '\r' || eol[0] == '\n') {
		at++
	}
	return io.NewSectionReader(it.r, at, max(0, min(most, it.size-at)))
}

// pdfObjects unpacks a stream of objects; nil where nothing comes of it.
func (w *walk) pdfObjects(it *item, p pdfPlace, lock *pdfLock) []byte {
	src := w.pdfStream(it, p, maxObject)
	if lock == nil {
		return w.inflated(src)
	}
	raw, err := io.ReadAll(src)
	if err != nil {
		return nil
	}
	end := bytes.Index(raw, []byte("endstream"))
	if end < 0 {
		return nil
	}
	raw = raw[:end]
	if b := w.inflated(bytes.NewReader(lock.open(raw, p.object, p.generation))); b != nil {
		return b
	}
	return w.inflated(bytes.NewReader(raw))
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
		if string(name) == "EF" && pdfValue(b[at+2:]) {
			w.rep.add(verdict.FileActive, "a PDF with files in it", it.where)
		}
		for _, n := range &pdfNames {
			if string(name) == n.name {
				w.rep.add(verdict.FileActive, n.what, it.where)
			}
		}
	}
}

// pdfValue reports that what follows a name is a dictionary, or a reference to
// one.
func pdfValue(b []byte) bool {
	b = bytes.TrimLeft(b[:min(len(b), 40)], " \t\r\n\x00\f")
	if bytes.HasPrefix(b, []byte("<<")) {
		return true
	}
	f := bytes.Fields(b)
	return len(f) > 2 && f[2][0] == 'R' && f[0][0] >= '0' && f[0][0] <= '9' && f[1][0] >= '0' && f[1][0] <= '9'
}

// named reports a name in a dictionary, however it is written.
func named(dict []byte, name string) bool {
	for at := 0; ; {
		i := bytes.IndexByte(dict[at:], '/')
		if i < 0 {
			return false
		}
		at += i + 1
		var buf [20]byte
		if string(pdfName(dict[at:], buf[:0])) == name {
			return true
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
