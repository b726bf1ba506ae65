package document

import (
	"bytes"
	"fmt"
)

// span is a bracketed span, or a bare trailing {control=…}, found in the text
// of one block. Offsets count bytes of the whole document.
type span struct {
	bare  bool // no brackets
	start int  // of the "[", or of the "{" of a bare one
	close int  // of the "]"
	end   int  // after the "}"
	attrs attrs
}

// piece is the joined text of one block and where each byte of it stands in
// the document.
type piece struct {
	text []byte
	at   []int
}

func (p piece) abs(i int) int {
	if i < len(p.at) {
		return p.at[i]
	}
	return p.at[len(p.at)-1] + 1
}

// fault is a problem at an offset.
type fault struct {
	at    int
	words string
}

// scanSpans finds the spans of one block.
func scanSpans(p piece) ([]*span, []fault) {
	s := &scanner{p: p}
	for s.i < len(p.text) {
		s.step()
	}
	return s.spans, s.faults
}

type scanner struct {
	p      piece
	i      int
	open   []int // positions of "[" not closed yet
	spans  []*span
	faults []fault
}

func (s *scanner) step() {
	switch s.p.text[s.i] {
	case '\\':
		s.i += 2
	case '`':
		s.code()
	case '[':
		if len(s.open) < 100 { // deeper nesting is not a policy
			s.open = append(s.open, s.i)
		}
		s.i++
	case ']':
		s.closeBracket()
	case '{':
		s.brace()
	default:
		s.i++
	}
}

// code skips a code span: a run of backticks up to the next run as long.
func (s *scanner) code() {
	t := s.p.text
	n := 0
	for s.i+n < len(t) && t[s.i+n] == '`' {
		n++
	}
	from := s.i + n
	for j := from; j < len(t); {
		if t[j] != '`' {
			j++
			continue
		}
		m := 0
		for j+m < len(t) && t[j+m] == '`' {
			m++
		}
		j += m
		if m == n {
			s.i = j
			return
		}
	}
	s.i = from
}

func (s *scanner) closeBracket() {
	t := s.p.text
	at := s.i
	braces := at+1 < len(t) && t[at+1] == '{'
	open := -1
	if n := len(s.open); n > 0 {
		open = s.open[n-1]
		s.open = s.open[:n-1]
	}
	if !braces {
		s.i++
		return
	}
	a, n, err := parseAttrs(t[at+1:])
	if err != nil {
		s.fault(at+1, err.Error())
		s.i = at + 2
		return
	}
	s.i = at + 1 + n
	if open < 0 {
		s.fault(at, "a ] with braces has no [ before it in this clause; put the value in [ and ]")
		return
	}
	s.spans = append(s.spans, &span{start: s.p.abs(open), close: s.p.abs(at), end: s.p.abs(s.i-1) + 1, attrs: a})
}

// brace meets a "{" that does not follow a "]". Ordinary braces in prose are
// left alone; those that were meant for us are read or reported.
func (s *scanner) brace() {
	t := s.p.text
	at := s.i
	s.i++
	if !looksMeant(t[at:]) || bytes.HasSuffix(t[:at], []byte(`\]`)) {
		return
	}
	a, n, err := parseAttrs(t[at:])
	if err != nil {
		s.fault(at, err.Error())
		return
	}
	s.i = at + n
	if _, set := a.pairs["set"]; set {
		s.fault(at, "set= must stand right after the value in square brackets, with no space: [90 days]{set=…}")
		return
	}
	if len(bytes.TrimSpace(t[s.i:])) > 0 && !onlySpans(t[s.i:]) {
		s.fault(at, "braces without brackets can only end a clause; write []"+string(t[at:s.i]))
		return
	}
	s.spans = append(s.spans, &span{bare: true, start: s.p.abs(at), close: s.p.abs(at), end: s.p.abs(s.i-1) + 1, attrs: a})
}

// onlySpans reports whether what is left of a clause is more controls.
func onlySpans(t []byte) bool {
	t = bytes.TrimSpace(t)
	return bytes.HasPrefix(t, []byte("{")) || bytes.HasPrefix(t, []byte("[]{"))
}

// meant are the beginnings by which braces are known to be ours.
var meant = []string{"set=", "control=", "req=", "#"}

func looksMeant(t []byte) bool {
	t = bytes.TrimLeft(t[1:], " \t")
	for _, m := range meant {
		if bytes.HasPrefix(t, []byte(m)) {
			return true
		}
	}
	return false
}

func (s *scanner) fault(i int, words string) {
	if len(s.faults) < 100 {
		s.faults = append(s.faults, fault{at: s.p.abs(i), words: words})
	}
}

// notReached is the fault of a span that the Markdown around it swallowed.
func notReached(sp *span) fault {
	what := "this span"
	if key := sp.attrs.pairs["set"]; key != "" {
		what = fmt.Sprintf("the value of %s", key)
	}
	return fault{at: sp.start, words: what + " stands inside code, a link address or HTML, where it is not read; move it into the sentence"}
}
