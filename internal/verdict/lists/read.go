package lists

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
)

const (
	maxRefusedFile  = 100
	maxRefusedAll   = 5000
	maxExpressions  = 10_000
	maxTold         = 300
	maxUsageBytes   = 64 << 10
	checkEveryLines = 4096
)

// run is one reading: what was asked, what came out so far.
type run struct {
	ctx         context.Context
	opt         Options
	plan        *plan
	emit        func(Entry) error
	report      Report
	entries     int
	expressions int
	refused     int
	conf        bool // a squidGuard.conf was given alone
}

// file is one file being read.
type file struct {
	run      *run
	rep      *FileReport
	lines    *lines
	last     Entry  // the entry before, without its place
	category string // of this line, where a list names one for each
	raw      string // the line at hand with its blanks
	diff     bool   // each line begins with + or -
	zone     zone
	item     items
	table    table
}

// member reads one file of the list by its role in the plan.
func (r *run) member(name string, in io.Reader) error {
	j := r.plan.jobs[name]
	if j.role == roleUsage {
		return r.usage(j.category, in)
	}
	rep := FileReport{File: name, Category: j.category, Format: r.plan.format}
	br, ok := in.(*bufio.Reader)
	if !ok {
		br = bufio.NewReaderSize(in, sniffBytes)
	}
	head, err := peek(br)
	if err == nil {
		err = notText(name, head)
	}
	if err != nil {
		return err
	}
	if wide(head) {
		if br, head, err = narrowed(br); err != nil {
			return err
		}
	}
	if j.role == roleList {
		rep.Format = r.opt.Format
		if rep.Format == FormatAuto {
			rep.Format = sniff(head)
		}
	}
	f := &file{run: r, rep: &rep, lines: newLines(name, br), diff: j.diff, item: items{hours: j.hours}}
	if rep.Format == FormatJSON && j.role == roleList && document(head) {
		err = f.readDocument(bytes.HasPrefix(head, []byte("\xef\xbb\xbf")))
	} else {
		err = f.read(f.parser(j.role))
	}
	f.item.end(f)
	if rep.Format == FormatConf && f.table.text != "" {
		r.report.Told = append(r.report.Told, parseConf(f.table.text).tell(maxTold)...)
		r.conf = true
	}
	rep.Lines, rep.Bytes = f.lines.no, f.lines.text.bytes
	r.report.Files = append(r.report.Files, rep)
	return err
}

func (f *file) parser(r role) func(string) error {
	switch {
	case r == roleURLs:
		return f.urlLine
	case r == roleExpressions:
		return f.expressionLine
	case r >= roleItems:
		return f.itemLine(r)
	case r == roleDomains:
		return f.nameLine
	}
	if p := f.parsers()[f.rep.Format]; p != nil {
		return p
	}
	return f.nameLine
}

func (f *file) parsers() map[Format]func(string) error {
	return map[Format]func(string) error{
		FormatHosts: f.hostsLine, FormatAdblock: f.adblockLine, FormatDnsmasq: f.dnsmasqLine, FormatRPZ: f.zoneLine, FormatUnbound: f.unboundLine,
		FormatSurge: f.surgeLine, FormatCSV: f.tableLine, FormatJSON: f.jsonLine, FormatRedwood: f.redwoodLine, FormatHashed: f.hashedLine,
		FormatE2: f.itemLine(roleItems), FormatConf: f.confLine, FormatBind: f.bindLine, FormatRegex: f.regexLine, FormatP2P: f.spanLine,
	}
}

func (f *file) read(parse func(string) error) error {
	first := true
	for {
		raw, tooLong, err := f.lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if f.lines.no%checkEveryLines == 0 && f.run.ctx.Err() != nil {
			return f.run.ctx.Err()
		}
		if tooLong {
			f.refuse(raw, "the line is longer than 4096 characters")
			continue
		}
		f.raw = string(raw)
		line := strings.TrimSpace(f.raw)
		if line == "" {
			f.rep.Skipped++
			continue
		}
		if line[0] == '<' && (first && f.rep.Format != FormatRedwood || looksLikeHTML(line)) {
			return htmlRefusal(f.rep.File, f.lines.no)
		}
		first = false
		if err := parse(line); err != nil {
			return err
		}
	}
}

