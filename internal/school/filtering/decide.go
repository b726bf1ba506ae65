package filtering

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// Question asks what would happen to a URL.
type Question struct {
	URL      string
	Group    string // pupils, staff, guests; "" and no User: somebody not known
	User     string // a username of the roll
	KeyStage string
	Place    string
	At       time.Time // zero is now
}

// Answer is what would happen, and why.
type Answer struct {
	URL        string   `json:"url"`
	Action     string   `json:"action"`
	Categories []string `json:"categories"`
	Rule       string   `json:"rule"`
	Reason     string   `json:"reason"`
	Group      string   `json:"group"`
	Clause     string   `json:"clause,omitempty"`
	Category   string   `json:"category,omitempty"` // the one that decided
	SafeAs     string   `json:"safe_as,omitempty"`  // the name it is answered as, so that its safe mode is on
	Says       string   `json:"says"`
	Steps      []string `json:"steps,omitempty"`
	Number     uint64   `json:"rules"` // of the rules that were asked
}

// Decide answers by the rules in force, with the same judge as the filter. A
// URL that no browser would open is an Answer too: blocked, malformed.
func (r *Room) Decide(ctx context.Context, q Question) (Answer, error) {
	out := Answer{URL: q.URL, Categories: []string{}}
	snap := r.Snapshot()
	if snap == nil {
		return out, errNoVersion
	}
	who, err := r.asker(ctx, q, snap.Names())
	if err != nil {
		return out, err
	}
	out.Number, out.Group = snap.Number(), who.said
	parts, err := verdict.CanonicalURL(q.URL)
	if err != nil {
		out.Action, out.Reason = verdict.Block.String(), verdict.ReasonMalformed.String()
		out.Says = "This is not an address that a browser would open: " + err.Error() + "."
		return out, nil
	}
	at := q.At
	if at.IsZero() {
		at = r.now()
	}
	cal, err := r.d.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return out, fmt.Errorf("reading the calendar: %w", err)
	}
	ask := verdict.Ask{
		Host: parts.Host, Path: parts.Path, Port: parts.Port, Groups: who.bits, KeyStage: who.stage, Place: snap.Names().Place(q.Place),
		Classes: who.classes, At: at, Minute: cal.MinuteOfWeek(at), Unsigned: who.unknown,
	}
	v, steps := snap.Explain(&ask)
	out.fill(snap, v, steps)
	if target, ok := snap.SafeTarget(who.bits, parts.Host, at); ok && v.Action != verdict.Block {
		out.SafeAs = target
	}
	return out, nil
}

// asker is who asks, in the judge's numbers.
type asker struct {
	bits    uint64
	stage   uint8
	classes []uint16
	said    string
	unknown bool
}

// ErrNobody: there is nobody of that name on the roll.
var ErrNobody = errors.New("there is nobody with that username on the roll")

func (r *Room) asker(ctx context.Context, q Question, names *verdict.Names) (asker, error) {
	switch {
	case q.User != "":
		p, err := r.d.People.ByUsername(ctx, q.User)
		if errors.Is(err, store.ErrNotFound) {
			return asker{}, fmt.Errorf("%w: %s", ErrNobody, q.User)
		}
		if err != nil {
			return asker{}, fmt.Errorf("looking for %s on the roll: %w", q.User, err)
		}
		classes, err := r.d.People.ClassesOf(ctx, p.ID)
		if err != nil {
			return asker{}, err
		}
		groups := r.GroupsOf(p.Kind, p.Stage())
		return asker{
			bits: names.GroupBits(groups), stage: names.KeyStage(string(p.Stage())), said: groups[0],
			classes: names.ClassNumbers(ClassLabels(p, classes)),
		}, nil
	case q.Group == "":
		return asker{unknown: true}, nil
	}
	stage := strings.ToUpper(q.KeyStage)
	if !slices.ContainsFunc(names.Groups, func(g verdict.Group) bool { return g.Slug == q.Group }) {
		return asker{}, &Refused{Words: fmt.Sprintf("there is no group %q; there are pupils, staff and guests", q.Group)}
	}
	group := q.Group
	if group == GroupPupils && stage != "" {
		group = r.GroupsOf(people.Pupil, people.KeyStage(stage))[0]
	}
	return asker{bits: names.GroupBit(group), stage: names.KeyStage(stage), said: q.Group}, nil
}

