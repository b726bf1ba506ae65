package lists

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The kinds of search. Suggest is what a service is asked while a person still
// types: words, but no finished search.
const (
	Web     = "web"
	Image   = "image"
	Video   = "video"
	Suggest = "suggest"
)

const (
	maxQuery = 16 << 10
	maxWords = 300 // characters
)

// Engine says where one search service puts the words.
type Engine struct {
	Name   string
	Host   string   // exact, "*.name" for names below, or "name.*" for any country ending
	Path   string   // exact, "/x*" for what begins so, "/x/*/y" for any one part, "/x/@" if the words follow
	Params []string // tried in order; "@" means the path
	Kind   string
	KindBy map[string]string // "parameter:value" to kind
}

// SearchEngines gives the services that ship.
func SearchEngines() ([]Engine, error) {
	var out []Engine
	err := eachRow("search-engines.tsv", "engine", 6, func(c []string) error {
		e := Engine{Name: c[0], Host: c[1], Path: c[2], Params: strings.Fields(c[3]), Kind: c[4], KindBy: map[string]string{}}
		if e.Name == "" || len(e.Params) == 0 || !slices.Contains([]string{Web, Image, Video, Suggest}, e.Kind) {
			return fmt.Errorf("the row of %q is not whole", e.Name)
		}
		if e.Path != "*" && !strings.HasPrefix(e.Path, "/") || strings.HasSuffix(e.Path, "/@") != (c[3] == "@") {
			return fmt.Errorf("%q is not a path that can be read", e.Path)
		}
		for _, rule := range strings.Fields(c[5]) {
			when, kind, ok := strings.Cut(rule, "=")
			if !ok || !strings.Contains(when, ":") {
				return fmt.Errorf("%q is not parameter:value=kind", rule)
			}
			e.KindBy[when] = kind
		}
		out = append(out, e)
		return nil
	})
	return out, err
}

// Searcher finds search words in addresses. It never changes after it is made
// and may be used by many at once.
type Searcher struct {
	exact, below, country map[string][]Engine
}

// NewSearcher makes a Searcher of the engines.
func NewSearcher(engines []Engine) *Searcher {
	s := &Searcher{exact: map[string][]Engine{}, below: map[string][]Engine{}, country: map[string][]Engine{}}
	for _, e := range engines {
		if rest, ok := strings.CutPrefix(e.Host, "*."); ok {
			s.below[rest] = append(s.below[rest], e)
			continue
		}
		if rest, ok := strings.CutSuffix(e.Host, ".*"); ok {
			s.country[rest] = append(s.country[rest], e)
			continue
		}
		s.exact[e.Host] = append(s.exact[e.Host], e)
	}
	return s
}

// Words gives the words somebody searched for, cleaned and at most 300
// characters long. Host is canonical; path and query are as sent, the query
// without its question mark. ok means that there are words; the engine is
// named as soon as the address is one of its search pages. Words of kind
// Suggest are not a finished search.
func (s *Searcher) Words(host, path, rawQuery string) (engine, words, kind string, ok bool) {
	for _, group := range s.engines(host) {
		for i := range group {
			e := &group[i]
			rest, hit := matchPath(e.Path, path)
			if !hit {
				continue
			}
			found := e.words(rest, rawQuery)
			if found != "" {
				return e.Name, found, e.kind(rawQuery), true
			}
			if engine == "" {
				engine, kind = e.Name, e.Kind
			}
		}
	}
	return engine, "", kind, false
}

func (s *Searcher) engines(host string) [3][]Engine { return places(host, s.exact, s.below, s.country) }

func countryEnding(label string) bool {
	return len(label) == 2 || label == "com" || label == "cat" || label == "org" || label == "net"
}

func secondLevel(label string) bool {
	return label == "co" || label == "com" || label == "org" || label == "net" || label == "ne"
}

