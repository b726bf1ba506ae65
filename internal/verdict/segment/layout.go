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
	"math/bits"
	"os"
	"slices"
	"sort"
)

// layout is a builder's content, sorted and numbered, ready to be written.
type layout struct {
	b         *Builder
	order     []uint8 // old category number to new
	sets      []Set
	home, all uint64
	keys      uint64
	meta      []byte
	stats     Stats
}

func (b *Builder) layOut() (*layout, error) {
	l := &layout{b: b}
	slugs := l.sortCategories()
	if err := l.merge(); err != nil {
		return nil, err
	}
	l.home = max(1, (l.keys+fill-1)/fill)
	l.measure()
	m := meta{Categories: slugs, Expressions: []metaExpression{}}
	for _, e := range b.expressions {
		m.Expressions = append(m.Expressions, metaExpression{l.order[e.cat], e.text})
	}
	sort.Slice(m.Expressions, func(i, j int) bool {
		x, y := m.Expressions[i], m.Expressions[j]
		return x.Category < y.Category || x.Category == y.Category && x.Text < y.Text
	})
	var err error
	if l.meta, err = json.Marshal(m); err != nil {
		return nil, fmt.Errorf("describing the list: %w", err)
	}
	l.stats = Stats{Entries: b.entries, Keys: l.keys, Expressions: len(b.expressions), Sets: len(l.sets),
		Bytes: int64(l.tableAt() + l.all*lineSize), ByCategory: map[string]uint64{}}
	for i, s := range b.slugs {
		l.stats.ByCategory[s] = b.counts[i]
	}
	return l, nil
}

// sortCategories numbers the categories by slug, so that the order of the
// entries does not show in the file.
func (l *layout) sortCategories() []string {
	slugs := slices.Clone(l.b.slugs)
	slices.Sort(slugs)
	l.order = make([]uint8, max(1, len(slugs)))
	for i, s := range slugs {
		l.order[l.b.numbers[s]] = uint8(i)
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
			id, ok := numbers[set]
			if !ok {
				if len(l.sets) == maxSets {
					return ErrFull
				}
				id = uint16(len(l.sets))
				numbers[set] = id
				l.sets = append(l.sets, set)
			}
			out = append(out, record{key: p[from].key, cat: id})
			from = to
		}
		l.b.parts[i] = out
		l.keys += uint64(len(out))
	}
	return nil
}

func (l *layout) union(rs []record) Set {
	var s Set
	for _, r := range rs {
		n := l.order[r.cat]
		switch r.is {
		case flagSub:
			s.Sub[n>>6] |= 1 << (n & 63)
		case flagExact:
			s.Exact[n>>6] |= 1 << (n & 63)
		case flagPages:
			s.Pages = true
		}
	}
	return s
}

// measure counts the lines that the overflow of the last ones needs.
func (l *layout) measure() {
	l.all = l.home
	_ = l.lines(func(*[slots]uint64) error { return nil }, func(total uint64) { l.all = total })
}

// The file's parts: header, description, sets, front filter, table.
func (l *layout) frontAt() uint64 {
	return uint64(headerSize+len(l.meta)+len(l.sets)*setSize+lineSize-1) &^ (lineSize - 1)
}

func (l *layout) words() uint64 { return max(1, (l.keys*frontBits+63)/64) }

func (l *layout) tableAt() uint64 {
	return (l.frontAt() + l.words()*8 + 4095) &^ 4095
}

// lines hands over the table line by line. Names go to their own line while
// it has room, else to the next that has; every line on the way is marked.
func (l *layout) lines(emit func(*[slots]uint64) error, done func(total uint64)) error {
	var waiting []record
	part, at := 0, 0
	line := uint64(0)
	for ; line < l.home || len(waiting) > 0; line++ {
		var out [slots]uint64
		n := 0
		for part < len(l.b.parts) {
			if at == len(l.b.parts[part]) {
				part, at = part+1, 0
				continue
			}
			r := l.b.parts[part][at]
			if hi, _ := bits.Mul64(r.key, l.home); hi != line {
				break
			}
			at++
			if n == slots {
				waiting = append(waiting, r)
				continue
			}
			out[n] = r.key<<16 | uint64(r.cat)
			n++
		}
		moved := min(slots-n, len(waiting))
		for _, r := range waiting[:moved] {
			out[n] = r.key<<16 | uint64(r.cat)
			n++
		}
		waiting = append(waiting[:0], waiting[moved:]...)
		if len(waiting) > 0 {
			out[0] |= overflow
		}
		if err := emit(&out); err != nil {
			return err
		}
	}
	done(line)
	return nil
}

func (l *layout) writeTo(f *os.File) (string, error) {
	h := sha256.New()
	w := bufio.NewWriterSize(io.MultiWriter(f, h), 256<<10)
	if err := l.writeHead(w); err != nil {
		return "", err
	}
	err := l.lines(func(line *[slots]uint64) error {
		var b [lineSize]byte
		for i, v := range line {
			binary.LittleEndian.PutUint64(b[i*8:], v)
		}
		_, err := w.Write(b[:])
		return err
	}, func(uint64) {})
	if err != nil {
		return "", err
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
	le.PutUint64(head[8:], l.tableAt()+l.all*lineSize)
	le.PutUint64(head[16:], l.keys)
	le.PutUint64(head[24:], l.home)
	le.PutUint64(head[32:], l.all)
	le.PutUint32(head[40:], uint32(len(l.meta)))
	le.PutUint32(head[44:], uint32(len(l.sets)))
	le.PutUint64(head[48:], l.tableAt())
	le.PutUint32(head[56:], uint32(l.b.maxPath))
	le.PutUint64(head[64:], l.b.four)
	for i, v := range l.b.six {
		le.PutUint64(head[72+8*i:], v)
	}
	le.PutUint64(head[96:], l.frontAt())
	le.PutUint64(head[104:], l.words())
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
	_, err := w.Write(head)
	return err
}

func (l *layout) fillFront(front []byte) {
	for i := range l.b.parts {
		for _, r := range l.b.parts[i] {
			hi, _ := bits.Mul64(r.key, l.words())
			word := front[hi*8 : hi*8+8]
			binary.LittleEndian.PutUint64(word, binary.LittleEndian.Uint64(word)|frontMask(r.key))
		}
	}
}
