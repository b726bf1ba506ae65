package files

import (
	"io"
)

// reader reads records one after the other from a part of a file.
type reader struct {
	r       io.ReaderAt
	at, end int64
	buf     []byte
	have    []byte
	said    string // by the last text
}

// reader begins; there is one at a time.
func (w *walk) reader(r io.ReaderAt, at, end int64) *reader {
	return &reader{r: r, at: at, end: end, buf: room(&w.page, chunkSize)}
}

// next is the next n bytes, good until the next call; n is below 200,000.
func (r *reader) next(n int) ([]byte, bool) {
	if len(r.have) < n {
		k := copy(r.buf, r.have)
		more, _ := r.r.ReadAt(r.buf[k:k+int(min(int64(len(r.buf)-k), r.end-r.at))], r.at)
		r.at += int64(more)
		r.have = r.buf[:k+more]
	}
	if len(r.have) < n {
		return nil, false
	}
	out := r.have[:n]
	r.have = r.have[n:]
	return out, true
}

// text reads a string that ends with a zero, of at most 1,024 bytes.
func (r *reader) text() bool {
	var b []byte
	for len(b) < 1024 {
		c, ok := r.next(1)
		if !ok {
			return false
		}
		if c[0] == 0 {
			r.said = string(b)
			return true
		}
		b = append(b, c[0])
	}
	return false
}
