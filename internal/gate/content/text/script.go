package text

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// longToken is how long a run without spaces in a string may be and still be
// words; what is longer is data.
const longToken = 60

// longExpression is how far the end of a regular expression is looked for.
const longExpression = 1000

// script reads what stands in strings of JavaScript or CSS. Strings that are
// put together with "+" are one.
func (x *Extractor) script(f *folder, s []byte) {
	x.codes(f, s)
	joined := false
	for i := 0; i < len(s); {
		switch c := s[i]; c {
		case '"', '\'', '`':
			end, clean := stringEnd(s, i+1, c)
			if !joined {
				f.space()
			}
			if bytes.HasSuffix(s[:i], []byte("atob(")) {
				x.packed(f, s[i+1:end])
			} else {
				x.value(f, s[i+1:end], clean)
			}
			i = min(end+1, len(s))
			joined = plusQuote(s[i:])
			if !joined {
				f.space()
			}
		case '/':
			i = x.slash(s, i)
		default:
			i++
		}
	}
}

// plusQuote reports that what follows adds another string.
func plusQuote(s []byte) bool {
	s = bytes.TrimLeft(s[:min(len(s), 64)], " \t\r\n")
	if len(s) == 0 || s[0] != '+' {
		return false
	}
	s = bytes.TrimLeft(s[1:], " \t\r\n")
	return len(s) > 0 && (s[0] == '"' || s[0] == '\'' || s[0] == '`')
}

// stringEnd finds the closing quote; clean says that nothing is escaped. A
// string in one line that does not end there ends with the line.
func stringEnd(s []byte, i int, quote byte) (end int, clean bool) {
	clean = true
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote:
			return i, clean
		case c == '\\':
			clean = false
			i++
		case c == '\n' && quote != '`':
			return i, clean
		}
	}
	return len(s), clean
}

// slash passes a comment, a division or an expression, whichever it is.
func (x *Extractor) slash(s []byte, i int) int {
	if i+1 < len(s) {
		switch s[i+1] {
		case '/':
			return past(s, i, '\n')
		case '*':
			if j := bytes.Index(s[i+2:], []byte("*/")); j >= 0 {
				return i + j + 4
			}
			return len(s)
		}
	}
	before := bytes.TrimRight(s[max(0, i-16):i], " \t\r\n")
	if len(before) > 0 && bytes.IndexByte([]byte("(,=:[!&|?{};+-*%~^<>"), before[len(before)-1]) < 0 && !bytes.HasSuffix(before, []byte("return")) {
		return i + 1
	}
	class := false
	for j := i + 1; j < min(len(s), i+longExpression) && s[j] != '\n'; j++ {
		switch s[j] {
		case '\\':
			j++
		case '[':
			class = true
		case ']':
			class = false
		case '/':
			if !class {
				return j + 1
			}
		}
	}
	return i + 1
}

// value reads one string: as a page where it holds markup, else as text. What
// is an address, a name in a program or data is left out.
func (x *Extractor) value(f *folder, s []byte, clean bool) {
	if len(s) == 0 || x.depth > maxDepth {
		return
	}
	if !clean {
		at := &x.scratch[x.depth]
		if x.css {
			*at = unescapeStyle((*at)[:0], s)
		} else {
			*at = unescape((*at)[:0], s)
		}
		s = *at
	}
	if isPercents(s) {
		s = percents(nil, s)
	}
	switch {
	case isJSON(s):
		x.depth++
		x.json(f, s)
		x.depth--
	case isCode(s):
	case bytes.IndexByte(s, '<') >= 0:
		x.html(f, s)
	default:
		x.run(f, s)
	}
}

// packed reads the string in a call that unpacks it.
func (x *Extractor) packed(f *folder, s []byte) {
	if len(s) <= maxData {
		x.value(f, base64Text(s), true)
	}
}

// isJSON reports a string that holds JSON by itself, as programs send it.
func isJSON(s []byte) bool {
	s = bytes.TrimSpace(s)
	if len(s) < 4 || s[0] != '{' && s[0] != '[' || s[len(s)-1] != s[0]+2 || bytes.IndexByte(s, '"') < 0 {
		return false
	}
	return json.Valid(s)
}

// codes reads the characters that a script puts together by their numbers.
func (x *Extractor) codes(f *folder, s []byte) {
	for {
		i := bytes.Index(s, []byte("fromCharCode("))
		if i < 0 {
			return
		}
		s = s[i+len("fromCharCode("):]
		end := bytes.IndexByte(s, ')')
		if end < 0 {
			return
		}
		var text []byte
		for part := range bytes.SplitSeq(s[:end], []byte(",")) {
			n, err := strconv.ParseInt(string(bytes.TrimSpace(part)), 0, 32)
			if err != nil || n > utf8.MaxRune || len(text) > maxData {
				break
			}
			text = utf8.AppendRune(text, rune(n))
		}
		f.space()
		x.value(f, text, true)
		f.space()
		s = s[end:]
	}
}

