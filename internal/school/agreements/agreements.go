// Package agreements is the rules that people sign before they use the
// school's network: a sheet per audience (staff, governors, visitors, young
// pupils, older pupils, parents, home and school, outside groups), published
// in editions that never change, signed on screen or on paper, by a parent
// for a young pupil where the policy says so.
//
// It knows who has signed and who has not, chases, and answers the filter's
// question whether somebody may go on: Standing. Nothing is held by surprise:
// an audience goes from off to remind to hold, hold only by the head's word on
// a page that shows first how many people it cuts off, and never for somebody
// who has only just come.
//
// It keeps besides who has read the policy in force, which classes have talked
// about the rules this school year, and who has said at sign-in that they were
// told that use is monitored.
package agreements

import (
	"context"
	"embed"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// Schema holds the room's migrations.
//
//go:embed schema/*.sql
var Schema embed.FS

// What somebody may do with agreements. Everybody who is signed in may sign
// their own.
const (
	MayRead    actor.Capability = "agreements.read"    // who has signed and who has not
	MayRecord  actor.Capability = "agreements.record"  // paper slips, earlier signatures, chasers
	MayEdit    actor.Capability = "agreements.edit"    // drafts of the rules
	MayPublish actor.Capability = "agreements.publish" // put an edition before people; hold those who have not signed
	MayTalk    actor.Capability = "agreements.talk"    // record that a class has talked about the rules
)

// Grants say who may do what with agreements.
func Grants() []access.Grant {
	all := []actor.Capability{MayRead, MayRecord, MayEdit, MayPublish, MayTalk}
	office := []actor.Capability{MayRead, MayRecord}
	return []access.Grant{
		{Audience: people.Staff, May: []actor.Capability{MayTalk}},
		{Post: people.Headteacher, May: all},
		{Post: people.DeputyHead, May: []actor.Capability{MayRead, MayRecord, MayEdit}},
		{Post: people.OnlineSafetyLead, May: []actor.Capability{MayRead, MayRecord, MayEdit}},
		{Post: people.OfficeManager, May: office},
		{Post: people.DataManager, May: office},
		{Post: people.BusinessManager, May: office},
		{Post: people.SafeguardingLead, May: []actor.Capability{MayRead}},
	}
}

// The journal's verbs.
const (
	VerbDrafted   journal.Verb = "agreement.drafted"
	VerbPublished journal.Verb = "agreement.published"
	VerbSigned    journal.Verb = "agreement.signed"
	VerbRecorded  journal.Verb = "agreement.recorded"
	VerbVoided    journal.Verb = "agreement.voided"
	VerbImported  journal.Verb = "agreement.imported"
	VerbChased    journal.Verb = "agreement.chased"
	VerbMode      journal.Verb = "agreement.mode-changed"
	VerbScanRead  journal.Verb = "agreement.scan-viewed"
	VerbRead      journal.Verb = "policy.read-and-understood"
	VerbTalk      journal.Verb = "class-talk.recorded"
	VerbCaught    journal.Verb = "class-talk.caught-up"
	VerbTold      journal.Verb = "notice.acknowledged"
)

// Verbs is what the room writes in the journal.
var Verbs = []journal.VerbInfo{
	{Verb: VerbDrafted, Says: "The draft of rules to be signed was changed."},
	{Verb: VerbPublished, Says: "An edition of rules to be signed was published."},
	{Verb: VerbSigned, Says: "Somebody signed an agreement on screen."},
	{Verb: VerbRecorded, Says: "Agreements signed on paper were recorded."},
	{Verb: VerbVoided, Says: "A recorded signature was taken back, with a reason."},
	{Verb: VerbImported, Says: "Signatures from before were imported."},
	{Verb: VerbChased, Says: "Those who have not signed were reminded."},
	{Verb: VerbMode, Says: "It was decided what happens to people who have not signed."},
	{Verb: VerbScanRead, Says: "A scanned slip was opened."},
	{Verb: VerbRead, Says: "Somebody confirmed that they have read and understood the policy."},
	{Verb: VerbTalk, Says: "A class's talk about the rules was recorded."},
	{Verb: VerbCaught, Says: "A pupil who missed the talk about the rules has had it."},
	{Verb: VerbTold, Says: "Somebody said that they were told that use is monitored."},
}

// Protected are the tables that the journal's chain covers.
var Protected = []journal.Protected{
	{Table: "agreement_editions", Key: "id"},
	{Table: "agreement_signatures", Key: "id"},
	{Table: "agreement_modes", Key: "id"},
	{Table: "policy_readings", Key: "id"},
	{Table: "class_talks", Key: "id"},
	{Table: "notice_acknowledgements", Key: "id"},
}

// Policy is the policy in force, as staff confirm that they have read it.
type Policy struct {
	Title, Version, Link string
	// ID tells two texts apart that call themselves the same version. May be "".
	ID    string
	Since time.Time
}

// edition is what a confirmation is kept for.
func (p Policy) edition() string {
	if p.ID == "" {
		return p.Version
	}
	return p.Version + " (" + p.ID + ")"
}

// Files keeps scans of slips. kit/blobs is behind it.
type Files interface {
	Put(ctx context.Context, r io.Reader) (id string, err error)
	Use(ctx context.Context, tx *store.Tx, id, kind, record string) error
	Open(ctx context.Context, id string) (io.ReadCloser, error)
	// Of names the file of a record, "" for none.
	Of(ctx context.Context, kind, record string) (string, error)
}

// Deps is what the room needs.
type Deps struct {
	DB        *store.DB
	Journal   *journal.Journal
	Clock     clock.Clock
	Live      *setting.Live
	People    *people.Room
	Approvals *approval.Room
	// Accounts are the people with an open account; nil: it is not known.
	Accounts func(ctx context.Context) (map[people.ID]bool, error)
	// Policy is the policy in force; ok is false when there is none. May be nil.
	Policy func(ctx context.Context) (p Policy, ok bool, err error)
	// Notices may be nil, and answer nil: then nobody is mailed.
	Notices func() notice.Sender
	// Files keeps scans; nil: no scan can be added.
	Files Files
	// Strangers reports whether whoever is not signed in goes on to the web: a
	// held person who signs out does then too. nil: nobody does.
	Strangers func() bool
	// Changed is told whose standing may have changed; Everybody that it may
	// be anybody's. Both may be nil.
	Changed   func(ctx context.Context, person people.ID)
	Everybody func()
	Log       *slog.Logger
}

// Room keeps agreements.
type Room struct {
	Deps
	// known are the editions and the decisions about who waits, which every
	// question needs. Only this room writes them, and drops them when it does.
	mu    sync.Mutex
	known *known
	turn  int // grows with each drop, so that what was read before one is not kept after it
	told  told

	memory memory
	here   store.Memo[here]
	owes   owes
}

// New returns the room.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Live == nil || d.People == nil {
		return nil, errors.New("agreements: a store, a journal, a clock, the settings and the people are needed")
	}
	if d.Strangers == nil {
		d.Strangers = func() bool { return false }
	}
	if d.Changed == nil {
		d.Changed = func(context.Context, people.ID) {}
	}
	if d.Everybody == nil {
		d.Everybody = func() {}
	}
	if d.Notices == nil {
		d.Notices = func() notice.Sender { return nil }
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	r := &Room{Deps: d}
	if d.Approvals != nil {
		d.Approvals.On(approvalKind, r.decided)
	}
	return r, nil
}

// Tasks is what the room does by the clock. At midnight editions begin to
// bind, decisions take effect and days of grace end; a policy that has come
// into force may ask for something else. The filter is told within a minute.
func (r *Room) Tasks() []tasks.Task {
	return []tasks.Task{{Name: "agreements: what has changed", Every: time.Minute, Limit: time.Minute, Run: r.notice}}
}

// notice tells the filter when the day or the policy is another one.
func (r *Room) notice(ctx context.Context) error {
	today, err := r.today(ctx)
	if err != nil {
		return err
	}
	now := told{today, r.values().Number()}
	r.mu.Lock()
	same := r.told == now
	r.told = now
	r.mu.Unlock()
	if !same {
		r.Everybody()
	}
	return nil
}

// told is what the filter was last told everything for.
type told struct {
	day    people.Day
	number uint64
}

func (r *Room) values() *setting.Values { return r.Live.Current() }

func (r *Room) today(ctx context.Context) (people.Day, error) {
	return r.People.Today(ctx, people.MainSite)
}
