// Package probes is the room of the filter's own trials. By the clock, and
// whenever somebody asks, it has the running filter asked for made-up sites of
// every category that must be closed, for searches, files and a page, as
// somebody of each group would ask, and keeps what came of it. From sites
// where no Belisha runs, a device tries the same and tells.
//
// What is kept here is the evidence that the filter is in the path and closes
// what it must. Nobody's visits are in it.
package probes

import (
	"context"
	"embed"
	"errors"
	"sync"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
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
var Protected = []journal.Protected{{Table: "probe_sites", Key: "id"}}

// The room's verbs.
const (
	VerbTried   journal.Verb = "probe.tried"
	VerbSite    journal.Verb = "probe.site-changed"
	VerbRemoved journal.Verb = "probe.removed"
)

// Verbs is what the room writes in the journal.
var Verbs = []journal.VerbInfo{
	{Verb: VerbTried, Says: "The filter was tried with test sites."},
	{Verb: VerbSite, Says: "A device that tries the filter from another site was added or ended."},
	{Verb: VerbRemoved, Says: "Old trials of the filter were removed when their time was over."},
}

// What somebody may do here.
const (
	MayRead   actor.Capability = "probes.read"
	MayRun    actor.Capability = "probes.run"
	MayManage actor.Capability = "probes.manage"
)

// Grants says who reads the trials and who has them made.
func Grants() []access.Grant {
	return []access.Grant{
		{Post: people.NetworkManager, May: []actor.Capability{MayRead, MayRun, MayManage}},
		{Post: people.FilterManager, May: []actor.Capability{MayRead, MayRun, MayManage}},
		{Post: people.Headteacher, May: []actor.Capability{MayRead, MayRun}},
		{Post: people.SafeguardingLead, May: []actor.Capability{MayRead, MayRun}},
		{Post: people.OnlineSafetyLead, May: []actor.Capability{MayRead, MayRun}},
		{Post: people.DeputyHead, May: []actor.Capability{MayRead}},
		{Post: people.SafeguardingGovernor, May: []actor.Capability{MayRead}},
		{Post: people.ITContractor, May: []actor.Capability{MayRead}},
	}
}

// The room's settings.
const (
	keyWithin = "filtering.probes.within"
	keyKeep   = "filtering.probes.keep"
	keyDirect = "filtering.probes.direct"
)

const day = 24 * time.Hour

// Settings is what the school decides about trials.
func Settings() []setting.Setting {
	return []setting.Setting{
		{
			Key: keyWithin, Title: "How old the last trial of the filter may be", Kind: setting.Duration, Default: "24 hours", Min: 2 * time.Hour, Max: 7 * day,
			Help: "All trials within this time must have come out right, else the promise that the filter is in the path shows as not being kept.", Requirements: []string{"FIL-01"},
		},
		{
			Key: keyKeep, Title: "How long trials of the filter are kept", Kind: setting.Duration, Default: "12 months", Min: 30 * day, Max: 7 * 366 * day,
			Help: "Then they are removed. Single answers that were right are removed after a week.", Requirements: []string{"FIL-01"},
		},
		{
			Key: keyDirect, Title: "Where a device must not get to past the filter", Kind: setting.Text, Default: "1.1.1.1 and 8.8.8.8",
			Help:         "Name services outside the school, by address. A device that tries the filter asks them for a name, and tries TLS, HTTPS and QUIC there: nothing may answer. An address with a port, such as 192.0.2.7:8080, is only connected to. Without any, it is not known whether the firewall lets devices out.",
			Requirements: []string{"FIL-01"},
		},
	}
}

// KeyWithin is how old the last trial may be.
const KeyWithin = keyWithin

// State is what came of one question.
type State string

// The states of a question.
const (
	Right   State = "right"
	Wrong   State = "wrong"
	Unknown State = "unknown" // it could not be asked
	NotSo   State = "not so"  // the rules do not ask for it, or nothing is closed yet
)

// Area is what a question is about.
type Area string

// The areas.
const (
	Path       Area = "path"
	Categories Area = "categories"
	Search     Area = "search"
	Files      Area = "files"
	Pages      Area = "pages"
	Viruses    Area = "viruses"
	Direct     Area = "direct"
)

// Areas are all areas, in the order of pages.
var Areas = []Area{Path, Direct, Categories, Search, Files, Pages, Viruses}

// Title is the area as pages say it.
func (a Area) Title() string {
	return map[Area]string{
		Path: "The filter is in the path", Direct: "No way round it", Categories: "What must be closed", Search: "Safe search",
		Files: "Files", Pages: "Pages by their words", Viruses: "Viruses",
	}[a]
}

// Answer is one question with what came of it.
type Answer struct {
	Case  string // the same for the same question each time: "adult at the proxy"
	Area  Area
	Group string // as pages say it, "" where it is for everybody
	What  string // what must be so, in a sentence
	State State
	Said  string // what was answered, and for a wrong one what to do
}

// Run is one trial.
type Run struct {
	ID    string
	At    time.Time
	Site  string // MainSite, or the name of another
	Kind  Kind
	Took  time.Duration
	Right int
	Wrong int
	Blind int // could not be asked
	NotSo int
	Note  string // what weighs on the whole trial, "" for nothing
}

// MainSite is where this machine is.
const MainSite = "This machine"

// Kind is what led to a trial.
type Kind string

// The kinds.
const (
	Hourly  Kind = "hourly"
	Nightly Kind = "nightly"
	Asked   Kind = "asked"
	Device  Kind = "device"
)

// Words is the kind as pages say it.
func (k Kind) Words() string {
	return map[Kind]string{Hourly: "by the clock", Nightly: "by the clock, with files", Asked: "somebody asked", Device: "a device at the site"}[k]
}

// State is how a trial came out as a whole.
func (r Run) State() State {
	switch {
	case r.Wrong > 0:
		return Wrong
	case r.Blind > 0 || r.Right == 0:
		return Unknown
	}
	return Right
}

// Trial asks the running filter: everything, or all but files and viruses. An
// error says that it could not be asked at all.
type Trial func(ctx context.Context, whole bool) (answers []Answer, note string, err error)

// Deps is what the room needs. Alarmed may be nil.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Clock   clock.Clock
	Live    *setting.Live
	Trial   Trial
	// SchoolDay reports whether a day, in the school's zone, is a school day.
	SchoolDay func(ctx context.Context, at time.Time) bool
	// Closed lists the categories that must be closed at a device of a group
	// ("" is a device nobody knows), for a device's own trial.
	Closed func(ctx context.Context, group string) ([]string, error)
	// Local is the school's time zone; nil: UTC.
	Local func() *time.Location
	// Through reports whether what is answered came through the filter; nil:
	// nothing did.
	Through func(ctx context.Context) bool
	// Zone is the names of test sites, Host the name of the people's pages.
	Zone string
	Host func() string
	// Alarmed is told after each trial.
	Alarmed func(ctx context.Context)
}

// Room is the room.
type Room struct {
	Deps
	trying sync.Mutex // one trial at a time
	rate   limiter
}

// New returns the room.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Live == nil || d.Trial == nil || d.SchoolDay == nil || d.Zone == "" {
		return nil, errors.New("probes: a store, a journal, a clock, the settings, what asks, the calendar and the names of test sites are needed")
	}
	if d.Closed == nil {
		d.Closed = func(context.Context, string) ([]string, error) { return nil, nil }
	}
	if d.Host == nil {
		d.Host = func() string { return "belisha.school" }
	}
	if d.Through == nil {
		d.Through = func(context.Context) bool { return false }
	}
	if d.Local == nil {
		d.Local = func() *time.Location { return time.UTC }
	}
	if d.Alarmed == nil {
		d.Alarmed = func(context.Context) {}
	}
	return &Room{Deps: d}, nil
}

func (r *Room) now() time.Time { return r.Clock.Now() }
