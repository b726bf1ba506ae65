//go:build linux

package stories_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// page is what came last, as a reader sees it.
type page struct {
	status int
	path   string
	text   string // words alone, one space between
	forms  []form
	links  []link
}

type link struct{ to, words string }

type form struct {
	action string
	method string
	fields url.Values // as the page fills them
	names  []string   // every field it has
}

func (p page) formWith(given url.Values) (form, error) {
	for _, f := range p.forms {
		fits := f.method == "post" && f.action != "/sign-out" && f.action != "/account/lock" // the frame's own
		for k, v := range given {
			fits = fits && slices.Contains(f.names, k)
			// Two forms may differ in the value of a hidden field alone.
			if have := f.fields[k]; fits && len(have) == 1 && slices.Contains(f.names, "hidden "+k) {
				fits = slices.Contains(v, have[0])
			}
		}
		if fits {
			return f, nil
		}
	}
	return form{}, fmt.Errorf("the page has no form for %v", given)
}

// newPage reads a page as a person would.
func newPage(status int, path, body string) page {
	p := page{status: status, path: path}
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		p.text = body
		return p
	}
	var b strings.Builder
	p.walk(root, &b, nil)
	p.text = strings.Join(strings.Fields(b.String()), " ")
	return p
}

func (p *page) walk(n *html.Node, b *strings.Builder, f *form) {
	if n.Type == html.TextNode {
		b.WriteString(n.Data)
		return
	}
	switch n.Data {
	case "script", "style", "head":
		return
	case "a":
		at := len(p.links)
		p.links = append(p.links, link{to: attr(n, "href")})
		from := b.Len()
		defer func() { p.links[at].words = strings.Join(strings.Fields(b.String()[from:]), " ") }()
	case "form":
		p.forms = append(p.forms, form{action: attr(n, "action"), method: strings.ToLower(attr(n, "method")), fields: url.Values{}})
		f = &p.forms[len(p.forms)-1]
		if f.action == "" {
			f.action = p.path
		}
	case "input", "textarea", "select", "button":
		f.add(n)
	}
	if n.Type == html.ElementNode && !inline[n.Data] {
		b.WriteByte(' ')
		defer b.WriteByte(' ')
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.walk(c, b, f)
	}
}

var inline = map[string]bool{"a": true, "b": true, "strong": true, "em": true, "span": true, "mark": true, "abbr": true, "time": true, "ins": true, "del": true}

func (f *form) add(n *html.Node) {
	name := attr(n, "name")
	if f == nil || name == "" {
		return
	}
	f.names = append(f.names, name)
	switch kind := attr(n, "type"); {
	case kind == "hidden":
		f.names = append(f.names, "hidden "+name)
		f.fields.Add(name, attr(n, "value"))
	case n.Data == "textarea":
		if n.FirstChild != nil {
			f.fields.Add(name, n.FirstChild.Data)
		}
	case n.Data == "select":
		f.fields.Add(name, chosen(n))
	case kind == "checkbox" || kind == "radio":
		if hasAttr(n, "checked") {
			f.fields.Add(name, attr(n, "value"))
		}
	case n.Data == "input":
		f.fields.Add(name, attr(n, "value"))
	}
}

// chosen is the value of the selected option, else of the first.
func chosen(n *html.Node) string {
	first, seen := "", false
	for c := range n.Descendants() {
		if c.Data != "option" {
			continue
		}
		if hasAttr(c, "selected") {
			return attr(c, "value")
		}
		if !seen {
			first, seen = attr(c, "value"), true
		}
	}
	return first
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}
