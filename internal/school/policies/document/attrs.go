package document

import (
	"fmt"
	"strings"
)

// attrs is what stands between the braces of a span.
type attrs struct {
	id      string
	classes []string
	pairs   map[string]string
}

func (a attrs) has(class string) bool {
	for _, c := range a.classes {
		if c == class {
			return true
		}
	}
	return false
}

// attrError is a fault in braces, with what to do about it.
type attrError string

func (e attrError) Error() string { return string(e) }

// parseAttrs reads {#id .class key=value key="a b"} at the beginning of s. It
// returns how many bytes it took. The braces must close on the line they were
// opened on, so that one forgotten brace does not swallow a paragraph.
func parseAttrs(s []byte) (attrs, int, error) {
	p := &attrParser{s: s, i: 1}
	a := attrs{pairs: map[string]string{}}
	for {
		p.space()
		switch {
		case p.end():
			return a, 0, attrError("the { has no } on its line; close it")
		case p.s[p.i] == '}':
			return a, p.i + 1, nil
		}
		if err := p.item(&a); err != nil {
			return a, 0, err
		}
	}
}

type attrParser struct {
	s []byte
	i int
}

func (p *attrParser) end() bool { return p.i >= len(p.s) || p.s[p.i] == '\n' }

func (p *attrParser) space() {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\t') {
		p.i++
	}
}

func (p *attrParser) item(a *attrs) error {
	switch p.s[p.i] {
	case '#':
		p.i++
		id := p.name()
		if id == "" {
			return attrError("after # there must be a name, as in {#passwords}")
		}
		if a.id != "" {
			return attrError("two # names in one pair of braces; keep one")
		}
		a.id = id
		return nil
	case '.':
		p.i++
		class := p.name()
		if class == "" {
			return attrError("after . there must be a word, as in {.off}")
		}
		a.classes = append(a.classes, class)
		return nil
	}
	return p.pair(a)
}

func (p *attrParser) pair(a *attrs) error {
	key := p.name()
	if key == "" {
		return attrError(fmt.Sprintf("%q cannot stand in braces; write #name, .word or key=value", p.word()))
	}
	if p.end() || p.s[p.i] != '=' {
		return attrError(fmt.Sprintf("%q needs a value, as in %s=…", key, key))
	}
	p.i++
	value, err := p.value(key)
	if err != nil {
		return err
	}
	if _, twice := a.pairs[key]; twice {
		return attrError(fmt.Sprintf("%s= stands twice in one pair of braces; put several names in one quoted value", key))
	}
	a.pairs[key] = value
	return nil
}

func (p *attrParser) value(key string) (string, error) {
	if p.end() {
		return "", attrError(fmt.Sprintf("%s= has no value", key))
	}
	if p.s[p.i] != '"' {
		w := p.bare()
		if w == "" || strings.ContainsAny(w, `"'`) {
			return "", attrError(fmt.Sprintf("%s= needs a word, or several in straight double quotes", key))
		}
		return w, nil
	}
	p.i++
	var b strings.Builder
	for !p.end() {
		c := p.s[p.i]
		switch {
		case c == '"':
			p.i++
			if !p.end() && p.s[p.i] != ' ' && p.s[p.i] != '\t' && p.s[p.i] != '}' {
				return "", attrError(fmt.Sprintf("leave a space after the value of %s", key))
			}
			return b.String(), nil
		case c == '\\' && p.i+1 < len(p.s) && p.s[p.i+1] != '\n':
			p.i++
			b.WriteByte(p.s[p.i])
		default:
			b.WriteByte(c)
		}
		p.i++
	}
	return "", attrError(fmt.Sprintf("the quotation mark after %s= is not closed on its line", key))
}

// bare reads an unquoted value: up to a space or the closing brace.
func (p *attrParser) bare() string {
	from := p.i
	for !p.end() && p.s[p.i] != ' ' && p.s[p.i] != '\t' && p.s[p.i] != '}' {
		p.i++
	}
	return string(p.s[from:p.i])
}

// word is what stands here, for a message.
func (p *attrParser) word() string {
	q := *p
	w := q.bare()
	if r := []rune(w); len(r) > 30 {
		return string(r[:30])
	}
	return w
}

func (p *attrParser) name() string {
	from := p.i
	for p.i < len(p.s) && isNameByte(p.s[p.i], p.i == from) {
		p.i++
	}
	return string(p.s[from:p.i])
}

func isNameByte(c byte, first bool) bool {
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
	if first {
		return letter
	}
	return letter || c >= '0' && c <= '9' || c == '-' || c == '_' || c == ':' || c == '.'
}
