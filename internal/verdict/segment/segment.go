// Package segment holds one list source as one file: built once, named by its
// own SHA-256, mapped into memory and never changed, so that the snapshots
// before and after a change share every list that did not change.
//
// The file holds no names. It is a table of cache lines, eight slots each; a
// slot keeps 48 bits of a name's 64-bit hash and the number of the set of
// categories the name is in. A name lies in the line of its anchor, the last
// two or three labels, together with its parents; so one line answers for a
// name and all its parents at once, with all their categories. What finds no
// room there lies in the neighbouring line, or (a domain with very many names
// in a list) in a line of its own.
//
// The price is a chance of being wrong: a name that is in no list is taken
// for a listed one if one of the slots looked at has its 48 bits by chance.
// About five slots of a line are taken, so that is 5 × 2^-48 or 2 × 10^-14 a
// label and list: under 10^-12 for a name of four labels asked of ten lists,
// and under 3 × 10^-11 for the longest name there can be. It errs only
// towards more categories.
//
// Hashes have no secret in them. Who could make two names collide is who
// writes the list, and he could list both. A licensed list is another matter:
// its keys are made with a secret, by whoever builds and asks it, and what is
// needed for that lies in the file sealed (Lock). Of its entries the file has
// neither text nor a hash that could be tried out.
//
// A list may except some of what it lists: an entry has a role, and a category
// has a number of its own for each role that entries of it have.
package segment

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
	"net/netip"
	"regexp"
	"runtime"
)

const (
	magic      = "BELSEG01"
	headerSize = 256
	lineSize   = 64
	slots      = lineSize / 8
	// Nine names take two lines on average: 14.2 bytes a name, and one line in
	// twenty-five has more than fit.
	fillNames, fillLines = 9, 2

	setSize = 72
	maxSets = 1 << 15
	// frontFill is how many names a word of the front filter holds: half a
	// byte each.
	frontFill = 16
	// hugePage: a file written in pieces of this size lies in memory in pages
	// of this size where the system has them, and is found with fewer steps.
	hugePage = 2 << 20
	// The spare bit of a line's first, second and third slot. The neighbour is
	// the other line of a pair, which the processor fetches along.
	spill  = 1 << 15 // keys anchored to this line are in its neighbour, or further
	passed = 1 << 15 // keys that belong to this line or one before are behind it
	far    = 1 << 15 // keys anchored to this line are further than its neighbour
	// anchorBits is what a record keeps of its anchor.
	anchorBits = ^uint64(1<<32 - 1)
	idMask     = maxSets - 1
)

// ErrDamaged is wrapped by every error about a file that is not a whole
// segment.
var ErrDamaged = errors.New("the list file is damaged")

// Set is what one key means: categories of the name and everything below it,
// categories of exactly the name, and whether pages of it are listed.
// Categories are numbers of the segment's own list.
type Set struct {
	Sub, Exact [4]uint64
	Pages      bool
}

// Expression is one compiled expression of a list.
type Expression struct {
	Category uint8
	Host     bool // it is about the host alone, and not the whole URL
	Pattern  *regexp.Regexp
}

// Segment is one open list source. It is immutable and safe for any number of
// readers. The mapping goes when nothing refers to the Segment any more; who
// holds a Table must hold its Segment too.
type Segment struct {
	front       []byte
	fronts      uint64 // words of the front filter
	table       []byte
	lines       uint64
	sets        []Set
	categories  []string
	roles       []Role
	lock        []byte
	expressions []Expression
	maxPath     int
	four        uint64    // bit n: ranges of n bits, IPv4
	six         [3]uint64 // the same, IPv6
	entries     uint64
	size        int64
}

type meta struct {
	Categories  []string         `json:"categories"`
	Expressions []metaExpression `json:"expressions,omitempty"`
	Lock        []byte           `json:"lock,omitempty"`
}

type metaExpression struct {
	Category uint8  `json:"category"`
	Text     string `json:"text"`
	Host     bool   `json:"host,omitempty"`
}

// Open maps the segment at path. It checks the header and the lengths, not
// every byte: see Verify.
func Open(path string) (*Segment, error) {
	data, release, err := mapFile(path)
	if err != nil {
		return nil, fmt.Errorf("opening the list file: %w", err)
	}
	s, err := read(data)
	if err != nil {
		release(data)
		return nil, err
	}
	runtime.AddCleanup(s, release, data)
	return s, nil
}

