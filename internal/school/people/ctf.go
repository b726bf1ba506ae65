package people

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Bounds of a Common Transfer File. It is read as a stream, so that none of
// them is held at once.
const (
	maxCTF      = 256 << 20
	maxCTFToken = 1 << 20 // between one mark and the next
	maxCTFText  = 4 << 10 // of a value that is kept
	maxCTFDepth = 32
	maxCTFAttrs = 50
	maxCTFRows  = 200_000
	maxContacts = 30 // of one pupil
)

// ctfOld is the age from which a file's year groups are worth a word.
const ctfOld = 90 * 24 * time.Hour

// errCTFToken ends the reading of a file with a value beyond all measure.
var errCTFToken = errors.New("one value in it is longer than 1 MB; no Common Transfer File has such a value")

// ctfReader reads the Department for Education's Common Transfer File: pupils
// with their unique numbers and contacts, as one school sends them to the
// next. Document types, entities, and whatever could make a small file large
// are refused.
type ctfReader struct {
	x      *xml.Decoder
	gate   *tokenGate
	roll   *roll
	name   string
	depth  int
	head   map[string]string
	root   bool // the root element was seen
	pupils int
	folk   contacts
}

// tokenGate lets so much through and no more until it is set again.
type tokenGate struct {
	r    io.Reader
	left int
}

func (g *tokenGate) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, errCTFToken
	}
	n, err := g.r.Read(p[:min(len(p), g.left)])
	g.left -= n
	return n, err
}

// looksXML reports whether the head of a file is that of XML, in any of the
// encodings that are read.
func looksXML(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF"))
	head = bytes.ReplaceAll(bytes.TrimLeft(head, "\xFE\xFF"), []byte{0}, nil)
	head = bytes.ToLower(bytes.TrimSpace(head))
	for _, start := range []string{"<?xml", "<ctfile", "<!doctype ctfile"} {
		if bytes.HasPrefix(head, []byte(start)) {
			return true
		}
	}
	return false
}

// readCTF reads a whole file. now tells how old it is.
func readCTF(in io.Reader, name string, now time.Time) (*roll, error) {
	sum := sha256.New()
	in = io.TeeReader(in, sum)
	size := &io.LimitedReader{R: in, N: maxCTF + 1}
	text, encoding, err := xmlText(size)
	if err != nil {
		return nil, err
	}
	c := &ctfReader{
		name: name, gate: &tokenGate{r: text}, head: map[string]string{}, folk: contacts{at: map[string]int{}},
		roll: &roll{format: SourceCTF, partial: true, fills: true, has: map[string]bool{
			"given": true, "family": true, "preferred": true, "born": true, "upn": true, "year": true,
		}},
	}
	c.roll.encoding = encoding
	c.x = xml.NewDecoder(c.gate)
	c.x.CharsetReader = c.charset
	if err := c.whole(); err != nil {
		if size.N <= 0 {
			return nil, fmt.Errorf("it is larger than %d MB; a Common Transfer File has a few kilobytes for each pupil", maxCTF>>20)
		}
		return nil, c.sentence(err)
	}
	if _, err := io.Copy(io.Discard, size); err != nil {
		return nil, fmt.Errorf("reading to its end: %w", err)
	}
	c.finish(now)
	c.roll.digest = hex.EncodeToString(sum.Sum(nil))
	return c.roll, nil
}

// xmlText gives the file as the decoder can read it: without a mark, and not
// in UTF-16, whose declaration it could not see.
func xmlText(in io.Reader) (io.Reader, string, error) {
	b := bufio.NewReader(in)
	head, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", fmt.Errorf("reading its beginning: %w", err)
	}
	wide := func(order unicode.Endianness, name string) (io.Reader, string, error) {
		return unicode.UTF16(order, unicode.UseBOM).NewDecoder().Reader(b), name, nil
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		_, err := b.Discard(3)
		return b, "UTF-8 with a byte order mark", err
	case bytes.HasPrefix(head, []byte("\xFF\xFE")), bytes.HasPrefix(head, []byte("<\x00")):
		return wide(unicode.LittleEndian, "UTF-16 LE")
	case bytes.HasPrefix(head, []byte("\xFE\xFF")), bytes.HasPrefix(head, []byte("\x00<")):
		return wide(unicode.BigEndian, "UTF-16 BE")
	}
	return b, "UTF-8", nil
}

// charset is for what the file says of itself. A declaration of UTF-16 that
// could be read at all is not true any more, or never was.
func (c *ctfReader) charset(label string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "utf-16", "utf-16le", "utf-16be", "unicode", "us-ascii", "ascii", "utf8":
		return in, nil
	case "windows-1252", "cp1252", "iso-8859-1", "latin1", "iso8859-1":
		c.roll.encoding = "Windows-1252"
		return charmap.Windows1252.NewDecoder().Reader(in), nil
	case "iso-8859-15", "latin9":
		c.roll.encoding = "ISO-8859-15"
		return charmap.ISO8859_15.NewDecoder().Reader(in), nil
	}
	return nil, fmt.Errorf("it says that it is written in %q, which is not read; export it again as UTF-8", cut(label, 30))
}

