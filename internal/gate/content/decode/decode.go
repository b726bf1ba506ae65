// Package decode undoes the content codings of a message as browsers do, in
// bounds: gzip, deflate with and without its wrapper, brotli and zstd, one over
// the other up to three deep. It is made for looking: a body that is damaged
// gives what can be read of it, as a browser would show it.
package decode

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	fastgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Layers is how many codings may lie over one another.
const Layers = 3

// maxWindow is the largest window of zstd that browsers take (RFC 9659).
const maxWindow = 8 << 20

// What is wrong with a body, besides errors of its source.
var (
	ErrUnknown = errors.New("the coding is not known")
	ErrLayers  = errors.New("it is encoded too often")
	ErrBomb    = errors.New("it grows too much when it is decoded")
	ErrDamaged = errors.New("it is damaged")
)

// Limits bound what a body may become. Zero is not bounded.
type Limits struct {
	// Bytes is the size at which reading ends as if there were no more; More
	// then tells.
	Bytes int64
	// Ratio is how many times its size a body may grow once it has grown over
	// Slack.
	Ratio, Slack int64
}

// Usual are the limits for what is not otherwise bounded.
var Usual = Limits{Ratio: 250, Slack: 4 << 20}

// Parse reads Content-Encoding fields into codings, in the order in which they
// were applied. It leaves out identity, and what is no coding but stands there
// by mistake: browsers show such a body as it is.
func Parse(fields []string) []string {
	var out []string
	for _, field := range fields {
		for part := range strings.SplitSeq(field, ",") {
			part = strings.ToLower(strings.Trim(part, " \t"))
			if mistaken(part) {
				continue
			}
			out = append(out, part)
			if len(out) > 2*Layers {
				return out
			}
		}
	}
	return out
}

// mistaken reports a word in Content-Encoding that changes no byte: servers
// write charsets and transfer codings there.
func mistaken(coding string) bool {
	switch coding {
	case "", "identity", "none", "plain", "text", "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "windows-1252", "windows-1251",
		"7bit", "8bit", "binary", "aws-chunked", "chunked":
		return true
	}
	return strings.HasPrefix(coding, "charset=")
}

// Readable reports whether the codings are such that Open can undo them.
func Readable(codings []string) bool { return check(codings) == nil }

func check(codings []string) error {
	if len(codings) > Layers {
		return ErrLayers
	}
	for _, c := range codings {
		switch c {
		case "gzip", "x-gzip", "deflate", "br", "zstd":
		default:
			return ErrUnknown
		}
	}
	return nil
}

// Reader reads the decoded bytes. Close it, also after an error.
type Reader struct {
	src    counter
	top    io.Reader
	limits Limits
	out    int64
	err    error
	layers [Layers + 1]layer
	n      int
}

// layer is one coding with what it borrowed.
type layer struct {
	in    *bufio.Reader
	gzip  *fastgzip.Reader
	flate io.ReadCloser
	br    *brotli.Reader
	zstd  *zstd.Decoder
}

type counter struct {
	r   io.Reader
	n   int64
	err error
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

var (
	inputs  = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 8<<10) }}
	gzips   = sync.Pool{New: func() any { return new(fastgzip.Reader) }}
	flates  = sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}
	brotlis = sync.Pool{New: func() any { return brotli.NewReader(nil) }}
	zstds   = sync.Pool{New: func() any { return newZstd() }}
)

func newZstd() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil // the options are constant and right
	}
	return d
}

// Open reads src, to which the codings were applied in this order. With sniff,
// a body that has gzip's or zstd's first bytes and no coding is decoded too.
func Open(src io.Reader, codings []string, sniff bool, limits Limits) (*Reader, error) {
	if err := check(codings); err != nil {
		return nil, err
	}
	r := &Reader{limits: limits}
	r.src.r = src
	r.top = &r.src
	for i := len(codings) - 1; i >= 0; i-- {
		r.add(codings[i])
	}
	if sniff && r.n < Layers {
		r.add("")
	}
	return r, nil
}

// add puts one more coding on top. Where the first bytes say that it is not
// what it is said to be, it is passed as it is; "" is whatever it is.
func (r *Reader) add(coding string) {
	l := &r.layers[r.n]
	r.n++
	l.in = inputs.Get().(*bufio.Reader)
	l.in.Reset(r.top)
	r.top = &lazy{layer: l, coding: coding}
}

// lazy opens a layer when its first bytes are there, and turns what the codecs
// say of bad data into ErrDamaged.
type lazy struct {
	*layer
	coding string
	r      io.Reader
	gave   bool
}

