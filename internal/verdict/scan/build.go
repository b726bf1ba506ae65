package scan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Options say how phrases are built.
type Options struct {
	// PerOccurrence: every occurrence of a phrase counts (e2guardian's
	// weightedphrasemode 1); else once a page (mode 2, its default).
	PerOccurrence bool
	// Plain keeps phrases as e2guardian does, byte for byte, to be matched
	// against Text.Plain. Otherwise they are decoded and folded.
	Plain bool
	// Category maps what a list calls a category to the rules' slug; "" leaves
	// a phrase without one. nil keeps the lists' words.
	Category func(word string) string
	// Refuse says why a line must not be taken up; nil takes all.
	Refuse func(Line) error
}

// Line is one phrase or combination of a list.
type Line struct {
	Parts    []string // as they stand in the list, small letters
	Kind     Kind
	Weight   int
	Percent  bool // Weight is per cent of the limit
	Category string
	Band     *Band // nil: always
}

// Kind is what a line does.
type Kind uint8

// The kinds of lines.
const (
	Weighted Kind = iota
	Banned
	Exception
)

var kindOf = [...]kind{Weighted: kindWeighted, Banned: kindBanned, Exception: kindException}

// Refusals of a line. They say what is wrong with it.
var (
	ErrEmpty    = errors.New("there is no phrase in it")
	ErrShort    = errors.New("it has fewer than two letters or digits and would be on every page")
	ErrEncoding = errors.New("it is in an encoding that cannot be told")
	ErrWeight   = fmt.Errorf("its weight is over %d", MaxWeight)
	ErrParts    = fmt.Errorf("it has more than %d parts", MaxParts)
	ErrFull     = errors.New("there are more phrases than fit")
)

// Builder gathers lines.
type Builder struct {
	o      Options
	rules  map[string]rule
	combos []comboText
	cats   index[string]
	bands  index[Band]
}

type comboText struct {
	parts []string
	rule
}

// index numbers different values.
type index[T comparable] struct {
	list []T
	at   map[T]uint16
}

func (x *index[T]) number(v T, most int) (uint16, error) {
	if n, ok := x.at[v]; ok {
		return n, nil
	}
	if len(x.list) >= most {
		return none, ErrFull
	}
	if x.at == nil {
		x.at = map[T]uint16{}
	}
	n := uint16(len(x.list))
	x.list, x.at[v] = append(x.list, v), n
	return n, nil
}

// NewBuilder returns an empty builder.
func NewBuilder(o Options) *Builder { return &Builder{o: o, rules: map[string]rule{}} }

