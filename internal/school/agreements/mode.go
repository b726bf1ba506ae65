package agreements

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Decision is what the school decided to happen to an audience's people who
// have not signed, besides what the policy says.
type Decision struct {
	ID       string
	Audience string
	Mode     string
	From     people.Day
	Counted  int // how many were to be cut off when it was made
	By       string
	At       time.Time
}

// decided is the decision in force on a day: the last one made of those that
// have begun. The zero Decision is none.
func (k *known) decided(audience string, today people.Day) Decision {
	for _, d := range slices.Backward(k.decisions) {
		if d.Audience == audience && d.From <= today {
			return d
		}
	}
	return Decision{}
}

// coming is a decision that was made last and has not begun.
func (k *known) coming(audience string, today people.Day) (Decision, bool) {
	for _, d := range slices.Backward(k.decisions) {
		if d.Audience == audience {
			return d, d.From > today
		}
	}
	return Decision{}, false
}

var strictness = map[string]int{"": 0, Off: 0, Remind: 1, Hold: 2}

// effective puts the policy and the decision together: the stricter one
// counts. A policy's "held" is a reminder until the head has confirmed it, so
// that no sentence cuts people off before somebody has looked at how many.
func effective(policy setting.Value, d Decision) string {
	floor := Off
	if policy.Confirmed {
		floor = policy.Choice
	}
	if floor == Hold && d.Mode != Hold {
		floor = Remind
	}
	if strictness[d.Mode] > strictness[floor] {
		return d.Mode
	}
	return floor
}

// approvalKind is what a request to hold people is called among approvals.
const approvalKind = "agreements.hold"

// maxWait is how far ahead a mode may be set.
const maxWait = 60

// ModeChange is a decision as it is asked for.
type ModeChange struct {
	Audience string
	Mode     string
	From     people.Day
	// Seen is the number of people to be cut off, as the page showed it. A
	// hold whose number has changed since is shown again first.
	Seen int
}

// CountChanged says that the number of people who would be held is not the
// one that the page showed.
type CountChanged struct{ Now int }

// Error says it in a sentence.
func (c CountChanged) Error() string {
	return "meanwhile it would be " + words.Count(c.Now, "person", "people") + "; look again, then confirm"
}

// SetMode decides what happens to people who have not signed. Hold is the
// head's to decide: asked for by anybody else it becomes a request for
// approval, and asked is true.
func (r *Room) SetMode(ctx context.Context, c ModeChange) (asked bool, err error) {
	l, err := r.lens(ctx)
	if err != nil {
		return false, err
	}
	if c.From == "" {
		c.From = l.today
	}
	if err := l.checkMode(c); err != nil {
		return false, err
	}
	if c.Mode == Hold {
		cut, err := r.CutOff(ctx, c.Audience, c.From)
		if err != nil {
			return false, err
		}
		if cut.Now != c.Seen {
			return false, CountChanged{cut.Now}
		}
	}
	a := actor.From(ctx)
	if !a.May(MayEdit) {
		return false, store.ErrForbidden
	}
	head := a.Holds(string(people.Headteacher))
	if c.Mode != Hold && !head && l.k.decided(c.Audience, l.today).Mode == Hold {
		return false, store.Invalid{"mode": "The head decided that they are held, so only the head ends it."}
	}
	asked = c.Mode == Hold && !head
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		if asked {
			return r.askHold(ctx, tx, c)
		}
		return r.putMode(ctx, tx, c, a.ID)
	})
	return asked, err
}

func (l lens) checkMode(c ModeChange) error {
	key := keyOf(c.Audience)
	if key == "" {
		return store.ErrNotFound
	}
	bad := store.Invalid{}
	if _, known := strictness[c.Mode]; !known || c.Mode == "" {
		return store.Invalid{"mode": "Choose one of the three."}
	}
	if p := l.v.Get(key); p.Confirmed && strictness[c.Mode] < strictness[p.Choice] {
		bad["mode"] = "The policy decides this (clause " + p.Clause + "): it says “" + p.Raw + "”. Change the policy, or choose a later day."
	}
	if c.Mode == Hold && !l.anythingAsked(c.Audience) {
		bad["mode"] = "Nothing is published that they could sign. Publish the rules first."
	}
	switch {
	case !c.From.Valid():
		bad["from"] = "Give a day that exists, such as 4 1 2027."
	case c.From < l.today:
		bad["from"] = "This day is over. Give today or a day to come."
	case c.From > l.today.Add(maxWait):
		bad["from"] = fmt.Sprintf("Give a day within %d days.", maxWait)
	}
	return bad.OrNil()
}

// anythingAsked reports whether an audience has anything to sign at all.
func (l lens) anythingAsked(audience string) bool {
	kinds := map[string][]Sheet{
		"pupils": {YoungSheet, OlderSheet}, "staff": {StaffSheet, GovernorSheet, VisitorSheet}, "visitors": {VisitorSheet},
	}
	return slices.ContainsFunc(kinds[audience], func(s Sheet) bool { return l.newest(s) > 0 })
}