func (z *lazy) Read(b []byte) (int, error) {
	if z.r == nil {
		z.open()
	}
	n, err := z.r.Read(b)
	z.gave = z.gave || n > 0
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	if z.gave && z.harmless(err) {
		return n, io.EOF
	}
	if errors.Is(err, ErrDamaged) || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, err
	}
	return n, errors.Join(ErrDamaged, err)
}

// harmless reports an error after which browsers show all there was: a wrong
// sum, or something that is no gzip behind a whole one.
func (z *lazy) harmless(err error) bool {
	return z.gzip != nil && (errors.Is(err, fastgzip.ErrHeader) || errors.Is(err, fastgzip.ErrChecksum) || errors.Is(err, gzip.ErrChecksum))
}

func (z *lazy) open() {
	head, _ := z.in.Peek(4)
	isGzip := len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b
	isZstd := len(head) >= 4 && (string(head) == "\x28\xb5\x2f\xfd" || head[0]&0xf0 == 0x50 && string(head[1:]) == "\x2a\x4d\x18")
	z.r = z.in
	switch z.coding {
	case "gzip", "x-gzip", "":
		switch {
		case isGzip:
			z.gzip = gzips.Get().(*fastgzip.Reader)
			z.r = z.gzip
			if err := z.gzip.Reset(z.in); err != nil {
				z.r = failing{err}
			}
		case isZstd && z.coding == "":
			z.openZstd()
		}
	case "deflate":
		z.openDeflate(head, isGzip)
	case "br":
		z.br = brotlis.Get().(*brotli.Reader)
		z.r = z.br
		if err := z.br.Reset(z.in); err != nil {
			z.r = failing{err}
		}
	case "zstd":
		if isZstd {
			z.openZstd()
		}
	}
}

func (z *lazy) openZstd() {
	z.zstd, _ = zstds.Get().(*zstd.Decoder)
	if z.zstd == nil {
		z.r = failing{ErrDamaged}
		return
	}
	z.r = z.zstd
	if err := z.zstd.Reset(z.in); err != nil {
		z.r = failing{err}
	}
}

// openDeflate takes the two forms that are in use, by the first bytes: the
// wrapper of RFC 1950, and none.
func (z *lazy) openDeflate(head []byte, isGzip bool) {
	if isGzip {
		z.coding = "gzip"
		z.open()
		return
	}
	if len(head) >= 2 && head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		if _, err := z.in.Discard(2); err != nil || head[1]&0x20 != 0 {
			z.r = failing{ErrDamaged} // a dictionary that nobody has
			return
		}
	}
	z.flate = flates.Get().(io.ReadCloser)
	z.r = z.flate
	if err := z.flate.(flate.Resetter).Reset(z.in, nil); err != nil {
		z.r = failing{err}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Read gives decoded bytes. After ErrDamaged and io.ErrUnexpectedEOF, what it
// gave before is what a browser may have shown.
func (r *Reader) Read(b []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if most := r.limits.Bytes; most > 0 {
		if r.out >= most {
			return 0, io.EOF
		}
		b = b[:min(int64(len(b)), most-r.out)]
	}
	n, err := r.top.Read(b)
	r.out += int64(n)
	if r.limits.Ratio > 0 && r.n > 0 && r.out > r.limits.Slack && r.out > r.limits.Ratio*r.src.n {
		err = ErrBomb
	}
	if r.src.err != nil && err != nil {
		err = r.src.err
	}
	r.err = err
	return n, err
}

// More reports that reading ended at the limit and there may be more.
func (r *Reader) More() bool { return r.limits.Bytes > 0 && r.out >= r.limits.Bytes }

// Widen raises the limit of bytes, so that reading may go on after More.
func (r *Reader) Widen(bytes int64) { r.limits.Bytes = bytes }

// Close gives back what was borrowed. It does not close the source.
func (r *Reader) Close() {
	for i := range r.layers[:r.n] {
		r.layers[i].close()
	}
	r.n = 0
	r.err = io.ErrClosedPipe
}

func (l *layer) close() {
	if l.gzip != nil {
		gzips.Put(l.gzip)
	}
	if l.flate != nil {
		flates.Put(l.flate)
	}
	if l.br != nil {
		brotlis.Put(l.br)
	}
	if l.zstd != nil {
		if err := l.zstd.Reset(nil); err == nil {
			zstds.Put(l.zstd)
		}
	}
	if l.in != nil {
		l.in.Reset(nil)
		inputs.Put(l.in)
	}
	*l = layer{}
}
