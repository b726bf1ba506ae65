package text

import "bytes"

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

// tagWord is a tag's name in lower case, at most 16 letters of it.
type tagWord struct {
	letters [16]byte
	n       int
}

// tagName gives a tag's name, and the place behind it.
func tagName(s []byte, i int) (name tagWord, end int) {
	for ; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c == '/' || c == '>' {
			break
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if name.n < len(name.letters) {
			name.letters[name.n] = c
			name.n++
		}
	}
	return name, i
}

func word(name *tagWord) []byte { return name.letters[:name.n] }

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
func isBlock(name tagWord) bool {
	switch string(word(&name)) {
	case "p", "div", "br", "hr", "li", "ul", "ol", "dl", "dt", "dd", "td", "th", "tr", "table", "tbody", "thead", "tfoot", "caption", "col", "colgroup",
		"h1", "h2", "h3", "h4", "h5", "h6", "hgroup", "address", "article", "aside", "blockquote", "center", "details", "dialog",
		"dir", "fieldset", "figcaption", "figure", "footer", "form", "header", "legend", "listing", "main",
		"menu", "nav", "optgroup", "option", "plaintext", "pre", "search", "section", "select", "summary", "title", "xmp",
		"img", "button", "textarea", "video", "audio", "canvas", "iframe", "svg", "math", "meter",
		"progress", "rt", "rp", "text", "desc", "foreignobject":
		return true
	}
	return false
}

// isReplaced reports an element that stands in the line like a picture: its
// begin parts the text, and an end alone is nothing.
func isReplaced(name *tagWord) bool {
	switch string(word(name)) {
	case "img", "video", "audio", "canvas", "iframe", "svg", "math", "meter", "progress", "select", "col", "hr":
		return true
	}
	return false
}
