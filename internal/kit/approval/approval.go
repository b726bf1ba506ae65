// Package approval is asking to be allowed something, and being told yes or
// no. A request names who has to decide: the holder of a post, or a body such
// as the governors, whose recorder enters the minute. All of them must say
// yes; one no ends it.
//
// Nobody decides what they asked for themselves. Where nobody else holds the
// post, the chair of governors decides. An approval given on paper may be
// entered by its recorder, and is shown as what it is: somebody's word.
package approval

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
)

// Schema is the tables of approvals.
//
//go:embed schema/*.sql
var Schema embed.FS

// Protected are the tables that the journal covers.
var Protected = []journal.Protected{{Table: "approvals", Key: "id"}, {Table: "approval_parts", Key: "id"}}

// The journal's verbs.
const (
	VerbAsked     journal.Verb = "approval.asked"
	VerbApproved  journal.Verb = "approval.approved"
	VerbRefused   journal.Verb = "approval.refused"
	VerbGranted   journal.Verb = "approval.granted"
	VerbWithdrawn journal.Verb = "approval.withdrawn"
	VerbExpired   journal.Verb = "approval.expired"
)

// Verbs declares them.
var Verbs = []journal.VerbInfo{
	{Verb: VerbAsked, Says: "Somebody asked for an approval."},
	{Verb: VerbApproved, Says: "One of those who have to decide said yes."},
	{Verb: VerbRefused, Says: "One of those who have to decide said no."},
	{Verb: VerbGranted, Says: "Everybody who has to decide said yes."},
	{Verb: VerbWithdrawn, Says: "The request was taken back."},
	{Verb: VerbExpired, Says: "Nobody decided in time."},
}

// State is where a request stands.
type State string

// The states.
const (
	Open      State = "open"
	Granted   State = "granted"
	Refused   State = "refused"
	Withdrawn State = "withdrawn"
	Expired   State = "expired"
)

// What can go wrong, besides the errors of kit/store.
var (
	// ErrOwn: nobody decides what they asked for.
	ErrOwn = fmt.Errorf("%w: you asked for it yourself, so somebody else has to decide", store.ErrForbidden)
	// ErrClosed: it was decided, taken back, or nobody decided in time.
	ErrClosed = fmt.Errorf("%w: this is no longer open", store.ErrStale)
)

// Decider is one of those who have to say yes.
type Decider struct {
	// Post is the post whose holder decides, or, with Body, who enters what
	// the body decided.
	Post string
	// Body is the body that decides in a meeting: "governing body".
	Body string
}

// Request is what is asked.
type Request struct {
	Kind, Record string // what it is about
	Title        string // "Put version 2.0 of the online safety policy in force"
	Why          string
	Link         string // the page of the thing
	Deciders     []Decider
	Expires      time.Time
}

// Part is one decider's part of an approval.
type Part struct {
	Decider
	ID       string
	Place    int
	Decision State // "" while open, else Granted or Refused
	By       string
	Name     string
	At       time.Time
	On       string // day of the meeting or of the paper: "2026-11-23"
	Minute   string
	Note     string
	Paper    bool // entered for somebody who signed on paper
}

// Approval is a request and what became of it.
type Approval struct {
	Request
	ID        string
	AskedBy   string // actor
	AskedName string
	Person    string
	AskedAt   time.Time
	State     State
	ClosedAt  time.Time
	Parts     []Part
}

// Posts says who holds a post now, deputies included: ids of people. House
// plugs school/people in.
type Posts interface {
	Holders(ctx context.Context, post string, at time.Time) ([]string, error)
}

// Chair decides where nobody else can.
const Chair = "chair-of-governors"

// Deps is what a Room needs.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Clock   clock.Clock
	Posts   Posts
	// Title says a post as pages do ("head teacher"); nil takes its name.
	Title func(post string) string
	// Notices tells by mail who has to decide, and whoever asked what came of
	// it; nil: nobody is mailed.
	Notices notice.Sender
	// Elsewhere are the approvals that a room keeps itself, for the control;
	// may be nil.
	Elsewhere func(ctx context.Context, since time.Time) ([]Decided, error)
}

// Act is what a room does when something it asked for is decided, in the same
// transaction: the approval is granted, refused, taken back or expired. An
// error leaves the approval as it was.
type Act func(ctx context.Context, tx *store.Tx, a Approval) error

// Room keeps approvals.
type Room struct {
	Deps
	acts map[string]Act
}

// On has act called whenever an approval of the kind is closed. House and
// rooms call it before anything is served, once for a kind.
func (r *Room) On(kind string, act Act) { r.acts[kind] = act }

// closed lets the room that asked act on how it ended, and tells whoever
// asked.
func (r *Room) closed(ctx context.Context, tx *store.Tx, a Approval) error {
	if err := r.tellAsker(ctx, tx, a); err != nil {
		return err
	}
	if act := r.acts[a.Kind]; act != nil {
		return act(ctx, tx, a)
	}
	return nil
}

