package concerns

import (
	"context"
	"fmt"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

const actionColumns = "id, concern, kind, given_to, state, made_at, due_at, done_at, until_at, sealed, version"

func (r *Room) scanAction(ctx context.Context, scan func(...any) error) (Action, error) {
	var a Action
	var made, due, done, until store.Time
	var sealed string
	if err := scan(&a.ID, &a.Concern, &a.Kind, &a.GivenTo, &a.State, &made, &due, &done, &until, &sealed, &a.Version); err != nil {
		return a, fmt.Errorf("reading an action: %w", found(err))
	}
	a.Made, a.Due, a.Done, a.Until = made.Time, due.Time, done.Time, until.Time
	return a, r.unseal(ctx, "concern_actions", a.ID, sealed, &a.Words)
}

func (r *Room) insertAction(ctx context.Context, tx *store.Tx, a *Action) error {
	sealed, err := r.seal(ctx, "concern_actions", a.ID, a.Words)
	if err != nil {
		return err
	}
	a.Version = 1
	_, err = tx.ExecContext(ctx, "INSERT INTO concern_actions ("+actionColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		a.ID, a.Concern, a.Kind, string(a.GivenTo), a.State, store.At(a.Made), store.At(a.Due), store.At(a.Done), store.At(a.Until), sealed, a.Version)
	if err != nil {
		return fmt.Errorf("keeping an action: %w", err)
	}
	return nil
}

// endAction keeps that an action was done or dropped.
func (r *Room) endAction(ctx context.Context, tx *store.Tx, a *Action) error {
	sealed, err := r.seal(ctx, "concern_actions", a.ID, a.Words)
	if err != nil {
		return err
	}
	done, err := tx.ExecContext(ctx, "UPDATE concern_actions SET state = $1, done_at = $2, sealed = $3, version = version + 1 WHERE id = $4 AND version = $5",
		a.State, store.At(a.Done), sealed, a.ID, a.Version)
	if err := changedOne(done, err); err != nil {
		return err
	}
	a.Version++
	return nil
}

func (r *Room) action(ctx context.Context, q store.Querier, id string) (Action, error) {
	return r.scanAction(ctx, q.QueryRowContext(ctx, "SELECT "+actionColumns+" FROM concern_actions WHERE id = $1", id).Scan)
}

// actionsOf are the actions of a case, oldest first.
func (r *Room) actionsOf(ctx context.Context, q store.Querier, concern string) ([]Action, error) {
	return r.actions(ctx, q, "concern = $1 ORDER BY made_at, id LIMIT 500", concern)
}

// givenTo are the actions that somebody is still to do.
func (r *Room) givenTo(ctx context.Context, id people.ID) ([]Action, error) {
	return r.actions(ctx, r.d.DB, "given_to = $1 AND state = $2 ORDER BY due_at, id LIMIT 100", string(id), Planned)
}

func (r *Room) actions(ctx context.Context, q store.Querier, rest string, list ...any) ([]Action, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+actionColumns+" FROM concern_actions WHERE "+rest, list...)
	if err != nil {
		return nil, fmt.Errorf("reading actions: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Action
	for rows.Next() {
		a, err := r.scanAction(ctx, rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

type fileWords struct {
	Name string `json:"name"`
	Type string `json:"type"`
	By   string `json:"by,omitempty"`
}

func (r *Room) insertFile(ctx context.Context, tx *store.Tx, concern string, f File) error {
	sealed, err := r.seal(ctx, "concern_files", f.ID, fileWords{f.Name, f.Type, f.By})
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO concern_files (id, concern, blob, bytes, at, sealed) VALUES ($1, $2, $3, $4, $5, $6)",
		f.ID, concern, f.Blob, f.Bytes, store.At(f.At), sealed)
	if err != nil {
		return fmt.Errorf("keeping what is attached: %w", err)
	}
	return nil
}

// filesOf is what is attached to a case.
func (r *Room) filesOf(ctx context.Context, q store.Querier, concern string) ([]File, error) {
	rows, err := q.QueryContext(ctx, "SELECT id, blob, bytes, at, sealed FROM concern_files WHERE concern = $1 ORDER BY at, id LIMIT 100", concern)
	if err != nil {
		return nil, fmt.Errorf("reading what is attached: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []File
	for rows.Next() {
		var f File
		var at store.Time
		var sealed string
		if err := rows.Scan(&f.ID, &f.Blob, &f.Bytes, &at, &sealed); err != nil {
			return nil, fmt.Errorf("reading what is attached: %w", err)
		}
		var w fileWords
		if err := r.unseal(ctx, "concern_files", f.ID, sealed, &w); err != nil {
			return nil, err
		}
		f.At, f.Name, f.Type, f.By = at.Time, w.Name, w.Type, w.By
		out = append(out, f)
	}
	return out, rows.Err()
}
