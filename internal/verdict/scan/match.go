package scan

import "runtime"

// matcher finds all phrases in a text, wherever they stand and overlap, with one table: a row for every state, an entry for every
// class of bytes that phrases tell apart. It reads four places of a text side
// by side, since each step must wait for the one before it and a processor can
// wait for several at once. Its time does not depend on what is in the text,
// apart from what is found.
type matcher struct {
	classes [256]uint32
	stride  uint32
	longest int
	// table holds, for state and class, where the next state's row begins.
	// States at which a phrase ends come last, from row accept on.
	table  []uint32
	accept uint32
	ends   []end // by state from accept on
}

// end is a phrase that ends at a state, and the state at which the next
// shorter one does.
type end struct {
	phrase uint32 // plus one; 0: only shorter ones
	next   uint32 // index in ends, plus one; 0: none
}

// maxTable is the size in entries that a table may have: 32 MB.
const maxTable = 8 << 20

// newMatcher builds the table for phrases that are sorted by text, each once,
// not empty and without zero bytes; nil if it would be too large.
func newMatcher(phrases []phrase) *matcher {
	m := &matcher{}
	classes := m.classify(phrases)
	t := growTrie(phrases, maxTable/classes)
	if t == nil {
		return nil
	}
	m.fill(t)
	return m
}

// classify numbers the bytes that phrases have; all others are class 0.
func (m *matcher) classify(phrases []phrase) int {
	for i := range phrases {
		m.longest = max(m.longest, len(phrases[i].text))
		for j := range len(phrases[i].text) {
			m.classes[phrases[i].text[j]] = 1
		}
	}
	n := uint32(1)
	for c, used := range m.classes {
		if used != 0 {
			m.classes[c] = n
			n++
		}
	}
	m.stride = n
	return int(n)
}

// trie is the phrases as a tree, breadth first: children side by side, after
// their parent.
type trie struct {
	labels []byte
	nodes  []node
}

type node struct {
	first  uint32 // first child
	phrase uint32 // that ends here, plus one; 0: none
	count  uint8  // children: never 256, as no phrase has a zero byte
}

// run is a range of sorted phrases that share their first depth bytes, and the
// node they hang from.
type run struct {
	from, to, node uint32
	depth          int
}

// growTrie makes the tree of phrases that are sorted, each once, not empty and
// without zero bytes; nil if it needs more than most nodes.
func growTrie(phrases []phrase, most int) *trie {
	t := &trie{labels: []byte{0}, nodes: []node{{}}}
	queue := []run{{0, uint32(len(phrases)), 0, 0}}
	for ; len(queue) > 0; queue = queue[1:] {
		r := queue[0]
		if r.from < r.to && len(phrases[r.from].text) == r.depth {
			t.nodes[r.node].phrase = r.from + 1
			r.from++
		}
		t.nodes[r.node].first = uint32(len(t.nodes))
		for r.from < r.to {
			label, to := phrases[r.from].text[r.depth], r.from+1
			for to < r.to && phrases[to].text[r.depth] == label {
				to++
			}
			queue = append(queue, run{r.from, to, uint32(len(t.nodes)), r.depth + 1})
			t.labels, t.nodes = append(t.labels, label), append(t.nodes, node{})
			t.nodes[r.node].count++
			r.from = to
		}
		if len(t.nodes) > most {
			return nil
		}
	}
	return t
}

// fill makes the table from the tree. A state goes on as the longest shorter
// one does, its own children excepted; breadth first, that one is done before.
func (m *matcher) fill(t *trie) {
	fail := m.failing(t)
	number, ends := arrange(t, fail)
	m.accept = uint32(len(t.nodes)-ends) * m.stride
	table, release, whole := room(len(t.nodes) * int(m.stride))
	if m.table = table; release != nil {
		runtime.AddCleanup(m, release, whole)
	}
	m.ends = make([]end, ends)
	for s := range t.nodes {
		n := &t.nodes[s]
		row := m.row(number[s])
		if s > 0 {
			copy(row, m.row(number[fail[s]]))
		}
		for c := n.first; c < n.first+uint32(n.count); c++ {
			row[m.classes[t.labels[c]]] = number[c] * m.stride
		}
		if at := number[s] * m.stride; at >= m.accept {
			e := end{phrase: n.phrase}
			if f := number[fail[s]] * m.stride; f >= m.accept {
				e.next = (f-m.accept)/m.stride + 1
			}
			m.ends[(at-m.accept)/m.stride] = e
		}
	}
}

func (m *matcher) row(state uint32) []uint32 {
	return m.table[state*m.stride : (state+1)*m.stride]
}

