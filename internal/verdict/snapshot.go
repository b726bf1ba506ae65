package verdict

import (
	"net/netip"
	"slices"
	"time"

	"belisha/internal/verdict/scan"
	"belisha/internal/verdict/segment"
)

// Source is one list source of a snapshot.
type Source struct {
	Slug    string // "starter"
	Title   string // "starter list", as explanations name it
	Segment *segment.Segment
	// Open opens the segment's lock, of a list that has one; nil: the list
	// can be checked and never asked.
	Open func(sealed []byte) ([]byte, error)
}

// Snapshot is everything a decision needs. It is immutable: any number of
// doors ask it at once, and a change is a new Snapshot. New makes one.
//
// This is the order in which Decide looks; the first that answers decides.
//
//  1. A host that is not canonical, or none: block (ReasonMalformed).
//  2. The help floor: allow, whatever else is said.
//  3. The people's own pages: allow. What a licensed list names: block,
//     whatever else is said, also while a group is being tried out.
//  4. A private, loopback or metadata address or name: block, unless the
//     door's configuration opens it (Ask.PrivateOpen).
//  5. Without rules (WithoutRules): essentials are open, the rest is as set.
//  6. What is locked, by host or by category: block.
//  7. A port that tunnels may not use: block.
//  8. The subject's web, or that of their class, is paused: block. Nobody is
//     signed in and the school asks for it, the agreement is not signed and the
//     web waits for that, nobody supervises a class whose web needs it, or the
//     class has a focus and the host is not in it: block, essentials excepted.
//  9. Own entries: the longest host decides, of those the longest path; of
//     equals block beats warn beats allow.
//  10. A running unblock of the host or page, unless the name is in a category
//     that no unblock opens: allow.
//  11. A public IP address in place of a name: block, unless the group may.
//  12. Category lines, see below; categories that a running unblock opens are
//     left out.
//  13. The group's choice for what nothing opened: open or closed.
//
// Steps 9 to 13 are asked for each group of the subject and the strictest
// answer holds: block beats warn beats allow. No group, or one that this
// snapshot does not know, stands for all groups but those that are only for
// who is known to be in them (Group.KnownOnly).
//
// A group that is being tried out (Group.TryOut) lets through what steps 6 and
// 9 to 13 close, and so does step 8, but for a pause and a focus, where all the
// subject's groups are being tried out. Steps 1, 4, 5 and 7 protect the network
// and the filter itself and hold all the same. The verdict says what would
// have been.
//
// Category lines. A line's narrowness is how many of groups, key stages,
// places, classes and times it gives. For each category of the name, the narrowest
// line in force that names it decides, whoever else is named by wider ones;
// of equals an exception beats the others, and else block beats warn beats
// allow. So "key stage 4 may, at lunch" lifts "pupils may not" for the same
// category, and never for another one that the name is in too. Then, over all
// categories of the name, block beats warn beats allow, except that an
// exception line (Line.Except) lifts every block and warning whose line is
// not narrower than itself: that is how "except approved learning platforms"
// works. It never lifts what is locked or blocked by an own entry.
type Snapshot struct {
	number   uint64
	made     time.Time
	mode     mode
	names    *Names
	tables   []segment.Table
	sources  []source
	groups   []group
	known    uint64 // bits of the groups there are
	strict   uint64 // of these, whose rules hold for who is not known
	tryOuts  uint64 // of these, which are being tried out
	lines    []line
	byCat    [MaxCategories][]int32 // lines that name the category, narrowest first
	ruled    CategorySet            // categories that any line names
	outcomes []outcome              // of single categories, by group
	locked   CategorySet
	alerting CategorySet
	own      []own
	unblocks []unblock
	byCatUnb []int32     // unblocks that open categories
	keeps    CategorySet // categories that no unblock opens
	places   places
	ports    []uint16
	doors    Doors
	unsigned bool // who is not signed in is closed out
	maxPath  int
	patterns []pattern
	licensed []licensed
	// weighPatterns: a source that excepts some of what it lists has
	// expressions.
	weighPatterns bool
	images        int16 // category number of image searches, or NoCategory
	mixed         int16 // category number of mixed-script names, or NoCategory
	safe          map[string]int32
	services      []service
	edges         []uint16

	handlings   []handling // by group
	essentials  map[string]struct{}
	spliceHosts map[string]struct{}
	spliceCats  CategorySet
	headers     []header
	permits     map[string][]permit // by host and path
	focuses     []focus
	supervision *supervision // nil: nobody's web needs it
	phrases     *scan.Phrases
	moments     []int64 // at which a span begins or ends, sorted, 0 left in
}

