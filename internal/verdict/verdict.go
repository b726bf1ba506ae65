// Package verdict is the judge. It answers one question, "may this subject
// open this name now?", from an immutable Snapshot and an Ask, and does
// nothing else: no I/O, no clock (the time is in the Ask), no locks, no
// logging, no database. The proxy, the tunnel and DNS ask the same judge, and
// so do the page that explains a block and the replay of yesterday.
package verdict

import "time"

// Door is the way a request came in.
type Door uint8

// The doors.
const (
	DoorNone   Door = iota // a question from a page or the command line
	DoorProxy              // a request whose whole URL is seen
	DoorTunnel             // CONNECT: only names are seen
	DoorDNS                // a DNS question
	DoorPages              // the people's pages
	DoorICAP               // another proxy that asks through ICAP
)

// Action is what happens.
type Action uint8

// The actions. The zero value blocks, so that a forgotten answer does not
// open anything.
const (
	Block Action = iota
	Allow
	Warn // a page with "go on" where one can be shown, else block
)

// String returns the action as the command line prints it.
func (a Action) String() string {
	switch a {
	case Allow:
		return "allow"
	case Warn:
		return "warn"
	default:
		return "block"
	}
}

// Reason says why, as a code; sentences are made at the edge in the reader's
// words.
type Reason uint8

// The reasons.
const (
	ReasonNone         Reason = iota
	ReasonHelp                // help floor: always open
	ReasonOurs                // Belisha's own people's pages
	ReasonEssential           // listed essential, open without a snapshot
	ReasonCategory            // a category rule of the subject's groups
	ReasonOwnBlock            // the school's own block entry
	ReasonOwnAllow            // the school's own allow entry
	ReasonUnblock             // a timed unblock is running
	ReasonLocked              // the locked layer (never-list): nothing lifts it
	ReasonUnlisted            // the name is in no list, and the school's rule for such names
	ReasonOpen                // listed, but no rule blocks it for this subject
	ReasonNoSnapshot          // no current rules: closed
	ReasonAddress             // an IP address instead of a name
	ReasonPrivate             // a private, loopback or metadata address
	ReasonMalformed           // not a name or URL that a browser would open
	ReasonPort                // a port that is not open
	ReasonNoName              // TLS without a server name
	ReasonNotTLS              // a tunnel that does not speak TLS
	ReasonMismatch            // CONNECT name and TLS server name differ and one is blocked
	ReasonUnsigned            // nobody signed in, and the school asks for it
	ReasonPaused              // the web is paused for this subject
	ReasonBypass              // foreign DNS, relay or canary
	ReasonAgreement           // the school's agreement is not signed, and the web waits for it
	ReasonPhrases             // the words of the page weigh more than the group's limit
	ReasonFile                // a kind of file that is closed for the group
	ReasonVirus               // the scanner found something in it
	ReasonUnscanned           // it could not be looked at as it must: scanner away, too large, locked, encoded too often
	ReasonCertificate         // the site's certificate does not prove that it is the site
	ReasonChat                // what was written to, or answered by, an AI service
	ReasonFocus               // the class may open only the sites of this lesson
	ReasonUnsupervised        // the class's web needs somebody who supervises, and nobody does
	ReasonRules               // an outside response policy zone, or a rule of one, closes it
)

// CategorySet is a set of category numbers, 0 to 255, of one snapshot.
type CategorySet [4]uint64

// Add puts n into the set.
func (s *CategorySet) Add(n uint8) { s[n>>6] |= 1 << (n & 63) }

// Has reports whether n is in the set.
func (s CategorySet) Has(n uint8) bool { return s[n>>6]&(1<<(n&63)) != 0 }

// Empty reports whether the set is empty.
func (s CategorySet) Empty() bool { return s[0]|s[1]|s[2]|s[3] == 0 }

// Union returns the categories in either set.
func (s CategorySet) Union(o CategorySet) CategorySet {
	return CategorySet{s[0] | o[0], s[1] | o[1], s[2] | o[2], s[3] | o[3]}
}

// join adds the categories of o.
func (s *CategorySet) join(o *CategorySet) {
	s[0] |= o[0]
	s[1] |= o[1]
	s[2] |= o[2]
	s[3] |= o[3]
}

// And returns the categories in both sets.
func (s CategorySet) And(o CategorySet) CategorySet {
	return CategorySet{s[0] & o[0], s[1] & o[1], s[2] & o[2], s[3] & o[3]}
}

// NoCategory stands for "no category decided".
const NoCategory = -1

// Ask is one question. Host must be canonical (see CanonicalHost): the doors
// canonicalise once, at the edge.
type Ask struct {
	Door   Door
	Host   string // lower-case A-label without a dot at the end, or an IP literal
	Path   string // path and query where seen, as sent; "" where not
	Port   uint16
	Groups uint64 // bit n = group number n of the snapshot; 0 = not known: the strictest of all
	// KeyStage and Place are numbers of the snapshot's lists; 0 = not known.
	KeyStage uint8
	Place    uint8
	// Classes are numbers of the snapshot's list of classes; none = not known.
	Classes []uint16
	// Together are the classes that all of several people behind one address
	// are in, and Among those that any of them is in: a pause or a focus of any
	// of Among holds, supervision is of all, and nothing opens by either.
	Together []uint16
	Among    []uint16
	At       time.Time
	// Minute is the site's minute of the week, 0 = Monday 00:00, local time.
	Minute uint16
	// Unsigned: nobody is signed in behind the address.
	Unsigned bool
	// Paused: the subject's web is paused.
	Paused bool
	// Held: the subject has not signed the school's agreement, and the school
	// holds the web back until then.
	Held bool
	// Attended: it is not asked whether somebody supervises the subject. So the
	// filter tries itself, and rules are checked before they hold.
	Attended bool
	inside   uint8 // how many pages this one is inside of
	// PrivateOpen: Host is an address that the door's own configuration lets
	// people reach although it is private (an intranet, a test bench). It then
	// counts as a name that is in no list.
	PrivateOpen bool
}

// Verdict is the answer.
type Verdict struct {
	Action     Action
	Reason     Reason
	Category   int16       // the category that decided, or NoCategory
	Categories CategorySet // every category the name or its parents are in
	Rule       uint32      // number of the deciding rule line in the snapshot, 0 = none
	Group      uint8       // the group whose rule decided
	Support    bool        // a help service: counted without host or person
	// Until is when a running unblock that allowed this ends (unix ms), else 0.
	Until int64
	// TryOut: Action is Allow only because every group of the subject that
	// would have closed it is being tried out; Tried is what would have been.
	TryOut bool
	Tried  Action
	// Licensed is the number of the licensed list that names it, 0 for none.
	// Nothing of where it led may be written down or shown but the category.
	Licensed uint8
}
