package document

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Parse reads a document. It always returns a Doc, as much of it as could be
// read; an error among the problems means that it is not to be relied on.
func Parse(source string) (*Doc, []Problem) {
	if p := refuse(source); p != nil {
		return &Doc{}, []Problem{*p}
	}
	source = strings.TrimPrefix(source, "\ufeff")
	source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	r := &reader{doc: &Doc{Text: source}, lines: lineStarts(source)}
	front, body, problem := splitFront(source)
	if problem != nil {
		r.problems = append(r.problems, *problem)
	}
	meta, problems := parseFront(front)
	r.doc.Meta = meta
	r.problems = append(r.problems, problems...)
	r.source = []byte(body)
	r.read()
	SortProblems(r.problems)
	return r.doc, r.problems
}

// refuse says why a text is not even looked at.
func refuse(source string) *Problem {
	bad := func(line int, words string) *Problem {
		return &Problem{Level: Error, Line: line, Code: "unreadable", Words: words}
	}
	if len(source) > MaxBytes {
		return bad(0, fmt.Sprintf("the document is larger than %d KB; split it or leave out what is not text", MaxBytes>>10))
	}
	if strings.TrimSpace(source) == "" {
		return bad(0, "the document is empty")
	}
	if !utf8.ValidString(source) || strings.ContainsRune(source, 0) {
		return bad(0, "the document is not UTF-8 text; save it as plain text in UTF-8")
	}
	for i, l := range strings.Split(source, "\n") {
		if len(l) > maxLine {
			return bad(i+1, fmt.Sprintf("the line is longer than %d characters; break it", maxLine))
		}
	}
	return nil
}

func lineStarts(s string) []int {
	starts := []int{0}
	for i := 0; i < len(s); i++ {
		if s[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// reader turns goldmark's tree into blocks and clauses.
type reader struct {
	doc      *Doc
	source   []byte
	lines    []int
	problems []Problem
	seen     map[*span]bool

	ids       map[string]int // every anchor and clause id → line
	heading   string
	headingID string
	place     map[string]int // clauses so far under each heading
}

func (r *reader) line(offset int) int {
	return sort.SearchInts(r.lines, offset+1)
}

func (r *reader) problem(level Level, line int, code, words string) {
	if len(r.problems) < 1000 {
		r.problems = append(r.problems, Problem{Level: level, Line: line, Code: code, Words: words})
	}
}

func (r *reader) read() {
	var spans []*span
	for _, p := range r.pieces() {
		found, faults := scanSpans(p)
		spans = append(spans, found...)
		for _, f := range faults {
			r.problem(Error, r.line(f.at), "span", f.words)
		}
	}
	r.seen = map[*span]bool{}
	r.ids = map[string]int{}
	r.place = map[string]int{}
	r.headingID = "top"
	tree := r.markdown(newSpanParser(spans))
	r.reserve(tree, spans)
	r.doc.Blocks = r.blocks(tree)
	for _, s := range spans {
		if !r.seen[s] {
			f := notReached(s)
			r.problem(Error, r.line(f.at), "span", f.words)
		}
	}
}

// markdown parses the source, with the spans if they are known already.
func (r *reader) markdown(p *spanParser) ast.Node {
	opts := []parser.Option{parser.WithAttribute()}
	if p != nil {
		opts = append(opts, parser.WithInlineParsers(util.Prioritized(p, 50)))
	}
	md := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(opts...))
	return md.Parser().Parse(text.NewReader(r.source))
}

// pieces returns the text of every block that may hold spans.
func (r *reader) pieces() []piece {
	var out []piece
	_ = ast.Walk(r.markdown(nil), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || n.Type() == ast.TypeInline {
			return ast.WalkContinue, nil
		}
		switch n.Kind() {
		case ast.KindParagraph, ast.KindTextBlock, ast.KindHeading, extast.KindTableCell:
			if p := r.piece(n); len(p.text) > 0 {
				out = append(out, p)
			}
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
	return out
}

func (r *reader) piece(n ast.Node) piece {
	var p piece
	lines := n.Lines()
	for i := 0; i < lines.Len(); i++ {
		seg := lines.At(i)
		for j := seg.Start; j < seg.Stop && j < len(r.source); j++ {
			p.text = append(p.text, r.source[j])
			p.at = append(p.at, j)
		}
	}
	return p
}

// reserve notes the ids that the author gave, so that a made-up one never
// takes one of them; a second use is an error.
func (r *reader) reserve(tree ast.Node, spans []*span) {
	_ = ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if h, ok := n.(*ast.Heading); ok && entering {
			if id := headingAttr(h, "id"); id != "" {
				r.take(id, r.blockLine(h))
			}
		}
		return ast.WalkContinue, nil
	})
	for _, s := range spans {
		if s.attrs.id != "" {
			r.take(s.attrs.id, r.line(s.start))
		}
	}
}

func (r *reader) take(id string, line int) {
	if first, taken := r.ids[id]; taken {
		r.problem(Error, line, "twice", fmt.Sprintf("the name #%s is already used on line %d; give this one its own", id, first))
		return
	}
	r.ids[id] = line
}

// free returns id, or id with a letter after it if it is taken.
func (r *reader) free(id string, line int) string {
	out := id
	for c := 'b'; ; c++ {
		if _, taken := r.ids[out]; !taken {
			r.ids[out] = line
			return out
		}
		if c > 'z' {
			id, c = id+"-z", 'a'
		}
		out = id + "-" + string(c)
	}
}

func headingAttr(h *ast.Heading, name string) string {
	v, ok := h.AttributeString(name)
	if !ok {
		return ""
	}
	switch x := v.(type) {
	case []byte:
		return string(x)
	case string:
		return x
	}
	return ""
}

// blockLine is the line on which a block begins.
func (r *reader) blockLine(n ast.Node) int {
	if n.Type() != ast.TypeInline && n.Lines().Len() > 0 {
		return r.line(n.Lines().At(0).Start)
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if c.Type() == ast.TypeInline {
			continue
		}
		if l := r.blockLine(c); l > 0 {
			return l
		}
	}
	return 0
}
