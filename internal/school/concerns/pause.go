package concerns

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// gradeInternet is the sanction that Belisha carries out itself: the filter
// pauses the web for a pupil until its end.
const gradeInternet = "internet"

// longestPause is the longest that the web is withdrawn by one decision: a
// term. Somebody looks again then.
const longestPause = 100 * oneDay

// Pause is the web withdrawn from a pupil for a time. Help, the school's own
// pages and what devices need stay open.
type Pause struct {
	ID, Concern, Action, Mark string
	From, Until               time.Time
	Ended                     time.Time // given back early; zero: not
	Words                     PauseWords
}

// PauseWords is whose web it is; sealed.
type PauseWords struct {
	Person people.ID `json:"person"`
	Name   string    `json:"name"`
	Why    string    `json:"why,omitempty"` // why it was given back early
	By     string    `json:"by,omitempty"`  // who gave it back
}

// live reports whether it holds now.
func (p *Pause) live(now time.Time) bool { return p.Ended.IsZero() && p.Until.After(now) }

// Paused says until when the web is withdrawn from somebody; zero for not at
// all. It is asked for everybody on the web.
func (r *Room) Paused(ctx context.Context, person people.ID) (until time.Time, err error) {
	if person == "" {
		return time.Time{}, nil
	}
	return r.pausedUntil(ctx, r.personMark(person), r.now())
}

// fits reports whether a sanction is one for pupils, or one for adults.
func fits(grade string, pupil bool) bool {
	switch grade {
	case "parents":
		return pupil
	case "discipline", "dismissal":
		return !pupil
	}
	return true
}

// harmers are those in a case on whom a sanction may fall.
func (w *Whole) harmers() []Person {
	return slices.DeleteFunc(slices.Clone(w.People), func(p Person) bool { return p.Gone || p.Role != roleHarmer })
}

// whose finds on whom a sanction falls. Nobody is punished who was harmed, or
// who saw it.
func (w *Whole) whose(id string) (Person, error) {
	list := w.harmers()
	if len(list) == 0 {
		return Person{}, store.Invalid{"": "Nobody stands in this concern as somebody who may have harmed. Put them in first; nobody is punished who was harmed or only saw it."}
	}
	if id == "" && len(list) == 1 {
		return list[0], nil
	}
	i := slices.IndexFunc(list, func(p Person) bool { return p.ID == id })
	if i < 0 {
		return Person{}, store.Invalid{"whose": "Choose on whom it falls."}
	}
	return list[i], nil
}

// impose finds on whom a sanction falls, and takes their web away where that
// is the sanction.
func (r *Room) impose(ctx context.Context, tx *store.Tx, w *Whole, in *Doing, a *Action, ch *change) error {
	p, err := w.whose(in.Whose)
	if err != nil {
		return err
	}
	if !fits(in.Grade, p.Named.Pupil) {
		return store.Invalid{"grade": "Choose a sanction that there is for " + map[bool]string{true: "pupils", false: "adults"}[p.Named.Pupil] + "."}
	}
	a.Words.Whose = p.Named.Name
	if in.Grade != gradeInternet || !p.Named.Pupil || p.Named.Person == "" {
		return nil
	}
	if err := in.thought(a); err != nil {
		return err
	}
	pause := Pause{ID: store.NewID(a.Made), Concern: w.ID, Action: a.ID, Mark: p.Mark, From: a.Made, Until: a.Until, Words: PauseWords{Person: p.Named.Person, Name: p.Named.Name}}
	if err := r.insertPause(ctx, tx, &pause); err != nil {
		return err
	}
	ch.rows = append(ch.rows, row("concern_pauses", pause.ID))
	r.tellFilter(ctx, tx, pause.Words.Person)
	return nil
}

// thought sees that somebody has thought of coursework before the web is
// withdrawn.
func (in *Doing) thought(a *Action) error {
	bad := store.Invalid{}
	switch in.Coursework {
	case "no":
	case "yes":
		if in.Arranged == "" {
			bad["arranged"] = "Write how they get at their coursework and sit their exams meanwhile."
		}
	default:
		bad["coursework"] = "Find out whether it could touch coursework or an exam, and choose."
	}
	if a.Until.Sub(a.Made) > longestPause {
		bad["until"] = fmt.Sprintf("Give a day within %d days. Look at it again then.", int(longestPause/oneDay))
	}
	a.Words.Coursework, a.Words.Arranged = in.Coursework, in.Arranged
	return bad.OrNil()
}

// tellFilter has the filter told of somebody as soon as what is being written
// is kept.
func (r *Room) tellFilter(ctx context.Context, tx *store.Tx, person people.ID) {
	if r.d.Changed == nil {
		return
	}
	tx.AfterCommit(func() { r.d.Changed(context.WithoutCancel(ctx), person) })
}

