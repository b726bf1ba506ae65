package filtering

import (
	"fmt"
	"strings"

	"belisha/internal/kit/words"
)

// What is kept of a report, and shown.
const (
	shownFaults   = 100
	keptFaults    = 2000
	keptFiles     = 500
	keptSentences = 300
)

// short is the report within the bounds of what is kept.
func (rep Report) short() Report {
	out := rep
	out.Files = nil
	left := keptFaults
	for _, f := range rep.Files[:min(len(rep.Files), keptFiles)] {
		f.Refused = f.Refused[:min(len(f.Refused), left)]
		left -= len(f.Refused)
		out.Files = append(out.Files, f)
	}
	out.Told = rep.Told[:min(len(rep.Told), keptSentences)]
	return out
}

// faults are the first lines that could not be used, at most so many.
func (rep Report) faults(most int) []RefusedLine {
	var out []RefusedLine
	for _, f := range rep.Files {
		for _, x := range f.Refused {
			if len(out) == most {
				return out
			}
			out = append(out, x)
		}
	}
	return out
}

// Counted is what a list gave, by kind, in one sentence.
func (m SourceMeta) Counted() string {
	var parts []string
	for _, p := range []struct {
		n         int
		one, many string
	}{
		{m.Kinds.Names, "name", "names"},
		{m.Kinds.Pages, "page", "pages"},
		{m.Kinds.Addresses, "address or range", "addresses and ranges"},
		{m.Kinds.Expressions, "expression", "expressions"},
		{m.Kinds.Exceptions, "exception of the list itself", "exceptions of the list itself"},
	} {
		if p.n > 0 {
			parts = append(parts, words.Count(p.n, p.one, p.many))
		}
	}
	if len(parts) == 0 {
		return "nothing that could be used"
	}
	return strings.Join(parts, ", ")
}

// Lost is what was not taken up, in one sentence.
func (m SourceMeta) Lost() string {
	return fmt.Sprintf("%s, %s there twice in a row, %s that could not be used",
		words.Count(m.Skipped, "line that lists nothing", "lines that list nothing"), words.Number(m.Duplicates), words.Number(m.Invalid))
}

// Suggests are the settings that the list's own settings suggest.
func (m SourceMeta) Suggests() []string {
	out := append([]string(nil), m.Told...)
	if len(m.FileKinds) > 0 {
		out = append(out, "It closes files of these kinds: "+strings.Join(m.FileKinds, ", ")+". Close them for the group that is meant, on the page of what is looked at.")
	}
	return out
}
