// Package lists reads the category lists a school already has: UT1 and
// squidGuard trees, e2guardian's item lists, plain domain lists, wildcard
// lists, hosts files, the part of the adblock language that names hosts,
// dnsmasq and Unbound settings, response policy zones, rules for Surge and
// Clash, tables and JSON lines, Redwood's lists; alone, packed, in a folder or
// in an archive.
//
// Reading is a stream: entries are handed over one at a time and nothing is
// held but the line at hand. One bad line never drops a list; it is counted
// and, for the first hundred of a file, reported with its line number. What
// shows that the whole thing is not a list (a web page, a binary file, an
// archive cut short, a path that climbs out of the archive) refuses all of it
// with one sentence, as a *Refusal. Entries handed over before a refusal must
// then be thrown away by the caller.
//
// The package knows nothing of categories' meaning and keeps no state.
package lists

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Kind says what an entry matches.
type Kind uint8

// The kinds of entry.
const (
	Name           Kind = iota + 1 // the name and every name below it
	Exact                          // this name only
	URL                            // host/path: the host and names below it, paths that begin so
	Address                        // an IP address, or a range as CIDR
	Expression                     // a regular expression (RE2) over the whole URL, letter case ignored
	Digest                         // what a supplier made of an address, in hexadecimal
	HostExpression                 // a regular expression (RE2) over the host alone, letter case ignored
)

// String is the kind's word in reports.
func (k Kind) String() string {
	switch k {
	case Name:
		return "name"
	case Exact:
		return "exact"
	case URL:
		return "url"
	case Address:
		return "address"
	case Expression:
		return "expression"
	case Digest:
		return "digest"
	case HostExpression:
		return "host-expression"
	}
	return "kind " + strconv.Itoa(int(k))
}

// Entry is one accepted line, in canonical text: names as lower-case A-labels
// without a dot at the end; a URL as host/path, all lower-case, without
// scheme, port, "www." and trailing slash; a range masked.
type Entry struct {
	Category string
	Kind     Kind
	Text     string
	Line     int
	File     string
	Role     Role
	Drop     bool // the same entry is taken out again, wherever it stands
}

// Role says what an entry does to its category. The zero value puts the name
// into it. The bits are those of the compiled list.
type Role uint8

// The roles, which may be joined.
const (
	Except    Role = 1 << iota // takes the name out of what this list puts it in
	Important                  // an entry that no exception lifts, or an exception that lifts those too
	Near                       // an exception only from what shorter names of the list put in
	Below                      // the names below, and not the name itself
	Scoped                     // an entry that leaves some names alone, or what it leaves alone: of no other entries
)

// Format is how a list is written.
type Format string

// The formats. As an option Auto means "find out"; in a report it means that
// the files of a folder or archive were not all written in one format.
const (
	FormatAuto     Format = "auto"
	FormatUT1      Format = "ut1"
	FormatPlain    Format = "plain"
	FormatWildcard Format = "wildcard"
	FormatHosts    Format = "hosts"
	FormatAdblock  Format = "adblock"
	FormatDnsmasq  Format = "dnsmasq"
	FormatRPZ      Format = "rpz"
	FormatUnbound  Format = "unbound"
	FormatSurge    Format = "surge"
	FormatCSV      Format = "csv"
	FormatJSON     Format = "json"
	FormatRedwood  Format = "redwood"
	FormatE2       Format = "e2guardian"
	FormatBind     Format = "bind"
	FormatRegex    Format = "regex"
	FormatP2P      Format = "p2p"
	FormatConf     Format = "squidguard" // squidGuard.conf: nothing is listed in it, and much is told
	FormatHashed   Format = "hashed"     // digests in hexadecimal, of a licensed list only
)

// Formats lists every format that may be asked for.
var Formats = []Format{
	FormatAuto, FormatUT1, FormatE2, FormatConf, FormatHosts, FormatPlain, FormatWildcard, FormatAdblock, FormatDnsmasq, FormatRPZ,
	FormatUnbound, FormatBind, FormatSurge, FormatCSV, FormatJSON, FormatRedwood, FormatRegex, FormatP2P,
}

// FormatWords are the formats that may be asked for, in one sentence.
func FormatWords() string {
	words := make([]string, 0, len(Formats))
	for _, f := range Formats[:len(Formats)-1] {
		words = append(words, string(f))
	}
	return strings.Join(words, ", ") + " or " + string(Formats[len(Formats)-1])
}

// Bounds that hold when Options leave them zero.
const (
	DefaultMaxEntries = 20_000_000
	DefaultMaxBytes   = 2 << 30
)

// Options say how to read. The zero value finds the format out, names each
// category after its folder or file, and keeps the default bounds.
type Options struct {
	Format     Format
	Category   string // the category of a list that does not name its own
	MaxEntries int    // entries in all; 0 means DefaultMaxEntries
	MaxBytes   int64  // bytes after decompression; 0 means DefaultMaxBytes
	Exact      bool   // bare names in plain lists match themselves only
}

