// Package csvio reads the CSV that school systems and spreadsheets write, and
// writes CSV that a spreadsheet may open without harm.
//
// Reading finds the encoding (UTF-8 with or without a mark, UTF-16, and
// Windows-1252 where nothing else fits) and the delimiter, and tells both.
// Every row knows the line of the file it begins on. A row that cannot be
// read is reported as a fault and the rest is read on; a file that is no CSV
// at all (a spreadsheet, a web page) is refused with one sentence that says
// what it is.
package csvio

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Limits bound what is read.
type Limits struct {
	Bytes int64 // of the file
	Rows  int
	Field int // bytes of one cell
	Cells int // in one row
}

// Usual is enough for the roll of the largest school.
var Usual = Limits{Bytes: 64 << 20, Rows: 200_000, Field: 10_000, Cells: 500}

// File is what was read.
type File struct {
	Encoding  string // "UTF-8", "UTF-8 with a byte order mark", "UTF-16 LE", …
	Delimiter rune
	Header    []string
	// HeaderLine is the line of the file that the header begins on.
	HeaderLine int
	Rows       []Row
	Faults     []Fault
}

// Row is one row below the header, as wide as the header.
type Row struct {
	Line  int // the line of the file it begins on
	Cells []string
}

// Fault is a row that could not be read.
type Fault struct {
	Line   int
	Field  string // the header of the cell, "" where none is to blame
	Reason string
}

// Error is a file that is not read at all, in one sentence.
type Error string

func (e Error) Error() string { return string(e) }

// DelimiterName says a delimiter in words.
func DelimiterName(r rune) string {
	switch r {
	case ',':
		return "comma"
	case ';':
		return "semicolon"
	case '\t':
		return "tab"
	default:
		return string(r)
	}
}

// Read reads a whole CSV file whose first row that is not blank is its
// header.
func Read(r io.Reader, lim Limits) (*File, error) {
	raw, err := io.ReadAll(io.LimitReader(r, lim.Bytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	if int64(len(raw)) > lim.Bytes {
		return nil, Error(fmt.Sprintf("this file is larger than %d MB; export the roll alone, without photographs or history", lim.Bytes>>20))
	}
	text, encoding, err := decode(raw)
	if err != nil {
		return nil, err
	}
	return parse(text, encoding, lim)
}

// decode turns the file into UTF-8 and names what it was.
func decode(raw []byte) (text []byte, encoding string, err error) {
	switch {
	case len(bytes.TrimSpace(raw)) == 0:
		return nil, "", Error("this file is empty; export it again and look inside it first")
	case bytes.HasPrefix(raw, []byte{0xEF, 0xBB, 0xBF}):
		text, encoding = raw[3:], "UTF-8 with a byte order mark"
		if !utf8.Valid(text) {
			return nil, "", Error("this file says that it is UTF-8 and is not; export it again as “CSV UTF-8”")
		}
	case bytes.HasPrefix(raw, []byte{0xFF, 0xFE}):
		text, err = utf16(raw[2:], unicode.LittleEndian)
		encoding = "UTF-16 LE"
	case bytes.HasPrefix(raw, []byte{0xFE, 0xFF}):
		text, err = utf16(raw[2:], unicode.BigEndian)
		encoding = "UTF-16 BE"
	default:
		return decodeUnmarked(raw)
	}
	if err != nil {
		return nil, "", err
	}
	return text, encoding, refuse(text)
}

func decodeUnmarked(raw []byte) (text []byte, encoding string, err error) {
	if err := refuseBinary(raw); err != nil {
		return nil, "", err
	}
	switch zerosAt(raw) {
	case 1:
		text, err = utf16(raw, unicode.LittleEndian)
		encoding = "UTF-16 LE"
	case 0:
		text, err = utf16(raw, unicode.BigEndian)
		encoding = "UTF-16 BE"
	default:
		text, encoding = raw, "UTF-8"
		if !utf8.Valid(raw) {
			encoding = "Windows-1252"
			text, err = charmap.Windows1252.NewDecoder().Bytes(raw)
		}
	}
	if err != nil {
		return nil, "", Error("the letters of this file cannot be read; export it again as “CSV UTF-8”")
	}
	return text, encoding, refuse(text)
}

func utf16(raw []byte, order unicode.Endianness) ([]byte, error) {
	if len(raw)%2 != 0 {
		return nil, Error("this file stops in the middle of a letter; export it again")
	}
	out, err := unicode.UTF16(order, unicode.IgnoreBOM).NewDecoder().Bytes(raw)
	if err != nil {
		return nil, Error("the letters of this file cannot be read; export it again as “CSV UTF-8”")
	}
	return out, nil
}

// zerosAt says where the zero bytes of unmarked UTF-16 text stand: at odd
// places (1: little-endian), at even ones (0: big-endian), or -1 for neither.
func zerosAt(raw []byte) int {
	n := min(len(raw), 1024) &^ 1
	var zeros [2]int
	for i, b := range raw[:n] {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch {
	case n == 0 || len(raw)%2 != 0:
		return -1
	case zeros[1] > n/4 && zeros[0] == 0:
		return 1
	case zeros[0] > n/4 && zeros[1] == 0:
		return 0
	default:
		return -1
	}
}

var magics = []struct{ start, says string }{
	{"PK\x03\x04", "this is a spreadsheet (XLSX) or a zip file, not CSV; open it and save it as “CSV UTF-8”"},
	{"\xD0\xCF\x11\xE0", "this is an old Excel file, not CSV; open it and save it as “CSV UTF-8”"},
	{"%PDF", "this is a PDF, not CSV; ask for the export as CSV"},
	{"\x1f\x8b", "this is a compressed file, not CSV; unpack it first"},
	{"{\\rtf", "this is a word processor's file, not CSV; ask for the export as CSV"},
}

func refuseBinary(raw []byte) error {
	for _, m := range magics {
		if bytes.HasPrefix(raw, []byte(m.start)) {
			return Error(m.says)
		}
	}
	if bytes.IndexByte(raw, 0) >= 0 && zerosAt(raw) < 0 {
		return Error("this is not a text file; export the roll as CSV")
	}
	return nil
}

// refuse finds text that is something other than CSV.
func refuse(text []byte) error {
	head := bytes.ToLower(bytes.TrimSpace(text[:min(len(text), 2048)]))
	switch {
	case bytes.HasPrefix(head, []byte("<!doctype html")), bytes.HasPrefix(head, []byte("<html")):
		return Error("this is a web page, not CSV; perhaps the download asked you to sign in. Download it again and look inside it first")
	case bytes.HasPrefix(head, []byte("<?xml")), bytes.HasPrefix(head, []byte("<ctfile")):
		return Error("this is XML, not CSV; ask for the export as CSV")
	case bytes.HasPrefix(head, []byte("{")), bytes.HasPrefix(head, []byte("[{")):
		return Error("this is JSON, not CSV; ask for the export as CSV")
	case bytes.IndexByte(text, 0) >= 0:
		return Error("this is not a text file; export the roll as CSV")
	}
	return nil
}
