package document

import (
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// marker is the opening or the closing bracket of a span, left in the tree
// where it stood. goldmark has no spans of its own; the scanner has found
// them, and the markers tell the writer of runs where they begin and end.
type marker struct {
	ast.BaseInline
	span *span
	open bool
}

var markerKind = ast.NewNodeKind("PolicySpan")

// Kind is part of ast.Node.
func (*marker) Kind() ast.NodeKind { return markerKind }

// Dump is part of ast.Node.
func (m *marker) Dump(source []byte, level int) { ast.DumpHelper(m, source, level, nil, nil) }

// spanParser turns the brackets of known spans into markers. All others are
// left to goldmark (links).
type spanParser struct {
	opens  map[int]*span
	closes map[int]*span
}

func newSpanParser(spans []*span) *spanParser {
	p := &spanParser{opens: map[int]*span{}, closes: map[int]*span{}}
	for _, s := range spans {
		p.opens[s.start] = s
		if !s.bare {
			p.closes[s.close] = s
		}
	}
	return p
}

// Trigger is part of parser.InlineParser.
func (p *spanParser) Trigger() []byte { return []byte{'[', ']', '{'} }

// Parse is part of parser.InlineParser.
func (p *spanParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	_, seg := block.Position()
	if s, ok := p.opens[seg.Start]; ok {
		if s.bare {
			block.Advance(s.end - s.start)
		} else {
			block.Advance(1)
		}
		return &marker{span: s, open: true}
	}
	if s, ok := p.closes[seg.Start]; ok {
		block.Advance(s.end - s.close)
		return &marker{span: s}
	}
	return nil
}