// Lift gives the web back before the end, for a reason.
func (r *Room) Lift(ctx context.Context, id string, version int64, pause, reason string) error {
	reason, err := needed("reason", reason, maxLong)
	if err != nil {
		return err
	}
	_, err = r.work(ctx, id, version, false, func(tx *store.Tx, w *Whole) (change, error) {
		ch := change{verb: VerbDone}
		err := r.lift(ctx, tx, w, reason, &ch, func(p *Pause) bool { return p.ID == pause })
		if err == nil && len(ch.rows) == 0 {
			err = store.ErrStale // it is over, or was given back
		}
		return ch, err
	})
	return err
}

// lift ends those of a case's pauses that hold now and are meant.
func (r *Room) lift(ctx context.Context, tx *store.Tx, w *Whole, why string, ch *change, meant func(*Pause) bool) error {
	now := r.now()
	for i := range w.Pauses {
		p := &w.Pauses[i]
		if !p.live(now) || !meant(p) {
			continue
		}
		p.Ended, p.Words.Why, p.Words.By = now, why, actor.From(ctx).ID
		if err := r.endPause(ctx, tx, p); err != nil {
			return err
		}
		ch.rows = append(ch.rows, row("concern_pauses", p.ID))
		ch.entries = append(ch.entries, Entry{Kind: EntryLifted, Told: Told{Text: "The web was given back to " + p.Words.Name + " before the end.", Reason: why}})
		r.tellFilter(ctx, tx, p.Words.Person)
	}
	return nil
}

// liftAll ends all of them, where no sanction may come of a case any more.
func (r *Room) liftAll(ctx context.Context, tx *store.Tx, w *Whole, why string, ch *change) error {
	return r.lift(ctx, tx, w, why, ch, func(*Pause) bool { return true })
}

// Held is how the filter holds one row of those who are on the web.
type Held struct {
	Person people.ID // "": a row that the school knows of nobody for
	Until  time.Time // until when it is paused; zero: it is not
}

// ErrFilterAway: the filter does not answer.
var ErrFilterAway = errors.New("the filter does not answer")

// sanctionsApplied compares what was decided with what the filter does. It
// names nobody: who it is stands in the case.
func (r *Room) sanctionsApplied(ctx context.Context, now time.Time) (control.Finding, error) {
	f := control.Finding{
		State: control.Kept, Owner: string(people.NetworkManager),
		Rule: "the filter pauses the web for those from whom it is withdrawn, until the end of it, and for nobody else",
	}
	var held []Held
	err := ErrFilterAway
	if r.d.Held != nil {
		held, err = r.d.Held(ctx)
	}
	// Decisions are read after the filter, so that one made meanwhile is told
	// already.
	live, lately, lerr := r.pausesNow(ctx, now, now.Add(-lookBack))
	if lerr != nil {
		return f, lerr
	}
	if errors.Is(err, ErrFilterAway) {
		f.State, f.Figure, f.Todo = control.Unknown, "the filter does not answer, so nobody knows what it does", "Start the filter; see Health."
		return f, nil
	}
	if err != nil {
		return f, err
	}
	open, shut, on := r.mismatches(held, live, now)
	for range min(open, 200) {
		f.Rows = append(f.Rows, control.Row{What: "On the web although it is withdrawn, or withdrawn for another time", State: control.Broken, Link: "/health"})
	}
	for range min(shut, 200) {
		f.Rows = append(f.Rows, control.Row{What: "Kept from the web although nothing that was decided says so", State: control.Broken, Link: "/health"})
	}
	f.Total = open + shut
	f.Figure = fmt.Sprintf("in force: %s, of them on the web now and held back: %s; decided in the last year: %s", words.Number(len(live)), words.Number(on), words.Number(lately))
	switch {
	case f.Total > 0:
		f.State, f.Todo = control.Broken, "Sign those on the web in anew, and look at Health: the filter was not told."
		f.Figure += "; the filter does otherwise for " + words.Count(f.Total, "sign-in", "sign-ins")
	case len(live) == 0 && lately == 0:
		f.State, f.Figure = control.Unknown, "nothing to measure: the web was withdrawn from nobody in the last year"
	case len(live) > 0 && r.d.Strangers != nil && r.d.Strangers():
		f.State, f.Todo = control.AtRisk, "Have the web closed to whoever is not signed in, by a sentence of the policy, or have devices sign in by themselves."
		f.Figure += "; whoever signs out, or does not sign in, goes on under the strictest rules"
	}
	return f, nil
}

// mismatches counts the rows of the filter that are open and should not be,
// those that are shut and should not be, and the people on the web who are
// held back as they should be.
func (r *Room) mismatches(held []Held, live map[string]time.Time, now time.Time) (open, shut, on int) {
	right := map[people.ID]bool{}
	for _, h := range held {
		want := time.Time{}
		if h.Person != "" {
			want = live[r.personMark(h.Person)]
		}
		is := h.Until
		if !is.After(now) {
			is = time.Time{}
		}
		switch {
		case is.UnixMilli() == want.UnixMilli():
			if !want.IsZero() {
				right[h.Person] = true
			}
		case want.IsZero():
			shut++
		default:
			open++
		}
	}
	return open, shut, len(right)
}
