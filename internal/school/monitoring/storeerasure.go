package monitoring

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

func insertErasure(ctx context.Context, tx *store.Tx, x Erasure, why string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO erasure_requests (id, person, why, asked_at, asked_by, approval, state, rows_n, done_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`, x.ID, string(x.Person), why, store.At(x.Asked), x.AskedBy, x.Approval, x.State, x.Rows)
	if err != nil {
		return fmt.Errorf("keeping a request to erase: %w", err)
	}
	return nil
}

// moveErasure changes the state, once. rows below one leaves their number.
func moveErasure(ctx context.Context, tx *store.Tx, id, from, to string, rows int, done time.Time) error {
	res, err := tx.ExecContext(ctx, `UPDATE erasure_requests SET state = $1, done_at = $2, rows_n = CASE WHEN $3 > 0 THEN $3 ELSE rows_n END
		WHERE id = $4 AND state = $5`, to, store.At(done), rows, id, from)
	return changedOne(res, err, "changing a request to erase")
}

func (r *Room) erasures(ctx context.Context, rest string, args ...any) ([]Erasure, error) {
	rows, err := r.d.DB.QueryContext(ctx, `SELECT id, person, why, asked_at, asked_by, approval, state, rows_n, done_at FROM erasure_requests `+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the requests to erase: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Erasure
	for rows.Next() {
		var x Erasure
		var why string
		var asked, done store.Time
		if err := rows.Scan(&x.ID, &x.Person, &why, &asked, &x.AskedBy, &x.Approval, &x.State, &x.Rows, &done); err != nil {
			return nil, fmt.Errorf("reading a request to erase: %w", err)
		}
		x.Asked, x.Done = asked.Time, done.Time
		if x.Why, err = r.unsealText(ctx, "erasure-requests", x.ID, why); err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, rows.Err()
}

// signalsOf counts the signals of a pseudonym.
func (r *Room) signalsOf(ctx context.Context, subject string) (open, closed int, err error) {
	err = r.d.DB.QueryRowContext(ctx, `SELECT COALESCE(SUM(CASE WHEN state <> $1 THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN state = $1 THEN 1 ELSE 0 END), 0) FROM signals WHERE subject = $2`, SignalClosed, subject).Scan(&open, &closed)
	if err != nil {
		return 0, 0, fmt.Errorf("counting the signals of a person: %w", err)
	}
	return open, closed, nil
}

func insertHold(ctx context.Context, tx *store.Tx, h Hold, why string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO legal_holds (id, person, why, made_at, made_by, lifted_at, lifted_by) VALUES ($1, $2, $3, $4, $5, 0, '')`,
		h.ID, string(h.Person), why, store.At(h.Made), h.By)
	if err != nil {
		return fmt.Errorf("keeping a legal hold: %w", err)
	}
	return nil
}

func liftHold(ctx context.Context, tx *store.Tx, id string, at time.Time, by string) error {
	done, err := tx.ExecContext(ctx, `UPDATE legal_holds SET lifted_at = $1, lifted_by = $2 WHERE id = $3 AND lifted_at = 0`, store.At(at), by, id)
	return changedOne(done, err, "lifting a legal hold")
}

// holdOf is the hold on a person that stands, or store.ErrNotFound.
func (r *Room) holdOf(ctx context.Context, id people.ID) (Hold, error) {
	var h Hold
	var why string
	var made store.Time
	err := r.d.DB.QueryRowContext(ctx, `SELECT id, person, why, made_at, made_by FROM legal_holds WHERE person = $1 AND lifted_at = 0
		ORDER BY made_at DESC LIMIT 1`, string(id)).Scan(&h.ID, &h.Person, &why, &made, &h.By)
	if err != nil {
		return Hold{}, fmt.Errorf("reading the legal holds: %w", found(err))
	}
	h.Made = made.Time
	h.Why, err = r.unsealText(ctx, "legal-holds", h.ID, why)
	return h, err
}
