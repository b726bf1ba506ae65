package decode

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

func through(t testing.TB, b []byte, open func(io.Writer) io.WriteCloser) []byte {
	t.Helper()
	var out bytes.Buffer
	w := open(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func encode(t testing.TB, b []byte, coding string) []byte {
	t.Helper()
	return through(t, b, func(w io.Writer) io.WriteCloser {
		switch coding {
		case "gzip", "x-gzip":
			return gzip.NewWriter(w)
		case "zlib":
			return zlib.NewWriter(w)
		case "raw":
			f, err := flate.NewWriter(w, 6)
			if err != nil {
				t.Fatal(err)
			}
			return f
		case "br":
			return brotli.NewWriter(w)
		case "zstd":
			z, err := zstd.NewWriter(w)
			if err != nil {
				t.Fatal(err)
			}
			return z
		}
		t.Fatal(coding)
		return nil
	})
}

func TestBodiesAreReadAsBrowsersReadThem(t *testing.T) {
	plain := []byte("<p>the badword stands here</p>")
	gz, br := encode(t, plain, "gzip"), encode(t, plain, "br")
	half := encode(t, bytes.Repeat(plain, 1000), "gzip")
	tests := []struct {
		name   string
		body   []byte
		fields []string
		sniff  bool
		want   string
		err    error
	}{
		{"nothing", plain, nil, false, string(plain), nil},
		{"identity", plain, []string{"identity"}, false, string(plain), nil},
		{"gzip", gz, []string{"gzip"}, false, string(plain), nil},
		{"gzip by its old name in capitals", gz, []string{"X-GZIP"}, false, string(plain), nil},
		{"deflate with its wrapper", encode(t, plain, "zlib"), []string{"deflate"}, false, string(plain), nil},
		{"deflate without a wrapper", encode(t, plain, "raw"), []string{"deflate"}, false, string(plain), nil},
		{"gzip that is called deflate", gz, []string{"deflate"}, false, string(plain), nil},
		{"brotli", br, []string{"br"}, false, string(plain), nil},
		{"zstd", encode(t, plain, "zstd"), []string{"zstd"}, false, string(plain), nil},
		{"two over each other in one field", encode(t, gz, "br"), []string{"gzip, br"}, false, string(plain), nil},
		{"two over each other in two fields", encode(t, gz, "br"), []string{"gzip", "br"}, false, string(plain), nil},
		{"three", encode(t, encode(t, gz, "br"), "zstd"), []string{"gzip,br,zstd"}, false, string(plain), nil},
		{"identity between", gz, []string{"identity, gzip"}, false, string(plain), nil},
		{"a charset, which is no coding", plain, []string{"UTF-8"}, false, string(plain), nil},
		{"none", plain, []string{"none"}, false, string(plain), nil},
		{"a charset before a coding", gz, []string{"charset=utf-8, gzip"}, false, string(plain), nil},
		{"four", gz, []string{"gzip,gzip,gzip,gzip"}, false, "", ErrLayers},
		{"twenty", gz, []string{strings.Repeat("gzip,", 20)}, false, "", ErrLayers},
		{"not known", plain, []string{"foo"}, false, "", ErrUnknown},
		{"encrypted", plain, []string{"aes128gcm"}, false, "", ErrUnknown},
		{"with a dictionary", plain, []string{"dcb"}, false, "", ErrUnknown},
		{"said to be gzip and is not", plain, []string{"gzip"}, false, string(plain), nil},
		{"said to be zstd and is not", plain, []string{"zstd"}, false, string(plain), nil},
		{"not said to be gzip and is", gz, nil, true, string(plain), nil},
		{"said to be gzip once and is twice", encode(t, gz, "gzip"), []string{"gzip"}, true, string(plain), nil},
		{"two members", append(bytes.Clone(gz), gz...), []string{"gzip"}, false, string(plain) + string(plain), nil},
		{"junk behind the member", append(bytes.Clone(gz), "junk junk junk"...), []string{"gzip"}, false, string(plain), nil},
		{"a wrong sum", append(bytes.Clone(gz[:len(gz)-8]), 1, 2, 3, 4, 5, 6, 7, 8), []string{"gzip"}, false, string(plain), nil},
		{"cut off", half[:len(half)-60], []string{"gzip"}, false, "", io.ErrUnexpectedEOF},
		{"no brotli at all", []byte("\xff\xff\xff\xff\xff\xff\xff"), []string{"br"}, false, "", ErrDamaged},
		{"a zlib dictionary", []byte{0x78, 0xbb, 1, 2, 3, 4}, []string{"deflate"}, false, "", ErrDamaged},
		{"empty", nil, []string{"gzip"}, false, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, src := range []io.Reader{bytes.NewReader(tt.body), iotest.OneByteReader(bytes.NewReader(tt.body))} {
				r, err := Open(src, Parse(tt.fields), tt.sniff, Usual)
				if err != nil {
					if !errors.Is(err, tt.err) {
						t.Fatalf("opening: %v", err)
					}
					continue
				}
				got, err := io.ReadAll(r)
				r.Close()
				if !errors.Is(err, tt.err) && err != tt.err {
					t.Fatalf("got error %v, want %v", err, tt.err)
				}
				if tt.err == nil && string(got) != tt.want {
					t.Fatalf("got %q", got)
				}
			}
		})
	}
}

// zeros is endless nothing.
type zeros struct{ left int64 }

func (z *zeros) Read(b []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(b)), z.left)
	clear(b[:n])
	z.left -= n
	return int(n), nil
}

