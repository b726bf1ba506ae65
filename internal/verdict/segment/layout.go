package segment

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"sort"
)

// layout is a builder's content, sorted and numbered, ready to be written.
type layout struct {
	b      *Builder
	order  []uint8 // old category number to new
	sets   []Set
	keys   uint64
	count  uint64 // lines of the table
	fronts uint64 // words of the front filter
	meta   []byte
	stats  Stats
}

func (b *Builder) layOut() (*layout, error) {
	l := &layout{b: b}
	slugs := l.sortCategories()
	if err := l.merge(); err != nil {
		return nil, err
	}
	l.dropPatterns()
	l.count = max(1, (l.keys*fillLines+2*fillNames-1)/(2*fillNames)) * 2
	l.fronts = max(1, (l.keys+frontFill-1)/frontFill)
	m := meta{Categories: slugs, Expressions: []metaExpression{}, Lock: b.lock}
	for _, e := range b.expressions {
		m.Expressions = append(m.Expressions, metaExpression{l.order[e.cat], e.text, e.host})
	}
	sort.Slice(m.Expressions, func(i, j int) bool {
		x, y := m.Expressions[i], m.Expressions[j]
		switch {
		case x.Category != y.Category:
			return x.Category < y.Category
		case x.Text != y.Text:
			return x.Text < y.Text
		}
		return y.Host && !x.Host
	})
	var err error
	if l.meta, err = json.Marshal(m); err != nil {
		return nil, fmt.Errorf("describing the list: %w", err)
	}
	l.stats = Stats{
		Entries: b.entries, Keys: l.keys, Expressions: len(b.expressions), Sets: len(l.sets),
		Bytes: int64(l.tableAt() + l.count*lineSize), ByCategory: map[string]uint64{},
	}
	for i, s := range b.slugs {
		// What the list excepts is not counted as something it lists.
		if role, slug, _ := unmark(s); role&Except == 0 {
			l.stats.ByCategory[slug] += b.counts[i]
		} else {
			l.stats.Exceptions += b.counts[i]
		}
	}
	return l, nil
}

// dropPatterns leaves out the expressions that were taken out again.
func (l *layout) dropPatterns() {
	b := l.b
	b.expressions = slices.DeleteFunc(b.expressions, func(e metaPattern) bool {
		if b.dropped[e] {
			b.counts[e.cat]--
		}
		return b.dropped[e]
	})
}

// sortCategories numbers the categories by slug, so that the order of the
// entries does not show in the file.
func (l *layout) sortCategories() []string {
	slugs := slices.Clone(l.b.slugs)
	slices.Sort(slugs)
	l.order = make([]uint8, max(1, len(slugs)))
	at := make(map[string]uint8, len(slugs))
	for i, s := range slugs {
		at[s] = uint8(i)
	}
	for i, s := range l.b.slugs {
		l.order[i] = at[s]
	}
	return slugs
}

// merge sorts the records and makes one of all that share a key; the
// record's cat becomes the number of its set.
func (l *layout) merge() error {
	numbers := map[Set]uint16{{}: 0}
	l.sets = []Set{{}}
	for i := range l.b.parts {
		p := l.b.parts[i]
		slices.SortFunc(p, func(x, y record) int {
			switch {
			case x.key < y.key:
				return -1
			case x.key > y.key:
				return 1
			}
			return 0
		})
		out := p[:0]
		for from := 0; from < len(p); {
			to := from + 1
			for to < len(p) && p[to].key == p[from].key {
				to++
			}
			set := l.union(p[from:to])
			if set == (Set{}) { // all of it was taken out again
				from = to
				continue
			}
			id, ok := numbers[set]
			if !ok {
				if len(l.sets) == maxSets {
					return ErrFull
				}
				id = uint16(len(l.sets))
				numbers[set] = id
				l.sets = append(l.sets, set)
			}
			out = append(out, record{key: p[from].key, anchor: p[from].anchor, cat: id})
			from = to
		}
		l.b.parts[i] = out
		l.keys += uint64(len(out))
	}
	return nil
}

func (l *layout) union(rs []record) Set {
	var s, dropped Set
	drops := false
	for _, r := range rs {
		into := &s
		if r.is&flagDrop != 0 {
			into, drops = &dropped, true
		}
		into.join(l.order[r.cat], r.is&^flagDrop)
	}
	if drops {
		for _, r := range rs {
			if r.is&flagDrop == 0 && dropped.has(l.order[r.cat], r.is) {
				l.b.counts[r.cat]--
			}
		}
		for w := range 4 {
			s.Sub[w] &^= dropped.Sub[w]
			s.Exact[w] &^= dropped.Exact[w]
		}
	}
	return s
}

