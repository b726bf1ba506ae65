package text

import "bytes"

// attributes reads the attributes of a tag at i, keeps those that somebody
// reads, and gives the place behind the tag.
func (x *Extractor) attributes(s []byte, i int) (kind scriptType, end int) {
	for i < len(s) {
		for i < len(s) && (s[i] <= ' ' || s[i] == '/') {
			i++
		}
		if i >= len(s) {
			break
		}
		if s[i] == '>' {
			return kind, i + 1
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
		if i >= len(s) || s[i] != '=' {
			continue
		}
		var value []byte
		value, i = attributeValue(s, i+1)
		x.active = x.active || does(name, value)
		switch attributeUse(name) {
		case useText:
			x.side.space()
			x.run(&x.side, value)
			x.side.space()
		case usePage:
			x.page(value)
		case useType:
			kind = typeOf(value)
		}
	}
	return kind, len(s)
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
	value = bytes.TrimLeft(value, " \t\r\n")
	return len(value) > 5 && equalFold(value[:5], "data:") || len(value) > 11 && equalFold(value[:11], "javascript:")
}

type use uint8

const (
	useNone use = iota
	useText
	usePage
	useType
)

// attributeUse says what an attribute is for. Names by which pages style and
// address their parts are nobody's words.
func attributeUse(name []byte) use {
	switch len(name) {
	case 3:
		if equalFold(name, "alt") {
			return useText
		}
	case 4:
		if equalFold(name, "type") {
			return useType
		}
	case 5:
		if equalFold(name, "title") || equalFold(name, "label") || equalFold(name, "value") {
			return useText
		}
	case 6:
		if equalFold(name, "srcdoc") {
			return usePage
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