func TestWhatGrowsWithoutEndIsStopped(t *testing.T) {
	for _, coding := range []string{"gzip", "br", "zstd"} {
		var packed bytes.Buffer
		func() {
			var w io.WriteCloser
			switch coding {
			case "gzip":
				w = gzip.NewWriter(&packed)
			case "br":
				w = brotli.NewWriterLevel(&packed, 5)
			default:
				w, _ = zstd.NewWriter(&packed)
			}
			if _, err := io.Copy(w, &zeros{64 << 20}); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}()
		r, err := Open(&packed, []string{coding}, false, Usual)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, r)
		r.Close()
		if !errors.Is(err, ErrBomb) || n > 6<<20 {
			t.Errorf("%s: %d bytes were read, and then %v", coding, n, err)
		}
	}
}

func TestReadingEndsAtTheLimitAndGoesOnWhenItIsWidened(t *testing.T) {
	body := encode(t, bytes.Repeat([]byte("0123456789"), 1000), "gzip")
	r, err := Open(bytes.NewReader(body), []string{"gzip"}, false, Limits{Bytes: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	first, err := io.ReadAll(r)
	if err != nil || len(first) != 100 || !r.More() {
		t.Fatalf("%d bytes, %v, more %v", len(first), err, r.More())
	}
	r.Widen(0)
	rest, err := io.ReadAll(r)
	if err != nil || len(rest) != 9900 || r.More() {
		t.Fatalf("%d bytes, %v, more %v", len(rest), err, r.More())
	}
}

func TestAnErrorOfTheSiteIsNotTakenForDamage(t *testing.T) {
	broken := errors.New("the line is broken")
	body := encode(t, bytes.Repeat([]byte("abc"), 10_000), "gzip")
	r, err := Open(io.MultiReader(bytes.NewReader(body[:20]), iotest.ErrReader(broken)), []string{"gzip"}, false, Usual)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadAll(r); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	plain := []byte("some text that repeats, some text that repeats")
	for _, c := range []string{"gzip", "zlib", "raw", "br", "zstd"} {
		name := c
		if c == "zlib" || c == "raw" {
			name = "deflate"
		}
		f.Add(encode(f, plain, c), name)
	}
	f.Add([]byte("\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff"), "zstd")
	f.Add([]byte{0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, "gzip, br")
	f.Fuzz(func(t *testing.T, body []byte, field string) {
		r, err := Open(bytes.NewReader(body), Parse([]string{field}), true, Limits{Bytes: 8 << 20, Ratio: 250, Slack: 1 << 20})
		if err != nil {
			return
		}
		defer r.Close()
		if n, _ := io.Copy(io.Discard, r); n > 8<<20 {
			t.Errorf("%d bytes came out", n)
		}
	})
}

func BenchmarkGzip30KB(b *testing.B) {
	body := encode(b, bytes.Repeat([]byte("Pupils compare rivers and maps with help from the local museum. "), 480), "gzip")
	buf := make([]byte, 32<<10)
	b.ReportAllocs()
	b.SetBytes(30720)
	for b.Loop() {
		r, err := Open(bytes.NewReader(body), []string{"gzip"}, false, Usual)
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := r.Read(buf); err != nil {
				break
			}
		}
		r.Close()
	}
}
