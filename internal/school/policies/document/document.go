// Package document reads a school's policy: Markdown in which the value in a
// sentence is the setting and a clause names the controls that keep it true.
//
//   - Staff change their password every [90 days]{set=access.staff.password-max-age}. []{control=password-age}
//
// It knows the form only: front matter, headings, clauses, Pandoc's bracketed
// spans, line numbers, and how two documents differ. What a setting or a
// control means is the business of package policies. Nothing here does I/O.
package document

import (
	"fmt"
	"sort"

	"belisha/internal/kit/setting"
)

// Bounds on a document, so that nobody can make the reader work for hours.
const (
	MaxBytes   = 512 << 10
	maxLine    = 8000
	maxClauses = 4000
)

// Level says how bad a problem is.
type Level string

// The levels. A document with an error cannot be activated.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Note    Level = "note"
)

// Problem is one thing that a check has to say about a document.
type Problem struct {
	Level  Level  `json:"level"`
	Line   int    `json:"line"` // 1 is the first line; 0 is the whole document
	Clause string `json:"clause,omitempty"`
	Code   string `json:"code"`  // stable word: "unknown-setting"
	Words  string `json:"words"` // what is wrong and what to do
}

// String is the problem as a console prints it.
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.Level, p.Words)
	}
	return fmt.Sprintf("line %d: %s: %s", p.Line, p.Level, p.Words)
}

// SortProblems puts problems in the order of the document.
func SortProblems(ps []Problem) {
	sort.SliceStable(ps, func(i, j int) bool { return ps[i].Line < ps[j].Line })
}

// Doc is a policy that has been read.
type Doc struct {
	Text    string
	Meta    Meta
	Clauses []*Clause
	Blocks  []Block // the whole document for a page, in order
}

// Clause is one list item, paragraph or table row.
type Clause struct {
	ID        string
	Line      int
	Heading   string
	HeadingID string
	// Text is what it says, without any markup.
	Text         string
	Values       []Value
	Controls     []ControlRef
	Requirements []string // ids of the ledger that it names with req=
	// Lead is a paragraph that ends in a colon and leads into a list.
	Lead bool

	given bool // the id stands in the document
	reqAt int
}

// RequirementsLine is the line on which the clause names its requirements.
func (c *Clause) RequirementsLine() int {
	if c.reqAt > 0 {
		return c.reqAt
	}
	return c.Line
}

// Value is a value in a sentence.
type Value struct {
	Key   string
	Words string // the words in the brackets, markup stripped
	Scope setting.Scope
	Line  int
	// Reason and Review go with a value that switches something off: why, and
	// the day (2027-09-01) on which it is looked at again.
	Reason string
	Review string
}

// ControlRef is a control that a clause names, by slug or number.
type ControlRef struct {
	Name string
	Line int
	// Off: the school does not apply it here; Reason says why and Review is
	// the day on which that is looked at again.
	Off    bool
	Reason string
	Review string
}

// BlockKind is a sort of block.
type BlockKind string

// The sorts of block a page shows.
const (
	HeadingBlock   BlockKind = "heading"
	ParagraphBlock BlockKind = "paragraph"
	ListBlock      BlockKind = "list"    // Children are items
	OrderedBlock   BlockKind = "ordered" // Children are items
	ItemBlock      BlockKind = "item"    // Runs, then Children (inner lists)
	QuoteBlock     BlockKind = "quote"
	TableBlock     BlockKind = "table" // Children are rows
	RowBlock       BlockKind = "row"   // Cells
	HeadRowBlock   BlockKind = "headrow"
	CodeBlock      BlockKind = "code"
	RuleBlock      BlockKind = "rule"
)

// Block is a piece of the document as a page shows it. It holds words and
// marks only, never HTML: the page's template escapes every word.
type Block struct {
	Kind     BlockKind
	Level    int    // of a heading, 1…6
	ID       string // anchor of a heading
	Clause   *Clause
	Runs     []Run
	Cells    [][]Run
	Children []Block
	Start    int // first number of an ordered list
}

// Run is a stretch of words in one style.
type Run struct {
	Text   string
	Strong bool
	Em     bool
	Code   bool
	Break  bool   // a hard line break, no text
	Href   string // a link, http, https, mailto or #anchor only
	Set    string // the key whose value these words are
}

// Clause returns the clause with the id.
func (d *Doc) Clause(id string) (*Clause, bool) {
	for _, c := range d.Clauses {
		if c.ID == id {
			return c, true
		}
	}
	return nil, false
}

// Values returns every value of the document, in order, with its clause.
// Those of the front matter come first and have no clause.
func (d *Doc) Values() []Placed {
	var out []Placed
	for _, v := range d.Meta.values() {
		out = append(out, Placed{Value: v})
	}
	for _, c := range d.Clauses {
		for _, v := range c.Values {
			out = append(out, Placed{Value: v, Clause: c.ID})
		}
	}
	return out
}

// Placed is a value with the clause it stands in, "" for the front matter.
type Placed struct {
	Value
	Clause string
}
