// Package register is the kernel of plain logs: what was taken away, lent,
// viewed, checked. A register declares its fields and at most two rules, and
// gets a list with filter, sorting and pages, forms that refuse a stale edit,
// closing, sign-off, voiding (nothing is ever silently deleted), export,
// printing, a journal with every change of every field, retention by a
// setting, and a capability for each of these.
//
// A field is declared with a function that returns a pointer into the record.
// It serves SQL, forms, export and the journal alike, and a wrong type does
// not compile.
//
// The stop rule: what needs a second table, more states than open, closed and
// void, or more than the hooks Check and Close is not a register but a room.
package register

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
)

// State is where a record stands.
type State string

// The states.
const (
	Open   State = "open"
	Closed State = "closed"
	Void   State = "void" // entered by mistake; stays, with the reason
)

// Entry is what every record has. A record type embeds it.
type Entry struct {
	ID           string
	Version      int64
	State        State
	MadeBy       string // actor
	MadeName     string
	MadeAt       time.Time
	ChangedName  string
	ChangedAt    time.Time
	ClosedAt     time.Time
	ReviewedBy   string
	ReviewedName string
	ReviewedAt   time.Time
	VoidReason   string
}

func (e *Entry) entry() *Entry { return e }

// Record is a pointer to a type that embeds Entry.
type Record[T any] interface {
	*T
	entry() *Entry
}

// Spec declares a register.
type Spec[T any] struct {
	Name       string // the table, and its place in addresses: "confiscations"
	Title      string // "Confiscated devices"
	One        string // "confiscated device"
	Lead       string // a sentence below the title
	CloseTitle string // the button that ends a record; "" is "Close this record"
	// Keep is the setting that says how long a closed record stays.
	Keep         string
	Fields       []Field[T]
	Settings     []setting.Setting
	Requirements []string
	// Marking is printed on every page of the register.
	Marking string
	// Check says what is wrong with a record that is about to be saved.
	Check func(r *T, now time.Time) error
	// Close says what still stands in the way of closing, field by field.
	Close func(r *T, now time.Time) store.Invalid
}

// Register is a checked declaration.
type Register[T any, P Record[T]] struct {
	Spec[T]
	err error
}

// New checks a declaration; what is wrong with it comes out when it is opened.
func New[T any, P Record[T]](s Spec[T]) *Register[T, P] {
	if s.CloseTitle == "" {
		s.CloseTitle = "Close this record"
	}
	return &Register[T, P]{Spec: s, err: check(s)}
}

func check[T any](s Spec[T]) error {
	if !plain(s.Name) || s.Title == "" || s.One == "" || s.Keep == "" {
		return fmt.Errorf("the register %q needs a plain name, a title, a word for one record, and how long it is kept", s.Name)
	}
	seen := map[string]bool{}
	for _, c := range entryColumns {
		seen[c] = true
	}
	listed := 0
	for _, f := range s.Fields {
		if !plain(f.Name) || f.Label == "" || seen[f.Name] {
			return fmt.Errorf("the field %q of the register %s needs a plain name of its own and a label", f.Name, s.Name)
		}
		seen[f.Name] = true
		if f.opt.listed {
			listed++
		}
	}
	if listed == 0 {
		return fmt.Errorf("the register %s lists none of its fields", s.Name)
	}
	return nil
}

