package monitoring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// A review is somebody's word that they looked at what the watchers did in a
// period. It covers every look but the reviewer's own: those are left for
// somebody else, so that nobody reviews themselves.
type Review struct {
	ID       string
	From, To time.Time
	Reviewer string // actor
	Signed   time.Time
	Looks    int
	Remarks  string
}

// Watcher is what one person did in a period, for the reviewer.
type Watcher struct {
	Actor  string
	Counts map[string]int // by kind of look
	Looks  int
	Rows   int
	Last   time.Time
	Own    bool // the reader's own: somebody else reviews it
}

// reviewWithin is how many school days after the end of a period its review
// is due.
const reviewWithin = 10

// MaxReviewed bounds the looks of one review.
const maxReviewed = 50_000

// mayReview refuses whoever may not review the watchers.
func mayReview(a actor.Actor) error {
	if isPupil(a) || !a.May(MayReview) || a.Kind != actor.Person {
		return fmt.Errorf("%w: the head reviews who looked, and the chair of governors what the head looked at", store.ErrForbidden)
	}
	return nil
}

// Unreviewed is what of a period waits for the actor in ctx: the ids of the
// looks by others that nobody has reviewed, and how many of their own wait
// for somebody else.
func (r *Room) Unreviewed(ctx context.Context, from, to time.Time) (ids []string, own int, err error) {
	a := actor.From(ctx)
	if err := mayReview(a); err != nil {
		return nil, 0, err
	}
	looks, err := r.unreviewedLooks(ctx, from, to)
	if err != nil {
		return nil, 0, err
	}
	for _, l := range looks {
		if l.Actor == a.ID {
			own++
			continue
		}
		ids = append(ids, l.ID)
	}
	return ids, own, nil
}

// Watchers answers who looked in a period, most rows first.
func (r *Room) Watchers(ctx context.Context, from, to time.Time) ([]Watcher, error) {
	a := actor.From(ctx)
	if err := mayReview(a); err != nil {
		return nil, err
	}
	return r.watchers(ctx, from, to, a.ID)
}

// digestOf says which looks a review was of, so that none can be slipped in
// or out afterwards.
func digestOf(ids []string) string {
	sum := sha256.Sum256([]byte(strings.Join(slices.Sorted(slices.Values(ids)), "\n")))
	return hex.EncodeToString(sum[:])
}

// Sign keeps the reviewer's word on a period that is over. digest is of the
// looks that the page showed: if one more has come to light, it is shown
// again first.
func (r *Room) Sign(ctx context.Context, from, to time.Time, digest, remarks string) error {
	a := actor.From(ctx)
	ids, _, err := r.Unreviewed(ctx, from, to)
	if err != nil {
		return err
	}
	remarks = strings.TrimSpace(remarks)
	now := r.d.Clock.Now()
	bad := store.Invalid{}
	switch n := utf8.RuneCountInString(remarks); {
	case n < minReason:
		bad["remarks"] = "Say in a few words what you found, even if all was in order."
	case n > maxReason:
		bad["remarks"] = fmt.Sprintf("Shorten the remarks to %d letters.", maxReason)
	}
	switch {
	case !to.After(from):
		bad["period"] = "Choose a period."
	case to.After(now):
		bad["period"] = "This period is not over yet. It can be reviewed from its last day on."
	case len(ids) == 0:
		bad["period"] = "Nothing of this period waits for your review."
	}
	if err := bad.OrNil(); err != nil {
		return err
	}
	if digestOf(ids) != digest {
		return store.ErrStale
	}
	v := Review{ID: store.NewID(now), From: from, To: to, Reviewer: a.ID, Signed: now, Looks: len(ids), Remarks: remarks}
	sealed, err := r.sealText(ctx, "watch-reviews", v.ID, remarks)
	if err != nil {
		return err
	}
	defer r.owed.forget()
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertReview(ctx, tx, v, digest, sealed); err != nil {
			return err
		}
		for _, id := range ids {
			if err := insertReviewed(ctx, tx, v.ID, id); err != nil {
				return err
			}
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbReviewed, Kind: "watch review", ID: v.ID, Reason: remarks,
			After: map[string]any{"from": from, "to": to, "looks": len(ids), "digest": digest},
			Rows:  []journal.Row{{Table: "watch_reviews", ID: v.ID}},
		})
	})
}

// Meeting is a talk with somebody who watches.
type Meeting struct {
	ID     string
	Person people.ID
	On     people.Day
	Note   string
	By     string
}

// Met keeps that somebody who watches was asked how they are.
func (r *Room) Met(ctx context.Context, m Meeting) error {
	a := actor.From(ctx)
	if err := mayReview(a); err != nil {
		return err
	}
	zone, err := r.zone(ctx)
	if err != nil {
		return err
	}
	now := r.d.Clock.Now()
	m.Note = strings.TrimSpace(m.Note)
	bad := store.Invalid{}
	p, err := r.d.Roll.Get(ctx, m.Person)
	switch {
	case err != nil || p.Kind == people.Pupil:
		bad["person"] = "Choose somebody who watches."
	case string(m.Person) == a.Person:
		bad["person"] = "Nobody holds this talk with themselves."
	}
	if !m.On.Valid() || m.On.Time(zone).After(now) {
		bad["on"] = "Enter the day of the talk, such as 14 9 2026; it cannot be still to come."
	}
	if utf8.RuneCountInString(m.Note) > maxReason {
		bad["note"] = fmt.Sprintf("Shorten this to %d letters.", maxReason)
	}
	if err := bad.OrNil(); err != nil {
		return err
	}
	m.ID, m.By = store.NewID(now), a.ID
	note, err := r.sealText(ctx, "support-meetings", m.ID, m.Note)
	if err != nil {
		return err
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertMeeting(ctx, tx, m, note, now); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbSupported, Kind: "support meeting", ID: m.ID,
			After: map[string]any{"with": m.Person, "on": m.On}, Rows: []journal.Row{{Table: "support_meetings", ID: m.ID}},
		})
	})
}
