package lists

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

const (
	// maxLine bounds a line. No name comes near it; a long regular expression
	// might.
	maxLine    = 4096
	maxShown   = 80
	scanBuffer = 64 << 10
)

// lines reads a text file line by line, whatever ends its lines, and refuses
// what is no text.
type lines struct {
	name string
	scan *bufio.Scanner
	text *textReader
	no   int
	// A line that is too long is dropped but for its beginning.
	long    bool
	dropped []byte
	wasLong bool
}

func newLines(name string, r io.Reader) *lines {
	l := &lines{name: name, text: &textReader{name: name, r: r}}
	l.scan = bufio.NewScanner(l.text)
	l.scan.Buffer(make([]byte, 0, scanBuffer), scanBuffer)
	l.scan.Split(l.split)
	return l
}

// next gives the next line without its end, or io.EOF. tooLong tells that only
// the line's beginning is given.
func (l *lines) next() (line []byte, tooLong bool, err error) {
	l.wasLong = false
	if !l.scan.Scan() {
		if err := l.scan.Err(); err != nil {
			return nil, false, err
		}
		return nil, false, io.EOF
	}
	l.no++
	line = l.scan.Bytes()
	if l.wasLong {
		return l.dropped, true, nil
	}
	if l.no == 1 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line, false, nil
}

// split is a bufio.SplitFunc for LF, CRLF and CR.
func (l *lines) split(data []byte, atEOF bool) (int, []byte, error) {
	if len(data) == 0 {
		if atEOF && l.long {
			return 0, l.endLong(), nil
		}
		return 0, nil, nil
	}
	advance, line, ok := cutLine(data, atEOF)
	if ok && len(line) <= maxLine && !l.long {
		return advance, line, nil
	}
	if ok {
		l.startLong(line)
		return advance, l.endLong(), nil
	}
	if len(data) <= maxLine {
		return 0, nil, nil
	}
	l.startLong(data)
	// A CR at the very end may belong to a CRLF; it stays.
	if data[len(data)-1] == '\r' {
		return len(data) - 1, nil, nil
	}
	return len(data), nil, nil
}

func (l *lines) startLong(data []byte) {
	if !l.long {
		l.long = true
		l.dropped = append(l.dropped[:0], data[:min(len(data), maxShown+1)]...)
	}
}

func (l *lines) endLong() []byte {
	l.long, l.wasLong = false, true
	return []byte{}
}

// cutLine finds the first line of data. It reports false when its end is not
// in sight.
func cutLine(data []byte, atEOF bool) (advance int, line []byte, ok bool) {
	lf := bytes.IndexByte(data, '\n')
	end := lf
	if lf < 0 {
		end = len(data)
	}
	cr := bytes.IndexByte(data[:end], '\r')
	switch {
	case cr >= 0 && cr+1 == lf:
		return lf + 1, data[:cr], true
	case cr >= 0 && (cr+1 < len(data) || atEOF):
		return cr + 1, data[:cr], true
	case cr >= 0:
		return 0, nil, false
	case lf >= 0:
		return lf + 1, data[:lf], true
	case atEOF:
		return len(data), data, true
	}
	return 0, nil, false
}

// textReader refuses bytes that no text holds, and counts.
type textReader struct {
	name  string
	r     io.Reader
	bytes int64
	lines int
}

func (t *textReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	for i, c := range p[:n] {
		if c >= ' ' && c != 0x7f {
			continue
		}
		if c == '\n' {
			t.lines++
			continue
		}
		if c != '\r' && c != '\t' && c != '\f' {
			t.bytes += int64(i)
			return 0, &Refusal{File: t.name, Line: t.lines + 1, Reason: "the file holds binary control characters; this is no list"}
		}
	}
	t.bytes += int64(n)
	return n, err
}

// wide reports a text that is saved as UTF-16, as some programs of Windows do
// by themselves.
func wide(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff"))
}

// narrowed reads UTF-16 as UTF-8.
func narrowed(r io.Reader) (br *bufio.Reader, head []byte, err error) {
	decoder := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()
	br = bufio.NewReaderSize(transform.NewReader(r, decoder), sniffBytes)
	head, err = peek(br)
	return br, head, err
}

// notText refuses what lies where a list should be, in words that help.
func notText(name string, head []byte) error {
	switch {
	case isTar(head):
		return &Refusal{File: name, Reason: "this is an archive inside another; unpack it first"}
	case len(head) > 16 && (bytes.Equal(head[12:16], []byte("\x62\x31\x05\x00")) || bytes.Equal(head[12:16], []byte("\x00\x05\x31\x62"))):
		return &Refusal{File: name, Reason: "this is squidGuard's own database; bring the text files in from which it was made (domains, urls, expressions)"}
	}
	return nil
}

// looksLikeHTML reports a line that only a web page has.
func looksLikeHTML(line string) bool {
	if !strings.HasPrefix(line, "<") {
		return false
	}
	low := strings.ToLower(line[:min(len(line), 20)])
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body", "</html", "<title"} {
		if strings.HasPrefix(low, tag) {
			return true
		}
	}
	return false
}

// printable makes a line fit to be shown: at most 80 bytes, no control
// characters, valid UTF-8.
func printable(b []byte) string {
	cut := len(b) > maxShown
	if cut {
		b = b[:maxShown]
	}
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(string(b), "?"))
	for len(s) > maxShown {
		s = s[:len(s)-1]
	}
	return strings.ToValidUTF8(s, "")
}

// detector looks at the first file with anything in it.
type detector struct{ format Format }

func (d *detector) member(name string, r io.Reader) error {
	head, err := peek(r)
	if err != nil {
		return err
	}
	l := newLines(name, bytes.NewReader(head))
	for {
		line, _, err := l.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if text := string(bytes.TrimSpace(line)); looksLikeHTML(text) {
			return htmlRefusal(name, l.no)
		}
	}
	if len(bytes.TrimSpace(head)) == 0 {
		return nil
	}
	d.format = sniff(head)
	return errStop
}

// peek reads the beginning of a file without taking it away.
func peek(r io.Reader) ([]byte, error) {
	br, ok := r.(*bufio.Reader)
	if !ok {
		br = bufio.NewReaderSize(r, sniffBytes)
	}
	head, err := br.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head, nil
}

func htmlRefusal(name string, line int) error {
	return &Refusal{File: name, Line: line, Reason: "this is a web page, not a list; the address it came from may have moved or ask for a sign-in"}
}
