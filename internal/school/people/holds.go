package people

import (
	"context"
	"strings"
)

// Holding is what one part of Belisha keeps about a person, for somebody who
// asks what is kept of them. Every room answers with it.
type Holding struct {
	Title string // "The roll"
	Facts []Fact
}

// Fact is one thing that is kept.
type Fact struct{ Name, Value string }

// Holds is what the room keeps about a person.
func (r *Room) Holds(ctx context.Context, id ID) ([]Holding, error) {
	p, err := r.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	roll := Holding{Title: "The roll"}
	add := func(name, value string) {
		if value != "" {
			roll.Facts = append(roll.Facts, Fact{name, value})
		}
	}
	add("Is", KindWords(p.Kind))
	add("First name", p.Given)
	add("Goes by", p.Preferred)
	add("Family name", p.Family)
	add("Born", p.Born.Words())
	add("Username", p.Username)
	add("E-mail address", p.Email)
	add("Unique pupil number", p.UPN)
	add("Number in the school's system", p.MIS)
	add("OneRoster id", p.Sourced)
	add("Year", p.Year.Words())
	add("Class", p.Class)
	add("Site", p.Site)
	add("First day", p.From.Words())
	add("Last day", p.Until.Words())
	classes, err := r.ClassesOf(ctx, id)
	if err != nil {
		return nil, err
	}
	add("Teaching classes", strings.Join(classes, ", "))
	family, err := r.holdsFamily(ctx, id)
	if err != nil {
		return nil, err
	}
	posts, err := r.holdsPosts(ctx, id)
	if err != nil {
		return nil, err
	}
	out := []Holding{roll}
	for _, h := range []Holding{family, posts} {
		if len(h.Facts) > 0 {
			out = append(out, h)
		}
	}
	return out, nil
}

func (r *Room) holdsFamily(ctx context.Context, id ID) (Holding, error) {
	h := Holding{Title: "Family"}
	parents, err := r.Parents(ctx, id)
	if err != nil {
		return h, err
	}
	children, err := r.Children(ctx, id)
	if err != nil {
		return h, err
	}
	for _, x := range parents {
		h.Facts = append(h.Facts, Fact{"Parent or carer", tieWords(x)})
	}
	for _, x := range children {
		h.Facts = append(h.Facts, Fact{"Child", tieWords(x)})
	}
	return h, nil
}

func tieWords(x Relative) string {
	s := x.Person.Name()
	if x.Link.Relation != "" {
		s += ", " + x.Link.Relation
	}
	if x.Link.Responsible {
		s += ", parental responsibility"
	}
	return s
}

func (r *Room) holdsPosts(ctx context.Context, id ID) (Holding, error) {
	h := Holding{Title: "Posts"}
	list, err := r.PostsOf(ctx, id)
	if err != nil {
		return h, err
	}
	for _, x := range list {
		times := "from " + DayOf(x.From).Words()
		if !x.Until.IsZero() {
			times += " until " + DayOf(x.Until).Words()
		}
		h.Facts = append(h.Facts, Fact{postWords(x), times})
	}
	return h, nil
}
