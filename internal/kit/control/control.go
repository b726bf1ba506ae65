// Package control is what must be true because of what the school decided. A
// control looks at live evidence and says kept, at risk, broken, unknown or
// not applicable; it never says kept for what nobody measured or attested.
package control

import (
	"context"
	"time"

	"belisha/internal/kit/setting"
)

// State is a control's or a clause's state.
type State string

// The states, worst first but for NotApplicable and WordsOnly.
const (
	Broken        State = "broken"
	Unknown       State = "unknown"
	AtRisk        State = "at risk"
	Kept          State = "kept"
	NotApplicable State = "not applicable"
	WordsOnly     State = "words only" // a clause without a control
)

// Words returns the state as pages say it: "not being kept" for Broken.
func (s State) Words() string {
	if s == Broken {
		return "not being kept"
	}
	return string(s)
}

// rank orders states for Worst.
func (s State) rank() int {
	switch s {
	case Broken:
		return 0
	case Unknown:
		return 1
	case AtRisk:
		return 2
	case Kept:
		return 3
	default:
		return 4
	}
}

// Worst returns the worst state: broken, unknown, at risk, kept.
// Not-applicable ones are left out unless all are; none at all is WordsOnly.
func Worst(states []State) State {
	worst := WordsOnly
	for _, s := range states {
		if worst == WordsOnly || s.rank() < worst.rank() {
			worst = s
		}
	}
	return worst
}

// Source says where evidence came from. Pages show them differently.
type Source string

// The sources.
const (
	Measured Source = "measured" // an event or probe that Belisha saw itself
	Attested Source = "attested" // a named person's word, with date and role
	Imported Source = "imported" // another system's log or report
	Provider Source = "provider" // another firm's letter
)

// Row is one piece of the evidence behind a finding, for the page that opens
// it. Never a child's name: that is behind its own page.
type Row struct {
	What  string // "Account of a teacher, password 97 days old"
	State State
	At    time.Time
	Link  string // page of the thing, "" for none
}

// Finding is what a control found.
type Finding struct {
	State  State
	Figure string // "2 of 31 passwords older than 90 days"
	Rule   string // "no staff password older than 90 days"
	Source Source
	By     string    // what measured it: "sign-in records", "Amira Quist, head"
	At     time.Time // when the evidence was taken; zero: now
	// Good until: a finding older than this is unknown. Zero: the control's MaxAge.
	Todo  string // what to do when it is not kept
	Owner string // the post that owns it: "network-manager"
	Rows  []Row  // at most 200
	Total int    // how many rows there are in all, when Rows was cut
	// Reason and Review: for NotApplicable, why, and when it is looked at again.
	Reason string
	Review time.Time
}

// Control is one check.
type Control struct {
	Number       string // "C43"
	Slug         string // "password-age"
	Title        string // what must be true, in a sentence
	Requirements []string
	Settings     []string // keys it depends on
	// MaxAge is how old a stored finding may be before it counts as unknown.
	MaxAge time.Duration
	// Default: the control is on even where no clause names it.
	Default bool
	// Check looks at the evidence now. An error is shown as unknown, with its
	// sentence.
	Check func(ctx context.Context, now time.Time, v *setting.Values) (Finding, error)
}
