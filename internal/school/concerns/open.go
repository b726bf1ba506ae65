package concerns

import (
	"context"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// What stands between somebody and a case.
var (
	// ErrKept: it is kept from them. They may open it by force, with a reason,
	// and the lead and the head are told.
	ErrKept = fmt.Errorf("%w: this concern is kept from you", store.ErrForbidden)
	// ErrPurpose: it is closed, so a purpose is given first.
	ErrPurpose = errors.New("this concern is closed; say first what you open it for")
)

// Purposes are what a closed case may be opened for.
var Purposes = []setting.Option{
	{Value: "new", Title: "Something new has come up"},
	{Value: "review", Title: "A review of how it was handled"},
	{Value: "agency", Title: "A request of social care, police or another school"},
	{Value: "access", Title: "A person's request for their data"},
	{Value: "court", Title: "A court, or a legal hold"},
}

// How long a purpose, and a case opened by force, stay open.
const (
	lookLasts  = 30 * time.Minute
	breakLasts = time.Hour
)

// how says in the journal as what somebody opened a case.
func (s standing) how() string {
	if s == full {
		return "it goes to them"
	}
	return "named for it"
}

// Open shows a case to somebody who may see it, and journals the look. A case
// that goes to them counts as read from then on.
func (r *Room) Open(ctx context.Context, id string) (*Whole, error) {
	if err := r.mustBeReady(ctx); err != nil {
		return nil, err
	}
	rd, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	var w *Whole
	err = r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if w, err = r.openIn(ctx, tx, rd, id); err != nil {
			return err
		}
		if !w.live() {
			given, err := lookedFor(ctx, tx, id, rd.a.Person, r.now())
			if err != nil {
				return err
			}
			if !given {
				return ErrPurpose
			}
		}
		e := journal.Entry{Verb: VerbViewed, ID: id, After: map[string]string{"as": named.how()}}
		if w.Full {
			e.After = map[string]string{"as": full.how()}
		}
		if w.Full && w.Read.IsZero() {
			w.Read = r.now()
			if err := updateCase(ctx, tx, &w.Case); err != nil {
				return err
			}
			e.Rows = []journal.Row{row("concerns", id)}
		}
		return r.write(ctx, tx, e)
	})
	if err != nil {
		return nil, err
	}
	w.Receivers, _, err = r.receivers(ctx, w.Route, w.People)
	return w, err
}

// openIn reads a whole case for somebody who may see it.
func (r *Room) openIn(ctx context.Context, q store.Querier, rd *reader, id string) (*Whole, error) {
	how, err := r.standing(ctx, q, rd, id)
	if err != nil {
		return nil, err
	}
	switch how {
	case stranger:
		return nil, store.ErrNotFound
	case outside:
		if _, err := r.caseOf(ctx, q, id); err != nil {
			return nil, err // one that is not there is not kept from anybody
		}
		return nil, ErrKept
	}
	w, err := r.whole(ctx, q, id)
	if err != nil {
		return nil, err
	}
	w.Full = how == full
	return w, nil
}

// whole reads everything of a case.
func (r *Room) whole(ctx context.Context, q store.Querier, id string) (*Whole, error) {
	c, err := r.caseOf(ctx, q, id)
	if err != nil {
		return nil, err
	}
	w := &Whole{Case: c}
	if w.People, err = r.peopleOf(ctx, q, id); err != nil {
		return nil, err
	}
	if w.Entries, err = r.entriesOf(ctx, q, id); err != nil {
		return nil, err
	}
	if w.Actions, err = r.actionsOf(ctx, q, id); err != nil {
		return nil, err
	}
	if w.Files, err = r.filesOf(ctx, q, id); err != nil {
		return nil, err
	}
	if w.Sights, err = r.sightsOf(ctx, q, id); err != nil {
		return nil, err
	}
	w.Pauses, err = r.pausesOf(ctx, q, id)
	return w, err
}

