package text

import "bytes"

// html reads a page. It takes apart what it must and no more: where a browser
// and this reader might disagree, this one reads more text, not less.
func (x *Extractor) html(f *folder, s []byte) {
	if x.depth > maxDepth {
		return
	}
	x.depth++
	for i := 0; i < len(s); {
		j := bytes.IndexByte(s[i:], '<')
		if j < 0 {
			x.run(f, s[i:])
			break
		}
		if j > 0 {
			x.run(f, s[i:i+j])
			i += j
		}
		i = x.markup(f, s, i)
	}
	x.depth--
}

// markup reads what begins with "<" at i, and gives the place behind it.
func (x *Extractor) markup(f *folder, s []byte, i int) int {
	if i+1 >= len(s) {
		f.space()
		return len(s)
	}
	switch c := s[i+1]; {
	case isLetter(c):
		return x.start(f, s, i)
	case c == '/':
		if i+2 < len(s) && isLetter(s[i+2]) {
			name, end := tagName(s, i+2)
			if isBlock(name) {
				f.space()
			}
			return skipTag(s, end)
		}
		return past(s, i+2, '>')
	case c == '!':
		switch {
		case bytes.HasPrefix(s[i+2:], []byte("--")):
			return comment(s, i+4)
		case bytes.HasPrefix(s[i+2:], []byte("[CDATA[")):
			return i + 9 // text in SVG; elsewhere it is read all the same
		}
		return past(s, i+2, '>')
	case c == '?':
		return past(s, i+2, '>')
	}
	f.space()
	return i + 1
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func past(s []byte, i int, c byte) int {
	if j := bytes.IndexByte(s[min(i, len(s)):], c); j >= 0 {
		return i + j + 1
	}
	return len(s)
}

// comment gives the place behind a comment whose text begins at i. One that
// does not end hides the rest, as in a browser.
func comment(s []byte, i int) int {
	if bytes.HasPrefix(s[i:], []byte(">")) {
		return i + 1
	}
	if bytes.HasPrefix(s[i:], []byte("->")) {
		return i + 2
	}
	for {
		j := bytes.Index(s[i:], []byte("--"))
		if j < 0 {
			return len(s)
		}
		i += j + 2
		for i < len(s) && s[i] == '-' {
			i++
		}
		switch {
		case i < len(s) && s[i] == '>':
			return i + 1
		case i+1 < len(s) && s[i] == '!' && s[i+1] == '>':
			return i + 2
		}
	}
}

// tagName gives a tag's name in lower case, at most 16 letters of it, and the
// place behind it.
func tagName(s []byte, i int) (name [16]byte, end int) {
	n := 0
	for ; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c == '/' || c == '>' {
			break
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if n < len(name) {
			name[n] = c
			n++
		}
	}
	return name, i
}

// word is the name without its padding.
func word(name *[16]byte) []byte {
	if n := bytes.IndexByte(name[:], 0); n >= 0 {
		return name[:n]
	}
	return name[:]
}

// skipTag gives the place behind the ">" of a tag.
func skipTag(s []byte, i int) int {
	for i < len(s) {
		switch s[i] {
		case '>':
			return i + 1
		case '"', '\'':
			// Only a value is quoted; a quote elsewhere is part of a name.
			if s[i-1] == '=' || s[i-1] <= ' ' && endsWithEquals(s[:i]) {
				i = past(s, i+1, s[i])
				continue
			}
		}
		i++
	}
	return len(s)
}

func endsWithEquals(s []byte) bool {
	s = bytes.TrimRight(s[max(0, len(s)-64):], " \t\r\n\f")
	return len(s) > 0 && s[len(s)-1] == '='
}

// start reads a start tag at i with its attributes, and what a browser reads
// as raw text behind it.
func (x *Extractor) start(f *folder, s []byte, i int) int {
	name, end := tagName(s, i+1)
	block := isBlock(name)
	if block {
		f.space()
	}
	kind, end := x.attributes(s, end)
	switch string(word(&name)) {
	case "script":
		body, next := rawText(s, end, "script")
		x.scriptIn(kind, body)
		return next
	case "style":
		_, next := rawText(s, end, "style")
		return next
	case "iframe", "noembed", "noframes":
		_, next := rawText(s, end, string(word(&name)))
		return next
	case "textarea", "title":
		body, next := rawText(s, end, string(word(&name)))
		f.space()
		x.run(f, body)
		f.space()
		return next
	case "xmp":
		body, next := rawText(s, end, "xmp")
		x.plain(f, body)
		return next
	case "plaintext":
		x.plain(f, s[end:])
		return len(s)
	}
	return end
}

// scriptType is what a script element holds.
type scriptType uint8

const (
	typeScript scriptType = iota
	typeJSON
	typeMarkup // a template that a script shows
)

func (x *Extractor) scriptIn(kind scriptType, body []byte) {
	x.active = x.active || len(body) > 0
	if x.depth > maxDepth {
		return
	}
	x.side.space()
	switch kind {
	case typeScript:
		x.script(&x.side, body)
	case typeJSON:
		x.json(&x.side, body)
	case typeMarkup:
		x.html(&x.side, body)
	}
	x.side.space()
}

// rawText gives the text up to the element's end tag, and the place behind it.
func rawText(s []byte, i int, name string) (body []byte, next int) {
	for from := i; from < len(s); {
		j := bytes.IndexByte(s[from:], '<')
		if j < 0 {
			break
		}
		j += from
		from = j + 1
		k := j + 2 + len(name)
		if k > len(s) || s[j+1] != '/' || !equalFold(s[j+2:k], name) {
			continue
		}
		if k == len(s) || s[k] <= ' ' || s[k] == '/' || s[k] == '>' {
			return s[i:j], skipTag(s, k)
		}
	}
	return s[min(i, len(s)):], len(s)
}

// equalFold compares with a word in lower case.
func equalFold(s []byte, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// isBlock reports an element that stands apart from the text around it, or in
// place of some. All others, and those nobody knows, run on in the line.
func isBlock(name [16]byte) bool {
	switch string(word(&name)) {
	case "p", "div", "br", "hr", "li", "ul", "ol", "dl", "dt", "dd", "td", "th", "tr", "table", "tbody", "thead", "tfoot", "caption",
		"h1", "h2", "h3", "h4", "h5", "h6", "hgroup", "address", "article", "aside", "blockquote", "body", "center", "details", "dialog",
		"dir", "fieldset", "figcaption", "figure", "footer", "form", "frameset", "head", "header", "html", "legend", "listing", "main",
		"menu", "nav", "noscript", "optgroup", "option", "plaintext", "pre", "search", "section", "select", "summary", "title", "xmp",
		"img", "input", "button", "textarea", "video", "audio", "canvas", "iframe", "object", "embed", "svg", "math", "meter",
		"progress", "template", "rt", "rp", "col", "colgroup", "link", "meta", "base", "text", "desc", "foreignobject":
		return true
	}
	return false
}