// New returns the room.
func New(d Deps) (*Room, error) {
	if d.DB == nil || d.Journal == nil || d.Clock == nil || d.Posts == nil {
		return nil, errors.New("approvals need records, a journal, a clock and the posts")
	}
	if d.Title == nil {
		d.Title = func(post string) string { return strings.ReplaceAll(post, "-", " ") }
	}
	return &Room{d, map[string]Act{}}, nil
}

const (
	maxText     = 2000
	maxDeciders = 12
	maxLife     = 366 * 24 * time.Hour
)

func (q Request) check(now time.Time) error {
	bad := store.Invalid{}
	if q.Kind == "" || q.Record == "" || strings.TrimSpace(q.Title) == "" {
		bad["title"] = "Say what is asked for."
	}
	if len(q.Title) > maxText || len(q.Why) > maxText {
		bad["why"] = "This is too long; two thousand letters are the most."
	}
	if n := len(q.Deciders); n == 0 || n > maxDeciders {
		bad["deciders"] = "Say who decides."
	}
	for _, d := range q.Deciders {
		if d.Post == "" {
			bad["deciders"] = "Say which post decides, or enters what a body decided."
		}
	}
	if !q.Expires.After(now) || q.Expires.After(now.Add(maxLife)) {
		bad["expires"] = "Say until when it can be decided: a day to come, within a year."
	}
	return bad.OrNil()
}

// Decision is what one decider says.
type Decision struct {
	Place  int // which part
	Yes    bool
	Note   string
	On     string // for a body or paper: the day, "2026-11-23"
	Minute string // for a body: which minute
	// PaperName: the decision was given on paper by this person, and is
	// entered by whoever is signed in.
	PaperName string
}

func (d Decision) check(p Part, now time.Time) error {
	bad := store.Invalid{}
	if !d.Yes && strings.TrimSpace(d.Note) == "" {
		bad["note"] = "Say why not, so that whoever asked knows what to change."
	}
	if len(d.Note) > maxText || len(d.Minute) > 200 || len(d.PaperName) > 200 {
		bad["note"] = "This is too long."
	}
	if p.Body != "" && strings.TrimSpace(d.Minute) == "" {
		bad["minute"] = "Say which minute of the meeting records this."
	}
	if p.Body != "" || d.PaperName != "" {
		on, err := time.Parse(time.DateOnly, d.On)
		if err != nil {
			bad["on"] = "Give the day it was decided, such as 23 11 2026."
		} else if on.After(now.Add(24 * time.Hour)) {
			bad["on"] = "This day is still to come; give the day it was decided."
		}
	}
	return bad.OrNil()
}

// mayDecide reports whether a may decide the part, and why not. Whoever asked
// never may. The chair may where nobody but the one who asked holds the post.
func (r *Room) mayDecide(ctx context.Context, ap Approval, p Part, a actor.Actor) error {
	if !a.SignedIn() || a.Kind == actor.System {
		return store.ErrForbidden
	}
	if a.ID == ap.AskedBy || a.Person != "" && a.Person == ap.Person {
		return ErrOwn
	}
	if a.Holds(p.Post) {
		return nil
	}
	if !a.Holds(Chair) {
		return store.ErrForbidden
	}
	others, err := r.others(ctx, p.Post, ap.Person)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return store.ErrForbidden
	}
	return nil
}

// others are the holders of a post besides one person.
func (r *Room) others(ctx context.Context, post, person string) ([]string, error) {
	holders, err := r.Posts.Holders(ctx, post, r.Clock.Now())
	if err != nil {
		return nil, fmt.Errorf("looking who holds the post %s: %w", post, err)
	}
	return slices.DeleteFunc(slices.Clone(holders), func(h string) bool { return h == person }), nil
}

// Missing says who still has to decide: "head teacher", "governing body".
func (r *Room) Missing(a Approval) []string {
	var out []string
	for _, p := range a.Parts {
		if p.Decision == "" {
			out = append(out, r.name(p.Decider))
		}
	}
	return out
}

func (r *Room) name(d Decider) string {
	if d.Body != "" {
		return d.Body
	}
	return r.Title(d.Post)
}

// stateAt is the state at a moment: an open one past its time has expired,
// whether or not the task that closes it has run.
func (a Approval) stateAt(now time.Time) State {
	if a.State == Open && !now.Before(a.Expires) {
		return Expired
	}
	return a.State
}

// outcome is what the parts come to.
func outcome(parts []Part) State {
	all := Granted
	for _, p := range parts {
		switch p.Decision {
		case Refused:
			return Refused
		case "":
			all = Open
		}
	}
	return all
}
