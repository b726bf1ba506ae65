package document

import (
	"fmt"
	"strings"
)

// Meta is the front matter.
type Meta struct {
	Title     string
	Version   string
	Owner     string   // a post
	Review    string   // "12 months"
	Approvers []string // posts and bodies
	School    string   // which example school's duties it must cover: "hospital", "primary", or ""
	Date      string
	Author    string
	History   []string // "2.0, 2026-09-01, passwords added, the online-safety lead"

	lines map[string]int
}

// Line is where the key stands, 1 when it does not.
func (m Meta) Line(key string) int {
	if n := m.lines[key]; n > 0 {
		return n
	}
	return 1
}

// values are the front matter's lines that are settings.
func (m Meta) values() []Value {
	var out []Value
	if m.Review != "" {
		out = append(out, Value{Key: "policies.review", Words: m.Review, Line: m.Line("review")})
	}
	if len(m.Approvers) > 0 {
		out = append(out, Value{Key: "policies.approvers", Words: strings.Join(m.Approvers, ", "), Line: m.Line("approvers")})
	}
	return out
}

// frontKeys are the keys that front matter may have.
var frontKeys = []string{"title", "version", "owner", "review", "approvers", "school", "date", "author", "history"}

// splitFront finds the front matter. It returns its lines with the number of
// the first, and the text with the front matter blanked out, so that offsets
// and line numbers stay those of the document.
func splitFront(text string) (lines []string, body string, problem *Problem) {
	if !strings.HasPrefix(text, "---\n") {
		return nil, text, &Problem{
			Level: Warning, Line: 1, Code: "no-front-matter",
			Words: "the document does not begin with front matter; begin with a line --- and then title, version, owner, review and approvers, and close it with ---",
		}
	}
	rest := text[4:]
	for pos := 0; pos < len(rest); {
		end := strings.IndexByte(rest[pos:], '\n')
		line := rest[pos:]
		next := len(rest)
		if end >= 0 {
			line, next = rest[pos:pos+end], pos+end+1
		}
		if l := strings.TrimRight(line, " \t"); l == "---" || l == "..." {
			taken := text[:4+next]
			return strings.Split(strings.TrimSuffix(rest[:pos], "\n"), "\n"), blank(taken) + text[4+next:], nil
		}
		pos = next
	}
	return nil, text, &Problem{
		Level: Error, Line: 1, Code: "front-matter",
		Words: "the front matter is opened with --- and never closed; add a line --- after its last key",
	}
}

// blank keeps the newlines of s and turns the rest into spaces.
func blank(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] != '\n' {
			b[i] = ' '
		}
	}
	return string(b)
}

// parseFront reads the lines between the two ---; the first is line 2.
func parseFront(lines []string) (Meta, []Problem) {
	f := &front{meta: Meta{lines: map[string]int{}}}
	for i, l := range lines {
		f.line(i+2, l)
	}
	f.finish()
	return f.meta, f.problems
}

type front struct {
	meta     Meta
	problems []Problem
	key      string // the key whose "- item" lines follow
	items    []string
}

func (f *front) line(n int, l string) {
	t := strings.TrimSpace(l)
	if t == "" || strings.HasPrefix(t, "#") {
		return
	}
	if item, ok := strings.CutPrefix(t, "- "); ok {
		if f.key == "" {
			f.problem(n, "this line of a list belongs to no key")
			return
		}
		v, err := scalar(item)
		if err != nil {
			f.problem(n, err.Error())
			return
		}
		f.items = append(f.items, v)
		return
	}
	f.finish()
	key, value, ok := strings.Cut(t, ":")
	key = strings.TrimSpace(key)
	if !ok || key == "" || l != strings.TrimLeft(l, " \t") {
		f.problem(n, fmt.Sprintf("%q is not a line of front matter; write key: value at the beginning of the line", short(t)))
		return
	}
	if _, twice := f.meta.lines[key]; twice {
		f.problem(n, fmt.Sprintf("%s stands twice in the front matter; keep one", key))
		return
	}
	f.meta.lines[key] = n
	value = strings.TrimSpace(value)
	if value == "" {
		f.key = key
		return
	}
	f.set(n, key, value)
}

// finish ends a block list.
func (f *front) finish() {
	if f.key == "" {
		return
	}
	f.put(f.meta.lines[f.key], f.key, f.items)
	f.key, f.items = "", nil
}

func (f *front) set(n int, key, value string) {
	if !strings.HasPrefix(value, "[") {
		v, err := scalar(value)
		if err != nil {
			f.problem(n, err.Error())
			return
		}
		f.put(n, key, []string{v})
		return
	}
	inner, ok := strings.CutSuffix(strings.TrimPrefix(value, "["), "]")
	if !ok {
		f.problem(n, fmt.Sprintf("the list of %s has no ] at the end of its line", key))
		return
	}
	var items []string
	for _, part := range strings.Split(inner, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		v, err := scalar(strings.TrimSpace(part))
		if err != nil {
			f.problem(n, err.Error())
			return
		}
		items = append(items, v)
	}
	f.put(n, key, items)
}

func (f *front) put(n int, key string, items []string) {
	lists := map[string]*[]string{"approvers": &f.meta.Approvers, "history": &f.meta.History}
	if l, ok := lists[key]; ok {
		*l = items
		return
	}
	singles := map[string]*string{
		"title": &f.meta.Title, "version": &f.meta.Version, "owner": &f.meta.Owner, "review": &f.meta.Review,
		"school": &f.meta.School, "date": &f.meta.Date, "author": &f.meta.Author,
	}
	s, ok := singles[key]
	if !ok {
		words := fmt.Sprintf("front matter has no key %q; the keys are %s", key, strings.Join(frontKeys, ", "))
		if near := Nearest(key, frontKeys); near != "" {
			words = fmt.Sprintf("front matter has no key %q; did you mean %q?", key, near)
		}
		f.problems = append(f.problems, Problem{Level: Warning, Line: n, Code: "front-matter", Words: words})
		return
	}
	if len(items) != 1 {
		f.problem(n, fmt.Sprintf("%s needs one value", key))
		return
	}
	*s = items[0]
}

func (f *front) problem(n int, words string) {
	f.problems = append(f.problems, Problem{Level: Error, Line: n, Code: "front-matter", Words: words})
}

// scalar reads a plain or quoted value. Anything of YAML beyond that is
// refused, never guessed at.
func scalar(s string) (string, error) {
	switch s[0] {
	case '"', '\'':
		q := s[:1]
		inner, ok := strings.CutSuffix(s[1:], q)
		if !ok || strings.Contains(inner, q) {
			return "", fmt.Errorf("%s: the quotation marks do not match", short(s))
		}
		return inner, nil
	case '{', '|', '>', '&', '*', '!', '%', '@', '`':
		return "", fmt.Errorf("%s: begin a value with a letter or a digit, or put it in quotation marks", short(s))
	}
	if i := strings.Index(s, " #"); i >= 0 {
		s = strings.TrimSpace(s[:i])
	}
	return s, nil
}

// short cuts words that are quoted in a message.
func short(s string) string {
	r := []rune(s)
	if len(r) <= 40 {
		return s
	}
	return string(r[:40]) + "…"
}
