package text

import "bytes"

// tag is what a start tag says, and the place behind it.
type tag struct {
	kind   scriptType
	hidden bool // it is not shown where it stands
	closed bool // it ends in itself
	end    int
}

// attributes reads the attributes of a tag at i, and keeps those that somebody
// reads.
func (x *Extractor) attributes(s []byte, i int) (t tag) {
	for i < len(s) {
		t.closed = false
		for i < len(s) && (s[i] <= ' ' || s[i] == '/') {
			t.closed = s[i] == '/'
			i++
		}
		if i >= len(s) {
			break
		}
		if s[i] == '>' {
			t.end = i + 1
			return t
		}
		from := i
		i++ // a "=" at the beginning is part of the name
		for i < len(s) && s[i] > ' ' && s[i] != '=' && s[i] != '>' && s[i] != '/' {
			i++
		}
		name := s[from:i]
		for i < len(s) && s[i] <= ' ' {
			i++
		}
		var value []byte
		if i < len(s) && s[i] == '=' {
			value, i = attributeValue(s, i+1)
		}
		x.attribute(&t, name, value)
	}
	t.end = len(s)
	return t
}

// attribute reads one of them.
func (x *Extractor) attribute(t *tag, name, value []byte) {
	runs := does(name, value)
	x.active = x.active || runs
	switch attributeUse(name) {
	case useText:
		x.side.space()
		x.run(&x.side, value)
		x.side.space()
	case usePage:
		x.page(value)
	case useAddress:
		if runs {
			x.address(value)
		}
	case useType:
		t.kind = typeOf(value)
		t.hidden = t.hidden || equalFold(value, "hidden")
	case useHidden:
		t.hidden = true
	case useStyle:
		t.hidden = t.hidden || hides(value)
	default:
		if runs {
			x.code(value)
		}
	}
}

func attributeValue(s []byte, i int) (value []byte, next int) {
	for i < len(s) && s[i] <= ' ' {
		i++
	}
	if i >= len(s) {
		return nil, i
	}
	if q := s[i]; q == '"' || q == '\'' {
		j := bytes.IndexByte(s[i+1:], q)
		if j < 0 {
			return nil, len(s)
		}
		return s[i+1 : i+1+j], i + j + 2
	}
	from := i
	for i < len(s) && s[i] > ' ' && s[i] != '>' {
		i++
	}
	return s[from:i], i
}

// does reports an attribute that is a script, or an address that holds one or
// a whole file.
func does(name, value []byte) bool {
	if len(name) > 2 && name[0]|0x20 == 'o' && name[1]|0x20 == 'n' {
		return true
	}
	if len(value) < 6 || value[0]|0x20 != 'd' && value[0]|0x20 != 'j' && value[0] > ' ' {
		return false
	}
	value = bytes.TrimLeft(value, " \t\r\n")
	return len(value) > 5 && equalFold(value[:5], "data:") || len(value) > 11 && equalFold(value[:11], "javascript:")
}

type use uint8

const (
	useNone use = iota
	useText
	usePage
	useType
	useAddress
	useHidden
	useStyle
)

// attributeUse says what an attribute is for. Names by which pages style and
// address their parts are nobody's words.
func attributeUse(name []byte) use {
	switch len(name) {
	case 3:
		if equalFold(name, "alt") {
			return useText
		}
		if equalFold(name, "src") {
			return useAddress
		}
	case 4:
		if equalFold(name, "type") {
			return useType
		}
		if equalFold(name, "data") || equalFold(name, "href") {
			return useAddress
		}
	case 5:
		if equalFold(name, "title") || equalFold(name, "label") || equalFold(name, "value") {
			return useText
		}
		if equalFold(name, "style") {
			return useStyle
		}
	case 6:
		if equalFold(name, "srcdoc") {
			return usePage
		}
		if equalFold(name, "hidden") {
			return useHidden
		}
	case 7:
		if equalFold(name, "content") || equalFold(name, "summary") {
			return useText
		}
	case 10:
		if equalFold(name, "aria-label") {
			return useText
		}
	case 11:
		if equalFold(name, "placeholder") {
			return useText
		}
	case 16:
		if equalFold(name, "aria-description") {
			return useText
		}
	}
	return useNone
}

