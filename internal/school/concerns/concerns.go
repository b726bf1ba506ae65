// Package concerns is the room where somebody says that a child, or a
// colleague, is not all right, and where those who must act do so: the case
// log.
//
// Staff report in a minute; pupils and parents tell on a page that everybody
// reaches. Nobody but the safeguarding lead and the deputies reads it, unless
// the case goes by another route (conduct of staff to the head alone, a
// complaint about the head to the chair of governors, a security incident to
// those the policy lists) or somebody was named for it until a day. Whoever a
// case is about, and their close family, never see it; whoever reported it
// sees only that it was received, is looked at, or is closed. To open what is
// kept from you takes a reason, and the lead and the head are told at once.
//
// Nothing is deleted and nothing is rewritten: an amendment stands beside what
// it amends. Text and names are sealed; a person's cases are found by a keyed
// mark. Each look is journalled. No line of the journal, no notice and no line
// of a tray tells what a case is about.
package concerns

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/blobs"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/vault"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// Schema holds the room's migrations.
//
//go:embed schema/*.sql
var Schema embed.FS

// What somebody may do here. The capability opens the door of a page; which
// cases somebody sees is decided for each case (see sight.go).
const (
	// MayReport: report, follow one's own reports, do what was given to one.
	MayReport actor.Capability = "concerns.report"
	// MayRead: work on the cases that go to one.
	MayRead actor.Capability = "concerns.read"
	// MayCount: how many, of which kind, and for how long they wait; never a
	// case.
	MayCount actor.Capability = "concerns.count"
)

// Grants says who has them by post.
func Grants() []access.Grant {
	read := []actor.Capability{MayRead, MayReport, MayCount}
	out := []access.Grant{
		{Audience: people.Staff, May: []actor.Capability{MayReport}},
		{Audience: people.Governor, May: []actor.Capability{MayReport}},
		{Audience: people.Contractor, May: []actor.Capability{MayReport}},
		{Post: people.SafeguardingLead, May: read},
		{Post: people.DeputySafeguardingLead, May: read},
		{Post: people.Headteacher, May: read},
		{Post: people.ChairOfGovernors, May: read},
		{Post: people.SafeguardingGovernor, May: []actor.Capability{MayRead, MayCount}},
	}
	for _, p := range receiverPosts {
		if p != people.SafeguardingLead && p != people.DeputySafeguardingLead && p != people.Headteacher {
			out = append(out, access.Grant{Post: p, May: []actor.Capability{MayRead}})
		}
	}
	return out
}

// The room's verbs.
const (
	VerbReported journal.Verb = "concern.reported"
	VerbViewed   journal.Verb = "concern.viewed"
	VerbListed   journal.Verb = "concern.listed"
	VerbTriaged  journal.Verb = "concern.triaged"
	VerbNoted    journal.Verb = "concern.noted"
	VerbAmended  journal.Verb = "concern.amended"
	VerbNamed    journal.Verb = "concern.person-named"
	VerbAction   journal.Verb = "concern.action"
	VerbDone     journal.Verb = "concern.action-done"
	VerbSight    journal.Verb = "concern.sight-changed"
	VerbForced   journal.Verb = "concern.opened-by-force"
	VerbPurpose  journal.Verb = "concern.purpose-given"
	VerbHold     journal.Verb = "concern.hold"
	VerbAttached journal.Verb = "concern.attached"
	VerbFile     journal.Verb = "concern.file-opened"
	VerbImages   journal.Verb = "concern.images-refused"
	VerbReplied  journal.Verb = "concern.replied"
	VerbExported journal.Verb = "concern.exported"
	VerbClosed   journal.Verb = "concern.closed"
	VerbReopened journal.Verb = "concern.reopened"
	VerbVoided   journal.Verb = "concern.voided"
	VerbRemoved  journal.Verb = "concern.removed"
	VerbTrends   journal.Verb = "concern.trends-read"
	VerbQuiet    journal.Verb = "concern.nothing-to-record"
)

// Verbs is what the room writes in the journal.
var Verbs = []journal.VerbInfo{
	{Verb: VerbReported, Says: "A concern was reported. Who reported it is sealed with it."},
	{Verb: VerbViewed, Says: "Somebody who may see a concern opened it."},
	{Verb: VerbListed, Says: "Somebody looked at the list of concerns that go to them."},
	{Verb: VerbTriaged, Says: "It was decided how urgent a concern is, whose it is and which way it goes."},
	{Verb: VerbNoted, Says: "Something was added to a concern."},
	{Verb: VerbAmended, Says: "An entry of a concern was amended; what it said before still stands."},
	{Verb: VerbNamed, Says: "A person was put into a concern, or taken out of it with a reason."},
	{Verb: VerbAction, Says: "An action was set down in a concern."},
	{Verb: VerbDone, Says: "An action of a concern was done."},
	{Verb: VerbSight, Says: "Who may see a concern was changed."},
	{Verb: VerbForced, Says: "Somebody opened a concern that is kept from them; the safeguarding lead and the head were told."},
	{Verb: VerbPurpose, Says: "Somebody gave a purpose for opening a closed concern."},
	{Verb: VerbHold, Says: "A concern was put under a legal hold, or taken out of it."},
	{Verb: VerbAttached, Says: "A file was attached to a concern."},
	{Verb: VerbFile, Says: "A file of a concern was opened."},
	{Verb: VerbImages, Says: "A file was not taken because of what it may show; nothing more can be attached to this concern."},
	{Verb: VerbReplied, Says: "Whoever raised a concern was answered."},
	{Verb: VerbExported, Says: "A copy of a concern was made for somebody."},
	{Verb: VerbClosed, Says: "A concern was closed."},
	{Verb: VerbReopened, Says: "A closed concern was opened again."},
	{Verb: VerbVoided, Says: "A concern was marked as entered in error; it stays."},
	{Verb: VerbRemoved, Says: "Concerns were removed because the time for which they are kept is over."},
	{Verb: VerbTrends, Says: "Somebody read the trends of concerns."},
	{Verb: VerbQuiet, Says: "Somebody said that there was nothing to record."},
}

