package policies

import (
	"belisha/internal/kit/web"
	"belisha/internal/school/policies/document"
)

// blockView is a piece of the policy on a page. The template only chooses the
// element; every word is escaped by it.
type blockView struct {
	Kind     string
	Level    int
	ID       string // anchor
	Marked   bool
	Mark     web.State
	Runs     []document.Run
	Cells    [][]document.Run
	Head     blockRow // of a table
	Children []blockView
	Start    int
}

// blockRow is the head of a table.
type blockRow struct{ Cells [][]document.Run }

// proseOf makes the view of blocks. The document's own first heading is the
// page's heading already.
func proseOf(c *web.Ctx, blocks []document.Block, states map[string]ClauseState, marks bool) []blockView {
	var out []blockView
	for i, b := range blocks {
		if i == 0 && b.Kind == document.HeadingBlock && b.Level == 1 {
			continue
		}
		out = append(out, blockOf(c, b, states, marks))
	}
	return out
}

func blockOf(c *web.Ctx, b document.Block, states map[string]ClauseState, marks bool) blockView {
	v := blockView{Kind: string(b.Kind), Level: max(b.Level, 2), ID: b.ID, Runs: b.Runs, Cells: b.Cells, Start: b.Start}
	if b.Clause != nil {
		v.ID = "clause-" + b.Clause.ID
		if cl, ok := states[b.Clause.ID]; ok && marks {
			v.Marked, v.Mark = true, markOf(c, cl)
		}
	}
	for _, child := range b.Children {
		if child.Kind == document.HeadRowBlock {
			v.Head = blockRow{child.Cells}
			continue
		}
		v.Children = append(v.Children, blockOf(c, child, states, marks))
	}
	return v
}