func plain(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// May returns the capability for one thing to do: "read", "write", "review",
// "export".
func (g *Register[T, P]) May(what string) actor.Capability {
	return actor.Capability("registers." + g.Name + "." + what)
}

// Capabilities are all of the register's.
func (g *Register[T, P]) Capabilities() []actor.Capability {
	return []actor.Capability{g.May("read"), g.May("write"), g.May("review"), g.May("export")}
}

// Protected is the register's table, which the journal covers.
func (g *Register[T, P]) Protected() []journal.Protected {
	return []journal.Protected{{Table: g.Name, Key: "id"}}
}

// Verbs are the register's.
func (g *Register[T, P]) Verbs() []journal.VerbInfo {
	say := func(what, says string) journal.VerbInfo {
		return journal.VerbInfo{Verb: g.verb(what), Says: fmt.Sprintf(says, g.One)}
	}
	return []journal.VerbInfo{
		say("recorded", "A record of a %s was made."), say("changed", "A record of a %s was changed."),
		say("closed", "A record of a %s was closed."), say("reviewed", "A record of a %s was looked at and signed off."),
		say("voided", "A record of a %s was marked as made by mistake."),
		say("removed", "A record of a %s was removed when its time was over."),
		say("exported", "The register of every %s was exported."),
	}
}

func (g *Register[T, P]) verb(what string) journal.Verb { return journal.Verb(g.Name + "." + what) }

// People resolves references to people. House plugs school/people in.
type People interface {
	// Person returns how pages name the person, or false.
	Person(ctx context.Context, id string) (string, bool, error)
	// FindPeople returns up to limit people whose name or username matches.
	FindPeople(ctx context.Context, words string, limit int) ([]PersonChoice, error)
}

// PersonChoice is one person found.
type PersonChoice struct{ ID, Name string }

// Deps is what a Room needs.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Clock   clock.Clock
	Live    *setting.Live
	People  People                // needed where a field is a person
	Zone    func() *time.Location // nil: UTC
}

// Room is a register at work.
type Room[T any, P Record[T]] struct {
	*Register[T, P]
	Deps
}

// Open puts the register to work.
func (g *Register[T, P]) Open(d Deps) (*Room[T, P], error) {
	if g.err != nil {
		return nil, g.err
	}
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Live == nil {
		return nil, fmt.Errorf("the register %s needs records, a journal, a clock and the settings", g.Name)
	}
	if d.Zone == nil {
		d.Zone = func() *time.Location { return time.UTC }
	}
	for _, f := range g.Fields {
		if f.kind == personKind && d.People == nil {
			return nil, fmt.Errorf("the register %s has people in it and nobody to name them", g.Name)
		}
	}
	return &Room[T, P]{g, d}, nil
}

// SettingList is the register's settings.
func (g *Register[T, P]) SettingList() []setting.Setting { return g.Spec.Settings }

// Tasks remove what was closed longer ago than the school keeps it.
func (m *Room[T, P]) Tasks() []tasks.Task {
	return []tasks.Task{{Name: "registers." + m.Name + ".retention", At: "03:10", Limit: 10 * time.Minute, Removes: true, Run: func(ctx context.Context) error {
		_, err := m.Retain(ctx)
		return err
	}}}
}

// allow refuses an actor without the capability.
func (m *Room[T, P]) allow(ctx context.Context, what string) error {
	if !actor.From(ctx).May(m.May(what)) {
		return store.ErrForbidden
	}
	return nil
}

// validate runs every field's own rules and the register's Check.
func (m *Room[T, P]) validate(ctx context.Context, r *T) error {
	bad := store.Invalid{}
	for _, f := range m.Fields {
		why, err := m.wrong(ctx, f, r)
		if err != nil {
			return err
		}
		if why != "" {
			bad[f.Name] = why
		}
	}
	if len(bad) == 0 && m.Check != nil {
		err := m.Check(r, m.Clock.Now())
		var more store.Invalid
		if err != nil && !errors.As(err, &more) {
			return err
		}
		maps.Copy(bad, more)
	}
	return bad.OrNil()
}

// wrong adds to the field's own rules that a person must be on the roll.
func (m *Room[T, P]) wrong(ctx context.Context, f Field[T], r *T) (string, error) {
	if why := f.wrong(r); why != "" || f.kind != personKind {
		return why, nil
	}
	id := f.text(r, time.UTC)
	if id == "" {
		return "", nil
	}
	_, ok, err := m.People.Person(ctx, id)
	if err != nil || ok {
		return "", err
	}
	return "There is nobody of this name on the roll.", nil
}

// diff returns the fields that differ, before and after, as the journal keeps
// them.
func (m *Room[T, P]) diff(a, b *T) (before, after map[string]string) {
	before, after = map[string]string{}, map[string]string{}
	for _, f := range m.Fields {
		if x, y := f.text(a, m.Zone()), f.text(b, m.Zone()); x != y {
			before[f.Name], after[f.Name] = x, y
		}
	}
	return before, after
}
