package text

import "bytes"

// page is one page, or one piece of markup, that is being read.
type page struct {
	x       *Extractor
	f       *folder // where its text goes
	to      *folder // the same, or what is away from the text around it
	s       []byte
	xml     bool
	foreign int  // in how many svg and math elements we are
	whole   bool // it begins where the page does
	opened  [64]uint16
	away    tagWord // the element whose text is away
	nested  int     // how many elements of that name are open; 0: none is away
}

// html reads a page. It takes apart what it must and no more: where a browser
// and this reader might disagree, this one reads more text, not less.
func (x *Extractor) html(f *folder, s []byte) { x.markup(f, s, false) }

func (x *Extractor) markup(f *folder, s []byte, xml bool) {
	if x.depth > maxDepth {
		return
	}
	x.depth++
	p := page{x: x, f: f, to: f, s: s, xml: xml, whole: x.depth == 1 && x.bodies == 1}
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
			if p.xml || p.foreign > 0 {
				return i + 9
			}
			end := past(s, i+9, '>') // to browsers a comment; it is read all the same
			p.x.side.space()
			p.x.run(&p.x.side, s[i+9:end])
			p.x.side.space()
			return end
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
	if p.parts(&name) && p.closes(&name) {
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

// parts reports an element that parts the text.
func (p *page) parts(name *tagWord) bool {
	switch string(word(name)) {
	case "text", "desc", "foreignobject":
		return p.xml || p.foreign > 0
	}
	return isBlock(*name)
}

// closes reports whether an end tag closes something. One of what is not open is
// left out by browsers, but for those that make an element of their own.
func (p *page) closes(name *tagWord) bool {
	if isReplaced(name) || p.raw() && isRaw(name) {
		return false
	}
	if w := string(word(name)); !p.whole || p.xml || w == "p" || w == "br" {
		return true
	}
	n := &p.opened[slot(name)]
	if *n == 0 {
		return false
	}
	*n--
	return true
}

// raw reports that a browser reads some elements as raw text here.
func (p *page) raw() bool { return !p.xml && p.foreign == 0 }

func isRaw(name *tagWord) bool {
	switch string(word(name)) {
	case "title", "textarea", "xmp":
		return true
	}
	return false
}

// slot is where an element is counted. Two names in one slot are at worst taken
// for one another, and then part the text once more.
func slot(name *tagWord) int {
	return int(name.letters[0]^name.letters[1]<<1^name.letters[2]<<2^name.letters[3]) & 63
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

// start reads a start tag at i with its attributes, and what a browser reads
// as raw text behind it.
func (p *page) start(i int) int {
	x, s := p.x, p.s
	name, end := tagName(s, i+1)
	if p.parts(&name) {
		p.to.space()
		if n := &p.opened[slot(&name)]; *n < 1<<15 {
			*n++
		}
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
		if p.raw() {
			body, next := rawText(s, t.end, string(tag))
			x.side.space()
			x.run(&x.side, body)
			x.side.space()
			return next
		}
	case "textarea", "title":
		if p.raw() {
			body, next := rawText(s, t.end, string(tag))
			p.to.space()
			x.run(p.to, body)
			p.to.space()
			return next
		}
	case "xmp":
		if p.raw() {
			body, next := rawText(s, t.end, "xmp")
			x.plain(p.to, body)
			return next
		}
	case "plaintext":
		if p.raw() {
			x.plain(p.to, s[t.end:])
			return len(s)
		}
	}
	return t.end
}

// leave has the text of an element that is not shown where it stands kept away
// from the text around it: "bad<span hidden>x</span>word" is read as "badword".
func (p *page) leave(name *tagWord, t *tag) {
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
