package segment

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"belisha/internal/verdict/canon"
)

// The multipliers are odd, with about half their bits set; nothing else is
// asked of them. They are part of the file format.
const (
	kName  = 0xa0761d6478bd642f
	kChunk = 0xe7037ed1a0b428db
	kTail  = 0x8ebc6af09c88c6e3
	kFinal = 0x589965cc75374cc3
	kPath  = 0x1d8e4e27c47d124f
	kRange = 0xeb44accab455d165
)

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// final turns a running hash into a key.
func final(h uint64) uint64 { return fold(h^kFinal, kChunk) }

// piece takes one part of a path into the running hash.
func piece(h uint64, s string) uint64 {
	n := uint64(len(s))
	for len(s) > 8 {
		h = fold(h^load8(s), kChunk)
		s = s[8:]
	}
	return fold(h^tail(s), kTail^n)
}

func load8(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func load4(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

// tail reads up to eight bytes; the length, mixed in by the caller, tells
// overlapping reads apart.
func tail(s string) uint64 {
	switch n := len(s); {
	case n >= 4:
		return load4(s) | load4(s[n-4:])<<32
	case n > 0:
		return uint64(s[0]) | uint64(s[n>>1])<<8 | uint64(s[n-1])<<16
	}
	return 0
}

// BatchSize is how many suffixes of a name are looked at in one go. Names
// with more labels take several rounds; none of their labels is left out.
const BatchSize = 8

// Batch holds the suffixes of one name, from the last label to the whole
// name, BatchSize at a time: their keys and their lengths.
//
// A name is hashed from its right end in words of eight bytes. The key of a
// suffix is the running hash of the whole words in it, and then what it has of
// the next word, masked: so all suffixes cost one pass over the name and a
// few steps each, with nothing to guess for the processor.
type Batch struct {
	N    int
	Keys [BatchSize]uint64
	Len  [BatchSize]uint8
	Sets [BatchSize]uint16 // Look's answer

	// The anchor is the suffix that all longer ones are filed under.
	anchor   uint64
	anchorAt int

	// The state of the long way, between rounds.
	word int    // number of the word at hand, from the right
	h    uint64 // running hash before it
	dots uint64 // its dots not yet seen to
	last int32  // length of the suffix before
	done bool
}

const (
	ones  = 0x0101010101010101
	tops  = 0x80 * ones
	gaps  = 0x7f * ones
	dotty = '.' * ones
)

// Begin fills b with the first suffixes of host. It reports false if the host
// is not a canonical name: such a host must not be judged.
func (b *Batch) Begin(host string) bool {
	n := len(host)
	if n < 8 || n > 63 {
		return b.beginLong(host)
	}
	var words, hashes [8]uint64
	var dots, bad uint64
	h, k, end := uint64(kName), 0, n
	for ; end >= 8; end -= 8 {
		w := load8(host[end-8:])
		bad |= badOf(w)
		dots |= pack(dotsOf(w)) << (8 * uint(k) & 63)
		words[k&7], hashes[k&7] = w, h
		h = fold(h^w, kChunk)
		k++
	}
	if end > 0 { // what is left of the name at its beginning
		w := load8(host) << ((64 - 8*uint(end)) & 63)
		x := w | uint64('a'*ones)>>(8*uint(end)&63)
		bad |= badOf(x)
		dots |= pack(dotsOf(x)) << (8 * uint(k) & 63)
		words[k&7], hashes[k&7] = w, h
	} else { // the whole name ends where its words do
		hashes[k&7] = h
	}
	if bad != 0 || dots&(dots<<1|1|1<<uint(n-1)) != 0 {
		return false
	}
	dots |= 1 << uint(n) // the whole name
	b.N, b.done = bits.OnesCount64(dots), true
	if b.N > BatchSize {
		return b.beginLong(host)
	}
	for i := 0; dots != 0; dots &= dots - 1 {
		l := bits.TrailingZeros64(dots)
		at := l >> 3 & 7
		b.Keys[i&(BatchSize-1)] = suffixKey(hashes[at], words[at], l)
		b.Len[i&(BatchSize-1)] = uint8(l)
		i++
	}
	b.drop()
	return true
}

// drop sets the anchor: the last two labels, or three where the last two look
// like an ending that many share (co.uk). It is a guess that only costs time
// where it is wrong.
func (b *Batch) drop() {
	at := 0
	if b.N > 1 {
		at = 1
		if b.N > 2 && b.Len[0] == 2 && b.Len[1] <= 6 {
			at = 2
		}
	}
	b.anchor, b.anchorAt = b.Keys[at], at
}

// filed is what suffix i is filed under.
func (b *Batch) filed(i int) uint64 {
	if i < b.anchorAt {
		return b.Keys[i&(BatchSize-1)]
	}
	return b.anchor
}

// suffixKey is the key of the suffix of length l whose whole words gave h and
// which ends inside w.
func suffixKey(h, w uint64, l int) uint64 {
	w &^= ^uint64(0) >> (8 * uint(l) & 63)
	return final(fold(h^w, kTail^uint64(l)))
}

// dotsOf finds the dots of a word: their top bits.
func dotsOf(w uint64) uint64 {
	// Every byte is below 0x80 in the sum, so that it does not run over.
	return ^((w&gaps ^ dotty) + gaps) & tops &^ w
}

// badOf finds the bytes of a word that cannot stand in a canonical name. A
// byte can if it is past an odd number of the bounds between what may stand
// and what may not: - to ., 0 to 9, _ and a to z.
func badOf(w uint64) uint64 {
	x := w & gaps
	good := (x + (0x80-'-')*ones) ^ (x + (0x80-'.'-1)*ones) ^
		(x + (0x80-'0')*ones) ^ (x + (0x80-'9'-1)*ones) ^
		(x + (0x80-'_')*ones) ^ (x + (0x80-'_'-1)*ones) ^
		(x + (0x80-'a')*ones) ^ (x + (0x80-'z'-1)*ones)
	return (w | ^good) & tops
}

// pack makes of a word's dots a byte whose bit n is the n-th byte from the
// right.
func pack(d uint64) uint64 {
	return bits.ReverseBytes64(d) >> 7 * 0x0102040810204080 >> 56
}

// beginLong begins the way for names shorter than a word, long names and
// names of many labels.
func (b *Batch) beginLong(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	*b = Batch{h: kName, last: -1}
	w := wordAt(host, 0)
	x := w | filler(host, 0)
	b.dots = dotsOf(x)
	if badOf(x) != 0 || !b.Next(host) {
		return false
	}
	b.drop()
	return true
}

// Next fills b with the next suffixes of the host that Begin was given; no
// more suffixes are left when More says so.
func (b *Batch) Next(host string) bool {
	b.N, b.anchorAt = 0, 0
	w := wordAt(host, b.word)
	for b.N < BatchSize {
		if b.dots != 0 {
			j := bits.LeadingZeros64(b.dots)
			b.dots &^= 1 << (63 - uint(j))
			if !b.put(w, 8*b.word+j>>3) {
				return false
			}
			continue
		}
		if len(host) < 8*(b.word+1) { // the word at hand holds the beginning
			b.done = true
			return b.put(w, len(host))
		}
		b.h = fold(b.h^w, kChunk)
		b.word++
		w = wordAt(host, b.word)
		x := w | filler(host, b.word)
		if b.dots = dotsOf(x); badOf(x) != 0 {
			return false
		}
	}
	return true
}

// put adds the suffix of length l; its first label must be a label.
func (b *Batch) put(w uint64, l int) bool {
	if label := int32(l) - b.last - 1; label < 1 || label > 63 {
		return false
	}
	b.last = int32(l)
	b.Keys[b.N], b.Len[b.N] = suffixKey(b.h, w, l), uint8(l)
	b.N++
	return true
}

// More reports whether Next has suffixes to give.
func (b *Batch) More() bool { return !b.done }

// wordAt is the k-th word of s from the right; what is missing at the left is
// zero.
func wordAt(s string, k int) uint64 {
	end := len(s) - 8*k
	if end >= 8 {
		return load8(s[end-8:])
	}
	var w uint64
	for i := range max(0, end) {
		w |= uint64(s[i]) << (64 - 8*uint(end-i))
	}
	return w
}

// filler stands in for the missing bytes of a word when it is looked at.
func filler(s string, k int) uint64 {
	end := max(0, len(s)-8*k)
	if end >= 8 {
		return 0
	}
	return uint64('a'*ones) >> (8 * uint(end))
}

// NameKey is the key of a whole canonical name.
func NameKey(name string) (uint64, bool) {
	key, _, ok := nameKeys(name)
	return key, ok
}

// nameKeys returns the name's key and the one it is filed under.
func nameKeys(name string) (key, anchor uint64, ok bool) {
	var b Batch
	ok = b.Begin(name)
	for ok && b.More() {
		ok = b.Next(name)
	}
	if !ok {
		return 0, 0, false
	}
	return b.Keys[b.N-1], b.filed(b.N - 1), true
}

// Trail walks the beginnings of a canonical path under one host suffix that
// may be listed: those that end at a boundary, and the whole.
type Trail struct {
	path string
	at   int
	h    uint64
}

// Trail begins the walk under suffix i of b.
func (b *Batch) Trail(i int, path string) Trail { return Trail{path: path, h: b.Keys[i] ^ kPath} }

// Next returns the key of the next beginning and its length.
func (t *Trail) Next() (key uint64, length int, more bool) {
	if t.at >= len(t.path) {
		return 0, 0, false
	}
	end := t.at + 1
	for end < len(t.path) && !canon.Boundary(t.path[end]) {
		end++
	}
	t.h = piece(t.h, t.path[t.at:end])
	t.at = end
	return final(t.h), end, true
}

func urlKey(host, path string) (uint64, bool) {
	key, ok := NameKey(host)
	if !ok {
		return 0, false
	}
	t := Trail{path: path, h: key ^ kPath}
	for {
		k, _, more := t.Next()
		if !more {
			return key, true
		}
		key = k
	}
}

// addressKey is the key of a masked range; an address is a range of one.
func addressKey(p netip.Prefix) uint64 {
	b := p.Addr().As16()
	h := fold(kRange^binary.LittleEndian.Uint64(b[:8]), kChunk)
	h = fold(h^binary.LittleEndian.Uint64(b[8:]), kTail^uint64(p.Bits()))
	if p.Addr().Is4() {
		h ^= kRange
	}
	return final(h)
}
