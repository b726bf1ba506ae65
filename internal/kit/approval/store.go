package approval

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
)

const (
	askColumns  = "id, kind, record, title, why, link, asked_by, asked_name, person, asked_at, expires_at, state, closed_at"
	partColumns = "id, place, post, body, decision, decided_by, name, decided_at, on_day, minute, note, paper"
)

// Ask keeps a request in the transaction of the thing it is about. The actor
// in ctx is who asks.
func (r *Room) Ask(ctx context.Context, tx *store.Tx, q Request) (Approval, error) {
	now := r.Clock.Now().UTC()
	if err := q.check(now); err != nil {
		return Approval{}, err
	}
	who := actor.From(ctx)
	a := Approval{Request: q, ID: store.NewID(now), AskedBy: who.ID, AskedName: who.Name, Person: who.Person, AskedAt: now, State: Open}
	_, err := tx.ExecContext(ctx, "INSERT INTO approvals ("+askColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0)`,
		a.ID, q.Kind, q.Record, q.Title, q.Why, q.Link, a.AskedBy, a.AskedName, a.Person, store.At(now), store.At(q.Expires), string(Open))
	if err != nil {
		return a, fmt.Errorf("asking for an approval: %w", err)
	}
	rows := []journal.Row{{Table: "approvals", ID: a.ID}}
	for i, d := range q.Deciders {
		p := Part{Decider: d, ID: store.NewID(now), Place: i}
		_, err := tx.ExecContext(ctx, "INSERT INTO approval_parts (approval, "+partColumns+`)
			VALUES ($1, $2, $3, $4, $5, '', '', '', 0, '', '', '', $6)`, a.ID, p.ID, i, d.Post, d.Body, false)
		if err != nil {
			return a, fmt.Errorf("asking for an approval: %w", err)
		}
		a.Parts = append(a.Parts, p)
		rows = append(rows, journal.Row{Table: "approval_parts", ID: p.ID})
	}
	if err := r.tellDeciders(ctx, tx, a); err != nil {
		return a, err
	}
	return a, r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbAsked, Kind: "approval", ID: a.ID, After: q, Rows: rows})
}

// Decide keeps what the actor in ctx decides. It returns the approval as it
// stands then.
func (r *Room) Decide(ctx context.Context, id string, d Decision) (a Approval, err error) {
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		a, err = r.DecideIn(ctx, tx, id, d)
		return err
	})
	return a, err
}

// DecideIn is Decide inside a transaction, so that what was asked for can
// happen in the same one.
func (r *Room) DecideIn(ctx context.Context, tx *store.Tx, id string, d Decision) (Approval, error) {
	now := r.Clock.Now().UTC()
	a, err := get(ctx, tx, id)
	if err != nil {
		return a, err
	}
	if a.stateAt(now) != Open {
		return a, ErrClosed
	}
	if d.Place < 0 || d.Place >= len(a.Parts) {
		return a, store.ErrNotFound
	}
	p := &a.Parts[d.Place]
	if p.Decision != "" {
		return a, store.ErrStale
	}
	who := actor.From(ctx)
	if err := r.mayDecide(ctx, a, *p, who); err != nil {
		return a, err
	}
	if err := d.check(*p, now); err != nil {
		return a, err
	}
	p.Decision, p.By, p.Name, p.At = Granted, who.ID, who.Name, now
	p.On, p.Minute, p.Note = d.On, d.Minute, d.Note
	if !d.Yes {
		p.Decision = Refused
	}
	if d.PaperName != "" {
		p.Name, p.Paper = d.PaperName, true
	}
	if err := setPart(ctx, tx, *p); err != nil {
		return a, err
	}
	return a, r.tell(ctx, tx, &a, *p, now)
}

func setPart(ctx context.Context, tx *store.Tx, p Part) error {
	res, err := tx.ExecContext(ctx, `UPDATE approval_parts SET decision = $1, decided_by = $2, name = $3, decided_at = $4,
		on_day = $5, minute = $6, note = $7, paper = $8 WHERE id = $9 AND decision = ''`,
		string(p.Decision), p.By, p.Name, store.At(p.At), p.On, p.Minute, p.Note, p.Paper, p.ID)
	if err != nil {
		return fmt.Errorf("keeping a decision: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		return store.ErrStale
	}
	return err
}

// tell journals a decision and closes the request if it was the last one.
func (r *Room) tell(ctx context.Context, tx *store.Tx, a *Approval, p Part, now time.Time) error {
	line := journal.Entry{
		Verb: VerbApproved, Kind: "approval", ID: a.ID, After: p,
		Rows: []journal.Row{{Table: "approval_parts", ID: p.ID}},
	}
	to := outcome(a.Parts)
	if to == Refused {
		line.Verb = VerbRefused
		line.Rows = append(line.Rows, journal.Row{Table: "approvals", ID: a.ID})
		if err := setState(ctx, tx, a, Refused, now); err != nil {
			return err
		}
	}
	if err := r.Journal.Write(ctx, tx, line); err != nil {
		return err
	}
	switch to {
	case Granted:
		return r.close(ctx, tx, a, Granted, VerbGranted, now)
	case Refused:
		return r.closed(ctx, tx, *a)
	default:
		return nil
	}
}

// close ends a request with a line of its own.
func (r *Room) close(ctx context.Context, tx *store.Tx, a *Approval, to State, verb journal.Verb, now time.Time) error {
	if err := setState(ctx, tx, a, to, now); err != nil {
		return err
	}
	err := r.Journal.Write(ctx, tx, journal.Entry{
		Verb: verb, Kind: "approval", ID: a.ID, After: map[string]any{"state": to},
		Rows: []journal.Row{{Table: "approvals", ID: a.ID}},
	})
	if err != nil {
		return err
	}
	return r.closed(ctx, tx, *a)
}

func setState(ctx context.Context, tx *store.Tx, a *Approval, to State, now time.Time) error {
	res, err := tx.ExecContext(ctx, "UPDATE approvals SET state = $1, closed_at = $2 WHERE id = $3 AND state = $4",
		string(to), store.At(now), a.ID, string(Open))
	if err != nil {
		return fmt.Errorf("closing a request: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, ErrClosed)
	}
	a.State, a.ClosedAt = to, now
	return nil
}

// Withdraw takes a request back; only who asked may.
func (r *Room) Withdraw(ctx context.Context, id string) error {
	now := r.Clock.Now().UTC()
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		a, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		who := actor.From(ctx)
		if who.ID != a.AskedBy && (who.Person == "" || who.Person != a.Person) {
			return store.ErrForbidden
		}
		if a.stateAt(now) != Open {
			return ErrClosed
		}
		return r.close(ctx, tx, &a, Withdrawn, VerbWithdrawn, now)
	})
}

// Tasks close what nobody decided in time.
func (r *Room) Tasks() []tasks.Task {
	return []tasks.Task{{Name: "approval.expire", Every: 15 * time.Minute, Limit: time.Minute, Run: r.expire}}
}

func (r *Room) expire(ctx context.Context) error {
	now := r.Clock.Now().UTC()
	old, err := r.list(ctx, "state = $1 AND expires_at <= $2", string(Open), store.At(now))
	if err != nil {
		return err
	}
	for i := range old {
		err := r.DB.Write(ctx, func(tx *store.Tx) error { return r.close(ctx, tx, &old[i], Expired, VerbExpired, now) })
		if err != nil && !errors.Is(err, ErrClosed) {
			return err
		}
	}
	return nil
}

// Get returns an approval as it stands now.
func (r *Room) Get(ctx context.Context, id string) (Approval, error) {
	a, err := get(ctx, r.DB, id)
	a.State = a.stateAt(r.Clock.Now())
	return a, err
}

// For returns the approvals about a record, newest first.
func (r *Room) For(ctx context.Context, kind, record string) ([]Approval, error) {
	return r.list(ctx, "kind = $1 AND record = $2", kind, record)
}

func get(ctx context.Context, q store.Querier, id string) (Approval, error) {
	a, err := scanAsk(q.QueryRowContext(ctx, "SELECT "+askColumns+" FROM approvals WHERE id = $1", id))
	if errors.Is(err, sql.ErrNoRows) {
		return a, store.ErrNotFound
	}
	if err != nil {
		return a, fmt.Errorf("reading an approval: %w", err)
	}
	return a, parts(ctx, q, &a)
}

func scanAsk(row interface{ Scan(...any) error }) (Approval, error) {
	var a Approval
	var asked, expires, closed store.Time
	err := row.Scan(&a.ID, &a.Kind, &a.Record, &a.Title, &a.Why, &a.Link, &a.AskedBy, &a.AskedName, &a.Person,
		&asked, &expires, &a.State, &closed)
	a.AskedAt, a.Expires, a.ClosedAt = asked.Time, expires.Time, closed.Time
	return a, err
}

func parts(ctx context.Context, q store.Querier, a *Approval) error {
	rows, err := q.QueryContext(ctx, "SELECT "+partColumns+" FROM approval_parts WHERE approval = $1 ORDER BY place", a.ID)
	if err != nil {
		return fmt.Errorf("reading an approval: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var p Part
		var at store.Time
		err := rows.Scan(&p.ID, &p.Place, &p.Post, &p.Body, &p.Decision, &p.By, &p.Name, &at, &p.On, &p.Minute, &p.Note, &p.Paper)
		if err != nil {
			return fmt.Errorf("reading an approval: %w", err)
		}
		p.At = at.Time
		a.Parts = append(a.Parts, p)
		a.Deciders = append(a.Deciders, p.Decider)
	}
	return rows.Err()
}

// list returns up to 500 approvals, newest first.
func (r *Room) list(ctx context.Context, where string, args ...any) ([]Approval, error) {
	rows, err := r.DB.QueryContext(ctx, "SELECT "+askColumns+" FROM approvals WHERE "+where+" ORDER BY id DESC LIMIT 500", args...)
	if err != nil {
		return nil, fmt.Errorf("listing approvals: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Approval
	for rows.Next() {
		a, err := scanAsk(rows)
		if err != nil {
			return nil, fmt.Errorf("listing approvals: %w", err)
		}
		out = append(out, a)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing approvals: %w", err)
	}
	now := r.Clock.Now()
	for i := range out {
		out[i].State = out[i].stateAt(now)
		if err := parts(ctx, r.DB, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
