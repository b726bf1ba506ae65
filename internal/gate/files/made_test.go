package files_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"testing"
	"unicode/utf16"

	"belisha/internal/gate/files"
)

// le is little-endian numbers one behind the other.
func le(parts ...any) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		switch v := p.(type) {
		case string:
			b.WriteString(v)
		case []byte:
			b.Write(v)
		default:
			if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
				panic(err) // of a test's own making
			}
		}
	}
	return b.Bytes()
}

// rar4 is a RAR of version 4 with one stored file.
func rar4(name string, body []byte, flags uint16) []byte {
	block := func(kind byte, flags uint16, rest, data []byte) []byte {
		h := le(kind, flags, uint16(7+len(rest)), rest)
		return le(uint16(crc32.ChecksumIEEE(h)), h, data)
	}
	file := le(uint32(len(body)), uint32(len(body)), uint8(2), crc32.ChecksumIEEE(body), uint32(0), uint8(20), uint8(0x30), uint16(len(name)), uint32(0x20), name)
	return le("Rar!\x1a\x07\x00", block(0x73, flags, make([]byte, 6), nil), block(0x74, 0x8000|flags&4, file, body), block(0x7b, 0x4000, nil, nil))
}

// rar5 is a RAR of version 5 with one stored file.
func rar5(name string, body []byte) []byte {
	return le("Rar!\x1a\x07\x01\x00", block5(1, 0, []byte{0}, nil), block5(2, 2, rar5File(name, body), body), block5(5, 0, []byte{0}, nil))
}

func rar5File(name string, body []byte) []byte {
	v := binary.AppendUvarint
	h := v(nil, uint64(len(body))) // of the data
	h = v(h, 4)                    // has a checksum
	h = v(h, uint64(len(body)))
	h = v(h, 0x20)
	h = le(h, crc32.ChecksumIEEE(body))
	h = v(v(h, 0), 0) // stored, on Windows
	return append(v(h, uint64(len(name))), name...)
}

func block5(kind, flags uint64, rest, data []byte) []byte {
	h := append(binary.AppendUvarint(binary.AppendUvarint(nil, kind), flags), rest...)
	h = append(binary.AppendUvarint(nil, uint64(len(h))), h...)
	return le(crc32.ChecksumIEEE(h), h, data)
}