func (o Options) withDefaults() (Options, error) {
	if o.Format == "" {
		o.Format = FormatAuto
	}
	known := o.Format == FormatHashed
	for _, f := range Formats {
		known = known || f == o.Format
	}
	if !known {
		return o, fmt.Errorf("%q is not a list format: use %s", string(o.Format), FormatWords())
	}
	if o.MaxEntries <= 0 {
		o.MaxEntries = DefaultMaxEntries
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	return o, nil
}

// Refused is one line that could not be used. Text is cut to 80 bytes and
// made printable.
type Refused struct {
	File   string
	Line   int
	Text   string
	Reason string
}

// Totals counts lines. A hosts line with three names counts three times in
// Accepted. Skipped are blank lines, comments, and lines that list nothing
// (localhost, rewrites, page-styling rules).
type Totals struct {
	Lines, Accepted, Duplicates, Invalid, Skipped int
	Bytes                                         int64
	// Of what was accepted: names, pages, addresses, expressions, and what is
	// excepted or taken out again.
	Names, Pages, Addresses, Expressions, Exceptions int
}

func (t *Totals) add(o Totals) {
	t.Lines += o.Lines
	t.Accepted += o.Accepted
	t.Duplicates += o.Duplicates
	t.Invalid += o.Invalid
	t.Skipped += o.Skipped
	t.Bytes += o.Bytes
	t.Names += o.Names
	t.Pages += o.Pages
	t.Addresses += o.Addresses
	t.Expressions += o.Expressions
	t.Exceptions += o.Exceptions
}

func (t *Totals) count(e Entry) {
	switch {
	case e.Drop || e.Role&Except != 0:
		t.Exceptions++
	case e.Kind == URL:
		t.Pages++
	case e.Kind == Address:
		t.Addresses++
	case e.Kind == Expression || e.Kind == HostExpression:
		t.Expressions++
	default:
		t.Names++
	}
}

// FileReport is what one file gave.
type FileReport struct {
	File, Category string
	Format         Format
	Totals
	Refused []Refused // the first 100
}

// Report is what a whole list gave.
type Report struct {
	Format  Format
	Files   []FileReport
	Aliases map[string]string // UT1: another name of a category, and the category
	Usage   map[string]string // UT1: category to "black", "white" or "black white", where its usage file says
	Ignored []string          // files that are no list, the first 100
	// Told is what was understood and cannot be a list entry, in sentences:
	// what a squidGuard.conf decides, lists that hold at times, lists that open.
	Told []string
	// FileKinds are kinds of file that the list closes by ending or type.
	FileKinds []string
	Totals
}

// Refusal says in one sentence why the whole list was refused. Line is 0 when
// no line is to blame.
type Refusal struct {
	File   string
	Line   int
	Reason string
}

// Error gives the place and the sentence.
func (r *Refusal) Error() string {
	switch {
	case r.File == "":
		return r.Reason
	case r.Line > 0:
		return fmt.Sprintf("%s, line %d: %s", r.File, r.Line, r.Reason)
	}
	return r.File + ": " + r.Reason
}

// Read reads the list at path, a file, folder or archive, and hands each
// entry to emit; an error of emit ends the reading and is returned as it is.
// The report is filled as far as reading came even when an error is returned.
func Read(ctx context.Context, path string, opt Options, emit func(Entry) error) (Report, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return Report{}, err
	}
	src, err := open(path, opt.MaxBytes)
	if err != nil {
		return Report{}, err
	}
	defer src.close()
	return readSource(ctx, src, opt, emit)
}

// ReadBytes is Read for a list that must never lie in a file: it is in memory,
// one file, packed or not.
func ReadBytes(ctx context.Context, name string, data []byte, opt Options, emit func(Entry) error) (Report, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return Report{}, err
	}
	return readSource(ctx, &single{base: name, data: bytes.NewReader(data), max: opt.MaxBytes}, opt, emit)
}

func readSource(ctx context.Context, src source, opt Options, emit func(Entry) error) (Report, error) {
	members, err := src.members(ctx)
	if err != nil {
		return Report{}, err
	}
	seen, err := lookAhead(ctx, src, members, opt)
	if err != nil {
		return Report{}, err
	}
	plan, err := makePlan(members, src.name(), opt, seen)
	if err != nil {
		return Report{Told: seen.told}, err
	}
	run := &run{ctx: ctx, opt: opt, plan: plan, emit: emit}
	run.report = Report{Aliases: plan.aliases, Usage: map[string]string{}, Ignored: plan.ignored, Told: seen.told}
	if err := src.each(ctx, plan.wanted, run.member); err != nil {
		return run.finish(), err
	}
	rep := run.finish()
	return rep, run.emptyList(src.name())
}

// Detect finds out how the list at path is written, from its file names and
// the first lines of its first file.
func Detect(path string) (Format, error) {
	opt, err := Options{}.withDefaults()
	if err != nil {
		return "", err
	}
	src, err := open(path, opt.MaxBytes)
	if err != nil {
		return "", err
	}
	defer src.close()
	ctx := context.Background()
	members, err := src.members(ctx)
	if err != nil {
		return "", err
	}
	seen, err := lookAhead(ctx, src, members, opt)
	if err != nil {
		return "", err
	}
	plan, err := makePlan(members, src.name(), opt, seen)
	if err != nil {
		return "", err
	}
	if plan.format == FormatUT1 || plan.format == FormatE2 {
		return plan.format, nil
	}
	d := detector{}
	err = src.each(ctx, plan.wanted, d.member)
	if err != nil && !errors.Is(err, errStop) {
		return "", err
	}
	if d.format == "" {
		return "", &Refusal{File: src.name(), Reason: "the list is empty"}
	}
	return d.format, nil
}
