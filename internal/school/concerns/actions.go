package concerns

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// The kinds of action that rules speak of.
const (
	actSpoke         = "spoke"
	actParents       = "parents"
	actSocialCare    = "social-care"
	actPolice        = "police"
	actInvestigation = "investigation"
	actSanction      = "sanction"
)

// ActionKind is one kind of action.
type ActionKind struct {
	Value, Title, Says string
	// Decides: it is told or not told, and if not, why.
	Decides bool
}

// ActionKinds is every kind, in the order of pages.
var ActionKinds = []ActionKind{
	{Value: actSpoke, Title: "Spoke with the pupil", Says: "What you asked, and the pupil's own words."},
	{Value: actParents, Title: "Told parents or carers", Decides: true, Says: "Whom, how, and what they said. If not: why telling them now is not right."},
	{Value: actSocialCare, Title: "Children's social care", Decides: true, Says: "Told, with whom you spoke and the reference; or not, and why."},
	{Value: actPolice, Title: "Police", Decides: true, Says: "Told, when, by whom and the reference; or not, and why."},
	{Value: "outside", Title: "Asked for outside help", Says: "Local authority, helpline, health, another school: whom, and what they advised."},
	{Value: actInvestigation, Title: "The head's investigation", Says: "It goes to the head, who writes what was found."},
	{Value: actSanction, Title: "Sanction", Says: "By the published behaviour policy only. The web is withdrawn from a pupil by the filter itself, at once and until the last day; help stays open. Any other sanction is recorded, and carried out by you."},
	{Value: "support", Title: "Support for a child or a colleague"},
	{Value: "monitoring", Title: "Review of the filter or of monitoring"},
	{Value: "other", Title: "Something else"},
}

func actionKind(value string) (ActionKind, bool) {
	i := slices.IndexFunc(ActionKinds, func(k ActionKind) bool { return k.Value == value })
	if i < 0 {
		return ActionKind{Value: value, Title: value}, false
	}
	return ActionKinds[i], true
}

// Doing is an action as a form says it.
type Doing struct {
	Kind     string
	What     string
	Done     bool   // it was done already
	GivenTo  string // a name; "" is nobody in particular
	Due      time.Time
	Decision string // "yes" or "no", for those that decide
	Who      string // who was told
	Ref      string
	Reason   string
	Grade    string // of a sanction
	Approver string
	Clause   string // of the behaviour policy
	Until    time.Time
	Whose    string // on whom it falls: a person of the case; "" where there is one only
	// Coursework: could it touch coursework or an exam, "yes" or "no"? If yes,
	// Arranged says how they get at it meanwhile.
	Coursework string
	Arranged   string
}

// Act sets an action down in a case.
func (r *Room) Act(ctx context.Context, id string, version int64, in Doing) error {
	now := r.now()
	a := Action{ID: store.NewID(now), Concern: id, Kind: in.Kind, State: Planned, Made: now}
	if err := r.readDoing(ctx, &in, &a); err != nil {
		return err
	}
	_, err := r.work(ctx, id, version, false, func(tx *store.Tx, w *Whole) (change, error) {
		if !w.live() {
			return change{}, errNotLive
		}
		ch := change{verb: VerbAction, acts: true}
		if err := r.mayAct(ctx, tx, w, &in, &a, &ch); err != nil {
			return change{}, err
		}
		if err := r.insertAction(ctx, tx, &a); err != nil {
			return change{}, err
		}
		ch.rows = append(ch.rows, row("concern_actions", a.ID))
		if (a.Kind == actPolice || a.Kind == actSocialCare) && w.Decided.IsZero() {
			w.Decided = now
		}
		return ch, r.tellGiven(ctx, tx, &a, w.Risk)
	})
	return err
}

// readDoing checks what a form says and makes the action of it.
func (r *Room) readDoing(ctx context.Context, in *Doing, a *Action) error {
	bad := store.Invalid{}
	k, known := actionKind(in.Kind)
	if !known {
		bad["kind"] = "Choose what was done."
	}
	for field, p := range map[string]*string{"what": &in.What, "who": &in.Who, "ref": &in.Ref, "reason": &in.Reason, "approver": &in.Approver, "clause": &in.Clause, "arranged": &in.Arranged} {
		*p = clean(*p)
		long(bad, field, *p, maxLong)
	}
	a.Words = ActionWords{What: in.What, By: actor.From(ctx).ID}
	switch {
	case k.Decides:
		in.decide(a, bad)
	case in.Kind == actSanction:
		in.sanction(a, bad, r.values().Items(keySanctions), r.now())
	case in.What == "":
		bad["what"] = "Write what is to be done, or what was done."
	}
	if in.Done && in.Kind != actInvestigation && a.State == Planned {
		a.State, a.Done, a.Words.DoneBy = Done, a.Made, a.Words.By
	}
	if err := r.whoAndWhen(ctx, in, a, bad); err != nil {
		return err
	}
	return bad.OrNil()
}

