package scan

import (
	"encoding/binary"
	"math/bits"
)

// matcher finds all phrases in a text, wherever they stand and overlap.
//
// Nothing is carried from one position to the next. At each, the four bytes
// that begin there are looked up in a small filter that stays near the
// processor; only where a phrase may begin is anything else asked. So the
// common case has no chain of loads to wait for, and no edges to join.
// A phrase of four bytes and more is followed through a trie of what comes
// after its first four; shorter ones are looked up as they are.
type matcher struct {
	long  [filterBytes]byte // first four bytes of phrases, by hash
	short [filterBytes]byte // phrases of one to three bytes, by hash of three

	// roots is a table of open addresses: first four bytes to node.
	roots []root
	shift uint

	// The nodes of the trie, children of a node side by side and after it.
	labels []byte
	nodes  []node

	shorts    map[uint32]uint32 // packShort to phrase
	hasShorts bool
}

type root struct {
	key  uint32 // 0: empty, as no phrase has a zero byte
	node uint32
}

type node struct {
	first  uint32 // first child
	phrase uint32 // that ends here, plus one; 0: none
	count  uint8  // children
}

const (
	filterBits  = 17
	filterBytes = 1 << (filterBits - 3)
	// golden spreads bytes over the upper bits of a product.
	golden = 0x9E3779B1
)

func hash4(v uint32) uint32 { return v * golden >> (32 - filterBits) }

func hash3(v uint32) uint32 { return (v & 0xffffff) * golden >> (32 - filterBits) }

func packShort(s string) uint32 {
	v := uint32(len(s)) << 24
	for i := range len(s) {
		v |= uint32(s[i]) << (8 * i)
	}
	return v
}

// newMatcher builds the matcher for phrases that are sorted by text, each
// once, not empty, and without zero bytes.
func newMatcher(phrases []phrase) *matcher {
	m := &matcher{shorts: map[uint32]uint32{}}
	var starts []uint32 // where a new run of four first bytes begins
	for i := range phrases {
		text := phrases[i].text
		if len(text) < 4 {
			m.addShort(text, uint32(i))
			continue
		}
		key := first4(text)
		h := hash4(key)
		m.long[h>>3] |= 1 << (h & 7)
		if len(starts) == 0 || first4(phrases[starts[len(starts)-1]].text) != key {
			starts = append(starts, uint32(i))
		}
	}
	m.hasShorts = len(m.shorts) > 0
	m.plant(phrases, starts)
	return m
}