type mode uint8

const (
	modeRules mode = iota
	modeClosed
	modeOpen
)

type source struct {
	sets        []set
	weighed     *weighed         // of a source that excepts some of what it lists: it is weighed by itself
	segment     *segment.Segment // held: its table lives as long
	maxPath     int
	slug, title string
	ranges      bool
}

// weighed is what only a source with exceptions has.
type weighed struct {
	parts    []part // by the segment's own numbers
	patterns []segment.Expression
}

// part is one of a segment's own numbers: a category and a role.
type part struct {
	category uint8
	role     segment.Role
}

// set is a segment's set in the numbers of this snapshot.
type set struct {
	sub, exact CategorySet
	pages      bool
	plain      bool // nothing but sub
}

type group struct {
	unlistedClosed bool
	addressesOpen  bool
	tryUntil       int64   // it is being tried out before this, Unix ms
	levels         []level // by service
}

type who struct {
	groups    uint64
	stages    CategorySet // used as a set of small numbers
	places    CategorySet
	anyStage  bool
	anyPlace  bool
	narrowing uint8
	classes   []uint16 // sorted; none: any
}

type line struct {
	who    who
	when   when
	act    Action
	except bool
	weight uint8
}

type own struct {
	who  who
	when when
	span Span
	act  Action
}

type unblock struct {
	who        who
	span       Span
	categories CategorySet
}

// targetKind says what a named host or page is for.
type targetKind uint8

const (
	targetHelp targetKind = iota
	targetOurs
	targetPrivate
	targetEssential
	targetLocked
	targetOwn
	targetUnblock
	targetFocus
)

// target is one purpose of one host.
type target struct {
	kind  targetKind
	exact bool   // this name only
	path  string // canonical, "" for the whole host
	index int32  // of the own entry or unblock
}

// places finds the hosts that the rules name. There are few of them, so a
// small filter that stays near the processor answers most questions.
type places struct {
	filter []uint64
	shift  uint
	byKey  map[uint64]int32
	lists  [][]target
	hosts  []string
	ranges []rangeTargets // longest first
}

type rangeTargets struct {
	prefix netip.Prefix
	list   []target
}

type pattern struct {
	source   int32
	category uint8
	segment.Expression
}

// Number is the snapshot's number; 0 for one that was never published.
func (s *Snapshot) Number() uint64 { return s.number }

// Made is when the snapshot was published.
func (s *Snapshot) Made() time.Time { return s.made }

// HasRules is false for a snapshot that stands in where there are none.
func (s *Snapshot) HasRules() bool { return s.mode == modeRules }

// Names returns the words behind the numbers of asks and verdicts.
func (s *Snapshot) Names() *Names { return s.names }

// Edges are the minutes of the week at which a line begins or ends, sorted:
// what was open before one may be closed after it.
func (s *Snapshot) Edges() []uint16 { return s.edges }

// Changes reports whether a span of time begins or ends after the one instant
// and not after the other: what was open before may be closed now.
func (s *Snapshot) Changes(after, until time.Time) bool {
	at, _ := slices.BinarySearch(s.moments, after.UnixMilli()+1)
	return at < len(s.moments) && s.moments[at] <= until.UnixMilli()
}

// Segments are the segments in use, by source slug.
func (s *Snapshot) Segments() map[string]*segment.Segment {
	m := make(map[string]*segment.Segment, len(s.sources))
	for _, src := range s.sources {
		m[src.slug] = src.segment
	}
	return m
}

// At returns a copy of s with the number and time it was published under. It
// shares everything else.
func (s *Snapshot) At(number uint64, made time.Time) *Snapshot {
	c := *s
	c.number, c.made = number, made
	return &c
}

// With returns a copy of s that weighs pages with these phrases; nil: with
// none. It shares everything else.
func (s *Snapshot) With(p *scan.Phrases) *Snapshot {
	c := *s
	c.phrases = p
	return &c
}

// Phrases are what pages are weighed with, nil where the school has no
// phrases. Their categories are slugs, which Names knows unless the rules have
// no such category.
func (s *Snapshot) Phrases() *scan.Phrases { return s.phrases }