// whoAndWhen reads to whom an action is given and when it is due.
func (r *Room) whoAndWhen(ctx context.Context, in *Doing, a *Action, bad store.Invalid) error {
	if who := clean(in.GivenTo); who != "" && a.State == Planned {
		p, why := r.find(ctx, who)
		if why == "" && p.Kind == people.Pupil {
			why = "An action is given to an adult."
		}
		if why != "" {
			bad["given"] = why
		}
		a.GivenTo = p.ID
	}
	if a.State != Planned {
		return nil
	}
	a.Due = in.Due
	if a.Due.IsZero() {
		cal, err := r.calendar(ctx)
		if err != nil {
			return err
		}
		a.Due = cal.AddSchoolDays(r.now(), 3)
	}
	if a.Due.Before(r.now().Add(-oneDay)) {
		bad["due"] = "Give a day that is not over."
	}
	return nil
}

// decide reads an action that is a decision: told, or not and why.
func (in *Doing) decide(a *Action, bad store.Invalid) {
	switch in.Decision {
	case "yes":
		if in.Who == "" {
			bad["who"] = "Write who was told, and by whom."
		}
	case "no":
		if in.Reason == "" {
			bad["reason"] = "Write why not."
		}
	default:
		bad["decision"] = "Choose whether they were told."
	}
	a.Words.Decision, a.Words.Who, a.Words.Ref, a.Words.Reason = in.Decision, in.Who, in.Ref, in.Reason
	a.State, a.Done, a.Words.DoneBy = Done, a.Made, a.Words.By
}

// sanction reads a sanction: its grade, who approved it, the clause of the
// behaviour policy, and its end.
func (in *Doing) sanction(a *Action, bad store.Invalid, allowed []string, now time.Time) {
	if !slices.Contains(allowed, in.Grade) {
		bad["grade"] = "Choose one of the sanctions that the policy allows."
	}
	if in.Approver == "" {
		bad["approver"] = "Write who approved it."
	}
	if in.Clause == "" {
		bad["clause"] = "Name the clause of the behaviour policy that it rests on."
	}
	if timed := slices.Contains([]string{gradeInternet, "equipment", "suspension"}, in.Grade); timed && !in.Until.After(now) {
		bad["until"] = "Give the day on which it ends."
	}
	a.Words.Grade, a.Words.Approver, a.Words.Clause, a.Until = in.Grade, in.Approver, in.Clause, in.Until
	a.State, a.Done, a.Words.DoneBy = Done, a.Made, a.Words.By
}

// mayAct refuses what a case does not allow, and does what an investigation
// or a sanction brings with it.
func (r *Room) mayAct(ctx context.Context, tx *store.Tx, w *Whole, in *Doing, a *Action, ch *change) error {
	switch a.Kind {
	case actSanction:
		if err := r.maySanction(ctx, tx, w); err != nil {
			return err
		}
		return r.impose(ctx, tx, w, in, a, ch)
	case actInvestigation:
		return r.toHead(ctx, tx, w, a, ch)
	}
	return nil
}

// maySanction: nobody is punished for distress, nor on the word of a machine,
// nor before the head has looked at what was done on purpose.
func (r *Room) maySanction(ctx context.Context, tx *store.Tx, w *Whole) error {
	if w.Care {
		return store.Invalid{"": "This case is about distress, health, identity, abuse or an accident. It never leads to a sanction."}
	}
	if w.kind().Deliberate && !w.done(actInvestigation) {
		return store.Invalid{"": "The head investigates first."}
	}
	row, err := hasRef(ctx, tx, w.ID)
	if err != nil {
		return err
	}
	if row && !w.done(actSpoke) {
		return store.Invalid{"": "A row of the record alone never grounds a sanction. Speak with the pupil first, and write down what was said."}
	}
	return nil
}