// cabOf is a cabinet whose one folder is packed by a method: 0, 1 (MSZIP), or
// one that is not unpacked.
func cabOf(t testing.TB, method uint16, list ...kv) []byte {
	t.Helper()
	var all, files []byte
	for _, e := range list {
		files = le(files, uint32(len(e.body)), uint32(len(all)), uint16(0), uint16(0), uint16(0), uint16(0x20), e.name, uint8(0))
		all = append(all, e.body...)
	}
	var data, dict []byte
	blocks := 0
	for rest := all; len(rest) > 0; blocks++ {
		part := rest[:min(len(rest), 32<<10)]
		rest = rest[len(part):]
		packed := part
		if method == 1 {
			var z bytes.Buffer
			z.WriteString("CK")
			w, err := flate.NewWriterDict(&z, 9, dict)
			if err == nil {
				_, err = w.Write(part)
			}
			if err == nil {
				err = w.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			packed, dict = z.Bytes(), part
		}
		data = le(data, uint32(0), uint16(len(packed)), uint16(len(part)), packed)
	}
	at := 36 + 8
	total := at + len(files) + len(data)
	head := le("MSCF", uint32(0), uint32(total), uint32(0), uint32(at), uint32(0), uint8(3), uint8(1), uint16(1), uint16(len(list)), uint16(0), uint16(1), uint16(0))
	return le(head, uint32(at+len(files)), uint16(blocks), method, files, data)
}

// oleOf is a compound file with streams, which are all at least 4,096 bytes.
func oleOf(class []byte, list ...kv) []byte {
	const sect = 512
	var data []byte
	fat := []uint32{0xfffffffd} // the table itself
	dirSectors := (len(list) + 1 + 3) / 4
	for i := range dirSectors {
		fat = append(fat, uint32(i+2))
	}
	fat[dirSectors] = 0xfffffffe
	dir := oleDir("Root Entry", 5, class, 0xfffffffe, 0)
	for _, e := range list {
		body := append(bytes.Clone(e.body), make([]byte, max(0, 4096-len(e.body)))...)
		kind := byte(2)
		if e.body == nil {
			kind = 1
			dir = append(dir, oleDir(e.name, kind, nil, 0, 0)...)
			continue
		}
		dir = append(dir, oleDir(e.name, kind, nil, uint32(len(fat)), uint32(len(body)))...)
		n := (len(body) + sect - 1) / sect
		for i := range n {
			next := uint32(len(fat) + 1)
			if i == n-1 {
				next = 0xfffffffe
			}
			fat = append(fat, next)
		}
		data = append(data, append(body, make([]byte, n*sect-len(body))...)...)
	}
	dir = append(dir, make([]byte, dirSectors*sect-len(dir))...)
	for len(fat) < 128 {
		fat = append(fat, 0xffffffff)
	}
	head := make([]byte, sect)
	copy(head, le("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", make([]byte, 16), uint16(0x3e), uint16(3), uint16(0xfffe), uint16(9), uint16(6), make([]byte, 6), uint32(0), uint32(1), uint32(1), uint32(0), uint32(4096), uint32(0xfffffffe), uint32(0), uint32(0xfffffffe), uint32(0), uint32(0)))
	for i := 80; i < sect; i++ {
		head[i] = 0xff
	}
	return le(head, fat[:128], dir, data)
}

func oleDir(name string, kind byte, class []byte, start, size uint32) []byte {
	b := make([]byte, 128)
	for i, u := range utf16.Encode([]rune(name)) {
		binary.LittleEndian.PutUint16(b[2*i:], u)
	}
	binary.LittleEndian.PutUint16(b[64:], uint16(2*len(utf16.Encode([]rune(name)))+2))
	b[66] = kind
	copy(b[80:], class)
	binary.LittleEndian.PutUint32(b[116:], start)
	binary.LittleEndian.PutUint32(b[120:], size)
	return b
}

func TestWhatIsMadeByHand(t *testing.T) {
	msi := []byte{0x84, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46}
	locked4 := rar4("photo.jpg", noise(300), 0x80)
	locked5 := le("Rar!\x1a\x07\x01\x00", block5(4, 0, le([]byte{0, 0, 15}, make([]byte, 16)), nil), noise(64))
	sheet := func(kind byte) []byte {
		return le(uint16(0x809), uint16(2), uint16(0), uint16(0x85), uint16(8), uint32(9), uint8(0), kind, uint8(1), uint8('a'), uint16(0x0a), uint16(0))
	}
	for _, c := range []struct {
		name string
		body []byte
		want string
	}{
		{"RAR 4", rar4("photo.jpg", pe(), 0), "program, archive"},
		{"RAR 4, locked names", locked4, "archive, locked"},
		{"RAR 4, a locked file", rar4("photo.ps1", noise(300), 4), "script, archive, locked"},
		{"RAR 5", rar5("photo.jpg", pe()), "program, archive"},
		{"RAR 5, locked names", locked5, "archive, locked"},
		{"RAR 5 cut short", rar5("photo.jpg", pe())[:200], "program, archive, unreadable"},
		{"RAR behind a program", append(pe(), rar5("x.ps1", []byte("hello"))...), "program, script, archive"},
		{"a cabinet, stored", cabOf(t, 0, kv{"a.txt", noise(40_000)}, kv{"photo.jpg", pe()}), "program, installer, archive"},
		{"a cabinet, MSZIP", cabOf(t, 1, kv{"a.txt", bytes.Repeat([]byte("frogs "), 20_000)}, kv{"photo.jpg", pe()}), "program, installer, archive"},
		{"a cabinet, LZX", cabOf(t, 0x1503, kv{"x.ps1", noise(400)}), "installer, script, archive, unreadable"},
		{"a cabinet cut short", cabOf(t, 0, kv{"a.txt", noise(40_000)})[:9000], "installer, archive, unreadable"},
		{"a Windows installer by its class", oleOf(msi, kv{"x", noise(5000)}), "installer"},
		{"a Windows installer by its tables", oleOf(nil, kv{"\u4840\u3f3f", noise(5000)}), "installer"},
		{"an old Word document", oleOf(nil, kv{"WordDocument", make([]byte, 4096)}), ""},
		{"an old Word document with macros", oleOf(nil, kv{"WordDocument", make([]byte, 4096)}, kv{"Macros", nil}, kv{"_VBA_PROJECT", make([]byte, 4096)}), "macro"},
		{"an old Word document with a password", oleOf(nil, kv{"WordDocument", append(make([]byte, 11), 1)}), "locked"},
		{"a new document with a password", oleOf(nil, kv{"EncryptionInfo", make([]byte, 4096)}, kv{"EncryptedPackage", make([]byte, 4096)}), "locked"},
		{"an old workbook", oleOf(nil, kv{"Workbook", sheet(0)}), ""},
		{"an old workbook with a sheet of macros", oleOf(nil, kv{"Workbook", sheet(1)}), "macro"},
		{"an old workbook with a password", oleOf(nil, kv{"Workbook", le(uint16(0x809), uint16(0), uint16(0x2f), uint16(0))}), "locked"},
		{"an old presentation with macros", oleOf(nil, kv{"PowerPoint Document", le([]byte{2, 0, 0, 4, 12, 0, 0, 0}, uint32(3), uint32(1), uint32(2))}), "macro"},
		{"a document with a packed file", oleOf(nil, kv{"\x01Ole10Native", pe()}), "program, active"},
		{"a message with a program attached", oleOf(nil, kv{"far", noise(70_000 - 512*4)}, kv{"__substg1.0_37010102", pe()}), "program"},
		{"a damaged old document with macros", append(oleOf(nil)[:512], le(utf16.Encode([]rune("_VBA_PROJECT")))...), "macro, unreadable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := look(t, c.body, files.Meta{Path: "/x"})
			if got := words(r.Kinds); got != c.want {
				t.Errorf("found %q (%v), want %q", got, r.Found, c.want)
			}
		})
	}
}
