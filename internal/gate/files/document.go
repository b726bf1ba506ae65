package files

import (
	"bytes"
	"html"
	"io"
	"path"
	"strings"

	"belisha/internal/verdict"
)

// role is what the names in a zip make of it.
type role struct {
	document bool
	kinds    Kinds
	what     string
}

// zipRole tells documents and packages from plain archives.
func zipRole(list []zipEntry) role {
	var r role
	has := map[string]bool{}
	for i := range list {
		n := strings.ToLower(strings.TrimLeft(strings.ReplaceAll(list[i].name, `\`, "/"), "/"))
		has[zipMark(n)] = true
		if n == "mimetype" && i == 0 {
			has["mimetype"] = true
		}
	}
	set := func(k verdict.FileKind, what string) { r.kinds, r.what = r.kinds|1<<k, what }
	switch {
	case has["androidmanifest.xml"]:
		set(verdict.FileApp, "Android app")
	case has["payload/"]:
		set(verdict.FileApp, "iPad app")
	case has["install.rdf"], has["mozilla.rsa"]:
		set(verdict.FileApp, "browser extension")
	case has["appxmanifest.xml"], has["appxbundlemanifest.xml"], has["extension.vsixmanifest"]:
		set(verdict.FileInstaller, "Windows app package")
	case has[".class"]:
		set(verdict.FileProgram, "Java program")
	case has["[content_types].xml"], has["mimetype"]:
		r.document = true
	}
	if has["macro"] {
		set(verdict.FileMacro, "macros")
	}
	return r
}

// zipMark is the part of a name that tells what a zip is.
func zipMark(n string) string {
	base := path.Base(n)
	switch {
	case base == "vbaproject.bin", strings.Contains(n, "/macrosheets/"), strings.HasPrefix(n, "basic/"), strings.HasPrefix(n, "scripts/") && strings.Count(n, "/") > 1:
		return "macro"
	case strings.HasPrefix(n, "payload/") && strings.Contains(n, ".app/"):
		return "payload/"
	case strings.HasSuffix(n, ".class"):
		return ".class"
	case n == "meta-inf/mozilla.rsa":
		return "mozilla.rsa"
	case n == "appxmetadata/appxbundlemanifest.xml":
		return "appxbundlemanifest.xml"
	}
	switch n {
	case "androidmanifest.xml", "install.rdf", "appxmanifest.xml", "extension.vsixmanifest", "[content_types].xml":
		return n
	}
	return ""
}

// part looks at the parts of a document that say something of the whole.
func (w *walk) part(it *item, name string, s *spool) {
	n := strings.ToLower(strings.TrimLeft(strings.ReplaceAll(name, `\`, "/"), "/"))
	active := func(what string) { w.rep.add(verdict.FileActive, what, it.where) }
	switch {
	case n == "[content_types].xml":
		if macroTypes(written(s)) {
			w.rep.add(verdict.FileMacro, "macros", it.where)
		}
	case n == "meta-inf/manifest.xml":
		if bytes.Contains(written(s), []byte("encryption-data")) {
			w.rep.add(verdict.FileLocked, errLocked.Error(), it.where)
		}
	case strings.HasSuffix(n, ".rels"):
		if fetches(written(s)) {
			active("a document that fetches more of itself")
		}
	case strings.HasPrefix(n, "xl/externallinks/") && bytes.Contains(written(s), []byte("ddelink")),
		strings.HasPrefix(n, "word/") && strings.HasSuffix(n, ".xml") && bytes.Contains(written(s), []byte("ddeauto")):
		active("a document that starts programs")
	}
}

// maxPart is how much of a document's part is read for what it says.
const maxPart = 1 << 20

// written is the beginning of a part as its readers take it: in one byte a
// letter, with references to letters resolved, in lower case.
func written(s *spool) []byte {
	b := make([]byte, min(s.n, maxPart))
	k, _ := s.ReadAt(b, 0)
	b = b[:k]
	if len(b) > 1 && (b[0] == 0 || b[1] == 0 || b[0] >= 0xfe) {
		b = bytes.ReplaceAll(b, []byte{0}, nil) // UTF-16
	}
	if bytes.Contains(b, []byte("&#")) {
		b = []byte(html.UnescapeString(string(b)))
	}
	return bytes.ToLower(b)
}

// macroTypes reports types of a document's parts by which its program runs
// macros. That a binary sheet may have some says nothing.
func macroTypes(types []byte) bool {
	return bytes.Count(types, []byte("macroenabled")) > bytes.Count(types, []byte("sheet.binary.macroenabled")) ||
		bytes.Contains(types, []byte("ms-office.vbaproject")) || bytes.Contains(types, []byte("macrosheet"))
}

// fetches reports links by which a document fetches more of itself when it is
// opened.
func fetches(rels []byte) bool {
	return (bytes.Contains(rels, []byte(`"external"`)) || bytes.Contains(rels, []byte("'external'"))) &&
		(bytes.Contains(rels, []byte("/attachedtemplate")) || bytes.Contains(rels, []byte("/oleobject")) || bytes.Contains(rels, []byte("/frame")))
}

// Chunks of a file that is searched: each begins with the end of the last.
const (
	chunkSize = 256 << 10
	overlap   = 8 << 10
)

// chunks gives a whole file to do, piece by piece.
func (w *walk) chunks(it *item, do func([]byte)) error {
	buf := room(&w.page, min(chunkSize, it.size))
	for at := int64(0); ; at += int64(len(buf) - overlap) {
		if !w.alive(it) {
			return w.over
		}
		n, err := it.r.ReadAt(buf, at)
		do(buf[:n])
		if err == nil && at+int64(n) < it.size {
			continue
		}
		if err != nil && err != io.EOF {
			return errDamaged
		}
		return nil
	}
}

// text looks at what is written: drawings with script, pages that put a file
// together themselves, documents whose macros are written out.
func (w *walk) text(it *item, f Format) error {
	var s smuggling
	var buf [96]byte
	drawing := f == SVG || string(typeOf(it.m.Type, &buf)) == "image/svg+xml"
	wide, begun := false, false
	return w.chunks(it, func(b []byte) {
		if !begun {
			begun, wide = true, len(b) > 1 && (b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff)
		}
		if wide {
			b = bytes.ReplaceAll(b, []byte{0}, nil)
		}
		if bytes.Contains(b, []byte("QWN0aXZlTWlt")) || bytes.Contains(b, []byte(`macrosPresent="yes"`)) ||
			f == XML && (bytes.Contains(b, []byte("application/vnd.ms-office.vbaProject")) || bytes.Contains(b, []byte("<ooo:module"))) {
			w.rep.add(verdict.FileMacro, "macros", it.where)
		}
		drawing = drawing || f == XML && bytes.Contains(b, []byte("http://www.w3.org/2000/svg"))
		if drawing && scripted(b) {
			w.rep.add(verdict.FileActive, "a drawing with script", it.where)
		}
		if f != Unknown && s.feed(b) {
			w.rep.add(verdict.FileActive, "a page that puts a file together itself", it.where)
		}
	})
}

// scripted reports script in a drawing.
func scripted(b []byte) bool {
	b = bytes.ToLower(b)
	if bytes.Contains(b, []byte("<script")) || bytes.Contains(b, []byte(":script")) || bytes.Contains(b, []byte("javascript:")) || bytes.Contains(b, []byte("data:text/html")) {
		return true
	}
	for at := 0; ; { // an attribute such as onload=
		i := bytes.Index(b[at:], []byte("on"))
		if i < 0 {
			return false
		}
		at += i
		if at > 0 && (b[at-1] <= ' ' || b[at-1] == '/' || b[at-1] == '"' || b[at-1] == '\'') {
			j := at + 2
			for j < len(b) && j < at+24 && b[j] >= 'a' && b[j] <= 'z' {
				j++
			}
			for j < len(b) && b[j] <= ' ' {
				j++
			}
			if j > at+2 && j < len(b) && b[j] == '=' {
				return true
			}
		}
		at += 2
	}
}

// smuggling gathers what a page needs to put a file together that never
// crossed the wire as one: the bytes, something to make a file of them, and
// something to save it.
type smuggling struct{ maker, saver, bytes bool }

// payloads are how programs and archives begin in base64, hex and as numbers.
var payloads = [...]string{
	"TVqQ", "TVpQ", "TVoA", "TVqA", "TVpB", "TVrN", "UEsDB", "UmFyIRo", "N3q8ry", "f0VMR", "0M8R4KGx", "TVNDRgAA",
	"MSWIM", "Q0QwMDE", "TAAAAAEUAg", "4d5a9000", "4D5A9000", "504b0304", "504B0304", "77,90,144,0", "77, 90, 144, 0", "0x4d,0x5a", "0x4D,0x5A", `\x4d\x5a`, `\x4D\x5A`,
}

// feed takes a piece of the page, and reports once all three were seen.
func (s *smuggling) feed(b []byte) bool {
	s.saver = s.saver || bytes.Contains(b, []byte("download")) || bytes.Contains(b, []byte("msSaveOrOpenBlob")) || bytes.Contains(b, []byte("msSaveBlob")) || bytes.Contains(b, []byte("showSaveFilePicker"))
	s.maker = s.maker || bytes.Contains(b, []byte("Blob(")) || bytes.Contains(b, []byte("createObjectURL")) || bytes.Contains(b, []byte("new File(")) ||
		bytes.Contains(b, []byte("data:application/")) || bytes.Contains(b, []byte(";base64,")) || bytes.Contains(b, []byte("msSaveBlob"))
	if !s.saver && !s.maker {
		return false
	}
	has, address := carries(b)
	s.bytes = s.bytes || has
	return address || s.saver && s.maker && s.bytes
}

// carries reports bytes of a program or archive written into a page: a known
// beginning at the start of a string, with more of the like behind it. address
// says that they stand in a data: URL, which saves itself.
func carries(b []byte) (has, address bool) {
	for _, p := range payloads {
		for at := 0; ; {
			i := bytes.Index(b[at:], []byte(p))
			if i < 0 {
				break
			}
			at += i
			if at > 0 && opens(b[at-1]) && long(b[at:]) {
				has, address = true, address || bytes.HasSuffix(b[:at], []byte(";base64,"))
			}
			at += len(p)
		}
	}
	return has, address
}

// opens reports what may stand in front of a literal.
func opens(c byte) bool {
	return c == '"' || c == '\'' || c == '`' || c == ',' || c == '[' || c == '(' || c == ' ' || c == '>' || c == '='
}

// long reports a literal that goes on, or runs out of this piece.
func long(b []byte) bool {
	n := 0
	for _, c := range b[:min(len(b), 100)] {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("+/=,-_\\ \r\n", c) >= 0 {
			n++
			continue
		}
		break
	}
	return n >= 64
}

// Smuggles reports a page whose script puts together a program or archive that
// is written into it, and offers to save it. Page is its decoded text.
func Smuggles(page []byte) bool {
	var s smuggling
	return s.feed(page)
}