// sentence says in words what stopped the reading.
func (c *ctfReader) sentence(err error) error {
	line, _ := c.x.InputPos()
	var syntax *xml.SyntaxError
	switch {
	case errors.Is(err, errCTFToken):
		return fmt.Errorf("line %d: %w", line, errCTFToken)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends in the middle; export or download it again")
	case errors.As(err, &syntax) && strings.Contains(syntax.Msg, "unexpected EOF"):
		return errors.New("it ends in the middle; export or download it again")
	case errors.As(err, &syntax) && strings.Contains(syntax.Msg, "entity"):
		return fmt.Errorf("line %d: it uses an abbreviation (an XML entity) that is not read; export it again", syntax.Line)
	case errors.As(err, &syntax) && strings.Contains(syntax.Msg, "UTF-8"):
		return fmt.Errorf("line %d: it says that it is UTF-8 and is not; export it again as UTF-8", syntax.Line)
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: it is damaged XML (%s); export or download it again", syntax.Line, cut(syntax.Msg, 100))
	}
	return err
}

// next gives the next mark, and holds the bounds.
func (c *ctfReader) next() (xml.Token, error) {
	c.gate.left = maxCTFToken
	t, err := c.x.Token()
	if err != nil {
		return nil, err
	}
	line, _ := c.x.InputPos()
	switch x := t.(type) {
	case xml.StartElement:
		c.depth++
		if c.depth > maxCTFDepth {
			return nil, fmt.Errorf("line %d: its elements lie more than %d deep; no Common Transfer File does", line, maxCTFDepth)
		}
		if len(x.Attr) > maxCTFAttrs {
			return nil, fmt.Errorf("line %d: an element has more than %d attributes; no Common Transfer File does", line, maxCTFAttrs)
		}
	case xml.EndElement:
		c.depth--
	case xml.Directive:
		return nil, fmt.Errorf("line %d: it has a document type of its own (<!DOCTYPE …>), and no Common Transfer File has one; it was not read", line)
	}
	return t, nil
}

// whole reads from the first mark to the last.
func (c *ctfReader) whole() error {
	for {
		t, err := c.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if s, ok := t.(xml.StartElement); ok {
			if err := c.top(s.Name.Local); err != nil {
				return err
			}
		}
	}
	switch {
	case !c.root:
		return errors.New("there is nothing in it; export it again and look inside it first")
	case c.pupils == 0:
		return errors.New("there is no pupil in it; export it again and look inside it first")
	}
	return nil
}

// top is an element outside of a pupil.
func (c *ctfReader) top(name string) error {
	switch {
	case !c.root && name != "CTfile":
		return fmt.Errorf("it is XML and no Common Transfer File: it begins with <%s>, and that one with <CTfile>", cut(name, 40))
	case !c.root:
		c.root = true
	case name == "Header":
		return c.element(func(path, text string) {
			if ctfHead[path] {
				c.head[path] = text
			}
		}, nil)
	case name == "Pupil":
		return c.pupil()
	}
	return nil
}

var ctfHead = map[string]bool{"CTFversion": true, "DateTime": true, "SourceSchool/SchoolName": true, "SourceSchool/AcademicYear": true}

// element reads to the end of the element that just began, and tells of every
// value in it by its path. ended is told of every element that closes.
func (c *ctfReader) element(value func(path, text string), ended func(path string)) error {
	var path []string
	var text strings.Builder
	for {
		t, err := c.next()
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		switch x := t.(type) {
		case xml.StartElement:
			path = append(path, x.Name.Local)
			text.Reset()
		case xml.CharData:
			if text.Len() < maxCTFText {
				text.Write(x[:min(len(x), maxCTFText)])
			}
		case xml.EndElement:
			if len(path) == 0 {
				return nil
			}
			at := strings.Join(path, "/")
			if s := strings.TrimSpace(text.String()); s != "" {
				value(at, s)
			}
			text.Reset()
			if ended != nil {
				ended(at)
			}
			path = path[:len(path)-1]
		}
	}
}

// finish says what is worth a word about the file as a whole.
func (c *ctfReader) finish(now time.Time) {
	c.roll.rows = append(c.roll.rows, c.folk.rows...)
	if len(c.folk.rows) > 0 {
		c.roll.has["children"] = true
	}
	if c.folk.others > 0 {
		c.roll.warn(c.name, 0, "Contacts", "%d contacts without parental responsibility, such as doctors and social workers, were left out", c.folk.others)
	}
	if v, err := strconv.ParseFloat(c.head["CTFversion"], 64); err != nil || v < 13 || v > 27 {
		c.roll.warn(c.name, 0, "CTFversion", "the file says that it is version “%s”; look at the people below with care", cut(c.head["CTFversion"], 20))
	}
	made, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(c.head["DateTime"], "Z"))
	if err == nil && now.Sub(made) > ctfOld {
		c.roll.warn(c.name, 0, "DateTime", "the file was made on %s, so its year groups are those of then", made.Format("2 January 2006"))
	}
}
