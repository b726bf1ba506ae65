// Package classroom is the room of a lesson's web: a teacher pauses the web for
// a class or keeps it on a few sites that somebody has looked at before,
// supervises it where the school asks for that, and sees which sites it opens.
//
// What is set ends by itself, by the clock in the filter, also when this
// program is away. It only ever narrows: nothing that is closed is opened here,
// and help services, the school's own pages and what devices need stay open.
//
// It never shows a screen, and never what distresses somebody: what a child
// looks for help with is not a teacher's business here.
package classroom

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// Schema holds the room's migrations.
//
//go:embed schema/*.sql
var Schema embed.FS

// What somebody may do here.
const (
	MayLead  actor.Capability = "classroom.lead"  // set the web of a class, preview sites
	MayLook  actor.Capability = "classroom.look"  // see which sites a class opens in a lesson
	MayCheck actor.Capability = "classroom.check" // see what was set and previewed by anybody
)

// Grants is who may do what.
func Grants() []access.Grant {
	check := []actor.Capability{MayCheck}
	return []access.Grant{
		{Audience: people.Staff, May: []actor.Capability{MayLead, MayLook}},
		{Post: people.Headteacher, May: check},
		{Post: people.DeputyHead, May: check},
		{Post: people.FilterManager, May: check},
		{Post: people.OnlineSafetyLead, May: check},
		{Post: people.SafeguardingLead, May: check},
	}
}

// The room's verbs.
const (
	VerbBegan     journal.Verb = "lesson.began"
	VerbEnded     journal.Verb = "lesson.ended"
	VerbPreviewed journal.Verb = "site.previewed"
	VerbListed    journal.Verb = "site-list.kept"
	VerbUnlisted  journal.Verb = "site-list.ended"
)

// Verbs is what the room writes in the journal.
var Verbs = []journal.VerbInfo{
	{Verb: VerbBegan, Says: "A teacher set the web of a class for a time."},
	{Verb: VerbEnded, Says: "What a teacher set for a class was over."},
	{Verb: VerbPreviewed, Says: "Somebody looked at a site before it is used with pupils."},
	{Verb: VerbListed, Says: "A list of sites for lessons or homework was kept."},
	{Verb: VerbUnlisted, Says: "A list of sites for lessons or homework was taken away."},
}

// Protected is the tables whose rows the journal covers.
var Protected = []journal.Protected{
	{Table: "class_settings", Key: "id"},
	{Table: "class_previews", Key: "id"},
	{Table: "class_lists", Key: "id"},
}

// Roll is the hall's register of people; a *people.Room.
type Roll interface {
	Calendar(ctx context.Context, site string) (*people.Calendar, error)
	Get(ctx context.Context, id people.ID) (people.Person, error)
	List(ctx context.Context, f people.Filter) ([]people.Person, int, error)
	Classes(ctx context.Context) ([]string, error)
	ClassesOf(ctx context.Context, id people.ID) ([]string, error)
	Members(ctx context.Context, class string, teaching bool) ([]people.Person, error)
}

// Present is somebody who is signed in on the web.
type Present struct {
	Person people.ID
	Device string // its name where the school knows it, else its address
	Until  time.Time
}

// Host is a site that a class opened, as a teacher may see it.
type Host struct {
	Host    string
	Times   int
	Blocked int
	Pupils  int
	Who     []people.ID
	Last    time.Time
}

// Seen is what a class opened since a moment.
type Seen struct {
	Hosts []Host
	// Counted: names are not recorded, so nothing can be said of a class.
	Counted bool
	Partial bool
}

// Look is a teacher's question which sites a class opened.
type Look struct {
	Class string
	Of    []people.ID
	Since time.Time
}

// Deps is what the room needs. Log may be nil.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Clock   clock.Clock
	Live    *setting.Live
	People  Roll
	// Apply puts in force what is set now; says stands in the filter's change
	// log. InForce reports whether something set is.
	Apply   func(ctx context.Context, says string) error
	InForce func(id string) bool
	// Site is the one form of the name of a site that somebody typed. Closed
	// says why a site is closed for pupils anyway, "" where it is not.
	Site   func(text string) (string, error)
	Closed func(ctx context.Context, host string, stage people.KeyStage) (string, error)
	// Behind is who is signed in on the web; Places where devices stand.
	Behind func(ctx context.Context) ([]Present, error)
	Places func(ctx context.Context) ([]string, error)
	// Seen is what these people opened since then. It writes down that
	// somebody looked, of which class, before it answers.
	Seen func(ctx context.Context, l Look) (Seen, error)
	// Strangers reports whether whoever is not signed in goes on to the web.
	// May be nil: nobody does.
	Strangers func() bool
	Log       *slog.Logger
}

// Room is the classroom.
type Room struct{ d Deps }

// New returns the room.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Live == nil || d.People == nil || d.Apply == nil || d.InForce == nil ||
		d.Site == nil || d.Closed == nil || d.Behind == nil || d.Places == nil || d.Seen == nil {
		return nil, errors.New("classroom: a store, a journal, a clock, the settings, the roll, the filter and the record are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Room{d}, nil
}

func (r *Room) now() time.Time { return r.d.Clock.Now() }

func (r *Room) values() *setting.Values { return r.d.Live.Current() }

// words say times in the school's zone.
func (r *Room) words(ctx context.Context) words.Words {
	cal, err := r.d.People.Calendar(ctx, people.MainSite)
	if err != nil {
		cal = people.DefaultCalendar(people.MainSite)
	}
	return words.In(cal.Location(), r.now())
}

// teacher is who acts: a member of staff in person, or through a token.
func teacher(ctx context.Context, c actor.Capability) (people.ID, error) {
	a := actor.From(ctx)
	if !a.May(c) || a.Audience != actor.Staff || a.Person == "" {
		return "", store.ErrForbidden
	}
	return people.ID(a.Person), nil
}
