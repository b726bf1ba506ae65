package csvio

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

const quote = '"'

// scanner walks the text row by row and counts the file's lines.
type scanner struct {
	text  []byte
	pos   int
	line  int
	delim byte
	lim   Limits
}

// Faults of one row. The scanner then goes on at the next line of the file.
var (
	errBare   = errors.New("there is a quotation mark inside a cell that does not begin with one; put the cell in quotation marks and double the one inside")
	errAfter  = errors.New("there is text after a closing quotation mark; a quotation mark inside a cell must be doubled")
	errOpen   = errors.New("a quotation mark is opened here and never closed")
	errLong   = errors.New("a cell is longer than any name or number; a quotation mark may be missing")
	errCells  = errors.New("the row has far too many cells")
	errNoRows = Error("this file has a header and no rows; export it again with the people in it")
)

// NoRows reports whether a file was refused only for having a header and no
// rows.
func NoRows(err error) bool { return errors.Is(err, errNoRows) }

func parse(text []byte, encoding string, lim Limits) (*File, error) {
	s := &scanner{text: text, line: 1, lim: lim}
	f := &File{Encoding: encoding}
	s.separatorLine()
	s.skipBlank()
	f.HeaderLine = s.line
	if s.delim == 0 {
		s.delim = detectDelimiter(firstRecord(text[s.pos:]))
	}
	f.Delimiter = rune(s.delim)
	header, err := s.row()
	if err != nil {
		return nil, Error("the first row cannot be read: " + err.Error())
	}
	f.Header = trimHeader(header)
	if err := checkHeader(f.Header); err != nil {
		return nil, err
	}
	if err := s.rows(f); err != nil {
		return nil, err
	}
	if len(f.Rows) == 0 && len(f.Faults) == 0 {
		return nil, errNoRows
	}
	return f, nil
}

// maxFaults bounds the report of a file that is broken all through.
const maxFaults = 5000

func (s *scanner) rows(f *File) error {
	for {
		s.skipBlank()
		if s.pos >= len(s.text) {
			return nil
		}
		start, pos := s.line, s.pos
		cells, err := s.row()
		if err == nil {
			cells, err = fit(cells, len(f.Header))
		} else {
			s.resume(pos, start)
		}
		switch {
		case err != nil && len(f.Faults) >= maxFaults:
			return Error(fmt.Sprintf("more than %d rows of this file cannot be read; look at the first ones, mend the export and try again", maxFaults))
		case err != nil:
			f.Faults = append(f.Faults, Fault{Line: start, Field: columnName(f.Header, cells), Reason: err.Error()})
		case allBlank(cells):
		case len(f.Rows) >= s.lim.Rows:
			return Error(fmt.Sprintf("this file has more than %d rows; export only the people who are here now", s.lim.Rows))
		default:
			f.Rows = append(f.Rows, Row{Line: start, Cells: cells})
		}
	}
}

// columnName names the cell that a failed row stopped in.
func columnName(header, cells []string) string {
	if n := len(cells); n < len(header) {
		return header[n]
	}
	return ""
}

// fit makes a row as wide as the header. Empty cells at the end may be left
// out or too many; others are a fault.
func fit(cells []string, width int) ([]string, error) {
	for i := width; i < len(cells); i++ {
		if cells[i] != "" {
			return cells, fmt.Errorf("the row has %d cells and the header %d; a cell with a comma in it may need quotation marks", len(cells), width)
		}
	}
	for len(cells) < width {
		cells = append(cells, "")
	}
	return cells[:width], nil
}

func allBlank(cells []string) bool {
	for _, c := range cells {
		if c != "" {
			return false
		}
	}
	return true
}

// row reads one row. On a fault it returns the cells before it.
func (s *scanner) row() ([]string, error) {
	var cells []string
	for {
		cell, more, err := s.cell()
		if err != nil {
			return cells, err
		}
		cells = append(cells, strings.TrimSpace(cell))
		if !more {
			return cells, nil
		}
		if len(cells) >= s.lim.Cells {
			return cells, errCells
		}
	}
}

// cell reads one cell and reports whether another follows in its row.
func (s *scanner) cell() (cell string, more bool, err error) {
	for s.pos < len(s.text) && s.text[s.pos] == ' ' && s.delim != ' ' {
		s.pos++
	}
	if s.pos < len(s.text) && s.text[s.pos] == quote {
		return s.quoted()
	}
	start := s.pos
	for s.pos < len(s.text) {
		switch b := s.text[s.pos]; {
		case b == s.delim || b == '\n' || b == '\r':
			cell = string(s.text[start:s.pos])
			return cell, s.endCell(), nil
		case b == quote:
			return "", false, errBare
		case s.pos-start >= s.lim.Field:
			return "", false, errLong
		}
		s.pos++
	}
	return string(s.text[start:]), false, nil
}

