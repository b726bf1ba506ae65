package monitoring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// The states of an erasure.
const (
	ErasureAsked   = "asked"
	ErasureAllowed = "allowed" // being carried out
	ErasureRefused = "refused"
	ErasureDone    = "done"
)

// kindErasure is the kind of approval that an erasure asks for.
const kindErasure = "web activity erasure"

// Erasure is a request to take somebody out of the record of web use. One
// person asks, another allows it, and only then is anything removed.
type Erasure struct {
	ID       string
	Person   people.ID
	Why      string
	Asked    time.Time
	AskedBy  string
	Approval string
	State    string
	Rows     int
	Done     time.Time
}

// Hold keeps a person's web activity from being erased: a court, the police or
// a claim needs it.
type Hold struct {
	ID     string
	Person people.ID
	Why    string
	Made   time.Time
	By     string
	Lifted time.Time
}

// Rehearsal is what an erasure would remove, and what stays.
type Rehearsal struct {
	Rows        int
	First, Last time.Time
	Signals     int // closed signals, removed with it
	Open        int // open signals, which stay until they are closed
	Hold        *Hold
}

func mayErase(a actor.Actor) error {
	if isPupil(a) || !a.May(MayErase) || a.Kind != actor.Person {
		return fmt.Errorf("%w: the head and the data manager answer requests about a person's data", store.ErrForbidden)
	}
	return nil
}

// Rehearse counts what an erasure would remove, and changes nothing.
func (r *Room) Rehearse(ctx context.Context, id people.ID) (Rehearsal, error) {
	if err := mayErase(actor.From(ctx)); err != nil {
		return Rehearsal{}, err
	}
	if _, err := r.d.Roll.Get(ctx, id); err != nil {
		return Rehearsal{}, err
	}
	subjects, err := r.d.Names.Subjects(ctx, id)
	if err != nil {
		return Rehearsal{}, fmt.Errorf("joining a name to the record: %w", err)
	}
	var out Rehearsal
	now := r.d.Clock.Now()
	if len(subjects) > 0 {
		held, err := r.d.Memory.Held(ctx, subjects, now.Add(-heldDays*oneDay), now.Add(oneDay))
		if err != nil {
			return out, refusal(err)
		}
		out.Rows, out.First, out.Last = held.Rows, held.First, held.Last
	}
	for _, s := range subjects {
		open, closed, err := r.signalsOf(ctx, s)
		if err != nil {
			return out, err
		}
		out.Open, out.Signals = out.Open+open, out.Signals+closed
	}
	h, err := r.holdOf(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return out, nil
	}
	out.Hold = &h
	return out, err
}

// AskErasure asks somebody else to allow an erasure. Nothing is removed yet.
func (r *Room) AskErasure(ctx context.Context, id people.ID, why string) (Erasure, error) {
	a := actor.From(ctx)
	plan, err := r.Rehearse(ctx, id)
	if err != nil {
		return Erasure{}, err
	}
	why = strings.TrimSpace(why)
	bad := store.Invalid{}
	if n := utf8.RuneCountInString(why); n < minReason || n > maxReason {
		bad["why"] = fmt.Sprintf("Say in %d to %d letters who asked for it, and why it is granted.", minReason, maxReason)
	}
	if plan.Hold != nil {
		bad["person"] = "This record is kept for a legal reason. Nothing of it is removed until that is lifted."
	}
	if string(id) == a.Person {
		bad["person"] = "Nobody removes their own record."
	}
	if r.d.Erase == nil {
		bad[""] = "Erasing is not possible on this server."
	}
	if err := bad.OrNil(); err != nil {
		return Erasure{}, err
	}
	now := r.d.Clock.Now()
	x := Erasure{ID: store.NewID(now), Person: id, Why: why, Asked: now, AskedBy: a.ID, State: ErasureAsked, Rows: plan.Rows}
	sealed, err := r.sealText(ctx, "erasure-requests", x.ID, why)
	if err != nil {
		return x, err
	}
	return x, r.d.DB.Write(ctx, func(tx *store.Tx) error {
		ap, err := r.d.Approvals.Ask(ctx, tx, approval.Request{
			Kind: kindErasure, Record: x.ID, Title: "Remove one person's web activity", Why: "A request about somebody's data. The page says what would go.",
			Link: pathErasure + "/" + x.ID, Deciders: []approval.Decider{{Post: string(people.Headteacher)}}, Expires: now.Add(60 * oneDay),
		})
		if err != nil {
			return err
		}
		x.Approval = ap.ID
		if err := insertErasure(ctx, tx, x, sealed); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbErasureAsked, Kind: "erasure", ID: x.ID, Reason: why,
			After: map[string]any{"person": id, "rows": plan.Rows}, Rows: []journal.Row{{Table: "erasure_requests", ID: x.ID}},
		})
	})
}

