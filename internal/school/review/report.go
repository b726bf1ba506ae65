package review

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/trend"
)

// Facts is what reports are made of. House gathers it from the rooms. No child
// is named in any of it.
type Facts interface {
	// Standing is how the policy stood at a moment; the zero time is now.
	Standing(ctx context.Context, at time.Time) (Standing, error)
	// School is what the rooms know besides: terms, trends, what waits, posts.
	School(ctx context.Context, now time.Time) (School, error)
	// Trends is what became more and what less between two moments.
	Trends(ctx context.Context, from, to time.Time) ([]trend.Trend, error)
	// Posts are the holders of a post now, by id, deputies included.
	Posts(ctx context.Context, post string) ([]string, error)
}

// Promise is one clause and how it stands.
type Promise struct {
	ID     string        `json:"id"`
	Area   string        `json:"area"`
	Text   string        `json:"text"`
	State  control.State `json:"state"`
	Figure string        `json:"figure,omitempty"`
	Todo   string        `json:"todo,omitempty"`
	Owner  string        `json:"owner,omitempty"`
	Slug   string        `json:"slug,omitempty"` // of its worst control
	Since  time.Time     `json:"since"`          // that control has been so
}

// Standing is the policy and each of its promises.
type Standing struct {
	Title    string    `json:"title"` // "" while none is in force
	Version  string    `json:"version"`
	Approved bool      `json:"approved"`
	At       time.Time `json:"at"`
	Promises []Promise `json:"promises"`
}

// Wait is how much of one kind waits, and since when; never what.
type Wait struct {
	Title  string    `json:"title"`
	Count  int       `json:"count"`
	Oldest time.Time `json:"oldest"`
	// Pupils: it is about children, so that a small count is hidden from
	// governors.
	Pupils bool `json:"pupils"`
}

// Filled is one post and who holds it.
type Filled struct {
	Post     string `json:"post"`
	Holder   string `json:"holder"` // "" for nobody
	Deputies string `json:"deputies,omitempty"`
	Needed   bool   `json:"needed"`
}

// Turn is one change of who holds a post.
type Turn struct {
	At   time.Time `json:"at"`
	Post string    `json:"post"`
	Name string    `json:"name"`
	Says string    `json:"says"` // "was given it", "has it no longer"
}

// Tally is how often something was done.
type Tally struct {
	What   string `json:"what"`
	Now    int    `json:"now"`
	Before int    `json:"before"`
}

