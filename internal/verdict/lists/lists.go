// Package lists reads the category lists a school already has: UT1 and
// squidGuard trees, plain domain lists, wildcard lists and hosts files, alone,
// gzipped, in a folder or in a tar archive.
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
	"context"
	"errors"
	"fmt"
	"strconv"
)

// Kind says what an entry matches.
type Kind uint8

// The kinds of entry.
const (
	Name       Kind = iota + 1 // the name and every name below it
	Exact                      // this name only
	URL                        // host/path: the host and names below it, paths that begin so
	Address                    // an IP address, or a range as CIDR
	Expression                 // a regular expression (RE2) over the whole URL, letter case ignored
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
	Except   bool // an exception ("@@"); handed over only if Options.Exceptions
}

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
)

// Formats lists every format that may be asked for.
var Formats = []Format{FormatAuto, FormatUT1, FormatPlain, FormatWildcard, FormatHosts}

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
	Exceptions bool   // hand over "@@" lines as entries with Except set; otherwise they are skipped
}

func (o Options) withDefaults() (Options, error) {
	if o.Format == "" {
		o.Format = FormatAuto
	}
	known := false
	for _, f := range Formats {
		known = known || f == o.Format
	}
	if !known {
		return o, fmt.Errorf("%q is not a list format: use auto, ut1, plain, wildcard or hosts", string(o.Format))
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
}

func (t *Totals) add(o Totals) {
	t.Lines += o.Lines
	t.Accepted += o.Accepted
	t.Duplicates += o.Duplicates
	t.Invalid += o.Invalid
	t.Skipped += o.Skipped
	t.Bytes += o.Bytes
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

	members, err := src.members(ctx)
	if err != nil {
		return Report{}, err
	}
	plan, err := makePlan(members, src.name(), opt)
	if err != nil {
		return Report{}, err
	}
	run := &run{ctx: ctx, opt: opt, plan: plan, emit: emit}
	run.report = Report{Aliases: plan.aliases, Usage: map[string]string{}, Ignored: plan.ignored}
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
	plan, err := makePlan(members, src.name(), opt)
	if err != nil {
		return "", err
	}
	if plan.format == FormatUT1 {
		return FormatUT1, nil
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
