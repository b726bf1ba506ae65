package tickets

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// ErrOften: somebody reports more often than anybody can answer.
var ErrOften = errors.New("there were many reports from here within the hour; wait a little, or tell an adult")

// Report takes a report from whoever asks, signed in or not. The same report
// sent twice at once is one.
func (r *Room) Report(ctx context.Context, t Ticket, from netip.Addr) (Ticket, error) {
	if err := t.check(); err != nil {
		return t, err
	}
	a := actor.From(ctx)
	now := r.now()
	t.Who, t.Audience = people.ID(a.Person), a.Audience
	key := "person " + a.Person
	if a.Person == "" {
		key, t.Audience, t.Place = "address "+from.String(), "", r.Place(from)
	}
	r.numbers.Lock()
	defer r.numbers.Unlock()
	what := string(t.Kind) + " " + t.Site + " " + t.Said
	if id, twice := r.rate.before(key, what, now); twice {
		return r.get(ctx, r.DB, id)
	}
	if !r.rate.allow(key, a.Person == "", now) {
		return t, ErrOften
	}
	if err := r.begin(ctx, &t, now); err != nil {
		return t, err
	}
	if err := r.DB.Write(ctx, func(tx *store.Tx) error { return r.keep(ctx, tx, &t) }); err != nil {
		return t, err
	}
	r.rate.took(key, what, t.ID)
	return t, nil
}

// begin gives a report its owner and its time.
func (r *Room) begin(ctx context.Context, t *Ticket, now time.Time) error {
	due, err := r.due(ctx, now)
	if err != nil {
		return err
	}
	owner := people.Post(r.Live.Current().Choice(keyRoute))
	t.ID, t.AskedAt, t.DueAt, t.Owner, t.State, t.Version = store.NewID(now), now, due, owner, Open, 1
	return nil
}

// due is by when what comes now is answered.
func (r *Room) due(ctx context.Context, now time.Time) (time.Time, error) {
	cal, err := r.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return now, fmt.Errorf("reading the calendar: %w", err)
	}
	return cal.AddSchoolDays(now, max(1, int(r.Live.Current().Duration(keyDue)/day))), nil
}

func (r *Room) keep(ctx context.Context, tx *store.Tx, t *Ticket) error {
	open, anon, err := waitingCount(ctx, tx)
	if err != nil {
		return err
	}
	if open >= mostOpen || t.Who == "" && anon >= mostAnon {
		return ErrOften
	}
	if t.Number, err = nextNumber(ctx, tx); err != nil {
		return err
	}
	if err := insertTicket(ctx, tx, *t); err != nil {
		return err
	}
	if err := r.tellOwner(ctx, tx, *t, "new"); err != nil {
		return err
	}
	return r.happened(ctx, tx, VerbReported, *t, "reported", "")
}

// tellOwner tells whoever answers that a report waits.
func (r *Room) tellOwner(ctx context.Context, tx *store.Tx, t Ticket, what string) error {
	if r.Notices == nil {
		return nil
	}
	return r.Notices.Send(ctx, tx, notice.Notice{
		Key: "ticket/" + t.ID + "/" + what, Posts: []string{string(t.Owner)}, What: "A report about the filter waits for an answer",
		Link: pathDesk + "/" + t.ID, Risk: 1,
	})
}

// happened writes what happened to a report, with its line.
func (r *Room) happened(ctx context.Context, tx *store.Tx, verb journal.Verb, t Ticket, what, said string) error {
	e := Event{ID: store.NewID(r.now()), Ticket: t.ID, At: r.now(), By: actor.From(ctx).ID, What: what, Said: said}
	if err := insertEvent(ctx, tx, e); err != nil {
		return err
	}
	if actor.From(ctx).Audience == actor.Pupil {
		// Which site a pupil asks for can tell much of them: whoever reads the
		// journal does not learn whose report it was.
		ctx = actor.With(ctx, actor.Belisha("tickets"))
	}
	return r.Journal.Write(ctx, tx, journal.Entry{
		Verb: verb, Kind: "ticket", ID: t.ID, After: map[string]any{"number": t.Number, "kind": t.Kind, "outcome": t.Outcome},
		Rows: []journal.Row{{Table: "tickets", ID: t.ID}, {Table: "ticket_events", ID: e.ID}},
	})
}

// handling is a report as somebody who may answer has it before them.
func (r *Room) handling(ctx context.Context, tx *store.Tx, id string, version int64) (Ticket, error) {
	a := actor.From(ctx)
	if !a.May(MayAnswer) || a.Kind != actor.Person || a.Audience == actor.Pupil {
		return Ticket{}, store.ErrForbidden
	}
	t, err := r.get(ctx, tx, id)
	if err != nil {
		return t, err
	}
	if t.Version != version || t.State == Closed {
		return t, store.ErrStale
	}
	return t, nil
}

// Take says that somebody sees to a report.
func (r *Room) Take(ctx context.Context, id string, version int64) error {
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		t, err := r.handling(ctx, tx, id, version)
		if err != nil {
			return err
		}
		t.State, t.TakenBy, t.TakenAt = Taken, people.ID(actor.From(ctx).Person), r.now()
		if err := updateTicket(ctx, tx, t); err != nil {
			return err
		}
		return r.happened(ctx, tx, VerbTaken, t, "taken", "")
	})
}

