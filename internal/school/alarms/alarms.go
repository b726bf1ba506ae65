// Package alarms is the room of what Belisha notices by itself: the filter, a
// list, a certificate, the scanner, the record or somebody's device is not as
// it was. It looks every few minutes; what stays bad becomes an alarm, is told
// once to the post that owns it, stands among its tasks until somebody has said
// what was done, and ends by itself when all is well again. What nobody sees to
// within some school hours goes to the head and the deputy head. What comes
// again within a day is the same alarm.
//
// A false alarm is harm too: what changes from day to day is held against the
// same hours of other school days, in shares and not in numbers, and only with
// enough to go by. No alarm names a person.
package alarms

import (
	"context"
	"embed"
	"errors"
	"sync"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// Schema holds the room's migrations.
//
//go:embed schema/*.sql
var Schema embed.FS

// Protected is the tables whose rows the journal covers.
var Protected = []journal.Protected{{Table: "alarms", Key: "id"}}

// The room's verbs.
const (
	VerbRaised  journal.Verb = "alarm.raised"
	VerbSeen    journal.Verb = "alarm.seen"
	VerbUp      journal.Verb = "alarm.went-up"
	VerbBack    journal.Verb = "alarm.came-back"
	VerbEnded   journal.Verb = "alarm.ended"
	VerbRemoved journal.Verb = "alarm.removed"
)

// Verbs is what the room writes in the journal.
var Verbs = []journal.VerbInfo{
	{Verb: VerbRaised, Says: "Belisha raised an alarm by itself."},
	{Verb: VerbSeen, Says: "Somebody saw to an alarm and said what was done."},
	{Verb: VerbUp, Says: "An alarm that nobody saw to went to the head and the deputy head."},
	{Verb: VerbBack, Says: "An alarm that was seen to and still goes on became a task again."},
	{Verb: VerbEnded, Says: "An alarm ended by itself."},
	{Verb: VerbRemoved, Says: "Old alarms were removed when their time was over."},
}

// What somebody may do here. Who holds the post that owns an alarm sees to it.
const (
	MayRead actor.Capability = "alarms.read"
	MaySee  actor.Capability = "alarms.see-to"
)

// Grants says who reads the alarms and who sees to them.
func Grants() []access.Grant {
	out := []access.Grant{
		{Post: people.SafeguardingGovernor, May: []actor.Capability{MayRead}},
		{Post: people.ITContractor, May: []actor.Capability{MayRead}},
	}
	for _, p := range []people.Post{people.NetworkManager, people.FilterManager, people.Headteacher, people.DeputyHead, people.OnlineSafetyLead, people.SafeguardingLead} {
		out = append(out, access.Grant{Post: p, May: []actor.Capability{MayRead, MaySee}})
	}
	return out
}

// The room's settings.
const (
	keyKeep = "filtering.alarms.keep"
	keyUp   = "filtering.alarms.goes-up"
)

const day = 24 * time.Hour

// Settings is what the school decides about alarms.
func Settings() []setting.Setting {
	return []setting.Setting{{
		Key: keyKeep, Title: "How long alarms that ended are kept", Kind: setting.Duration, Default: "12 months", Min: 30 * day, Max: 7 * 366 * day,
		Help: "Counted from their end. Then they are removed.", Requirements: []string{"FIL-01", "MON-01"},
	}, {
		Key: keyUp, Title: "When an alarm that nobody saw to goes to the head and the deputy head", Kind: setting.Duration, Default: "4 hours", Min: time.Hour, Max: 10 * day,
		Help: "Counted in school hours from the moment at which its owner was told. An alarm whose owner's post nobody holds goes to the head at once.", Requirements: []string{"FIL-01", "MON-01"},
	}}
}

// Signal is one thing that was looked at and is bad now.
type Signal struct {
	Kind    string // "filter-away": what was looked at
	Subject string // which one, where there are several; never a person
	// Words is what is so, in a sentence; May what it may mean, Todo what to
	// do.
	Words, May, Todo string
	Owner            people.Post
	Risk             int // 3 urgent, 2 high, 1 normal
	Link             string
	// After is how many looks in a row must find it bad before it is an alarm;
	// 0 is two.
	After int
}

func (s Signal) key() string { return s.Kind + "\n" + s.Subject }

// Look is one look at everything: what is bad, and the kinds that could be
// looked at. What could not is left as it was; Why says, by kind, what stood in
// the way.
type Look struct {
	Bad    []Signal
	Looked []string
	Why    map[string]string
}

// Kind is one thing that is looked at, with when it is an alarm.
type Kind struct{ Kind, Title, When string }

// Alarm is a signal that stayed bad.
type Alarm struct {
	ID      string
	Kind    string
	Subject string
	Words   string
	May     string
	Todo    string
	Owner   people.Post
	Risk    int
	Link    string
	Since   time.Time
	EndedAt time.Time
	SeenAt  time.Time
	SeenBy  string // a person's id
	Note    string
	ToldAt  time.Time
	Times   int64     // how often it came, each within a day of its last end
	BackAt  time.Time // when it is a task again, though it was seen to
	UpAt    time.Time // when it went to the head
	Version int64
}

// Running reports an alarm that has not ended.
func (a Alarm) Running() bool { return a.EndedAt.IsZero() }

// Seen reports whether somebody said what was done.
func (a Alarm) Seen() bool { return !a.SeenAt.IsZero() }

// Deps is what the room needs. Notices, School and Held may be nil.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Clock   clock.Clock
	Live    *setting.Live
	Notices notice.Sender
	Look    func(ctx context.Context, now time.Time) (Look, error)
	Kinds   []Kind // what Look looks at, in the order of pages
	Name    func(ctx context.Context, person string) string
	// School tells the school's hours; nil: it is always open.
	School func(ctx context.Context) SchoolHour
	// Held reports whether somebody holds a post; nil: somebody does.
	Held func(ctx context.Context, post people.Post) bool
}

// Room is the room.
type Room struct {
	Deps

	looking sync.Mutex // one look at a time
	taking  sync.Mutex
	bad     map[string]*count
	good    map[string]int // looks in a row at which an alarm's thing was well

	mu   sync.Mutex
	last Look // the newest
	at   time.Time
}

// Last is the newest look, and when it was; zero before the first.
func (r *Room) Last() (Look, time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last, r.at
}

type count struct {
	n     int
	since time.Time
}

// New returns the room.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Live == nil || d.Look == nil {
		return nil, errors.New("alarms: a store, a journal, a clock, the settings and what looks are needed")
	}
	if d.Name == nil {
		d.Name = func(context.Context, string) string { return "Somebody" }
	}
	if d.School == nil {
		d.School = func(context.Context) SchoolHour { return func(time.Time) bool { return true } }
	}
	if d.Held == nil {
		d.Held = func(context.Context, people.Post) bool { return true }
	}
	return &Room{Deps: d, bad: map[string]*count{}, good: map[string]int{}}, nil
}

func (r *Room) now() time.Time { return r.Clock.Now() }