// Add adds a line. duplicate says that the phrase was there already; the
// stronger of the two stays: an exception before a banned phrase, that before
// a weight, and the higher weight.
func (b *Builder) Add(l Line) (duplicate bool, err error) {
	if b.o.Refuse != nil {
		if err := b.o.Refuse(l); err != nil {
			return false, err
		}
	}
	var parts []string
	for _, p := range l.Parts {
		text, err := b.form(p)
		if err != nil {
			return false, err
		}
		if text != "" && !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	switch {
	case len(parts) == 0:
		return false, ErrEmpty
	case len(parts) > MaxParts:
		return false, ErrParts
	case l.Weight > MaxWeight || l.Weight < -MaxWeight:
		return false, ErrWeight
	}
	r, err := b.rule(l)
	if err != nil {
		return false, err
	}
	if len(l.Parts) > 1 {
		return false, b.addCombo(parts, r)
	}
	return b.addPhrase(parts[0], r)
}

func (b *Builder) rule(l Line) (rule, error) {
	r := rule{kind: kindOf[l.Kind], category: none, band: none}
	if l.Kind == Weighted {
		r.weight = weight{int32(l.Weight), l.Percent}
	}
	word := l.Category
	if b.o.Category != nil {
		word = b.o.Category(word)
	}
	var err error
	if word != "" {
		if len(word) > maxCategory {
			return r, fmt.Errorf("its category is longer than %d bytes", maxCategory)
		}
		if r.category, err = b.cats.number(word, maxCategories); err != nil {
			return r, err
		}
	}
	if l.Band != nil {
		if r.band, err = b.bands.number(*l.Band, maxBands); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (b *Builder) addPhrase(text string, r rule) (duplicate bool, err error) {
	have, ok := b.rules[text]
	if !ok && len(b.rules) >= MaxPhrases {
		return false, ErrFull
	}
	if !ok || r.kind > have.kind || r.kind == kindWeighted && have.kind == kindWeighted && r.weight.heavier(have.weight) {
		b.rules[text] = r
	}
	return ok && have.kind != kindPart, nil
}

func (b *Builder) addCombo(parts []string, r rule) error {
	if len(b.combos) >= MaxCombinations {
		return ErrFull
	}
	for _, p := range parts {
		if _, ok := b.rules[p]; !ok {
			if len(b.rules) >= MaxPhrases {
				return ErrFull
			}
			b.rules[p] = rule{kind: kindPart, category: none, band: none}
		}
	}
	b.combos = append(b.combos, comboText{parts, r})
	return nil
}

// form is the phrase as it is matched.
func (b *Builder) form(p string) (string, error) {
	if b.o.Plain {
		return plainPhrase(strings.ReplaceAll(p, "\x00", "")), nil
	}
	return Folded(p)
}

// Folded is a list's phrase in the form that it is matched in, at most
// MaxPhrase bytes long. Bytes that are no UTF-8 are taken for Latin-1 as
// browsers have it, if they are letters there.
func Folded(p string) (string, error) {
	if !utf8.ValidString(p) {
		var ok bool
		if p, ok = fromLatin1(p); !ok {
			return "", ErrEncoding
		}
	}
	// A page's letters are read in their plain form (NFKC), so a phrase's are.
	out := appendFolded(nil, norm.NFKC.Bytes([]byte(p)), true)
	if len(out) > MaxPhrase {
		out = out[:MaxPhrase]
		for !utf8.Valid(out) {
			out = out[:len(out)-1]
		}
	}
	meaning := 0
	for _, c := range out {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= utf8.RuneSelf {
			meaning++
		}
	}
	if len(out) > 0 && meaning < 2 {
		return "", ErrShort
	}
	return string(out), nil
}

// fromLatin1 decodes bytes as windows-1252, the Latin-1 of browsers, as far as
// they are letters, quotes, dashes or a space there. What is something else
// was written in another encoding.
func fromLatin1(s string) (string, bool) {
	var out strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c < utf8.RuneSelf || c >= 0xc0 && c != 0xd7 && c != 0xf7 || c == 0xa0:
			out.WriteRune(rune(c))
		case c >= 0x91 && c <= 0x97:
			out.WriteByte(' ')
		default:
			return "", false
		}
	}
	return out.String(), true
}

// Merge adds all phrases of p whose category keep takes. They are taken as they
// stand: built with the same Plain, and of categories that were mapped.
func (b *Builder) Merge(p *Phrases, keep func(category string) bool) error {
	for i := range p.set.phrases {
		x := &p.set.phrases[i]
		if x.kind == kindPart || !keep(p.set.category(x.category)) {
			continue
		}
		r, err := b.adopt(p.set, x.rule)
		if err != nil {
			return err
		}
		if _, err := b.addPhrase(x.text, r); err != nil {
			return err
		}
	}
	for i := range p.set.combos {
		x := &p.set.combos[i]
		if !keep(p.set.category(x.category)) {
			continue
		}
		r, err := b.adopt(p.set, x.rule)
		if err != nil {
			return err
		}
		var parts []string
		for _, part := range x.parts {
			parts = append(parts, p.set.phrases[part].text)
		}
		if err := b.addCombo(parts, r); err != nil {
			return err
		}
	}
	return nil
}

// adopt is a rule of another set in the numbers of this one.
func (b *Builder) adopt(from *set, r rule) (rule, error) {
	var err error
	if r.category != none {
		if r.category, err = b.cats.number(from.category(r.category), maxCategories); err != nil {
			return r, err
		}
	}
	if r.band != none {
		r.band, err = b.bands.number(from.bands[r.band], maxBands)
	}
	return r, err
}

// set is what was gathered.
func (b *Builder) set() *set {
	s := &set{perOccurrence: b.o.PerOccurrence, categories: b.cats.list, bands: b.bands.list}
	for text, r := range b.rules {
		s.phrases = append(s.phrases, phrase{text, r})
	}
	slices.SortFunc(s.phrases, func(a, b phrase) int { return strings.Compare(a.text, b.text) })
	at := make(map[string]uint32, len(s.phrases))
	for i := range s.phrases {
		at[s.phrases[i].text] = uint32(i)
	}
	for _, c := range b.combos {
		x := combo{rule: c.rule}
		for _, p := range c.parts {
			x.parts = append(x.parts, at[p])
		}
		slices.Sort(x.parts)
		s.combos = append(s.combos, x)
	}
	return s
}

// Build returns the file of what was gathered, which Open opens, and what it
// opens to. The same lines in the same order give the same bytes.
func (b *Builder) Build() ([]byte, *Phrases, error) {
	file := b.set().encode()
	if len(file) > MaxFile {
		return nil, nil, ErrLarge
	}
	p, err := Open(file)
	return file, p, err
}