// Reply tells whoever reported something, and leaves the report open.
func (r *Room) Reply(ctx context.Context, id string, version int64, said string) error {
	said, err := answer(said)
	if err != nil {
		return err
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		t, err := r.handling(ctx, tx, id, version)
		if err != nil {
			return err
		}
		r.answered(ctx, &t)
		if err := updateTicket(ctx, tx, t); err != nil {
			return err
		}
		if err := r.tellAsker(ctx, tx, t); err != nil {
			return err
		}
		return r.happened(ctx, tx, VerbReplied, t, "replied", said)
	})
}

// answered notes the first answer, and who sees to it.
func (r *Room) answered(ctx context.Context, t *Ticket) {
	if t.AnsweredAt.IsZero() {
		t.AnsweredAt = r.now()
	}
	if t.State == Open {
		t.State, t.TakenBy, t.TakenAt = Taken, people.ID(actor.From(ctx).Person), r.now()
	}
}

// tellAsker tells whoever reported that there is an answer. Pupils are not
// mailed: they read it on their page.
func (r *Room) tellAsker(ctx context.Context, tx *store.Tx, t Ticket) error {
	if r.Notices == nil || t.Who == "" || t.Audience == actor.Pupil {
		return nil
	}
	return r.Notices.Send(ctx, tx, notice.Notice{
		Key: fmt.Sprintf("ticket/%s/answer/%d", t.ID, t.Version), To: []string{string(t.Who)}, What: "What you reported about the filter was answered",
		Link: pathMine + "/" + t.ID, Risk: 1,
	})
}

// Close decides a report: what was done, and what whoever reported it reads.
func (r *Room) Close(ctx context.Context, id string, version int64, o Outcome, said string) error {
	bad := store.Invalid{}
	if o.Words() == "" {
		bad["outcome"] = "Choose what was done."
	}
	said, err := answer(said)
	var no store.Invalid
	if errors.As(err, &no) {
		bad["said"] = no["said"]
	}
	if err := bad.OrNil(); err != nil {
		return err
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		t, err := r.handling(ctx, tx, id, version)
		if err != nil {
			return err
		}
		r.answered(ctx, &t)
		t.State, t.Outcome, t.ClosedAt = Closed, o, r.now()
		if err := updateTicket(ctx, tx, t); err != nil {
			return err
		}
		if err := r.tellAsker(ctx, tx, t); err != nil {
			return err
		}
		return r.happened(ctx, tx, VerbClosed, t, "closed", said)
	})
}

// ErrOnce: a report is opened again once.
var ErrOnce = errors.New("it was opened again once already; if it is still not right, tell an adult or report it anew")

// Reopen opens a decided report again, once, for whoever reported it.
func (r *Room) Reopen(ctx context.Context, id, said string) error {
	said, err := answer(said)
	if err != nil {
		return store.Invalid{"said": fmt.Sprintf("Write what is still not right, in at most %d letters.", mostSaid)}
	}
	due, err := r.due(ctx, r.now())
	if err != nil {
		return err
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		t, err := r.mine(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case t.State != Closed:
			return store.ErrStale
		case t.Reopened > 0:
			return ErrOnce
		}
		t.State, t.Reopened, t.DueAt = Open, t.Reopened+1, due
		t.AnsweredAt, t.ClosedAt, t.Outcome = time.Time{}, time.Time{}, ""
		t.Owner = people.Post(r.Live.Current().Choice(keyRoute))
		if err := updateTicket(ctx, tx, t); err != nil {
			return err
		}
		if err := r.tellOwner(ctx, tx, t, "again"); err != nil {
			return err
		}
		return r.happened(ctx, tx, VerbReopened, t, "reopened", said)
	})
}

// mine is a report of the actor's own.
func (r *Room) mine(ctx context.Context, q store.Querier, id string) (Ticket, error) {
	a := actor.From(ctx)
	if a.Person == "" {
		return Ticket{}, store.ErrNotFound
	}
	t, err := r.get(ctx, q, id)
	if err == nil && string(t.Who) != a.Person {
		return Ticket{}, store.ErrNotFound
	}
	return t, err
}

// Retain removes reports that were answered longer ago than the school keeps
// them, with what the journal tells of them.
func (r *Room) Retain(ctx context.Context) (int, error) {
	keep := r.Live.Current().Duration(keyKeep)
	if keep <= 0 {
		return 0, nil
	}
	old, err := closedBefore(ctx, r.DB, r.now().Add(-keep))
	if err != nil {
		return 0, fmt.Errorf("reading which reports are over: %w", err)
	}
	for i, t := range old {
		if err := r.remove(ctx, t); err != nil {
			return i, err
		}
	}
	return len(old), nil
}

func (r *Room) remove(ctx context.Context, t Ticket) error {
	lines, err := r.Journal.List(ctx, journal.Filter{Kind: "ticket", ID: t.ID, Limit: 500})
	if err != nil {
		return fmt.Errorf("reading the journal of a report: %w", err)
	}
	var seqs []int64
	for _, l := range lines {
		seqs = append(seqs, l.Seq)
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		rows, err := deleteTicket(ctx, tx, t.ID)
		if err != nil {
			return err
		}
		if err := r.Journal.EraseDetail(ctx, tx, seqs...); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbRemoved, Kind: "ticket", ID: t.ID, Rows: rows})
	})
}
