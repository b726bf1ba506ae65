// Package spool carries what the gate decided to the memory of the school: a
// bounded file that the gate appends to before it forgets, and that house
// drains into the activity store, at least once, in order.
package spool

import (
	"net/netip"
	"time"
)

// Certainty says how sure we are who it was.
type Certainty uint8

// The certainties.
const (
	Unknown Certainty = iota // nobody known behind the address
	Likely                   // a device or an older binding
	Sure                     // signed in behind this very connection or address
)

// Kind tells records apart.
type Kind uint8

// The kinds.
const (
	Decision  Kind = iota // something passed or was stopped
	Heartbeat             // the gate was up; Dropped says what was lost so far
)

// Tried is what a rule that is only being tried out would have done.
type Tried uint8

// The values of Tried.
const (
	NotTried Tried = iota
	TriedBlock
	TriedWarn
)

// The values of Event.Action.
const (
	ActionBlock   uint8 = 0
	ActionAllow   uint8 = 1
	ActionWarn    uint8 = 2
	ActionSupport uint8 = 3 // a help service: no host, words, address, person or device
)

// Event is one decision, or several repeats of one within a minute.
type Event struct {
	Kind       Kind
	ID         uint64 // counts up in one gate's spool; re-delivery has the same ID
	At         time.Time
	Site       string
	Door       string // "proxy", "tunnel", "dns", "pages"
	Subject    string // keyed pseudonym, "" when nobody is known
	Certainty  Certainty
	Device     string
	Address    netip.Addr
	Group      string
	KeyStage   string
	Host       string
	Path       string // with query; only where the door saw it
	Categories []string
	Category   string // the one that decided
	Rule       string // rule id
	Reason     string // verdict's reason as a word
	Action     uint8  // 0 block, 1 allow, 2 warn, 3 support service
	Engine     string // search engine, where words were searched for
	Words      string
	Count      uint32
	Bytes      uint64
	Alert      string // "selfharm", "suicide", "exploitation", "" …
	// Tried is what would have been done, were the group not only being tried
	// out; such an event has no person, device, address, path or words.
	Tried       Tried
	Detail      string // what the content check found, in a few stable words; "" for none
	RulesNumber uint64
	Dropped     uint64 // on a heartbeat: routine events dropped since this gate started
}