// Protected is the tables whose rows the journal covers.
var Protected = []journal.Protected{
	{Table: "concerns", Key: "id"},
	{Table: "concern_people", Key: "id"},
	{Table: "concern_entries", Key: "id"},
	{Table: "concern_actions", Key: "id"},
	{Table: "concern_sights", Key: "id"},
	{Table: "concern_files", Key: "id"},
	{Table: "concern_receipts", Key: "id"},
	{Table: "concern_pauses", Key: "id"},
}

// Roll is the hall's register of people; a *people.Room.
type Roll interface {
	Get(ctx context.Context, id people.ID) (people.Person, error)
	List(ctx context.Context, f people.Filter) ([]people.Person, int, error)
	Parents(ctx context.Context, child people.ID) ([]people.Relative, error)
	Children(ctx context.Context, parent people.ID) ([]people.Relative, error)
	Calendar(ctx context.Context, site string) (*people.Calendar, error)
	HoldersAt(ctx context.Context, post people.Post, at time.Time) ([]people.Office, error)
}

// Sealer seals text to its place; a *vault.Vault.
type Sealer interface {
	SealText(ctx context.Context, p vault.Purpose, at vault.Place, plain []byte) (string, error)
	UnsealText(ctx context.Context, p vault.Purpose, at vault.Place, sealed string) ([]byte, error)
	Secret(ctx context.Context, name string) ([]byte, error)
}

// Files keeps what is attached; a *blobs.Store.
type Files interface {
	Put(ctx context.Context, r io.Reader) (blobs.Blob, error)
	Use(ctx context.Context, tx *store.Tx, id, kind, record string) error
	Release(ctx context.Context, tx *store.Tx, id, kind, record string) error
	Open(ctx context.Context, id string) (io.ReadCloser, error)
}

// Evidence answers what a row of web activity, or a signal, says. House plugs
// monitoring in; it refuses whoever may not see the row.
type Evidence interface {
	Evidence(ctx context.Context, ref string) (Seen, error)
}

// Certainties of who it was.
const (
	Sure    = "sure"
	Likely  = "likely"
	Unknown = "unknown"
)

// Seen is what a row of web activity says.
type Seen struct {
	Ref       string
	At        time.Time
	Person    people.ID
	Certainty string // Sure, Likely or Unknown
	// Theme is what made it a signal, or a kind of site about health, distress
	// or abuse; "" for none. With one, nothing that comes of it is a sanction.
	Theme  string
	Words  string // the row in words
	Device string
}

// Deps is what the room needs. Evidence, Notices and Files may be nil: then
// no row leads here, nobody is mailed, and nothing is attached.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Clock   clock.Clock
	Live    *setting.Live
	Roll    Roll
	Sealer  Sealer
	// Files is asked each time: the store of files opens later than the room.
	Files    func() Files
	Evidence Evidence
	Notices  notice.Sender
	// Ready says why concerns may not be kept: closed is why nothing may be
	// opened at all, late what must be mended before the first concern can be
	// kept, and is only warned of afterwards, since a lead who cannot read a
	// child's case is the greater harm. Both are empty when all is in order.
	Ready func(ctx context.Context) (closed, late []string)
	// Watching says who is told at once out of school hours because they have
	// agreed to be, and until when; "" for nobody. May be nil.
	Watching func(ctx context.Context, at time.Time) (name string, until time.Time, err error)
	// Changed is told of whoever the web was withdrawn from or given back to;
	// Held answers how the filter holds everybody on the web, ErrFilterAway
	// where it does not answer. Both may be nil.
	Changed func(ctx context.Context, person people.ID)
	Held    func(ctx context.Context) ([]Held, error)
	// Strangers reports whether whoever is not signed in goes on to the web.
	// May be nil: nobody does.
	Strangers func() bool
	// Adult is who a pupil can tell here, in words.
	Adult func(ctx context.Context) string
	Log   *slog.Logger
}

// Room is the case log.
type Room struct {
	d      Deps
	secret []byte
	pace   *pace
	begun  atomic.Bool // a concern is kept here
}