func read(data []byte) (*Segment, error) {
	if len(data) < headerSize || string(data[:8]) != magic {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrDamaged)
	}
	le := binary.LittleEndian
	if crc32.ChecksumIEEE(data[:headerSize-4]) != le.Uint32(data[headerSize-4:]) {
		return nil, fmt.Errorf("%w: its first bytes were changed", ErrDamaged)
	}
	if le.Uint64(data[8:]) != uint64(len(data)) {
		return nil, fmt.Errorf("%w: it is %d bytes long and should be %d", ErrDamaged, len(data), le.Uint64(data[8:]))
	}
	s := &Segment{
		entries: le.Uint64(data[16:]), lines: le.Uint64(data[32:]), fronts: le.Uint64(data[24:]),
		maxPath: int(le.Uint32(data[56:])), four: le.Uint64(data[64:]),
		six:  [3]uint64{le.Uint64(data[72:]), le.Uint64(data[80:]), le.Uint64(data[88:])},
		size: int64(len(data)),
	}
	metaLen, setCount, at := uint64(le.Uint32(data[40:])), uint64(le.Uint32(data[44:])), le.Uint64(data[48:])
	front := le.Uint64(data[96:])
	if s.fronts == 0 || s.fronts > uint64(len(data))/8 || front > uint64(len(data)) ||
		headerSize+metaLen+setCount*setSize > front || front+s.fronts*8 > at || at > uint64(len(data)) || setCount > maxSets ||
		s.lines == 0 || s.lines%2 != 0 || s.lines != (uint64(len(data))-at)/lineSize || s.maxPath > MaxPath {
		return nil, fmt.Errorf("%w: its parts do not fit together", ErrDamaged)
	}
	s.front = data[front : front+s.fronts*8]
	s.table = data[at : at+s.lines*lineSize]
	if err := s.readMeta(data[headerSize : headerSize+metaLen]); err != nil {
		return nil, err
	}
	s.readSets(data[headerSize+metaLen:], int(setCount))
	return s, nil
}

func (s *Segment) readMeta(b []byte) error {
	var m meta
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("%w: its description cannot be read", ErrDamaged)
	}
	if len(m.Categories) > maxCategories || len(m.Expressions) > MaxExpressions {
		return fmt.Errorf("%w: it has too many categories or expressions", ErrDamaged)
	}
	for _, text := range m.Categories {
		role, slug, ok := unmark(text)
		if !ok {
			return fmt.Errorf("%w: a category in it is named oddly", ErrDamaged)
		}
		s.categories, s.roles = append(s.categories, slug), append(s.roles, role)
	}
	s.lock = m.Lock
	for _, e := range m.Expressions {
		re, err := compileExpression(e.Text)
		if err != nil || int(e.Category) >= len(m.Categories) {
			return fmt.Errorf("%w: an expression in it cannot be used", ErrDamaged)
		}
		s.expressions = append(s.expressions, Expression{Category: e.Category, Host: e.Host, Pattern: re})
	}
	return nil
}

func (s *Segment) readSets(b []byte, n int) {
	s.sets = make([]Set, n)
	for i := range s.sets {
		r := b[i*setSize : (i+1)*setSize]
		for w := range 4 {
			s.sets[i].Sub[w] = binary.LittleEndian.Uint64(r[w*8:])
			s.sets[i].Exact[w] = binary.LittleEndian.Uint64(r[32+w*8:])
		}
		s.sets[i].Pages = r[64] == 1
	}
}

// Categories are the slugs that the numbers in sets stand for. A slug comes
// once for each role that entries of it have.
func (s *Segment) Categories() []string { return s.categories }

// Roles are what the numbers in sets do, beside Categories.
func (s *Segment) Roles() []Role { return s.roles }

// Lock is what Builder.Lock kept; nil for a list whose keys are those of its
// names.
func (s *Segment) Lock() []byte { return s.lock }

// Sets lists all sets; Set and Table answer with numbers of this list. Number
// 0 is the empty set.
func (s *Segment) Sets() []Set { return s.sets }

// Expressions are the list's expressions.
func (s *Segment) Expressions() []Expression { return s.expressions }

// MaxPath is the length of the longest listed path; 0 if no page is listed.
func (s *Segment) MaxPath() int { return s.maxPath }

// Entries counts the distinct keys.
func (s *Segment) Entries() uint64 { return s.entries }

// Size is the length of the file.
func (s *Segment) Size() int64 { return s.size }

// Table is the bare look-up table of a segment, for a judge that looks many
// keys up in many segments. It is valid as long as its Segment is held.
type Table struct {
	front  []byte
	fronts uint64 // words of front
	lines  []byte
	count  uint64
}

// Table returns the look-up table.
func (s *Segment) Table() Table {
	return Table{front: s.front, fronts: s.fronts, lines: s.table, count: s.lines}
}

// Look asks for all suffixes of b; the numbers of their sets are then in
// b.Sets, 0 for those that are not listed. It returns the number of the only
// set found, 0 if there is none, and whether there are several.
//
// A way to memory takes longer than all else together. So a filter is asked
// first that is small enough to stay near the processor: is there anything at
// all under this anchor? It says yes wrongly about once in six times. After
// it, nothing branches on what comes from memory, except on the rare line
// that is too full.
func (t *Table) Look(b *Batch) (set uint32, several bool) {
	var sum, top uint32
	for i := 0; i < b.anchorAt; i++ {
		var id uint32
		if key := b.Keys[i&(BatchSize-1)]; t.passes(key) {
			id = t.Find(key)
		}
		b.Sets[i&(BatchSize-1)] = uint16(id)
		sum, top = sum+id, max(top, id)
	}
	if !t.passes(b.anchor) {
		for i := b.anchorAt; i < b.N; i++ {
			b.Sets[i&(BatchSize-1)] = 0
		}
		return top, sum != top
	}
	n := lineOf(b.anchor, t.count)
	line := t.line(n)
	for i := b.anchorAt; i < b.N; i++ {
		id := match(line, b.Keys[i&(BatchSize-1)])
		b.Sets[i&(BatchSize-1)] = uint16(id)
		sum, top = sum+id, max(top, id)
	}
	if spilt(line) {
		return t.lookOn(b, n)
	}
	return top, sum != top
}

