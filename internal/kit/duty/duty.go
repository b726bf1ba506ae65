// Package duty is what somebody must do by when. A room works out what is
// owed from its own records, each time it is asked; only what people said
// about it (done, given to somebody else, excused) is kept. What is late goes
// up, step by step, counted in school days.
//
// On pages a duty is called a task.
package duty

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

// Schema is the table of duties.
//
//go:embed schema/*.sql
var Schema embed.FS

// Protected are the tables that the journal covers.
var Protected = []journal.Protected{{Table: "duties", Key: "id"}, {Table: "calendar_feeds", Key: "person"}}

// The journal's verbs.
const (
	VerbDone    journal.Verb = "task.done"
	VerbGiven   journal.Verb = "task.given"
	VerbExcused journal.Verb = "task.excused"
	VerbFeed    journal.Verb = "calendar.opened"
	VerbNoFeed  journal.Verb = "calendar.closed"
)

// Verbs declares them.
var Verbs = []journal.VerbInfo{
	{Verb: VerbDone, Says: "Somebody said that a task is done."},
	{Verb: VerbGiven, Says: "A task was given to somebody else."},
	{Verb: VerbExcused, Says: "A task was excused until a day, with a reason."},
	{Verb: VerbFeed, Says: "Somebody made a new secret address for their tasks as a calendar."},
	{Verb: VerbNoFeed, Says: "Somebody closed the address of their tasks as a calendar."},
}

// Owed is one thing that somebody owes now. Its ID says which turn it is
// ("policy-review/2026-11"), so that this year's is not done with last year's.
type Owed struct {
	ID    string
	What  string // "Review the online safety policy"
	Step  string // what the button says: "Open it"
	Owner string // the post that owes it
	Since time.Time
	Due   time.Time
	Link  string
	Risk  int // 3 urgent, 2 high, 1 normal
	// ByWord: somebody's word is all that there is to say that it was done.
	// Otherwise it goes away by itself once it is so, and nobody's word does
	// that.
	ByWord bool
}

// Source works out what is owed. Name is the room's, and unique.
type Source struct {
	Name string
	Owed func(ctx context.Context, now time.Time) ([]Owed, error)
}

// SchoolDays counts school days. House plugs the calendar in.
type SchoolDays interface {
	// AddSchoolDays returns the moment n school days after t.
	AddSchoolDays(t time.Time, n int) time.Time
}

// Rung is one step up: from this many school days after the due time the
// holders of the post see it too.
type Rung struct {
	After int
	Post  string
}

// Ladder is who sees what is late, where Deps names no other: the head after
// two school days, the chair of governors after ten.
var Ladder = []Rung{{2, "headteacher"}, {10, "chair-of-governors"}}

// State is what was said about a duty.
type State string

// The states.
const (
	Open    State = ""
	Done    State = "done"
	Given   State = "given"
	Excused State = "excused"
)

// Duty is what is owed, with what was said about it.
type Duty struct {
	Owed
	Key     string // source and id: what Done, Give and Excuse take
	Source  string
	State   State
	GivenTo string // person
	Until   time.Time
	Note    string
	By      string
	At      time.Time
	Late    bool
	// Raised are the posts that see it because it is late.
	Raised []string
}

// Somebody is a person who may be given a task.
type Somebody struct{ ID, Name string }

// People says who is at the school. House plugs the roll in.
type People interface {
	// Staff are those whom a task may be given to, by name.
	Staff(ctx context.Context) ([]Somebody, error)
	// Deputises reports whether a person holds a post only as deputy of
	// somebody who is here.
	Deputises(ctx context.Context, post, person string) (bool, error)
	// Actor is somebody as they would be if they signed in now;
	// store.ErrNotFound when they are no longer here.
	Actor(ctx context.Context, person string) (actor.Actor, error)
}

// Deps is what a Book needs.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Clock   clock.Clock
	Days    SchoolDays
	Sources []Source
	Ladder  []Rung // nil: Ladder
	// Excuses may excuse anybody's duty but their own; "" is headteacher.
	Excuses string
	// People is the roll; nil: tasks stay with the posts, and there is no
	// calendar to subscribe to.
	People People
	// Title says a post as pages do ("head teacher"); nil takes its name.
	Title func(post string) string
	// School is a name for the calendar that no other school has.
	School string
	// Notices tells by mail what is due; nil: nobody is mailed.
	Notices notice.Sender
	// Holds is how long what is owed counts as known while nothing is written:
	// every page asks. Zero works it out each time.
	Holds time.Duration
}

// Book is the duties of the school.
type Book struct {
	Deps
	feeds *gauge

	mu    sync.Mutex
	known known
}

// known is what was owed a moment ago.
type known struct {
	at   time.Time
	turn uint64
	all  []Duty
}

// New returns the book. Two sources of one name are an error.
func New(d Deps) (*Book, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Days == nil {
		return nil, errors.New("tasks of people need records, a journal, a clock and the calendar")
	}
	if d.Ladder == nil {
		d.Ladder = Ladder
	}
	if d.Excuses == "" {
		d.Excuses = "headteacher"
	}
	seen := map[string]bool{}
	for _, s := range d.Sources {
		if s.Name == "" || s.Owed == nil || strings.Contains(s.Name, ":") || seen[s.Name] {
			return nil, fmt.Errorf("the source of tasks %q has no name of its own, or nothing to ask", s.Name)
		}
		seen[s.Name] = true
	}
	if d.Title == nil {
		d.Title = func(post string) string { return strings.ReplaceAll(post, "-", " ") }
	}
	return &Book{Deps: d, feeds: newGauge()}, nil
}

