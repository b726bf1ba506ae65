// Package setting is what the school decided. A room declares its settings on
// its doorplate; a policy document gives them values in its sentences;
// activation swaps all values in one step. A setting is read from Values,
// which never change once made, so a request sees one set of rules from its
// beginning to its end.
package setting

import (
	"context"
	"time"

	"belisha/internal/kit/store"
)

// Kind is the type of a setting's value. The words in a policy's brackets are
// parsed by it.
type Kind string

// The kinds.
const (
	Duration Kind = "duration" // "90 days", "10 minutes", "12 months", "one school day"
	Span     Kind = "span"     // a range of the clock: "8:30 to 15:30"
	List     Kind = "list"     // several of Choices: "gambling, games and shopping"
	Choice   Kind = "choice"   // one of Choices
	YesNo    Kind = "yesno"    // "yes", "off", "not allowed", …
	Number   Kind = "number"   // "5 %", "20 rows", "three"
	Text     Kind = "text"     // free words, bounded
)

// Option is one thing a Choice or List may hold.
type Option struct {
	Value string   // how it is stored: "social-networks"
	Title string   // how a page says it: "social networks"
	Words []string // how policies say it, besides Value and Title
}

// Setting is one declared decision.
type Setting struct {
	Key     string // <room>.<group>.<name>
	Title   string // what it decides, as a page says it
	Help    string // one or two sentences for whoever decides
	Kind    Kind
	Options []Option      // for Choice and List
	Min     time.Duration // for Duration, 0 = none
	Max     time.Duration
	Low     int64 // for Number
	High    int64
	// Default is the safe default in the words a policy would use; "" is an
	// empty list, text or "off".
	Default string
	// OffAllowed: a duration may be "never"/"off", stored as 0.
	OffAllowed bool
	// Scopes that may narrow it: "group", "place", "time", "keystage",
	// "audience", "site". Empty: none.
	Scopes []string
	// Requirements are ids of the ledger that the setting serves.
	Requirements []string
	// Advice is shown where the school's choice differs from guidance, with
	// its source. May be empty.
	Advice string
}

// Scope narrows a value. The zero Scope is the whole school.
type Scope struct {
	Group    string
	Place    string
	Time     string // a span in words, normalised "08:30-15:30", or a name such as "school-hours"
	KeyStage string
	Audience string
	Site     string
}

// Value is one parsed value of a setting in one scope.
type Value struct {
	Key      string
	Scope    Scope
	Raw      string // the words it was given in
	Duration time.Duration
	From, To int // minutes of the day, for Span
	Items    []string
	Choice   string
	Bool     bool
	Number   int64
	Text     string
	// Off is set for a Duration that is "never".
	Off bool
	// Confirmed: the school's policy said it; else it is the safe default.
	Confirmed bool
	// Clause is the id of the clause that said it, "" for a default.
	Clause string
	// Policy is the document and version that said it.
	Policy string
}

// Effect is one line of a preview: who is affected and how, in the reader's
// words.
type Effect struct {
	Room  string
	Words string // "Pupils lose: shopping (412 people)."
	Count int    // people or things affected, 0 when not countable
	Loses bool   // somebody loses access or protection
}

// Step is a prepared change of one room: made by Prepare, shown, and then
// either committed with all other rooms' steps in one transaction and
// published, or aborted. Commit must not do slow work: Prepare did it.
type Step interface {
	Preview() []Effect
	Commit(ctx context.Context, tx *store.Tx) error
	// Publish makes the committed change the one in force. It is called after
	// the commit and must be repeatable: after a crash between commit and
	// publish the room's start must come to the same state.
	Publish(ctx context.Context) error
	Abort()
}

// Preparer is a room that must do something when settings change.
type Preparer interface {
	Prepare(ctx context.Context, next *Values) (Step, error)
}

// NoStep is a Step for a room that has nothing to do.
type NoStep struct{}

// Preview shows nothing.
func (NoStep) Preview() []Effect { return nil }

// Commit does nothing.
func (NoStep) Commit(context.Context, *store.Tx) error { return nil }

// Publish does nothing.
func (NoStep) Publish(context.Context) error { return nil }

// Abort does nothing.
func (NoStep) Abort() {}
