// Package files says what a download really is: by its bytes, its names and
// its type, of which the worst counts, and by what is packed inside it. It
// knows nothing of who asks or what is closed to whom, keeps nothing between
// calls, and never believes a size, a count or a name that it was told. What
// it cannot look into within its bounds it calls unreadable or locked, never
// harmless.
//
// Look is for the first bytes of every answer and allocates nothing; Open is
// for a whole file that the caller holds in memory or on disk.
package files

import (
	"context"
	"io"
	"math/bits"
	"strings"
	"time"

	"belisha/internal/verdict"
)

// Meta is what is said about a file from outside.
type Meta struct {
	// Path is the URL's path, unescaped. Only its last part is read.
	Path string
	// Disposition are all values of Content-Disposition, as they came.
	Disposition []string
	// Type is Content-Type, as it came.
	Type string
	// Saved: whoever asks says that it will be saved.
	Saved bool
}

// Kinds is a set of kinds of file.
type Kinds uint16

// KindsOf is the set of the kinds given.
func KindsOf(list ...verdict.FileKind) Kinds {
	var k Kinds
	for _, x := range list {
		k |= 1 << x
	}
	return k
}

// Has reports whether a kind is in the set.
func (k Kinds) Has(x verdict.FileKind) bool { return k&(1<<x) != 0 }

// Each calls do for every kind in the set, in the order of their numbers.
func (k Kinds) Each(do func(verdict.FileKind)) {
	for ; k != 0; k &= k - 1 {
		do(verdict.FileKind(bits.TrailingZeros16(uint16(k))))
	}
}

// String lists the kinds' words.
func (k Kinds) String() string {
	var list []string
	k.Each(func(x verdict.FileKind) { list = append(list, x.String()) })
	return strings.Join(list, ", ")
}

// Guess is what the first bytes, the names and the type say.
type Guess struct {
	Format Format
	Kinds  Kinds // what is certain already; Open may find more
	Saved  bool  // offered for saving, rather than shown or used by a page
	// Whole: only the whole file says what it is; hold it back for Open.
	Whole bool
}

// Bounds are the limits of one Open. A zero one is the default.
type Bounds struct {
	Depth   int           // archives within archives; 4
	Entries int           // entries of all of them together; 10,000
	Bytes   int64         // unpacked bytes of all of them together; 256 MiB
	Ratio   int64         // unpacked bytes for one packed, beyond the first 8 MiB; 200
	Memory  int           // what of one entry is held in memory, the rest is in a file; 1 MiB
	Time    time.Duration // 15 s
	Dir     string        // where those files are; the system's folder for them
}

func (b Bounds) filled() Bounds {
	set(&b.Depth, 4)
	set(&b.Entries, 10_000)
	set(&b.Bytes, 256<<20)
	set(&b.Ratio, 200)
	set(&b.Memory, 1<<20)
	set(&b.Time, 15*time.Second)
	return b
}

func set[T int | int64 | time.Duration](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

// Found is one kind that a look found.
type Found struct {
	Kind  verdict.FileKind
	What  string // a few stable words: "Windows program", "macros", "needs a password"
	Where string // "" for the file itself, "setup.exe in a.zip" for what is inside it
}

// String is the finding as it is written down, without the file's own name.
func (f Found) String() string {
	s := f.Kind.String() + ": " + f.What
	if f.Where != "" {
		s += ", " + f.Where
	}
	return s
}

// Report is what Open found.
type Report struct {
	Format  Format
	Kinds   Kinds
	Found   []Found // the first of each kind
	Entries int     // looked at inside
	Bytes   int64   // unpacked
}

// First is the first finding of a kind.
func (r *Report) First(k verdict.FileKind) (Found, bool) {
	for _, f := range r.Found {
		if f.Kind == k {
			return f, true
		}
	}
	return Found{}, false
}

func (r *Report) add(k verdict.FileKind, what, where string) {
	if r.Kinds.Has(k) {
		return
	}
	r.Kinds |= 1 << k
	r.Found = append(r.Found, Found{k, what, where})
}

// Head is how many of a file's first bytes Look makes use of.
const Head = 64 << 10

// Open looks at a whole file and at all that is packed in it. It reads r from
// this goroutine only, and leaves nothing behind. One call takes at most
// b.Bytes on disk, and in memory about 70 MiB where a dictionary needs that
// and 5 MiB where none does.
func Open(ctx context.Context, r io.ReaderAt, size int64, m *Meta, b Bounds) Report {
	b = b.filled()
	ctx, cancel := context.WithTimeout(ctx, b.Time)
	defer cancel()
	w := &walk{ctx: ctx, b: b}
	w.top(r, size, m)
	return w.rep
}
