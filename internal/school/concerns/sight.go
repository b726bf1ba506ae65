package concerns

import (
	"context"
	"fmt"
	"slices"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// chain is who a route goes to, step by step: where nobody of a step is there,
// or all of them are in the case, the next one receives it.
func (r *Room) chain(route Route) [][]people.Post {
	lead := []people.Post{people.SafeguardingLead, people.DeputySafeguardingLead}
	head, chair := []people.Post{people.Headteacher}, []people.Post{people.ChairOfGovernors}
	switch route {
	case StaffConduct:
		return [][]people.Post{head, chair}
	case HeadComplaint:
		return [][]people.Post{chair, {people.SafeguardingGovernor}}
	case SecurityRoute:
		return [][]people.Post{r.listed(keySecurity, people.OnlineSafetyLead), head, chair}
	case Behaviour:
		return [][]people.Post{r.listed(keyBehaviour, people.SafeguardingLead), head, chair}
	default:
		if r.values().Bool(keyHeadSees) {
			lead = append(lead, people.Headteacher)
		}
		return [][]people.Post{lead, head, chair}
	}
}

// maxTier is the last step that a chain can have.
const maxTier = 2

// listed are the posts of a setting; an empty list falls back to one post.
func (r *Room) listed(key string, otherwise people.Post) []people.Post {
	var out []people.Post
	for _, v := range r.values().Items(key) {
		out = append(out, people.Post(v))
	}
	if len(out) == 0 {
		out = []people.Post{otherwise}
	}
	return out
}

// holders are the people of one step, once each, the holders before their
// deputies.
func (r *Room) holders(ctx context.Context, posts []people.Post) ([]people.Office, error) {
	var out []people.Office
	for _, p := range posts {
		who, err := r.d.Roll.HoldersAt(ctx, p, r.now())
		if err != nil {
			return nil, fmt.Errorf("asking who receives concerns: %w", err)
		}
		for _, o := range who {
			if !slices.ContainsFunc(out, func(x people.Office) bool { return x.Person.ID == o.Person.ID }) {
				out = append(out, o)
			}
		}
	}
	return out, nil
}

// liveTier is the first step of a route that somebody holds.
func (r *Room) liveTier(ctx context.Context, chain [][]people.Post) (int, error) {
	for i, posts := range chain {
		who, err := r.holders(ctx, posts)
		if err != nil {
			return 0, err
		}
		if len(who) > 0 {
			return i, nil
		}
	}
	return len(chain) - 1, nil
}

// relations are the marks of a person and of their close family: parents,
// children, and the other parents of those.
func (r *Room) relations(ctx context.Context, id people.ID) ([]string, error) {
	if id == "" {
		return nil, nil
	}
	marks := []string{r.personMark(id)}
	add := func(list []people.Relative, err error) error {
		for _, x := range list {
			if m := r.personMark(x.Person.ID); !slices.Contains(marks, m) {
				marks = append(marks, m)
			}
		}
		return err
	}
	if err := add(r.d.Roll.Parents(ctx, id)); err != nil {
		return nil, fmt.Errorf("asking who is close to somebody: %w", err)
	}
	children, err := r.d.Roll.Children(ctx, id)
	if err := add(children, err); err != nil {
		return nil, fmt.Errorf("asking who is close to somebody: %w", err)
	}
	for _, c := range children {
		if err := add(r.d.Roll.Parents(ctx, c.Person.ID)); err != nil {
			return nil, fmt.Errorf("asking who is close to somebody: %w", err)
		}
	}
	return marks, nil
}

// barred are the marks in a case whose bearers, and their families, never see
// it.
func barred(list []Person) []string {
	var out []string
	for _, p := range list {
		if !p.Gone && p.Mark != "" && p.Role != roleWitness {
			out = append(out, p.Mark)
		}
	}
	return out
}

// barHead are the holders of the head's post, as people who must not read a
// case that is about the head.
func (r *Room) barHead(ctx context.Context, route Route, list []Person) ([]Person, error) {
	if route != HeadComplaint {
		return nil, nil
	}
	who, err := r.holders(ctx, []people.Post{people.Headteacher})
	if err != nil {
		return nil, err
	}
	marks := barred(list)
	var out []Person
	for _, o := range who {
		p := r.personOf(o.Person, roleKept)
		p.Named.How = "it is about the head teacher"
		if !slices.Contains(marks, p.Mark) {
			out = append(out, p)
		}
	}
	return out, nil
}

// receivers are the people a case goes to now, and the step of the route that
// they stand on, passing over whoever is in it.
func (r *Room) receivers(ctx context.Context, route Route, list []Person) (who []people.Office, tier int, err error) {
	chain, marks := r.chain(route), barred(list)
	for i, posts := range chain {
		tier = i
		all, err := r.holders(ctx, posts)
		if err != nil {
			return nil, 0, err
		}
		for _, o := range all {
			close, err := r.relations(ctx, o.Person.ID)
			if err != nil {
				return nil, 0, err
			}
			if !slices.ContainsFunc(close, func(m string) bool { return slices.Contains(marks, m) }) {
				who = append(who, o)
			}
		}
		if len(who) > 0 {
			return who, tier, nil
		}
	}
	return nil, tier, nil
}

// reader is what somebody may see of the case log.
type reader struct {
	a     actor.Actor
	marks []string
	// sees are the stored tiers of each route that come to them.
	sees map[Route][]int
	head bool
	lead bool
}

// person reports whether an actor is somebody who can have a place here at
// all: never a pupil, never a console, a program or the machine itself.
func person(a actor.Actor) bool {
	return a.Kind == actor.Person && a.Person != "" && a.Audience != actor.Pupil && a.Audience != actor.Parent && a.Audience != actor.Visitor
}

// reader works out what the actor may see. It is never an error to see
// nothing.
func (r *Room) reader(ctx context.Context) (*reader, error) {
	rd := &reader{a: actor.From(ctx), sees: map[Route][]int{}}
	if !person(rd.a) {
		return rd, nil
	}
	var err error
	if rd.marks, err = r.relations(ctx, people.ID(rd.a.Person)); err != nil {
		return nil, err
	}
	if !rd.a.May(MayRead) {
		return rd, nil
	}
	rd.head, rd.lead = rd.a.Holds(string(people.Headteacher)), rd.a.Holds(string(people.SafeguardingLead))
	for _, x := range Routes {
		if rd.sees[x.Route], err = r.tiersOf(ctx, rd.a, x.Route); err != nil {
			return nil, err
		}
	}
	return rd, nil
}

// tiersOf are the stored tiers of a route that an actor's posts receive.
func (r *Room) tiersOf(ctx context.Context, a actor.Actor, route Route) ([]int, error) {
	chain := r.chain(route)
	mine := map[int]bool{}
	for i, posts := range chain {
		mine[i] = slices.ContainsFunc(posts, func(p people.Post) bool { return a.Holds(string(p)) })
	}
	if !mine[0] && !mine[1] && !mine[2] {
		return nil, nil
	}
	live := 0
	if !mine[0] {
		var err error
		if live, err = r.liveTier(ctx, chain); err != nil {
			return nil, err
		}
	}
	var out []int
	for stored := range maxTier + 1 {
		if mine[min(max(stored, live), len(chain)-1)] {
			out = append(out, stored)
		}
	}
	return out, nil
}

// any reports whether the reader may have anything to see but their own.
func (rd *reader) any() bool {
	for _, t := range rd.sees {
		if len(t) > 0 {
			return true
		}
	}
	return false
}

// How somebody stands to a case.
type standing int

const (
	stranger standing = iota // may not know of it
	outside                  // one of those who read cases, but it is kept from them
	named                    // may open it until a day
	full                     // it goes to them
)

// standing works out how the actor stands to a case.
func (r *Room) standing(ctx context.Context, q store.Querier, rd *reader, id string) (standing, error) {
	if !person(rd.a) {
		return stranger, nil
	}
	barred, err := rd.isBarred(ctx, q, id)
	if err != nil || barred {
		return stranger, err
	}
	goes, err := rd.goesTo(ctx, q, id)
	if err != nil || goes {
		return full, err
	}
	leave, err := rd.hasLeave(ctx, q, id, r.now())
	if err != nil || leave {
		return named, err
	}
	if rd.a.May(MayRead) && rd.mayBreak() {
		return outside, nil
	}
	return stranger, nil
}

// breakers may open what is kept from them, with a reason and an alarm.
var breakers = []people.Post{people.SafeguardingLead, people.DeputySafeguardingLead, people.Headteacher, people.ChairOfGovernors}

func (rd *reader) mayBreak() bool {
	return slices.ContainsFunc(breakers, func(p people.Post) bool { return rd.a.Holds(string(p)) })
}
