package scan

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// ErrDamaged says that a file is not a whole file of phrases of a version that
// is understood here.
var ErrDamaged = errors.New("the file of phrases cannot be used")

// ErrLarge says that the phrases would need more memory than they may have.
var ErrLarge = fmt.Errorf("the phrases need a table of more than %d MB: use fewer lists", maxTable*4>>20)

// magic names the format and its version. The file holds the phrases and what
// they do, all numbers as unsigned varints; the matcher is built from them
// when it is opened, so that no place in memory is ever taken from a file.
const magic = "BELPHR01"

// MaxFile is the size that a file of phrases may have.
const MaxFile = 64 << 20

type encoder []byte

func (e *encoder) uint(n uint64) { *e = binary.AppendUvarint(*e, n) }

func (e *encoder) text(s string) {
	e.uint(uint64(len(s)))
	*e = append(*e, s...)
}

func (e *encoder) rule(r rule) {
	e.uint(uint64(r.kind))
	e.uint(zigzag(r.weight.points))
	e.uint(bit(r.weight.percent))
	e.uint(uint64(r.category))
	e.uint(uint64(r.band))
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func zigzag(n int32) uint64 { return uint64(uint32(n<<1) ^ uint32(n>>31)) }

func unzigzag(u uint64) int32 { return int32(uint32(u)>>1) ^ -int32(uint32(u)&1) }

func (s *set) encode() []byte {
	e := encoder(magic)
	e.uint(bit(s.perOccurrence))
	e.uint(uint64(len(s.categories)))
	for _, c := range s.categories {
		e.text(c)
	}
	e.uint(uint64(len(s.bands)))
	for _, b := range s.bands {
		e.uint(uint64(b.Days))
		e.uint(uint64(b.Start))
		e.uint(uint64(b.End))
	}
	e.uint(uint64(len(s.phrases)))
	for i := range s.phrases {
		e.text(s.phrases[i].text)
		e.rule(s.phrases[i].rule)
	}
	e.uint(uint64(len(s.combos)))
	for i := range s.combos {
		e.uint(uint64(len(s.combos[i].parts)))
		for _, p := range s.combos[i].parts {
			e.uint(uint64(p))
		}
		e.rule(s.combos[i].rule)
	}
	return e
}

// decoder reads a file; the first fault stays, and what is read after it is
// nothing.
type decoder struct {
	rest string
	err  error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrDamaged, what)
	}
	d.rest = ""
}

// uint reads a number of at most most.
func (d *decoder) uint(most uint64, what string) uint64 {
	var n uint64
	for i := 0; i < len(d.rest) && i < binary.MaxVarintLen64; i++ {
		c := d.rest[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.rest = d.rest[i+1:]
			if n > most {
				d.fail(what)
				return 0
			}
			return n
		}
	}
	d.fail(what)
	return 0
}

// size reads how many things follow, each of at least one byte.
func (d *decoder) size(most int, what string) int {
	n := int(d.uint(uint64(most), what))
	if n > len(d.rest) {
		d.fail(what)
		return 0
	}
	return n
}

func (d *decoder) text(most int, what string) string {
	n := d.size(most, what)
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) rule(s *set) rule {
	r := rule{kind: kind(d.uint(uint64(kinds)-1, "a kind"))}
	r.weight.points = unzigzag(d.uint(2*MaxWeight, "a weight"))
	r.weight.percent = d.uint(1, "a weight") == 1
	r.category = uint16(d.uint(none, "a category"))
	r.band = uint16(d.uint(none, "a time"))
	if r.category != none && int(r.category) >= len(s.categories) || r.band != none && int(r.band) >= len(s.bands) {
		d.fail("a category or time that is not there")
	}
	return r
}

func decode(file string) (*set, error) {
	if len(file) > MaxFile || !strings.HasPrefix(file, magic) {
		return nil, fmt.Errorf("%w: it is of no format that is known here", ErrDamaged)
	}
	d := &decoder{rest: file[len(magic):]}
	s := &set{perOccurrence: d.uint(1, "the mode") == 1}
	for range d.size(maxCategories, "the categories") {
		s.categories = append(s.categories, d.text(maxCategory, "a category"))
	}
	for range d.size(maxBands, "the times") {
		s.bands = append(s.bands, Band{uint8(d.uint(127, "a day")), uint16(d.uint(1439, "a time")), uint16(d.uint(1439, "a time"))})
	}
	d.phrases(s)
	d.combos(s)
	if d.err == nil && d.rest != "" {
		d.fail("there is more in it than there should be")
	}
	if d.err != nil {
		return nil, d.err
	}
	return s, nil
}

func (d *decoder) phrases(s *set) {
	n := d.size(MaxPhrases, "the phrases")
	s.phrases = make([]phrase, 0, n)
	last := ""
	for range n {
		text := d.text(MaxPhrase, "a phrase")
		if text <= last || strings.IndexByte(text, 0) >= 0 {
			d.fail("the order of the phrases")
			return
		}
		last = text
		s.phrases = append(s.phrases, phrase{text, d.rule(s)})
	}
}

func (d *decoder) combos(s *set) {
	n := d.size(MaxCombinations, "the combinations")
	s.combos = make([]combo, 0, n)
	for range n {
		parts := make([]uint32, 0, 4)
		for i := range d.size(MaxParts, "a combination") {
			p := uint32(d.uint(uint64(max(len(s.phrases), 1)-1), "a part"))
			if i > 0 && p <= parts[i-1] {
				d.fail("the order of the parts")
				return
			}
			parts = append(parts, p)
		}
		r := d.rule(s)
		if len(parts) == 0 || len(s.phrases) == 0 || r.kind == kindPart {
			d.fail("a combination")
			return
		}
		s.combos = append(s.combos, combo{parts, r})
	}
}

// Open opens what Build returned. A file that is not whole, or not of this
// version, is refused.
func Open(file []byte) (*Phrases, error) {
	text := string(file) // one copy, that all phrases are parts of
	s, err := decode(text)
	if err != nil {
		return nil, err
	}
	m := newMatcher(s.phrases)
	if m == nil {
		return nil, ErrLarge
	}
	s.anchor()
	sum := sha256.Sum256(file)
	return &Phrases{set: s, matcher: m, hash: hex.EncodeToString(sum[:])}, nil
}
