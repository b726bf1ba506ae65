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

// Grounds is what the recording of names rests on.
type Grounds struct {
	// Assessment is the version that the head read: 0 is the draft as it
	// stands, which is then kept as the first.
	Assessment int
	AssessedOn people.Day // when the head signed it
	Notice     string     // where people were told
	Text       string     // what they were told; "" is the text supplied
	ToldOn     people.Day // since when; "" is the day of signing
}

// ConfirmRecording is the head's word on the newest impact assessment and the
// notice supplied.
func (r *Room) ConfirmRecording(ctx context.Context, assessedOn people.Day, notice string) error {
	x, err := r.standing(ctx)
	if err != nil {
		return err
	}
	return r.StartRecording(ctx, Grounds{Assessment: x.Number, AssessedOn: assessedOn, Notice: notice})
}

// StartRecording is the head's word that the impact assessment is done and
// that everybody has been told. Names are recorded from then on.
func (r *Room) StartRecording(ctx context.Context, g Grounds) error {
	a := actor.From(ctx)
	if !a.May(MayConfirm) || isPupil(a) {
		return fmt.Errorf("%w: the head confirms the impact assessment", store.ErrForbidden)
	}
	g.Notice, g.Text = strings.TrimSpace(g.Notice), strings.TrimSpace(g.Text)
	if g.Text == "" {
		g.Text = r.NoticeText()
	}
	if g.ToldOn == "" {
		g.ToldOn = g.AssessedOn
	}
	zone, err := r.zone(ctx)
	if err != nil {
		return err
	}
	now := r.d.Clock.Now()
	if err := g.check(now, zone).OrNil(); err != nil {
		return err
	}
	if on, err := r.Recording(ctx); err != nil || on {
		return err
	}
	x, err := r.standing(ctx)
	if err != nil {
		return err
	}
	if x.Number != g.Assessment {
		return store.ErrStale // somebody saved another version meanwhile
	}
	rec := Recording{ID: store.NewID(now), ConfirmedAt: now, ConfirmedBy: a.ID, AssessedOn: g.AssessedOn, Notice: g.Notice}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if x.Number == 0 {
			x.ID, x.Saved, x.By, x.Review = store.NewID(now), now, a.ID, g.AssessedOn.Add(365)
			x.Consulted = "The draft that Belisha supplies, as the head signed it."
			if err := r.keepAssessment(ctx, tx, &x); err != nil {
				return err
			}
		}
		return r.keepRecording(ctx, tx, rec, g, x)
	})
}

func (r *Room) keepRecording(ctx context.Context, tx *store.Tx, rec Recording, g Grounds, x Assessment) error {
	if err := insertRecording(ctx, tx, rec); err != nil {
		return err
	}
	if err := insertGrounds(ctx, tx, rec.ID, x.ID, g); err != nil {
		return err
	}
	return r.d.Journal.Write(ctx, tx, journal.Entry{
		Verb: VerbRecording, Kind: "recording", ID: rec.ID,
		After: map[string]any{"assessed on": g.AssessedOn, "version": x.Number, "told by": g.Notice, "told on": g.ToldOn},
		Rows:  []journal.Row{{Table: "recordings", ID: rec.ID}, {Table: "recording_grounds", ID: rec.ID}},
	})
}

func (g Grounds) check(now time.Time, zone *time.Location) store.Invalid {
	bad := store.Invalid{}
	switch {
	case !g.AssessedOn.Valid():
		bad["assessed"] = "Enter the day on which the impact assessment was signed, such as 14 9 2026."
	case g.AssessedOn.Time(zone).After(now):
		bad["assessed"] = "The impact assessment cannot have been signed in the future."
	case g.AssessedOn.Time(zone).Before(now.AddDate(-2, 0, 0)):
		bad["assessed"] = "The impact assessment is more than two years old. Look at it again first."
	}
	if len(g.Notice) < minReason || len(g.Notice) > maxNotice {
		bad["notice"] = "Say where pupils, staff and parents were told, such as \"Letter of 4 September and the acceptable-use agreement\"."
	}
	if n := len(g.Text); n < 40 || n > maxPart {
		bad["text"] = "Enter what people were told, in full."
	}
	switch {
	case !g.ToldOn.Valid() && g.ToldOn != "":
		bad["told"] = "Enter the day on which people were told, such as 14 9 2026."
	case g.ToldOn.Valid() && g.ToldOn.Time(zone).After(now):
		bad["told"] = "People must have been told before names are recorded; this day is still to come."
	}
	return bad
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
