package files

import (
	"context"
	"io"
)

// walk is one Open under way.
type walk struct {
	ctx context.Context
	b   Bounds
	rep Report
}

// top looks at the file itself.
func (w *walk) top(r io.ReaderAt, size int64, m *Meta) {
	head := make([]byte, min(size, Head))
	n, _ := r.ReadAt(head, 0)
	g := Look(m, head[:n])
	w.rep.Format = g.Format
}
