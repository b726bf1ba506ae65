package agreements

import (
	"context"
	"fmt"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Chased says what became of a reminder: how many people are mailed, and how
// many records have nobody who could be.
type Chased struct{ Mailed, Unmailed int }

// Chase reminds those who have not signed a sheet: the person, or the parents
// of a child whose parents must sign. Nobody is reminded twice of one edition
// in a week. Whoever has no e-mail address is on the printed list.
func (r *Room) Chase(ctx context.Context, s Sheet) (Chased, error) {
	b, err := r.book(ctx)
	if err != nil {
		return Chased{}, err
	}
	var c Count
	for _, x := range b.counts() {
		if x.Sheet == s {
			c = x
		}
	}
	if c.Sheet == "" {
		return Chased{}, store.ErrNotFound
	}
	if !c.Asked || len(c.Lacks) == 0 {
		return Chased{}, store.Invalid{"": "Nobody has to be reminded."}
	}
	var out Chased
	to := map[people.ID]bool{}
	for _, l := range c.Lacks {
		found, err := r.reach(ctx, l)
		if err != nil {
			return Chased{}, err
		}
		if len(found) == 0 {
			out.Unmailed++
		}
		for _, id := range found {
			to[id] = true
		}
	}
	sender := r.Notices()
	if sender == nil {
		to, out.Unmailed = nil, len(c.Lacks)
	}
	out.Mailed = len(to)
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		for id := range to {
			n := notice.Notice{
				Key: r.chaseKey(s, c.Number, id), To: []string{string(id)}, What: "There are rules for you to read and sign", Link: "/agreement", Risk: 1,
			}
			if err := sender.Send(ctx, tx, n); err != nil {
				return fmt.Errorf("reminding somebody: %w", err)
			}
		}
		if err := insertChase(ctx, tx, store.NewID(r.Clock.Now()), s, out.Mailed, out.Unmailed, actor.From(ctx).ID, r.Clock.Now()); err != nil {
			return err
		}
		r.changes(tx, "")
		return r.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbChased, Kind: "agreement", ID: string(s), After: map[string]any{"mailed": out.Mailed, "without an address": out.Unmailed},
		})
	})
	return out, err
}

// chaseKey is one a week, so that a second press sends nothing twice.
func (r *Room) chaseKey(s Sheet, number int64, id people.ID) string {
	year, week := r.Clock.Now().UTC().ISOWeek()
	return fmt.Sprintf("agreement/%s/%d/%s/%d-%d", s, number, id, year, week)
}

// reach finds who can be mailed about a record that lacks a signature.
func (r *Room) reach(ctx context.Context, l Lack) ([]people.ID, error) {
	var out []people.ID
	for _, role := range l.Roles {
		if role == Self {
			if l.Person.Email != "" {
				out = append(out, l.Person.ID)
			}
			continue
		}
		parents, err := r.People.Parents(ctx, l.Person.ID)
		if err != nil {
			return nil, err
		}
		for _, p := range parents {
			if p.Link.Responsible && p.Person.Email != "" {
				out = append(out, p.Person.ID)
			}
		}
	}
	return out, nil
}
