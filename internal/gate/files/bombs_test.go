package files_test

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"belisha/internal/gate/files"
	"belisha/internal/kit/clock/worked"
	"belisha/internal/verdict"
)

// zeros is n zeros, packed as one gzip.
func zeros(t *testing.T, n int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	b.WriteString("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
	part := make([]byte, 1<<20)
	for ; n > 0; n -= int64(len(part)) {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), 0, 0, 0, 0, 0, 0, 0, 0)
}

// central is a record of a zip's directory.
func central(name string, at, packed, size int) []byte {
	h := make([]byte, 46)
	copy(h, "PK\x01\x02\x14\x00\x14\x00")
	h[10] = 8
	binary.LittleEndian.PutUint32(h[20:], uint32(packed))
	binary.LittleEndian.PutUint32(h[24:], uint32(size))
	binary.LittleEndian.PutUint16(h[28:], uint16(len(name)))
	binary.LittleEndian.PutUint32(h[42:], uint32(at))
	return append(h, name...)
}

func zipEnd(n, size, at int) []byte {
	h := make([]byte, 22)
	copy(h, "PK\x05\x06")
	binary.LittleEndian.PutUint16(h[8:], uint16(n))
	binary.LittleEndian.PutUint16(h[10:], uint16(n))
	binary.LittleEndian.PutUint32(h[12:], uint32(size))
	binary.LittleEndian.PutUint32(h[16:], uint32(at))
	return h
}

// overlapping is a zip whose files all use the same packed bytes, each from
// its own header, which the one before quotes as part of its data.
func overlapping(t *testing.T, n int) []byte {
	kernel := zeros(t, 8<<20)[10:]
	kernel = kernel[:len(kernel)-8]
	var heads [][]byte
	for i := range n {
		h := storedLocal(fmt.Sprintf("%05d", i), nil)
		h[6], h[8] = 8, 8 // packed, its size is behind it
		heads = append(heads, h)
	}
	// Each file is a stored block that quotes the next header, and goes on with
	// what that one has.
	body := kernel
	sizes := make([]int, n)
	packed := make([]byte, 0)
	for i := n - 1; i >= 0; i-- {
		if i < n-1 {
			quote := []byte{0, 0, 0, 0, 0}
			binary.LittleEndian.PutUint16(quote[1:], uint16(len(heads[i+1])))
			binary.LittleEndian.PutUint16(quote[3:], ^uint16(len(heads[i+1])))
			body = append(append(quote, heads[i+1]...), body...)
		}
		sizes[i] = len(body)
	}
	packed = append(append(packed, heads[0]...), body...)
	out, at := packed, 0
	var dir []byte
	for i := range n {
		dir = append(dir, central(fmt.Sprintf("%05d", i), at, sizes[i], 8<<20)...)
		at += len(heads[i]) + 5
	}
	start := len(out)
	return append(append(out, dir...), zipEnd(n, len(dir), start)...)
}

// crowded is a zip whose directory has very many files.
func crowded(n int, name string) []byte {
	var b bytes.Buffer
	first := storedLocal("a", nil)
	first[8] = 8
	b.Write(first)
	start := b.Len()
	rec := central(name, 0, 0, 0)
	for range n {
		b.Write(rec)
	}
	b.Write(zipEnd(n&0xffff, b.Len()-start, start))
	return b.Bytes()
}

// seven is a 7z with the given directory, in clear.
func seven(header []byte) []byte {
	b := make([]byte, 32)
	copy(b, "7z\xbc\xaf\x27\x1c\x00\x04")
	binary.LittleEndian.PutUint64(b[20:], uint64(len(header)))
	binary.LittleEndian.PutUint32(b[28:], crc32.ChecksumIEEE(header))
	binary.LittleEndian.PutUint32(b[8:], crc32.ChecksumIEEE(b[12:32]))
	return append(b, header...)
}

