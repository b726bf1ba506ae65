package duty

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

const maxNote = 2000

// longestExcuse is how long one excuse may last.
const longestExcuse = 366 * 24 * time.Hour

// said returns what was said, by key.
func (b *Book) said(ctx context.Context) (map[string]Duty, error) {
	rows, err := b.DB.QueryContext(ctx, "SELECT id, state, said_by, said_at, given_to, until_at, note FROM duties")
	if err != nil {
		return nil, fmt.Errorf("reading what was said about tasks: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]Duty{}
	for rows.Next() {
		var id string
		var d Duty
		var at, until store.Time
		if err := rows.Scan(&id, &d.State, &d.By, &at, &d.GivenTo, &until, &d.Note); err != nil {
			return nil, fmt.Errorf("reading what was said about tasks: %w", err)
		}
		d.At, d.Until = at.Time, until.Time
		out[id] = d
	}
	return out, rows.Err()
}

// Done says that a duty was done. The owner, or whoever it was given to, may.
func (b *Book) Done(ctx context.Context, key, note string) error {
	d, err := b.find(ctx, key)
	if err != nil {
		return err
	}
	if !d.owns(actor.From(ctx)) {
		return store.ErrForbidden
	}
	if !d.ByWord {
		return store.Invalid{"": "This goes away by itself once it is so; nobody's word is needed."}
	}
	return b.keep(ctx, key, Duty{State: Done, Note: note}, VerbDone)
}

// Give gives a duty to a person. The owner may, and those it was raised to.
func (b *Book) Give(ctx context.Context, key, person, note string) error {
	d, err := b.find(ctx, key)
	if err != nil {
		return err
	}
	a := actor.From(ctx)
	if !d.sees(a) && !a.Holds(d.Owner) {
		return store.ErrForbidden
	}
	if err := b.mayDo(ctx, person); err != nil {
		return err
	}
	return b.keep(ctx, key, Duty{State: Given, GivenTo: person, Note: note}, VerbGiven)
}

// mayDo refuses to give a task to anybody who is not staff, or is not here.
func (b *Book) mayDo(ctx context.Context, person string) error {
	if person == "" {
		return store.Invalid{"person": "Say who does it."}
	}
	if b.People == nil {
		return nil
	}
	staff, err := b.People.Staff(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(staff, func(s Somebody) bool { return s.ID == person }) {
		return store.Invalid{"person": "This is nobody who works at the school now; choose somebody from the list."}
	}
	return nil
}

// mayExcuse reports whether the actor may excuse a duty: the head may, but not
// for what the head owes; then the top of the ladder may.
func (b *Book) mayExcuse(d Duty, a actor.Actor) bool {
	excuses := b.Excuses
	if d.Owner == excuses || d.owns(a) {
		excuses = b.Ladder[len(b.Ladder)-1].Post
	}
	return a.Holds(excuses) && !d.owns(a)
}

// Excuse says that a duty need not be done until a day, and why. The head
// may, but not for what the head owes: then the top of the ladder may.
func (b *Book) Excuse(ctx context.Context, key, reason string, until time.Time) error {
	d, err := b.find(ctx, key)
	if err != nil {
		return err
	}
	if !b.mayExcuse(d, actor.From(ctx)) {
		return store.ErrForbidden
	}
	bad := store.Invalid{}
	if strings.TrimSpace(reason) == "" {
		bad["note"] = "Say why it need not be done."
	}
	if now := b.Clock.Now(); !until.After(now) || until.After(now.Add(longestExcuse)) {
		bad["until"] = "Give a day to come, within a year; then it is looked at again."
	}
	if err := bad.OrNil(); err != nil {
		return err
	}
	return b.keep(ctx, key, Duty{State: Excused, Note: reason, Until: until}, VerbExcused)
}

// keep keeps what was said, with its journal line.
func (b *Book) keep(ctx context.Context, key string, d Duty, verb journal.Verb) error {
	if len(d.Note) > maxNote {
		return store.Invalid{"note": "This is too long; two thousand letters are the most."}
	}
	now := b.Clock.Now()
	return b.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO duties (id, state, said_by, said_at, given_to, until_at, note)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (id) DO UPDATE SET state = excluded.state, said_by = excluded.said_by, said_at = excluded.said_at,
				given_to = excluded.given_to, until_at = excluded.until_at, note = excluded.note`,
			key, string(d.State), actor.From(ctx).ID, store.At(now), d.GivenTo, store.At(d.Until), d.Note)
		if err != nil {
			return fmt.Errorf("keeping what was said about a task: %w", err)
		}
		return b.Journal.Write(ctx, tx, journal.Entry{
			Verb: verb, Kind: "task", ID: key, Reason: d.Note,
			After: map[string]any{"given_to": d.GivenTo, "until": store.Millis(d.Until)}, Rows: []journal.Row{{Table: "duties", ID: key}},
		})
	})
}