// Span is a stretch of time with its name.
type Span struct {
	Name  string    `json:"name"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// School is what the rooms know besides the policy.
type School struct {
	Name       string   `json:"name"`
	Statements []string `json:"statements"` // what every report must say
	Term       Span     `json:"term"`
	Before     Span     `json:"before"` // the term before
	Waits      []Wait   `json:"waits"`
	Posts      []Filled `json:"posts"`
	Turns      []Turn   `json:"turns"` // of this month
	// Looks says who looks at urgent things out of hours.
	Looks []string `json:"looks,omitempty"`
}

// Counts is how many promises stand how.
type Counts struct {
	Kept    int `json:"kept"`
	AtRisk  int `json:"at_risk"`
	Broken  int `json:"broken"`
	Unknown int `json:"unknown"`
	Off     int `json:"not_applicable"`
	Words   int `json:"words_only"`
}

// Area is one part of the policy.
type Area struct {
	Name string `json:"name"`
	Counts
}

// Movement is one trend, this term against the one before.
type Movement struct {
	trend.Trend
	// Before is the total of the term before, -1 where it is hidden.
	Before int  `json:"before"`
	Known  bool `json:"known"` // the term before was counted
}

// The kinds of report.
const (
	ForHead  = "head"
	ForBoard = "governors"
)

// Report is everything that one page shows, and that is kept when a report is
// made.
type Report struct {
	Kind     string     `json:"kind"`
	MadeAt   time.Time  `json:"made_at"`
	Standing Standing   `json:"standing"`
	Counts   Counts     `json:"counts"`
	Areas    []Area     `json:"areas"`
	School   School     `json:"school"`
	Trends   []Movement `json:"trends"`
	Filter   []Tally    `json:"filter"`
	// Journal is where the record of who did what ended: whoever keeps this
	// report can tell that nothing before was altered.
	Journal journal.Head `json:"journal"`
}

// Make gathers a report as things stand now; with a day it shows how the
// promises stood then.
func (r *Room) Make(ctx context.Context, kind string, on time.Time) (Report, error) {
	now := r.d.Clock.Now()
	out := Report{Kind: kind, MadeAt: now.UTC()}
	var err error
	if out.Standing, err = r.d.Facts.Standing(ctx, on); err != nil {
		return out, fmt.Errorf("asking how the promises stand: %w", err)
	}
	out.Counts, out.Areas = count(out.Standing.Promises)
	if out.School, err = r.d.Facts.School(ctx, now); err != nil {
		return out, fmt.Errorf("asking what a report needs: %w", err)
	}
	if out.Trends, out.Filter, err = r.movements(ctx, kind, out.School, now); err != nil {
		return out, err
	}
	if out.Journal, err = r.d.Journal.Head(ctx); err != nil {
		return out, err
	}
	if kind == ForBoard {
		out.School.Turns = nil
		for i, w := range out.School.Waits {
			if w.Pupils && w.Count > 0 && w.Count <= trend.Hidden {
				out.School.Waits[i].Count = -1
			}
		}
	}
	return out, nil
}

// count counts promises, all and by area in the policy's order.
func count(list []Promise) (all Counts, areas []Area) {
	at := map[string]int{}
	for _, p := range list {
		i, known := at[p.Area]
		if !known {
			i = len(areas)
			at[p.Area], areas = i, append(areas, Area{Name: p.Area})
		}
		all.add(p.State)
		areas[i].add(p.State)
	}
	return all, areas
}

func (c *Counts) add(s control.State) {
	switch s {
	case control.Kept:
		c.Kept++
	case control.AtRisk:
		c.AtRisk++
	case control.Broken:
		c.Broken++
	case control.NotApplicable:
		c.Off++
	case control.WordsOnly:
		c.Words++
	default:
		c.Unknown++
	}
}

// In returns the promises of one state, in the policy's order. Those that one
// control brings down stand together, behind the first.
func (s Standing) In(state control.State) []Promise {
	var out []Promise
	for _, p := range s.Promises {
		if p.State == state {
			out = append(out, p)
		}
	}
	return out
}

// movements are the trends of this term against the one before, and the
// changes of the filter. For the governors small counts are hidden.
func (r *Room) movements(ctx context.Context, kind string, s School, now time.Time) ([]Movement, []Tally, error) {
	c, err := r.counted(ctx, s, now)
	if err != nil {
		return nil, nil, fmt.Errorf("counting what became more and what less: %w", err)
	}
	past := map[string]trend.Trend{}
	for _, t := range c.before {
		past[t.Title] = t
	}
	out := make([]Movement, 0, len(c.term))
	for _, t := range c.term {
		m := Movement{Trend: t}
		old, known := past[t.Title]
		if kind == ForBoard {
			m.Trend, old = t.Guarded(), old.Guarded()
			m.Link = ""
		}
		m.Known, m.Before = known && len(old.Points) > 0, old.Total()
		out = append(out, m)
	}
	return out, c.filter, nil
}

// counts are what was counted of two terms.
type counts struct {
	at, from     time.Time
	term, before []trend.Trend
	filter       []Tally
}

// countsHold is how long counts are kept: they move slowly, and several pages
// ask.
const countsHold = 20 * time.Second

// counted counts two terms, or returns what was counted a moment ago.
func (r *Room) counted(ctx context.Context, s School, now time.Time) (counts, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.last; !c.at.IsZero() && c.from.Equal(s.Term.From) && !now.Before(c.at) && now.Sub(c.at) < countsHold {
		return c, nil
	}
	c := counts{at: now, from: s.Term.From}
	var err error
	if c.term, err = r.d.Facts.Trends(ctx, s.Term.From, now); err != nil {
		return c, err
	}
	if !s.Before.From.IsZero() {
		if c.before, err = r.d.Facts.Trends(ctx, s.Before.From, s.Before.Until); err != nil {
			return c, err
		}
	}
	if c.filter, err = r.filterChanges(ctx, s, now); err != nil {
		return c, err
	}
	r.last = c
	return c, nil
}

// filterVerbs are what the filter's change log is counted by.
var filterVerbs = []struct {
	what  string
	verbs []journal.Verb
}{
	{"Changes of what is open or closed", []journal.Verb{"filter.changed"}},
	{"Went back to an earlier version", []journal.Verb{"filter.rolledback"}},
	{"Attempts to change it that were refused", []journal.Verb{"filter.change-refused"}},
	{"Lists taken up", []journal.Verb{"list.imported"}},
	{"Lists refused", []journal.Verb{"list.refused"}},
	{"Sites opened for a lesson", []journal.Verb{"unblock.granted"}},
}

// filterChanges counts the filter's change log, this term and the one before.
func (r *Room) filterChanges(ctx context.Context, s School, now time.Time) ([]Tally, error) {
	var out []Tally
	for _, f := range filterVerbs {
		t := Tally{What: f.what}
		var err error
		if t.Now, err = r.countOf(ctx, f.verbs, s.Term.From, now); err != nil {
			return nil, err
		}
		if !s.Before.From.IsZero() {
			if t.Before, err = r.countOf(ctx, f.verbs, s.Before.From, s.Before.Until); err != nil {
				return nil, err
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// mostCounted bounds how far a count of journal lines goes.
const mostCounted = 5000

// countOf counts the journal's lines of some verbs between two moments.
func (r *Room) countOf(ctx context.Context, verbs []journal.Verb, from, to time.Time) (int, error) {
	f := journal.Filter{Verbs: verbs, From: from, To: to, Limit: 500}
	n := 0
	for n < mostCounted {
		lines, err := r.d.Journal.List(ctx, f)
		if err != nil {
			return 0, fmt.Errorf("counting the changes of the filter: %w", err)
		}
		n += len(lines)
		if len(lines) < f.Limit {
			break
		}
		f.Before = lines[len(lines)-1].Seq
	}
	return n, nil
}