func TestBombsEndWithinBounds(t *testing.T) {
	leaf := zeros(t, 200<<20)
	forty := zipOf(t, kv{"0.gz", leaf})
	for range 2 {
		var list []kv
		for i := range 16 {
			list = append(list, kv{fmt.Sprintf("%d.zip", i), forty})
		}
		forty = zipOf(t, list...)
	}
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0}
	xzHuge := append([]byte("\xfd7zXZ\x00\x00\x01\x69\x22\xde\x36"), 0x02, 0x00, 0x21, 0x01, 0x27, 0, 0, 0, 0, 0, 0, 0)
	lzmaHuge := append([]byte{0x5d, 0, 0, 0, 0x80, 0, 0, 0x10, 0, 0, 0, 0, 0, 0}, make([]byte, 200)...)
	loop := make([]byte, 40<<10)
	copy(loop[32768:], "\x01CD001\x01")
	binary.LittleEndian.PutUint32(loop[32768+158:], 17)
	binary.LittleEndian.PutUint32(loop[32768+166:], 2048)
	rec := loop[17*2048:]
	rec[0], rec[25], rec[32], rec[33] = 36, 2, 1, 'd'
	binary.LittleEndian.PutUint32(rec[2:], 17)
	binary.LittleEndian.PutUint32(rec[10:], 2048)
	for _, c := range []struct {
		name string
		body []byte
		why  string
	}{
		{"a small gzip of 200 MB", leaf, "unpacks to far more than it is"},
		{"sixteen of sixteen of sixteen", forty, "unpacks to far more than it is"},
		{"files that lie over one another", overlapping(t, 250), "its files lie over one another"},
		{"a million files", crowded(1_000_000, "a"), "too many files inside"},
		{"names of 64 kB", crowded(900, strings.Repeat("n", 65_000)), "its files lie over one another"},
		{"a 7z that claims four thousand million files", seven(append([]byte{1, 5}, append([]byte{0xf0}, huge...)...)), "too many files inside"},
		{"a 7z that claims as many folders", seven(append([]byte{1, 4, 7, 11}, append([]byte{0xf0}, huge...)...)), "too many files inside"},
		{"an xz that wants 1.5 GB of memory", xzHuge, "too large to look into"},
		{"an LZMA that wants 2 GB of memory", lzmaHuge, "too large to look into"},
		{"a zip in a zip sixty times", nest(t, 60, []byte("hi")), "packed too deep"},
		{"a tar that is a hole of 7 GB", sparse(), "unpacks to far more than it is"},
		{"a zstd of 200 MB of nothing", zstZeros(t, 200<<20), "unpacks to far more than it is"},
		{"a disc whose folder is in itself", loop, ""},
		{"a PDF with 3,000 packed bombs", pdfBombs(t, 3000), "too large to look into"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var r files.Report
			took := worked.By(func() { r = look(t, c.body, files.Meta{Path: "/x"}) })
			runtime.ReadMemStats(&after)
			if took.Seconds() > 2 {
				t.Errorf("it took %v", took)
			}
			if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 250 {
				t.Errorf("it took %d MB", mb)
			}
			f, _ := r.First(verdict.FileUnreadable)
			if f.What != c.why {
				t.Errorf("said %q, want %q (%v)", f.What, c.why, r.Found)
			}
			t.Logf("%v, %d entries, %d bytes", took, r.Entries, r.Bytes)
		})
	}
}

func zstZeros(t *testing.T, n int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, nothing{}, n); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type nothing struct{}

func (nothing) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// sparse is a tar with one file that is nearly all hole, as GNU writes it.
func sparse() []byte {
	h := make([]byte, 512)
	copy(h, "hole")
	copy(h[100:], "0000644\x000000000\x000000000\x0000000000000\x0000000000000\x00        S")
	copy(h[257:], "ustar  \x00")
	copy(h[386:], "64000000000\x0000000000000\x00")
	copy(h[483:], "64000000000\x00")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return append(h, make([]byte, 1024)...)
}

func pdfBombs(t *testing.T, n int) []byte {
	t.Helper()
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := io.CopyN(w, nothing{}, 4<<20); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	for i := range n {
		fmt.Fprintf(&b, "%d 0 obj\n<</Type/ObjStm/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream endobj\n", i, z.Len(), z.Bytes())
	}
	return b.Bytes()
}
