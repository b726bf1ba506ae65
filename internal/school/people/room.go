package people

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"sync"
	"time"

	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
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
	// Demo: these records are an invented school; a real roll is refused.
	Demo bool
}

// Room is the hall's register of people.
type Room struct {
	db      *store.DB
	journal *journal.Journal
	clock   clock.Clock
	live    *setting.Live
	demo    bool

	mu        sync.Mutex
	calendars map[string]*Calendar // by site, dropped when one changes

	offices store.Memo[[]Office]
}

// New returns the room.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Live == nil {
		return nil, errors.New("people: a store, a journal, a clock and the settings are needed")
	}
	return &Room{db: d.DB, journal: d.Journal, clock: d.Clock, live: d.Live, demo: d.Demo, calendars: map[string]*Calendar{}}, nil
}

// The room's verbs.
const (
	VerbAdded     journal.Verb = "person.added"
	VerbChanged   journal.Verb = "person.changed"
	VerbLeft      journal.Verb = "person.left"
	VerbTied      journal.Verb = "family.changed"
	VerbImported  journal.Verb = "roll.imported"
	VerbFilled    journal.Verb = "roll.filled"
	VerbAppointed journal.Verb = "post.appointed"
	VerbPost      journal.Verb = "post.changed"
	VerbEnded     journal.Verb = "post.ended"
	VerbCalendar  journal.Verb = "calendar.changed"
)

// Verbs is what the room writes in the journal.
var Verbs = []journal.VerbInfo{
	{Verb: VerbAdded, Says: "A person was added to the roll by hand."},
	{Verb: VerbChanged, Says: "A person's record was changed."},
	{Verb: VerbLeft, Says: "A person was marked as having left."},
	{Verb: VerbTied, Says: "Who a child's parents or carers are was changed."},
	{Verb: VerbImported, Says: "A roll was imported."},
	{Verb: VerbFilled, Says: "Invented people were put into a demonstration school."},
	{Verb: VerbAppointed, Says: "Somebody was given a post."},
	{Verb: VerbPost, Says: "The terms of somebody's post were changed."},
	{Verb: VerbEnded, Says: "Somebody's time in a post was ended."},
	{Verb: VerbCalendar, Says: "The school calendar was changed."},
}

// Protected is the tables whose rows the journal covers: who holds which post
// decides who may do what.
var Protected = []journal.Protected{{Table: "posts", Key: "id"}}

// Now is the room's time.
func (r *Room) Now() time.Time { return r.clock.Now() }

// Today is the day at a site.
func (r *Room) Today(ctx context.Context, site string) (Day, error) {
	c, err := r.Calendar(ctx, site)
	if err != nil {
		return "", err
	}
	return c.Day(r.clock.Now()), nil
}

// Present returns the person if they are at the school at this moment.
// Somebody who is not is ErrNotFound.
func (r *Room) Present(ctx context.Context, id ID) (Person, error) {
	p, err := r.Get(ctx, id)
	if err != nil {
		return Person{}, err
	}
	today, err := r.Today(ctx, p.Site)
	if err != nil {
		return Person{}, err
	}
	if !p.Here(today) {
		return Person{}, store.ErrNotFound
	}
	return p, nil
}

// Add puts a person on the roll by hand.
func (r *Room) Add(ctx context.Context, p Person) (ID, error) {
	var id ID
	err := r.db.Write(ctx, func(tx *store.Tx) (err error) {
		id, err = r.AddTx(ctx, tx, p)
		return err
	})
	return id, err
}

// AddTx is Add within a change that is already under way.
func (r *Room) AddTx(ctx context.Context, tx *store.Tx, p Person) (ID, error) {
	p = p.Normal()
	p.Source = SourceHand
	if err := p.Check(); err != nil {
		return "", err
	}
	if err := r.unique(ctx, tx, p); err != nil {
		return "", err
	}
	p.ID = ID(store.NewID(r.clock.Now()))
	p.Version = 1
	if err := r.insert(ctx, tx, p); err != nil {
		return "", err
	}
	return p.ID, r.journal.Write(ctx, tx, journal.Entry{Verb: VerbAdded, Kind: "person", ID: string(p.ID), After: p})
}

// Change keeps what was edited of a person. p.Version must be the one that
// was read, else it is stale.
func (r *Room) Change(ctx context.Context, p Person) error {
	p = p.Normal()
	return r.db.Write(ctx, func(tx *store.Tx) error {
		old, err := r.get(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if old.Version != p.Version {
			return store.ErrStale
		}
		p.Source = old.Source
		if misKind(old.Kind) != misKind(p.Kind) {
			return store.Invalid{"kind": "a pupil's record does not become an adult's; mark it as left and add the adult"}
		}
		if err := p.Check(); err != nil {
			return err
		}
		if err := r.unique(ctx, tx, p); err != nil {
			return err
		}
		if err := r.update(ctx, tx, p); err != nil {
			return err
		}
		before, after := differences(old, p)
		return r.journal.Write(ctx, tx, journal.Entry{Verb: VerbChanged, Kind: "person", ID: string(p.ID), Before: before, After: after})
	})
}

// Leave marks a person's last day. Posts they hold end with it.
func (r *Room) Leave(ctx context.Context, id ID, last Day, version int64, reason string) error {
	if !last.Valid() {
		return store.Invalid{"until": "write the last day as 23/11/2026"}
	}
	return r.db.Write(ctx, func(tx *store.Tx) error {
		p, err := r.get(ctx, tx, id)
		if err != nil {
			return err
		}
		if p.Version != version {
			return store.ErrStale
		}
		before := p.Until
		p.Until = last
		if err := p.Check(); err != nil {
			return err
		}
		if err := r.update(ctx, tx, p); err != nil {
			return err
		}
		return r.journal.Write(ctx, tx, journal.Entry{
			Verb: VerbLeft, Kind: "person", ID: string(id),
			Before: map[string]any{"until": before}, After: map[string]any{"until": last}, Reason: reason,
		})
	})
}

// unique refuses ids that somebody else has.
func (r *Room) unique(ctx context.Context, q store.Querier, p Person) error {
	bad := store.Invalid{}
	for field, v := range map[string]string{"username": p.Username, "upn": p.UPN, "sourced": p.Sourced} {
		other, err := r.owner(ctx, q, field, v)
		if err != nil {
			return err
		}
		if other.ID != "" && other.ID != p.ID {
			bad[field] = fmt.Sprintf("this is already the %s of %s", keyWords(fieldKey(field)), other.Name())
		}
	}
	return bad.OrNil()
}

// differences returns the fields that differ, for the journal's detail.
func differences(a, b Person) (before, after map[string]any) {
	before, after = map[string]any{}, map[string]any{}
	x, y := fieldsOf(a), fieldsOf(b)
	for k, v := range x {
		if y[k] != v {
			before[k], after[k] = v, y[k]
		}
	}
	return before, after
}

func fieldsOf(p Person) map[string]any {
	return map[string]any{
		"kind": p.Kind, "given": p.Given, "family": p.Family, "preferred": p.Preferred, "born": p.Born, "username": p.Username,
		"email": p.Email, "upn": p.UPN, "mis": p.MIS, "sourced": p.Sourced, "year": p.Year, "class": p.Class, "site": p.Site,
		"from": p.From, "until": p.Until, "no_access": p.NoAccess,
	}
}
