// Package policies holds the school's policy: the document its governors
// approve, in which the value in a sentence is the setting. It reads a text,
// says what is wrong with it, shows what it would change for whom, puts it in
// force in every room in one step, keeps every version and its approvals, and
// says clause by clause whether the promise is being kept.
//
// It knows settings and controls, never a room: rooms offer theirs and house
// plugs them in. The text's form is read by document, what it means by
// meaning, what controls find is kept by watch, and the shipped tables are read
// by ledger. The package is longer than most because half of it is pages.
package policies

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"time"

	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/policies/document"
	"belisha/internal/school/policies/ledger"
	"belisha/internal/school/policies/meaning"
	"belisha/internal/school/policies/watch"
)

// Schema holds the room's migrations.
//
//go:embed schema/*.sql
var Schema embed.FS

// Protected are the tables whose rows the journal's chain covers.
var Protected = []journal.Protected{
	{Table: "policy_versions", Key: "id"},
	{Table: "policy_approvals", Key: "id"},
	{Table: "policy_activations", Key: "id"},
}

// The verbs of the room.
const (
	proposed  journal.Verb = "policy.proposed"
	approved  journal.Verb = "policy.approved"
	activated journal.Verb = "policy.activated"
	changed   journal.Verb = "setting.changed"
)

// Verbs are the room's journal verbs.
var Verbs = []journal.VerbInfo{
	{Verb: proposed, Says: "A policy text was proposed."},
	{Verb: approved, Says: "A policy text was approved by one of its approvers, in Belisha or on paper."},
	{Verb: activated, Says: "A policy text came into force."},
	{Verb: changed, Says: "A setting changed because a policy came into force."},
	{Verb: watch.Turned, Says: "A control found another state than before."},
}

// Preparer is a room that must do something when settings change.
type Preparer struct {
	Name string // "filtering"
	Room setting.Preparer
}

// Deps is what the room needs.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Clock   clock.Clock
	Log     *slog.Logger
	Book    *setting.Book
	Live    *setting.Live
	// Rooms are prepared, committed and published in this order.
	Rooms []Preparer
	// Controls are the other rooms' controls; this room adds its own.
	Controls []control.Control
	// Files are the shipped policies and tables (package belisha/policies).
	Files fs.FS
	// Variants are other texts with which a shipped policy may begin, made from
	// it. May be nil.
	Variants func(text string) []string
	// Names says who an actor of the journal is ("person:…"), for pages; ""
	// when it cannot tell. May be nil.
	Names func(ctx context.Context, actor string) string
	// Posts says which posts an actor of the journal holds now. May be nil:
	// then nobody approves in somebody else's place.
	Posts func(ctx context.Context, actor string) []string
}

// Room is the policies room.
type Room struct {
	d       Deps
	ledger  *ledger.Ledger
	shipped map[string]string // hash → name of the shipped policy
	names   []string          // names of the shipped policies
	texts   map[string]string // name → text
	watch   *watch.Watch
	text    meaning.Reader

	reading    docs       // texts that were read lately
	light      beacon     // the beacon's count, for every page
	activating sync.Mutex // one activation at a time
}

// New returns the room. Deps must be whole.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Log == nil || d.Book == nil || d.Live == nil || d.Files == nil {
		return nil, errors.New("the policies room needs a store, a journal, a clock, a log, the book and the values of settings, and the shipped files")
	}
	l, err := ledger.Read(d.Files)
	if err != nil {
		return nil, fmt.Errorf("opening the policies room: %w", err)
	}
	r := &Room{d: d, ledger: l}
	if err := r.readShipped(); err != nil {
		return nil, err
	}
	r.watch, err = watch.New(watch.Deps{
		DB: d.DB, Journal: d.Journal, Clock: d.Clock, Log: d.Log, Live: d.Live,
		Controls: append(r.Controls(), d.Controls...),
	})
	if err != nil {
		return nil, fmt.Errorf("opening the policies room: %w", err)
	}
	r.text = meaning.Reader{Book: d.Book, Ledger: l, Built: r.watch.Built}
	return r, nil
}

func (r *Room) readShipped() error {
	r.shipped, r.texts = map[string]string{}, map[string]string{}
	files, err := fs.Glob(r.d.Files, "*.md")
	if err != nil {
		return fmt.Errorf("reading the shipped policies: %w", err)
	}
	for _, f := range files {
		b, err := fs.ReadFile(r.d.Files, f)
		if err != nil {
			return fmt.Errorf("reading the shipped policies: %w", err)
		}
		name := strings.TrimSuffix(f, ".md")
		r.names = append(r.names, name)
		r.texts[name] = string(b)
		r.shipped[hashOf(string(b))] = name
		if r.d.Variants != nil {
			for _, v := range r.d.Variants(canonical(string(b))) {
				r.shipped[hashOf(v)] = name
			}
		}
	}
	return nil
}

// Shipped returns the names of the shipped policies.
func (r *Room) Shipped() []string { return append([]string(nil), r.names...) }

// ShippedText returns the text of a shipped policy by its name, with or
// without .md.
func (r *Room) ShippedText(name string) (string, bool) {
	t, ok := r.texts[strings.TrimSuffix(name, ".md")]
	return t, ok
}

// hashOf is a text's identity.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// canonical is the text as it is kept, so that a change of line ends or a
// byte order mark makes no other version.
func canonical(text string) string {
	text = strings.TrimPrefix(text, "\ufeff")
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

// now is the moment, in UTC.
func (r *Room) now() time.Time { return r.d.Clock.Now().UTC() }

// Load puts the policy in force into Live, as the program starts: a crash
// between commit and publish of an activation is mended here. What a newer
// Belisha no longer understands of the text is returned; its safe default is
// in force and shows as unconfirmed.
func (r *Room) Load(ctx context.Context) (*setting.Values, []Problem, error) {
	act, v, err := r.inForce(ctx, r.d.DB)
	if errors.Is(err, store.ErrNotFound) {
		values := setting.NewValues(r.d.Book, 0, nil)
		r.d.Live.Publish(values)
		return values, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	values, problems := r.valuesOf(v, uint64(act.Number))
	for _, p := range problems {
		r.d.Log.Error("part of the policy in force cannot be applied; its safe default is", "code", p.Code, "line", p.Line)
	}
	r.d.Live.Publish(values)
	return values, problems, nil
}

// valuesOf returns the values in force under a version. What is wrong with it
// is left out and returned: its safe default stands.
func (r *Room) valuesOf(v Version, number uint64) (*setting.Values, []Problem) {
	doc, problems := document.Parse(v.Text)
	given, more := r.text.Given(doc)
	for i := range given {
		given[i].Policy = strings.TrimSpace(doc.Meta.Title + " " + doc.Meta.Version)
	}
	var bad []Problem
	for _, p := range append(problems, more...) {
		if p.Level == document.Error {
			bad = append(bad, p)
		}
	}
	return setting.NewValues(r.d.Book, number, given), bad
}