// toHead gives an investigation to the head (to the chair, where the head is
// in the case), who may see the case for as long as it takes.
func (r *Room) toHead(ctx context.Context, tx *store.Tx, w *Whole, a *Action, ch *change) error {
	who, _, err := r.receivers(ctx, StaffConduct, w.People)
	if err != nil {
		return err
	}
	if len(who) == 0 {
		return store.Invalid{"": "Nobody holds the post of head teacher who is not in the case."}
	}
	a.GivenTo = who[0].Person.ID
	s := Sighting{
		ID: store.NewID(a.Made), Person: a.GivenTo, Kind: sightNamed, From: a.Made, Until: a.Made.Add(60 * oneDay),
		Reason: "To investigate.", By: actor.From(ctx).ID,
	}
	if err := r.insertSight(ctx, tx, w.ID, s); err != nil {
		return err
	}
	ch.rows = append(ch.rows, row("concern_sights", s.ID))
	return nil
}

// tellGiven mails whoever an action was given to that something waits.
func (r *Room) tellGiven(ctx context.Context, tx *store.Tx, a *Action, risk int) error {
	if r.d.Notices == nil || a.GivenTo == "" || a.State != Planned {
		return nil
	}
	return r.d.Notices.Send(ctx, tx, notice.Notice{
		Key: "concern/action/" + a.ID, To: []string{string(a.GivenTo)}, What: "Something was given to you to do", Link: "/", Risk: min(risk, 2),
	})
}

// Given shows an action to whoever it was given to: its own words, and
// nothing else of the case.
func (r *Room) Given(ctx context.Context, id string) (Action, error) {
	me := actor.From(ctx)
	a, err := r.action(ctx, r.d.DB, id)
	if err != nil {
		return Action{}, err
	}
	if !person(me) || string(a.GivenTo) != me.Person {
		return Action{}, store.ErrNotFound
	}
	return a, r.d.DB.Write(ctx, func(tx *store.Tx) error {
		return r.write(ctx, tx, journal.Entry{Verb: VerbViewed, ID: a.Concern, After: map[string]string{"as": "an action was given to them"}})
	})
}

// Finish ends an action: done, with what came of it, or not needed, with why.
// It is for whoever it was given to, and for those the case goes to; only the
// head's own word ends an investigation.
func (r *Room) Finish(ctx context.Context, id string, version int64, state, outcome string) error {
	if err := r.mustBeReady(ctx); err != nil {
		return err
	}
	outcome, err := needed("outcome", outcome, maxLong)
	if err != nil {
		return err
	}
	if state != Done && state != Dropped {
		return store.Invalid{"state": "Choose whether it is done."}
	}
	rd, err := r.reader(ctx)
	if err != nil {
		return err
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		a, err := r.action(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := r.mayFinish(ctx, tx, rd, &a, state); err != nil {
			return err
		}
		if a.Version != version || a.State != Planned {
			return store.ErrStale
		}
		a.State, a.Done, a.Words.Outcome, a.Words.DoneBy = state, r.now(), outcome, rd.a.ID
		if err := r.endAction(ctx, tx, &a); err != nil {
			return err
		}
		return r.line(ctx, tx, VerbDone, a.Concern, row("concern_actions", a.ID))
	})
}

func (r *Room) mayFinish(ctx context.Context, q store.Querier, rd *reader, a *Action, state string) error {
	if person(rd.a) && string(a.GivenTo) == rd.a.Person {
		return nil
	}
	how, err := r.standing(ctx, q, rd, a.Concern)
	if err != nil {
		return err
	}
	if how != full {
		return store.ErrNotFound
	}
	if a.Kind == actInvestigation && state == Done {
		return fmt.Errorf("%w: the head writes what was found", store.ErrForbidden)
	}
	return nil
}

// says is an action in words for the story of a case.
func (a *Action) says() string {
	var parts []string
	add := func(name, v string) {
		if v != "" {
			parts = append(parts, name+v)
		}
	}
	switch a.Words.Decision {
	case "yes":
		add("Told: ", a.Words.Who)
	case "no":
		add("Not told: ", a.Words.Reason)
	}
	add("Reference: ", a.Words.Ref)
	add("", a.Words.What)
	add("Sanction: ", optionTitle(Sanctions, a.Words.Grade))
	add("For: ", a.Words.Whose)
	add("Approved by: ", a.Words.Approver)
	add("By the behaviour policy: ", a.Words.Clause)
	switch a.Words.Coursework {
	case "no":
		add("", "It touches no coursework and no exam")
	case "yes":
		add("Coursework and exams meanwhile: ", a.Words.Arranged)
	}
	add("What came of it: ", a.Words.Outcome)
	return strings.Join(parts, ". ")
}
