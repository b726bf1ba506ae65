// Package meaning says what a policy's text means here: which settings it
// gives which values, and what is wrong with it, line by line. It does no I/O.
package meaning

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/school/policies/document"
	"belisha/internal/school/policies/ledger"
	"belisha/internal/school/policies/watch"
)

// Problem is one thing a check has to say.
type Problem = document.Problem

// Report is what a check found.
type Report struct {
	Title    string    `json:"title"`
	Version  string    `json:"version"`
	Clauses  int       `json:"clauses"`
	Settings int       `json:"settings"` // values that the text gives
	Errors   int       `json:"errors"`
	Warnings int       `json:"warnings"`
	Notes    int       `json:"notes"`
	Problems []Problem `json:"problems"`
}

// Holds reports whether the text may be activated: it has no error.
func (r Report) Holds() bool { return r.Errors == 0 }

// areas are those of the ledger whose every duty must stand in the policy.
var areas = []string{"FIL", "MON", "ACC", "POL"}

// schools are the words of the front matter's "school" and their letter in
// the ledger.
var schools = map[string]string{"hospital": "H", "hospital-school": "H", "primary": "V", "village-primary": "V"}

// Reader knows what a policy may say.
type Reader struct {
	Book   *setting.Book
	Ledger *ledger.Ledger
	Built  func(slug string) bool // whether a control of the catalogue is built
}

// Check reads a text and says everything that is wrong with it, by line.
func (k Reader) Check(text string) (*document.Doc, Report) {
	doc, problems := document.Parse(text)
	_, more := k.Given(doc)
	problems = append(problems, more...)
	problems = append(problems, k.front(doc)...)
	problems = append(problems, k.controlNames(doc)...)
	problems = append(problems, k.requirements(doc)...)
	problems = append(problems, k.undecided(doc)...)
	problems = append(problems, k.promises(doc)...)
	problems = append(problems, k.oldLaw(doc)...)
	document.SortProblems(problems)
	rep := Report{Title: doc.Meta.Title, Version: doc.Meta.Version, Clauses: len(doc.Clauses), Settings: len(doc.Values()), Problems: problems}
	if rep.Problems == nil {
		rep.Problems = []Problem{}
	}
	for _, p := range problems {
		switch p.Level {
		case document.Error:
			rep.Errors++
		case document.Warning:
			rep.Warnings++
		default:
			rep.Notes++
		}
	}
	return doc, rep
}

// front checks what the front matter must have.
func (k Reader) front(doc *document.Doc) []Problem {
	var out []Problem
	if len(doc.Clauses) == 0 && doc.Text != "" {
		out = append(out, Problem{Level: document.Error, Code: "no-clause", Words: "the document has no clause; write at least one sentence"})
	}
	for _, f := range []struct{ key, value, do string }{
		{"title", doc.Meta.Title, "name the policy"},
		{"version", doc.Meta.Version, "number it, as in version: \"2.0\""},
		{"owner", doc.Meta.Owner, "name the post that looks after it"},
	} {
		if f.value == "" && doc.Text != "" {
			out = append(out, Problem{
				Level: document.Error, Line: doc.Meta.Line(f.key), Code: "front-matter",
				Words: fmt.Sprintf("the front matter has no %s; %s", f.key, f.do),
			})
		}
	}
	if doc.Meta.Review == "" && !sets(doc, "policies.review") {
		out = append(out, Problem{
			Level: document.Warning, Line: 1, Code: "no-review",
			Words: "the front matter has no review; say how long the policy stands, as in review: 12 months",
		})
	}
	if s := doc.Meta.School; s != "" && schools[s] == "" {
		out = append(out, Problem{
			Level: document.Error, Line: doc.Meta.Line("school"), Code: "front-matter",
			Words: fmt.Sprintf("school: %s is not known; write hospital or primary, or leave it out", s),
		})
	}
	return out
}

func sets(doc *document.Doc, key string) bool {
	return slices.ContainsFunc(doc.Values(), func(v document.Placed) bool { return v.Key == key })
}

// controlNames reports controls that there are not, and those that are not
// built.
func (k Reader) controlNames(doc *document.Doc) []Problem {
	var out []Problem
	for _, c := range doc.Clauses {
		for _, ref := range c.Controls {
			slug, ok := watch.Find(ref.Name)
			if !ok {
				out = append(out, Problem{
					Level: document.Error, Line: ref.Line, Clause: c.ID, Code: "unknown-control",
					Words: fmt.Sprintf("there is no control %q%s", ref.Name, didYouMean(ref.Name)),
				})
				continue
			}
			if !k.Built(slug) && !ref.Off {
				out = append(out, Problem{
					Level: document.Note, Line: ref.Line, Clause: c.ID, Code: "not-built",
					Words: fmt.Sprintf("control %s is not built yet; the clause will show as unknown", slug),
				})
			}
		}
	}
	return out
}

