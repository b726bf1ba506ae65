package monitoring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Recording is a time in which names are recorded.
type Recording struct {
	ID          string
	ConfirmedAt time.Time
	ConfirmedBy string
	AssessedOn  people.Day // when the impact assessment was signed
	Notice      string     // where people were told
	EndedAt     time.Time
	EndedBy     string
}

const maxNotice = 300

// Recording says whether names are recorded. Until it is true the house counts
// decisions (activity.Store.Count) and stores nobody.
func (r *Room) Recording(ctx context.Context) (bool, error) {
	_, on, err := r.RecordingSince(ctx)
	return on, err
}

// RecordingSince says also from when on: what was seen before the head's word
// is counted only, whenever it comes to be stored.
func (r *Room) RecordingSince(ctx context.Context) (since time.Time, on bool, err error) {
	rec, err := r.recording(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, false, nil
	}
	return rec.ConfirmedAt, err == nil, err
}

// ConfirmRecording is the head's word that the impact assessment is done and
// that everybody has been told.
func (r *Room) ConfirmRecording(ctx context.Context, assessedOn people.Day, notice string) error {
	a := actor.From(ctx)
	if !a.May(MayConfirm) || isPupil(a) {
		return fmt.Errorf("%w: the head confirms the impact assessment", store.ErrForbidden)
	}
	notice = strings.TrimSpace(notice)
	zone, err := r.zone(ctx)
	if err != nil {
		return err
	}
	now := r.d.Clock.Now()
	bad := store.Invalid{}
	switch {
	case !assessedOn.Valid():
		bad["assessed"] = "Enter the day on which the impact assessment was signed, such as 14 9 2026."
	case assessedOn.Time(zone).After(now):
		bad["assessed"] = "The impact assessment cannot have been signed in the future."
	case assessedOn.Time(zone).Before(now.AddDate(-2, 0, 0)):
		bad["assessed"] = "The impact assessment is more than two years old. Look at it again first."
	}
	if len(notice) < minReason || len(notice) > maxNotice {
		bad["notice"] = "Say where pupils, staff and parents were told, such as \"Letter of 4 September and the acceptable-use agreement\"."
	}
	if err := bad.OrNil(); err != nil {
		return err
	}
	if on, err := r.Recording(ctx); err != nil || on {
		return err
	}
	rec := Recording{ID: store.NewID(now), ConfirmedAt: now, ConfirmedBy: a.ID, AssessedOn: assessedOn, Notice: notice}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertRecording(ctx, tx, rec); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbRecording, Kind: "recording", ID: rec.ID,
			After: map[string]string{"assessed on": string(assessedOn), "told by": notice},
			Rows:  []journal.Row{{Table: "recordings", ID: rec.ID}},
		})
	})
}

// StopRecording ends the recording of names. What is recorded stays until its
// time is over.
func (r *Room) StopRecording(ctx context.Context) error {
	a := actor.From(ctx)
	if !a.May(MayConfirm) || isPupil(a) {
		return fmt.Errorf("%w: the head decides whether names are recorded", store.ErrForbidden)
	}
	rec, err := r.recording(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := endRecording(ctx, tx, rec.ID, r.d.Clock.Now(), a.ID); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbStopped, Kind: "recording", ID: rec.ID,
			Rows: []journal.Row{{Table: "recordings", ID: rec.ID}},
		})
	})
}

// Watched says whether somebody would see a signal: a designated safeguarding
// lead and a deputy, two people, hold their posts. If not, pages say "Blocked,
// not watched", with why. While names are not recorded signals come all the
// same, and cannot say who.
func (r *Room) Watched(ctx context.Context) (ok bool, why string, err error) {
	leads, deputies, err := r.safeguarders(ctx)
	if err != nil {
		return false, "", err
	}
	two := slices.ContainsFunc(deputies, func(d people.ID) bool {
		return slices.ContainsFunc(leads, func(l people.ID) bool { return l != d })
	})
	switch {
	case len(leads) == 0 && len(deputies) == 0:
		return false, "Nobody holds the posts of designated safeguarding lead and deputy. Sites are blocked, but nobody is told when a pupil may need help.", nil
	case len(leads) == 0:
		return false, "Nobody holds the post of designated safeguarding lead.", nil
	case !two:
		return false, "The designated safeguarding lead has no deputy. Name somebody who looks when the lead is away.", nil
	case len(r.values().Items(keyThemes)) == 0:
		return false, "The policy puts nothing in the tray of the safeguarding lead.", nil
	default:
		return true, "", nil
	}
}

// safeguarders are the leads and the deputies now.
func (r *Room) safeguarders(ctx context.Context) (leads, deputies []people.ID, err error) {
	holders, err := r.holdersOf(ctx, people.SafeguardingLead)
	if err != nil {
		return nil, nil, err
	}
	for _, h := range holders {
		if h.Holder.Deputy {
			deputies = append(deputies, h.Person.ID)
		} else {
			leads = append(leads, h.Person.ID)
		}
	}
	holders, err = r.holdersOf(ctx, people.DeputySafeguardingLead)
	for _, h := range holders {
		deputies = append(deputies, h.Person.ID)
	}
	return leads, deputies, err
}
