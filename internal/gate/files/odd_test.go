package files_test

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"unicode/utf16"

	"belisha/internal/gate/files"
)

// entry is a stored entry of a zip that is put together by hand.
type entry struct {
	name, central string // central: the directory's name for it, where it differs
	extra, body   []byte
}

func (e entry) local() []byte {
	return le("PK\x03\x04", uint16(20), uint16(0), uint16(0), uint32(0), crc32.ChecksumIEEE(e.body), uint32(len(e.body)), uint32(len(e.body)), uint16(len(e.name)), uint16(len(e.extra)), e.name, e.extra, e.body)
}

func (e entry) record(at int) []byte {
	name := e.name
	if e.central != "" {
		name = e.central
	}
	return le("PK\x01\x02", uint16(20), uint16(20), uint16(0), uint16(0), uint32(0), crc32.ChecksumIEEE(e.body), uint32(len(e.body)), uint32(len(e.body)), uint16(len(name)), uint16(len(e.extra)), uint16(0), uint16(0), uint16(0), uint32(0), uint32(at), name, e.extra)
}

func zipCloses(n, size, at int, comment []byte) []byte {
	return le("PK\x05\x06", uint32(0), uint16(n), uint16(n), uint32(size), uint32(at), uint16(len(comment)), comment)
}

func (e entry) zip() []byte {
	l, c := e.local(), e.record(0)
	return le(l, c, zipCloses(1, len(c), len(l), nil))
}

// twoDirectories is a zip whose comment holds the end of another one: what is
// read from its end sees a text, what is read to its end sees a program.
func twoDirectories() []byte {
	a := entry{name: "a.txt", body: []byte("hello")}
	first := le(a.local(), a.record(0))
	b := entry{name: "photo.jpg", body: pe()}
	l, c := b.local(), b.record(len(first))
	return le(first, l, c, zipCloses(1, len(c), len(first)+len(l), zipCloses(1, len(a.record(0)), len(a.local()), nil)))
}

// directoryFirst is a zip whose directory stands before some of its files.
func directoryFirst() []byte {
	a := entry{name: "a.txt", body: []byte("hello")}
	return le(a.local(), a.record(0), entry{name: "photo.jpg", body: pe()}.local(), zipCloses(1, len(a.record(0)), len(a.local()), nil))
}

func unicodePath(name, other string) []byte {
	x := le(uint8(1), crc32.ChecksumIEEE([]byte(name)), other)
	return le(uint16(0x7075), uint16(len(x)), x)
}

