package agreements

import (
	"context"
	"sort"

	"belisha/internal/school/people"
)

// book is everybody who is here with what they have signed, on one day.
type book struct {
	lens
	people []people.Person
	marks  map[people.ID][]mark
	policy Policy
	inUse  bool // there is a policy in force
	read   map[people.ID]bool
}

// book opens the book of today.
func (r *Room) book(ctx context.Context) (*book, error) {
	l, err := r.lens(ctx)
	if err != nil {
		return nil, err
	}
	b := &book{lens: l}
	if b.people, err = r.everybody(ctx, l.today); err != nil {
		return nil, err
	}
	if b.marks, err = r.allMarks(ctx); err != nil {
		return nil, err
	}
	if b.policy, b.inUse, err = r.policy(ctx); err != nil || !b.inUse {
		return b, err
	}
	b.read, err = readers(ctx, r.DB, b.policy.Title, b.policy.edition())
	return b, err
}

// here is everybody who is here on a day.
type here struct {
	day    people.Day
	people []people.Person
}

// everybody reads who is here today. It is remembered until anything is
// written, and never from one day to the next.
func (r *Room) everybody(ctx context.Context, today people.Day) ([]people.Person, error) {
	read := func() (here, error) {
		h := here{day: today}
		err := r.People.Each(ctx, people.Filter{}, func(p people.Person) error {
			h.people = append(h.people, p)
			return nil
		})
		return h, err
	}
	h, err := r.here.Get(r.DB, read)
	if err == nil && h.day != today {
		h, err = read()
	}
	return h.people, err
}

// Lack is somebody who has not signed.
type Lack struct {
	Person people.Person
	Roles  []Role
	Grace  bool
}

// Count is how a sheet stands.
type Count struct {
	Sheet  Sheet
	Number int64 // of the edition in force, 0 for none
	Asked  bool  // an edition binds
	Scope  int
	Signed int
	Lacks  []Lack
}

// Percent is the share that has signed, rounded down: 399 of 400 is 99.
func (c Count) Percent() int {
	if c.Scope == 0 {
		return 0
	}
	return c.Signed * 100 / c.Scope
}

// counts is how every sheet stands that the school asks for.
func (b *book) counts() []Count {
	at := map[Sheet]*Count{}
	var out []*Count
	for _, info := range Sheets {
		if info.Sheet == ExternalSheet || !b.asks(info.Item) {
			continue
		}
		c := &Count{Sheet: info.Sheet, Asked: b.k.bound(info.Sheet, b.today) > 0}
		if e, ok := b.k.current(info.Sheet); ok {
			c.Number = e.Number
		}
		at[info.Sheet] = c
		out = append(out, c)
	}
	for _, p := range b.people {
		b.count(p, at)
	}
	done := make([]Count, 0, len(out))
	for _, c := range out {
		done = append(done, *c)
	}
	return done
}

func (b *book) asks(item string) bool {
	for _, a := range b.audiences {
		if a == item {
			return true
		}
	}
	return false
}

// count puts one person into the counts.
func (b *book) count(p people.Person, at map[Sheet]*Count) {
	var last Sheet
	for _, n := range b.needs(p) {
		c := at[n.Sheet]
		if c == nil {
			continue
		}
		if n.Sheet != last {
			c.Scope++
			c.Signed++
		}
		fresh := n.Sheet != last // the needs of a sheet follow each other
		last = n.Sheet
		if b.k.bound(n.Sheet, b.today) > 0 && b.met(n, b.marks[p.ID]) {
			continue
		}
		if k := len(c.Lacks); !fresh && k > 0 && c.Lacks[k-1].Person.ID == p.ID {
			c.Lacks[k-1].Roles = append(c.Lacks[k-1].Roles, n.Role)
			continue
		}
		c.Signed--
		c.Lacks = append(c.Lacks, Lack{Person: p, Roles: []Role{n.Role}, Grace: b.inGrace(p)})
	}
}

// Counts is how every sheet stands that the school asks for.
func (r *Room) Counts(ctx context.Context) ([]Count, error) {
	b, err := r.book(ctx)
	if err != nil {
		return nil, err
	}
	return b.counts(), nil
}

// Cut is whom holding an audience cuts off on a day.
type Cut struct {
	Now     int // held at once
	Later   int // held when their days of grace are over
	Classes []ClassCut
}

// ClassCut is how many of a class.
type ClassCut struct {
	Class string
	N     int
}

// cut counts whom hold would cut off.
func (b *book) cut(audience string) Cut {
	var c Cut
	classes := map[string]int{}
	for _, p := range b.people {
		if audienceOf(p.Kind) != audience {
			continue
		}
		switch b.outcome(Hold, p, b.marks[p.ID], b.unreadOf(p)) {
		case Hold:
			c.Now++
			if p.Kind == people.Pupil {
				classes[p.Class]++
			}
		case Remind:
			c.Later++
		}
	}
	for class, n := range classes {
		c.Classes = append(c.Classes, ClassCut{class, n})
	}
	sort.Slice(c.Classes, func(i, j int) bool { return c.Classes[i].Class < c.Classes[j].Class })
	return c
}

func (b *book) unreadOf(p people.Person) unread {
	if p.Kind != people.Staff || !b.inUse || b.read[p.ID] {
		return isRead
	}
	return b.late(b.policy)
}

// CutOff counts whom holding an audience would cut off on a day.
func (r *Room) CutOff(ctx context.Context, audience string, on people.Day) (Cut, error) {
	b, err := r.book(ctx)
	if err != nil {
		return Cut{}, err
	}
	b.today = on
	return b.cut(audience), nil
}