func typeOf(value []byte) scriptType {
	switch {
	case len(value) == 0 || contains(value, "javascript") || contains(value, "ecmascript") || equalFold(value, "module"):
		return typeScript
	case contains(value, "json") || equalFold(value, "importmap") || equalFold(value, "speculationrules"):
		return typeJSON
	}
	return typeMarkup
}

func contains(s []byte, lower string) bool {
	for i := 0; i+len(lower) <= len(s); i++ {
		if equalFold(s[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}

// hides reports a style by which an element is not shown where it stands.
func hides(style []byte) bool {
	i := bytes.IndexByte(style, ':')
	if i < 0 {
		return false
	}
	var plain [128]byte
	short := plain[:0]
	for _, c := range style[:min(len(style), len(plain))] {
		if c > ' ' {
			short = append(short, c)
		}
	}
	return contains(short, "display:none") || contains(short, "font-size:0") && !contains(short, "font-size:0.") || contains(short, "visibility:hidden")
}

// code reads a script in an attribute.
func (x *Extractor) code(value []byte) {
	if x.depth > maxDepth {
		return
	}
	b := unescapeMarkup(x.scratch[x.depth][:0], value)
	x.scratch[x.depth] = b
	x.depth++
	x.side.space()
	x.script(&x.side, b)
	x.side.space()
	x.depth--
}

// address reads an address that is a whole page or script by itself.
func (x *Extractor) address(value []byte) {
	value = bytes.TrimLeft(value, " \t\r\n")
	if equalFold(value[:5], "data:") {
		x.data(value[5:])
		return
	}
	x.code(percents(nil, value[len("javascript:"):]))
}

// data reads the page in an address that holds one.
func (x *Extractor) data(s []byte) {
	comma := bytes.IndexByte(s[:min(len(s), 256)], ',')
	if comma < 0 || x.depth > maxDepth || len(s) > maxData {
		return
	}
	head := bytes.TrimSpace(s[:comma])
	media, _, _ := bytes.Cut(head, []byte(";"))
	kind := declared(string(bytes.ToLower(bytes.TrimSpace(media))))
	if len(bytes.TrimSpace(media)) == 0 {
		kind = Plain
	}
	if kind == None {
		return
	}
	body := percents(nil, unescapeMarkup(nil, s[comma+1:]))
	if n := len(head) - len("base64"); n >= 0 && equalFold(head[n:], "base64") {
		body = base64Text(body)
	}
	x.side.space()
	switch kind {
	case HTML, XML:
		x.markup(&x.side, body, kind == XML)
	case Script, Style:
		x.depth++
		x.script(&x.side, body)
		x.depth--
	default:
		x.plain(&x.side, body)
	}
	x.side.space()
}

// page reads a page that stands in an attribute.
func (x *Extractor) page(value []byte) {
	if x.depth > maxDepth {
		return
	}
	b := unescapeMarkup(x.scratch[x.depth][:0], value)
	x.scratch[x.depth] = b
	x.side.space()
	x.html(&x.side, b)
	x.side.space()
}

// unescapeMarkup undoes the references without which markup cannot stand in
// an attribute; the others are undone when the page is read.
func unescapeMarkup(out, s []byte) []byte {
	for len(s) > 0 {
		i := bytes.IndexByte(s, '&')
		if i < 0 {
			return append(out, s...)
		}
		out, s = append(out, s[:i]...), s[i:]
		n := 1
		switch {
		case bytes.HasPrefix(s, []byte("&lt;")):
			out, n = append(out, '<'), 4
		case bytes.HasPrefix(s, []byte("&gt;")):
			out, n = append(out, '>'), 4
		case bytes.HasPrefix(s, []byte("&quot;")):
			out, n = append(out, '"'), 6
		case bytes.HasPrefix(s, []byte("&amp;")):
			out, n = append(out, '&'), 5
		case bytes.HasPrefix(s, []byte("&#60;")):
			out, n = append(out, '<'), 5
		case bytes.HasPrefix(s, []byte("&#62;")):
			out, n = append(out, '>'), 5
		default:
			out = append(out, '&')
		}
		s = s[n:]
	}
	return out
}
