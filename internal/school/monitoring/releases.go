package monitoring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// The states of a release.
const (
	ReleaseAsked   = "asked"
	ReleaseGiven   = "given"
	ReleaseRefused = "refused"
)

// releaseLasts is how long a released part may be fetched.
const releaseLasts = 7 * oneDay

// maxReleased is how many days one release may span.
const maxReleased = 92

// Release is a part of one person's record that a senior leader asked for and
// a monitor gave, or did not.
type Release struct {
	ID      string
	Person  people.ID
	Purpose string
	Why     string
	From    people.Day
	To      people.Day
	Asked   time.Time
	AskedBy string
	State   string
	Said    time.Time
	SaidBy  string
	Until   time.Time // until when it can be fetched
}

// AskRelease asks the monitors for a part of somebody's record.
func (r *Room) AskRelease(ctx context.Context, x Release) (Release, error) {
	a := actor.From(ctx)
	if isPupil(a) || !a.May(MayAsk) || a.Kind != actor.Person {
		return x, fmt.Errorf("%w: senior leaders may ask for what was recorded", store.ErrForbidden)
	}
	now := r.d.Clock.Now()
	x.Why = strings.TrimSpace(x.Why)
	bad := store.Invalid{}
	if _, err := r.d.Roll.Get(ctx, x.Person); err != nil {
		bad["person"] = "Choose whose record is asked for."
	}
	if string(x.Person) == a.Person {
		bad["person"] = "Ask for your own data as everybody does: with a request to the data manager."
	}
	if !slices.Contains(r.values().Items(keyPurposes), x.Purpose) {
		bad["purpose"] = "Choose one of the purposes."
	}
	if n := utf8.RuneCountInString(x.Why); n < minReason || n > maxReason {
		bad["why"] = fmt.Sprintf("Say in %d to %d letters what it is needed for.", minReason, maxReason)
	}
	switch {
	case !x.From.Valid():
		bad["from"] = "Enter a day, such as 14 9 2026."
	case !x.To.Valid():
		bad["to"] = "Enter a day, such as 14 9 2026."
	case x.To < x.From:
		bad["to"] = "The last day must not be before the first."
	case x.From.Add(maxReleased) < x.To:
		bad["to"] = "Ask for three months at most; less is better."
	}
	if err := bad.OrNil(); err != nil {
		return x, err
	}
	x.ID, x.Asked, x.AskedBy, x.State = store.NewID(now), now, a.ID, ReleaseAsked
	why, err := r.sealText(ctx, "releases", x.ID, x.Why)
	if err != nil {
		return x, err
	}
	return x, r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertRelease(ctx, tx, x, why); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbAskedFor, Kind: "release", ID: x.ID, Reason: x.Why,
			After: map[string]any{"person": x.Person, "purpose": x.Purpose, "from": x.From, "to": x.To},
			Rows:  []journal.Row{{Table: "releases", ID: x.ID}},
		})
	})
}

// AnswerRelease is a monitor's yes or no. Nobody answers what they asked for,
// nor what is about themselves.
func (r *Room) AnswerRelease(ctx context.Context, id string, give bool) error {
	if _, err := r.purpose(ctx); err != nil {
		return err
	}
	a := actor.From(ctx)
	x, err := r.release(ctx, id)
	if err != nil {
		return err
	}
	if x.AskedBy == a.ID || string(x.Person) == a.Person {
		return fmt.Errorf("%w: you asked for this, or it is about you, so another monitor answers", store.ErrForbidden)
	}
	if x.State != ReleaseAsked {
		return store.ErrStale
	}
	x.State, x.Said, x.SaidBy, x.Until = ReleaseRefused, r.d.Clock.Now(), a.ID, time.Time{}
	verb := VerbNotGiven
	if give {
		x.State, x.Until, verb = ReleaseGiven, x.Said.Add(releaseLasts), VerbReleased
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := answerRelease(ctx, tx, x); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: verb, Kind: "release", ID: id, Rows: []journal.Row{{Table: "releases", ID: id}}})
	})
}

// lookRelease is the kind of look that fetching a released part is.
const lookRelease = "release"

// Fetch answers a released part to whoever asked for it, while it may be
// fetched. Each fetching is a look of theirs.
func (r *Room) Fetch(ctx context.Context, id string) (Release, []Seen, bool, error) {
	a := actor.From(ctx)
	x, err := r.release(ctx, id)
	if err != nil {
		return x, nil, false, err
	}
	now := r.d.Clock.Now()
	if isPupil(a) || !a.May(MayAsk) || x.AskedBy != a.ID || x.State != ReleaseGiven || !now.Before(x.Until) {
		return x, nil, false, store.ErrNotFound
	}
	zone, err := r.zone(ctx)
	if err != nil {
		return x, nil, false, err
	}
	events, err := r.eventsOf(ctx, x.Person, x.From.Time(zone), x.To.End(zone))
	if err != nil {
		return x, nil, false, err
	}
	cut := len(events) > maxCopied
	if cut {
		events = slices.Clone(events[len(events)-maxCopied:])
	}
	events = slices.DeleteFunc(events, func(e activity.Event) bool { return e.Alert != "" && !a.May(MayTray) })
	p, err := r.latestPurpose(ctx, a.ID, "release:"+x.ID, now)
	if errors.Is(err, store.ErrNotFound) {
		p = Purpose{ID: store.NewID(now), Actor: a.ID, Session: "release:" + x.ID, Purpose: x.Purpose, Given: now, Until: x.Until}
		err = r.keepPurpose(ctx, p, x.Why)
	}
	if err != nil {
		return x, nil, false, err
	}
	asked := map[string]string{"person": string(x.Person), "from": string(x.From), "to": string(x.To), "release": x.ID}
	return x, r.shape(ctx, events), cut, r.look(ctx, p, lookRelease, len(events), asked)
}
