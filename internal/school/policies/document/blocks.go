package document

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// blocks reads the children of a container.
func (r *reader) blocks(n ast.Node) []Block {
	var out []Block
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if b, ok := r.block(c); ok {
			out = append(out, b)
		}
	}
	return out
}

func (r *reader) block(n ast.Node) (Block, bool) {
	switch x := n.(type) {
	case *ast.Heading:
		return r.headingBlock(x), true
	case *ast.Paragraph, *ast.TextBlock:
		return r.paragraph(n)
	case *ast.List:
		b := Block{Kind: ListBlock, Start: x.Start}
		if x.IsOrdered() {
			b.Kind = OrderedBlock
		}
		for c := x.FirstChild(); c != nil; c = c.NextSibling() {
			b.Children = append(b.Children, r.item(c))
		}
		return b, true
	case *ast.Blockquote:
		return Block{Kind: QuoteBlock, Children: r.blocks(x)}, true
	case *ast.ThematicBreak:
		return Block{Kind: RuleBlock}, true
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		return Block{Kind: CodeBlock, Runs: []Run{{Text: string(r.piece(n).text), Code: true}}}, true
	case *ast.HTMLBlock:
		r.problem(Warning, r.blockLine(n), "html", "HTML is not read and not shown; write it as Markdown")
		return Block{}, false
	case *extast.Table:
		return r.table(x), true
	}
	return Block{}, false
}

func (r *reader) headingBlock(h *ast.Heading) Block {
	line := r.blockLine(h)
	rn := r.runs(h)
	for _, s := range rn.spans {
		if len(s.attrs.pairs) > 0 {
			r.problem(Error, r.line(s.start), "span", "a heading is not a clause; put the value or the control into a sentence below it")
		}
	}
	for _, name := range []string{"set", "control", "req"} {
		if headingAttr(h, name) != "" {
			r.problem(Error, line, "span", "a heading is not a clause; put the value or the control into a sentence below it")
		}
	}
	words := rn.text()
	id := headingAttr(h, "id")
	if id == "" {
		id = r.free(slug(words), line)
	}
	r.heading, r.headingID = words, id
	return Block{Kind: HeadingBlock, Level: h.Level, ID: id, Runs: rn.runs}
}

// slug makes an id of a heading's words.
func slug(words string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(words) {
		switch {
		case unicode.IsLetter(c) || unicode.IsDigit(c):
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() > 60 {
			break
		}
	}
	if s := strings.Trim(b.String(), "-"); s != "" {
		return s
	}
	return "section"
}

func (r *reader) paragraph(n ast.Node) (Block, bool) {
	rn := r.runs(n)
	c := r.clause(r.blockLine(n), rn)
	if c == nil {
		return Block{}, false
	}
	if next := n.NextSibling(); next != nil && next.Kind() == ast.KindList && strings.HasSuffix(c.Text, ":") {
		c.Lead = true
	}
	return Block{Kind: ParagraphBlock, Clause: c, Runs: rn.runs}, true
}

// item reads a list item: its paragraphs are one clause, inner lists have
// their own.
func (r *reader) item(n ast.Node) Block {
	b := Block{Kind: ItemBlock}
	var all runs
	line := r.blockLine(n)
	var rest []ast.Node
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c.(type) {
		case *ast.Paragraph, *ast.TextBlock:
			rn := r.runs(c)
			if len(all.runs) > 0 {
				all.runs = append(all.runs, Run{Break: true})
			}
			all.runs = append(all.runs, rn.runs...)
			all.spans = append(all.spans, rn.spans...)
			all.merge(rn)
		default:
			rest = append(rest, c)
		}
	}
	b.Runs = all.runs
	if len(all.runs) > 0 || len(all.spans) > 0 {
		b.Clause = r.clause(line, all)
		if b.Clause != nil && len(rest) > 0 && strings.HasSuffix(b.Clause.Text, ":") {
			b.Clause.Lead = true
		}
	}
	for _, c := range rest {
		if inner, ok := r.block(c); ok {
			b.Children = append(b.Children, inner)
		}
	}
	return b
}

func (r *reader) table(t *extast.Table) Block {
	b := Block{Kind: TableBlock}
	for row := t.FirstChild(); row != nil; row = row.NextSibling() {
		rb := Block{Kind: RowBlock}
		var all runs
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			rn := r.runs(cell)
			rb.Cells = append(rb.Cells, rn.runs)
			if len(all.runs) > 0 {
				all.runs = append(all.runs, Run{Text: " · "})
			}
			all.runs = append(all.runs, rn.runs...)
			all.spans = append(all.spans, rn.spans...)
			all.merge(rn)
		}
		if row.Kind() == extast.KindTableHeader {
			rb.Kind = HeadRowBlock
			if len(all.spans) > 0 {
				r.problem(Error, r.line(all.spans[0].start), "span", "the head of a table is not a clause; put the value or the control into a row below it")
			}
		} else {
			rb.Clause = r.clause(r.blockLine(row), all)
		}
		b.Children = append(b.Children, rb)
	}
	return b
}

// clause makes a clause of what was read, or reports why it is none.
func (r *reader) clause(line int, rn runs) *Clause {
	words := rn.text()
	if words == "" {
		if len(rn.spans) > 0 {
			r.problem(Error, r.line(rn.spans[0].start), "span", "this control stands on no sentence; put it at the end of the clause that it keeps true, on the same line or the next")
		}
		return nil
	}
	if len(r.doc.Clauses) >= maxClauses {
		if len(r.doc.Clauses) == maxClauses {
			r.problem(Error, line, "unreadable", fmt.Sprintf("the document has more than %d clauses; split it", maxClauses))
		}
		return nil
	}
	c := &Clause{Line: line, Heading: r.heading, HeadingID: r.headingID, Text: words}
	for _, s := range rn.spans {
		r.fill(c, s, rn.words[s])
	}
	r.place[r.headingID]++
	if c.ID == "" {
		c.ID = r.free(fmt.Sprintf("%s-%d", r.headingID, r.place[r.headingID]), line)
	}
	r.doc.Clauses = append(r.doc.Clauses, c)
	return c
}
