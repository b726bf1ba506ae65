package people

import (
	"errors"
	"fmt"
	"strings"

	"belisha/internal/kit/store"
)

// Where people come from.
const (
	SourceHand      = "hand"
	SourceCSV       = "csv"
	SourceOneRoster = "oneroster"
	SourceSDS       = "sds"
	SourceCTF       = "ctf"
)

// formatWords is what people call a format.
func formatWords(f string) string {
	switch f {
	case SourceOneRoster:
		return "OneRoster"
	case SourceSDS:
		return "School Data Sync"
	case SourceCTF:
		return "Common Transfer File"
	}
	return "CSV"
}

// roll is a roll file as it was read: rows that make sense by themselves, and
// what was refused or is worth a word.
type roll struct {
	format    string
	encoding  string
	delimiter string
	digest    string // of the file's bytes
	rows      []rollRow
	has       map[string]bool // fields that the file has a column for
	refused   []Refusal
	warnings  []Refusal
	partial   bool // the file says that it is not the whole roll
	// fills: what another roll or a person here says of somebody stays; this
	// one only adds what is missing. A former school's file knows less.
	fills bool
	// keepsRights: the format does not say who holds parental responsibility.
	keepsRights bool
	// changes: of classes it tells only what is new and what is over.
	changes *classChanges
	// ties are parents, by their ids, whom the file does not name otherwise.
	ties map[string][]childRef
	// orgs and classes by their ids, kept for an export of changes alone.
	orgs    map[string]string
	classes map[string]orClass
	profile *rollProfile
	header  []string // of a CSV file
	// unreadable counts rows that told nothing; spoiled holds the ids and
	// names on rows that were refused. Nobody who may be behind one of them is
	// taken for a leaver.
	unreadable int
	spoiled    map[string]bool
}

// spoil notes who a refused row is about.
func (r *roll) spoil(p Person) {
	if r.spoiled == nil {
		r.spoiled = map[string]bool{}
	}
	p = p.Normal()
	for _, k := range append(keysOf(p), nameKey(p)) {
		r.spoiled[k] = true
	}
}

// rollRow is one person as a roll tells it.
type rollRow struct {
	file     string
	line     int
	person   Person
	gone     bool // the roll says that the person has left
	children []childRef
	classes  []membership
	former   string // an earlier unique pupil number
	second   bool   // a dual registration whose main one is elsewhere
}

// childRef names a parent's child by any id that rolls use.
type childRef struct {
	ref         string
	relation    string
	responsible bool
	order       int
}

type membership struct {
	class   string
	teaches bool
	over    bool // told by a roll of changes: no longer in it
}

// Refusal is one row, or one cell, that did not go in or is worth a word.
type Refusal struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// maxRefusals bounds what a report lists; the rest is counted.
const maxRefusals = 5000

func (r *roll) refuse(file string, line int, field, reason string, args ...any) {
	if len(r.refused) < maxRefusals {
		r.refused = append(r.refused, Refusal{file, line, field, fmt.Sprintf(reason, args...)})
	}
}

func (r *roll) warn(file string, line int, field, reason string, args ...any) {
	if len(r.warnings) < maxRefusals {
		r.warnings = append(r.warnings, Refusal{file, line, field, fmt.Sprintf(reason, args...)})
	}
}

// invalidOf returns the fields that an error of a check names.
func invalidOf(err error) store.Invalid {
	var bad store.Invalid
	if errors.As(err, &bad) {
		return bad
	}
	return nil
}

var kindWords = map[string]Kind{
	"pupil": Pupil, "student": Pupil, "learner": Pupil, "child": Pupil,
	"staff": Staff, "teacher": Staff, "teachingstaff": Staff, "supportstaff": Staff, "employee": Staff, "teachingassistant": Staff,
	"ta": Staff, "aide": Staff, "administrator": Staff, "proctor": Staff, "faculty": Staff, "staffmember": Staff,
	"principal": Staff, "facultymember": Staff, "officer": Staff, "secretary": Staff, "substitute": Staff, "technician": Staff, "sitesystemadministrator": Staff, "districtadministrator": Staff, "systemadministrator": Staff, "counselor": Staff,
	"parent": Parent, "guardian": Parent, "carer": Parent, "contact": Parent, "relative": Parent, "parentcarer": Parent,
	"governor": Governor, "trustee": Governor,
	"visitor": Visitor, "guest": Visitor, "volunteer": Visitor,
	"contractor": Contractor, "agency": Contractor, "supplier": Contractor,
}

// parseKind reads what a roll calls a kind of person.
func parseKind(s string) (Kind, bool) {
	w := strings.ToLower(strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '/' || r == '_' {
			return -1
		}
		return r
	}, s))
	if k, ok := kindWords[w]; ok {
		return k, true
	}
	k, ok := kindWords[strings.TrimSuffix(w, "s")]
	return k, ok
}

// splitName parts a whole name: "Nowak, Maja" or "Maja Nowak".
func splitName(s string) (given, family string) {
	if f, g, ok := strings.Cut(s, ","); ok {
		return strings.TrimSpace(g), strings.TrimSpace(f)
	}
	i := strings.LastIndexByte(s, ' ')
	if i < 0 {
		return s, ""
	}
	return strings.TrimSpace(s[:i]), s[i+1:]
}

func isYes(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "y", "yes", "true", "t", "1", "x", "ja":
		return true
	}
	return false
}

// check normalises a row's person and looks at it by itself. A row that must
// not go in is refused with the column's name; what can do without is left
// out and told.
func (r *roll) check(row *rollRow, column func(field string) string) bool {
	p := r.lenient(row, column)
	bad := invalidOf(p.Check())
	for _, field := range []string{"kind", "given", "family", "preferred", "class", "upn", "mis", "sourced", "username", "site", "born", "from", "until", "year"} {
		if why := bad[field]; why != "" {
			r.spoil(p)
			r.refuse(row.file, row.line, column(field), "%s", why)
			return false
		}
	}
	return true
}

// lenient normalises a row's person and leaves out what can be done without,
// each with a word about it.
func (r *roll) lenient(row *rollRow, column func(field string) string) Person {
	p := row.person.Normal()
	if p.UPN != "" {
		fault, shaped := upnFault(p.UPN)
		if fault != "" {
			r.warn(row.file, row.line, column("upn"), "%s: “%s”", fault, cut(p.UPN, 20))
		}
		if !shaped {
			p.UPN = ""
		}
	}
	if p.Email != "" && !plausibleMail(p.Email) {
		r.warn(row.file, row.line, column("email"), "“%s” is not an e-mail address and was left out", cut(p.Email, 60))
		p.Email = ""
	}
	if !plausibleUsername(p.Username) || len(p.Username) > maxID {
		r.warn(row.file, row.line, column("username"), "“%s” cannot be a username and was left out", cut(p.Username, 60))
		p.Username = ""
	}
	if p.Kind == Pupil && p.Year == "" && !row.gone {
		r.warn(row.file, row.line, column("year"), "no year group: until there is one the strictest rules hold for this pupil")
	}
	if p.Kind != Pupil {
		p.Year = ""
	}
	row.person = p
	return p
}
