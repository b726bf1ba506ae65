// Package filtering is the room that decides what the filter does. It turns
// what the school decided (its settings, which the policy's sentences set) and
// what its filter managers decide within that (own entries, categories, lists,
// devices) into one set of rules, tries them out, and puts them in force.
//
// There is one way into force for everything: load what is decided, compile
// it, check the draft against what must be open and closed whatever happens,
// keep it as a numbered version with its line in the change log, publish it to
// the filter's folder. What fails on the way changes nothing. After a crash
// Start brings the folder to what the records say.
//
// Only people who hold the post of filter manager and whom the head has
// confirmed may change anything here; what the policy decides they may only
// make stricter.
package filtering

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"embed"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
	"belisha/internal/verdict/snapfile"
)

// Schema holds the room's migrations.
//
//go:embed schema/*.sql
var Schema embed.FS

// What somebody may do here. Changing also needs a place on the list of
// holders that the head confirmed.
const (
	MayRead   actor.Capability = "filtering.read"
	MayChange actor.Capability = "filtering.change"
	MayGrant  actor.Capability = "filtering.grant-status"
)

// The room's verbs.
const (
	VerbChanged    journal.Verb = "filter.changed"
	VerbPublished  journal.Verb = "filter.published"
	VerbRolledBack journal.Verb = "filter.rolledback"
	VerbRefused    journal.Verb = "filter.change-refused"
	VerbHolders    journal.Verb = "filter.holders-confirmed"
	VerbImported   journal.Verb = "list.imported"
	VerbListFailed journal.Verb = "list.refused"
	VerbDevice     journal.Verb = "device.changed"
)

// Verbs is what the room writes in the journal.
var Verbs = []journal.VerbInfo{
	{Verb: VerbChanged, Says: "Somebody changed what the filter opens or closes."},
	{Verb: VerbPublished, Says: "New rules of the filter came into force."},
	{Verb: VerbRolledBack, Says: "The filter went back to an earlier version."},
	{Verb: VerbRefused, Says: "Somebody tried to change the filter and was refused."},
	{Verb: VerbHolders, Says: "The head confirmed who may change the filter."},
	{Verb: VerbImported, Says: "A list of sites was taken up by the filter."},
	{Verb: VerbListFailed, Says: "A list of sites was refused; the last good one stays."},
	{Verb: VerbDevice, Says: "A device that the filter knows was added, changed or removed."},
	{Verb: VerbUnblockAsked, Says: "Somebody asked for a site to be opened for a lesson."},
	{Verb: VerbUnblockGranted, Says: "A site was opened for a lesson."},
	{Verb: VerbUnblockRefused, Says: "A site was not opened for a lesson."},
	{Verb: VerbUnblockWithdrawn, Says: "Somebody took back that they asked for a site."},
	{Verb: VerbUnblockLapsed, Says: "Nobody decided about a site before the lesson was over."},
	{Verb: VerbUnblockEnded, Says: "A site that was open for a lesson was closed again."},
	{Verb: VerbPermitAsked, Says: "Somebody asked to download a file whose kind is closed."},
	{Verb: VerbPermitGranted, Says: "A file was permitted."},
	{Verb: VerbPermitRefused, Says: "A file was not permitted."},
	{Verb: VerbPermitWithdrawn, Says: "Somebody took back that they asked for a file."},
	{Verb: VerbPermitLapsed, Says: "Nobody decided about a file in time."},
	{Verb: VerbPermitEnded, Says: "A file that was permitted was closed again."},
	{Verb: VerbSupply, Says: "Where a list of sites is fetched from was added, changed or ended."},
	{Verb: VerbChecked, Says: "A list of sites that had a problem was found to be the newest there is."},
}

// Protected is the tables whose rows the journal covers.
var Protected = []journal.Protected{
	{Table: "filter_own", Key: "id"},
	{Table: "filter_left", Key: "id"},
	{Table: "filter_categories", Key: "id"},
	{Table: "filter_musts", Key: "id"},
	{Table: "filter_sources", Key: "id"},
	{Table: "filter_devices", Key: "id"},
	{Table: "filter_versions", Key: "id"},
	{Table: "filter_changes", Key: "id"},
	{Table: "filter_holders", Key: "id"},
	{Table: "filter_unblocks", Key: "id"},
	{Table: "filter_permits", Key: "id"},
	{Table: "filter_supplies", Key: "id"},
	{Table: "filter_phrase_lists", Key: "id"},
	{Table: "filter_licensed", Key: "id"},
}

