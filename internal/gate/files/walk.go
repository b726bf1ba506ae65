package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"belisha/internal/verdict"
)

// Why a look inside ends before everything was seen. Each is said as it is.
var (
	errDamaged = errors.New("damaged")
	errLocked  = errors.New("needs a password")
	errMethod  = errors.New("packed in a way that nobody here can open")
	errDeep    = errors.New("packed too deep")
	errMany    = errors.New("too many files inside")
	errLarge   = errors.New("too large to look into")
	errBomb    = errors.New("unpacks to far more than it is")
	errSlow    = errors.New("takes too long to look into")
	errOverlap = errors.New("its files lie over one another")
	errSpool   = errors.New("there is no room to look into it")
)

// walk is one Open under way.
type walk struct {
	ctx  context.Context
	b    Bounds
	rep  Report
	over error  // the whole look has ended
	desk []desk // one for each depth
	page []byte // for what is read without going deeper: chunks, records
	tail []byte // for the end of a zip
	pdfs bytes.Buffer
}

// desk is what a depth works on, used again for the next file there.
type desk struct {
	mem, head, copy []byte
	flate           io.ReadCloser
}

// room is a buffer of n bytes, the same as last time where it is large enough.
func room(b *[]byte, n int64) []byte {
	if int64(cap(*b)) < n {
		*b = make([]byte, n)
	}
	return (*b)[:n]
}

// item is a file being looked at: the one asked about, or one inside it.
type item struct {
	r     io.ReaderAt
	size  int64
	m     *Meta
	where string
	depth int
	out   int64 // what was unpacked of it
	whole bool  // the archive's own directory was read to its end
}

// top looks at the file itself.
func (w *walk) top(r io.ReaderAt, size int64, m *Meta) {
	w.desk = make([]desk, w.b.Depth+2)
	it := &item{r: r, size: size, m: m}
	w.rep.Format = w.file(it)
}

// alive ends the look when its time is over.
func (w *walk) alive(it *item) bool {
	if w.over == nil && w.ctx.Err() != nil {
		_ = w.end(it, errSlow)
	}
	return w.over == nil
}

// end ends the whole look.
func (w *walk) end(it *item, err error) error {
	if w.over == nil {
		w.over = err
	}
	w.unreadable(it, err)
	return err
}

// unreadable writes down that something could not be looked into.
func (w *walk) unreadable(it *item, err error) {
	k := verdict.FileUnreadable
	if errors.Is(err, errLocked) {
		k = verdict.FileLocked
	}
	w.rep.add(k, reason(err), it.where)
}

// reason is one of the reasons above; what a library says is none.
func reason(err error) string {
	for _, e := range [...]error{errLocked, errMethod, errDeep, errMany, errLarge, errBomb, errSlow, errOverlap, errSpool} {
		if errors.Is(err, e) {
			return e.Error()
		}
	}
	return errDamaged.Error()
}

// file looks at one file and at all inside it.
func (w *walk) file(it *item) Format {
	if !w.alive(it) {
		return Unknown
	}
	head := room(&w.desk[it.depth].head, min(it.size, Head))
	n, _ := it.r.ReadAt(head, 0) // what cannot be read again below is damaged
	head = head[:n]
	g := Look(it.m, head)
	g.Kinds.Each(func(k verdict.FileKind) { w.rep.add(k, saying(g.Format, k, head), it.where) })
	w.parts(it, g.Format, head)
	w.open(it, g.Format)
	return g.Format
}

// saying is why a file is of a kind: its bytes, or what it is called.
func saying(f Format, k verdict.FileKind, head []byte) string {
	switch {
	case about[f].kinds.Has(k):
		return f.String()
	case k == verdict.FileProgram && hidden(head):
		return "Windows program behind something else"
	}
	return "by its name or type"
}

// parts looks at what is no archive but has parts of its own.
func (w *walk) parts(it *item, f Format, head []byte) {
	var err error
	switch f {
	case OLE:
		err = w.guard(func() error { return w.ole(it) })
	case PDF:
		err = w.guard(func() error { return w.pdf(it) })
	case RTF:
		err = w.guard(func() error { return w.rtf(it) })
	case Mail:
		err = w.guard(func() error { return w.mail(it) })
	case OneNote:
		err = w.guard(func() error { return w.oneNote(it) })
	case SVG, XML, HTML, Unknown:
		if f != Unknown || !notText(head) {
			err = w.guard(func() error { return w.text(it, f) })
		}
	case DriveImage, DMG:
		w.unreadable(it, errMethod)
	}
	if err != nil && w.over == nil {
		w.unreadable(it, err)
	}
}

