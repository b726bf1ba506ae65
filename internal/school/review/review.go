// Package review is where everything comes together for the one who looks:
// the tray on the home page, the journal, and the health of the machine. It
// imports no room: rooms offer what waits and what they know through small
// functions that house plugs in, and review writes in none of them.
package review

import (
	"context"
	"errors"
	"slices"
	"sort"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/web"
)

// What somebody may look at.
const (
	MayReadJournal actor.Capability = "journal.read"
	MayReadHealth  actor.Capability = "health.read"
)

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

// Deps is what the room needs. Every function may be slow only by
// milliseconds: they are asked for each page.
type Deps struct {
	Journal  *journal.Journal
	Waiting  []func(context.Context, actor.Actor) ([]web.Item, error)
	Promises func(context.Context) (Promises, error)
	Health   func(context.Context) []Check
	Names    func(ctx context.Context, actorID string) string // how a page says an actor
	// Private reports whether what a line of this kind tells beyond that it
	// happened (whose web history was looked at, and why) is for the head
	// teacher alone. May be nil.
	Private func(kind string) bool
}

// Room is the review.
type Room struct{ d Deps }

// New returns the room.
func New(d Deps) (*Room, error) {
	if d.Journal == nil || d.Promises == nil || d.Health == nil || d.Names == nil {
		return nil, errors.New("the review needs a journal, promises, health and names")
	}
	return &Room{d}, nil
}

// hidden reports whether the actor may not see the detail of a line.
func (r *Room) hidden(a actor.Actor, l journal.Line) bool {
	return r.d.Private != nil && r.d.Private(l.Kind) && !a.Holds(headteacher)
}

// visible leaves out the lines that an actor may not know of: when something
// reached the safeguarding tray, and who opened it, is for those who have the
// tray, and for the head.
func visible(a actor.Actor, lines []journal.Line) []journal.Line {
	if a.May("safeguarding.tray") || a.Holds(headteacher) {
		return lines
	}
	return slices.DeleteFunc(lines, func(l journal.Line) bool { return l.Kind == "signal" })
}

// headteacher is the post that may see every detail.
const headteacher = "headteacher"

// Tray returns what waits for the actor: highest risk first, then longest
// waiting.
func (r *Room) Tray(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	var items []web.Item
	for _, w := range r.d.Waiting {
		more, err := w(ctx, a)
		if err != nil {
			return nil, err
		}
		items = append(items, more...)
	}
	Order(items)
	return items, nil
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
