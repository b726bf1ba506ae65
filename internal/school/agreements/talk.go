package agreements

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Talk is one class's talk about the rules, once a school year.
type Talk struct {
	ID      string
	Year    string // the year in which the school year began
	Class   string
	Day     people.Day
	Teacher string // who held it
	Present int
	By      string
	At      store.Time
	// Absent are those who missed it, with the day on which they had it after
	// all; "" for not yet.
	Absent []Absence
}

// Absence is a pupil who missed the talk.
type Absence struct {
	Person people.ID
	Caught people.Day
}

// Open counts those who have not had the talk yet.
func (t Talk) Open() int {
	n := 0
	for _, a := range t.Absent {
		if a.Caught == "" {
			n++
		}
	}
	return n
}

// schoolYear is the year in which the school year of a day began.
func schoolYear(d people.Day) string {
	if len(d) < 10 {
		return ""
	}
	y, err := strconv.Atoi(string(d[:4]))
	if err != nil {
		return ""
	}
	if d[5:7] < "09" {
		y--
	}
	return strconv.Itoa(y)
}

// talkDue is the day by which every class must have talked.
func talkDue(v *setting.Values, year string) people.Day {
	return people.Day(year + "-" + v.Choice(KeyTalk))
}

// ClassTalk is how a class stands this school year.
type ClassTalk struct {
	Class  string
	Pupils int
	Talk   *Talk // nil: not yet
}

// Talks is how every class stands this school year.
func (r *Room) Talks(ctx context.Context) ([]ClassTalk, error) {
	today, err := r.today(ctx)
	if err != nil {
		return nil, err
	}
	sizes := map[string]int{}
	err = r.People.Each(ctx, people.Filter{Kind: people.Pupil}, func(p people.Person) error {
		if p.Class != "" {
			sizes[p.Class]++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	held, err := talks(ctx, r.DB, schoolYear(today))
	if err != nil {
		return nil, err
	}
	out := make([]ClassTalk, 0, len(sizes))
	for class, n := range sizes {
		out = append(out, ClassTalk{Class: class, Pupils: n, Talk: held[class]})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Class < out[j].Class })
	return out, nil
}

// members are the pupils of a class who are here.
func (r *Room) members(ctx context.Context, class string) ([]people.Person, error) {
	if class == "" {
		return nil, store.ErrNotFound
	}
	var out []people.Person
	err := r.People.Each(ctx, people.Filter{Kind: people.Pupil, Class: class}, func(p people.Person) error {
		out = append(out, p)
		return nil
	})
	if err == nil && len(out) == 0 {
		err = store.ErrNotFound
	}
	return out, err
}

// RecordTalk keeps that a class has talked about the rules.
func (r *Room) RecordTalk(ctx context.Context, t Talk) error {
	today, err := r.today(ctx)
	if err != nil {
		return err
	}
	members, err := r.members(ctx, t.Class)
	if err != nil {
		return err
	}
	t.ID, t.Year, t.Teacher = store.NewID(r.Clock.Now()), schoolYear(today), clean(t.Teacher)
	t.By, t.At = actor.From(ctx).ID, store.At(r.Clock.Now())
	if err := t.check(today, members); err != nil {
		return err
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		fresh, err := insertTalk(ctx, tx, t)
		if err != nil {
			return err
		}
		if !fresh {
			return store.Invalid{"": "The talk of class " + t.Class + " is recorded already for this school year."}
		}
		r.changes(tx, "")
		return r.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbTalk, Kind: "class", ID: t.Class, After: map[string]any{"day": t.Day, "present": t.Present, "absent": len(t.Absent)},
			Rows: []journal.Row{{Table: "class_talks", ID: t.ID}},
		})
	})
}

func (t Talk) check(today people.Day, members []people.Person) error {
	bad := store.Invalid{}
	switch {
	case !t.Day.Valid() || t.Day > today:
		bad["day"] = "Give the day of the talk, such as 14 9 2026."
	case schoolYear(t.Day) != t.Year:
		bad["day"] = "This day is in an earlier school year. The rules are talked about anew each year."
	}
	if t.Teacher == "" || len(t.Teacher) > maxName {
		bad["teacher"] = "Say who held the talk."
	}
	for _, a := range t.Absent {
		if !slices.ContainsFunc(members, func(p people.Person) bool { return p.ID == a.Person }) {
			bad["absent"] = "Somebody ticked is not in this class. Open the page again."
		}
	}
	if t.Present < 1 || t.Present+len(t.Absent) > len(members) {
		bad["present"] = fmt.Sprintf("Say how many were there. The class has %d pupils, and %d are ticked as absent.", len(members), len(t.Absent))
	}
	return bad.OrNil()
}

// CatchUp keeps that somebody who missed the talk has had it.
func (r *Room) CatchUp(ctx context.Context, class string, who []people.ID) error {
	today, err := r.today(ctx)
	if err != nil {
		return err
	}
	held, err := talks(ctx, r.DB, schoolYear(today))
	if err != nil {
		return err
	}
	t := held[class]
	if t == nil {
		return store.ErrNotFound
	}
	if len(who) == 0 {
		return store.Invalid{"absent": "Tick who has had the talk meanwhile."}
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		for _, id := range who {
			if err := catchUp(ctx, tx, t.ID, id, today); err != nil {
				return err
			}
		}
		r.changes(tx, "")
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbCaught, Kind: "class", ID: class, After: map[string]any{"pupils": who, "day": today}})
	})
}
