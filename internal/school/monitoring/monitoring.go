// Package monitoring is the room for those who may look: at the record of what
// passed the filter, and at what in it should worry somebody.
//
// Nobody looks without a purpose. The record names people only here, and only
// after one of the school's purposes has been chosen; each look, what was
// asked and how much was seen are journalled. Only people on the list that
// the head confirmed may look, and never a pupil. Names are recorded at all
// only once the head has confirmed the impact assessment.
//
// A block or a search that speaks of self-harm, suicide or exploitation
// becomes a signal: a line without any detail in the tray of the safeguarding
// lead and the deputies. What the signal is about is shown to them alone;
// being a monitor gives no sight of it.
package monitoring

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Schema holds the room's migrations.
//
//go:embed schema/*.sql
var Schema embed.FS

// What somebody may do here. Reading also needs a place on the list that the
// head confirmed.
const (
	MayRead    actor.Capability = "monitoring.read"
	MayExport  actor.Capability = "monitoring.export"
	MaySignals actor.Capability = "monitoring.signals" // how many signals wait, and for how long
	MayConfirm actor.Capability = "monitoring.list.confirm"
	MayTray    actor.Capability = "safeguarding.tray"
	// maySeeList: the list of monitors is published to all staff.
	maySeeList actor.Capability = "policies.read"
)

// The room's verbs.
const (
	VerbPurpose   journal.Verb = "purpose.given"
	VerbViewed    journal.Verb = "activity.viewed"
	VerbExported  journal.Verb = "activity.exported"
	VerbRemoved   journal.Verb = "activity.removed"
	VerbMonitors  journal.Verb = "monitors.confirmed"
	VerbRecording journal.Verb = "recording.confirmed"
	VerbStopped   journal.Verb = "recording.stopped"
	VerbRaised    journal.Verb = "signal.raised"
	VerbRepeated  journal.Verb = "signal.repeated"
	VerbOpened    journal.Verb = "signal.opened"
	VerbClosed    journal.Verb = "signal.closed"
	VerbTidied    journal.Verb = "signal.removed"
)

// Verbs is what the room writes in the journal.
var Verbs = []journal.VerbInfo{
	{Verb: VerbPurpose, Says: "Somebody gave a purpose for looking at the record of web use."},
	{Verb: VerbViewed, Says: "Somebody looked at the record of web use."},
	{Verb: VerbExported, Says: "Somebody took a copy of part of the record of web use."},
	{Verb: VerbRemoved, Says: "Web use older than the school keeps it was removed."},
	{Verb: VerbMonitors, Says: "The head confirmed who may look at the record of web use."},
	{Verb: VerbRecording, Says: "The head confirmed the impact assessment and the notice: names are recorded from now on."},
	{Verb: VerbStopped, Says: "The recording of names was stopped: web use is only counted from now on."},
	{Verb: VerbRaised, Says: "Something was put in the tray of the safeguarding lead."},
	{Verb: VerbRepeated, Says: "Something in the tray of the safeguarding lead happened again."},
	{Verb: VerbOpened, Says: "A safeguarding lead opened something from the tray."},
	{Verb: VerbClosed, Says: "A safeguarding lead closed something from the tray."},
	{Verb: VerbTidied, Says: "Closed items of the safeguarding tray were removed, after their time or with the person's data."},
}

// Protected is the tables whose rows the journal covers.
var Protected = []journal.Protected{
	{Table: "monitor_lists", Key: "id"},
	{Table: "monitoring_purposes", Key: "id"},
	{Table: "monitoring_looks", Key: "id"},
	{Table: "recordings", Key: "id"},
	{Table: "signals", Key: "id"},
}

// Memory is the store of what passed; an *activity.Store.
type Memory interface {
	Search(ctx context.Context, q activity.Query) (activity.Page, error)
	Person(ctx context.Context, subject string, from, to time.Time) ([]activity.Event, error)
	Top(ctx context.Context, from, to time.Time, by activity.By, action activity.Action, limit int) ([]activity.Count, error)
	Totals(ctx context.Context, from, to time.Time, per activity.Per) ([]activity.Total, error)
	Minutes(ctx context.Context, site string, from, to time.Time) ([]activity.Minute, error)
	Sites(ctx context.Context, from, to time.Time) ([]string, error)
	Stats(ctx context.Context) (activity.Stats, error)
	Enforce(ctx context.Context, now time.Time) (activity.Removed, error)
	SetKeep(k activity.Keep)
}

// Roll is the hall's register of people; a *people.Room.
type Roll interface {
	Get(ctx context.Context, id people.ID) (people.Person, error)
	List(ctx context.Context, f people.Filter) ([]people.Person, int, error)
	Calendar(ctx context.Context, site string) (*people.Calendar, error)
	HoldersAt(ctx context.Context, post people.Post, at time.Time) ([]people.Office, error)
}

// Names joins pseudonyms and people. It is asked only after a purpose, or for
// a signal that a safeguarding lead opened.
type Names interface {
	// Name answers who is behind a pseudonym.
	Name(ctx context.Context, subject string) (person people.ID, display string, ok bool)
	// Subjects answers the pseudonyms that a person has had.
	Subjects(ctx context.Context, person people.ID) ([]string, error)
}

// Matrix is the table of who may do what; an access.Table.
type Matrix interface {
	CanEver(a people.Kind, c actor.Capability) bool
}

// Deps is what the room needs. Sealer may be nil: then a signal's theme rests
// as the rest of the records do.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Clock   clock.Clock
	Live    *setting.Live
	Memory  Memory
	Roll    Roll
	Names   Names
	Matrix  Matrix
	Sealer  journal.Sealer
	Log     *slog.Logger
}

// Room is the monitoring room.
type Room struct{ d Deps }

// New returns the room, with the memory told how long to keep what.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Live == nil || d.Memory == nil ||
		d.Roll == nil || d.Names == nil || d.Matrix == nil {
		return nil, errors.New("monitoring: a store, a journal, a clock, the settings, the memory, the roll, the names and the table of who may do what are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	r := &Room{d: d}
	d.Memory.SetKeep(keepOf(d.Live.Current()))
	return r, nil
}

func (r *Room) values() *setting.Values { return r.d.Live.Current() }

// zone is the school's own.
func (r *Room) zone(ctx context.Context) (*time.Location, error) {
	c, err := r.d.Roll.Calendar(ctx, people.MainSite)
	if err != nil {
		return nil, err
	}
	return c.Location(), nil
}

// isPupil refuses pupils by what they are, whatever a record says that they
// may do.
func isPupil(a actor.Actor) bool { return a.Audience == actor.Pupil }