// lookOn is the rest of Look where the line of the anchor was too full.
func (t *Table) lookOn(b *Batch, n uint64) (set uint32, several bool) {
	line := t.line(n)
	var sum, top uint32
	for i := range b.N {
		id := uint32(b.Sets[i&(BatchSize-1)])
		if id == 0 && i >= b.anchorAt {
			id = t.beyond(line, n, b.Keys[i&(BatchSize-1)])
			b.Sets[i&(BatchSize-1)] = uint16(id)
		}
		sum, top = sum+id, max(top, id)
	}
	return top, sum != top
}

// passes reports whether anything can be listed under the anchor.
func (t *Table) passes(anchor uint64) bool {
	at, want := frontWord(anchor, t.fronts), frontMask(anchor)
	return binary.LittleEndian.Uint64(t.front[at:at+8])&want == want
}

// frontWord is where the anchor's word of the filter is, and frontMask the
// two bits that it sets there.
func frontWord(anchor, words uint64) uint64 { return lineOf(anchor, words) * 8 }

func frontMask(anchor uint64) uint64 { return 1<<(anchor>>32&63) | 1<<(anchor>>38&63) }

// Find returns the number of the set of a key that is its own anchor, 0 if it
// is not listed.
func (t *Table) Find(key uint64) uint32 {
	n := lineOf(key, t.count)
	line := t.line(n)
	if id := match(line, key); id != 0 || !spilt(line) {
		return id
	}
	return t.beyond(line, n, key)
}

func spilt(line *[lineSize]byte) bool {
	return binary.LittleEndian.Uint64(line[:])&spill != 0
}

// beyond looks where a key is that found no room in its anchor's line n: in
// the neighbour, in the line of its own, or the first behind that had room.
func (t *Table) beyond(line *[lineSize]byte, n, key uint64) uint32 {
	if id := match(t.line(n^1), key); id != 0 {
		return id
	}
	if binary.LittleEndian.Uint64(line[16:])&far == 0 {
		return 0
	}
	n = lineOf(key, t.count)
	for range t.count {
		line := t.line(n)
		if id := match(line, key); id != 0 {
			return id
		}
		if binary.LittleEndian.Uint64(line[8:])&passed == 0 {
			return 0
		}
		if n++; n == t.count {
			n = 0
		}
	}
	return 0
}

func (t *Table) line(n uint64) *[lineSize]byte {
	return (*[lineSize]byte)(t.lines[n*lineSize:])
}

// lineOf is the line that a key or anchor belongs to.
func lineOf(key, lines uint64) uint64 {
	hi, _ := bits.Mul64(key&anchorBits, lines)
	return hi
}

// match looks through one line without a branch a slot: which slot matches
// cannot be foretold. A slot and a key differ in the low bits only if the slot
// is the key's: the least difference tells.
func match(line *[lineSize]byte, key uint64) uint32 {
	le := binary.LittleEndian
	want := key << 16
	least := uint64(1 << 16)
	least = min(least, le.Uint64(line[0:])^want)
	least = min(least, le.Uint64(line[8:])^want)
	least = min(least, le.Uint64(line[16:])^want)
	least = min(least, le.Uint64(line[24:])^want)
	least = min(least, le.Uint64(line[32:])^want)
	least = min(least, le.Uint64(line[40:])^want)
	least = min(least, le.Uint64(line[48:])^want)
	least = min(least, le.Uint64(line[56:])^want)
	return uint32(least & idMask)
}

// Find returns the number of the key's set, 0 if it is not listed.
func (s *Segment) Find(key uint64) uint32 {
	t := s.Table()
	id := t.Find(key)
	runtime.KeepAlive(s)
	return id
}

// HasRanges reports whether any address is listed.
func (s *Segment) HasRanges() bool { return s.four != 0 || s.six != [3]uint64{} }

// FindAddress adds the categories of every listed range that a is in.
func (s *Segment) FindAddress(a netip.Addr, found func(set uint32, in netip.Prefix)) {
	for n := a.BitLen(); n >= 0; n-- {
		if !s.hasRange(a, n) {
			continue
		}
		p, err := a.Prefix(n)
		if err != nil {
			continue
		}
		if id := s.Find(addressKey(p)); id != 0 {
			found(id, p)
		}
	}
}

func (s *Segment) hasRange(a netip.Addr, n int) bool {
	if a.Is4() {
		return s.four>>n&1 == 1
	}
	return s.six[n>>6]>>(n&63)&1 == 1
}
