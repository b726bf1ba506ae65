package segment

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"belisha/internal/verdict/canon"
)

// Kind says what an entry matches. The numbers are those of the list parsers.
type Kind uint8

// The kinds of entry.
const (
	Name         Kind = iota + 1 // the name and every name below it
	Exact                        // this name only
	URL                          // host/path: pages whose path begins so, up to a boundary
	AddressRange                 // an IP address, or a range as CIDR
	Pattern                      // an RE2 expression over "http://host/path?query"
	_                            // digests, which are no entries of a segment
	HostPattern                  // an RE2 expression over the host alone
)

// Role says what an entry does to the category it is listed in. The zero
// value puts the name into it.
type Role uint8

// The roles, which may be joined.
const (
	Except    Role = 1 << iota // takes the name out of the category, as far as this list puts it in
	Important                  // an entry that no exception lifts, or an exception that lifts those too
	Near                       // an exception only from what shorter names of the list put in
	Below                      // the names below, and not the name itself
	Scoped                     // an entry that leaves some names alone, or what it leaves alone: of no other entries
	allRoles  = Except | Important | Near | Below | Scoped
)

// roleMarks stand before a category's slug in the file, one letter a role.
const roleMarks = "einbs"

func (r Role) mark(slug string) string {
	if r == 0 {
		return slug
	}
	var b strings.Builder
	for i := range len(roleMarks) {
		if r>>i&1 == 1 {
			b.WriteByte(roleMarks[i])
		}
	}
	return b.String() + ":" + slug
}

// unmark parts a category of the file into role and slug.
func unmark(text string) (Role, string, bool) {
	marks, slug, ok := strings.Cut(text, ":")
	if !ok {
		return 0, text, true
	}
	var r Role
	for _, c := range []byte(marks) {
		i := strings.IndexByte(roleMarks, c)
		if i < 0 {
			return 0, "", false
		}
		r |= 1 << i
	}
	return r, slug, r != 0
}

// Bounds of one segment.
const (
	MaxPath        = 1024
	MaxExpressions = 2000
	maxExpression  = 16 << 10
	maxCategories  = 256
	// maxCompiled bounds the expressions' text all told.
	maxCompiled = 2 << 20
)

// Errors of Add. A list with such an entry goes on without it.
var (
	ErrEntry      = errors.New("the entry is not in canonical form")
	ErrPathLength = errors.New("the path of the entry is longer than 1024 characters")
	ErrExpression = errors.New("the expression cannot be used")
	ErrFull       = errors.New("the list has more categories or combinations of them than fit")
)

// Stats says what a segment holds.
type Stats struct {
	Entries     uint64 // accepted, doubles included
	Exceptions  uint64 // of these, what the list excepts
	Keys        uint64 // distinct
	Expressions int
	Sets        int
	Bytes       int64
	ByCategory  map[string]uint64
}

type flag uint8

const (
	flagSub   flag = iota // the name and below; also addresses and pages
	flagExact             // the name only
	flagPages             // pages of this name are listed
	flagDrop  flag = 0x80 // with another: takes the same entry out again
)

// categoryRole is a category with one of the roles that entries of it have.
type categoryRole struct {
	slug string
	role Role
}

// record is one entry on its way into the table.
type record struct {
	key    uint64
	anchor uint32 // what it is filed under
	cat    uint16
	is     flag
}

// Builder collects entries, in any order, and writes them as one segment. The
// same entries give the same file, whatever their order.
type Builder struct {
	parts       [256][]record // by the key's first byte: sorting in small pieces
	numbers     map[categoryRole]uint16
	slugs       []string     // as the file has them
	last        categoryRole // most entries have the category of the one before
	lastNumber  uint16
	counts      []uint64
	expressions []metaPattern
	seen        map[metaPattern]bool
	dropped     map[metaPattern]bool
	lock        []byte
	textBytes   int
	maxPath     int
	four        uint64
	six         [3]uint64
	entries     uint64
}

type metaPattern struct {
	cat  uint16
	host bool
	text string
}