// Roll is the hall's register of people; a *people.Room.
type Roll interface {
	Calendar(ctx context.Context, site string) (*people.Calendar, error)
	HoldersAt(ctx context.Context, post people.Post, at time.Time) ([]people.Office, error)
	Get(ctx context.Context, id people.ID) (people.Person, error)
	ByUsername(ctx context.Context, name string) (people.Person, error)
	Counts(ctx context.Context) (map[people.Kind]int, error)
	Present(ctx context.Context, id people.ID) (people.Person, error)
	List(ctx context.Context, f people.Filter) ([]people.Person, int, error)
	Classes(ctx context.Context) ([]string, error)
	ClassesOf(ctx context.Context, id people.ID) ([]string, error)
	Members(ctx context.Context, class string, teaching bool) ([]people.Person, error)
}

// ErrClosed says that a search service is closed for whoever of a group the
// filter knows no more of.
var ErrClosed = errors.New("the name is closed for the group")

// Prober asks the running filter what a search service is answered as for a
// group. House plugs one in that asks the real door.
type Prober interface {
	// SafeAs returns the name that host is answered as, "" when it is
	// answered as itself, and ErrClosed when it is closed for the group.
	SafeAs(ctx context.Context, group, host string) (string, error)
}

// Compiler builds one list source; house may run it in a child process. nil
// is CompileSource.
type Compiler func(ctx context.Context, path string, o CompileOptions, outDir string) (SourceMeta, error)

// Deps is what the room needs. Host, Prober, Compile, Changed, Notices and Log
// may be nil.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Clock   clock.Clock
	Live    *setting.Live
	People  Roll
	// Dir is the filter's folder, DATA/gate.
	Dir string
	// Key signs what is published; the filter has its public half.
	Key ed25519.PrivateKey
	// School is the school's id, as it stands in what is published.
	School string
	// Host answers the host name of the people's pages; it is asked whenever
	// rules are made.
	Host func() string
	// TryOut are the groups that only try the filter out now, and until when:
	// for them it is decided as usual and let through. May be nil.
	TryOut  func(ctx context.Context) (map[string]time.Time, error)
	Prober  Prober
	Compile Compiler
	// Lessons are what classes are set now and later; nil: nothing is.
	Lessons func(ctx context.Context, v *setting.Values) (Lessons, error)
	// Licence seals licensed lists; nil: no such list is taken up, and rules
	// that have one are not made anew.
	Licence Licence
	// Inside tells how the running filter looks inside. Scanner says
	// whether a virus scanner has been set up, Assessed whether the head has
	// signed an impact assessment, ClosedAt what the filter closed last at an
	// address, TryContent what it would make of a file or a text. Each may be
	// nil: then nothing is known, no scanner is there and nothing is assessed.
	Inside     func(ctx context.Context) (Inside, error)
	Scanner    func() bool
	Assessed   func(ctx context.Context) (bool, error)
	ClosedAt   func(ctx context.Context, at netip.Addr) (Refusal, bool, error)
	TryContent func(ctx context.Context, s Sample) (Weighed, error)
	// Changed is told after new rules or devices are in force, so that the
	// filter looks at once and presence is sent anew.
	Changed func()
	// Roots are the authorities that servers of lists must be vouched for by;
	// nil is those of the machine.
	Roots *x509.CertPool
	// Notices tells people what waits for them.
	Notices notice.Sender
	Log     *slog.Logger
}

// Room is the filtering room.
type Room struct {
	d      Deps
	loader *snapfile.Loader
	stock  *stock

	// changing lets one change at a time through load, compile and commit.
	changing sync.Mutex
	// fetching lets one list at a time come in from the web.
	fetching sync.Mutex
	mu       sync.Mutex
	starter  snapfile.SegmentRef // once built
	phrases  builtPhrases
	lastNow  inForce
	placed   []placedAt // places of devices, longest range first
	// permitted are the labels of the permits of each person.
	permitted map[people.ID][]string
}

// New returns the room. Start must be called before anything is asked of it.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Live == nil || d.People == nil || d.Dir == "" || len(d.Key) != ed25519.PrivateKeySize {
		return nil, errors.New("filtering: a store, a journal, a clock, the settings, the roll, the filter's folder and the key are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Host == nil {
		d.Host = func() string { return "" }
	}
	if d.Compile == nil {
		d.Compile = CompileSource
	}
	if d.Changed == nil {
		d.Changed = func() {}
	}
	s, err := newStock()
	if err != nil {
		return nil, err
	}
	public, ok := d.Key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("filtering: the key has no public half")
	}
	r := &Room{d: d, stock: s, loader: snapfile.NewLoader(d.Dir, public)}
	r.loader.Unsealing(r.unseal())
	return r, nil
}

func (r *Room) now() time.Time { return r.d.Clock.Now() }

// Refused says that a change may not be made, and why, in one sentence. Clause
// names the clause of the policy that decides it, if one does.
type Refused struct {
	Words  string
	Clause string
}

// Error is the sentence.
func (e *Refused) Error() string { return e.Words }