func wide(s string) []byte {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func types(of string) kv {
	return kv{"[Content_Types].xml", []byte(`<?xml version="1.0"?><Types><Override ContentType="` + of + `"/></Types>`)}
}

const macroType = "application/vnd.ms-word.document.macroEnabled.main+xml"

func pdfFile(dict string, body []byte) []byte {
	return []byte(fmt.Sprintf("%%PDF-1.7\n4 0 obj\n<</Type/EmbeddedFile%s/Length %d>>\nstream\n%s\nendstream endobj\n", dict, len(body), body))
}

func deflated(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func message(name string, body []byte) []byte {
	return []byte("From: office@school.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nHello\r\n--x\r\n" +
		"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"" + name + "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(body) + "\r\n--x--\r\n")
}

func native(name string, body []byte) []byte {
	b := le(uint16(2), name, uint8(0), `C:\x\`+name, uint8(0), uint32(0x30000), uint32(4), "tmp\x00", uint32(len(body)), body)
	return le(uint32(len(b)), b)
}

func TestFilesAsNoProgramMakesThem(t *testing.T) {
	script := []byte("Write-Host hello\r\n")
	skippable := le("\x53\x2a\x4d\x18", uint32(4), "junk")
	svg := `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`
	stored := storedZip(t, kv{"setup.exe", pe()})
	picture := append(png(), noise(200_000)...)
	seven := le("7z\xbc\xaf\x27\x1c", uint16(4), uint32(0x8d9bd50f), make([]byte, 20))
	for _, c := range []struct {
		name string
		body []byte
		meta files.Meta
		want string
	}{
		{"a zip whose comment ends another one", twoDirectories(), files.Meta{}, "program, archive"},
		{"a zip whose directory stands before its files", directoryFirst(), files.Meta{}, "program, archive"},
		{"an entry with another name in Unicode", entry{name: "a.txt", extra: unicodePath("a.txt", "a.ps1"), body: script}.zip(), files.Meta{}, "script, archive"},
		{"an entry that is two kinds by two names", entry{name: "a.swf", central: "a.ps1", body: script}.zip(), files.Meta{}, "script, active, archive"},
		{"a zip with far too many entries is still known for a program", manyEntries(t), files.Meta{}, "program, script, archive, unreadable"},
		{"zstd behind something to skip", append(bytes.Clone(skippable), zst(t, pe())...), files.Meta{}, "program, archive"},
		{"lz4 behind something to skip", append(bytes.Clone(skippable), "\x04\x22\x4d\x18abcdefgh"...), files.Meta{}, "archive, unreadable"},
		{"old lz4", append([]byte("\x02\x21\x4c\x18"), noise(100)...), files.Meta{}, "archive, unreadable"},
		{"attachments of Outlook", append([]byte("\x78\x9f\x3e\x22"), noise(100)...), files.Meta{Path: "/winmail.dat"}, "archive, unreadable"},
		{"what is called lzma and begins as nothing", noise(300), files.Meta{Path: "/a.lzma"}, "archive, unreadable"},
		{"the second part of a split archive", noise(300), files.Meta{Path: "/a.7z.002"}, "archive, unreadable"},
		{"PowerShell in UTF-16", wide(string(script)), files.Meta{Path: "/a.ps1", Type: "text/plain"}, "script"},
		{"an export of the registry, in UTF-16", wide("Windows Registry Editor Version 5.00\r\n"), files.Meta{Path: "/x", Type: "text/plain"}, "script"},
		{"a text in UTF-16", wide("Hello, this is a text.\r\n"), files.Meta{Path: "/a.txt", Type: "text/plain"}, ""},
		{"compiled AppleScript", append([]byte("FasdUAS 1.101.10"), noise(100)...), files.Meta{}, "script"},
		{"a drawing in UTF-16 with script", wide(svg), files.Meta{Type: "image/svg+xml"}, "active"},
		{"a drawing with a prefix, with script", []byte(`<?xml version="1.0"?><s:svg xmlns:s="http://www.w3.org/2000/svg"><s:script>alert(1)</s:script></s:svg>`), files.Meta{Type: "image/svg+xml"}, "active"},
		{"a drawing of an odd type of document, with script", []byte(`<!DOCTYPE x [<!ENTITY a "b">]>` + svg), files.Meta{Type: "image/svg+xml"}, "active"},
		{"a document whose types are in UTF-16", zipOf(t, kv{"[Content_Types].xml", wide(string(types(macroType).body))}), files.Meta{}, "macro"},
		{"a document whose types are written with references", zipOf(t, types(strings.Replace(macroType, "E", "&#69;", 1))), files.Meta{}, "macro"},
		{"a document with macros under another name", docx(t, kv{"word/notes.bin", nil}, types("application/vnd.ms-office.vbaProject")), files.Meta{}, "macro"},
		{"a document in one piece of XML with macros", []byte(`<?xml version="1.0"?><pkg:package><pkg:part pkg:name="/word/vbaProject.bin" pkg:contentType="application/vnd.ms-office.vbaProject"/></pkg:package>`), files.Meta{Path: "/a.xml", Saved: true}, "macro"},
		{"an OpenDocument text in one piece with macros", []byte(`<?xml version="1.0"?><office:document><office:scripts><ooo:module ooo:name="a"/></office:scripts></office:document>`), files.Meta{Path: "/a.fodt", Saved: true}, "macro"},
		{"a page about such documents", []byte(`<!doctype html><p>The type is application/vnd.ms-office.vbaProject.`), files.Meta{Type: "text/html"}, ""},
		{"a binary workbook without macros", zipOf(t, types("application/vnd.ms-excel.sheet.binary.macroEnabled.main"), kv{"xl/workbook.bin", nil}), files.Meta{}, ""},
		{"a binary workbook with macros", zipOf(t, types("application/vnd.ms-excel.sheet.binary.macroEnabled.main"), kv{"xl/vbaProject.bin", nil}), files.Meta{}, "macro"},
		{"a template fetched, in single quotes", docx(t, kv{"word/_rels/settings.xml.rels", []byte(`<Relationship Type='http://x/attachedTemplate' Target='http://x.test/a' TargetMode='External'/>`)}), files.Meta{}, "active"},
		{"a template fetched, in UTF-16", docx(t, kv{"word/_rels/settings.xml.rels", wide(`<Relationship Type="http://x/attachedTemplate" TargetMode="External"/>`)}), files.Meta{}, "active"},
		{"a link on a slide", zipOf(t, types("x"), kv{"ppt/slides/_rels/slide1.xml.rels", []byte(`<Relationship Type="http://x/hyperlink" Target="http://x.test/" TargetMode="External"/>`)}), files.Meta{}, ""},
		{"a text field that starts programs", zipOf(t, types("x"), kv{"word/document.xml", []byte(`<w:instrText>DDEAUTO c:\\windows\\cmd.exe</w:instrText>`)}), files.Meta{}, "active"},
		{"a sheet that starts programs", zipOf(t, types("x"), kv{"xl/externalLinks/externalLink1.xml", []byte(`<ddeLink ddeService="cmd"/>`)}), files.Meta{}, "active"},
		{"a program packed into a PDF", pdfFile("/Filter/FlateDecode", deflated(t, pe())), files.Meta{}, "program, active"},
		{"a script in a zip packed into a PDF", pdfFile("", storedZip(t, kv{"a.ps1", script})), files.Meta{}, "script, active, archive"},
		{"a file packed into a PDF otherwise", pdfFile("/Filter/LZWDecode", script), files.Meta{}, "active, unreadable"},
		{"a script in a zip packed into a PDF that says another length", bytes.Replace(pdfFile("", storedZip(t, kv{"a.ps1", script})), []byte("/Length "), []byte("/Length 7 0 R/Was "), 1), files.Meta{}, "script, active, archive"},
		{"a PDF with a file pinned to it", []byte("%PDF-1.7\n1 0 obj<</Subtype/FileAttachment>>endobj"), files.Meta{}, "active"},
		{"a PDF with a file that says no type", []byte("%PDF-1.7\n1 0 obj<</F(a.exe)/EF 3 0 R>>endobj"), files.Meta{}, "active"},
		{"a PDF with those letters", []byte("%PDF-1.7\n1 0 obj<</Name/EF/B 1>>endobj"), files.Meta{}, ""},
		{"a program in notes", le("\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", noise(70_000), "\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac", uint64(len(stored)), make([]byte, 12), stored), files.Meta{}, "program, active, archive"},
		{"a program in hex in RTF", []byte(`{\rtf1{\object{\*\objdata ` + hex.EncodeToString(pe()[:512]) + "\r\n" + hex.EncodeToString(pe()[512:]) + `}}}`), files.Meta{}, "program, active"},
		{"a script packed into an old document", oleOf(nil, kv{"\x01Ole10Native", native("invoice.vbs", script)}), files.Meta{}, "script, active"},
		{"a message with a program attached", message("photo.jpg", pe()), files.Meta{Type: "message/rfc822"}, "program"},
		{"a message with a script attached", message("invoice.js", script), files.Meta{Type: "message/rfc822"}, "script"},
		{"a message with a text attached", message("a.txt", []byte("hello")), files.Meta{Type: "message/rfc822"}, ""},
		{"a text with a colon in its first line", []byte("Remember: bring your coat.\nMIME-version: none\n"), files.Meta{Type: "text/plain"}, ""},
		{"a program far behind a picture", append(bytes.Clone(picture), pe()...), files.Meta{Type: "image/png", Disposition: []string{"attachment"}}, "program"},
		{"a 7z far behind a picture", append(bytes.Clone(picture), seven...), files.Meta{Type: "image/png"}, "archive"},
		{"a script of a type that a browser saves", []byte("print('hello')\n"), files.Meta{Path: "/x", Type: "application/x-python-code"}, "script"},
		{"a script from a store of bytes", []byte("print('hello')\n"), files.Meta{Path: "/a.py", Type: "binary/octet-stream"}, "script"},
		{"a script behind what looks like parameters", script, files.Meta{Path: "/a.txt;x=.ps1", Type: "text/plain"}, "script"},
		{"a compiled database", noise(300), files.Meta{Path: "/a.accde", Type: "application/octet-stream"}, "macro"},
		{"a page of Visual Basic", []byte("Module A\n"), files.Meta{Path: "/lesson.vb", Type: "text/plain"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := look(t, c.body, c.meta)
			if got := words(r.Kinds); got != c.want {
				t.Errorf("found %q (%v), want %q", got, r.Found, c.want)
			}
		})
	}
}

// manyEntries is a Java program of more entries than are looked at.
func manyEntries(t *testing.T) []byte {
	t.Helper()
	list := []kv{{"a/Main.class", []byte("\xca\xfe\xba\xbe\x00\x00\x00\x3d")}}
	for i := range 10_000 {
		list = append(list, kv{fmt.Sprintf("a/%d.txt", i), nil})
	}
	return storedZip(t, append(list, kv{"last.ps1", nil})...)
}

func TestAnArchiveIsFoundWhereverThePiecesEnd(t *testing.T) {
	for _, sig := range []string{"7z\xbc\xaf\x27\x1c\x00\x04", "Rar!\x1a\x07\x00", "Rar!\x1a\x07\x01\x00"} {
		b := []byte("a picture's bytes " + sig + " and so on for a while")
		for first := range len(b) {
			for _, step := range []int{1, 2, 3, 7, 64} {
				var h files.Hunt
				found := h.Feed(b[:first])
				for at := first; at < len(b); at += step {
					found = h.Feed(b[at:min(len(b), at+step)]) || found
				}
				if !found {
					t.Fatalf("%q was not seen in pieces of %d after %d", sig, step, first)
				}
			}
		}
	}
	var h files.Hunt
	if h.Feed([]byte("7z and Rar! are names of programs. 7z\xbc\xaf\x27\x1cXX")) {
		t.Error("words were taken for an archive")
	}
}