// failing computes for every node the one of its longest end that is a begin
// of a phrase.
func (m *matcher) failing(t *trie) []uint32 {
	fail := make([]uint32, len(t.nodes))
	for s := range t.nodes {
		for c := t.nodes[s].first; c < t.nodes[s].first+uint32(t.nodes[s].count); c++ {
			if s == 0 {
				continue // one byte: its longest end is empty
			}
			f := fail[s]
			for {
				if next, ok := t.child(f, t.labels[c]); ok {
					fail[c] = next
					break
				}
				if f == 0 {
					break
				}
				f = fail[f]
			}
		}
	}
	return fail
}

func (t *trie) child(s uint32, label byte) (uint32, bool) {
	n := &t.nodes[s]
	for c := n.first; c < n.first+uint32(n.count); c++ {
		if t.labels[c] == label {
			return c, true
		}
	}
	return 0, false
}

// arrange numbers the states so that those at which a phrase ends come last,
// and counts these.
func arrange(t *trie, fail []uint32) (number []uint32, ends int) {
	finds := make([]bool, len(t.nodes))
	for s := range t.nodes {
		finds[s] = t.nodes[s].phrase != 0 || s > 0 && finds[fail[s]]
		if finds[s] {
			ends++
		}
	}
	number = make([]uint32, len(t.nodes))
	plain, ending := uint32(0), uint32(len(t.nodes)-ends)
	for s := range t.nodes {
		if finds[s] {
			number[s], ending = ending, ending+1
		} else {
			number[s], plain = plain, plain+1
		}
	}
	return number, ends
}

// cursors is how many places of a text are read side by side; worthwhile is
// the length from which that pays.
const (
	cursors    = 4
	worthwhile = 2048
)

// find counts every occurrence of every phrase in text into s.
func (m *matcher) find(text []byte, s *Scratch) {
	defer runtime.KeepAlive(m) // the table is outside the collector's sight
	if m.longest == 0 {
		return // there are no phrases
	}
	if len(text) < worthwhile {
		m.read(0, text, s)
		return
	}
	// Every cursor has a quarter. What begins in one and ends in the next
	// belongs to the next, so all but the first warm up on what comes before
	// their own, without counting.
	n := len(text) / cursors
	var at [cursors]uint32
	for i := 1; i < cursors; i++ {
		at[i] = m.warm(text[max(0, i*n-m.longest+1) : i*n])
	}
	a, b, c, e := text[:n], text[n:2*n], text[2*n:3*n], text[3*n:4*n]
	m.read4(a, b, c, e, &at, s)
	m.read(at[cursors-1], text[4*n:], s)
}

// warm is the state after the text.
func (m *matcher) warm(text []byte) uint32 {
	at := uint32(0)
	for _, c := range text {
		at = m.table[at+m.classes[c]]
	}
	return at
}

// read counts what ends in text, from a state on.
func (m *matcher) read(at uint32, text []byte, s *Scratch) {
	table, accept := m.table, m.accept
	for _, c := range text {
		if at = table[at+m.classes[c]]; at >= accept {
			m.found(at, s)
		}
	}
}

// read4 counts what ends in four texts of the same length.
func (m *matcher) read4(a, b, c, e []byte, at *[cursors]uint32, s *Scratch) {
	table, accept, classes := m.table, m.accept, &m.classes
	s0, s1, s2, s3 := at[0], at[1], at[2], at[3]
	b, c, e = b[:len(a)], c[:len(a)], e[:len(a)]
	for i := range a {
		s0 = table[s0+classes[a[i]]]
		s1 = table[s1+classes[b[i]]]
		s2 = table[s2+classes[c[i]]]
		s3 = table[s3+classes[e[i]]]
		if max(s0, s1, s2, s3) < accept {
			continue
		}
		for _, x := range [...]uint32{s0, s1, s2, s3} {
			if x >= accept {
				m.found(x, s)
			}
		}
	}
	at[3] = s3
}

// found counts the phrases that end at a state.
func (m *matcher) found(at uint32, s *Scratch) {
	for i := (at-m.accept)/m.stride + 1; i != 0; {
		e := &m.ends[i-1]
		if e.phrase != 0 {
			s.count(e.phrase - 1)
		}
		i = e.next
	}
}

// count notes one occurrence of a phrase.
func (s *Scratch) count(phrase uint32) {
	if s.counts[phrase] == 0 {
		s.touched = append(s.touched, phrase)
	}
	s.counts[phrase]++
}

// size is how many bytes the matcher takes.
func (m *matcher) size() int { return 4*len(m.table) + 8*len(m.ends) + 4*len(m.classes) }