// GivePurpose lets somebody who may see a closed case open it for a while.
func (r *Room) GivePurpose(ctx context.Context, id, purpose string) error {
	if !hasOption(Purposes, purpose) {
		return store.Invalid{"purpose": "Choose what you open it for."}
	}
	rd, err := r.reader(ctx)
	if err != nil {
		return err
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := r.openIn(ctx, tx, rd, id); err != nil {
			return err
		}
		now := r.now()
		s := Sighting{
			ID: store.NewID(now), Person: people.ID(rd.a.Person), Kind: sightLook, From: now, Until: now.Add(lookLasts),
			Reason: optionTitle(Purposes, purpose), By: rd.a.ID,
		}
		if err := r.insertSight(ctx, tx, id, s); err != nil {
			return err
		}
		return r.write(ctx, tx, journal.Entry{
			Verb: VerbPurpose, ID: id, After: map[string]string{"purpose": purpose}, Rows: []journal.Row{row("concern_sights", s.ID)},
		})
	})
}

// Force opens a case that is kept from somebody for an hour. The reason is
// sealed with the case; the safeguarding lead and the head are told at once.
// Nobody forces a case that they or their family are in.
func (r *Room) Force(ctx context.Context, id, reason string) error {
	reason = clean(reason)
	bad := store.Invalid{}
	if len([]rune(reason)) < 10 {
		bad["reason"] = "Write why it cannot wait for somebody who may see it."
	}
	long(bad, "reason", reason, maxLong)
	if err := bad.OrNil(); err != nil {
		return err
	}
	rd, err := r.reader(ctx)
	if err != nil {
		return err
	}
	c, err := r.caseOf(ctx, r.d.DB, id)
	if err != nil {
		return err
	}
	told, err := r.alarmed(ctx, rd, c.Route)
	if err != nil {
		return err
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		how, err := r.standing(ctx, tx, rd, id)
		if err != nil {
			return err
		}
		if how != outside {
			return store.ErrNotFound
		}
		now := r.now()
		s := Sighting{ID: store.NewID(now), Person: people.ID(rd.a.Person), Kind: sightBreak, From: now, Until: now.Add(breakLasts), Reason: reason, By: rd.a.ID}
		if err := r.insertSight(ctx, tx, id, s); err != nil {
			return err
		}
		e := Entry{ID: store.NewID(now), Kind: EntrySight, At: now, Told: Told{By: rd.a.ID, Text: "Opened by force, for an hour.", Reason: reason}}
		if err := r.insertEntry(ctx, tx, id, e); err != nil {
			return err
		}
		if err := r.line(ctx, tx, VerbForced, id, row("concern_sights", s.ID), row("concern_entries", e.ID)); err != nil {
			return err
		}
		if r.d.Notices == nil || len(told) == 0 {
			return nil
		}
		return r.d.Notices.Send(ctx, tx, notice.Notice{
			Key: "concern/" + c.ID + "/forced/" + s.ID, To: told, What: "A concern was opened by somebody from whom it is kept", Link: "/", Risk: 3,
		})
	})
}

// alarmed are those who are told that a case was opened by force: the lead and
// the head; where it is about staff the head and the chair, where it is about
// the head the chair. Whoever opened it is not one of them.
func (r *Room) alarmed(ctx context.Context, rd *reader, route Route) ([]string, error) {
	steps := [][]people.Post{{people.SafeguardingLead, people.Headteacher}, {people.ChairOfGovernors}}
	switch route {
	case StaffConduct:
		steps = [][]people.Post{{people.Headteacher, people.ChairOfGovernors}}
	case HeadComplaint:
		steps = [][]people.Post{{people.ChairOfGovernors}, {people.SafeguardingGovernor}}
	}
	for _, posts := range steps {
		who, err := r.holders(ctx, posts)
		if err != nil {
			return nil, err
		}
		var out []string
		for _, o := range who {
			if id := string(o.Person.ID); id != rd.a.Person {
				out = append(out, id)
			}
		}
		if len(out) > 0 {
			return out, nil
		}
	}
	return nil, nil
}

// forcedLately are the cases that were opened by force lately, for the tray of
// the lead and the head.
func (r *Room) forcedLately(ctx context.Context, rd *reader) ([]forced, error) {
	if !rd.lead && !rd.head {
		return nil, nil
	}
	return r.forcedSince(ctx, rd, r.now().Add(-7*oneDay))
}