// isCode reports a string that is no text: one token with the signs of
// addresses and names in it, or longer than words are.
func isCode(s []byte) bool {
	if bytes.IndexByte(s, ' ') >= 0 || bytes.IndexByte(s, '<') >= 0 {
		return false
	}
	if len(s) > longToken {
		return ascii7(s)
	}
	for _, c := range s {
		switch c {
		case '/', '.', '_', '#', ':', '=', '{', '}', '(', ')', '[', ']', '$', '\\', '|', '*', '?', '%':
			return true
		}
	}
	return false
}

func ascii7(s []byte) bool {
	for _, c := range s {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// json reads the values that are strings; names of members are not text. What
// stands between them and is no JSON is text: a browser that is led there shows
// all of it.
func (x *Extractor) json(f *folder, s []byte) {
	for i := 0; i < len(s); {
		j := bytes.IndexByte(s[i:], '"')
		if j < 0 {
			x.between(f, s[i:])
			return
		}
		x.between(f, s[i:i+j])
		i += j + 1
		end, clean := stringEnd(s, i, '"')
		body := s[i:end]
		i = min(end+1, len(s))
		if isName(s[i:]) {
			continue
		}
		f.space()
		x.value(f, body, clean)
		f.space()
	}
}

// between reads what stands between two strings of JSON, where it is more than
// signs, figures and the three words that JSON has.
func (x *Extractor) between(f *folder, s []byte) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !isLetter(c) && c < 0x80 || c|0x20 == 'e' && i > 0 && digit(s[i-1]) >= 0 {
			continue
		}
		if n := literal(s[i:]); n > 0 {
			i += n - 1
			continue
		}
		f.space()
		x.run(f, s[i:])
		f.space()
		return
	}
}

// literal is the length of a word of JSON's at the beginning of s.
func literal(s []byte) int {
	for _, w := range [...]string{"null", "true", "false"} {
		if len(s) >= len(w) && string(s[:len(w)]) == w && (len(s) == len(w) || !isLetter(s[len(w)])) {
			return len(w)
		}
	}
	return 0
}

// looksLikeJSON tells JSON, also as the argument of a call or behind what keeps
// others from running it, from a text that only says so: browsers show that.
func looksLikeJSON(s []byte) bool {
	s = bytes.TrimLeft(bytes.TrimPrefix(s[:min(len(s), 4096)], []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(s) == 0 || s[0] == '<' {
		return false
	}
	word := bytes.TrimLeftFunc(s, func(r rune) bool { return r == '_' || r == '$' || r|0x20 >= 'a' && r|0x20 <= 'z' })
	if len(word) == len(s) || len(word) == 0 {
		return true
	}
	return bytes.IndexByte([]byte("(=.;,:]}0123456789"), word[0]) >= 0
}

// isName reports that the string before was the name of a member.
func isName(s []byte) bool {
	for _, c := range s[:min(len(s), 64)] {
		if c > ' ' {
			return c == ':'
		}
	}
	return false
}

// events reads a stream of events: JSON where the data is, else text. A browser
// that is led to one shows all of it.
func (x *Extractor) events(f *folder, s []byte) {
	for len(s) > 0 {
		var line []byte
		line, s = cutLine(s)
		field, data, ok := bytes.Cut(line, []byte(":"))
		if !ok || string(field) != "data" {
			if string(field) != "event" && string(field) != "id" && string(field) != "retry" {
				f.space()
				x.plain(f, line)
				f.space()
			}
			continue
		}
		data = bytes.TrimSpace(data)
		f.space()
		if len(data) > 0 && (data[0] == '{' || data[0] == '[') {
			x.json(f, data)
		} else {
			x.run(f, data)
		}
		f.space()
	}
}

// cutLine takes one line off, however it ends.
func cutLine(s []byte) (line, rest []byte) {
	i := bytes.IndexAny(s, "\r\n")
	if i < 0 {
		return s, nil
	}
	return s[:i], s[i+1:]
}

// looksLikeCode tells a script or style sheet from text that is only called
// one: by how much of it is punctuation of code.
func looksLikeCode(s []byte) bool {
	s = s[:min(len(s), 16<<10)]
	return signs(s)*50 > len(s)
}

// isCodeInPage is the same of one in a page, where a few signs are enough: it is
// shown only if a style says so, and much of one may be data.
func isCodeInPage(s []byte) bool {
	s = s[:min(len(s), 16<<10)]
	n := signs(s)
	return n >= 3 || n*50 > len(s)
}

func signs(s []byte) (n int) {
	for _, c := range s {
		switch c {
		case '{', '}', ';', '(', ')', '=', '[', ']':
			n++
		}
	}
	return n
}