// accept hands an entry over that puts a name into the file's category.
func (f *file) accept(kind Kind, text string) error { return f.put(Entry{Kind: kind, Text: text}) }

// put hands an entry over. Only the entry just before is known, so of
// duplicates only neighbours are dropped: lists are mostly sorted.
func (f *file) put(e Entry) error {
	if e.Category = f.category; e.Category == "" {
		e.Category = f.rep.Category
	}
	if e == f.last {
		f.rep.Duplicates++
		return nil
	}
	if f.run.entries >= f.run.opt.MaxEntries {
		return &Refusal{File: f.rep.File, Line: f.lines.no, Reason: fmt.Sprintf(
			"the list holds more than %d entries; raise the bound if that is right", f.run.opt.MaxEntries)}
	}
	f.run.entries++
	f.rep.Accepted++
	f.rep.count(e)
	f.last = e
	e.Line, e.File = f.lines.no, f.rep.File
	return f.run.emit(e)
}

// skip counts a line that lists nothing, and says why.
func (f *file) skip(line, why string) {
	f.rep.Skipped++
	f.note([]byte(line), why)
}

// tell keeps a sentence for the report.
func (f *file) tell(format string, args ...any) {
	if len(f.run.report.Told) < maxTold {
		f.run.report.Told = append(f.run.report.Told, fmt.Sprintf(format, args...))
	}
}

func (f *file) refuse(line []byte, reason string) {
	f.rep.Invalid++
	f.note(line, reason)
}

// note keeps a line for the report, within bounds.
func (f *file) note(line []byte, reason string) {
	if len(f.rep.Refused) >= maxRefusedFile || f.run.refused >= maxRefusedAll {
		return
	}
	f.run.refused++
	f.rep.Refused = append(f.rep.Refused, Refused{
		File: f.rep.File, Line: f.lines.no, Text: printable(line), Reason: reason,
	})
}

// usage keeps whether the tree's author means a category for blocking or for
// allowing. Other words in the file are the author's notes.
func (r *run) usage(category string, in io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(in, maxUsageBytes))
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, w := range strings.Fields(string(b)) {
		if w == "black" || w == "white" {
			seen[w] = true
		}
	}
	words := make([]string, 0, len(seen))
	for w := range seen {
		words = append(words, w)
	}
	sort.Strings(words)
	if len(words) > 0 {
		r.report.Usage[category] = strings.Join(words, " ")
	}
	return nil
}

func (r *run) finish() Report {
	r.report.Totals = Totals{}
	r.report.Format = r.plan.format
	slices.Sort(r.report.FileKinds)
	r.report.FileKinds = slices.Compact(r.report.FileKinds)
	for i, f := range r.report.Files {
		r.report.Totals.add(f.Totals)
		switch {
		case i == 0:
			r.report.Format = f.Format
		case f.Format != r.report.Format:
			r.report.Format = FormatAuto
		}
	}
	return r.report
}

// emptyList refuses a list that gave nothing: an empty one is a failed
// download far more often than a wish.
func (r *run) emptyList(name string) error {
	if r.entries > 0 {
		return nil
	}
	if r.conf {
		return &Refusal{File: name, Reason: "this is squidGuard's own settings and names no site; import the folder with its lists, with this file in it"}
	}
	if len(r.report.FileKinds) > 0 || len(r.report.Told) > 0 {
		return &Refusal{File: name, Reason: "there is no site in it that a list can close"}
	}
	for _, f := range r.report.Files {
		if len(f.Refused) > 0 {
			first := f.Refused[0]
			return &Refusal{File: first.File, Line: first.Line, Reason: fmt.Sprintf(
				"not one line could be used; the first that should have been: %q (%s)", first.Text, first.Reason)}
		}
	}
	return &Refusal{File: name, Reason: "the list is empty"}
}