func didYouMean(name string) string {
	if near := document.Nearest(strings.ToLower(name), watch.Slugs()); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return "; the controls are listed by: belisha policy status"
}

// requirements reports ids that there are not, and duties of the school that
// no clause covers. A clause covers those it names, and those of its settings
// and controls.
func (k Reader) requirements(doc *document.Doc) []Problem {
	var out []Problem
	covered := map[string]bool{}
	for _, c := range doc.Clauses {
		for _, id := range c.Requirements {
			if _, ok := k.Ledger.Get(id); !ok {
				out = append(out, Problem{
					Level: document.Error, Line: c.RequirementsLine(), Clause: c.ID, Code: "requirement",
					Words: fmt.Sprintf("there is no requirement %s in the ledger", id),
				})
			}
		}
		for _, id := range k.Covers(c) {
			covered[id] = true
		}
	}
	letter := schools[doc.Meta.School]
	if letter == "" {
		return out
	}
	for _, id := range k.Ledger.Asked(letter, areas...) {
		if !covered[id] {
			req, _ := k.Ledger.Get(id)
			out = append(out, Problem{
				Level: document.Warning, Code: "not-covered",
				Words: fmt.Sprintf("no clause covers %s: %s", id, req.Words),
			})
		}
	}
	return out
}

// Covers are the requirements that a clause covers.
func (k Reader) Covers(c *document.Clause) []string {
	out := append([]string(nil), c.Requirements...)
	for _, v := range c.Values {
		if s, ok := k.Book.Get(v.Key); ok {
			out = append(out, s.Requirements...)
		}
	}
	for _, ref := range c.Controls {
		slug, _ := watch.Find(ref.Name)
		out = append(out, watch.BySlug(slug).Requirements...)
	}
	return out
}

// undecided reports settings that no sentence sets for the whole school.
func (k Reader) undecided(doc *document.Doc) []Problem {
	decided := map[string]bool{}
	for _, v := range doc.Values() {
		if v.Scope == (setting.Scope{}) {
			decided[v.Key] = true
		}
	}
	var out []Problem
	for _, key := range k.Book.Keys() {
		if decided[key] {
			continue
		}
		s, _ := k.Book.Get(key)
		out = append(out, Problem{
			Level: document.Note, Code: "undecided",
			Words: fmt.Sprintf("%s is left open (%s): the safe default is in force, unconfirmed: %s", key, lower(s.Title), orNothing(s.Default)),
		})
	}
	return out
}

func orNothing(words string) string {
	if words == "" {
		return "none"
	}
	return words
}

// lower takes the capital from a title that goes into a sentence.
func lower(s string) string {
	if len(s) < 2 || s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// promise finds words by which a clause promises that something is so.
var promise = regexp.MustCompile(`(?i)\b(must|will|shall|cannot|can not|may not|never|always|only|(is|are) (not )?(allowed|blocked|logged|recorded|kept|checked|locked|reviewed|forced|disabled|changed|monitored|reported))\b`)

// promises notes clauses that promise something which nothing here backs.
func (k Reader) promises(doc *document.Doc) []Problem {
	var out []Problem
	for _, c := range doc.Clauses {
		if c.Lead || len(c.Values) > 0 || len(c.Controls) > 0 {
			continue
		}
		if w := promise.FindString(c.Text); w != "" {
			out = append(out, Problem{
				Level: document.Note, Line: c.Line, Clause: c.ID, Code: "words-only",
				Words: fmt.Sprintf("the clause promises something (%q) that no setting and no control backs: it will show as words only", strings.ToLower(w)),
			})
		}
	}
	return out
}

// oldLaw reports law and names that have been replaced.
func (k Reader) oldLaw(doc *document.Doc) []Problem {
	var out []Problem
	for _, c := range doc.Clauses {
		text := strings.ToLower(c.Text)
		for _, l := range k.Ledger.Replaced {
			if !hasPhrase(text, strings.ToLower(l.Term)) || shadowed(text, l.Term, k.Ledger.Replaced) {
				continue
			}
			out = append(out, Problem{
				Level: document.Warning, Line: c.Line, Clause: c.ID, Code: "replaced",
				Words: fmt.Sprintf("%q has been replaced by %s (since %s; %s)", l.Term, l.By, l.Since, l.Source),
			})
		}
	}
	return out
}

// shadowed reports whether a longer replaced term that holds this one stands
// in the text, so that one old name is reported once.
func shadowed(text, term string, all []ledger.Replaced) bool {
	for _, o := range all {
		if len(o.Term) > len(term) && strings.Contains(strings.ToLower(o.Term), strings.ToLower(term)) && hasPhrase(text, strings.ToLower(o.Term)) {
			return true
		}
	}
	return false
}

// hasPhrase finds whole words only.
func hasPhrase(text, phrase string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], phrase)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(phrase)
		if (i == 0 || !wordByte(text[i-1])) && (end == len(text) || !wordByte(text[end])) {
			return true
		}
		from = i + 1
	}
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 0x80
}