func (a *Answer) fill(snap *verdict.Snapshot, v verdict.Verdict, steps []verdict.Step) {
	names := snap.Names()
	a.Action, a.Reason = v.Action.String(), v.Reason.String()
	if slugs := names.Slugs(v.Categories); slugs != nil {
		a.Categories = slugs
	}
	if a.Group == "" {
		a.Group = names.GroupSlug(v.Group)
	}
	if rule, ok := names.Rule(v.Rule); ok {
		a.Rule, a.Clause = rule.ID, rule.Clause
	}
	if c, ok := names.Category(v.Category); ok {
		a.Category = c.Slug
	}
	for _, s := range steps {
		a.Steps = append(a.Steps, s.Says)
		if s.What == "decided" && s.Clause != "" && a.Clause == "" {
			a.Clause = s.Clause
		}
	}
	a.Says = forStaff(names, v, a.Clause)
}

// forStaff is the reason as a member of staff reads it.
func forStaff(names *verdict.Names, v verdict.Verdict, clause string) string {
	by := ""
	if clause != "" {
		by = " The policy says so in clause " + clause + "."
	}
	word := map[verdict.Action]string{verdict.Allow: "Open", verdict.Block: "Closed", verdict.Warn: "Open after a warning"}[v.Action]
	if c, ok := names.Category(v.Category); ok && v.Reason == verdict.ReasonCategory {
		return fmt.Sprintf("%s, as %s. %s%s", word, lowerFirst(c.Title), c.Teacher, by)
	}
	if says, ok := staffSays[v.Reason]; ok {
		return word + ": " + says + by
	}
	return word + "." + by
}

var staffSays = map[verdict.Reason]string{
	verdict.ReasonHelp:      "a help service, open for everybody at all times.",
	verdict.ReasonOurs:      "a page of the school's own filter.",
	verdict.ReasonEssential: "something that devices need to work.",
	verdict.ReasonOwnBlock:  "the school's own entry closes it.",
	verdict.ReasonOwnAllow:  "the school's own entry opens it.",
	verdict.ReasonUnblock:   "opened for a time.",
	verdict.ReasonLocked:    "locked for everybody; nothing opens it.",
	verdict.ReasonUnlisted:  "it stands on no list that closes it, and the school has decided about such sites.",
	verdict.ReasonOpen:      "no rule closes it.",
	verdict.ReasonAddress:   "an address of numbers in place of a name.",
	verdict.ReasonPrivate:   "an address inside the school's network.",
	verdict.ReasonMalformed: "not an address that a browser would open.",
	verdict.ReasonUnsigned:  "nobody is signed in.",
	verdict.ReasonPaused:    "the web is paused.",
	verdict.ReasonBypass:    "a way round the filter.",
}

// forPupil is the reason as a pupil reads it. It names no distressing theme.
func forPupil(names *verdict.Names, v verdict.Verdict) string {
	if c, ok := names.Category(v.Category); ok && v.Reason == verdict.ReasonCategory && c.Pupil != "" {
		return c.Pupil
	}
	switch v.Reason {
	case verdict.ReasonUnlisted:
		return "Nobody at school has looked at this page yet. Ask a teacher."
	case verdict.ReasonMalformed:
		return "This is not the address of a page."
	case verdict.ReasonPaused:
		return "The web is paused just now."
	case verdict.ReasonUnsigned:
		return "Sign in first."
	}
	return "This page is closed at school."
}

// Why is the reason for a verdict of the rules in force, for a pupil or for
// staff.
func (r *Room) Why(v verdict.Verdict, pupil bool) string {
	snap := r.Snapshot()
	if snap == nil {
		return "There are no current rules, so it is closed."
	}
	if pupil {
		return forPupil(snap.Names(), v)
	}
	rule, _ := snap.Names().Rule(v.Rule)
	return forStaff(snap.Names(), v, rule.Clause)
}