// NewBuilder returns an empty builder.
func NewBuilder() *Builder {
	return &Builder{numbers: map[categoryRole]uint16{}, seen: map[metaPattern]bool{}, dropped: map[metaPattern]bool{}}
}

// Add takes one entry in canonical text. An error means that this entry was
// left out; the builder goes on.
func (b *Builder) Add(kind Kind, text, category string) error {
	return b.AddAs(kind, text, category, 0)
}

// AddAs is Add for an entry with a role.
func (b *Builder) AddAs(kind Kind, text, category string, role Role) error {
	cat, err := b.number(category, role)
	if err != nil {
		return err
	}
	if err := b.add(kind, text, cat, 0); err != nil {
		return err
	}
	b.entries++
	b.counts[cat]++
	return nil
}

// Drop takes every entry that is the same in all out again, whether it came
// before or comes after.
func (b *Builder) Drop(kind Kind, text, category string, role Role) error {
	cat, err := b.number(category, role)
	if err != nil {
		return err
	}
	if kind == Pattern || kind == HostPattern {
		b.dropped[metaPattern{cat, kind == HostPattern, strings.Clone(text)}] = true
		return nil
	}
	return b.add(kind, text, cat, flagDrop)
}

// AddKey takes an entry of which only a key is known. Who asks must make the
// key in the same way.
func (b *Builder) AddKey(key uint64, category string) error {
	cat, err := b.number(category, 0)
	if err != nil {
		return err
	}
	b.put(key, key, cat, flagSub)
	b.entries++
	b.counts[cat]++
	return nil
}

// Lock keeps sealed with the list: what is needed to make keys of names.
func (b *Builder) Lock(sealed []byte) { b.lock = sealed }

func (b *Builder) add(kind Kind, text string, cat uint16, drop flag) error {
	switch kind {
	case Name:
		return b.addName(text, cat, flagSub|drop)
	case Exact:
		return b.addName(text, cat, flagExact|drop)
	case URL:
		return b.addURL(text, cat, drop)
	case AddressRange:
		return b.addAddress(text, cat, drop)
	case Pattern, HostPattern:
		return b.addPattern(metaPattern{cat, kind == HostPattern, text})
	}
	return fmt.Errorf("%w: kind %d", ErrEntry, kind)
}

func (b *Builder) number(category string, role Role) (uint16, error) {
	if role == b.last.role && category == b.last.slug && len(b.slugs) > 0 {
		return b.lastNumber, nil
	}
	if n, ok := b.numbers[categoryRole{category, role}]; ok {
		b.last, b.lastNumber = categoryRole{b.slugs[n][strings.IndexByte(b.slugs[n], ':')+1:], role}, n
		return n, nil
	}
	if len(b.slugs) == maxCategories || role&^allRoles != 0 || strings.Contains(category, ":") {
		return 0, ErrFull
	}
	slug := strings.Clone(category)
	n := uint16(len(b.slugs))
	b.numbers[categoryRole{slug, role}] = n
	b.slugs = append(b.slugs, role.mark(slug))
	b.last, b.lastNumber = categoryRole{slug, role}, n
	b.counts = append(b.counts, 0)
	return n, nil
}

func (b *Builder) put(key, anchor uint64, cat uint16, is flag) {
	p := &b.parts[key>>56]
	*p = append(*p, record{key, uint32(anchor >> 32), cat, is})
}

func (b *Builder) addName(text string, cat uint16, is flag) error {
	if len(text) > 253 {
		return ErrEntry
	}
	key, anchor, ok := nameKeys(text)
	if !ok {
		return ErrEntry
	}
	b.put(key, anchor, cat, is)
	return nil
}

func (b *Builder) addURL(text string, cat uint16, drop flag) error {
	host, path := SplitPage(text)
	if path == "" {
		return b.addHost(host, cat, drop)
	}
	if len(path) > MaxPath {
		return ErrPathLength
	}
	key, ok := urlKey(host, path)
	if !ok {
		return ErrEntry
	}
	mark, anchor, _ := nameKeys(host)
	b.put(mark, anchor, 0, flagPages)
	b.put(key, key, cat, flagSub|drop)
	b.maxPath = max(b.maxPath, len(path))
	return nil
}

