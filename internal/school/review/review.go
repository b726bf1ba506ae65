// Package review is where everything comes together for the one who looks:
// the tray on the home page, the pages of the head teacher and the governors,
// the reports that they sign, the journal, and the health of the machine. It
// imports no room: rooms offer what waits and what they know through small
// functions that house plugs in, and review writes in none of them. What it
// keeps itself are the reports as they were made, and who signed them.
package review

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// What somebody may look at.
const (
	MayReadJournal actor.Capability = "journal.read"
	MayReadHealth  actor.Capability = "health.read"
	MayReadHead    actor.Capability = "review.head"
	MayReadBoard   actor.Capability = "review.governors"
)

// Grants say who reads the pages for the head and for the governors.
func Grants() []access.Grant {
	head := []actor.Capability{MayReadHead, MayReadBoard}
	board := []actor.Capability{MayReadBoard}
	return []access.Grant{
		{Post: people.Headteacher, May: head},
		{Post: people.DeputyHead, May: head},
		{Post: people.SafeguardingLead, May: board},
		{Post: people.OnlineSafetyLead, May: board},
		{Audience: people.Governor, May: board},
		{Post: people.ChairOfGovernors, May: board},
		{Post: people.SafeguardingGovernor, May: board},
	}
}

// Promises is the state of the policy in one line.
type Promises struct {
	Policy  string // "Online safety policy, version 2.0"; "" when none is in force
	Kept    int
	AtRisk  int
	Broken  int
	Unknown int
	Words   int // promises with no control behind them
	Checked time.Time
}

// Check is one line of the machine's health.
type Check struct {
	Name  string
	State control.State
	Words string // what is so
	Todo  string // what to do, when it is not well
}

// Source is one room's part of the tray. Name is how a page says where it
// would come from: "concerns".
type Source struct {
	Name    string
	Waiting func(context.Context, actor.Actor) ([]web.Item, error)
}

// Deps is what the room needs. Every function may be slow only by
// milliseconds: they are asked for each page.
type Deps struct {
	DB       *store.DB
	Journal  *journal.Journal
	Clock    clock.Clock
	Live     *setting.Live
	Waiting  func() []Source
	Promises func(context.Context) (Promises, error)
	Health   func(context.Context) []Check
	Names    func(ctx context.Context, actorID string) string // how a page says an actor
	// Private reports whether what a line of this kind tells beyond that it
	// happened (whose web history was looked at, and why) is for the head
	// teacher alone. May be nil.
	Private func(kind string) bool
	// Facts is what reports are made of.
	Facts Facts
	Days  duty.SchoolDays
	// Notices tells by mail; nil: nobody is mailed.
	Notices notice.Sender
}

// Room is the review.
type Room struct {
	d Deps

	mu   sync.Mutex
	last counts
}

// New returns the room.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Live == nil || d.Waiting == nil || d.Promises == nil || d.Health == nil || d.Names == nil || d.Facts == nil || d.Days == nil {
		return nil, errors.New("the review needs records, a journal, a clock, settings, a tray, promises, health, names and facts")
	}
	return &Room{d: d}, nil
}

// hidden reports whether the actor may not see the detail of a line.
func (r *Room) hidden(a actor.Actor, l journal.Line) bool {
	return r.d.Private != nil && r.d.Private(l.Kind) && !a.Holds(headteacher)
}

// visible leaves out the lines that an actor may not know of: when something
// reached the safeguarding tray or the case log, and who opened it, is for
// those who have the tray, and for the head. What is about staff is for the
// head alone, and what is about the head for no reader of a page: it stands in
// the journal for whoever keeps the machine.
func visible(a actor.Actor, lines []journal.Line) []journal.Line {
	head := a.Holds(headteacher)
	return slices.DeleteFunc(lines, func(l journal.Line) bool {
		switch l.Kind {
		case "signal", "concern":
			return !head && !a.May("safeguarding.tray")
		case "concern-staff":
			return !head
		case "concern-head", "concern-list":
			// The looks at lists are left out as well: they are many, so that a
			// number that is missing tells nothing.
			return true
		}
		return false
	})
}

// headteacher is the post that may see every detail.
const headteacher = string(people.Headteacher)

// Tray returns what waits for the actor: highest risk first, then longest
// waiting. A part that could not be asked is an error, beside what the others
// said.
func (r *Room) Tray(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	items, failed, err := r.tray(ctx, a)
	if len(failed) > 0 {
		err = fmt.Errorf("asking what waits in %s: %w", words.And(failed), err)
	}
	return items, err
}

// gathered is a tray, with the names of the parts that could not be asked.
type gathered struct {
	items  []web.Item
	failed []string
	err    error
}

// gatheredFor is whose tray a request has asked for: the page and the light
// above it show the same one.
type gatheredFor struct{ actor string }

// tray is Tray with the names of the parts that could not be asked.
func (r *Room) tray(ctx context.Context, a actor.Actor) (items []web.Item, failed []string, err error) {
	g, err := web.Once(ctx, gatheredFor{a.ID}, func() (gathered, error) { return r.gather(ctx, a), nil })
	if err != nil {
		return nil, nil, err
	}
	return slices.Clone(g.items), g.failed, g.err
}

func (r *Room) gather(ctx context.Context, a actor.Actor) gathered {
	var g gathered
	var errs []error
	for _, w := range r.d.Waiting() {
		more, err := w.Waiting(ctx, a)
		if err != nil {
			g.failed, errs = append(g.failed, w.Name), append(errs, err)
		}
		g.items = append(g.items, more...)
	}
	Order(g.items)
	g.err = errors.Join(errs...)
	return g
}

// Order sorts a tray.
func Order(items []web.Item) {
	sort.SliceStable(items, func(i, j int) bool {
		if items[i].Risk != items[j].Risk {
			return items[i].Risk > items[j].Risk
		}
		return items[i].Since.Before(items[j].Since)
	})
}

// Beacon says what the light at the top of the page stands for.
func (r *Room) Beacon(ctx context.Context, a actor.Actor) (web.Beacon, error) {
	items, err := r.Tray(ctx, a)
	if err != nil {
		return web.Beacon{}, err
	}
	b := web.Beacon{Waiting: len(items)}
	p, err := r.d.Promises(ctx)
	if err != nil {
		return web.Beacon{}, err
	}
	b.Checked = p.Checked
	if a.May("evidence.read") {
		b.NotKept, b.Unknown = p.Broken, p.Unknown
	}
	return b, nil
}
