package document

import "sort"

// Normal writes a text as an export does: a bare {control=…} that ends a
// clause becomes the span that every Pandoc tool reads, []{control=…}.
func Normal(source string) string {
	r := &reader{doc: &Doc{Text: source}, lines: lineStarts(source)}
	_, body, _ := splitFront(source)
	r.source = []byte(body)
	var at []int
	for _, p := range r.pieces() {
		spans, _ := scanSpans(p)
		for _, s := range spans {
			if s.bare {
				at = append(at, s.start)
			}
		}
	}
	sort.Sort(sort.Reverse(sort.IntSlice(at)))
	for _, i := range at {
		source = source[:i] + "[]" + source[i:]
	}
	return source
}
