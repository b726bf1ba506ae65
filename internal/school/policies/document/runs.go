package document

import (
	"html"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// runs is the inline text of one block, flat.
type runs struct {
	runs  []Run
	spans []*span
	words map[*span]string // the words in each span's brackets
}

func (rn *runs) merge(other runs) {
	if rn.words == nil {
		rn.words = map[*span]string{}
	}
	for s, w := range other.words {
		rn.words[s] = w
	}
}

// text is the words without marks, white space folded.
func (rn *runs) text() string {
	var b strings.Builder
	for _, x := range rn.runs {
		if x.Break {
			b.WriteByte(' ')
		}
		b.WriteString(x.Text)
	}
	return fold(b.String())
}

func fold(s string) string { return strings.Join(strings.Fields(s), " ") }

// style is what holds where the writer of runs stands.
type style struct {
	strong, em bool
	href       string
}

type runWriter struct {
	r    *reader
	out  runs
	open []*span
}

// runs flattens a block's inline children. A span that emphasis crosses is no
// trouble, because both are only marks on runs.
func (r *reader) runs(n ast.Node) runs {
	w := &runWriter{r: r, out: runs{words: map[*span]string{}}}
	w.children(n, style{})
	for s, words := range w.out.words {
		w.out.words[s] = fold(words)
	}
	w.trim()
	return w.out
}

// trim drops white space that an empty control span leaves at the end.
func (w *runWriter) trim() {
	for n := len(w.out.runs); n > 0; n = len(w.out.runs) {
		last := &w.out.runs[n-1]
		last.Text = strings.TrimRight(last.Text, " \t\n")
		if last.Text != "" {
			return
		}
		w.out.runs = w.out.runs[:n-1]
	}
}

func (w *runWriter) children(n ast.Node, st style) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		w.node(c, st)
	}
}

func (w *runWriter) node(n ast.Node, st style) {
	switch x := n.(type) {
	case *ast.Text:
		w.leaf(x, st)
	case *ast.String:
		w.add(string(x.Value), st, x.IsCode())
	case *ast.CodeSpan:
		w.code(x, st)
	case *ast.Emphasis:
		if x.Level >= 2 {
			st.strong = true
		} else {
			st.em = true
		}
		w.children(x, st)
	case *ast.Link:
		st.href = safeHref(string(x.Destination))
		w.children(x, st)
	case *ast.AutoLink:
		st.href = safeHref(string(x.URL(w.r.source)))
		w.add(string(x.Label(w.r.source)), st, false)
	case *ast.Image: // nothing is fetched from outside: the words stand for it
		w.children(x, st)
	case *marker:
		w.mark(x)
	}
}

func (w *runWriter) leaf(x *ast.Text, st style) {
	s := string(x.Segment.Value(w.r.source))
	w.add(html.UnescapeString(unescape(s)), st, false)
	if x.HardLineBreak() {
		w.out.runs = append(w.out.runs, Run{Break: true})
		w.note(" ")
	} else if x.SoftLineBreak() {
		w.add(" ", st, false)
	}
}

func (w *runWriter) code(x *ast.CodeSpan, st style) {
	var b strings.Builder
	for c := x.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Segment.Value(w.r.source))
		}
	}
	w.add(strings.ReplaceAll(b.String(), "\n", " "), st, true)
}

func (w *runWriter) add(s string, st style, code bool) {
	if s == "" {
		return
	}
	w.note(s)
	x := Run{Text: s, Strong: st.strong, Em: st.em, Code: code, Href: st.href, Set: w.key()}
	if n := len(w.out.runs); n > 0 {
		last := &w.out.runs[n-1]
		same := *last
		same.Text = x.Text
		if same == x && !last.Break {
			last.Text += s
			return
		}
	}
	w.out.runs = append(w.out.runs, x)
}

// note adds words to every open span.
func (w *runWriter) note(s string) {
	for _, o := range w.open {
		w.out.words[o] += s
	}
}

// key is the setting of the innermost open value.
func (w *runWriter) key() string {
	for i := len(w.open) - 1; i >= 0; i-- {
		if k := w.open[i].attrs.pairs["set"]; k != "" {
			return k
		}
	}
	return ""
}

func (w *runWriter) mark(m *marker) {
	if m.open {
		w.out.spans = append(w.out.spans, m.span)
		w.r.seen[m.span] = true
		if !m.span.bare {
			w.open = append(w.open, m.span)
		}
		return
	}
	for i := len(w.open) - 1; i >= 0; i-- {
		if w.open[i] == m.span {
			w.open = append(w.open[:i], w.open[i+1:]...)
			return
		}
	}
}

// safeHref keeps a link to a page, a mail address or a place in the document,
// and drops every other scheme.
func safeHref(dest string) string {
	d := strings.TrimSpace(dest)
	low := strings.ToLower(d)
	for _, ok := range []string{"https://", "http://", "mailto:", "#"} {
		if strings.HasPrefix(low, ok) {
			return d
		}
	}
	return ""
}

const escapable = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

// unescape takes the backslash from before punctuation.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(escapable, s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
