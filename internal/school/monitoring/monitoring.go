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
	"belisha/internal/kit/approval"
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

	MayPropose     actor.Capability = "monitoring.list.propose" // ask the head to confirm the list
	MayContractors actor.Capability = "monitoring.contractors"  // let a contractor look
	MaySight       actor.Capability = "monitoring.sight"        // a contractor's own look, under a grant
	MayReview      actor.Capability = "monitoring.review"       // review who looked
	MayDraws       actor.Capability = "monitoring.draws"        // which samples were drawn and judged, without their rows
	MayAssess      actor.Capability = "monitoring.assess"       // the impact assessment and the lawful bases
	MayExplain     actor.Capability = "monitoring.explain"      // why nothing was recorded for a time
	MayAsk         actor.Capability = "monitoring.release.ask"  // ask the monitors for a part of the record
	MayAlerts      actor.Capability = "monitoring.alerts"       // that something may be misuse; opening it asks for more
	MayReleases    actor.Capability = "monitoring.releases"     // what was asked for: one's own, or as a monitor
	MayErase       actor.Capability = "monitoring.erase"        // answer requests about a person's data
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

	VerbProposed       journal.Verb = "monitors.proposed"
	VerbNotConfirmed   journal.Verb = "monitors.not-confirmed"
	VerbBadge          journal.Verb = "monitors.badge"
	VerbGranted        journal.Verb = "contractor.granted"
	VerbGrantEnded     journal.Verb = "contractor.ended"
	VerbReviewed       journal.Verb = "watchers.reviewed"
	VerbSupported      journal.Verb = "watchers.supported"
	VerbDrawPlanned    journal.Verb = "sample.planned"
	VerbDrawn          journal.Verb = "sample.drawn"
	VerbJudged         journal.Verb = "sample.judged"
	VerbAssessed       journal.Verb = "assessment.saved"
	VerbBasis          journal.Verb = "basis.recorded"
	VerbExplained      journal.Verb = "gap.explained"
	VerbAskedFor       journal.Verb = "release.asked"
	VerbReleased       journal.Verb = "release.given"
	VerbNotGiven       journal.Verb = "release.refused"
	VerbAlert          journal.Verb = "alert.raised"
	VerbAlertAgain     journal.Verb = "alert.repeated"
	VerbAlertOpened    journal.Verb = "alert.opened"
	VerbAlertClosed    journal.Verb = "alert.closed"
	VerbAlertsTidied   journal.Verb = "alert.removed"
	VerbErasureAsked   journal.Verb = "erasure.asked"
	VerbErasureDecided journal.Verb = "erasure.decided"
	VerbErased         journal.Verb = "erasure.done"
	VerbHeld           journal.Verb = "legal-hold.made"
	VerbLifted         journal.Verb = "legal-hold.lifted"
	VerbTaken          journal.Verb = "evidence.taken"
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

	{Verb: VerbProposed, Says: "Somebody asked the head to confirm who may look at the record of web use."},
	{Verb: VerbNotConfirmed, Says: "The head did not confirm a list of who may look at the record of web use."},
	{Verb: VerbBadge, Says: "A new code was made for a monitor's badge; an older one no longer counts."},
	{Verb: VerbGranted, Says: "A contractor was given sight of the record of web use, for a purpose and a time."},
	{Verb: VerbGrantEnded, Says: "A contractor's sight of the record of web use was ended early."},
	{Verb: VerbReviewed, Says: "Somebody reviewed who had looked at the record of web use."},
	{Verb: VerbSupported, Says: "Somebody who watches was asked how they are and what they need."},
	{Verb: VerbDrawPlanned, Says: "A random sample of the record was planned; the digest of its seed is kept."},
	{Verb: VerbDrawn, Says: "A random sample of the record was drawn; its seed is told."},
	{Verb: VerbJudged, Says: "A monitor judged a row of a random sample."},
	{Verb: VerbAssessed, Says: "A version of the impact assessment was saved."},
	{Verb: VerbBasis, Says: "The lawful basis of a kind of monitoring was recorded."},
	{Verb: VerbExplained, Says: "Somebody said why nothing was recorded for a time."},
	{Verb: VerbAskedFor, Says: "A senior leader asked for a part of somebody's record."},
	{Verb: VerbReleased, Says: "A monitor released a part of somebody's record to whoever asked."},
	{Verb: VerbNotGiven, Says: "A monitor did not release the part of a record that was asked for."},
	{Verb: VerbAlert, Says: "Something that looks like misuse was found."},
	{Verb: VerbAlertAgain, Says: "Something that looks like misuse was found again."},
	{Verb: VerbAlertOpened, Says: "Somebody opened an alert about a monitor."},
	{Verb: VerbAlertClosed, Says: "An alert about misuse was closed."},
	{Verb: VerbAlertsTidied, Says: "Closed alerts were removed, after their time or with the person's data."},
	{Verb: VerbErasureAsked, Says: "Somebody asked to remove a person's web activity."},
	{Verb: VerbErasureDecided, Says: "Removing a person's web activity was allowed, or not."},
	{Verb: VerbErased, Says: "A person's web activity was removed."},
	{Verb: VerbHeld, Says: "A person's web activity was put under a legal hold."},
	{Verb: VerbLifted, Says: "A legal hold on a person's web activity was lifted."},
	{Verb: VerbLesson, Says: "A teacher looked at which sites a class opened in a lesson."},
	{Verb: VerbTaken, Says: "A row or a signal was taken as the beginning of a case."},
}