// open looks into archives: the one that the file begins as, which must be
// whole, and any that stand behind something else, which are taken for
// archives only if they can be read.
func (w *walk) open(it *item, f Format) {
	if do := w.opener(f); do != nil {
		if it.depth >= w.b.Depth {
			w.unreadable(it, errDeep)
			return
		}
		if err := w.guard(func() error { return do(it) }); err != nil && w.over == nil {
			w.unreadable(it, err)
		}
	}
	if it.depth >= w.b.Depth || it.size < 22 || w.over != nil {
		return
	}
	if f != Zip {
		_ = w.guard(func() error { return w.zipBehind(it) })
	}
	if _, ok := embedded[f]; !ok && w.over == nil {
		_ = w.guard(func() error { return w.behind(it, f) })
	}
	w.foot(it)
}

// embedded are the formats in which the start of another archive is what is
// packed in them, and looked at there.
var embedded = map[Format]struct{}{Zip: {}, SevenZip: {}, RAR: {}, Tar: {}, Gzip: {}, Bzip2: {}, XZ: {}, Zstd: {}, LZMA: {}, Cab: {}, DiscImage: {}, Ar: {}}

func (w *walk) opener(f Format) func(*item) error {
	switch f {
	case Zip:
		return w.zip
	case SevenZip:
		return w.sevenZip
	case RAR:
		return w.rar
	case Tar:
		return w.tar
	case Gzip, Bzip2, XZ, Zstd, LZMA:
		return func(it *item) error { return w.packed(it, f) }
	case Cab:
		return w.cab
	case DiscImage:
		return w.iso
	}
	return nil
}

// guard turns a panic of a reader that was written for honest files into
// damage: bytes from outside never end the gate.
func (w *walk) guard(do func() error) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = errDamaged
		}
	}()
	return do()
}

// named counts one entry and what its name says, whether or not it can be
// read.
func (w *walk) named(it *item, name string) error {
	if !w.alive(it) {
		return w.over
	}
	if w.rep.Entries++; w.rep.Entries > w.b.Entries {
		return w.end(it, errMany)
	}
	w.says(it, name)
	return nil
}

// says writes down what an entry's name says.
func (w *walk) says(it *item, name string) {
	c, ok := byName(name)
	if !ok {
		return
	}
	c.kinds.Each(func(k verdict.FileKind) {
		if !packedKind(k) {
			w.rep.add(k, "by its name or type", within(name, it))
		}
	})
}

// packedKind are kinds that the bytes of an entry say better than its name.
func packedKind(k verdict.FileKind) bool {
	return k == verdict.FileArchive || k == verdict.FileUnreadable
}

// within says where something was found: "setup.exe in a.zip". Names are cut
// short and cleaned for a line of a record.
func within(name string, it *item) string {
	s := label(name)
	outer := it.where
	if outer == "" {
		return s
	}
	if len(s)+len(outer) > 180 {
		outer = "…"
	}
	return s + " in " + outer
}

func label(name string) string {
	name = strings.ToValidUTF8(clean(name), "")
	if len(name) > 80 {
		name = "…" + strings.ToValidUTF8(name[len(name)-80:], "")
	}
	if name == "" {
		return "a file without a name"
	}
	return name
}

// inside unpacks one entry and looks at it. part says that the archive is a
// document, whose parts are not offered for saving. An error of the reader is
// written down here; what is returned ends the archive.
func (w *walk) inside(it *item, name string, r io.Reader, part bool) error {
	if err := w.named(it, name); err != nil {
		return err
	}
	if it.depth > w.b.Depth {
		w.unreadable(it, errDeep)
		return nil
	}
	m := &Meta{Path: strings.ReplaceAll(name, ";", "_")}
	if !part {
		m.Type = "application/octet-stream"
	}
	sub := &item{m: m, where: within(name, it), depth: it.depth + 1}
	s, err := w.unpack(it, sub, r)
	if s != nil {
		defer s.close()
	}
	if w.over != nil {
		return w.over
	}
	if err != nil {
		w.unreadable(sub, err)
	}
	sub.r, sub.size = s, s.n
	if part {
		w.part(it, name, s)
	}
	w.file(sub)
	return w.over
}

// unpack copies an entry out, within the bounds of the whole look.
func (w *walk) unpack(it, sub *item, r io.Reader) (*spool, error) {
	d := &w.desk[sub.depth]
	s := &spool{mem: d.mem[:0], most: w.b.Memory, dir: w.b.Dir}
	d.mem = nil
	s.back = func(b []byte) { d.mem = b }
	buf := room(&d.copy, 32<<10)
	for {
		n, err := r.Read(buf)
		it.out += int64(n)
		w.rep.Bytes += int64(n)
		switch {
		case !w.alive(sub):
			return s, w.over
		case w.rep.Bytes > w.b.Bytes:
			return s, w.end(sub, errLarge)
		case it.out > 8<<20 && it.out/w.b.Ratio > it.size:
			return s, w.end(sub, errBomb)
		}
		if err2 := s.write(buf[:n]); err2 != nil {
			return s, w.end(sub, errSpool)
		}
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("unpacking: %w", err)
		}
	}
}
