// Package activity is the memory: the embedded store of what passed the
// filter, and the questions that may be asked of it.
//
// One SQLite file holds one day of the school's own calendar, so that
// retention is the removal of a file and a damaged day harms no other. Inside
// a day, every repeated word (a host, a device, a rule) stands once in a
// dictionary and rows hold small numbers; counts are rolled up in the same
// transaction that stores the rows, so a total never disagrees with them. A
// day that is over is settled: its distinct paths and search words get a
// trigram index and its totals move to a file of their own, which outlives
// the names.
//
// The package knows no person: a subject is a keyed pseudonym that somebody
// else can resolve. It knows no school record either, and imports none.
//
// Callers: the pump of the house appends and beats; school/monitoring and
// school/review ask. All methods may be used from several goroutines.
package activity

import (
	"errors"
	"net/netip"
	"time"

	"belisha/internal/kit/clock"
)

// Certainty says how well the person behind a row is known.
type Certainty uint8

// How sure the gate was of the person: signed in themselves, probably (a
// device lent to them, a binding that is ageing), or not known.
const (
	Unknown Certainty = iota
	Likely
	Sure
)

// String is the stable name of c in exports.
func (c Certainty) String() string {
	switch c {
	case Likely:
		return "likely"
	case Sure:
		return "sure"
	default:
		return "unknown"
	}
}

// Action is what the filter did.
type Action uint8

// What the filter did with a request. Support is a visit to a help service:
// only its number is kept, with no host, address, group or person, and only
// per day. WouldBlock and WouldWarn were let through because a group's rules
// are only being tried out: they are counted and never have a row.
//
// The numbers are those of the gate's spool; an event that says nothing is a
// block, never an allow.
const (
	Block Action = iota
	Allow
	Warn
	Support
	WouldBlock
	WouldWarn
)

// Actions is the full list of those that a row may have, and Support.
var Actions = []Action{Block, Allow, Warn, Support}

// String is the stable name of a in exports and totals.
func (a Action) String() string {
	switch a {
	case Allow:
		return "allow"
	case Warn:
		return "warn"
	case Support:
		return "support"
	case WouldBlock:
		return "would-block"
	case WouldWarn:
		return "would-warn"
	default:
		return "block"
	}
}

// Event is one decision of the filter, or several alike within a minute.
type Event struct {
	// ID is the number the gate's spool gave the event. The same (Gate, ID, At)
	// handed in twice, as happens after a crash, is stored once.
	ID   uint64
	Gate string
	At   time.Time

	Site string
	Door string // proxy, tunnel, dns, pages

	Subject   string // keyed pseudonym, "" for nobody known
	Certainty Certainty
	Device    string
	Address   netip.Addr
	Group     string
	KeyStage  string

	Host string
	Path string // only where it was seen and may be kept

	Categories  []string
	Category    string // the deciding one
	Rule        string
	Reason      string
	Detail      string // what a look inside found, in a few words; "" for none
	Action      Action
	Alert       string // selfharm, suicide, exploitation; "" for none
	RulesNumber uint64 // the number of the current rules when this was decided

	Words  string // search words
	Engine string // where they were typed

	Count uint32 // repeats merged into this event; 0 counts as 1
	Bytes uint64
}

// Keep says how long what is kept. A zero duration keeps for ever, save that
// Words never outlive Names.
type Keep struct {
	Names  time.Duration // day files: who, where, when
	Words  time.Duration // search words and paths
	Totals time.Duration // counts without persons

	// HostOnly are the groups whose paths and search words are never stored,
	// whatever the gate sends: staff, by default of the school.
	HostOnly []string
}

// Config is what Open needs.
type Config struct {
	Dir      string         // made if missing, readable by the owner only
	Clock    clock.Clock    // required
	Location *time.Location // the school's zone; nil is UTC
	Keep     Keep
}

// Limits of what one call may ask or carry.
const (
	MaxLimit    = 200    // rows on one page of a search
	MaxTimeline = 20_000 // rows of one person's day
	MaxBatch    = 10_000 // events in one Append
	MaxExport   = 100_000
	maxMinutes  = 31 * 24 * 60
)

// Alerts that a Query may name besides the real ones.
const (
	AnyAlert = "any"
	NoAlert  = "none"
)

// ErrQuery is wrapped by every refusal of a question that cannot be asked;
// its text is a sentence for the person who asked.
var ErrQuery = errors.New("this search cannot be made")

// Query is one question. Empty fields do not narrow.
type Query struct {
	From, To time.Time // To is exclusive; both zero: all that is kept
	Subjects []string
	Device   string
	Address  netip.Addr
	Group    string
	Host     string // this host and all names below it
	Category string // among all categories of the row, not only the deciding one
	Action   *Action
	Alert    string // AnyAlert matches every alert, NoAlert those without
	Text     string // anywhere in host, path or search words, any case
	Limit    int    // 1 to MaxLimit; 0 is 50
	Cursor   string // Page.Next of the page before
}

// Page is one screen of answers, newest first.
type Page struct {
	Events []Event
	Next   string // "" when there is no more
	// Partial says that the search ran out of time before the page was full;
	// Next goes on from SearchedTo.
	Partial    bool
	SearchedTo time.Time
}

// By names what Top counts.
type By string

// What Top can count by.
const (
	ByHost     By = "host"
	ByCategory By = "category"
	ByGroup    By = "group"
	ByRule     By = "rule"
	// ByAlert counts the categories of what carried an alert, which ByCategory
	// counts too: whoever may not see alerts takes the one from the other.
	ByAlert By = "alert"
)

// Count is one line of a Top.
type Count struct {
	Key string
	N   uint64
}

// Per is the step of Totals.
type Per string

// The steps of Totals. Hours are kept as long as the day file is.
const (
	PerHour  Per = "hour"
	PerDay   Per = "day"
	PerMonth Per = "month"
)

// Total is how often something was done in one step of time.
type Total struct {
	Start    time.Time // of the hour, day or month, in the school's zone
	Site     string
	Group    string
	Category string
	Action   Action
	N        uint64
	Bytes    uint64
}

// Minute is the evidence of one minute of one site. A minute that is beating
// and has no events was quiet; one that is not beating is a gap.
type Minute struct {
	At      time.Time
	Events  uint64
	Beats   int    // filters that reported in this minute
	Dropped uint64 // routine events they could not keep
}

// Removed says what Enforce took away.
type Removed struct {
	Settled []string // days given their index and totals
	Days    []string // day files removed
	Words   []string // days whose paths and search words were removed
	Totals  int      // days of totals removed
	Swept   []string // days vacuumed after an erasure
	// Held says, in a sentence, why nothing was removed although it may be
	// due: the clock has jumped.
	Held string
}

// Damage is a file that could not be read and was set aside.
type Damage struct {
	File string // its name now
	Day  string // "" for the totals
	At   time.Time
	Why  string
}

// Stats is how the store is.
type Stats struct {
	Days      int
	Unsettled int
	First     string // YYYY-MM-DD
	Last      string
	Events    uint64 // all counted, repeats included
	Bytes     int64  // on disk
	Refused   uint64 // events whose time could not be true, since Open
	Damaged   []Damage
}