// Protected is the tables whose rows the journal covers.
var Protected = []journal.Protected{
	{Table: "monitor_lists", Key: "id"},
	{Table: "monitoring_purposes", Key: "id"},
	{Table: "monitoring_looks", Key: "id"},
	{Table: "recordings", Key: "id"},
	{Table: "signals", Key: "id"},
	{Table: "monitor_proposals", Key: "id"},
	{Table: "monitor_badges", Key: "person"},
	{Table: "contractor_grants", Key: "id"},
	{Table: "watch_reviews", Key: "id"},
	{Table: "support_meetings", Key: "id"},
	{Table: "draws", Key: "id"},
	{Table: "draw_rows", Key: "id"},
	{Table: "assessments", Key: "id"},
	{Table: "recording_grounds", Key: "recording"},
	{Table: "monitoring_bases", Key: "id"},
	{Table: "log_gaps", Key: "id"},
	{Table: "releases", Key: "id"},
	{Table: "alerts", Key: "id"},
	{Table: "erasure_requests", Key: "id"},
	{Table: "legal_holds", Key: "id"},
}

// Memory is the store of what passed; an *activity.Store.
type Memory interface {
	Search(ctx context.Context, q activity.Query) (activity.Page, error)
	Person(ctx context.Context, subject string, from, to time.Time) ([]activity.Event, error)
	Held(ctx context.Context, subjects []string, from, to time.Time) (activity.Held, error)
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

// Cases finds the pages of the cases that began from references of this room.
type Cases interface {
	Linked(ctx context.Context, refs []string) (map[string]string, error)
}

// Approvals is where the room asks somebody else to allow something; an
// *approval.Room.
type Approvals interface {
	Ask(ctx context.Context, tx *store.Tx, q approval.Request) (approval.Approval, error)
	On(kind string, act approval.Act)
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

	Approvals Approvals
	// Cases may be nil: then nothing leads from a row to a case.
	Cases Cases
	// Strong says whether a person's account has a second factor; nil asks for
	// none.
	Strong func(ctx context.Context, id people.ID) (bool, error)
	// Erase takes a pseudonym out of the memory for good, noted beside the
	// backups; nil: nothing can be erased here.
	Erase func(ctx context.Context, subject string) (int, error)
	// Soon has the room's tasks run at once; it may be nil.
	Soon func()
}

// Room is the monitoring room.
type Room struct {
	d      Deps
	counts counter // what looks like misuse so far
	owed   owedMemo
}

// New returns the room, with the memory told how long to keep what.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Live == nil || d.Memory == nil ||
		d.Roll == nil || d.Names == nil || d.Matrix == nil || d.Approvals == nil {
		return nil, errors.New("monitoring: a store, a journal, a clock, the settings, the memory, the roll, the names, the table of who may do what and the approvals are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	r := &Room{d: d}
	d.Memory.SetKeep(keepOf(d.Live.Current()))
	d.Approvals.On(kindList, r.listDecided)
	d.Approvals.On(kindErasure, r.erasureDecided)
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
