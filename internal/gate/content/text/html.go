package text

import "bytes"

// page is one page, or one piece of markup, that is being read.
type page struct {
	x       *Extractor
	f       *folder // where its text goes
	to      *folder // the same, or what is away from the text around it
	s       []byte
	xml     bool
	foreign int      // in how many svg and math elements we are
	away    [16]byte // the element whose text is away
	nested  int      // how many elements of that name are open; 0: none is away
}

// html reads a page. It takes apart what it must and no more: where a browser
// and this reader might disagree, this one reads more text, not less.
func (x *Extractor) html(f *folder, s []byte) { x.markup(f, s, false) }

func (x *Extractor) markup(f *folder, s []byte, xml bool) {
	if x.depth > maxDepth {
		return
	}
	x.depth++
	p := page{x: x, f: f, to: f, s: s, xml: xml}
	for i := 0; i < len(s); {
		j := bytes.IndexByte(s[i:], '<')
		if j < 0 {
			x.run(p.to, s[i:])
			break
		}
		if j > 0 {
			x.run(p.to, s[i:i+j])
			i += j
		}
		i = p.tag(i)
	}
	if p.nested > 0 {
		p.to.space()
	}
	x.depth--
}

// tag reads what begins with "<" at i, and gives the place behind it.
func (p *page) tag(i int) int {
	s := p.s
	if i+1 >= len(s) {
		p.to.space()
		return len(s)
	}
	switch c := s[i+1]; {
	case isLetter(c) || p.xml && (c == '_' || c >= 0x80):
		return p.start(i)
	case c == '/':
		if i+2 < len(s) && (isLetter(s[i+2]) || p.xml) {
			return p.end(i + 2)
		}
		return past(s, i+2, '>')
	case c == '!':
		switch {
		case bytes.HasPrefix(s[i+2:], []byte("--")):
			return comment(s, i+4)
		case bytes.HasPrefix(s[i+2:], []byte("[CDATA[")):
			return i + 9 // text in SVG; elsewhere it is read all the same
		case p.xml && len(s) >= i+9 && equalFold(s[i+2:i+9], "doctype"):
			return p.entities(i + 9)
		}
		return past(s, i+2, '>')
	case c == '?':
		return past(s, i+2, '>')
	}
	p.to.space()
	return i + 1
}

// end reads an end tag whose name is at i.
func (p *page) end(i int) int {
	name, end := tagName(p.s, i)
	switch string(word(&name)) {
	case "svg", "math":
		p.foreign = max(0, p.foreign-1)
	}
	if isBlock(name) {
		p.to.space()
	}
	if p.nested > 0 && name == p.away {
		if p.nested--; p.nested == 0 {
			p.to.space()
			p.to = p.f
		}
	}
	return skipTag(p.s, end)
}

// entities reads what a document type declares of its own: the texts that
// stand there for names are texts of the page.
func (p *page) entities(i int) int {
	s := p.s
	open := bytes.IndexByte(s[i:], '[')
	if end := past(s, i, '>'); open < 0 || i+open >= end {
		return end
	}
	for i += open + 1; i < len(s); {
		switch c := s[i]; c {
		case ']':
			return past(s, i, '>')
		case '"', '\'':
			end := past(s, i+1, c)
			p.x.side.space()
			p.x.markup(&p.x.side, s[i+1:max(i+1, end-1)], true)
			p.x.side.space()
			i = end
		case '<':
			if bytes.HasPrefix(s[i:], []byte("<!--")) {
				i = comment(s, i+4)
				continue
			}
			i++
		default:
			i++
		}
	}
	return i
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
func (p *page) start(i int) int {
	x, s := p.x, p.s
	name, end := tagName(s, i+1)
	if isBlock(name) {
		p.to.space()
	}
	t := x.attributes(s, end)
	tag := word(&name)
	closed := t.closed && (p.xml || p.foreign > 0 || string(tag) == "svg" || string(tag) == "math")
	if closed {
		return t.end
	}
	p.leave(&name, &t)
	switch string(tag) {
	case "svg", "math":
		p.foreign++
	case "script", "style":
		return p.code(tag, t)
	case "iframe", "noembed", "noframes":
		if p.foreign == 0 && !p.xml {
			_, next := rawText(s, t.end, string(tag))
			return next
		}
	case "textarea", "title":
		if p.foreign == 0 && !p.xml {
			body, next := rawText(s, t.end, string(tag))
			p.to.space()
			x.run(p.to, body)
			p.to.space()
			return next
		}
	case "xmp":
		if p.foreign == 0 && !p.xml {
			body, next := rawText(s, t.end, "xmp")
			x.plain(p.to, body)
			return next
		}
	case "plaintext":
		if p.foreign == 0 && !p.xml {
			x.plain(p.to, s[t.end:])
			return len(s)
		}
	}
	return t.end
}

// leave has the text of an element that is not shown where it stands kept away
// from the text around it: "bad<span hidden>x</span>word" is read as "badword".
func (p *page) leave(name *[16]byte, t *tag) {
	if p.nested > 0 {
		if *name == p.away {
			p.nested++
		}
		return
	}
	switch string(word(name)) {
	case "area", "base", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
		"html", "body", "script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "plaintext":
		return
	case "noscript", "template", "datalist":
	default:
		if !t.hidden {
			return
		}
	}
	p.away, p.nested = *name, 1
	if p.f == &p.x.main {
		p.to = &p.x.hidden
		p.to.space()
	}
}

// code reads a script or a style sheet in a page. One with no code in it is
// text: a page may show it. In SVG a browser reads it as markup, which may end
// it anywhere.
func (p *page) code(name []byte, t tag) int {
	x := p.x
	body, next := rawText(p.s, t.end, string(name))
	if p.foreign > 0 {
		if i := bytes.IndexByte(body, '<'); i >= 0 {
			body, next = body[:i], t.end+i
			if bytes.HasPrefix(p.s[next:], []byte("<![CDATA[")) {
				next = min(len(p.s), past(p.s, next+9, ']'))
			}
		}
	}
	script := string(name) == "script"
	if script {
		x.scriptIn(t.kind, body)
	}
	if len(body) > 0 && (!script || t.kind == typeScript) && !isCodeInPage(body) {
		x.side.space()
		x.markup(&x.side, body, p.xml)
		x.side.space()
	}
	return next
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
	case "p", "div", "br", "hr", "li", "ul", "ol", "dl", "dt", "dd", "td", "th", "tr", "table", "tbody", "thead", "tfoot", "caption", "col", "colgroup",
		"h1", "h2", "h3", "h4", "h5", "h6", "hgroup", "address", "article", "aside", "blockquote", "center", "details", "dialog",
		"dir", "fieldset", "figcaption", "figure", "footer", "form", "header", "legend", "listing", "main",
		"menu", "nav", "optgroup", "option", "plaintext", "pre", "search", "section", "select", "summary", "title", "xmp",
		"img", "button", "textarea", "video", "audio", "canvas", "iframe", "object", "embed", "svg", "math", "meter",
		"progress", "rt", "rp", "text", "desc", "foreignobject":
		return true
	}
	return false
}
