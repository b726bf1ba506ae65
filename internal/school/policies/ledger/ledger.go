// Package ledger reads the tables that ship with the example policies: what
// the two schools ask of Belisha, one row per duty; which of it Belisha covers
// and by what; and the law and names that have been replaced.
package ledger

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sort"
	"strings"
)

// Requirement is one duty.
type Requirement struct {
	ID         string
	Area       string // "FIL"
	Words      string
	Parameters string
	Where      string // "H", "V" or "HV"
	Mode       string // "E", "R", "A" or several
	How        string
}

// AskedBy reports whether the school (H or V) asks it.
func (r Requirement) AskedBy(school string) bool { return strings.Contains(r.Where, school) }

// Replaced is a law or a name that school policies quote and that no longer
// holds.
type Replaced struct {
	Term, By, Since, Source string
}

// State says how far Belisha covers a requirement.
type State string

// The states of coverage.
const (
	Enforced State = "enforced"
	Recorded State = "recorded"
	Attested State = "attested"
	Missing  State = "missing"
)

// Coverage is what Belisha does for one requirement.
type Coverage struct {
	ID    string   `json:"id"`
	State State    `json:"state"`
	By    []string `json:"by"`    // packages, settings and controls
	Tests []string `json:"tests"` // Go tests and stories
}

// Ledger is all tables.
type Ledger struct {
	Requirements []Requirement
	Replaced     []Replaced
	coverage     map[string]Coverage
	byID         map[string]Requirement
}

// Read reads ledger.csv, law.csv and coverage.csv. A row that is wrong is an
// error: these files are ours.
func Read(files fs.FS) (*Ledger, error) {
	l := &Ledger{coverage: map[string]Coverage{}, byID: map[string]Requirement{}}
	for _, t := range []struct {
		file, head string
		row        func([]string) error
	}{
		{"ledger.csv", "id,area,requirement,parameters,where,mode,how", l.requirement},
		{"law.csv", "term,replaced by,since,source", l.law},
		{"coverage.csv", "id,state,by,tests", l.covered},
	} {
		if err := readTable(files, t.file, t.head, t.row); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func readTable(files fs.FS, file, head string, row func([]string) error) error {
	f, err := files.Open(file)
	if err != nil {
		return fmt.Errorf("reading the shipped tables: %w", err)
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	first, err := r.Read()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if got := strings.Join(first, ","); got != head {
		return fmt.Errorf("%s: its columns are %s, not %s", file, got, head)
	}
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := row(fields); err != nil {
			line, _ := r.FieldPos(0)
			return fmt.Errorf("%s, line %d: %w", file, line, err)
		}
	}
}

func (l *Ledger) requirement(f []string) error {
	r := Requirement{f[0], f[1], f[2], f[3], f[4], f[5], f[6]}
	if _, twice := l.byID[r.ID]; twice {
		return fmt.Errorf("%s stands twice", r.ID)
	}
	if !strings.HasPrefix(r.ID, r.Area+"-") || r.Words == "" || strings.Trim(r.Where, "HV") != "" {
		return fmt.Errorf("%s is not a requirement", r.ID)
	}
	l.byID[r.ID] = r
	l.Requirements = append(l.Requirements, r)
	return nil
}

func (l *Ledger) law(f []string) error {
	if f[0] == "" || f[1] == "" || f[3] == "" {
		return errors.New("a term, what replaced it and the source are needed")
	}
	l.Replaced = append(l.Replaced, Replaced{f[0], f[1], f[2], f[3]})
	return nil
}

func (l *Ledger) covered(f []string) error {
	c := Coverage{ID: f[0], State: State(f[1]), By: strings.Fields(f[2]), Tests: strings.Fields(f[3])}
	if _, known := l.byID[c.ID]; !known {
		return fmt.Errorf("%s is no requirement", c.ID)
	}
	if _, twice := l.coverage[c.ID]; twice {
		return fmt.Errorf("%s stands twice", c.ID)
	}
	switch c.State {
	case Enforced, Recorded, Attested:
	default:
		return fmt.Errorf("%s: %q is not enforced, recorded or attested", c.ID, f[1])
	}
	if len(c.By) == 0 || len(c.Tests) == 0 {
		return fmt.Errorf("%s: name what covers it, and a test that shows it", c.ID)
	}
	l.coverage[c.ID] = c
	return nil
}

// Get returns the requirement with the id.
func (l *Ledger) Get(id string) (Requirement, bool) {
	r, ok := l.byID[id]
	return r, ok
}

// Coverage returns every requirement's state, in the ledger's order; what the
// table does not name is missing.
func (l *Ledger) Coverage() []Coverage {
	out := make([]Coverage, 0, len(l.Requirements))
	for _, r := range l.Requirements {
		c, ok := l.coverage[r.ID]
		if !ok {
			c = Coverage{ID: r.ID, State: Missing, By: []string{}, Tests: []string{}}
		}
		out = append(out, c)
	}
	return out
}

// Asked returns the ids that the school (H or V) asks in the areas, sorted.
func (l *Ledger) Asked(school string, areas ...string) []string {
	var out []string
	for _, r := range l.Requirements {
		for _, a := range areas {
			if r.Area == a && r.AskedBy(school) {
				out = append(out, r.ID)
			}
		}
	}
	sort.Strings(out)
	return out
}
