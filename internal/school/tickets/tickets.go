// Package tickets is the room of what people report about the filter: a site
// that should be open, one that should be closed, something that is wrong.
// Anybody may report, signed in or not, and whoever is signed in reads the
// answer. Each report has a number, a post that answers it, and a time by
// which it is answered; what is late goes up.
//
// It is no place for telling of harm: its pages lead to where that is told.
package tickets

import (
	"context"
	"embed"
	"errors"
	"net/netip"
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
var Protected = []journal.Protected{{Table: "tickets", Key: "id"}, {Table: "ticket_events", Key: "id"}}

// The room's verbs.
const (
	VerbReported journal.Verb = "ticket.reported"
	VerbTaken    journal.Verb = "ticket.taken"
	VerbReplied  journal.Verb = "ticket.replied"
	VerbClosed   journal.Verb = "ticket.closed"
	VerbReopened journal.Verb = "ticket.reopened"
	VerbRemoved  journal.Verb = "ticket.removed"
	VerbExported journal.Verb = "ticket.exported"
)

// Verbs is what the room writes in the journal.
var Verbs = []journal.VerbInfo{
	{Verb: VerbReported, Says: "Somebody reported something about the filter."},
	{Verb: VerbTaken, Says: "Somebody took a report about the filter up."},
	{Verb: VerbReplied, Says: "A report about the filter was answered."},
	{Verb: VerbClosed, Says: "A report about the filter was decided."},
	{Verb: VerbReopened, Says: "Whoever reported it opened a report about the filter again."},
	{Verb: VerbRemoved, Says: "A report about the filter was removed when its time was over."},
	{Verb: VerbExported, Says: "The reports about the filter were exported."},
}

// What somebody may do here besides reporting, which everybody may.
const (
	MayRead   actor.Capability = "tickets.read"
	MayAnswer actor.Capability = "tickets.answer"
)

// Grants says who reads the reports and who answers them.
func Grants() []access.Grant {
	out := []access.Grant{
		{Post: people.DeputyHead, May: []actor.Capability{MayRead}},
		{Post: people.SafeguardingGovernor, May: []actor.Capability{MayRead}},
	}
	for _, p := range answering {
		out = append(out, access.Grant{Post: p, May: []actor.Capability{MayRead, MayAnswer}})
	}
	return out
}

// answering are the posts that may be made to answer the reports.
var answering = []people.Post{
	people.NetworkManager, people.OnlineSafetyLead, people.FilterManager, people.ComputingLead,
	people.SafeguardingLead, people.AssistantHead, people.Headteacher,
}

// The room's settings.
const (
	keyRoute = "filtering.route.failures"
	keyDue   = "filtering.reports.answer-within"
	keyKeep  = "tickets.keep"
)

const day = 24 * time.Hour

// Settings is what the school decides about reports.
func Settings() []setting.Setting {
	var posts []setting.Option
	for _, p := range answering {
		info, _ := p.Info()
		posts = append(posts, setting.Option{Value: string(p), Title: p.Title(), Words: info.Words})
	}
	return []setting.Setting{
		{
			Key: keyRoute, Title: "Who answers reports about the filter", Kind: setting.Choice, Options: posts, Default: string(people.NetworkManager),
			Help: "The post whose holders find every report in their tray. Where nobody holds it, the head does.", Requirements: []string{"FIL-13", "FIL-25"},
		},
		{
			Key: keyDue, Title: "By when a report about the filter is answered", Kind: setting.Duration, Default: "one school day", Min: day, Max: 20 * day,
			Help: "In school days, by the calendar.", Requirements: []string{"FIL-13", "FIL-25"},
		},
		{
			Key: keyKeep, Title: "How long an answered report about the filter is kept", Kind: setting.Duration, Default: "12 months", Min: 30 * day, Max: 7 * 366 * day,
			Help: "Counted from the answer. Then it is removed, with what the journal tells of it.", Requirements: []string{"FIL-25"},
		},
	}
}

// Roll is the hall's register of people; a *people.Room.
type Roll interface {
	Calendar(ctx context.Context, site string) (*people.Calendar, error)
	HoldersAt(ctx context.Context, post people.Post, at time.Time) ([]people.Office, error)
	Get(ctx context.Context, id people.ID) (people.Person, error)
}

// Deps is what the room needs. Notices and Place may be nil.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Clock   clock.Clock
	Live    *setting.Live
	People  Roll
	Notices notice.Sender
	// Place says at which place of the school an address is, "" if that is not
	// known.
	Place func(at netip.Addr) string
	// Tell is the page on which a child tells somebody of harm, "" where there
	// is none. May be nil.
	Tell func() string
}

// Room is the room of reports.
type Room struct {
	Deps
	numbers sync.Mutex // one report at a time takes a number
	rate    *limiter
}

// New returns the room.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Live == nil || d.People == nil {
		return nil, errors.New("tickets: a store, a journal, a clock, the settings and the roll are needed")
	}
	if d.Place == nil {
		d.Place = func(netip.Addr) string { return "" }
	}
	if d.Tell == nil {
		d.Tell = func() string { return "" }
	}
	return &Room{Deps: d, rate: newLimiter()}, nil
}

func (r *Room) now() time.Time { return r.Clock.Now() }