// quoted reads a cell in quotation marks, which may hold delimiters, doubled
// quotation marks and ends of lines.
func (s *scanner) quoted() (cell string, more bool, err error) {
	s.pos++
	var b strings.Builder
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		switch {
		case c == quote && s.pos+1 < len(s.text) && s.text[s.pos+1] == quote:
			b.WriteByte(quote)
			s.pos += 2
			continue
		case c == quote:
			s.pos++
			more, err = s.afterQuote()
			return b.String(), more, err
		case b.Len() >= s.lim.Field:
			return "", false, errLong
		case c == '\n' || (c == '\r' && !s.at(s.pos+1, '\n')):
			s.line++
		}
		b.WriteByte(c)
		s.pos++
	}
	return "", false, errOpen
}

func (s *scanner) at(i int, b byte) bool { return i < len(s.text) && s.text[i] == b }

func (s *scanner) afterQuote() (more bool, err error) {
	for s.at(s.pos, ' ') {
		s.pos++
	}
	if s.pos >= len(s.text) {
		return false, nil
	}
	switch s.text[s.pos] {
	case s.delim, '\n', '\r':
		return s.endCell(), nil
	default:
		return false, errAfter
	}
}

// endCell steps over a delimiter or the end of a line.
func (s *scanner) endCell() (more bool) {
	if s.text[s.pos] == s.delim {
		s.pos++
		return true
	}
	s.newline()
	return false
}

func (s *scanner) newline() {
	if s.text[s.pos] == '\r' && s.at(s.pos+1, '\n') {
		s.pos++
	}
	s.pos++
	s.line++
}

// resume goes on at the line of the file after the one a faulty row begins
// on, so that a quotation mark that is never closed swallows one line and not
// the rest of the file.
func (s *scanner) resume(pos, line int) {
	s.pos, s.line = pos, line
	for s.pos < len(s.text) {
		if b := s.text[s.pos]; b == '\n' || b == '\r' {
			s.newline()
			return
		}
		s.pos++
	}
}

// skipBlank steps over lines with nothing in them.
func (s *scanner) skipBlank() {
	for s.pos < len(s.text) {
		end := s.pos
		for end < len(s.text) && (s.text[end] == ' ' || (s.text[end] == '\t' && s.delim != '\t')) {
			end++
		}
		if end < len(s.text) && s.text[end] != '\n' && s.text[end] != '\r' {
			return
		}
		s.pos = end
		if s.pos < len(s.text) {
			s.newline()
		}
	}
}

// separatorLine reads the "sep=;" that some spreadsheets put first.
func (s *scanner) separatorLine() {
	end := bytes.IndexAny(s.text, "\r\n")
	if end != 5 || !bytes.EqualFold(s.text[:4], []byte("sep=")) {
		return
	}
	if d := s.text[4]; d == ',' || d == ';' || d == '\t' {
		s.delim = d
		s.pos = end
		s.newline()
	}
}

// firstRecord is the text of the first record, quotation marks considered.
func firstRecord(text []byte) []byte {
	in := false
	for i, b := range text {
		switch {
		case b == quote:
			in = !in
		case (b == '\n' || b == '\r') && !in:
			return text[:i]
		}
	}
	return text
}

// detectDelimiter is the candidate that parts the header most often, outside
// quotation marks; a comma where none does.
func detectDelimiter(header []byte) byte {
	counts := map[byte]int{}
	in := false
	for _, b := range header {
		switch {
		case b == quote:
			in = !in
		case !in && (b == ',' || b == ';' || b == '\t'):
			counts[b]++
		}
	}
	best := byte(',')
	for _, d := range []byte{';', '\t'} {
		if counts[d] > counts[best] {
			best = d
		}
	}
	return best
}

// trimHeader drops empty names at the end, which spreadsheets leave.
func trimHeader(h []string) []string {
	for len(h) > 0 && h[len(h)-1] == "" {
		h = h[:len(h)-1]
	}
	return h
}

func checkHeader(h []string) error {
	if len(h) == 0 {
		return Error("the first row of this file is empty; it must hold the names of the columns")
	}
	seen := map[string]bool{}
	for _, name := range h {
		n := Plain(name)
		if n != "" && seen[n] {
			return Error(fmt.Sprintf("two columns are called “%s”; leave one of them out of the export", clip(name)))
		}
		seen[n] = true
	}
	return nil
}

func clip(s string) string {
	r := []rune(s)
	if len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
