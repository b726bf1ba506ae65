// Package people is the hall of the house: who is at the school. Pupils,
// staff, parents with their children, governors, visitors and contractors;
// the posts they hold for a time; and the calendar that says when it is a
// school day. Every room may use it.
//
// A person is here from one day to another. Leavers keep their row, with the
// day they left: nothing that names them loses its name. A pupil on a short
// stay (a hospital school's child) simply has an end day from the start.
//
// What a roll file says comes in through Import, whole or not at all, with
// every refused row reported by file, line, field and reason.
package people

import (
	"strings"

	"belisha/internal/kit/actor"
)

// ID is a person's id: random, sortable by the time it was made, never
// shown to the web and never reused.
type ID string

// What somebody may do with the roll. The posts that carry these are in
// school/access.
const (
	MayRead   actor.Capability = "people.read"
	MayManage actor.Capability = "people.manage"
	MayImport actor.Capability = "people.import"
	// MayAppoint gives and ends posts, and with them what people may do. It
	// stands apart from people.manage: whoever keeps the roll must not be able
	// to make themselves head.
	MayAppoint actor.Capability = "people.posts"
)

// Kind is the sort of person somebody is to the school.
type Kind = actor.Audience

// The kinds, as actor names them.
const (
	Pupil      = actor.Pupil
	Staff      = actor.Staff
	Parent     = actor.Parent
	Governor   = actor.Governor
	Visitor    = actor.Visitor
	Contractor = actor.Contractor
)

// Kinds is every kind, in the order that pages list them.
var Kinds = []Kind{Pupil, Staff, Parent, Governor, Visitor, Contractor}

// KeyStage is a pupil's stage of schooling. "" means not known: whoever
// decides by it must then be strictest.
type KeyStage string

// The key stages.
const (
	EYFS KeyStage = "EYFS"
	KS1  KeyStage = "KS1"
	KS2  KeyStage = "KS2"
	KS3  KeyStage = "KS3"
	KS4  KeyStage = "KS4"
	KS5  KeyStage = "KS5"
)

// KeyStages is every key stage, youngest first.
var KeyStages = []KeyStage{EYFS, KS1, KS2, KS3, KS4, KS5}

// MainSite is the site of a school that has one.
const MainSite = "main"

// Person is one person at the school.
type Person struct {
	ID     ID     `json:"id"`
	Kind   Kind   `json:"kind"`
	Given  string `json:"given"`
	Family string `json:"family"`
	// Preferred is the given name somebody goes by; "" is Given.
	Preferred string `json:"preferred,omitempty"`
	// Born is kept to tell two pupils of one name apart and to know whose
	// signature counts. May be "".
	Born     Day    `json:"born,omitempty"`
	Username string `json:"username,omitempty"` // as the school's network knows them; unique, lower case
	Email    string `json:"email,omitempty"`
	// UPN, MIS and Sourced are the ids that rolls know a person by: unique
	// pupil number, the MIS's own number, OneRoster's sourcedId.
	UPN     string `json:"upn,omitempty"`
	MIS     string `json:"mis,omitempty"`
	Sourced string `json:"sourced,omitempty"`
	// Source is the kind of roll the person came from ("csv", "sds", …),
	// or "hand".
	Source string `json:"source"`
	Year   Year   `json:"year,omitempty"`
	Class  string `json:"class,omitempty"` // registration class: "7D"
	Site   string `json:"site"`
	From   Day    `json:"from,omitempty"`  // first day here; "" is always
	Until  Day    `json:"until,omitempty"` // last day here; "" is open
	// NoAccess: the roll says that this person may not use the network.
	NoAccess bool `json:"no_access,omitempty"`
	// Version counts changes; a form carries it so that a stale one is
	// refused.
	Version int64 `json:"-"`
}

// Link ties a parent to a child.
type Link struct {
	Parent ID
	Child  ID
	// Relation in the school's words: "mother", "foster carer".
	Relation string
	// Responsible: holds parental responsibility. Only then does a signature
	// count for the child.
	Responsible bool
	// Order is the order of contact, 1 first; 0 is none given.
	Order int
}

// Name is the name a page shows: the preferred given name and the family
// name.
func (p Person) Name() string { return strings.TrimSpace(p.First() + " " + p.Family) }

// First is the name that somebody is called by.
func (p Person) First() string {
	if p.Preferred != "" {
		return p.Preferred
	}
	return p.Given
}

// Here reports whether the person is at the school on the day.
func (p Person) Here(on Day) bool {
	return (p.From == "" || p.From <= on) && (p.Until == "" || on <= p.Until)
}

// Left reports whether the person's last day is over.
func (p Person) Left(on Day) bool { return p.Until != "" && p.Until < on }

// Stage is the person's key stage, from the year.
func (p Person) Stage() KeyStage {
	if p.Kind != Pupil {
		return ""
	}
	return p.Year.Stage()
}