// Failure is a source that could not tell what is owed. Nothing is quietly
// left out: whoever shows duties shows this too.
type Failure struct {
	Source string
	Err    error
}

// All returns every duty that is owed now, the most urgent and the longest
// late first, and the sources that failed. Done and excused ones are left out.
func (b *Book) All(ctx context.Context) ([]Duty, []Failure, error) {
	now, turn := b.Clock.Now(), b.DB.Turn()
	b.mu.Lock()
	was := b.known
	b.mu.Unlock()
	if age := now.Sub(was.at); was.turn == turn && !was.at.IsZero() && age >= 0 && age < b.Holds {
		return slices.Clone(was.all), nil, nil
	}
	all, failed, err := b.workOut(ctx, now)
	if err == nil && len(failed) == 0 {
		b.mu.Lock()
		b.known = known{now, turn, slices.Clone(all)}
		b.mu.Unlock()
	}
	return all, failed, err
}

func (b *Book) workOut(ctx context.Context, now time.Time) ([]Duty, []Failure, error) {
	said, err := b.said(ctx)
	if err != nil {
		return nil, nil, err
	}
	var out []Duty
	var failed []Failure
	if err := b.takeBack(ctx, said); err != nil {
		return nil, nil, err
	}
	for _, s := range b.Sources {
		owed, err := s.Owed(ctx, now)
		if err != nil {
			failed = append(failed, Failure{s.Name, err})
			continue
		}
		for _, o := range owed {
			d := b.join(s.Name, o, said, now)
			if d.State == Open || d.State == Given {
				out = append(out, d)
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].Risk != out[j].Risk {
			return out[i].Risk > out[j].Risk
		}
		return out[i].Due.Before(out[j].Due)
	})
	return out, failed, nil
}

// takeBack returns what was given to somebody who has left to whom owes it.
func (b *Book) takeBack(ctx context.Context, said map[string]Duty) error {
	given := slices.ContainsFunc(slices.Collect(maps.Values(said)), func(d Duty) bool { return d.State == Given })
	if b.People == nil || !given {
		return nil
	}
	staff, err := b.People.Staff(ctx)
	if err != nil {
		return fmt.Errorf("asking who is here: %w", err)
	}
	for key, d := range said {
		here := slices.ContainsFunc(staff, func(s Somebody) bool { return s.ID == d.GivenTo })
		if d.State == Given && !here {
			d.State, d.GivenTo = Open, ""
			said[key] = d
		}
	}
	return nil
}

// join puts together what is owed and what was said about it.
func (b *Book) join(source string, o Owed, said map[string]Duty, now time.Time) Duty {
	d := said[key(source, o.ID)]
	d.Owed, d.Source, d.Key = o, source, key(source, o.ID)
	if d.State == Excused && !now.Before(d.Until) {
		d.State = Open // its time is over
	}
	d.Late = !o.Due.IsZero() && now.After(o.Due)
	for _, r := range b.Ladder {
		if d.Late && !now.Before(b.Days.AddSchoolDays(o.Due, r.After)) && r.Post != o.Owner {
			d.Raised = append(d.Raised, r.Post)
		}
	}
	return d
}

func key(source, id string) string { return source + ":" + id }

// sees reports whether the duty is the actor's to see: the owner's, whoever
// it was given to, and those it was raised to.
func (d Duty) sees(a actor.Actor) bool {
	return d.owns(a) || slices.ContainsFunc(d.Raised, a.Holds)
}

// owns reports whether the actor has to do it.
func (d Duty) owns(a actor.Actor) bool {
	if d.State == Given && d.GivenTo != "" {
		return a.Person == d.GivenTo
	}
	return a.Holds(d.Owner)
}

// Waiting returns what the actor owes, and what was raised to them, for the
// tray.
func (b *Book) Waiting(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	all, failed, err := b.All(ctx)
	if err != nil {
		return nil, err
	}
	var items []web.Item
	for _, d := range all {
		if !d.sees(a) {
			continue
		}
		early, err := b.early(ctx, d, a)
		if err != nil {
			return nil, err
		}
		if early {
			continue
		}
		title, risk := d.What, max(1, d.Risk)
		if d.Late {
			title, risk = d.What+" (late)", min(3, risk+1)
		}
		items = append(items, web.Item{Key: d.Key, Title: title, Step: d.Step, Link: d.Link, Risk: risk, Since: d.Since, Room: d.Source})
	}
	var errs []error
	for _, f := range failed {
		errs = append(errs, fmt.Errorf("working out what %s owes: %w", f.Source, f.Err))
	}
	return items, errors.Join(errs...)
}

// early reports whether the actor is a deputy who need not think of it yet:
// whoever they stand in for has until it is due.
func (b *Book) early(ctx context.Context, d Duty, a actor.Actor) (bool, error) {
	if b.People == nil || d.State == Given || !a.Holds(d.Owner) || d.Due.IsZero() || !b.Clock.Now().Before(d.Due) {
		return false, nil
	}
	return b.People.Deputises(ctx, d.Owner, a.Person)
}

// find returns an owed duty by its key.
func (b *Book) find(ctx context.Context, key string) (Duty, error) {
	all, failed, err := b.All(ctx)
	if err != nil {
		return Duty{}, err
	}
	for _, d := range all {
		if d.Key == key {
			return d, nil
		}
	}
	for _, f := range failed {
		if strings.HasPrefix(key, f.Source+":") {
			return Duty{}, f.Err
		}
	}
	return Duty{}, store.ErrNotFound
}