func (r *Room) putMode(ctx context.Context, tx *store.Tx, c ModeChange, by string) error {
	d := Decision{ID: store.NewID(r.Clock.Now()), Audience: c.Audience, Mode: c.Mode, From: c.From, Counted: c.Seen, By: by, At: r.Clock.Now()}
	if err := insertDecision(ctx, tx, d); err != nil {
		return err
	}
	r.forget(tx)
	tx.AfterCommit(r.Everybody)
	return r.Journal.Write(ctx, tx, journal.Entry{
		Verb: VerbMode, Kind: "agreement", ID: c.Audience, After: map[string]any{"mode": c.Mode, "from": c.From, "people cut off": c.Seen},
		Rows: []journal.Row{{Table: "agreement_modes", ID: d.ID}},
	})
}

// askHold asks the head.
func (r *Room) askHold(ctx context.Context, tx *store.Tx, c ModeChange) error {
	if r.Approvals == nil {
		return store.ErrForbidden
	}
	_, err := r.Approvals.Ask(ctx, tx, approval.Request{
		Kind: approvalKind, Record: c.record(), Link: "/agreements/hold/" + c.Audience,
		Title:    fmt.Sprintf("Hold %s who have not signed from %s: %s today", audienceWords(c.Audience), c.From.Words(), words.Count(c.Seen, "person", "people")),
		Why:      "Until they have signed, only help, our own pages and the school's essentials are open to them.",
		Deciders: []approval.Decider{{Post: string(people.Headteacher)}},
		Expires:  r.Clock.Now().Add(14 * day),
	})
	return err
}

func (c ModeChange) record() string {
	return c.Audience + "/" + string(c.From) + "/" + strconv.Itoa(c.Seen)
}

func audienceWords(audience string) string {
	for _, g := range gates {
		if g.Audience == audience {
			return strings.ToLower(g.Title)
		}
	}
	return audience
}

// decided puts a hold in force that the head has granted. A day that has
// passed meanwhile becomes today.
func (r *Room) decided(ctx context.Context, tx *store.Tx, a approval.Approval) error {
	if a.State != approval.Granted {
		return nil
	}
	f := strings.Split(a.Record, "/")
	if len(f) != 3 || keyOf(f[0]) == "" || !people.Day(f[1]).Valid() {
		return fmt.Errorf("holding people who have not signed: the request says %q, which is no audience, day and number", a.Record)
	}
	n, err := strconv.Atoi(f[2])
	if err != nil {
		return fmt.Errorf("holding people who have not signed: %w", err)
	}
	c := ModeChange{Audience: f[0], Mode: Hold, From: people.Day(f[1]), Seen: n}
	if today := people.DayOf(r.Clock.Now().UTC()); c.From < today {
		c.From = today
	}
	return r.putMode(ctx, tx, c, actor.From(ctx).ID)
}

// Prepare says what the next settings change. A policy that says "held" is
// only a reminder until the head has confirmed it.
func (r *Room) Prepare(ctx context.Context, next *setting.Values) (setting.Step, error) {
	b, err := r.book(ctx)
	if err != nil {
		return nil, err
	}
	then := *b
	then.lens = newLens(b.k, next, b.today)
	s := step{everybody: r.Everybody}
	for _, g := range gates {
		if e, changes := modeEffect(b, &then, g.Audience, g.Title); changes {
			s.effects = append(s.effects, e)
		}
	}
	if b.rule != then.rule {
		s.effects = append(s.effects, signerEffect(b, &then))
	}
	return s, nil
}

func modeEffect(now, then *book, audience, title string) (setting.Effect, bool) {
	said := then.v.Get(keyOf(audience))
	was, is := now.mode(audience), then.mode(audience)
	wants := said.Confirmed && said.Choice == Hold && is != Hold
	if was == is && (!wants || now.v.Get(keyOf(audience)).Choice == Hold) {
		return setting.Effect{}, false
	}
	c := then.cut(audience)
	e := setting.Effect{Room: "agreements", Count: c.Now + c.Later, Loses: strictness[is] > strictness[was] || wants}
	many := words.Count(c.Now+c.Later, "person has", "people have") + " not signed"
	switch {
	case wants:
		e.Words = title + ": " + many + ". They are reminded, and would be held once the head has confirmed it."
	case is == Hold:
		e.Words = title + ": " + many + ". They are held until they have."
	case is == Remind:
		e.Words = title + ": " + many + ". They are reminded once a day."
	default:
		e.Words = title + " who have not signed go on without a reminder."
	}
	return e, true
}

func signerEffect(now, then *book) setting.Effect {
	lack := func(b *book) (n int) {
		for _, c := range b.counts() {
			if c.Sheet.forPupils() {
				n += len(c.Lacks)
			}
		}
		return n
	}
	was, is := lack(now), lack(then)
	return setting.Effect{
		Room: "agreements", Count: max(is-was, 0),
		Words: fmt.Sprintf("Pupils' rules are signed by somebody else from now on: %s of pupils lack a signature, %s until now.",
			words.Count(is, "record", "records"), words.Number(was)),
	}
}

// step is a change of settings: nothing is kept, and the filter is told anew.
type step struct {
	effects   []setting.Effect
	everybody func()
}

func (s step) Preview() []setting.Effect             { return s.effects }
func (step) Commit(context.Context, *store.Tx) error { return nil }
func (s step) Publish(context.Context) error         { s.everybody(); return nil }
func (step) Abort()                                  {}