// addHost takes a URL entry without a path, whose host may be an address.
func (b *Builder) addHost(host string, cat uint16, drop flag) error {
	if _, err := netip.ParseAddr(host); err == nil {
		return b.addAddress(host, cat, drop)
	}
	return b.addName(host, cat, flagSub|drop)
}

// SplitPage parts "host/path" and brings the path into the form that requests
// are matched in; boundaries at its end say nothing and are cut off.
func SplitPage(text string) (host, path string) {
	i := strings.IndexAny(text, "/?")
	if i < 0 {
		return text, ""
	}
	p := string(canon.Path(nil, text[i:]))
	for p != "" && canon.Boundary(p[len(p)-1]) {
		p = p[:len(p)-1]
	}
	return text[:i], p
}

func (b *Builder) addAddress(text string, cat uint16, drop flag) error {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, aerr := netip.ParseAddr(text)
		if aerr != nil || a.Zone() != "" {
			return ErrEntry
		}
		a = canon.Unwrap(a)
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if p.Addr().Is4In6() {
		return ErrEntry
	}
	p = p.Masked()
	if n := p.Bits(); p.Addr().Is4() {
		b.four |= 1 << n
	} else {
		b.six[n>>6] |= 1 << (n & 63)
	}
	key := addressKey(p)
	b.put(key, key, cat, flagSub|drop)
	return nil
}

func (b *Builder) addPattern(e metaPattern) error {
	if b.seen[e] {
		return nil
	}
	if len(b.expressions) == MaxExpressions || b.textBytes+len(e.text) > maxCompiled {
		return fmt.Errorf("%w: there are too many in this list", ErrExpression)
	}
	if _, err := compileExpression(e.text); err != nil {
		return err
	}
	e.text = strings.Clone(e.text)
	b.seen[e] = true
	b.expressions = append(b.expressions, e)
	b.textBytes += len(e.text)
	return nil
}

// compileExpression compiles an expression as lists mean it: letter case does
// not matter. RE2 runs in time linear in the URL, whatever the list says.
func compileExpression(text string) (*regexp.Regexp, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("%w: it is longer than %d characters", ErrExpression, maxExpression)
	}
	re, err := regexp.Compile("(?i)" + text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrExpression, err)
	}
	if re.MatchString("") {
		return nil, fmt.Errorf("%w: it matches every page", ErrExpression)
	}
	return re, nil
}

// Write writes the segment into dir under its own hash, and returns the hash.
// The file is whole on disk before it has its name.
func (b *Builder) Write(dir string) (string, Stats, error) {
	l, err := b.layOut()
	if err != nil {
		return "", Stats{}, err
	}
	tmp, err := os.CreateTemp(dir, ".segment-*")
	if err != nil {
		return "", Stats{}, fmt.Errorf("making the list file: %w", err)
	}
	defer os.Remove(tmp.Name())
	sum, err := l.writeTo(tmp)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return "", Stats{}, fmt.Errorf("writing the list file: %w", err)
	}
	name := FileName(dir, sum)
	if _, err := os.Stat(name); err == nil && VerifyFile(name, sum) == nil {
		return sum, l.stats, nil
	}
	if err := os.Rename(tmp.Name(), name); err != nil {
		return "", Stats{}, fmt.Errorf("naming the list file: %w", err)
	}
	return sum, l.stats, syncDir(dir)
}

// FileName is where dir keeps the segment with this hash.
func FileName(dir, hash string) string { return filepath.Join(dir, hash+".seg") }

// VerifyFile reads the whole file and compares its hash. It reads rather than
// maps, so that checking a new list does not fill memory with it.
func VerifyFile(path, hash string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("checking the list file: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{f}, make([]byte, 256<<10)); err != nil {
		return fmt.Errorf("checking the list file: %w", err)
	}
	if hex.EncodeToString(h.Sum(nil)) != hash {
		return fmt.Errorf("%w: its content does not match its name", ErrDamaged)
	}
	return nil
}