func (s *Set) join(n uint8, is flag) {
	switch is {
	case flagSub:
		s.Sub[n>>6] |= 1 << (n & 63)
	case flagExact:
		s.Exact[n>>6] |= 1 << (n & 63)
	case flagPages:
		s.Pages = true
	}
}

func (s *Set) has(n uint8, is flag) bool {
	switch is {
	case flagSub:
		return s.Sub[n>>6]>>(n&63)&1 == 1
	case flagExact:
		return s.Exact[n>>6]>>(n&63)&1 == 1
	}
	return false
}

// The file's parts: header, description, sets, front filter, table.
func (l *layout) frontAt() uint64 {
	return uint64(headerSize+len(l.meta)+len(l.sets)*setSize+lineSize-1) &^ (lineSize - 1)
}

func (l *layout) tableAt() uint64 { return (l.frontAt() + l.fronts*8 + 4095) &^ 4095 }

// fillFront notes every record in the filter, under its anchor.
func (l *layout) fillFront(front []byte) {
	for i := range l.b.parts {
		for _, r := range l.b.parts[i] {
			anchor := uint64(r.anchor) << 32
			at := frontWord(anchor, l.fronts)
			word := front[at : at+8]
			binary.LittleEndian.PutUint64(word, binary.LittleEndian.Uint64(word)|frontMask(anchor))
		}
	}
}

// place gives every record its slot: in its anchor's line while there is
// room, else in the neighbour, else in the line of its own key or the first
// behind that has room. Records come sorted, so the same ones always lie
// alike.
func (l *layout) place() []uint64 {
	t := placing{table: make([]uint64, l.count*slots), taken: make([]uint8, l.count)}
	var rest, further []record
	for i := range l.b.parts {
		for _, r := range l.b.parts[i] {
			if line := lineOf(uint64(r.anchor)<<32, l.count); !t.put(line, r) {
				t.table[line*slots] |= spill
				rest = append(rest, r)
			}
		}
	}
	for _, r := range rest {
		if line := lineOf(uint64(r.anchor)<<32, l.count); !t.put(line^1, r) {
			t.table[line*slots+2] |= far
			further = append(further, r)
		}
	}
	for _, r := range further {
		line := lineOf(r.key, l.count)
		for !t.put(line, r) { // most lines have room: there is an end
			t.table[line*slots+1] |= passed
			line = (line + 1) % l.count
		}
	}
	return t.table
}

// placing is a table that is being filled.
type placing struct {
	table []uint64
	taken []uint8
}

func (t *placing) put(line uint64, r record) bool {
	n := t.taken[line]
	if n == slots {
		return false
	}
	t.table[line*slots+uint64(n)] |= r.key<<16 | uint64(r.cat)
	t.taken[line]++
	return true
}

func (l *layout) writeTo(f *os.File) (string, error) {
	h := sha256.New()
	w := bufio.NewWriterSize(io.MultiWriter(f, h), hugePage)
	if err := l.writeHead(w); err != nil {
		return "", err
	}
	var b [8]byte
	for _, slot := range l.place() {
		binary.LittleEndian.PutUint64(b[:], slot)
		if _, err := w.Write(b[:]); err != nil {
			return "", err
		}
	}
	return finish(w, f, h)
}

func finish(w *bufio.Writer, f *os.File, h hash.Hash) (string, error) {
	if err := w.Flush(); err != nil {
		return "", err
	}
	if err := f.Sync(); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (l *layout) writeHead(w io.Writer) error {
	le := binary.LittleEndian
	head := make([]byte, l.tableAt())
	copy(head, magic)
	le.PutUint64(head[8:], l.tableAt()+l.count*lineSize)
	le.PutUint64(head[16:], l.keys)
	le.PutUint64(head[24:], l.fronts)
	le.PutUint64(head[32:], l.count)
	le.PutUint64(head[96:], l.frontAt())
	le.PutUint32(head[40:], uint32(len(l.meta)))
	le.PutUint32(head[44:], uint32(len(l.sets)))
	le.PutUint64(head[48:], l.tableAt())
	le.PutUint32(head[56:], uint32(l.b.maxPath))
	le.PutUint64(head[64:], l.b.four)
	for i, v := range l.b.six {
		le.PutUint64(head[72+8*i:], v)
	}
	le.PutUint32(head[headerSize-4:], crc32.ChecksumIEEE(head[:headerSize-4]))
	copy(head[headerSize:], l.meta)
	at := headerSize + len(l.meta)
	for _, s := range l.sets {
		for i := range 4 {
			le.PutUint64(head[at+i*8:], s.Sub[i])
			le.PutUint64(head[at+32+i*8:], s.Exact[i])
		}
		if s.Pages {
			head[at+64] = 1
		}
		at += setSize
	}
	l.fillFront(head[l.frontAt():])
	for part := range slices.Chunk(head, lineSize<<10) { // small, so that the writer keeps to its size
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}
