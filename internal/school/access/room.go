package access

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
	"belisha/internal/school/people"
)

// Schema holds the room's migrations.
//
//go:embed schema/*.sql
var Schema embed.FS

// Deps is what the room needs.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Clock   clock.Clock
	Live    *setting.Live
	People  *people.Room
	Secrets Secrets
	// Presence is told who is behind an address. nil: nobody is.
	Presence Presence
	// Place says at which of the school's places an address is, "" for none.
	// May be nil.
	Place func(netip.Addr) string
	// Extra are lines that rooms add to the table of capabilities.
	Extra []Grant
	Log   *slog.Logger
	// Doors says what only house knows of a request.
	Doors Doors
	// Demo: nobody is made to take a second factor.
	Demo bool
	// School is what an app calls the school; may be nil.
	School func(context.Context) string
	// Notices mails that something happened to an account; may be nil.
	Notices notice.Sender
	// PupilDevice says whether a device at an address is for pupils; may be nil.
	PupilDevice func(netip.Addr) bool
	// Notice tells whoever is about to sign in that use is monitored; may be
	// nil.
	Notice func() string
	// Onward is where somebody goes who has signed in and is on the way to a
	// page: another page may come first. May be nil.
	Onward func(ctx context.Context, person people.ID, to string) string
	// Approvals asks two people where one may not decide; may be nil.
	Approvals Approvals
}

// Room is the hall's door.
type Room struct {
	Deps
	table  Table
	hash   *hasher
	guard  *guard
	failed *failures
	// typed holds what people typed into pages whose session had ended.
	typed *shelf
	// waiting holds what is between two steps of taking up a second factor.
	waiting *shelf
}

// New returns the room.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Live == nil || d.People == nil || d.Secrets == nil {
		return nil, errors.New("access: a store, a journal, a clock, the settings, the people and a vault are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Place == nil {
		d.Place = func(netip.Addr) string { return "" }
	}
	return &Room{
		Deps: d, table: NewTable(d.Extra...), hash: newHasher(), guard: newGuard(), failed: newFailures(),
		waiting: newShelf(ceremonyLasts, maxCeremonies), typed: newShelf(keptLasts, maxKept),
	}, nil
}

// Table is who may do what.
func (r *Room) Table() Table { return r.table }

// The room's verbs.
const (
	VerbCreated  journal.Verb = "account.created"
	VerbReset    journal.Verb = "account.reset"
	VerbLocked   journal.Verb = "account.locked"
	VerbDisabled journal.Verb = "account.disabled"
	VerbEnabled  journal.Verb = "account.enabled"
	VerbPassword journal.Verb = "password.changed"
	VerbExpired  journal.Verb = "password.expired"
	VerbStarted  journal.Verb = "session.started"
	VerbRested   journal.Verb = "session.locked"
	VerbUnlocked journal.Verb = "session.unlocked"
	VerbEnded    journal.Verb = "session.ended"
	VerbFailed   journal.Verb = "sign-in.failed"
	VerbProxied  journal.Verb = "proxy.signed-in"
	VerbNamed    journal.Verb = "network.named"
	VerbIssued   journal.Verb = "token.issued"
	VerbRevoked  journal.Verb = "token.revoked"

	VerbProved        journal.Verb = "session.proved"
	VerbFactorAdded   journal.Verb = "second-factor.added"
	VerbFactorRemoved journal.Verb = "second-factor.removed"
	VerbFactorWrong   journal.Verb = "second-factor.wrong"
	VerbFactorReset   journal.Verb = "second-factor.reset"
	VerbCodesMade     journal.Verb = "recovery-codes.made"
)

// Verbs is what the room writes in the journal.
var Verbs = []journal.VerbInfo{
	{Verb: VerbCreated, Says: "An account was made."},
	{Verb: VerbReset, Says: "An account was given a temporary password."},
	{Verb: VerbLocked, Says: "An account rests after too many wrong passwords."},
	{Verb: VerbDisabled, Says: "An account was closed."},
	{Verb: VerbEnabled, Says: "An account was opened again."},
	{Verb: VerbPassword, Says: "Somebody changed their password."},
	{Verb: VerbExpired, Says: "A temporary password ran out unused."},
	{Verb: VerbStarted, Says: "Somebody signed in."},
	{Verb: VerbRested, Says: "A session that was left locked itself."},
	{Verb: VerbUnlocked, Says: "A locked session was opened with name and password."},
	{Verb: VerbEnded, Says: "A session was ended."},
	{Verb: VerbFailed, Says: "Sign-ins with a wrong name or password, counted."},
	{Verb: VerbProxied, Says: "Somebody signed in to the web through the proxy."},
	{Verb: VerbNamed, Says: "The school's network said who uses the web."},
	{Verb: VerbIssued, Says: "A token for a program was made."},
	{Verb: VerbRevoked, Says: "A token for a program was ended."},
	{Verb: VerbProved, Says: "Somebody showed their second factor."},
	{Verb: VerbFactorAdded, Says: "Somebody added a second factor to their account."},
	{Verb: VerbFactorRemoved, Says: "Somebody took one of their second factors away."},
	{Verb: VerbFactorWrong, Says: "A second factor was wrong after a right password."},
	{Verb: VerbFactorReset, Says: "Somebody else's second factor was taken away, with a reason."},
	{Verb: VerbAlerted, Says: "An account seems to be used by two people, or may be known to another."},
	{Verb: VerbReviewed, Says: "Somebody looked into an alert about an account."},
	{Verb: VerbCompromised, Says: "Somebody said that another may know their password; their sessions ended."},
	{Verb: VerbRightsReviewed, Says: "The head looked at who has the most rights."},
	{Verb: VerbPupilReset, Says: "A teacher gave a pupil of the class a temporary password."},
	{Verb: VerbRescued, Says: "The head teacher's account was opened again from the machine itself."},
	{Verb: VerbCodesMade, Says: "Recovery codes were made, or ended."},
}

// Protected is the tables whose rows the journal covers.
var Protected = []journal.Protected{
	{Table: "accounts", Key: "id"},
	{Table: "api_tokens", Key: "id"},
	{Table: "account_factors", Key: "id"},
	{Table: "recovery_codes", Key: "id"},
	{Table: "account_alerts", Key: "id"},
	{Table: "rights_reviews", Key: "id"},
}

// Tasks is what the room does by the clock.
func (r *Room) Tasks() []tasks.Task {
	return []tasks.Task{
		{Name: "access-sessions", Every: time.Minute, Limit: time.Minute, Run: r.sweepSessions},
		{Name: "access-accounts", Every: 15 * time.Minute, Limit: 5 * time.Minute, Run: r.sweepAccounts},
	}
}

// values is the settings in force.
func (r *Room) values() *setting.Values { return r.Live.Current() }

// present returns the person if they are at the school now and may use the
// network.
func (r *Room) present(ctx context.Context, id people.ID) (people.Person, bool, error) {
	p, err := r.People.Present(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return people.Person{}, false, nil
	}
	if err != nil {
		return people.Person{}, false, err
	}
	return p, !p.NoAccess, nil
}
