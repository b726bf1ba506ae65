package files_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"belisha/internal/gate/files"
)

// small are bounds for a fuzzer, who has no patience.
func small(dir string) files.Bounds {
	return files.Bounds{Depth: 3, Entries: 200, Bytes: 4 << 20, Memory: 1 << 20, Time: 2 * time.Second, Dir: dir}
}

func fuzzOpen(f *testing.F, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		r := files.Open(context.Background(), bytes.NewReader(b), int64(len(b)), &files.Meta{Path: "/x"}, small(dir))
		for _, found := range r.Found {
			if len(found.Where) > 300 {
				t.Errorf("a place of %d bytes", len(found.Where))
			}
		}
		if r.Entries > 201 || r.Bytes > 9<<20 {
			t.Errorf("%d entries, %d bytes", r.Entries, r.Bytes)
		}
	})
}

func FuzzZip(f *testing.F) {
	z := zipOf(f, kv{"a.txt", []byte("hello")}, kv{"b/c.exe", pe()})
	fuzzOpen(f, z, append(gif(), z...), storedZip(f, kv{"a.zip", z}), z[:90], crowded(5, "a"))
}

func FuzzSevenZip(f *testing.F) {
	fuzzOpen(f, seven([]byte{1, 5, 1, 17, 7, 0, 'a', 0, '.', 0, 0, 0, 0, 0}), seven([]byte{1, 4, 6, 0, 1, 9, 5, 0, 7, 11, 1, 0, 1, 1, 0, 12, 5, 0, 0, 0}))
}

func FuzzRAR(f *testing.F) {
	fuzzOpen(f, rar4("a.exe", pe(), 0), rar5("a.exe", pe()))
}

func FuzzPacked(f *testing.F) {
	tarred := tarOf(f, kv{"a", []byte("hello")})
	fuzzOpen(f, tarred, gz(f, tarred), xzOf(f, tarred), []byte("BZh91AY&SY\x19\x31\x65\x3d"), []byte("\x28\xb5\x2f\xfd\x04\x00\x29\x00\x00hello"))
}

func FuzzCab(f *testing.F) {
	fuzzOpen(f, cabOf(f, 0, kv{"a", []byte("hello")}), cabOf(f, 1, kv{"a", []byte("hello")}, kv{"b", pe()}))
}

func FuzzISO(f *testing.F) {
	b := make([]byte, 20*2048)
	copy(b[32768:], "\x01CD001\x01")
	b[32768+158], b[32768+166+1] = 18, 8
	copy(b[18*2048:], []byte{36, 0, 19, 0, 0, 0, 0, 0, 0, 0, 5})
	b[18*2048+32], b[18*2048+33] = 1, 'a'
	fuzzOpen(f, b)
}

func FuzzOLE(f *testing.F) {
	fuzzOpen(f, oleOf(nil, kv{"Workbook", []byte("hello")}, kv{"Package", pe()}), oleOf(nil, kv{"WordDocument", []byte("x")}))
}

func FuzzDocument(f *testing.F) {
	fuzzOpen(f, []byte("%PDF-1.7\n1 0 obj<</S/J#61vaScript>>endobj"), []byte(`{\rtf1{\object\objdata}}`), []byte(`<svg onload="x"/>`),
		[]byte("%PDF-1.4\n5 0 obj<</Filter/Standard/V 2/R 3/Length 128/P -44/O(01234567890123456789012345678901)/U<00112233445566778899aabbccddeeff>>>endobj trailer<</Encrypt 5 0 R/ID[(a)(b)]>>"),
		[]byte("%PDF-1.7\n1 0 obj<</Type/ObjStm>>stream\nx\x9c\x03\x00\x00\x00\x00\x01endstream"), []byte(page))
}

func FuzzPackedIn(f *testing.F) {
	z := storedZip(f, kv{"a.ps1", []byte("x")})
	fuzzOpen(f, pdfFile("/Filter/FlateDecode", deflated(f, z)), pdfFile("", z), message("a.exe", pe()), oleOf(nil, kv{"\x01Ole10Native", native("a.vbs", z)}),
		[]byte(`{\rtf1{\object{\*\objdata 4d5a 90}}}`), entry{name: "a.txt", extra: unicodePath("a.txt", "a.ps1"), body: z}.zip(), twoDirectories(), directoryFirst(),
		le("\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac", uint64(len(z)), make([]byte, 12), z),
		zipOf(f, types(macroType), kv{"word/_rels/a.rels", []byte("'external'/frame")}))
}

func FuzzName(f *testing.F) {
	f.Add("/a/setup.exe;x", `attachment; filename="a\"b.ps1"; filename*=UTF-8''a%2Eps1`, "text/plain; charset=x", []byte("MZ"))
	f.Add("photo\u202egpj.exe", `inline; filename*0*=x''a; filename*1="b`, "", []byte("<svg"))
	f.Add("..", `;;;=;"`, ";", []byte{})
	f.Add("a", `attachment; filename="=?utf-8?Q?a=2Eps1?="`, "image/png", []byte("\x89PNG"))
	f.Fuzz(func(t *testing.T, path, disposition, typ string, head []byte) {
		m := files.Meta{Path: path, Disposition: []string{disposition, disposition}, Type: typ}
		g := files.Look(&m, head)
		if g.Format.String() == "" {
			t.Error("a format without words")
		}
		files.Tail(head)
		files.Smuggles(head)
		var h files.Hunt
		_ = h.Feed(head[:len(head)/2]) || h.Feed(head[len(head)/2:])
	})
}
