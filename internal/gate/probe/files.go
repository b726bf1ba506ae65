package probe

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"

	"belisha/internal/verdict"
)

// Test is one harmless file that looks as files of a kind do.
type Test struct {
	Kind verdict.FileKind
	Form string // "plain", "disguised" or "packed"
	Path string
	What string // "a program", "a program that says it is a picture"

	name, media string
	body        func() []byte
}

// made is a file under its own name.
type made struct {
	kind        verdict.FileKind
	what, name  string
	body        func() []byte
	recognised  bool // by its bytes, whatever its name says
	neverPacked bool // an archive itself
}

func makes() []made {
	return []made{
		{verdict.FileProgram, "a program", "setup.exe", program, true, false},
		{verdict.FileInstaller, "an installer", "package.deb", installer, true, false},
		{verdict.FileScript, "a script", "start.ps1", script, false, false},
		{verdict.FileApp, "an app", "game.apk", app, true, true},
		{verdict.FileMacro, "a document with macros", "letter.docm", macro, true, true},
		{verdict.FileDisk, "an image of a disc", "disc.iso", disk, false, true},
		{verdict.FileArchive, "an archive", "work.zip", archive, true, true},
		{verdict.FileLocked, "a locked archive", "locked.zip", locked, true, true},
	}
}

// Tests are the files there are, each under its own name, in disguise and in
// an archive, as far as that makes a difference.
func Tests() []Test {
	var out []Test
	for _, m := range makes() {
		at := pathFile + m.kind.String() + "/"
		out = append(out, Test{Kind: m.kind, Form: "plain", Path: at + "plain", What: m.what, name: m.name, media: "application/octet-stream", body: m.body})
		if m.recognised {
			out = append(out, Test{
				Kind: m.kind, Form: "disguised", Path: at + "disguised", What: m.what + " that says it is a picture",
				name: "photo.jpg", media: "image/jpeg", body: m.body,
			})
		}
		if !m.neverPacked {
			out = append(out, Test{
				Kind: m.kind, Form: "packed", Path: at + "packed", What: m.what + " in an archive", name: "homework.zip", media: "application/zip",
				body: func() []byte { return packed(file{m.name, string(m.body()), false}) },
			})
		}
	}
	return out
}

func find(path string) (Test, bool) {
	if !strings.HasPrefix(path, pathFile) {
		return Test{}, false
	}
	for _, t := range Tests() {
		if t.Path == path {
			return t, true
		}
	}
	return Test{}, false
}

// program is the head of a Windows program without a line of code: a system
// that is told to run it refuses.
func program() []byte {
	b := make([]byte, 1024)
	copy(b, "MZ")
	binary.LittleEndian.PutUint32(b[0x3c:], 0x80)
	copy(b[0x80:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(b[0x84:], 0x14c) // for 386
	binary.LittleEndian.PutUint16(b[0x94:], 0xe0)  // size of what follows
	binary.LittleEndian.PutUint16(b[0x96:], 0x102) // can be run
	binary.LittleEndian.PutUint16(b[0x98:], 0x10b)
	copy(b[0x200:], Says)
	return b
}

// installer is a Debian package that holds nothing but its version.
func installer() []byte {
	return fmt.Appendf(nil, "!<arch>\n%-16s%-12s%-6s%-6s%-8s%-10d`\n2.0\n", "debian-binary", "0", "0", "0", "100644", 4)
}

func script() []byte { return []byte("Write-Output \"" + Says + "\"\r\n") }

func app() []byte {
	return packed(file{"AndroidManifest.xml", "<manifest/>", false}, file{"classes.dex", "dex\n035\x00", false})
}

func macro() []byte {
	types := `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`
	return packed(file{"[Content_Types].xml", types, false}, file{"word/document.xml", "<w:document/>", false}, file{"word/vbaProject.bin", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", false})
}

// disk is the beginning of a disc: sixteen empty sectors and its first mark.
func disk() []byte {
	b := make([]byte, 18*2048)
	copy(b[16*2048:], "\x01CD001\x01")
	copy(b[17*2048:], "\xffCD001\x01")
	return b
}

func archive() []byte { return packed(file{"read me.txt", Says, false}) }

func locked() []byte { return packed(file{"read me.txt", Says, true}) }

type file struct {
	name, body string
	locked     bool
}

// packed is a zip of files, the same at any time.
func packed(list ...file) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range list {
		h := &zip.FileHeader{Name: f.name, Method: zip.Store, Modified: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		body := f.body
		if f.locked {
			h.Flags |= 1
			body = strings.Repeat("\x00", 12) + body // as long as the head of what is locked
		}
		out, err := w.CreateHeader(h)
		if err == nil {
			_, err = out.Write([]byte(body))
		}
		if err != nil {
			return nil // a buffer takes everything
		}
	}
	if w.Close() != nil {
		return nil
	}
	return b.Bytes()
}

// Largest is an archive of about a size with the test virus in it: a scanner
// that leaves out what is over its own limit does not find it.
func Largest(size int64) io.Reader {
	const block = 512
	pad := max(size-8*block, 0)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	bad := virus()
	err := w.WriteHeader(&tar.Header{Name: "test.bin", Mode: 0o600, Size: int64(len(bad))})
	if err == nil {
		_, err = w.Write(bad)
	}
	if err == nil {
		err = w.WriteHeader(&tar.Header{Name: "blank.txt", Mode: 0o600, Size: pad})
	}
	if err != nil {
		return bytes.NewReader(nil) // a buffer takes everything
	}
	end := make([]byte, 2*block+(block-pad%block)%block)
	return io.MultiReader(&b, io.LimitReader(blank{}, pad), bytes.NewReader(end))
}

// blank is nothing but spaces.
type blank struct{}

func (blank) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