// New returns the room. It asks the vault for the room's secret, so it must
// not be called inside a transaction.
func New(ctx context.Context, d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Live == nil || d.Roll == nil || d.Sealer == nil {
		return nil, errors.New("concerns: records, a journal, a clock, the settings, the roll and the vault are needed")
	}
	if d.Files == nil {
		d.Files = func() Files { return nil }
	}
	if d.Ready == nil {
		return nil, errors.New("concerns: somebody must say whether they may be kept")
	}
	if d.Adult == nil {
		d.Adult = func(context.Context) string { return "any adult you trust" }
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	secret, err := d.Sealer.Secret(ctx, "concerns")
	if err != nil {
		return nil, fmt.Errorf("reading the secret of the case log: %w", err)
	}
	return &Room{d: d, secret: secret, pace: newPace()}, nil
}

// mark is a keyed name: it finds the same thing again and tells nothing.
func (r *Room) mark(kind, value string) string {
	if value == "" {
		return ""
	}
	m := hmac.New(sha256.New, r.secret)
	_, _ = fmt.Fprintf(m, "%s:%s", kind, value) // a hash never fails
	return hex.EncodeToString(m.Sum(nil))[:40]
}

func (r *Room) personMark(id people.ID) string { return r.mark("person", string(id)) }

// seal seals v as JSON to its row.
func (r *Room) seal(ctx context.Context, table, row string, v any) (string, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("writing what is sealed: %w", err)
	}
	s, err := r.d.Sealer.SealText(ctx, vault.Records, vault.Place{Table: table, Row: row, Column: "sealed"}, plain)
	if err != nil {
		return "", fmt.Errorf("sealing a concern: %w", err)
	}
	return s, nil
}

// unseal opens what seal made.
func (r *Room) unseal(ctx context.Context, table, row, sealed string, v any) error {
	plain, err := r.d.Sealer.UnsealText(ctx, vault.Records, vault.Place{Table: table, Row: row, Column: "sealed"}, sealed)
	if err != nil {
		return fmt.Errorf("opening what is sealed of a concern: %w", err)
	}
	if err := json.Unmarshal(plain, v); err != nil {
		return fmt.Errorf("reading what was sealed of a concern: %w", err)
	}
	return nil
}

func (r *Room) values() *setting.Values { return r.d.Live.Current() }

func (r *Room) now() time.Time { return r.d.Clock.Now() }

// calendar is the main site's.
func (r *Room) calendar(ctx context.Context) (*people.Calendar, error) {
	return r.d.Roll.Calendar(ctx, people.MainSite)
}

// Closed returns why concerns cannot be kept or opened; none when they can.
func (r *Room) Closed(ctx context.Context) []string {
	closed, late := r.d.Ready(ctx)
	if len(late) == 0 || r.hasBegun(ctx) {
		return closed
	}
	return append(slices.Clone(closed), late...)
}

// Warned returns what is not in order although concerns are open.
func (r *Room) Warned(ctx context.Context) []string {
	closed, late := r.d.Ready(ctx)
	if len(closed) > 0 || !r.hasBegun(ctx) {
		return nil
	}
	return late
}

// hasBegun reports whether a concern is kept here. It stays true: nobody
// deletes one by hand.
func (r *Room) hasBegun(ctx context.Context) bool {
	if r.begun.Load() {
		return true
	}
	any, err := r.anyCase(ctx)
	if err != nil {
		r.d.Log.Warn("it could not be found out whether concerns are kept", "err", err)
		return false
	}
	if any {
		r.begun.Store(true)
	}
	return any
}

// ErrClosed: something that keeps concerns safe is missing.
var ErrClosed = errors.New("concerns cannot be kept here yet; tell the safeguarding lead in person")

func (r *Room) mustBeReady(ctx context.Context) error {
	if len(r.Closed(ctx)) > 0 {
		return ErrClosed
	}
	return nil
}

// hidden is the actor of a line about who reported: who it was is sealed with
// the concern, and whoever reads the journal does not learn it.
func hidden(ctx context.Context) context.Context {
	return actor.With(ctx, actor.Belisha("concerns"))
}

// line writes a journal line about a case, without any detail.
func (r *Room) line(ctx context.Context, tx *store.Tx, verb journal.Verb, id string, rows ...journal.Row) error {
	return r.write(ctx, tx, journal.Entry{Verb: verb, ID: id, Rows: rows})
}

// The kinds of the room's journal lines. Whoever reads the journal must not
// learn there of a case that is about them: what is about staff is for the
// head, and what is about the head for nobody who reads it on a page.
const (
	LineConcern = "concern"
	LineStaff   = "concern-staff"
	LineHead    = "concern-head"
)

// write writes a journal line about a case.
func (r *Room) write(ctx context.Context, tx *store.Tx, e journal.Entry) error {
	route, err := routeOf(ctx, tx, e.ID)
	if err != nil {
		return err
	}
	e.Kind = LineConcern
	switch route {
	case StaffConduct:
		e.Kind = LineStaff
	case HeadComplaint:
		e.Kind = LineHead
	}
	return r.d.Journal.Write(ctx, tx, e)
}

func row(table, id string) journal.Row { return journal.Row{Table: table, ID: id} }
