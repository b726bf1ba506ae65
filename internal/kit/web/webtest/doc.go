package webtest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Doc is an answer, read as HTML. Its methods report what is missing as a
// test error and go on, and return the Doc so that they can follow each other.
type Doc struct {
	Status int
	Header http.Header
	Body   []byte

	t    testing.TB
	root *html.Node
}

func read(t testing.TB, res *http.Response) *Doc {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("reading the answer as HTML: %v", err)
	}
	return &Doc{Status: res.StatusCode, Header: res.Header, Body: body, t: t, root: root}
}

// Is checks the status.
func (d *Doc) Is(status int) *Doc {
	d.t.Helper()
	if d.Status != status {
		d.t.Errorf("status is %d, want %d; the page says: %s", d.Status, status, shorten(d.Text()))
	}
	return d
}

// GoesTo checks that the answer leads to another page.
func (d *Doc) GoesTo(path string) *Doc {
	d.t.Helper()
	if got := d.Header.Get("Location"); got != path || d.Status != http.StatusSeeOther {
		d.t.Errorf("status %d leads to %q, want 303 to %q", d.Status, got, path)
	}
	return d
}

// Has checks that the reader sees the words, whatever the markup.
func (d *Doc) Has(words ...string) *Doc {
	d.t.Helper()
	text := d.Text()
	for _, w := range words {
		if !strings.Contains(text, w) {
			d.t.Errorf("the page does not say %q; it says: %s", w, shorten(text))
		}
	}
	return d
}

// HasNot checks that the words are nowhere in the answer, seen or unseen.
func (d *Doc) HasNot(words ...string) *Doc {
	d.t.Helper()
	text := d.Text()
	for _, w := range words {
		if strings.Contains(text, w) || bytes.Contains(d.Body, []byte(w)) {
			d.t.Errorf("the page says %q, which it must not", w)
		}
	}
	return d
}

// Link checks that there is a link or a form to path.
func (d *Doc) Link(path string) *Doc {
	d.t.Helper()
	if !d.links(path) {
		d.t.Errorf("the page has no link to %s", path)
	}
	return d
}

// NoLink checks that there is neither link nor form to path.
func (d *Doc) NoLink(path string) *Doc {
	d.t.Helper()
	if d.links(path) {
		d.t.Errorf("the page has a link to %s, which it must not", path)
	}
	return d
}

func (d *Doc) links(path string) bool {
	return d.find(func(n *html.Node) bool {
		return n.DataAtom == atom.A && attr(n, "href") == path || n.DataAtom == atom.Form && attr(n, "action") == path
	}) != nil
}

// Field checks that there is an input of that name with a label of its own,
// and returns its value.
func (d *Doc) Field(name string) string {
	d.t.Helper()
	n := d.find(func(n *html.Node) bool { return isInput(n) && attr(n, "name") == name })
	if n == nil {
		d.t.Errorf("the page has no field %q", name)
		return ""
	}
	if attr(n, "type") != "hidden" && !d.labelled(n) {
		d.t.Errorf("the field %q has no label", name)
	}
	switch n.DataAtom {
	case atom.Textarea:
		return textOf(n)
	case atom.Select:
		return selected(n)
	}
	return attr(n, "value")
}

func (d *Doc) labelled(n *html.Node) bool {
	id := attr(n, "id")
	return id != "" && d.find(func(l *html.Node) bool {
		return l.DataAtom == atom.Label && attr(l, "for") == id && strings.TrimSpace(textOf(l)) != ""
	}) != nil
}

func selected(n *html.Node) string {
	var first, chosen *html.Node
	walk(n, func(o *html.Node) bool {
		if o.DataAtom == atom.Option {
			if first == nil {
				first = o
			}
			if has(o, "selected") {
				chosen = o
			}
		}
		return true
	})
	if chosen == nil {
		chosen = first
	}
	if chosen == nil {
		return ""
	}
	return attr(chosen, "value")
}

// Safe checks what every page must keep to: one heading, a title, a language,
// labels, unique ids, no script or style in the page, nothing from elsewhere.
func (d *Doc) Safe() *Doc {
	d.t.Helper()
	ids, headings := map[string]bool{}, 0
	walk(d.root, func(n *html.Node) bool {
		if n.Type != html.ElementNode {
			return true
		}
		if n.DataAtom == atom.H1 {
			headings++
		}
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				d.t.Errorf("the id %q is given twice", id)
			}
			ids[id] = true
		}
		d.safeNode(n)
		return true
	})
	if headings != 1 {
		d.t.Errorf("the page has %d main headings, want 1", headings)
	}
	for _, h := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"} {
		if d.Header.Get(h) == "" {
			d.t.Errorf("the header %s is missing", h)
		}
	}
	return d
}

func (d *Doc) safeNode(n *html.Node) {
	d.t.Helper()
	if n.DataAtom == atom.Style || n.DataAtom == atom.Script && attr(n, "src") == "" {
		d.t.Errorf("there is a <%s> in the page", n.Data)
	}
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			d.t.Errorf("<%s> has %s in the page", n.Data, a.Key)
		}
		if (a.Key == "src" || a.Key == "action") && strings.Contains(a.Val, "//") {
			d.t.Errorf("<%s> asks elsewhere: %s", n.Data, a.Val)
		}
	}
	if isInput(n) && attr(n, "type") != "hidden" && !d.labelled(n) && attr(n, "aria-label") == "" {
		d.t.Errorf("the field %q has no label", attr(n, "name"))
	}
}

// Text is what a reader sees, with single spaces.
func (d *Doc) Text() string { return textOf(d.root) }

func (d *Doc) find(want func(*html.Node) bool) *html.Node {
	var found *html.Node
	walk(d.root, func(n *html.Node) bool {
		if n.Type == html.ElementNode && want(n) {
			found = n
		}
		return found == nil
	})
	return found
}

func walk(n *html.Node, visit func(*html.Node) bool) bool {
	if !visit(n) {
		return false
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if !walk(c, visit) {
			return false
		}
	}
	return true
}

func textOf(root *html.Node) string {
	var b strings.Builder
	walk(root, func(n *html.Node) bool {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		} else if blocky(n) {
			b.WriteByte(' ')
		}
		return true
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

// blocky reports whether the element stands apart from the words before it.
func blocky(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Span, atom.A, atom.Strong, atom.Em, atom.Code, atom.Time, atom.Mark:
		return false
	}
	return n.Type == html.ElementNode
}

func isInput(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Input, atom.Select, atom.Textarea:
		return true
	}
	return false
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

func shorten(s string) string {
	if len(s) > 600 {
		return s[:600] + " …"
	}
	return s
}
