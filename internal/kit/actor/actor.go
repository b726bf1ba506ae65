// Package actor says who is asking and what they may do. The actor travels in
// the context from the door (a page, an API call, a console, a task) to the
// journal line, so that no room has to be told who acted.
package actor

import (
	"context"
	"slices"
	"sort"
)

// Capability is a permission that reads as a sentence: "filtering.publish".
type Capability string

// Kind says what sort of actor acts.
type Kind string

// The kinds of actor.
const (
	Nobody  Kind = "nobody"  // not signed in
	Person  Kind = "person"  // a signed-in person
	Console Kind = "console" // somebody at the machine's command line
	System  Kind = "system"  // Belisha itself: a task, a start
	Token   Kind = "token"   // a program with an API token
)

// Audience is the sort of person somebody is to the school.
type Audience string

// The audiences.
const (
	Pupil      Audience = "pupil"
	Staff      Audience = "staff"
	Parent     Audience = "parent"
	Governor   Audience = "governor"
	Visitor    Audience = "visitor"
	Contractor Audience = "contractor"
)

// Actor is who is asking.
type Actor struct {
	// ID is what the journal records: "person:<id>", "console:<OS user>",
	// "system:<part>", "token:<id>" or "nobody".
	ID string
	// Name is what a page shows. It never goes into a log line.
	Name string
	Kind Kind
	// Person is the people.ID behind the actor, if there is one.
	Person   string
	Audience Audience
	// Posts are the posts held at this moment, deputies included.
	Posts []string
	// Session is the id of the sign-in session, if there is one.
	Session string

	may map[Capability]bool
}

// New returns a with the capabilities caps.
func New(a Actor, caps ...Capability) Actor {
	a.may = make(map[Capability]bool, len(caps))
	for _, c := range caps {
		a.may[c] = true
	}
	return a
}

// May reports whether the actor has the capability c. Nobody has any.
func (a Actor) May(c Capability) bool { return a.may[c] }

// Holds reports whether the actor holds the post.
func (a Actor) Holds(post string) bool { return slices.Contains(a.Posts, post) }

// SignedIn reports whether somebody is behind the actor.
func (a Actor) SignedIn() bool { return a.Kind != "" && a.Kind != Nobody }

// Capabilities returns what the actor may do, sorted.
func (a Actor) Capabilities() []Capability {
	out := make([]Capability, 0, len(a.may))
	for c := range a.may {
		out = append(out, c)
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

// Belisha returns the actor for what a part of Belisha does by itself.
func Belisha(part string) Actor {
	return Actor{ID: "system:" + part, Name: "Belisha", Kind: System}
}

type key struct{}

// With returns a context that carries a.
func With(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, key{}, a)
}

// From returns the actor in ctx, or nobody.
func From(ctx context.Context) Actor {
	if a, ok := ctx.Value(key{}).(Actor); ok {
		return a
	}
	return Actor{ID: "nobody", Kind: Nobody}
}
