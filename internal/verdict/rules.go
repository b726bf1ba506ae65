package verdict

import (
	"fmt"
	"time"
)

// RulesVersion is the version of the rules file that this program writes and
// the only one it reads.
const RulesVersion = 1

// Bounds of one rules file. What is over is refused with a sentence.
const (
	MaxGroups     = 64
	MaxCategories = 256
	MaxLines      = 10_000
	MaxOwn        = 100_000
	MaxUnblocks   = 10_000
	MaxClasses    = 10_000
)

// Rules is the part of a snapshot that is written whole each time: who may
// open what, and when. Groups, categories, key stages and places are named by
// slug; their numbers are their places in the lists.
type Rules struct {
	Version    int        `json:"version"`
	School     string     `json:"school,omitempty"`
	Groups     []Group    `json:"groups"`               // number = index
	KeyStages  []string   `json:"keyStages,omitempty"`  // number = index + 1; 0 = not known
	Places     []string   `json:"places,omitempty"`     // number = index + 1; 0 = not known
	Classes    []string   `json:"classes,omitempty"`    // those that a rule names; number = index + 1
	Categories []Category `json:"categories,omitempty"` // number = index
	Lines      []Line     `json:"lines,omitempty"`
	Own        []Own      `json:"own,omitempty"`
	Unblocks   []Unblock  `json:"unblocks,omitempty"`
	// Unliftable are categories that no unblock opens: not as such, and no
	// host in them, whatever it is below.
	Unliftable []string `json:"unliftable,omitempty"`
	Locked     Locked   `json:"locked"`
	// Help adds names to the help floor; it cannot take any away.
	Help []string `json:"help,omitempty"`
	// Ours are the host names of the people's pages.
	Ours []string `json:"ours,omitempty"`
	// Essentials are judged as always, even unsigned, and stay open when there
	// are no current rules.
	Essentials []string `json:"essentials,omitempty"`
	// UnsignedClosed: who is not signed in reaches only the help floor, the
	// people's pages and the essentials. Otherwise the strictest rules hold.
	UnsignedClosed bool          `json:"unsignedClosed,omitempty"`
	Safe           []SafeService `json:"safe,omitempty"`
	// TunnelPorts are the ports CONNECT may name; none given: the door's own list.
	TunnelPorts []uint16 `json:"tunnelPorts,omitempty"`
	// Doors is what doors do besides judging by these rules.
	Doors Doors `json:"doors,omitzero"`

	Splice  Splice   `json:"splice,omitzero"`
	Headers []Header `json:"headers,omitempty"`
	Permits []Permit `json:"permits,omitempty"`

	Focuses     []Focus      `json:"focuses,omitempty"`
	Supervision *Supervision `json:"supervision,omitempty"`
}

// Group is one group of people who share rules.
type Group struct {
	Slug  string `json:"slug"`
	Title string `json:"title,omitempty"`
	// Audience is "pupil", "staff" or "guest": in whose words a page explains.
	Audience string `json:"audience,omitempty"`
	// UnlistedClosed: only names that an own entry, a running unblock or an
	// allow line opens are open.
	UnlistedClosed bool   `json:"unlistedClosed,omitempty"`
	UnlistedClause string `json:"unlistedClause,omitempty"`
	// AddressesOpen: sites may be opened by their public IP address.
	AddressesOpen bool `json:"addressesOpen,omitempty"`
	// TryOut: another filter is in front. It is decided as usual and let
	// through, except what protects the network and the filter itself.
	TryOut bool `json:"tryOut,omitempty"`
	// TryOutUntil ends the try-out by the clock, so that it is over on its day
	// although nobody publishes anything; zero is until other rules.
	TryOutUntil time.Time `json:"tryOutUntil,omitzero"`
	// KnownOnly: the group's rules hold for who is known to be in it, and are
	// not among the strictest of all that hold for who is not known.
	KnownOnly bool `json:"knownOnly,omitempty"`
	// Safe is the level ("strict", "moderate", "off") by service name; the
	// name "" is for all services not named. Nothing given: strict.
	Safe map[string]string `json:"safe,omitempty"`
	// Content is how what they send and get is looked at; nil: not at all.
	Content *Content `json:"content,omitempty"`
}