// matchPath compares a path with a pattern and gives the part of the path that
// an "@" stands for.
func matchPath(pattern, path string) (rest string, ok bool) {
	if pattern == "*" {
		return "", true
	}
	path = "/" + strings.Trim(path, "/")
	if prefix, found := strings.CutSuffix(pattern, "@"); found {
		after, hit := strings.CutPrefix(path, prefix)
		part, _, _ := strings.Cut(after, "/")
		return part, hit
	}
	if before, after, found := strings.Cut(pattern, "/*/"); found {
		inner, hit := strings.CutPrefix(path, before+"/")
		part, tail, more := strings.Cut(inner, "/")
		return "", hit && more && part != "" && tail == after
	}
	if prefix, found := strings.CutSuffix(pattern, "*"); found {
		return "", strings.HasPrefix(path+"/", prefix)
	}
	return "", path == pattern || pattern == "/" && path == "/"
}

// words looks at the parameters in their order. All of them give their values,
// and one that stands there several times gives all of its own: which one the
// service takes is its own affair, and a second one must hide nothing.
func (e *Engine) words(rest, rawQuery string) string {
	var found []string
	for _, p := range e.Params {
		if p == "@" {
			return clean(rest)
		}
		name, member, inside := strings.Cut(p, ">")
		eachParam(rawQuery, func(key, value string) {
			if key != name {
				return
			}
			w := clean(value)
			if inside {
				w = memberOf(value, member)
			}
			if w != "" && !slices.Contains(found, w) {
				found = append(found, w)
			}
		})
	}
	return cut(strings.Join(found, " "))
}

// memberOf is the text that stands under a name in a parameter that holds JSON,
// as programs of pages send it.
func memberOf(value, name string) string {
	var in any
	if json.Unmarshal([]byte(unescape(strings.ReplaceAll(value, "+", " "))), &in) != nil {
		return ""
	}
	return cut(strings.Join(strings.Fields(search(in, name, 8)), " "))
}

func search(in any, name string, depth int) string {
	if depth == 0 {
		return ""
	}
	switch in := in.(type) {
	case map[string]any:
		if s, ok := in[name].(string); ok {
			return s
		}
		for _, key := range slices.Sorted(maps.Keys(in)) {
			if s := search(in[key], name, depth-1); s != "" {
				return s
			}
		}
	case []any:
		for _, x := range in {
			if s := search(x, name, depth-1); s != "" {
				return s
			}
		}
	}
	return ""
}

func (e *Engine) kind(rawQuery string) string {
	kind := e.Kind
	if len(e.KindBy) == 0 {
		return kind
	}
	eachParam(rawQuery, func(key, value string) {
		if k, ok := e.KindBy[key+":"+value]; ok {
			kind = k
		}
	})
	return kind
}

func eachParam(rawQuery string, f func(key, value string)) {
	if len(rawQuery) > maxQuery {
		rawQuery = rawQuery[:maxQuery]
	}
	for rawQuery != "" {
		var pair string
		pair, rawQuery, _ = strings.Cut(rawQuery, "&")
		key, value, _ := strings.Cut(pair, "=")
		f(unescape(key), value)
	}
}

// clean decodes a value, twice if it was encoded twice, and makes it one line
// of plain text.
func clean(raw string) string {
	s := unescape(strings.ReplaceAll(raw, "+", " "))
	if strings.Contains(s, "%") {
		// Only a whole second encoding is undone: "100%" stays as it is.
		if again := unescape(s); utf8.ValidString(again) {
			s = again
		}
	}
	if !utf8.ValidString(s) {
		s = latin1(s)
	}
	return cut(strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " "))
}

func cut(s string) string {
	n := 0
	for i := range s {
		if n == maxWords {
			return strings.TrimSpace(s[:i])
		}
		n++
	}
	return s
}

// latin1 reads the bytes as old pages send them.
func latin1(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// unescape undoes percent encoding and leaves what is none.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+5 < len(s) && s[i+1]|0x20 == 'u' {
			if n, err := strconv.ParseUint(s[i+2:i+6], 16, 16); err == nil {
				b.WriteRune(rune(n)) // as old scripts escape
				i += 5
				continue
			}
		}
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := hexValue(s[i+1]), hexValue(s[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hexValue(c byte) int {
	if c < '0' {
		return -1 // below here setting the bit would make a digit of it
	}
	return strings.IndexByte("0123456789abcdef", c|0x20)
}