// erasureDecided is what happens when somebody decided: it is allowed, and
// carried out by the task, or it is not.
func (r *Room) erasureDecided(ctx context.Context, tx *store.Tx, a approval.Approval) error {
	to := ErasureRefused
	if a.State == approval.Granted {
		to = ErasureAllowed
	}
	if err := moveErasure(ctx, tx, a.Record, ErasureAsked, to, 0, time.Time{}); err != nil {
		return err
	}
	if to == ErasureAllowed && r.d.Soon != nil {
		tx.AfterCommit(r.d.Soon)
	}
	return r.d.Journal.Write(ctx, tx, journal.Entry{
		Verb: VerbErasureDecided, Kind: "erasure", ID: a.Record, After: map[string]string{"state": to},
		Rows: []journal.Row{{Table: "erasure_requests", ID: a.Record}},
	})
}

// erase carries out what was allowed. It may be cut off anywhere: what was
// erased stays so, and the next run ends the rest.
func (r *Room) erase(ctx context.Context) error {
	if r.d.Erase == nil {
		return nil
	}
	ctx = actor.With(ctx, actor.Belisha("monitoring"))
	all, err := r.erasures(ctx, `WHERE state = $1 ORDER BY asked_at LIMIT 50`, ErasureAllowed)
	if err != nil {
		return err
	}
	for _, x := range all {
		if _, err := r.holdOf(ctx, x.Person); !errors.Is(err, store.ErrNotFound) {
			if err != nil {
				return err
			}
			continue // held meanwhile: it waits
		}
		if err := r.eraseOne(ctx, x); err != nil {
			return err
		}
	}
	return nil
}

func (r *Room) eraseOne(ctx context.Context, x Erasure) error {
	subjects, err := r.d.Names.Subjects(ctx, x.Person)
	if err != nil {
		return fmt.Errorf("joining a name to the record: %w", err)
	}
	n := 0
	for _, s := range subjects {
		rows, err := r.d.Erase(ctx, s)
		if err != nil {
			return fmt.Errorf("erasing a person's web activity: %w", err)
		}
		n += rows
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := moveErasure(ctx, tx, x.ID, ErasureAllowed, ErasureDone, n, r.d.Clock.Now()); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbErased, Kind: "erasure", ID: x.ID, After: map[string]any{"rows": n},
			Rows: []journal.Row{{Table: "erasure_requests", ID: x.ID}},
		})
	})
}

// KeepForLaw puts a person's web activity under a legal hold.
func (r *Room) KeepForLaw(ctx context.Context, id people.ID, why string) error {
	a := actor.From(ctx)
	if err := mayErase(a); err != nil {
		return err
	}
	if _, err := r.d.Roll.Get(ctx, id); err != nil {
		return err
	}
	why = strings.TrimSpace(why)
	if n := utf8.RuneCountInString(why); n < minReason || n > maxReason {
		return store.Invalid{"why": fmt.Sprintf("Say in %d to %d letters who needs it, and where that is written.", minReason, maxReason)}
	}
	if _, err := r.holdOf(ctx, id); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	now := r.d.Clock.Now()
	h := Hold{ID: store.NewID(now), Person: id, Made: now, By: a.ID}
	sealed, err := r.sealText(ctx, "legal-holds", h.ID, why)
	if err != nil {
		return err
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertHold(ctx, tx, h, sealed); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbHeld, Kind: "legal hold", ID: h.ID, Reason: why, After: map[string]any{"person": id},
			Rows: []journal.Row{{Table: "legal_holds", ID: h.ID}},
		})
	})
}

// LiftHold ends a legal hold.
func (r *Room) LiftHold(ctx context.Context, id people.ID) error {
	a := actor.From(ctx)
	if err := mayErase(a); err != nil {
		return err
	}
	h, err := r.holdOf(ctx, id)
	if err != nil {
		return err
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := liftHold(ctx, tx, h.ID, r.d.Clock.Now(), a.ID); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbLifted, Kind: "legal hold", ID: h.ID, Rows: []journal.Row{{Table: "legal_holds", ID: h.ID}}})
	})
}