func first4(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// addShort files a phrase of one to three bytes: in the filter under every
// three bytes that begin with it.
func (m *matcher) addShort(text string, at uint32) {
	m.shorts[packShort(text)] = at
	base := packShort(text) & 0xffffff
	free := uint(8 * (3 - len(text)))
	for x := range uint32(1) << free {
		h := hash3(base | x<<(8*uint(len(text))))
		m.short[h>>3] |= 1 << (h & 7)
	}
}

// run is a range of phrases that share their first depth bytes, and the node
// they hang from.
type run struct {
	from, to uint32
	node     uint32
	depth    int
}

// plant makes the roots and, breadth first, the trie below them.
func (m *matcher) plant(phrases []phrase, starts []uint32) {
	size := 1 << bits.Len(uint(len(starts)*2))
	m.roots, m.shift = make([]root, size), uint(32-bits.TrailingZeros(uint(size)))
	var queue []run
	for i, from := range starts {
		to := from + 1
		key := first4(phrases[from].text)
		for last := uint32(len(phrases)); to < last; to++ {
			if t := phrases[to].text; len(t) < 4 || first4(t) != key {
				break
			}
		}
		m.grow(0)
		m.insert(key, uint32(i))
		queue = append(queue, run{from, to, uint32(i), 4})
	}
	for len(queue) > 0 {
		r := queue[0]
		queue = queue[1:]
		queue = m.children(phrases, r, queue)
	}
}

func (m *matcher) grow(label byte) {
	m.labels = append(m.labels, label)
	m.nodes = append(m.nodes, node{})
}

func (m *matcher) insert(key, at uint32) {
	mask := uint32(len(m.roots) - 1)
	i := key * golden >> m.shift & mask
	for m.roots[i].key != 0 {
		i = (i + 1) & mask
	}
	m.roots[i] = root{key, at}
}

// children makes the nodes below r, and queues them.
func (m *matcher) children(phrases []phrase, r run, queue []run) []run {
	if len(phrases[r.from].text) == r.depth {
		m.nodes[r.node].phrase = r.from + 1
		r.from++
	}
	first := uint32(len(m.nodes))
	for r.from < r.to {
		label, to := phrases[r.from].text[r.depth], r.from+1
		for to < r.to && phrases[to].text[r.depth] == label {
			to++
		}
		queue = append(queue, run{r.from, to, uint32(len(m.nodes)), r.depth + 1})
		m.grow(label)
		r.from = to
	}
	m.nodes[r.node].first = first
	m.nodes[r.node].count = uint8(len(m.nodes) - int(first))
	return queue
}

// find counts every occurrence of every phrase in text into s.
func (m *matcher) find(text []byte, s *Scratch) {
	const stride = 4 // positions that one load of eight bytes holds whole
	i := 0
	for ; i+8 <= len(text); i += stride {
		v := binary.LittleEndian.Uint64(text[i:])
		h0, h1 := hash4(uint32(v)), hash4(uint32(v>>8))
		h2, h3 := hash4(uint32(v>>16)), hash4(uint32(v>>24))
		hit := uint(m.long[h0>>3]>>(h0&7))&1 | uint(m.long[h1>>3]>>(h1&7))&1<<1 |
			uint(m.long[h2>>3]>>(h2&7))&1<<2 | uint(m.long[h3>>3]>>(h3&7))&1<<3
		for ; hit != 0; hit &= hit - 1 {
			m.follow(text, i+bits.TrailingZeros(hit), s)
		}
	}
	for ; i+4 <= len(text); i++ {
		m.follow(text, i, s)
	}
	if m.hasShorts {
		m.findShort(text, s)
	}
}

// follow counts the phrases of four bytes and more that begin at text[i].
func (m *matcher) follow(text []byte, i int, s *Scratch) {
	key := binary.LittleEndian.Uint32(text[i:])
	mask := uint32(len(m.roots) - 1)
	at := key * golden >> m.shift & mask
	for m.roots[at].key != key {
		if m.roots[at].key == 0 {
			return
		}
		at = (at + 1) & mask
	}
	n := m.nodes[m.roots[at].node]
	for i += 4; ; i++ {
		if n.phrase != 0 {
			s.count(n.phrase - 1)
		}
		if n.count == 0 || i == len(text) {
			return
		}
		c, found := text[i], false
		for j, label := range m.labels[n.first : n.first+uint32(n.count)] {
			if label == c {
				n, found = m.nodes[n.first+uint32(j)], true
				break
			}
		}
		if !found {
			return
		}
	}
}

// findShort counts the phrases of one to three bytes.
func (m *matcher) findShort(text []byte, s *Scratch) {
	i := 0
	for ; i+8 <= len(text); i += 4 {
		v := binary.LittleEndian.Uint64(text[i:])
		h0, h1 := hash3(uint32(v)), hash3(uint32(v>>8))
		h2, h3 := hash3(uint32(v>>16)), hash3(uint32(v>>24))
		hit := uint(m.short[h0>>3]>>(h0&7))&1 | uint(m.short[h1>>3]>>(h1&7))&1<<1 |
			uint(m.short[h2>>3]>>(h2&7))&1<<2 | uint(m.short[h3>>3]>>(h3&7))&1<<3
		for ; hit != 0; hit &= hit - 1 {
			m.lookShort(text[i+bits.TrailingZeros(hit):], s)
		}
	}
	for ; i < len(text); i++ {
		m.lookShort(text[i:], s)
	}
}

func (m *matcher) lookShort(text []byte, s *Scratch) {
	var v uint32
	for n := range min(3, len(text)) {
		v |= uint32(text[n]) << (8 * n)
		if at, ok := m.shorts[v|uint32(n+1)<<24]; ok {
			s.count(at)
		}
	}
}

// count notes one occurrence of a phrase.
func (s *Scratch) count(phrase uint32) {
	if s.counts[phrase] == 0 {
		s.touched = append(s.touched, phrase)
	}
	s.counts[phrase]++
}