// Category is one kind of site.
type Category struct {
	Slug    string `json:"slug"`
	Title   string `json:"title,omitempty"`
	Area    string `json:"area,omitempty"`  // risk area
	Alert   string `json:"alert,omitempty"` // theme of the alert, "" for none
	Pupil   string `json:"pupil,omitempty"` // sentence for a pupil
	Teacher string `json:"teacher,omitempty"`
	// Neutral: nothing is ever blocked because it is in this category.
	Neutral bool `json:"neutral,omitempty"`
}

// Who narrows a rule to groups, key stages, places and classes; an empty list
// narrows nothing. If the subject's key stage, place or classes are not known,
// a block or warn line that narrows by it holds, and an allow line or an
// unblock does not.
type Who struct {
	Groups    []string `json:"groups,omitempty"`
	KeyStages []string `json:"keyStages,omitempty"`
	Places    []string `json:"places,omitempty"`
	Classes   []string `json:"classes,omitempty"`
}

// When narrows a rule in time. Without windows it holds all week, or, where
// Also is given, only then.
type When struct {
	Weekly []Window `json:"weekly,omitempty"`
	// Not are spans in which the weekly windows do not count (closures);
	// Also are spans in which the rule holds besides. Also beats Not.
	Not  []Span `json:"not,omitempty"`
	Also []Span `json:"also,omitempty"`
}

// Window is a part of each week in local minutes from Monday 00:00, From
// included, To not. To below From goes over the end of the week; equal ends
// are the whole week.
type Window struct {
	From uint16 `json:"from"`
	To   uint16 `json:"to"`
}

// Span is a span of time in unix milliseconds, From included, Until not.
// Zero is open-ended.
type Span struct {
	From  int64 `json:"from,omitempty"`
	Until int64 `json:"until,omitempty"`
}

// Line is one category rule. See the comment of Snapshot for which of
// several lines decides.
type Line struct {
	ID         string   `json:"id"`
	Who        Who      `json:"who"`
	When       When     `json:"when"`
	Categories []string `json:"categories"`
	Act        Action   `json:"act"`
	// Except: this allow line is the exception to the block lines that are as
	// narrow as it or wider, whatever category they name.
	Except bool   `json:"except,omitempty"`
	Clause string `json:"clause,omitempty"` // the clause behind it
	Note   string `json:"note,omitempty"`
}

// Own is one of the school's own entries. Text is a host ("name and all below
// it"), "=host" (this name only), "host/path", an address or a CIDR range.
type Own struct {
	ID     string `json:"id"`
	Text   string `json:"text"`
	Act    Action `json:"act"`
	Who    Who    `json:"who"`
	When   When   `json:"when"`
	Span   Span   `json:"span"`
	Reason string `json:"reason,omitempty"`
	Clause string `json:"clause,omitempty"`
}

// Unblock opens hosts (as in Own.Text, without ranges) or categories for a
// time. It lifts category rules; it never lifts what is locked or unliftable,
// an own block, a pause or a private address.
type Unblock struct {
	ID         string   `json:"id"`
	Who        Who      `json:"who"`
	Span       Span     `json:"span"`
	Hosts      []string `json:"hosts,omitempty"`
	Categories []string `json:"categories,omitempty"`
	Reason     string   `json:"reason,omitempty"`
}

// Locked is what nothing lifts, for nobody: categories and hosts.
type Locked struct {
	Categories []string `json:"categories,omitempty"`
	Hosts      []string `json:"hosts,omitempty"`
}

// SafeService is a service with a safe mode that is switched on by name:
// its hosts (exact names) are answered as Strict or Moderate.
type SafeService struct {
	Name     string   `json:"name"`
	Hosts    []string `json:"hosts"`
	Strict   string   `json:"strict"`
	Moderate string   `json:"moderate,omitempty"` // "" = as strict
}

// MarshalText writes the action as its word.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the words block, allow and warn.
func (a *Action) UnmarshalText(b []byte) error {
	switch string(b) {
	case "block":
		*a = Block
	case "allow":
		*a = Allow
	case "warn":
		*a = Warn
	default:
		return fmt.Errorf("%q is not an action: use block, allow or warn", b)
	}
	return nil
}
